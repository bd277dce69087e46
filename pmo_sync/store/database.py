"""The database file: opening, transactions, room in memory, queries; the only module that opens DuckDB.

The file can be deleted at any time: it is built anew from the record and the trackers. One ``Database`` is used by one
thread at a time.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import duckdb
import pyarrow as pa

from pmo_sync.errors import LockedError, StoreError
from pmo_sync.queries import sql

if TYPE_CHECKING:
    import pandas as pd

Params = Sequence[Any] | Mapping[str, Any] | None
_Settings = dict[str, str | bool | int | float | list[str]]
MOST_ROOM: Final = 2_048  # MB the engine may keep in memory
_SETTINGS: Final[_Settings] = {"memory_limit": f"{MOST_ROOM}MB", "python_enable_replacements": "false"}
# Until then what was written stays in memory; more often, and a pull rewrites what its next pages change again.
_CHECKPOINT_AT: Final = "32MB"


def schema_version() -> int:
    """A number that changes with the tables: another one in a file means that the file is built anew."""
    return zlib.crc32(re.sub(r"--.*|\s+", " ", sql("schema")).encode()) >> 1


class Database:
    """An open database. Use ``open``; close it, or use it as a context manager."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, file: Path | None) -> None:
        self._connection = connection
        self._file = file
        connection.execute(sql("macros"))

    @classmethod
    def open(cls, file: Path, *, read_only: bool = False, memory: bool = False, threads: int | None = None) -> Self:
        """The database in ``file``, created with mode 0600 where there is none; ``memory`` leaves the disk alone.

        What a killed run had stored but not merged is merged. A file of another version of this program is deleted
        and begun anew (take in the record, then pull). Raises LockedError when another process holds it, StoreError
        when it cannot be read.
        """
        config: _Settings = {**_SETTINGS, **({"threads": threads} if threads else {})}
        if memory:
            database = cls(duckdb.connect(":memory:", config={**config, "temp_directory": ""}), None)
            database._create()
            return database
        if read_only and not file.exists():
            raise StoreError(_nothing(file))
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = cls(_connect(file, config, read_only=read_only), file)
        try:
            if not database._is_current(read_only=read_only):
                database.close()
                file.unlink()
                _wal(file).unlink(missing_ok=True)
                database = cls(_connect(file, config, read_only=False), file)
                database._create()
            if not read_only:
                database._opened_to_write()
        except BaseException:
            database.close()
            raise
        return database

    def _opened_to_write(self) -> None:
        self._connection.execute(f"SET checkpoint_threshold = '{_CHECKPOINT_AT}'")

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
        with self.transaction() as connection:
            connection.execute(sql("schema"))
            connection.execute("INSERT INTO schema_version VALUES (?)", [schema_version()])

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
    def transaction(self, **incoming: pa.Table) -> Iterator[duckdb.DuckDBPyConnection]:
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

    # --- the file anew ----------------------------------------------------------------------------------------------

    def rewrite(self, finish: Callable[[duckdb.DuckDBPyConnection, str], None]) -> None:
        """Write the file anew: what was deleted stays in a database's free blocks until something needs them.

        ``finish`` gets the connection and the new database's name, and writes there what must not hold before the new
        file is whole; after a kill on the way the old file is still there. In memory there is one database only.
        """
        if self._file is None:
            finish(self._connection, "memory")
            return
        new = self._file.with_name(f"{self._file.name}.new")
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
        finish(self._connection, "rewritten")
        self._connection.execute("DETACH rewritten")  # writes it out
        self._connection.close()
        new.replace(self._file)
        self._connection = _connect(self._file, {**_SETTINGS, "threads": threads}, read_only=False)
        self._connection.execute(sql("macros"))
        self._opened_to_write()

    # --- queries ----------------------------------------------------------------------------------------------------

    def rows(self, query: str, params: Params = None) -> list[tuple[Any, ...]]:
        """The result of a query as tuples; moments are naive UTC."""
        return self._connection.execute(query, params).fetchall()

    def frame(self, query: str, params: Params = None) -> pd.DataFrame:
        """The result of a query as a data frame; moments are naive UTC."""
        return self._connection.execute(query, params).df()

    def arrow(self, query: str, params: Params = None) -> pa.Table:
        """The result of a query as an Arrow table; moments are naive UTC."""
        return self._connection.sql(query, params=params).to_arrow_table()

    def script(self, text: str) -> None:
        """Run the statements of a ``.sql`` file."""
        self._connection.execute(text)

    def put(self, name: str, table: pa.Table) -> None:
        """Make or replace the temporary table ``name``; works on a read-only database."""
        self._connection.register("given", table)
        self._connection.execute(
            f'CREATE OR REPLACE TEMP TABLE "{name}" AS SELECT * FROM given'  # noqa: S608 - the name is our own
        )
        self._connection.unregister("given")


def _nothing(file: Path | None) -> str:
    return f"{file}: nothing was pulled yet; run `pmo-sync pull` or `pmo-sync sync` first"


def _wal(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")


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
