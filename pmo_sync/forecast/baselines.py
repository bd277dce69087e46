"""What anybody could say without our forecast, of the same work at the same moment: what a backtest measures us by.

due_date  its date will be kept, whatever is seen (B0)
share     as often as dates were kept so far: the project's, or the portfolio's where it has too few (B1)
linear    the work at the mean pace of the last 12 weeks (B2)
daily     plain simulation from the last 90 days, empty ones too (B3)
weekly    plain simulation from the last 12 weeks, as they were (B4)
pace      late when it needs more than 1.3 times what it does (B5)

Linear, daily and pace leave days off out, as ours do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pmo_sync.assessed import Share
from pmo_sync.forecast import measures, simulate
from pmo_sync.forecast.basis import FARTHEST

if TYPE_CHECKING:
    from pmo_sync.assessed import Forecast
    from pmo_sync.forecast.basis import Speed
    from pmo_sync.forecast.calendar import Calendar

BASELINES: Final = ("due_date", "share", "linear", "daily", "weekly", "pace")
DAYS: Final = 90
TRIALS: Final = 1_000
TOO_FAST: Final = 1.3  # needed over actual pace
FEWEST_KEPT: Final = 5  # dates of the project that are over, for its own share
QUANTILES: Final = (0.15, *measures.JUDGED)


class Said(NamedTuple):
    """Days of the calendar until the work is done, at QUANTILES; infinite: no date. And the chance to make the due date."""

    days: Mapping[float, float]
    p_hit: float | None


def said(
    one: Forecast, speed: Speed, due_on: date | None, today: date, kept: Mapping[str, Share], parent: str, seed: int
) -> dict[str, Said]:
    """Of each of BASELINES, for work with ``speed``; ``kept``: project -> how many of its dates were kept so far.

    Without a ``due_on`` (nobody had told it by then) there is no chance; the first, the second and the last then say
    nothing, and the second and the last never say a date.
    """
    calendar = speed.calendar
    left = None if due_on is None else (due_on - today).days
    usual = None if due_on is None else calendar.left(today, due_on)
    linear = days_to(today, calendar.after(today, 7 * one.work / one.actual_pace))
    week = simulate.simulate([(done, 0) for done in one.weekly_counts], one.work, seed)
    day = _from(daily(speed.history.counts[-DAYS:].tolist(), one.work, seed), usual)
    made = {
        "linear": Said(dict.fromkeys(QUANTILES, linear), None if left is None else float(linear <= left)),
        "daily": day._replace(days={q: _real(today, usual_day, calendar) for q, usual_day in day.days.items()}),
        "weekly": _from(week, left),
    }
    if left is not None and usual is not None:
        made["due_date"] = Said(dict.fromkeys(QUANTILES, float(left)), float(left > 0))
        made["share"] = Said({}, share(kept, parent))
        needed = math.inf if usual <= 0 else one.work * 7 / usual
        made["pace"] = Said({}, float(needed <= TOO_FAST * one.actual_pace))
    return made


def share(kept: Mapping[str, Share], parent: str) -> float:
    """How often dates were kept, with one kept and one missed added (Laplace): one half where nothing is known."""
    own = kept.get(parent, Share(0, 0))
    every = Share(sum(one.held for one in kept.values()), sum(one.of for one in kept.values()))
    used = own if own.of >= FEWEST_KEPT else every
    return (used.held + 1) / (used.of + 2)


def daily(counts: Sequence[int], work: int, seed: int) -> simulate.Curve:
    """The curve (``simulate``) where each day ahead is like one of the past, drawn with equal chance."""
    past = np.asarray(counts, dtype=np.int64)
    if work <= 0 or not past.any():
        return np.zeros(0)
    dice = np.random.default_rng(seed)
    left = np.full(TRIALS, work, dtype=np.int64)
    curve = []
    for _ in range(FARTHEST):
        left -= past[dice.integers(0, len(past), size=TRIALS)]
        curve.append(float((left <= 0).mean()))
        if curve[-1] == 1:
            break
    return np.asarray(curve)


def _from(curve: simulate.Curve, left: float | None) -> Said:
    days = {q: math.inf if (day := simulate.quantile(curve, q)) is None else day for q in QUANTILES}
    if left is None:
        return Said(days, None)
    whole = 0 if left is None else math.floor(left + 1e-9)
    chance = 0.0 if whole <= 0 or not len(curve) else float(curve[min(whole, len(curve)) - 1])
    return Said(days, chance)


def _real(today: date, usual: float, calendar: Calendar) -> float:
    return math.inf if usual > FARTHEST else days_to(today, calendar.after(today, usual))


def days_to(today: date, on: date | None) -> float:
    """Days from today; infinite where there is no date."""
    return math.inf if on is None else float((on - today).days)


def days_until(today: date, days: float) -> date | None:
    """The day by whose end so many days are over; None beyond what a forecast reaches."""
    return None if days > FARTHEST else today + timedelta(days=math.ceil(days - 1e-9))
