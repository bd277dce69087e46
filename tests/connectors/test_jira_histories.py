"""Cloud gives issues and histories apart: what belongs together is put together, whatever changes in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from connectors.jira import cloud
from pmo_sync.model import Page
from tests.connectors.jira_fake import NOW, PROJECT, FakeJira, change, connector, expected, keys
from tests.scripted_server import Reply, ScriptedServer

DONE = {"id": "2", "name": "Done", "statusCategory": {"key": "done"}}
LATER = "2026-02-01T00:10:00.000+0000"  # than the pass began
BULK, HISTORIES = "issue/bulkfetch", "changelog/bulkfetch"
Hook = Callable[[str, dict[str, Any]], Reply | None]


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "ISSUES_PER_FETCH", 10)
    monkeypatch.setattr(cloud, "HISTORIES_PER_FETCH", 20)


@pytest.fixture
def jira() -> FakeJira:
    return FakeJira("Cloud", 30)


def pulled(server: ScriptedServer) -> list[Page]:
    return list(connector(server).pages(PROJECT, None))


def asked(jira: FakeJira, path: str) -> int:
    return sum(one.endswith(path) for one in jira.paths)


def finish(jira: FakeJira, place: int, at: str = LATER) -> None:
    """The issue is done."""
    one = jira.issues[place]
    one["fields"] |= {"status": DONE, "updated": at}
    one["changelog"]["histories"] = [*one["changelog"]["histories"], change("status", "1", "2", at)]


def ahead_of(path: str, do: Callable[[], None], times: int = 1) -> Hook:
    """``do`` before each of the first answers to questions at ``path``."""
    left = list(range(times))

    def before(asked_for: str, query: dict[str, Any]) -> None:
        if asked_for.endswith(path) and left:
            left.pop()
            do()

    return before


def stays(pages: list[Page], entity: str, field: str) -> list[tuple[str, str, str | None]]:
    return [
        (one.value, one.since.isoformat()[:16], one.until and one.until.isoformat()[:16])
        for page in pages
        for one in page.intervals
        if (one.entity_id, one.field) == (entity, field)
    ]


def test_an_issue_that_changes_before_it_is_read_has_the_history_of_then(
    jira: FakeJira, server: ScriptedServer
) -> None:
    jira.before = ahead_of(BULK, lambda: finish(jira, 3))
    pages = pulled(server)
    assert keys(pages) == expected(jira)
    assert stays(pages, "src:1004", "status") == [
        ("src:1", "2026-01-02T10:00", "2026-02-01T00:10"), ("src:2", "2026-02-01T00:10", None),
    ]  # fmt: skip
    assert (asked(jira, BULK), asked(jira, HISTORIES)) == (4, 3), "one issue and its history were read again"


def test_what_was_not_disturbed_is_read_once(jira: FakeJira, server: ScriptedServer) -> None:
    finish(jira, 3, "2026-01-31T23:59:50.000+0000")  # a moment before the pass, and its history knows
    jira.issues[7]["fields"]["updated"] = "2026-01-31T22:00:00.000+0000"  # a comment, which no history knows
    assert keys(pulled(server)) == expected(jira)
    assert (asked(jira, BULK), asked(jira, HISTORIES)) == (3, 2)


def test_an_issue_that_changes_again_and_again_is_a_problem(jira: FakeJira, server: ScriptedServer) -> None:
    minutes = iter(range(10, 60))

    def comment() -> None:
        jira.issues[3]["fields"]["updated"] = f"2026-02-01T00:{next(minutes)}:00.000+0000"

    jira.before = ahead_of(BULK, comment, 99)
    pages = pulled(server)
    assert [one.subject for page in pages for one in page.problems] == ["PAY-4"]
    assert len(keys(pages)) == 29


def test_a_comment_while_it_is_read_costs_one_look_more(jira: FakeJira, server: ScriptedServer) -> None:
    def comment() -> None:
        jira.issues[3]["fields"]["updated"] = LATER

    jira.before = ahead_of(BULK, comment)
    pages = pulled(server)
    assert keys(pages) == expected(jira)
    assert asked(jira, BULK) == 4


class TestWithoutAHistory:
    """The bulk answer leaves out who has none."""

    def leave_out(self, jira: FakeJira, native: str) -> None:
        def before(path: str, query: dict[str, Any]) -> Reply | None:
            if not path.endswith(HISTORIES):
                return None
            body = jira.body(path, query)
            kept = [one for one in body["issueChangeLogs"] if one["issueId"] != native]
            return Reply(body=json.dumps({"issueChangeLogs": kept}).encode())

        jira.before = before

    def test_it_is_asked_for_by_itself(self, jira: FakeJira, server: ScriptedServer) -> None:
        finish(jira, 3, "2026-01-20T10:00:00.000+0000")
        self.leave_out(jira, "1004")
        pages = pulled(server)
        assert stays(pages, "src:1004", "status") == [
            ("src:1", "2026-01-02T10:00", "2026-01-20T10:00"), ("src:2", "2026-01-20T10:00", None),
        ]  # fmt: skip
        assert [one for one in jira.paths if one.endswith("/changelog")] == ["api/3/issue/1004/changelog"]

    def test_none_is_believed_when_that_says_so(self, jira: FakeJira, server: ScriptedServer) -> None:
        jira.issues[3]["changelog"]["histories"] = []
        pages = pulled(server)
        assert keys(pages) == expected(jira)
        assert stays(pages, "src:1004", "status") == [("src:1", "2026-01-02T10:00", None)]

    def test_who_is_as_it_was_created_is_not_asked(self, jira: FakeJira, server: ScriptedServer) -> None:
        jira.issues[3]["changelog"]["histories"] = []
        jira.issues[3]["fields"]["updated"] = "2026-01-02T10:00:00.600+0000"
        assert keys(pulled(server)) == expected(jira)
        assert [one for one in jira.paths if one.endswith("/changelog")] == []

    @pytest.mark.parametrize("reply", [Reply(404), Reply(500), Reply(body=b'{"values": [7], "isLast": true}')])
    def test_where_that_does_not_answer_it_is_a_problem(
        self, jira: FakeJira, server: ScriptedServer, reply: Reply
    ) -> None:
        jira.issues[3]["changelog"]["histories"] = []
        jira.before = lambda path, query: reply if path.endswith("/changelog") else None
        pages = pulled(server)
        assert [one.subject for page in pages for one in page.problems] == ["PAY-4"]
        assert len(keys(pages)) == 29

    def test_a_long_one_is_read_to_its_end(self, jira: FakeJira, server: ScriptedServer) -> None:
        finish(jira, 3, "2026-01-20T10:00:00.000+0000")
        first, second = jira.issues[3]["changelog"]["histories"]
        self.leave_out(jira, "1004")
        leaving = jira.before

        def before(path: str, query: dict[str, Any]) -> Reply | None:
            if path.endswith("/changelog"):
                page = {"values": [second if int(query["startAt"]) else first], "total": 2}
                return Reply(body=json.dumps(page).encode())
            return leaving(path, query)

        jira.before = before
        assert len(stays(pulled(server), "src:1004", "status")) == 2


def test_whom_a_bulk_answer_could_not_give_is_asked_for_again(jira: FakeJira, server: ScriptedServer) -> None:
    """Atlassian's description: issueErrors names those with "a retriable error or payload constraint"."""

    def before(path: str, query: dict[str, Any]) -> Reply | None:
        if not path.endswith(BULK):
            return None
        body = jira.body(path, query)
        over = [{"id": one["id"], "errorMessage": "too large"} for one in body["issues"][4:]]
        return Reply(body=json.dumps({"issues": body["issues"][:4], "issueErrors": over}).encode())

    jira.before = before
    pages = pulled(server)
    assert keys(pages) == expected(jira)
    assert [one for page in pages for one in page.problems] == []
    assert asked(jira, BULK) == 9


def test_the_clock_is_asked_for_once(jira: FakeJira, server: ScriptedServer) -> None:
    made = connector(server)
    made.check()
    for _ in range(3):
        list(made.pages(PROJECT, None))
    assert asked(jira, "serverInfo") == 1
    assert [one for one in jira.jqls if "updated" in one] == [jira.jqls[0]], "one probe"
    (last,) = {page.cursor for page in list(made.pages(PROJECT, None))[-1:]}
    assert json.loads(last)["complete"] == NOW[:19] + "Z"
