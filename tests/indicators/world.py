"""Small random portfolios: plain records for the oracles, and the derived tables made of the same records.

The tables are those of ``pmo_sync/sql/derive/README.md``, written here without any of its SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

from pmo_sync.queries import sql

AS_OF = datetime(2026, 3, 2)  # noqa: DTZ001 - as in the store; a Monday: the last closed day is a Sunday
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Item:
    """One issue and its whole life, all before the world's as_of."""

    number: int
    project: str
    moves: tuple[tuple[datetime, str], ...]  # (moment, category); the first is the creation
    role: str = "work"
    is_leaf: bool = True
    estimate: float | None = None
    start_on: date | None = None
    due_on: date | None = None
    parent: int | None = None
    blocked_since: datetime | None = None
    touched_at: datetime | None = None
    is_bulk: bool = False
    stays: tuple[tuple[str, datetime, datetime | None], ...] = ()  # (milestone, since, until)

    @property
    def created_at(self) -> datetime:
        return self.moves[0][0]

    @property
    def category(self) -> str:
        return self.moves[-1][1]

    @property
    def started_at(self) -> datetime | None:
        return next((at for at, category in self.moves if category == "doing"), None)

    @property
    def done_at(self) -> datetime | None:
        return self.moves[-1][0] if self.category == "done" else None

    @property
    def removed_at(self) -> datetime | None:
        return self.moves[-1][0] if self.category == "canceled" else None

    @property
    def counts(self) -> bool:
        return self.role == "work" and self.is_leaf

    @property
    def in_scope(self) -> bool:
        return self.counts and self.removed_at is None

    @property
    def is_open(self) -> bool:
        return self.in_scope and self.done_at is None

    @property
    def flow(self) -> list[tuple[str, datetime, datetime | None]]:
        ends = [at for at, _ in self.moves[1:]] + [None]
        return [(category, at, end) for (at, category), end in zip(self.moves, ends, strict=True)]


@dataclass(frozen=True)
class Milestone:
    id: str
    project: str
    dates: tuple[tuple[datetime, date], ...]  # (seen at, due on)
    is_open: bool = True
    approvals: tuple[tuple[datetime, date], ...] = ()  # (approved at, due on)

    @property
    def due_on(self) -> date | None:
        return self.dates[-1][1] if self.dates else None


@dataclass(frozen=True)
class Calendar:
    """Which days are worked."""

    weekend: frozenset[int] = frozenset({5, 6})
    free: frozenset[date] = frozenset()

    def is_usual(self, day: date) -> bool:
        return day.weekday() not in self.weekend

    def works(self, day: date) -> bool:
        return self.is_usual(day) and day not in self.free

    @property
    def week(self) -> int:
        return 7 - len(self.weekend)

    def days(self, first: date, last: date) -> int:
        """Working days of them, both included."""
        return sum(self.works(first + timedelta(days=n)) for n in range((last - first).days + 1))


@dataclass(frozen=True)
class World:
    items: tuple[Item, ...]
    milestones: tuple[Milestone, ...] = ()
    links: tuple[tuple[int, int, datetime], ...] = ()  # blocker, blocked, since
    projects: tuple[str, ...] = ("a", "b")
    teams: tuple[tuple[str, str], ...] = ()  # project, team
    as_of: datetime = AS_OF
    calendars: tuple[Calendar, ...] = (Calendar(),)  # the PMO's, and that of project b where there is a second
    order: int = 1  # -1 turns the order of all rows round
    names: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def today(self) -> date:
        return self.as_of.date() - timedelta(days=1)

    @property
    def subjects(self) -> list[str]:
        below = [f"project:{one}" for one in self.projects] + [f"milestone:{one.id}" for one in self.milestones]
        return ["portfolio", *below]

    def calendar(self, subject: str) -> Calendar:
        """Whose days count for a subject."""
        one = self.milestone(subject)
        return self.of_project(one.project if one else subject.removeprefix("project:"))

    def of_project(self, project: str) -> Calendar:
        return self.calendars[-1 if project == "b" else 0]

    def milestone(self, subject: str) -> Milestone | None:
        return next((one for one in self.milestones if f"milestone:{one.id}" == subject), None)

    def stays(self, subject: str) -> list[tuple[Item, datetime, datetime | None]]:
        """Every stay of every item in a subject."""
        if subject == "portfolio":
            return [(item, item.created_at, None) for item in self.items]
        kind, _, name = subject.partition(":")
        if kind == "project":
            return [(item, item.created_at, None) for item in self.items if item.project == name]
        return [(item, since, until) for item in self.items for where, since, until in item.stays if where == name]

    def members(self, subject: str) -> list[Item]:
        return [item for item, _, until in self.stays(subject) if until is None]

    def work(self, subject: str) -> list[Item]:
        """What is in scope."""
        return [item for item in self.members(subject) if item.in_scope]

    def is_in_circle(self, item: Item) -> bool:
        """Whether the way up from an item leads back to it."""
        seen, above = {item.number}, item.parent
        while above is not None and above not in seen:
            seen.add(above)
            above = self.item(above).parent
        return above == item.number

    def item(self, number: int) -> Item:
        return next(item for item in self.items if item.number == number)


class Tables:
    """The derived tables in DuckDB, with the two methods indicators ask of the store."""

    def __init__(self, world: World) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute(sql("macros"))
        self.connection.execute("CREATE MACRO local_time(moment) AS moment")
        self.connection.execute("CREATE MACRO local_day(moment) AS CAST(moment AS DATE)")
        for name, (columns, rows) in _tables(world).items():
            self.connection.execute(f"CREATE TEMP TABLE {name} ({columns})")
            if rows:
                values = zip(*rows[:: world.order], strict=True)
                material = pa.table({f"c{n}": pa.array(column) for n, column in enumerate(values)})
                self.connection.register("material", material)
                self.connection.execute(f"INSERT INTO {name} SELECT * FROM material")
        for name, table in _calendar_tables(world).items():
            self.connection.register("material", table)
            self.connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM material")
        for name in ("31_work_item", "53_scope", "54_calendar", "55_age", "56_owed"):
            self.connection.execute(sql(f"derive/{name}"))

    def rows(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, params if isinstance(params, dict) else list(params)).fetchall()

    def frame(self, sql: str, params: Sequence[Any] = ()) -> pd.DataFrame:
        return self.connection.execute(sql, list(params)).df()


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _calendar_tables(world: World) -> dict[str, pa.Table]:
    """No calendar begins later than 500 days before AS_OF."""
    first = min([item.created_at for item in world.items] + [AS_OF - timedelta(days=500)]).date()
    days = tuple(first + timedelta(days=n) for n in range((world.today - first).days + 1096))
    work = [_working_days(number, one, days) for number, one in enumerate(world.calendars)]
    return {
        "calendar": pa.table({"day": days, "week": [_monday(day) for day in days]}),
        "working_day": pa.concat_tables(work),
    }


@lru_cache(maxsize=100)
def _working_days(number: int, calendar: Calendar, days: tuple[date, ...]) -> pa.Table:
    rows: list[tuple[Any, ...]] = []
    before = 0
    for day in days:
        works = calendar.works(day)
        rows.append((number, day, works, before, calendar.is_usual(day) and not works))
        before += works
    columns = ("calendar", "day", "works", "before", "is_off")
    types = (pa.int32(), pa.date32(), pa.bool_(), pa.int32(), pa.bool_())
    return pa.table([pa.array(one, kind) for one, kind in zip(zip(*rows, strict=True), types, strict=True)], columns)


def _tables(world: World) -> dict[str, tuple[str, list[tuple[Any, ...]]]]:
    places = [(subject, *stay) for subject in world.subjects for stay in world.stays(subject)]
    kinds = {"portfolio": "portfolio", "project": "project", "milestone": "milestone"}
    subjects = []
    for subject in world.subjects:
        one = world.milestone(subject)
        kind = kinds[subject.partition(":")[0]]
        parent = {"portfolio": None, "project": "portfolio"}.get(kind, one and f"project:{one.project}")
        state = "open" if one is None or one.is_open else "closed"
        due_on = one.due_on if one else None
        seen = one.dates[0][0] if one and one.dates else None
        subjects.append((subject, kind, parent, subject, "", state, None, due_on, seen, due_on is not None, False))
    return {
        "moment": ("as_of TIMESTAMP, today DATE", [(world.as_of, world.today)]),
        "usual_week": ("calendar INTEGER, days INTEGER", [(n, one.week) for n, one in enumerate(world.calendars)]),
        "project_team": (
            "project VARCHAR, team VARCHAR, calendar INTEGER",
            [("b", "team", len(world.calendars) - 1), *((project, team, 0) for project, team in world.teams)],
        ),
        "ancestor_stay": ("issue INTEGER, ancestor INTEGER, since TIMESTAMP, until TIMESTAMP", []),
        "project_member": (
            "project VARCHAR, issue INTEGER",
            [(item.project, item.number) for item in world.items if item.is_leaf],
        ),
        "lifecycle": (
            (
                "issue INTEGER, issue_id VARCHAR, key VARCHAR, title VARCHAR, url VARCHAR, is_confidential BOOLEAN,"
                "role VARCHAR, is_leaf BOOLEAN, created_at TIMESTAMP, started_at TIMESTAMP, done_at TIMESTAMP,"
                "removed_at TIMESTAMP, category VARCHAR, estimate DOUBLE, start_on DATE, due_on DATE, blocked_since TIMESTAMP,"
                "touched_at TIMESTAMP"
            ),
            [
                (
                    i.number,
                    f"t:{i.number}",
                    f"K-{i.number}",
                    "",
                    "",
                    False,
                    i.role,
                    i.is_leaf,
                    i.created_at,
                    i.started_at,
                    i.done_at,
                    i.removed_at,
                    i.category,
                    i.estimate,
                    i.start_on,
                    i.due_on,
                    i.blocked_since,
                    i.touched_at or i.moves[-1][0],
                )
                for i in world.items
            ],
        ),
        "parent_stay": (
            "child INTEGER, parent INTEGER, since TIMESTAMP, until TIMESTAMP",
            [(item.number, item.parent, item.created_at, None) for item in world.items if item.parent is not None],
        ),
        "circle": ("issue INTEGER", [(item.number,) for item in world.items if world.is_in_circle(item)]),
        "flow": (
            "issue INTEGER, category VARCHAR, since TIMESTAMP, until TIMESTAMP",
            [(item.number, *stay) for item in world.items for stay in item.flow],
        ),
        "subject": (
            (
                "subject VARCHAR, kind VARCHAR, parent VARCHAR, name VARCHAR, url VARCHAR, state VARCHAR,"
                "start_on DATE, due_on DATE, known_since TIMESTAMP, is_committed BOOLEAN, is_must_win BOOLEAN"
            ),
            subjects,
        ),
        "membership": (
            "subject VARCHAR, issue INTEGER",
            [(subject, item.number) for subject, item, _, until in places if until is None and item.is_leaf],
        ),
        "scope_history": (
            "subject VARCHAR, issue INTEGER, since TIMESTAMP, until TIMESTAMP",
            [(subject, item.number, since, until) for subject, item, since, until in places],
        ),
        "delivery": (
            "subject VARCHAR, issue INTEGER, done_on DATE, week DATE, is_bulk BOOLEAN",
            [
                (subject, item.number, item.done_at.date(), _monday(item.done_at.date()), item.is_bulk)
                for subject, item, _, until in places
                if until is None and item.in_scope and item.done_at
            ],
        ),
        "baseline": (
            "subject VARCHAR, due_on DATE, first_due_on DATE, approvals INTEGER, approved_at TIMESTAMP, dates INTEGER",
            [
                (
                    f"milestone:{one.id}",
                    (one.approvals or one.dates)[-1 if one.approvals else 0][1],
                    (one.approvals or one.dates)[0][1],
                    len(one.approvals),
                    one.approvals[-1][0] if one.approvals else None,
                    len(one.dates),
                )
                for one in world.milestones
                if one.dates or one.approvals
            ],
        ),
        "blocking": ("blocker INTEGER, blocked INTEGER, since TIMESTAMP", list(world.links)),
        "milestone": (
            "milestone INTEGER, milestone_id VARCHAR, first_seen_at TIMESTAMP",
            [(n, one.id, one.dates[0][0] if one.dates else None) for n, one in enumerate(world.milestones, -99)],
        ),
        "history": (
            "field VARCHAR, entity INTEGER, value VARCHAR, label VARCHAR, since TIMESTAMP, until TIMESTAMP",
            [
                ("due_on", n, due_on.isoformat(), "", seen, None)
                for n, one in enumerate(world.milestones, -99)
                for seen, due_on in one.dates
            ],
        ),
    }


# --- random worlds -------------------------------------------------------------------------------------------------

CATEGORIES = ("todo", "doing", "done", "canceled", "unmapped")
_ago = st.integers(1, 200 * 24).map(lambda hours: AS_OF - timedelta(hours=hours))
_days = st.integers(-90, 60).map(lambda n: AS_OF.date() + timedelta(days=n))


@st.composite
def _items(draw: st.DrawFn, number: int, size: int, milestones: Sequence[Milestone]) -> Item:
    moments = sorted(draw(st.sets(_ago, min_size=1, max_size=5)))
    usual = st.sampled_from(("todo", "doing", "done", "doing", "done", *CATEGORIES))
    moves = [(moments[0], draw(st.sampled_from(("todo", "todo", "todo", "doing", "unmapped", "done"))))]
    for at in moments[1:]:
        category = draw(usual)
        if category != moves[-1][1]:
            moves.append((at, category))
    stays = []
    for milestone in draw(st.lists(st.sampled_from(milestones), max_size=2, unique=True)) if milestones else ():
        since = draw(st.sampled_from(moments) | _ago.map(lambda at: max(at, moments[0])))  # often as something happens
        until = draw(st.none() | _ago)
        stays.append((milestone.id, since, until if until is None or until > since else None))
        back = draw(st.none() | _ago)
        if stays[-1][2] is not None and back is not None and back > stays[-1][2]:
            stays.append((milestone.id, back, None))
    return Item(
        number=number,
        project=draw(st.sampled_from("ab")),
        moves=tuple(moves),
        role=draw(st.sampled_from(("work", "work", "work", "work", "decision", "risk"))),
        is_leaf=draw(st.sampled_from((True, True, True, False))),
        estimate=draw(st.none() | st.sampled_from((3.0, 3.0, -1.0))),
        start_on=draw(st.none() | _days),
        due_on=draw(st.none() | _days),
        parent=draw(st.none() | (st.integers(1, size).filter(lambda n: n != number) if size > 1 else st.none())),
        blocked_since=draw(st.none() | _ago),
        touched_at=draw(st.none() | _ago),
        is_bulk=draw(st.sampled_from((False, False, False, True))),
        stays=tuple(stays),
    )


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Days off now and then, and whole weeks of them."""
    weekend = draw(st.sampled_from((frozenset({5, 6}), frozenset({4, 5}), frozenset({6}), frozenset())))
    around = st.integers(-200, 200).map(lambda n: AS_OF.date() + timedelta(days=n))
    long = draw(st.lists(st.tuples(around, st.integers(1, 20)), max_size=3))
    free = {first + timedelta(days=n) for first, size in long for n in range(size)}
    return Calendar(weekend, frozenset(free | draw(st.sets(around, max_size=5))))


@st.composite
def worlds(draw: st.DrawFn, most: int = 30) -> World:
    milestones = []
    for n in range(draw(st.integers(0, 3))):
        seen = sorted(draw(st.sets(_ago, max_size=3)))
        dates = tuple((at, draw(_days)) for at in seen)
        approvals = tuple((at, draw(_days)) for at in sorted(draw(st.sets(_ago, max_size=2))))
        is_open = draw(st.sampled_from((True, True, False)))
        milestones.append(Milestone(f"m{n}", draw(st.sampled_from("ab")), dates, is_open, approvals))
    size = draw(st.integers(1, most))
    items = tuple(draw(_items(n, size, milestones)) for n in range(1, size + 1))
    numbers = st.integers(1, size)
    links = draw(st.lists(st.tuples(numbers, numbers, _ago), max_size=4))
    opened = {item.number for item in items if item.category not in ("done", "canceled")}
    links = tuple(one for one in links if one[0] != one[1] and one[0] in opened and one[1] in opened)
    some = draw(st.lists(calendars(), min_size=1, max_size=2)) if draw(st.booleans()) else [Calendar()]
    return World(items, tuple(milestones), links, calendars=tuple(some))


def busy(seed: int) -> World:
    """A fixed larger world: two years of two projects, with enough finished work for every minimum sample."""
    import random

    dice = random.Random(seed)
    milestones = tuple(
        Milestone(f"m{n}", "ab"[n % 2], ((AS_OF - timedelta(days=300), AS_OF.date() + timedelta(days=15 * n - 20)),
                                        (AS_OF - timedelta(days=60), AS_OF.date() + timedelta(days=20 * n - 10))))
        for n in range(10)
    )  # fmt: skip
    items = []
    for number in range(1, 600):
        created = AS_OF - timedelta(hours=dice.randrange(24, 300 * 24))
        moves = [(created, "todo")]
        at = created
        for category in dice.choice(
            (("doing", "done"), ("doing", "done"), ("doing",), (), ("done", "doing", "done"), ("canceled",))
        ):
            at += timedelta(seconds=dice.randrange(3600, 40 * 86400))
            if at < AS_OF:
                moves.append((at, category))
        stays = []
        if dice.random() < 0.7:
            until = min(created + timedelta(hours=dice.randrange(1, 90 * 24)), AS_OF - timedelta(hours=1))
            joined = created + timedelta(minutes=5)
            stays.append((f"m{dice.choice((0, 0, 1, 1, *range(10)))}", joined, until if dice.random() < 0.2 else None))
        items.append(Item(number, "ab"[number % 2], tuple(moves), due_on=dice.choice((None, AS_OF.date() - timedelta(days=dice.randrange(-30, 60)))),
                          estimate=dice.choice((None, 1.0)), is_bulk=dice.random() < 0.05, stays=tuple(stays)))  # fmt: skip
    return World(tuple(items), milestones)


def renumbered(world: World) -> World:
    """The same world with other integers and the rows in the other order."""
    new = {item.number: 1000 - item.number for item in world.items}
    items = tuple(replace(item, number=new[item.number], parent=new.get(item.parent or 0)) for item in world.items)
    links = tuple((new[a], new[b], since) for a, b, since in world.links)
    return replace(world, items=items, links=links, order=-1)
