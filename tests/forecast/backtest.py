"""Rolling forecasts of "when are the next N items done?" on real completion dates, and the prior refitted from them.

``python -m tests.forecast.backtest FOLDER`` prints how often dates held; ``... FOLDER prior`` the lines of ``prior.py``.
"""

from __future__ import annotations

import gzip
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from pmo_sync.forecast.origins import HORIZONS, SHIFTS, SPREADS, STEP, WEEKS, History, Rows, look_back
from pmo_sync.forecast.pool import CAP, QUANTILES, Pool, quantiles
from pmo_sync.forecast.regression import Fit, fit, shares
from pmo_sync.forecast.simulate import quantile
from tests.forecast.exact import exact

NOTHING = Fit(np.zeros(SHIFTS), np.zeros(SPREADS))
EVERY = 56  # days between two fits
JUDGED = (0.50, 0.70, 0.85, 0.95)


@dataclass
class Score:
    """Forecasts of one method at one horizon, by project."""

    hits: dict[str, list[dict[float, bool]]] = field(default_factory=dict)
    losses: dict[str, list[float]] = field(default_factory=dict)

    def coverage(self, q: float) -> float:
        """The mean over projects: each project counts alike."""
        return statistics.mean(statistics.mean(one[q] for one in some) for some in self.hits.values())

    def loss(self) -> float:
        """Mean pinball loss in plans, over quantiles and projects."""
        return statistics.mean(map(statistics.mean, self.losses.values()))

    @property
    def forecasts(self) -> int:
        return sum(map(len, self.hits.values()))

    def add(self, project: str, plan: float, days: dict[float, float], actual: float) -> None:
        self.hits.setdefault(project, []).append({q: bool(actual <= np.ceil(day - 1e-9)) for q, day in days.items()})
        took = min(actual, CAP * plan)
        off = [(q, took - min(days[q], CAP * plan)) for q in JUDGED]
        loss = statistics.mean(max(q * one, (q - 1) * one) for q, one in off) / plan
        self.losses.setdefault(project, []).append(loss)


def histories(folder: Path) -> dict[str, History]:
    """Completions a day of each project, bulk days capped by what was known on that day."""
    return {file.name: _history(file) for file in sorted(folder.glob("*.csv.gz"))}


def _history(file: Path) -> History:
    with gzip.open(file, "rt") as lines:
        days = sorted(date.fromisoformat(line[:10]) for line in lines if line[:4].isdigit())
    counts = np.bincount([(day - days[0]).days for day in days]).astype(np.int64)
    capped = counts.copy()
    for n in np.flatnonzero(counts > 10):
        before = counts[max(0, n - 180) : n]
        usual = np.median(before[before > 0]) if (before > 0).sum() >= 10 else 0
        capped[n] = min(counts[n], max(10, int(6 * usual)))
    return History(days[0], capped)


def run(folder: Path) -> dict[str, dict[int, Score]]:
    """Origins every 56 days after a year, with room of three horizons; what is learnt is learnt before each origin.

    The regression begins from nothing: the shipped prior was made from these very projects.
    """
    every = histories(folder)
    scores = {name: {weeks: Score() for weeks in HORIZONS} for name in ("regression", "plain")}
    day = min(one.first_on for one in every.values()) + timedelta(days=364)
    end = max(one.first_on + timedelta(days=len(one.counts)) for one in every.values())
    while day < end:
        known = {name: _until(one, day) for name, one in every.items() if (day - one.first_on).days > 7 * WEEKS}
        pool = Pool.of(known, start=NOTHING, ridge=10.0, effective=12.0, prior_weight=1e-6)
        enough = len(pool.owner) > 500
        for name, one, origin in _origins(every, day) if enough else ():
            last = one.counts[origin - 7 * WEEKS : origin].reshape(WEEKS, 7).sum(axis=1)
            done = np.cumsum(one.counts)
            for weeks in HORIZONS:
                work = round(float(last.mean()) * weeks)
                if last.sum() < 25 or (last == 0).sum() > 4 or work < 5 or origin + 21 * weeks > len(one.counts):
                    continue
                reached = int(np.searchsorted(done, done[origin - 1] + work)) + 1
                actual = float(reached - origin) if reached <= len(one.counts) else math.inf
                pace = float(last.mean())
                ours = pool.days(name, History(one.first_on, one.counts[:origin]), pace, work)
                curve = exact(last.tolist(), work)
                plain = {q: quantile(curve, q) or math.inf for q in QUANTILES}
                scores["regression"][weeks].add(name, 7 * work / pace, dict(zip(QUANTILES, ours, strict=True)), actual)
                scores["plain"][weeks].add(name, 7 * work / pace, plain, actual)
        day += timedelta(days=EVERY)
    return scores


def _until(one: History, day: date) -> History:
    return History(one.first_on, one.counts[: (day - one.first_on).days])


def _origins(every: dict[str, History], day: date) -> Iterator[tuple[str, History, int]]:
    for name, one in every.items():
        for origin in range(364, len(one.counts), 2 * STEP):
            if day <= one.first_on + timedelta(days=origin) < day + timedelta(days=EVERY):
                yield name, one, origin


def refit(folder: Path) -> tuple[Fit, list[float]]:
    """The prior: coefficients, and 41 quantiles of the residuals."""
    rows = Rows.joined([look_back(one) for one in histories(folder).values()])
    made = fit(rows, NOTHING)
    residuals = made.residuals(rows)
    order = np.lexsort((~rows.is_known, residuals))
    steps = (np.arange(41) + 0.5) / 41
    return made, quantiles(residuals[order], rows.is_known[order], shares(rows)[order], steps).tolist()


if __name__ == "__main__":
    import sys

    if sys.argv[2:] == ["prior"]:
        made, residuals = refit(Path(sys.argv[1]))
        for name, values in (("BETA", made.beta), ("GAMMA", made.gamma), ("RESIDUALS", residuals)):
            print(f"{name}: Final = ({', '.join(f'{value:.4g}' for value in values)})")
        sys.exit()
    for name, by_weeks in run(Path(sys.argv[1])).items():
        for weeks, score in by_weeks.items():
            shown = " ".join(f"{score.coverage(q):.3f}" for q in (0.5, 0.85, 0.95))
            print(
                f"{name:10} {weeks:2} weeks {score.forecasts:5} forecasts {len(score.hits)} projects "
                f"P50 P85 P95 {shown} loss {score.loss():.4f}"
            )
