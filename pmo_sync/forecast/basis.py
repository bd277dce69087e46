"""What the dates of one commitment come from, so that they can be made again with one thing changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from pmo_sync.forecast.calendar import Calendar
from pmo_sync.forecast.origins import History
from pmo_sync.forecast.pool import QUANTILES, Pool
from pmo_sync.forecast.variants import PRIOR, SHARED, STANDARD, STILL

if TYPE_CHECKING:
    from pmo_sync.forecast.joint import Needed

FARTHEST: Final = 728  # usual days; no date lies beyond, and none is given where the middle one would
MEDIAN: Final = QUANTILES.index(0.50)


class Speed(NamedTuple):
    """How fast the work of a commitment goes: whose deliveries, at which pace, and how such plans are missed."""

    pool: Pool
    pace_of: str
    history: History
    pace: float  # items a usual week
    longer: float  # by how many times its work takes longer because its scope grows
    calendar: Calendar
    variant: str = STANDARD

    def days(self, work: int) -> tuple[float, ...]:
        """Usual days until so many items are done, at QUANTILES; infinite where no date is known."""
        if work <= 0:
            return (0.0,) * len(QUANTILES)
        longer = 1.0 if self.variant == STILL else self.longer
        return tuple(longer * one for one in self._pool.days(self.pace_of, self.history, self.pace, work))

    @property
    def _pool(self) -> Pool:
        if self.variant == PRIOR:
            return _prior()
        return replace(self.pool, owners={}) if self.variant == SHARED else self.pool


@cache
def _prior() -> Pool:
    return Pool.of({})


class Basis(NamedTuple):
    """So much work, at such a speed, from the end of a day on."""

    today: date
    due_on: date | None
    work: int  # open items, with those that the same pace must finish first
    speed: Speed
    needed: Needed | None = None  # what it needs elsewhere


def dates(today: date, days: Sequence[float], calendar: Calendar) -> dict[float, date | None]:
    """The working days by whose end all is done, by quantile, from usual days; none beyond FARTHEST, and none where the
    middle one is.
    """
    if days[MEDIAN] > FARTHEST:
        return dict.fromkeys(QUANTILES)
    return {q: None if day > FARTHEST else calendar.after(today, day) for q, day in zip(QUANTILES, days, strict=True)}
