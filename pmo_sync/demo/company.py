"""The simulated company: what is true. Its servers show it, the tests compare the store with it.

Everything that will ever happen is generated once from a seed; ``now`` decides how much of it has happened yet.
Moving ``now`` forward a week is how the company lives on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, NamedTuple

Tracker = Literal["cloud", "dc", "gitlab"]


class Event(NamedTuple):
    """One change of one field. For the sets ``label`` and ``milestone`` a member is added (old None) or removed.

    Values: status, resolution, priority, kind by name; milestone ``str(goal.id)``; parent ``str(item.id)``; assignee
    a worker's id; due_on an ISO date; estimate a number as text; flagged ``"true"`` or None. At GitLab the status is
    ``opened`` or ``closed``, the workflow is in the labels (``workflow::review``), an issue has at most one milestone.
    A move to another Jira project is a change of ``project``, with the keys before and after it (``Company.move``).
    """

    at: datetime  # aware UTC, whole seconds, strictly after the item's creation
    field: str  # status resolution kind priority estimate due_on flagged assignee label milestone parent title project
    old: str | None
    new: str | None


@dataclass(slots=True)
class Item:
    """One issue. ``initial`` holds the values at creation: field -> value (sets: tuple of members).

    Besides the fields of events it may hold ``health`` (GitLab: on_track, needs_attention, at_risk), which never changes.
    """

    id: int  # the tracker's global id
    tracker: Tracker
    project: str  # key or path
    number: int  # of its present key
    created_at: datetime
    title: str
    description: str  # served, never to be stored
    initial: dict[str, str | tuple[str, ...] | None]
    events: list[Event] = field(default_factory=list)  # in order of time
    is_confidential: bool = False
    deleted_at: datetime | None = None
    moved_to: int | None = None  # GitLab: its last ``closed`` was a move to that item
    is_hidden: bool = False  # now, from our account; others see it
    archived_at: datetime | None = None  # Jira: still there for who has its key, but in no list

    @property
    def key(self) -> str:
        """``PAY-17`` or ``group/app#17``."""
        return f"{self.project}{'#' if self.tracker == 'gitlab' else '-'}{self.number}"

    @property
    def former_keys(self) -> list[str]:
        """The keys it had before it was moved."""
        return [event.old for event in self.events if event.field == "project" and event.old]

    def exists(self, moment: datetime) -> bool:
        """Created and not deleted at ``moment``, and not hidden from us now."""
        there = self.created_at <= moment and (self.deleted_at is None or self.deleted_at > moment)
        return there and not self.is_hidden

    def is_listed(self, moment: datetime) -> bool:
        """Existing and not archived."""
        return self.exists(moment) and (self.archived_at is None or self.archived_at > moment)

    def happened(self, moment: datetime) -> Iterator[Event]:
        """The events up to and including ``moment``."""
        return (event for event in self.events if event.at <= moment)

    def value(self, name: str, moment: datetime) -> str | None:
        """A single-valued field at ``moment``."""
        now = self.initial.get(name)
        for event in self.happened(moment):
            if event.field == name:
                now = event.new
        return now if now is None or isinstance(now, str) else ",".join(now)

    def members(self, name: str, moment: datetime) -> set[str]:
        """A set-valued field (``label``, ``milestone``) at ``moment``."""
        now = set(self.initial.get(name) or ())
        for event in self.happened(moment):
            if event.field == name:
                if event.old is not None:
                    now.discard(event.old)
                if event.new is not None:
                    now.add(event.new)
        return now

    def updated_at(self, moment: datetime) -> datetime:
        """The last change at or before ``moment``."""
        return max((event.at for event in self.happened(moment)), default=self.created_at)


class Dependency(NamedTuple):
    """``blocker`` blocks ``blocked`` since ``at``; both are (tracker, item id). Across trackers it is a remote link
    on the blocked item (Jira) that names the blocker's address.
    """

    at: datetime
    blocker: tuple[Tracker, int]
    blocked: tuple[Tracker, int]


@dataclass(slots=True)
class Goal:
    """A milestone of any kind: version, sprint, GitLab milestone. Its date changes are in ``events``."""

    id: int
    tracker: Tracker
    project: str | None  # None: a GitLab group milestone
    group: str | None
    kind: Literal["version", "sprint", "milestone"]
    number: int  # iid at GitLab
    name: str
    created_at: datetime
    initial: dict[
        str, str | None
    ]  # start_on, due_on (ISO), state: open|closed (sprints: future|active|closed), closed_on (sprints only)
    events: list[Event] = field(default_factory=list)

    def value(self, name: str, moment: datetime) -> str | None:
        """A field at ``moment``."""
        now = self.initial.get(name)
        for event in self.events:
            if event.at <= moment and event.field == name:
                now = event.new
        return now


@dataclass(slots=True)
class TrackedProject:
    """A tracker project. ``statuses`` maps its status names (GitLab: workflow labels) to todo|doing|done|undefined."""

    id: int
    tracker: Tracker
    key: str
    name: str
    statuses: dict[str, str]
    estimates: bool
    character: str  # steady, growing, dormant, watermelon, small, ...: what the generator made of it
    created_at: datetime
    reported_health: dict[str, str] = field(default_factory=dict)  # ISO date -> on_track|needs_attention|at_risk
    is_archived: bool = False  # now: read-only; Jira lists its issues no more, GitLab does
    is_hidden: bool = False  # from our account, as servers made from now on show it


class Worker(NamedTuple):
    """A fictitious person."""

    id: str
    login: str
    name: str

    @property
    def email(self) -> str:
        """Trackers show it; nothing may store it."""
        return f"{self.login}@arunika.example"


@dataclass(slots=True)
class Company:
    """The whole truth, and the present moment."""

    seed: int
    started_on: date
    now: datetime
    projects: list[TrackedProject]
    items: list[Item]
    goals: list[Goal]
    dependencies: list[Dependency]
    workers: list[Worker]
    programmes: dict[str, tuple[str, ...]]  # programme id -> PMO project ids
    config: str = ""  # the PMO's configuration without addresses: projects, programmes, roles (TOML)
    # statuses (GitLab: workflow labels) that were given another name, and when; items and events keep the first one
    renamed: dict[tuple[Tracker, str], tuple[datetime, str]] = field(default_factory=dict)
    addresses: dict[Tracker, str] = field(  # where each tracker is; whoever starts a server writes its URL here
        default_factory=lambda: {
            "cloud": "https://arunika.atlassian.example",
            "dc": "https://jira.arunika.example",
            "gitlab": "https://gitlab.arunika.example",
        }
    )

    def url(self, item: Item) -> str:
        """Where people look at the item."""
        path = f"{item.project}/-/issues/{item.number}" if item.tracker == "gitlab" else f"browse/{item.key}"
        return f"{self.addresses[item.tracker]}/{path}"

    def visible(self, tracker: Tracker, project: str | None = None) -> Iterator[Item]:
        """The items that are listed now."""
        shut = {one.key for one in self.projects if one.is_hidden or (one.is_archived and one.tracker != "gitlab")}
        return (
            item
            for item in self.items
            if item.tracker == tracker
            and (project is None or item.project == project)
            and item.is_listed(self.now)
            and item.project not in shut
        )

    def status_name(self, tracker: Tracker, name: str, moment: datetime) -> str:
        """What a status was called at ``moment``."""
        since, shown = self.renamed.get((tracker, name), (moment, name))
        return shown if since <= moment else name

    def move(self, item: Item, project: str) -> None:
        """Move a Jira issue to another project, now: it keeps its id and gets the next free key there."""
        taken = [one.number for one in self.items if one.project == project]
        taken += [
            int(key.rpartition("-")[2])
            for one in self.items
            for key in one.former_keys
            if key.startswith(f"{project}-")
        ]
        before = item.key
        item.project, item.number = project, max(taken, default=0) + 1
        item.events.append(Event(self.now, "project", before, item.key))
