"""Time that passes only when every worker sleeps, and a server with a quota that lives in it."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 10, tzinfo=UTC)


class SimulatedTime:
    """A clock for several threads: only one runs at a time, and time jumps to the first sleeper's moment."""

    def __init__(self) -> None:
        self._now = 0.0
        self._sleepers: list[tuple[float, int, threading.Event]] = []
        self._lock = threading.Lock()
        self._order = 0

    def now(self) -> datetime:
        return START + timedelta(seconds=self._now)

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        woken = self._enter(seconds)
        self._next()
        woken.wait()

    def run(self, jobs: Iterable[Callable[[], None]]) -> list[BaseException]:
        """Each job in a thread of its own, to the end; what they raised."""
        raised: list[BaseException] = []

        def live(job: Callable[[], None], started: threading.Event) -> None:
            started.wait()
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - told by run
                raised.append(error)
            self._next()

        threads = [threading.Thread(target=live, args=(job, self._enter(0.0)), daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        self._next()
        for thread in threads:
            thread.join()
        return raised

    def _enter(self, seconds: float) -> threading.Event:
        with self._lock:
            self._order += 1
            woken = threading.Event()
            heapq.heappush(self._sleepers, (self._now + max(0.0, seconds), self._order, woken))
            return woken

    def _next(self) -> None:
        with self._lock:
            if self._sleepers:
                at, _, woken = heapq.heappop(self._sleepers)
                self._now = max(self._now, at)
                woken.set()


class Bucket:
    """A token bucket: so many requests at once, refilled at ``rate`` a second."""

    def __init__(self, time: SimulatedTime, rate: float, size: float) -> None:
        self.rate = rate
        self.size = size
        self._time = time
        self._tokens = size
        self._at = time.monotonic()

    @property
    def tokens(self) -> float:
        now = self._time.monotonic()
        self._tokens = min(self.size, self._tokens + (now - self._at) * self.rate)
        self._at = now
        return self._tokens

    def take(self) -> bool:
        if self.tokens < 1 - 1e-9:
            return False
        self._tokens -= 1
        return True

    def missing(self) -> float:
        """Seconds until there is one."""
        return max(0.0, (1 - self.tokens) / self.rate)
