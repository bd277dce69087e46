"""The cursor of a project, as JSON text: the last change stored, and how the issues before it were read. Pure.

That is the prefix of workflow labels, for the configuration may change it; the names of the labels they ever had, for a
label that is renamed or deleted rewrites the past of issues and touches none of them; the work-item statuses' names, for
the past keeps those a status had before; and the API, for REST tells less of the
past than GraphQL.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from connectors.gitlab.values import Json, iso, moment

LabelNames = dict[str, int]  # label's id -> a fingerprint of its name
Through = Literal["graphql", "rest"]
# A transaction may become visible later than its updated_at, and within a minute of a change GitLab does not move
# updated_at again for a note (its ThrottledTouch): both come with what is read twice.
OVERLAP: Final = timedelta(minutes=10)


def cursor_at(mark: datetime | None, through: Through | None = None) -> str:
    """What ``resume`` reads."""
    return json.dumps({"updated_at": iso(mark) if mark else None, "through": through})


def through(stored: str | None) -> Through | None:
    """The API that the issues before the cursor were read through; None: not known."""
    try:
        found = json.loads(stored or "null")["through"]
    except (KeyError, TypeError, ValueError):
        return None
    return found if found in ("graphql", "rest") else None


def resume(stored: str | None) -> datetime | None:
    """Where to go on: a little before the last change stored. A cursor we cannot read means: everything again."""
    try:
        return moment(json.loads(stored or "null")["updated_at"]) - OVERLAP
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def set_back(stored: str, mark: datetime) -> str:
    """The cursor, reading what changed since ``mark``, and whatever it would read without."""
    before = resume(stored)
    if before is None:
        return stored
    return json.dumps(json.loads(stored) | {"updated_at": iso(min(mark, before + OVERLAP))})


def label_names(labels: Iterable[Json]) -> LabelNames:
    """Of labels as GitLab lists them."""
    return {str(one.get("id")): zlib.crc32(str(one.get("name")).encode()) for one in labels}


def with_names(stored: str, labels: LabelNames, steps: Mapping[str, str] | None) -> str:
    """The cursor, with the labels' and statuses' names that the issues before it were read under."""
    return json.dumps(json.loads(stored) | {"labels": labels, "steps": None if steps is None else dict(steps)})


def with_workflow(stored: str, prefix: str | None) -> str:
    """The cursor, with the prefix of workflow labels that the issues before it were read by."""
    return json.dumps(json.loads(stored) | {"workflow": prefix or ""})


def is_by_workflow(stored: str | None, prefix: str | None) -> bool:
    """Whether the issues before the cursor were read by this prefix of workflow labels, as far as it tells."""
    try:
        return bool(json.loads(stored or "null")["workflow"] == (prefix or ""))
    except (KeyError, TypeError, ValueError):
        return True


def names_in(stored: str | None) -> LabelNames:
    """The labels' names; none where the cursor has none."""
    return _part(stored, "labels") or {}


def steps_in(stored: str | None) -> dict[str, str] | None:
    """Every name that a work-item status ever had, with its key; None where the cursor has none."""
    return _part(stored, "steps")


def _part(stored: str | None, name: str) -> dict[str, Any] | None:
    try:
        found = json.loads(stored or "null")[name]
    except (KeyError, TypeError, ValueError):
        return None
    return found if isinstance(found, dict) else None
