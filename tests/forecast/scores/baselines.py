"""What others forecast with: the mean pace (B2), days drawn from the last ones (B3), weeks from the last 12 (B4)."""

from __future__ import annotations

import hashlib
import math
from functools import cache

import numpy as np

from pmo_sync.forecast.origins import Vector
from pmo_sync.forecast.pool import CAP, QUANTILES
from pmo_sync.forecast.simulate import quantile
from tests.forecast.exact import exact
from tests.forecast.scores.protocol import Board

TRIALS = 1_000


def linear(board: Board) -> Vector:
    """The work at the mean pace of 12 weeks, and no idea of what may happen."""
    return board.plan[:, None].repeat(len(QUANTILES), axis=1)


def weekly(board: Board) -> Vector:
    """Weeks drawn from the last 12, exactly: plain throughput Monte Carlo without its noise."""
    made = np.full((len(board), len(QUANTILES)), np.nan)
    for row in np.flatnonzero(board.is_judged):
        made[row] = weekly_days(tuple(board.last[row].tolist()), int(board.work[row]))
    return made


@cache
def weekly_days(last: tuple[int, ...], work: int) -> tuple[float, ...]:
    """Days at QUANTILES."""
    curve = exact(last, work)
    return tuple(quantile(curve, q) or math.inf for q in QUANTILES)


def daily(board: Board, days: int) -> Vector:
    """Days drawn from the last ones, empty days included, as widespread tools do."""
    made = np.full((len(board), len(QUANTILES)), np.nan)
    for row in np.flatnonzero(board.is_judged):
        past = board.known(int(row)).counts[-days:]
        seed = hashlib.blake2b(f"{board.names[board.owner[row]]} {board.day[row]} {days}".encode(), digest_size=8)
        made[row] = _drawn(past, int(board.work[row]), float(board.plan[row]), int.from_bytes(seed.digest()))
    return made


def _drawn(past: Vector, work: int, plan: float, seed: int) -> Vector:
    """Days at QUANTILES; infinite beyond the cap."""
    dice = np.random.default_rng(seed)
    piece = math.ceil(1.5 * plan)
    took, done = np.full(TRIALS, np.inf), np.zeros(TRIALS, dtype=np.int64)
    for start in range(0, math.ceil(CAP * plan), piece):
        open_ = np.flatnonzero(np.isinf(took))
        if not past.any() or len(open_) < (1 - QUANTILES[-1]) * TRIALS:
            break
        paths = done[open_, None] + np.cumsum(past[dice.integers(0, len(past), (len(open_), piece))], axis=1)
        reaches = paths[:, -1] >= work
        took[open_[reaches]] = start + 1 + np.argmax(paths[reaches] >= work, axis=1)
        done[open_] = paths[:, -1]
    return np.sort(took)[np.ceil(np.array(QUANTILES) * TRIALS).astype(int) - 1]
