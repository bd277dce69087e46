"""Answers that have not the shape they should have: records, a problem, or one line that says so; never a crash."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.jira import survey
from connectors.jira.paging import paged
from pmo_sync.clients.jira import JiraClient
from pmo_sync.config import ServerConfig, SourceConfig
from pmo_sync.errors import PmoSyncError, TrackerError
from pmo_sync.http.network import Network
from pmo_sync.model import Issue
from tests.clocks import QuickClock
from tests.connectors.bending import ODD, bent, places
from tests.connectors.jira_fake import PROJECT, FakeJira, change, connector, issue
from tests.scripted_server import Reply, ScriptedServer

SPRINT = "customfield_3"


def full(kind: str) -> FakeJira:
    """Something of everything."""
    jira = FakeJira(kind, 3)
    blocks = {"name": "Blocks", "inward": "is blocked by", "outward": "blocks"}
    jira.fields = [
        {"id": SPRINT, "name": "Sprint", "schema": {"custom": "com.pyxis.greenhopper.jira:gh-sprint"}},
        {"id": "customfield_4", "name": "Epic Link", "schema": {"custom": "com.pyxis.greenhopper.jira:gh-epic-link"}},
        {"id": "customfield_5", "name": "Points", "schema": {"custom": "com.pyxis.greenhopper.jira:jsw-story-points"}},
    ]
    jira.boards = [{"id": 3, "name": "PAY board", "type": "scrum"}]
    jira.sprints = [
        {"id": 4, "name": "S4", "state": "active", "startDate": "2026-01-05T10:00:00.000Z", "endDate": None}
    ]
    jira.issues[0] = issue(
        1, labels=["x"], fixVersions=[{"id": "5", "name": "1.0"}], parent={"id": "1002", "key": "PAY-2"},
        issuelinks=[{"type": blocks, "inwardIssue": {"id": "1003", "key": "PAY-3"}}], duedate="2026-03-01",
        assignee={"accountId": "a", "displayName": "Ann"}, priority={"id": "1", "name": "High"},
        **{SPRINT: [{"id": 4, "name": "S4"}], "customfield_4": "PAY-2", "customfield_5": 3},
    )  # fmt: skip
    jira.issues[1]["changelog"]["histories"] += [
        change("Link", None, "PAY-3"), change("status", "1", "2"), change("RemoteIssueLink", None, "7"),
        change("Key", "OLD-1", "PAY-2"), change("Sprint", "", "4"),
    ]  # fmt: skip
    jira.issues[1]["changelog"]["total"] = 6
    return jira


def everything(server: ScriptedServer) -> list[Issue]:
    """All a connector can be asked; what it says it cannot do is passed over."""
    made = connector(server)
    issues: list[Issue] = []
    with suppress(PmoSyncError):
        made.check()
    with suppress(PmoSyncError):
        made.catalogue()
    with suppress(PmoSyncError):
        for page in made.pages(PROJECT, None):
            issues += page.issues
            assert all(one.what and "\n" not in one.what for one in page.problems)
    for sweep in (False, True):
        with suppress(PmoSyncError):
            made.census(PROJECT, sweep=sweep)
    with suppress(PmoSyncError):
        list(made.trace(PROJECT, ["src:1001", "src:1099"]))
    with suppress(PmoSyncError):
        made.requests(100)
    return issues


@pytest.mark.parametrize("kind", ["Cloud", "Server"])
def test_what_is_whole_is_read_whole(kind: str) -> None:
    jira = full(kind)
    with ScriptedServer(answer=jira.answer) as server:
        assert len(everything(server)) == 3
        made = connector(server)
        assert {one.kind for one in made.catalogue().milestones} == {"version", "sprint"}


@cache
def answers(kind: str) -> list[str]:
    """Every address a connector asks at."""
    jira = full(kind)
    with ScriptedServer(answer=jira.answer) as server:
        everything(server)
    return sorted({*jira.paths})


@pytest.mark.parametrize("kind", ["Cloud", "Server"])
@given(data=st.data())
def test_whatever_comes_is_understood_or_said(kind: str, data: st.DataObject) -> None:
    jira = full(kind)
    victim = data.draw(st.sampled_from(answers(kind)), label="answer")
    place = data.draw(st.integers(0, 10_000), label="place")
    odd = data.draw(ODD | st.just(...), label="instead")

    def before(path: str, query: dict[str, Any]) -> Reply | None:
        if path != victim:
            return None
        body = jira.body(path, query)
        found = list(places(body))
        return Reply(body=json.dumps(bent(body, found[place % len(found)], odd)).encode())

    jira.before = before
    with ScriptedServer(answer=jira.answer) as server:
        everything(server)


CRASHES = [
    ("Cloud", "api/3/project/PAY/statuses", {"statuses": [7]}),
    ("Cloud", "api/3/project/PAY/statuses", [{"name": "Task"}]),
    ("Server", "api/2/field", {"id": "customfield_1"}),
    ("Server", "api/2/search", {"issues": [], "total": None}),
    ("Cloud", "agile/1.0/board", {"values": ["PAY board"], "isLast": True}),
    ("Cloud", "agile/1.0/board", {"values": [{"id": 3}], "total": "many"}),
    ("Cloud", "api/3/search/jql", {"issues": [{"id": "PAY-1"}]}),
    ("Cloud", "api/3/search/approximate-count", []),
    ("Server", "api/2/myself", {"name": "me", "timeZone": 7}),
]


@pytest.mark.parametrize(("kind", "path", "body"), CRASHES)
def test_what_has_crashed_us(kind: str, path: str, body: Any) -> None:
    jira = full(kind)
    jira.before = lambda asked, query: Reply(body=json.dumps(body).encode()) if asked == path else None
    with ScriptedServer(answer=jira.answer) as server:
        everything(server)
    assert path in jira.paths


def test_it_is_said_of_which_source_and_what() -> None:
    jira = full("Server")
    jira.fields = {"id": "customfield_1"}
    with ScriptedServer(answer=jira.answer) as server, pytest.raises(TrackerError) as caught:
        connector(server).catalogue()
    assert str(caught.value).startswith("src: its catalogue cannot be understood (AttributeError: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["Cloud", "Server"])
def test_odd_parts_of_a_catalogue_are_its_problems(kind: str) -> None:
    jira = full(kind)
    odd = {"statuses": {"statuses": [7]}, "status": 7, "versions": [None, {"id": "5", "name": "1.0"}], "board": ["x"]}

    def before(path: str, query: dict[str, Any]) -> Reply | None:
        body = odd.get(path.rpartition("/")[2])
        found = {"values": body, "isLast": True} if path.endswith("board") else body
        return None if body is None else Reply(body=json.dumps(found).encode())

    jira.before = before
    with ScriptedServer(answer=jira.answer) as server:
        found = connector(server).catalogue()
    assert [one.kind for one in found.milestones] == ["version"]
    assert len(found.problems) == 3


class TestLists:
    """Of lists that come in parts, the end is believed only where it is told."""

    def read(self, *pages: Any) -> list[Any]:
        replies = [Reply(body=json.dumps(one).encode()) for one in pages]
        with ScriptedServer(*replies) as server:
            config = ServerConfig(server.url, server.url, None, None, None, None, None, None, 1, 1000.0)
            return list(paged(JiraClient(config, Network(QuickClock())), "x", {}, "api/2", 2))

    @pytest.mark.parametrize(
        "pages",
        [
            [{"values": [1, 2], "isLast": False}, {"values": [3], "isLast": True}],
            [{"values": [1, 2], "total": 3}, {"values": [3], "total": 3}],
            [{"values": [1, 2]}, {"values": [3]}, {"values": []}],
        ],
    )
    def test_they_are_read_to_the_end(self, pages: list[Any]) -> None:
        assert self.read(*pages) == [1, 2, 3]

    @pytest.mark.parametrize(
        "last",
        [{"values": [], "isLast": False}, {"values": [], "total": 3}, {"isLast": True}, {"values": None}, [], 7,
         {"values": [1, 2], "isLast": False}],
    )  # fmt: skip
    def test_an_end_that_is_none_is_an_error(self, last: Any) -> None:
        with pytest.raises(TrackerError):
            self.read({"values": [1, 2], "isLast": False}, last)


@pytest.mark.parametrize("kind", ["Cloud", "Server"])
def test_a_survey_reads_every_project(kind: str) -> None:
    """Its list of projects comes in parts at Cloud, and whole at Data Center."""
    first, second = ({"key": key, "projectCategory": {"name": f"Team {key}"}} for key in ("PAY", "OPS"))

    def before(path: str, query: dict[str, Any]) -> Reply | None:
        body: Any = None
        if path == "api/3/project/search":
            body = {"values": [second] if int(query["startAt"]) else [first], "total": 2}
        elif path == "api/2/project":
            body = [first, second]
        elif path.endswith("issuetype"):
            body = [{"name": "Task"}, None, {}]
        return None if body is None else Reply(body=json.dumps(body).encode())

    jira = FakeJira(kind, 0)
    jira.before = before
    with ScriptedServer(answer=jira.answer) as server:
        config = ServerConfig(server.url, server.url, None, None, None, None, None, None, 1, 1000.0)
        options = SourceConfig("src", "jira", config, None, (), {}, {}, (), None, 0.2)
        found = survey(options, Network(QuickClock()))
        assert found.groups == {"PAY": "Team PAY", "OPS": "Team OPS"}
        assert found.kinds == ("Task",)
        assert jira.paths.count("api/2/serverInfo") == 1
        jira.before = lambda path, query: Reply(body=b'{"values": [7]}') if "project" in path else None
        with pytest.raises(TrackerError, match="its list of projects cannot be understood"):
            survey(options, Network(QuickClock()))
