"""A work item as GraphQL gives it -> the same ``Raw`` that REST's rows make, so that both end in equal records. Pure.

GraphQL's times have whole seconds where REST's have milliseconds.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping
from typing import Any, Final

from connectors.gitlab import notes
from connectors.gitlab.normalize import Raw
from connectors.gitlab.queries import WIDGETS, activity, parts
from connectors.gitlab.references import References
from connectors.gitlab.statuses import steps
from connectors.gitlab.values import Json, number, text
from pmo_sync.model import Project

STATES: Final = {"OPEN": "opened", "CLOSED": "closed"}


def raw(
    item: Json, owner: Project, known: References, people: Mapping[str, str], issues: Mapping[str, tuple[str, str]]
) -> tuple[Raw, notes.Activity]:
    """``people`` are logins with their ids, ``issues`` references of parents with id and key.

    Raises what a malformed item raises (``values.SHAPE_ERRORS``).
    """
    offered = parts(item)
    labels = _rows(offered, "labels")
    assignees = [
        {"id": number(one["id"]), "name": one.get("name"), "username": one.get("username")}
        for one in _rows(offered, "assignees")
    ]
    parent = (offered["hierarchy"] or {}).get("parent")
    status = (offered["status"] or {}).get("status")
    own = steps([status] if status else [])
    row = _row(item, offered) | {
        "labels": [one["title"] for one in labels],
        "assignees": assignees,
        "parent": {"id": number(parent["id"]), "key": text(parent.get("reference"))} if parent else None,
        "status": {"key": next(iter(own.names))} if own.names else None,
    }
    names = notes.Names(
        path=owner.key,
        labels=ChainMap({str(number(one["id"])): text(one["title"]) for one in labels}, known.labels),
        milestones=known.milestones,
        iterations=known.iterations,
        people={**people, **{text(one["username"]): str(one["id"]) for one in assignees}},
        assignees=[str(one["id"]) for one in assignees],
        steps={**known.steps.keys, **own.keys},
        parent=(str(row["parent"]["id"]), row["parent"]["key"]) if parent else None,
        issues=issues,
    )
    told = notes.read(activity(item), names)
    return Raw(
        row,
        links=[_link(one) for one in _rows(offered, "linkedItems") if one.get("workItem")],
        logged=told.changes,
        titles=known.titles,
        steps={**known.steps.names, **own.names},
        closing=known.steps.closing | own.closing,
        parents=dict(issues.values()),
    ), told  # fmt: skip


def _row(item: Json, offered: Mapping[str, Any]) -> Json:
    """The item's own columns, in REST's words."""
    milestone = (offered["milestone"] or {}).get("milestone")
    iteration = (offered["iteration"] or {}).get("iteration")
    dates = offered["startAndDueDate"] or {}
    health = (offered["healthStatus"] or {}).get("healthStatus")
    made: Json = {
        "id": number(item["id"]),
        "iid": item["iid"],
        "title": item["title"],
        "state": STATES.get(item["state"], item["state"]),
        "issue_type": text(item["workItemType"]["name"]).lower().replace(" ", "_"),
        "created_at": item["createdAt"],
        "updated_at": item["updatedAt"],
        "closed_at": item.get("closedAt"),
        "confidential": item.get("confidential"),
        "web_url": item.get("webUrl"),
        "references": {"full": item.get("reference")},
        "moved_to_id": item.get("movedToWorkItemUrl"),
        "promoted_to": item.get("promotedToEpicUrl"),
        "_links": {"closed_as_duplicate_of": item.get("duplicatedToWorkItemUrl")},
        "milestone": {"id": number(milestone["id"]), "title": milestone["title"]} if milestone else None,
        "iteration": None,
        "due_date": dates.get("dueDate"),
        "start_date": dates.get("startDate"),
        "health_status": _snake(health) if health else None,
        "weight": (offered["weight"] or {}).get("weight"),
    }
    if iteration:
        made["iteration"] = {
            "id": number(iteration["id"]),
            "title": iteration.get("title"),
            "start_date": iteration.get("startDate"),
            "due_date": iteration.get("dueDate"),
            "iteration_cadence": iteration.get("iterationCadence"),
        }
    return made


def _rows(offered: Mapping[str, Any], widget: str) -> list[Json]:
    """The rows of a connection; ``graphql`` has completed them under the widget's own name."""
    return [one for one in ((offered[widget] or {}).get(WIDGETS[widget].many) or {}).get("nodes") or () if one]


def _link(one: Json) -> Json:
    other = one["workItem"]
    return {
        "id": number(other["id"]),
        "web_url": other.get("webUrl"),
        "references": {"full": other.get("reference")},
        "link_type": one.get("linkType"),
        "link_created_at": one.get("linkCreatedAt"),
    }


def _snake(name: str) -> str:
    """``needsAttention`` as REST writes it: ``needs_attention``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
