"""What past dates tell at an origin, the moment a forecast is made: the features of the regression, and how often and
how far such forecasts would have missed before.

A history is the number of items finished on each day of usual time (``calendar``), from the first finished item on; an
origin is the number of days of it that are known. The plan it is measured against is linear: the work at the mean pace of the last 12 weeks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from pmo_sync.forecast.calendar import Calendar

Vector = npt.NDArray[np.float64]

EPOCH: Final = date(1970, 1, 1)
WEEKS: Final = 12  # of the pace
STEP: Final = 28  # days between two origins of one history
HORIZONS: Final = (2, 4, 8, 13, 26)  # weeks of work that are looked back upon
FEWEST_ITEMS: Final = 12  # finished in 12 weeks, for an origin to say anything
MOST_EMPTY: Final = 6  # of those weeks
SMALLEST: Final = 5  # items of work
UNSETTLED: Final = 7  # days after an origin before it can teach anything
MOST_QUIET: Final = 28
SHIFTS: Final = 13  # features of the middle
SPREADS: Final = 6  # features of the spread


@dataclass(frozen=True, slots=True)
class History:
    """Items finished a usual day, without bulk closures. ``first_on`` is the day of the first one."""

    first_on: date
    counts: npt.NDArray[np.int64]
    skipped: npt.NDArray[np.int64] | None = None  # by how many days off each origin lies later; None: there are none

    @classmethod
    def of(cls, days: Sequence[int], items: Sequence[int], until: date, calendar: Calendar) -> History:
        """To the end of ``until``; ``days`` count from 1970, in rising order."""
        places = calendar.places(np.asarray(days) + EPOCH.toordinal())
        [end] = calendar.places(np.array([until.toordinal()]))
        counts = np.zeros(end - places[0] + 1, dtype=np.int64)
        np.add.at(counts, places - places[0], items)
        starts = np.append(calendar.usual_days[places[0] : end + 1], until.toordinal() + 1)
        return cls(date.fromordinal(int(starts[0])), counts, starts - starts[0] - np.arange(len(starts)))


@dataclass(frozen=True, slots=True)
class Rows:
    """Forecasts that could have been made, one a row, and what came of them."""

    shifts: Vector  # (rows, SHIFTS)
    spreads: Vector  # (rows, SPREADS)
    missed: Vector  # ln(days it took / days planned); of those still open, of the days so far
    is_known: npt.NDArray[np.bool_]  # False: still open
    weeks: Vector  # of work, the horizon
    age: Vector  # days between the origin and the end of the history
    owner: npt.NDArray[np.int64]  # which history

    def __len__(self) -> int:
        return len(self.missed)

    @classmethod
    def none(cls) -> Rows:
        """No row."""
        empty = np.zeros(0)
        return cls(
            np.zeros((0, SHIFTS)), np.zeros((0, SPREADS)), empty, empty.astype(bool), empty, empty, empty.astype(int)
        )

    @classmethod
    def joined(cls, some: Sequence[Rows]) -> Rows:
        """All of them, numbered by their place in ``some``."""
        if not some:
            return cls.none()
        return cls(
            np.concatenate([one.shifts for one in some]),
            np.concatenate([one.spreads for one in some]),
            np.concatenate([one.missed for one in some]),
            np.concatenate([one.is_known for one in some]),
            np.concatenate([one.weeks for one in some]),
            np.concatenate([one.age for one in some]),
            np.repeat(np.arange(len(some)), [len(one) for one in some]),
        )


def features(history: History, origin: int, pace: float, weeks: float) -> tuple[Vector, Vector]:
    """What is known after ``origin`` days about work of so many ``weeks`` at ``pace`` items a week."""
    shifts, spreads = _features(history, np.array([origin]), np.array([pace]), np.array([weeks]))
    return shifts[0], spreads[0]


def look_back(history: History) -> Rows:
    """The forecasts that could have been made every 28 days, as far as the end of the history knows of them."""
    end = len(history.counts)
    done = np.concatenate(([0], np.cumsum(history.counts)))
    origins = np.arange(7 * WEEKS, end - UNSETTLED, STEP)
    last = _weeks(done, origins, WEEKS)
    is_fit = (last.sum(axis=1) >= FEWEST_ITEMS) & ((last == 0).sum(axis=1) <= MOST_EMPTY)
    origins, pace = origins[is_fit].repeat(len(HORIZONS)), last[is_fit].mean(axis=1).repeat(len(HORIZONS))
    weeks = np.tile(np.array(HORIZONS, dtype=float), is_fit.sum())
    work = np.rint(pace * weeks)
    is_large = work >= SMALLEST
    origins, pace, weeks, work = origins[is_large], pace[is_large], weeks[is_large], work[is_large]
    reached = np.searchsorted(done, done[origins] + work)  # the day by whose end the work was done
    is_known = reached <= end
    took = np.where(is_known, reached, end) - origins
    shifts, spreads = _features(history, origins, pace, weeks)
    owner = np.zeros(len(origins), dtype=np.int64)
    return Rows(shifts, spreads, np.log(took / (7 * work / pace)), is_known, weeks, end - origins, owner)


def _features(history: History, origins: npt.NDArray[np.int64], pace: Vector, weeks: Vector) -> tuple[Vector, Vector]:
    done = np.concatenate(([0], np.cumsum(history.counts)))
    known = np.maximum(origins / 7, 1.0)
    t4, t26, t52 = (
        np.clip(np.log((done[origins] - done[np.maximum(origins - 7 * k, 0)] + 2 * pace) / (np.minimum(k, known) + 2) / pace), -1.2, 1.2)
        for k in (4, 26, 52)
    )  # fmt: skip
    far = np.log(weeks / 8) / 1.2
    size = (np.log(pace) - 2) / 1.5
    quiet = np.minimum(_silent_days(history.counts, origins), MOST_QUIET) / 14
    age = np.log(np.maximum(origins, 1) / 364)
    turn = 3 * _holidays(history, origins, 7 * weeks) / (7 * weeks)
    cv12, cv52 = (_variation(done, origins, most) for most in (WEEKS, 52))
    one = np.ones(len(origins))
    shifts = [one, far, t4, t26, t52, t4 * far, t26 * far, t52 * far, quiet, size, size * far, age, turn]
    spreads = [one, far, np.maximum(0, 2 - np.log(pace)), np.clip(cv12 - 0.6, -0.5, 1) / 0.3,
               np.clip(cv52 - 0.8, -0.6, 1.5) / 0.4, np.abs(t52)]  # fmt: skip
    return np.stack(shifts, axis=1), np.stack(spreads, axis=1)


def _weeks(done: npt.NDArray[np.int64], origins: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """Items of the last ``most`` weeks before each origin, the latest first; (origins, most)."""
    edges = np.maximum(origins[:, None] - 7 * np.arange(most + 1), 0)
    return np.asarray(done[edges[:, :-1]] - done[edges[:, 1:]])


def _silent_days(counts: npt.NDArray[np.int64], origins: npt.NDArray[np.int64]) -> Vector:
    """Days since the last finished item."""
    last = np.maximum.accumulate(np.where(counts > 0, np.arange(len(counts)), -1))
    return np.asarray(origins - 1 - last[origins - 1], dtype=float)


def _variation(done: npt.NDArray[np.int64], origins: npt.NDArray[np.int64], most: int) -> Vector:
    """Sample deviation over mean of the weeks before each origin, up to ``most`` of them; 0 below two."""
    weeks = _weeks(done, origins, most)
    many = np.minimum(origins // 7, most)
    counts = np.arange(most) < many[:, None]
    mean = (weeks * counts).sum(axis=1) / np.maximum(many, 1)
    squares = (((weeks - mean[:, None]) ** 2) * counts).sum(axis=1)
    return np.asarray(np.where(many > 1, np.sqrt(squares / np.maximum(many - 1, 1)), 0) / np.maximum(mean, 0.1))


def _holidays(history: History, origins: npt.NDArray[np.int64], days: Vector) -> Vector:
    """Days from 20 December to 4 January among the ``days`` from each origin; those of the next turn of the year."""
    real = origins if history.skipped is None else origins + history.skipped[origins]
    starts = [history.first_on + timedelta(days=int(one)) for one in real]
    years = [one.year - (one < date(one.year, 1, 5)) for one in starts]
    start = np.array([one.toordinal() for one in starts])
    first = np.array([date(year, 12, 20).toordinal() for year in years])
    end = start + np.ceil(days) - 1
    return np.asarray(np.maximum(0, np.minimum(first + 15, end) - np.maximum(first, start) + 1), dtype=float)
