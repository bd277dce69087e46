"""Lists that come in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pmo_sync.clients.jira import JiraClient
from pmo_sync.errors import TrackerError


def paged(client: JiraClient, path: str, params: Mapping[str, Any], api: str, size: int) -> Iterator[Mapping[str, Any]]:
    """Lists with ``values`` and ``isLast``, which some have instead of ``total``; stepping by what came.

    Raises TrackerError rather than ending before the list does.
    """
    start = 0
    before: Any = None
    while True:
        page = client.get(path, {**params, "startAt": start, "maxResults": size}, api)
        values = page.get("values") if isinstance(page, dict) else None
        if not isinstance(values, list):
            raise TrackerError(f"{path}: a list was expected, none came; is this Jira?")
        if values and values == before:
            raise TrackerError(f"{path}: the server repeats a page; run again later")
        before = values
        yield from values
        start += len(values)
        is_last, total = page.get("isLast"), page.get("total")
        if is_last is True or (total is not None and start >= total):
            return
        if not values and (is_last is None and total is None):
            return
        if not values:
            raise TrackerError(f"{path}: more was announced than the {start} that came; run again later")
