"""What the database keeps about people, and how it forgets: with time, or at once and for good."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pmo_sync import loading
from pmo_sync.model import Category
from pmo_sync.queries import sql

if TYPE_CHECKING:
    import duckdb

    from pmo_sync.store.mirror import Store


class Kept(NamedTuple):
    """A person as the database has it."""

    person_id: str
    source: str
    name: str  # empty where the tracker told none
    stays: int  # how often they were assigned to something


class Assignment(NamedTuple):
    """Somebody's stay on an issue, in UTC; ``until`` is None while it lasts."""

    key: str
    url: str
    since: datetime
    until: datetime | None
    is_confidential: bool


def kept(store: Store) -> list[Kept]:
    """Everybody something is kept about, by source and name."""
    return [Kept(*row) for row in store.rows(sql("people/kept"))]


def assignments(store: Store, person_id: str) -> list[Assignment]:
    """What one person was assigned to, the first first."""
    rows = store.rows(sql("people/assignments"), [person_id])
    return [
        Assignment(key, url, since.replace(tzinfo=UTC), until and until.replace(tzinfo=UTC), is_confidential)
        for key, url, since, until, is_confidential in rows
    ]


def expire(store: Store, before: datetime, status_map: Iterable[tuple[str, str, Category]]) -> None:
    """Forget who was assigned to what until ``before``, or to work that was over by then, and names left over."""
    store.name_statuses(status_map)
    bound = pa.table({"before": pa.array([before], pa.timestamp("us"))})
    with store.transaction(bound=bound) as connection:
        connection.execute(sql("people/expire"))


def erased(store: Store) -> frozenset[str]:
    """Pseudonyms nothing is taken in of."""
    return frozenset(row[0] for row in store.rows("SELECT person_id FROM erased_person"))


def erase(store: Store, person_ids: AbstractSet[str]) -> None:
    """Forget these people, their names and assignments, and take in nothing of them again.

    The file is written anew, and only the new file says that they are erased: after a kill on the way the next
    ``handover.take`` does it again.
    """
    if not person_ids:
        return

    def note(connection: duckdb.DuckDBPyConnection, database: str) -> None:
        connection.register("erasing", loading.ids(person_ids))
        connection.execute(f"INSERT INTO {database}.erased_person SELECT id FROM erasing")  # noqa: S608 - a name of ours
        connection.unregister("erasing")

    with store.transaction(erasing=loading.ids(person_ids)) as connection:
        connection.execute(sql("people/erase"))
    store.rewrite(note)
