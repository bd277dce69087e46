"""Rows of the folder -> records. Pure: no input or output, no clock. Every function raises DataError."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple, TypeVar, cast, get_args

from pmo_sync.errors import DataError
from pmo_sync.model import (
    SET_FIELDS,
    SINGLE_FIELDS,
    Category,
    Interval,
    Issue,
    Milestone,
    MilestoneKind,
    Person,
    Project,
    Status,
    person_id,
)
from pmo_sync.text import clean

Json = Mapping[str, Any]
T = TypeVar("T")
ID_VALUES: Final = frozenset({"status", "milestone", "parent", "project", "blocks", "blocked_by", "relates"})
FIELDS: Final = frozenset({*SINGLE_FIELDS, *SET_FIELDS})
ALWAYS: Final = ("status", "kind", "project")
FALSE: Final = (None, False, 0, "", "0", "false", "False", "FALSE")  # what says that an issue is not confidential
SUPERSEDED: Final = ("", "moved", "duplicate", "promoted")
OPEN: Final = "open"  # the status before ``done_at`` where no history is given


class Record(NamedTuple):
    """One whole issue."""

    issue: Issue
    intervals: tuple[Interval, ...]
    people: tuple[str, ...]  # pseudonyms of those it names


class _Row:
    """One row, read with the name of what is wrong."""

    def __init__(self, row: Json, subject: str) -> None:
        self._row = row
        self._subject = subject

    def wrong(self, what: str) -> DataError:
        return DataError(self._subject, what)

    def text(self, name: str, default: str | None = None) -> str:
        value = self._row.get(name, default)
        if value is None:
            raise self.wrong(f"no {name!r}")
        if isinstance(value, dict | list):
            raise self.wrong(f"{name} is no text")
        return clean(value)

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise self.wrong(f"{name} is {value[:40]!r}, not one of {', '.join(filter(None, allowed))}")
        return value

    def number(self, name: str, default: int) -> int:
        return cast("int", self._parsed(name, int, "a whole number", default))

    def flag(self, name: str) -> bool:
        words = {"true": True, "1": True, "false": False, "0": False}
        return cast("bool", self._parsed(name, lambda value: words[str(value).lower()], "true or false", False))

    def moment(self, name: str) -> datetime | None:
        return self._parsed(name, _moment, "an ISO 8601 time with its zone, such as 2026-03-31T09:00:00Z", None)

    def day(self, name: str) -> date | None:
        return self._parsed(name, _day, "a day such as 2026-03-31", None)

    def _parsed(self, name: str, parse: Callable[[Any], T], wanted: str, default: T | None) -> T | None:
        value = self._row.get(name)
        if value is None:
            return default
        try:
            return parse(value)
        except (ValueError, TypeError, KeyError, OverflowError):
            raise self.wrong(f"{name} is {clean(value)[:40]!r}, not {wanted}") from None


def _moment(value: Any) -> datetime:
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError
    return found.astimezone(UTC)


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return date.fromisoformat(value)


def project(row: Json, source: str, where: str) -> Project:
    """One line of ``projects``."""
    read = _Row(row, where)
    key = read.text("key")
    return Project(
        project_id=f"{source}:{read.text('project_id')}",
        source=source,
        key=key,
        name=read.text("name", key),
        url=read.text("url", ""),
        is_archived=read.flag("is_archived"),
    )


def status(row: Json, source: str, where: str) -> Status:
    """One line of ``statuses``."""
    read = _Row(row, where)
    category = read.choice("category", ("", *get_args(Category)), "")
    return Status(
        f"{source}:{read.text('status_id')}",
        source,
        read.text("name"),
        cast("Category", category) if category else None,
    )


def milestone(row: Json, source: str, where: str) -> Milestone:
    """One line of ``milestones``."""
    read = _Row(row, where)
    owner = read.text("project_id", "")
    return Milestone(
        milestone_id=f"{source}:{read.text('milestone_id')}",
        source=source,
        project_id=f"{source}:{owner}" if owner else None,
        kind=cast("MilestoneKind", read.choice("kind", get_args(MilestoneKind), "milestone")),
        name=read.text("name"),
        state="closed" if read.choice("state", ("open", "closed"), "open") == "closed" else "open",
        start_on=read.day("start_on"),
        due_on=read.day("due_on"),
        closed_on=read.day("closed_on"),
        url=read.text("url", ""),
    )


def person(row: Json, source: str, where: str) -> Person:
    """One line of ``people``."""
    read = _Row(row, where)
    name = read.text("name").partition("@")[0]  # an address is no name
    return Person(person_id(source, read.text("person_id")), source, name)


def issue(row: Json, intervals: Sequence[Json] | None, owner: Project) -> Record:
    """One line of ``issues`` of ``owner`` with its intervals; ``None`` when the folder has no such table."""
    source = owner.source
    is_hidden = row.get("is_confidential") not in FALSE
    read = _Row(row, clean((None if is_hidden else row.get("key")) or row.get("issue_id")))
    born = read.moment("created_at")
    if born is None:
        raise read.wrong("no 'created_at'")
    made = Issue(
        issue_id=f"{source}:{read.text('issue_id')}",
        source=source,
        project_id=f"{source}:{read.text('project_id')}",
        key=read.text("key"),
        title=read.text("title"),
        kind=read.text("kind", "issue"),
        level=read.number("level", 0),
        created_at=born,
        updated_at=max(read.moment("updated_at") or born, born),
        url=read.text("url", ""),
        is_confidential=read.flag("is_confidential"),
        superseded=cast("Any", read.choice("superseded", SUPERSEDED, "")),
    )
    given = _assumed(read, made) if intervals is None else [_interval(one, made, read) for one in intervals]
    found = _checked([*given, *_constants(given, made, owner)], made, read)
    people = tuple(dict.fromkeys(one.value for one in found if one.field == "assignee"))
    return Record(made, tuple(found), people)


def _assumed(read: _Row, made: Issue) -> list[Interval]:
    """Present status and day of completion only."""
    now, born = read.text("status"), made.created_at
    done_at = max(read.moment("done_at") or born, born)
    before = Interval(made.issue_id, "status", f"{made.source}:{OPEN}", OPEN, born, done_at)
    after = Interval(made.issue_id, "status", f"{made.source}:{now}", now, done_at, None)
    return [before, after] if done_at > born else [after]


def _constants(given: Sequence[Interval], made: Issue, owner: Project) -> list[Interval]:
    """Kind and project, where the folder tells no history of them."""
    known = {one.field for one in given}
    constants = (("kind", made.kind, made.kind), ("project", owner.project_id, owner.key))
    return [
        Interval(made.issue_id, field, value, label, made.created_at, None)
        for field, value, label in constants
        if field not in known
    ]


def _interval(row: Json, made: Issue, owner: _Row) -> Interval:
    read = _Row(row, made.key)
    field, value, since, until = read.text("field"), read.text("value"), read.moment("since"), read.moment("until")
    if field not in FIELDS:
        raise owner.wrong(f"interval of the unknown field {field[:40]!r}")
    if since is None:
        raise owner.wrong(f"interval of {field} without 'since'")
    if since < made.created_at:
        raise owner.wrong(f"interval of {field} starts before the issue was created")
    if until is not None and until <= since:
        raise owner.wrong(f"interval of {field} ends before it starts")
    if field == "assignee":
        return Interval(made.issue_id, field, person_id(made.source, value), "", since, until)
    is_id = field in ID_VALUES and "://" not in value
    label = read.text("label", value)
    return Interval(made.issue_id, field, f"{made.source}:{value}" if is_id else value, label, since, until)


def _checked(found: Sequence[Interval], made: Issue, owner: _Row) -> list[Interval]:
    """One value at a time, and what every issue has at every moment; stays that touch are joined."""
    lanes: dict[tuple[str, str], list[Interval]] = defaultdict(list)
    for one in sorted(found, key=lambda one: one.since):
        lane = lanes[one.field, one.value if one.field in SET_FIELDS else ""]
        before = lane[-1] if lane else None
        if before is not None and (before.until is None or before.until > one.since):
            raise owner.wrong(f"intervals of {one.field} overlap at {one.since.isoformat()}")
        if before is not None and before.until == one.since and before.value == one.value:
            lane[-1] = before._replace(until=one.until)
        else:
            lane.append(one)
    for field in ALWAYS:
        lane = lanes.get((field, ""), [])
        edges = [made.created_at, *(one.until for one in lane)]
        if not lane or edges != [*(one.since for one in lane), None]:
            raise owner.wrong(f"no {field} at some moment between its creation and now")
    return [one for lane in lanes.values() for one in lane]
