"""A small GitLab on loopback that can be told to misbehave. Lists filter, sort and page as GitLab documents."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlencode

from pmo_sync.config import Secret, ServerConfig, SourceConfig
from pmo_sync.demo.servers.wire import Answer, Request, Server

TOKEN = "toy-gitlab-token"
TYPES = ("issue", "incident", "test_case", "task")
EXCLUSIVE = (  # of these parameters GitLab takes one at a time
    {"include_ancestors", "include_parent_milestones"},
    {"assignee_id", "assignee_username"},
    {"author_id", "author_username"},
    {"milestone", "milestone_id"},
    {"iteration_id", "iteration_title"},
)
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def stamp(minutes: float = 0) -> str:
    return (START + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def issue(project: int, iid: int, *, updated: float = 0, path: str = "group/app", **more: Any) -> dict[str, Any]:
    """An issue as GitLab Free lists it; its id is unique over all projects."""
    return {
        "id": project * 10_000 + iid, "iid": iid, "project_id": project, "title": f"Issue {iid}",
        "description": "never to be kept", "state": "opened", "created_at": stamp(), "updated_at": stamp(updated),
        "closed_at": None, "labels": [], "milestone": None, "assignees": [], "issue_type": "issue",
        "confidential": False, "due_date": None, "moved_to_id": None,
        "web_url": f"http://gitlab.invalid/{path}/-/issues/{iid}",
        "_links": {"closed_as_duplicate_of": None}, "references": {"full": f"{path}#{iid}"}, **more,
    }  # fmt: skip


def _excluded(request: Request) -> Answer | None:
    for names in EXCLUSIVE:
        both = sorted(names & request.query.keys())
        if len(both) > 1:
            return Answer(400, {"error": f"{', '.join(both)} are mutually exclusive"})
    return None


class Fake:
    """``base`` is the relative address the instance lives below."""

    def __init__(self, base: str = "") -> None:
        self.base = base
        self.projects: list[dict[str, Any]] = []
        self.issues: list[dict[str, Any]] = []
        self.lists: dict[str, list[dict[str, Any]]] = defaultdict(list)  # path below /api/v4 -> rows
        self.notes: list[dict[str, Any]] = []
        self.seen: list[Request] = []
        self.before: Callable[[Request], Answer | None] = lambda request: None
        self.external = ""  # what the instance believes its own address to be
        api = f"{re.escape(base)}/api/v4"
        self.server = Server(
            "gitlab",
            [
                ("GET", f"{api}/user", lambda r, m: Answer(200, {"id": 7, "username": "pmo-bot"})),
                ("GET", f"{api}/version", lambda r, m: Answer(200, {"version": "18.4.1-ee", "revision": "abc"})),
                ("GET", f"{api}/personal_access_tokens/self", self._token),
                ("GET", f"{api}/projects", lambda r, m: self._rows(r, self.projects)),
                ("GET", f"{api}/projects/([^/]+)", self._project),
                ("GET", f"{api}/groups/([^/]+)/projects", self._group),
                ("GET", f"{api}/projects/([0-9]+)/issues", self._issues),
                ("GET", f"{api}/projects/([0-9]+)/issues_statistics", self._statistics),
                ("POST", f"{api}/projects/([^/]+)/issues/([0-9]+)/notes", self._add_note),
                ("PUT", f"{api}/projects/([^/]+)/issues/([0-9]+)/notes/([0-9]+)", self._edit_note),
                ("GET", f"{api}/projects/([^/]+)/issues/([0-9]+)/notes", lambda r, m: self._rows(r, self.notes)),
                ("GET", f"{api}/projects/([^/]+)/issues/([0-9]+)/notes/([0-9]+)", self._note),
                ("GET", f"{api}(/.+)", self._list),
            ],
            self._authenticate,
        )

    @property
    def url(self) -> str:
        return self.server.url + self.base

    def _authenticate(self, request: Request) -> Answer | None:
        self.seen.append(request)
        answer = self.before(request) or _excluded(request)
        if answer is None and request.headers.get("authorization") != f"Bearer {TOKEN}":
            answer = Answer(401, {"message": "401 Unauthorized"})
        return answer

    def _rows(self, request: Request, rows: list[dict[str, Any]]) -> Answer:
        page, size = int(request.first("page", "1")), min(int(request.first("per_page", "20")), 100)
        headers = {}
        if len(rows) > page * size:
            query = {name: values[0] for name, values in request.query.items()} | {"page": page + 1}
            headers["Link"] = f'<{self.external or self.server.url}{request.path}?{urlencode(query)}>; rel="next"'
        return Answer(200, rows[(page - 1) * size : page * size], headers)

    def _token(self, request: Request, match: re.Match[str]) -> Answer:
        return Answer(200, {"scopes": ["read_api"], "expires_at": "2026-12-31"})

    def _project(self, request: Request, match: re.Match[str]) -> Answer:
        name = unquote(match[1])
        found = [one for one in self.projects if name in (str(one["id"]), one["path_with_namespace"])]
        return Answer(200, found[0]) if found else Answer(404, {"message": "404 Project Not Found"})

    def _group(self, request: Request, match: re.Match[str]) -> Answer:
        inside = [one for one in self.projects if one["path_with_namespace"].startswith(f"{unquote(match[1])}/")]
        return self._rows(request, inside)

    def _issues(self, request: Request, match: re.Match[str]) -> Answer:
        order = request.first("order_by", "created_at")
        rows = [one for one in self.issues if one["project_id"] == int(match[1])]
        if (kind := request.first("issue_type")) and kind not in TYPES:
            return Answer(400, {"error": "issue_type does not have a valid value"})
        rows = [one for one in rows if not kind or one["issue_type"] == kind]
        rows.sort(key=lambda one: (one.get(order) or "", one["id"]), reverse=request.first("sort", "desc") == "desc")
        for name, field in (("updated_after", "updated_at"), ("created_after", "created_at")):
            after = request.first(name)
            if after:
                limit = datetime.fromisoformat(after)
                rows = [one for one in rows if datetime.fromisoformat(one[field]) >= limit]
        return self._rows(request, rows)

    def _statistics(self, request: Request, match: re.Match[str]) -> Answer:
        count = sum(one["project_id"] == int(match[1]) for one in self.issues) if request.first("scope") == "all" else 0
        return Answer(200, {"statistics": {"counts": {"all": count, "closed": 0, "opened": count}}})

    def _add_note(self, request: Request, match: re.Match[str]) -> Answer:
        self.notes.append({"id": len(self.notes) + 1, "system": False, **request.json()})
        return Answer(201, self.notes[-1])

    def _edit_note(self, request: Request, match: re.Match[str]) -> Answer:
        self.notes[int(match[3]) - 1].update(request.json())
        return Answer(200, self.notes[int(match[3]) - 1])

    def _note(self, request: Request, match: re.Match[str]) -> Answer:
        found = [one for one in self.notes if one["id"] == int(match[3])]
        return Answer(200, found[0]) if found else Answer(404, {"message": "404 Not found"})

    def _list(self, request: Request, match: re.Match[str]) -> Answer:
        paid = ("iterations", "resource_iteration_events", "resource_weight_events")
        if match[1] not in self.lists and match[1].endswith(paid):
            return Answer(404, {"error": "404 Not Found"})
        return self._rows(request, self.lists[match[1]])

    def add_project(self, number: int, path: str, **more: Any) -> None:
        self.projects.append(
            {"id": number, "path_with_namespace": path, "name": path, "name_with_namespace": path.replace("/", " / "),
             "web_url": f"http://gitlab.invalid/{path}", "archived": False, **more}
        )  # fmt: skip


@contextmanager
def running(base: str = "") -> Iterator[Fake]:
    fake = Fake(base)
    fake.server.start()
    try:
        yield fake
    finally:
        fake.server.stop()


def server_config(url: str, token: str | None = TOKEN, workers: int = 4) -> ServerConfig:
    return ServerConfig(
        url=url, api_base=url, flavour=None, user=None,
        token=Secret("env", "TOKEN", {"TOKEN": token}) if token else None,
        proxy=None, ca_bundle=None, client_cert=None, workers=workers, requests_per_second=1000,
    )  # fmt: skip


def source_config(url: str, *projects: str, workflow: str | None = None, token: str | None = TOKEN) -> SourceConfig:
    return SourceConfig(
        name="acme", kind="gitlab", server=server_config(url, token), path=None, projects=projects, statuses={},
        fields={}, canceled_resolutions=(), workflow_labels=workflow, shrink_limit=0.2,
    )  # fmt: skip
