"""What every part of the connector reads alike: texts, times, days, ids. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

from pmo_sync.text import clean

Json = dict[str, Any]
SHAPE_ERRORS: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


def number(gid: Any) -> int:
    """The number at the end of a global id: ``gid://gitlab/WorkItem/17`` -> 17."""
    return int(str(gid).rsplit("/", 1)[-1])


def text(value: Any) -> str:
    """As a clean text; empty for nothing."""
    return clean(value or "")


def moment(value: Any) -> datetime:
    """An ISO 8601 time with its zone, as UTC."""
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        msg = f"time {value!r} has no zone"
        raise ValueError(msg)
    return found.astimezone(UTC)


def told_at(value: Any) -> datetime | None:
    """A moment; None where it cannot be understood, which is said when its issue is made into records."""
    try:
        return moment(value)
    except SHAPE_ERRORS:
        return None


def iso(at: datetime) -> str:
    """As GitLab's parameters want it: a ``+`` would have to be encoded."""
    return at.isoformat().replace("+00:00", "Z")


def day(value: Any) -> date | None:
    """The day of an ISO date or time."""
    return date.fromisoformat(str(value)[:10]) if value else None


def shape(error: Exception) -> str:
    """One line on what a malformed row lacks."""
    return f"no {error.args[0]!r}" if isinstance(error, KeyError) else text(error)[:120] or type(error).__name__
