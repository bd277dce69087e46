"""Clocks whose sleeps pass at once: waiting for a dead server or for a polite pace costs a test nothing."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

from pmo_sync.clock import FixedClock


class QuickClock:
    """A clock on which waiting takes no time and is remembered."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._ahead += seconds


class LeapingClock(FixedClock):
    """The date stands still; the stopwatch runs, and jumps ahead instead of sleeping."""

    def __init__(self, moment: datetime) -> None:
        super().__init__(moment)
        self._leapt = 0.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        with self._lock:
            return time.monotonic() + self._leapt

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._leapt += seconds
