"""The records every tracker becomes, and the words of this code.

source       one configured tracker account, e.g. ``acme-jira``
project      the tracker's own container of issues (Jira project, GitLab project)
issue        one work item; ``issue_id`` is ``source:tracker id`` and survives a change of key
milestone    a named set of issues with a date, of any kind: version, sprint, milestone, iteration.
             Epics are issues with ``level`` >= 1; they become milestones when tables are derived
interval     one stay of one value of one field of one entity: ``since`` inclusive, ``until`` exclusive,
             ``until`` None while it lasts. The state of anything at any past moment is one filter
page         whole issues with their whole history, and the cursor to store in the same transaction
reading      one number of one indicator for one subject
subject      whatever a number is about: portfolio, programme, project, milestone, epic
slot         the place in the world where one document lives

Times are aware UTC ``datetime`` (``*_at``, ``since``, ``until``), days are ``date`` (``*_on``).
Identifiers at the edges are ``source:id`` strings; the store uses integers inside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal, NamedTuple

Category = Literal["todo", "doing", "done", "canceled", "unmapped"]
MilestoneKind = Literal["version", "sprint", "milestone", "iteration", "epic"]
Fate = Literal["here", "moved", "archived", "gone"]  # gone: deleted or hidden from us; trackers do not say which

# Fields of an interval whose entity is an issue, one value at a time ...
SINGLE_FIELDS: Final = (
    "status",  # value: status_id, label: the tracker's name
    "resolution",  # value: tracker id or name, label: name; no interval while unresolved
    "kind",  # issue type name (value == label)
    "priority",  # value: id or name, label: name
    "estimate",  # value: number as text
    "due_on",  # value: ISO date
    "start_on",  # value: ISO date
    "flagged",  # value: "true"
    "assignee",  # value: person_id, label empty
    "parent",  # value: issue_id, label: key
    "project",  # value: project_id, label: project key
    "health",  # value: on_track | needs_attention | at_risk (reported, not computed)
)
# ... and sets, one interval per member.
SET_FIELDS: Final = (
    "milestone",  # value: milestone_id, label: name
    "label",  # value == label: the label's text
    "blocks",  # value: issue_id, or the URL of an issue in another tracker; label: key
    "blocked_by",  # the same, other direction
    "relates",  # the same, no direction (duplicates and clones too)
)
# Of a milestone: name, state, start_on, due_on, closed_on; they grow by comparing snapshots, in the record.


class Project(NamedTuple):
    """A tracker's own project. ``key`` is what people type: ``PAY`` or ``group/app``."""

    project_id: str
    source: str
    key: str
    name: str
    url: str
    is_archived: bool


class Status(NamedTuple):
    """A workflow status with the tracker's own category; None where the tracker gives none."""

    status_id: str
    source: str
    name: str
    category: Category | None


class Milestone(NamedTuple):
    """A milestone as the tracker shows it now. ``state`` is ``open`` or ``closed``."""

    milestone_id: str
    source: str
    project_id: str | None  # None: belongs to a group of projects
    kind: MilestoneKind
    name: str
    state: Literal["open", "closed"]
    start_on: date | None
    due_on: date | None
    closed_on: date | None
    url: str


class Issue(NamedTuple):
    """What an issue is now; everything that changes over time is in its intervals."""

    issue_id: str
    source: str
    project_id: str
    key: str
    title: str
    kind: str
    level: int  # -1 sub-task, 0 issue, >= 1 epic and above
    created_at: datetime
    updated_at: datetime
    url: str
    is_confidential: bool
    superseded: Literal["", "moved", "duplicate", "promoted"] = ""  # closed, but never delivered


class Interval(NamedTuple):
    """One stay of one value: ``entity_id`` had ``value`` in ``field`` from ``since`` to ``until``."""

    entity_id: str
    field: str
    value: str
    label: str
    since: datetime
    until: datetime | None


class Person(NamedTuple):
    """The separable name table: nothing else in the store holds a name."""

    person_id: str
    source: str
    name: str


class Trace(NamedTuple):
    """What became of an issue that a project no longer shows, as far as the server tells."""

    issue_id: str
    fate: Fate
    where: str = ""  # moved: its key now


class FieldChoice(NamedTuple):
    """Which of the tracker's fields one of ours is read from, and what else it could be."""

    ours: str
    chosen: tuple[str, ...]  # ids, in order of preference; empty: none, or the configuration must say which
    candidates: tuple[tuple[str, str], ...]  # (id, name) of every field that could be meant


class Problem(NamedTuple):
    """One record that could not be read; the rest of its page was."""

    subject: (
        str  # milestone, project; of an issue its key, or where that must not be told "id 123" or "group/app: id 123"
    )
    what: str  # one line


@dataclass(frozen=True, slots=True)
class Page:
    """Whole issues with their whole history. Storing a page twice changes nothing."""

    issues: tuple[Issue, ...]
    intervals: tuple[Interval, ...]
    people: tuple[Person, ...]
    problems: tuple[Problem, ...]
    cursor: str  # resume here once this page is stored
    refetched: int = 0  # of these issues, those whose history came cut and was read again, whole
    notes: tuple[Problem, ...] = ()  # what the certificate says beside: nothing has to be read again for it


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that is refreshed in full on each run, for the configured projects."""

    projects: tuple[Project, ...]
    statuses: tuple[Status, ...]
    milestones: tuple[Milestone, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()  # absent without harm: a tier, an add-on, a kind of board
    fields: tuple[FieldChoice, ...] = ()  # empty where the tracker's fields are fixed
    boards: int = 0


@dataclass(frozen=True, slots=True)
class Census:
    """What the server says a project holds now."""

    project_id: str
    count: int | None  # None: the server gives no count
    issue_ids: frozenset[str] | None = None  # None: not swept
    changed_at: Mapping[str, datetime] = field(
        default_factory=dict
    )  # of these, when each changed last, where the list tells


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are to a tracker."""

    account: str  # a technical id or login, never shown in reports
    server: str  # product and version, e.g. "Jira Data Center 9.12.4"
    now: datetime | None  # the server's clock, for skew
    token_expires_on: date | None = None
    scopes: tuple[str, ...] = ()  # of the token, where the server tells


def person_id(source: str, native: str) -> str:
    """A pseudonym for a person: the same within a source, not reversible without the tracker."""
    digest = hashlib.blake2b(f"{source}\0{native}".encode(), digest_size=8).hexdigest()
    return f"{source}:person-{digest}"
