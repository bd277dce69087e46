"""A server that fails on one issue is read but for that one; a server that fails on all is not read at all."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.jira import cloud, data_center, sieve
from pmo_sync.errors import TrackerError
from pmo_sync.model import Page, Problem
from tests.connectors.jira_fake import PROJECT, FakeJira, change, connector, expected, keys
from tests.scripted_server import Reply, ScriptedServer


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_center, "ROWS_PER_PAGE", 10)
    monkeypatch.setattr(cloud, "ISSUES_PER_FETCH", 10)
    monkeypatch.setattr(cloud, "HISTORIES_PER_FETCH", 20)


@pytest.fixture(params=["Cloud", "Server"])
def jira(request: pytest.FixtureRequest) -> FakeJira:
    return FakeJira(request.param, 45)


def fail_on(jira: FakeJira, victims: Collection[str], path: str = "") -> None:
    """Whatever at ``path`` would show one of these issues with its fields or history is 500."""

    def before(asked: str, query: dict[str, Any]) -> Reply | None:
        is_brief = query.get("fields") in ("created,security", "updated", ["id"])
        if not re.search(f"{path}$", asked) or is_brief or not re.search(r"/search$|bulkfetch$|/issue/[^/]+$", asked):
            return None
        body = jira.body(asked, query)
        shown = [*body.get("issues", ()), *body.get("issueChangeLogs", ()), body]
        return Reply(500) if {one.get("issueId") or one.get("id") for one in shown} & {*victims} else None

    jira.before = before


def problems(pages: list[Page]) -> list[Problem]:
    return [one for page in pages for one in page.problems]


@pytest.mark.parametrize("victim", [0, 4, 9, 10, 44])
@pytest.mark.parametrize("workers", [1, 4])
def test_one_issue_is_one_problem(jira: FakeJira, server: ScriptedServer, victim: int, workers: int) -> None:
    fail_on(jira, [str(1001 + victim)])
    pages = list(connector(server, workers).pages(PROJECT, None))
    assert keys(pages) == [key for key in expected(jira) if key != f"PAY-{victim + 1}"]
    (problem,) = problems(pages)
    assert problem.subject == (str(1001 + victim) if jira.kind == "Cloud" else f"PAY-{victim + 1}")
    assert "the server fails on it" in problem.what


def test_several_are_several(jira: FakeJira, server: ScriptedServer) -> None:
    fail_on(jira, ["1004", "1006", "1031"])
    pages = list(connector(server).pages(PROJECT, None))
    assert len(problems(pages)) == 3
    assert len(keys(pages)) == 42


def test_one_after_the_other_is_the_servers_failure(jira: FakeJira, server: ScriptedServer) -> None:
    fail_on(jira, [str(1010 + number) for number in range(sieve.PATIENCE + 1)])
    with pytest.raises(TrackerError, match="the server has a fault"):
        list(connector(server).pages(PROJECT, None))


def test_a_server_that_is_down_is_not_asked_about_each(jira: FakeJira, server: ScriptedServer) -> None:
    made = connector(server)
    next(made.pages(PROJECT, None))
    jira.before = lambda path, query: Reply(500)
    jira.paths.clear()
    with pytest.raises(TrackerError):
        list(made.pages(PROJECT, None))
    assert len(jira.paths) < 20


def test_a_large_question_is_not_repeated(jira: FakeJira, server: ScriptedServer) -> None:
    fail_on(jira, ["1004"])
    list(connector(server).pages(PROJECT, None))
    assert len(jira.paths) < 45


class TestDataCenter:
    @pytest.fixture
    def jira(self) -> FakeJira:
        return FakeJira("Server", 45)

    def test_the_one_is_named_by_its_key(self, jira: FakeJira, server: ScriptedServer) -> None:
        fail_on(jira, ["1004"])
        assert [one.subject for one in problems(list(connector(server).pages(PROJECT, None)))] == ["PAY-4"]

    def test_whom_a_security_level_hides_is_named_by_its_id(self, jira: FakeJira, server: ScriptedServer) -> None:
        jira.issues[3]["fields"]["security"] = {"id": "1"}
        fail_on(jira, ["1004"])
        (told,) = problems(list(connector(server).pages(PROJECT, None)))
        assert told.subject == "id 1004"
        assert "PAY-4" not in told.what
        assert "the server has a fault" in told.what

    def test_nobody_is_asked_for_by_a_key_that_may_be_confidential(
        self, jira: FakeJira, server: ScriptedServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "pmo_sync")
        for one in jira.issues[: sieve.PATIENCE + 1]:
            one["fields"]["security"] = {"id": "1"}
            one["changelog"]["total"] = 5
        fail_on(jira, [one["id"] for one in jira.issues[: sieve.PATIENCE + 1]], "issue/[^/]+")
        with pytest.raises(TrackerError) as caught:
            list(connector(server).pages(PROJECT, None))
        assert "500, again in" in caplog.text
        assert "PAY-" not in f"{caplog.text} {caught.value} {jira.paths}"

    def test_rows_that_move_meanwhile_are_not_lost(self, jira: FakeJira, server: ScriptedServer) -> None:
        fail_on(jira, ["1015"])
        failing = jira.before
        gone: list[Any] = []

        def before(path: str, query: dict[str, Any]) -> Reply | None:
            found = failing(path, query)
            if found is not None and not gone:
                gone.append(jira.issues.pop(11))
            return found

        jira.before = before
        pages = list(connector(server).pages(PROJECT, None))
        assert set(keys(pages)) == {key for key in expected(jira) if key != "PAY-15"}
        assert len(keys(pages)) == len(set(keys(pages)))

    def test_a_cut_history_that_cannot_be_had_is_one_problem(self, jira: FakeJira, server: ScriptedServer) -> None:
        jira.issues[6]["changelog"]["total"] = 5
        fail_on(jira, ["1007"], "issue/PAY-7")
        pages = list(connector(server).pages(PROJECT, None))
        assert [one.subject for one in problems(pages)] == ["PAY-7"]
        assert len(keys(pages)) == 44


def test_remote_links_that_cannot_be_had_are_one_problem(jira: FakeJira, server: ScriptedServer) -> None:
    for place in (3, 20):
        jira.issues[place]["changelog"] = {"total": 1, "histories": [change("RemoteIssueLink", None, "7")]}
    jira.before = lambda path, query: Reply(500) if path.endswith("PAY-4/remotelink") else None
    pages = list(connector(server).pages(PROJECT, None))
    assert [one.subject for one in problems(pages)] == ["PAY-4"]
    assert len(keys(pages)) == 44


def test_an_issue_whose_link_leads_to_one_that_cannot_be_had_is_a_problem(
    jira: FakeJira, server: ScriptedServer
) -> None:
    gone = change("Link", "OLD-9", None)
    gone["items"][0]["fromString"] = "This issue is blocked by OLD-9"
    jira.issues[3]["changelog"] = {"total": 1, "histories": [gone]}
    jira.before = lambda path, query: Reply(500) if path.endswith("OLD-9") else None
    pages = list(connector(server).pages(PROJECT, None))
    assert [one.subject for one in problems(pages)] == ["PAY-4"]
    jira.before = lambda path, query: None
    assert keys(list(connector(server).pages(PROJECT, None))) == expected(jira)


@pytest.mark.parametrize("cap", [3, 4, 7])
def test_a_killed_pass_resumes_at_the_servers_own_page_size(cap: int) -> None:
    jira = FakeJira("Server", 45)
    jira.page_limit = cap
    with ScriptedServer(answer=jira.answer) as server:
        pages = connector(server).pages(PROJECT, None)
        found = [next(pages) for _ in range(6)]
        pages.close()
        rest = list(connector(server).pages(PROJECT, found[-1].cursor))
    assert keys(found) + keys(rest) == expected(jira)


@pytest.mark.parametrize("victim", [1, 5, 12])
def test_a_deletion_between_parts_of_a_page_loses_nothing(victim: int) -> None:
    """The server gives less at once than before: a page takes two answers, and rows move between them."""
    jira = FakeJira("Server", 45)
    deleted: list[Any] = []

    def before(path: str, query: dict[str, Any]) -> None:
        if path.endswith("search") and int(query.get("startAt", 0)) == 9:
            jira.page_limit = 6
        if path.endswith("search") and int(query.get("startAt", 0)) == 14 and not deleted:
            deleted.append(jira.issues.pop(victim))

    jira.before = before
    with ScriptedServer(answer=jira.answer) as server:
        pages = list(connector(server).pages(PROJECT, None))
    assert deleted
    assert set(keys(pages)) >= set(expected(jira))
    assert len(keys(pages)) == len(set(keys(pages)))


@given(
    seed=st.integers(0, 10**6), caps=st.lists(st.integers(2, 12), min_size=1, max_size=8), share=st.floats(0.05, 0.5)
)
def test_whatever_is_deleted_meanwhile_nothing_else_is_lost(seed: int, caps: list[int], share: float) -> None:
    """Rows move between any two answers, and the server gives as many at once as it likes."""
    jira, draw = FakeJira("Server", 60), random.Random(seed)

    def before(path: str, query: dict[str, Any]) -> None:
        if path.endswith("search"):
            jira.page_limit = draw.choice(caps)
            if draw.random() < share and jira.issues:
                jira.issues.pop(draw.randrange(len(jira.issues)))

    jira.before = before
    with ScriptedServer(answer=jira.answer) as server:
        pages: list[Page] = []
        try:
            pages += connector(server).pages(PROJECT, None)
        except TrackerError:
            return  # it says that it is not complete
    assert set(keys(pages)) >= set(expected(jira))
