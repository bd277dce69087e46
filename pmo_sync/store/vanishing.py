"""What the trackers no longer show: missed by one census, missed by the next, and then taken out with its fate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from pmo_sync import loading
from pmo_sync.model import Trace
from pmo_sync.queries import sql

if TYPE_CHECKING:
    from pmo_sync.store.mirror import Store


def note_missing(store: Store, project_id: str, missing: frozenset[str], at: datetime) -> list[str]:
    """Remember which of the project's issues a full census at ``at`` did not show.

    Returns those that an earlier census missed as well, at least a day before: ``take_out`` what has become of them.
    """
    about = pa.table({"project_id": [project_id], "noted_at": pa.array([at], pa.timestamp("us"))})
    with store.transaction(gone=loading.ids(missing), census=about) as connection:
        connection.execute(sql("vanishing/missing"))
        return [row[0] for row in store.rows("SELECT issue_id FROM due ORDER BY issue_id")]


def take_out(store: Store, traces: Sequence[Trace], at: datetime) -> None:
    """Each of these issues has vanished at ``at``, but for those that are here: their census was wrong."""
    gone = [one for one in traces if one.fate != "here"]
    leaving = pa.table(
        {
            "issue_id": pa.array([one.issue_id for one in gone], pa.string()),
            "fate": pa.array([one.fate for one in gone], pa.string()),
            "noted_at": pa.array([at] * len(gone), pa.timestamp("us")),
        }
    )
    here = loading.ids(one.issue_id for one in traces if one.fate == "here")
    with store.transaction(leaving=leaving, here=here) as connection:
        connection.execute(sql("vanishing/leaving"))
        connection.execute("DELETE FROM missed USING here WHERE missed.issue_id = here.id")


def missed(store: Store, source: str) -> dict[str, int]:
    """Project id -> its issues that the last census did not show and that have not vanished."""
    query = """SELECT project_id, count(*) FROM missed JOIN issue USING (issue_id)
        WHERE source = ? AND missed_at IS NOT NULL GROUP BY project_id"""
    return dict(store.rows(query, [source]))
