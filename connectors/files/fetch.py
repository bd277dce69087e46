"""Reading the folder: issues are handed out by project, each with its intervals, however the files are sorted.

Both tables are first copied into a temporary SQLite file (deleted with the connector), which joins them in one pass
over the folder and flat memory.
"""

from __future__ import annotations

import json
import sqlite3
import weakref
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from connectors.base import Traits
from connectors.files import normalize, tables
from connectors.files.faults import Faults
from connectors.files.normalize import Json, Record
from pmo_sync.errors import DataError, TrackerError
from pmo_sync.model import Catalogue, Census, Identity, Page, Person, Problem, Project, Status, Trace
from pmo_sync.text import clean

TRAITS: Final = Traits(incremental=False, counts=True)
PAGE: Final = 500  # issues
T = TypeVar("T")


class FilesConnector:
    """Reads one folder."""

    traits = TRAITS

    def __init__(self, source: str, folder: Path, projects: Sequence[str]) -> None:
        self.source = source
        self._folder = folder
        self._wanted = tuple(projects)
        self._loaded: sqlite3.Connection | None = None
        self._is_closed = False
        self._digest = ""
        self._has_intervals = False
        self._faults = Faults()  # of the rows that are kept here
        self._people: dict[str, Person] = {}

    def check(self) -> Identity:
        """Raises AccessError if the folder lacks what is needed."""
        found = tables.find(self._folder)
        return Identity(account="", server=f"files ({', '.join(file.name for file in found.values())})", now=None)

    def catalogue(self) -> Catalogue:
        """Projects, statuses and milestones; problems also name the rows that belong to nothing."""
        self._load()
        files = tables.find(self._folder)
        faults = Faults()
        every = self._read(files, "projects", normalize.project, faults)
        projects = [one for one in every if not self._wanted or one.key in self._wanted]
        known = {one.key for one in every}
        problems = [Problem(key, f"not in {files['projects'].name}") for key in self._wanted if key not in known]
        problems += self._strays([one.project_id.removeprefix(f"{self.source}:") for one in every])
        statuses = self._read(files, "statuses", normalize.status, faults)
        if "intervals" not in files:
            statuses.append(Status(f"{self.source}:{normalize.OPEN}", self.source, normalize.OPEN, "todo"))
        milestones = self._read(files, "milestones", normalize.milestone, faults)
        return Catalogue(
            tuple({one.project_id: one for one in projects}.values()),
            tuple({one.status_id: one for one in reversed(statuses)}.values()),
            tuple({one.milestone_id: one for one in milestones}.values()),
            problems=(*self._faults.problems(), *faults.problems(), *problems),
        )

    def pages(self, project: Project, cursor: str | None) -> Iterator[Page]:
        """All issues of the project, unless the cursor says that these very files were read to the end."""
        database = self._load()
        done = self._done(cursor)
        if done is None:
            return
        rows = database.execute(
            "SELECT id, row FROM issue WHERE project = ? ORDER BY number LIMIT -1 OFFSET ?",
            (self._native(project), done),
        )
        while chunk := rows.fetchmany(PAGE):
            self._load()  # unless closed meanwhile
            done += len(chunk)
            yield self._page([self._record(project, native, json.loads(row)) for native, row in chunk], done)
        yield Page((), (), (), (), json.dumps({"files": self._digest, "done": None}))

    def census(self, project: Project, *, sweep: bool) -> Census:
        """What the ``issues`` table holds."""
        ids = [
            f"{self.source}:{native}"
            for (native,) in self._load().execute("SELECT id FROM issue WHERE project = ?", (self._native(project),))
        ]
        return Census(project.project_id, len(ids), frozenset(ids) if sweep else None)

    def trace(self, project: Project, issue_ids: Sequence[str]) -> Iterator[Trace]:
        """Where the ``issues`` table has each now."""
        database = self._load()
        for one in issue_ids:
            query = "SELECT project, row FROM issue WHERE id = ?"
            found = database.execute(query, (one.removeprefix(f"{self.source}:"),)).fetchone()
            if found is None:
                yield Trace(one, "gone")
            elif found[0] == self._native(project):
                yield Trace(one, "here")
            else:
                yield Trace(one, "moved", clean(json.loads(found[1]).get("key", "")))

    def since(self, moment: datetime, cursor: str) -> str:  # noqa: ARG002
        """The folder is read in full, or not at all."""
        return ""

    def requests(self, issues: int) -> int:  # noqa: ARG002
        """There is no server to ask."""
        return 0

    def close(self) -> None:
        """The next page is not read any more."""
        self._is_closed = True

    def _native(self, project: Project) -> str:
        return project.project_id.removeprefix(f"{self.source}:")

    def _done(self, cursor: str | None) -> int | None:
        """How many issues of the project were stored from these very files; None: all."""
        try:
            stored = json.loads(cursor or "null")
            done = stored["done"] if stored["files"] == self._digest else 0
        except (KeyError, TypeError, ValueError):
            return 0
        return done if done is None or isinstance(done, int) else 0

    def _record(self, project: Project, native: str, row: Json) -> Record | Problem:
        database = self._load()
        intervals: list[Json] | None = None
        if self._has_intervals:
            found = database.execute("SELECT row FROM interval WHERE entity = ? ORDER BY number", (native,))
            intervals = [json.loads(one) for (one,) in found]
        try:
            return normalize.issue(row, intervals, project)
        except DataError as error:
            return Problem(error.subject, error.what)

    def _page(self, found: Sequence[Record | Problem], done: int) -> Page:
        records = [one for one in found if isinstance(one, Record)]
        named = {person for record in records for person in record.people} & self._people.keys()
        return Page(
            issues=tuple(record.issue for record in records),
            intervals=tuple(interval for record in records for interval in record.intervals),
            people=tuple(self._people[person] for person in sorted(named)),
            problems=tuple(one for one in found if isinstance(one, Problem)),
            cursor=json.dumps({"files": self._digest, "done": done}),
        )

    def _load(self) -> sqlite3.Connection:
        """Copy issues and intervals into the temporary database, once."""
        if self._is_closed:
            raise TrackerError(f"{self.source}: closed; nothing more is read")
        if self._loaded is not None:
            return self._loaded
        files = tables.find(self._folder)
        self._digest = tables.digest(files)
        self._has_intervals = "intervals" in files
        database = sqlite3.connect("", check_same_thread=False)  # "": a temporary file; threads take turns
        weakref.finalize(self, database.close)
        database.executescript(
            "CREATE TABLE issue (number INTEGER PRIMARY KEY, id TEXT UNIQUE, project TEXT, row TEXT);"
            "CREATE TABLE interval (number INTEGER PRIMARY KEY, entity TEXT, row TEXT);"
        )
        for where, native, row in self._keyed(files["issues"], "issue_id"):
            try:
                database.execute(
                    "INSERT INTO issue (id, project, row) VALUES (?, ?, ?)",
                    (native, clean(row.get("project_id", "")), _dump(row)),
                )
            except sqlite3.IntegrityError:
                self._faults.add(where, f"issue_id {native!r} is there twice; the first one counts")
        if self._has_intervals:
            database.executemany(
                "INSERT INTO interval (entity, row) VALUES (?, ?)",
                ((native, _dump(row)) for _, native, row in self._keyed(files["intervals"], "entity_id")),
            )
        database.executescript(
            "CREATE INDEX issue_project ON issue (project, number); CREATE INDEX interval_entity ON interval (entity);"
        )
        self._people = {one.person_id: one for one in self._read(files, "people", normalize.person, self._faults)}
        self._loaded = database
        return database

    def _keyed(self, file: Path, key: str) -> Iterator[tuple[str, str, Json]]:
        for where, row in tables.rows(file):
            if row is None or not isinstance(row.get(key), str | int):
                self._faults.add(where, f"no row with {key!r}")
            else:
                yield where, clean(row[key]), row

    def _read(
        self, files: dict[str, Path], table: str, parse: Callable[[Json, str, str], T], faults: Faults
    ) -> list[T]:
        found: list[T] = []
        for where, row in tables.rows(files[table]) if table in files else ():
            try:
                found.append(parse(row or {}, self.source, where))
            except DataError as error:
                faults.add(error.subject, error.what)
        return found

    def _strays(self, projects: Sequence[str]) -> Iterator[Problem]:
        """Issues of unknown projects, intervals of unknown issues: one line per project or for all."""
        database = self._load()
        query = "SELECT project, count(*) FROM issue GROUP BY project ORDER BY project"
        for project, count in database.execute(query):
            if project not in projects:
                yield Problem(f"project {project}", f"{count} issues belong to it, but it is not among the projects")
        query = "SELECT count(*), min(entity) FROM interval WHERE entity NOT IN (SELECT id FROM issue)"
        for count, first in database.execute(query):
            if count:
                yield Problem("intervals", f"{count} belong to no issue of the folder, such as {first!r}")


def _dump(row: Json) -> str:
    """Parquet brings times, days and decimals; they become the texts they are in the other formats."""
    return json.dumps(row, default=lambda value: value.isoformat() if hasattr(value, "isoformat") else str(value))
