"""Sprints of three public trackers: will less be delivered than was committed? Our rule of the required pace.

Required: open points over the time that is left. Actual: done points over the time that has passed. Their ratio is the
rule FC-3, which calls a commitment late above 1.3; the baseline of the data's README is the open points alone. Sprints
without any points at the cut tell nothing.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.forecast.scores.ranking import Flags, Scores, auc, measured

TRACKERS: Final = ("apache", "jira", "spring")
CUTS: Final = (30, 50, 80)  # percent of the planned time; at 0 nothing is done and there is no pace
RULE: Final = "required over actual pace"
BASELINE: Final = "open points (baseline)"
LATE_ABOVE: Final = 1.3
FIGURES: Final = 16  # columns after the name, which holds commas


def figures(folder: Path) -> dict[str, Any]:
    """By tracker and cut."""
    return {
        f"{tracker} at {cut} %": _figures(rows_of(folder, tracker, cut), cut / 100)
        for tracker in TRACKERS
        for cut in CUTS
    }


def _figures(rows: list[dict[str, float]], passed: float) -> dict[str, Any]:
    scores, is_late, board = scored(rows, passed)
    is_told = scores[RULE] > LATE_ABOVE
    return {
        **{name: measured(auc, score, is_late, board)._asdict() for name, score in scores.items()},
        "late of those told late": [int(is_late[is_told].sum()), int(is_told.sum())],
        "late of the others": [int(is_late[~is_told].sum()), int((~is_told).sum())],
    }


def scored(rows: list[dict[str, float]], passed: float) -> tuple[dict[str, Scores], Flags, Scores]:
    """Scores by name, whether less was delivered, and the board, of sprints with points; ``passed`` is a share."""
    column = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    has_points = column["vel_todo"] + column["vel_inprogress"] + column["vel_done"] > 0
    column = {name: values[has_points] for name, values in column.items()}
    open_ = column["vel_todo"] + column["vel_inprogress"]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(open_ > 0, (open_ / (1 - passed)) / (column["vel_done"] / passed), 0.0)
    return {RULE: ratio, BASELINE: open_}, column["vel_diff"] < 0, column["boardid"]


def rows_of(folder: Path, tracker: str, cut: int) -> list[dict[str, float]]:
    return [
        {"boardid": float(row[0]), **{name: float(value) for name, value in zip(heads, row[-FIGURES:], strict=True)}}
        for heads, row in _read(folder, f"{tracker}_iteration_{cut}.csv")
    ]


def _read(folder: Path, name: str) -> Iterator[tuple[list[str], list[str]]]:
    file = next(folder.glob(f"{name}*"))
    text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    rows = csv.reader(text.decode("latin-1").splitlines())
    heads = next(rows)[-FIGURES:]
    for row in rows:
        yield heads, row
