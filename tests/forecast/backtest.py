"""Rolling forecasts of "when are the next N items done?" on real completion dates, calibrated and plain."""

from __future__ import annotations

import gzip
import statistics
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from pmo_sync.forecast import calibrate, simulate


@dataclass
class Score:
    """Forecasts of one method at one horizon, by project."""

    hits: dict[str, list[dict[float, bool]]] = field(default_factory=dict)

    def coverage(self, q: float) -> float:
        """The mean over projects: each project counts alike."""
        return statistics.mean(statistics.mean(one[q] for one in some) for some in self.hits.values())

    @property
    def forecasts(self) -> int:
        return sum(map(len, self.hits.values()))


def daily_counts(file: Path) -> tuple[date, np.ndarray]:
    """First day and completions a day, bulk days capped by what was known on that day."""
    with gzip.open(file, "rt") as lines:
        days = sorted(date.fromisoformat(line[:10]) for line in lines if line[:4].isdigit())
    counts = np.bincount([(day - days[0]).days for day in days])
    capped = counts.copy()
    for n in np.flatnonzero(counts > 10):
        before = counts[max(0, n - 180) : n]
        usual = np.median(before[before > 0]) if (before > 0).any() else 0
        capped[n] = min(counts[n], max(10, int(6 * usual)))
    return days[0], capped


def run(folder: Path, horizon: int) -> dict[str, Score]:
    """Every project; origins every 28 days after a year, with room of three horizons."""
    scores = {"calibrated": Score(), "plain": Score()}
    for file in sorted(folder.glob("*.csv.gz")):
        _, counts = daily_counts(file)
        done = np.cumsum(counts)
        for origin in range(364, len(counts) - 21 * horizon, 28):
            weeks = counts[origin - 84 : origin].reshape(12, 7).sum(axis=1)
            work = round(float(weeks.mean()) * horizon)
            if weeks.sum() < 25 or (weeks == 0).sum() > 4 or work < 5:
                continue
            reached = np.flatnonzero(done[origin:] >= done[origin - 1] + work)
            actual = float(reached[0] + 1) if len(reached) else np.inf
            curve = simulate.exact(weeks.tolist(), work)
            median = simulate.quantile(curve, 0.5)
            assert median is not None
            dates = calibrate.calibrated(curve, median, calibrate.variation(weeks.tolist()))
            calibrated = dict(zip(calibrate.QUANTILES, dates, strict=True))
            plain = {q: simulate.quantile(curve, q) or np.inf for q in calibrate.QUANTILES}
            for name, answer in (("calibrated", calibrated), ("plain", plain)):
                hit = {q: bool(actual <= np.ceil(answer[q])) for q in calibrate.QUANTILES}
                scores[name].hits.setdefault(file.name, []).append(hit)
    return scores


if __name__ == "__main__":
    import sys

    for horizon in (2, 4, 8, 13, 26):
        for name, score in run(Path(sys.argv[1]), horizon).items():
            shown = " ".join(f"{score.coverage(q):.3f}" for q in (0.5, 0.85, 0.95))
            print(
                f"{horizon:2} weeks {name:10} {score.forecasts:5} forecasts {len(score.hits)} projects P50 P85 P95 {shown}"
            )
