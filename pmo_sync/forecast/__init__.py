"""When will a commitment be finished? Dates that hold, or the reason why there is none.

Whose pace. A milestone that has finished 25 items in 12 full weeks is measured by its own weekly deliveries. Most
milestones are smaller than that; they are measured by the weekly deliveries of their project, and since milestones
of one project compete for it, the work to be done is their own *and* what the project owes no later (in order of due
date, an item counted once; overdue milestones that nobody works on hold nobody up). Sharing the pace by remaining
items instead would let every milestone end on the same day. ``FC-3.sql`` says this once, in SQL, for the required pace
and for the forecast.

Days off. Everything is counted in usual time (``calendar``): a week has its calendar's usual working days, so weeks of
holidays neither pull the pace down nor are they forgotten ahead, and dates fall on working days.

What it assumes. The plan is linear, the work at the mean pace of the last 12 weeks; ``pool`` says by how much and how
widely such plans are missed. Scope stands still, unless the milestone's own work grew over at least four full weeks
since its baseline: then it goes on growing, in the same weeks, until a fifth of the time to the due date is left, and
the plan is longer by as much as simulated work takes longer for it. Growth was not part of the measurements behind the
pool. A kept backtest may choose a variant that leaves one of these things out (``variants``).

What it waits for in other projects counts (``joint``): the dates and the chance are then those of all of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pmo_sync.assessed import Chain, Forecast, Reason
from pmo_sync.forecast import gates, joint, simulate, variants
from pmo_sync.forecast.basis import MEDIAN, Basis, Speed, dates
from pmo_sync.forecast.calendar import Calendar
from pmo_sync.forecast.chance import p_hit
from pmo_sync.forecast.ledger import Held, held, ledger_rows, said
from pmo_sync.forecast.origins import History
from pmo_sync.forecast.pool import QUANTILES, Pool
from pmo_sync.forecast.variants import METHOD, STANDARD, STILL
from pmo_sync.queries import READING, sql, sql_before

if TYPE_CHECKING:
    from pmo_sync.store import Store

__all__ = ["METHOD", "QUANTILES", "Held", "compute", "deliveries", "gates", "held", "ledger_rows", "said"]

GROWS_FOR: Final = 0.8  # of the time to the due date
FEWEST_WEEKS: Final = 4  # since the baseline, before anything is said about growth


class Outlook(NamedTuple):
    """The forecasts of one moment, by subject, and what their dates come from, where they have any."""

    forecasts: dict[str, Forecast]
    bases: dict[str, Basis]


def compute(
    store: Store, as_of: datetime, today: date, *, seed: int, config_digest: str, variant: str = STANDARD
) -> Outlook:
    """A forecast for every open commitment from the tables cut at ``as_of`` (``tables.prepare``).

    ``today`` is the last closed day; dates are days by whose end all work is done. The same tables, ``as_of`` and
    ``seed`` give the same forecasts; ``variant`` is one of ``variants``. The pace is always there; dates
    and the probability are None where a gate refused (``refused``, the refusing gates in ``gates``), where nothing
    remains, and dates also where the middle one lies more than two years ahead.
    """
    weekly: dict[str, list[_Week]] = {}
    for subject, _, *week in store.rows(_sql("weekly")):
        weekly.setdefault(subject, []).append(_Week(*week))
    histories, calendars = deliveries(store, today)
    pool = Pool.of({name: one for name, one in histories.items() if name.startswith("project:")})
    drafts = {}
    for row in store.rows(_sql("inputs")):
        inputs = dict(zip(_COLUMNS, row, strict=True))
        subject, pace_of = inputs["subject"], inputs["pace_of"]
        plan = _Plan.of(weekly.get(subject, []), histories.get(pace_of), simulate.seed_for(subject, as_of, seed))
        drafts[subject] = _Draft.of(inputs, plan, pool, calendars[inputs["calendar"]], today, variant)
    own = {subject: joint.Own(draft.inputs["pace_of"], draft.days, draft.calendar) for subject, draft in drafts.items()}
    web = joint.read(store, own, histories, calendars, pool, today, variant)
    outlook = Outlook({}, {})
    for subject, draft in drafts.items():
        needed = web.needed(subject) if web is not None and draft.speed is not None else None
        outlook.forecasts[subject] = _forecast(draft, needed, web, today, config_digest, variant)
        if outlook.forecasts[subject].fan and draft.speed is not None:
            outlook.bases[subject] = Basis(today, draft.due_on, draft.work, draft.speed, needed)
    if web is not None:
        outlook.forecasts.update(_chained(web, drafts, outlook.forecasts))
    return outlook


def deliveries(store: Store, today: date) -> tuple[dict[str, History], dict[int, Calendar]]:
    """What each subject finished, in the usual time of its calendar, and all calendars by number; from cut tables."""
    calendars = {
        number: Calendar.of(first_on, works, is_off, usual)
        for number, first_on, usual, works, is_off in store.rows(sql("forecast/calendars"))
    }
    histories = {
        subject: History.of(days, items, today, calendars[number])
        for subject, number, days, items in store.rows(_sql("deliveries"))
    }
    return histories, calendars


class _Week(NamedTuple):
    """A full week of the last 12."""

    items: int  # finished
    days: int  # working days
    usual: int  # of a usual week
    net: int | None  # items added net; None before the baseline


class _Plan(NamedTuple):
    """What one forecast is drawn from: weeks (items finished, items added net), the days of the pace, its dice."""

    weeks: list[tuple[int, float]]
    shares: tuple[float, ...]  # how much of a usual week each of them was
    days_off: int  # of their usual working days
    usual_weeks: float  # all of them together
    history: History | None  # None: nothing was ever finished
    seed: int
    young: int | None  # weeks since the baseline, where they are too few to tell of growth

    @classmethod
    def of(cls, weeks: Sequence[_Week], history: History | None, seed: int) -> _Plan:
        """In weeks before the baseline (None) the scope is taken to have grown as it did since, on the average."""
        known = [one.net for one in weeks if one.net is not None]
        usual = sum(known) / len(known) if len(known) >= FEWEST_WEEKS else 0.0
        is_young = 0 < len(known) < FEWEST_WEEKS
        drawn = [(one.items, usual if is_young or one.net is None else one.net) for one in weeks]
        shares = tuple(one.days / one.usual for one in weeks)
        together = sum(one.days for one in weeks) / weeks[0].usual if weeks else 0.0
        days_off = sum(max(0, one.usual - one.days) for one in weeks)
        return cls(drawn, shares, days_off, together, history, seed, len(known) if is_young else None)

    @property
    def pace(self) -> float:
        """Items a usual week."""
        return sum(done for done, _ in self.weeks) / self.usual_weeks if self.usual_weeks else 0.0

    @property
    def growth(self) -> float:
        """Items a usual week by which the scope grows."""
        return max(0.0, sum(net for _, net in self.weeks) / self.usual_weeks) if self.usual_weeks else 0.0


_COLUMNS: Final = (
    "subject", "due_on", "pace_of", "total", "remaining", "unmapped", "own_part", "queued", "calendar", "weeks_left", "silent_days",
    "last_on", "bulk_items", "window_items",
)  # fmt: skip


def _sql(name: str) -> str:
    """A final select over the CTEs of FC-3."""
    return sql_before("indicators/FC-3", READING) + sql(f"forecast/{name}")


class _Draft(NamedTuple):
    """What one forecast is made of, before anything that it waits for is looked at."""

    inputs: Mapping[str, Any]
    plan: _Plan
    calendar: Calendar
    material: gates.Material
    refused: tuple[Reason, ...]
    speed: Speed | None = None  # None: no dates, because a gate refused, nothing remains or nothing was ever finished
    days: tuple[float, ...] | None = None  # usual, of its own work, at QUANTILES; None: nobody can say

    @classmethod
    def of(
        cls, inputs: Mapping[str, Any], plan: _Plan, pool: Pool, calendar: Calendar, today: date, variant: str
    ) -> _Draft:
        material = gates.Material(
            total=int(inputs["total"]),
            unmapped=int(inputs["unmapped"]),
            counts=tuple(done for done, _ in plan.weeks),
            weeks=plan.shares,
            window_items=int(inputs["window_items"]),
            bulk_items=int(inputs["bulk_items"]),
            last_on=inputs["last_on"],
            silent_days=inputs["silent_days"] or 0,
        )
        refused = gates.refusals(material) if inputs["remaining"] or not inputs["total"] else ()
        draft = cls(inputs, plan, calendar, material, refused)
        if not refused and not inputs["remaining"]:
            return draft._replace(days=(0.0,) * len(QUANTILES))
        if refused or plan.history is None:
            return draft
        longer = _longer(plan, draft.work, draft.days_left(today))
        speed = Speed(pool, inputs["pace_of"], plan.history, plan.pace, longer, calendar, variant)
        return draft._replace(speed=speed, days=speed.days(draft.work))

    @property
    def due_on(self) -> date | None:
        found: date | None = self.inputs["due_on"]
        return found

    @property
    def work(self) -> int:
        return int(self.inputs["queued"])

    def days_left(self, today: date) -> float | None:
        """Usual days to its due date."""
        return self.calendar.left(today, self.due_on) if self.due_on else None


def _forecast(
    draft: _Draft,
    needed: joint.Needed | None,
    web: joint.Web | None,
    today: date,
    config_digest: str,
    variant: str,
) -> Forecast:
    inputs, plan, work = draft.inputs, draft.plan, draft.work
    counts, pace, days_left, calendar = draft.material.counts, plan.pace, draft.days_left(today), draft.calendar
    plain: dict[str, Any] = {
        "subject": inputs["subject"],
        "remaining": int(inputs["remaining"]),
        "work": work,
        "ahead": work - int(inputs["own_part"]),
        "weekly_counts": counts,
        "days_off": plan.days_off,
        "due_on": draft.due_on,
        "required_pace": work / inputs["weeks_left"] if work and inputs["weeks_left"] else None,
        "actual_pace": pace,
        "best_pace": max(counts, default=0),
        "config_digest": config_digest,
    }
    days = draft.days
    if draft.speed is None or days is None:
        return Forecast(
            **plain, method=variants.name(variant), p50_on=None, p85_on=None, p95_on=None, p_hit=None, gates=draft.refused,
            refused=bool(draft.refused),
        )  # fmt: skip
    by_day, chance = dates(today, days, calendar), None if days_left is None else p_hit(days, days_left)
    middle, late = days[MEDIAN], days[QUANTILES.index(0.85)]
    if needed is not None:
        by_day, chance = needed.outcome(days, calendar, today, draft.due_on)
        middle, late = (math.inf if day is None else calendar.left(today, day) for day in (by_day[0.50], by_day[0.85]))
    warned = gates.warnings(draft.material)
    if plan.young is not None:
        warned += (Reason("young_scope", {"weeks": plan.young, "need": FEWEST_WEEKS}),)
    warned += gates.about_dates(work / pace, middle, late, plan.growth, pace)
    off = calendar.days_off(today, by_day[0.85] or by_day[0.50] or today)
    if off:
        warned += (Reason("days_off", {"days": off, "until": by_day[0.85] or by_day[0.50]}),)
    if plain["ahead"]:
        warned += (Reason("queue", {"ahead": plain["ahead"], "pace_of": inputs["pace_of"]}),)
    if web is not None:
        warned += web.gates(inputs["subject"])
    return Forecast(
        **plain,
        method=f"{variants.name(variant)}/{'growing' if plan.growth and variant != STILL else 'fixed'}{'/joint' if needed else ''}",
        p50_on=by_day[0.50],
        p85_on=by_day[0.85],
        p95_on=by_day[0.95],
        p_hit=chance,
        gates=warned,
        fan=tuple((q, day) for q, day in by_day.items() if day is not None),
    )


def _chained(
    web: joint.Web, drafts: Mapping[str, _Draft], made: Mapping[str, Forecast]
) -> Iterator[tuple[str, Forecast]]:
    """The forecasts that need anything elsewhere, with what decides them."""
    for subject, forecast in made.items():
        days = drafts[subject].days
        if not forecast.method.endswith("/joint") or days is None:
            continue
        left = drafts[subject].days_left(web.today)
        steps = [
            one._replace(p85_on=made[one.subject].p85_on) if one.subject and one.blocker else one
            for one in web.steps(subject, forecast.p85_on)
        ]
        alone = dates(web.today, days, drafts[subject].calendar)[0.85]
        chain = Chain(tuple(steps), alone, None if left is None else p_hit(days, left))
        yield subject, replace(forecast, chain=chain)


def _longer(plan: _Plan, work: int, days_left: float | None) -> float:
    """By how many times the work takes longer because its scope grows; infinite where it would never end."""
    if not plan.growth:
        return 1.0
    worked = [week for week, share in zip(plan.weeks, plan.shares, strict=True) if share > 0]
    grows_for = GROWS_FOR * (days_left if days_left is not None and days_left > 0 else 7 * work / plan.pace) / 7
    fixed, growing = (
        simulate.quantile(simulate.simulate(worked, work, plan.seed, grows_until=until), 0.5)
        for until in (0.0, grows_for)
    )
    return math.inf if fixed is None or growing is None else max(1.0, growing / fixed)
