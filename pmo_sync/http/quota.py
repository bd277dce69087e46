"""What an answer's headers say about the server's limits.

Understood are ``Retry-After`` (seconds, also fractional, or an HTTP date); GitLab's and the older drafts'
``RateLimit-Limit/-Remaining/-Reset``; Jira Cloud's ``X-RateLimit-*`` with ``-NearLimit`` and its structured
``RateLimit: "policy";r=9;t=60``; Jira Data Center's bucket, ``X-RateLimit-FillRate`` per ``-Interval-Seconds``.
Anything else, and any value that is no number or date, is as if it were not there. ``Beta-`` headers announce limits
that do not hold yet: not read.

Sources: https://developer.atlassian.com/cloud/jira/platform/rate-limiting/,
https://confluence.atlassian.com/doc/_ratelimiting_httpheaders-992678779.html,
https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/,
https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/.
"""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

SPENT_OVER: Final = 30.0  # seconds over which what a bucket holds beyond its refill is used up
NEAR: Final = 0.2  # of a burst limit; Atlassian's own threshold for NearLimit
SMALL: Final = 10  # of a burst this small every answer is near the limit: says nothing
_EPOCH: Final = 1e9  # a larger number is a moment, a smaller one is seconds from now
_POLICY: Final = re.compile(r';\s*([rt])\s*=\s*"?([0-9.]+)')


class Quota(NamedTuple):
    """What one answer allows.

    ``wait`` is what a refusal asks for, None if nothing. ``pause`` is how long nothing is left, 0 if something is.
    ``per_second`` is the pace that the rest allows for ``lasts`` seconds.
    """

    wait: float | None = None
    pause: float = 0.0
    per_second: float = math.inf
    lasts: float = 0.0
    near: bool = False


def read(status: int, headers: Mapping[str, str], now: datetime) -> Quota:
    """The quota after this answer. Moments are read on the server's own clock (``Date``), else on ours, ``now``."""
    now = moment(headers.get("Date", "")) or now
    pause, pace, lasts = 0.0, math.inf, 0.0
    for left, seconds in _windows(headers, now):
        if left < 1:
            pause = max(pause, seconds)
        elif left / seconds < pace:
            pace, lasts = left / seconds, seconds
    burst, limit = _number(headers, "X-RateLimit-Remaining"), _number(headers, "X-RateLimit-Limit")
    fill, interval = _number(headers, "X-RateLimit-FillRate"), _number(headers, "X-RateLimit-Interval-Seconds")
    near = headers.get("X-RateLimit-NearLimit", "").strip().lower() == "true"
    if fill and interval:
        pace, lasts = min(pace, fill / interval + (burst or 0.0) / SPENT_OVER), SPENT_OVER
    elif burst is not None and limit is not None and limit >= SMALL:
        near = near or burst <= NEAR * limit
    return Quota(_wait(status, headers, now), pause, pace, lasts, near)


def _wait(status: int, headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds the server asks for, None if it does not say."""
    raw = headers.get("Retry-After", "").strip()
    asked = _seconds(raw, now)
    if asked is not None or status != 429:
        return asked
    resets = [_seconds(headers.get(name, ""), now) for name in ("RateLimit-Reset", "X-RateLimit-Reset")]
    ends = [seconds for left, seconds in _policies(headers) if left < 1]
    found = max((one for one in (*resets, *ends) if one is not None), default=None)
    if found is None and "quota" in headers.get("RateLimit-Reason", "").lower():
        return 3600.0 - (now.timestamp() % 3600.0)  # Jira Cloud's quotas return at the full hour, UTC
    return found


def _windows(headers: Mapping[str, str], now: datetime) -> Iterator[tuple[float, float]]:
    """(requests left, seconds until there are new ones) of each window that the headers describe in full."""
    for prefix in ("RateLimit", "X-RateLimit"):
        left = _number(headers, f"{prefix}-Remaining")
        seconds = _seconds(headers.get(f"{prefix}-Reset", ""), now)
        if left is not None and seconds:
            yield left, seconds
    yield from _policies(headers)


def _policies(headers: Mapping[str, str]) -> Iterator[tuple[float, float]]:
    for policy in headers.get("RateLimit", "").split(","):
        found = dict(_POLICY.findall(policy))
        try:
            left, seconds = float(found["r"]), float(found["t"])
        except (KeyError, ValueError):
            continue
        if seconds > 0:
            yield left, seconds


def _number(headers: Mapping[str, str], name: str) -> float | None:
    try:
        value = float(headers[name])
    except (KeyError, ValueError):
        return None
    return value if 0 <= value < math.inf else None


def _seconds(text: str, now: datetime) -> float | None:
    """``7``, ``1.5``, a Unix time, an HTTP date or ISO 8601 as seconds from now, never negative."""
    try:
        value = float(text)
    except ValueError:
        at = moment(text)
        return None if at is None else max(0.0, (at - now).total_seconds())
    if not math.isfinite(value):
        return None
    return max(0.0, value - now.timestamp() if value >= _EPOCH else value)


def moment(text: str) -> datetime | None:
    """An HTTP date or ISO 8601 (Jira leaves the seconds out at times); without a zone it is UTC."""
    for parse in (email.utils.parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = parse(text)
        except (TypeError, ValueError, OverflowError):
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None
