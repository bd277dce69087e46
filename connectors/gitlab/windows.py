"""Lists read by *time*, not by page: everything since W, oldest change first, then W becomes the last row's time.

No row is lost or doubled when issues change meanwhile, no total and no offset limit matters, and a killed pull goes
on where its last stored page ended. Only where a whole page shares one moment (a bulk edit) the pages inside that
moment are turned, again until nothing new comes, because those can shift.

GitLab ignores parameters it does not know, so every answer is checked: in order, and not before W.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from connectors.gitlab.values import Json, moment


class DisobeyedError(Exception):
    """The server answered what was not asked: out of order, or older than the bound."""


def windows(
    listing: Callable[[datetime | None], Iterator[Json]], by: str, since: datetime | None, size: Callable[[], int]
) -> Iterator[tuple[list[Json], datetime | None]]:
    """(new rows, the latest time so far), oldest first. A row without a usable time is handed on as it is; of several
    with one id the last.

    ``listing`` lists from a time on, by ascending ``by`` (a key of its rows); ``size`` is how many rows one of its
    requests brings. Raises DisobeyedError.
    """
    seen: set[tuple[str, datetime]] = set()  # the rows at or after ``since``: a changed row is a new one
    while True:
        window: list[tuple[Json, datetime | None]] = []
        latest = since
        is_last = True
        for row in listing(since):
            at = time(row, by)
            if at is not None:
                if latest is not None and at < latest:
                    raise DisobeyedError
                latest = at
            window.append((row, at))
            if len(window) >= size() and latest != since:
                is_last = False  # most likely; if it was, the next window brings nothing new
                break
        here = {(str(row.get("id")), at) for row, at in window if at is not None}
        last = {str(row.get("id")): row for row, _ in window}  # what changes meanwhile is listed again, as it is then
        fresh = [
            row
            for row, at in window
            if (at is None or (str(row.get("id")), at) not in seen)
            and (row.get("id") is None or row is last[str(row["id"])])
        ]
        has_turned = len(window) > size()  # pages inside one moment: once more, until they bring nothing new
        is_complete = not has_turned or here <= seen
        if fresh or has_turned:
            yield fresh, latest if is_complete else since
        seen |= here
        if is_complete:
            if is_last:
                return
            since = latest
            seen = {(one, at) for one, at in seen if since is None or at >= since}


def time(row: Json, name: str) -> datetime | None:
    """A row's time; None where it has no usable one."""
    try:
        return moment(row[name])
    except (KeyError, TypeError, ValueError):
        return None
