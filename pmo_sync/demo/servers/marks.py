"""How servers write times, and ids that are the same in every run."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime


def stamp(moment: datetime) -> str:
    """``2026-01-05T08:00:00.000Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def stable_id(text: str) -> int:
    """The same positive number for the same text, in every run."""
    return zlib.crc32(text.encode()) & 0x7FFFFFFF
