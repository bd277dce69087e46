"""How work flows through one project, week by week: what is created, what is finished, what rolls over.

The weekly completion rate is ``rate * exp(x)`` where ``x`` is an AR(1) process; releases are planned as batches of
work sized by ``load``, grow while they run, and hand what is left to the next one. The outcome is drafts: dates only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final, Literal

from pmo_sync.demo.company import Tracker

PERSISTENCE: Final = 0.58  # lag-1 autocorrelation of the log rate
SPREAD: Final = 0.5  # its standard deviation
SHARE_OF_RELEASE: Final = 0.82  # of all completions while a release has work left
CYCLE: Final = (math.log(5.0), 0.9)  # lognormal, days from start to done
TRAIN: Final = -1  # the release index that stands for the group milestone

Role = Literal["work", "epic", "sub-task", "decision", "risk"]
WEEK: Final = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """A tracker project and its character."""

    tracker: Tracker
    key: str
    name: str
    topic: str
    character: str
    rate: float  # completions a week
    load: float  # required over actual pace of the current release, as planned for the present
    workflow: dict[str, str]
    labels: tuple[str, ...]
    release: str  # what its releases are called
    release_weeks: int = 11
    due_in: int = 6  # weeks from now to the end of the current release
    growth: float = 0.06  # work added to the running release each week, as a share of the rate
    age: int | None = None  # weeks of life before now; None: the whole story
    dormant: int | None = None  # weeks since anything happened
    slip_at: int | None = None  # week, relative to now, in which the current release is moved by two weeks
    bulk: tuple[int, ...] = ()  # weeks before now with a bulk-closing day
    estimates: bool = False
    sprints: bool = False
    resolves: bool = True  # Jira: whether done issues get a resolution
    health: str | None = None  # reported, whatever is true
    quick: bool = False  # part of the small company too


@dataclass(slots=True)
class Release:
    """A dated goal before it becomes one in a tracker. ``due_on`` is the first promise."""

    planned_at: datetime
    due_on: date
    slips: list[tuple[datetime, date]]  # when it was moved, to which date
    closed_at: datetime | None

    @property
    def final_due_on(self) -> date:
        """The last promise."""
        return self.slips[-1][1] if self.slips else self.due_on


@dataclass(slots=True)
class Draft:
    """The dates of one issue."""

    created_at: datetime
    role: Role = "work"
    release: int | None = None
    first_release: int | None = None
    moves: list[tuple[datetime, int | None, int | None]] = field(default_factory=list)
    started_at: datetime | None = None
    done_at: datetime | None = None
    is_canceled: bool = False
    moved_to: Draft | None = None
    parent: Draft | None = None


def office(rng: Random, day: date) -> datetime:
    """A moment of a Jakarta working day, whole seconds, UTC."""
    return datetime.combine(day, time(1, 30), UTC) + timedelta(seconds=rng.randrange(9 * 3600))


def in_week(rng: Random, monday: datetime) -> datetime:
    """A moment on a working day of the week."""
    return office(rng, (monday + timedelta(days=rng.randrange(5))).date())


def count(rng: Random, mean: float) -> int:
    """A whole number with this mean and the least possible noise."""
    return int(mean + rng.random())


def releases(plan: Plan, rng: Random, start: datetime, monday: datetime, end: datetime) -> list[Release]:
    """The plan's releases from ``start`` to beyond ``end``; the current one is due ``due_in`` weeks after ``monday``."""
    length = timedelta(weeks=plan.release_weeks)
    friday = timedelta(days=4)
    due = monday + timedelta(weeks=plan.due_in - 1) + friday
    while due - length > start:
        due -= length
    made = []
    current = (monday + timedelta(weeks=plan.due_in - 1) + friday).date()
    while due - length < end + length:
        slips: list[tuple[datetime, date]] = []
        if due.date() == current and plan.slip_at is not None:
            slips = [(in_week(rng, monday + plan.slip_at * WEEK), due.date() + timedelta(weeks=2))]
        elif due < monday and rng.random() < (0.25 if plan.load < 1 else 0.6):
            moved = office(rng, (due - timedelta(days=rng.choice((7, 8, 9, 14, 15)))).date())
            slips = [(moved, due.date() + timedelta(weeks=rng.choice((1, 2, 3))))]
        closed = office(rng, (slips[-1][1] if slips else due.date()) + timedelta(days=rng.choice((0, 0, 3, 4))))
        is_left = plan.dormant is not None and closed > monday - plan.dormant * WEEK
        made.append(Release(max(start, due - length - WEEK), due.date(), slips, None if is_left else closed))
        due += length
    return made


def drafts(
    plan: Plan, rng: Random, start: datetime, monday: datetime, end: datetime, goals: Sequence[Release]
) -> list[Draft]:
    """Everything that is created from ``start`` to ``end``, and when it is finished.

    The weeks after ``end`` are played too, so that work in progress at ``end`` has its beginning.
    """
    made: list[Draft] = []
    backlog: list[Draft] = []
    rates = _rates(plan, rng, start, monday, end)
    for week, rate in rates.items():
        if rate:
            _finish(rng, backlog, count(rng, rate), _current(goals, week), week)
            fresh = _arrivals(plan, rng, backlog, week, rates, monday, goals)
            made += fresh
            backlog += fresh
        _roll_over(rng, backlog, goals, week)
        if any(week == monday - before * WEEK for before in plan.bulk):
            _bulk_close(rng, backlog, week)
    made += _records(plan, rng, start, monday, end)
    return [draft for draft in made if draft.created_at < end]


def _rates(plan: Plan, rng: Random, start: datetime, monday: datetime, end: datetime) -> dict[datetime, float]:
    """What can be finished in each week, by its Monday; 0 where the project sleeps."""
    made: dict[datetime, float] = {}
    level = rng.gauss(0, SPREAD)
    week = start
    while week < end + 8 * WEEK:
        level = PERSISTENCE * level + math.sqrt(1 - PERSISTENCE**2) * rng.gauss(0, SPREAD)
        asleep = plan.dormant is not None and week >= monday - plan.dormant * WEEK
        made[week] = 0.0 if asleep else plan.rate * math.exp(level - SPREAD**2 / 2)
        week += WEEK
    return made


def _demand(plan: Plan, goal: Release, rates: Mapping[datetime, float], monday: datetime) -> float:
    """How much work is planned into a release: what fits, but for the current one ``load`` decides."""
    inside = {week: rate for week, rate in rates.items() if goal.planned_at - WEEK < week and week.date() < goal.due_on}
    if not goal.planned_at < monday <= datetime.combine(goal.due_on, time(), UTC):
        return 0.8 * SHARE_OF_RELEASE * sum(inside.values())
    lately = [rate for week, rate in rates.items() if monday - 8 * WEEK <= week < monday]
    left = sum(week >= monday for week in inside)
    past = sum(rate for week, rate in inside.items() if week < monday)
    return SHARE_OF_RELEASE * past + plan.load * left * sum(lately) / len(lately)


def _current(goals: Sequence[Release], week: datetime) -> int | None:
    for index, goal in enumerate(goals):
        if goal.planned_at < week + WEEK and (goal.closed_at is None or goal.closed_at >= week):
            return index
    return None


def _arrivals(
    plan: Plan,
    rng: Random,
    backlog: Sequence[Draft],
    week: datetime,
    rates: Mapping[datetime, float],
    monday: datetime,
    goals: Sequence[Release],
) -> list[Draft]:
    made = []
    for index, goal in enumerate(goals):
        if week <= goal.planned_at < week + WEEK:
            carried = sum(1 for draft in backlog if draft.release == index)
            batch = count(rng, max(0.0, _demand(plan, goal, rates, monday) - carried))
            for _ in range(batch):  # most of it at once, the rest as it is understood
                delay = rng.choice((0, 0, 0, 0, 0, 1, 2, 3, 5, 7))
                made.append(Draft(in_week(rng, week + delay * WEEK), release=index, first_release=index))
    current = _current(goals, week)
    made += [
        Draft(in_week(rng, week), release=current, first_release=current)
        for _ in range(count(rng, plan.growth * plan.rate))
    ]
    unplanned = 0.3 if week > next(iter(rates)) else 1.5
    for _ in range(count(rng, unplanned * plan.rate)):
        on_train = plan.tracker == "gitlab" and monday - 12 * WEEK <= week and rng.random() < 0.5
        release = TRAIN if on_train else None
        made.append(Draft(in_week(rng, week), release=release, first_release=release))
    return made


def _finish(rng: Random, backlog: list[Draft], number: int, current: int | None, week: datetime) -> None:
    for _ in range(number):
        ready = [draft for draft in backlog if draft.started_at is None and draft.created_at < week]
        mine = [draft for draft in ready if draft.release == current and current is not None]
        pool = mine if mine and rng.random() < SHARE_OF_RELEASE else [one for one in ready if one not in mine] or mine
        if not pool:
            return
        chosen = rng.choice(pool[:8])
        backlog.remove(chosen)
        chosen.done_at = max(in_week(rng, week), chosen.created_at + timedelta(hours=4))
        cycle = timedelta(days=rng.lognormvariate(*CYCLE))
        earliest = chosen.created_at + timedelta(minutes=rng.randrange(30, 180))
        chosen.started_at = max(chosen.done_at - max(cycle, timedelta(hours=3)), earliest).replace(microsecond=0)
        chosen.is_canceled = rng.random() < 0.05
    forgotten = [draft for draft in backlog if draft.started_at is None and draft.created_at < week]
    if forgotten and rng.random() < 0.06:  # started, then nobody came back to it
        rng.choice(forgotten).started_at = in_week(rng, week)


def _roll_over(rng: Random, backlog: Sequence[Draft], goals: Sequence[Release], week: datetime) -> None:
    for index, goal in enumerate(goals):
        if goal.closed_at is not None and week <= goal.closed_at < week + WEEK:
            for draft in backlog:
                if draft.release == index and draft.created_at < goal.closed_at:
                    later = index + 1 if index + 1 < len(goals) and rng.random() < 0.8 else None
                    draft.moves.append((goal.closed_at, index, later))
                    draft.release = later


def _bulk_close(rng: Random, backlog: list[Draft], week: datetime) -> None:
    at = office(rng, (week + timedelta(days=3)).date())
    for draft in [one for one in backlog if one.created_at < week - 3 * WEEK][: rng.randrange(9, 18)]:
        backlog.remove(draft)
        at += timedelta(seconds=rng.randrange(3, 40))
        draft.done_at, draft.is_canceled = at, rng.random() < 0.6
        draft.started_at = draft.started_at or at - timedelta(seconds=2)


def _records(plan: Plan, rng: Random, start: datetime, monday: datetime, end: datetime) -> list[Draft]:
    """Risks and decisions: few, slow, outside the releases."""
    made = []
    week = start
    stop = end if plan.dormant is None else monday - plan.dormant * WEEK
    while week < stop:
        roles: tuple[Role, ...] = ("risk", "decision")
        for role in roles:
            if rng.random() < min(0.09, 0.02 * plan.rate):
                draft = Draft(in_week(rng, week), role)
                draft.started_at = draft.created_at + timedelta(days=rng.randrange(1, 6), seconds=rng.randrange(3600))
                draft.done_at = office(rng, (draft.started_at + timedelta(days=rng.lognormvariate(3, 0.8))).date())
                draft.done_at = max(draft.done_at, draft.started_at + timedelta(hours=2))
                made.append(draft)
        week += WEEK
    return made
