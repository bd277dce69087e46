"""Expected facts, read from the company alone: what a store must hold after an honest pull.

Nothing here knows a server, a connector or a store. All functions are pure; times are aware UTC. Items are keyed by
``Item.key``; people are ``Worker.id``; a tracker's own words are kept (status names, label texts, milestone names).
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from pmo_sync.demo.company import Company, Item, Tracker


class IssueFact(NamedTuple):
    """An issue as of a moment. ``level``: -1 sub-task, 0 issue, 1 epic."""

    key: str
    id: int
    title: str
    kind: str
    level: int
    created_at: datetime
    updated_at: datetime  # the last change of the item or of its links
    is_confidential: bool
    superseded: str  # "moved" or ""


class State(NamedTuple):
    """Every field of an issue that has a history, as of a moment."""

    status: str  # GitLab: opened or closed
    workflow: str | None  # GitLab: the workflow label; elsewhere None
    resolution: str | None
    kind: str
    priority: str | None
    milestones: frozenset[str]  # names
    labels: frozenset[str]
    parent: str | None  # the parent's key
    assignee: str | None  # worker id
    is_flagged: bool
    due_on: str | None  # ISO date
    estimate: float | None
    health: str | None


class MilestoneFact(NamedTuple):
    """A milestone as of a moment; its history is not in the trackers."""

    id: int
    tracker: Tracker
    project: str | None
    group: str | None
    kind: str
    name: str
    state: str  # open or closed
    start_on: str | None
    due_on: str | None
    closed_on: str | None


class LinkFact(NamedTuple):
    """``blocker`` blocks ``blocked`` since ``at``; across trackers ``blocker`` is a URL."""

    blocked: str
    blocker: str
    at: datetime


def issues(company: Company, tracker: Tracker, moment: datetime) -> dict[str, IssueFact]:
    """The issues that exist at ``moment``, by key."""
    linked = _linked(company, moment)
    made = {}
    for item in company.items:
        if item.tracker != tracker or not item.exists(moment):
            continue
        kind = item.value("kind", moment) or ""
        made[item.key] = IssueFact(
            key=item.key,
            id=item.id,
            title=item.value("title", moment) or item.title,
            kind=kind,
            level={"Epic": 1, "Sub-task": -1}.get(kind, 0),
            created_at=item.created_at,
            updated_at=max(item.updated_at(moment), linked.get((tracker, item.id), item.created_at)),
            is_confidential=item.is_confidential,
            superseded="moved" if has_moved(item, moment) else "",
        )
    return made


def has_moved(item: Item, moment: datetime) -> bool:
    """Whether the item has been closed by moving it elsewhere."""
    return item.moved_to is not None and item.value("status", moment) == "closed"


def _linked(company: Company, moment: datetime) -> dict[tuple[Tracker, int], datetime]:
    """When each item's links last changed. A link across trackers touches only the blocked item."""
    made: dict[tuple[Tracker, int], datetime] = {}
    for link in company.dependencies:
        if link.at <= moment:
            for end in {link.blocked, link.blocker} if link.blocked[0] == link.blocker[0] else {link.blocked}:
                made[end] = max(link.at, made.get(end, link.at))
    return made


def states(company: Company, tracker: Tracker, moment: datetime, seen_at: datetime | None = None) -> dict[str, State]:
    """The state of every item at ``moment``, by key.

    ``seen_at`` is when the tracker was read (default: ``moment``): what was deleted before it is not in the answer,
    as a first pull cannot know it.
    """
    names = {str(goal.id): goal.name for goal in company.goals if goal.tracker == tracker}
    keys = {str(item.id): item.key for item in company.items if item.tracker == tracker}
    workflow = {project.key: project.statuses for project in company.projects if project.tracker == tracker}
    made = {}
    for item in company.items:
        if item.tracker == tracker and item.exists(moment) and item.exists(seen_at or moment):
            made[item.key] = _state(item, moment, names, keys, workflow[item.project])
    return made


def _state(
    item: Item, moment: datetime, names: dict[str, str], keys: dict[str, str], workflow: dict[str, str]
) -> State:
    labels = frozenset(item.members("label", moment))
    parent = item.value("parent", moment)
    estimate = item.value("estimate", moment)
    return State(
        status=item.value("status", moment) or "",
        workflow=next((name for name in workflow if name in labels), None) if item.tracker == "gitlab" else None,
        resolution=item.value("resolution", moment),
        kind=item.value("kind", moment) or "",
        priority=item.value("priority", moment),
        milestones=frozenset(names[one] for one in item.members("milestone", moment)),
        labels=labels,
        parent=None if parent is None else keys[parent],
        assignee=item.value("assignee", moment),
        is_flagged=item.value("flagged", moment) == "true",
        due_on=item.value("due_on", moment),
        estimate=None if estimate is None else float(estimate),
        health=item.value("health", moment),
    )


def milestones(company: Company, tracker: Tracker, moment: datetime) -> dict[int, MilestoneFact]:
    """The milestones that exist at ``moment``, by id. A sprint that is not closed is open."""
    return {
        goal.id: MilestoneFact(
            id=goal.id,
            tracker=goal.tracker,
            project=goal.project,
            group=goal.group,
            kind=goal.kind,
            name=goal.name,
            state="closed" if goal.value("state", moment) == "closed" else "open",
            start_on=goal.value("start_on", moment),
            due_on=goal.value("due_on", moment),
            closed_on=goal.value("closed_on", moment),
        )
        for goal in company.goals
        if goal.tracker == tracker and goal.created_at <= moment
    }


def links(company: Company, tracker: Tracker, moment: datetime, seen_at: datetime | None = None) -> set[LinkFact]:
    """What blocks the tracker's items at ``moment``; GitLab knows no links to other trackers.

    Only links whose blocked end (inside a tracker: both ends) exists at ``seen_at`` (default: ``moment``).
    """
    found = {(item.tracker, item.id): item for item in company.items}
    seen = seen_at or moment
    made = set()
    for link in company.dependencies:
        blocked, blocker = found[link.blocked], found[link.blocker]
        if blocked.tracker != tracker or link.at > moment or not blocked.exists(seen):
            continue
        if blocker.tracker == tracker:
            if blocker.exists(seen):
                made.add(LinkFact(blocked.key, blocker.key, link.at))
        elif tracker != "gitlab":
            made.add(LinkFact(blocked.key, company.url(blocker), link.at))
    return made
