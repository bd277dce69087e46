"""Between the database and the record: what only the database knows goes there, and comes back into a new one.

That is what no tracker tells again: milestones and how they changed before our eyes, and issues that have vanished.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from pmo_sync import loading
from pmo_sync.queries import sql
from pmo_sync.store import people

if TYPE_CHECKING:
    from pmo_sync.record import Record
    from pmo_sync.store.mirror import Store

_VANISHED_ISSUE: Final = {**loading.ISSUE, "vanished_at": pa.timestamp("us"), "fate": pa.string()}
_MILESTONE: Final = {
    **loading.MILESTONE,
    "first_seen_at": pa.timestamp("us"),
    "vanished_at": pa.timestamp("us"),
}
# What the record keeps for a new database, in the order it is taken in: parts, each of some datasets and their columns.
_PARTS: Final = {
    "milestones": {"milestone": _MILESTONE, "milestone_history": loading.INTERVAL},
    "vanished": {"vanished_issue": _VANISHED_ISSUE, "vanished_history": loading.INTERVAL},
}


def take(store: Store, record: Record) -> None:
    """Load from the record what this database does not hold yet: once after it was created.

    Who was erased is looked at each time: the record says it first, and a kill may lie between the two.
    """
    people.erase(store, {row["person_id"] for row in record.rows("erased_person")} - people.erased(store))
    loaded = {row[0] for row in store.rows("SELECT part FROM loaded")}
    for part, datasets in _PARTS.items():
        if part not in loaded:
            load(store, part, {name: record.read(name) for name in datasets})


def give(store: Store, record: Record, run_id: str) -> None:
    """Write to the record, as one run, what only this database knows; nothing where there is nothing.

    A kill between the two leaves it here, for the next call; written twice, it still counts once.
    """
    datasets = [name for part in _PARTS.values() for name in part]
    found = {name: store.arrow(f"{sql(f'handover/give/{name}')} ORDER BY ALL") for name in datasets}
    if not any(table.num_rows for table in found.values()):
        return
    with record.run(run_id) as run:
        for name, table in found.items():
            run.write(name, table)
    with store.transaction() as connection:
        connection.execute(
            "DELETE FROM unrecorded_milestone; DELETE FROM unrecorded_interval; DELETE FROM unrecorded_vanished"
        )


def load(store: Store, part: str, given: Mapping[str, pa.Table | None]) -> None:
    """Take in one part of the record: its datasets, whose rows are in the order they were written."""
    rows = {
        name: loading.columns(types, ()) if (table := given.get(name)) is None else loading.naive(table, types)
        for name, types in _PARTS[part].items()
    }
    placed = {
        f"recorded_{name}": table.append_column("position", pa.array(range(table.num_rows), pa.int64()))
        for name, table in rows.items()
    }
    with store.transaction(**placed) as connection:
        if any(table.num_rows for table in rows.values()):
            connection.execute(sql(f"handover/take/{part}"))
        connection.execute("INSERT INTO loaded VALUES (?)", [part])
