"""The replayed record: what would have been forecast before each milestone's end, made again from what was known then.

One forecast a milestone and horizon, at the last week end that lies so many weeks before its end; of a milestone that is
still open, before today. That the end was then so many weeks away makes these harder than the usual forecast: of all
that seemed near, those that were late are looked at. Each is made from tables cut at its moment, so its scope, its work and what the pool had
learnt are those of that day. A due date counts from the day we first saw it: before, there is no chance to make it, and
it only orders the work of milestones that share a pace. Replayed and published forecasts (``ledger``) are never added:
only the published ones were promises.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from pmo_sync import forecast
from pmo_sync.assessed import Forecast
from pmo_sync.forecast import simulate
from pmo_sync.queries import sql

if TYPE_CHECKING:
    from pmo_sync.store import Store

HORIZONS: Final = (26, 13, 8, 4)  # weeks before the end


class End(NamedTuple):
    """How a committed milestone or epic ended, as known today."""

    subject: str
    name: str
    is_confidential: bool
    is_open: bool
    ended_on: date | None  # None: open, or nobody knows
    finished_on: date | None  # the day of its last item; None: closed with work still open, or open
    moved_out: int  # items that left it before they were done


class Replayed(NamedTuple):
    """One forecast as it would have been, and what came of it."""

    subject: str
    weeks: int
    as_of: date  # the last day it knew
    is_refused: bool
    p50_on: date | None = None
    p85_on: date | None = None
    p95_on: date | None = None
    plain_p85_on: date | None = None  # throughput simulation of the same work and weeks, not calibrated
    linear_on: date | None = None  # the same work at the mean pace
    p_hit: float | None = None  # None where the due date was not known by then
    due_on: date | None = None
    finished_on: date | None = None


def ends(store: Store) -> list[End]:
    """From tables cut at the present."""
    return [End(*row) for row in store.rows(sql("forecast/ends"))]


def moments(ended: Sequence[End], first: date, today: date) -> dict[date, list[tuple[End, int]]]:
    """Which forecasts are wanted of which day, oldest first; none before ``first``, none of the week to ``today``."""
    wanted: dict[date, list[tuple[End, int]]] = {}
    for one in ended:
        end = one.ended_on or (today if one.is_open else None)
        if end is None:
            continue
        for weeks in HORIZONS:
            day = end - timedelta(days=7 * weeks)
            day -= timedelta(days=day.isoweekday() % 7)  # Sunday
            if first <= day < today:
                wanted.setdefault(day, []).append((one, weeks))
    return dict(sorted(wanted.items()))


def replay(
    store: Store, day: date, as_of: datetime, wanted: Sequence[tuple[End, int]], *, seed: int
) -> Iterator[Replayed]:
    """The forecasts of one day, from tables cut at its end, ``as_of``. Those of what was no commitment then are none."""
    made = forecast.compute(store, as_of, day, seed=seed, config_digest="").forecasts
    seen = dict(store.rows("SELECT subject, known_since FROM subject WHERE is_committed"))
    for end, weeks in wanted:
        one, since = made.get(end.subject), seen.get(end.subject)
        if one is None or one.remaining == 0:
            continue
        if one.refused:
            yield Replayed(end.subject, weeks, day, is_refused=True, finished_on=end.finished_on)
            continue
        is_due_known = since is not None and since < as_of.replace(tzinfo=None) + timedelta(days=1)
        yield Replayed(
            end.subject,
            weeks,
            day,
            is_refused=False,
            p50_on=one.p50_on,
            p85_on=one.p85_on,
            p95_on=one.p95_on,
            plain_p85_on=_plain(one, day, simulate.seed_for(end.subject, as_of, seed)),
            linear_on=day + timedelta(days=math.ceil(7 * one.work / one.actual_pace)),
            p_hit=one.p_hit if is_due_known else None,
            due_on=one.due_on if is_due_known else None,
            finished_on=end.finished_on,
        )


def _plain(one: Forecast, day: date, seed: int) -> date | None:
    curve = simulate.simulate([(done, 0) for done in one.weekly_counts], one.work, seed)
    days = simulate.quantile(curve, 0.85)
    return None if days is None else day + timedelta(days=math.ceil(days))


class Share(NamedTuple):
    """How many of how many, and the 95 % interval of Wilson (1927) for the share behind it."""

    held: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Low and high; 0 and 1 where nothing is known."""
        if not self.of:
            return 0.0, 1.0
        share, z = self.held / self.of, 1.96
        middle = (share + z * z / (2 * self.of)) / (1 + z * z / self.of)
        half = z * math.sqrt(share * (1 - share) / self.of + z * z / (4 * self.of**2)) / (1 + z * z / self.of)
        return max(0.0, middle - half), min(1.0, middle + half)


class Worth(NamedTuple):
    """What the replayed forecasts of one horizon were worth."""

    weeks: int
    made: int  # forecasts with dates
    refused: int  # not enough data: no date was given
    waiting: int  # their P85 day has not come
    held: Mapping[str, Share]  # p50, p85, p95, plain_p85
    off: Mapping[str, float | None]  # median days between the date and the end: p50, linear
    brier: float | None  # mean square of P(hit) minus what happened; None below 5 dates known at the time
    brier_of_share: float | None  # the same of a forecast that always says the share that was on time


def worth(some: Sequence[Replayed], weeks: int, today: date) -> Worth:
    """Of the replayed forecasts of one horizon, each judged once its day is over, as in the ledger: what is open then is
    a miss, and who was early is not counted before their turn.
    """
    made = [one for one in some if one.weeks == weeks and not one.is_refused]
    columns = ("p50_on", "p85_on", "p95_on", "plain_p85_on")
    finished = [one for one in made if one.finished_on is not None]
    hits = [
        (one.p_hit, float(one.finished_on is not None and one.finished_on <= one.due_on))
        for one in made
        if one.p_hit is not None and one.due_on is not None and one.due_on <= today
    ]
    share = sum(hit for _, hit in hits) / len(hits) if hits else 0.0
    is_enough = len(hits) >= 5
    return Worth(
        weeks,
        len(made),
        sum(one.weeks == weeks and one.is_refused for one in some),
        sum(one.finished_on is None if one.p85_on is None else one.p85_on > today for one in made),
        {column.removesuffix("_on"): _held(made, column, today) for column in columns},
        {
            name: _median([abs((day - one.finished_on).days) for one in finished if (day := getattr(one, column))])
            for name, column in (("p50", "p50_on"), ("linear", "linear_on"))
        },
        sum((chance - hit) ** 2 for chance, hit in hits) / len(hits) if is_enough else None,
        share * (1 - share) if is_enough else None,
    )


def _held(made: Sequence[Replayed], column: str, today: date) -> Share:
    """A forecast without such a date promised none."""
    judged = [(one.finished_on, day) for one in made if (day := getattr(one, column)) is not None and day <= today]
    return Share(sum(finished is not None and finished <= day for finished, day in judged), len(judged))


def _median(days: Sequence[int]) -> float | None:
    return float(statistics.median(days)) if days else None
