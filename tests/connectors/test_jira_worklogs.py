"""Booked times: what cannot be understood is said, and is neither lost nor taken for removed."""

from __future__ import annotations

from typing import Any

import pytest

from pmo_sync.errors import TrackerError
from pmo_sync.model import WorklogPage
from tests.connectors.jira_fake import FakeJira, connector
from tests.scripted_server import ScriptedServer


def worklog(number: Any, **more: Any) -> dict[str, Any]:
    made = {"id": number, "issueId": "1001", "started": "2026-01-05T10:00:00.000+0000", "timeSpentSeconds": 3600}
    return made | more


@pytest.fixture
def jira() -> FakeJira:
    return FakeJira("Cloud", 1)


def booked(server: ScriptedServer) -> WorklogPage:
    return next(iter(connector(server).worklogs(None)))


def test_numbers_and_texts_are_the_same_ids(jira: FakeJira, server: ScriptedServer) -> None:
    jira.worklogs = [worklog("7"), worklog(8, issueId=1001)]
    page = booked(server)
    assert [(one.worklog_id, one.issue_id) for one in page.worklogs] == [("src:7", "src:1001"), ("src:8", "src:1001")]
    assert (page.removed, page.problems) == ((), ())


@pytest.mark.parametrize("odd", [{"started": None}, {"started": "soon"}, {"timeSpentSeconds": "an hour"}])
def test_one_that_cannot_be_understood_is_a_problem(
    jira: FakeJira, server: ScriptedServer, odd: dict[str, Any]
) -> None:
    jira.worklogs = [worklog("7"), worklog("8", **odd), worklog("9")]
    page = booked(server)
    assert [one.worklog_id for one in page.worklogs] == ["src:7", "src:9"]
    assert page.removed == ()
    assert [one.subject for one in page.problems] == ["worklog 8"]
    assert "stays as it was" in page.problems[0].what


def told(jira: FakeJira, server: ScriptedServer, *worklogs: Any) -> WorklogPage:
    """The feed names 7, 8 and 9; of these the list tells so much."""
    jira.worklogs = [worklog(7), worklog(8), worklog(9)]
    feed = jira.reply("api/2/worklog/updated", {})
    jira.worklogs = list(worklogs)
    jira.before = lambda path, query: feed if path.endswith("worklog/updated") else None
    return booked(server)


def test_who_is_left_out_is_hidden_or_gone(jira: FakeJira, server: ScriptedServer) -> None:
    assert told(jira, server, worklog(7), worklog(8)).removed == ("src:9",)


def test_who_is_left_out_may_be_the_one_without_an_id(jira: FakeJira, server: ScriptedServer) -> None:
    page = told(jira, server, worklog(7), worklog(8), worklog(None))
    assert page.removed == ()
    assert [one.subject for one in page.problems] == ["worklog without id"]


def test_a_feed_that_cannot_be_understood_is_a_tracker_error(jira: FakeJira, server: ScriptedServer) -> None:
    jira.worklogs = [worklog("seven")]
    with pytest.raises(TrackerError, match="src: its list of booked times cannot be understood"):
        booked(server)
