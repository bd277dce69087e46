"""A Jira Data Center that answers from pre-built bytes: it costs the client, not itself. Run as a process.

``python -m tests.benchmarks.jira_static ISSUES LATENCY_MS`` prints its port and serves until killed.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

SITE = "https://jira.example.org"
NOW = datetime(2026, 11, 16, tzinfo=UTC)
QUIET_SINCE = int((NOW - timedelta(days=4)).timestamp() * 1000)
STATUSES = {"1": ("Open", "new"), "3": ("In Progress", "indeterminate"), "6": ("Closed", "done")}


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def status(id_: str) -> dict[str, Any]:
    name, category = STATUSES[id_]
    return {"id": id_, "name": name, "statusCategory": {"key": category, "name": category}}


def person(number: int) -> dict[str, Any]:
    """A user as Data Center shows one, seven times an issue and more."""
    name = f"user{number % 40}"
    picture = f"{SITE}/secure/useravatar?ownerId={name}&avatarId=10122"
    return {
        "self": f"{SITE}/rest/api/2/user?username={name}",
        "name": name,
        "key": name,
        "emailAddress": f"{name}@example.org",
        "avatarUrls": {f"{size}x{size}": f"{picture}&size={size}" for size in (16, 24, 32, 48)},
        "displayName": f"User {number % 40}",
        "active": True,
        "timeZone": "Europe/Amsterdam",
    }


def issue(number: int, draw: random.Random) -> dict[str, Any]:
    """One issue with ten changes, as wide as a real one."""
    created = NOW - timedelta(days=draw.uniform(60, 500))
    moments = sorted(created + timedelta(days=draw.uniform(0.1, 55)) for _ in range(10))
    walk = ["1", "3", "1", "3", "1", "3", "6"]
    items = [
        [
            {
                "field": "status",
                "fieldtype": "jira",
                "from": a,
                "fromString": STATUSES[a][0],
                "to": b,
                "toString": STATUSES[b][0],
            }
        ]
        for a, b in pairwise(walk)
    ]
    items += [
        [
            {
                "field": "priority",
                "fieldtype": "jira",
                "from": "3",
                "fromString": "Major",
                "to": "2",
                "toString": "Critical",
            }
        ]
    ]
    items += [
        [
            {
                "field": "description",
                "fieldtype": "jira",
                "from": None,
                "fromString": "x" * 200,
                "to": None,
                "toString": "y" * 200,
            }
        ]
    ] * 3
    histories = [
        {"id": str(number * 100 + n), "author": person(number + n), "created": stamp(at), "items": one}
        for n, (at, one) in enumerate(zip(moments, items, strict=True))
    ]
    return {
        "id": str(10_000 + number),
        "key": f"BENCH-{number}",
        "self": f"http://127.0.0.1/rest/api/2/issue/{10_000 + number}",
        "fields": {
            "summary": f"Reconcile statement {number} with the ledger",
            "created": stamp(created),
            "updated": stamp(moments[-1]),
            "project": {"id": "1", "key": "BENCH", "name": "Bench"},
            "issuetype": {"id": "3", "name": "Task", "subtask": False},
            "status": status("6"),
            "priority": {"id": "2", "name": "Critical"},
            "resolution": None,
            "labels": ["finance", "q4"],
            "fixVersions": [{"id": "500", "name": "R1"}],
            "assignee": person(number),
            "reporter": person(number + 1),
            "creator": person(number + 2),
            "components": [{"self": f"{SITE}/rest/api/2/component/10", "id": "10", "name": "Ledger"}],
            "votes": {"self": f"{SITE}/rest/api/2/issue/X/votes", "votes": 0, "hasVoted": False},
            "watches": {"self": f"{SITE}/rest/api/2/issue/X/watchers", "watchCount": 2, "isWatching": False},
            "progress": {"progress": 0, "total": 0},
            "timespent": None,
            "environment": None,
            **{f"customfield_{10_000 + n}": None for n in range(40)},
            "issuelinks": [],
            "description": "lorem ipsum " * 20,
            "duedate": None,
            "parent": None,
        },
        "changelog": {"startAt": 0, "maxResults": 10, "total": 10, "histories": histories},
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rows: ClassVar[list[bytes]] = []
    latency = 0.0
    requests = 0

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        type(self).requests += 1
        time.sleep(self.latency)
        body = self.search(query) if parts.path.endswith("/search") else json.dumps(self.rest(parts.path)).encode()
        self.send_response(200 if body != b"null" else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def search(self, query: dict[str, str]) -> bytes:
        bound = re.search(r"updated >= (\d+)", query.get("jql", ""))
        rows = [] if bound and int(bound[1]) > QUIET_SINCE else self.rows  # nothing has changed lately
        start, most = int(query.get("startAt", 0)), int(query.get("maxResults", 50))
        return (
            b'{"startAt":%d,"maxResults":%d,"total":%d,"issues":[' % (start, most, len(rows))
            + b",".join(rows[start : start + most])
            + b"]}"
        )

    def rest(self, path: str) -> Any:
        project = {"id": "1", "key": "BENCH", "name": "Bench", "self": "http://127.0.0.1/rest/api/2/project/1"}
        answers = {
            "/requests": type(self).requests - 1,
            "/rest/api/2/serverInfo": {
                "version": "9.12.4",
                "deploymentType": "Server",
                "serverTime": stamp(NOW),
                "baseUrl": "",
            },
            "/rest/api/2/myself": {"name": "pmo", "key": "pmo", "timeZone": "UTC"},
            "/rest/api/2/field": [],
            "/rest/api/2/status": [status(id_) for id_ in STATUSES],
            "/rest/api/2/project": [project],
            "/rest/api/2/project/BENCH": project,
            "/rest/api/2/project/BENCH/statuses": [],
            "/rest/api/2/project/BENCH/versions": [{"id": "500", "name": "R1", "released": False, "archived": False}],
            "/rest/api/2/project/1/versions": [{"id": "500", "name": "R1", "released": False, "archived": False}],
            "/rest/agile/1.0/board": {"values": [], "isLast": True, "startAt": 0, "maxResults": 50, "total": 0},
        }
        return answers.get(path)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


def main() -> None:
    count, latency = int(sys.argv[1]), float(sys.argv[2])
    draw = random.Random(1)
    Handler.rows = [json.dumps(issue(number, draw)).encode() for number in range(1, count + 1)]
    Handler.latency = latency / 1000
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
