"""What can be told of a record that has not the shape it should have."""

from __future__ import annotations

import msgspec

from pmo_sync.clients.jira import PLAIN, mended


def loose_id(raw: msgspec.Raw, name: str) -> str:
    """Its id; empty without."""
    loose = PLAIN.decode(mended(bytes(raw)))
    return str(loose.get(name) or "") if isinstance(loose, dict) else ""
