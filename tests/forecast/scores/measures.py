"""What forecasts were worth: each project counts alike, and whole projects are drawn for the intervals.

Coverage: the share of dates by whose end all was done; what is still open at the end of the data was not. Pinball: the
mean loss at 50, 70, 85 and 95 %, in plans, both sides capped at eight of them, beside the weekly simulation's.
MdAPE: the median of |P50 - days| / days, at most 5. Brier: of the chance to be done within .7, 1, 1.4, 2 and 3 plans.
Worst tenth: the tenth percentile of the projects' P85 coverage. Width: the median P85, in plans.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from pmo_sync.forecast.chance import p_hit
from pmo_sync.forecast.origins import HORIZONS, Vector
from pmo_sync.forecast.pool import CAP, QUANTILES
from tests.forecast.scores.protocol import Board

P50, P85, P95 = (QUANTILES.index(q) for q in (0.50, 0.85, 0.95))
JUDGED = {q: QUANTILES.index(q) for q in (0.50, 0.70, 0.85, 0.95)}
DUE = (0.7, 1.0, 1.4, 2.0, 3.0)  # plans
MOST_OFF = 5.0
DRAWS = 2_000


@dataclass(frozen=True)
class Score:
    """Of one method at one horizon; arrays have a value for each project that was judged there."""

    projects: tuple[str, ...]
    forecasts: Vector
    p50: Vector
    p85: Vector
    p95: Vector
    loss: Vector
    off: Vector
    brier: Vector
    width: float

    @property
    def worst_tenth(self) -> float:
        return float(np.quantile(self.p85, 0.1))


def scores(board: Board, days: Vector) -> dict[int, Score]:
    """By horizon."""
    return {weeks: _score(board, days, np.flatnonzero(board.is_judged & (board.weeks == weeks))) for weeks in HORIZONS}


def _score(board: Board, every: Vector, rows: Vector) -> Score:
    days, took, plan, owner = every[rows], board.took[rows], board.plan[rows], board.owner[rows]
    assert not np.isnan(days).any()
    held = took[:, None] <= np.ceil(days - 1e-9)
    spent = np.minimum(took, CAP * plan)
    errors = {q: spent - np.minimum(days[:, at], CAP * plan) for q, at in JUDGED.items()}
    loss = np.mean([np.maximum(q * one, (q - 1) * one) for q, one in errors.items()], axis=0) / plan
    is_done = np.isfinite(took)
    off = np.where(is_done, np.minimum(np.abs(np.minimum(days[:, P50], CAP * plan) - spent) / spent, MOST_OFF), 1.0)
    misses = [
        [(p_hit(some, due * one) - (done <= due * one)) ** 2 for due in DUE]
        for some, one, done in zip(days.tolist(), plan.tolist(), took.tolist(), strict=True)
    ]
    numbers = np.unique(owner)

    def each(values: Vector, what: Callable[[Vector], float] = np.mean) -> Vector:
        return np.array([what(values[owner == one]) for one in numbers])

    return Score(
        tuple(board.names[one] for one in numbers),
        each(held[:, P85], len), each(held[:, P50]), each(held[:, P85]), each(held[:, P95]),
        each(loss), each(off, np.median), each(np.array(misses)),
        float(np.median(days[:, P85] / plan)),
    )  # fmt: skip


def beside(score: Score, other: Score) -> float:
    """Relative difference of the pinball losses, in percent."""
    return float(100 * (score.loss.mean() / other.loss.mean() - 1))


def drawn(projects: int, seed: int = 1) -> Vector:
    """Projects drawn with replacement; (DRAWS, projects)."""
    return np.random.default_rng(seed).integers(0, projects, (DRAWS, projects))


def interval(values: Vector) -> tuple[float, float]:
    """95 % of the mean over projects."""
    return _ends(values[drawn(len(values))].mean(axis=1))


def interval_beside(score: Score, other: Score) -> tuple[float, float]:
    """95 % of ``beside``."""
    some = drawn(len(score.projects))
    return _ends(100 * (score.loss[some].mean(axis=1) / other.loss[some].mean(axis=1) - 1))


def difference(one: Mapping[int, Score], other: Mapping[int, Score], plain: Mapping[int, Score]) -> dict[str, Vector]:
    """Percentage points of pinball (of the plain method's) by which ``one`` is better (below 0): point, low, high."""
    found = {}
    for weeks in HORIZONS:
        some = drawn(len(one[weeks].projects))
        gap, base = one[weeks].loss - other[weeks].loss, plain[weeks].loss
        ends = _ends(100 * gap[some].mean(axis=1) / base[some].mean(axis=1))
        found[str(weeks)] = np.array([100 * gap.mean() / base.mean(), *ends])
    return found


def _ends(values: Vector) -> tuple[float, float]:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
