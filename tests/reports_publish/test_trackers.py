"""Comments and notes through the real clients, over HTTP, at the loopback servers, with faults on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pmo_sync.clients.gitlab import GitlabClient
from pmo_sync.clients.jira import JiraClient
from pmo_sync.demo.servers import gitlab, jira_cloud, jira_dc
from pmo_sync.errors import ConfigError
from pmo_sync.http.network import Network
from reports.publish import Item as Text
from reports.publish import publish
from reports.publishers.gitlab_note import GitlabNotePublisher
from reports.publishers.jira_comment import JiraCommentPublisher
from tests import proxy
from tests.proxy import FaultProxy
from tests.reports_publish.benches import StillClock, company, jira_company, server_config

SLOT = "project/pay"
TEXT = Text(SLOT, "Payments", "All is well")
NEWER = Text(SLOT, "Payments", "Two weeks late")
LATEST = Text(SLOT, "Payments", "Three weeks late")


@pytest.fixture(params=["cloud", "dc"])
def jira(request: pytest.FixtureRequest) -> Iterator[Any]:
    cloud = request.param == "cloud"
    server = (jira_cloud if cloud else jira_dc).make(jira_company(request.param))
    server.start()
    user = jira_cloud.USER if cloud else None
    token = jira_cloud.TOKEN if cloud else jira_dc.TOKEN

    def open_(url: str) -> JiraCommentPublisher:
        client = JiraClient(server_config(url, "cloud" if cloud else "data-center", user, token), Network(StillClock()))
        return JiraCommentPublisher("jira", client, url=url, issues={SLOT: "PAY-1"})

    yield server, open_
    server.stop()


def bodies(client: Any) -> list[str]:
    return [one["body"] for one in client.comments("PAY-1")]


def test_one_comment_in_jira(jira: Any) -> None:
    server, open_ = jira
    assert "carrier issues: 1; as" in open_(server.url).check()
    first = publish(open_(server.url), [TEXT], write=True)[0]
    assert first.outcome == "created", first
    assert first.url.endswith(f"/browse/PAY-1?focusedCommentId={first.id}")
    writes = len(server.writes())
    assert writes == 1
    assert publish(open_(server.url), [TEXT], write=True)[0].outcome == "unchanged"
    assert publish(open_(server.url), [TEXT], write=True, known={SLOT: first.id})[0].outcome == "unchanged"
    assert len(server.writes()) == writes
    done = publish(open_(server.url), [NEWER], write=True)[0]
    assert (done.outcome, done.id) == ("updated", first.id)
    edit = server.writes()[-1]
    quiet = ["false"] if server.name == "jira-cloud" else None  # Data Center has no such parameter
    assert (edit.method, edit.query.get("notifyUsers")) == ("PUT", quiet)
    assert len(bodies(open_(server.url)._client)) == 1


@pytest.mark.parametrize("fault", [proxy.reset, proxy.reset_after, lambda: proxy.status(503)])
def test_a_fault_at_jiras_write_leaves_one_comment(jira: Any, fault: Any) -> None:
    server, open_ = jira
    for text, outcome in ((TEXT, "created"), (NEWER, "updated")):
        faults = [fault()]
        with FaultProxy(
            server.url, lambda asked, left=faults: left.pop() if asked.method != "GET" and left else None
        ) as between:
            done = publish(open_(between.url), [text], write=True)[0]
            assert between.faults()
        assert done.outcome == outcome, done
        found = bodies(open_(server.url)._client)
        assert len(found) == 1
        assert text.text in found[0]
    assert publish(open_(server.url), [NEWER], write=True)[0].outcome == "unchanged"


def test_a_carrier_issue_that_is_not_there(jira: Any) -> None:
    server, open_ = jira
    place = open_(server.url)
    place._issues[SLOT] = "PAY-99"
    done = publish(place, [TEXT], write=True)[0]
    assert done.outcome == "failed"
    assert "PAY-99" in done.message


@pytest.fixture
def notes() -> Iterator[Any]:
    server = gitlab.GitLab(company())
    server.start()

    def open_(url: str) -> GitlabNotePublisher:
        client = GitlabClient(server_config(url, None, None, gitlab.PUBLISHER_TOKEN), Network(StillClock()))
        return GitlabNotePublisher("notes", client, url=url, issues={SLOT: "group/app#1"})

    yield server, open_
    server.stop()


@pytest.mark.parametrize("fault", [proxy.reset, proxy.reset_after, lambda: proxy.status(503)])
def test_a_fault_at_gitlabs_write_leaves_one_note(notes: Any, fault: Any) -> None:
    server, open_ = notes
    for text, outcome in ((TEXT, "created"), (NEWER, "updated")):
        faults = [fault()]
        with FaultProxy(
            server.url, lambda asked, left=faults: left.pop() if asked.method != "GET" and left else None
        ) as between:
            done = publish(open_(between.url), [text], write=True)[0]
            assert between.faults()
        assert done.outcome == outcome, done
        assert [text.text in note.body for note in server.notes.all()] == [True]
    assert publish(open_(server.url), [NEWER], write=True)[0].outcome == "unchanged"
    assert "carrier issues: 1; as user 12" in open_(server.url).check()


def test_no_text_commands_gitlab(notes: Any) -> None:
    server, open_ = notes
    hostile = Text(SLOT, "Payments", "/close\n  /label ~bug\n> /assign me\nAll is well")
    for _ in range(2):
        done = publish(open_(server.url), [hostile], write=True)[0]
        assert server.executed == []
    assert done.outcome == "unchanged"
    assert "\\/close" in server.notes.all()[0].body


def test_a_note_without_any_mark_is_remembered_by_its_id(notes: Any) -> None:
    server, open_ = notes
    first = publish(open_(server.url), [TEXT], write=True)[0]
    server.notes.edit_as_human(int(first.id), lambda _: "Mine now")
    done = publish(open_(server.url), [NEWER], write=True, known={SLOT: first.id})[0]
    assert done.outcome == "conflict"
    assert server.notes.all()[0].body == "Mine now"


def test_carrier_issues_must_look_like_issues() -> None:
    with pytest.raises(ConfigError, match="group/project#17"):
        GitlabNotePublisher("notes", object(), url="", issues={"a": "group/app", "b": "7"})  # type: ignore[arg-type]
