"""What others would have said of the same work."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_sync.assessed import Forecast, Share
from pmo_sync.forecast import baselines
from pmo_sync.forecast.basis import Speed
from pmo_sync.forecast.calendar import Calendar
from pmo_sync.forecast.origins import History
from pmo_sync.forecast.pool import Pool

TODAY = date(2026, 6, 28)
CALENDAR = Calendar.of(TODAY - timedelta(days=500), [True] * 2000, [False] * 2000, 7)  # every day is worked


def said(work: int = 20, left: int | None = 40, kept: dict[str, Share] | None = None) -> dict[str, baselines.Said]:
    """Of a project that finishes one item on each weekday of its last 100 days: 5 a week."""
    days = [n for n in range(20_500, 20_632) if n % 7 < 5]
    history = History.of(days, [1] * len(days), TODAY, CALENDAR)
    due_on = None if left is None else TODAY + timedelta(days=left)
    one = Forecast("milestone:m", "m", work, (5,) * 12, None, None, None, None, due_on, None, 5.0, 5, work=work)
    return baselines.said(
        one, Speed(Pool.of({}), "project:a", history, 5.0, 1.0, CALENDAR), due_on, TODAY, kept or {}, "project:a", 3
    )


def test_a_steady_project_leaves_no_doubt() -> None:
    got = said()
    assert got["linear"] == (dict.fromkeys(baselines.QUANTILES, 28.0), 1.0)
    assert got["weekly"] == (dict.fromkeys(baselines.QUANTILES, 28.0), 1.0)
    assert 26 <= got["daily"].days[0.5] <= 30
    assert got["daily"].days[0.15] < got["daily"].days[0.95] < 40
    assert got["due_date"] == (dict.fromkeys(baselines.QUANTILES, 40.0), 1.0)
    assert got["pace"] == ({}, 1.0)
    assert set(got) == set(baselines.BASELINES)


@pytest.mark.parametrize(
    ("work", "left", "due", "linear", "pace"),
    [(20, 28, 1, 1, 1), (20, 27, 1, 0, 1), (26, 28, 1, 0, 1), (27, 28, 1, 0, 0), (20, 0, 0, 0, 0), (20, -3, 0, 0, 0)],
)
def test_each_chance_is_a_yes_or_no(work: int, left: int, due: int, linear: int, pace: int) -> None:
    got = said(work, left)
    assert (got["due_date"].p_hit, got["linear"].p_hit, got["pace"].p_hit) == (due, linear, pace)


def test_without_a_known_date_nobody_speaks_of_chances() -> None:
    got = said(left=None)
    assert set(got) == {"linear", "daily", "weekly"}
    assert all(one.p_hit is None for one in got.values())


def test_the_share_is_the_projects_where_it_has_a_record() -> None:
    kept = {"project:a": Share(1, 4), "project:b": Share(9, 10)}
    assert baselines.share(kept, "project:b") == pytest.approx(10 / 12)
    assert baselines.share(kept, "project:a") == pytest.approx(11 / 16), "four are too few: all 14"
    assert baselines.share({}, "project:a") == 0.5


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(1, 12))
def test_a_daily_curve_rises_to_one(counts: list[int], work: int) -> None:
    curve = baselines.daily(counts, work, 1)
    if not any(counts):
        assert not len(curve)
        return
    assert all(0 <= one <= other <= 1 for one, other in zip(curve, [*curve[1:], 1.0], strict=True))
    assert len(curve) >= math.ceil(work / max(counts))
    assert curve[: math.ceil(work / max(counts)) - 1].sum() == 0


def test_a_daily_curve_is_the_exact_one_of_a_coin() -> None:
    """One item a day or none: three are done within n days as often as a coin shows three heads."""
    curve = baselines.daily([0, 1], 3, 1)
    for days in (3, 5, 8):
        exact = sum(math.comb(days, heads) for heads in range(3, days + 1)) / 2**days
        assert curve[days - 1] == pytest.approx(exact, abs=0.05)


def test_no_date_lies_beyond_two_years() -> None:
    assert baselines.days_until(TODAY, 10.2) == TODAY + timedelta(days=11)
    assert baselines.days_until(TODAY, math.inf) is None
