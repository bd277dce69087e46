"""Usual time: the days of a calendar without those that are off, so that a holiday is neither a slow day nor a lost one.

What happened is told in it (``places``), a plan is made in it, and its end is a day of the calendar again (``after``);
how much of it is left to a day is the way back (``left``). A usual week has seven usual days, free weekdays among them,
as the histories had behind ``prior``; on the way to a date only working days count, so dates fall on working days and a
due Sunday is a due Friday.

The turn of the year is counted once. Between 20 December and 4 January the projects behind ``prior`` lost about three
working days, holidays included, and the regression says so of every plan across it (``origins``). So the first three
days off of each turn stay in usual time as days like others; what a calendar has off beyond them is taken out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.int64]
TURN_DAYS: Final = 3  # working days that the turn of the year costs by the regression: tests/forecast/test_calendar.py
TURN: Final = ((12, 20), (1, 4))


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """The days from ``first_on`` on. Beyond its end all days are usual, and no date is told there."""

    first_on: date
    usual_days: Days  # ordinals of the days in usual time
    worked: Days  # for each day: working days up to its end, those of the turn among them
    off: Days  # for each day: days off up to its end, all of them
    lands_on: Days  # for each day: the place of the next one that is worked
    week: int  # working days of a usual week

    @classmethod
    def of(cls, first_on: date, works: Sequence[bool], is_off: Sequence[bool], week: int) -> Calendar:
        """From each day's word: whether it is worked, and whether it is off though its weekday is usually worked."""
        first = first_on.toordinal()
        off = np.asarray(is_off, dtype=bool)
        out = off.copy()
        for year in range(first_on.year - 1, date.fromordinal(first + len(off)).year + 1):
            start, end = (date(year + n, *day).toordinal() - first for n, day in enumerate(TURN))
            turn = np.arange(max(start, 0), min(end + 1, len(off)))
            out[turn[off[turn]][:TURN_DAYS]] = False
        worked = np.asarray(works, dtype=bool)
        places = np.where(worked, np.arange(len(off)), len(off))
        return cls(
            first_on,
            np.flatnonzero(~out) + first,
            np.cumsum(worked | (off & ~out)),
            np.cumsum(off),
            np.minimum.accumulate(places[::-1])[::-1],
            week,
        )

    def places(self, ordinals: Days) -> Days:
        """Where days stand in usual time; a day that is out of it stands where the one before does."""
        return np.maximum(np.searchsorted(self.usual_days, ordinals, side="right") - 1, 0)

    def after(self, today: date, days: float) -> date | None:
        """The working day by whose end so many usual days have passed since the end of ``today``; ``today`` where none
        need to; None beyond the calendar.
        """
        need = math.ceil(days * self.week / 7 - 1e-9)
        if need <= 0:
            return today
        place = int(np.searchsorted(self.worked, self.worked[self._place(today)] + need))
        lands = int(self.lands_on[place]) if place < len(self.worked) else len(self.worked)
        return date.fromordinal(self.first_on.toordinal() + lands) if lands < len(self.worked) else None

    def left(self, today: date, until: date) -> float:
        """The usual days from the end of ``today`` to the end of ``until``; not above 0 where it is over."""
        last = len(self.worked) - 1
        end = self._place(until)
        worked = int(self.worked[min(end, last)] - self.worked[self._place(today)])
        return worked * 7 / self.week + max(0, end - last)

    def ahead(self, today: date, most: int) -> npt.NDArray[np.float64]:
        """``left`` to the end of ``today`` and of each of so many days after it."""
        last = len(self.worked) - 1
        places = self._place(today) + np.arange(most + 1)
        worked = self.worked[np.minimum(places, last)] - self.worked[min(self._place(today), last)]
        return np.asarray(worked * 7 / self.week + np.maximum(0, places - last))

    def last_worked(self, today: date, most: int) -> Days:
        """Of each of so many days after ``today``, counted from it, the last one by then that is worked; 0 where none is.

        Beyond the calendar's end all are.
        """
        places = self._place(today) + np.arange(most + 1)
        known = np.minimum(places, len(self.lands_on) - 1)
        is_worked = (self.lands_on[known] == known) | (places >= len(self.lands_on))
        return np.asarray(np.maximum.accumulate(np.where(is_worked, np.arange(most + 1), 0)))

    def days_off(self, today: date, until: date) -> int:
        """Days off after ``today``, up to ``until`` and the calendar's end."""
        return int(self.off[min(self._place(until), len(self.off) - 1)] - self.off[self._place(today)])

    def _place(self, day: date) -> int:
        return max(0, (day - self.first_on).days)
