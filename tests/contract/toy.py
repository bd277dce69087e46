"""A tracker that lives in memory, and connectors to it that keep every promise of the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Traits
from pmo_sync.errors import AccessError, PmoSyncError, TrackerError
from pmo_sync.model import (
    Catalogue,
    Census,
    Identity,
    Interval,
    Issue,
    Page,
    Person,
    Problem,
    Project,
    Status,
    Trace,
)
from tests.contract.harness import ServerHarness

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
        self.moved: dict[int, str] = {}
        self.late: int | None = None  # there, but in no list
        self.ignores_bounds = False
        self.answered = 0


class Exemplary:
    """Keeps the contract. Every step is a method, so that a twin can break one."""

    source = "toy"
    traits = Traits(incremental=True, counts=True)

    def __init__(self, tracker: Tracker, refusal: PmoSyncError | None = None) -> None:
        self.tracker = tracker
        self.refusal = refusal
        self.is_closed = False

    def check(self) -> Identity:
        self.allowed()
        return Identity("me", "Toy 1", self.tracker.now)

    def catalogue(self) -> Catalogue:
        self.allowed()
        return Catalogue((PROJECT,), (Status("toy:s1", "toy", "Open", "todo"),), ())

    def census(self, project: Project, *, sweep: bool) -> Census:
        self.allowed()
        ids = frozenset(f"toy:{number}" for number in self.tracker.changed_at if number != self.tracker.late)
        told = {f"toy:{number}": at for number, at in self.tracker.changed_at.items()}
        return Census(project.project_id, len(ids), ids if sweep else None, told if sweep else {})

    def pages(self, project: Project, cursor: str | None) -> Iterator[Page]:
        self.allowed()
        place: dict[str, Any] = json.loads(cursor) if cursor else self.begun("")
        if place["after"]:  # what changed in front of the cut is not in the rest
            yield from self.rest(place)
            place["after"] = None
        yield from self.rest(self.begun(place["now"]) if place["after"] is None else place)

    def begun(self, since: str) -> dict[str, Any]:
        return {"since": since, "after": 0, "now": self.tracker.now.isoformat()}

    def rest(self, place: dict[str, Any]) -> Iterator[Page]:
        wanted = [number for number in self.found(place["since"]) if number > place["after"]]
        for start in range(0, len(wanted), PAGE):
            self.allowed()
            numbers = wanted[start : start + PAGE]
            yield self.page(numbers, json.dumps({**place, "after": numbers[-1]}))
        yield Page((), (), (), (), json.dumps({**place, "after": None}))

    def trace(self, project: Project, issue_ids: Sequence[str]) -> Iterator[Trace]:
        for one in issue_ids:
            self.allowed()
            number = int(one.removeprefix("toy:"))
            if number in self.tracker.moved:
                yield Trace(one, "moved", self.tracker.moved[number])
            else:
                yield Trace(one, "here" if number in self.tracker.changed_at else "gone")

    def since(self, moment: datetime, cursor: str) -> str:
        return json.dumps(self.begun(moment.isoformat()))

    def requests(self, issues: int) -> int:
        return issues // PAGE + 3

    def close(self) -> None:
        self.is_closed = True

    def allowed(self) -> None:
        if self.is_closed:
            raise TrackerError("closed")
        if self.refusal:
            raise self.refusal
        self.tracker.answered += 1

    def found(self, since: str) -> list[int]:
        since_then = [number for number, at in self.tracker.changed_at.items() if at.isoformat() >= since]
        if self.tracker.ignores_bounds and since:
            raise TrackerError("rows older than asked for came")
        return since_then

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

    def delete(self) -> str:
        del self.tracker.changed_at[4]
        return "toy:4"

    def move(self) -> tuple[str, str]:
        del self.tracker.changed_at[6]
        self.tracker.moved[6] = "GAME-1"
        return "toy:6", "GAME-1"

    def lag(self) -> str:
        self.tracker.late = 2
        return "toy:2"

    def ignore_bounds(self) -> None:
        self.tracker.ignores_bounds = True

    def answered(self) -> int:
        return self.tracker.answered
