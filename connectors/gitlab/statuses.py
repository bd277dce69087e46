"""What an issue's status can be: open and closed, workflow labels, work-item statuses (paid tiers). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connectors.gitlab.values import Json, text
from pmo_sync.model import Category, Status

CATEGORIES: Final[dict[str, Category]] = {
    "triage": "todo", "to_do": "todo", "in_progress": "doing", "done": "done", "canceled": "canceled",
}  # fmt: skip


def of_labels(labels: Sequence[Json], source: str, workflow: str | None) -> list[Status]:
    """``opened`` and ``closed``, and the workflow labels, whose category only the configuration knows."""
    names = sorted({text(label.get("name")) for label in labels} - {""})
    found = [Status(f"{source}:opened", source, "opened", "todo"), Status(f"{source}:closed", source, "closed", "done")]
    return found + [Status(f"{source}:{name}", source, name, None) for name in names if is_workflow(name, workflow)]


def of_work_items(rows: Sequence[Json], source: str) -> list[Status]:
    """Work-item statuses (paid tiers) with GitLab's own categories; triage counts as to do."""
    named = {text(row.get("name")): text(row.get("category")).lower() for row in rows}
    return [
        Status(status_id(source, name), source, name, CATEGORIES.get(category))
        for name, category in sorted(named.items())
        if name
    ]


def status_id(source: str, name: str) -> str:
    """Of a work-item status. Its name, not its number: the history in the activity stream knows names only."""
    return f"{source}:status:{name}"


def closing(rows: Sequence[Json]) -> frozenset[str]:
    """Of work-item statuses the names of those that GitLab only gives to what is closed."""
    return frozenset(text(row.get("name")) for row in rows if text(row.get("category")).lower() in ("done", "canceled"))


def is_workflow(label: str, workflow: str | None) -> bool:
    """Whether a label is a step of the workflow."""
    return bool(workflow) and label.startswith(workflow or "")
