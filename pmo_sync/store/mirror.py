"""The mirror of the trackers: pages append, one merge, cursors.

A page and its cursor go in one transaction, so a killed run resumes and a page stored twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import pyarrow as pa

from pmo_sync import loading
from pmo_sync.model import (
    Catalogue,
    Category,
    Interval,
    Issue,
    Milestone,
    Page,
    Person,
    Project,
    Status,
)
from pmo_sync.queries import sql
from pmo_sync.store.database import MOST_ROOM, Database

# MB in memory while pages stream in, at the least and for each million intervals that are here or come new. A merge was
# seen to need up to 13 for each million here; too little must not happen, for the engine does not always survive that.
_ROOM: Final = 48
_ROOM_PER_MILLION: Final = 32
_ROOM_PER_MILLION_NEW: Final = 256
_THREADS: Final = 2  # each needs room of its own: what is enough for these is too little for 32


class Store(Database):
    """The database, taking in what connectors read."""

    _is_streaming = False

    def _opened_to_write(self) -> None:
        super()._opened_to_write()
        self.merge()

    def save_catalogue(self, source: str, catalogue: Catalogue, seen_at: datetime, hidden: Iterable[str] = ()) -> None:
        """Replace the source's projects, statuses and milestones.

        Trackers keep no history of a milestone's own name, state and dates: it grows here, by comparison with what
        was seen last. The first snapshot starts every value at ``seen_at``; a change ends one interval and begins the
        next. A catalogue with problems adds and changes but removes nothing; nothing
        of the projects ``hidden`` is removed either.
        """
        about = pa.table(
            {
                "source": [source],
                "seen_at": pa.array([seen_at], pa.timestamp("us")),
                "is_complete": [not catalogue.problems],
            }
        )
        with self.transaction(
            incoming_project=loading.table(Project, catalogue.projects),
            incoming_status=loading.table(Status, catalogue.statuses),
            incoming_milestone=loading.table(Milestone, catalogue.milestones),
            snapshot=about,
            hidden=loading.ids(hidden),
        ) as connection:
            connection.execute(sql("mirror/catalogue"))

    def cursors(self, source: str) -> dict[str, str]:
        """Project id -> where its next pull resumes; one that begins anew is not among them."""
        query = "SELECT project_id, cursor FROM cursor WHERE source = ? AND cursor IS NOT NULL"
        return dict(self.rows(query, [source]))

    def append(self, source: str, project_id: str, page: Page, *, hold: bool = False) -> None:
        """Store a page beside the merged issues, with its cursor, in one transaction.

        With ``hold`` the next pull begins where this pass began, if it was not the first: a change was not read.
        """
        self._fit_room(len(page.intervals))
        [(batch,)] = self.rows(
            "SELECT 1 + greatest((SELECT coalesce(max(batch), 0) FROM staged_issue), "
            "(SELECT coalesce(max(batch), 0) FROM staged_history))"
        )
        about = {
            "source": source,
            "project_id": project_id,
            "batch": batch,
            "cursor": page.cursor,
            "is_held": hold,
        }
        with self.transaction(
            page=pa.Table.from_pylist([about]),
            incoming_issue=loading.table(Issue, page.issues),
            incoming_history=loading.table(Interval, page.intervals),
            incoming_person=loading.table(Person, page.people),
        ) as connection:
            connection.execute(sql("mirror/append"))

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """Within, the engine keeps in memory what a merge needs, not all that was written since it was opened.

        After an error nothing is restored: the database is closed then, and may be past taking a setting.
        """
        [(threads,)] = self.rows("SELECT current_setting('threads')")
        self.script(f"SET threads = {min(threads, _THREADS)}")
        self._is_streaming = True
        self._fit_room()
        yield
        self._is_streaming = False
        self._fit_room()
        self.script(f"SET threads = {threads}")

    def _fit_room(self, new: int = 0) -> None:
        room = MOST_ROOM
        if self._is_streaming:
            [(here, coming)] = self.rows("SELECT (SELECT count(*) FROM history), (SELECT count(*) FROM staged_history)")
            room = min(room, _ROOM + int((_ROOM_PER_MILLION * here + _ROOM_PER_MILLION_NEW * (coming + new)) / 1e6))
        self.script(f"SET memory_limit = '{room}MB'")

    def merge(self) -> None:
        """Stored pages -> issues and history; an issue's intervals are replaced as a whole. Call it every ~2,000 issues."""
        self._fit_room()
        if self.rows("SELECT 1 FROM staged_issue UNION ALL SELECT 1 FROM staged_history LIMIT 1"):
            with self.transaction() as connection:
                connection.execute(sql("mirror/merge"))

    def compact(self) -> None:
        """Bring history back into the order that queries read fastest: by field, then entity. Seconds per 10 M rows."""
        with self.transaction() as connection:
            connection.execute("CREATE TABLE ordered AS FROM history ORDER BY field, entity, since")
            connection.execute("DROP TABLE history; ALTER TABLE ordered RENAME TO history")

    def counts(self, source: str) -> dict[str, int]:
        """Project id -> its merged issues that have not vanished."""
        query = "SELECT project_id, count(*) FROM issue WHERE source = ? AND vanished_at IS NULL GROUP BY project_id"
        return dict(self.rows(query, [source]))

    def issue_ids(self, project_id: str) -> frozenset[str]:
        """The ids of the project's merged issues that have not vanished."""
        query = "SELECT issue_id FROM issue WHERE project_id = ? AND vanished_at IS NULL"
        return frozenset(row[0] for row in self.rows(query, [project_id]))

    def project_keys(self, source: str) -> dict[str, str]:
        """Project id -> the key people type."""
        return dict(self.rows("SELECT project_id, key FROM project WHERE source = ?", [source]))

    def confidential(self, source: str) -> dict[str, str]:
        """Key -> id of the source's issues that no report, certificate or file may name."""
        query = "SELECT key, issue_id FROM issue WHERE source = ? AND is_confidential AND key <> ''"
        return dict(self.rows(query, [source]))

    def kinds(self, source: str) -> tuple[str, ...]:
        """The issue types of what is here; parents (epics and above) apart."""
        query = "SELECT DISTINCT kind FROM issue WHERE source = ? AND vanished_at IS NULL AND level <= 0 ORDER BY kind"
        return tuple(row[0] for row in self.rows(query, [source]))

    def unmapped_statuses(self, source: str, status_map: Iterable[tuple[str, str, Category]]) -> tuple[str, ...]:
        """Names of statuses that issues are in now and that neither the tracker nor the configuration gives a category."""
        self.name_statuses(status_map)
        return tuple(row[0] for row in self.rows(sql("mirror/unmapped"), {"source": source}))

    def name_statuses(self, status_map: Iterable[tuple[str, str, Category]]) -> None:
        """Leave the temporary tables ``status_map`` (the configuration's words) and ``status_meaning`` (what follows)."""
        self.put("status_map", loading.columns(loading.STATUS_MAP, sorted(status_map)))
        self.script(sql("derive/05_status_meaning"))
