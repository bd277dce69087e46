"""The contract's tests can fail: for each there is a connector that breaks just that promise.

``Exemplary`` (``toy.py``) keeps every promise. A twin is the same connector with one fault; the test of its name must
catch it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pmo_sync.model import (
    Census,
    Identity,
    Interval,
    Issue,
    Page,
    Project,
    Trace,
)
from tests.contract.connector import ConnectorContract, ServerConnectorContract
from tests.contract.toy import HOUR, PROJECT, SECRET, START, Exemplary, ToyHarness


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


def _ends_with_the_rest(self: Exemplary, pages: Pages, cursor: str | None) -> Pages:
    for page in pages:
        yield page
        if not page.issues:
            return


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


class _TellsLater(Exemplary):
    def census(self, project: Project, *, sweep: bool) -> Census:
        made = super().census(project, sweep=sweep)
        return replace(made, changed_at={one: at + HOUR for one, at in made.changed_at.items()})


class _Nobody(Exemplary):
    def check(self) -> Identity:
        return Identity("", "", None)


class _ReadsRefusalAsEmpty(Exemplary):
    def allowed(self) -> None:
        """As if an empty tracker had answered."""


class _ReadsOnlyNews(Exemplary):
    def since(self, moment: datetime, cursor: str) -> str:
        return super().since(self.tracker.now, cursor)


class _ReadsAll(Exemplary):
    def since(self, moment: datetime, cursor: str) -> str:
        return super().since(START, cursor)


class _BuriesAll(Exemplary):
    def trace(self, project: Project, issue_ids: Sequence[str]) -> Iterator[Trace]:
        return (Trace(one, "gone") for one in issue_ids)


class _TracesOnce(Exemplary):
    def trace(self, project: Project, issue_ids: Sequence[str]) -> Iterator[Trace]:
        return (one for one in super().trace(project, issue_ids) if one.fate != "gone")


class _GoesOn(Exemplary):
    def close(self) -> None:
        """As if nothing were said."""


class _TakesWhatComes(Exemplary):
    def found(self, since: str) -> list[int]:
        return list(self.tracker.changed_at) if self.tracker.ignores_bounds else super().found(since)


class _Boasts(Exemplary):
    def requests(self, issues: int) -> int:
        return 1


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
    "test_a_pass_that_resumes_knows_what_changed_behind_it": _pages(_ends_with_the_rest),
    "test_an_incremental_pass_finds_the_change_and_little_else": _pages(_forgets_changes),
    "test_nothing_new_is_read_again_after_the_last_page": _pages(_reads_all_again),
    "test_a_cursor_made_from_a_moment_reads_what_changed_since": _ReadsOnlyNews,
    "test_a_malformed_issue_is_a_problem_and_the_rest_is_kept": _SwallowsProblems,
    "test_what_is_private_stays_at_the_tracker": _issues(title=SECRET),
    "test_no_nul_reaches_the_store": _issues(title="a\0b"),
    "test_the_census_agrees": _Miscounts,
    "test_the_list_tells_of_no_other_change_than_the_issue": _TellsLater,
    "test_what_a_sweep_missed_is_traced": _BuriesAll,
    "test_closing_ends_what_is_under_way": _GoesOn,
    "test_we_are_known": _Nobody,
    "test_a_wrong_token_is_an_access_error": _ReadsRefusalAsEmpty,
    "test_a_dead_server_is_a_tracker_error": _ReadsRefusalAsEmpty,
    "test_no_row_older_than_the_bound_is_taken": _TakesWhatComes,
    "test_requests_are_foretold": _Boasts,
}
# a second fault of the same promise
MORE_TWINS = (
    ("test_an_incremental_pass_finds_the_change_and_little_else", _pages(_reads_all_again)),
    ("test_a_pass_resumes_after_any_page", _pages(_starts_again)),
    ("test_a_cursor_made_from_a_moment_reads_what_changed_since", _ReadsAll),
    ("test_what_a_sweep_missed_is_traced", _TracesOnce),
)


@pytest.mark.parametrize(("promise", "twin"), [*TWINS.items(), *MORE_TWINS])
def test_the_contract_catches_the_twin(promise: str, twin: type[Exemplary]) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(ServerConnectorContract(), promise)(ToyHarness(twin))


def test_every_promise_has_a_twin() -> None:
    promises = {name for name in dir(ServerConnectorContract) if name.startswith("test_")}
    assert promises == set(TWINS)
    assert {name for name in dir(ConnectorContract) if name.startswith("test_")} < promises
