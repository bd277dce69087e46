"""Variants of the regression, and the choice among them for each company by the projects of the other companies.

A variant is a way to fit the prior and a habit of reading the pool. For each company, every variant forecasts the other
companies, each with a prior from the remaining ones; of those that miss the fewest bars there, the one with the
least pinball loss at 4 to 26 weeks then forecasts the company itself. What was tried besides is told in ``TRIED.md``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from pmo_sync.forecast.origins import Vector
from pmo_sync.forecast.pool import QUANTILES
from pmo_sync.forecast.regression import EFFECTIVE, RIDGE
from tests.forecast.scores.data import COMPANIES
from tests.forecast.scores.measures import Score, beside, scores
from tests.forecast.scores.ours import Habit, learns_from, of_company, varied
from tests.forecast.scores.protocol import Board, Whole


class Variant(NamedTuple):
    """How the prior is fitted, and how the pool is read."""

    ridge: float
    effective: float
    habit: Habit


FORMER: Final = Habit(own=24.0, stretch=1.0, later=0.30, later_by=0.10)  # of the method regression-2
HABITS: Final = {
    "": FORMER,
    "own record weak": FORMER._replace(own=100.0),
    "no own record": FORMER._replace(own=math.inf),
    "stretched 1.1": FORMER._replace(stretch=1.1, later=0.2),
    "stretched 1.2": FORMER._replace(stretch=1.2, later=0.1),
    "stretched 1.1, own record weak": Habit(),  # as shipped
    "stretched 1.2, own record weak": FORMER._replace(own=100.0, stretch=1.2, later=0.1),
    "no shift": FORMER._replace(later=0.0, later_by=0.0),
}
PRIORS: Final = {"": (RIDGE, EFFECTIVE), "prior less held": (10.0, 12.0)}
VARIANTS: Final = {
    ", ".join(filter(None, (prior, habit))) or "as it was": Variant(*PRIORS[prior], HABITS[habit])
    for prior in PRIORS
    for habit in HABITS
}


def left_out(board: Board, company: str, without: str = "") -> dict[str, tuple[Whole, Vector]]:
    """Days by variant for a company's rows, the prior from all others (but ``without``)."""
    found = {}
    for ridge, effective in PRIORS.values():
        own, prior, rows = of_company(board, company, without, ridge=ridge, effective=effective)
        days = varied(board, rows, learns_from(board, own, prior), tuple(HABITS.values()))
        for name, one in VARIANTS.items():
            if (one.ridge, one.effective) == (ridge, effective):
                found[name] = (rows, days[one.habit])
    return found


def every(board: Board) -> dict[str, Vector]:
    """Days by variant, each company left out."""
    return _joined(board, [left_out(board, one) for one in COMPANIES])


def chosen(board: Board, plain: Vector, made: Mapping[str, Vector]) -> tuple[Vector, dict[str, str]]:
    """Days of the variants chosen for each company without it, and their names; ``made`` are those of ``every``."""
    picks, days = {}, np.full((len(board), len(QUANTILES)), np.nan)
    for company in COMPANIES:
        others = [one for one in COMPANIES if one != company]
        inner = _joined(board, [left_out(board, one, without=company) for one in others])
        own, _, rows = of_company(board, company)
        seen = board.judged(~np.isin(board.owner, [board.names.index(one) for one in own]))
        base = scores(seen, plain)
        picks[company] = min(inner, key=lambda name: _rank(scores(seen, inner[name]), base))
        days[rows] = made[picks[company]][rows]
    return days, picks


def bars_missed(score: Mapping[int, Score], plain: Mapping[int, Score]) -> list[str]:
    """The bars that a method misses, in words."""
    found = []
    for weeks in (4, 8, 13, 26):
        one, base = score[weeks], plain[weeks]
        if not 0.80 <= (held := float(one.p85.mean())) <= 0.90:
            found.append(f"{weeks} weeks: P85 held {held:.3f}, not .80-.90")
        if (held := float(one.p95.mean())) < 0.90:
            found.append(f"{weeks} weeks: P95 held {held:.3f}, not .90")
        if one.worst_tenth < 0.60:
            found.append(f"{weeks} weeks: worst tenth of projects {one.worst_tenth:.2f}, not .60")
        if (more := float(one.off.mean() - base.off.mean())) > 0.02:
            found.append(f"{weeks} weeks: MdAPE worse by {100 * more:.1f} points, not 2")
    if (less := beside(score[13], plain[13])) > -18:
        found.append(f"13 weeks: pinball {less:+.1f} %, not -18 %")
    return found


def _rank(score: Mapping[int, Score], plain: Mapping[int, Score]) -> tuple[int, float]:
    return len(bars_missed(score, plain)), sum(beside(score[weeks], plain[weeks]) for weeks in (4, 8, 13, 26))


def _joined(board: Board, parts: list[dict[str, tuple[Whole, Vector]]]) -> dict[str, Vector]:
    made = {name: np.full((len(board), len(QUANTILES)), np.nan) for name in VARIANTS}
    for part in parts:
        for name, (rows, days) in part.items():
            made[name][rows] = days[rows]
    return made
