"""From what a tracker logged and what it shows now to stays of values. Pure.

Events may be missing (older than the log, imported, deleted) or newer than the issue they belong to (it changed
while it was read). So the present value wins as of the issue's last update, unless an event is newer than that.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple


class Change(NamedTuple):
    """``value`` was added or removed. A single value that is added replaces the one before; None empties it."""

    at: datetime
    value: str | None
    is_added: bool


class Stay(NamedTuple):
    """``value`` held from ``since`` until just before ``until``; None: it still does."""

    value: str
    since: datetime
    until: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether it held at that moment."""
        return self.since <= at and (self.until is None or at < self.until)


def stays_of_one(
    now: str | None,
    changes: Sequence[Change],
    born: datetime,
    updated: datetime,
    *,
    initial: str | None = None,
    settled: datetime | None = None,
) -> list[Stay]:
    """The stays of a field with one value at a time, in order, without gaps of length zero.

    ``changes`` are in order. Without ``initial`` the first value is ``now`` if nothing was logged, what a first
    removal took away, or unknown. ``settled`` is when an unlogged last value came, ``updated`` if not known better.
    """
    if initial is None:
        initial = now if not changes else None if changes[0].is_added else changes[0].value
    points: list[tuple[datetime, str | None]] = [(born, initial)]
    value = initial
    for change in changes:
        if change.is_added:
            value = change.value
        elif value == change.value:
            value = None
        points.append((max(change.at, points[-1][0]), value))
    if value != now and (not changes or changes[-1].at <= updated):
        points.append((max(settled or updated, points[-1][0]), now))
    stays: list[Stay] = []
    for (since, one), (until, _) in zip(points, [*points[1:], (None, None)], strict=True):
        if one is None or since == until:
            continue
        if stays and stays[-1].value == one and stays[-1].until == since:
            stays[-1] = Stay(one, stays[-1].since, until)
        else:
            stays.append(Stay(one, since, until))
    return stays


def stays_of_set(now: Collection[str], changes: Sequence[Change], born: datetime, updated: datetime) -> list[Stay]:
    """The stays of a field with several values at a time, in the order in which they began.

    What was there first is what is there now and was never logged, and what was removed before it was added.
    """
    first: dict[str, bool] = {}
    last: dict[str, datetime] = {}
    for change in changes:
        if change.value is not None:
            first.setdefault(change.value, change.is_added)
            last[change.value] = change.at
    stays: list[Stay] = []
    holding: dict[str, int] = {}  # value -> its open stay
    latest: dict[str, int] = {}  # value -> its last stay

    def begin(value: str, at: datetime) -> None:
        if value in holding:
            return
        place = latest.get(value)
        until = None if place is None else stays[place].until
        if place is not None and until is not None and at <= until:  # removed and added at once: nothing happened
            stays[place] = stays[place]._replace(until=None)
        else:
            place = latest[value] = len(stays)
            stays.append(Stay(value, max(at, born), None))
        holding[value] = place

    def end(value: str, at: datetime) -> None:
        if value in holding:
            place = holding.pop(value)
            stays[place] = stays[place]._replace(until=max(at, stays[place].since))

    for value in sorted({*now, *first}):
        if not first.get(value, False) and (value in first or value in now):
            begin(value, born)
    for change in changes:
        if change.value is not None:
            (begin if change.is_added else end)(change.value, change.at)
    for value in sorted(set(holding) - set(now)):
        if last[value] <= updated:
            end(value, updated)
    for value in sorted(set(now) - set(holding)):
        if last[value] <= updated:
            begin(value, updated)
    return sorted((stay for stay in stays if stay.until != stay.since), key=lambda stay: stay.since)
