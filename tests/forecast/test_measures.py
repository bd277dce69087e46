"""Losses, order and intervals against slow loops, and what must hold of any of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_sync.forecast import measures

risks = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), st.booleans()), max_size=25)


def slow_auc(some: list[tuple[float, bool]]) -> float | None:
    pairs = [(one, other) for one, is_late in some if is_late for other, late in some if not late]
    if not pairs:
        return None
    return sum(1.0 if one > other else 0.5 if one == other else 0.0 for one, other in pairs) / len(pairs)


@given(risks, st.data())
def test_auc_is_the_share_of_pairs_in_order(some: list[tuple[float, bool]], data: st.DataObject) -> None:
    of = data.draw(st.lists(st.sampled_from("abcdefgh"), min_size=len(some), max_size=len(some)))
    got, slow = measures.auc([one for one, _ in some], [late for _, late in some], of), slow_auc(some)
    assert (got is None) == (slow is None)
    if got is not None:
        assert got[0] == pytest.approx(slow)
        assert 0 <= got[1] <= got[2] <= 1 or got[1] == -math.inf, "every draw may lack a late or a timely one"


def test_rows_of_one_milestone_are_drawn_together() -> None:
    """The interval of the same rows is wider when they are of fewer milestones."""
    some = [0.9, 0.2, 0.8, 0.4] * 10, [True, False, False, True] * 10
    apart, together, mixed = (
        measures.auc(*some, [str(of(n)) for n in range(40)]) for of in (lambda n: n, lambda n: n // 8, lambda n: n % 8)
    )
    assert apart is not None
    assert together is not None
    assert mixed is not None
    assert apart[0] == together[0] == mixed[0] == 0.75
    assert together[1:] == pytest.approx((0.75, 0.75)), "five milestones alike: nothing varies"
    assert mixed[2] - mixed[1] > apart[2] - apart[1]


days = st.floats(0, 400)


@given(st.tuples(days, days, days, days), days, st.floats(1, 60))
def test_pinball_against_a_slow_loop(said: tuple[float, ...], took: float, plan: float) -> None:
    values = dict(zip(measures.JUDGED, said, strict=True))
    total = 0.0
    for q, day in values.items():
        end, date = min(took, 8 * plan), min(day, 8 * plan)
        total += q * (end - date) if end >= date else (1 - q) * (date - end)
    assert measures.pinball(values, took, plan) == pytest.approx(total / 4 / plan)
    assert measures.pinball(dict.fromkeys(values, took), took, plan) == 0


@given(st.lists(st.floats(1, 100), min_size=3, max_size=9, unique=True))
def test_the_true_quantile_loses_least(ends: list[float]) -> None:
    def loss(day: float) -> float:
        """The part of the loss that the 85 % date makes."""
        return sum(measures.pinball(dict.fromkeys(measures.JUDGED, end) | {0.85: day}, end, 100.0) for end in ends)

    best = sorted(ends)[math.ceil(0.85 * len(ends)) - 1]
    assert all(loss(best) <= loss(other) + 1e-9 for other in (*ends, *(one + 3 for one in ends)))


def test_no_date_loses_as_one_at_the_cap() -> None:
    far = dict.fromkeys(measures.JUDGED, math.inf)
    assert measures.pinball(far, 10, 5) == measures.pinball(dict.fromkeys(measures.JUDGED, 40.0), 10, 5)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30))
def test_an_interval_holds_the_mean_and_repeats(values: list[float]) -> None:
    sums = [(one, 1.0) for one in values]
    low, high = measures.interval(sums, measures.mean)
    assert (low, high) == measures.interval(sums, measures.mean)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    wide = measures.interval(sums, measures.mean, 0.99)
    assert wide[0] <= low + 1e-9
    assert wide[1] >= high - 1e-9


def test_an_interval_is_as_wide_as_theory_says() -> None:
    """Of the mean of 200 values of standard deviation 1: 1.96 / sqrt(200) to each side."""
    values = [(math.sqrt(3) * (2 * (n + 0.5) / 200 - 1), 1.0) for n in range(200)]
    low, high = measures.interval(values, measures.mean)
    assert (high - low) / 2 == pytest.approx(1.96 / math.sqrt(200), rel=0.08)


def test_skill_is_what_is_gone_of_the_others_error() -> None:
    low, high = measures.interval([(1.0, 4.0), (1.0, 4.0)], measures.skill)
    assert (low, high) == (0.75, 0.75)
