"""The record: what nobody can fetch from a tracker again, as immutable Parquet files, one folder a run.

``record/<run id>/<dataset>.parquet``. A run is written under a temporary name, flushed to the disk and renamed:
after a kill at any moment a run is there whole or not at all. Nothing here is ever changed; where a later run says
something newer about the same thing, both stay and the reader takes the later one. Run ids sort by time.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pmo_sync.errors import StoreError

_TEXT: Final = pa.string()
_AT: Final = pa.timestamp("us", tz="UTC")
_INTERVAL: Final = [
    ("entity_id", _TEXT), ("field", _TEXT), ("value", _TEXT), ("label", _TEXT), ("since", _AT), ("until", _AT),
]  # fmt: skip
_RUN: Final = [("run_id", _TEXT), ("as_of", _AT)]
_BACKTEST: Final = [*_RUN, ("kept_at", _AT), ("config_digest", _TEXT), ("method", _TEXT)]

# The columns of every dataset. A column may be added at the end: it is null in older runs.
DATASETS: Final[Mapping[str, pa.Schema]] = {
    "certificate": pa.schema(
        [("run_id", _TEXT), ("run_at", _AT), ("source", _TEXT), ("pulled_at", _AT), ("certificate", _TEXT)]
    ),  # certificate: JSON
    "milestone": pa.schema(  # as last seen: of milestone_id the last one written holds
        [
            ("milestone_id", _TEXT), ("source", _TEXT), ("project_id", _TEXT), ("kind", _TEXT), ("name", _TEXT),
            ("state", _TEXT), ("start_on", pa.date32()), ("due_on", pa.date32()), ("closed_on", pa.date32()),
            ("url", _TEXT), ("first_seen_at", _AT), ("vanished_at", _AT),
        ]
    ),
    "milestone_history": pa.schema(_INTERVAL),  # of (entity_id, field, since) the last one written holds
    "vanished_issue": pa.schema(
        [
            ("issue_id", _TEXT), ("source", _TEXT), ("project_id", _TEXT), ("key", _TEXT), ("title", _TEXT),
            ("kind", _TEXT), ("level", pa.int32()), ("created_at", _AT), ("updated_at", _AT), ("url", _TEXT),
            ("is_confidential", pa.bool_()), ("superseded", _TEXT), ("vanished_at", _AT), ("fate", _TEXT),
        ]
    ),
    "vanished_history": pa.schema(_INTERVAL),  # without assignees: nothing here is ever changed, not to erase either
    "erased_person": pa.schema([("person_id", _TEXT), ("erased_at", _AT)]),
    "reading": pa.schema(
        [
            *_RUN, ("subject", _TEXT), ("indicator", _TEXT), ("part", _TEXT), ("value", pa.float64()),
            ("sample", pa.int64()), ("config_digest", _TEXT), ("definition", _TEXT), ("evidence", _TEXT),
        ]
    ),  # definition: a digest of its query; evidence: the digest of a list below
    "evidence": pa.schema(  # lists of issues' ids, each as its difference from another one; the empty one has no row
        [("digest", _TEXT), ("base", _TEXT), ("came", pa.list_(_TEXT)), ("left", pa.list_(_TEXT))]
    ),
    "publication": pa.schema(
        [
            *_RUN, ("place", _TEXT), ("slot", _TEXT), ("outcome", _TEXT), ("url", _TEXT), ("published_at", _AT),
            ("id", _TEXT), ("target", _TEXT), ("link", _TEXT),
        ]
    ),  # target: a digest of what the place wrote to; of (target, slot) the last one written holds
    "ledger": pa.schema(
        [
            *_RUN, ("published_at", _AT), ("subject", _TEXT), ("method", _TEXT), ("remaining", pa.int64()),
            ("weekly_counts", pa.list_(pa.int64())), ("p50_on", pa.date32()), ("p85_on", pa.date32()),
            ("p95_on", pa.date32()), ("p_hit", pa.float64()), ("due_on", pa.date32()),
            ("required_pace", pa.float64()), ("actual_pace", pa.float64()), ("best_pace", pa.int64()),
            ("gates", pa.list_(_TEXT)), ("refused", pa.bool_()), ("config_digest", _TEXT),
        ]
    ),
    # what backtests found; of one moment the last run holds
    "rule_worth": pa.schema(
        [
            *_BACKTEST, ("rule", _TEXT), ("judged", pa.int64()), ("late", pa.int64()), ("flagged", pa.int64()),
            ("hits", pa.int64()), ("lead_days", pa.float64()),
        ]
    ),
    "dates_held": pa.schema(
        [*_BACKTEST, ("quantile", pa.float64()), ("held", pa.int64()), ("of", pa.int64()), ("milestones", pa.int64())]
    ),
    "choice": pa.schema(  # every variant beside the one in force before, and which one is from kept_at on
        [
            *_BACKTEST, ("chosen", _TEXT), ("variant", _TEXT), ("before", _TEXT), ("milestones", pa.int64()),
            ("difference", pa.float64()), ("low", pa.float64()), ("high", pa.float64()),
        ]
    ),
}  # fmt: skip
FORMAT: Final = 1  # of the files; a file that says another one is refused, never half-read
_FORMAT_KEY: Final = b"pmo_sync_format"
_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,120}")
_PARTIAL: Final = ".partial"


class Run:
    """One run being written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, dataset: str, rows: pa.Table | Sequence[Mapping[str, Any]]) -> None:
        """Add ``rows`` of ``dataset`` to this run; no rows, no file. Raises StoreError on columns it does not have."""
        schema = DATASETS[dataset]
        table = rows if isinstance(rows, pa.Table) else _table(dataset, rows)
        if set(table.column_names) != set(schema.names):
            differing = ", ".join(sorted(set(table.column_names) ^ set(schema.names)))
            msg = f"the record's {dataset} and what was to be written differ in: {differing}"
            raise StoreError(msg)
        if table.num_rows == 0:
            return
        table = table.select(schema.names).cast(schema).replace_schema_metadata({_FORMAT_KEY: str(FORMAT)})
        file = self._folder / f"{dataset}.parquet"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            pq.write_table(table, out, compression="zstd")
            out.flush()
            os.fsync(out.fileno())


def _table(dataset: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    schema = DATASETS[dataset]
    unknown = sorted({name for row in rows for name in row} - set(schema.names))
    if unknown:
        msg = f"the record's {dataset} has no column {', '.join(unknown)}"
        raise StoreError(msg)
    return pa.Table.from_pylist(list(rows), schema)


class Record:
    """The record in ``folder``. Reading needs no lock; one process writes at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def runs(self) -> list[str]:
        """The ids of all complete runs, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(one.name for one in self.folder.iterdir() if one.is_dir() and _RUN_ID.fullmatch(one.name))

    @contextmanager
    def run(self, run_id: str) -> Iterator[Run]:
        """Write one run: all of it is there after the block, or nothing. Raises StoreError where it exists already."""
        if not _RUN_ID.fullmatch(run_id):
            msg = f"{run_id!r} cannot be the name of a run"
            raise StoreError(msg)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._clean()
        final, partial = self.folder / run_id, self.folder / f".{run_id}{_PARTIAL}"
        if final.exists():
            msg = f"the record already has a run {run_id}"
            raise StoreError(msg)
        partial.mkdir(mode=0o700)
        try:
            yield Run(partial)
            _flush(partial)
            if any(partial.iterdir()):
                partial.rename(final)
            _flush(self.folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def read(self, dataset: str) -> pa.Table | None:
        """All rows of ``dataset`` in the order they were written, or None where there are none.

        Raises StoreError on a file that is damaged or of an unknown format.
        """
        schema = DATASETS[dataset]
        files = [self.folder / run / f"{dataset}.parquet" for run in self.runs()]
        tables = [_read(file, schema) for file in files if file.is_file()]
        return pa.concat_tables(tables) if tables else None

    def rows(self, dataset: str) -> list[dict[str, Any]]:
        """The same as dictionaries; moments are aware UTC."""
        table = self.read(dataset)
        return [] if table is None else list(table.to_pylist())

    def export(self, file: Path) -> None:
        """The whole record as one tar file, mode 0600, which appears whole or not at all."""
        partial = file.with_name(f".{file.name}{_PARTIAL}")
        partial.unlink(missing_ok=True)
        try:
            with (
                os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
                tarfile.open(fileobj=out, mode="w") as tar,
            ):
                for run in self.runs():
                    for one in sorted((self.folder / run).glob("*.parquet")):
                        tar.add(one, f"{run}/{one.name}", recursive=False)
            partial.rename(file)
        finally:
            partial.unlink(missing_ok=True)

    def restore(self, file: Path) -> list[str]:
        """Take in the runs of an exported file that are not here yet; returns their ids.

        Raises StoreError on anything that is not an exported record; nothing of it is taken in then.
        """
        try:
            with tarfile.open(file) as tar:
                files = {member.name: _content(tar, member) for member in tar}
        except (OSError, tarfile.TarError) as error:
            msg = f"{file}: not an exported record: {error}"
            raise StoreError(msg) from error
        have = set(self.runs())
        runs: dict[str, dict[str, bytes]] = {}
        for name, content in files.items():
            run_id, _, dataset = name.partition("/")
            runs.setdefault(run_id, {})[dataset.removesuffix(".parquet")] = content
        taken = sorted(set(runs) - have)
        readable = {
            run_id: {one: _read(pa.BufferReader(content), DATASETS[one]) for one, content in runs[run_id].items()}
            for run_id in taken
        }
        for run_id, tables in readable.items():
            with self.run(run_id) as run:
                for one, table in tables.items():
                    run.write(one, table)
        return taken

    def _clean(self) -> None:
        """Remove what a killed run left half written."""
        for one in self.folder.glob(f".*{_PARTIAL}"):
            shutil.rmtree(one, ignore_errors=True)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    run_id, _, name = member.name.partition("/")
    opened = tar.extractfile(member) if member.isreg() else None
    if opened is None or not _RUN_ID.fullmatch(run_id) or name.removesuffix(".parquet") not in DATASETS:
        msg = f"{member.name!r} does not belong in a record"
        raise tarfile.TarError(msg)
    return opened.read()


def _read(file: Path | pa.BufferReader, schema: pa.Schema) -> pa.Table:
    where = f"{file.parent.name}/{file.name}" if isinstance(file, Path) else "the exported record"
    try:
        table = pq.ParquetFile(file).read()
        found = (table.schema.metadata or {}).get(_FORMAT_KEY, b"none").decode()
        if found != str(FORMAT):
            msg = f"{where}: written in format {found}, this version reads {FORMAT}; use the version that wrote it"
            raise StoreError(msg)
        for column in schema:
            if column.name not in table.column_names:
                table = table.append_column(column, pa.nulls(table.num_rows, column.type))
        return table.select(schema.names).cast(schema)
    except (OSError, pa.ArrowException, KeyError) as error:
        msg = f"{where}: the record cannot be read ({type(error).__name__}: {error}); restore it from an export"
        raise StoreError(msg) from error


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
