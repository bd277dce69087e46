"""A small Jira of either kind that can misbehave: what it holds is the truth, what it answers can be bent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.jira import connect
from connectors.jira.fetch import JiraConnector
from pmo_sync.config import Secret, ServerConfig, SourceConfig
from pmo_sync.http.network import Network
from pmo_sync.model import Page, Project
from tests.clocks import QuickClock
from tests.scripted_server import Asked, Reply, ScriptedServer

PROJECT = Project("src:1", "src", "PAY", "Pay", "", is_archived=False)
NOW = "2026-02-01T00:00:00.000+0000"
OPEN = {"id": "1", "name": "Open", "statusCategory": {"key": "new"}}


def change(field: str, old: str | None, new: str | None, at: str = "2026-01-05T10:00:00.000+0000") -> dict[str, Any]:
    item = {"field": field, "fieldtype": "jira", "from": old, "fromString": old, "to": new, "toString": new}
    return {"id": "1", "created": at, "items": [item]}


def issue(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(1000 + number),
        "key": f"PAY-{number}",
        "fields": {
            "summary": f"Issue {number}",
            "created": "2026-01-02T10:00:00.000+0000",
            "updated": "2026-01-09T10:00:00.000+0000",
            "project": {"id": "1", "key": "PAY", "name": "Pay"},
            "issuetype": {"id": "1", "name": "Task", "subtask": False},
            "status": OPEN,
            **fields,
        },
        "changelog": {"total": 1, "histories": [change("labels", "", "x")]},
    }


class FakeJira:
    """A server of either kind; tests bend what it holds and the hook ``before``."""

    def __init__(self, kind: str, count: int) -> None:
        self.kind = kind
        self.issues = [issue(number) for number in range(1, count + 1)]
        self.fields: Any = []
        self.boards: list[Any] = []
        self.sprints: list[Any] = []
        self.page_limit = 1000
        self.takes_epoch = True
        self.before: Callable[[str, dict[str, Any]], Reply | None] = lambda path, query: None
        self.jqls: list[str] = []
        self.paths: list[str] = []

    def answer(self, asked: Asked) -> Reply:
        parts = urlsplit(asked.target)
        path = parts.path.partition("/rest/")[2]
        query: dict[str, Any] = {key: found[0] for key, found in parse_qs(parts.query).items()}
        if asked.body:
            query |= json.loads(asked.body)
        self.paths.append(path)
        special = self.before(path, query)
        return self.reply(path, query) if special is None else special

    def reply(self, path: str, query: dict[str, Any]) -> Reply:
        body = self.body(path, query)
        return Reply(404, b"{}") if body is None else Reply(body=json.dumps(body).encode())

    def body(self, path: str, query: dict[str, Any]) -> Any:
        """None: not found."""
        match path.split("/")[2:]:
            case ["serverInfo"]:
                return {"deploymentType": self.kind, "version": "9.12", "serverTime": NOW}
            case ["field"]:
                return self.fields
            case ["board"]:
                return {"values": self.boards, "isLast": True}
            case ["board", _, "sprint"]:
                return {"values": self.sprints, "isLast": True}
            case ["myself"]:
                return {"name": "me", "timeZone": "Asia/Jakarta"}
            case ["status"]:
                return [OPEN]
            case ["project", _]:
                return {"id": "1", "key": "PAY", "name": "Pay"}
            case ["project", _, "statuses"]:
                return [{"statuses": [OPEN]}]
            case ["project", _, "versions"]:
                return [{"id": "5", "name": "1.0", "releaseDate": "2026-03-01"}]
            case ["issue", _, "remotelink"]:
                return [
                    {
                        "id": 7,
                        "relationship": "is blocked by",
                        "object": {"url": "https://git.example.org/a/b/-/issues/3"},
                    },
                    {"id": 8, "relationship": "blocks", "object": {"url": "https://wiki.example.org/page"}},
                ]
            case ["issue", name, "changelog"]:
                return {"values": self.one(name)["changelog"]["histories"], "isLast": True}
            case ["issue", "bulkfetch"]:
                wanted = [one for one in self.issues if one["id"] in query["issueIdsOrKeys"]]
                return {"issues": [{key: one[key] for key in ("id", "key", "fields")} for one in wanted]}
            case ["changelog", "bulkfetch"]:
                wanted = [one for one in self.issues if one["id"] in query["issueIdsOrKeys"]]
                logs = {one["id"]: one["changelog"]["histories"] for one in wanted}
                return {
                    "issueChangeLogs": [{"issueId": one, "changeHistories": log} for one, log in logs.items() if log]
                }
            case ["issue", name]:
                return self.one(name)
            case ["search"]:
                found = self.found(query["jql"])
                start, most = int(query.get("startAt", 0)), min(self.page_limit, int(query["maxResults"]))
                return {"startAt": start, "total": len(found), "issues": found[start : start + most]}
            case ["search", "jql"]:
                return {"issues": [{"id": one["id"]} for one in self.found(query["jql"])], "isLast": True}
            case ["search", "approximate-count"]:
                return {"count": len(self.found(query["jql"]))}
        return None

    def one(self, name: str) -> Any:
        """The issue of that id or key."""
        return next((one for one in self.issues if name in (one["id"], one["key"])), None)

    def found(self, jql: str) -> list[dict[str, Any]]:
        self.jqls.append(jql)
        listed = re.search(r"id in \((.*)\)", jql)
        if listed:
            return [one for one in self.issues if one["id"] in listed[1].split(", ")]
        if "updated" in jql and not self.takes_epoch:
            return []
        found = self.issues
        for negated, bound in re.findall(r"(NOT )?updated >= (\d+)", jql):
            since = datetime.fromtimestamp(int(bound) / 1000, UTC)
            found = [one for one in found if (_updated(one) >= since) != bool(negated)]
        return found


def _updated(one: dict[str, Any]) -> datetime:
    """What the index has; it has something whatever else is wrong."""
    fields = one["fields"] if isinstance(one["fields"], dict) else issue(0)["fields"]
    return datetime.fromisoformat(fields["updated"])


def connector(
    server: ScriptedServer, workers: int = 1, projects: tuple[str, ...] = ("PAY",), **fields: str
) -> JiraConnector:
    config = ServerConfig(server.url, server.url, None, None, Secret("env", "T", {"T": "t"}), None, None, None, workers, 1000.0)  # fmt: skip
    made = connect(
        SourceConfig("src", "jira", config, None, projects, {}, fields, (), None, 0.2), Network(QuickClock())
    )
    assert isinstance(made, JiraConnector)
    return made


def keys(pages: list[Page]) -> list[str]:
    return [one.key for page in pages for one in page.issues]


def expected(jira: FakeJira) -> list[str]:
    return [one["key"] for one in jira.issues]
