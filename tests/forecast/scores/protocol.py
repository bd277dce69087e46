"""Which forecasts are made, and what came of them: "when are the next N items done?", asked again and again.

Every 28 days from the 84th of each project on, N is what 2, 4, 8, 13 and 26 weeks of work are at the mean pace of the
last 12 weeks (of 12 items and at least six weeks with any; N of 5 and more). Judged are those after a year, with room
for three times the horizon before the last day of the data, and with 200 earlier forecasts at that horizon from eight
other projects: the same ones for every method. A project that has stopped goes on being silent to the last day.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from pmo_sync.forecast.origins import (
    FEWEST_ITEMS,
    HORIZONS,
    MOST_EMPTY,
    SMALLEST,
    STEP,
    UNSETTLED,
    WEEKS,
    History,
    Vector,
)  # fmt: skip

Whole = npt.NDArray[np.int64]
NEVER: Final = 10**9
YEAR: Final = 364
EVERY: Final = 56  # days between two moments at which a method learns
EARLIER: Final = 200
OTHERS: Final = 8


@dataclass(frozen=True)
class Board:
    """Forecasts, one a row, in order of project, origin and horizon. Days are ordinals of the calendar."""

    histories: Mapping[str, History]
    names: tuple[str, ...]
    owner: Whole  # place in names
    origin: Whole  # days known of its history
    day: Whole  # the first day that is not known
    weeks: Whole  # the horizon
    work: Whole  # items
    pace: Vector  # items a week
    plan: Vector  # days: the work at that pace
    reached: Whole  # the day after all was done; NEVER where the data ends before
    last: Whole  # (rows, 12): items of the last weeks, the oldest first
    end: int  # the day after the last one
    is_judged: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.owner)

    @property
    def took(self) -> Vector:
        """Days until all was done; infinite where nobody knows."""
        return np.where(self.reached < NEVER, self.reached - self.day, np.inf)

    def known(self, row: int) -> History:
        """All that the forecast of a row may know of its own project."""
        one = self.histories[self.names[self.owner[row]]]
        return History(one.first_on, one.counts[: self.origin[row]])

    @property
    def silent(self) -> Whole:
        """Days without any finished item before the origin."""
        found = np.zeros(len(self), dtype=np.int64)
        for owner, name in enumerate(self.names):
            rows = self.owner == owner
            busy = np.maximum.accumulate(
                np.where(self.histories[name].counts > 0, np.arange(len(self.histories[name].counts)), -1)
            )
            found[rows] = self.origin[rows] - 1 - busy[self.origin[rows] - 1]
        return found

    def judged(self, is_meant: npt.NDArray[np.bool_]) -> Board:
        """The same, only these rows judged."""
        return replace(self, is_judged=self.is_judged & is_meant)

    def until(self, day: int, names: Container[str] | None = None) -> dict[str, History]:
        """All that was known before a day, of these projects."""
        found = {}
        for name, one in self.histories.items():
            days = day - one.first_on.toordinal()
            if days > 7 * WEEKS and (names is None or name in names):
                found[name] = History(one.first_on, one.counts[:days])
        return found

    def moments(self, rows: Whole) -> Iterator[tuple[int, Whole]]:
        """Days at which a method may learn, and the rows that are forecast from then on."""
        first = min(one.first_on for one in self.histories.values()) + timedelta(days=YEAR)
        turn = (self.day[rows] - first.toordinal()) // EVERY
        for number in np.unique(turn):
            yield first.toordinal() + int(number) * EVERY, rows[turn == number]


def board(histories: Mapping[str, History]) -> Board:
    """Of whole histories that end on the same day."""
    names = tuple(sorted(histories))
    columns: dict[str, list[npt.NDArray[np.int64]]] = {}
    for owner, name in enumerate(names):
        for column, values in _rows(histories[name], owner).items():
            columns.setdefault(column, []).append(values)
    made = {column: np.concatenate(values) for column, values in columns.items()}
    end = max(one.first_on.toordinal() + len(one.counts) for one in histories.values())
    pace = made["last"].sum(axis=1) / WEEKS
    has_room = made["day"] + 21 * made["weeks"] <= end
    is_judged = has_room & (made["origin"] >= YEAR) & _is_comparable(made)
    return Board(histories, names, **made, pace=pace, plan=7 * made["work"] / pace, end=end, is_judged=is_judged)


def _rows(one: History, owner: int) -> dict[str, Whole]:
    done = np.concatenate(([0], np.cumsum(one.counts)))
    origin = np.arange(7 * WEEKS, len(one.counts) - UNSETTLED, STEP)
    edges = origin[:, None] - 7 * np.arange(WEEKS, -1, -1)
    last = np.diff(done[edges], axis=1)
    is_fit = (last.sum(axis=1) >= FEWEST_ITEMS) & ((last == 0).sum(axis=1) <= MOST_EMPTY)
    origin, last = origin[is_fit].repeat(len(HORIZONS)), last[is_fit].repeat(len(HORIZONS), axis=0)
    weeks = np.tile(np.array(HORIZONS), is_fit.sum())
    work = np.rint(last.sum(axis=1) / WEEKS * weeks).astype(np.int64)
    is_large = work >= SMALLEST
    origin, last, weeks, work = origin[is_large], last[is_large], weeks[is_large], work[is_large]
    found = np.searchsorted(done, done[origin] + work)
    first = one.first_on.toordinal()
    reached = np.where(found <= len(one.counts), found + first, NEVER)
    return {
        "owner": np.full(len(origin), owner), "origin": origin, "day": origin + first, "weeks": weeks, "work": work,
        "reached": reached, "last": last,
    }  # fmt: skip


def _is_comparable(made: Mapping[str, Whole]) -> npt.NDArray[np.bool_]:
    """Whether enough was forecast before, at the same horizon, for other projects."""
    enough = np.zeros(len(made["day"]), dtype=bool)
    for weeks in HORIZONS:
        rows = np.flatnonzero(made["weeks"] == weeks)
        before = made["day"][rows][None, :] < made["day"][rows][:, None]
        is_other = made["owner"][rows][None, :] != made["owner"][rows][:, None]
        earlier = before & is_other
        owners = [earlier[:, made["owner"][rows] == one].any(axis=1) for one in np.unique(made["owner"])]
        enough[rows] = (earlier.sum(axis=1) >= EARLIER) & (np.sum(owners, axis=0) >= OTHERS)
    return enough
