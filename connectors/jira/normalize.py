"""Raw JSON -> records. Pure: no input or output, no clock. Descriptions, comments and e-mail addresses stay here.

Two steps, because some ids must be asked for in between: ``draft`` sorts an issue's history by field and says which
keys it needs as ids and whether it has remote links; ``records`` makes the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.jira.fields import Fields
from connectors.jira.links import direction, phrase, remote_links
from connectors.jira.replay import Members, Value, deltas, lists, memberships, stays
from connectors.jira.values import (
    dated,
    day,
    day_before,
    day_value,
    flag_before,
    health,
    ids_of,
    members,
    moment,
    name_before,
    named,
    number,
    sprint,
    text_before,
)
from connectors.jira.wire import History, Item, RawIssue
from connectors.malformed import MALFORMED
from pmo_sync.errors import DataError
from pmo_sync.model import Interval, Issue, Person, person_id
from pmo_sync.text import clean

# what the history calls a field (lower case), and what Cloud's fieldId calls it -> our channel
CHANNELS: Final = {
    "status": "status",
    "resolution": "resolution",
    "issuetype": "kind",
    "priority": "priority",
    "duedate": "duedate",
    "assignee": "assignee",
    "labels": "label",
    "fix version": "version",
    "fixversions": "version",
    "link": "link",
    "issuelinks": "link",
    "remoteissuelink": "remote",
    "parent": "parent",
    "issueparentassociation": "parent",
    "project": "project",
    "key": "key",
    "issuekey": "key",
    # company-managed Cloud projects log these without a custom field's id
    "epic link": "parent",
}
ASKED: Final = (
    "summary", "created", "updated", "project", "issuetype", "status", "resolution", "priority", "assignee",
    "duedate", "parent", "labels", "fixVersions", "issuelinks", "security",
)  # fmt: skip

Change = tuple[datetime, Item]


class Site:
    """What is the same for every issue of one source."""

    def __init__(self, source: str, url: str, fields: Fields, zone: ZoneInfo | None = None) -> None:
        self.source = source
        self.url = url
        self.fields = fields
        self.zone = zone  # of the account: on its calendar moments become days
        self.asked = (*ASKED, *fields.asked())
        self.projects: dict[str, str] = {}  # key -> project_id, of the projects being read
        self._custom = dict(fields.channels)  # id or lower-case name -> channel
        for one, channel in fields.channels.items():
            name = fields.names.get(one, one).lower()
            if name not in fields.shared:
                self._custom.setdefault(name, channel)

    def issue_id(self, native: str) -> str:
        """Our id of an issue."""
        return f"{self.source}:{native}"

    def project_id(self, project: Mapping[str, Any]) -> str:
        """Our id of an issue's project: the catalogue's word first."""
        return self.projects.get(project["key"]) or f"{self.source}:{project['id']}"

    def channel(self, item: Item) -> str | None:
        """Which of our timelines a change belongs to; None: not ours."""
        field_id = item.field_id
        if field_id is not None:
            known = CHANNELS.get(field_id.lower()) or self._custom.get(field_id)
            is_custom = item.kind == "custom" or field_id.startswith("customfield_")  # its name may be a system field's
            return known if known or is_custom else CHANNELS.get(item.field.lower())
        name = item.field.lower()
        if item.kind == "custom":
            return self._custom.get(name)
        return CHANNELS.get(name) or self._custom.get(name)


@dataclass(slots=True)
class Draft:
    """An issue whose history is sorted, before the ids behind keys are known."""

    raw: RawIssue
    born: datetime
    changes: dict[str, list[Change]]
    wanted: set[str] = field(default_factory=set)  # keys whose ids are needed
    has_remote: bool = False

    @property
    def former_keys(self) -> list[str]:
        """What it was called before it moved."""
        return [item.old_text for _, item in self.changes.get("key", ()) if item.old_text]


@dataclass(frozen=True, slots=True)
class Records:
    """What one issue became."""

    issue: Issue
    intervals: list[Interval]
    people: list[Person]


def draft(site: Site, raw: RawIssue) -> Draft:
    """Sort the history by field. Raises DataError where the issue cannot be understood."""
    try:
        return _draft(site, raw)
    except MALFORMED as error:
        raise DataError(raw.named, f"cannot be understood ({type(error).__name__}: {error})") from error


def _draft(site: Site, raw: RawIssue) -> Draft:
    fields = raw.fields
    for name in ("created", "updated", "project", "issuetype", "status"):
        if not fields.get(name):
            raise DataError(raw.named, f"field {name} is missing; the issue is left out")
    made = Draft(raw, moment(fields["created"]), {})
    histories = [(moment(one.created), one) for one in (raw.changelog.histories if raw.changelog else ())]
    for at, history in _in_order(histories):
        for item in history.items:
            channel = site.channel(item)
            if channel is not None:
                made.changes.setdefault(channel, []).append((at, item))
    made.has_remote = "remote" in made.changes
    linked = {key for key, _, _ in _links(fields)}
    logged = {str(key) for _, item in made.changes.get("link", ()) for key in (item.old, item.new) if key}
    made.wanted = {key for key in logged - linked if not key.isdecimal()}
    parent = _parent(site, made, {})
    if parent is not None and not parent[0]:
        made.wanted.add(parent[1])
    return made


def _in_order(histories: list[tuple[datetime, History]]) -> list[tuple[datetime, History]]:
    """By time; those of one moment keep their order, also where the server lists the newest first."""
    if len(histories) > 1 and histories[0][0] > histories[-1][0]:
        histories.reverse()
    histories.sort(key=lambda one: one[0])
    return histories


def records(site: Site, made: Draft, ids: Mapping[str, str], remote: Sequence[Mapping[str, Any]]) -> Records:
    """The records of one issue. ``ids`` gives native ids for wanted keys; a key without one is hidden from us."""
    try:
        return _records(site, made, ids, remote)
    except MALFORMED as error:
        raise DataError(made.raw.named, f"cannot be understood ({type(error).__name__}: {error})") from error


def _records(site: Site, made: Draft, ids: Mapping[str, str], remote: Sequence[Mapping[str, Any]]) -> Records:
    raw, fields, born = made.raw, made.raw.fields, made.born
    kind, project = fields["issuetype"], fields["project"]
    issue = Issue(
        issue_id=site.issue_id(raw.id),
        source=site.source,
        project_id=site.project_id(project),
        key=clean(raw.key),
        title=clean(fields.get("summary") or raw.key),
        kind=clean(kind["name"]),
        level=_level(kind),
        created_at=born,
        updated_at=max(born, moment(fields["updated"])),
        url=f"{site.url}/browse/{raw.key}",
        is_confidential=bool(fields.get("security")),
    )
    builder = _Builder(site, made, issue.issue_id)
    builder.plain()
    builder.custom()
    builder.people()
    builder.parent(ids)
    builder.sets()
    builder.links(ids)
    if made.has_remote:
        for name, url, label, since in remote_links(remote, made.changes["remote"], born):
            builder.made.append(Interval(issue.issue_id, name, clean(url), clean(label), since, None))
    return Records(issue, builder.made, list(builder.persons.values()))


def _level(kind: Mapping[str, Any]) -> int:
    """-1 sub-task, 0 issue, 1 epic and more: Cloud says so, Data Center knows sub-tasks and a type named Epic."""
    level = kind.get("hierarchyLevel")
    if isinstance(level, int) and not isinstance(level, bool):
        return max(-1, level)
    if kind.get("subtask"):
        return -1
    return 1 if str(kind.get("untranslatedName") or kind["name"]).strip().lower() == "epic" else 0


class _Builder:
    """Collects the intervals of one issue."""

    def __init__(self, site: Site, made: Draft, entity: str) -> None:
        self.site = site
        self.fields = made.raw.fields
        self.born = made.born
        self.changes = made.changes
        self.draft = made
        self.entity = entity
        self.made: list[Interval] = []
        self.persons: dict[str, Person] = {}

    def _stays(self, name: str, channel: str, now: Value, read: Any) -> bool:
        """Add a single-valued field; ``read`` turns a change into the value it replaced."""
        changes = self.changes.get(channel)
        if changes is None:
            if now is not None:
                self.made.append(Interval(self.entity, name, now[0], now[1], self.born, None))
            return now is not None
        found = stays(self.entity, name, self.born, [(at, read(item)) for at, item in changes], now)
        self.made += found
        return bool(found)

    def plain(self) -> None:
        """The system's fields."""
        prefix = f"{self.site.source}:"
        status = self.fields["status"]
        changes = self.changes.get("status", ())
        known: dict[str, Any] = {}
        if not all(item.old for _, item in changes):  # old exports have names only
            known = {str(item.new_text): item.new for _, item in changes if item.new}
            known |= {str(item.old_text): item.old for _, item in changes if item.old}
            known[status["name"]] = status["id"]

        def state(item: Item) -> Value:
            native = item.old or known.get(str(item.old_text)) or item.old_text
            return (f"{prefix}{native}", clean(item.old_text or native)) if native else None

        self._stays("status", "status", (f"{prefix}{status['id']}", clean(status["name"])), state)
        for name in ("resolution", "priority"):
            value = self.fields.get(name)
            now = (str(value["id"]), clean(value["name"])) if value else None
            self._stays(name, name, now, name_before)
        kind = clean(self.fields["issuetype"]["name"])
        self._stays("kind", "kind", (kind, kind), text_before)
        project = self.fields["project"]
        keys = {at: str(item.old_text).rpartition("-")[0] for at, item in self.changes.get("key", ()) if item.old_text}
        moves = [
            (at, (f"{prefix}{item.old}", clean(keys.get(at) or item.old_text)) if item.old else None)
            for at, item in self.changes.get("project", ())
        ]
        now = (self.site.project_id(project), clean(project["key"]))
        self.made += stays(self.entity, "project", self.born, moves, now)

    def custom(self) -> None:
        """Fields with ids of their own: of several candidates, the first this issue has ever used."""
        due = day(self.fields.get("duedate"))
        if not self._stays("due_on", "duedate", day_value(due), day_before):
            self._first("due_on", dated, day_before)
        self._first("start_on", dated, day_before)
        self._first("estimate", number, lambda item: number(item.old_text or item.old))
        self._first("flagged", lambda value: ("true", "") if value else None, flag_before)
        self._first("health", health, lambda item: health(item.old_text))

    def _first(self, name: str, read_now: Any, read_before: Any) -> None:
        for field_id in self.site.fields.of(name):
            if self._stays(name, field_id, read_now(self.fields.get(field_id)), read_before):
                return

    def people(self) -> None:
        """Assignees, as pseudonyms; their names go to the name table and nowhere else."""
        user = self.fields.get("assignee")
        now = None
        if user:
            now = self._person(user.get("accountId") or user.get("key") or user.get("name"), user.get("displayName"))
        changes = self.changes.get("assignee", ())
        for _, item in changes:
            self._person(item.new, item.new_text)
        self._stays("assignee", "assignee", now, lambda item: self._person(item.old, item.old_text))

    def _person(self, native: Any, name: Any) -> Value:
        if not native:
            return None
        person = person_id(self.site.source, str(native))
        shown = clean(name or "").partition("@")[0]  # some sites show addresses as names
        if shown and person not in self.persons:
            self.persons[person] = Person(person, self.site.source, shown)
        return person, ""

    def parent(self, ids: Mapping[str, str]) -> None:
        """Sub-task's parent, epic, or a level above: one timeline, whatever field holds it."""

        def value(native: Any, key: Any) -> Value:
            native = native or ids.get(str(key))
            return (self.site.issue_id(str(native)), clean(key or "")) if native else None

        now = _parent(self.site, self.draft, ids)
        self._stays("parent", "parent", value(*now) if now else None, lambda item: value(item.old, item.old_text))

    def sets(self) -> None:
        """Labels, versions and sprints."""
        source = self.site.source
        now = frozenset(clean(one) for one in members(self.fields.get("labels")))
        whole = [
            (at, frozenset(clean(item.old_text).split()) if item.old_text else frozenset[str]())
            for at, item in self.changes.get("label", ())
        ]
        every = now.union(*(before for _, before in whole))
        if every:
            states = lists(whole, now, self.born)
            self.made += memberships(self.entity, "label", states, {one: (one, one) for one in every})

        names: dict[str, str] = {}
        moves: list[tuple[datetime, Members, Members]] = []
        for at, item in self.changes.get("version", ()):
            moves.append((at, ids_of(item.old), ids_of(item.new)))
            for native, text in ((item.old, item.old_text), (item.new, item.new_text)):
                if native:
                    names[str(native)] = clean(text or "")
        versions = {str(one["id"]): clean(one["name"]) for one in members(self.fields.get("fixVersions"))}
        names |= versions
        if names:
            states = deltas(moves, frozenset(versions), self.born)
            values = {one: (f"{source}:version:{one}", name) for one, name in names.items()}
            self.made += memberships(self.entity, "milestone", states, values)

        for field_id in self.site.fields.of("sprint"):
            sprints = dict(sprint(one) for one in members(self.fields.get(field_id)))
            current = frozenset(sprints)
            logged = self.changes.get(field_id, ())
            for _, item in logged:
                for native, text in ((item.old, item.old_text), (item.new, item.new_text)):
                    sprints |= {one: name for one, name in named(native, text) if not sprints.get(one)}
            if sprints:
                states = lists([(at, ids_of(item.old)) for at, item in logged], current, self.born)
                values = {one: (f"{source}:sprint:{one}", name) for one, name in sprints.items()}
                self.made += memberships(self.entity, "milestone", states, values)
                return

    def links(self, ids: Mapping[str, str]) -> None:
        """Links within this Jira. Jira logs the other issue's key of that day; the direction stands in the sentence."""
        natives = dict(ids)
        present: dict[str, tuple[str, str]] = {}
        shown: dict[str, list[str]] = {}  # native id -> members
        for key, native, name in _links(self.fields):
            natives[key] = native
            present[f"{name} {native}"] = (self.site.issue_id(native), clean(key))
            shown.setdefault(native, []).append(f"{name} {native}")
        values = dict(present)

        def linked(logged: Any, sentence: str | None) -> Members:
            key = str(logged or "")
            native = key if key.isdecimal() else natives.get(key)
            if not native:
                return frozenset()
            member = f"{direction(phrase(sentence, key))} {native}"
            here = shown.get(native, ())
            if member not in present and len(here) == 1:
                member = here[0]  # the words of the link type have changed since
            values.setdefault(member, (self.site.issue_id(native), clean(key)))
            return frozenset((member,))

        moves = [
            (at, linked(item.old, item.old_text), linked(item.new, item.new_text))
            for at, item in self.changes.get("link", ())
        ]
        if not values:
            return
        states = deltas(moves, frozenset(present), self.born)
        for name in ("blocks", "blocked_by", "relates"):
            own = {member: value for member, value in values.items() if member.startswith(f"{name} ")}
            if own:
                self.made += memberships(self.entity, name, states, own)


def _parent(site: Site, made: Draft, ids: Mapping[str, str]) -> tuple[str, str] | None:
    """Native id and key of the present parent; the id is empty while only the key is known."""
    value = made.raw.fields.get("parent")
    if isinstance(value, dict) and value.get("id"):
        return str(value["id"]), str(value.get("key") or "")
    for name in ("epic_link", "parent_link"):
        for field_id in site.fields.of(name):
            value = made.raw.fields.get(field_id)
            if isinstance(value, dict):
                value = value.get("data") or value
                return str(value.get("id") or ids.get(str(value.get("key")), "")), str(value.get("key") or "")
            if value:
                for _, item in reversed(made.changes.get("parent", ())):
                    if item.new and item.new_text == value:
                        return str(item.new), str(value)
                return ids.get(str(value), ""), str(value)
    return None


def _links(fields: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(key, native id, our field) of the present links."""
    found = []
    for link in members(fields.get("issuelinks")):
        inward = link.get("inwardIssue")
        other = inward or link.get("outwardIssue")
        if other:
            kind = link.get("type") or {}
            phrase = kind.get("inward" if inward else "outward") or ""
            found.append(
                (str(other["key"]), str(other["id"]), direction(phrase, kind.get("name"), is_inward=bool(inward)))
            )
    return found
