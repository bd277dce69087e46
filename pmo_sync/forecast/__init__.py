"""When will a commitment be finished? Dates that hold, or the reason why there is none.

Whose pace. A milestone that has finished 25 items in 12 full weeks is measured by its own weekly deliveries. Most
milestones are smaller than that; they are measured by the weekly deliveries of their project, and since milestones
of one project compete for it, the work to be done is their own *and* what the project owes no later (in order of due
date, an item counted once; overdue milestones that nobody works on hold nobody up). Sharing the pace by remaining
items instead would let every milestone end on the same day. ``FC-3.sql`` says this once, in SQL, for the required pace
and for the forecast.

What it assumes. The weeks to come are like the last 12; scope stands still, unless the milestone's own scope grew
since its baseline: then it goes on growing, in the same weeks, until a fifth of the time to the due date is left.
The spread comes from ``calibrate``. Growth was not part of the measurements behind that table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from pmo_sync.assessed import Forecast, Reason
from pmo_sync.forecast import calibrate, gates, simulate
from pmo_sync.forecast.ledger import Held, held, ledger_rows

if TYPE_CHECKING:
    from pmo_sync.store import Store

__all__ = ["METHOD", "Held", "calibrate", "compute", "gates", "held", "ledger_rows", "simulate"]

METHOD: Final = "cold-start-1"
GROWS_FOR: Final = 0.8  # of the time to the due date


def compute(store: Store, as_of: datetime, today: date, *, seed: int, config_digest: str) -> dict[str, Forecast]:
    """A forecast for every open commitment, by subject, from the tables cut at ``as_of`` (``tables.prepare``).

    ``today`` is the last closed day; dates are days by whose end all work is done. The same tables, ``as_of`` and
    ``seed`` give the same forecasts, and no forecast depends on which others are made. The pace is always there; dates
    and the probability are None where a gate refused (``refused``, the refusing gates in ``gates``), where nothing
    remains, and dates also where they lie more than two years ahead.
    """
    weekly: dict[str, list[tuple[int, int]]] = {}
    for subject, _, items, net_added in store.rows(_sql("weekly")):
        weekly.setdefault(subject, []).append((int(items), int(net_added)))
    made = {}
    for row in store.rows(_sql("inputs")):
        inputs = dict(zip(_COLUMNS, row, strict=True))
        dice = simulate.seed_for(inputs["subject"], as_of, seed)
        made[inputs["subject"]] = _forecast(inputs, weekly.get(inputs["subject"], []), today, dice, config_digest)
    return made


_COLUMNS: Final = (
    "subject", "due_on", "pace_of", "total", "remaining", "unmapped", "queued", "last_on", "bulk_items", "window_items",
)  # fmt: skip


def _sql(name: str) -> str:
    """A final select over the CTEs of FC-3."""
    folder = files("pmo_sync").joinpath("sql")
    before, _, _ = folder.joinpath("indicators/FC-3.sql").read_text(encoding="utf-8").partition("-- reading\n")
    return before + folder.joinpath(f"forecast/{name}.sql").read_text(encoding="utf-8")


def _forecast(
    inputs: Mapping[str, Any], weeks: list[tuple[int, int]], today: date, seed: int, config_digest: str
) -> Forecast:
    counts = tuple(done for done, _ in weeks)
    pace = sum(counts) / len(counts) if counts else 0.0
    due_on: date | None = inputs["due_on"]
    days_left = (due_on - today).days if due_on else None
    work = int(inputs["queued"])
    material = gates.Material(
        total=int(inputs["total"]),
        unmapped=int(inputs["unmapped"]),
        counts=counts,
        window_items=int(inputs["window_items"]),
        bulk_items=int(inputs["bulk_items"]),
        last_on=inputs["last_on"],
        today=today,
    )
    plain: dict[str, Any] = {
        "subject": inputs["subject"],
        "remaining": int(inputs["remaining"]),
        "weekly_counts": counts,
        "due_on": due_on,
        "required_pace": work * 7 / days_left if work and days_left and days_left > 0 else None,
        "actual_pace": pace,
        "best_pace": max(counts, default=0),
        "config_digest": config_digest,
    }
    refused = gates.refusals(material) if inputs["remaining"] or not inputs["total"] else ()
    if refused or not inputs["remaining"]:
        return Forecast(
            **plain, method=METHOD, p50_on=None, p85_on=None, p95_on=None, p_hit=None, gates=refused,
            refused=bool(refused),
        )  # fmt: skip
    growth = max(0.0, sum(net for _, net in weeks) / len(weeks))
    curve, median = _curve(weeks, work, growth, days_left, seed)
    days = calibrate.calibrated(curve, median, calibrate.variation(counts))
    dates = {q: _day(today, day) for q, day in zip(calibrate.QUANTILES, days, strict=True)}
    if median > 7 * simulate.MOST_WEEKS:
        dates = dict.fromkeys(dates)
    said = gates.warnings(material) + gates.about_dates(median / 7, days[1], days[3], growth, pace)
    if work > inputs["remaining"]:
        said += (Reason("queue", {"ahead": work - int(inputs["remaining"]), "pace_of": inputs["pace_of"]}),)
    return Forecast(
        **plain,
        method=f"{METHOD}/{'simulated' if growth else 'exact'}",
        p50_on=dates[0.50],
        p85_on=dates[0.85],
        p95_on=dates[0.95],
        p_hit=None if days_left is None else calibrate.p_hit(days, days_left),
        gates=said,
        fan=tuple((q, day) for q, day in dates.items() if day is not None),
    )


def _curve(
    weeks: list[tuple[int, int]], work: int, growth: float, days_left: int | None, seed: int
) -> tuple[simulate.Curve, float]:
    """The plain curve and its median in days; past the curve's end the median is that of the mean pace."""
    counts = [done for done, _ in weeks]
    linear = 7 * work * len(counts) / sum(counts)
    curve = simulate.exact(counts, work)
    median = simulate.quantile(curve, 0.5) or max(linear, 7.0 * simulate.MOST_WEEKS + 1)
    if growth == 0:
        return curve, median
    grows_until = GROWS_FOR * (days_left if days_left is not None and days_left > 0 else median) / 7
    curve = simulate.simulate(weeks, work, seed, grows_until=grows_until)
    return curve, max(median, simulate.quantile(curve, 0.5) or max(linear, 7.0 * simulate.MOST_WEEKS + 1))


def _day(today: date, days: float) -> date | None:
    return None if math.isinf(days) else today + timedelta(days=math.ceil(days - 1e-9))
