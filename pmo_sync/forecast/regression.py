"""By how much, and how widely, durations differ from a linear plan: a censored location-scale regression.

ln(actual / plan) = shifts . beta + exp(spreads . gamma) * r, with logistic r (a log-logistic accelerated failure time
model). What is still open counts as "longer than so far". The fit is held to a prior, fitted once on public projects:
``prior.py``. How dates made with it held: ``pool.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from pmo_sync.forecast import prior
from pmo_sync.forecast.origins import Rows, Vector

FEWEST_ROWS: Final = 60  # below, the prior alone speaks
RIDGE: Final = 150.0
RIDGE_OF_FIRST: Final = 1.5  # the constants may follow the data
EFFECTIVE: Final = 4.0  # rows of one history and horizon that count: they overlap
SWEEPS: Final = 25
ENOUGH: Final = 1e-5  # relative gain of a sweep at which the fit is done


@dataclass(frozen=True, slots=True)
class Fit:
    """The coefficients."""

    beta: Vector
    gamma: Vector

    def middle(self, shifts: Vector) -> Vector:
        """Of ln(actual / plan), one for each row."""
        return np.asarray(shifts @ self.beta)

    def spread(self, spreads: Vector) -> Vector:
        """The scale of r, one for each row."""
        return np.asarray(np.exp(np.clip(spreads @ self.gamma, -4, 2)))

    def residuals(self, rows: Rows) -> Vector:
        """R of each row."""
        return np.clip((rows.missed - self.middle(rows.shifts)) / self.spread(rows.spreads), -40, 40)


PRIOR: Final = Fit(np.array(prior.BETA), np.array(prior.GAMMA))


def shares(rows: Rows) -> Vector:
    """One over the number of rows of the same history and horizon."""
    _, group, sizes = np.unique(
        np.stack([rows.owner.astype(float), rows.weeks]), axis=1, return_inverse=True, return_counts=True
    )
    return np.asarray(1.0 / sizes[group.reshape(-1)])


def fit(rows: Rows, start: Fit = PRIOR, *, ridge: float = RIDGE, effective: float = EFFECTIVE) -> Fit:
    """The coefficients for these rows, held to ``start``; ``start`` itself where they are too few.

    Newton's method, beta and gamma in turn, each step halved until it gains.
    """
    if len(rows) < FEWEST_ROWS:
        return start
    weight = np.minimum(1.0, effective * shares(rows))
    holds = [np.full(len(one), ridge) for one in (start.beta, start.gamma)]
    for hold in holds:
        hold[0] = RIDGE_OF_FIRST

    def loss(made: Fit) -> float:
        residual = made.residuals(rows)
        scale = np.clip(rows.spreads @ made.gamma, -4, 2)
        soft = np.logaddexp(0.0, residual)
        misfit = np.where(rows.is_known, 2 * soft - residual + scale, soft)
        held = sum(
            float(hold @ (now - before) ** 2) / 2
            for hold, now, before in zip(holds, (made.beta, made.gamma), (start.beta, start.gamma), strict=True)
        )
        return float(weight @ misfit) + held

    made, best = start, loss(start)
    for _ in range(SWEEPS):
        before = best
        made, best = _better(made, best, loss, _step_of_beta(made, rows, weight, holds[0], start), is_beta=True)
        made, best = _better(made, best, loss, _step_of_gamma(made, rows, weight, holds[1], start), is_beta=False)
        if before - best < ENOUGH * abs(best):
            break
    return made


def _better(made: Fit, best: float, loss: Callable[[Fit], float], step: Vector, *, is_beta: bool) -> tuple[Fit, float]:
    length = 1.0
    while length >= 1e-3:
        tried = Fit(made.beta - length * step, made.gamma) if is_beta else Fit(made.beta, made.gamma - length * step)
        now = loss(tried)
        if now < best:
            return tried, now
        length /= 2
    return made, best


def _slopes(made: Fit, rows: Rows) -> tuple[Vector, Vector, Vector]:
    """r, and the first and second derivative of the misfit by it."""
    residual = made.residuals(rows)
    chance = 1.0 / (1.0 + np.exp(-residual))
    twice = np.where(rows.is_known, 2.0, 1.0)
    return residual, twice * chance - rows.is_known, twice * chance * (1 - chance)


def _step_of_beta(made: Fit, rows: Rows, weight: Vector, hold: Vector, start: Fit) -> Vector:
    scale = made.spread(rows.spreads)
    _, slope, bend = _slopes(made, rows)
    pull = hold * (made.beta - start.beta) - rows.shifts.T @ (weight * slope / scale)
    curve = (rows.shifts * (weight * bend / scale**2)[:, None]).T @ rows.shifts + np.diag(hold)
    return np.asarray(np.linalg.solve(curve, pull))


def _step_of_gamma(made: Fit, rows: Rows, weight: Vector, hold: Vector, start: Fit) -> Vector:
    residual, slope, bend = _slopes(made, rows)
    pull = hold * (made.gamma - start.gamma) + rows.spreads.T @ (weight * (rows.is_known - slope * residual))
    turn = weight * (bend * residual**2 + np.maximum(slope * residual, 0.0))
    curve = (rows.spreads * turn[:, None]).T @ rows.spreads + np.diag(hold)
    return np.asarray(np.linalg.solve(curve, pull))
