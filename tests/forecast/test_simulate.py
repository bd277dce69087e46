"""The exact curve and the drawn one are each other's oracle."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_sync.forecast.simulate import quantile, seed_for, simulate
from tests.forecast.exact import exact

counts_lists = st.lists(st.integers(0, 15), min_size=1, max_size=12).filter(lambda some: max(some) > 0)


def brute(counts: list[int], work: int, weeks: int) -> list[float]:
    """The curve by listing every possible future."""
    ended = [0.0] * (7 * weeks)
    for future in itertools.product(counts, repeat=weeks):
        left = work
        for week, done in enumerate(future):
            if done >= left:
                day = math.ceil(7 * left / done)
                for later in range(7 * week + day - 1, 7 * weeks):
                    ended[later] += 1 / len(counts) ** weeks
                break
            left -= done
    return ended


@given(counts=st.lists(st.integers(0, 6), min_size=1, max_size=4).filter(any), work=st.integers(1, 14))
@settings(max_examples=60)
def test_exact_equals_listing_every_future(counts: list[int], work: int) -> None:
    got = exact(counts, work, most_weeks=4)
    expected = brute(counts, work, 4)
    assert got == pytest.approx(expected[: len(got)], abs=1e-9)
    assert expected[len(got) :] == pytest.approx([1.0] * (28 - len(got)), abs=1e-9)


@given(counts=counts_lists, work=st.integers(1, 120))
@settings(max_examples=40)
def test_drawing_paths_agrees_with_the_exact_curve(counts: list[int], work: int) -> None:
    drawn = simulate([(done, 0) for done in counts], work, seed=7, trials=4_000)
    known = exact(counts, work)
    for q in (0.5, 0.85):
        got, expected = quantile(drawn, q), quantile(known, q)
        assert (got is None) == (expected is None) or abs(known[-1] - q) < 0.03
        if got is not None and expected is not None:
            spread = np.flatnonzero((known > q - 0.035) & (known < q + 0.035))
            slack = max(7, len(spread) + 1)  # one week, or the flat part of the curve around q
            assert abs(got - expected) <= slack


def test_a_steady_team_is_on_time_to_the_day() -> None:
    curve = exact([10] * 12, 25)
    assert quantile(curve, 0.5) == quantile(curve, 0.95) == 18  # 2.5 weeks, 17.5 days
    assert np.array_equal(curve > 0.5, simulate([(10, 0)] * 12, 25, seed=1) > 0.5)


@given(counts=counts_lists, work=st.integers(1, 80))
@settings(max_examples=40)
def test_curves_rise_and_more_work_never_ends_earlier(counts: list[int], work: int) -> None:
    pairs = [(done, done % 3 - 1) for done in counts]
    for less, more in (
        (exact(counts, work), exact(counts, work + 3)),
        (
            simulate(pairs, work, seed=3, grows_until=6, trials=300),
            simulate(pairs, work + 3, seed=3, grows_until=6, trials=300),
        ),
    ):
        assert (np.diff(less) >= -1e-12).all()
        assert less[-1] <= 1
        size = min(len(less), len(more))
        assert (less[:size] >= more[:size] - 1e-9).all()


def test_growth_delays_and_stops() -> None:
    weeks = [(10, 6)] * 12
    still = quantile(simulate(weeks, 40, seed=1), 0.5)
    growing = quantile(simulate(weeks, 40, seed=1, grows_until=3), 0.5)
    assert still == 28
    assert growing == pytest.approx(7 * (40 + 3 * 6) / 10, abs=1)
    never = simulate([(5, 9)] * 12, 40, seed=1, grows_until=math.inf, trials=50)
    assert never[-1] == 0


def test_nothing_to_do_and_no_pace_have_no_curve() -> None:
    assert len(exact([1, 2], 0)) == len(exact([0, 0], 5)) == len(exact([], 5)) == 0
    assert len(simulate([(0, 1)], 5, seed=1)) == len(simulate([], 5, seed=1)) == 0
    assert quantile(exact([], 5), 0.5) is None


def test_the_seed_belongs_to_subject_moment_and_run() -> None:
    seeds = {
        seed_for(subject, datetime(2026, 3, day, tzinfo=UTC), seed)
        for subject in ("milestone:a", "milestone:b")
        for day in (1, 2)
        for seed in (1, 2)
    }
    assert len(seeds) == 8
    assert seed_for("milestone:a", datetime(2026, 3, 1, tzinfo=UTC), 1) == seed_for(
        "milestone:a", datetime(2026, 3, 1, tzinfo=UTC), 1
    )
