"""Milestones and iterations: GitLab's raw JSON -> records. Pure: no input or output, no clock."""

from __future__ import annotations

from connectors.gitlab.values import SHAPE_ERRORS, Json, day, shape, text
from pmo_sync.errors import DataError
from pmo_sync.model import Milestone


def milestone(raw: Json, source: str) -> Milestone:
    """A project's or group's milestone. GitLab does not keep the day it was closed. Raises DataError."""
    try:
        owner = raw.get("project_id")
        is_closed = raw.get("state", "closed" if raw.get("closed") else "active") == "closed"
        return Milestone(
            milestone_id=f"{source}:milestone:{int(raw['id'])}",
            source=source,
            project_id=None if owner is None else f"{source}:{int(owner)}",
            kind="milestone",
            name=text(raw["title"]),
            state="closed" if is_closed else "open",
            start_on=day(raw.get("start_date")),
            due_on=day(raw.get("due_date")),
            closed_on=None,
            url=text(raw.get("web_url")),
        )
    except SHAPE_ERRORS as error:
        raise DataError(f"milestone {text(raw.get('id'))}", shape(error)) from None


def iteration(raw: Json, source: str) -> Milestone:
    """A group's iteration; its state counts 1 upcoming, 2 current, 3 closed. Raises DataError."""
    try:
        is_closed = raw.get("state") in (3, "closed")
        return Milestone(
            milestone_id=f"{source}:iteration:{int(raw['id'])}",
            source=source,
            project_id=None,
            kind="iteration",
            name=iteration_name(raw),
            state="closed" if is_closed else "open",
            start_on=day(raw.get("start_date")),
            due_on=day(raw.get("due_date")),
            closed_on=day(raw.get("due_date")) if is_closed else None,  # iterations close by the calendar
            url=text(raw.get("web_url")),
        )
    except SHAPE_ERRORS as error:
        raise DataError(f"iteration {text(raw.get('id'))}", shape(error)) from None


def iteration_name(raw: Json) -> str:
    """Automatic cadences leave the title null: then the cadence's name and the days."""
    cadence = text((raw.get("iteration_cadence") or {}).get("title"))
    return text(raw.get("title")) or f"{cadence} {raw['start_date']} / {raw['due_date']}".strip()
