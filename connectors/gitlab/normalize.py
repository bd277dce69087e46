"""GitLab's raw JSON -> records. Pure: no input or output, no clock.

What GitLab logs and what it does not (REST, all tiers; facts from GitLab's API documentation and source):

* state: events since 13.2; the initial ``opened`` is never logged, a close before 13.2 is known by ``closed_at``;
* labels: events since 11.2 with the label's present name, or ``null`` once the label is deleted;
* milestone, iteration: a change from one to another logs only the ``add`` of the new one, which ends the old;
* weight: events on paid tiers;
* links: their creation, not their removal;
* assignee, due and start date, health, type: not at all. The present value counts from the issue's creation.

Where the events and the issue disagree, the issue is right as of its ``updated_at``, unless an event is newer.
Epics (``epic`` on paid tiers) have no issue of their own in REST's listing, so no parent is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, NamedTuple

from connectors.gitlab.stays import Change, Stay, stays_of_one, stays_of_set
from pmo_sync.errors import DataError
from pmo_sync.model import Interval, Issue, Milestone, Person, Project, Status, person_id

Json = dict[str, Any]
LINKS: Final = {"blocks": "blocks", "is_blocked_by": "blocked_by", "relates_to": "relates"}
LEVELS: Final = {"task": -1}
SHAPE_ERRORS: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


class Raw(NamedTuple):
    """One issue as listed, with the events and links fetched for it."""

    issue: Json
    states: Sequence[Json] = ()
    labels: Sequence[Json] = ()
    milestones: Sequence[Json] = ()
    links: Sequence[Json] = ()
    iterations: Sequence[Json] = ()  # paid tiers
    weights: Sequence[Json] = ()  # paid tiers


class Record(NamedTuple):
    """One whole issue."""

    issue: Issue
    intervals: tuple[Interval, ...]
    people: tuple[Person, ...]


def text(value: Any) -> str:
    """A text the store and every writer can hold: no NUL, no half of a surrogate pair."""
    return str(value or "").replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def moment(value: Any) -> datetime:
    """An ISO 8601 time with its zone, as UTC."""
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        msg = f"time {value!r} has no zone"
        raise ValueError(msg)
    return found.astimezone(UTC)


def _day(value: Any) -> date | None:
    return date.fromisoformat(str(value)[:10]) if value else None


def _shape(error: Exception) -> str:
    return f"no {error.args[0]!r}" if isinstance(error, KeyError) else text(error)[:120] or type(error).__name__


def project(raw: Json, source: str) -> Project:
    """Raises DataError."""
    try:
        return Project(
            project_id=f"{source}:{int(raw['id'])}",
            source=source,
            key=text(raw["path_with_namespace"]),
            name=text(raw.get("name_with_namespace") or raw["name"]),
            url=text(raw.get("web_url")),
            is_archived=bool(raw.get("archived")),
        )
    except SHAPE_ERRORS as error:
        raise DataError(f"project {text(raw.get('id'))}", _shape(error)) from None


def statuses(labels: Sequence[Json], source: str, workflow: str | None) -> list[Status]:
    """``opened`` and ``closed``, and the workflow labels, whose category only the configuration knows."""
    names = sorted({text(label.get("name")) for label in labels} - {""})
    found = [Status(f"{source}:opened", source, "opened", "todo"), Status(f"{source}:closed", source, "closed", "done")]
    return found + [Status(f"{source}:{name}", source, name, None) for name in names if _is_workflow(name, workflow)]


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
            start_on=_day(raw.get("start_date")),
            due_on=_day(raw.get("due_date")),
            closed_on=None,
            url=text(raw.get("web_url")),
        )
    except SHAPE_ERRORS as error:
        raise DataError(f"milestone {text(raw.get('id'))}", _shape(error)) from None


def iteration(raw: Json, source: str) -> Milestone:
    """A group's iteration; its state counts 1 upcoming, 2 current, 3 closed. Raises DataError."""
    try:
        is_closed = raw.get("state") in (3, "closed")
        return Milestone(
            milestone_id=f"{source}:iteration:{int(raw['id'])}",
            source=source,
            project_id=None,
            kind="iteration",
            name=_iteration_name(raw),
            state="closed" if is_closed else "open",
            start_on=_day(raw.get("start_date")),
            due_on=_day(raw.get("due_date")),
            closed_on=_day(raw.get("due_date")) if is_closed else None,  # iterations close by the calendar
            url=text(raw.get("web_url")),
        )
    except SHAPE_ERRORS as error:
        raise DataError(f"iteration {text(raw.get('id'))}", _shape(error)) from None


def _iteration_name(raw: Json) -> str:
    """Automatic cadences leave the title null."""
    return text(raw.get("title")) or f"{raw['start_date']} / {raw['due_date']}"


def issue(raw: Raw, owner: Project, source: str, workflow: str | None) -> Record:
    """One whole issue of the project ``owner``. Raises DataError, naming it by its key as far as it has one."""
    row = raw.issue
    try:
        return _issue(raw, owner, source, workflow)
    except SHAPE_ERRORS as error:
        subject = f"{owner.key}#{text(row.get('iid'))}" if row.get("iid") else f"{owner.key}: id {text(row.get('id'))}"
        raise DataError(subject, _shape(error)) from None


def _issue(raw: Raw, owner: Project, source: str, workflow: str | None) -> Record:
    row = raw.issue
    iid, born, updated = int(row["iid"]), moment(row["created_at"]), moment(row["updated_at"])
    kind = text(row.get("issue_type") or row.get("type") or "issue").lower()
    state = row["state"]
    if state not in ("opened", "closed"):
        msg = f"unknown state {state!r}"
        raise ValueError(msg)
    made = Issue(
        issue_id=f"{source}:{int(row['id'])}",
        source=source,
        project_id=f"{source}:{int(row['project_id'])}",
        key=_key(row) or f"{owner.key}#{iid}",
        title=text(row["title"]),
        kind=kind,
        level=LEVELS.get(kind, 0),
        created_at=born,
        updated_at=max(updated, born),
        url=text(row.get("web_url")),
        is_confidential=bool(row.get("confidential")),
        superseded=_superseded(row) if state == "closed" else "",
    )
    found: list[Interval] = []

    def add(field: str, stays: Sequence[Stay], prefix: str = "", names: dict[str, str] | None = None) -> None:
        for stay in stays:
            label = stay.value if names is None else names.get(stay.value, "")
            found.append(Interval(made.issue_id, field, prefix + stay.value, label, stay.since, stay.until))

    def constant(field: str, value: str, label: str) -> None:
        found.append(Interval(made.issue_id, field, value, label, born, None))

    labels = stays_of_set({text(one) for one in map(_label_name, row.get("labels") or ())} - {""},
                          _changes(raw.labels, "label", "name"), born, updated)  # fmt: skip
    add("status", _statuses(raw, labels, born, updated, workflow), f"{source}:")
    add("label", labels)
    for field, events in (("milestone", raw.milestones), ("iteration", raw.iterations)):
        now = row.get(field) or None
        names = {str(one["id"]): _title(one) for one in [now, *(event.get(field) for event in events)] if one}
        stays = stays_of_one(str(now["id"]) if now else None, _changes(events, field, "id"), born, updated)
        add("milestone", stays, f"{source}:{field}:", names)
    add("estimate", _weights(raw, born, updated))
    constant("kind", kind, kind)
    constant("project", made.project_id, owner.key)
    for field, key in (("due_on", "due_date"), ("start_on", "start_date")):
        day = _day(row.get(key))
        if day:
            constant(field, day.isoformat(), day.isoformat())
    if row.get("health_status"):
        constant("health", text(row["health_status"]), text(row["health_status"]))
    people = _assignee(row, source)
    if people:
        constant("assignee", people[0], "")
    for link in raw.links:
        since = max(moment(link["link_created_at"]), born) if link.get("link_created_at") else born
        field = LINKS.get(link.get("link_type") or "relates_to", "relates")
        label = _key(link) or text(link.get("web_url"))
        found.append(Interval(made.issue_id, field, f"{source}:{int(link['id'])}", label, since, None))
    named = (Person(people[0], source, people[1]),) if people and people[1] else ()
    return Record(made, tuple(found), named)


def _key(row: Json) -> str:
    return text((row.get("references") or {}).get("full"))


def _label_name(label: Any) -> Any:
    return label["name"] if isinstance(label, dict) else label  # with_labels_details


def _title(box: Json) -> str:
    return text(box.get("title")) or (_iteration_name(box) if box.get("start_date") else str(box["id"]))


def _is_workflow(label: str, workflow: str | None) -> bool:
    return bool(workflow) and label.startswith(workflow or "")


def _superseded(row: Json) -> Literal["", "moved", "duplicate"]:
    if row.get("moved_to_id"):
        return "moved"
    return "duplicate" if (row.get("_links") or {}).get("closed_as_duplicate_of") else ""


def _in_order(events: Sequence[Json]) -> list[Json]:
    return sorted(events, key=lambda event: (moment(event["created_at"]), event.get("id") or 0))


def _changes(events: Sequence[Json], member: str, key: str) -> list[Change]:
    """Add and remove events; one whose member is deleted since (null) says nothing any more."""
    return [
        Change(moment(event["created_at"]), text(event[member][key]), event["action"] == "add")
        for event in _in_order(events)
        if event.get(member)
    ]


def _statuses(raw: Raw, labels: Sequence[Stay], born: datetime, updated: datetime, workflow: str | None) -> list[Stay]:
    """``closed``; while open, the workflow label added last, else ``opened``."""
    row = raw.issue
    changes = [
        Change(moment(event["created_at"]), "closed" if event["state"] == "closed" else "opened", True)
        for event in _in_order(raw.states)
        if event["state"] in ("opened", "closed", "reopened")
    ]
    settled = moment(row["closed_at"]) if row["state"] == "closed" and row.get("closed_at") else updated
    states = stays_of_one(row["state"], changes, born, updated, initial="opened", settled=settled)
    steps = [stay for stay in labels if _is_workflow(stay.value, workflow)]
    if not steps:
        return states
    moments = {edge for stay in (*states, *steps) for edge in (stay.since, stay.until) if edge}
    found: list[Stay] = []
    for at in sorted(moments):
        value = next(stay.value for stay in states if stay.holds(at))
        if value == "opened":
            value = next((stay.value for stay in reversed(steps) if stay.holds(at)), value)
        if not found or found[-1].value != value:
            if found:
                found[-1] = found[-1]._replace(until=at)
            found.append(Stay(value, at, None))
    return found


def _weights(raw: Raw, born: datetime, updated: datetime) -> list[Stay]:
    weight = raw.issue.get("weight")
    changes = [
        Change(moment(event["created_at"]), None if event.get("weight") is None else str(event["weight"]), True)
        for event in _in_order(raw.weights)
    ]
    return stays_of_one(None if weight is None else str(weight), changes, born, updated)


def _assignee(row: Json, source: str) -> tuple[str, str] | None:
    """The first of the assignees (several on paid tiers): pseudonym and name."""
    user = next(iter(row.get("assignees") or ()), row.get("assignee"))
    if not user:
        return None
    if isinstance(user, dict):
        return person_id(source, str(user["id"])), text(user.get("name"))
    return person_id(source, str(user)), ""
