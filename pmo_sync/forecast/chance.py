"""The probability that work is done by a day, from the dates of a forecast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from pmo_sync.forecast.pool import QUANTILES

CLIP: Final = (0.03, 0.97)  # nobody knows better than that


def p_hit(days: Sequence[float], days_left: float) -> float:
    """That the work is done within ``days_left``, from usual days at QUANTILES (``Pool.days``); clipped to CLIP.

    Between the quantiles straight in (log days, logit), beyond them along the last piece; with one day known, a step.
    """
    known = [
        (math.log(max(day, 0.5)), math.log(q / (1 - q)))
        for day, q in zip(days, QUANTILES, strict=True)
        if day < math.inf
    ]
    if days_left <= 0 or not known:
        return CLIP[0]
    points = [known[0]]
    for day, odds in known[1:]:
        points.append((max(day, points[-1][0] + 1e-6), odds))
    if len(points) == 1:
        return QUANTILES[0] if days_left >= days[0] else CLIP[0]
    at = math.log(days_left)
    above = next((n for n in range(1, len(points) - 1) if at <= points[n][0]), len(points) - 1)
    (day0, odds0), (day1, odds1) = points[above - 1], points[above]
    odds = odds0 + (at - day0) * (odds1 - odds0) / (day1 - day0)
    chance = 1 / (1 + math.exp(-min(max(odds, -30.0), 30.0)))
    return min(max(chance, CLIP[0]), CLIP[1])
