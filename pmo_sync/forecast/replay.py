"""The replayed record: the forecasts of past week ends made again from what was known then, and what came of them.

A rolling origin: at week ends, of every commitment that was open then and had a date; of each one forecast in 28 days
counts, as in the ledger. Its horizon are the weeks of work ahead at the pace of that day: what was known, not how it ended.
Each is made from tables cut at its moment, so its scope, its work and what the pool had learnt are those of that day. A
due date counts from the day we first saw it: before, there is no chance to make it, and it only orders the work of
milestones that share a pace. Replayed and published forecasts (``ledger``) are never added: only the published ones were
promises.

The configuration is today's: a status counts in the past as it is mapped now, and a project that is switched off now,
or was archived since where the configuration names none, is not replayed.

``methods`` are ours (``ours``), its variants and the baselines, all of the same rows.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from pmo_sync.assessed import Share
from pmo_sync.forecast import baselines, measures, simulate, variants
from pmo_sync.forecast.baselines import QUANTILES, Said
from pmo_sync.forecast.basis import dates
from pmo_sync.forecast.chance import p_hit
from pmo_sync.forecast.ledger import APART
from pmo_sync.forecast.pool import CAP
from pmo_sync.queries import sql

if TYPE_CHECKING:
    from pmo_sync.assessed import Forecast
    from pmo_sync.forecast import Outlook
    from pmo_sync.forecast.basis import Basis
    from pmo_sync.store import Store

HORIZONS: Final = (4, 8, 13, 26, 104)  # weeks of work ahead, at most
METHODS: Final = ("ours", *baselines.BASELINES)


class End(NamedTuple):
    """How a committed milestone or epic ended, as known today."""

    subject: str
    name: str
    is_confidential: bool
    is_open: bool
    ended_on: date | None  # None: open, or nobody knows
    finished_on: date | None  # the day of its last item; None: closed with work still open, or open
    moved_out: int  # items that left it before they were done

    def finished_by(self, day: date) -> bool:
        """Whether all of its work was done by the end of that day."""
        return self.finished_on is not None and self.finished_on <= day


class Replayed(NamedTuple):
    """One forecast made again, and what others would have said."""

    subject: str
    weeks: int  # its horizon, of HORIZONS
    day: date  # the last one that it knew
    plan: float  # days of work ahead, at the pace of that day
    due_on: date | None  # None: nobody had told us
    said: Mapping[str, Said]  # by METHODS and variants; a baseline that cannot say anything is not there


def ends(store: Store) -> list[End]:
    """Every committed milestone and epic that has work, from tables cut at today's end."""
    return [End(*row) for row in store.rows(sql("forecast/ends"))]


def week_ends(first: date, today: date) -> list[date]:
    """The Sundays from ``first`` on, as long as there is a day after them to learn from."""
    start = first + timedelta(days=-first.isoweekday() % 7)
    return [start + timedelta(days=7 * n) for n in range(max(0, -(-(today - start).days // 7)))]


def kept(store: Store) -> dict[str, Share]:
    """Project -> how many of its dates were kept, as known at the moment the tables are cut at."""
    query = f"WITH finished AS (\n{sql('forecast/finished')}\n)\n{sql('forecast/on_time')}"
    return {parent: Share(held, of) for parent, held, of in store.rows(query)}


def known_dates(store: Store, as_of: datetime) -> dict[str, date]:
    """The due dates of commitments that we had seen by the moment the tables are cut at."""
    rows = store.rows("SELECT subject, due_on, known_since FROM subject WHERE is_committed AND due_on IS NOT NULL")
    limit = as_of.replace(tzinfo=None) + timedelta(days=1)  # a look within a day tells of that day
    return {subject: due_on for subject, due_on, since in rows if since is not None and since < limit}


def replay(
    store: Store, day: date, as_of: datetime, outlook: Outlook, last: dict[str, date], *, seed: int
) -> Iterator[Replayed]:
    """The forecasts of ``day`` that count, from tables cut at its end, ``as_of``. ``last``: milestone -> the day of its
    last forecast that did; these are added.
    """
    dated, parents = known_dates(store, as_of), dict(store.rows("SELECT subject, parent FROM subject"))
    so_far = kept(store)
    for subject, basis in sorted(outlook.bases.items()):
        one = outlook.forecasts[subject]
        plan = 7 * one.work / one.actual_pace
        weeks = next((most for most in HORIZONS if plan <= 7 * most), None)
        if weeks is None or (subject in last and day - last[subject] < APART):
            continue
        last[subject] = day
        due_on = dated.get(subject)
        dice = simulate.seed_for(subject, as_of, seed)
        others = baselines.said(one, basis.speed, due_on, day, so_far, parents[subject], dice)
        said = {"ours": _ours(one, day, due_on), **_variants(basis, due_on), **others}
        yield Replayed(subject, weeks, day, plan, due_on, said)


def _ours(one: Forecast, day: date, due_on: date | None) -> Said:
    days = dict.fromkeys(QUANTILES, math.inf) | {q: baselines.days_to(day, on) for q, on in one.fan}
    return Said(days, None if due_on is None else one.p_hit)


def _variants(basis: Basis, due_on: date | None) -> dict[str, Said]:
    made = {}
    for variant in variants.VARIANTS:
        days, calendar = basis.speed._replace(variant=variant).days(basis.work), basis.speed.calendar
        by_day = dates(basis.today, days, calendar)
        chance = None if due_on is None else p_hit(days, calendar.left(basis.today, due_on))
        if basis.needed is not None:
            by_day, chance = basis.needed.outcome(days, calendar, basis.today, due_on)
        made[variant] = Said({q: baselines.days_to(basis.today, on) for q, on in by_day.items()}, chance)
    return made


class Horizon(NamedTuple):
    """What our replayed dates of one horizon were worth."""

    weeks: int
    made: int
    waiting: int  # of them, those whose P85 day has not come
    held: Mapping[str, Share]  # p50, p85, p95
    plain: Share  # the same of the P85 dates of plain weekly simulation


class Score(NamedTuple):
    """What one method was worth on the rows that it says something of. Intervals are 95 %, over milestones."""

    method: str
    rows: int
    milestones: int
    held: Share | None  # p85 dates; None: it says none
    loss: float | None  # of dates, in plans, where the end is known: a milestone's mean, then theirs
    ours_less: tuple[float, float, float] | None  # our loss less this one's on the same rows, with its interval
    off: float | None  # median days between the P50 date and the end
    later: float | None  # median days by which the end came after the P50 date
    chances: int  # forecasts whose due date was known and is over
    chances_of: int  # milestones that these are of
    brier: float | None  # mean square of P(hit) less what happened
    skill: tuple[float, float, float] | None  # how much of the share's error is gone, with its interval
    auc: tuple[float, float, float] | None  # how well it orders late before on time, with its interval


def horizon(rows: Sequence[Replayed], ended: Mapping[str, End], weeks: int, today: date) -> Horizon:
    """Of one of HORIZONS. Each date is judged once its day is over, as in the ledger: what is open then is a miss, and
    who was early is not counted before their turn.
    """
    some = [one for one in rows if one.weeks == weeks]
    p85 = [on(one, "ours", 0.85) for one in some]
    return Horizon(
        weeks,
        len(some),
        sum(day is None or day > today for day in p85),
        {f"p{round(100 * q)}": held(some, ended, "ours", q, today) for q in (0.50, 0.85, 0.95)},
        held(some, ended, "weekly", 0.85, today),
    )


def held(rows: Sequence[Replayed], ended: Mapping[str, End], method: str, q: float, today: date) -> Share:
    """How many dates held, of those whose day is over; where there is no date, none was promised."""
    judged = [(ended[one.subject], day) for one in rows if one.subject in ended and (day := on(one, method, q))]
    over = [(end, day) for end, day in judged if day <= today]
    return Share(sum(end.finished_by(day) for end, day in over), len(over), len({end.subject for end, _ in over}))


def on(one: Replayed, method: str, q: float) -> date | None:
    """The date at a quantile; None where there is none."""
    said = one.said.get(method)
    return None if said is None or q not in said.days else baselines.days_until(one.day, said.days[q])


def took(one: Replayed, ended: Mapping[str, End], today: date) -> float | None:
    """Days until its work was done; the longest a loss tells apart where it was closed with work still open, or is
    open for as long; None where nobody knows yet.
    """
    end, most = ended.get(one.subject), CAP * one.plan
    if end is None:
        return None
    if end.finished_on is not None:
        return float(max(0, (end.finished_on - one.day).days))
    return most if not end.is_open or (today - one.day).days >= most else None


def losses(rows: Sequence[Replayed], ended: Mapping[str, End], method: str, today: date) -> dict[str, list[float]]:
    """Milestone -> the loss of each of its forecasts whose end is known."""
    found: dict[str, list[float]] = {}
    for one in rows:
        said, days = one.said.get(method), took(one, ended, today)
        if said is not None and said.days and days is not None:
            found.setdefault(one.subject, []).append(measures.pinball(said.days, days, one.plan))
    return found


def score(rows: Sequence[Replayed], ended: Mapping[str, End], method: str, today: date) -> Score:
    """Of one of METHODS."""
    told = [one for one in rows if method in one.said]
    lost, ours = losses(told, ended, method, today), losses(told, ended, "ours", today)
    known = [one for one in told if (end := ended.get(one.subject)) is not None and end.finished_on is not None]
    off = [(end_on - day).days for one in known if (day := on(one, method, 0.5)) and (end_on := ended[one.subject].finished_on)]  # fmt: skip
    chances = [one for one in told if one.said[method].p_hit is not None and _is_over(one, ended, today)]
    return Score(
        method,
        len(told),
        len({one.subject for one in told}),
        held(told, ended, method, 0.85, today) if any(one.said[method].days for one in told) else None,
        _mean([_mean(some) for some in lost.values()]) if lost else None,
        _less(ours, lost) if lost and method != "ours" else None,
        float(statistics.median(map(abs, off))) if off else None,
        float(statistics.median(off)) if off else None,
        len(chances),
        len({one.subject for one in chances}),
        _mean([_miss(one, ended, method) for one in chances]) if chances else None,
        _skill(chances, ended, method),
        _auc(chances, ended, method),
    )


def _is_over(one: Replayed, ended: Mapping[str, End], today: date) -> bool:
    return one.subject in ended and one.due_on is not None and one.due_on <= today


def _miss(one: Replayed, ended: Mapping[str, End], method: str) -> float:
    """The square of P(hit) less what happened."""
    chance, due_on = one.said[method].p_hit, one.due_on
    return ((chance or 0.0) - float(due_on is not None and ended[one.subject].finished_by(due_on))) ** 2


def _less(ours: Mapping[str, Sequence[float]], theirs: Mapping[str, Sequence[float]]) -> tuple[float, float, float]:
    differences = [_mean(ours[id_]) - _mean(some) for id_, some in sorted(theirs.items())]
    return _mean(differences), *measures.interval([(one, 1.0) for one in differences], measures.mean)


def _skill(rows: Sequence[Replayed], ended: Mapping[str, End], method: str) -> tuple[float, float, float] | None:
    sums: dict[str, list[float]] = {}
    for one in rows:
        into = sums.setdefault(one.subject, [0.0, 0.0])
        into[0] += _miss(one, ended, method)
        into[1] += _miss(one, ended, "share")
    ours, theirs = (sum(one[place] for one in sums.values()) for place in (0, 1))
    if not theirs or method == "share":
        return None
    return 1 - ours / theirs, *measures.interval([sums[id_] for id_ in sorted(sums)], measures.skill)


def _auc(rows: Sequence[Replayed], ended: Mapping[str, End], method: str) -> tuple[float, float, float] | None:
    risks = [1 - (one.said[method].p_hit or 0.0) for one in rows]
    is_late = [one.due_on is not None and not ended[one.subject].finished_by(one.due_on) for one in rows]
    return measures.auc(risks, is_late, [one.subject for one in rows])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
