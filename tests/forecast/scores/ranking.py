"""Late or not: how well a score ranks, how well a chance is met, with whole clusters drawn for the intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

DRAWS = 400
Flags = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]


class Measured(NamedTuple):
    """A measure with its 95 % interval."""

    value: float
    low: float
    high: float
    cases: int
    late: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f} {self.high:.3f}] ({self.late} late of {self.cases})"


def auc(score: Scores, is_late: Flags) -> float:
    """The chance that a late one scores higher than one in time; ties count half. NaN without either."""
    late, fine = score[is_late], np.sort(score[~is_late])
    if not len(late) or not len(fine):
        return float("nan")
    below = np.searchsorted(fine, late, "left")
    return float((below + np.searchsorted(fine, late, "right")).mean() / 2 / len(fine))


def brier(chance: Scores, is_late: Flags) -> float:
    """Mean square of the chance of being late minus what happened."""
    return float(((chance - is_late) ** 2).mean())


def measured(
    measure: Callable[[Scores, Flags], float], score: Scores, is_late: Flags, cluster: npt.NDArray[Any]
) -> Measured:
    """With clusters drawn; a draw that holds one kind only is left out."""
    _, number = np.unique(cluster, return_inverse=True)
    members = [np.flatnonzero(number == one) for one in range(number.max() + 1)]
    dice = np.random.default_rng(1)
    drawn = []
    for _ in range(DRAWS):
        rows = np.concatenate([members[one] for one in dice.integers(0, len(members), len(members))])
        drawn.append(measure(score[rows], is_late[rows]))
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return Measured(measure(score, is_late), float(low), float(high), len(score), int(is_late.sum()))
