"""When a comment was written last: its version, where a tracker counts none."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pmo_sync.errors import PmoSyncError


def moment(text: Any) -> int:
    """Milliseconds since 1970. Raises PmoSyncError for what is no time."""
    try:
        return int(datetime.fromisoformat(str(text)).timestamp() * 1000)
    except ValueError:
        raise PmoSyncError(
            f"a comment has the time {text!r}, which is none; is its server the configured tracker?"
        ) from None
