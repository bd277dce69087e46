"""The company as GitLab knows it at its present moment: which issues exist, and what GitLab logged of their lives.

An issue is closed while its status is in the category done; a scoped status (``workflow::doing``) is a label the issue
carries while it is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from pmo_sync.demo.company import Company, Dependency, Event, Goal, Item


class Change(NamedTuple):
    """One logged change: ``action`` is add, remove, closed or reopened."""

    at: datetime
    action: str
    name: str


class History:
    """What is there and what happened. ``executed`` holds what quick actions changed; the company stays what is true."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.projects = {one.key: one for one in company.projects if one.tracker == "gitlab" and not one.is_hidden}
        self.executed: dict[int, list[Event]] = {}
        self.touched: dict[int, datetime] = {}  # by comments
        self.deleted_labels: set[tuple[str, str]] = set()
        self._links: dict[int, list[tuple[int, Dependency]]] = {}
        self._items: dict[tuple[str, int] | int, Item] = {}
        self._size = (-1, -1)

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.company.now

    def _index(self) -> None:
        """Issues by key and id, links by issue; made again when the company has grown."""
        size = (len(self.company.items), len(self.company.dependencies))
        if size == self._size:
            return
        self._size = size
        self._items = {}
        for item in self.company.items:
            if item.tracker == "gitlab" and item.project in self.projects:
                self._items[item.id] = self._items[item.project, item.number] = item
        self._links = {}
        for number, dependency in enumerate(self.company.dependencies, 1):
            if dependency.blocker[0] == dependency.blocked[0] == "gitlab":  # it knows no links to other trackers
                for one in {dependency.blocker[1], dependency.blocked[1]}:
                    self._links.setdefault(one, []).append((number, dependency))

    # what is there

    def item(self, key: tuple[str, int] | int) -> Item | None:
        """The issue with that project and number, or that id, if it exists now."""
        self._index()
        found = self._items.get(key)
        return self._as_changed(found) if found is not None and found.exists(self.now) else None

    def _as_changed(self, item: Item) -> Item:
        extra = self.executed.get(item.id)
        return replace(item, events=sorted([*item.events, *extra], key=lambda one: one.at)) if extra else item

    def links(self, item: Item) -> list[tuple[int, Dependency]]:
        """The numbered dependencies of an issue that exist now."""
        self._index()
        return [one for one in self._links.get(item.id, ()) if one[1].at <= self.now]

    def groups(self) -> list[str]:
        """Full paths of all groups and their ancestors."""
        leaves = [key.rpartition("/")[0] for key in self.projects]
        leaves += [goal.group for goal in self.company.goals if goal.tracker == "gitlab" and goal.group]
        found = {"/".join(path.split("/")[:depth]) for path in leaves for depth in range(1, path.count("/") + 2)}
        return sorted(found - {""})

    def items(self, *, project: str | None = None, group: str | None = None) -> Iterator[Item]:
        """The issues of a project, or of a group and its subgroups, that exist now."""
        for item in self.company.visible("gitlab", project):
            if (group is None or item.project.startswith(f"{group}/")) and item.project in self.projects:
                yield self._as_changed(item)

    def goals(self, *, project: str | None = None, group: str | None = None) -> list[Goal]:
        """The milestones of exactly this project or group that exist now, newest first."""
        found = [
            goal
            for goal in self.company.goals
            if goal.tracker == "gitlab"
            and goal.kind == "milestone"
            and goal.created_at <= self.now
            and ((project is not None and goal.project == project) or (group is not None and goal.group == group))
        ]
        return sorted(found, key=lambda goal: (goal.created_at, goal.id), reverse=True)

    def label_names(self, project: str) -> list[str]:
        """Every label of a project: its workflow, and what its issues have carried so far."""
        names = {self._label(name) for name in self.projects[project].statuses if self.is_label(project, name)}
        names |= {change.name for item in self.items(project=project) for change in self.label_changes(item)}
        return sorted(name for name in names if (project, name) not in self.deleted_labels)

    # what happened

    def is_closed(self, item: Item, status: str | None) -> bool:
        """Whether a status means closed."""
        return status == "closed" or self.projects[item.project].statuses.get(status or "") == "done"

    def is_label(self, project: str, status: str | None) -> bool:
        return "::" in (status or "") and self.projects[project].statuses.get(status or "") != "done"

    def state_changes(self, item: Item) -> list[Change]:
        """Closing and reopening. That it was opened is not logged."""
        changes = []
        for event in item.happened(self.now):
            if event.field == "status":
                before, after = self.is_closed(item, event.old), self.is_closed(item, event.new)
                if before != after:
                    changes.append(Change(event.at, "closed" if after else "reopened", ""))
        return changes

    def label_changes(self, item: Item) -> list[Change]:
        """Labels added and removed, those given at creation first."""
        first = item.initial.get("status")
        born = set(item.initial.get("label") or ())
        if isinstance(first, str) and self.is_label(item.project, first):
            born.add(first)
        changes = [Change(item.created_at, "add", name) for name in sorted(born)]
        for event in item.happened(self.now):
            if event.field not in ("label", "status"):
                continue
            for action, name in (("remove", event.old), ("add", event.new)):
                if name is not None and (event.field == "label" or self.is_label(item.project, name)):
                    changes.append(Change(event.at, action, name))
        return [change._replace(name=self._label(change.name)) for change in changes]

    def _label(self, name: str) -> str:
        """A label's present name: also what happened before it was renamed is told with that one."""
        return self.company.status_name("gitlab", name, self.now)

    def first_name(self, label: str) -> str:
        """What a label was called when it was made."""
        return next((old for (_, old), (_, new) in self.company.renamed.items() if new == label), label)

    def labels(self, item: Item) -> list[str]:
        """The labels an issue carries now."""
        carried: set[str] = set()
        for change in self.label_changes(item):
            (carried.add if change.action == "add" else carried.discard)(change.name)
        return sorted(name for name in carried if (item.project, name) not in self.deleted_labels)

    def milestone_changes(self, item: Item) -> list[Change]:
        """An issue has one milestone: a change from one to another is logged as ``add`` of the new one only."""
        changes = [Change(item.created_at, "add", name) for name in item.initial.get("milestone") or ()]
        for event in item.happened(self.now):
            if event.field != "milestone":
                continue
            if event.new is None and event.old is not None:
                changes.append(Change(event.at, "remove", event.old))
            elif event.new is not None:
                if changes and changes[-1].at == event.at and changes[-1].action == "remove":
                    changes.pop()
                changes.append(Change(event.at, "add", event.new))
        return changes

    def milestone_of(self, item: Item) -> Goal | None:
        """The milestone an issue is in now."""
        changes = self.milestone_changes(item)
        return self.goal(item, changes[-1].name) if changes and changes[-1].action == "add" else None

    def goal(self, item: Item, name: str) -> Goal | None:
        """By id or name: the project's own before its groups'."""
        candidates = [
            goal
            for goal in self.company.goals
            if goal.tracker == "gitlab"
            and name in (str(goal.id), goal.name)
            and (goal.project == item.project or (goal.group is not None and item.project.startswith(f"{goal.group}/")))
        ]
        return min(candidates, key=lambda goal: goal.project is None, default=None)

    def updated_at(self, item: Item) -> datetime:
        """The last change. A link leaves a system note on both issues, and a note touches its issue."""
        links = (dependency.at for _, dependency in self.links(item))
        return max(item.updated_at(self.now), self.touched.get(item.id, item.created_at), *links)
