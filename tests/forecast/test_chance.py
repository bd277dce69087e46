"""The probability of a date is the forecast read the other way."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_sync.forecast.chance import p_hit
from pmo_sync.forecast.pool import QUANTILES

steps = st.lists(st.floats(0.01, 200) | st.just(math.inf), min_size=len(QUANTILES), max_size=len(QUANTILES))


@given(steps)
def test_the_probability_is_the_curve_read_the_other_way(made: list[float]) -> None:
    days = [sum(made[: n + 1]) for n in range(len(made))]
    for q, day in zip(QUANTILES, days, strict=True):
        if day < math.inf and day > 1 and sum(one < math.inf for one in days) > 1:
            assert p_hit(days, day) == pytest.approx(q, abs=1e-3)
    chances = [p_hit(days, left) for left in range(-3, 400)]
    assert chances == sorted(chances)
    assert min(chances) == 0.03
    assert max(chances) <= 0.97


def test_probabilities_are_clipped_and_need_no_finite_curve() -> None:
    assert p_hit((10, 20, 30, 40, 80), 1) == 0.03
    assert p_hit((10, 20, 30, 40, 80), 10_000) == 0.97
    assert p_hit((10, 20, 30, 40, 80), 0) == 0.03
    assert p_hit((math.inf,) * 5, 50) == 0.03
    assert 0.5 < p_hit((10, 20, 30, math.inf, math.inf), 25) < 0.7
    assert 0.85 < p_hit((10, 20, 20, 20, 80), 40) < 0.95
