"""Is there enough to say a date? Codes with parameters, each naming what was found and what is needed.

A refusal takes the date away; a warning stays beside it. The limits are measured: with fewer than 25 finished items
in 12 weeks, or five empty weeks, the median error of a date is two thirds of the horizon and more; after two silent
weeks the P85 of a four-week forecast holds in 71 % of the cases only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from pmo_sync.assessed import Reason

REFUSE_DONE: Final = 25
WARN_DONE: Final = 50
REFUSE_EMPTY: Final = 5
WARN_EMPTY: Final = 3
REFUSE_WEEKS: Final = 8
FULL_WEEKS: Final = 12
MOST_BULK: Final = 0.30
MOST_UNMAPPED: Final = 0.05
MOST_SILENT_DAYS: Final = 10  # working days
TREND: Final = (0.5, 2.0)
FAR_WEEKS: Final = 26
MOST_SPREAD: Final = 2.5
FAST_GROWTH: Final = 0.25


@dataclass(frozen=True, slots=True)
class Material:
    """What a forecast of one commitment would be made of."""

    total: int  # items in scope
    unmapped: int  # of them, in a status without category
    counts: tuple[int, ...]  # items a week of the last full weeks, at most 12, oldest first
    window_items: int  # finished in those weeks, bulk closures included
    bulk_items: int  # of them, bulk closures
    weeks: tuple[float, ...]  # how much of a usual week each of them was: days off are no work lost
    last_on: date | None  # the last day anything was finished at this pace
    silent_days: int  # working days since then

    @property
    def empty(self) -> int:
        """Weeks with work to do and nothing finished."""
        return sum(count == 0 and share > 0 for count, share in zip(self.counts, self.weeks, strict=True))


def refusals(material: Material) -> tuple[Reason, ...]:
    """Why there is no date; empty when there may be one."""
    if material.total == 0:
        return (Reason("no_items"),)
    counts, found = material.counts, []
    if material.unmapped > MOST_UNMAPPED * material.total:
        found.append(Reason("unmapped_share", {"share": material.unmapped / material.total, "most": MOST_UNMAPPED}))
    worked = round(sum(material.weeks), 6)
    if worked < REFUSE_WEEKS:
        found.append(Reason("short_history", {"weeks": math.floor(worked), "need": REFUSE_WEEKS}))
    if sum(counts) < REFUSE_DONE:
        found.append(Reason("few_done", {"have": sum(counts), "need": REFUSE_DONE}))
    if material.empty >= REFUSE_EMPTY:
        found.append(Reason("empty_weeks", {"weeks": material.empty, "of": len(counts), "most": REFUSE_EMPTY - 1}))
    if material.bulk_items > MOST_BULK * material.window_items:
        share = material.bulk_items / material.window_items
        found.append(Reason("bulk_share", {"share": share, "most": MOST_BULK}))
    if material.last_on is not None and material.silent_days >= MOST_SILENT_DAYS:
        found.append(Reason("dormant", {"days": material.silent_days, "since": material.last_on}))
    return tuple(found)


def warnings(material: Material) -> tuple[Reason, ...]:
    """What makes the date less sure, where nothing refused it."""
    counts, found = material.counts, []
    if len(counts) < FULL_WEEKS:
        found.append(Reason("young_history", {"weeks": len(counts), "need": FULL_WEEKS}))
    if sum(counts) < WARN_DONE:
        found.append(Reason("thin_history", {"have": sum(counts), "need": WARN_DONE}))
    if material.empty >= WARN_EMPTY:
        found.append(Reason("empty_weeks", {"weeks": material.empty, "of": len(counts), "most": WARN_EMPTY - 1}))
    ratio = trend(counts, material.weeks)
    if ratio is not None and not TREND[0] <= ratio <= TREND[1]:
        found.append(Reason("trend", {"ratio": ratio}))
    return tuple(found)


def trend(counts: Sequence[int], weeks: Sequence[float]) -> float | None:
    """Pace of the last four weeks over the pace of those before; None without either."""
    now, before = sum(weeks[-4:]), sum(weeks[:-4])
    if now == 0 or before == 0 or sum(counts[:-4]) == 0:
        return None
    return (sum(counts[-4:]) / now) / (sum(counts[:-4]) / before)


def about_dates(weeks: float, p50: float, p85: float, growth: float, pace: float) -> tuple[Reason, ...]:
    """What to say about dates once they are known: too far away, too wide apart, a scope that grows too fast.

    ``weeks`` are those of work at the present pace, ``p50`` and ``p85`` usual days from now, infinite where unknown, ``growth`` and ``pace`` items a week.
    """
    found = []
    if weeks > FAR_WEEKS:
        found.append(Reason("beyond_horizon", {"weeks": round(weeks), "most": FAR_WEEKS}))
    if MOST_SPREAD * p50 < p85 < math.inf:
        found.append(Reason("wide", {"ratio": p85 / p50, "most": MOST_SPREAD}))
    if growth >= FAST_GROWTH * pace:
        found.append(Reason("scope_growing", {"per_week": growth, "pace": pace}))
    return tuple(found)
