"""How many days until the work is done, if the weeks to come are like the last ones.

The weeks ahead are drawn from the past ones, independently and with equal chance, so the scope can grow; within a week
items finish evenly, so that days are not lost to rounding. The answer is a curve: element ``d`` is the probability that
all work is done by the end of day ``d + 1``. The real spread is wider, because bad weeks come together: only medians
are used, one beside the other.
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


def simulate(
    weeks: Sequence[tuple[int, float]],
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
    past = np.asarray(weeks, dtype=np.float64)
    dice = np.random.default_rng(seed)
    left = np.full(trials, work, dtype=np.float64)
    ended = np.zeros(7 * most_weeks + 1, dtype=np.int64)
    for week in range(most_weeks):
        done, added = past[dice.integers(0, len(past), size=trials)].T  # every path draws, ended or not: more work
        finishes = (left > 0) & (done >= left)  # meets the same weeks, so it never ends earlier
        days = np.ceil(7 * left[finishes] / done[finishes] - 1e-9).astype(
            np.int64
        )  # the first day by whose evening the even share suffices
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
