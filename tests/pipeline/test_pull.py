"""Pulling with a connector that does what the test says: what is kept, what comes again, what the certificate admits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

import connectors
from connectors.base import Traits
from pmo_sync.certificate import SourceCertificate
from pmo_sync.clock import FixedClock
from pmo_sync.errors import AccessError, TrackerError
from pmo_sync.model import Catalogue, Census, Identity, Interval, Issue, Page, Problem, Project
from pmo_sync.pipeline.pull import pull_sources
from pmo_sync.pipeline.workspace import Workspace
from pmo_sync.record import Record
from pmo_sync.result import Silence
from pmo_sync.store import Store

NOW = datetime(2026, 11, 16, tzinfo=UTC)
BORN = NOW - timedelta(days=30)


@dataclass
class Tracker:
    """A tracker with one number a day as its whole state: issue number -> (changed on day, status)."""

    projects: list[str] = field(default_factory=lambda: ["A"])
    issues: dict[str, dict[int, tuple[int, str]]] = field(default_factory=dict)
    malformed: set[int] = field(default_factory=set)
    refuses: dict[str, Exception] = field(default_factory=dict)
    born_while_reading: dict[int, tuple[int, str]] = field(default_factory=dict)
    counts: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)


class Scripted:
    source = "s"
    traits = Traits(incremental=True, counts=True)

    def __init__(self, tracker: Tracker, day: int) -> None:
        self.tracker, self.day = tracker, day

    def check(self) -> Identity:
        return Identity("me", "Scripted 1", NOW)

    def catalogue(self) -> Catalogue:
        made = tuple(Project(f"s:{key}", "s", key, key, "", is_archived=False) for key in self.tracker.projects)
        return Catalogue(made, (), ())

    def pages(self, project: Project, cursor: str | None) -> Iterator[Page]:
        self.tracker.asked.append((project.key, cursor))
        if project.key in self.tracker.refuses:
            raise self.tracker.refuses[project.key]
        since = int(cursor) if cursor else -100
        changed = {n: one for n, one in self.tracker.issues.get(project.key, {}).items() if one[0] >= since}
        for number, (_, status) in sorted(changed.items()):
            id_ = f"s:{project.key}{number}"
            if number in self.tracker.malformed:
                yield Page((), (), (), (Problem(id_, "cannot be read"),), cursor or "")
                continue
            issue = Issue(id_, "s", project.project_id, id_, "T", "Task", 0, BORN, BORN, "", is_confidential=False)
            yield Page((issue,), (Interval(id_, "status", status, status, BORN, None),), (), (), cursor or "")
        self.tracker.issues.setdefault(project.key, {}).update(self.tracker.born_while_reading)
        yield Page((), (), (), (), str(self.day))

    def census(self, project: Project, *, sweep: bool) -> Census:
        ids = frozenset(f"s:{project.key}{number}" for number in self.tracker.issues.get(project.key, {}))
        return Census(project.project_id, len(ids) if self.tracker.counts else None, ids if sweep else None)


class Days:
    """One pull a day into one store."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = Store.open(folder / "s.duckdb")
        self.record = Record(folder / "record")
        self.tracker = Tracker()
        self.day = 0
        monkeypatch.setattr(connectors, "connect", lambda options, clock: Scripted(self.tracker, self.day))

    def pull(self, hours: float = 24) -> SourceCertificate:
        self.day += 1
        self.clock = FixedClock(getattr(self, "clock", FixedClock(NOW)).now() + timedelta(hours=hours))
        config = SimpleNamespace(name="s", projects=(), statuses={}, shrink_limit=0.5)
        workspace = Workspace(SimpleNamespace(), self.clock, self.store, self.record, f"run-{self.day:03}")
        (made,) = pull_sources(workspace, [config], Silence(), full=False)
        return made

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
    assert [cursor for _, cursor in days.tracker.asked] == [None, "1"]


def test_a_change_that_could_not_be_read_comes_again(days: Days) -> None:
    days.pull()
    days.tracker.issues["A"][3] = (2, "done")
    days.tracker.malformed = {3}
    assert days.pull().grade == "incomplete"
    assert days.pull().grade == "incomplete"
    days.tracker.malformed = set()
    assert days.pull().grade == "complete"
    assert days.status("s:A3") == "done"


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
    assert "s:A7" in made.problems[0].what
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
    days.tracker.projects = []
    made = days.pull()
    assert made.grade == "incomplete"
    assert "no longer shows" in made.problems[0].what
    assert len(days.ids()) == 10
    assert days.store.project_keys("s") == {"s:A": "A"}


def test_one_closed_project_does_not_starve_the_next(days: Days) -> None:
    days.tracker.projects = ["A", "B", "C"]
    days.tracker.issues |= {"B": {1: (0, "open")}, "C": {1: (0, "open")}}
    for refusal in (AccessError("no"), TrackerError("400")):
        days.tracker.refuses = {"A": refusal}
        made = days.pull()
        assert made.grade == "incomplete"
        assert days.ids("B") == {"s:B1"}
        assert days.ids("C") == {"s:C1"}


def test_a_dead_server_is_asked_twice_only(days: Days) -> None:
    days.tracker.projects = ["A", "B", "C"]
    days.tracker.refuses = {key: TrackerError("no answer") for key in "ABC"}
    assert days.pull().error == "no answer"
    assert [key for key, _ in days.tracker.asked] == ["A", "B"]


def test_a_source_without_one_readable_project_is_not_fresh(days: Days) -> None:
    days.pull()
    days.tracker.refuses = {"A": AccessError("token revoked")}
    made = days.pull()
    assert made.pulled_at is None
    assert made.grade == "failed"
    assert "token revoked" in made.error
    assert len(days.ids()) == 10
