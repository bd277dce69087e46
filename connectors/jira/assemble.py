"""From decoded issues with their histories to the records of one page: asks for the few ids and links in between."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import quote

import msgspec

from connectors.jira.cursor import Position
from connectors.jira.normalize import Draft, Records, Site, draft, records
from connectors.jira.sieve import Sieve
from connectors.jira.wire import RAW_ISSUE, RawIssue
from pmo_sync.clients.jira import PLAIN, JiraClient, NotVisibleError, mended
from pmo_sync.errors import DataError
from pmo_sync.model import Page, Person, Problem

S = TypeVar("S")
T = TypeVar("T")
Row = Records | Problem


class Batch(NamedTuple):
    """The rows of one page, and where the pass stands after them."""

    rows: Sequence[Row]
    position: Position
    again: frozenset[str] = frozenset()  # native ids of issues whose history came cut and was read again

    def page(self, cursor: str) -> Page:
        """As the contract wants it."""
        kept = list({row.issue.issue_id: row for row in self.rows if isinstance(row, Records)}.values())
        people: dict[str, Person] = {person.person_id: person for row in kept for person in row.people}
        return Page(
            issues=tuple(row.issue for row in kept),
            intervals=tuple(interval for row in kept for interval in row.intervals),
            people=tuple(people.values()),
            problems=tuple(row for row in self.rows if isinstance(row, Problem)),
            cursor=cursor,
            refetched=sum(row.issue.issue_id.rpartition(":")[2] in self.again for row in kept) if self.again else 0,
        )


class Workers:
    """The threads of one pass: one pool for pages, one for the small questions that pages raise.

    Two, so that pages which wait for their answers cannot keep the threads those need. The connection pool below
    holds both together to the configured number of requests at a time.
    """

    def __init__(self, count: int) -> None:
        self._ahead = 2 * count
        self.pages = ThreadPoolExecutor(count, thread_name_prefix="jira-page")
        self._small = ThreadPoolExecutor(count, thread_name_prefix="jira-small")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pages.shutdown(cancel_futures=True)
        self._small.shutdown(cancel_futures=True)

    def each(self, ask: Callable[[S], T], things: Sequence[S]) -> list[T]:
        """One small question per thing, side by side; the answers in order."""
        return [ask(one) for one in things] if len(things) < 2 else list(self._small.map(ask, things))

    def ordered(self, tasks: Iterator[Callable[[], T]]) -> Iterator[T]:
        """The results of page tasks in their order, a bounded number of them under way: memory stays flat."""
        waiting: deque[Future[T]] = deque()
        try:
            for task in tasks:
                waiting.append(self.pages.submit(task))
                if len(waiting) >= self._ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


class Assembler:
    """Shared by both kinds of Jira and by all threads."""

    def __init__(self, client: JiraClient, site: Site) -> None:
        self._client = client
        self._site = site
        self._sieve = Sieve(client)
        self._ids: dict[str, str | None] = {}  # key -> native id, None: hidden; only keys somebody asked for
        self._lock = threading.Lock()

    def decode(self, raw: msgspec.Raw) -> RawIssue | Problem:
        """One issue of a page; what cannot be decoded is a problem with the best name we can find for it."""
        try:
            return RAW_ISSUE.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            content = mended(bytes(raw))
        try:
            return RAW_ISSUE.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            why = str(error)
        loose = PLAIN.decode(content)
        named = loose if isinstance(loose, dict) else {}
        fields = named.get("fields")
        is_hidden = isinstance(fields, dict) and fields.get("security")
        key = None if is_hidden else named.get("key")
        native = named.get("id") and f"id {named['id']}"
        return Problem(str(key or native or "issue without key"), f"cannot be understood: {why}")

    def rows(self, found: Iterable[RawIssue | Problem], workers: Workers) -> list[Row]:
        """Records, or a problem in their place, in the same order."""
        drafts: list[Draft | Problem] = []
        ids: dict[str, str] = {}
        for one in found:
            if isinstance(one, Problem):
                drafts.append(one)
                continue
            ids[one.key] = one.id
            try:
                made = draft(self._site, one)
            except DataError as error:
                drafts.append(Problem(error.subject, error.what))
                continue
            drafts.append(made)
            ids |= dict.fromkeys(made.former_keys, one.id)
        wanted = sorted({key for made in drafts if isinstance(made, Draft) for key in made.wanted} - ids.keys())
        asked = dict(zip(wanted, workers.each(self._id, wanted), strict=True))
        ids |= {key: native for key, native in asked.items() if isinstance(native, str)}
        unknown = {key: failed for key, failed in asked.items() if isinstance(failed, Problem)}
        linked = [made.raw.address for made in drafts if isinstance(made, Draft) and made.has_remote]
        remote = dict(zip(linked, workers.each(self._remote, linked), strict=True))
        return [
            made if isinstance(made, Problem) else self._row(made, ids, unknown, remote.get(made.raw.address, []))
            for made in drafts
        ]

    def _row(
        self, made: Draft, ids: dict[str, str], unknown: dict[str, Problem], remote: list[dict[str, Any]] | Problem
    ) -> Row:
        if isinstance(remote, Problem):
            return Problem(made.raw.named, remote.what)
        for key in made.wanted & unknown.keys():
            return Problem(made.raw.named, unknown[key].what)
        try:
            return records(self._site, made, ids, remote)
        except DataError as error:
            return Problem(error.subject, error.what)

    def _id(self, key: str) -> str | Problem | None:
        """None: hidden from us."""
        with self._lock:
            if key in self._ids:
                return self._ids[key]
        native = self._sieve.one(key, lambda: self._asked_id(key))
        if not isinstance(native, Problem):
            with self._lock:
                self._ids[key] = native
        return native

    def _asked_id(self, key: str) -> str | None:
        try:
            return str(self._client.get(f"issue/{quote(key, safe='')}", {"fields": "created"})["id"])
        except (NotVisibleError, KeyError, TypeError):
            return None

    def _remote(self, address: str) -> list[dict[str, Any]] | Problem:
        return self._sieve.one(address, lambda: self._asked_remote(address))

    def _asked_remote(self, address: str) -> list[dict[str, Any]]:
        try:
            found = self._client.get(f"issue/{quote(address, safe='')}/remotelink")
        except NotVisibleError:  # linking is switched off, or not for this account
            return []
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
