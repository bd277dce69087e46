"""The forecasts made at the time they were made, and how many of them held.

Rows are only ever appended; outcomes are joined when they are known. Publishing "our P85 dates held 41 of 52 times" is
only honest if nothing can be changed afterwards and misses cannot stay "unresolved".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa

from pmo_sync.assessed import Forecast

if TYPE_CHECKING:
    from pmo_sync.store import Store

SCHEMA: Final = pa.schema(
    [
        ("run_at", pa.timestamp("us", tz="UTC")),
        ("as_of", pa.timestamp("us", tz="UTC")),
        ("subject", pa.string()),
        ("method", pa.string()),
        ("due_on", pa.date32()),
        ("remaining", pa.int64()),
        ("weekly_counts", pa.list_(pa.int64())),
        ("p50_on", pa.date32()),
        ("p85_on", pa.date32()),
        ("p95_on", pa.date32()),
        ("fan", pa.list_(pa.struct([("quantile", pa.float64()), ("on", pa.date32())]))),
        ("p_hit", pa.float64()),
        ("required_pace", pa.float64()),
        ("actual_pace", pa.float64()),
        ("refused", pa.bool_()),
        ("gates", pa.string()),  # JSON: [[code, parameters], ...]
        ("config_digest", pa.string()),
    ]
)
APART: Final = timedelta(days=28)  # weekly forecasts of one milestone are nearly the same forecast
ENOUGH: Final = 20


class Held(NamedTuple):
    """How many P85 dates held, of those whose day has come."""

    held: int
    resolved: int

    @property
    def is_enough(self) -> bool:
        """Below 20 the share says nothing: too few to say."""
        return self.resolved >= ENOUGH


def rows(forecasts: Iterable[Forecast], run_at: datetime, as_of: datetime) -> pa.Table:
    """One row per forecast, refused ones too, ordered by subject. Both moments are aware."""
    made = [
        {
            "run_at": run_at,
            "as_of": as_of,
            "fan": [{"quantile": q, "on": day} for q, day in one.fan],
            "gates": json.dumps([[gate.code, dict(gate.params)] for gate in one.gates], default=str, sort_keys=True),
            "weekly_counts": list(one.weekly_counts),
            **{name: getattr(one, name) for name in _PLAIN},
        }
        for one in sorted(forecasts, key=lambda one: one.subject)
    ]
    return pa.Table.from_pylist(made, SCHEMA)


_PLAIN: Final = (
    "subject", "method", "due_on", "remaining", "p50_on", "p85_on", "p95_on", "p_hit", "required_pace", "actual_pace",
    "refused", "config_digest",
)  # fmt: skip


def finished(store: Store) -> dict[str, date]:
    """Milestones and epics without open work at the moment the tables are cut at -> the day the last item was done."""
    query = """
        SELECT m.subject, local_day(max(l.done_at))
        FROM membership AS m
        JOIN subject AS s ON s.subject = m.subject AND s.kind IN ('milestone', 'epic')
        JOIN lifecycle AS l ON l.issue = m.issue
        WHERE l.role = 'work' AND l.is_leaf AND l.removed_at IS NULL
        GROUP BY m.subject
        HAVING bool_and(l.done_at IS NOT NULL)
    """
    return dict(store.rows(query))


def held(ledger: pa.Table, outcomes: Mapping[str, date], today: date) -> Held:
    """How many published P85 dates held. A forecast is judged once its P85 day is over, whatever came of it.

    Judging by the calendar and not by the outcome keeps both sides in: an unfinished milestone past its P85 day is a
    miss, and an early finish is not counted before its turn. ``outcomes`` is what ``finished`` gave at the end of ``today``. Of each subject one forecast in 28 days counts, the first: the
    others repeat it. Of several runs for one ``as_of`` the first was the one published.
    """
    judged = kept = 0
    last: dict[str, datetime] = {}
    for row in sorted(_dated(ledger), key=lambda row: (row["as_of"], row["run_at"], row["subject"])):
        subject, as_of = row["subject"], row["as_of"]
        if subject in last and as_of - last[subject] < APART:
            continue
        last[subject] = as_of
        if row["p85_on"] <= today:
            judged += 1
            kept += subject in outcomes and outcomes[subject] <= row["p85_on"]
    return Held(kept, judged)


def _dated(ledger: pa.Table) -> list[dict[str, Any]]:
    wanted = ledger.select(["run_at", "as_of", "subject", "p85_on"]).to_pylist()
    return [row for row in wanted if row["p85_on"] is not None]
