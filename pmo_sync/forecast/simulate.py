"""How many days until the work is done, if the weeks to come are like the last ones.

The weeks ahead are drawn from the past ones, independently and with equal chance; within a week items finish evenly,
so that days are not lost to rounding. Two ways to the same distribution: ``exact`` convolves it and needs no random
numbers (fixed scope); ``simulate`` draws paths and can let the scope grow. Each is the other's test.

Both answer with a curve: element ``d`` is the probability that all work is done by the end of day ``d + 1``. The real
spread is wider, because bad weeks come together: ``calibrate`` makes dates of it, not this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

Curve = npt.NDArray[np.float64]
MOST_WEEKS: Final = 104
TRIALS: Final = 2_000


def exact(counts: Sequence[int], work: int, most_weeks: int = MOST_WEEKS) -> Curve:
    """The curve for a fixed number of items, exactly; up to ``most_weeks`` or certainty, whichever is first.

    ``counts`` are items a week, each equally likely to come again. Empty when there is nothing to do or no pace.
    """
    if work <= 0 or not counts or max(counts) <= 0:
        return np.zeros(0)
    values, times = np.unique(np.asarray(counts, dtype=np.int64), return_counts=True)
    chances = times / times.sum()
    left = np.zeros(work + 1)  # left[n]: the probability that n items are still to be done when a week begins
    left[work] = 1.0
    days: list[float] = []
    for _ in range(most_weeks):
        at_most = np.cumsum(left)
        days += [
            float(
                sum(
                    chance * at_most[min(value * day // 7, work)] for value, chance in zip(values, chances, strict=True)
                )
            )
            for day in range(1, 8)
        ]
        after = np.zeros_like(left)
        for value, chance in zip(values, chances, strict=True):
            after[: max(work + 1 - value, 1)] += chance * _shifted(left, int(value))
        left = after
        if left[0] > 1 - 1e-9:
            break
    return np.minimum(np.maximum.accumulate(days), 1.0)


def _shifted(left: Curve, value: int) -> Curve:
    """The probabilities after ``value`` items are done: everything at or below zero is zero."""
    if value <= 0:
        return left
    if value >= len(left):
        return np.array([left.sum()])
    moved = left[value:].copy()
    moved[0] += left[:value].sum()
    return moved


def simulate(
    weeks: Sequence[tuple[int, int]],
    work: int,
    seed: int,
    *,
    grows_until: float = 0.0,
    trials: int = TRIALS,
    most_weeks: int = MOST_WEEKS,
) -> Curve:
    """The curve by drawing ``trials`` paths.

    ``weeks`` holds (items finished, items added net) of past weeks; both are drawn from the same week, because busy
    weeks find more work too. Scope grows in the weeks that end by ``grows_until`` (weeks from now), after that it stands still.
    """
    if work <= 0 or not weeks or max(done for done, _ in weeks) <= 0:
        return np.zeros(0)
    past = np.asarray(weeks, dtype=np.int64)
    dice = np.random.default_rng(seed)
    left = np.full(trials, work, dtype=np.int64)
    ended = np.zeros(7 * most_weeks + 1, dtype=np.int64)
    for week in range(most_weeks):
        done, added = past[dice.integers(0, len(past), size=trials)].T  # every path draws, ended or not: more work
        finishes = (left > 0) & (done >= left)  # meets the same weeks, so it never ends earlier
        days = -(-7 * left[finishes] // done[finishes])  # the first day by whose evening the even share suffices
        np.add.at(ended, 7 * week + days, 1)
        grown = np.maximum(left - done + (added if week + 1 <= grows_until else 0), 1)
        left = np.where((left <= 0) | finishes, 0, grown)
        if not left.any():
            break
    curve = np.cumsum(ended[1:]) / trials
    return curve[: 7 * (week + 1)]


def quantile(curve: Curve, q: float) -> float | None:
    """Days until the work is done with probability ``q``; None when the curve ends before."""
    day = int(np.searchsorted(curve, q - 1e-12))
    return float(day + 1) if day < len(curve) else None


def seed_for(subject: str, as_of: datetime, seed: int) -> int:
    """A seed of its own for each subject and moment: no forecast depends on which others are made beside it."""
    text = f"{seed}\0{subject}\0{as_of.isoformat()}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
