"""Jira Data Center's order of questions: ``search`` with histories, page by page in the order of keys.

Rows have no token but a number, and numbers shift when an issue is deleted or enters the result meanwhile. So each
page begins with the last row of the page before: it is found there, or the reader steps back until it is. A history
that search leaves out, or cuts, is fetched with its issue.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import msgspec

from connectors.jira.assemble import Assembler, Batch, Row, Workers
from connectors.jira.cursor import Position
from connectors.jira.wire import RAW, RAW_ID, SEARCH_PAGE, TRACED, RawIssue, SearchPage
from pmo_sync.clients.jira import JiraClient, NotVisibleError
from pmo_sync.errors import TrackerError
from pmo_sync.model import Problem

ROWS_PER_PAGE: Final = 100
IDS_PER_PAGE: Final = 1000
STEPS_BACK: Final = 5


@dataclass(slots=True)
class _Window:
    """Consecutive rows of the result: ``ids`` and ``rows`` side by side; ``again`` are those read once more, alone."""

    start: int
    total: int
    ids: list[str]
    rows: list[Row]
    again: frozenset[str]

    def behind(self, known: Sequence[str]) -> int | None:
        """The place behind the last known row; None if none of them is here."""
        seen = set(known)
        for place in range(len(self.ids) - 1, -1, -1):
            if self.ids[place] in seen:
                return place + 1
        return None


class DataCenterReader:
    """Reads issues of one Jira Data Center or Server."""

    def __init__(self, client: JiraClient, assembler: Assembler, asked: Sequence[str], workers: int) -> None:
        self._client = client
        self._assembler = assembler
        self._fields = ",".join(asked)
        self._workers = workers

    def count(self, jql: str) -> int:
        """How many issues the server counts."""
        page: SearchPage = self._client.get("search", {"jql": jql, "maxResults": 0}, decoder=SEARCH_PAGE)
        return page.total

    def has_any(self, jql: str) -> bool:
        """Whether the question finds anything."""
        return self.count(jql) > 0

    def ids(self, jql: str) -> list[str]:
        """Every id. Read twice if rows went missing in between. Raises TrackerError rather than returning a part."""
        for _ in range(2):
            found: dict[str, None] = {}
            start = 0
            while True:
                params = {"jql": jql, "startAt": start, "maxResults": IDS_PER_PAGE, "fields": "updated"}
                page = self._page(params)
                found |= dict.fromkeys(RAW_ID.decode(raw).id for raw in page.issues)
                start += len(page.issues)
                if start >= page.total or not page.issues:
                    break
            if len(found) >= page.total:
                return list(found)
        raise TrackerError(f"search: {page.total} issues announced, {len(found)} came; run again later")

    def requests(self, issues: int) -> int:
        """About how many it takes to read so many issues: each page begins with the last row of the one before."""
        return 1 + math.ceil(issues / (ROWS_PER_PAGE - 1))

    def look_up(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """What trace asks of those issues that we may see, by their ids."""
        with Workers(self._workers) as workers:
            found = workers.each(self._traced, ids)
        return {native: one for native, one in zip(ids, found, strict=True) if one is not None}

    def _traced(self, native: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._client.get(f"issue/{native}", {"fields": ",".join(TRACED)})
        except NotVisibleError:
            return None
        return found

    def listed(self, ids: Sequence[str]) -> set[str]:
        """All: what is archived says so itself."""
        return set(ids)

    def batches(self, jql: str, position: Position) -> Iterator[Batch]:
        """Whole issues behind ``position``, in the order of keys."""
        start = max(0, position.row - ROWS_PER_PAGE)
        first = self._search(jql, start, ROWS_PER_PAGE)
        known = [position.after] if position.after else []
        if known and not any(_id(raw) == position.after for raw in first.issues):
            start, known = 0, []  # the rows have moved since: all again
            first = self._search(jql, start, ROWS_PER_PAGE)
        if not first.issues:
            return
        size = len(first.issues)  # the server's own limit may be lower than what we ask for
        total = first.total

        with Workers(self._workers) as workers:
            read = partial(self._read, jql, size, workers)

            def tasks() -> Iterator[Callable[[], _Window]]:
                yield partial(self._window, start, first, workers)
                row = start + size - 1
                while row + 1 < total:
                    yield partial(read, row)
                    row += max(1, size - 1)

            for window in workers.ordered(tasks()):
                total = window.total
                for found in _joined(window, known, read, max(1, size - 1)):
                    place = found.behind(known) or 0
                    if found.ids[place:]:
                        known = found.ids
                        yield Batch(
                            found.rows[place:], Position(found.start + len(found.ids), found.ids[-1]), found.again
                        )

    def _read(self, jql: str, size: int, workers: Workers, start: int) -> _Window:
        """Up to ``size`` rows from ``start``, in as many answers as the server needs."""
        page = self._search(jql, start, size)
        while page.issues and len(page.issues) < size and start + len(page.issues) < page.total:
            more = self._search(jql, start + len(page.issues), size - len(page.issues))
            if not more.issues:
                break
            page = SearchPage([*page.issues, *more.issues], more.total)
        return self._window(start, page, workers)

    def _search(self, jql: str, start: int, size: int) -> SearchPage:
        params = {
            "jql": jql,
            "startAt": start,
            "maxResults": size,
            "fields": self._fields,
            "expand": "changelog",
        }
        return self._page(params)

    def _page(self, params: Mapping[str, Any]) -> SearchPage:
        page: SearchPage = self._client.get("search", params, decoder=SEARCH_PAGE)
        if page.issues and page.start not in (None, params["startAt"]):
            raise TrackerError(
                f"search: asked for rows from {params['startAt']} on, the server answered those from {page.start} on; "
                "run again later"
            )
        return page

    def _window(self, start: int, page: SearchPage, workers: Workers) -> _Window:
        listed = [self._assembler.decode(raw) for raw in page.issues]
        partly = [
            one for one in listed if isinstance(one, RawIssue) and (one.changelog is None or one.changelog.is_cut)
        ]
        whole = {one.id: found for one, found in zip(partly, workers.each(self._alone, partly), strict=True)}
        rows = self._assembler.rows(
            [whole.get(one.id, one) if isinstance(one, RawIssue) else one for one in listed], workers
        )
        return _Window(start, page.total, [_id(raw) for raw in page.issues], rows, frozenset(whole))

    def _alone(self, listed: RawIssue) -> RawIssue | Problem:
        """The issue by itself, which brings its whole history: fields and history of the same moment."""
        params = {"fields": self._fields, "expand": "changelog"}
        try:
            raw = self._client.get(f"issue/{quote(listed.key, safe='')}", params, decoder=RAW)
        except NotVisibleError:
            return Problem(listed.named, "search lists it, but it cannot be read; check permissions")
        one = self._assembler.decode(raw)
        if isinstance(one, RawIssue):
            if one.changelog is None:
                return Problem(one.named, "the server gives no history for it; the issue is left out")
            if one.changelog.is_cut:
                here, total = len(one.changelog.histories), one.changelog.total
                return Problem(one.named, f"its history is cut, {here} of {total} changes; the issue is left out")
        return one


def _joined(window: _Window, known: Sequence[str], read: Callable[[int], _Window], step: int) -> Iterator[_Window]:
    """The window, and before it those that close the gap to what is known."""
    if not known or window.behind(known) is not None:
        yield window
        return
    gap: list[_Window] = []
    row = window.start
    for _ in range(STEPS_BACK):
        row = max(0, row - step)
        gap.insert(0, read(row))
        if gap[0].behind(known) is not None or row == 0:
            yield from gap
            if window.ids:
                yield window
            return
    raise TrackerError("search: rows moved by hundreds while they were read; run again later")


def _id(raw: msgspec.Raw) -> str:
    """The native id of a row, also where the rest of it is malformed; empty if there is none."""
    try:
        return RAW_ID.decode(raw).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
