"""From past misses to dates that hold: the spread of a forecast.

Plain throughput simulation is overconfident, because slow weeks come together and projects stop: its P85 dates held
53-68 % of the time on 19 public projects, 26 to 4 weeks ahead. Here the middle and the width come from a regression on
the moment (``regression``), the shape from how such forecasts really missed: residuals of the whole portfolio, of the
public projects behind the prior with the weight of ten projects, and, a little, once there are enough, of the project
itself. What is still open is censored, never left out (Kaplan and Meier).

On these projects, each company forecast with a prior from the others only and with what its own projects had shown by
then, P85 dates held 86, 86, 86 and 85 % of the time at 4, 8, 13 and 26 weeks (``tests/forecast/scores``). A project's
own record counts little, and quantiles are taken a little wider than the pool has them: both were better on companies
left out, and a study on 19 other projects had found a strong own record worse, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pmo_sync.forecast import prior as shipped
from pmo_sync.forecast.origins import History, Rows, Vector, features, look_back
from pmo_sync.forecast.regression import EFFECTIVE, PRIOR, RIDGE, Fit, fit, shares

QUANTILES: Final = (0.15, 0.50, 0.70, 0.85, 0.95)
CAP: Final = 8.0  # linear plans; a date at or beyond is no date
NEARNESS: Final = 0.7  # in ln(weeks): how fast other horizons lose their weight
OWN_DAYS: Final = 1_456  # how far back a project's own record reaches
FEWEST_OWN: Final = 5
OWN_SHRINK: Final = 100.0
STRETCH: Final = 1.1  # of the odds: a project is farther from the others than they are from each other
LATER: Final = (
    0.20  # in log odds at 8 weeks: a pool is always older than the forecast, and projects slow down meanwhile
)
LATER_BY: Final = 0.10  # more of it for each ln(weeks)
OWN_LIMITS: Final = (-6.0, 12.0)


class Prior(NamedTuple):
    """What other projects told, before a portfolio has a record, and how fast its record takes over."""

    fitted: Fit
    residuals: Vector
    weight: float = 22.0  # of the residuals: ten projects at all horizons
    ridge: float = RIDGE
    effective: float = EFFECTIVE


SHIPPED: Final = Prior(PRIOR, np.array(shipped.RESIDUALS))


@dataclass(frozen=True, slots=True)
class Pool:
    """What a whole portfolio knows about missing its plans at one moment. Residuals are in rising order."""

    fitted: Fit
    residuals: Vector
    is_known: npt.NDArray[np.bool_]
    weeks: Vector  # of work; of the prior's residuals 0
    share: Vector  # weight at the same horizon
    owner: npt.NDArray[np.int64]  # of the prior's residuals -1
    age: Vector
    owners: Mapping[str, int]  # history -> its number

    @classmethod
    def of(cls, histories: Mapping[str, History], prior: Prior = SHIPPED) -> Pool:
        """Of these histories, by name; without any, what the prior tells."""
        names = sorted(histories)
        rows = Rows.joined([look_back(histories[name]) for name in names])
        fitted = fit(rows, prior.fitted, ridge=prior.ridge, effective=prior.effective)
        one = np.ones(len(prior.residuals))
        residuals = np.concatenate([fitted.residuals(rows), prior.residuals])
        is_known = np.concatenate([rows.is_known, one.astype(bool)])
        order = np.lexsort((~is_known, residuals))  # what ended at a moment was at risk of it until then
        return cls(
            fitted,
            residuals[order],
            is_known[order],
            np.concatenate([rows.weeks, 0 * one])[order],
            np.concatenate([shares(rows), one * prior.weight / max(len(one), 1)])[order],
            np.concatenate([rows.owner, (-one).astype(np.int64)])[order],
            np.concatenate([rows.age, 0 * one])[order],
            {name: number for number, name in enumerate(names)},
        )

    def days(self, name: str, history: History, pace: float, work: float) -> tuple[float, ...]:
        """Days from the end of the history at QUANTILES until so many items are done; infinite where no date is known.

        ``pace`` is the mean of the last weeks, items a week; ``name`` says whose record counts as its own.
        """
        weeks = work / pace
        shifts, spreads = features(history, len(history.counts), pace, weeks)
        middle, width = float(self.fitted.middle(shifts)), float(self.fitted.spread(spreads))
        missed = middle + width * self._residuals(name, weeks)
        factors = np.maximum.accumulate(np.exp(np.minimum(missed, 5.0)))
        return tuple(float(7 * weeks * one) if one < CAP else math.inf for one in factors)

    def _residuals(self, name: str, weeks: float) -> Vector:
        """R at QUANTILES: the portfolio's, drawn to the history's own where that has a record."""
        q = np.array(QUANTILES)
        wanted = 1 / (1 + np.exp(-(STRETCH * np.log(q / (1 - q)) + LATER + LATER_BY * math.log(weeks / 8))))
        far = np.abs(np.log(np.where(self.weeks > 0, self.weeks, weeks) / weeks))
        near = np.exp(-far / NEARNESS)
        pooled = quantiles(self.residuals, self.is_known, near * self.share, wanted)
        mine = (self.owner == self.owners.get(name, -2)) & (self.age <= OWN_DAYS)
        count = int((mine & (far == far[mine].min())).sum()) if mine.any() else 0
        if count < FEWEST_OWN:
            return pooled
        own = quantiles(self.residuals[mine], self.is_known[mine], near[mine], wanted)
        effective = 4 * count / max(weeks, 4.0)
        trust = effective / (effective + OWN_SHRINK)
        return np.asarray((1 - trust) * pooled + trust * np.clip(own, *OWN_LIMITS))


def quantiles(values: Vector, is_known: npt.NDArray[np.bool_], weight: Vector, q: Vector) -> Vector:
    """Weighted Kaplan-Meier quantiles of values in rising order; infinite where the known ones end before."""
    at_risk = np.cumsum(weight[::-1])[::-1]
    left = np.cumprod(1 - np.where(is_known, weight / np.maximum(at_risk, 1e-300), 0.0))
    place = np.searchsorted(1 - left, q - 1e-12)
    return np.where(place < len(values), values[np.minimum(place, len(values) - 1)], np.inf)
