"""Jira Cloud on loopback: REST v2 and v3, agile 1.0, Basic authentication with an API token.

It refuses what the real one refuses: the removed ``/search`` (410), unbounded JQL, pages above their caps. Sources of
the caps: Atlassian's API description and measurements on live sites.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from typing import Any, Final

from pmo_sync.demo.company import Company, Item, TrackedProject, Worker
from pmo_sync.demo.servers.jira_desk import (
    ISSUE_GONE,
    PERMISSIONS,
    Desk,
    Jira,
    page,
    refuse,
    words,
)  # fmt: skip
from pmo_sync.demo.servers.jira_jql import Found, JqlError, find
from pmo_sync.demo.servers.jira_site import History, Site, epoch_ms
from pmo_sync.demo.servers.jira_wire import JSON, Flavour, Wire
from pmo_sync.demo.servers.wire import Answer, Request, Route

USER: Final = "pmo.robot@arunika.example"
TOKEN: Final = "cloud-demo-token"
ZONE: Final = "Asia/Jakarta"  # of the robot's profile: times in answers and in JQL texts
ACCOUNT: Final = Worker("w90", "pmo.robot", "PMO Robot")
FLAVOUR: Final = Flavour(
    is_cloud=True, sprint="customfield_10020", points="customfield_10026", flagged="customfield_10021", epic_link=None
)

IDS_PAGE: Final = 5000  # id and key only
PAGE: Final = 100
BULK: Final = 100
BULK_SINGLE: Final = 1000  # few, named, single-valued fields
CHANGES_PAGE: Final = 10_000
INLINE_HISTORIES: Final = 40
RECONCILED: Final = 50  # issues that search shows as they are now; here it shows all so
_MULTI: Final = frozenset(
    {"*all", "*navigable", "labels", "fixVersions", "versions", "components", "issuelinks", "subtasks", "comment",
     "worklog", "attachment", FLAVOUR.sprint, FLAVOUR.flagged}
)  # fmt: skip
_REMOVED: Final = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline "
    "is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
_UNBOUNDED: Final = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
_WHO: Final = {"message": "Client must be authenticated to access this resource.", "status-code": 401}

# id, name, schema; a custom field has its full type in ``custom``
_FIELDS: Final[tuple[tuple[str, str, JSON], ...]] = (
    ("summary", "Summary", {"type": "string", "system": "summary"}),
    ("issuetype", "Issue Type", {"type": "issuetype", "system": "issuetype"}),
    ("project", "Project", {"type": "project", "system": "project"}),
    ("status", "Status", {"type": "status", "system": "status"}),
    ("resolution", "Resolution", {"type": "resolution", "system": "resolution"}),
    ("priority", "Priority", {"type": "priority", "system": "priority"}),
    ("labels", "Labels", {"type": "array", "items": "string", "system": "labels"}),
    ("fixVersions", "Fix versions", {"type": "array", "items": "version", "system": "fixVersions"}),
    ("created", "Created", {"type": "datetime", "system": "created"}),
    ("updated", "Updated", {"type": "datetime", "system": "updated"}),
    ("duedate", "Due date", {"type": "date", "system": "duedate"}),
    ("assignee", "Assignee", {"type": "user", "system": "assignee"}),
    ("reporter", "Reporter", {"type": "user", "system": "reporter"}),
    ("issuelinks", "Linked Issues", {"type": "array", "items": "issuelinks", "system": "issuelinks"}),
    ("description", "Description", {"type": "string", "system": "description"}),
    ("parent", "Parent", {"type": "issuelink", "system": "parent"}),
    ("customfield_10016", "Story point estimate", {"type": "number", "custom": "com.pyxis.greenhopper.jira:jsw-story-points"}),
    ("customfield_10019", "Rank", {"type": "any", "custom": "com.pyxis.greenhopper.jira:gh-lexo-rank"}),
    ("customfield_10020", "Sprint", {"type": "array", "items": "json", "custom": "com.pyxis.greenhopper.jira:gh-sprint"}),
    ("customfield_10021", "Flagged",
     {"type": "array", "items": "option", "custom": "com.atlassian.jira.plugin.system.customfieldtypes:multicheckboxes"}),
    ("customfield_10026", "Story Points",
     {"type": "number", "custom": "com.atlassian.jira.plugin.system.customfieldtypes:float"}),
)  # fmt: skip


def make(company: Company) -> Jira:
    """A server for the company's Jira Cloud; start it with ``.start()``.

    Write its URL to ``company.addresses["cloud"]``: all addresses in answers begin with it.
    """
    site = Site(company, "cloud", ZONE, ACCOUNT)
    cloud = _Cloud(site)
    expected = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()

    def authenticate(request: Request) -> Answer | None:
        given = request.headers.get("authorization")
        site.is_anonymous = given is None
        if given is None:
            is_open = any(part in request.path for part in ("/serverInfo", "/search", "/mypermissions", "/status"))
            return None if is_open else Answer(401, _WHO)
        if given != f"Basic {expected}":
            return Answer(401, _WHO, {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
        return None

    return Jira("jira-cloud", cloud.routes, authenticate, cloud.desk)


def _token(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _untoken(text: str) -> list[Any]:
    try:
        return list(json.loads(base64.urlsafe_b64decode(text)))
    except (ValueError, binascii.Error):
        return []


class _Cloud:
    def __init__(self, site: Site) -> None:
        self.site = site
        self.wire = Wire(site, FLAVOUR)
        self.desk = Desk(site, self.wire, comment_cap=100, lists_properties=False)
        api = "/rest/api/([23])"
        self.routes: list[Route] = [
            ("GET", f"{api}/serverInfo", self.server_info),
            ("GET", f"{api}/myself", lambda _, __: Answer(200, self.wire.user(site.account) | {"locale": "en_US"})),
            ("GET", f"{api}/mypermissions", self.permissions),
            ("GET", f"{api}/project/search", self.project_search),
            ("GET", f"{api}/project/([^/]+)", self.project),
            ("GET", f"{api}/project/([^/]+)/version", self.version_page),
            ("GET", f"{api}/field", lambda _, __: Answer(200, [_field(*one) for one in _FIELDS])),
            ("GET", f"{api}/statuses/search", self.status_search),
            ("GET", f"{api}/search", lambda _, __: refuse(410, _REMOVED)),
            ("POST", f"{api}/search", lambda _, __: refuse(410, _REMOVED)),
            ("GET", f"{api}/search/jql", self.search),
            ("POST", f"{api}/search/jql", self.search),
            ("POST", f"{api}/search/approximate-count", self.count),
            ("POST", f"{api}/issue/bulkfetch", self.bulk_fetch),
            ("POST", f"{api}/changelog/bulkfetch", self.bulk_changes),
            ("GET", f"{api}/issue/([^/]+)", self.issue),
            ("GET", f"{api}/issue/([^/]+)/changelog", self.changelog),
            *self.desk.routes,
        ]

    # -- who and where

    def server_info(self, _: Request, __: re.Match[str]) -> Answer:
        return Answer(
            200,
            {
                "baseUrl": self.wire.base,
                "displayUrl": self.wire.base,
                "version": "1001.0.0-SNAPSHOT",
                "versionNumbers": [1001, 0, 0],
                "deploymentType": "Cloud",
                "buildNumber": 100_299,
                "buildDate": "2026-11-10T02:00:00.000+0700",
                "serverTime": self.wire.moment(self.site.now),
                "scmInfo": "5f1d2a",
                "serverTitle": "Arunika Jira",
                "serverTimeZone": ZONE,
            },
        )

    def permissions(self, request: Request, _: re.Match[str]) -> Answer:
        wanted = words(request, "permissions")
        if not wanted:
            return refuse(400, "The 'permissions' query parameter is required.")
        wrong = [name for name in wanted if not re.fullmatch("[A-Z_]+", name)]
        if wrong:
            return refuse(400, f"Unrecognized permission: {wrong[0]}")
        key = request.first("projectKey") or request.first("projectId")
        if key and self.site.project(key) is None:
            return refuse(404, f"No project could be found with key '{key}'.")
        return Answer(200, {"permissions": {name: permission(name, not self.site.is_anonymous) for name in wanted}})

    # -- projects

    def project_search(self, request: Request, _: re.Match[str]) -> Answer:
        found = [] if self.site.is_anonymous else list(self.site.projects)
        ids, keys, text = words(request, "id"), words(request, "keys"), request.first("query").lower()
        found = [one for one in found if (not ids or str(one.id) in ids) and (not keys or one.key in keys)]
        found = [one for one in found if text in one.name.lower() or text in one.key.lower()]
        states = words(request, "status") or ["live"]
        found = [one for one in found if ("archived" if one.is_archived else "live") in states]
        start, most, part = page(request, found, default=50, cap=100)
        values = [self._project(one, "insight" in words(request, "expand")) for one in part]
        return Answer(
            200,
            {
                "self": self.wire.api(f"project/search?startAt={start}&maxResults={most}"),
                "maxResults": most,
                "startAt": start,
                "total": len(found),
                "isLast": start + len(part) >= len(found),
                "values": values,
            },
        )

    def _project(self, project: TrackedProject, with_insight: bool) -> JSON:
        made = self.wire.project(project) | {"style": "classic", "isPrivate": False, "properties": {}}
        if project.is_archived:
            made["archived"] = True
        if with_insight:
            items = [item for item in self.site.visible() if item.project == project.key]
            last = max((self.site.updated_at(item) for item in items), default=project.created_at)
            made["insight"] = {"totalIssueCount": len(items), "lastIssueUpdateTime": self.wire.moment(last)}
        return made

    def project(self, _: Request, match: re.Match[str]) -> Answer:
        return self.desk.with_project(
            match[2],
            lambda project: Answer(
                200,
                self._project(project, with_insight=False)
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
            start, most, part = page(request, versions, default=50, cap=50)
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

    def status_search(self, request: Request, _: re.Match[str]) -> Answer:
        words_of = {"new": "TODO", "indeterminate": "IN_PROGRESS", "done": "DONE", "undefined": "TODO"}
        found = [
            {
                "id": status["id"],
                "name": status["name"],
                "statusCategory": words_of[status["statusCategory"]["key"]],
                "scope": {"type": "GLOBAL"},
                "description": "",
            }
            for status in map(self.wire.status, self.site.statuses)
        ]
        start, most, part = page(request, found, default=200, cap=200)
        is_last = start + len(part) >= len(found)
        return Answer(
            200, {"startAt": start, "total": len(found), "isLast": is_last, "maxResults": most, "values": part}
        )

    # -- search

    def search(self, request: Request, match: re.Match[str]) -> Answer:
        if request.method == "POST":
            asked = request.json() or {}
            fields, expand = list(asked.get("fields") or ()), str(asked.get("expand") or "")
        else:
            asked = {name: request.first(name) for name in request.query}
            fields, expand = words(request, "fields"), request.first("expand")
        if len(asked.get("reconcileIssues") or ()) > RECONCILED:
            return refuse(400, f"reconcileIssues: at most {RECONCILED} issues are allowed.")
        found = self._find(asked.get("jql") or "")
        if isinstance(found, Answer):
            return found
        fields = fields or ["id"]
        is_narrow = set(fields) <= {"id", "key"} and not expand
        most = max(1, min(int(asked.get("maxResults") or 50), IDS_PAGE if is_narrow else PAGE))
        start, jql = 0, asked.get("jql")
        if asked.get("nextPageToken"):
            token = _untoken(str(asked["nextPageToken"]))
            if len(token) != 2 or token[1] != jql:
                return refuse(400, "The provided next page token is invalid or expired.")
            start = int(token[0])
        part = found.items[start : start + most]
        answer: JSON = {"issues": [self._row(item, fields, expand, match[1]) for item in part]}
        is_last = start + len(part) >= len(found.items)
        if not is_last:
            answer["nextPageToken"] = _token(start + len(part), jql)
        return Answer(200, answer | {"isLast": is_last})

    def _find(self, jql: str) -> Found | Answer:
        try:
            found = find(self.site, jql)
        except JqlError as error:
            return Answer(400, {"errorMessages": [str(error)], "warningMessages": []})
        if not found.is_bounded:
            return Answer(400, {"errorMessages": [_UNBOUNDED], "errors": {}})
        return found

    def _row(self, item: Item, fields: Sequence[str], expand: str, version: str) -> JSON:
        if set(fields) == {"id"} and not expand:
            return {"id": str(item.id)}
        row = self.wire.issue(item, fields, as_document=version == "3")
        if set(fields) <= {"id", "key"}:
            del row["fields"]
        if "changelog" in expand:
            row["changelog"] = self._newest(item, INLINE_HISTORIES)
        return row

    def _newest(self, item: Item, most: int) -> JSON:
        histories = self.site.histories(item)
        shown = [self.wire.history(one) for one in reversed(histories)][:most]
        return {"startAt": 0, "maxResults": len(shown), "total": len(histories), "histories": shown}

    def count(self, request: Request, _: re.Match[str]) -> Answer:
        found = self._find((request.json() or {}).get("jql") or "")
        return found if isinstance(found, Answer) else Answer(200, {"count": len(found.items)})

    # -- issues

    def issue(self, request: Request, match: re.Match[str]) -> Answer:
        item = self.site.item(match[2])
        if item is None:
            return refuse(404, ISSUE_GONE)
        made = self.wire.issue(item, words(request, "fields") or None, as_document=match[1] == "3")
        if "changelog" in words(request, "expand"):
            made["changelog"] = self._newest(item, 100)
        return Answer(200, made)

    def bulk_fetch(self, request: Request, match: re.Match[str]) -> Answer:
        asked = request.json() or {}
        wanted, fields = list(asked.get("issueIdsOrKeys") or ()), list(asked.get("fields") or ())
        expand = asked.get("expand") or []
        if not isinstance(expand, list):
            return refuse(400, "Cannot deserialize value of 'expand': an array is expected.")
        is_simple = bool(fields) and len(fields) <= 100 and not _MULTI & set(fields) and not expand
        cap = BULK_SINGLE if is_simple else BULK
        if not wanted or len(wanted) > cap:
            return refuse(400, f"The number of issues must be between 1 and {cap}.")
        found = {item.id: item for one in wanted if (item := self.site.item(str(one))) is not None}
        rows = []
        for number_of_item in sorted(found):
            row = self.wire.issue(found[number_of_item], fields or None, as_document=match[1] == "3")
            if "changelog" in expand:
                row["changelog"] = self._newest(found[number_of_item], INLINE_HISTORIES)
            rows.append(row)
        return Answer(200, {"issues": rows, "issueErrors": []})

    def changelog(self, request: Request, match: re.Match[str]) -> Answer:
        item = self.site.item(match[2])
        if item is None:
            return refuse(404, ISSUE_GONE)
        histories = self.site.histories(item)
        start, most, part = page(request, histories, default=100, cap=100)
        return Answer(
            200,
            {
                "self": self.wire.api(f"issue/{item.id}/changelog?maxResults={most}&startAt={start}"),
                "maxResults": most,
                "startAt": start,
                "total": len(histories),
                "isLast": start + len(part) >= len(histories),
                "values": [self.wire.history(one) for one in part],
            },
        )

    def bulk_changes(self, request: Request, _: re.Match[str]) -> Answer:
        asked = request.json() or {}
        wanted, field_ids = list(asked.get("issueIdsOrKeys") or ()), list(asked.get("fieldIds") or ())
        if not 1 <= len(wanted) <= 1000:
            return refuse(400, "issueIdsOrKeys: between 1 and 1000 issues are allowed.")
        if len(field_ids) > 10 or len(set(field_ids)) != len(field_ids):
            return refuse(400, "fieldIds: at most 10 different fields are allowed.")
        items = {item.id: item for one in wanted if (item := self.site.item(str(one))) is not None}
        changes: list[tuple[History, int, JSON]] = []
        for item in items.values():
            for history in self.site.histories(item):
                entry = self.wire.history(history) | {"created": epoch_ms(history.at)}
                if field_ids:
                    entry["items"] = [one for one in entry["items"] if one.get("fieldId") in field_ids]
                if entry["items"]:
                    changes.append((history, item.id, entry))
        changes.sort(key=lambda one: (one[0].at, one[1]))
        most = max(1, min(int(asked.get("maxResults") or 1000), CHANGES_PAGE))
        start = int((_untoken(asked["nextPageToken"]) or [0])[0]) if asked.get("nextPageToken") else 0
        grouped: dict[int, list[JSON]] = {}
        for _history, number_of_item, entry in changes[start : start + most]:
            grouped.setdefault(number_of_item, []).append(entry)
        logs = [{"issueId": str(one), "changeHistories": entries} for one, entries in grouped.items()]
        answer: JSON = {"issueChangeLogs": logs}
        if start + most < len(changes):
            answer["nextPageToken"] = _token(start + most)
        return Answer(200, answer)


def permission(name: str, have: bool) -> JSON:
    """One permission of ``mypermissions``; the robot may what PERMISSIONS lists."""
    return {
        "id": str(PERMISSIONS.index(name) + 10 if name in PERMISSIONS else 99),
        "key": name,
        "name": name.replace("_", " ").capitalize(),
        "type": "PROJECT",
        "description": "",
        "havePermission": have and name in PERMISSIONS,
    }


def _field(field_id: str, name: str, schema: JSON) -> JSON:
    is_custom = "custom" in schema
    made: JSON = {
        "id": field_id,
        "key": field_id,
        "name": name,
        "custom": is_custom,
        "orderable": True,
        "navigable": True,
        "searchable": True,
        "clauseNames": [f"cf[{field_id[12:]}]", name] if is_custom else [field_id],
        "schema": schema | ({"customId": int(field_id[12:])} if is_custom else {}),
    }
    return made | {"untranslatedName": name} if is_custom else made
