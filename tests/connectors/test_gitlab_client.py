"""The client on real sockets: what reaches the server, and what an error says."""

from __future__ import annotations

import inspect
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import gitlab
import pytest
import requests

from pmo_sync.clients.gitlab import GitlabClient, UnavailableError
from pmo_sync.demo.servers.wire import Answer, Request
from pmo_sync.errors import AccessError, OverloadedError, PmoSyncError, TrackerError, UncertainWriteError
from pmo_sync.http.network import Network
from pmo_sync.http.session import TIMEOUT, PoliteAdapter
from tests.clocks import QuickClock
from tests.connectors.gitlab_fake import TOKEN, Fake, running, server_config


@pytest.fixture
def fake() -> Iterator[Fake]:
    with running() as one:
        yield one


@pytest.fixture
def client(fake: Fake) -> Iterator[GitlabClient]:
    made = GitlabClient(server_config(fake.url), Network(QuickClock()))
    yield made
    made.close()


def test_the_token_travels_as_bearer_only(fake: Fake, client: GitlabClient) -> None:
    assert client.me()["username"] == "pmo-bot"
    headers = fake.seen[-1].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert "private-token" not in headers
    assert headers["user-agent"].startswith("pmo-sync")
    assert "cookie" not in headers


def test_the_ca_bundle_reaches_the_connection(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library has its own idea of verification and hands it to every request."""
    bundle = requests.certs.where()
    client = GitlabClient(replace(server_config(fake.url), ca_bundle=bundle), Network(QuickClock()))
    seen = []
    send = PoliteAdapter.send

    def spied(self: PoliteAdapter, request: Any, **options: Any) -> Any:
        seen.append((options["verify"], options["timeout"]))
        return send(self, request, **options | {"verify": True})

    monkeypatch.setattr(PoliteAdapter, "send", spied)
    client.me()
    assert seen == [(bundle, TIMEOUT)]


def test_version_token_and_the_servers_clock(client: GitlabClient) -> None:
    assert client.version() == "18.4.1-ee"
    assert (client.token() or {})["expires_at"] == "2026-12-31"
    now = client.server_now()
    assert now is not None
    assert now.tzinfo is not None


def test_a_list_follows_every_next_link(fake: Fake, client: GitlabClient) -> None:
    fake.lists["/projects/1/labels"] = [{"id": number} for number in range(250)]
    assert [row["id"] for row in client.list("/projects/1/labels")] == list(range(250))
    assert [request.query["per_page"] for request in fake.seen] == [["100"]] * 3


def test_a_list_asks_for_a_page_only_when_it_is_wanted(fake: Fake, client: GitlabClient) -> None:
    fake.lists["/projects/1/labels"] = [{"id": number} for number in range(250)]
    rows = client.list("/projects/1/labels")
    assert not fake.seen
    for _ in range(100):
        next(rows)
    assert len(fake.seen) == 1


def test_a_page_that_leads_to_itself_ends_the_list(fake: Fake, client: GitlabClient) -> None:
    link = f'<{fake.url}/api/v4/projects/1/labels?page=2>; rel="next"'
    fake.before = lambda request: Answer(200, [{"id": 1}], {"Link": link})
    with pytest.raises(TrackerError, match="repeats a page"):
        list(client.list("/projects/1/labels"))
    assert len(fake.seen) == 2


def test_an_instance_below_a_relative_address() -> None:
    with running("/tools/gitlab") as fake:
        fake.lists["/projects/1/labels"] = [{"id": number} for number in range(150)]
        client = GitlabClient(server_config(fake.url), Network(QuickClock()))
        assert len(list(client.list("/projects/1/labels"))) == 150
        assert all(request.path.startswith("/tools/gitlab/api/v4/") for request in fake.seen)


def test_an_instance_that_believes_in_another_address_is_read_where_we_are(fake: Fake, client: GitlabClient) -> None:
    fake.external = "http://gitlab.internal.invalid"
    fake.lists["/projects/1/labels"] = [{"id": number} for number in range(150)]
    assert len(list(client.list("/projects/1/labels"))) == 150


class _Thief(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.caught.append(dict(self.headers))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def thief() -> Iterator[Any]:
    socketserver.TCPServer.allow_reuse_address = True
    server = HTTPServer(("127.0.0.1", 0), _Thief)
    server.caught = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_next_link_to_another_host_gets_nothing(fake: Fake, client: GitlabClient, thief: Any) -> None:
    link = f'<http://127.0.0.1:{thief.server_address[1]}/steal>; rel="next"'
    fake.before = lambda request: Answer(200, [{"id": 1}], {"Link": link})
    with pytest.raises(AccessError, match="refused, so that no token goes there"):
        list(client.list("/projects/1/labels"))
    assert thief.caught == []


def test_a_redirect_to_another_host_gets_nothing(fake: Fake, client: GitlabClient, thief: Any) -> None:
    place = f"http://127.0.0.1:{thief.server_address[1]}/api/v4/user"
    fake.before = lambda request: Answer(302, None, {"Location": place})
    with pytest.raises(AccessError, match="refused"):
        client.me()
    assert thief.caught == []


def test_a_renamed_project_is_followed_on_our_own_host(fake: Fake, client: GitlabClient) -> None:
    fake.add_project(5, "group/new")

    def moved(request: Request) -> Answer | None:
        return Answer(301, None, {"Location": f"{fake.url}/api/v4/projects/5"}) if "old" in request.path else None

    fake.before = moved
    assert client.get("/projects/group%2Fold")["path_with_namespace"] == "group/new"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(401, {"message": "401 Unauthorized"}), AccessError, "token is not accepted"),
        (Answer(403, {"error": "insufficient_scope", "scope": "read_api"}), UnavailableError, "scopes do not suffice"),
        (Answer(403, b"Forbidden", {"Content-Type": "text/plain"}), UnavailableError, "a role in this project"),
        (Answer(404, {"message": "404 Project Not Found"}), UnavailableError, "does not exist or the token's user"),
        (Answer(429, b"Retry later", {"Content-Type": "text/plain"}), TrackerError, "requests_per_second"),
        (Answer(500, {"message": "500 Internal Server Error"}), TrackerError, "try again later"),
        (Answer(400, {"message": {"base": [f"bad\n{TOKEN}"]}}), TrackerError, "refused .400."),
        (Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}), TrackerError, "sign-in page"),
        (Answer(200, b"{nonsense"), TrackerError, "sign-in page"),
        (Answer(200, ["a", "list"]), TrackerError, "did not answer an object"),
        (Answer(304), TrackerError, "304"),
    ],
)
def test_every_error_is_one_line_that_says_what_to_do(
    fake: Fake, client: GitlabClient, answer: Answer, kind: type[PmoSyncError], words: str
) -> None:
    fake.before = lambda request: answer
    with pytest.raises(kind, match=words) as caught:
        client.get("/projects/1")
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("status", [500, 502, 503, 504, 524])
def test_a_large_query_is_sent_once(fake: Fake, client: GitlabClient, status: int) -> None:
    fake.before = lambda request: Answer(status, {})
    with pytest.raises(OverloadedError, match=f"too much to ask for at once .{status}."):
        client.graphql("query { x }", is_large=True)
    assert len(fake.seen) == 1
    fake.seen.clear()
    with pytest.raises(TrackerError):
        client.graphql("query { x }")
    assert len(fake.seen) > 1


def test_a_large_query_waits_where_it_is_asked_to(fake: Fake, client: GitlabClient) -> None:
    answers = [Answer(503, {}, {"Retry-After": "2"}), Answer(429, {})]
    fake.before = lambda request: answers.pop() if answers else Answer(200, {"data": {}})
    assert client.graphql("query { x }", is_large=True) == {"data": {}}
    assert len(fake.seen) == 3


@pytest.mark.parametrize("body", [{"message": "hello"}, {}, "text", 5, None, [1, 2], b"<html></html>"])
def test_a_list_that_is_no_list(fake: Fake, client: GitlabClient, body: Any) -> None:
    fake.before = lambda request: Answer(200, b"null" if body is None else body)
    with pytest.raises(TrackerError):
        list(client.list("/projects/1/labels"))


@pytest.mark.parametrize("header", ["3", "Wed, 21 Oct 2026 07:28:00 GMT", "nonsense"])
def test_a_throttled_list_goes_on(fake: Fake, client: GitlabClient, header: str) -> None:
    answers = [Answer(429, b"Retry later", {"Content-Type": "text/plain", "Retry-After": header})]
    fake.lists["/projects/1/labels"] = [{"id": 1}]
    fake.before = lambda request: answers.pop() if answers else None
    assert list(client.list("/projects/1/labels")) == [{"id": 1}]
    assert client.counts["retries"] == 1


def test_a_dead_server_is_a_tracker_error() -> None:
    with running() as fake:
        url = fake.url
    client = GitlabClient(server_config(url), Network(QuickClock()))
    with pytest.raises(TrackerError, match="no answer"):
        client.me()


def test_notes_are_added_read_and_edited(fake: Fake, client: GitlabClient) -> None:
    made = client.add_note("group/app", 3, "hello", internal=True)
    assert fake.seen[-1].path.endswith("/projects/group%2Fapp/issues/3/notes")
    assert fake.seen[-1].json() == {"body": "hello", "internal": True}
    client.edit_note("group/app", 3, made["id"], "changed")
    assert (client.note("group/app", 3, made["id"]) or {})["body"] == "changed"
    assert client.note("group/app", 3, 99) is None
    fake.notes.append({"id": 2, "system": True, "body": "closed"})
    assert [note["body"] for note in client.notes("group/app", 3)] == ["changed"]
    assert client.counts["writes"] == 2


@pytest.mark.parametrize(
    "answer", [Answer(502, b"bad gateway"), Answer(200, b"<html/>", {"Content-Type": "text/html"})]
)
def test_a_note_whose_fate_is_unknown_is_sent_once(fake: Fake, client: GitlabClient, answer: Answer) -> None:
    fake.before = lambda request: answer
    with pytest.raises(UncertainWriteError):
        client.add_note("group/app", 3, "hello")
    assert len(fake.seen) == 1


def test_a_note_that_was_executed_instead_of_stored(fake: Fake, client: GitlabClient) -> None:
    fake.before = lambda request: Answer(202, {"commands_changes": {"close": ""}, "summary": ["Closed."]})
    with pytest.raises(TrackerError, match="quick actions"):
        client.add_note("group/app", 3, "/close")


def test_a_redirected_note_says_that_the_address_is_old(fake: Fake, client: GitlabClient) -> None:
    fake.before = lambda request: (
        Answer(301, None, {"Location": f"{fake.url}/api/v4/user"}) if request.method == "POST" else None
    )
    with pytest.raises(TrackerError, match="set url to the address"):
        client.add_note("group/app", 3, "hello")


def test_one_client_serves_many_threads(fake: Fake, client: GitlabClient) -> None:
    for number in range(20):
        fake.lists[f"/projects/{number}/labels"] = [{"id": number * 1000 + row} for row in range(120)]
    found: dict[int, list[int]] = {}

    def read(number: int) -> None:
        found[number] = [row["id"] for row in client.list(f"/projects/{number}/labels")]

    threads = [threading.Thread(target=read, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [number * 1000 + row for row in range(120)] for number in range(20)}


def test_the_library_still_takes_what_we_hand_it() -> None:
    """python-gitlab's signatures this client stands on."""
    made = inspect.signature(gitlab.Gitlab.__init__).parameters
    assert {"ssl_verify", "timeout", "user_agent", "keep_base_url", "retry_transient_errors", "kwargs"} <= set(made)
    assert "obey_rate_limit" in inspect.signature(gitlab.Gitlab.http_request).parameters
    assert "raw" in inspect.signature(gitlab.Gitlab.http_get).parameters


def test_a_graphql_query_is_a_read(fake: Fake, client: GitlabClient) -> None:
    """It goes as POST and is repeated like any read; what it answers is handed on as it is, errors beside data."""
    body = {"data": {"currentUser": None}, "errors": [{"message": "partly"}]}
    answers = [Answer(502, {}), Answer(200, body)]
    fake.before = lambda request: answers.pop(0) if request.path == "/api/graphql" else None
    assert client.graphql("query($path: ID!) { currentUser { id } }", path="group/app") == body
    assert [request.json()["variables"] for request in fake.seen] == [{"path": "group/app"}] * 2
    assert client.counts["writes"] == 0


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(401, {}), AccessError, "not accepted"),
        (Answer(403, {}), UnavailableError, "403"),
        (Answer(404, {}), UnavailableError, "404"),
        (Answer(302, None, {"Location": "/users/sign_in"}), TrackerError, "redirected"),
        (Answer(200, b"<html>"), TrackerError, "web page"),
        (Answer(200, [1]), TrackerError, "did not answer an object"),
        (Answer(400, {}), TrackerError, "refused"),
        (Answer(413, {}), OverloadedError, "too much to ask for at once"),
        (Answer(504, b"<html>"), OverloadedError, "too much to ask for at once"),
        (Answer(503, {"errors": [{"message": "Request timed out."}]}), OverloadedError, "too much to ask for at once"),
        (Answer(503, b"<html>"), TrackerError, "the server fails"),
    ],
)
def test_graphqls_refusals(
    fake: Fake, client: GitlabClient, answer: Answer, kind: type[PmoSyncError], words: str
) -> None:
    fake.before = lambda request: answer
    with pytest.raises(kind, match=words) as caught:
        client.graphql("query { currentUser { id } }")
    assert "\n" not in str(caught.value)


def test_a_closed_client_asks_nothing(fake: Fake, client: GitlabClient) -> None:
    client.close()
    for ask in (client.me, lambda: client.graphql("query { a }"), lambda: list(client.list("/projects"))):
        with pytest.raises(TrackerError, match="closed"):
            ask()
    assert fake.seen == []
