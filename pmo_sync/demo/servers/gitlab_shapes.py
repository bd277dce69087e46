"""How GitLab's REST interface (v4) shows the company as JSON.

Shapes follow GitLab's generated API description and recorded answers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from pmo_sync.demo.company import Company, Event, Goal, Item, TrackedProject, Worker
from pmo_sync.demo.servers.gitlab_history import Change, History
from pmo_sync.demo.servers.marks import stable_id, stamp

Json = dict[str, Any]
KINDS: Final = ("issue", "incident", "test_case", "task")
_EVENTS_PER_ITEM: Final = 10_000  # room in the ids of an issue's events


class Shapes(History):
    """The company as JSON; ``url`` tells where the server listens."""

    def __init__(self, company: Company, url: Callable[[], str]) -> None:
        super().__init__(company)
        self._url = url
        self._worker = {key: one for one in company.workers for key in (one.id, one.login)}
        self._user_id = {one.id: number for number, one in enumerate(company.workers, 101)}

    @property
    def url(self) -> str:
        """The server's address."""
        return self._url()

    def user(self, worker: Worker) -> Json:
        """A person, briefly."""
        return self.account(self._user_id[worker.id], worker.login, worker.name)

    def account(self, number: int, login: str, name: str) -> Json:
        """Any account, briefly."""
        return {
            "id": number,
            "username": login,
            "name": name,
            "state": "active",
            "locked": False,
            "avatar_url": None,
            "web_url": f"{self.url}/{login}",
        }

    def _author(self, item: Item) -> Json:
        return self.user(self.company.workers[item.id % len(self.company.workers)])

    def _assignee(self, item: Item) -> Json | None:
        worker = self._worker.get(item.value("assignee", self.now) or "")
        return self.user(worker) if worker else None

    def project(self, project: TrackedProject) -> Json:
        """A project with what a PMO reads of it."""
        group, _, path = project.key.rpartition("/")
        self_url = f"{self.url}/api/v4/projects/{project.id}"
        items = list(self.items(project=project.key))
        return {
            "id": project.id,
            "description": "",
            "name": project.name,
            "name_with_namespace": " / ".join([*group.split("/"), project.name]) if group else project.name,
            "path": path,
            "path_with_namespace": project.key,
            "created_at": stamp(project.created_at),
            "default_branch": "main",
            "tag_list": [],
            "topics": [],
            "web_url": f"{self.url}/{project.key}",
            "avatar_url": None,
            "forks_count": 0,
            "star_count": 0,
            "last_activity_at": stamp(max((self.updated_at(item) for item in items), default=project.created_at)),
            "namespace": self.group(group, brief=True) if group else None,
            "_links": {"self": self_url, "issues": f"{self_url}/issues", "labels": f"{self_url}/labels"},
            "archived": project.is_archived,
            "visibility": "private",
            "issues_enabled": True,
            "wiki_enabled": True,
            "issues_access_level": "enabled",
            "wiki_access_level": "enabled",
            "open_issues_count": sum(not self.is_closed(item, item.value("status", self.now)) for item in items),
            "permissions": {"project_access": {"access_level": 30, "notification_level": 3}, "group_access": None},
        }

    def group(self, path: str, *, brief: bool = False) -> Json:
        """A group; ``brief`` as the namespace of a project."""
        parent = path.rpartition("/")[0]
        name = path.rpartition("/")[2]
        made: Json = {
            "id": stable_id(path),
            "name": name,
            "path": name,
            "full_path": path,
            "parent_id": stable_id(parent) if parent else None,
            "avatar_url": None,
            "web_url": f"{self.url}/groups/{path}",
        }
        if brief:
            return {**made, "kind": "group"}
        return {**made, "full_name": " / ".join(path.split("/")), "description": "", "visibility": "private"}

    def milestone(self, goal: Goal) -> Json:
        """A milestone of a project or a group."""
        due = goal.value("due_on", self.now)
        events = [event.at for event in goal.events if event.at <= self.now]
        owner: Json = (
            {"project_id": self.projects[goal.project].id}
            if goal.project is not None
            else {"group_id": stable_id(goal.group or "")}
        )
        place = goal.project or f"groups/{goal.group}"
        return {
            "id": goal.id,
            "iid": goal.number,
            **owner,
            "title": goal.value("name", self.now) or goal.name,
            "description": None,
            "state": "closed" if goal.value("state", self.now) == "closed" else "active",
            "created_at": stamp(goal.created_at),
            "updated_at": stamp(max(events, default=goal.created_at)),
            "due_date": due,
            "start_date": goal.value("start_on", self.now),
            "expired": due is not None and due < self.now.date().isoformat(),
            "web_url": f"{self.url}/{place}/-/milestones/{goal.number}",
        }

    def label(self, project: str, name: str) -> Json:
        """A label of a project."""
        return {
            "id": stable_id(f"{project}~{self.first_name(name)}"),
            "name": name,
            "description": None,
            "description_html": "",
            "text_color": "#FFFFFF",
            "color": f"#{stable_id(name) & 0xFFFFFF:06x}",
        }

    def kind(self, item: Item) -> str:
        """An issue's type, in the words of REST."""
        found = (item.value("kind", self.now) or "issue").lower()
        return found if found in KINDS else "issue"

    def issue(self, item: Item, *, label_details: bool = False) -> Json:
        """An issue as listed; no key of a paid tier unless the company uses it (weight, health)."""
        project = self.projects[item.project]
        closed = self.is_closed(item, item.value("status", self.now))
        states = self.state_changes(item)
        goal = self.milestone_of(item)
        assignee = self._assignee(item)
        kind = self.kind(item)
        self_url = f"{self.url}/api/v4/projects/{project.id}/issues/{item.number}"
        labels = self.labels(item)
        made: Json = {
            "id": item.id,
            "iid": item.number,
            "project_id": project.id,
            "title": item.value("title", self.now) or item.title,
            "description": item.description,
            "state": "closed" if closed else "opened",
            "created_at": stamp(item.created_at),
            "updated_at": stamp(self.updated_at(item)),
            "closed_at": stamp(states[-1].at if states else item.created_at) if closed else None,
            "closed_by": assignee or self._author(item) if closed else None,
            "labels": [self.label(item.project, name) for name in labels] if label_details else labels,
            "milestone": self.milestone(goal) if goal else None,
            "assignees": [assignee] if assignee else [],
            "author": self._author(item),
            "type": kind.upper(),
            "assignee": assignee,
            "user_notes_count": 0,
            "merge_requests_count": 0,
            "upvotes": 0,
            "downvotes": 0,
            "due_date": item.value("due_on", self.now),
            "confidential": item.is_confidential,
            "discussion_locked": None,
            "issue_type": kind,
            "web_url": f"{self.url}/{item.project}/-/issues/{item.number}",
            "time_stats": {
                "time_estimate": 0,
                "total_time_spent": 0,
                "human_time_estimate": None,
                "human_total_time_spent": None,
            },
            "task_completion_status": {"count": 0, "completed_count": 0},
            "blocking_issues_count": sum(one.blocker == ("gitlab", item.id) for _, one in self.links(item)),
            "has_tasks": False,
            "task_status": "",
            "_links": {
                "self": self_url,
                "notes": f"{self_url}/notes",
                "award_emoji": f"{self_url}/award_emoji",
                "project": f"{self.url}/api/v4/projects/{project.id}",
                "closed_as_duplicate_of": None,
            },
            "references": {
                "short": f"#{item.number}",
                "relative": f"#{item.number}",
                "full": f"{item.project}#{item.number}",
            },
            "severity": "UNKNOWN",
            "moved_to_id": item.moved_to if closed else None,
            "imported": False,
            "imported_from": "none",
            "service_desk_reply_to": None,
        }
        weight = item.value("estimate", self.now)
        if weight is not None:
            made["weight"] = int(float(weight))
        health = item.value("health", self.now)
        if health is not None:
            made["health_status"] = health
        return made

    def links_of(self, item: Item) -> list[Json]:
        """The linked issues that exist, each with the kind of link seen from ``item``."""
        made = []
        for number, dependency in self.links(item):
            blocks = dependency.blocker == ("gitlab", item.id)
            other = self.item((dependency.blocked if blocks else dependency.blocker)[1])
            if other is not None:
                made.append(
                    self.issue(other)
                    | {
                        "issue_link_id": number,
                        "link_type": "blocks" if blocks else "is_blocked_by",
                        "link_created_at": stamp(dependency.at),
                        "link_updated_at": stamp(dependency.at),
                    }
                )
        return made

    def state_events(self, item: Item) -> list[Json]:
        """``resource_state_events``."""
        return [
            self._event(item, number, change) | {"state": change.action, "source_commit": None}
            for number, change in enumerate(self.state_changes(item))
        ]

    def label_events(self, item: Item) -> list[Json]:
        """``resource_label_events``; the label is null once it is deleted."""
        return [
            self._event(item, number, change)
            | {
                "action": change.action,
                "label": None
                if (item.project, change.name) in self.deleted_labels
                else self.label(item.project, change.name),
            }
            for number, change in enumerate(self.label_changes(item))
        ]

    def milestone_events(self, item: Item) -> list[Json]:
        """``resource_milestone_events``."""
        made = []
        for number, change in enumerate(self.milestone_changes(item)):
            goal = self.goal(item, change.name)
            state = "closed" if self.is_closed(item, item.value("status", change.at)) else "opened"
            made.append(
                self._event(item, number, change)
                | {"action": change.action, "state": state, "milestone": self.milestone(goal) if goal else None}
            )
        return made

    def _event(self, item: Item, number: int, change: Change) -> Json:
        return {
            "id": item.id * _EVENTS_PER_ITEM + number,
            "user": self._author(item),
            "created_at": stamp(change.at),
            "resource_type": "Issue",
            "resource_id": item.id,
        }

    def system_notes(self, item: Item) -> list[Json]:
        """What only a sentence tells: title, assignee and due date changes."""
        made = []
        for number, event in enumerate(item.happened(self.now)):
            body = self._sentence(event)
            if body:
                number_of_note = item.id * _EVENTS_PER_ITEM + number
                made.append(
                    self.note(item, number_of_note, body, self._author(item), event.at, event.at) | {"system": True}
                )
        return made

    def _sentence(self, event: Event) -> str:
        if event.field == "title":
            return f"changed title from **{event.old}** to **{event.new}**"
        if event.field == "due_on":
            return f"changed due date to {event.new}" if event.new else "removed due date"
        if event.field == "assignee":
            words = [("unassigned", event.old), ("assigned to", event.new)]
            named = [(word, self._worker[who]) for word, who in words if who in self._worker]
            return " and ".join(f"{word} @{worker.login}" for word, worker in reversed(named))
        return ""

    def note(
        self,
        item: Item,
        number: int,
        body: str,
        author: Json,
        created: datetime,
        updated: datetime,
        *,
        internal: bool = False,
    ) -> Json:
        """A comment."""
        return {
            "id": number,
            "type": None,
            "body": body,
            "author": author,
            "created_at": stamp(created),
            "updated_at": stamp(updated),
            "system": False,
            "noteable_id": item.id,
            "noteable_type": "Issue",
            "project_id": self.projects[item.project].id,
            "resolvable": False,
            "confidential": internal,
            "internal": internal,
            "imported": False,
            "imported_from": "none",
            "noteable_iid": item.number,
            "commands_changes": {},
        }
