"""What an issue's status can be: open and closed, workflow labels, work-item statuses (paid tiers). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from connectors.gitlab.values import Json, text
from pmo_sync.model import Category, Status

CATEGORIES: Final[dict[str, Category]] = {
    "triage": "todo", "to_do": "todo", "in_progress": "doing", "done": "done", "canceled": "canceled",
}  # fmt: skip
_GID: Final = re.compile(r"::(?P<family>\w+)::Status/(?P<number>\d+)$")


class Steps(NamedTuple):
    """The work-item statuses of a project. Their keys stay when they are renamed; the history knows names only."""

    keys: Mapping[str, str] = {}  # name, former ones too -> key
    names: Mapping[str, str] = {}  # key -> name
    closing: frozenset[str] = frozenset()  # keys of those that GitLab only gives to what is closed

    def and_former(self, keys: Mapping[str, str]) -> Steps:
        """With the names that some had before."""
        names = {key: name for name, key in keys.items()}
        return self._replace(keys={**keys, **self.keys}, names={**names, **self.names})


def steps(rows: Sequence[Json]) -> Steps:
    """From the statuses as GraphQL lists them."""
    keys = {text(row.get("name")): status_key(row) for row in rows if row.get("name")}
    ends = {status_key(row) for row in rows if text(row.get("category")).lower() in ("done", "canceled")}
    return Steps(keys, {key: name for name, key in keys.items()}, frozenset(ends))


def of_labels(labels: Sequence[Json], source: str, workflow: str | None) -> list[Status]:
    """``opened`` and ``closed``, and the workflow labels, whose category only the configuration knows."""
    names = sorted({text(label.get("name")) for label in labels} - {""})
    found = [Status(f"{source}:opened", source, "opened", "todo"), Status(f"{source}:closed", source, "closed", "done")]
    return found + [Status(f"{source}:{name}", source, name, None) for name in names if is_workflow(name, workflow)]


def of_work_items(rows: Sequence[Json], source: str) -> list[Status]:
    """Work-item statuses (paid tiers) with GitLab's own categories; triage counts as to do."""
    return [
        Status(f"{source}:status:{status_key(row)}", source, name, CATEGORIES.get(text(row.get("category")).lower()))
        for name, row in sorted({text(row.get("name")): row for row in rows}.items())
        if name
    ]


def status_key(row: Json) -> str:
    """What a work-item status keeps when it is renamed: ``custom-17``. Its name where GitLab tells no id.

    System-defined and custom statuses are numbered each by themselves.
    """
    told = _GID.search(text(row.get("id")))
    return f"{told['family'].lower()}-{told['number']}" if told else text(row.get("name"))


def is_workflow(label: str, workflow: str | None) -> bool:
    """Whether a label is a step of the workflow."""
    return bool(workflow) and label.startswith(workflow or "")
