"""What became of an issue that is no longer listed: only what the server says in so many words is concluded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.connectors.jira_fake import PROJECT, FakeJira, connector
from tests.scripted_server import Reply, ScriptedServer


@pytest.fixture(params=["Cloud", "Server"])
def jira(request: pytest.FixtureRequest) -> FakeJira:
    return FakeJira(request.param, 5)


def fates(server: ScriptedServer, *numbers: int) -> dict[str, str]:
    traces = connector(server).trace(PROJECT, [f"src:{1000 + number}" for number in numbers])
    return {one.issue_id: one.fate for one in traces}


def test_who_is_shown_is_here_and_who_is_denied_is_gone(jira: FakeJira, server: ScriptedServer) -> None:
    assert fates(server, 1, 99) == {"src:1001": "here", "src:1099": "gone"}


def test_of_whom_the_server_fails_on_nothing_is_concluded(jira: FakeJira, server: ScriptedServer) -> None:
    jira.before = lambda path, query: Reply(500) if path.endswith("issue/1099") else None
    assert fates(server, 1, 98, 99) == {"src:1001": "here", "src:1098": "gone"}


class TestCloud:
    @pytest.fixture
    def jira(self) -> FakeJira:
        return FakeJira("Cloud", 5)

    @pytest.mark.parametrize("errors", [[], [{"id": "1003", "errorMessage": "a retriable error"}]])
    def test_whom_the_bulk_answer_does_not_give_is_asked_for_alone(
        self, jira: FakeJira, server: ScriptedServer, errors: list[dict[str, str]]
    ) -> None:
        def before(path: str, query: dict[str, Any]) -> Reply | None:
            if not path.endswith("bulkfetch"):
                return None
            kept = [one for one in jira.body(path, query)["issues"] if one["id"] != "1003"]
            return Reply(body=json.dumps({"issues": kept, "issueErrors": errors}).encode())

        jira.before = before
        assert fates(server, 1, 3) == {"src:1001": "here", "src:1003": "here"}

    def test_what_search_does_not_list_is_archived(self, jira: FakeJira, server: ScriptedServer) -> None:
        def before(path: str, query: dict[str, Any]) -> Reply | None:
            if not path.endswith("search/jql"):
                return None
            kept = [one for one in jira.body(path, query)["issues"] if one["id"] != "1003"]
            return Reply(body=json.dumps({"issues": kept, "isLast": True}).encode())

        jira.before = before
        assert fates(server, 1, 3) == {"src:1001": "here", "src:1003": "archived"}

    def test_a_refused_question_says_nothing(self, jira: FakeJira, server: ScriptedServer) -> None:
        jira.before = lambda path, query: (
            Reply(400, b"{}") if path.endswith("search/jql") and "1003" in query["jql"] else None
        )
        assert fates(server, 1, 3, 4) == {"src:1001": "here", "src:1004": "here"}
