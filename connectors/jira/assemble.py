"""From decoded issues with their histories to the records of one page: asks for the few ids and links in between."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from connectors.jira.cursor import Position
from connectors.jira.normalize import Draft, Records, Site, draft, records
from connectors.jira.wire import RawIssue
from pmo_sync.clients.jira import JiraClient, NotVisibleError, mended
from pmo_sync.errors import DataError
from pmo_sync.model import Page, Person, Problem

T = TypeVar("T")
Row = Records | Problem


class Batch(NamedTuple):
    """The rows of one page, and where the pass stands after them."""

    rows: Sequence[Row]
    position: Position

    def page(self, cursor: str) -> Page:
        """As the contract wants it."""
        kept = [row for row in self.rows if isinstance(row, Records)]
        people: dict[str, Person] = {person.person_id: person for row in kept for person in row.people}
        return Page(
            issues=tuple(row.issue for row in kept),
            intervals=tuple(interval for row in kept for interval in row.intervals),
            people=tuple(people.values()),
            problems=tuple(row for row in self.rows if isinstance(row, Problem)),
            cursor=cursor,
        )


class Assembler:
    """Shared by both kinds of Jira and by all threads."""

    def __init__(self, client: JiraClient, site: Site) -> None:
        self._client = client
        self._site = site
        self._ids: dict[str, str | None] = {}  # key -> native id, None: hidden; only keys somebody asked for
        self._lock = threading.Lock()

    def decode(self, raw: msgspec.Raw) -> RawIssue | Problem:
        """One issue of a page; what cannot be decoded is a problem with the best name we can find for it."""
        content = bytes(raw)
        try:
            return msgspec.json.decode(content, type=RawIssue)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        try:
            return msgspec.json.decode(mended(content), type=RawIssue)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            why = str(error)
        loose = msgspec.json.decode(mended(content))
        named = loose if isinstance(loose, dict) else {}
        return Problem(str(named.get("key") or named.get("id") or "issue without key"), f"cannot be understood: {why}")

    def rows(self, found: Iterable[RawIssue | Problem]) -> list[Row]:
        """Records, or a problem in their place, in the same order."""
        drafts: list[Draft | Problem] = []
        ids: dict[str, str] = {}
        for one in found:
            if isinstance(one, Problem):
                drafts.append(one)
                continue
            ids[one.key] = one.id
            try:
                drafts.append(draft(self._site, one))
            except DataError as error:
                drafts.append(Problem(error.subject, error.what))
        for made in drafts:
            if isinstance(made, Draft):
                for key in made.wanted - ids.keys():
                    native = self._id(key)
                    if native is not None:
                        ids[key] = native
        return [made if isinstance(made, Problem) else self._row(made, ids) for made in drafts]

    def _row(self, made: Draft, ids: dict[str, str]) -> Row:
        remote = self._remote(made.raw.key) if made.has_remote else []
        try:
            return records(self._site, made, ids, remote)
        except DataError as error:
            return Problem(error.subject, error.what)

    def _id(self, key: str) -> str | None:
        with self._lock:
            if key in self._ids:
                return self._ids[key]
        try:
            found = self._client.get(f"issue/{quote(key, safe='')}", {"fields": "created"})
            native = str(found["id"])
        except (NotVisibleError, KeyError, TypeError):
            native = None
        with self._lock:
            self._ids[key] = native
        return native

    def _remote(self, key: str) -> list[dict[str, Any]]:
        try:
            found = self._client.get(f"issue/{quote(key, safe='')}/remotelink")
        except NotVisibleError:  # linking is switched off, or not for this account
            return []
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def ordered(pool: ThreadPoolExecutor, tasks: Iterator[Callable[[], T]], ahead: int) -> Iterator[T]:
    """The results of ``tasks`` in their order, at most ``ahead`` of them under way: memory stays flat."""
    waiting: deque[Future[T]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(task))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
