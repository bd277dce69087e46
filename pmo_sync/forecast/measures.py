"""How good forecasts were, one number each: loss of dates, mean square error of chances, order of risks, intervals.

Milestones are what counts, not forecasts: rows of one milestone repeat each other, so intervals come from drawing
milestones with replacement (percentile bootstrap, Efron 1979), always with the same dice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from pmo_sync.forecast.origins import Vector
from pmo_sync.forecast.pool import CAP

DRAWS: Final = 2_000
SEED: Final = 20261129
JUDGED: Final = (0.50, 0.70, 0.85, 0.95)  # quantiles a loss is the mean of


def pinball(days: Mapping[float, float], took: float, plan: float) -> float:
    """Loss of dates at JUDGED, in plans: the mean of ``max(q * off, (q - 1) * off)``, ``off`` = took - said.

    Days from the forecast; both are cut at CAP plans, so that one date in the far future is no catastrophe. It is
    smallest on the average for the true quantiles (Koenker and Bassett, 1978).
    """
    took = min(took, CAP * plan)
    off = [(q, took - min(days[q], CAP * plan)) for q in JUDGED]
    return sum(max(q * one, (q - 1) * one) for q, one in off) / len(off) / plan


def auc(risks: Sequence[float], is_late: Sequence[bool], of: Sequence[str]) -> tuple[float, float, float] | None:
    """The chance that a late one had the higher risk than one on time, half of the ties (Mann and Whitney), with its
    95 % interval; None without one of each. ``of`` names the milestone of each row.
    """
    risk, late = np.asarray(risks, dtype=float), np.asarray(is_late, dtype=bool)
    if not late.any() or late.all():
        return None
    names, number = np.unique(np.asarray(of), return_inverse=True)
    in_order = np.zeros((len(names), len(names)))  # pairs of a late row of one milestone with one on time of another
    for row in np.flatnonzero(late):  # one by one: all pairs at once would be too many for the memory
        wins = (np.sign(risk[row] - risk[~late]) + 1) / 2
        in_order[number[row]] += np.bincount(number[~late], wins, len(names))
    late_rows, other_rows = (np.bincount(number[some], minlength=len(names)) for some in (late, ~late))
    drawn = _drawn(len(names)).astype(float)
    pairs = (drawn @ late_rows) * (drawn @ other_rows)
    right = ((drawn @ in_order) * drawn).sum(axis=1)
    value = in_order.sum() / (late.sum() * (~late).sum())
    return float(value), *_between(right[pairs > 0] / pairs[pairs > 0], 0.95)


def interval(
    sums: Sequence[Sequence[float]], statistic: Callable[[Vector], Vector], level: float = 0.95
) -> tuple[float, float]:
    """Of a statistic of sums over milestones. ``sums`` has a row for each milestone; ``statistic`` gets the sums of each
    draw, (draws, columns), and gives a number for each.
    """
    table = np.asarray(sums, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = statistic(_drawn(len(table)) @ table)
    return _between(values[np.isfinite(values)], level)


def mean(sums: Vector) -> Vector:
    """Of the first column, counted by the second."""
    return np.asarray(sums[:, 0] / sums[:, 1])


def skill(sums: Vector) -> Vector:
    """One less the first column over the second: how much of the other's error is gone."""
    return np.asarray(1 - sums[:, 0] / sums[:, 1])


def _drawn(count: int) -> npt.NDArray[np.int64]:
    """How often each of so many milestones is in each draw."""
    dice = np.random.default_rng(SEED)
    return np.asarray(dice.multinomial(count, np.full(count, 1 / count), size=DRAWS))


def _between(values: Vector, level: float) -> tuple[float, float]:
    if not len(values):
        return -math.inf, math.inf
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
