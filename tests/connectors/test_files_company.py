"""The simulated company written as a folder and read back equals what its generator says is true."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from random import Random
from typing import get_args

import pytest

from pmo_sync.demo import portfolio, truth
from pmo_sync.demo.company import Company, Tracker
from pmo_sync.demo.export import write_files
from pmo_sync.model import Catalogue, Page, person_id
from tests.connectors.test_files import connector, read

Read = tuple[Company, Catalogue, list[Page]]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Read:
    made = portfolio.generate(quick=True)
    made.addresses = {tracker: f"http://{tracker}.invalid" for tracker in get_args(Tracker)}
    folder = tmp_path_factory.mktemp("history")
    write_files(made, [one.key for one in made.projects], folder)
    found = connector(folder)
    pages = [page for many in read(found).values() for page in many]
    return made, found.catalogue(), pages


def test_everything_is_understood(company: Read) -> None:
    made, catalogue, pages = company
    assert catalogue.problems == ()
    assert not [problem for page in pages for problem in page.problems]
    expected = {tracker: truth.issues(made, tracker, made.now) for tracker in get_args(Tracker)}
    facts = {f"old:{tracker}-{one.id}": one for tracker, many in expected.items() for one in many.values()}
    found = {one.issue_id: one for page in pages for one in page.issues}
    assert found.keys() == facts.keys()
    for key, fact in facts.items():
        one = found[key]
        assert (one.key, one.kind, one.level, one.created_at, one.updated_at, one.is_confidential, one.superseded) == (
            fact.key, fact.kind, fact.level, fact.created_at, fact.updated_at, fact.is_confidential, fact.superseded,
        )  # fmt: skip
        assert one.title == fact.title.replace("\0", "")


def test_the_state_is_true_at_any_moment(company: Read) -> None:
    made, _, pages = company
    rng = Random(11)
    span = int(timedelta(days=200) / timedelta(seconds=1))
    for moment in [made.now, *(made.now - timedelta(seconds=rng.randrange(span)) for _ in range(5))]:
        states = held(pages, moment)
        expected = {}
        for tracker in get_args(Tracker):
            then = truth.states(made, tracker, moment, made.now)
            for one in truth.issues(made, tracker, made.now).values():
                state = then.get(one.key)
                if state is not None:
                    shown = state.status if state.status == "closed" else state.workflow or state.status
                    expected[f"old:{tracker}-{one.id}"] = (
                        {shown}, set(state.labels), set(state.milestones), _pseudonyms(state.assignee),
                        {state.due_on} - {None}, {state.health} - {None}, {state.parent} - {None},
                    )  # fmt: skip
        assert expected
        assert states == expected


def _pseudonyms(worker: str | None) -> set[str]:
    return {person_id("old", worker).removeprefix("old:")} if worker else set()


def held(pages: list[Page], moment: datetime) -> dict[str, tuple[set[str], ...]]:
    by_label = ("status", "milestone", "parent")
    fields = ("status", "label", "milestone", "assignee", "due_on", "health", "parent")
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in (interval for page in pages for interval in page.intervals):
        if one.since <= moment and (one.until is None or moment < one.until):
            value = one.label if one.field in by_label else one.value.removeprefix("old:")
            found[one.entity_id][one.field].add(value)
    return {key: tuple(values[field] for field in fields) for key, values in found.items()}
