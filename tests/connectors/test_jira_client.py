"""The Jira client on real sockets: what is sent, what each refusal says, and the members of the package it touches."""

from __future__ import annotations

import inspect
import json
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import jira
import pytest

from pmo_sync.clients.jira import JiraClient, NotVisibleError, mended
from pmo_sync.config import Flavour, Secret, ServerConfig
from pmo_sync.errors import AccessError, ShutOutError, TrackerError, UncertainWriteError
from pmo_sync.http.network import Network
from tests.clocks import QuickClock
from tests.scripted_server import Asked, Reply, ScriptedServer


def client(url: str, *, user: str | None = None, flavour: Flavour | None = None, token: bool = True) -> JiraClient:
    secret = Secret("env", "T", {"T": "s3cret"}) if token else None
    return JiraClient(ServerConfig(url, url, flavour, user, secret, None, None, None, 4, 1000.0), Network(QuickClock()))


def said(body: Any) -> Reply:
    return Reply(body=json.dumps(body).encode())


def test_the_package_is_the_one_we_know() -> None:
    assert version("jira") == "3.10.5"
    options = inspect.signature(jira.JIRA.__init__).parameters
    assert {"server", "options", "get_server_info", "validate", "max_retries", "timeout"} <= set(options)
    assert list(inspect.signature(jira.JIRA._get_url).parameters) == ["self", "path", "base"]
    with ScriptedServer() as server:
        made = client(f"{server.url}/context")
        assert (
            made._jira._get_url("x", base="{server}/rest/agile/1.0/{path}") == f"{server.url}/context/rest/agile/1.0/x"
        )
        assert made._jira._session is made._session
    assert server.asked == [], "building a client asks nothing"


def test_what_is_sent() -> None:
    with ScriptedServer(said({"deploymentType": "Cloud"})) as server:
        client(server.url, user="me@example.org").server_info()
        client(server.url).server_info()
        client(server.url, token=False).server_info()
    basic, bearer, nobody = (one.headers for one in server.asked)
    assert basic["authorization"].startswith("Basic ")
    assert bearer["authorization"] == "Bearer s3cret"
    assert "authorization" not in nobody
    assert basic["user-agent"].startswith("pmo-sync")
    assert basic["accept-language"] == "en"
    assert basic["x-force-accept-language"] == "true"
    assert basic["x-atlassian-token"] == "no-check"
    assert server.asked[0].target == "/rest/api/2/serverInfo"


def test_a_gateway_address_keeps_its_path() -> None:
    with ScriptedServer(said({"issues": []})) as server:
        client(f"{server.url}/ex/jira/CLOUD").post_read("search/jql", {"jql": "x"})
    assert server.asked[0].target == "/ex/jira/CLOUD/rest/api/3/search/jql"


@pytest.mark.parametrize(
    ("kind", "flavour"), [("Cloud", "cloud"), ("Server", "data-center"), ("Data Center", "data-center")]
)
def test_the_flavour_is_asked_once(kind: str, flavour: str) -> None:
    with ScriptedServer(said({"deploymentType": kind})) as server:
        made = client(server.url)
        assert (made.flavour, made.flavour) == (flavour, flavour)
        assert len(server.asked) == 1
        assert client(server.url, flavour="cloud").flavour == "cloud"
    assert len(server.asked) == 1


def test_the_servers_time() -> None:
    with ScriptedServer(said({"serverTime": "2026-08-24T11:11:52.944+0700"})) as server:
        assert client(server.url).server_time() == datetime(2026, 8, 24, 4, 11, 52, 944000, tzinfo=UTC)
    dated = Reply(headers={"Date": "Sun, 01 Mar 2026 10:00:00 GMT"})
    with ScriptedServer(dated) as server:
        assert client(server.url).server_time() == datetime(2026, 3, 1, 10, tzinfo=UTC)
    with ScriptedServer(Reply()) as server, pytest.raises(TrackerError, match="does not tell its time"):
        client(server.url).server_time()


def test_what_a_server_says_of_itself_is_asked_once() -> None:
    with ScriptedServer(said({"deploymentType": "Cloud", "serverTime": "2026-08-24T11:11:52.944+0700"})) as server:
        made = client(server.url)
        now = made.server_info().now
        assert (made.flavour, made.server_time(), made.server_time()) == ("cloud", now, now)
        assert len(server.asked) == 1
        made.server_info()
        assert len(server.asked) == 2, "it is asked anew where it is asked for, to see whether the server is there"


REFUSALS = [
    (Reply(401), AccessError, "set a new one"),
    (Reply(401, b'{"message": "Unauthorized; scope does not match"}'), NotVisibleError, "read:board-scope"),
    (Reply(403, b'{"errorMessages": ["No browse permission."]}'), AccessError, "No browse permission"),
    (Reply(404, b'{"errorMessages": ["Issue does not exist"]}'), AccessError, "Issue does not exist"),
    (Reply(400, b'{"errors": {"jql": "unknown field"}}'), TrackerError, "unknown field"),
    (Reply(410), TrackerError, 'flavour = "cloud"'),
    (Reply(429, headers={"Retry-After": "1847"}), TrackerError, "1847"),
    (Reply(502, b"<html>Bad gateway</html>"), TrackerError, "run again later"),
    (Reply(200, b"\n<!DOCTYPE html><title>Sign in</title>"), AccessError, "log-in page"),
    (Reply(200, b"{oops"), TrackerError, "cannot be understood"),
    (Reply(200, b"[]"), TrackerError, "an object was expected"),
    (Reply(302, headers={"Location": "https://sso.example.org/login"}), AccessError, "refused"),
]


@pytest.mark.parametrize(("reply", "kind", "words"), REFUSALS)
def test_each_refusal_is_one_line_that_helps(reply: Reply, kind: type[Exception], words: str) -> None:
    with ScriptedServer(reply) as server, pytest.raises(kind) as caught:
        client(server.url).server_info()
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
    assert "s3cret" not in message
    assert "Bad gateway" not in message


@pytest.mark.parametrize(
    ("status", "words", "path", "is_shut"),
    [
        (401, "", "issue/PAY-1", False),
        (401, "", "search", True),
        (401, "Unauthorized; scope does not match", "search", True),
        (401, "Unauthorized; scope does not match", "board", False),
        (403, "", "search", True),
        (403, "", "project/PAY/versions", False),
        (404, "", "issue/PAY-1", False),
    ],
)
def test_only_what_concerns_every_project_shuts_us_out(status: int, words: str, path: str, is_shut: bool) -> None:
    reply = Reply(status, json.dumps({"message": words}).encode())
    with ScriptedServer(reply) as server, pytest.raises(AccessError) as caught:
        client(server.url).get(path)
    assert isinstance(caught.value, ShutOutError) is is_shut


@pytest.mark.parametrize("path", ["search/jql", "issue/bulkfetch", "changelog/bulkfetch"])
def test_a_refused_bulk_read_shuts_us_out(path: str) -> None:
    with ScriptedServer(Reply(403)) as server, pytest.raises(ShutOutError, match="may read no issues here"):
        client(server.url).post_read(path, {})


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
def test_the_token_is_masked_in_the_servers_words(status: int) -> None:
    words = json.dumps({"errorMessages": ["x" * 190 + " token s3cret is bad"]}).encode()
    for headers in ({}, {"X-Authentication-Denied-Reason": "CAPTCHA for s3cret"}, {"Retry-After": "s3cret"}):
        with (
            ScriptedServer(Reply(status, words, headers)) as server,
            pytest.raises((AccessError, TrackerError)) as caught,
        ):
            client(server.url).server_info()
        assert "s3c" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_a_key_is_masked_in_the_servers_words(status: int) -> None:
    words = b'{"errorMessages": ["Issue SECRET-17 or \\u00e4b_1-2 (2026-11-29) is not for you"]}'
    with (
        ScriptedServer(Reply(status, words)) as server,
        pytest.raises((AccessError, TrackerError), match=r"Issue \.\.\. or \.\.\. \(2026-11-29\) is not for you"),
    ):
        client(server.url).server_info()


def test_an_anonymous_answer_is_asked_for_once_more() -> None:
    nobody = Reply(headers={"X-AUSERNAME": "anonymous"})
    with ScriptedServer(nobody, said({"deploymentType": "Server"})) as server:
        assert client(server.url).server_info().kind == "Server"
        assert len(server.asked) == 2
    with ScriptedServer(nobody) as server:
        with pytest.raises(AccessError, match="anonymous"):
            client(server.url).server_info()
        assert client(server.url, token=False).server_info().kind == ""


@pytest.mark.parametrize(
    "lost",
    [
        Reply(404, headers={"X-AUSERNAME": "anonymous"}),
        Reply(400, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}),
        Reply(403, headers={"X-Seraph-LoginReason": "AUTHENTICATION_DENIED"}),
        Reply(403, headers={"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=/login.jsp"}),
    ],
)
def test_nobodys_answer_does_not_say_that_an_issue_is_gone(lost: Reply) -> None:
    with ScriptedServer(lost) as server, pytest.raises(AccessError) as caught:
        client(server.url).get("issue/1")
    assert not isinstance(caught.value, NotVisibleError)


def test_an_account_without_a_name_is_no_account() -> None:
    with ScriptedServer(Reply()) as server, pytest.raises(AccessError, match="no account"):
        client(server.url).myself()


def test_text_that_is_not_unicode_is_mended() -> None:
    body = rb'{"a": "x\ud800y", "b": "\ud83d\ude00", "c": "' + b"\xff" + rb'", "d": "\udc00"}'
    with ScriptedServer(Reply(body=body)) as server:
        assert client(server.url).get("x") == {"a": "x\ufffdy", "b": "\U0001f600", "c": "\ufffd", "d": "\ufffd"}
    assert mended(b'{"a": "plain"}') == b'{"a": "plain"}'


def test_only_known_posts_count_as_reads() -> None:
    with ScriptedServer() as server:
        with pytest.raises(ValueError, match="comment"):
            client(server.url).post_read("issue/A-1/comment", {})
        assert server.asked == []


def comments(asked: Asked) -> Reply:
    """Three comments, two per answer at most."""
    start = int(asked.target.partition("startAt=")[2].partition("&")[0])
    page = [{"id": str(9 - number)} for number in range(3)][start : start + 2]
    return said({"startAt": start, "total": 3, "comments": page})


def test_comments_are_read_to_the_end() -> None:
    with ScriptedServer(answer=comments) as server:
        assert [one["id"] for one in client(server.url).comments("PAY-1")] == ["9", "8", "7"]
    assert len(server.asked) == 2
    assert "orderBy=-created" in server.asked[0].target
    assert "expand=properties" in server.asked[0].target


def test_a_comment_is_written_with_its_property_in_one_call() -> None:
    with ScriptedServer(Reply(201, b'{"id": "5"}')) as server:
        made = client(server.url, flavour="cloud")
        assert made.add_comment("PAY-1", "h1. Report", {"pmo-sync.report": {"digest": "d"}}) == {"id": "5"}
        made.edit_comment("PAY-1", "5", "h1. New", {"pmo-sync.report": {"digest": "e"}}, notify=False)
        made.edit_comment("PAY-1", "5", "h1. New", {}, notify=True)
    post, quiet, loud = server.asked
    assert (post.method, post.target) == ("POST", "/rest/api/2/issue/PAY-1/comment")
    assert json.loads(post.body) == {
        "body": "h1. Report",
        "properties": [{"key": "pmo-sync.report", "value": {"digest": "d"}}],
    }
    assert (quiet.method, quiet.target) == ("PUT", "/rest/api/2/issue/PAY-1/comment/5?notifyUsers=false")
    assert loud.target == "/rest/api/2/issue/PAY-1/comment/5"
    assert made.counts == {"writes": 3}


@pytest.mark.parametrize("fault", [Reply(fault="reset"), Reply(503), Reply(500)])
def test_a_comment_of_unknown_fate_is_sent_once(fault: Reply) -> None:
    with ScriptedServer(fault) as server, pytest.raises(UncertainWriteError):
        client(server.url).add_comment("PAY-1", "text", {})
    assert [one.method for one in server.asked] == ["POST"]


def test_what_is_gone_is_none_and_what_is_forbidden_is_not() -> None:
    with ScriptedServer(Reply(404)) as server:
        made = client(server.url)
        assert made.comment("PAY-1", "5") is None
        assert made.comment_property("5", "pmo-sync.report") is None
    with ScriptedServer(Reply(403)) as server, pytest.raises(NotVisibleError) as caught:
        client(server.url).comment("PAY-1", "5")
    assert caught.value.status == 403
    with ScriptedServer(said({"key": "k", "value": {"digest": "d"}})) as server:
        assert client(server.url).comment_property("5", "k") == {"digest": "d"}
    assert server.asked[0].target == "/rest/api/2/comment/5/properties/k"


def test_names_cannot_leave_their_place_in_an_address() -> None:
    with ScriptedServer(Reply(404)) as server:
        assert client(server.url).comment("../../secure", "1/../2") is None
    assert server.asked[0].target.startswith("/rest/api/2/issue/..%2F..%2Fsecure/comment/1%2F..%2F2")
