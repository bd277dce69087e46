"""Plain throughput simulation without chance: what other tools forecast with, and the oracle of drawn paths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmo_sync.forecast.simulate import MOST_WEEKS, Curve


def exact(counts: Sequence[int], work: int, most_weeks: int = MOST_WEEKS) -> Curve:
    """The curve for a fixed number of items, exactly; up to ``most_weeks`` or certainty, whichever is first.

    ``counts`` are items a week, each equally likely to come again. Empty when there is nothing to do or no pace.
    """
    if work <= 0 or not counts or max(counts) <= 0:
        return np.zeros(0)
    values, times = np.unique(np.asarray(counts, dtype=np.int64), return_counts=True)
    chances = times / times.sum()
    shares = np.minimum(values[:, None] * np.arange(1, 8) // 7, work)  # done by each day of a week
    left = np.zeros(work + 1)  # left[n]: the probability that n items are still to be done when a week begins
    left[work] = 1.0
    days: list[float] = []
    for _ in range(most_weeks):
        days += (chances @ np.cumsum(left)[shares]).tolist()
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
