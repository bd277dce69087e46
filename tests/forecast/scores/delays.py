"""Issues with a due date of four public trackers, when it was set: will they be late? Our rules, as far as told.

What a tracker shows of one issue, and of no person: how near the date is, whether something blocks it, whether anything
happened to it yet (comments, changes of text, priority and version: statuses are not told, so this stands for
"not started"). The flag is what a page would show: due within two weeks, and untouched or blocked. The baseline of
the data's README, the share of late issues of the developer, is a number about a person, which we do not keep. Teams
that date an issue when it is nearly done make the untouched look worse than they are.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.forecast.scores.ranking import Scores, auc, measured

TRACKERS: Final = ("apache", "javanet", "jira", "mulesoft")
NEAR: Final = 14  # days
UNTOUCHED: Final = "hardly touched so far"
BASELINE: Final = "share of the person's late issues (baseline)"
UPDATES: Final = ("no_priority_change", "no_fixversion_change", "no_des_change", "no_comment")


def figures(folder: Path) -> dict[str, Any]:
    """By tracker."""
    return {tracker: _figures(folder / f"{tracker}_due.csv.gz") for tracker in TRACKERS}


def _figures(file: Path) -> dict[str, Any]:
    column = columns_of(file)
    scores, is_late = scored(column), column["delaydays"] > 0
    is_flagged = (column["RemainingDay"] <= NEAR) & ((scores[UNTOUCHED] == 0) | (column["no_blockedby"] > 0))
    return {
        **{name: measured(auc, score, is_late, column["month"])._asdict() for name, score in scores.items()},
        "late of those flagged": [int(is_late[is_flagged].sum()), int(is_flagged.sum())],
        "late of the others": [int(is_late[~is_flagged].sum()), int((~is_flagged).sum())],
    }


def columns_of(file: Path) -> dict[str, Scores]:
    """The columns that are used, and the month each issue was opened in (months since the year 0)."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = ("delaydays", "RemainingDay", "no_blockedby", "perofdelay", *UPDATES)
    column = {name: np.array([float(row[name] or 0) for row in rows]) for name in names}
    return column | {
        "month": np.array([12 * float(row["openeddate"][:4]) + float(row["openeddate"][5:7]) for row in rows])
    }


def scored(column: dict[str, Scores]) -> dict[str, Scores]:
    """Scores by name; the higher, the likelier late."""
    near, untouched = -column["RemainingDay"], -np.sum([column[name] for name in UPDATES], axis=0)
    return {
        "due date near": near,
        "blocked": column["no_blockedby"],
        UNTOUCHED: untouched,
        "near and hardly touched": _place(near) + _place(untouched),
        BASELINE: column["perofdelay"],
    }


def _place(score: Scores) -> Scores:
    """Of each among all, 0 to 1; equal ones share theirs."""
    ordered = np.sort(score)
    return (np.searchsorted(ordered, score, "left") + np.searchsorted(ordered, score, "right")) / 2 / len(score)
