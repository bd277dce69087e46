"""The regression (F0, F1, F2), with the product's own code, in two honest protocols.

In order of time: the whole portfolio, learnt before each moment, without any prior (F1). Left out: a company meets the
tool with a prior from the other companies only; what it learns of its own projects, it learns in order of time (F2), or
nothing at all (F0).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from pmo_sync.forecast.origins import SHIFTS, SPREADS, History, Rows, Vector, features, look_back
from pmo_sync.forecast.pool import (
    CAP,
    FEWEST_OWN,
    LATER,
    LATER_BY,
    NEARNESS,
    OWN_DAYS,
    OWN_LIMITS,
    OWN_SHRINK,
    QUANTILES,
    STRETCH,
    Pool,
    Prior,
    quantiles,
)  # fmt: skip
from pmo_sync.forecast.regression import EFFECTIVE, RIDGE, Fit, fit, shares
from tests.forecast.scores.data import COMPANIES, company
from tests.forecast.scores.protocol import Board, Whole

NOTHING = Fit(np.zeros(SHIFTS), np.zeros(SPREADS))
NO_PRIOR = Prior(NOTHING, np.zeros(0), 0.0, ridge=10.0, effective=12.0)


class Habit(NamedTuple):
    """How a pool is read: the constants of ``pool.Pool``, to be varied."""

    own: float = OWN_SHRINK
    stretch: float = STRETCH
    later: float = LATER
    later_by: float = LATER_BY


def refit(histories: Sequence[History], ridge: float = RIDGE, effective: float = EFFECTIVE) -> Prior:
    """What these projects tell: coefficients, and 41 quantiles of the residuals."""
    rows = Rows.joined([look_back(one) for one in histories])
    made = fit(rows, NOTHING, ridge=ridge, effective=effective)
    residuals = made.residuals(rows)
    order = np.lexsort((~rows.is_known, residuals))
    steps = (np.arange(41) + 0.5) / 41
    return Prior(made, quantiles(residuals[order], rows.is_known[order], shares(rows)[order], steps))


def in_order_of_time(board: Board) -> Vector:
    """F1."""
    return product(board, np.flatnonzero(board.is_judged), lambda day: Pool.of(board.until(day), NO_PRIOR))


def left_out(board: Board, *, learns: bool = True, alone: bool = False) -> Vector:
    """F2; F0 where nothing is learnt. ``alone``: each project is a portfolio of its own."""
    made = np.full((len(board), len(QUANTILES)), np.nan)
    for name in COMPANIES:
        own, prior, rows = of_company(board, name)
        for some in [{one} for one in own] if alone else [own]:
            theirs = rows[np.isin(board.owner[rows], [board.names.index(one) for one in some])]
            made[theirs] = product(board, theirs, learns_from(board, some if learns else set(), prior))[theirs]
    return made


def learns_from(board: Board, names: set[str], prior: Prior) -> Callable[[int], Pool]:
    return lambda day: Pool.of(board.until(day, names), prior)


def product(board: Board, rows: Whole, learnt: Callable[[int], Pool]) -> Vector:
    """Days at QUANTILES as the product says them."""
    made = np.full((len(board), len(QUANTILES)), np.nan)
    for day, some in board.moments(rows):
        pool = learnt(day)
        for row in some:
            name = board.names[board.owner[row]]
            made[row] = pool.days(name, board.known(row), float(board.pace[row]), float(board.work[row]))
    return made


def of_company(
    board: Board, name: str, without: str = "", *, ridge: float = RIDGE, effective: float = EFFECTIVE
) -> tuple[set[str], Prior, Whole]:
    """A company's projects, the prior from all others (but ``without``), and its judged forecasts."""
    own = {one for one in board.names if company(one) == name}
    others = [board.histories[one] for one in board.names if one not in own and company(one) != without]
    rows = np.flatnonzero(board.is_judged & np.isin(board.owner, [board.names.index(one) for one in own]))
    return own, refit(others, ridge, effective), rows


def varied(board: Board, rows: Whole, learnt: Callable[[int], Pool], habits: Sequence[Habit]) -> dict[Habit, Vector]:
    """Days at QUANTILES by habit, as ``product`` makes them, one pool read by many habits."""
    made = {habit: np.full((len(board), len(QUANTILES)), np.nan) for habit in habits}
    q = np.array(QUANTILES)
    odds = np.log(q / (1 - q))
    for day, some in board.moments(rows):
        pool = learnt(day)
        read = cache(lambda name, weeks, pool=pool: _read(pool, name, weeks, odds, habits))
        for row in some:
            name, pace, work = board.names[board.owner[row]], float(board.pace[row]), float(board.work[row])
            weeks = work / pace
            history = board.known(row)
            shifts, spreads = features(history, len(history.counts), pace, weeks)
            missed = pool.fitted.middle(shifts) + pool.fitted.spread(spreads) * read(name, weeks)
            factors = np.maximum.accumulate(np.exp(np.minimum(missed, 5.0)), axis=1)
            for habit, one in zip(habits, factors, strict=True):
                made[habit][row] = np.where(one < CAP, 7 * weeks * one, np.inf)
    return made


def _read(pool: Pool, name: str, weeks: float, odds: Vector, habits: Sequence[Habit]) -> Vector:
    """R by habit and quantile."""
    wanted = [habit.stretch * odds + habit.later + habit.later_by * math.log(weeks / 8) for habit in habits]
    q = 1 / (1 + np.exp(-np.concatenate(wanted)))
    far = np.abs(np.log(np.where(pool.weeks > 0, pool.weeks, weeks) / weeks))
    near = np.exp(-far / NEARNESS)
    pooled = quantiles(pool.residuals, pool.is_known, near * pool.share, q).reshape(len(habits), -1)
    mine = (pool.owner == pool.owners.get(name, -2)) & (pool.age <= OWN_DAYS)
    count = int((mine & (far == far[mine].min())).sum()) if mine.any() else 0
    if count < FEWEST_OWN:
        return pooled
    own = np.clip(quantiles(pool.residuals[mine], pool.is_known[mine], near[mine], q), *OWN_LIMITS)
    effective = 4 * count / max(weeks, 4.0)
    trust = np.array([effective / (effective + habit.own) for habit in habits])[:, None]
    with np.errstate(invalid="ignore"):
        return np.where(trust > 0, (1 - trust) * pooled + trust * own.reshape(len(habits), -1), pooled)
