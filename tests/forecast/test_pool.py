"""The spread of forecasts: features and fit against slow ones, no look into the future, and dates that held."""

from __future__ import annotations

import math
import statistics
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_sync.forecast import prior
from pmo_sync.forecast.origins import HORIZONS, SHIFTS, SPREADS, History, Rows, features, look_back
from pmo_sync.forecast.pool import CAP, QUANTILES, Pool, quantiles
from pmo_sync.forecast.regression import PRIOR, Fit, fit, shares

START = date(2024, 3, 4)
counts_lists = st.lists(st.integers(0, 6), min_size=90, max_size=500).filter(lambda some: some[0] > 0)


def history(counts: list[int]) -> History:
    return History(START, np.array(counts, dtype=np.int64))


def dice_history(seed: int, days: int = 900, rate: float = 1.2) -> History:
    dice = np.random.default_rng(seed)
    counts = dice.poisson(rate * np.exp(0.4 * np.sin(np.arange(days) / 60)))
    counts[0] = 1
    return History(START, counts.astype(np.int64))


# --- features, as they are written down -----------------------------------------------------------------------------


def slow_features(made: History, origin: int, pace: float, weeks: float) -> tuple[list[float], list[float]]:
    past = made.counts[:origin].tolist()

    def trend(k: int) -> float:
        rate = (sum(past[-7 * k :]) + 2 * pace) / (min(k, max(origin / 7, 1)) + 2)
        return min(max(math.log(rate / pace), -1.2), 1.2)

    def variation(most: int) -> float:
        sums = [sum(past[max(0, origin - 7 * n - 7) : origin - 7 * n]) for n in range(min(most, origin // 7))]
        return statistics.stdev(sums) / max(statistics.mean(sums), 0.1) if len(sums) > 1 else 0.0

    silent = next(n for n in range(len(past)) if past[-1 - n] > 0)
    ahead = [made.first_on + timedelta(days=origin + n) for n in range(math.ceil(7 * weeks))]
    turn = next(
        (
            one.year - (one.month == 1)
            for one in ahead
            if (one.month, one.day) >= (12, 20) or (one.month, one.day) <= (1, 4)
        ),
        0,
    )
    festive = sum(date(turn, 12, 20) <= one <= date(turn + 1, 1, 4) for one in ahead) if turn else 0
    t4, t26, t52, h = trend(4), trend(26), trend(52), math.log(weeks / 8) / 1.2
    size = (math.log(pace) - 2) / 1.5
    shifts = [1, h, t4, t26, t52, t4 * h, t26 * h, t52 * h, min(silent, 28) / 14, size, size * h,
              math.log(max(origin, 1) / 364), 3 * festive / (7 * weeks)]  # fmt: skip
    spreads = [1, h, max(0, 2 - math.log(pace)), min(max(variation(12) - 0.6, -0.5), 1) / 0.3,
               min(max(variation(52) - 0.8, -0.6), 1.5) / 0.4, abs(t52)]  # fmt: skip
    return shifts, spreads


@given(counts=counts_lists, pace=st.floats(0.5, 40), weeks=st.floats(0.3, 60), data=st.data())
@settings(max_examples=60)
def test_features_are_what_is_written_down(counts: list[int], pace: float, weeks: float, data: st.DataObject) -> None:
    origin = data.draw(st.integers(1, len(counts)))
    got = features(history(counts), origin, pace, weeks)
    for mine, slow in zip(got, slow_features(history(counts), origin, pace, weeks), strict=True):
        assert mine == pytest.approx(slow, abs=1e-9)


def slow_look_back(made: History) -> list[tuple[int, float, float, bool]]:
    """(origin, weeks, ln of days over plan, known)."""
    counts, found = made.counts.tolist(), []
    for origin in range(84, len(counts) - 7, 28):
        last = [sum(counts[origin - 7 * n - 7 : origin - 7 * n]) for n in range(12)]
        if sum(last) < 12 or last.count(0) > 6:
            continue
        for weeks in HORIZONS:
            work = round(sum(last) / 12 * weeks)
            if work < 5:
                continue
            left, took = work, 0
            for one in counts[origin:]:
                took += 1
                left -= one
                if left <= 0:
                    break
            found.append((origin, weeks, math.log(took / (7 * work / (sum(last) / 12))), left <= 0))
    return found


@given(counts=counts_lists)
@settings(max_examples=40)
def test_what_would_have_been_forecast_and_what_came_of_it(counts: list[int]) -> None:
    rows = look_back(history(counts))
    slow = slow_look_back(history(counts))
    assert [
        (len(counts) - age, weeks, known) for age, weeks, known in zip(rows.age, rows.weeks, rows.is_known, strict=True)
    ] == [(origin, weeks, known) for origin, weeks, _, known in slow]
    assert rows.missed == pytest.approx([missed for _, _, missed, _ in slow])
    for n, (origin, weeks, _, _) in enumerate(slow):
        pace = sum(counts[origin - 84 : origin]) / 12
        assert (rows.shifts[n] == features(history(counts), origin, pace, weeks)[0]).all()


def test_what_happens_later_changes_nothing_that_was_known() -> None:
    """Every outcome after the cut scrambled: the fit, the pool and the forecast of that day stay."""
    made, cut = {f"project:{n}": dice_history(n) for n in range(6)}, 600
    dice = np.random.default_rng(1)

    def at_cut(histories: dict[str, History]) -> tuple[float, ...]:
        known = {name: History(one.first_on, one.counts[:cut]) for name, one in histories.items()}
        return Pool.of(known).days("project:2", known["project:2"], 8.0, 60)

    scrambled = {
        name: History(one.first_on, np.concatenate([one.counts[:cut], dice.integers(0, 50, 300)]))
        for name, one in made.items()
    }
    assert at_cut(made) == at_cut(scrambled)
    assert Pool.of(made).days("project:2", made["project:2"], 8.0, 60) != at_cut(made)


# --- the regression -------------------------------------------------------------------------------------------------


def drawn(seed: int, truth: Fit, size: int = 4_000) -> Rows:
    dice = np.random.default_rng(seed)
    shifts = np.column_stack([np.ones(size), dice.normal(0, 0.6, (size, SHIFTS - 1))])
    spreads = np.column_stack([np.ones(size), dice.normal(0, 0.6, (size, SPREADS - 1))])
    missed = truth.middle(shifts) + truth.spread(spreads) * dice.logistic(size=size)
    seen_until = truth.middle(shifts) + 0.8 + dice.exponential(1.0, size)  # what takes longer is still open then
    is_known = missed <= seen_until
    missed = np.minimum(missed, seen_until)
    return Rows(shifts, spreads, missed, is_known, np.full(size, 4.0), np.zeros(size), np.arange(size))


def test_the_fit_finds_what_the_rows_were_drawn_from() -> None:
    dice = np.random.default_rng(5)
    truth = Fit(dice.normal(0, 0.3, SHIFTS), np.concatenate([[-0.8], dice.normal(0, 0.2, SPREADS - 1)]))
    got = fit(drawn(1, truth), Fit(np.zeros(SHIFTS), np.zeros(SPREADS)), ridge=0.01)
    assert got.beta == pytest.approx(truth.beta, abs=0.06)
    assert got.gamma[1:] == pytest.approx(truth.gamma[1:], abs=0.06)


def test_few_rows_leave_the_prior_and_a_strong_ridge_holds_to_it() -> None:
    truth = Fit(np.full(SHIFTS, 0.5), np.full(SPREADS, 0.1))
    few = drawn(2, truth, size=59)
    assert fit(few) is PRIOR
    held = fit(drawn(2, truth, size=400), ridge=1e7)
    assert held.beta[1:] == pytest.approx(PRIOR.beta[1:], abs=1e-3)
    assert held.gamma[1:] == pytest.approx(PRIOR.gamma[1:], abs=1e-3)


def test_rows_that_overlap_share_their_weight() -> None:
    one = look_back(dice_history(3))
    both = Rows.joined([one, look_back(dice_history(4, days=500))])
    weights = shares(both)
    for owner in (0, 1):
        for weeks in HORIZONS:
            alike = (both.owner == owner) & (both.weeks == weeks)
            assert not alike.any() or weights[alike].sum() == pytest.approx(1)


# --- quantiles ------------------------------------------------------------------------------------------------------


def slow_quantile(rows: list[tuple[float, bool, float]], q: float) -> float:
    left = 1.0
    for moment in sorted({value for value, known, _ in rows if known}):
        at_risk = sum(weight for value, _, weight in rows if value >= moment)
        ended = sum(weight for value, known, weight in rows if value == moment and known)
        left *= 1 - ended / at_risk
        if 1 - left >= q - 1e-9:
            return moment
    return math.inf


@given(
    rows=st.lists(st.tuples(st.integers(-8, 8).map(float), st.booleans(), st.floats(0.1, 3)), min_size=1, max_size=25),
    q=st.sampled_from([0.05, 0.3, 0.5, 0.77, 0.95, 0.999]),
)
def test_quantiles_are_those_of_kaplan_and_meier(rows: list[tuple[float, bool, float]], q: float) -> None:
    ordered = sorted(rows, key=lambda one: (one[0], not one[1]))
    values, known, weight = (np.array(column) for column in zip(*ordered, strict=True))
    assert quantiles(values, known, weight, np.array([q]))[0] == slow_quantile(rows, q)


# --- forecasts ------------------------------------------------------------------------------------------------------


def test_without_a_record_the_prior_speaks() -> None:
    nobody = Pool.of({})
    assert nobody.fitted is PRIOR
    assert nobody.residuals.tolist() == list(prior.RESIDUALS)
    days = nobody.days("project:new", dice_history(1, days=120), 8.4, 40)
    assert list(days) == sorted(days)
    assert 0.7 < days[1] / (7 * 40 / 8.4) < 1.6


@given(work=st.integers(1, 400), more=st.integers(1, 100), seed=st.integers(0, 20))
@settings(max_examples=60)
def test_more_work_is_never_done_earlier(work: int, more: int, seed: int) -> None:
    some, nobody = dice_history(seed, days=300), Pool.of({})
    for less, later in zip(nobody.days("x", some, 8, work), nobody.days("x", some, 8, work + more), strict=True):
        assert later >= less - 1e-9 or math.isinf(less)


@given(seed=st.integers(0, 30), work=st.integers(1, 600))
@settings(max_examples=40)
def test_dates_are_in_order_and_none_lies_beyond_the_cap(seed: int, work: int) -> None:
    made = {f"project:{n}": dice_history(seed + n, days=500 + 40 * n) for n in range(4)}
    days = Pool.of(made).days("project:1", made["project:1"], 8.0, work)
    assert list(days) == sorted(days)
    assert all(math.isinf(day) or day < CAP * 7 * work / 8.0 for day in days)


def test_a_project_that_always_misses_its_plans_is_believed_in_the_end() -> None:
    """Its own record draws its dates away from the portfolio's, the more the longer it is."""
    steady = {f"project:{n}": dice_history(n, days=1_500) for n in range(12)}
    odd = np.tile(np.concatenate([np.full(84, 3), np.zeros(28, dtype=int), np.full(28, 1)]), 12)[:1_500]
    histories = steady | {"project:odd": History(START, odd.astype(np.int64))}
    pool = Pool.of(histories)
    own, foreign = (pool.days(name, histories["project:odd"], 21.0, 84) for name in ("project:odd", "project:none"))
    assert own[QUANTILES.index(0.85)] > 1.1 * foreign[QUANTILES.index(0.85)]
