"""What one Jira holds: the company's items seen through ``company.now``, and what was written since it started.

Nothing here is JSON; ``jira_wire`` words it for Cloud and Data Center.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from pmo_sync.demo.company import Company, Dependency, Goal, Item, TrackedProject, Tracker, Worker

TYPES: Final = {"Epic": ("10000", 1), "Story": ("10001", 0), "Task": ("10002", 0), "Sub-task": ("10003", -1),
                "Bug": ("10004", 0), "Risk": ("10005", 0), "Decision": ("10006", 0)}  # fmt: skip
PRIORITIES: Final = {"Highest": "1", "High": "2", "Medium": "3", "Low": "4", "Lowest": "5"}
RESOLUTIONS: Final = {"Done": "10000", "Won't Do": "10001", "Duplicate": "10002"}
CATEGORIES: Final = {  # ours -> id, key, colour, name
    "undefined": (1, "undefined", "medium-gray", "No Category"),
    "todo": (2, "new", "blue-gray", "To Do"),
    "doing": (4, "indeterminate", "yellow", "In Progress"),
    "done": (3, "done", "green", "Done"),
}
NAMES_OF_TRACKERS: Final[dict[Tracker, str]] = {
    "cloud": "Arunika Jira Cloud",
    "dc": "Arunika Jira",
    "gitlab": "Arunika GitLab",
}
_FIRST_LINK: Final = 10_400


class Change(NamedTuple):
    """One changed field in Jira's words, before a flavour gives it its name."""

    field: str  # our word: status, sprint, version, link, remote_link, ...
    old: str | None
    old_text: str | None
    new: str | None
    new_text: str | None


class History(NamedTuple):
    """What was changed at once."""

    id: str
    at: datetime
    author: Worker
    changes: tuple[Change, ...]


@dataclass(slots=True)
class Comment:
    """A comment; ``properties`` are the entity properties publishers keep with it."""

    id: int
    author: Worker
    body: Any
    created_at: datetime
    updated_at: datetime
    properties: dict[str, Any] = field(default_factory=dict)
    editor: Worker | None = None  # who changed it last, if anybody did


@dataclass(slots=True)
class RemoteLink:
    """A link to something outside, as it was put."""

    id: int
    at: datetime
    global_id: str | None
    body: dict[str, Any]  # application, relationship, object


class Site:
    """One Jira: ``tracker`` is ``cloud`` or ``dc``, ``zone`` the API user's."""

    def __init__(self, company: Company, tracker: Tracker, zone: str, account: Worker) -> None:
        self.company = company
        self.tracker = tracker
        self.zone = ZoneInfo(zone)
        self.account = account
        self.is_anonymous = False  # of the request being answered
        self.projects = [one for one in company.projects if one.tracker == tracker and not one.is_hidden]
        self.goals = {str(goal.id): goal for goal in company.goals if goal.tracker == tracker}
        self.workers = {worker.id: worker for worker in company.workers}
        names = {name: what for project in self.projects for name, what in project.statuses.items()}
        self.statuses = {name: (str(10_000 + index), names[name]) for index, name in enumerate(sorted(names))}
        self.items = [item for item in company.items if item.tracker == tracker]
        self.by_id = {str(item.id): item for item in self.items}
        self.by_key = {key: item for item in self.items for key in (*item.former_keys, item.key)}
        self.ordinal = {link: index for index, link in enumerate(company.dependencies)}
        self._links: dict[int, list[Dependency]] = {}
        for link in company.dependencies:
            for end in {link.blocked[1] if link.blocked[0] == tracker else -1} | {
                link.blocker[1] if link.blocker[0] == tracker else -1
            }:
                if end >= 0:
                    self._links.setdefault(end, []).append(link)
        self._everything = {(item.tracker, item.id): item for item in company.items}
        self._children: dict[str, list[Item]] = {}
        for item in self.items:
            for parent in {item.initial.get("parent"), *(one.new for one in item.events if one.field == "parent")}:
                if isinstance(parent, str):
                    self._children.setdefault(parent, []).append(item)
        self.comments: dict[int, list[Comment]] = {}
        self.remote_links: dict[int, list[RemoteLink]] = {}
        self._written: dict[int, list[tuple[datetime, Change]]] = {}
        self._next_id = 700_000
        self._seen: tuple[datetime, dict[int, Any]] = (company.now, {})

    @property
    def now(self) -> datetime:
        """The company's present."""
        return self.company.now

    def cache(self) -> dict[int, Any]:
        """Whatever was worked out for items at this moment."""
        if self._seen[0] != self.now:
            self._seen = (self.now, {})
        return self._seen[1]

    def new_id(self) -> int:
        """A number nobody has yet."""
        self._next_id += 1
        return self._next_id

    def project(self, id_or_key: str) -> TrackedProject | None:
        """By id, key, or a key in another case."""
        if self.is_anonymous:
            return None
        wanted = id_or_key.upper()
        return next((one for one in self.projects if wanted in (str(one.id), one.key)), None)

    def item(self, id_or_key: str) -> Item | None:
        """By id or key, if it exists now."""
        found = self.by_id.get(id_or_key) or self.by_key.get(id_or_key.upper())
        return found if found is not None and self._exists(found) else None

    def _exists(self, item: Item) -> bool:
        return item.exists(self.now) and not self.is_anonymous and self.project(item.project) is not None

    def visible(self) -> Iterator[Item]:
        """The items that are listed now, oldest first."""
        listed = {project.key for project in self.projects if not project.is_archived and not self.is_anonymous}
        return (item for item in self.items if item.project in listed and item.is_listed(self.now))

    def blockers(self, item: Item) -> list[tuple[int, Item, bool]]:
        """The links inside this Jira now: (link id, the other item, whether the other blocks ``item``)."""
        made = []
        for link in self._links.get(item.id, ()):
            if link.at <= self.now and link.blocked[0] == link.blocker[0]:
                is_blocked = link.blocked[1] == item.id
                other = self._everything[link.blocker if is_blocked else link.blocked]
                if other.exists(self.now):
                    made.append((_FIRST_LINK + self.ordinal[link], other, is_blocked))
        return made

    def outside(self, item: Item) -> list[RemoteLink]:
        """The remote links now: blockers in other trackers, and what was posted."""
        made = []
        for link in self._links.get(item.id, ()):
            if link.at <= self.now and link.blocked == (self.tracker, item.id) and link.blocker[0] != self.tracker:
                other = self._everything[link.blocker]
                body = {
                    "application": {"type": f"com.arunika.{other.tracker}", "name": NAMES_OF_TRACKERS[other.tracker]},
                    "relationship": "is blocked by",
                    "object": {
                        "url": self.company.url(other),
                        "title": other.key,
                        "summary": other.title,
                        "icon": {},
                        "status": {
                            "resolved": other.value("status", self.now) in ("closed", "Done", "Closed"),
                            "icon": {},
                        },
                    },
                }
                number = _FIRST_LINK + self.ordinal[link]
                made.append(RemoteLink(number, link.at, f"{other.tracker}={other.id}", body))
        return made + self.remote_links.get(item.id, [])

    def children(self, item: Item) -> list[Item]:
        """The items whose parent it is now."""
        mine = str(item.id)
        return [
            one
            for one in self._children.get(mine, ())
            if one.exists(self.now) and one.value("parent", self.now) == mine
        ]

    def updated_at(self, item: Item) -> datetime:
        """The last change of the item, its links or comments."""
        moments = [item.updated_at(self.now)]
        moments += [
            link.at
            for link in self._links.get(item.id, ())
            if link.at <= self.now and (link.blocked == (self.tracker, item.id) or link.blocked[0] == link.blocker[0])
        ]
        moments += [comment.updated_at for comment in self.comments.get(item.id, ())]
        moments += [at for at, _ in self._written.get(item.id, ())]
        return max(moments)

    def touch(self, item: Item, change: Change | None = None) -> None:
        """Something was written: forget what was worked out, and log ``change`` if there is one."""
        self.cache().pop(item.id, None)
        if change is not None:
            self._written.setdefault(item.id, []).append((self.now, change))

    def sprints_of(self, text: str) -> Goal | None:
        """The sprint of that id, if it is announced."""
        goal = self.goals.get(text)
        return goal if goal is not None and goal.kind == "sprint" and goal.created_at <= self.now else None

    def histories(self, item: Item) -> list[History]:
        """The whole changelog, oldest first."""
        dated: dict[datetime, list[Change]] = {}
        sets: dict[str, list[str]] = {name: sorted(item.initial.get(name) or ()) for name in ("label", "milestone")}
        for event in item.happened(self.now):
            changes = dated.setdefault(event.at, [])
            if event.field in sets:
                members = sets[event.field]
                before = list(members)
                if event.new is not None:
                    members.append(event.new)
                elif event.old in members:
                    members.remove(event.old)
                changes.append(self._set_change(event.field, event.new or event.old or "", before, members))
            elif event.field == "project":
                changes += self._moved(event.old or "", event.new or "")
            else:
                changes.append(self._change(event.field, event.old, event.new, event.at))
        for link in self._links.get(item.id, ()):
            if link.at <= self.now:
                change = self._link_change(item, link)
                if change is not None:
                    dated.setdefault(link.at, []).append(change)
        for at, change in self._written.get(item.id, ()):
            dated.setdefault(at, []).append(change)
        team = list(self.workers.values())
        return [
            History(str(item.id * 1000 + index), at, team[(item.id + index) % len(team)], tuple(dated[at]))
            for index, at in enumerate(sorted(dated))
        ]

    def _set_change(self, name: str, member: str, before: list[str], after: list[str]) -> Change:
        if name == "label":
            return Change("labels", None, " ".join(before), None, " ".join(after))
        goal = self.goals[member]
        if goal.kind == "sprint":
            old = [one for one in before if self.goals[one].kind == "sprint"]
            new = [one for one in after if self.goals[one].kind == "sprint"]
            return Change("sprint", ", ".join(old), self._names(old), ", ".join(new), self._names(new))
        if len(after) > len(before):
            return Change("version", None, None, member, goal.name)
        return Change("version", member, goal.name, None, None)

    def _names(self, ids: list[str]) -> str:
        return ", ".join(self.goals[one].name for one in ids)

    def _moved(self, old_key: str, new_key: str) -> list[Change]:
        """A move to another project, which logs the new key beside the project."""
        named = {project.key: project for project in self.company.projects}
        old, new = (named[key.rpartition("-")[0]] for key in (old_key, new_key))
        return [
            Change("project", str(old.id), old.name, str(new.id), new.name),
            Change("key", None, old_key, None, new_key),
        ]

    def _change(self, name: str, old: str | None, new: str | None, at: datetime) -> Change:
        def both(value: str | None) -> tuple[str | None, str | None]:
            if value is None:
                return None, None
            if name == "status":
                return self.statuses[value][0], self.company.status_name(self.tracker, value, at)
            if name == "parent":
                return value, self.by_id[value].key
            if name == "assignee":
                return value, self.workers[value].name
            if name == "due_on":
                return value, f"{value} 00:00:00.0"
            table = {"kind": TYPES, "priority": PRIORITIES, "resolution": RESOLUTIONS}.get(name)
            if table is not None:
                known = table[value]  # type: ignore[index]
                return (known if isinstance(known, str) else known[0]), value
            return None, value  # estimate, title, flagged: text only

        return Change(name, *both(old), *both(new))

    def _link_change(self, item: Item, link: Dependency) -> Change | None:
        is_blocked = link.blocked == (self.tracker, item.id)
        other = self._everything[link.blocker if is_blocked else link.blocked]
        if link.blocked[0] == link.blocker[0]:
            words = "is blocked by" if is_blocked else "blocks"
            return Change("link", None, None, other.key, f"This issue {words} {other.key}")
        if not is_blocked:
            return None
        text = f'This issue links to "{other.key} ({NAMES_OF_TRACKERS[other.tracker]})"'
        return Change("remote_link", None, None, str(_FIRST_LINK + self.ordinal[link]), text)


def stamp(at: datetime, zone: ZoneInfo) -> str:
    """Jira's way to write a moment: ``2026-08-24T11:11:52.944+0000``, in the reader's zone."""
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"


def epoch_ms(at: datetime) -> int:
    """Milliseconds since 1970."""
    return (at - datetime.fromtimestamp(0, at.tzinfo)) // timedelta(milliseconds=1)
