"""The contract's tests can fail: for each there is a connector that breaks just that promise.

``Exemplary`` reads a tracker that lives in memory and keeps every promise. A twin is the same connector with one fault;
the test of its name must catch it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from connectors.base import Traits
from pmo_sync.errors import AccessError, PmoSyncError, TrackerError
from pmo_sync.model import Catalogue, Census, Identity, Interval, Issue, Page, Person, Problem, Project, Status
from tests.contract.connector import ConnectorContract, ServerConnectorContract, ServerHarness

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET = "the description nobody stores"
PROJECT = Project("toy:1", "toy", "TOY", "Toy", "http://127.0.0.1/toy", is_archived=False)
PAGE = 4


class Tracker:
    """Ten issues that were started, labelled and linked, one of them three days ago."""

    def __init__(self) -> None:
        self.now = START + 40 * 24 * HOUR
        self.changed_at = {number: START + number * 24 * HOUR for number in range(1, 11)}
        self.malformed: int | None = None


class Exemplary:
    """Keeps the contract. Every step is a method, so that a twin can break one."""

    source = "toy"
    traits = Traits(incremental=True, counts=True)

    def __init__(self, tracker: Tracker, refusal: PmoSyncError | None = None) -> None:
        self.tracker = tracker
        self.refusal = refusal

    def check(self) -> Identity:
        self.allowed()
        return Identity("me", "Toy 1", self.tracker.now)

    def catalogue(self) -> Catalogue:
        self.allowed()
        return Catalogue((PROJECT,), (Status("toy:s1", "toy", "Open", "todo"),), ())

    def census(self, project: Project, *, sweep: bool) -> Census:
        self.allowed()
        ids = frozenset(f"toy:{number}" for number in self.tracker.changed_at)
        return Census(project.project_id, len(ids), ids if sweep else None)

    def pages(self, project: Project, cursor: str | None) -> Iterator[Page]:
        self.allowed()
        place = json.loads(cursor) if cursor else {"since": "", "after": 0, "now": self.tracker.now.isoformat()}
        if place["after"] is None:
            place = {"since": place["now"], "after": 0, "now": self.tracker.now.isoformat()}
        wanted = [number for number in self.found(place["since"]) if number > place["after"]]
        for start in range(0, len(wanted), PAGE):
            numbers = wanted[start : start + PAGE]
            yield self.page(numbers, json.dumps({**place, "after": numbers[-1]}))
        yield Page((), (), (), (), json.dumps({**place, "after": None}))

    def allowed(self) -> None:
        if self.refusal:
            raise self.refusal

    def found(self, since: str) -> list[int]:
        return [number for number, at in self.tracker.changed_at.items() if not since or at.isoformat() >= since]

    def page(self, numbers: list[int], cursor: str) -> Page:
        good = [number for number in numbers if number != self.tracker.malformed]
        problems = tuple(Problem(f"TOY-{one}", "field status is missing") for one in numbers if one not in good)
        intervals = tuple(one for number in good for one in self.intervals(number))
        people = (Person("toy:person-1", "toy", "Ann"),)
        return Page(tuple(self.issue(number) for number in good), intervals, people, problems, cursor)

    def issue(self, number: int) -> Issue:
        at = self.tracker.changed_at[number]
        return Issue(f"toy:{number}", "toy", "toy:1", f"TOY-{number}", "A title", "Task", 0, START, at, "http://127.0.0.1/1", is_confidential=False)  # fmt: skip

    def intervals(self, number: int) -> list[Interval]:
        key, at = f"toy:{number}", self.tracker.changed_at[number]
        return [
            Interval(key, "status", "toy:s1", "Open", START, at),
            Interval(key, "status", "toy:s2", "Doing", at, None),
            Interval(key, "kind", "Task", "Task", START, None),
            Interval(key, "project", "toy:1", "TOY", START, None),
            Interval(key, "label", "urgent", "urgent", START, at),
            Interval(key, "label", "urgent", "urgent", at + HOUR, None),
            Interval(key, "blocks", "https://gitlab.example.org/a/b/-/issues/1", "a/b#1", at, None),
        ]


class ToyHarness(ServerHarness):
    """The toy tracker, read by whichever connector is on trial."""

    source = "toy"
    project_key = "TOY"
    hidden = (SECRET,)

    def __init__(self, kind: type[Exemplary]) -> None:
        self.tracker = Tracker()
        self.kind = kind

    def connect(self) -> Exemplary:
        return self.kind(self.tracker)

    def connect_with_wrong_token(self) -> Exemplary:
        return self.kind(self.tracker, AccessError("401: set a new token"))

    def connect_to_nobody(self) -> Exemplary:
        return self.kind(self.tracker, TrackerError("no answer"))

    def issue_ids(self) -> frozenset[str]:
        return frozenset(f"toy:{number}" for number in self.tracker.changed_at)

    def now(self) -> datetime:
        return self.tracker.now

    def change(self) -> str:
        self.tracker.now += HOUR
        self.tracker.changed_at[5] = self.tracker.now
        return "toy:5"

    def malform(self) -> str:
        self.tracker.malformed = 3
        return "toy:3"


class TestExemplary(ServerConnectorContract):
    """The connector that the twins are made from keeps every promise."""

    @pytest.fixture
    def harness(self) -> ToyHarness:
        return ToyHarness(Exemplary)


Pages = Iterator[Page]


def _intervals(fault: Callable[[Interval], Interval | None]) -> type[Exemplary]:
    """A twin whose intervals went through ``fault``; None drops one."""

    class Twin(Exemplary):
        def intervals(self, number: int) -> list[Interval]:
            return [made for one in super().intervals(number) if (made := fault(one)) is not None]

    return Twin


def _pages(fault: Callable[[Exemplary, Pages, str | None], Pages]) -> type[Exemplary]:
    """A twin whose pages went through ``fault``."""

    class Twin(Exemplary):
        def pages(self, project: Project, cursor: str | None) -> Pages:
            return fault(self, super().pages(project, cursor), cursor)

    return Twin


def _issues(**changed: Any) -> type[Exemplary]:
    """A twin whose issues differ."""

    class Twin(Exemplary):
        def issue(self, number: int) -> Issue:
            return super().issue(number)._replace(**changed)

    return Twin


def _elsewhere(one: datetime | None) -> datetime | None:
    return one and one.astimezone(timezone(timedelta(hours=7)))


def _loses_the_last_issue(self: Exemplary, pages: Pages, cursor: str | None) -> Pages:
    for page in pages:
        yield page if cursor is None else replace(page, issues=page.issues[:-1], intervals=())


def _starts_again(self: Exemplary, pages: Pages, cursor: str | None) -> Pages:
    for page in pages:
        yield replace(page, cursor=json.dumps({"since": "9", "after": 0, "now": "9"}) if page.issues else page.cursor)


def _forgets_changes(self: Exemplary, pages: Pages, cursor: str | None) -> Pages:
    for page in pages:
        yield page if cursor is None else replace(page, issues=(), intervals=())


def _reads_all_again(self: Exemplary, pages: Pages, cursor: str | None) -> Pages:
    yield from pages if cursor is None else Exemplary.pages(self, PROJECT, None)


class _Unsteady(Exemplary):
    runs = 0

    def intervals(self, number: int) -> list[Interval]:
        type(self).runs += 1
        return [one._replace(label=str(type(self).runs)) for one in super().intervals(number)]


class _SwallowsProblems(Exemplary):
    def page(self, numbers: list[int], cursor: str) -> Page:
        return replace(super().page(numbers, cursor), problems=())


class _Miscounts(Exemplary):
    def census(self, project: Project, *, sweep: bool) -> Census:
        return replace(super().census(project, sweep=sweep), count=1)


class _Nobody(Exemplary):
    def check(self) -> Identity:
        return Identity("", "", None)


class _ReadsRefusalAsEmpty(Exemplary):
    def allowed(self) -> None:
        """As if an empty tracker had answered."""


TWINS: dict[str, type[Exemplary]] = {
    "test_ids_start_with_the_source": _intervals(lambda one: one._replace(value=one.value.removeprefix("toy:"))),
    "test_a_full_pass_brings_every_issue_once": _pages(
        lambda self, pages, cursor: (p for page in pages for p in (page, page))
    ),
    "test_pages_are_whole": _intervals(lambda one: None if one.field == "kind" else one),
    "test_single_values_do_not_overlap_and_the_last_holds": _intervals(
        lambda one: one._replace(until=None) if one.field == "status" else one
    ),
    "test_members_of_sets_do_not_overlap_themselves": _intervals(
        lambda one: one._replace(until=None) if one.field == "label" else one
    ),
    "test_only_known_fields": _intervals(lambda one: one._replace(field="colour") if one.field == "label" else one),
    "test_times_are_aware_and_utc": _intervals(
        lambda one: one._replace(since=_elsewhere(one.since) or one.since, until=_elsewhere(one.until))
    ),
    "test_nothing_happens_before_creation_or_in_no_time": _intervals(lambda one: one._replace(since=one.since - HOUR)),
    "test_values_set_at_creation_start_there": _intervals(
        lambda one: one._replace(since=START + HOUR) if one.field == "kind" else one
    ),
    "test_storing_everything_twice_changes_nothing": _Unsteady,
    "test_a_pass_resumes_after_any_page": _pages(_loses_the_last_issue),
    "test_an_incremental_pass_finds_the_change_and_little_else": _pages(_forgets_changes),
    "test_nothing_new_is_read_again_after_the_last_page": _pages(_reads_all_again),
    "test_a_malformed_issue_is_a_problem_and_the_rest_is_kept": _SwallowsProblems,
    "test_what_is_private_stays_at_the_tracker": _issues(title=SECRET),
    "test_no_nul_reaches_the_store": _issues(title="a\0b"),
    "test_the_census_agrees": _Miscounts,
    "test_we_are_known": _Nobody,
    "test_a_wrong_token_is_an_access_error": _ReadsRefusalAsEmpty,
    "test_a_dead_server_is_a_tracker_error": _ReadsRefusalAsEmpty,
}
# a second fault of the same promise
MORE_TWINS = (
    ("test_an_incremental_pass_finds_the_change_and_little_else", _pages(_reads_all_again)),
    ("test_a_pass_resumes_after_any_page", _pages(_starts_again)),
)


@pytest.mark.parametrize(("promise", "twin"), [*TWINS.items(), *MORE_TWINS])
def test_the_contract_catches_the_twin(promise: str, twin: type[Exemplary]) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(ServerConnectorContract(), promise)(ToyHarness(twin))


def test_every_promise_has_a_twin() -> None:
    promises = {name for name in dir(ServerConnectorContract) if name.startswith("test_")}
    assert promises == set(TWINS)
    assert {name for name in dir(ConnectorContract) if name.startswith("test_")} < promises
