"""The forecasts that were published, and how many of their dates held.

Rows are only ever appended (``record.DATASETS["ledger"]``); outcomes are joined when they are known. "Our P85 dates
held 41 of 52 times" is only honest if nothing can be changed afterwards and no miss can stay unresolved for ever.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pmo_sync.assessed import Assessed, Forecast
from pmo_sync.queries import sql

if TYPE_CHECKING:
    from pmo_sync.store import Store

APART: Final = timedelta(days=28)  # forecasts of one subject made within it are nearly the same forecast
PROMPT: Final = timedelta(days=8)  # from the end of the period: who publishes later knows more than the forecast

_PLAIN: Final = (
    "subject", "method", "remaining", "p50_on", "p85_on", "p95_on", "p_hit", "due_on", "required_pace", "actual_pace",
    "best_pace", "refused", "config_digest",
)  # fmt: skip
_SAID: Final = ("method", "p50_on", "p85_on", "p95_on", "p_hit", "due_on", "refused", "config_digest")


class Held(NamedTuple):
    """How many P85 dates held, of those whose day has come."""

    held: int
    resolved: int


def ledger_rows(assessed: Assessed, run_id: str, published_at: datetime) -> list[dict[str, Any]]:
    """One row per forecast with its inputs, refused ones too, ordered by subject. Each gate is JSON: [code, parameters]."""
    return [
        {
            "run_id": run_id,
            "as_of": assessed.as_of,
            "published_at": published_at,
            "weekly_counts": list(one.weekly_counts),
            "gates": [json.dumps([gate.code, dict(gate.params)], default=str, sort_keys=True) for gate in one.gates],
            **{name: getattr(one, name) for name in _PLAIN},
        }
        for _, one in sorted(assessed.forecasts.items())
    ]


def held(rows: Sequence[Mapping[str, Any]], store: Store, as_of: datetime) -> Held:
    """How many published P85 dates held, as known at ``as_of``, the moment the store's tables are cut at.

    A forecast is judged once its P85 day is over, whatever came of it: an unfinished milestone is then a miss, and an
    early finish is not counted before its turn, so neither side is favoured. Of each subject one forecast in 28 days
    counts, the first, because the others repeat it; of several runs for one moment the first one published. What was
    published for a moment long past is no forecast and never counts.
    """
    known = [row for row in rows if row["p85_on"] is not None and row["as_of"] <= as_of and _is_prompt(row)]
    if not known:
        return Held(0, 0)
    [(today,)] = store.rows("SELECT today FROM moment")
    outcomes = finished(store)
    kept = judged = 0
    last: dict[str, datetime] = {}
    for row in sorted(known, key=lambda row: (row["as_of"], row["published_at"], row["subject"])):
        subject = row["subject"]
        if subject in last and row["as_of"] - last[subject] < APART:
            continue
        last[subject] = row["as_of"]
        if row["p85_on"] <= today:
            judged += 1
            kept += subject in outcomes and outcomes[subject] <= row["p85_on"]
    return Held(kept, judged)


def _is_prompt(row: Mapping[str, Any]) -> bool:
    """Published when its moment was the present."""
    return bool(row["published_at"] - row["as_of"] <= PROMPT)


def said(rows: Sequence[Mapping[str, Any]], as_of: datetime, again: Mapping[str, Forecast]) -> dict[str, Forecast]:
    """The forecasts of ``as_of`` as they were last published then; where none was, as they are computed ``again``."""
    published = {row["subject"]: row for row in rows if row["as_of"] == as_of and _is_prompt(row)}
    return {
        subject: replace(one, **{name: published[subject][name] for name in _SAID}) if subject in published else one
        for subject, one in again.items()
    }


def finished(store: Store) -> dict[str, date]:
    """Milestones and epics without open work at the moment the tables are cut at -> the day the last item was done."""
    return dict(store.rows(sql("forecast/finished")))
