"""The database: pages append, one merge, cursors, what a census missed; the only module that opens DuckDB.

Everything here is the mirror, which a full pull fetches again, and the loaded record; the file can be deleted at any
time. A page and its cursor go in one transaction, so a killed run resumes and a page stored twice changes nothing.
One ``Store`` is used by one thread at a time.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import duckdb
import pyarrow as pa

from pmo_sync import loading
from pmo_sync.errors import LockedError, StoreError
from pmo_sync.model import (
    Catalogue,
    Category,
    Interval,
    Issue,
    Milestone,
    Page,
    Person,
    Problem,
    Project,
    Status,
    Trace,
    Worklog,
    WorklogPage,
)
from pmo_sync.record import Record

if TYPE_CHECKING:
    import pandas as pd

Params = Sequence[Any] | Mapping[str, Any] | None
_Settings = dict[str, str | bool | int | float | list[str]]
_SETTINGS: Final[_Settings] = {"memory_limit": "2GB", "python_enable_replacements": "false"}
# a checkpoint in the middle of a pull rewrites what the next pages change again: seconds for nothing
_CHECKPOINT_AT: Final = "256MB"


def _sql(name: str) -> str:
    return files("pmo_sync").joinpath(f"sql/{name}.sql").read_text(encoding="utf-8")


def schema_version() -> int:
    """A number that changes with the tables: another one in a file means that the file is built anew."""
    return zlib.crc32(re.sub(r"--.*|\s+", " ", _sql("schema")).encode()) >> 1


class Store:
    """An open database. Use ``Store.open``; close it, or use it as a context manager."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, file: Path | None) -> None:
        self._connection = connection
        self._file = file
        connection.execute(_sql("macros"))

    @classmethod
    def open(cls, file: Path, *, read_only: bool = False, memory: bool = False, threads: int | None = None) -> Self:
        """The database in ``file``, created with mode 0600 where there is none; ``memory`` leaves the disk alone.

        What a killed run had stored but not merged is merged. A file of another version of this program is deleted
        and begun anew (``take_in`` the record, then pull). Raises LockedError when another process holds it,
        StoreError when it cannot be read.
        """
        config: _Settings = {**_SETTINGS, **({"threads": threads} if threads else {})}
        if memory:
            store = cls(duckdb.connect(":memory:", config={**config, "temp_directory": ""}), None)
            store._create()
            return store
        if read_only and not file.exists():
            raise StoreError(_nothing(file))
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = cls(_connect(file, config, read_only=read_only), file)
        try:
            if not store._is_current(read_only=read_only):
                store.close()
                file.unlink()
                _wal(file).unlink(missing_ok=True)
                store = cls(_connect(file, config, read_only=False), file)
                store._create()
            if not read_only:
                store._connection.execute(f"SET checkpoint_threshold = '{_CHECKPOINT_AT}'")
                store.merge()
        except BaseException:
            store.close()
            raise
        return store

    def _is_current(self, *, read_only: bool) -> bool:
        """Whether the tables are ours and of this version; creates them where there are none at all."""
        names = {row[0] for row in self.rows("SELECT table_name FROM duckdb_tables() WHERE NOT temporary")}
        if not names and read_only:
            raise StoreError(_nothing(self._file))
        if not names:
            self._create()
            return True
        if "schema_version" not in names:
            msg = f"{self._file}: not a database of pmo-sync; name another state folder, or move this file away"
            raise StoreError(msg)
        if self.rows("SELECT version FROM schema_version") == [(schema_version(),)]:
            return True
        if read_only:
            msg = f"{self._file}: written by another version of pmo-sync; run `pmo-sync sync` to build it anew"
            raise StoreError(msg)
        return False

    def _create(self) -> None:
        with self._transaction():
            self._connection.execute(_sql("schema"))
            self._connection.execute("INSERT INTO schema_version VALUES (?)", [schema_version()])

    def close(self) -> None:
        """Write everything to the file and let go of it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _transaction(self, **incoming: pa.Table) -> Iterator[duckdb.DuckDBPyConnection]:
        """All or nothing; ``incoming`` Arrow tables can be read under their names."""
        for name, table in incoming.items():
            self._connection.register(name, table)
        self._connection.execute("BEGIN")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
                msg = f"{self._file}: cannot be written: {error}"
                raise StoreError(msg) from error
            raise
        finally:
            for name in incoming:
                self._connection.unregister(name)
        self._keep_private()

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error:  # the engine has already rolled back, or is gone with its file
            return

    def _keep_private(self) -> None:
        if self._file is not None:
            for name in (self._file, _wal(self._file)):
                if name.exists():
                    name.chmod(0o600)

    # --- catalogue and record -------------------------------------------------------------------------------------

    def save_catalogue(
        self, source: str, catalogue: Catalogue, seen_at: datetime, hidden: Iterable[str] = ()
    ) -> list[Interval]:
        """Replace the source's projects, statuses and milestones; returns the milestone intervals that changed.

        Trackers keep no history of a milestone's own name, state and dates: it grows here, by comparison with what
        was seen last. The first snapshot starts every value at ``seen_at``; a change ends one interval (returned
        with its ``until``) and begins the next. A catalogue with problems adds and changes but removes nothing; nothing
        of the projects ``hidden`` is removed either.
        """
        about = pa.table(
            {
                "source": [source],
                "seen_at": pa.array([seen_at], pa.timestamp("us")),
                "is_complete": [not catalogue.problems],
            }
        )
        with self._transaction(
            incoming_project=loading.table(Project, catalogue.projects),
            incoming_status=loading.table(Status, catalogue.statuses),
            incoming_milestone=loading.table(Milestone, catalogue.milestones),
            snapshot=about,
            hidden=loading.ids(hidden),
        ) as connection:
            connection.execute(_sql("catalogue"))
            changed = self.rows("SELECT entity_id, field, value, label, since, until FROM grown ORDER BY ALL")
        return [
            Interval(who, field, value, label, _aware(since), until and _aware(until))
            for who, field, value, label, since, until in changed
        ]

    def take_in(self, record: Record) -> None:
        """Load from the record what this database does not hold yet: once after it was created.

        Who was erased is looked at each time: the record says it first, and a kill may lie between the two.
        """
        erased = {row["person_id"] for row in record.rows("erased_person")}
        self.erase_people(erased - {row[0] for row in self.rows("SELECT person_id FROM erased_person")})
        loaded = {row[0] for row in self.rows("SELECT dataset FROM loaded")}
        if "milestone_history" not in loaded:
            history = record.read("milestone_history")
            self.load_milestone_history(_no_rows(loading.INTERVAL) if history is None else history)
        if "vanished" not in loaded:
            issues, history = record.read("vanished_issue"), record.read("vanished_history")
            self.load_vanished(
                _no_rows(_VANISHED) if issues is None else issues,
                _no_rows(loading.INTERVAL) if history is None else history,
            )

    def hand_over(self, record: Record, run_id: str) -> None:
        """Write to the record, as one run, what only this database knows; nothing where there is nothing.

        A kill between the two leaves it here, for the next call; written twice, it still counts once.
        """
        tables = {
            "milestone_history": "SELECT * FROM unrecorded_interval",
            "vanished_issue": _sql("handover/vanished_issue"),
            "vanished_history": _sql("handover/vanished_history"),
        }
        found = {name: self.arrow(f"{query} ORDER BY ALL") for name, query in tables.items()}
        if not any(table.num_rows for table in found.values()):
            return
        with record.run(run_id) as run:
            for name, table in found.items():
                run.write(name, table)
        with self._transaction() as connection:
            connection.execute("DELETE FROM unrecorded_interval; DELETE FROM unrecorded_vanished")

    def load_milestone_history(self, intervals: pa.Table | Iterable[Interval]) -> None:
        """Put milestone intervals, in the order they were recorded, in the place of those milestones' history."""
        given = (
            loading.naive(intervals, loading.INTERVAL)
            if isinstance(intervals, pa.Table)
            else loading.table(Interval, intervals)
        )
        given = given.append_column("position", pa.array(range(given.num_rows), pa.int64()))
        with self._transaction(loading=given) as connection:
            connection.execute(_sql("record"))
            connection.execute("INSERT INTO loaded VALUES ('milestone_history')")

    def load_vanished(self, issues: pa.Table, history: pa.Table) -> None:
        """Put vanished issues and their history back, except those that are here. Both are rows of the record."""
        given = {
            "vanished_issue": loading.naive(issues, _VANISHED),
            "vanished_history": loading.naive(history, loading.INTERVAL),
        }
        given = {
            name: table.append_column("position", pa.array(range(table.num_rows), pa.int64()))
            for name, table in given.items()
        }
        with self._transaction(**given) as connection:
            connection.execute(_sql("vanished"))
            connection.execute("INSERT INTO loaded VALUES ('vanished')")

    # --- pages ----------------------------------------------------------------------------------------------------

    def cursors(self, source: str) -> dict[str, str]:
        """Project id -> where its next pull resumes; one that begins anew is not among them."""
        query = "SELECT project_id, cursor FROM cursor WHERE source = ? AND cursor IS NOT NULL"
        return dict(self.rows(query, [source]))

    def forget_cursor(self, project_id: str) -> None:
        """The project's next pull reads everything again."""
        with self._transaction() as connection:
            connection.execute("UPDATE cursor SET cursor = NULL WHERE project_id = ?", [project_id])

    def forget_project(self, project_id: str) -> None:
        """How far it was read: were it to come back, everything would be read again."""
        with self._transaction() as connection:
            for table in ("cursor", "compared", "unread", "unreadable"):
                connection.execute(f"DELETE FROM {table} WHERE project_id = ?", [project_id])  # noqa: S608 - our names

    def note_unread(self, project_id: str, shown: frozenset[str]) -> dict[str, int]:
        """Remember what the tracker shows of a project and no pull has brought; returns for how many pulls, this one included."""
        with self._transaction(shown=loading.ids(shown)) as connection:
            query = """
                SELECT shown.id, 1 + coalesce(unread.pulls, 0) AS pulls
                FROM shown LEFT JOIN unread ON unread.issue_id = shown.id AND unread.project_id = ?"""
            counted = dict(self.rows(query, [project_id]))
            connection.execute(f"CREATE OR REPLACE TEMP TABLE now_unread AS {query}", [project_id])
            connection.execute("DELETE FROM unread WHERE project_id = ?", [project_id])
            connection.execute("INSERT INTO unread SELECT id, ?, pulls FROM now_unread", [project_id])
            connection.execute("DROP TABLE now_unread")
        return counted

    def swept_at(self, project_id: str) -> datetime | None:
        """When the project's ids were last compared one by one with the tracker's."""
        return self._compared(project_id)[1]

    def read_at(self, project_id: str) -> datetime | None:
        """When the project was last read to its end."""
        return self._compared(project_id)[0]

    def _compared(self, project_id: str) -> tuple[datetime | None, datetime | None]:
        found = self.rows("SELECT read_at, swept_at FROM compared WHERE project_id = ?", [project_id])
        read_at, swept_at = found[0] if found else (None, None)
        return read_at and _aware(read_at), swept_at and _aware(swept_at)

    def note_sweep(self, project_id: str, at: datetime) -> None:
        """The project's ids were compared at ``at``."""
        self._note_compared(project_id, self.read_at(project_id), at)

    def _note_compared(self, project_id: str, *moments: datetime | None) -> None:
        naive = [one and one.astimezone(UTC).replace(tzinfo=None) for one in moments]
        with self._transaction() as connection:
            connection.execute("DELETE FROM compared WHERE project_id = ?", [project_id])
            connection.execute("INSERT INTO compared VALUES (?, ?, ?)", [project_id, *naive])

    def away(self, source: str) -> frozenset[str]:
        """The source's projects that were wholly or partly out of our sight, and whose booked times were not read since."""
        return frozenset(row[0] for row in self.rows("SELECT project_id FROM away WHERE source = ?", [source]))

    def note_away(self, source: str, project_ids: Iterable[str], *, is_away: bool) -> None:
        """These projects are out of our sight; or they are back, and their booked times were read."""
        with self._transaction(given=loading.ids(project_ids)) as connection:
            connection.execute("DELETE FROM away USING given WHERE away.project_id = given.id")
            if is_away:
                connection.execute("INSERT INTO away SELECT ?, id FROM given", [source])

    def sources_read(self) -> frozenset[str]:
        """Those of which this database has read a project to its end."""
        query = "SELECT DISTINCT project.source FROM project JOIN compared USING (project_id) WHERE read_at IS NOT NULL"
        return frozenset(row[0] for row in self.rows(query))

    def end_pass(self, project_id: str, at: datetime, cursor: str | None = None) -> None:
        """The project was read to its end, by a pass begun at ``at``: what changes from here on begins with the next.

        ``cursor`` takes the place of the last page's, where that was held back.
        """
        with self._transaction() as connection:
            connection.execute(
                "UPDATE cursor SET cursor = coalesce($1, cursor), began_with = coalesce($1, cursor) WHERE project_id = $2",
                [cursor, project_id],
            )
        self._note_compared(project_id, at, self.swept_at(project_id))

    def note_unreadable(self, project_id: str, found: Sequence[Problem], *, is_whole: bool) -> dict[str, int]:
        """What one pass could not read; returns for how many passes, this one included.

        What it did not find again is readable now, but for what it did not come by: see ``pass_over``.
        """
        once = sorted({one.subject: one for one in found}.values())
        given = loading.columns({"subject": pa.string(), "what": pa.string()}, once)
        about = pa.table({"project_id": [project_id], "is_whole": [is_whole]})
        with self._transaction(given=given, **{"pass": about}) as connection:
            connection.execute(_sql("unreadable"))
            query = "SELECT subject, passes FROM unreadable SEMI JOIN given USING (subject) WHERE project_id = ?"
            return dict(self.rows(query, [project_id]))

    def pass_over(self, project_id: str) -> None:
        """The next pass begins behind what could not be read."""
        with self._transaction() as connection:
            connection.execute("UPDATE unreadable SET is_passed_over = TRUE WHERE project_id = ?", [project_id])

    def passed_over(self, project_id: str) -> list[Problem]:
        """What could not be read and no pass comes by again."""
        query = "SELECT subject, what FROM unreadable WHERE project_id = ? AND is_passed_over ORDER BY subject"
        return [Problem(*row) for row in self.rows(query, [project_id])]

    def append(self, source: str, project_id: str, page: Page, *, hold: bool = False) -> None:
        """Store a page beside the merged issues, with its cursor, in one transaction.

        With ``hold`` the next pull begins where this pass began, if it was not the first: a change was not read.
        """
        with self._transaction(
            incoming_issue=loading.table(Issue, page.issues),
            incoming_history=loading.table(Interval, page.intervals),
            incoming_person=loading.table(Person, page.people),
            incoming_worklog=loading.table(Worklog, page.worklogs or ()),
        ) as connection:
            [(batch,)] = self.rows(
                "SELECT 1 + greatest((SELECT coalesce(max(batch), 0) FROM staged_issue), "
                "(SELECT coalesce(max(batch), 0) FROM staged_history))"
            )
            connection.execute("INSERT INTO staged_issue SELECT *, ? FROM incoming_issue", [batch])
            connection.execute(
                "INSERT INTO staged_history SELECT *, ? FROM incoming_history "
                "WHERE field <> 'assignee' OR value NOT IN (SELECT person_id FROM erased_person)", [batch],
            )  # fmt: skip
            if page.people:
                connection.execute("DELETE FROM person USING incoming_person AS n WHERE person.person_id = n.person_id")
                connection.execute(
                    "INSERT INTO person SELECT DISTINCT ON (person_id) * FROM incoming_person "
                    "ANTI JOIN erased_person USING (person_id)"
                )
            if page.worklogs is not None:
                connection.execute("DELETE FROM worklog USING incoming_issue AS n WHERE worklog.issue_id = n.issue_id")
                connection.execute("INSERT INTO worklog SELECT * FROM incoming_worklog")
            connection.execute(
                "DELETE FROM unreadable USING incoming_issue AS n WHERE unreadable.subject IN (n.issue_id, n.key)"
            )
            connection.execute(
                "INSERT INTO cursor SELECT $1, $2, NULL, NULL WHERE $2 NOT IN (SELECT project_id FROM cursor)",
                [source, project_id],
            )
            connection.execute(
                "UPDATE cursor SET cursor = CASE WHEN $1 THEN coalesce(began_with, $2) ELSE $2 END WHERE project_id = $3",
                [hold, page.cursor, project_id],
            )

    def worklog_cursor(self, source: str) -> str | None:
        """Where the next reading of the source's booked times resumes; None: at the beginning."""
        found = self.rows("SELECT cursor FROM worklog_cursor WHERE source = ?", [source])
        return found[0][0] if found else None

    def book(self, source: str, page: WorklogPage) -> None:
        """Store booked times beside what is known of others, with their cursor, in one transaction."""
        with self._transaction(
            incoming_worklog=loading.table(Worklog, page.worklogs), removed=loading.ids(page.removed)
        ) as connection:
            connection.execute(
                "DELETE FROM worklog USING incoming_worklog AS n WHERE worklog.worklog_id = n.worklog_id"
            )
            connection.execute("DELETE FROM worklog USING removed WHERE worklog.worklog_id = removed.id")
            connection.execute("INSERT INTO worklog SELECT DISTINCT ON (worklog_id) * FROM incoming_worklog")
            connection.execute("DELETE FROM worklog_cursor WHERE source = ?", [source])
            connection.execute("INSERT INTO worklog_cursor VALUES (?, ?)", [source, page.cursor])

    def merge(self) -> None:
        """Stored pages -> issues and history; an issue's intervals are replaced as a whole. Call it every ~2,000 issues."""
        if self.rows("SELECT 1 FROM staged_issue UNION ALL SELECT 1 FROM staged_history LIMIT 1"):
            with self._transaction() as connection:
                connection.execute(_sql("merge"))

    def compact(self) -> None:
        """Bring history back into the order that queries read fastest: by field, then entity. Seconds per 10 M rows."""
        with self._transaction() as connection:
            connection.execute("CREATE TABLE ordered AS SELECT * FROM history ORDER BY field, entity, since")
            connection.execute("DROP TABLE history; ALTER TABLE ordered RENAME TO history")

    # --- people ---------------------------------------------------------------------------------------------------

    def expire_people(self, before: datetime, mapped: Iterable[tuple[str, str, Category]]) -> None:
        """Forget who was assigned to what until ``before``, or to work that was over by then, and names left over.

        ``mapped`` are the configuration's words for statuses: source, lower case name, category.
        """
        words = loading.columns({"source": pa.string(), "name": pa.string(), "category": pa.string()}, list(mapped))
        bound = pa.table({"before": pa.array([before], pa.timestamp("us"))})
        with self._transaction(bound=bound, word=words) as connection:
            connection.execute(_sql("people/expire"))

    def erase_people(self, person_ids: AbstractSet[str]) -> None:
        """Forget these people, their names and assignments, and take in nothing of them again.

        The file is written anew, because what was deleted stays in a database's free blocks until something needs
        them. Only the new file says that they are erased: after a kill on the way ``take_in`` does it again.
        """
        if not person_ids:
            return
        with self._transaction(erasing=loading.ids(person_ids)) as connection:
            connection.execute(_sql("people/erase"))
        if self._file is None:
            self._note_erased("erased_person", person_ids)
            return
        self._rewrite(self._file, person_ids)

    def _rewrite(self, file: Path, erased: AbstractSet[str]) -> None:
        new = file.with_name(f"{file.name}.new")
        for left in (new, _wal(new)):  # by a run that was killed
            left.unlink(missing_ok=True)
        [(name, threads)] = self.rows("SELECT current_database(), current_setting('threads')")
        path = str(new).replace("'", "''")
        before = os.umask(0o077)
        try:
            self._connection.execute(f"ATTACH '{path}' AS rewritten")
            self._connection.execute(f'COPY FROM DATABASE "{name}" TO rewritten')
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            msg = f"{new}: cannot be written: {error}"
            raise StoreError(msg) from error
        finally:
            os.umask(before)
        self._note_erased("rewritten.erased_person", erased)
        self._connection.execute("DETACH rewritten")  # writes it out
        self._connection.close()
        new.replace(file)
        self._connection = _connect(file, {**_SETTINGS, "threads": threads}, read_only=False)
        self._connection.execute(_sql("macros"))
        self._connection.execute(f"SET checkpoint_threshold = '{_CHECKPOINT_AT}'")

    def _note_erased(self, table: str, person_ids: AbstractSet[str]) -> None:
        with self._transaction(erasing=loading.ids(person_ids)) as connection:
            connection.execute(f"INSERT INTO {table} SELECT id FROM erasing")  # noqa: S608 - one of two names of ours

    # --- what the trackers still have -----------------------------------------------------------------------------

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

    def unmapped_statuses(self, source: str, mapped: Mapping[str, Category]) -> tuple[str, ...]:
        """Names of statuses that issues are in now and that neither the tracker nor ``mapped`` gives a category."""
        query = """
            SELECT DISTINCT coalesce(status.name, history.label) AS name
            FROM history
            JOIN issue ON issue.issue = history.entity AND issue.source = ? AND issue.vanished_at IS NULL
            LEFT JOIN status ON status.status_id = history.value
            WHERE history.field = 'status' AND history.until IS NULL AND coalesce(status.category, 'unmapped') = 'unmapped'
            ORDER BY name"""
        known = {name.strip().lower() for name in mapped}
        return tuple(row[0] for row in self.rows(query, [source]) if row[0].strip().lower() not in known)

    def note_missing(self, project_id: str, missing: frozenset[str], at: datetime) -> list[str]:
        """Remember which of the project's issues a full census at ``at`` did not show.

        Returns those that an earlier census missed as well, at least a day before: ``take_out`` what has become of them.
        """
        about = pa.table({"project_id": [project_id], "noted_at": pa.array([at], pa.timestamp("us"))})
        with self._transaction(gone=loading.ids(missing), census=about) as connection:
            connection.execute(_sql("missing"))
            return [row[0] for row in self.rows("SELECT issue_id FROM due ORDER BY issue_id")]

    def take_out(self, traces: Sequence[Trace], at: datetime) -> None:
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
        with self._transaction(leaving=leaving, here=here) as connection:
            connection.execute(_sql("leaving"))
            connection.execute("DELETE FROM missed USING here WHERE missed.issue_id = here.id")

    def missed(self, source: str) -> dict[str, int]:
        """Project id -> its issues that the last census did not show and that have not vanished."""
        query = """SELECT project_id, count(*) FROM missed JOIN issue USING (issue_id)
            WHERE source = ? AND missed_at IS NOT NULL GROUP BY project_id"""
        return dict(self.rows(query, [source]))

    def unread(self, project_id: str) -> frozenset[str]:
        """The project's issues that the tracker's last list of ids showed and no pull has brought, or not from there."""
        query = """SELECT issue_id FROM unread
            ANTI JOIN (FROM issue WHERE vanished_at IS NULL) AS held USING (issue_id, project_id) WHERE project_id = ?"""
        return frozenset(row[0] for row in self.rows(query, [project_id]))

    def returned(self, project_id: str) -> frozenset[str]:
        """The project's issues that a census missed, that are shown again, and that no pull has read since."""
        query = "SELECT issue_id FROM missed JOIN issue USING (issue_id) WHERE project_id = ? AND missed_at IS NULL"
        return frozenset(row[0] for row in self.rows(query, [project_id]))

    # --- reading --------------------------------------------------------------------------------------------------

    def rows(self, sql: str, params: Params = None) -> list[tuple[Any, ...]]:
        """The result of a query as tuples; moments are naive UTC."""
        return self._connection.execute(sql, params).fetchall()

    def frame(self, sql: str, params: Params = None) -> pd.DataFrame:
        """The result of a query as a data frame; moments are naive UTC."""
        return self._connection.execute(sql, params).df()

    def arrow(self, sql: str, params: Params = None) -> pa.Table:
        """The result of a query as an Arrow table; moments are naive UTC."""
        return self._connection.sql(sql, params=params).to_arrow_table()

    def script(self, sql: str) -> None:
        """Run the statements of a ``.sql`` file."""
        self._connection.execute(sql)

    def put(self, name: str, table: pa.Table) -> None:
        """Make or replace the temporary table ``name``; works on a read-only store."""
        self._connection.register("given", table)
        self._connection.execute(
            f'CREATE OR REPLACE TEMP TABLE "{name}" AS SELECT * FROM given'  # noqa: S608 - the name is our own
        )
        self._connection.unregister("given")


_VANISHED: Final = {**loading.ISSUE, "vanished_at": pa.timestamp("us"), "fate": pa.string()}


def _nothing(file: Path | None) -> str:
    return f"{file}: nothing was pulled yet; run `pmo-sync pull` or `pmo-sync sync` first"


def _wal(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")


def _no_rows(types: dict[str, pa.DataType]) -> pa.Table:
    return loading.columns(types, ())


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _connect(file: Path, config: _Settings, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    before = os.umask(0o077)
    try:
        return duckdb.connect(str(file), read_only=read_only, config=config)
    except (duckdb.IOException, duckdb.ConnectionException) as error:
        text = str(error)
        holder = re.search(r"PID (\d+)", text)
        if holder or "lock" in text or "different configuration" in text:
            who = f"process {holder[1]}" if holder else "this program"
            msg = f"{file}: {who} is using it; wait until it has finished"
            raise LockedError(msg) from error
        msg = f"{file}: cannot be read ({text.splitlines()[0]}); delete it and run `pmo-sync sync`: it is built anew"
        raise StoreError(msg) from error
    finally:
        os.umask(before)
