"""Pulling with a connector that does what the test says: what is kept, what comes again, what the certificate admits."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import connectors
from connectors.base import Traits
from pmo_sync.certificate import ProjectCertificate, SourceCertificate, below, from_json, trust
from pmo_sync.clock import FixedClock
from pmo_sync.config.projects import is_asked_for
from pmo_sync.errors import AccessError, ShutOutError, TrackerError
from pmo_sync.http.network import Network
from pmo_sync.model import (
    Catalogue,
    Census,
    Fate,
    Identity,
    Interval,
    Issue,
    Page,
    Problem,
    Project,
    Trace,
)
from pmo_sync.pipeline.certified import remember
from pmo_sync.pipeline.discretion import discreet, discreet_text
from pmo_sync.pipeline.publication import refusals
from pmo_sync.pipeline.pull import pull_sources
from pmo_sync.pipeline.runs import _pulled
from pmo_sync.pipeline.workspace import Workspace
from pmo_sync.record import Record
from pmo_sync.result import Silence
from pmo_sync.store import Store, vanishing

NOW = datetime(2026, 11, 16, tzinfo=UTC)
BORN = NOW - timedelta(days=30)


@dataclass
class Tracker:
    """A tracker with one number a day as its whole state: issue number -> (changed on day, status)."""

    projects: list[str] = field(default_factory=lambda: ["A"])
    issues: dict[str, dict[int, tuple[int, str]]] = field(default_factory=dict)
    malformed: set[int] = field(default_factory=set)
    told_at: dict[int, datetime] = field(default_factory=dict)  # when each changed last, as its list says
    named: str = "{key}"  # how problems name an issue: by its key, or by its id
    refuses: dict[str, Exception] = field(default_factory=dict)
    born_while_reading: dict[int, tuple[int, str]] = field(default_factory=dict)
    counts: bool = True
    fates: dict[int, Fate] = field(default_factory=dict)
    silent_about: set[int] = field(default_factory=set)  # nobody says what has become of them
    odd_catalogue: Problem | None = None
    numbers: dict[str, str] = field(default_factory=dict)  # key -> native id; the key itself where it is left out
    census_fails: TrackerError | None = None
    is_dead: bool = False
    token_ends: date | None = None
    shuts_out: Exception | None = None  # before it says who we are
    sweeps: int = 0
    remarks: dict[int, str] = field(default_factory=dict)  # what the page of an issue says beside
    answers: int | None = None  # how many pages of a pass, before the connection breaks
    closed: int = 0
    asked: list[tuple[str, str | None]] = field(default_factory=list)


class Scripted:
    source = "s"
    traits = Traits(incremental=True, counts=True)

    def __init__(self, tracker: Tracker, day: int, names: Sequence[str]) -> None:
        self.tracker, self.day, self.names = tracker, day, names

    def check(self) -> Identity:
        if self.tracker.is_dead and self.tracker.asked:
            raise TrackerError("no answer")
        if self.tracker.shuts_out:
            raise self.tracker.shuts_out
        return Identity("me", "Scripted 1", NOW, self.tracker.token_ends)

    def catalogue(self) -> Catalogue:
        numbers = {key: self.tracker.numbers.get(key, key) for key in self.tracker.projects}
        made = tuple(Project(f"s:{n}", "s", key, key, "", is_archived=False) for key, n in numbers.items())
        shown = {key.lower() for key in self.tracker.projects}
        lacking = [Problem(name, "not there") for name in self.names if name.lower() not in shown]
        odd = [self.tracker.odd_catalogue] if self.tracker.odd_catalogue else []
        return Catalogue(made, (), (), problems=(*lacking, *odd))

    def pages(self, project: Project, cursor: str | None) -> Iterator[Page]:
        self.tracker.asked.append((project.key, cursor))
        if project.key in self.tracker.refuses:
            raise self.tracker.refuses[project.key]
        since, after = (int(one) for one in (cursor or "-100 0").split())
        every = self.tracker.issues.get(project.project_id[2:], {})
        changed = {n: one for n, one in every.items() if one[0] >= since and n > after}
        for answered, (number, (_, status)) in enumerate(sorted(changed.items())):
            if answered == self.tracker.answers:
                raise TrackerError("the connection broke")
            id_, here = f"{project.project_id}{number}", f"{since} {number}"
            if number in self.tracker.malformed:
                subject = self.tracker.named.format(key=id_, native=id_.removeprefix("s:"))
                yield Page((), (), (), (Problem(subject, "cannot be read"),), here)
                continue
            issue = Issue(id_, "s", project.project_id, id_, "T", "Task", 0, BORN, BORN, "", is_confidential=False)
            yield Page(
                (issue,),
                (Interval(id_, "status", status, status, BORN, None),),
                (),
                (),
                here,
                notes=self.remark(number),
            )
        self.tracker.issues.setdefault(project.project_id[2:], {}).update(self.tracker.born_while_reading)
        yield Page((), (), (), (), f"{self.day} 0", notes=self.remark(0))

    def remark(self, number: int) -> tuple[Problem, ...]:
        return tuple(Problem("A", what) for at, what in self.tracker.remarks.items() if at == number)

    def census(self, project: Project, *, sweep: bool) -> Census:
        if self.tracker.census_fails:
            raise self.tracker.census_fails
        self.tracker.sweeps += sweep
        ids = frozenset(
            f"{project.project_id}{number}" for number in self.tracker.issues.get(project.project_id[2:], {})
        )
        told = {f"{project.project_id}{number}": at for number, at in self.tracker.told_at.items()} if sweep else {}
        return Census(project.project_id, len(ids) if self.tracker.counts else None, ids if sweep else None, told)

    def trace(self, project: Project, issue_ids: Sequence[str]) -> Iterator[Trace]:
        for one in issue_ids:
            number = int(one.removeprefix(project.project_id))
            if number not in self.tracker.silent_about:
                yield Trace(one, self.tracker.fates.get(number, "gone"))

    def since(self, moment: datetime, cursor: str) -> str:
        return f"{(moment - NOW).days} 0"

    def close(self) -> None:
        self.tracker.closed += 1


class Days:
    """One pull a day into one store."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "s.duckdb"
        self.store = Store.open(self.file)
        self.record = Record(folder / "record")
        self.tracker = Tracker()
        self.day = 0
        self.names: tuple[str, ...] = ()  # of the projects that the configuration asks for
        monkeypatch.setattr(
            connectors, "connect", lambda options, network: Scripted(self.tracker, self.day, options.projects)
        )

    def pull(self, hours: float = 24, **asked: Any) -> SourceCertificate:
        self.day += 1
        self.clock = FixedClock(getattr(self, "clock", FixedClock(NOW)).now() + timedelta(hours=hours))
        config = SimpleNamespace(name="s", projects=self.names, statuses={}, shrink_limit=0.5)
        known = SimpleNamespace(
            roles={}, status_map=frozenset(), sources=(config,), person_months=13, required_grade="failed",
            places=(SimpleNamespace(write=True),),
        )  # fmt: skip
        self.workspace = Workspace(known, Network(self.clock), self.store, self.record, f"run-{self.day:03}")
        (made,) = pull_sources(self.workspace, [config], Silence(), **{"full": False, **asked})
        remember(self.workspace, [made])
        return made

    def refused(self) -> list[str]:
        """Why nothing would be published."""
        return refusals(self.workspace, SimpleNamespace(as_of=NOW))

    def begin_database_anew(self) -> None:
        """As after an upgrade, or when the file was lost."""
        self.store.close()
        self.file.unlink()
        self.store = Store.open(self.file)

    def status(self, id_: str) -> str | None:
        query = (
            "SELECT value FROM history JOIN issue ON issue.issue = history.entity WHERE issue_id = ? AND until IS NULL"
        )
        rows = self.store.rows(query, [id_])
        return rows[0][0] if rows else None

    def ids(self, key: str = "A") -> set[str]:
        return set(self.store.issue_ids(f"s:{key}"))


@pytest.fixture
def days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Days]:
    made = Days(tmp_path, monkeypatch)
    made.tracker.issues = {"A": dict.fromkeys(range(1, 11), (0, "open"))}
    yield made
    made.store.close()


def test_everything_then_only_what_changed(days: Days) -> None:
    assert days.pull().grade == "complete"
    days.tracker.issues["A"][3] = (2, "done")
    assert days.pull().grade == "complete"
    assert days.status("s:A3") == "done"
    assert days.tracker.asked == [("A", None), ("A", "1 0")]


def test_what_pages_say_beside_is_in_the_certificate_and_no_problem(days: Days) -> None:
    days.tracker.remarks = {3: "a word", 4: "another", 0: "and the last"}
    made = days.pull()
    assert made.grade == "complete"
    assert made.skipped == tuple(Problem("A", what) for what in ("a word", "another", "and the last"))


def test_a_change_that_could_not_be_read_comes_again(days: Days) -> None:
    days.pull()
    days.tracker.issues["A"][3] = (2, "done")
    days.tracker.malformed = {3}
    assert days.pull().grade == "incomplete"
    assert days.pull().grade == "incomplete"
    days.tracker.malformed = set()
    assert days.pull().grade == "complete"
    assert days.status("s:A3") == "done"


@pytest.mark.parametrize("is_full", [False, True])
def test_a_change_that_could_not_be_read_comes_again_whatever_else_fails(days: Days, is_full: bool) -> None:
    days.pull()
    days.tracker.issues["A"][3] = (2, "done")
    days.tracker.malformed = {3}
    if not is_full:
        days.tracker.census_fails = TrackerError("502")
    days.pull(full=is_full)
    days.tracker.malformed, days.tracker.census_fails = set(), None
    for _ in range(3):
        days.pull(full=is_full)
        assert days.status("s:A3") == "done"


def test_a_pass_that_meets_an_unreadable_change_does_not_stay_where_another_was_cut_off(days: Days) -> None:
    days.pull()
    days.tracker.issues["A"] |= dict.fromkeys(range(1, 11), (2, "doing"))
    days.tracker.answers = 5
    days.pull()
    days.tracker.answers, days.tracker.malformed = None, {8}
    days.pull()
    days.tracker.issues["A"][1] = (4, "done")
    days.pull()
    assert days.status("s:A1") == "done"
    assert [cursor for _, cursor in days.tracker.asked] == [None, "1 0", "1 5", "1 0"]


def test_what_stays_unreadable_is_passed_over_and_not_forgotten(days: Days) -> None:
    days.pull()
    days.tracker.issues["A"][3] = (2, "done")
    days.tracker.malformed = {3}
    for _ in range(6):
        made = days.pull()
        assert made.grade == "incomplete"
        assert [one.subject for one in made.problems] == ["s:A3"]
    assert [cursor for _, cursor in days.tracker.asked] == [None, "1 0", "1 0", "1 0", "4 0", "5 0", "6 0"]
    days.tracker.malformed = set()
    assert days.pull().grade == "incomplete"
    assert days.pull(full=True).grade == "complete"
    assert days.pull().grade == "complete"
    assert days.status("s:A3") == "done"


def test_a_change_that_no_pass_came_by_is_found_by_the_list_of_ids(days: Days) -> None:
    days.pull()
    days.tracker.issues["A"][3] = (-1, "done")  # behind what the next passes ask for
    days.pull()
    assert days.status("s:A3") == "open"
    days.tracker.told_at = {3: NOW + timedelta(hours=1), 4: BORN}
    made = days.pull(25)
    assert made.grade == "incomplete"
    assert [one.what for one in made.notes] == [
        "1 issue changed without being read; the next pull reads the project in full"
    ]
    days.tracker.counts = False  # so that the ids are listed again
    made = days.pull(25)
    assert days.status("s:A3") == "done"
    assert made.grade == "complete", "read in full: what the list says otherwise is told and nothing else done"
    assert [one.what for one in made.skipped] == [
        "the list tells a later change of 1 issue than the issue itself: s:A3"
    ]
    days.tracker.told_at = {3: BORN}
    reads = len(days.tracker.asked)
    assert days.pull(25).grade == "complete"
    assert [cursor is None for _, cursor in days.tracker.asked[reads:]] == [False]


def test_what_changes_while_it_is_read_is_not_overtaken(days: Days) -> None:
    days.pull()
    days.tracker.told_at = {3: days.clock.now() + timedelta(hours=24)}
    assert days.pull(25).grade == "complete"


NAMES = pytest.mark.parametrize("named", ["{key}", "{native}", "id {native}", "group/app: id {native}"])


@NAMES
def test_what_was_passed_over_is_no_problem_once_it_is_read(days: Days, named: str) -> None:
    days.tracker.named = named
    days.pull()
    days.tracker.issues["A"] |= {3: (2, "done"), 4: (2, "done")}
    days.tracker.malformed = {3, 4}
    for _ in range(4):
        days.pull()
    days.tracker.malformed = {4}
    days.tracker.issues["A"][3] = (6, "doing")
    made = days.pull()
    assert [one.subject for one in made.problems] == [named.format(key="s:A4", native="A4")]
    assert days.status("s:A3") == "doing"


@NAMES
def test_what_was_passed_over_is_no_problem_once_it_is_gone(days: Days, named: str) -> None:
    days.tracker.named = named
    days.pull()
    days.tracker.issues["A"][3] = (2, "done")
    days.tracker.malformed = {3}
    for _ in range(4):
        days.pull()
    del days.tracker.issues["A"][3]
    days.pull()
    days.pull()
    assert days.pull().grade == "complete"


def test_what_nobody_tells_of_is_kept_and_said(days: Days) -> None:
    days.pull()
    del days.tracker.issues["A"][5], days.tracker.issues["A"][6]
    days.tracker.silent_about = {5}
    days.pull()
    made = days.pull()
    told = "the server does not say what has become of 1 issue; kept, and asked for again"
    assert (made.grade, [one.what for one in made.notes]) == ("incomplete", [told])
    assert days.ids() == {f"s:A{number}" for number in range(1, 11) if number != 6}
    days.tracker.silent_about = set()
    assert days.pull().grade == "complete"
    assert days.ids() == {f"s:A{number}" for number in (1, 2, 3, 4, 7, 8, 9, 10)}


def test_one_issue_gone_and_another_unreadable_are_two_differences(days: Days) -> None:
    days.pull()
    del days.tracker.issues["A"][5]
    days.tracker.issues["A"][11] = (2, "open")
    days.tracker.malformed = {11}
    for _ in range(8):
        days.pull(13)
    assert days.ids() == {f"s:A{number}" for number in range(1, 11) if number != 5}
    assert [cursor for _, cursor in days.tracker.asked].count(None) <= 2


def test_a_difference_that_is_known_is_not_looked_for_each_time(days: Days) -> None:
    days.tracker.malformed = {7}
    for _ in range(4):
        days.pull(1)
    before = days.tracker.sweeps
    for _ in range(12):
        assert days.pull(1).grade == "incomplete"
    assert days.tracker.sweeps == before


def test_what_a_source_holds_is_counted_as_often_for_many_projects_as_for_one(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()
    for place, name in ((Store, "counts"), (vanishing, "missed")):
        counts = getattr(place, name)

        def counted(*given: Any, name: str = name, counts: Any = counts) -> Any:
            asked[name] += 1
            return counts(*given)

        monkeypatch.setattr(place, name, counted)
    days.pull()
    once = asked.copy()
    days.tracker.projects = list("ABCDE")
    days.pull()
    assert set(once) == {"counts", "missed"}
    assert asked - once == once


def test_births_during_the_pull_do_not_make_the_next_one_full(days: Days) -> None:
    for day in range(1, 6):
        days.tracker.born_while_reading = {100 + day: (day, "open")}
        assert not days.pull().problems
    assert all(cursor is not None for _, cursor in days.tracker.asked[1:])
    days.tracker.born_while_reading = {}
    days.pull()
    assert len(days.ids()) == 15


def test_what_can_never_be_read_is_read_in_full_only_once_more(days: Days) -> None:
    days.tracker.malformed = {7}
    for _ in range(6):
        made = days.pull()
    assert made.grade == "incomplete"
    assert {one.subject for one in made.problems} == {"s:A7", "A"}
    assert "1 issue shown, but never read: s:A7" in {one.what for one in made.problems}
    assert [cursor for _, cursor in days.tracker.asked].count(None) == 2


def test_equal_counts_of_different_issues_are_found_within_a_day(days: Days) -> None:
    days.pull()
    del days.tracker.issues["A"][1]
    days.tracker.issues["A"][11] = (-5, "open")  # appeared without a change: permission, security level
    days.pull()
    for _ in range(3):
        days.pull()
    assert days.ids() == {f"s:A{number}" for number in range(2, 12)}


def test_an_unknown_count_is_swept_and_never_complete_by_silence(days: Days) -> None:
    days.pull()
    days.tracker.counts = False
    del days.tracker.issues["A"][1]
    assert days.pull().grade == "incomplete"
    days.pull()
    assert "s:A1" not in days.ids()


def test_two_glitches_far_apart_take_nothing_out(days: Days) -> None:
    kept = dict(days.tracker.issues["A"])
    days.pull()
    del days.tracker.issues["A"][1]
    days.pull(1)
    days.tracker.issues["A"] = dict(kept)
    for _ in range(3):
        days.pull(2)
    del days.tracker.issues["A"][1]
    days.pull(30)
    assert "s:A1" in days.ids()


def test_a_project_out_of_sight_is_a_problem_and_stays(days: Days) -> None:
    days.pull()
    days.tracker.issues["B"] = {1: (0, "open")}
    days.tracker.projects = ["B"]
    made = days.pull()
    assert made.grade == "incomplete"
    assert "no longer shows" in made.problems[0].what
    assert len(days.ids()) == 10
    assert days.store.project_keys("s") == {"s:A": "A", "s:B": "B"}


def test_a_source_that_shows_none_of_its_projects_was_not_read(days: Days) -> None:
    days.pull()
    days.tracker.projects = []
    made = days.pull()
    assert (made.grade, made.pulled_at) == ("failed", None)
    assert made.error.startswith("no project could be read: the server no longer shows")
    assert len(days.ids()) == 10


def test_a_project_that_is_gone_for_good_goes_when_it_may(days: Days) -> None:
    days.tracker.projects = ["A", "B"]
    days.tracker.issues["B"] = {1: (0, "open")}
    days.pull()
    days.tracker.projects = ["B"]
    assert "--allow-shrink" in days.pull().problems[0].what
    made = days.pull(allow_shrink=True)
    assert made.grade == "complete"
    assert made.skipped == (Problem("A", "10 issues taken out: the server no longer shows the project"),)
    assert days.pull().grade == "complete"
    assert (days.ids("A"), days.store.project_keys("s")) == (set(), {"s:B": "B"})
    days.tracker.projects = ["A", "B"]
    assert days.pull().grade == "complete"
    assert len(days.ids("A")) == 10


def test_a_project_that_the_configuration_names_goes_too(days: Days) -> None:
    days.tracker.projects, days.names = ["A", "B"], ("a", "B")
    days.tracker.issues["B"] = {1: (0, "open")}
    days.pull()
    days.tracker.projects = ["B"]
    assert {one.subject for one in days.pull().problems} == {"a", "A"}
    days.tracker.odd_catalogue = Problem("s", "a project cannot be understood")
    days.pull(allow_shrink=True)
    assert len(days.ids()) == 10, "A may be what could not be understood"
    days.tracker.odd_catalogue = None
    made = days.pull(allow_shrink=True)
    assert days.ids() == set()
    assert [one.subject for one in made.problems] == ["a"], "its name is still in the configuration"
    days.names = ("B",)
    assert days.pull().grade == "complete"


@pytest.mark.parametrize("odd", [None, Problem("s", "a field could be several")])
def test_a_project_that_was_made_anew_under_its_key_counts_once(days: Days, odd: Problem | None) -> None:
    days.pull()
    days.tracker.odd_catalogue = odd
    days.tracker.numbers = {"A": "A9"}
    days.tracker.issues["A9"] = dict.fromkeys(range(1, 5), (0, "open"))
    made = days.pull()
    assert made.grade == ("incomplete" if odd else "complete")
    assert made.skipped == (Problem("A", "10 issues taken out: another project has its key now"),)
    assert days.store.project_keys("s") == {"s:A9": "A"}, "a scope reaches by key"
    assert (days.ids("A"), len(days.ids("A9"))) == (set(), 4)
    assert days.store.rows("SELECT count(*) FROM issue WHERE fate = 'gone'") == [(10,)], "its past stays"
    assert days.pull().skipped == ()


def test_nothing_is_published_until_all_that_was_held_is_in_a_new_database(days: Days) -> None:
    days.tracker.projects = ["A", "B", "C"]
    days.tracker.issues |= {"B": {1: (0, "open")}, "C": {}}
    days.pull()
    assert days.refused() == []
    days.begin_database_anew()
    days.tracker.refuses = {"B": TrackerError("502"), "C": TrackerError("502")}
    for _ in range(2):
        assert [one.project for one in days.pull().projects if one.is_lacking] == ["B"]
        assert [line.partition(": read before")[0] for line in days.refused()] == ["s: B"]
    days.pull(projects=["A"])
    assert days.refused(), "not by a pull that did not ask for it"
    days.tracker.refuses = {}
    days.pull()
    assert days.refused() == []


def test_a_project_that_a_new_database_never_saw_is_missed_until_it_may_go(days: Days) -> None:
    days.tracker.projects = ["A", "B"]
    days.tracker.issues["B"] = {1: (0, "open")}
    days.pull()
    days.begin_database_anew()
    days.tracker.projects = ["A"]
    for _ in range(2):
        made = days.pull()
        assert [(one.subject, "--allow-shrink" in one.what) for one in made.problems] == [("B", True)]
        assert days.refused()
    assert days.pull(allow_shrink=True).grade == "complete"
    assert days.refused() == []
    assert days.pull().grade == "complete"


def test_nothing_wanted_of_a_source_is_no_failure(days: Days) -> None:
    assert days.pull(projects=["OTHER"]).error == ""


def test_projects_that_are_broken_do_not_starve_the_others_of_a_server_that_answers(days: Days) -> None:
    days.tracker.projects = ["A", "B", "C"]
    days.tracker.issues |= {"B": {1: (0, "open")}, "C": {1: (0, "open")}}
    days.tracker.refuses = {key: TrackerError("500") for key in "AB"}
    assert not days.pull().error
    assert days.ids("C") == {"s:C1"}


def test_an_issue_that_comes_twice_on_one_page_is_not_stored_with_two_histories(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    days.tracker.projects = ["A", "B"]
    days.tracker.issues |= {"B": {1: (0, "open")}}
    once = Scripted.pages

    def pages(self: Scripted, project: Project, cursor: str | None) -> Iterator[Page]:
        for page in once(self, project, cursor):
            yield replace(page, issues=page.issues * 2) if project.key == "A" else page

    monkeypatch.setattr(Scripted, "pages", pages)
    made = days.pull()
    assert [(one.subject, one.what[:30]) for one in made.problems] == [("A", "an issue came twice on one pag")]
    assert (days.ids("A"), days.ids("B")) == (set(), {"s:B1"})


@pytest.mark.parametrize(
    ("seconds", "many", "kept"), [(0.0, 2000, set()), (2.5, 2000, {1, 2, 3, 4}), (0.0, 3, {1, 2, 3})]
)
def test_what_was_read_seconds_ago_or_is_much_outlives_a_crash(
    days: Days, monkeypatch: pytest.MonkeyPatch, seconds: float, many: int, kept: set[int]
) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(FixedClock, "monotonic", lambda self: seconds * next(ticks))
    monkeypatch.setitem(pull_sources.__globals__, "MERGE_EVERY", many)
    once = Scripted.pages

    def pages(self: Scripted, project: Project, cursor: str | None) -> Iterator[Page]:
        yield from itertools.islice(once(self, project, cursor), 4)
        raise ZeroDivisionError

    monkeypatch.setattr(Scripted, "pages", pages)
    with pytest.raises(ZeroDivisionError):
        days.pull()
    assert days.ids() == {f"s:A{number}" for number in kept}
    assert days.store.cursors("s") == ({"s:A": f"-100 {max(kept)}"} if kept else {})


def test_who_may_not_know_of_an_issue_reads_its_key_nowhere() -> None:
    hidden = {"SEC-7": "s:7", "SEC-1": "s:1"}
    assert discreet_text("GET https://x/issue/SEC-7: 500", hidden) == "GET ... 500"
    assert discreet_text("SEC-7 and SEC-77", hidden) == "... and SEC-77"
    assert discreet_text("GET https://x/issue/SEC-70: 500", hidden) == "GET https://x/issue/SEC-70: 500"
    assert discreet([Problem("SEC-7", "/a/b: SEC-1 is odd")], hidden) == (Problem("s:7", "... ... is odd"),)


def test_an_error_about_a_single_issue_does_not_name_it(days: Days) -> None:
    """It may be confidential, and only the tracker knows: an issue that cannot be read is not in the store."""
    days.tracker.projects = ["A", "B", "C"]
    days.tracker.refuses = {
        "A": TrackerError("GET https://x/rest/api/2/issue/SEC-7: 500"),
        "B": AccessError("GET https://x/rest/api/2/issue/SEC-8/remotelink: 401"),
        "C": TrackerError("GET https://x/api/v4/projects/3/issues/99/resource_state_events: 500"),
    }
    made = days.pull()
    assert [one.what for one in made.problems] == [
        "GET https://x/rest/api/2/issue/...: 500",
        "GET https://x/rest/api/2/issue/.../remotelink: 401",
        "GET https://x/api/v4/projects/3/issues/.../resource_state_events: 500",
    ]
    assert "SEC-" not in made.error


@pytest.mark.parametrize(
    ("names", "is_missed"),
    [
        ((), True),
        (("acme/pay",), True),
        (("ACME/*",), True),
        (("acme",), False),
        (("7",), True),
        (("acm/*", "77"), False),
    ],
)
def test_a_project_we_hold_is_missed_while_the_configuration_names_it(names: tuple[str, ...], is_missed: bool) -> None:
    assert is_asked_for(names, "acme/pay", "7") is is_missed


def test_one_closed_project_does_not_starve_the_next(days: Days) -> None:
    days.tracker.projects = ["A", "B", "C"]
    days.tracker.issues |= {"B": {1: (0, "open")}, "C": {1: (0, "open")}}
    for refusal in (AccessError("no"), TrackerError("400")):
        days.tracker.refuses = {"A": refusal}
        made = days.pull()
        assert made.grade == "incomplete"
        assert days.ids("B") == {"s:B1"}
        assert days.ids("C") == {"s:C1"}


@pytest.mark.parametrize("error", [TrackerError("no answer"), AccessError("401")])
def test_a_server_that_is_dead_or_knows_us_no_more_is_asked_twice_only(days: Days, error: Exception) -> None:
    days.tracker.projects = ["A", "B", "C"]
    days.tracker.refuses = dict.fromkeys("ABC", error)
    days.tracker.is_dead = True
    assert days.pull().error == "no answer"
    assert [key for key, _ in days.tracker.asked] == ["A", "B"]


def test_who_is_shut_out_asks_for_no_other_project(days: Days) -> None:
    days.tracker.projects = ["A", "B", "C"]
    days.pull()
    days.tracker.asked.clear()
    days.tracker.refuses = dict.fromkeys("ABC", ShutOutError("search: 401"))
    made = days.pull()
    assert (made.error, made.grade, made.pulled_at) == ("search: 401", "failed", None)
    assert [key for key, _ in days.tracker.asked] == ["A"]
    assert len(days.ids()) == 10


@pytest.mark.parametrize(("left", "is_said"), [(1, False), (0, True), (-1, True), (None, False)])
@pytest.mark.parametrize("is_before_we_are_known", [True, False])
def test_an_error_of_access_tells_of_a_token_that_has_expired(
    days: Days, left: int | None, is_said: bool, is_before_we_are_known: bool
) -> None:
    ends = None if left is None else (NOW + timedelta(days=2 + left)).date()
    days.tracker.token_ends = ends
    days.pull()
    error = ShutOutError("myself: 401")
    if is_before_we_are_known:
        days.tracker.shuts_out = error
    else:
        days.tracker.refuses = {"A": error}
    made = days.pull()
    told = ", as an earlier pull was told" if is_before_we_are_known else ""
    assert made.error == "myself: 401" + (f"; the token was valid until {ends} only{told}" if is_said else "")
    assert made.token_expires_on == ends
    days.tracker.shuts_out, days.tracker.refuses, days.tracker.token_ends = None, {}, None
    assert days.pull().token_expires_on is None  # the server's word of now


def test_a_server_that_is_down_says_nothing_of_a_token(days: Days) -> None:
    days.tracker.token_ends = NOW.date()
    days.pull()
    days.tracker.shuts_out = TrackerError("no answer")
    assert days.pull().error == "no answer"


def test_a_source_without_one_readable_project_is_not_fresh(days: Days) -> None:
    days.pull()
    days.tracker.refuses = {"A": AccessError("token revoked")}
    made = days.pull()
    assert made.pulled_at is None
    assert made.grade == "failed"
    assert "token revoked" in made.error
    assert len(days.ids()) == 10


def test_what_vanishes_is_certified_with_its_fate(days: Days) -> None:
    days.pull()
    for number in (1, 2):
        del days.tracker.issues["A"][number]
    days.tracker.fates = {1: "moved"}
    made = days.pull()
    assert (made.grade, made.projects[0].missed) == ("incomplete", 2)
    made = days.pull()
    assert (made.grade, made.projects[0].missed) == ("complete", 0)
    assert made.projects[0].vanished == {"moved": 1, "gone": 1}


def test_an_index_that_lags_takes_nothing_out(days: Days) -> None:
    days.pull()
    late = days.tracker.issues["A"].pop(1)
    days.tracker.fates = {1: "here"}
    for _ in range(4):
        assert days.pull().grade == "incomplete"
        assert "s:A1" in days.ids()
    days.tracker.issues["A"][1] = late
    assert days.pull().grade == "complete"


def test_a_project_does_not_shrink_by_more_than_its_share_without_a_word(days: Days) -> None:
    days.pull()
    for number in range(1, 7):
        del days.tracker.issues["A"][number]
    days.pull()
    for _ in range(2):
        made = days.pull()
        assert "6 of 10 issues" in made.problems[0].what
        assert "--allow-shrink" in made.problems[0].what
        assert len(days.ids()) == 10
    assert days.pull(allow_shrink=True).grade == "complete"
    assert days.ids() == {f"s:A{number}" for number in range(7, 11)}


def test_only_the_projects_asked_for_are_read_and_nothing_else_certified(days: Days) -> None:
    days.tracker.projects = ["A", "B"]
    days.tracker.issues["B"] = {1: (0, "open")}
    made = days.pull(projects=["b"])
    assert made.is_partial
    assert days.tracker.asked == [("B", None)]
    assert (days.ids("A"), days.ids("B")) == (set(), {"s:B1"})
    assert not days.pull().is_partial


def test_since_reads_again_what_was_read_but_skips_nothing(days: Days) -> None:
    days.pull()
    days.pull(since=NOW - timedelta(days=9))
    days.pull(since=NOW + timedelta(days=400))
    assert days.tracker.asked == [("A", None), ("A", "-9 0"), ("A", "2 0")]


@pytest.mark.parametrize(("left", "is_said"), [(29, True), (1, True), (0, True), (30, False), (None, False)])
def test_a_token_that_ends_soon_is_told_of_by_each_pull(days: Days, left: int | None, is_said: bool) -> None:
    days.tracker.token_ends = None if left is None else (NOW + timedelta(days=1 + left)).date()
    made = days.pull()
    assert (made.grade, made.token_expires_on) == ("complete", days.tracker.token_ends)
    assert from_json(json.dumps(made.as_json())) == made
    lines = [line for line in _pulled([made]).text if "token" in line]
    assert bool(lines) is is_said
    [shown] = trust(["s"], {"s": made}, {}, {}, NOW)
    assert shown.token_ends_on == (days.tracker.token_ends if is_said else None)
    assert all(f"until {days.tracker.token_ends} only ({left} day" in line for line in lines)


def test_every_connector_is_closed(days: Days) -> None:
    days.pull()
    days.tracker.refuses = {"A": RuntimeError("a bug")}
    with pytest.raises(RuntimeError, match="a bug"):
        days.pull()
    assert days.tracker.closed == 2


def test_a_certificate_survives_the_record(days: Days) -> None:
    days.tracker.projects = ["A", "B"]
    days.tracker.refuses = {"B": AccessError("no")}
    days.pull()
    del days.tracker.issues["A"][1]
    days.pull()
    made = days.pull()
    assert made.projects[0].vanished == {"gone": 1}
    assert from_json(json.dumps(made.as_json())) == made


@pytest.mark.parametrize(
    ("required", "hours_ago", "grade", "refused"),
    [
        ("failed", 900, "failed", False),
        ("incomplete", 1, "failed", True),
        ("incomplete", 1, "incomplete", False),
        ("incomplete", 900, "complete", True),
        ("complete", 1, "incomplete", True),
        ("complete", 1, "complete", False),
    ],
)
def test_publishing_waits_for_the_grade_it_requires(required: Any, hours_ago: int, grade: str, refused: bool) -> None:
    pulled_at = NOW - timedelta(hours=hours_ago)
    error = "the token has expired" if grade == "failed" else ""
    count = ProjectCertificate("A", 3, 3 if grade == "complete" else 2)
    one = SourceCertificate("s", "me", "Scripted 1", None if error else pulled_at, (count,), error=error)
    assert one.grade == grade
    lines = below({"s": one}, ["s"], required, NOW - timedelta(hours=24))
    assert len(lines) == refused
    assert all(line.startswith("s: its certificate is ") and required in line for line in lines)
    assert len(below({}, ["s"], required, NOW)) == (required != "failed")
