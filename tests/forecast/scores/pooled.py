"""Simulation set right by how such simulations were missed: ratios of days that it took to the median simulated.

M1: a table of their quantiles by horizon, from companies that are left out. M2: the same of all projects, from what was
known at the moment, what is still open censored (Kaplan and Meier). M3: of those alike in the variation of their weeks,
drawn to the project's own.
"""

from __future__ import annotations

import numpy as np

from pmo_sync.forecast.origins import HORIZONS, Vector
from pmo_sync.forecast.pool import CAP, QUANTILES, quantiles
from tests.forecast.scores.baselines import weekly_days
from tests.forecast.scores.data import company
from tests.forecast.scores.protocol import YEAR, Board, Whole

Q = np.array(QUANTILES)
CLASSES = (0.5, 0.8)  # of the deviation of 12 weeks over their mean
FEWEST = 30  # ratios in a class
FEWEST_OWN = 5
MOST_OWN = 52
OWN_SHRINK = 20
SETTLED = 7
FAR = np.log(4 * CAP)  # where the known ratios end


def table(board: Board) -> Vector:
    """M1. Not in order of time: the left-out companies' whole past is known."""
    median = _medians(board)
    groups = np.array([company(one) for one in board.names])[board.owner]
    made = np.full((len(board), len(Q)), np.nan)
    for group in np.unique(groups):
        taught = np.flatnonzero((groups != group) & (board.origin >= YEAR))
        for weeks in HORIZONS:
            rows = np.flatnonzero(board.is_judged & (groups == group) & (board.weeks == weeks))
            ratios = _ratios(board, taught[board.weeks[taught] == weeks], board.end, median)
            made[rows] = _days(board, rows, median, ratios)
    return made


def pooled(board: Board, *, alike: bool) -> Vector:
    """M2, and M3 where only what is ``alike`` counts, and the project's own more."""
    median, classes = _medians(board), np.digitize(_variation(board), CLASSES)
    made = np.full((len(board), len(Q)), np.nan)
    for day, rows in board.moments(np.flatnonzero(board.is_judged)):
        known = np.flatnonzero((board.day < day - SETTLED) & (board.origin >= YEAR))
        for weeks in HORIZONS:
            here = known[board.weeks[known] == weeks]
            some = rows[board.weeks[rows] == weeks]
            for kind in np.unique(classes[some]) if alike else (None,):
                those = some if kind is None else some[classes[some] == kind]
                taught = here if kind is None else here[classes[here] == kind]
                ratios = _ratios(board, taught if len(taught) >= FEWEST else here, day, median)
                for row in those:
                    own = here[board.owner[here] == board.owner[row]][-MOST_OWN:]
                    mixed = ratios
                    if alike and len(own) >= FEWEST_OWN:
                        trust = len(own) / (len(own) + OWN_SHRINK)
                        mixed = (1 - trust) * ratios + trust * _ratios(board, own, day, median)
                    made[row] = _days(board, np.array([row]), median, mixed)[0]
    return made


def _ratios(board: Board, rows: Whole, day: int, median: Vector) -> Vector:
    """Quantiles of ln(ratio) as known before ``day``, each project with the same weight."""
    is_known = board.reached[rows] <= day
    took = np.where(is_known, board.reached[rows], day) - board.day[rows]
    values = np.log(np.maximum(took, 1) / median[rows])
    weight = 1 / np.bincount(board.owner[rows])[board.owner[rows]]
    order = np.lexsort((~is_known, values))
    found = quantiles(values[order], is_known[order], weight[order], Q) if len(rows) else np.full(len(Q), FAR)
    return np.where(np.isfinite(found), found, FAR)


def _days(board: Board, rows: Whole, median: Vector, ratios: Vector) -> Vector:
    days = median[rows, None] * np.exp(np.maximum.accumulate(ratios))
    return np.where(days < CAP * board.plan[rows, None], days, np.inf)


def _medians(board: Board) -> Vector:
    made = np.full(len(board), np.nan)
    for row in np.flatnonzero(board.origin >= YEAR):
        made[row] = min(weekly_days(tuple(board.last[row].tolist()), int(board.work[row]))[QUANTILES.index(0.5)], 728)
    return made


def _variation(board: Board) -> Vector:
    return np.asarray(board.last.std(axis=1, ddof=1) / board.pace)
