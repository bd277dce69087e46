"""How fast one instance is asked: one ``Limiter`` for all sessions and threads that talk to it.

The control law. Requests leave evenly spaced at a *pace*. The pace is the smallest of

* the configured ceiling;
* what the last headers allow (``pmo_sync.http.quota``);
* after trouble, the curve of CUBIC (RFC 9438 §4.2), as the AWS SDKs use it for rates ("adaptive" retry mode):
  drop to 0.7 of the pace at which trouble came, return to that pace in ``RETURN`` seconds, flat around it because the
  limit is most probably there, then climb ever faster, because it may be gone. The curve is scaled by the pace itself,
  so that it suits 1 and 100 requests a second alike.

Trouble is a refusal (429), a server that says it is near its limit, or answers that take several times as long as the
same kind of request took before: then our own requests queue at the server. Answers to requests that left before the
last drop tell nothing new and count as one with it. A refusal also pauses everybody: as long as the server asks, and
longer with each further refusal in a row.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from datetime import datetime
from typing import Final

from pmo_sync.clock import Clock
from pmo_sync.errors import TrackerError
from pmo_sync.http.quota import Quota

DROP: Final = 0.7  # RFC 9438 §4.6
RETURN: Final = 5.0  # seconds back to the pace at which trouble came
SLOWEST: Final = 0.2  # requests a second; only headers may ask for less
NEAR_FLOOR: Final = 0.25  # of the ceiling: to be near a limit is no refusal
FIRST_PAUSE: Final = 0.25  # seconds; doubled with each refusal in a row
LONGEST_PAUSE: Final = 30.0  # seconds, where the server does not ask for more
LONGEST_WAIT: Final = 900.0  # seconds; an hour's quota is given up, not slept through
IDLE: Final = 2.0  # seconds without a request: what was kept before is another stretch
NAP: Final = 0.5  # seconds between two looks at whether we shall stop
QUEUED: Final = 4.0  # times the usual seconds of the same request: it queued at the server
NOTICED: Final = 0.2  # seconds longer than usual; less is noise
KINDS: Final = 200  # kinds of requests whose usual seconds are remembered


class Limiter:
    """Spaces the requests of one instance. Safe for threads."""

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._ceiling = per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock.monotonic()
        self._paused_until = self._next
        self._sent: deque[float] = deque(maxlen=10)  # the latest that nothing but our own pace spaced
        self._trouble_at = -math.inf
        self._trouble_pace = per_second  # pace at which the last trouble came
        self._refused = 0  # in a row, those of one burst as one
        self._allowed = (math.inf, -math.inf)  # pace by the headers, until when
        self._usual: dict[str, float] = {}  # kind of request -> seconds
        self._slowness = 1.0  # smoothed: seconds over usual seconds

    @property
    def pace(self) -> float:
        """Requests a second, now."""
        with self._lock:
            return self._pace(self._clock.monotonic())

    def at_most(self, per_second: float) -> None:
        """A second party of this instance asks for less: the lower ceiling holds for both."""
        with self._lock:
            self._ceiling = min(self._ceiling, per_second)

    def wait(self, stopped: threading.Event | None = None) -> float:
        """Wait for this caller's turn; the moment it came (monotonic seconds), for ``answered``.

        Raises TrackerError when ``stopped`` is set, and when the server has nothing left for longer than anybody
        would wait.
        """
        while True:
            if stopped is not None and stopped.is_set():
                raise TrackerError("stopped")
            with self._lock:
                now = self._clock.monotonic()
                turn = max(self._next, self._paused_until)
                if turn <= now:
                    pace = self._pace(now)
                    self._next = now + 1.0 / pace
                    if pace < self._curve(now) or (self._sent and now - self._sent[-1] > IDLE):
                        self._sent.clear()
                    self._sent.append(now)
                    return now
            if turn - now > LONGEST_WAIT:
                back = datetime.fromtimestamp(self._clock.now().timestamp() + turn - now, self._clock.now().tzinfo)
                msg = f"the server's quota is used up until {back:%H:%M} UTC; run again then, what was read is kept"
                raise TrackerError(msg)
            self._clock.sleep(min(turn - now, NAP))

    def pause(self, seconds: float) -> None:
        """Nobody sends anything for so long."""
        with self._lock:
            self._pause(self._clock.monotonic(), seconds)

    def answered(self, sent: float, status: int, quota: Quota, kind: str = "") -> None:
        """An answer came to what left at ``sent``. ``kind`` names requests that take alike, such as a path."""
        with self._lock:
            now = self._clock.monotonic()
            if quota.lasts:
                self._allowed = (quota.per_second, now + quota.lasts)
            if quota.pause:
                self._pause(now, quota.pause)
            fresh = sent > self._trouble_at
            if status == 429:
                self._refused += fresh or not self._refused
                own = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self._refused - 1))
                if fresh:
                    self._slow_down(now, SLOWEST)
                self._pause(now, max(quota.wait or 0.0, own))
                return
            self._refused = 0 if fresh else self._refused
            if quota.near and fresh and now - self._trouble_at >= 1.0:
                self._slow_down(now, NEAR_FLOOR * self._ceiling)
            elif status < 400:
                self._compare(now, now - sent, kind, fresh=fresh)

    def _pace(self, now: float) -> float:
        allowed, until = self._allowed
        return min(self._curve(now), allowed) if now < until else self._curve(now)

    def _curve(self, now: float) -> float:
        """The pace without the headers."""
        if self._trouble_at == -math.inf:
            return self._ceiling
        since = max(0.0, now - max(self._trouble_at, self._paused_until))
        curve = self._trouble_pace * (1.0 + (1.0 - DROP) * ((since - RETURN) / RETURN) ** 3)
        return max(min(SLOWEST, self._ceiling), min(self._ceiling, curve))

    def _pause(self, now: float, seconds: float) -> None:
        if seconds > 0:
            self._paused_until = max(self._paused_until, now + seconds)
            self._sent.clear()

    def _slow_down(self, now: float, floor: float) -> None:
        """From the pace that was really kept: workers that wait for answers keep less than they may."""
        pace = self._curve(now)
        if len(self._sent) >= 5:
            kept = (len(self._sent) - 1) / max(1e-6, self._sent[-1] - self._sent[0])
            pace = min(pace, kept)
        self._trouble_pace = max(pace, floor / DROP)
        self._trouble_at = now
        self._slowness = 1.0

    def _compare(self, now: float, took: float, kind: str, *, fresh: bool) -> None:
        """Whether answers take longer than they did. The usual is the least of late; it forgets by 0.2 % an answer."""
        if kind not in self._usual and len(self._usual) >= KINDS:
            return
        usual = min(took, self._usual.get(kind, took) * 1.002)
        self._usual[kind] = usual
        ratio = took / usual if took - usual > NOTICED else 1.0
        self._slowness += 0.1 * (min(ratio, 4 * QUEUED) - self._slowness)
        if fresh and self._slowness > QUEUED:
            self._slow_down(now, 1.0 / usual)  # one at a time is no queue
