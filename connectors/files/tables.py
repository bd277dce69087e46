"""The tables of a folder as rows, whatever their format: JSON lines, CSV or Parquet."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pmo_sync.errors import AccessError, TrackerError

Json = dict[str, Any]
TABLES: Final = ("projects", "statuses", "milestones", "issues", "intervals", "people")
REQUIRED: Final = ("projects", "issues")
FORMATS: Final = (".jsonl", ".csv", ".parquet")


def find(folder: Path) -> dict[str, Path]:
    """Table -> file. Raises AccessError when the folder or a required table is missing, or a table is there twice."""
    if not folder.is_dir():
        msg = f"{folder}: no such folder; set path to the folder that holds projects and issues"
        raise AccessError(msg)
    found = {}
    for table in TABLES:
        files = [folder / f"{table}{ending}" for ending in FORMATS if (folder / f"{table}{ending}").is_file()]
        if len(files) > 1:
            msg = f"{folder}: {' and '.join(file.name for file in files)} hold the same table; keep one of them"
            raise AccessError(msg)
        if files:
            found[table] = files[0]
        elif table in REQUIRED:
            msg = f"{folder}: no {table}{FORMATS[0]}, {FORMATS[1]} or {FORMATS[2]}; both projects and issues are needed"
            raise AccessError(msg)
    return found


def digest(files: dict[str, Path]) -> str:
    """A fingerprint of all tables: the same bytes under the same names."""
    made = hashlib.blake2b(digest_size=16)
    for file in files.values():
        with _readable(file), file.open("rb") as stream:
            made.update(f"{file.name}\0{file.stat().st_size}\0".encode())
            while chunk := stream.read(1 << 20):
                made.update(chunk)
    return made.hexdigest()


def rows(file: Path) -> Iterator[tuple[str, Json | None]]:
    """(``issues.csv:17``, row), one at a time; None for a row that is no object. Empty cells are left out.

    Raises TrackerError when the file as a whole cannot be read.
    """
    read = {".jsonl": _json_lines, ".csv": _csv, ".parquet": _parquet}[file.suffix]
    with _readable(file):
        for number, row in read(file):
            where = f"{file.name}:{number}"
            yield where, None if row is None else {name: _exact(one) for name, one in row.items() if not _is_empty(one)}


def _is_empty(cell: Any) -> bool:
    """Nothing, an empty text, or pandas' not-a-number."""
    return cell is None or cell == "" or cell != cell  # noqa: PLR0124


def _exact(cell: Any) -> Any:
    """A whole number as such: where some rows have none, pandas writes the ids of the others as 17.0."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


class _readable:  # noqa: N801 - reads as a phrase: with _readable(file)
    """One clear line instead of whatever a reader raises over a whole file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, UnicodeDecodeError):
            msg = f"{self._file}: not UTF-8; save it as UTF-8"
            raise TrackerError(msg) from None
        if isinstance(error, OSError | csv.Error) or type(error).__module__.startswith("pyarrow"):
            msg = f"{self._file}: cannot be read ({type(error).__name__}: {str(error)[:120]})"
            raise TrackerError(msg) from None


def _json_lines(file: Path) -> Iterator[tuple[int, Json | None]]:
    with file.open(encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            yield number, row if isinstance(row, dict) else None


def _csv(file: Path) -> Iterator[tuple[int, Json | None]]:
    csv.field_size_limit(1 << 27)  # a description in a column we ignore may be long
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, restkey="", restval=None)
        for row in reader:
            yield reader.line_num, None if "" in row else row  # more cells than the header names


def _parquet(file: Path) -> Iterator[tuple[int, Json | None]]:
    import pyarrow.parquet as pq  # heavy, and only for those who use it

    number = 0
    with pq.ParquetFile(file) as stream:
        for batch in stream.iter_batches(2_000):
            for number, row in enumerate(batch.to_pylist(), number + 1):  # noqa: B020
                yield number, row
