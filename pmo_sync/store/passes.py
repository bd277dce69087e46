"""How far each project has been read, and what a pass over it left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from pmo_sync import loading
from pmo_sync.model import Problem
from pmo_sync.queries import sql

if TYPE_CHECKING:
    from pmo_sync.store.mirror import Store


def read_at(store: Store, project_id: str) -> datetime | None:
    """When the project was last read to its end."""
    return _compared(store, project_id)[0]


def swept_at(store: Store, project_id: str) -> datetime | None:
    """When the project's ids were last compared one by one with the tracker's."""
    return _compared(store, project_id)[1]


def _compared(store: Store, project_id: str) -> tuple[datetime | None, datetime | None]:
    found = store.rows("SELECT read_at, swept_at FROM compared WHERE project_id = ?", [project_id])
    read_at, swept_at = found[0] if found else (None, None)
    return read_at and read_at.replace(tzinfo=UTC), swept_at and swept_at.replace(tzinfo=UTC)


def note_sweep(store: Store, project_id: str, at: datetime) -> None:
    """The project's ids were compared at ``at``."""
    _note_compared(store, project_id, read_at(store, project_id), at)


def _note_compared(store: Store, project_id: str, *moments: datetime | None) -> None:
    naive = [one and one.astimezone(UTC).replace(tzinfo=None) for one in moments]
    with store.transaction() as connection:
        connection.execute("DELETE FROM compared WHERE project_id = ?", [project_id])
        connection.execute("INSERT INTO compared VALUES (?, ?, ?)", [project_id, *naive])


def end_pass(store: Store, project_id: str, at: datetime, cursor: str | None = None) -> None:
    """The project was read to its end, by a pass begun at ``at``: what changes from here on begins with the next.

    ``cursor`` takes the place of the last page's, where that was held back.
    """
    with store.transaction() as connection:
        connection.execute(
            "UPDATE cursor SET cursor = coalesce($1, cursor), began_with = coalesce($1, cursor) WHERE project_id = $2",
            [cursor, project_id],
        )
    _note_compared(store, project_id, at, swept_at(store, project_id))


def forget_cursor(store: Store, project_id: str) -> None:
    """The project's next pull reads everything again."""
    with store.transaction() as connection:
        connection.execute("UPDATE cursor SET cursor = NULL WHERE project_id = ?", [project_id])


def forget_project(store: Store, project_id: str) -> None:
    """The project itself and how far it was read: were it to come back, everything would be read again."""
    with store.transaction() as connection:
        for table in ("project", "cursor", "compared", "unread", "unreadable"):
            connection.execute(f"DELETE FROM {table} WHERE project_id = ?", [project_id])  # noqa: S608 - our names


def projects_read(store: Store) -> frozenset[str]:
    """Those that this database has read to their end."""
    return frozenset(row[0] for row in store.rows("SELECT project_id FROM compared WHERE read_at IS NOT NULL"))


def note_unreadable(store: Store, project_id: str, found: Sequence[Problem], *, is_whole: bool) -> dict[str, int]:
    """What one pass could not read; returns for how many passes, this one included.

    What it did not find again is readable now, but for what it did not come by: see ``pass_over``.
    """
    once = sorted({one.subject: one for one in found}.values())
    given = loading.columns({"subject": pa.string(), "what": pa.string()}, once)
    about = pa.table({"project_id": [project_id], "is_whole": [is_whole]})
    with store.transaction(given=given, **{"pass": about}) as connection:
        connection.execute(sql("passes/unreadable"))
        query = "SELECT subject, passes FROM unreadable SEMI JOIN given USING (subject) WHERE project_id = ?"
        return dict(store.rows(query, [project_id]))


def pass_over(store: Store, project_id: str) -> None:
    """The next pass begins behind what could not be read."""
    with store.transaction() as connection:
        connection.execute("UPDATE unreadable SET is_passed_over = TRUE WHERE project_id = ?", [project_id])


def passed_over(store: Store, project_id: str) -> list[Problem]:
    """What could not be read and no pass comes by again."""
    query = "SELECT subject, what FROM unreadable WHERE project_id = ? AND is_passed_over ORDER BY subject"
    return [Problem(*row) for row in store.rows(query, [project_id])]


def note_unread(store: Store, project_id: str, shown: frozenset[str]) -> dict[str, int]:
    """Remember what the tracker shows of a project and no pull has brought; returns for how many pulls, this one included."""
    with store.transaction(shown=loading.ids(shown)) as connection:
        query = """
            SELECT shown.id, 1 + coalesce(unread.pulls, 0) AS pulls
            FROM shown LEFT JOIN unread ON unread.issue_id = shown.id AND unread.project_id = ?"""
        counted = dict(store.rows(query, [project_id]))
        connection.execute(f"CREATE OR REPLACE TEMP TABLE now_unread AS {query}", [project_id])
        connection.execute("DELETE FROM unread WHERE project_id = ?", [project_id])
        connection.execute("INSERT INTO unread SELECT id, ?, pulls FROM now_unread", [project_id])
        connection.execute("DROP TABLE now_unread")
    return counted


def unread(store: Store, project_id: str) -> frozenset[str]:
    """The project's issues that the tracker's last list of ids showed and no pull has brought, or not from there."""
    query = """SELECT issue_id FROM unread
        ANTI JOIN (FROM issue WHERE vanished_at IS NULL) AS held USING (issue_id, project_id) WHERE project_id = ?"""
    return frozenset(row[0] for row in store.rows(query, [project_id]))


def overtaken(store: Store, project_id: str, changed_at: Mapping[str, datetime], began_at: datetime) -> frozenset[str]:
    """The project's issues that changed long before the pull of ``began_at``, as the tracker's list tells, and that no
    pull has read since.
    """
    told = loading.columns({"issue_id": pa.string(), "changed_at": pa.timestamp("us")}, list(changed_at.items()))
    bound = pa.table({"began_at": pa.array([began_at], pa.timestamp("us"))})
    with store.transaction(told=told, bound=bound) as connection:
        return frozenset(row[0] for row in connection.execute(sql("passes/overtaken"), [project_id]).fetchall())


def returned(store: Store, project_id: str) -> frozenset[str]:
    """The project's issues that a census missed, that are shown again, and that no pull has read since."""
    query = "SELECT issue_id FROM missed JOIN issue USING (issue_id) WHERE project_id = ? AND missed_at IS NULL"
    return frozenset(row[0] for row in store.rows(query, [project_id]))
