"""Jira Data Center's order of questions: ``search`` with histories, page by page in the order of keys.

Rows have no token but a number, and numbers shift when an issue is deleted or enters the result meanwhile. So each
page begins with the last row of the page before: it is found there, or the reader steps back until it is. A history
that search leaves out, or cuts, is fetched with its issue. A page that the server fails on is read in parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from connectors.jira.assemble import Assembler, Batch, Row, Workers
from connectors.jira.cursor import START, Position
from connectors.jira.sieve import Sieve
from connectors.jira.trace import ask_each
from connectors.jira.wire import RAW, RAW_ID, RAW_ISSUE, SEARCH_PAGE, RawIssue, SearchPage
from pmo_sync.clients.jira import JiraClient, NotVisibleError
from pmo_sync.errors import OverloadedError, TrackerError
from pmo_sync.model import Problem

ROWS_PER_PAGE: Final = 100
IDS_PER_PAGE: Final = 1000
STEPS_BACK: Final = 5
TRIES: Final = 5  # to read rows that move
MOVED: Final = "search: rows moved by hundreds, or again and again, while they were read; run again later"


class _Listed(NamedTuple):
    """Rows as they came: ``ids`` and ``found`` side by side."""

    total: int
    ids: list[str]
    found: list[RawIssue | Problem]


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
        self._sieve = Sieve(client)

    def count(self, jql: str) -> int:
        """How many issues the server counts."""
        page: SearchPage = self._client.get("search", {"jql": jql, "maxResults": 0}, decoder=SEARCH_PAGE)
        return page.total

    def has_any(self, jql: str) -> bool:
        """Whether the question finds anything."""
        return self.count(jql) > 0

    def sweep(self, jql: str) -> dict[str, Any]:
        """Every id with what the server says of its last change. Read twice if rows went missing in between. Raises TrackerError rather than returning a part."""
        for _ in range(2):
            found: dict[str, Any] = {}
            start = 0
            while True:
                params = {"jql": jql, "startAt": start, "maxResults": IDS_PER_PAGE, "fields": "updated"}
                page = self._page(params)
                found |= {one.id: one.fields.get("updated") for one in map(RAW_ID.decode, page.issues)}
                start += len(page.issues)
                if start >= page.total or not page.issues:
                    break
            if len(found) >= page.total:
                return found
        raise TrackerError(f"search: {page.total} issues announced, {len(found)} came; run again later")

    def requests(self, issues: int) -> int:
        """About how many it takes to read so many issues: each page begins with the last row of the one before."""
        return 1 + math.ceil(issues / (ROWS_PER_PAGE - 1))

    def look_up(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any] | None]:
        """What trace asks of these issues; None of those that we may not see. What the server fails on is left out."""
        return ask_each(self._client, self._sieve, self._workers, ids)

    def listed(self, ids: Sequence[str]) -> dict[str, bool]:
        """All: what is archived says so itself."""
        return dict.fromkeys(ids, True)

    def batches(self, jql: str, position: Position) -> Iterator[Batch]:
        """Whole issues behind ``position``, in the order of keys."""
        known = [position.after] if position.after else []
        start, first, size = self._first(jql, position)
        if known and position.after not in first.ids:
            known = []  # the rows have moved since: all again
            start, first, size = self._first(jql, START)
        if not first.ids:
            return
        total = first.total

        with Workers(self._workers) as workers:
            read = partial(self._read, jql, size, workers)

            def tasks() -> Iterator[Callable[[], _Window]]:
                yield partial(self._window, start, first, workers)
                row = start + len(first.ids) - 1
                while row + 1 < total:
                    yield partial(read, row)
                    row += max(1, size - 1)

            for window in workers.ordered(tasks()):
                total = window.total
                for found in _joined(window, known, read, max(1, size - 1)):
                    place = found.behind(known) or 0
                    if known and found.start and not place:
                        raise TrackerError(MOVED)
                    if found.ids[place:]:
                        known = found.ids
                        yield Batch(
                            found.rows[place:], Position(found.start + len(found.ids), found.ids[-1]), found.again
                        )

    def _first(self, jql: str, position: Position) -> tuple[int, _Listed, int]:
        """The rows to begin with, where they start, and how many the server gives at once: its own limit may be lower.

        They reach to the last known row from as far before it as we would ask for at once, in case it has moved.
        """
        start = max(0, position.row - ROWS_PER_PAGE)
        page = self._search(jql, start, ROWS_PER_PAGE)
        size = len(page.ids)
        if position.after and position.after not in page.ids:
            page = self._filled(jql, start, position.row - start)
        return start, page, size

    def _read(self, jql: str, size: int, workers: Workers, start: int) -> _Window:
        return self._window(start, self._filled(jql, start, size), workers)

    def _filled(self, jql: str, start: int, size: int) -> _Listed:
        """``size`` rows from ``start``, or those to the end, in as many answers as the server needs. Each begins with the
        last row of the one before; where it does not, rows have moved in between, and all are asked for again.
        """
        for _ in range(TRIES):
            page = self._search(jql, start, size)
            while page.ids and len(page.ids) < size and start + len(page.ids) < page.total:
                more = self._search(jql, start + len(page.ids) - 1, size - len(page.ids) + 1)
                if len(more.ids) < 2 or more.ids[0] != page.ids[-1]:
                    break
                page = _Listed(more.total, page.ids + more.ids[1:], page.found + more.found[1:])
            else:
                return page
        raise TrackerError(MOVED)

    def _search(self, jql: str, start: int, size: int) -> _Listed:
        try:
            page = self._page(self._asking(jql, start, size), is_large=True)
        except OverloadedError:
            return self._in_parts(jql, start, size)
        found = [self._assembler.decode(raw) for raw in page.issues]
        ids = [one.id if isinstance(one, RawIssue) else _id(raw) for one, raw in zip(found, page.issues, strict=True)]
        return _Listed(page.total, ids, found)

    def _in_parts(self, jql: str, start: int, size: int) -> _Listed:
        """The same rows, where the server fails on them together: without fields it tells which they are."""
        page = self._page({"jql": jql, "startAt": start, "maxResults": size, "fields": "created,security"})
        listed = {one.id: one for one in map(RAW_ISSUE.decode, page.issues)}
        places = {native: start + place for place, native in enumerate(listed)}

        def part(ids: Sequence[str]) -> dict[str, RawIssue | Problem]:
            if len(ids) == 1:
                return {ids[0]: self._alone(listed[ids[0]])}
            rows = self._page(self._asking(jql, places[ids[0]], len(ids)), is_large=True).issues
            found = {_id(raw): self._assembler.decode(raw) for raw in rows}
            return {one: found[one] if one in found else self._surely_alone(listed[one]) for one in ids}

        found = self._sieve.many(list(listed), part)
        rows = [found[native] for native in listed]
        named = [
            one if isinstance(one, RawIssue) else one._replace(subject=whole.named)
            for one, whole in zip(rows, listed.values(), strict=True)
        ]
        return _Listed(page.total, list(listed), named)

    def _asking(self, jql: str, start: int, size: int) -> dict[str, Any]:
        return {"jql": jql, "startAt": start, "maxResults": size, "fields": self._fields, "expand": "changelog"}

    def _page(self, params: Mapping[str, Any], *, is_large: bool = False) -> SearchPage:
        page: SearchPage = self._client.get("search", params, decoder=SEARCH_PAGE, is_large=is_large)
        if page.issues and page.start not in (None, params["startAt"]):
            raise TrackerError(
                f"search: asked for rows from {params['startAt']} on, the server answered those from {page.start} on; "
                "run again later"
            )
        return page

    def _window(self, start: int, page: _Listed, workers: Workers) -> _Window:
        partly = [
            one for one in page.found if isinstance(one, RawIssue) and (one.changelog is None or one.changelog.is_cut)
        ]
        whole = {one.id: found for one, found in zip(partly, workers.each(self._surely_alone, partly), strict=True)}
        rows = self._assembler.rows(
            [whole.get(one.id, one) if isinstance(one, RawIssue) else one for one in page.found], workers
        )
        return _Window(start, page.total, page.ids, rows, frozenset(whole))

    def _surely_alone(self, listed: RawIssue) -> RawIssue | Problem:
        """The same, or its problem where the server fails on it."""
        return self._sieve.one(listed.named, lambda: self._alone(listed))

    def _alone(self, listed: RawIssue) -> RawIssue | Problem:
        """The issue by itself, which brings its whole history: fields and history of the same moment."""
        params = {"fields": self._fields, "expand": "changelog"}
        try:
            raw = self._client.get(f"issue/{quote(listed.address, safe='')}", params, decoder=RAW)
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
    raise TrackerError(MOVED)


def _id(raw: msgspec.Raw) -> str:
    """The native id of a row, also where the rest of it is malformed; empty if there is none."""
    try:
        return RAW_ID.decode(raw).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
