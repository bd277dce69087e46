"""Which documents go where, and which is meant by a name on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pmo_sync.assessed import Assessed
from pmo_sync.config import Config, load
from pmo_sync.errors import ConfigError
from pmo_sync.pipeline.places import adopted, plan
from reports.document import Document, Table
from tests.reports import sample
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


CONFIG = """
[source.a]
kind = "files"
path = "archive"
[place.wiki]
kind = "confluence"
flavour = "cloud"
url = "https://wiki.example"
user = "bot"
token = { env = "TOKEN" }
space = "PMO"
[place.share]
kind = "folder"
path = "published"
"""


def config(folder: Path, reports: str) -> Config:
    file = folder / "pmo-sync.toml"
    file.write_text(CONFIG + reports, encoding="utf-8")
    return load(file, {"TOKEN": "secret"}, ("files",))


def planned(made: Config, assessed: Assessed, name: str) -> list[Document]:
    return next((list(documents) for place, documents in plan(made, assessed) if place.name == name), [])


def rows(document: Document) -> int:
    return max(len(one.rows) for one in document.blocks if isinstance(one, Table))


@pytest.mark.parametrize(("name", "is_whole"), [("wiki", False), ("share", True)])
def test_a_page_of_confluence_does_not_grow_with_the_portfolio(tmp_path: Path, name: str, *, is_whole: bool) -> None:
    made = config(tmp_path, '[[report]]\nreport = "portfolio"\nplaces = ["wiki", "share"]\n')
    (page,) = planned(made, sample.grown(200, "Long", ""), name)
    assert (rows(page) == 200) is is_whole


@pytest.mark.parametrize("which", [('["pay"]', ""), ("", '["pay"]')])
def test_two_reports_for_one_place_are_taken_together(tmp_path: Path, which: tuple[str, str]) -> None:
    """One that names its subjects takes nothing from one that wants all."""
    text = "".join(
        f'[[report]]\nreport = "project"\nplaces = ["wiki"]\n{f"subjects = {one}" if one else ""}\n' for one in which
    )
    made = config(tmp_path, text)
    found = {one.slot for one in planned(made, sample.assessed(), "wiki")}
    assert found == {f"project/{id_}" for id_, *_ in sample.PROJECTS}


def test_a_report_goes_where_it_is_named(tmp_path: Path) -> None:
    first = '[[report]]\nreport = "project"\nplaces = ["wiki"]\nsubjects = ["pay"]\n'
    made = config(tmp_path, first + first.replace('"pay"', '"crm"') + first.replace("wiki", "share"))
    where = {one: planned(made, sample.assessed(), one) for one in ("wiki", "share")}
    assert {name: {one.slot for one in ones} for name, ones in where.items()} == {
        "wiki": {"project/pay", "project/crm"},
        "share": {"project/pay"},
    }
