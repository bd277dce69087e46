"""Why a forecast moved: the change of its dates and its chance since the last report, split by cause.

From what was published to the same moment computed again is corrected data, a changed configuration or another method.
From there to now the commitment's open items came, left or were done while time passed; the work that goes first changed;
the team's pace and what the pool knows; what it waits for elsewhere; the due date. What each cause makes of the change
depends on the others, so it is the mean over every order in which they could have come (Shapley, 1953), exactly, for few causes matter at once. The parts are
whole days and whole percentage points, as pages show them, and add up to what pages show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

from pmo_sync.assessed import Forecast, IssueRef, Part
from pmo_sync.forecast.basis import Basis, dates
from pmo_sync.forecast.chance import p_hit
from pmo_sync.queries import sql

if TYPE_CHECKING:
    from datetime import date

    from pmo_sync.forecast.calendar import Calendar
    from pmo_sync.forecast.joint import Needed
    from pmo_sync.store import Store

MOST_NAMED: Final = 12  # issues behind one cause

Measures = tuple[int | None, int | None, int | None]  # P50 and P85 as day numbers, P(hit) in percent


class Moved(NamedTuple):
    """What became of a commitment's open items between two moments, and the first of them by key."""

    counts: Mapping[str, int] = {}  # scope_in, scope_out, progress
    named: Mapping[str, tuple[IssueRef, ...]] = {}


def remember(store: Store) -> None:
    """Keep which items are open, for ``moved`` of a later cut of the same connection."""
    store.script(sql("forecast/open_then"))


def moved(store: Store, paces: Mapping[str, str]) -> dict[str, Moved]:
    """By subject, from the remembered moment to the one the tables are cut at now.

    ``paces`` say by whose pace each subject goes: of one with items in several projects those of the others are no work
    of this pace, but what it waits for.
    """
    counts: dict[str, dict[str, int]] = {}
    named: dict[str, dict[str, list[IssueRef]]] = {}
    for subject, project, cause, items, refs in store.rows(sql("forecast/moved"), {"most": MOST_NAMED}):
        if paces.get(subject, subject) not in (subject, project):
            continue
        own = counts.setdefault(subject, {})
        own[cause] = own.get(cause, 0) + items
        if cause != "progress":
            named.setdefault(subject, {}).setdefault(cause, []).extend(IssueRef(**one) for one in refs)
    return {
        subject: Moved(
            own,
            {
                cause: tuple(sorted(refs, key=lambda one: (one.key, one.url))[:MOST_NAMED])
                for cause, refs in named.get(subject, {}).items()
            },
        )
        for subject, own in counts.items()
    }


def attribute(then: Basis, now: Basis, what: Moved, said: Forecast, forecast: Forecast) -> tuple[Part, ...]:
    """The parts of the change from what was ``said`` of ``then`` to today's ``forecast``, the largest first.

    A measure that is not known all the way is None in every part; a cause that moved none is left out.
    """
    causes = _causes(then, now, what)
    start, end = _said(said), _said(forecast)
    states = _states(then, now, what, causes)
    before = states[frozenset()]
    shares = [_shares(states, causes, index) for index in range(len(start))]
    corrected = _besides(said, forecast)
    columns = [
        None if share is None or first is None or last is None or again is None
        else _whole([*share, again - first], last - first)
        for share, first, again, last in zip(shares, start, before, end, strict=True)
    ]  # fmt: skip
    parts = []
    for place, cause in enumerate([*causes, corrected]):
        p50, p85, chance = (None if column is None else column[place] for column in columns)
        parts.append(Part(cause, p50, p85, chance, what.counts.get(cause, 0), what.named.get(cause, ())))
    moving = [one for one in parts if one.p50_days or one.p85_days or one.p_hit_points]
    return tuple(sorted(moving, key=lambda one: (-abs(one.p50_days or 0), -abs(one.p_hit_points or 0), one.cause)))


def _besides(said: Forecast, forecast: Forecast) -> str:
    """What makes a forecast of the same moment another one."""
    if said.method.partition("/")[0] != forecast.method.partition("/")[0]:
        return "method"
    return "corrected" if said.config_digest == forecast.config_digest else "configuration"


def _causes(then: Basis, now: Basis, what: Moved) -> list[str]:
    """Those that can have moved anything, in the order of the text above."""
    is_there = {
        "scope_in": what.counts.get("scope_in", 0) != 0,
        "scope_out": what.counts.get("scope_out", 0) != 0,
        "progress": True,
        "ahead": _ahead(then, now, what) != 0,
        "pace": True,
        "waits": then.needed is not None or now.needed is not None,
        "due": then.due_on != now.due_on,
    }
    return [cause for cause, there in is_there.items() if there]


def _ahead(then: Basis, now: Basis, what: Moved) -> int:
    """By how much the work that goes first changed: all that the commitment's own items do not explain."""
    return now.work - then.work - sum(_sign(cause) * items for cause, items in what.counts.items())


def _sign(cause: str) -> int:
    return 1 if cause == "scope_in" else -1


def _states(then: Basis, now: Basis, what: Moved, causes: Sequence[str]) -> dict[frozenset[str], Measures]:
    """What would be forecast with only some of the causes come true, for every choice of them."""

    @cache
    def days(is_now: bool, work: int) -> tuple[float, ...]:
        return (now if is_now else then).speed.days(work)

    made = {}
    for count in range(len(causes) + 1):
        for some in combinations(causes, count):
            work = then.work + sum(_sign(one) * what.counts.get(one, 0) for one in some if one in what.counts)
            work += _ahead(then, now, what) if "ahead" in some else 0
            today = now.today if "progress" in some else then.today
            due_on = now.due_on if "due" in some else then.due_on
            needed = now.needed if "waits" in some else then.needed
            made[frozenset(some)] = _measures(today, due_on, days("pace" in some, work), now.speed.calendar, needed)
    return made


def _measures(
    today: date, due_on: date | None, days: Sequence[float], calendar: Calendar, needed: Needed | None
) -> Measures:
    by_day = dates(today, days, calendar)
    chance = None if due_on is None else p_hit(days, calendar.left(today, due_on))
    if needed is not None:
        by_day, chance = needed.outcome(days, calendar, today, due_on)
    return _day(by_day[0.50]), _day(by_day[0.85]), _percent(chance)


def _said(one: Forecast) -> Measures:
    return _day(one.p50_on), _day(one.p85_on), _percent(one.p_hit)


def _day(day: date | None) -> int | None:
    return None if day is None else day.toordinal()


def _percent(chance: float | None) -> int | None:
    """Rounded down, as pages show it."""
    return None if chance is None else math.floor(100 * chance + 1e-6)


def _shares(states: Mapping[frozenset[str], Measures], causes: Sequence[str], index: int) -> list[float] | None:
    """Each cause's mean step over all orders; None where a state has no such measure."""
    values = {some: value for some, measures in states.items() if (value := measures[index]) is not None}
    if len(values) < len(states):
        return None
    n = len(causes)
    shares = []
    for cause in causes:
        share = 0.0
        for some, value in values.items():
            if cause not in some:
                orders = math.factorial(len(some)) * math.factorial(n - len(some) - 1) / math.factorial(n)
                share += orders * (values[some | {cause}] - value)
        shares.append(share)
    return shares


def _whole(shares: Sequence[float], total: int) -> list[int]:
    """The shares as whole numbers that add up to ``total``, as they do: the largest remainders are rounded up."""
    down = [math.floor(one + 1e-9) for one in shares]
    order = sorted(range(len(shares)), key=lambda place: (down[place] - shares[place], place))
    for place in order[: total - sum(down)]:
        down[place] += 1
    return down
