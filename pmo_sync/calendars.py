"""Which days are worked: a calendar of the configuration, day by day.

A day is free by its country's public holidays, by its weekday, or because the configuration says so; ``work_days`` win
over the holidays, ``free_days`` over everything. The days are those of the PMO's zone, for every calendar.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final, get_args

import numpy as np
import pyarrow as pa

from pmo_sync.config import CalendarConfig, Weekday

COLUMNS: Final = {
    "calendar": pa.int32(), "day": pa.date32(), "works": pa.bool_(), "before": pa.int32(), "is_off": pa.bool_(),
}  # fmt: skip
_EPOCH: Final = date(1970, 1, 1).toordinal()
_WEEKEND: Final = frozenset({5, 6})


def week(calendar: CalendarConfig) -> frozenset[int]:
    """The weekdays that are usually worked, Monday is 0."""
    return frozenset(range(7)) - _weekend(calendar)


def days(calendars: Sequence[CalendarConfig], first: date, last: date) -> pa.Table:
    """COLUMNS, a row for each calendar (by its place) and day: whether it ``works``, how many worked ``before`` it, and
    whether it ``is_off`` though its weekday is usually worked.
    """
    return pa.concat_tables([_days(number, one, first, last) for number, one in enumerate(calendars)])


@lru_cache(maxsize=64)  # a report looks at several moments
def _days(number: int, calendar: CalendarConfig, first: date, last: date) -> pa.Table:
    ordinals = np.arange(first.toordinal(), last.toordinal() + 1)
    usual = np.isin((ordinals - 1) % 7, sorted(week(calendar)))
    works = usual.copy()
    free, worked = _holidays(calendar, first, last)
    for some, value in ((free, False), (worked, True), (calendar.work_days, True), (calendar.free_days, False)):
        works[[one.toordinal() - first.toordinal() for one in some if first <= one <= last]] = value
    before = np.asarray(np.cumsum(works) - works, dtype=np.int32)
    return pa.table(
        {
            "calendar": pa.array(np.full(len(ordinals), number), COLUMNS["calendar"]),
            "day": pa.array((ordinals - _EPOCH).astype(np.int32)).cast(COLUMNS["day"]),
            "works": pa.array(works),
            "before": pa.array(before),
            "is_off": pa.array(usual & ~works),
        }
    )


def _weekend(calendar: CalendarConfig) -> frozenset[int]:
    if calendar.weekend is not None:
        return frozenset(get_args(Weekday).index(one) for one in calendar.weekend)
    return _WEEKEND if calendar.country is None else frozenset(_country(calendar.country, ()).weekend)


def _holidays(calendar: CalendarConfig, first: date, last: date) -> tuple[Sequence[date], Sequence[date]]:
    """Public holidays, and days of the weekend that are worked in their place."""
    if calendar.country is None:
        return (), ()
    known = _country(calendar.country, tuple(range(first.year, last.year + 1)))
    return tuple(known), tuple(known.weekend_workdays)


@lru_cache(maxsize=64)
def _country(country: str, years: tuple[int, ...]) -> Any:
    import holidays  # slow, and most of it other countries

    code, _, part = country.partition("-")
    return holidays.country_holidays(code, part or None, years=years)
