"""Variants of the forecast, and which one is used: a choice that only a kept backtest makes, with its evidence.

``standard`` until something is proved better on the portfolio's own milestones. A choice is a row of the record: pages
and ``explain`` tell it, the method's name has it, and it ends when the method itself is another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

from pmo_sync.assessed import Choice
from pmo_sync.forecast import measures

METHOD: Final = "regression-3"
STANDARD: Final = "standard"  # fitted to the portfolio, drawn to a project's own record, scope goes on growing
PRIOR: Final = "prior"  # what public projects tell, and nothing else
SHARED: Final = "shared"  # fitted, without a project's own record
STILL: Final = "still"  # scope stands still
VARIANTS: Final = (STANDARD, PRIOR, SHARED, STILL)
FEWEST: Final = 50  # milestones whose end is known, before anything is chosen
LEVEL: Final = 1 - 0.05 / (len(VARIANTS) - 1)  # of each interval, so that all together are wrong once in twenty


class Compared(NamedTuple):
    """A variant beside the one in force: the mean over milestones of its loss less the other's, in plans."""

    variant: str
    before: str  # in force
    milestones: int
    difference: float
    low: float
    high: float

    @property
    def is_better(self) -> bool:
        """Beyond chance: enough milestones, and the whole interval below 0."""
        return self.milestones >= FEWEST and self.high < 0


def name(variant: str) -> str:
    """The method as the ledger and pages call it."""
    return METHOD if variant == STANDARD else f"{METHOD}-{variant}"


def compare(losses: Mapping[str, Mapping[str, Sequence[float]]], before: str) -> list[Compared]:
    """Every other variant with the one in force. ``losses``: variant -> milestone -> the losses of its forecasts, the
    same forecasts in all. Of a milestone the mean counts, so that each counts once.
    """
    found = []
    for variant in VARIANTS:
        if variant == before:
            continue
        differences = [
            sum(one - other for one, other in zip(losses[variant][id_], some, strict=True)) / len(some)
            for id_, some in sorted(losses[before].items())
        ]
        if differences:
            low, high = measures.interval([(one, 1.0) for one in differences], measures.mean, LEVEL)
            found.append(Compared(variant, before, len(differences), sum(differences) / len(differences), low, high))
    return found


def chosen(compared: Sequence[Compared], before: str) -> str:
    """The one in force, unless another is better: then the best of those."""
    better = [one for one in compared if one.is_better]
    return min(better, key=lambda one: one.difference).variant if better else before


def choice_rows(compared: Sequence[Compared], now: str, about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows for the record; ``about``: run_id, as_of, kept_at, config_digest."""
    return [{**about, "method": METHOD, "chosen": now, **one._asdict()} for one in compared]


def in_force(rows: Sequence[Mapping[str, Any]], as_of: datetime) -> Choice | None:
    """What the record's backtests chose that were kept by ``as_of``, with the evidence of the last change; None: no change.

    By the moment it was kept: reports of days before stay as they were.
    """
    found: Choice | None = None
    known = [row for row in rows if row["kept_at"] <= as_of and row["method"] == METHOD]
    for _, run in groupby(known, key=lambda row: row["run_id"]):
        for row in run:
            if row["variant"] == row["chosen"] and {row["chosen"], row["before"]} <= set(VARIANTS):
                found = Choice(
                    row["chosen"], row["before"], row["as_of"], row["milestones"], row["difference"], row["low"],
                    row["high"],
                )  # fmt: skip
    return found


def variant(choice: Choice | None) -> str:
    """The variant that is used."""
    return STANDARD if choice is None else choice.variant
