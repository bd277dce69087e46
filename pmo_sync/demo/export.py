"""Part of the company as a folder in pmo-sync's own model, for the ``files`` connector.

Six files of one JSON object per line, with the fields of ``pmo_sync.model``'s records. Ids carry no source; issues are
``tracker-id``, milestones ``tracker-m-id``, statuses their names. Times end in Z.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pmo_sync.demo.company import Company, Dependency, Goal, Item, TrackedProject
from pmo_sync.demo.truth import has_moved, issues

Row = dict[str, Any]
_SINGLE: Final = ("resolution", "kind", "priority", "estimate", "due_on", "flagged", "assignee", "parent", "health")
_SETS: Final = ("label", "milestone")


def write_files(company: Company, projects: Collection[str], folder: Path) -> None:
    """Write what exists now in the tracker projects with these keys. Raises KeyError for an unknown one."""
    chosen = [project for project in company.projects if project.key in projects]
    if unknown := set(projects) - {project.key for project in chosen}:
        raise KeyError(f"no tracker project {sorted(unknown)}")
    _Export(company, chosen).write(folder)


class _Export:
    def __init__(self, company: Company, projects: list[TrackedProject]) -> None:
        self.company = company
        self.now = company.now
        self.projects = projects
        owners = {(project.tracker, project.key): project for project in projects}
        self.project_of = owners
        self.items = [
            item for item in company.items if (item.tracker, item.project) in owners and item.exists(self.now)
        ]
        self.everything = {(item.tracker, item.id): item for item in company.items}
        self.exported = {(item.tracker, item.id) for item in self.items}
        self.goals = {(goal.tracker, str(goal.id)): goal for goal in company.goals if goal.created_at <= self.now}

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        tables: dict[str, Iterable[Row]] = {
            "projects": map(self._project, self.projects),
            "statuses": self._statuses(),
            "milestones": self._milestones(),
            "issues": self._issues(),
            "intervals": self._intervals(),
            "people": ({"person_id": one.id, "name": one.name} for one in self.company.workers),
        }
        for name, rows in tables.items():
            with (folder / f"{name}.jsonl").open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

    def _project(self, project: TrackedProject) -> Row:
        path = project.key if project.tracker == "gitlab" else f"projects/{project.key}"
        url = f"{self.company.addresses[project.tracker]}/{path}"
        return {
            "project_id": _project_id(project),
            "key": project.key,
            "name": project.name,
            "url": url,
            "is_archived": False,
        }

    def _statuses(self) -> Iterator[Row]:
        names: dict[str, str] = {}
        for project in self.projects:
            names |= project.statuses | ({"opened": "todo", "closed": "done"} if project.tracker == "gitlab" else {})
        for name, category in names.items():
            yield {"status_id": name, "name": name, "category": None if category == "undefined" else category}

    def _milestones(self) -> Iterator[Row]:
        used = {(item.tracker, one) for item in self.items for one in item.members("milestone", self.now)}
        for (tracker, number), goal in self.goals.items():
            owner = self.project_of.get((tracker, goal.project or ""))
            if owner is None and (goal.project is not None or (tracker, number) not in used):
                continue
            yield {
                "milestone_id": _goal_id(goal),
                "project_id": None if owner is None else _project_id(owner),
                "kind": goal.kind,
                "name": goal.name,
                "state": "closed" if goal.value("state", self.now) == "closed" else "open",
                "start_on": goal.value("start_on", self.now),
                "due_on": goal.value("due_on", self.now),
                "closed_on": goal.value("closed_on", self.now),
                "url": "",
            }

    def _issues(self) -> Iterator[Row]:
        facts = {tracker: issues(self.company, tracker, self.now) for tracker in {item.tracker for item in self.items}}
        for item in self.items:
            fact = facts[item.tracker][item.key]
            yield {
                "issue_id": _item_id(item),
                "project_id": _project_id(self.project_of[item.tracker, item.project]),
                "key": item.key,
                "title": fact.title,
                "kind": fact.kind,
                "level": fact.level,
                "created_at": _time(item.created_at),
                "updated_at": _time(fact.updated_at),
                "url": self.company.url(item),
                "is_confidential": item.is_confidential,
                "superseded": "moved" if has_moved(item, self.now) else "",
            }

    def _intervals(self) -> Iterator[Row]:
        links: dict[tuple[str, int], list[Dependency]] = {}
        for link in self.company.dependencies:
            if link.at <= self.now:
                links.setdefault(link.blocked, []).append(link)
                links.setdefault(link.blocker, []).append(link)
        for item in self.items:
            owner = self.project_of[item.tracker, item.project]
            yield _row(item, "project", _project_id(owner), owner.key, item.created_at, None)
            yield from self._status(item, owner)
            for name in _SINGLE:
                yield from self._single(item, name)
            for name in _SETS:
                yield from self._set(item, name)
            for link in links.get((item.tracker, item.id), ()):
                yield from self._link(item, link)

    def _status(self, item: Item, owner: TrackedProject) -> Iterator[Row]:
        """GitLab: ``closed``, or the workflow label, or ``opened``."""
        moments = sorted(
            {item.created_at, *(one.at for one in item.happened(self.now) if one.field in ("status", "label"))}
        )
        stays: list[tuple[datetime, str]] = []
        for at in moments:
            name = item.value("status", at) or ""
            if item.tracker == "gitlab" and name == "opened":
                labels = item.members("label", at)
                name = next((one for one in owner.statuses if one in labels), name)
            if not stays or stays[-1][1] != name:
                stays.append((at, name))
        for index, (at, name) in enumerate(stays):
            yield _row(item, "status", name, name, at, stays[index + 1][0] if index + 1 < len(stays) else None)

    def _single(self, item: Item, name: str) -> Iterator[Row]:
        value, since = item.initial.get(name), item.created_at
        assert not isinstance(value, tuple)
        for event in item.happened(self.now):
            if event.field == name:
                if value is not None:
                    yield self._stay(item, name, value, since, event.at)
                value, since = event.new, event.at
        if value is not None:
            yield self._stay(item, name, value, since, None)

    def _set(self, item: Item, name: str) -> Iterator[Row]:
        began = dict.fromkeys(item.initial.get(name) or (), item.created_at)
        for event in item.happened(self.now):
            if event.field == name and event.new is not None:
                began[event.new] = event.at
            elif event.field == name and event.old is not None:
                yield self._stay(item, name, event.old, began.pop(event.old), event.at)
        for value, since in began.items():
            yield self._stay(item, name, value, since, None)

    def _stay(self, item: Item, name: str, value: str, since: datetime, until: datetime | None) -> Row:
        label = value
        if name == "milestone":
            goal = self.goals[item.tracker, value]
            value, label = _goal_id(goal), goal.name
        elif name == "parent":
            parent = self.everything[item.tracker, int(value)]
            value, label = _item_id(parent), parent.key
        elif name == "assignee":
            label = ""
        return _row(item, name, value, label, since, until)

    def _link(self, item: Item, link: Dependency) -> Iterator[Row]:
        is_blocked = link.blocked == (item.tracker, item.id)
        end = link.blocker if is_blocked else link.blocked
        other = self.everything[end]
        if other.exists(self.now):
            value = _item_id(other) if end in self.exported else self.company.url(other)
            yield _row(item, "blocked_by" if is_blocked else "blocks", value, other.key, link.at, None)


def _project_id(project: TrackedProject) -> str:
    return f"{project.tracker}-{project.id}"


def _item_id(item: Item) -> str:
    return f"{item.tracker}-{item.id}"


def _goal_id(goal: Goal) -> str:
    return f"{goal.tracker}-m-{goal.id}"


def _row(item: Item, name: str, value: str, label: str, since: datetime, until: datetime | None) -> Row:
    end = None if until is None else _time(until)
    return {
        "entity_id": _item_id(item),
        "field": name,
        "value": value,
        "label": label,
        "since": _time(since),
        "until": end,
    }


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
