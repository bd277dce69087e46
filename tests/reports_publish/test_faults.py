"""Networks that fail at every single write of a publication, and a process killed at any of its requests."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pmo_sync.config import Flavour
from reports.publish import Published, publish_documents
from tests import proxy
from tests.proxy import Asked, Fault, FaultProxy
from tests.reports_publish import portfolio
from tests.reports_publish.benches import ConfluenceBench

ROOT = Path(__file__).resolve().parents[2]
KILLS = 10


def run(bench: ConfluenceBench, words: str) -> list[Published]:
    return publish_documents(bench.open(), portfolio.documents(words), portfolio.write, write=True)


class Whole:
    """A publication and an update nobody disturbed: what the place holds, and how many requests that took."""

    def __init__(self, flavour: Flavour) -> None:
        bench = ConfluenceBench(flavour)
        self.requests: list[int] = []
        self.writes: list[list[int]] = []  # which of the requests, counted from 1
        self.held: list[dict[str, Any]] = []
        for words in ("All is well", "Two weeks late"):
            before = len(bench.server.log)
            run(bench, words)
            sent = bench.server.log[before:]
            self.requests.append(len(sent))
            self.writes.append([number for number, entry in enumerate(sent, 1) if entry.is_write])
            self.held.append(portfolio.held(bench.server))
        bench.server.stop()


@pytest.fixture(scope="module")
def whole() -> Callable[[Flavour], Whole]:
    made: dict[Flavour, Whole] = {}
    return lambda flavour: made.setdefault(flavour, Whole(flavour))


@pytest.fixture(params=["cloud", "data-center"])
def bench(request: pytest.FixtureRequest) -> Iterator[ConfluenceBench]:
    made = ConfluenceBench(request.param)
    yield made
    made.server.stop()


@pytest.mark.parametrize("fault", [proxy.reset, proxy.reset_after, proxy.truncate, lambda: proxy.status(503)])
@pytest.mark.parametrize("stage", [0, 1])
def test_one_fault_at_any_write_changes_nothing(
    bench: ConfluenceBench, whole: Callable[[Flavour], Whole], fault: Callable[[], Fault], stage: int
) -> None:
    """Each write of a first publication and of an update in turn: the same pages at once, each exactly once."""
    expected, direct = whole(bench.flavour), bench.url
    words = ("All is well", "Two weeks late")
    assert len(expected.writes[stage]) > 10
    for number in expected.writes[stage]:
        bench.server.stop()
        bench = ConfluenceBench(bench.flavour)
        direct = bench.url
        if stage == 1:
            run(bench, words[0])
        with FaultProxy(direct, lambda asked, n=number: fault() if asked.number == n else None) as between:
            bench.url = between.url
            done = run(bench, words[stage])
            assert between.faults(), number
            found = portfolio.held(bench.server)
        assert {one.outcome for one in done} <= {"created", "updated"}, (number, between.log[number - 1], done)
        for name, page in found.items():
            wanted = expected.held[stage][name]
            assert page == wanted, (number, between.log[number - 1])
    bench.server.stop()


KILLED = """
import sys
from tests.reports_publish.test_faults import run
from tests.reports_publish.benches import ConfluenceBench
bench = ConfluenceBench.__new__(ConfluenceBench)
bench.flavour, bench.url, bench.parent = "cloud", sys.argv[1], sys.argv[2]
run(bench, sys.argv[3])
"""


def test_kill_9_at_any_moment_then_a_normal_run(whole: Callable[[Flavour], Whole]) -> None:
    """The process is killed before or after one of its requests was served; then a normal run makes everything whole."""
    expected = whole("cloud")
    rng = random.Random(20260302)
    moments = [
        (stage, number, is_served)
        for stage in (0, 1)
        for number in range(1, expected.requests[stage] + 1)
        for is_served in (False, True)
    ]
    words = ("All is well", "Two weeks late")
    for stage, number, is_served in rng.sample(moments, KILLS):
        bench = ConfluenceBench("cloud")
        direct = bench.url
        if stage == 1:
            run(bench, words[0])
        started: list[subprocess.Popen[bytes]] = []

        def kill(asked: Asked, at: int = number, served: bool = is_served, running: Any = started) -> Fault | None:
            if asked.number < at:
                return None
            os.kill(running[0].pid, signal.SIGKILL)
            return proxy.reset_after() if served and asked.number == at else proxy.reset()

        with FaultProxy(direct, kill) as between:
            command = [sys.executable, "-c", KILLED, between.url, str(bench.parent), words[stage]]
            started.append(subprocess.Popen(command, cwd=ROOT))
            assert started[0].wait(timeout=60) == -signal.SIGKILL, (stage, number)
        done = run(bench, words[stage])
        assert {one.outcome for one in done} <= {"created", "updated", "unchanged"}, done
        assert portfolio.held(bench.server) == expected.held[stage], (stage, number, is_served)
        before = bench.writes()
        assert {one.outcome for one in run(bench, words[stage])} == {"unchanged"}
        assert bench.writes() == before
        bench.server.stop()
