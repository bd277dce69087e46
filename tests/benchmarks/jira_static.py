"""A Jira that answers from pre-built bytes: it costs the client, not itself. Run as a process.

``python -m tests.benchmarks.jira_static data-center|cloud ISSUES LATENCY_MS`` prints its port and serves until killed.
Each answer comes ``LATENCY_MS`` after its question. ``/spent`` tells requests and CPU seconds so far.

A thousand different issues are built as bytes before the first question; larger projects repeat them under ids and
keys of their own. As on a real server, only the fields that are asked for are sent; histories come with their authors.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

SITE: Final = "https://jira.example.org"
NOW: Final = datetime(2026, 11, 16, tzinfo=UTC)
QUIET_SINCE: Final = int((NOW - timedelta(days=4)).timestamp() * 1000)
STATUSES: Final = {"1": ("Open", "new"), "3": ("In Progress", "indeterminate"), "6": ("Closed", "done")}
DIFFERENT: Final = 1000  # issues
FIRST_ID: Final = 10_001
NARROW: Final = (
    "summary", "created", "updated", "project", "issuetype", "status", "resolution", "priority", "assignee",
    "duedate", "parent", "labels", "fixVersions", "issuelinks",
)  # fmt: skip


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def status(id_: str) -> dict[str, Any]:
    name, category = STATUSES[id_]
    return {"id": id_, "name": name, "statusCategory": {"key": category, "name": category}}


def person(number: int) -> dict[str, Any]:
    """A user as Jira shows one, ten times an issue and more."""
    name = f"user{number % 40}"
    picture = f"{SITE}/secure/useravatar?ownerId={name}&avatarId=10122"
    return {
        "self": f"{SITE}/rest/api/2/user?username={name}",
        "name": name,
        "key": name,
        "accountId": name,
        "emailAddress": f"{name}@example.org",
        "avatarUrls": {f"{size}x{size}": f"{picture}&size={size}" for size in (16, 24, 32, 48)},
        "displayName": f"User {number % 40}",
        "active": True,
        "timeZone": "Europe/Amsterdam",
    }


def change(name: str, old: str | None, old_text: str, new: str | None, new_text: str) -> dict[str, Any]:
    texts = {"from": old, "fromString": old_text, "to": new, "toString": new_text}
    return {"field": name, "fieldtype": "jira", **texts}


def life(number: int, draw: random.Random) -> tuple[datetime, list[datetime], list[dict[str, Any]]]:
    """When an issue was born, and its ten changes: six of status, one of priority, three of the description."""
    born = NOW - timedelta(days=draw.uniform(60, 500))
    moments = sorted(born + timedelta(days=draw.uniform(0.1, 55)) for _ in range(10))
    items = [
        change("status", a, STATUSES[a][0], b, STATUSES[b][0]) for a, b in pairwise(["1", "3", "1", "3", "1", "3", "6"])
    ]
    items.append(change("priority", "3", "Major", "2", "Critical"))
    items += [change("description", None, "x" * 200, None, "y" * 200)] * 3
    histories = [
        {"id": str(number * 100 + n), "author": person(number + n), "created": stamp(at), "items": [item]}
        for n, (at, item) in enumerate(zip(moments, items, strict=True))
    ]
    return born, moments, histories


def all_fields(number: int, born: datetime, moments: Sequence[datetime]) -> dict[str, Any]:
    """As wide as a real site's."""
    return {
        "summary": f"Reconcile statement {number} with the ledger",
        "created": stamp(born),
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
    }


class Tails:
    """What stands behind id and key in the JSON of each different issue, for each kind of question."""

    def __init__(self) -> None:
        draw = random.Random(1)
        self.wide: list[bytes] = []  # every field, and the history
        self.asked: list[bytes] = []  # the fields asked for, and the history
        self.fields: list[bytes] = []  # the fields asked for
        self.histories: list[bytes] = []  # the history as Cloud's bulk answer has it
        for number in range(DIFFERENT):
            born, moments, histories = life(number, draw)
            fields = all_fields(number, born, moments)
            narrow = {name: fields[name] for name in NARROW}
            log = {"startAt": 0, "maxResults": 10, "total": 10, "histories": histories}
            self.wide.append(_tail({"fields": fields, "changelog": log}))
            self.asked.append(_tail({"fields": narrow, "changelog": log}))
            self.fields.append(_tail({"fields": narrow}))
            for history, at in zip(histories, moments, strict=True):
                history["created"] = int(at.timestamp() * 1000)
                history["items"] = [{**item, "fieldId": item["field"]} for item in history["items"]]
            self.histories.append(_tail({"changeHistories": histories}))


def _tail(part: dict[str, Any]) -> bytes:
    return json.dumps(part).encode()[1:]


class Handler(BaseHTTPRequestHandler):
    """What both kinds answer alike."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    tails: ClassVar[Tails]
    count = 0  # issues
    latency = 0.0
    requests = 0
    deployment = "Server"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/spent":
            self.answer(json.dumps({"requests": type(self).requests, "cpu": time.process_time()}).encode())
            return
        type(self).requests += 1
        time.sleep(self.latency)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.answer(self.search(query) if parts.path.endswith("/search") else self.rest(parts.path))

    def answer(self, body: bytes) -> None:
        self.send_response(200 if body != b"null" else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def found(self, jql: str) -> int:
        """How many issues a question finds: nothing has changed lately."""
        bound = re.search(r"updated >= (\d+)", jql)
        return 0 if bound and int(bound[1]) > QUIET_SINCE else self.count

    def search(self, query: dict[str, str]) -> bytes:
        """Data Center's: ``fields`` says how wide, ``expand`` whether with histories."""
        start, most = int(query.get("startAt", 0)), int(query.get("maxResults", 50))
        total = self.found(query.get("jql", ""))
        tails = self.tails.wide
        if "fields" in query:
            tails = self.tails.asked if "changelog" in query.get("expand", "") else self.tails.fields
        return b'{"startAt":%d,"maxResults":%d,"total":%d,"issues":[%b]}' % (
            start, most, total, b",".join(_row(n, tails) for n in range(start, min(start + most, total))),
        )  # fmt: skip

    def rest(self, path: str) -> bytes:
        project = {"id": "1", "key": "BENCH", "name": "Bench", "self": f"{SITE}/rest/api/2/project/1"}
        statuses = [status(id_) for id_ in STATUSES]
        info = {"version": "9.12.4", "deploymentType": self.deployment, "serverTime": stamp(NOW), "baseUrl": SITE}
        page = {"isLast": True, "startAt": 0, "maxResults": 50, "total": 0}
        answers: dict[str, Any] = {
            "/rest/api/2/serverInfo": info,
            "/rest/api/2/field": [],
            "/rest/api/2/status": statuses,
            "/rest/api/2/project/BENCH": project,
            "/rest/api/3/project/BENCH/statuses": [{"id": "3", "name": "Task", "statuses": statuses}],
            "/rest/api/2/project/BENCH/versions": [{"id": "500", "name": "R1", "released": False, "archived": False}],
            "/rest/agile/1.0/board": {"values": [], **page},
        }
        if path.endswith("/comment"):
            answers[path] = {"comments": [], **page, "maxResults": 100}
        return json.dumps(answers.get(path)).encode()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


def _row(place: int, tails: Sequence[bytes]) -> bytes:
    return b'{"id":"%d","key":"BENCH-%d",%b' % (FIRST_ID + place, place + 1, tails[place % DIFFERENT])


class Cloud(Handler):
    """Jira Cloud: ids by search, issues and histories in bulk."""

    deployment = "Cloud"

    def do_POST(self) -> None:
        type(self).requests += 1
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.latency)
        path = urlsplit(self.path).path
        if path.endswith("/search/jql"):
            self.answer(self.ids(body))
        elif path.endswith("/search/approximate-count"):
            self.answer(b'{"count":%d}' % self.found(body["jql"]))
        elif path.endswith("/changelog/bulkfetch"):
            logs = (
                b'{"issueId":"%d",%b' % (id_, self.tails.histories[(id_ - FIRST_ID) % DIFFERENT])
                for id_ in map(int, body["issueIdsOrKeys"])
            )
            self.answer(b'{"issueChangeLogs":[%b]}' % b",".join(logs))
        else:
            rows = (_row(int(id_) - FIRST_ID, self.tails.fields) for id_ in body["issueIdsOrKeys"])
            self.answer(b'{"issues":[%b],"issueErrors":[]}' % b",".join(rows))

    def ids(self, body: dict[str, Any]) -> bytes:
        total = self.found(body["jql"])
        start = int(body.get("nextPageToken", 0))
        end = min(start + body["maxResults"], total)
        rows = b",".join(b'{"id":"%d"}' % (FIRST_ID + place) for place in range(start, end))
        more = b'"nextPageToken":"%d","isLast":false' % end if end < total else b'"isLast":true'
        return b'{"issues":[%b],%b}' % (rows, more)


def main() -> None:
    kind = Cloud if sys.argv[1] == "cloud" else Handler
    kind.tails, kind.count, kind.latency = Tails(), int(sys.argv[2]), float(sys.argv[3]) / 1000
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
