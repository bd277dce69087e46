"""The mirror of the trackers: pages gather, a merge stores them with their cursors.

Pages and their cursors go in one transaction, so a killed run resumes and a page stored twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from pmo_sync import loading
from pmo_sync.errors import StoreError
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

if TYPE_CHECKING:
    import duckdb

# MB in memory while pages stream in, at the least and for each million intervals that are here or come new. A merge was
# seen to need up to 13 for each million here; too little must not happen, for the engine does not always survive that.
_ROOM: Final = 48
_ROOM_PER_MILLION: Final = 32
_ROOM_PER_MILLION_NEW: Final = 256
_THREADS: Final = 2  # each needs room of its own: what is enough for these is too little for 32
_CURSOR: Final = {"source": pa.string(), "project_id": pa.string(), "cursor": pa.string(), "is_held": pa.bool_()}


@dataclass(slots=True)
class _Waiting:
    """Pages taken in and not stored yet. Each issue, and whatever else has intervals, is on one of them only."""

    ids: dict[str, None] = field(default_factory=dict)  # of all that the pages are about
    issues: list[pa.Table] = field(default_factory=list)
    intervals: list[pa.Table] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)
    cursors: dict[str, tuple[str, str, str, bool]] = field(default_factory=dict)  # of each project the last


class Store(Database):
    """The database, taking in what connectors read."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, file: Path | None) -> None:
        super().__init__(connection, file)
        self._is_streaming = False
        self._waiting = _Waiting()

    @property
    def waiting(self) -> int:
        """How many issues wait to be merged."""
        return sum(one.num_rows for one in self._waiting.issues)

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
        """Take a page to store with the next merge; one that tells of an issue that waits already comes after it, in a merge of its own.

        With ``hold`` the next pull begins where this pass began, if it was not the first: a change was not read.
        """
        ids = dict.fromkeys([*(one.issue_id for one in page.issues), *(one.entity_id for one in page.intervals)])
        if not ids.keys().isdisjoint(self._waiting.ids):
            self.merge()
        waiting = self._waiting
        waiting.ids |= ids
        waiting.issues.append(loading.table(Issue, page.issues))
        waiting.intervals.append(loading.table(Interval, page.intervals))
        waiting.people |= {one.person_id: one for one in page.people}
        waiting.cursors[project_id] = (source, project_id, page.cursor, hold)

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

    def _fit_room(self, here: int = 0, new: int = 0) -> None:
        room = MOST_ROOM
        if self._is_streaming:
            room = min(room, _ROOM + (_ROOM_PER_MILLION * here + _ROOM_PER_MILLION_NEW * new) // 1_000_000)
        self.script(f"SET memory_limit = '{room}MB'")

    def merge(self) -> None:
        """Store the pages that wait, and their cursors, in one transaction: an issue's intervals are replaced as a whole.

        Call it every ~2,000 issues, and before anything that must not be stored ahead of them.
        """
        waiting, self._waiting = self._waiting, _Waiting()
        if not waiting.cursors:
            return
        intervals = pa.concat_tables(waiting.intervals)
        [(here,)] = self.rows("SELECT count(*) FROM history")
        self._fit_room(here, intervals.num_rows)
        with self.transaction(
            incoming_id=loading.ids(waiting.ids),
            incoming_issue=pa.concat_tables(waiting.issues),
            incoming_history=intervals,
            incoming_person=loading.table(Person, waiting.people.values()),
            incoming_cursor=loading.columns(_CURSOR, list(waiting.cursors.values())),
        ) as connection:
            connection.execute(sql("mirror/merge"))

    def compact(self) -> None:
        """Bring history back into the order that queries read fastest: by field, then entity. Seconds per 10 M rows."""
        [(here,)] = self.rows("SELECT count(*) FROM history")
        self._fit_room(here)
        fields = self.rows("SELECT DISTINCT field FROM history ORDER BY field")  # one by one: a sort of all needs room
        if not fields:
            return
        with self.transaction() as connection:
            # made of the first, not empty: what goes into a table made empty in the same transaction is there, and not
            # seen before the next checkpoint (DuckDB 2.0)
            connection.execute("CREATE TABLE ordered AS FROM history WHERE field = ? ORDER BY entity, since", fields[0])
            for field in fields[1:]:
                connection.execute("INSERT INTO ordered FROM history WHERE field = ? ORDER BY entity, since", field)
            connection.execute("DROP TABLE history; ALTER TABLE ordered RENAME TO history")
            [(seen,)] = connection.execute("SELECT count(DISTINCT field) FROM history").fetchall()
            if seen != len(fields):
                raise StoreError(f"{self._file}: history could not be put into order; it stays as it was")

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
