"""Records as Arrow tables: the only way rows travel into the database (row by row costs milliseconds each).

Moments become UTC without a zone. Connectors hand texts on as a database can hold them; what they forgot is mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pmo_sync.model import Interval, Issue, Milestone, Person, Project, Status
from pmo_sync.text import clean

_TEXT: Final = pa.string()
_AT: Final = pa.timestamp("us")
_ON: Final = pa.date32()

ISSUE: Final = {
    "issue_id": _TEXT, "source": _TEXT, "project_id": _TEXT, "key": _TEXT, "title": _TEXT, "kind": _TEXT,
    "level": pa.int32(), "created_at": _AT, "updated_at": _AT, "url": _TEXT, "is_confidential": pa.bool_(),
    "superseded": _TEXT,
}  # fmt: skip
INTERVAL: Final = {"entity_id": _TEXT, "field": _TEXT, "value": _TEXT, "label": _TEXT, "since": _AT, "until": _AT}
PROJECT: Final = {
    "project_id": _TEXT,
    "source": _TEXT,
    "key": _TEXT,
    "name": _TEXT,
    "url": _TEXT,
    "is_archived": pa.bool_(),
}
STATUS: Final = {"status_id": _TEXT, "source": _TEXT, "name": _TEXT, "category": _TEXT}
PERSON: Final = {"person_id": _TEXT, "source": _TEXT, "name": _TEXT}
MILESTONE: Final = {
    "milestone_id": _TEXT, "source": _TEXT, "project_id": _TEXT, "kind": _TEXT, "name": _TEXT, "state": _TEXT,
    "start_on": _ON, "due_on": _ON, "closed_on": _ON, "url": _TEXT,
}  # fmt: skip
STATUS_MAP: Final = {"source": _TEXT, "name": _TEXT, "category": _TEXT}  # the configuration's words
_OF: Final = {
    Issue: ISSUE, Interval: INTERVAL, Project: PROJECT, Status: STATUS, Person: PERSON, Milestone: MILESTONE,
}  # fmt: skip


def table(record: type[Any], rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    """The rows of one kind of record (``Issue``, ``Interval`` ...) as an Arrow table with the record's columns."""
    return columns(_OF[record], list(rows))


def columns(types: dict[str, pa.DataType], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Tuples as an Arrow table of these columns."""
    values = zip(*rows, strict=True) if rows else ((),) * len(types)
    arrays = [
        _text(column) if kind == _TEXT else pa.array(column, kind)
        for column, kind in zip(values, types.values(), strict=True)
    ]
    return pa.Table.from_arrays(arrays, names=list(types))


def ids(values: Iterable[str]) -> pa.Table:
    """A set of ids as a table of one column, ``id``."""
    return pa.table({"id": _text(tuple(values))})


def naive(given: pa.Table, types: dict[str, pa.DataType]) -> pa.Table:
    """A table from the record with these columns only, its moments without their zone (they are UTC)."""
    return given.select(list(types)).cast(pa.schema(list(types.items())))


def _text(values: tuple[str | None, ...]) -> pa.Array:
    try:
        made = pa.array(values, _TEXT)
    except UnicodeEncodeError:
        pass
    else:
        if not pc.any(pc.match_substring(made, "\0")).as_py():
            return made
    return pa.array([one if one is None else clean(one) for one in values], _TEXT)
