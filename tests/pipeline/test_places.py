"""Which document is meant by a name on the command line."""

from __future__ import annotations

import pytest

from pmo_sync.errors import ConfigError
from pmo_sync.pipeline.places import adopted
from reports.document import Document
from tests.reports_publish.test_places import place


def documents(*slots: str) -> list[Document]:
    return [Document(slot, slot, "en", ()) for slot in slots]


PLANNED = [
    (place("confluence", name="wiki"), documents("project/pay", "project/jira:CRM", "portfolio")),
    (place("folder", name="share"), documents("portfolio")),
]


def test_a_document_is_named_by_place_and_slot_or_by_a_slot_only_one_place_has() -> None:
    assert adopted(PLANNED, ["wiki:portfolio"]) == {("wiki", "portfolio")}
    assert adopted(PLANNED, ["project/pay"]) == {("wiki", "project/pay")}
    assert adopted(PLANNED, ["wiki:project/jira:CRM", "project/jira:CRM"]) == {("wiki", "project/jira:CRM")}
    assert adopted(PLANNED, []) == frozenset()


def test_every_name_that_means_none_or_several_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        adopted(PLANNED, ["portfolio", "share:project/pay"])
    several, none = caught.value.problems
    assert several == "--adopt portfolio: in several places; say which: wiki:portfolio or share:portfolio"
    assert none.startswith("--adopt share:project/pay: no such document; there are share:portfolio, wiki:portfolio, ")
