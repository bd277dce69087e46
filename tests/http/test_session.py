"""The one session: retries by effect, waits as asked, one origin, no cookies. On real sockets."""

from __future__ import annotations

import base64
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests

from pmo_sync.clock import SystemClock
from pmo_sync.errors import AccessError, TrackerError, UncertainWriteError
from pmo_sync.http import session as http
from pmo_sync.http.session import ATTEMPTS, BasicAuth, BearerAuth, Limiter, PoliteSession, origin, session
from tests.clocks import QuickClock
from tests.scripted_server import Asked, Reply, ScriptedServer

FINE = Reply(body=b'{"fine": true}')


def open_session(server: ScriptedServer, clock: QuickClock | None = None, **options: object) -> PoliteSession:
    made = {"auth": BearerAuth("s3cret"), "clock": clock or QuickClock(), "per_second": 1000.0, **options}
    return session(server.url, **made)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("headers", "least"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "0"}, 0.0),
        ({"Date": "Sun, 01 Mar 2026 10:00:00 GMT", "RateLimit-Reset": "1772359290"}, 90.0),
        ({"Date": "Sun, 01 Mar 2026 10:00:00 GMT", "Retry-After": "Sun, 01 Mar 2026 10:00:40 GMT"}, 40.0),
        ({"Date": "Sun, 01 Mar 2026 10:00:00 GMT", "X-RateLimit-Reset": "2026-03-01T10:01Z"}, 60.0),
    ],
)
def test_429_waits_as_long_as_asked(headers: dict[str, str], least: float) -> None:
    clock = QuickClock()
    with ScriptedServer(Reply(429, headers=headers), FINE) as server:
        assert open_session(server, clock).get(f"{server.url}/a").json() == {"fine": True}
    assert len(server.asked) == 2
    assert least <= sum(clock.slept) <= least + 35.0


@pytest.mark.parametrize("header", ["X-RateLimit-Reset", "RateLimit-Reset"])
def test_a_moment_without_the_servers_date_is_read_on_our_clock(header: str) -> None:
    clock = QuickClock()
    reset = datetime.now(UTC) + timedelta(seconds=90)
    said = reset.isoformat() if header.startswith("X") else str(reset.timestamp())
    with ScriptedServer(Reply(429, headers={header: said}), FINE) as server:
        assert open_session(server, clock).get(server.url).status_code == 200
    assert 60 <= sum(clock.slept) <= 91


def test_an_http_date_without_the_servers_date_is_read_on_our_clock() -> None:
    clock = QuickClock()
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    with ScriptedServer(Reply(429, headers={"Retry-After": at}), FINE) as server:
        assert open_session(server, clock).get(server.url).status_code == 200
    assert 50 <= sum(clock.slept) <= 61


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_faults_of_the_server_are_tried_again(status: int) -> None:
    with ScriptedServer(Reply(status), FINE) as server:
        assert open_session(server).get(server.url).status_code == 200
    assert len(server.asked) == 2


@pytest.mark.parametrize("fault", ["reset", "cut"])
def test_broken_answers_are_tried_again(fault: str) -> None:
    with ScriptedServer(Reply(fault=fault, body=b"0123456789"), FINE) as server:
        made = open_session(server)
        assert made.get(server.url).json() == {"fine": True}
    assert made.adapter.counts == {"requests": 2, "retries": 1}


def test_a_slow_answer_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT", (5.0, 0.2))
    with ScriptedServer(Reply(fault="slow"), FINE) as server:
        assert open_session(server).get(server.url).json() == {"fine": True}


def test_reads_give_up_with_one_line() -> None:
    with ScriptedServer(Reply(fault="reset")) as server, pytest.raises(TrackerError, match="no answer after") as caught:
        open_session(server).get(f"{server.url}/x?private=1")
    assert len(server.asked) == ATTEMPTS
    assert "private" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_answer_that_stays_bad_comes_back() -> None:
    with ScriptedServer(Reply(503)) as server:
        assert open_session(server).get(server.url).status_code == 503
        assert len(server.asked) == ATTEMPTS
    with ScriptedServer(Reply(500)) as server:
        assert open_session(server).get(server.url).status_code == 500
        assert len(server.asked) == 3


def test_nobody_sleeps_through_an_hours_quota() -> None:
    clock = QuickClock()
    with ScriptedServer(Reply(429, headers={"Retry-After": "1847"})) as server:
        assert open_session(server, clock).get(server.url).status_code == 429
    assert len(server.asked) == 1
    assert sum(clock.slept) < 5


@pytest.mark.parametrize("reply", [Reply(fault="reset"), Reply(fault="cut", body=b"0123"), Reply(503), Reply(500)])
def test_a_write_of_unknown_fate_is_sent_once(reply: Reply) -> None:
    with ScriptedServer(reply) as server, pytest.raises(UncertainWriteError, match="unknown"):
        open_session(server).post(f"{server.url}/comment", data=b"hello")
    assert len(server.asked) == 1


def test_a_write_that_was_put_off_is_sent_again() -> None:
    with ScriptedServer(Reply(429, headers={"Retry-After": "1"}), FINE) as server:
        made = open_session(server)
        assert made.post(f"{server.url}/comment", data=b"hello").status_code == 200
    assert [one.body for one in server.asked] == [b"hello", b"hello"]
    assert made.adapter.counts == {"writes": 2, "retries": 1}


def test_a_write_that_cannot_have_left_is_no_riddle() -> None:
    clock = QuickClock()
    made = session("http://127.0.0.1:9", auth=None, clock=clock, per_second=1000.0)
    with pytest.raises(TrackerError, match="no answer after") as caught:
        made.post("http://127.0.0.1:9/comment", data=b"hello")
    assert not isinstance(caught.value, UncertainWriteError)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody trusts, with its key in the same file."""
    made = tmp_path_factory.mktemp("tls") / "server.pem"
    openssl = shutil.which("openssl")
    assert openssl is not None, "these tests make their certificate with openssl; install it"
    wanted = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([openssl, *wanted.split(), "-keyout", made, "-out", f"{made}.crt"], check=True, capture_output=True)
    made.write_bytes(made.read_bytes() + Path(f"{made}.crt").read_bytes())
    return made


@contextmanager
def tls_server(certificate: Path | None, *, cuts: int = 0) -> Iterator[tuple[str, list[bytes]]]:
    """(address, one entry per connection: the request's first bytes). The first ``cuts`` handshakes end at once."""
    met: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        context.load_cert_chain(certificate)

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            met.append(b"")
            with plain:
                if len(met) <= cuts:
                    plain.recv(65536)  # the greeting; then nothing, and the end
                    continue
                try:
                    with context.wrap_socket(plain, server_side=True) as secure:
                        met[-1] = secure.recv(65536)
                        secure.sendall(FINE.sent())
                except OSError:
                    continue  # the client turned away

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", met
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_certificate_nobody_trusts_is_final(certificate: Path, method: str) -> None:
    with tls_server(certificate) as (url, met), pytest.raises(TrackerError, match="set ca_bundle") as caught:
        session(url, auth=BearerAuth("s3cret"), clock=QuickClock(), per_second=1000.0).request(method, url)
    assert not isinstance(caught.value, UncertainWriteError)
    assert met == [b""], "one attempt, and nothing was sent"


def test_a_certificate_of_our_own_authority_is_trusted(certificate: Path) -> None:
    with tls_server(certificate) as (url, met):
        made = session(url, auth=None, clock=QuickClock(), per_second=1000.0, ca_bundle=str(certificate))
        assert made.get(url).json() == {"fine": True}
    assert len(met) == 1


def test_a_cut_handshake_is_tried_again(certificate: Path) -> None:
    with tls_server(certificate, cuts=2) as (url, met):
        made = session(url, auth=None, clock=QuickClock(), per_second=1000.0, ca_bundle=str(certificate))
        assert made.get(url).json() == {"fine": True}
    assert len(met) == 3
    assert made.adapter.counts == {"requests": 3, "retries": 2}


def test_a_handshake_that_is_always_cut_is_no_answer() -> None:
    with tls_server(None, cuts=100) as (url, met), pytest.raises(TrackerError, match="no answer after") as caught:
        session(url, auth=None, clock=QuickClock(), per_second=1000.0).get(url)
    assert len(met) == ATTEMPTS
    assert "ca_bundle" not in str(caught.value)


def test_a_write_whose_handshake_is_cut_is_sent_once() -> None:
    with tls_server(None, cuts=100) as (url, met), pytest.raises(UncertainWriteError, match="unknown"):
        session(url, auth=None, clock=QuickClock(), per_second=1000.0).post(url, data=b"hello")
    assert len(met) == 1


def test_posts_that_read_are_reads() -> None:
    with ScriptedServer(Reply(502), FINE) as server:
        made = open_session(server, post_reads=("/search/jql",))
        assert made.post(f"{server.url}/rest/api/3/search/jql", data=b"{}").status_code == 200
    assert made.adapter.counts == {"requests": 2, "retries": 1}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_token_never_follows_to_another_host(status: int) -> None:
    with ScriptedServer(FINE) as other:
        moved = Reply(status, headers={"Location": f"{other.url}/login"})
        with ScriptedServer(moved) as server, pytest.raises(AccessError, match="refused") as caught:
            open_session(server).get(f"{server.url}/a")
        with pytest.raises(AccessError, match="refused"):
            open_session(server).get(f"{other.url}/next-page")
    assert other.asked == []
    assert other.url in str(caught.value)


def test_a_redirect_at_home_is_followed_with_the_token_and_without_cookies() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.target == "/old":
            return Reply(302, headers={"Location": "/new", "Set-Cookie": "JSESSIONID=1; Path=/"})
        return FINE

    with ScriptedServer(answer=answer) as server:
        made = open_session(server)
        assert made.get(f"{server.url}/old").json() == {"fine": True}
        made.get(f"{server.url}/old")
    assert [one.target for one in server.asked] == ["/old", "/new", "/old", "/new"]
    assert {one.headers.get("authorization") for one in server.asked} == {"Bearer s3cret"}
    assert not any("cookie" in one.headers for one in server.asked)


def test_cookies_are_kept_where_asked_for() -> None:
    with ScriptedServer(Reply(headers={"Set-Cookie": "JSESSIONID=1; Path=/"}), FINE) as server:
        made = open_session(server, keep_cookies=True)
        made.get(server.url)
        made.get(server.url)
    assert server.asked[1].headers["cookie"] == "JSESSIONID=1"


def test_endless_redirects_are_a_tracker_error() -> None:
    with (
        ScriptedServer(Reply(302, headers={"Location": "/"})) as server,
        pytest.raises(TrackerError, match="without end"),
    ):
        open_session(server).get(server.url)


def test_the_environment_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password wrong\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with ScriptedServer(FINE) as server:
        assert requests.utils.get_netrc_auth(server.url) == ("eve", "wrong"), "the trap is set"
        open_session(server, auth=None).get(server.url)
        open_session(server, auth=BasicAuth("me", "token")).get(server.url)
    assert "authorization" not in server.asked[0].headers
    assert server.asked[1].headers["authorization"] == "Basic bWU6dG9rZW4="


def test_origin_is_comparable() -> None:
    assert origin("HTTPS://Jira.Example.org:443/x?y") == origin("https://jira.example.org")
    assert origin("http://a:8080") == "http://a:8080"
    assert origin("https://a") != origin("http://a")
    assert origin("https://a@evil.example") == "https://evil.example"


def test_a_server_near_its_limit_slows_us_down() -> None:
    clock = QuickClock()
    limiter = Limiter(10.0, clock)
    with ScriptedServer(Reply(headers={"X-RateLimit-NearLimit": "true"})) as server:
        open_session(server, clock, limiter=limiter).get(server.url)
    assert 6.9 <= limiter.pace <= 7.5


def test_an_hours_quota_stops_everybody() -> None:
    limiter = Limiter(10.0, QuickClock())
    spent = Reply(429, headers={"RateLimit-Reason": "jira-quota-tenant-based", "Retry-After": "1847"})
    with ScriptedServer(spent) as server:
        assert open_session(server, limiter=limiter).get(server.url).status_code == 429
        with pytest.raises(TrackerError, match=r"quota is used up until \d\d:\d\d UTC"):
            open_session(server, limiter=limiter).get(server.url)
    assert len(server.asked) == 1


@pytest.mark.parametrize("reply", [Reply(503, headers={"Retry-After": "600"}), Reply(500), Reply(fault="reset")])
def test_stop_ends_all_waiting(reply: Reply) -> None:
    """On the machine's clock: a request that would rest for seconds or minutes gives up when another thread says so."""
    raised: list[BaseException] = []
    with ScriptedServer(reply) as server:
        made = open_session(server, SystemClock())

        def ask() -> None:
            try:
                made.get(server.url)
            except TrackerError as error:
                raised.append(error)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for one in threads:
            one.start()
        while not made.adapter.counts["retries"]:
            threads[0].join(0.01)
        made.stop()
        for one in threads:
            one.join(30)
        assert [str(one) for one in raised] == ["stopped"] * 3
        asked = len(server.asked)
        with pytest.raises(TrackerError, match="stopped"):
            made.get(server.url)
        assert len(server.asked) == asked <= 6


def test_threads_share_one_session_and_one_count() -> None:
    with ScriptedServer(FINE) as server:
        made = open_session(server, workers=2)
        threads = [threading.Thread(target=made.get, args=(server.url,)) for _ in range(12)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert made.adapter.counts["requests"] == len(server.asked) == 12


def test_credentials_of_any_alphabet_are_sent_in_utf_8() -> None:
    sent = requests.Request("GET", "http://127.0.0.1/", auth=BasicAuth("żółw", "schlüssel")).prepare()
    coded = sent.headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(coded).decode() == "żółw:schlüssel"
    sent = requests.Request("GET", "http://127.0.0.1/", auth=BearerAuth("schlüssel")).prepare()
    assert sent.headers["Authorization"].encode("latin-1").decode() == "Bearer schlüssel"
