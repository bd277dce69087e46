"""The proxy does what its faults say, to the client and to the target."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest
import requests

from pmo_sync.demo.servers.wire import Answer, Request, Server
from tests.proxy import FaultProxy, cut, drip, reset, reset_after, reset_within, rewritten, slow, status, truncate


class Counter(Server):
    """Counts what it is told, and names its own address."""

    def __init__(self) -> None:
        super().__init__("counter", [("GET", "/count", self._count), ("POST", "/count", self._more)], lambda _: None)
        self.value = 0

    def _count(self, _request: Request, _match: re.Match[str]) -> Answer:
        body = {"value": self.value, "self": f"{self.url}/count", "padding": "x" * 500}
        return Answer(200, body, {"Link": f'<{self.url}/count?page=2>; rel="next"'})

    def _more(self, request: Request, _match: re.Match[str]) -> Answer:
        self.value += request.json()["by"]
        return Answer(201, {"value": self.value})


@pytest.fixture
def counter() -> Iterator[Counter]:
    server = Counter()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def proxy(counter: Counter) -> Iterator[FaultProxy]:
    with FaultProxy(counter.url) as made:
        yield made


def test_passes_and_rewrites_addresses(proxy: FaultProxy, counter: Counter) -> None:
    response = requests.get(f"{proxy.url}/count", headers={"X-Mark": "7"}, timeout=10)
    assert response.status_code == 200
    assert response.json()["self"] == f"{proxy.url}/count"
    assert response.links["next"]["url"] == f"{proxy.url}/count?page=2"
    assert counter.url not in response.text
    (seen,) = proxy.log
    assert (seen.method, seen.path, seen.fault, seen.status) == ("GET", "/count", "pass", 200)
    assert seen.headers["x-mark"] == "7"


def test_forwards_bodies_once(proxy: FaultProxy, counter: Counter) -> None:
    assert requests.post(f"{proxy.url}/count", json={"by": 3}, timeout=10).json() == {"value": 3}
    assert counter.value == 3
    assert json.loads(proxy.log[0].body) == {"by": 3}


def test_status_never_reaches_the_target(proxy: FaultProxy, counter: Counter) -> None:
    proxy.plan = [status(429, {"Retry-After": "3"}, b"Retry later")]
    response = requests.post(f"{proxy.url}/count", json={"by": 1}, timeout=10)
    assert (response.status_code, response.headers["Retry-After"], response.text) == (429, "3", "Retry later")
    assert (counter.value, counter.log) == (0, [])
    assert requests.post(f"{proxy.url}/count", json={"by": 1}, timeout=10).status_code == 201


def test_reset_happens_before_the_target(proxy: FaultProxy, counter: Counter) -> None:
    proxy.plan = [reset()]
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{proxy.url}/count", json={"by": 1}, timeout=10)
    assert counter.value == 0
    assert proxy.faults() == ["reset"]


def test_reset_after_hides_what_was_done(proxy: FaultProxy, counter: Counter) -> None:
    proxy.plan = [reset_after()]
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{proxy.url}/count", json={"by": 1}, timeout=10)
    assert counter.value == 1
    assert proxy.log[0].status == 201


def test_truncate_announces_more_than_it_sends(proxy: FaultProxy) -> None:
    proxy.plan = [truncate()]
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        requests.get(f"{proxy.url}/count", timeout=10)
    assert requests.get(f"{proxy.url}/count", timeout=10).json()["value"] == 0


def test_slow_is_slow(proxy: FaultProxy) -> None:
    proxy.plan = [slow(0.3)]
    with pytest.raises(requests.Timeout):
        requests.get(f"{proxy.url}/count", timeout=0.05)
    began = time.monotonic()
    proxy.plan = [slow(0.2)]
    assert requests.get(f"{proxy.url}/count", timeout=10).status_code == 200
    assert time.monotonic() - began >= 0.2  # never sooner; how much later is not asserted


def test_cut_announces_what_it_sends(proxy: FaultProxy) -> None:
    proxy.plan = [cut()]
    response = requests.get(f"{proxy.url}/count", timeout=10)
    assert int(response.headers["Content-Length"]) == len(response.content) > 200
    with pytest.raises(requests.JSONDecodeError):
        response.json()


def test_reset_within_comes_after_a_part(proxy: FaultProxy) -> None:
    proxy.plan = [reset_within()]
    with requests.get(f"{proxy.url}/count", timeout=10, stream=True) as response:
        assert response.status_code == 200
        with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError), match=r"reset|broken"):
            _ = response.content


def test_drip_comes_in_pieces(proxy: FaultProxy) -> None:
    proxy.plan = [drip(0.02)]
    began = time.monotonic()
    assert requests.get(f"{proxy.url}/count", timeout=10).json()["value"] == 0
    assert time.monotonic() - began >= 0.2  # never sooner


def test_rewritten_is_what_the_edit_makes(proxy: FaultProxy) -> None:
    proxy.plan = [
        rewritten(lambda headers, data: ([*headers, ("X-More", "1")], data.replace(b'"value": 0', b'"value": 9')))
    ]
    response = requests.get(f"{proxy.url}/count", timeout=10)
    assert (response.json()["value"], response.headers["X-More"]) == (9, "1")


def test_a_plan_may_be_a_function(proxy: FaultProxy, counter: Counter) -> None:
    proxy.plan = lambda asked: status(503) if asked.method == "POST" and asked.number > 1 else None
    codes = [requests.post(f"{proxy.url}/count", json={"by": 1}, timeout=10).status_code for _ in range(3)]
    assert codes == [201, 503, 503]
    assert requests.get(f"{proxy.url}/count", timeout=10).json()["value"] == counter.value == 1
    assert proxy.requests == 4


def test_keeps_connections_open(proxy: FaultProxy) -> None:
    with requests.Session() as session:
        for _ in range(3):
            assert session.get(f"{proxy.url}/count", timeout=10).status_code == 200
    assert proxy.requests == 3
