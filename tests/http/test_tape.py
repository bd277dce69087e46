"""Recordings: what they hold, what they never hold, and that they play without a network."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import connectors
from connectors.base import Connector
from pmo_sync.config import Secret, ServerConfig, load
from pmo_sync.errors import OverloadedError, StoreError, TrackerError
from pmo_sync.http.network import Network
from pmo_sync.http.session import BearerAuth, session
from pmo_sync.http.tape import Player, Recorder, Tape
from tests.clocks import LeapingClock, QuickClock
from tests.e2e.office import Office, office
from tests.scripted_server import Reply, ScriptedServer


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("company")) as made:
        yield made


def everything(connector: Connector) -> list[object]:
    """What a first pull reads."""
    catalogue = connector.catalogue()
    read: list[object] = [catalogue]
    for project in catalogue.projects:
        read += connector.pages(project, None)
        read.append(connector.census(project, sweep=True))
    return read


def pull(company: Office, tape: Tape, tokens: Mapping[str, str]) -> dict[str, list[object]]:
    network = Network(LeapingClock(company.running.company.now), tape)
    config = load(company.file, tokens, connectors.names())
    return {one.name: everything(connectors.connect(one, network)) for one in config.sources}


def test_a_replay_reads_the_same_without_a_network(
    company: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = pull(company, Recorder(tmp_path / "tape"), company.running.tokens)
    assert {len(pages) > 3 for pages in recorded.values()} == {True}

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert pull(company, Player(tmp_path / "tape"), {}) == recorded, "and no token was needed"
    held = b"".join(file.read_bytes() for file in (tmp_path / "tape").iterdir())
    for token in company.running.tokens.values():
        assert token.encode() not in held
    assert b"authorization" not in held.lower()
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "tape").iterdir()} == {0o600}
    assert (tmp_path / "tape").stat().st_mode & 0o777 == 0o700


def record(server: ScriptedServer, folder: Path, *paths: str) -> None:
    tape = Recorder(folder)
    made = session(server.url, auth=BearerAuth("s3cret"), clock=QuickClock(), per_second=1000.0, tape=tape)
    for path in paths:
        made.get(server.url + path)
    tape.close()


def test_equal_requests_play_in_their_order_and_not_more_often(tmp_path: Path) -> None:
    with ScriptedServer(Reply(body=b"1"), Reply(404, body=b"\n\x00two\n"), Reply(body=b"3")) as server:
        record(server, tmp_path / "t", "/a?x=1", "/a?x=1", "/b")
        url = server.url
    made = session(url, auth=None, clock=QuickClock(), tape=Player(tmp_path / "t"))
    answers = [made.get(f"{url}{path}") for path in ("/a?x=1", "/b", "/a?x=1")]
    assert [(one.status_code, one.content) for one in answers] == [(200, b"1"), (200, b"3"), (404, b"\n\x00two\n")]
    with pytest.raises(TrackerError, match=r"GET http://127.0.0.1:\d+/a\?x=1: was not recorded once more"):
        made.get(f"{url}/a?x=1")
    with pytest.raises(TrackerError, match=r"/a\?x=2: was not recorded;"):
        made.get(f"{url}/a?x=2")
    with pytest.raises(TrackerError, match="writes nothing"):
        made.post(f"{url}/a", data=b"x")


def test_reads_by_post_are_told_apart_by_their_body(tmp_path: Path) -> None:
    with ScriptedServer(Reply(body=b"1"), Reply(body=b"2")) as server:
        tape = Recorder(tmp_path)
        made = session(server.url, auth=None, clock=QuickClock(), post_reads=("/search",), tape=tape)
        for body in (b"one", b"two"):
            made.post(f"{server.url}/search", data=body)
        url = server.url
    made = session(url, auth=None, clock=QuickClock(), post_reads=("/search",), tape=Player(tmp_path))
    assert made.post(f"{url}/search", data=b"two").content == b"2"
    with pytest.raises(TrackerError, match="with this body: was not recorded"):
        made.post(f"{url}/search", data=b"three")
    assert b"one" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_what_is_kept_and_what_is_not(tmp_path: Path) -> None:
    """Answers after retries; not the refused log-in, the write, the cookie."""
    script = (
        Reply(503),
        Reply(headers={"Set-Cookie": "JSESSIONID=secret", "Link": '</2>; rel="next"', "X-Total": "7"}),
        Reply(401, body=b"who are you"),
        Reply(body=b"written"),
    )
    with ScriptedServer(*script) as server:
        tape = Recorder(tmp_path)
        made = session(server.url, auth=BearerAuth("s3cret"), clock=QuickClock(), per_second=1000.0, tape=tape)
        made.get(f"{server.url}/a")
        made.get(f"{server.url}/b")
        made.post(f"{server.url}/c", data=b"x")
        url = server.url
    (file,) = tmp_path.iterdir()
    held = file.read_bytes()
    assert held.count(b"\n") == 2
    for absent in (b"secret", b"s3cret", b"who are you", b"written", b"503"):
        assert absent not in held
    answer = session(url, auth=None, clock=QuickClock(), tape=Player(tmp_path)).get(f"{url}/a")
    assert (answer.links["next"]["url"], answer.headers["x-total"]) == ("/2", "7")


def test_a_killed_recording_plays_up_to_there(tmp_path: Path) -> None:
    with ScriptedServer(Reply(body=b"1" * 50), Reply(body=b"2" * 50)) as server:
        record(server, tmp_path, "/a", "/b")
        url = server.url
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    second = whole.index(b"\n", whole.index(b"1\n") + 2)  # end of the second entry's line
    for end in (len(whole) - 1, second + 10, second + 1, second - 5):
        file.write_bytes(whole[:end])
        made = session(url, auth=None, clock=QuickClock(), tape=Player(tmp_path))
        assert made.get(f"{url}/a").content == b"1" * 50
        with pytest.raises(TrackerError, match="was not recorded"):
            made.get(f"{url}/b")


def test_threads_write_whole_entries(tmp_path: Path) -> None:
    with ScriptedServer(answer=lambda asked: Reply(body=asked.target.encode() * 500)) as server:
        tape = Recorder(tmp_path)
        made = session(server.url, auth=None, clock=QuickClock(), per_second=1000.0, workers=8, tape=tape)
        threads = [threading.Thread(target=made.get, args=(f"{server.url}/{n}",)) for n in range(40)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        url = server.url
    made = session(url, auth=None, clock=QuickClock(), tape=Player(tmp_path))
    assert all(made.get(f"{url}/{n}").content == f"/{n}".encode() * 500 for n in range(40))


def test_origins_are_kept_apart(tmp_path: Path) -> None:
    with ScriptedServer(Reply(body=b"1")) as one, ScriptedServer(Reply(body=b"2")) as two:
        network = Network(QuickClock(), Recorder(tmp_path))
        for server in (one, two):
            config = ServerConfig(server.url, server.url, None, None, None, None, None, None, 4, 1000.0)
            network.session(config).get(f"{server.url}/a")
        urls = (one.url, two.url)
    network = Network(QuickClock(), Player(tmp_path))
    unset = Secret("env", "NOT_SET", {})
    for url, body in zip(urls, (b"1", b"2"), strict=True):
        config = ServerConfig(url, url, None, None, unset, None, "/gone/ca.pem", None, 4, 1000.0)
        assert network.session(config).get(f"{url}/a").content == body


def test_a_folder_that_is_none_or_taken(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no recording"):
        Player(tmp_path)
    with ScriptedServer(Reply()) as server:
        record(server, tmp_path / "t", "/a")
    with pytest.raises(StoreError, match="holds a recording already"):
        Recorder(tmp_path / "t")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="name another folder"):
        Recorder(tmp_path / "file")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "x.tape").write_text("[]\n")
    with pytest.raises(StoreError, match="not a recording"):
        Player(tmp_path / "odd")


@pytest.mark.parametrize("failure", [Reply(503), Reply(fault="slow")])
def test_what_was_too_much_to_ask_for_is_too_much_again(tmp_path: Path, failure: Reply) -> None:
    """Or a replay would ask for less than was recorded, or for more."""
    with ScriptedServer(failure, Reply(body=b"less")) as server:
        tape = Recorder(tmp_path / "t")
        made = session(server.url, auth=None, clock=QuickClock(), tape=tape)
        with made.once(), pytest.raises(OverloadedError):
            made.get(f"{server.url}/all", timeout=(1, 0.3))
        assert made.get(f"{server.url}/less").content == b"less"
        tape.close()
        url = server.url
    made = session(url, auth=None, clock=QuickClock(), tape=Player(tmp_path / "t"))
    with made.once(), pytest.raises(OverloadedError, match="too much to ask for at once"):
        made.get(f"{url}/all")
    assert made.get(f"{url}/less").content == b"less"
