"""What the references in the activity stream of a project stand for: labels, milestones and iterations. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connectors.gitlab.milestones import iteration_name
from connectors.gitlab.statuses import Steps
from connectors.gitlab.values import Json, text


class Lists(NamedTuple):
    """A project's or group's own and its ancestor groups', as GitLab lists them."""

    labels: list[Json]
    milestones: list[Json]
    iterations: list[Json]  # none on tiers without them


class References(NamedTuple):
    """Read once for a pass."""

    labels: dict[str, str]  # id -> name
    milestones: Mapping[str, str]  # number within the project, or name -> id
    iterations: Mapping[str, str]  # name -> id
    titles: Mapping[str, str]  # "milestone:7" -> name
    steps: Steps  # the work-item statuses


def references(lists: Lists, group_id: str | None, steps: Steps) -> References:
    """``group_id`` where the stream is a group's: there its own milestones go by number, in a project the project's.

    Of two with one name the nearest counts: a project's before its groups'.
    """
    milestones: dict[str, str] = {}
    iterations: dict[str, str] = {}
    titles: dict[str, str] = {}
    for row in sorted(lists.milestones, key=lambda row: row.get("project_id") is None):
        id_, title = str(row.get("id")), text(row.get("title"))
        titles[f"milestone:{id_}"] = title
        milestones.setdefault(title, id_)
    for row in lists.milestones:
        if row.get("project_id") is not None or (group_id is not None and str(row.get("group_id")) == group_id):
            milestones[str(row.get("iid"))] = str(row.get("id"))
    for row in lists.iterations:
        title = iteration_name(row)
        titles[f"iteration:{row.get('id')}"] = title
        iterations.setdefault(title, str(row.get("id")))
    labels = {str(row["id"]): text(row["name"]) for row in lists.labels if "id" in row}
    return References(labels, milestones, iterations, titles, steps)
