"""A company's network: its own certificate authority, client certificates, proxies; one limiter per instance; OAuth."""

from __future__ import annotations

import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from pmo_sync.config import OAuthConfig, Secret, ServerConfig
from pmo_sync.errors import AccessError, ConfigError, TrackerError, UncertainWriteError
from pmo_sync.http.network import Network
from pmo_sync.http.session import ATTEMPTS
from tests.clocks import QuickClock
from tests.scripted_server import Asked, Reply, ScriptedServer

FINE = Reply(body=b'{"fine": true}')
TOKEN = Secret("env", "T", {"T": "s3cret"})


def server_at(url: str, **options: Any) -> ServerConfig:
    return replace(ServerConfig(url, url, None, None, TOKEN, None, None, None, 4, 1000.0), **options)


def get(url: str, **options: Any) -> Any:
    return Network(QuickClock()).session(server_at(url, **options)).get(f"{url}/rest/issue").json()


@dataclass
class Authority:
    """A company's own, and the files that users have of it."""

    folder: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        self.bundle = str(self.folder / "ca.pem")
        self.ca.cert_pem.write_to_path(self.bundle)

    def person(self, name: str) -> tuple[str, str, str]:
        """(one file with both, certificate, key)."""
        issued = self.ca.issue_cert(f"{name}@example.org")
        both, cert, key = (str(self.folder / f"{name}.{end}") for end in ("pem", "crt", "key"))
        issued.private_key_and_cert_chain_pem.write_to_path(both)
        issued.cert_chain_pems[0].write_to_path(cert)
        issued.private_key_pem.write_to_path(key)
        return both, cert, key


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@contextmanager
def tls_server(
    authority: Authority, *, clients: bool = False, newest: bool = True
) -> Iterator[tuple[str, list[bytes]]]:
    """(address, requests seen). ``clients`` must show a certificate of the authority."""
    seen: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.ca.issue_cert("127.0.0.1").configure_cert(context)
    if not newest:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.ca.configure_trust(context)

    def serve(plain: socket.socket) -> None:
        with context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as secure:
            try:
                secure.do_handshake()
                seen.append(secure.recv(65536))
                secure.sendall(FINE.sent())
            except OSError:  # one of the two turned away; a server that closes at once would cut off its own reason
                drain(secure)

    with listening(serve) as port:
        yield f"https://127.0.0.1:{port}", seen


def drain(secure: ssl.SSLSocket) -> None:
    try:
        while socket.socket.recv(secure, 65536):
            pass
    except OSError:
        return


@contextmanager
def listening(serve: Any) -> Iterator[int]:
    """Calls ``serve`` with each connection, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(plain,), daemon=True).start()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@contextmanager
def http_proxy(login: str = "") -> Iterator[tuple[str, list[bytes]]]:
    """(address, heads of the requests it saw): CONNECT for https, the absolute form for http."""
    seen: list[bytes] = []
    wanted = b"Proxy-Authorization: Basic " + b64encode(login.encode())

    def serve(client: socket.socket) -> None:
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(65536)
            seen.append(head)
            if login and wanted not in head:
                client.sendall(b"HTTP/1.1 407 X\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
                return
            method, target, _ = head.split(b" ", 2)
            parts = urlsplit(f"//{target.decode()}" if method == b"CONNECT" else target.decode())
            with socket.create_connection((parts.hostname, parts.port)) as server:
                if method == b"CONNECT":
                    client.sendall(b"HTTP/1.1 200 X\r\n\r\n")
                    back = threading.Thread(target=pass_on, args=(server, client), daemon=True)
                    back.start()
                    pass_on(client, server)
                    back.join()
                else:
                    server.sendall(head)
                    pass_on(server, client)

    with listening(serve) as port:
        yield f"http://127.0.0.1:{port}", seen


def pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


# --- certificates


def test_the_companys_own_authority(authority: Authority) -> None:
    with tls_server(authority) as (url, seen):
        with pytest.raises(TrackerError, match="set ca_bundle") as caught:
            get(url)
        assert "\n" not in str(caught.value)
        assert seen == []
        assert get(url, ca_bundle=authority.bundle) == {"fine": True}
    assert b"Authorization: Bearer s3cret" in seen[0]


@pytest.mark.parametrize("newest", [True, False])
def test_a_server_that_wants_a_client_certificate(authority: Authority, tmp_path: Path, newest: bool) -> None:
    both, cert, key = authority.person("bot")
    stranger, *_ = Authority(tmp_path).person("stranger")
    with tls_server(authority, clients=True, newest=newest) as (url, seen):
        for wrong in (None, stranger):
            with pytest.raises(TrackerError, match="set client_cert") as caught:
                get(url, ca_bundle=authority.bundle, client_cert=wrong)
            assert not isinstance(caught.value, UncertainWriteError)
            assert "\n" not in str(caught.value)
        assert seen == []
        assert get(url, ca_bundle=authority.bundle, client_cert=both) == {"fine": True}
        assert get(url, ca_bundle=authority.bundle, client_cert=(cert, key)) == {"fine": True}


def test_files_that_are_no_certificates_are_told_before_anything_is_sent(authority: Authority, tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("not a certificate")
    both, cert, _ = authority.person("bot")
    locked = tmp_path / "locked.pem"
    locked.write_bytes(Path(both).read_bytes().replace(b"-----BEGIN", b"-----BEGIN ENCRYPTED", 1))
    for options, match in (
        ({"ca_bundle": str(tmp_path / "gone.pem")}, "ca_bundle .*gone.pem: No such file"),
        ({"ca_bundle": str(junk)}, "ca_bundle .*junk.pem: must be a PEM file"),
        ({"client_cert": str(tmp_path / "gone.pem")}, "client_cert .*gone.pem: No such file"),
        ({"client_cert": str(junk)}, "client_cert .*junk.pem: must be PEM files"),
        ({"client_cert": cert}, "its key"),
        ({"client_cert": str(locked)}, "without a passphrase"),
    ):
        with pytest.raises(ConfigError, match=match):
            get("https://127.0.0.1:9", **options)


# --- proxies


def test_https_goes_through_a_tunnel_that_never_sees_the_token(authority: Authority) -> None:
    with tls_server(authority) as (url, _), http_proxy() as (proxy, seen):
        assert get(url, proxy=proxy, ca_bundle=authority.bundle) == {"fine": True}
    assert seen[0].startswith(f"CONNECT {urlsplit(url).netloc} HTTP/1".encode())
    assert len(seen) == 1
    assert b"s3cret" not in seen[0]
    assert b"issue" not in seen[0]


def test_http_names_the_whole_address_without_a_secret_in_it() -> None:
    with ScriptedServer(FINE) as server, http_proxy() as (proxy, seen):
        assert get(server.url, proxy=proxy) == {"fine": True}
    line, _, _ = seen[0].partition(b"\r\n")
    assert line == f"GET {server.url}/rest/issue HTTP/1.1".encode()


@pytest.mark.parametrize("secure", [True, False])
def test_a_proxy_that_wants_a_login(authority: Authority, secure: bool) -> None:
    password = Secret("env", "P", {"P": "p@ss:w/rd"})
    with tls_server(authority) as (tls, _), ScriptedServer(FINE) as plain, http_proxy("bot:p@ss:w/rd") as (proxy, seen):
        url = tls if secure else plain.url
        options = {"proxy": proxy, "ca_bundle": authority.bundle}
        wrong = {"proxy_user": "bot", "proxy_password": Secret("env", "P", {"P": "wr0ng"})}
        for login in ({}, wrong):
            with pytest.raises(AccessError, match=r"\(407\); set proxy_user and proxy_password") as caught:
                get(url, **options, **login)
            assert "wr0ng" not in str(caught.value)
        assert len(seen) == 2, "asked once each time"
        assert get(url, **options, proxy_user="bot", proxy_password=password) == {"fine": True}
    assert plain.asked == [] or "proxy-authorization" not in plain.asked[0].headers or not secure


@pytest.mark.parametrize("url", ["https://127.0.0.1:9", "http://127.0.0.1:9"])
def test_a_proxy_that_is_not_there(url: str) -> None:
    with pytest.raises(TrackerError, match=r"the proxy does not connect us .*; is proxy right\?") as caught:
        get(url, proxy="http://127.0.0.1:10", proxy_user="bot", proxy_password=Secret("env", "P", {"P": "p4ss"}))
    assert "p4ss" not in str(caught.value)
    with pytest.raises(TrackerError, match="the proxy does not connect us") as written:
        Network(QuickClock()).session(server_at(url, proxy="http://127.0.0.1:10")).post(url, data=b"x")
    assert not isinstance(written.value, UncertainWriteError), "nothing can have happened"


# --- one limiter per instance


def test_sessions_of_one_instance_share_a_limiter_and_those_of_two_do_not() -> None:
    clock = QuickClock()
    network = Network(clock)
    with ScriptedServer(FINE) as one, ScriptedServer(FINE) as two:
        source = network.session(server_at(one.url, requests_per_second=10.0))
        place = network.session(server_at(one.url, token=None, requests_per_second=5.0))
        other = network.session(server_at(two.url, requests_per_second=10.0))
        for _ in range(5):
            source.get(one.url)
            place.get(one.url)
        shared = sum(clock.slept)
        assert 1.5 <= shared <= 2.0, "ten requests at the lower of the two ceilings"
        other.get(two.url)
        assert sum(clock.slept) == shared


# --- OAuth client credentials


class Issuer:
    """Gives tokens to one client, and a tracker that takes the newest only."""

    def __init__(self, expires_in: object = 3600) -> None:
        self.expires_in = expires_in
        self.given = 0
        self.server = ScriptedServer(answer=self._answer)
        self.tracker = ScriptedServer(answer=self._track)
        self.refusal: Reply | None = None
        self.revoked = 0

    def _answer(self, asked: Asked) -> Reply:
        if self.refusal:
            return self.refusal
        form = parse_qs(asked.body.decode())
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        assert form["grant_type"] == ["client_credentials"]
        assert (form["client_id"], form["client_secret"]) == (["bot"], ["cl1ent s&cret"])
        self.given += 1
        ends = b"" if self.expires_in is None else f', "expires_in": {self.expires_in}'.encode()
        return Reply(body=b'{"access_token": "tok%d", "token_type": "Bearer"%s}' % (self.given, ends))

    def _track(self, asked: Asked) -> Reply:
        good = asked.headers["authorization"] == f"Bearer tok{self.given}" and self.given > self.revoked
        return FINE if good else Reply(401)

    def session(self, clock: QuickClock, scope: str | None = None) -> Any:
        secret = Secret("env", "S", {"S": "cl1ent s&cret"})
        oauth = OAuthConfig("bot", secret, f"{self.server.url}/oauth/token", scope)
        return Network(clock).session(server_at(self.tracker.url, token=None, oauth=oauth))


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    with made.server, made.tracker:
        yield made


def test_a_token_is_fetched_when_needed_and_before_it_ends(issuer: Issuer) -> None:
    clock = QuickClock()
    made = issuer.session(clock, "READ WRITE")
    assert issuer.given == 0
    for _ in range(3):
        assert made.get(issuer.tracker.url).status_code == 200
    assert issuer.given == 1
    assert parse_qs(issuer.server.asked[0].body.decode())["scope"] == ["READ WRITE"]
    clock.sleep(3541.0)
    assert made.get(issuer.tracker.url).status_code == 200
    assert issuer.given == 2
    assert [one.headers["authorization"][-1] for one in issuer.tracker.asked] == ["1", "1", "1", "2"]
    assert b"cl1ent" not in b"".join(one.body for one in issuer.tracker.asked), "the secret stays with its issuer"


@pytest.mark.parametrize("expires_in", [None, '"3600"', 90])
def test_other_lives_of_a_token(issuer: Issuer, expires_in: object) -> None:
    issuer.expires_in = expires_in
    clock = QuickClock()
    made = issuer.session(clock)
    made.get(issuer.tracker.url)
    clock.sleep(40.0)
    made.get(issuer.tracker.url)
    assert issuer.given == 1
    clock.sleep(60.0)
    made.get(issuer.tracker.url)
    assert issuer.given == (2 if expires_in == 90 else 1)


def test_a_refused_token_is_replaced_once(issuer: Issuer) -> None:
    made = issuer.session(QuickClock())
    made.get(issuer.tracker.url)
    issuer.revoked = 1
    answer = made.post(f"{issuer.tracker.url}/comment", data=b"hello")
    assert answer.status_code == 200
    assert [one.status_code for one in answer.history] == [401]
    assert [one.body for one in issuer.tracker.asked] == [b"", b"hello", b"hello"]
    issuer.revoked = 99
    assert made.get(issuer.tracker.url).status_code == 401
    assert issuer.given == 3


def test_threads_fetch_one_token(issuer: Issuer) -> None:
    made = issuer.session(QuickClock())
    threads = [threading.Thread(target=made.get, args=(issuer.tracker.url,)) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert issuer.given == 1
    assert len(issuer.tracker.asked) == 8


@pytest.mark.parametrize(
    ("reply", "match"),
    [
        (Reply(401, b'{"error": "invalid_client"}'), r"\(401, invalid_client\); check oauth.client_id and oauth.cl"),
        (Reply(400, b'{"error": "invalid_scope", "error_description": "no X"}'), "no X.*set oauth.scope"),
        (Reply(403, b"<html>"), "make a new credential"),
        (Reply(400, b'{"error": "cl1ent s&cret"}'), r"\(400, \*\*\*\); check oauth.client_id, "),
        (Reply(404, b"<html>"), "set oauth.token_url"),
        (Reply(302, headers={"Location": "/login"}), "set oauth.token_url"),
        (Reply(200, b"<html>"), "is oauth.token_url the address"),
        (Reply(200, b"{}"), "is oauth.token_url the address"),
        (Reply(503), "run again later"),
    ],
)
def test_no_token_says_what_to_do(issuer: Issuer, reply: Reply, match: str) -> None:
    issuer.refusal = reply
    made = issuer.session(QuickClock())
    with pytest.raises((AccessError, TrackerError), match=match) as caught:
        made.get(issuer.tracker.url)
    assert "cl1ent" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert issuer.tracker.asked == []
    assert len(issuer.server.asked) == (ATTEMPTS if reply.status == 503 else 1)
