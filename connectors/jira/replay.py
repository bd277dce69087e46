"""From a present value and what each change replaced, back to every stay. Pure.

Jira logs no values at creation, and its histories have holes: moved issues, bulk imports, deleted statuses. The walk
therefore goes backwards from what the issue shows now: before a change stood what that change replaced. Where the
last change and the present value disagree, the present value wins as of the last change.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pmo_sync.model import Interval

Value = tuple[str, str] | None  # value and label; None: empty
Before = tuple[datetime, Value]  # a change, and the value it replaced


def stays(entity: str, field: str, born: datetime, changes: Sequence[Before], now: Value) -> list[Interval]:
    """The stays of a field with one value at a time. ``changes`` are in order of time; none starts before ``born``."""
    if not changes:
        return [Interval(entity, field, *now, born, None)] if now else []
    points: list[Before] = []  # (since, value), values differ from one to the next
    since = born
    for at, before in changes:
        _add(points, since, before)
        since = max(since, at)
    _add(points, since, now)
    made: list[Interval] = []
    for number, (start, value) in enumerate(points):
        if value is not None:
            until = points[number + 1][0] if number + 1 < len(points) else None
            made.append(Interval(entity, field, value[0], value[1], start, until))
    return made


def _add(points: list[Before], since: datetime, value: Value) -> None:
    """Append, dropping stays of no length and joining equal neighbours."""
    if points and points[-1][0] == since:
        points.pop()
    if points and _same(points[-1][1], value):
        points[-1] = (points[-1][0], value)  # the newer label
        return
    points.append((since, value))


def _same(one: Value, other: Value) -> bool:
    return (one[0] if one else None) == (other[0] if other else None)


Members = frozenset[str]


def lists(changes: Sequence[tuple[datetime, Members]], now: Members, born: datetime) -> list[tuple[datetime, Members]]:
    """The states of a set whose changes log the whole set they replaced."""
    states = []
    since = born
    for at, before in changes:
        states.append((since, before))
        since = max(since, at)
    states.append((since, now))
    return states


def deltas(
    changes: Sequence[tuple[datetime, Members, Members]], now: Members, born: datetime
) -> list[tuple[datetime, Members]]:
    """The states of a set whose changes log what left and what joined: ``(at, left, joined)``."""
    state = now
    before: list[tuple[datetime, Members]] = []
    for at, left, joined in reversed(changes):
        state = (state - joined) | left
        before.append((at, state))
    before.reverse()
    return lists(before, now, born)


def memberships(
    entity: str, field: str, states: Sequence[tuple[datetime, Members]], values: dict[str, tuple[str, str]]
) -> list[Interval]:
    """One stay per member. ``values`` gives value and label; members without are left out."""
    made: list[Interval] = []
    joined: dict[str, datetime] = {}
    for since, members in states:
        for member in [one for one in joined if one not in members]:
            start = joined.pop(member)
            if start < since and member in values:
                made.append(Interval(entity, field, *values[member], start, since))
        for member in members:
            joined.setdefault(member, since)
    made += [Interval(entity, field, *values[one], start, None) for one, start in joined.items() if one in values]
    return _joined(made)


def _joined(made: list[Interval]) -> list[Interval]:
    """Stays of the same value that touch become one; two members may share a value (a link logged twice)."""
    made.sort(key=lambda one: (one.value, one.since))
    kept: list[Interval] = []
    for one in made:
        last = kept[-1] if kept else None
        if last is not None and last.value == one.value and (last.until is None or last.until >= one.since):
            until = None if last.until is None or one.until is None else max(last.until, one.until)
            kept[-1] = last._replace(until=until, label=one.label)
        else:
            kept.append(one)
    return kept
