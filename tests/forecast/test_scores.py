"""The score of the forecasts: its measures against slow ones, no look ahead, and the figures that must hold."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_sync.forecast import prior
from pmo_sync.forecast.chance import p_hit
from pmo_sync.forecast.origins import History, Vector, look_back
from pmo_sync.forecast.pool import QUANTILES, Pool
from tests.forecast.scores import baselines, data, delays, measures, ours, pooled, protocol, ranking, sprints, versions
from tests.forecast.scores.protocol import Board

START = date(2012, 3, 5)
NAMES = [f"{start}{n}" for starts in data.COMPANIES.values() for start in starts[:1] for n in range(3)]
CUT = START.toordinal() + 1_000


def dice_histories(seed: int, scrambled: tuple[str, ...] = (), days: int = 1_500) -> dict[str, History]:
    """Twelve projects that begin one after the other; what the scrambled ones do after the cut is another story."""
    made = {}
    for number, name in enumerate(NAMES):
        dice = np.random.default_rng([seed, number])
        counts = dice.poisson((0.6 + 0.2 * number) * np.exp(0.5 * np.sin(np.arange(days - 20 * number) / 50 + number)))
        counts[0] = 1
        first_on = START + timedelta(days=20 * number)
        if name in scrambled:
            from_ = CUT - first_on.toordinal()
            counts[from_:] = np.random.default_rng([seed, number, 9]).integers(0, 9, len(counts) - from_)
        made[name] = History(first_on, counts.astype(np.int64))
    return made


@pytest.fixture(scope="module")
def board() -> Board:
    return protocol.board(dice_histories(1))


# --- protocol -------------------------------------------------------------------------------------------------------


def test_the_rows_are_those_the_product_looks_back_upon(board: Board) -> None:
    for owner, name in enumerate(board.names):
        rows, some = look_back(board.histories[name]), np.flatnonzero(board.owner == owner)
        assert rows.weeks.tolist() == board.weeks[some].tolist()
        assert (board.end - rows.age).tolist() == board.day[some].tolist()
        took = np.where(rows.is_known, board.took[some], rows.age)
        assert rows.missed == pytest.approx(np.log(took / board.plan[some]))
        assert rows.is_known.tolist() == np.isfinite(board.took[some]).tolist()


def test_judged_is_what_has_a_year_room_and_enough_forecasts_of_others_before(board: Board) -> None:
    assert 300 < board.is_judged.sum() < len(board)
    for row in range(0, len(board), 7):
        earlier = [
            other
            for other in np.flatnonzero(board.weeks == board.weeks[row])
            if board.day[other] < board.day[row] and board.owner[other] != board.owner[row]
        ]
        assert board.is_judged[row] == (
            board.origin[row] >= 364
            and board.day[row] + 21 * board.weeks[row] <= board.end
            and len(earlier) >= 200
            and len({board.owner[other] for other in earlier}) >= 8
        )


def test_silent_days(board: Board) -> None:
    for row in range(0, len(board), 11):
        past = board.known(row).counts.tolist()
        assert board.silent[row] == next(n for n in range(len(past)) if past[-1 - n] > 0)


TIME_ORDERED: dict[str, Callable[[Board], Vector]] = {
    "linear": baselines.linear,
    "weekly": baselines.weekly,
    "daily": partial(baselines.daily, days=30),
    "pooled": partial(pooled.pooled, alike=False),
    "class": partial(pooled.pooled, alike=True),
    "regression": ours.in_order_of_time,
}


@pytest.mark.parametrize("name", TIME_ORDERED)
def test_what_comes_after_a_cut_changes_no_forecast_made_before(board: Board, name: str) -> None:
    other = protocol.board(dice_histories(1, tuple(NAMES)))
    mine, same = (_before_the_cut(one, TIME_ORDERED[name]) for one in (board, other))
    assert len(mine) > 50
    assert mine == same
    assert board.took.tolist() != other.took.tolist()


def test_a_company_left_out_tells_the_prior_nothing_and_the_future_tells_it_nothing(board: Board) -> None:
    own = tuple(name for name in NAMES if data.company(name) == "Appcelerator")
    other = protocol.board(dice_histories(1, own))
    for method in (ours.left_out, pooled.table):
        mine, same = (
            {key: days for key, days in _before_the_cut(one, method).items() if key[0] in own} for one in (board, other)
        )
        assert len(mine) > 10
        assert mine == same


def _before_the_cut(some: Board, method: Callable[[Board], Vector]) -> Mapping[tuple[str, int, int], list[float]]:
    some = some.judged((some.origin % 112 == 0) & (some.day <= CUT))
    days = method(some)
    return {
        (some.names[some.owner[row]], int(some.day[row]), int(some.weeks[row])): days[row].tolist()
        for row in np.flatnonzero(some.is_judged)
    }


def test_one_pool_read_by_many_habits_says_what_the_product_says(board: Board) -> None:
    rows = np.flatnonzero(board.is_judged)[::9]

    def learnt(day: int) -> Pool:
        return Pool.of(board.until(day))

    habits = [ours.Habit(), ours.Habit(own=math.inf), ours.Habit(later=0.5)]
    got = ours.varied(board, rows, learnt, habits)
    assert got[habits[0]][rows] == pytest.approx(ours.product(board, rows, learnt)[rows])
    assert (got[habits[2]][rows] >= got[habits[0]][rows]).all()
    assert got[habits[1]][rows].tolist() != got[habits[0]][rows].tolist()


@given(
    past=st.lists(st.integers(0, 4), min_size=10, max_size=30).filter(any),
    work=st.integers(5, 60),
    seed=st.integers(0, 9),
)
def test_days_drawn_one_by_one(past: list[int], work: int, seed: int) -> None:
    pace = sum(past) / len(past)
    days = baselines._drawn(np.array(past), work, work / pace, seed)
    assert days.tolist() == sorted(days)
    assert days[0] >= math.ceil(work / max(past))
    steady = baselines._drawn(np.full(10, max(past)), work, work / max(past), seed)
    assert steady.tolist() == [math.ceil(work / max(past))] * len(QUANTILES)


# --- measures -------------------------------------------------------------------------------------------------------


def test_the_measures_are_what_is_written_down(board: Board) -> None:
    days = baselines.weekly(board)
    days[np.flatnonzero(board.is_judged)[::13], -1] = np.inf
    got = measures.scores(board, days)[8]
    for at, name in enumerate(got.projects):
        rows = [
            row for row in np.flatnonzero(board.is_judged & (board.weeks == 8)) if board.names[board.owner[row]] == name
        ]
        assert got.forecasts[at] == len(rows)
        losses, off, held, chances = [], [], [], []
        for row in rows:
            took, plan = board.took[row], board.plan[row]
            capped = min(took, 8 * plan)
            gaps = [(q, capped - min(days[row, QUANTILES.index(q)], 8 * plan)) for q in (0.5, 0.7, 0.85, 0.95)]
            losses.append(sum(q * gap if gap > 0 else (q - 1) * gap for q, gap in gaps) / 4 / plan)
            off.append(1.0 if math.isinf(took) else min(abs(days[row, 1] - took) / took, 5))
            held.append(float(took <= math.ceil(days[row, 3])))
            chances += [(p_hit(days[row], due * plan) - (took <= due * plan)) ** 2 for due in measures.DUE]
        assert got.loss[at] == pytest.approx(statistics.mean(losses))
        assert got.off[at] == pytest.approx(statistics.median(off))
        assert got.p85[at] == pytest.approx(statistics.mean(held))
        assert got.brier[at] == pytest.approx(statistics.mean(chances))


def test_intervals_hold_the_value_and_shrink_with_more_projects() -> None:
    dice = np.random.default_rng(3)
    few, many = dice.normal(0.8, 0.1, 6), dice.normal(0.8, 0.1, 200)
    for some in (few, many):
        low, high = measures.interval(some)
        assert low < some.mean() < high
    widths = [high - low for low, high in map(measures.interval, (few, many))]
    assert widths[1] < widths[0] / 2


@given(
    cases=st.lists(st.tuples(st.integers(0, 4).map(float), st.booleans()), min_size=2, max_size=30).filter(
        lambda some: len({late for _, late in some}) == 2
    )
)
def test_the_auc_is_the_share_of_pairs_in_order(cases: list[tuple[float, bool]]) -> None:
    score, late = (np.array(column) for column in zip(*cases, strict=True))
    pairs = [(a, b) for a, is_a in cases for b, is_b in cases if is_a and not is_b]
    assert ranking.auc(score, late) == pytest.approx(statistics.mean((a > b) + (a == b) / 2 for a, b in pairs))
    assert ranking.auc(-score, late) == pytest.approx(1 - ranking.auc(score, late))


# --- real data ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(data_dir: Path) -> Board:
    """Nineteen public projects; every fourth origin is judged, which is what there is time for here."""
    made = protocol.board(data.plainly(data_dir / "resolved-dates-tawos"))
    assert made.is_judged.sum() == 6_661
    return made.judged(made.origin % 112 == 0)


@pytest.fixture(scope="module")
def plain(real: Board) -> dict[int, measures.Score]:
    return measures.scores(real, baselines.weekly(real))


@pytest.mark.real
def test_what_comes_through_connector_and_store_is_what_the_files_say(data_dir: Path) -> None:
    folder, some = data_dir / "resolved-dates-tawos", ("Apache_Usergrid", "Command-Line_Interface")
    read, oracle = data.histories(folder, some), data.plainly(folder, some)
    assert list(read) == list(oracle) == list(some)
    for name, one in read.items():
        assert one.first_on == oracle[name].first_on
        assert one.counts.tolist() == oracle[name].counts.tolist()


@pytest.mark.real
def test_p85_dates_hold_on_real_projects_in_strict_order_of_time(real: Board, plain: dict[int, measures.Score]) -> None:
    """Without the prior that was made from these projects: each forecast knows its past only."""
    found = measures.scores(real, ours.in_order_of_time(real))
    for weeks in (4, 8, 13, 26):
        one, base = found[weeks], plain[weeks]
        assert 0.80 <= one.p85.mean() <= 0.90
        assert one.p95.mean() >= 0.90
        assert abs(one.p85.mean() - 0.85) < abs(base.p85.mean() - 0.85)
        assert one.off.mean() <= base.off.mean() + 0.02
    assert measures.beside(found[13], plain[13]) < -18


@pytest.mark.real
def test_p85_dates_hold_for_companies_that_the_prior_does_not_know(
    real: Board, plain: dict[int, measures.Score]
) -> None:
    found = measures.scores(real, ours.left_out(real))
    for weeks in (4, 8, 13, 26):
        one, base = found[weeks], plain[weeks]
        assert 0.78 <= one.p85.mean() <= 0.92
        assert one.p95.mean() >= 0.89
        assert one.brier.mean() < base.brier.mean()
        assert one.off.mean() <= base.off.mean() + 0.04
    assert measures.beside(found[13], plain[13]) < -16


@pytest.mark.real
def test_the_shipped_prior_is_what_the_script_makes_of_the_data(real: Board) -> None:
    again = ours.refit(list(real.histories.values()))
    assert again.fitted.beta == pytest.approx(prior.BETA, abs=0.005)
    assert again.fitted.gamma == pytest.approx(prior.GAMMA, abs=0.005)
    assert again.residuals == pytest.approx(prior.RESIDUALS, abs=0.05)


@pytest.mark.real
@pytest.mark.parametrize(("tracker", "baseline"), [("apache", 0.697), ("jira", 0.745), ("spring", 0.471)])
def test_sprints_are_read_as_the_baseline_was(data_dir: Path, tracker: str, baseline: float) -> None:
    scores, is_late, _ = sprints.scored(sprints.rows_of(data_dir / "sprints-tse2017", tracker, 50), 0.5)
    assert ranking.auc(scores[sprints.BASELINE], is_late) == pytest.approx(baseline, abs=0.0006)


@pytest.mark.real
@pytest.mark.parametrize(
    ("tracker", "share", "baseline"),
    [("apache", 0.414, 0.768), ("javanet", 0.160, 0.686), ("jira", 0.284, 0.675), ("mulesoft", 0.161, 0.699)],
)
def test_what_hardly_was_touched_is_late_more_often(
    data_dir: Path, tracker: str, share: float, baseline: float
) -> None:
    column = delays.columns_of(data_dir / "delays-emse2017" / f"{tracker}_due.csv.gz")
    scores, is_late = delays.scored(column), column["delaydays"] > 0
    assert is_late.mean() == pytest.approx(share, abs=0.0006)
    assert ranking.auc(scores[delays.BASELINE], is_late) == pytest.approx(baseline, abs=0.0006)
    assert ranking.auc(scores[delays.UNTOUCHED], is_late) > 0.69


@pytest.mark.real
def test_versions_are_forecast_as_of_their_day(data_dir: Path) -> None:
    found = versions.cases(data_dir / "jira-history", "CB")
    assert len(found) == 8
    assert {one["how"] for one in found} == {"forecast", "pool"}
    assert all(0.03 <= one["chance"] <= 0.97 for one in found)
    assert sum(one["said"] == one["remaining"] for one in found) >= 5, "items the store counts as open"
