"""A past to look back on: two projects over a year and a half, milestones with dates, some kept, some missed."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

from tests.store import history

FIRST = date(2025, 1, 6)  # a Monday
TODAY = date(2026, 6, 28)  # a Sunday
DAY = timedelta(days=1)
WEEKS = 76


def text(seed: int = 5, projects: str = "AB", weeks: int = WEEKS, pace: int = 5, every: int = 6, size: int = 20) -> str:
    """The lines of ``tests.store.history``.

    A project finishes some ``pace`` items a week; every ``every`` weeks begins a milestone of some ``size`` items that
    ends when they are done, some of which come in late. Dates are known from the beginning, and some are moved.
    """
    dice, lines = random.Random(seed), []
    for name in projects:
        finished = _finished(dice, name, weeks, pace)
        for number in range(weeks // every):
            start = FIRST + timedelta(weeks=number * every)
            mine = [one for one in finished if one[1] > start + timedelta(weeks=5) and not one[2]][
                : dice.randint(size - 5, size + 5)
            ]
            for one in mine:
                late = dice.random() < 0.25
                joined = min(start + timedelta(days=dice.randint(0, 30) if late else 0), one[1] - 4 * DAY)
                one[2].append((f"{name}{number}", joined))
            last = max((one[1] for one in mine), default=start + timedelta(weeks=12))
            due = last + timedelta(days=dice.randint(-25, 12))
            moved = f"  {start + timedelta(weeks=6)} due_on={due + timedelta(days=14)}" if dice.random() < 0.3 else ""
            closed = f"  {last + 3 * DAY} state=closed" if last < TODAY else ""
            lines.append(
                f"@{name}{number}  kind=version project={name}  {start} due_on={due} state=open{moved}{closed}"
            )
        lines += [_line(dice, name, number, one) for number, one in enumerate(finished, 1) if one[0] <= TODAY]
    return "\n".join(lines)


_Item = tuple[date, date, list[tuple[str, date]]]  # born, done, (milestone, joined)


def _finished(dice: random.Random, name: str, weeks: int, pace: int) -> list[_Item]:
    made: list[_Item] = []
    for week in range(2, weeks + 20):
        rate = pace * (0.6 if name == "B" and 40 < week < 52 else 1)
        for _ in range(round(rate * dice.uniform(0.4, 1.6))):
            done = FIRST + timedelta(days=7 * week + dice.randint(0, 6))
            made.append((max(FIRST, done - timedelta(days=dice.randint(30, 90))), done, []))
    return sorted(made, key=lambda one: one[1])


def _line(dice: random.Random, name: str, number: int, one: _Item) -> str:
    born, done, places = one
    events = [(born, "todo"), (done - dice.randint(1, 9) * DAY, "doing")]
    events += [(max(born, joined), f"+milestone:{place}") for place, joined in places]
    if dice.random() < 0.1:
        events += [(done - 12 * DAY, "flagged=true"), (done - DAY, "flagged=")]
    if dice.random() < 0.08:
        events += [(done, "done"), (done + 4 * DAY, "doing"), (done + 15 * DAY, "done")]
    else:
        events.append((done, "done"))
    told = "  ".join(f"{max(day, born)} {word}" for day, word in sorted(events) if day <= TODAY)
    return f"{name}-{number}  {told}"


def case(seed: int = 5, **more: int) -> history.Case:
    """The same as records."""
    return history.parse(text(seed, **more))  # type: ignore[arg-type]


def end_of(day: date) -> datetime:
    """The moment a day is over, in the zone of the configuration (UTC)."""
    return history.moment((day + DAY).isoformat())
