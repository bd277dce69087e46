"""GitLab's raw JSON -> the records of an issue. Pure: no input or output, no clock.

What GitLab logs and what it does not (facts from GitLab's API documentation and source):

* state: events since 13.2; the initial ``opened`` is never logged, a close before 13.2 is known by ``closed_at``;
* labels: events since 11.2 with the label's present name, or nothing once the label is deleted;
* milestone, iteration: a change from one to another logs only the ``add`` of the new one, which ends the old;
* weight: events on paid tiers;
* links: their creation, not their removal;
* work-item status, assignee, due and start date, health, type, parent: no events. REST tells the present value, which
  counts from the issue's creation; the activity stream (GraphQL) tells the changes.

Where the events and the issue disagree, the issue is right as of its ``updated_at``, unless an event is newer.
REST's listing has no epics, so no parent is recorded from there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from connectors.gitlab.milestones import iteration_name
from connectors.gitlab.statuses import is_workflow
from connectors.gitlab.stays import Change, Stay, stays_of_one, stays_of_set
from connectors.gitlab.values import SHAPE_ERRORS, Json, day, moment, shape, text
from pmo_sync.errors import DataError
from pmo_sync.model import Interval, Issue, Person, Project, person_id

LINKS: Final = {"blocks": "blocks", "is_blocked_by": "blocked_by", "blocked_by": "blocked_by"}
LEVELS: Final = {"task": -1, "epic": 1}


class Raw(NamedTuple):
    """One issue as listed, with the events and links fetched for it.

    ``logged`` holds changes already read from the activity stream, by field; a field in it needs no events.
    """

    issue: Json
    states: Sequence[Json] = ()
    labels: Sequence[Json] = ()
    milestones: Sequence[Json] = ()
    links: Sequence[Json] = ()
    iterations: Sequence[Json] = ()  # paid tiers
    weights: Sequence[Json] = ()  # paid tiers
    logged: Mapping[str, Sequence[Change]] = {}
    titles: Mapping[str, str] = {}  # of the time-boxes named in ``logged``: "milestone:7", "iteration:3"
    steps: Mapping[str, str] = {}  # key of a work-item status -> its name
    closing: Collection[str] = ()  # keys of the work-item statuses that mean closed
    parents: Mapping[str, str] = {}  # id of a parent named in ``logged`` -> its key


class Record(NamedTuple):
    """One whole issue."""

    issue: Issue
    intervals: tuple[Interval, ...]
    people: tuple[Person, ...]
    doubled: str = ""  # its name, where it has several steps of the workflow at once


def issue(raw: Raw, owner: Project, source: str, workflow: str | None) -> Record:
    """One whole issue of the project ``owner``. Raises DataError, naming it as ``named`` does."""
    row = raw.issue
    try:
        return _issue(raw, owner, source, workflow)
    except SHAPE_ERRORS as error:
        raise DataError(named(row, owner), shape(error)) from None


def named(row: Json, owner: Project) -> str:
    """How a problem names an issue: by its key, or by its id where it is confidential or has no number."""
    if row.get("iid") and not row.get("confidential"):
        return f"{owner.key}#{text(row['iid'])}"
    return f"{owner.key}: id {text(row.get('id'))}"


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
        project_id=f"{source}:{int(row['project_id'])}" if "project_id" in row else owner.project_id,
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

    labels = stays_of_set({text(one) for one in map(_label_name, row.get("labels") or ())} - {""},
                          _logged(raw, "label") or _changes(raw.labels, "label", "name"), born, updated)  # fmt: skip
    statuses = _statuses(raw, labels, born, updated, workflow)
    add("status", statuses, f"{source}:", {stay.value: _status_name(stay.value, raw) for stay in statuses})
    add("label", labels)
    for field, events in (("milestone", raw.milestones), ("iteration", raw.iterations)):
        now = row.get(field) or None
        names = {str(one["id"]): _title(one) for one in [now, *(event.get(field) for event in events)] if one}
        for change in _logged(raw, field):
            if change.value is not None:
                names.setdefault(change.value, raw.titles.get(f"{field}:{change.value}", change.value))
        changes = _logged(raw, field) or _changes(events, field, "id")
        stays = stays_of_one(str(now["id"]) if now else None, changes, born, updated)
        add("milestone", stays, f"{source}:{field}:", names)
    add("estimate", _weights(raw, born, updated))
    found.append(Interval(made.issue_id, "project", made.project_id, owner.key, born, None))
    for field, current in (
        ("kind", kind),
        ("due_on", _iso(row.get("due_date"))),
        ("start_on", _iso(row.get("start_date"))),
        ("health", text(row.get("health_status")) or None),
    ):
        add(field, stays_of_one(current, _logged(raw, field), born, updated, initial=_initial(field, current, raw)))
    person = _assignee(row, source)
    assigned = [
        change._replace(value=change.value and person_id(source, change.value)) for change in _logged(raw, "assignee")
    ]
    add("assignee", stays_of_one(person[0] if person else None, assigned, born, updated), names={})
    parent = row.get("parent")
    names = {**raw.parents} | ({str(parent["id"]): text(parent.get("key"))} if parent else {})
    stays = stays_of_one(str(parent["id"]) if parent else None, _logged(raw, "parent"), born, updated)
    add("parent", stays, f"{source}:", names)
    for link in raw.links:
        since = max(moment(link["link_created_at"]), born) if link.get("link_created_at") else born
        field = LINKS.get(text(link.get("link_type")).lower(), "relates")
        label = _key(link) or text(link.get("web_url"))
        found.append(Interval(made.issue_id, field, f"{source}:{int(link['id'])}", label, since, None))
    people = (Person(person[0], source, person[1]),) if person and person[1] else ()
    steps = [stay for stay in labels if stay.until is None and is_workflow(stay.value, workflow)]
    return Record(
        made,
        tuple(found),
        people,
        doubled=named(row, owner) if state == "opened" and len(steps) > 1 else "",
    )


def _logged(raw: Raw, field: str) -> Sequence[Change]:
    return raw.logged.get(field, ())


def _iso(value: Any) -> str | None:
    found = day(value)
    return found.isoformat() if found else None


def _initial(field: str, current: str | None, raw: Raw) -> str | None:
    """An issue always has a type: where the first one is not known, the one known earliest."""
    changes = _logged(raw, field)
    return current if field == "kind" and changes and changes[0].is_added else None


def _key(row: Json) -> str:
    return text((row.get("references") or {}).get("full"))


def _label_name(label: Any) -> Any:
    return label["name"] if isinstance(label, dict) else label  # with_labels_details


def _title(box: Json) -> str:
    return text(box.get("title")) or (iteration_name(box) if box.get("start_date") else str(box["id"]))


def _superseded(row: Json) -> Literal["", "moved", "duplicate", "promoted"]:
    if row.get("moved_to_id"):
        return "moved"
    if row.get("promoted_to"):
        return "promoted"
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
    """While open: the configured workflow label added last, else the work-item status, else ``opened``. While closed:
    the work-item status, else ``closed``. Values are status ids without their source.

    Labels come first because somebody configured them, while on paid tiers every issue has a status by its type. A
    status that does not fit the state (closing sets one without a word in the activity stream) gives way to the state.
    Of several workflow labels at once, which only tiers without exclusive ones allow, that with the greater name counts
    where they came together.
    """
    row = raw.issue
    changes = _logged(raw, "state") or [
        Change(moment(event["created_at"]), "closed" if event["state"] == "closed" else "opened", True)
        for event in _in_order(raw.states)
        if event["state"] in ("opened", "closed", "reopened")
    ]
    settled = moment(row["closed_at"]) if row["state"] == "closed" and row.get("closed_at") else updated
    states = stays_of_one(row["state"], changes, born, updated, initial="opened", settled=settled)
    now = text((row.get("status") or {}).get("key"))
    natives = stays_of_one(now, _steps(raw, now, changes), born, updated, settled=settled) if now else []
    steps = [stay for stay in labels if is_workflow(stay.value, workflow)]
    moments = {edge for stay in (*states, *natives, *steps) for edge in (stay.since, stay.until) if edge}
    found: list[Stay] = []
    for at in sorted(moments):
        value = next(stay.value for stay in states if stay.holds(at))
        step = next((stay.value for stay in reversed(steps) if stay.holds(at)), None) if value == "opened" else None
        native = next((stay.value for stay in natives if stay.holds(at)), None)
        if step is not None:
            value = step
        elif native is not None and (native in raw.closing) == (value == "closed"):
            value = f"status:{native}"
        if not found or found[-1].value != value:
            if found:
                found[-1] = found[-1]._replace(until=at)
            found.append(Stay(value, at, None))
    return found


def _steps(raw: Raw, now: str, states: Sequence[Change]) -> Sequence[Change]:
    """The changes of the work-item status. Its history tells names: where the last one is no status' name any more and
    the issue was neither closed nor reopened since, today's status was called that.
    """
    found = _logged(raw, "step")
    is_renamed = bool(found) and found[-1].is_added and found[-1].value not in {None, *raw.steps}
    if not is_renamed or any(state.at >= found[-1].at for state in states):
        return found
    before = found[-1].value
    return [change._replace(value=now) if change.value == before else change for change in found]


def _status_name(value: str, raw: Raw) -> str:
    key = value.removeprefix("status:")
    return key if key == value else raw.steps.get(key, key)


def _weights(raw: Raw, born: datetime, updated: datetime) -> list[Stay]:
    weight = raw.issue.get("weight")
    changes = _logged(raw, "estimate") or [
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
