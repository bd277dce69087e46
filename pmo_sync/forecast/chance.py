"""The probability that work is done by a day, from the dates of a forecast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from pmo_sync.forecast.pool import QUANTILES

CLIP: Final = (0.03, 0.97)  # nobody knows better than that


def p_hit(days: Sequence[float], days_left: float) -> float:
    """That the work is done within ``days_left``, from usual days at QUANTILES (``Pool.days``); clipped to CLIP.

    Between the quantiles straight in (log days, logit), beyond them along the last piece; with one day known, a step.
    """
    points = _points(days)
    if days_left <= 0 or not points:
        return CLIP[0]
    if len(points) == 1:
        return QUANTILES[0] if days_left >= days[0] else CLIP[0]
    at = math.log(days_left)
    above = next((n for n in range(1, len(points) - 1) if at <= points[n][0]), len(points) - 1)
    (day0, odds0), (day1, odds1) = points[above - 1], points[above]
    odds = odds0 + (at - day0) * (odds1 - odds0) / (day1 - day0)
    chance = 1 / (1 + math.exp(-min(max(odds, -30.0), 30.0)))
    return clipped(chance)


def clipped(chance: float) -> float:
    """No further than CLIP."""
    return min(max(chance, CLIP[0]), CLIP[1])


def by_day(days: Sequence[float], at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The same for many ``days_left``, in rising order, and not clipped: what several forecasts are joined from."""
    points = _points(days)
    chances = np.zeros(len(at))
    if not points:
        return chances
    if len(points) == 1:
        chances[at >= days[0]] = QUANTILES[0]
        return chances
    is_ahead = at > 0
    log_days, odds = np.array(points).T
    x = np.log(at[is_ahead])
    above = 1 + np.searchsorted(log_days[1:-1], x)
    slope = (odds[above] - odds[above - 1]) / (log_days[above] - log_days[above - 1])
    reached = odds[above - 1] + (x - log_days[above - 1]) * slope
    chances[is_ahead] = 1 / (1 + np.exp(-np.clip(reached, -30.0, 30.0)))
    return chances


def _points(days: Sequence[float]) -> list[tuple[float, float]]:
    """(log day, logit) of the quantiles that are known, the days truly rising."""
    points: list[tuple[float, float]] = []
    for day, q in zip(days, QUANTILES, strict=True):
        if day < math.inf:
            x = math.log(max(day, 0.5))
            points.append((max(x, points[-1][0] + 1e-6) if points else x, math.log(q / (1 - q))))
    return points
