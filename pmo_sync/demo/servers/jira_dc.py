"""Jira Data Center 9.12 on loopback: REST v2, agile 1.0, personal access tokens.

Search pages by ``startAt`` with a total and a cap, ``expand=changelog`` brings the whole history, epics are a custom
field, sprints are Java's ``toString``, people have a name and a key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from pmo_sync.demo.company import Company, Item, TrackedProject, Worker
from pmo_sync.demo.servers.jira_desk import ISSUE_GONE, PERMISSIONS, Desk, Jira, page, refuse, words
from pmo_sync.demo.servers.jira_jql import JqlError, find
from pmo_sync.demo.servers.jira_site import Site
from pmo_sync.demo.servers.jira_wire import JSON, Flavour, Wire
from pmo_sync.demo.servers.wire import Answer, Request, Route

TOKEN: Final = "dc-demo-token"
ZONE: Final = "Europe/Amsterdam"  # of the robot's profile: a zone with summer time on purpose
ACCOUNT: Final = Worker("w91", "pmo-robot", "PMO Robot")
FLAVOUR: Final = Flavour(
    is_cloud=False, sprint="customfield_10004", points="customfield_10002", flagged="customfield_10007",
    epic_link="customfield_10005",
)  # fmt: skip
DEFAULT_PAGE: Final = 50
PAGE: Final = 100  # jira.search.views.default.max as this company's administrators set it
VERSION: Final = "9.12.15"
VALID: Final = timedelta(days=500)  # of the robot's token, half of it over
_WHO: Final = {"message": "Client must be authenticated to access this resource.", "status-code": 401}

_FIELDS: Final[tuple[tuple[str, str, JSON], ...]] = (
    ("summary", "Summary", {"type": "string", "system": "summary"}),
    ("issuetype", "Issue Type", {"type": "issuetype", "system": "issuetype"}),
    ("project", "Project", {"type": "project", "system": "project"}),
    ("status", "Status", {"type": "status", "system": "status"}),
    ("resolution", "Resolution", {"type": "resolution", "system": "resolution"}),
    ("priority", "Priority", {"type": "priority", "system": "priority"}),
    ("labels", "Labels", {"type": "array", "items": "string", "system": "labels"}),
    ("fixVersions", "Fix Version/s", {"type": "array", "items": "version", "system": "fixVersions"}),
    ("created", "Created", {"type": "datetime", "system": "created"}),
    ("updated", "Updated", {"type": "datetime", "system": "updated"}),
    ("duedate", "Due Date", {"type": "date", "system": "duedate"}),
    ("assignee", "Assignee", {"type": "user", "system": "assignee"}),
    ("issuelinks", "Linked Issues", {"type": "array", "items": "issuelinks", "system": "issuelinks"}),
    ("description", "Description", {"type": "string", "system": "description"}),
    ("customfield_10002", "Story Points",
     {"type": "number", "custom": "com.atlassian.jira.plugin.system.customfieldtypes:float"}),
    ("customfield_10004", "Sprint", {"type": "array", "items": "string", "custom": "com.pyxis.greenhopper.jira:gh-sprint"}),
    ("customfield_10005", "Epic Link", {"type": "any", "custom": "com.pyxis.greenhopper.jira:gh-epic-link"}),
    ("customfield_10006", "Epic Name", {"type": "string", "custom": "com.pyxis.greenhopper.jira:gh-epic-label"}),
    ("customfield_10007", "Flagged",
     {"type": "array", "items": "option", "custom": "com.atlassian.jira.plugin.system.customfieldtypes:multicheckboxes"}),
    ("customfield_10008", "Rank", {"type": "any", "custom": "com.pyxis.greenhopper.jira:gh-lexo-rank"}),
)  # fmt: skip


def make(company: Company) -> Jira:
    """A server for the company's Jira Data Center; start it with ``.start()``.

    Write its URL to ``company.addresses["dc"]``: all addresses in answers begin with it.
    """
    site = Site(company, "dc", ZONE, ACCOUNT)
    center = _Center(site)

    def authenticate(request: Request) -> Answer | None:
        given = request.headers.get("authorization")
        site.is_anonymous = given is None
        if given is None:
            is_open = any(part in request.path for part in ("/serverInfo", "/search", "/mypermissions", "/status"))
            return None if is_open else Answer(401, _WHO, {"X-AUSERNAME": "anonymous"})
        if given != f"Bearer {TOKEN}":
            return Answer(401, _WHO, {"X-AUSERNAME": "anonymous", "X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
        return None

    return Jira(
        "jira-dc",
        [(method, path, center.signed(handler)) for method, path, handler in center.routes],
        authenticate,
        center.desk,
    )


class _Center:
    def __init__(self, site: Site) -> None:
        self.site = site
        self.wire = Wire(site, FLAVOUR)
        self.desk = Desk(site, self.wire, comment_cap=1000, lists_properties=True)
        api = "/rest/api/(2)"
        self.routes: list[Route] = [
            ("GET", f"{api}/serverInfo", self.server_info),
            ("GET", f"{api}/myself", lambda _, __: Answer(200, self.wire.user(site.account) | {"locale": "en_US"})),
            ("GET", f"{api}/mypermissions", self.permissions),
            ("GET", f"{api}/project", self.projects),
            ("GET", f"{api}/project/([^/]+)", self.project),
            ("GET", f"{api}/project/([^/]+)/version", self.version_page),
            ("GET", f"{api}/field", lambda _, __: Answer(200, [_field(*one) for one in _FIELDS])),
            ("GET", f"{api}/search", self.search),
            ("POST", f"{api}/search", self.search),
            ("GET", f"{api}/issue/([^/]+)", self.issue),
            ("GET", "/rest/pat/latest/tokens", self.tokens),
            *((method, path.replace("([23])", "(2)"), handler) for method, path, handler in self.desk.routes),
        ]  # fmt: skip

    def signed(self, handler: Callable[[Request, re.Match[str]], Answer]) -> Callable[[Request, re.Match[str]], Answer]:
        """Every answer says whom Jira took us for."""

        def answer(request: Request, match: re.Match[str]) -> Answer:
            made = handler(request, match)
            name = "anonymous" if self.site.is_anonymous else self.site.account.login
            return made._replace(headers={**made.headers, "X-AUSERNAME": name})

        return answer

    def server_info(self, _: Request, __: re.Match[str]) -> Answer:
        return Answer(
            200,
            {
                "baseUrl": self.wire.base,
                "version": VERSION,
                "versionNumbers": [int(one) for one in VERSION.split(".")],
                "deploymentType": "Server",
                "buildNumber": 9_120_015,
                "buildDate": "2024-10-29T00:00:00.000+0100",
                "databaseBuildNumber": 9_120_015,
                "serverTime": self.wire.moment(self.site.now),
                "scmInfo": "1f2e3d",
                "serverTitle": "Arunika Jira",
            },
        )

    def tokens(self, _: Request, __: re.Match[str]) -> Answer:
        """The robot's only token; which one asks is never told."""
        made = {
            "id": 1,
            "name": "pmo-sync",
            "createdAt": self.wire.moment(self.site.now - VALID / 2),
            "expiringAt": self.wire.moment(self.site.now + VALID / 2),
        }
        return Answer(200, [made])

    def permissions(self, request: Request, _: re.Match[str]) -> Answer:
        key = request.first("projectKey") or request.first("projectId")
        if key and self.site.project(key) is None:
            return refuse(404, f"No project could be found with key '{key}'.")
        made = {
            name: {
                "id": str(10 + index),
                "key": name,
                "name": name.replace("_", " ").capitalize(),
                "type": "PROJECT",
                "description": "",
                "havePermission": not self.site.is_anonymous,
            }
            for index, name in enumerate(PERMISSIONS)
        }
        return Answer(200, {"permissions": made})

    def projects(self, request: Request, _: re.Match[str]) -> Answer:
        """Without the archived ones, unless they are asked for."""
        everyone = [] if self.site.is_anonymous else self.site.projects
        with_archived = request.first("includeArchived") == "true"
        return Answer(200, [self._project(one) for one in everyone if with_archived or not one.is_archived])

    def _project(self, project: TrackedProject) -> JSON:
        made = {"expand": "description,lead,url,projectKeys", "archived": project.is_archived}
        return self.wire.project(project) | made

    def project(self, _: Request, match: re.Match[str]) -> Answer:
        return self.desk.with_project(
            match[2],
            lambda project: Answer(
                200,
                self._project(project)
                | {
                    "lead": self.wire.user(next(iter(self.site.workers.values()))),
                    "versions": self.desk.versions_of(project),
                    "components": [],
                    "assigneeType": "UNASSIGNED",
                },
            ),
        )

    def version_page(self, request: Request, match: re.Match[str]) -> Answer:
        def found(project: TrackedProject) -> Answer:
            versions = self.desk.versions_of(project)
            start, most, part = page(request, versions, default=50, cap=PAGE)
            return Answer(
                200,
                {
                    "self": self.wire.api(f"project/{project.key}/version"),
                    "maxResults": most,
                    "startAt": start,
                    "total": len(versions),
                    "isLast": start + len(part) >= len(versions),
                    "values": part,
                },
            )

        return self.desk.with_project(match[2], found)

    # -- issues

    def search(self, request: Request, _: re.Match[str]) -> Answer:
        if request.method == "POST":
            asked: dict[str, Any] = request.json() or {}
            fields, expand = list(asked.get("fields") or ()), list(asked.get("expand") or ())
        else:
            asked = {name: request.first(name) for name in request.query}
            fields, expand = words(request, "fields"), words(request, "expand")
        try:
            items = find(self.site, str(asked.get("jql") or "")).items
        except JqlError as error:
            return refuse(400, str(error))
        start = max(0, int(asked.get("startAt") or 0))
        most = max(
            0, min(int(asked["maxResults"]) if asked.get("maxResults") not in (None, "") else DEFAULT_PAGE, PAGE)
        )
        issues = [self._issue(item, fields, "changelog" in expand) for item in items[start : start + most]]
        return Answer(
            200,
            {
                "expand": "schema,names",
                "startAt": start,
                "maxResults": most,
                "total": len(items),
                "issues": issues,
            },
        )

    def _issue(self, item: Item, fields: list[str], with_changes: bool) -> JSON:
        made = self.wire.issue(item, fields or None)
        if with_changes:
            histories = [self.wire.history(one) for one in self.site.histories(item)]
            count = len(histories)
            made["changelog"] = {"startAt": 0, "maxResults": count, "total": count, "histories": histories}
        return made

    def issue(self, request: Request, match: re.Match[str]) -> Answer:
        item = self.site.item(match[2])
        if item is None:
            return refuse(404, ISSUE_GONE)
        return Answer(200, self._issue(item, words(request, "fields"), "changelog" in words(request, "expand")))


def _field(field_id: str, name: str, schema: JSON) -> JSON:
    is_custom = "custom" in schema
    return {
        "id": field_id,
        "name": name,
        "custom": is_custom,
        "orderable": True,
        "navigable": True,
        "searchable": True,
        "clauseNames": [f"cf[{field_id[12:]}]", name] if is_custom else [field_id],
        "schema": schema | ({"customId": int(field_id[12:])} if is_custom else {}),
    }
