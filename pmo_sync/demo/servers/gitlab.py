"""GitLab, REST v4, as a server on loopback: what a PMO reads, and the notes and wiki pages it writes.

It behaves like 18.2 with the Premium licence's links and weights but without weight and iteration events: unknown
parameters are ignored, lists are cut at 100, totals vanish beyond 10,000 rows, and a note is executed before it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote

from pmo_sync.demo.company import Company, Item, TrackedProject
from pmo_sync.demo.servers.gitlab_notes import Notes
from pmo_sync.demo.servers.gitlab_query import Refused, fields, in_window, numbers, one_of_each, page_of
from pmo_sync.demo.servers.gitlab_shapes import KINDS, Json, Shapes
from pmo_sync.demo.servers.gitlab_text import Command
from pmo_sync.demo.servers.gitlab_wiki import Wikis
from pmo_sync.demo.servers.marks import stamp
from pmo_sync.demo.servers.wire import Answer, Request, Server

READER_TOKEN: Final = "demo-gitlab-reader"  # scope read_api
PUBLISHER_TOKEN: Final = "demo-gitlab-publisher"  # scope api
VERSION: Final = "18.2.8-ee"
TOKENS: Final = {
    READER_TOKEN: (11, "pmo-reader", "PMO reader", "read_api"),
    PUBLISHER_TOKEN: (12, "pmo-publisher", "PMO publisher", "api"),
}
NOT_FOUND: Final = Answer(404, {"message": "404 Not Found"})


class GitLab(Server):
    """The server. ``mentions`` and ``executed`` tell what texts sent to it did besides being shown."""

    @property
    def mentions(self) -> list[tuple[str, str]]:
        """Who was notified by comments: issue key, name."""
        return self.notes.mentions

    @property
    def executed(self) -> list[tuple[str, Command]]:
        """What comments commanded: issue key, quick action."""
        return self.notes.executed

    def __init__(self, company: Company) -> None:
        project = r"/api/v4/projects/([^/]+)"
        group = r"/api/v4/groups/([^/]+)"
        issue = rf"{project}/issues/(\d+)"
        self.shapes = Shapes(company, lambda: self.url)
        self.wikis = Wikis()
        self.notes = Notes(self.shapes, self._item_of, lambda request: self._who(request)[:3])
        super().__init__(
            "gitlab",
            [
                (method, path, self._guarded(handler))
                for method, path, handler in [
                    ("GET", "/api/v4/version", self._version),
                    ("GET", "/api/v4/metadata", self._version),
                    ("GET", "/api/v4/user", self._user),
                    ("GET", "/api/v4/personal_access_tokens/self", self._token),
                    ("GET", "/api/v4/projects", self._projects),
                    ("GET", "/api/v4/issues", self._issues),
                    ("GET", "/api/v4/issues_statistics", self._statistics),
                    ("GET", project, self._project),
                    ("GET", f"{project}/issues", self._issues),
                    ("GET", f"{project}/issues_statistics", self._statistics),
                    ("GET", f"{project}/labels", self._labels),
                    ("GET", f"{project}/milestones", self._milestones),
                    ("GET", group, self._group),
                    ("GET", f"{group}/projects", self._projects),
                    ("GET", f"{group}/issues", self._issues),
                    ("GET", f"{group}/issues_statistics", self._statistics),
                    ("GET", f"{group}/labels", self._group_labels),
                    ("GET", f"{group}/milestones", self._milestones),
                    ("GET", issue, self._issue),
                    ("GET", f"{issue}/resource_(state|label|milestone|weight|iteration)_events", self._events),
                    ("GET", f"{issue}/links", self._links),
                    ("GET", f"{issue}/notes", self.notes.listed),
                    ("POST", f"{issue}/notes", self.notes.post),
                    ("GET", rf"{issue}/notes/(\d+)", self.notes.one),
                    ("PUT", rf"{issue}/notes/(\d+)", self.notes.put),
                    ("DELETE", rf"{issue}/notes/(\d+)", self.notes.delete),
                ]
            ]
            + [
                (method, path, self._guarded(handler))
                for method, path, handler in [
                    *self.wikis.routes(project, lambda given: self._project_of(given).key, fields),
                    *self.wikis.routes(group, lambda given: f"groups/{self._group_of(given)}", fields),
                ]
            ],
            self._authorise,
        )

    def mount(self, method: str, path: str, handler: Callable[[Request, re.Match[str]], Answer]) -> None:
        """Serve one more path: what this server does not do itself, such as GraphQL, over the same company."""
        self._routes.append((method, re.compile(f"^{path}$"), self._guarded(handler)))

    # people and access

    def _authorise(self, request: Request) -> Answer | None:
        account = self._account(request)
        if account is None:
            return Answer(401, {"message": "401 Unauthorized"})
        is_read = request.method in ("GET", "HEAD") or request.path.endswith("/graphql")  # queries; mutations check it
        if not is_read and account[3] != "api":
            refusal = {
                "error": "insufficient_scope",
                "error_description": "The request requires higher privileges than provided by the access token.",
                "scope": "api",
            }
            return Answer(403, refusal)
        return None

    @staticmethod
    def _account(request: Request) -> tuple[int, str, str, str] | None:
        given = request.headers.get("private-token") or request.headers.get("authorization", "").removeprefix("Bearer ")
        return TOKENS.get(given)

    def _who(self, request: Request) -> tuple[int, str, str, str]:
        account = self._account(request)
        assert account is not None
        return account

    def _version(self, _request: Request, _match: re.Match[str]) -> Answer:
        made = {"version": VERSION, "revision": "5eed5eed5ee", "enterprise": True}
        return Answer(200, made | {"kas": {"enabled": False, "externalUrl": None, "version": None}})

    def _user(self, request: Request, _match: re.Match[str]) -> Answer:
        number, login, name, _ = self._who(request)
        return Answer(
            200, self.shapes.account(number, login, name) | {"bot": True, "email": f"{login}@example.invalid"}
        )

    def _token(self, request: Request, _match: re.Match[str]) -> Answer:
        number, login, _, scope = self._who(request)
        now = self.shapes.now
        made = {
            "id": number,
            "name": login,
            "revoked": False,
            "created_at": stamp(now - timedelta(days=100)),
            "description": None,
            "scopes": [scope],
            "user_id": number,
            "last_used_at": stamp(now),
            "active": True,
            "expires_at": (now + timedelta(days=200)).date().isoformat(),
        }
        return Answer(200, made)

    # what the path names

    @staticmethod
    def _guarded(handler: Callable[[Request, re.Match[str]], Answer]) -> Callable[[Request, re.Match[str]], Answer]:
        def handle(request: Request, match: re.Match[str]) -> Answer:
            try:
                one_of_each(request)
                return handler(request, match)
            except Refused as refused:
                return refused.answer

        return handle

    def _project_of(self, segment: str) -> TrackedProject:
        name = unquote(segment)
        for project in self.shapes.projects.values():
            if name in (project.key, str(project.id)):
                return project
        raise Refused(Answer(404, {"message": "404 Project Not Found"}))

    def _group_of(self, segment: str) -> str:
        name = unquote(segment)
        for path in self.shapes.groups():
            if name in (path, str(self.shapes.group(path)["id"])):
                return path
        raise Refused(Answer(404, {"message": "404 Group Not Found"}))

    def _item_of(self, match: re.Match[str]) -> Item:
        item = self.shapes.item((self._project_of(match.group(1)).key, int(match.group(2))))
        if item is None:
            raise Refused(NOT_FOUND)
        return item

    # lists

    def _projects(self, request: Request, match: re.Match[str]) -> Answer:
        found = list(self.shapes.projects.values())
        if match.groups():
            group = self._group_of(match.group(1))
            nested = request.first("include_subgroups", "false") == "true"
            found = [
                one
                for one in found
                if one.key.rpartition("/")[0] == group or (nested and one.key.startswith(f"{group}/"))
            ]
        if request.first("archived") == "true":
            found = []
        found.sort(key=lambda one: one.id, reverse=request.first("sort", "desc") == "desc")
        return page_of(self.url, request, found, self.shapes.project)

    def _project(self, _request: Request, match: re.Match[str]) -> Answer:
        return Answer(200, self.shapes.project(self._project_of(match.group(1))))

    def _group(self, _request: Request, match: re.Match[str]) -> Answer:
        return Answer(200, self.shapes.group(self._group_of(match.group(1))))

    def _labels(self, request: Request, match: re.Match[str]) -> Answer:
        project = self._project_of(match.group(1))
        more = {"subscribed": False, "priority": None, "is_project_label": True}
        return page_of(
            self.url,
            request,
            self.shapes.label_names(project.key),
            lambda name: self.shapes.label(project.key, name) | more,
        )

    def _group_labels(self, _request: Request, match: re.Match[str]) -> Answer:
        """None: all labels of the company are of projects, which a group does not list."""
        self._group_of(match.group(1))
        return Answer(200, [])

    def _milestones(self, request: Request, match: re.Match[str]) -> Answer:
        is_project = request.path.startswith("/api/v4/projects/")
        path = self._project_of(match.group(1)).key if is_project else self._group_of(match.group(1))
        found = self.shapes.goals(project=path) if is_project else self.shapes.goals(group=path)
        if "true" in (request.first("include_ancestors"), request.first("include_parent_milestones")):
            above = [group for group in self.shapes.groups() if path.startswith(f"{group}/")]
            found += [goal for group in reversed(above) for goal in self.shapes.goals(group=group)]
        shown = [self.shapes.milestone(goal) for goal in found]
        wanted = numbers(request, "iids")
        kept = [
            one
            for one in shown
            if request.first("state", one["state"]) in (one["state"], "all")
            and request.first("title", one["title"]) == one["title"]
            and (not wanted or one["iid"] in wanted)
            and in_window(request, "updated", datetime.fromisoformat(one["updated_at"]))
        ]
        return page_of(self.url, request, kept, lambda one: one)

    # issues

    def _rows(self, request: Request, match: re.Match[str]) -> list[tuple[Item, datetime]]:
        """The issues a list or a count is about, with the time of their last change."""
        scope = request.first("scope", "all" if match.groups() else "created_by_me")
        if scope not in ("all", "created_by_me", "created-by-me", "assigned_to_me", "assigned-to-me"):
            raise Refused(Answer(400, {"error": "scope does not have a valid value"}))
        state = request.first("state", "all")
        if state not in ("all", "opened", "closed"):
            raise Refused(Answer(400, {"error": "state does not have a valid value"}))
        kind = request.first("issue_type") if request.path.endswith("/issues") else ""  # counts know no types
        if kind and kind not in KINDS:
            raise Refused(Answer(400, {"error": "issue_type does not have a valid value"}))
        if request.path.startswith("/api/v4/projects/"):
            items = self.shapes.items(project=self._project_of(match.group(1)).key)
        elif match.groups():
            items = self.shapes.items(group=self._group_of(match.group(1)))
        else:
            items = self.shapes.items()
        if scope != "all":  # our accounts create nothing and are assigned nothing
            return []
        wanted = numbers(request, "iids")
        labels = {name for name in request.first("labels").split(",") if name}
        rows = []
        for item in items:
            updated = self.shapes.updated_at(item)
            if wanted and item.number not in wanted:
                continue
            if kind and self.shapes.kind(item) != kind:
                continue
            if not in_window(request, "updated", updated) or not in_window(request, "created", item.created_at):
                continue
            if state != "all" and self._is_closed(item) != (state == "closed"):
                continue
            if labels and not labels <= set(self.shapes.labels(item)):
                continue
            if request.first("confidential", str(item.is_confidential).lower()) != str(item.is_confidential).lower():
                continue
            rows.append((item, updated))
        return rows

    def _is_closed(self, item: Item) -> bool:
        return self.shapes.is_closed(item, item.value("status", self.shapes.now))

    def _issues(self, request: Request, match: re.Match[str]) -> Answer:
        order = request.first("order_by", "created_at")
        if order not in ("created_at", "updated_at", "title", "due_date"):
            raise Refused(Answer(400, {"error": "order_by does not have a valid value"}))
        direction = request.first("sort", "desc")
        if direction not in ("asc", "desc"):
            raise Refused(Answer(400, {"error": "sort does not have a valid value"}))

        def place(row: tuple[Item, datetime]) -> tuple[Any, int]:
            item, updated = row
            values = {
                "created_at": item.created_at,
                "updated_at": updated,
                "title": item.title.casefold(),
                "due_date": item.value("due_on", self.shapes.now) or "9999",
            }
            return values[order], item.id

        rows = sorted(self._rows(request, match), key=place, reverse=direction == "desc")
        details = request.first("with_labels_details") == "true"
        return page_of(self.url, request, rows, lambda row: self._shown(row[0], details=details))

    def _shown(self, item: Item, *, details: bool = False) -> Json:
        return self.shapes.issue(item, label_details=details) | {"user_notes_count": self.notes.count(item)}

    def _statistics(self, request: Request, match: re.Match[str]) -> Answer:
        rows = self._rows(request, match)
        closed = sum(self._is_closed(item) for item, _ in rows)
        counts = {"all": len(rows), "closed": closed, "opened": len(rows) - closed}
        return Answer(200, {"statistics": {"counts": counts}})

    def _issue(self, _request: Request, match: re.Match[str]) -> Answer:
        return Answer(200, self._shown(self._item_of(match)) | {"subscribed": False})

    def _events(self, request: Request, match: re.Match[str]) -> Answer:
        item, kind = self._item_of(match), match.group(3)
        if kind == "weight":
            return Answer(403, {"message": "403 Forbidden"})
        if kind == "iteration":
            return NOT_FOUND
        read = {
            "state": self.shapes.state_events,
            "label": self.shapes.label_events,
            "milestone": self.shapes.milestone_events,
        }[kind]
        return page_of(self.url, request, read(item), lambda event: event)

    def _links(self, _request: Request, match: re.Match[str]) -> Answer:
        return Answer(200, self.shapes.links_of(self._item_of(match)))

    # what tests do to it

    def delete_label(self, project: str, name: str) -> None:
        """The label disappears from its issues, and its events keep null in its place."""
        self.shapes.deleted_labels.add((project, name))


def make(company: Company) -> GitLab:
    """The server for a company; ``start`` it before use."""
    return GitLab(company)
