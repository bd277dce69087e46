"""Single values as Jira writes them, in fields and in histories. Pure.

What ends in ``_before`` reads the value that a change replaced, out of the change.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.jira.replay import Members, Value
from connectors.jira.wire import Item
from connectors.malformed import MALFORMED
from pmo_sync.text import clean

HEALTH: Final = {  # Jira's middle word is "At risk"; ours for it, as GitLab's, is needs_attention
    "on track": "on_track",
    "green": "on_track",
    "at risk": "needs_attention",
    "needs attention": "needs_attention",
    "amber": "needs_attention",
    "yellow": "needs_attention",
    "off track": "at_risk",
    "red": "at_risk",
}


def moment(value: Any) -> datetime:
    """A time as Jira writes it: ISO 8601 with any offset, or epoch milliseconds (seconds in its documentation)."""
    if isinstance(value, int):
        return datetime.fromtimestamp(value / 1000 if abs(value) > 100_000_000_000 else value, UTC)
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo is UTC:
        return parsed
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def day(value: Any) -> date | None:
    """A date as Jira writes it in fields and histories; None where it is none."""
    if not isinstance(value, str) or not value:
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        pass
    try:
        return datetime.strptime(value, "%d/%b/%y").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def day_of(value: Any, zone: ZoneInfo | None) -> date | None:
    """The day of a moment on the calendar of ``zone``; without one, on the calendar it is written in."""
    if zone is not None and isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            parsed = None
        if parsed is not None and parsed.tzinfo is not None:
            return parsed.astimezone(zone).date()
    return day(value)


def members(value: Iterable[Any] | None) -> list[Any]:
    """What a list holds; some servers put nothings into it."""
    return [one for one in value or () if one is not None]


def name_before(item: Item) -> Value:
    native = item.old or item.old_text
    return (str(native), clean(item.old_text or native)) if native else None


def text_before(item: Item) -> Value:
    return (clean(item.old_text), clean(item.old_text)) if item.old_text else None


def day_value(value: date | None) -> Value:
    return (value.isoformat(), "") if value else None


def dated(value: Any) -> Value:
    return day_value(day(value))


def day_before(item: Item) -> Value:
    return day_value(day(item.old) or day(item.old_text))


def flag_before(item: Item) -> Value:
    return ("true", "") if item.old_text or item.old not in (None, "", "[]") else None


def number(value: Any) -> Value:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return (f"{found:.10g}", "") if math.isfinite(found) else None


def health(value: Any) -> Value:
    """Reported health in our words, with the tracker's own as label; None where the word says nothing to us."""
    word = value.get("value") if isinstance(value, dict) else value
    found = HEALTH.get(str(word or "").strip().lower())
    return (found, clean(word)) if found else None


def told_at(value: Any) -> datetime | None:
    """A moment; None where it cannot be understood, which is said when its issue is made into records."""
    try:
        return moment(value)
    except MALFORMED:
        return None


def ids_of(value: Any) -> Members:
    """``3, 5`` as ids."""
    return frozenset(one.strip() for one in str(value).split(",") if one.strip()) if value else frozenset()


def named(native: Any, text: str | None) -> list[tuple[str, str]]:
    """Ids with their names, where it is clear which is whose: names hold commas of their own."""
    ids = [one.strip() for one in str(native or "").split(",") if one.strip()]
    names = [text or ""] if len(ids) == 1 else (text or "").split(",")
    return (
        list(zip(ids, (clean(one.strip()) for one in names), strict=True))
        if len(ids) == len(names)
        else [(one, "") for one in ids]
    )


_SPRINT_ID: Final = re.compile(r"[\[,]id=(\d+)")
_SPRINT_NAME: Final = re.compile(r"[\[,]name=(.*?)(?=,[A-Za-z]+=|\]$)")


def sprint(value: Any) -> tuple[str, str]:
    """Id and name of a sprint: JSON, the Java text of older Data Centers (``...Sprint@1f[id=3,...,name=S3,...]``), or
    an id without a name.
    """
    if isinstance(value, dict):
        return str(value["id"]), clean(value.get("name") or "")
    if str(value).isdecimal():
        return str(value), ""
    native = _SPRINT_ID.search(str(value))
    name = _SPRINT_NAME.search(str(value))
    if native is None:
        raise ValueError("a sprint without id")
    return native[1], clean(name[1]) if name else ""
