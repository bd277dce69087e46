"""The limiter in simulated time: refusals are few and never many in a row, and nearly nothing of a quota is left unused.

The server is a token bucket of 10 requests a second; the requests go through the real adapter, retries included.
Measured figures are printed: ``pytest -s tests/http/test_limiter.py``.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import groupby
from typing import Any, Literal, get_args

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_sync.errors import TrackerError
from pmo_sync.http import quota
from pmo_sync.http.limiter import DROP, FIRST_PAUSE, LONGEST_WAIT, RETURN, Limiter
from pmo_sync.http.quota import Quota
from pmo_sync.http.session import session
from tests.simulated import Bucket, SimulatedTime

RATE = 10.0
FINE = Quota()
Style = Literal["none", "seconds", "fraction", "date", "cloud", "data center", "window"]
NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """What happened. ``ideal`` is the least time in which the same quota, workers and latency allow the requests."""

    seconds: float
    ideal: float
    refused: int
    in_a_row: int
    failed: int

    @property
    def ratio(self) -> float:
        return self.seconds / self.ideal


def headers(style: Style, bucket: Bucket, time: SimulatedTime, *, fine: bool) -> dict[str, str]:
    """What servers of this style say beside an answer."""
    missing = bucket.missing()
    whole = str(math.ceil(missing))
    rest = {"X-RateLimit-Limit": str(int(bucket.size)), "X-RateLimit-Remaining": str(int(bucket.tokens))}
    if style == "cloud":
        return rest if fine else rest | {"Retry-After": whole}
    if style == "data center":
        fill = {"X-RateLimit-FillRate": str(int(RATE)), "X-RateLimit-Interval-Seconds": "1"}
        return rest | fill | ({} if fine else {"Retry-After": whole})
    if style == "window":
        said = {"RateLimit": f'"burst";r={int(bucket.tokens + RATE)};t=1'}  # what the next second allows
        return said if fine else said | {"Retry-After": whole}
    if fine or style == "none":
        return {}
    if style == "date":
        at = time.now() + timedelta(seconds=math.ceil(missing))
        return {"Date": format_datetime(time.now(), usegmt=True), "Retry-After": format_datetime(at, usegmt=True)}
    return {"Retry-After": whole if style == "seconds" else f"{missing:.3f}"}


def simulate(
    requests_wanted: int = 300,
    *,
    size: int = 10,
    latency: float = 0.1,
    workers: int = 4,
    ceiling: float = 20.0,
    style: Style = "seconds",
    neighbour: tuple[float, int] | None = None,
    seed: int = 0,
) -> Run:
    """``neighbour`` (seconds, requests) asks that much at once, so often, without regard for anybody."""
    chance = random.Random(seed)
    time = SimulatedTime()
    bucket = Bucket(time, RATE, size)
    answers: list[bool] = []
    taken = failed = 0
    ended = 0.0

    def send(_: Any, request: requests.PreparedRequest, **__: Any) -> requests.Response:
        half = latency / 2 * chance.uniform(0.8, 1.2)
        time.sleep(half)
        fine = bucket.take()
        answers.append(fine)
        made = requests.Response()
        made.headers.update(headers(style, bucket, time, fine=fine))
        time.sleep(half)
        made.status_code, made.url, made._content = (200 if fine else 429), str(request.url), b"{}"
        return made

    polite = session("http://tracker", auth=None, clock=time, limiter=Limiter(ceiling, time), workers=workers)
    todo = iter(range(requests_wanted))
    busy = workers

    def work() -> None:
        nonlocal busy, failed, ended
        try:
            for number in todo:
                failed += polite.get(f"http://tracker/{number}").status_code != 200
        finally:
            busy -= 1
            ended = time.monotonic()

    def disturb() -> None:
        nonlocal taken
        assert neighbour is not None
        while busy:
            taken += sum(bucket.take() for _ in range(neighbour[1]))
            time.sleep(neighbour[0])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("requests.adapters.HTTPAdapter.send", send)
        patch.setattr("pmo_sync.http.session.random", random.Random(seed))
        raised = time.run([work] * workers + ([disturb] if neighbour else []))
    assert raised == []
    left = RATE - taken / ended
    ideal = max((requests_wanted - size) / left, requests_wanted * latency / workers, requests_wanted / ceiling)
    rows = [len(list(row)) for fine, row in groupby(answers) if not fine]
    return Run(ended, ideal + latency, len(answers) - sum(answers), max(rows, default=0), failed)


@pytest.mark.parametrize("neighbour", [None, (15.0, 20)])
@pytest.mark.parametrize("style", get_args(Style))
@pytest.mark.parametrize("ceiling", [8.0, 20.0])
def test_a_quota_of_ten_a_second(style: Style, ceiling: float, neighbour: tuple[float, int] | None) -> None:
    run = simulate(style=style, ceiling=ceiling, neighbour=neighbour)
    print(f"{style}, ceiling {ceiling:g}, neighbour {neighbour}: {run.ratio:.2f} of the ideal {run.ideal:.1f} s, "
          f"{run.refused} refused, {run.in_a_row} in a row")  # fmt: skip
    assert run.failed == 0
    assert run.in_a_row <= 3
    assert run.ratio <= 1.3


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(5, 60),
    latency=st.floats(0.02, 1.0),
    workers=st.integers(1, 8),
    ceiling=st.floats(2.0, 20.0),
    style=st.sampled_from(get_args(Style)),
    neighbour=st.one_of(st.none(), st.tuples(st.floats(15.0, 30.0), st.integers(1, 20))),
    seed=st.integers(0, 3),
)
def test_any_bucket_latency_and_header(**world: Any) -> None:
    run = simulate(**world)
    assert run.failed == 0
    assert run.in_a_row <= 3
    assert run.ratio <= 1.3


def test_without_the_limiters_care_the_same_server_refuses_many_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulation can fail: a limiter that learns nothing is refused again and again."""
    monkeypatch.setattr(Limiter, "answered", lambda *_: None)
    run = simulate(style="none", ceiling=60.0, workers=16, latency=0.05)
    assert run.in_a_row > 3


@settings(max_examples=10, deadline=None)
@given(size=st.integers(5, 60), latency=st.floats(0.02, 0.5), workers=st.integers(4, 16), seed=st.integers(0, 3))
def test_a_ceiling_three_times_the_quota(size: int, latency: float, workers: int, seed: int) -> None:
    run = simulate(size=size, latency=latency, workers=workers, seed=seed, ceiling=3 * RATE, style="none")
    assert run.failed == 0
    assert run.in_a_row <= 3
    assert run.ratio <= 1.3


# --- the control law, step by step


@pytest.fixture
def time() -> SimulatedTime:
    return SimulatedTime()


def test_requests_leave_evenly_spaced(time: SimulatedTime) -> None:
    limiter = Limiter(10.0, time)
    left = []
    raised = time.run([lambda: left.extend(limiter.wait() for _ in range(5))] * 3)
    assert raised == []
    assert sorted(left) == pytest.approx([number / 10 for number in range(15)])


def test_after_a_pause_they_do_not_leave_all_at_once(time: SimulatedTime) -> None:
    limiter = Limiter(10.0, time)
    left: list[float] = []
    limiter.pause(30.0)
    time.run([lambda: left.append(limiter.wait())] * 5)
    assert sorted(left) == pytest.approx([30.0, 30.1, 30.2, 30.3, 30.4])


def refuse(limiter: Limiter, time: SimulatedTime, wait: float | None = None) -> None:
    limiter.answered(time.monotonic(), 429, Quota(wait))


def passing(time: SimulatedTime, seconds: float) -> None:
    """The only thread waits."""
    assert time.run([lambda: time.sleep(seconds)]) == []


def test_a_refusal_drops_the_pace_and_the_curve_brings_it_back(time: SimulatedTime) -> None:
    limiter = Limiter(10.0, time)
    passing(time, 1.0)
    refuse(limiter, time)
    assert limiter.pace == pytest.approx(10 * DROP)
    passing(time, FIRST_PAUSE + RETURN / 2)
    assert limiter.pace == pytest.approx(10 * (1 - (1 - DROP) / 8)), "steep at first, then flat"
    passing(time, RETURN / 2)
    assert limiter.pace == pytest.approx(10.0)
    passing(time, 1000.0)
    assert limiter.pace == 10.0, "never over the ceiling"


def test_the_answers_of_one_burst_count_once(time: SimulatedTime) -> None:
    limiter = Limiter(10.0, time)
    passing(time, 1.0)
    sent = [time.monotonic()] * 4
    passing(time, 0.2)
    for moment in sent:
        limiter.answered(moment, 429, FINE)
    assert limiter.pace == pytest.approx(10 * DROP)


def test_refusals_in_a_row_pause_longer_and_longer(time: SimulatedTime) -> None:
    limiter = Limiter(10.0, time)
    waits = []

    def live() -> None:
        for _ in range(5):
            limiter.wait()
            time.sleep(0.001)
            before = time.monotonic()
            limiter.answered(before, 429, FINE)
            limiter.wait()
            waits.append(time.monotonic() - before)

    assert time.run([live]) == []
    assert waits == sorted(waits)
    assert waits[4] >= 16 * FIRST_PAUSE


def test_the_pace_that_was_kept_is_what_drops(time: SimulatedTime) -> None:
    """Two workers that wait a second for each answer never came near the ceiling."""
    limiter = Limiter(1000.0, time)

    def live() -> None:
        for _ in range(6):
            limiter.wait()
            time.sleep(1.0)

    time.run([live, live])
    refuse(limiter, time)
    assert limiter.pace <= 2.5 * DROP


def test_headers_set_the_pace_and_expire(time: SimulatedTime) -> None:
    limiter = Limiter(10.0, time)
    limiter.answered(0.0, 200, Quota(per_second=2.0, lasts=30.0))
    assert limiter.pace == 2.0
    passing(time, 31.0)
    assert limiter.pace == 10.0


def test_nothing_left_pauses_until_there_is(time: SimulatedTime) -> None:
    limiter = Limiter(10.0, time)
    limiter.answered(0.0, 200, Quota(pause=42.0))
    left: list[float] = []
    time.run([lambda: left.append(limiter.wait())])
    assert left == [42.0]


def test_an_hours_quota_is_not_slept_through(time: SimulatedTime) -> None:
    limiter = Limiter(10.0, time)
    limiter.pause(LONGEST_WAIT + 300)
    with pytest.raises(TrackerError, match="used up until 10:20 UTC"):
        limiter.wait()


def test_near_the_limit_slows_down_but_not_to_a_stop(time: SimulatedTime) -> None:
    limiter = Limiter(10.0, time)
    for _ in range(60):
        passing(time, 1.5)
        limiter.answered(time.monotonic(), 200, Quota(near=True))
    assert limiter.pace == pytest.approx(2.5, rel=0.1)


def test_the_lower_ceiling_holds(time: SimulatedTime) -> None:
    limiter = Limiter(10.0, time)
    limiter.at_most(3.0)
    limiter.at_most(7.0)
    assert limiter.pace == 3.0


def test_stopped_while_waiting(time: SimulatedTime) -> None:
    limiter = Limiter(10.0, time)
    limiter.pause(600.0)
    stopped = threading.Event()
    ended: list[float] = []

    def wait() -> None:
        with pytest.raises(TrackerError, match="stopped"):
            limiter.wait(stopped)
        ended.append(time.monotonic())

    def stop() -> None:
        time.sleep(10.0)
        stopped.set()

    assert time.run([wait, stop]) == []
    assert ended[0] <= 10.5


@pytest.mark.parametrize("workers", [4, 16])
def test_a_server_that_queues_is_asked_less(workers: int) -> None:
    """Two at a time, 0.3 s each: what more is sent only waits there. Nothing is lost by not sending it."""
    time = SimulatedTime()
    limiter = Limiter(100.0, time)
    free = [0.0, 0.0]
    took: list[float] = []
    todo = iter(range(400))

    def work() -> None:
        for _ in todo:
            sent = limiter.wait()
            free.sort()
            free[0] = max(free[0], sent) + 0.3
            time.sleep(free[0] - sent)
            took.append(time.monotonic() - sent)
            limiter.answered(sent, 200, FINE, "GET /issue")

    assert time.run([work] * workers) == []
    queued = sum(took[100:]) / len(took[100:])
    ratio = time.monotonic() / (400 * 0.3 / 2)
    print(f"{workers} workers: {queued:.2f} s an answer, {ratio:.2f} of the ideal time")
    assert ratio <= 1.3
    assert queued <= 1.2, "0.15 s for each worker would be the whole queue: 2.4 s with sixteen"


def test_slow_kinds_of_requests_are_no_queue(time: SimulatedTime) -> None:
    limiter = Limiter(10.0, time)

    def live() -> None:
        for number in range(200):
            sent = limiter.wait()
            time.sleep(3.0 if number % 5 == 0 else 0.05)
            limiter.answered(sent, 200, FINE, "POST /bulkfetch" if number % 5 == 0 else "GET /project")

    assert time.run([live]) == []
    assert limiter.pace == 10.0


# --- the headers


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (200, {}, Quota()),
        (429, {"Retry-After": "7"}, Quota(wait=7.0)),
        (429, {"Retry-After": "1.5"}, Quota(wait=1.5)),
        (429, {"Retry-After": "-3"}, Quota(wait=0.0)),
        (429, {"Retry-After": "soon", "X-RateLimit-Limit": "many", "RateLimit": "??;r=;t"}, Quota()),
        (429, {"Retry-After": "nan", "RateLimit-Remaining": "inf", "RateLimit-Reset": "nan"}, Quota()),
        (503, {"Retry-After": "Sun, 01 Mar 2026 10:00:40 GMT"}, Quota(wait=40.0)),
        (429, {"Date": "Sun, 01 Mar 2026 09:00:00 GMT", "Retry-After": "Sun, 01 Mar 2026 09:00:40 GMT"}, Quota(40.0)),
        (429, {"X-RateLimit-Reset": "2026-03-01T10:01Z"}, Quota(wait=60.0)),
        (429, {"RateLimit-Reset": "30"}, Quota(wait=30.0)),
        (429, {"RateLimit-Reason": "jira-quota-tenant-based"}, Quota(wait=3600.0)),
        (429, {"RateLimit-Reason": "jira-burst-based"}, Quota()),
        (200, {"X-RateLimit-NearLimit": "TRUE"}, Quota(near=True)),
        (200, {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "20"}, Quota(near=True)),
        (200, {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "21"}, Quota()),
        (200, {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "1"}, Quota()),
        (
            200,
            {
                "RateLimit-Limit": "2000",
                "RateLimit-Remaining": "120",
                "RateLimit-Reset": str(int(NOW.timestamp()) + 60),
            },
            Quota(per_second=2.0, lasts=60.0),
        ),
        (200, {"RateLimit-Remaining": "0", "RateLimit-Reset": "17"}, Quota(pause=17.0)),
        (200, {"RateLimit": '"a";r=600;t=60, "b";t=600;r=1200'}, Quota(per_second=2.0, lasts=600.0)),
        (200, {"RateLimit": '"a";r=600;t=60, "b";t=600;r=0'}, Quota(pause=600.0, per_second=10.0, lasts=60.0)),
        (200, {"Beta-RateLimit": '"a";r=0;t=60', "X-Beta-RateLimit-Remaining": "0"}, Quota()),
        (
            200,
            {
                "X-RateLimit-Limit": "50",
                "X-RateLimit-Remaining": "30",
                "X-RateLimit-FillRate": "10",
                "X-RateLimit-Interval-Seconds": "2",
            },
            Quota(per_second=6.0, lasts=quota.SPENT_OVER),
        ),
    ],
)
def test_what_headers_say(status: int, said: Mapping[str, str], expected: Quota) -> None:
    assert quota.read(status, said, NOW) == expected


@given(
    status=st.sampled_from([200, 429, 503]),
    said=st.dictionaries(
        st.sampled_from(
            ["Retry-After", "Date", "RateLimit", "RateLimit-Reason"]
            + [
                f"{prefix}-{name}"
                for prefix in ("RateLimit", "X-RateLimit")
                for name in ("Limit", "Remaining", "Reset", "NearLimit", "FillRate", "Interval-Seconds")
            ]
        ),
        st.one_of(st.text(max_size=20), st.floats().map(str), st.integers().map(str), st.datetimes().map(str)),
    ),
)
def test_no_header_is_an_error(status: int, said: dict[str, str]) -> None:
    found = quota.read(status, said, NOW)
    assert found.per_second > 0
    assert found.pause >= 0
    assert found.wait is None or found.wait >= 0
