"""Jira Cloud's order of questions: ids by search, issues and histories in bulk by id.

``search/jql`` gives 5,000 ids per answer but 100 issues and 40 changes each; ``issue/bulkfetch`` takes 100 ids,
``changelog/bulkfetch`` 1,000 and gives whole histories. Ids are read in ascending order, so a pass that was cut off
goes on behind the last id it stored, whatever was created or deleted in the meantime.

Histories are asked for ahead of their issues. An issue that may have changed in between is read again, with its history
before it, until its fields are those of before that. An issue that the bulk answer has no history of is asked for its
own: that answer leaves out what has none, and would look the same if it left out more.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from connectors.jira.assemble import Assembler, Batch, Workers
from connectors.jira.bulk import API, PATIENCE, Bulk, Histories, Issues
from connectors.jira.cursor import Position
from connectors.jira.sieve import Sieve
from connectors.jira.trace import ask_each
from connectors.jira.values import told_at
from connectors.jira.wire import ID_PAGE, TRACED, Changelog, History, IdPage, RawIssue
from pmo_sync.clients.jira import JiraClient, RefusedError
from pmo_sync.errors import TrackerError
from pmo_sync.model import Problem

log: Final = logging.getLogger("pmo_sync.jira")

IDS_PER_PAGE: Final = 5000
ISSUES_PER_FETCH: Final = 100
HISTORIES_PER_FETCH: Final = 1000  # issues
CHANGES_PER_PAGE: Final = 10_000
RECONCILED: Final = 50  # issues that search looks at themselves
MOMENTS_PER_FETCH: Final = 1000  # issues, where one plain field is asked of each
PARTS: Final = 5  # of a project, of which a sweep asks one for its moments; a prime, so that no schedule leaves one out
LOOKS: Final = 3  # at an issue that changes while it is read
CLOCKS_DIFFER: Final = timedelta(minutes=1)  # at most, those of one server's nodes
AT_ONCE: Final = timedelta(seconds=1)  # what happens when an issue is created


class CloudReader:
    """Reads issues of one Jira Cloud."""

    def __init__(self, client: JiraClient, assembler: Assembler, asked: Sequence[str], workers: int) -> None:
        self._client = client
        self._assembler = assembler
        self._workers = workers
        self._sieve = Sieve(client)
        self._bulk = Bulk(client, assembler, asked, self._sieve)

    def count(self, jql: str) -> int:
        """How many issues the server counts; its index may lag."""
        found = self._client.post_read("search/approximate-count", {"jql": jql}, API)
        try:
            return int(found["count"])
        except (KeyError, TypeError, ValueError):
            raise TrackerError("search/approximate-count: no count came; is this Jira Cloud?") from None

    def has_any(self, jql: str) -> bool:
        """Whether the question finds anything."""
        body = {"jql": jql, "fields": ["id"], "maxResults": 1}
        return bool(self._client.post_read("search/jql", body, API, decoder=ID_PAGE).issues)

    def ids(self, jql: str) -> dict[str, None]:
        """Every id; five thousand come at once because nothing else is asked of them. Raises TrackerError rather than returning a part."""
        found: dict[str, None] = {}
        seen: set[str] = set()
        body: dict[str, Any] = {"jql": jql, "fields": ["id"], "maxResults": IDS_PER_PAGE}
        in_vain = 0
        while True:
            page: IdPage = self._client.post_read("search/jql", body, API, decoder=ID_PAGE)
            before = len(found)
            found |= dict.fromkeys(one.id for one in page.issues)
            in_vain = 0 if len(found) > before else in_vain + 1
            if page.token is None:
                if page.is_last is False:
                    raise TrackerError("search/jql: more issues were announced without a way to them; run again later")
                return found
            if page.token in seen or in_vain > PATIENCE:
                raise TrackerError("search/jql: the server repeats a page token, or what it told; run again later")
            seen.add(page.token)
            body["nextPageToken"] = page.token

    def sweep(self, jql: str) -> dict[str, Any]:
        """Every id, and of a fifth of them, another each day of the server's, when each changed last.

        With any field a page of the list has 100 rows, and its moments are the index's, which may have lost a change for
        good. The issues themselves are asked, a thousand at once: within five days all of them, for a fiftieth of a first
        pull's requests a sweep. Where the server refuses that, only ids are told.
        """
        found: dict[str, Any] = {**self.ids(jql)}
        today = self._client.server_time().toordinal() % PARTS
        some = [one for one in found if int(one) % PARTS == today]
        try:
            for start in range(0, len(some), MOMENTS_PER_FETCH):
                told = self._bulk.some(some[start : start + MOMENTS_PER_FETCH], ["updated"])
                found |= {native: one["fields"].get("updated") for native, one in told.items() if native in found}
        except RefusedError as error:
            log.info("the moments of issues are not told: %s", error)
        return found

    def requests(self, issues: int) -> int:
        """About how many it takes to read so many issues."""
        return sum(math.ceil(issues / most) for most in (IDS_PER_PAGE, ISSUES_PER_FETCH, HISTORIES_PER_FETCH))

    def look_up(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any] | None]:
        """What trace asks of these issues; None of those that we may not see. What the server fails on is left out.

        The bulk answer is silent of who is not there, and names whom it could not give: nobody is gone before the server
        says so when asked for this one alone.
        """
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(ids), ISSUES_PER_FETCH):
            found |= self._bulk.some(ids[start : start + ISSUES_PER_FETCH], TRACED)
        silent = [one for one in ids if one not in found]
        return found | ask_each(self._client, self._sieve, self._workers, silent)

    def listed(self, ids: Sequence[str]) -> dict[str, bool]:
        """Whether search lists these existing issues, whatever its index has seen: what is archived it does not.

        ``reconcileIssues`` makes it look at up to 50 issues themselves. A list of ids is refused as a whole where one
        of them is nothing to search; what is refused by itself is left out.
        """
        found: dict[str, bool] = {}
        waiting = [ids[start : start + RECONCILED] for start in range(0, len(ids), RECONCILED)]
        while waiting:
            some = waiting.pop()
            body = {
                "jql": f"id in ({', '.join(some)})",
                "fields": ["id"],
                "maxResults": RECONCILED,
                "reconcileIssues": [int(one) for one in some],
            }
            try:
                page: IdPage = self._client.post_read("search/jql", body, API, decoder=ID_PAGE)
            except RefusedError:
                if len(some) > 1:
                    waiting += [some[: len(some) // 2], some[len(some) // 2 :]]
            else:
                found |= dict.fromkeys(some, False) | {one.id: True for one in page.issues}
        return found

    def batches(self, jql: str, position: Position) -> Iterator[Batch]:
        """Whole issues behind ``position``, in ascending order of ids."""
        last = int(position.after or 0)
        quiet_since = self._client.server_time() - CLOCKS_DIFFER
        wanted = sorted({number for number in map(int, self.ids(jql)) if number > last})
        if not wanted:
            return
        with Workers(self._workers) as workers:
            yield from workers.ordered(self._tasks(workers, [str(number) for number in wanted], quiet_since))

    def _tasks(self, workers: Workers, ids: Sequence[str], quiet_since: datetime) -> Iterator[Callable[[], Batch]]:
        """One task per 100 issues; the histories they need are asked for one round of 1,000 ahead."""
        rounds = [ids[start : start + HISTORIES_PER_FETCH] for start in range(0, len(ids), HISTORIES_PER_FETCH)]
        coming = workers.pages.submit(self._histories, rounds[0])
        for number, one in enumerate(rounds):
            current = coming
            if number + 1 < len(rounds):
                coming = workers.pages.submit(self._histories, rounds[number + 1])
            for start in range(0, len(one), ISSUES_PER_FETCH):
                yield partial(self._batch, one[start : start + ISSUES_PER_FETCH], current, quiet_since, workers)

    def _batch(
        self, ids: Sequence[str], histories: Future[Histories], quiet_since: datetime, workers: Workers
    ) -> Batch:
        found = self._bulk.issues(ids)
        every = histories.result()
        known = {one: every[one] for one in ids if one in every}
        self._settle(found, known, quiet_since)
        silent = [native for native, one in found.items() if native not in known and _has_changed(one)]
        known |= dict(zip(silent, workers.each(self._bulk.history, silent), strict=True))
        rows = self._assembler.rows([_whole(one, known.get(native, [])) for native, one in found.items()], workers)
        return Batch(rows, Position(0, ids[-1]))

    def _settle(self, found: Issues, known: Histories, quiet_since: datetime) -> None:
        """Read again what may have changed since its history was asked for, the history first."""
        unsure = [native for native, one in found.items() if _may_be_ahead(one, known.get(native), quiet_since)]
        for _ in range(LOOKS):
            if not unsure:
                return
            for native in unsure:
                known.pop(native, None)
            known |= self._histories(unsure)
            again = self._bulk.issues(unsure)
            unsure = [one for one in unsure if _updated(again[one]) != _updated(found[one])]
            found |= again
        for native in unsure:
            one = found[native]
            if isinstance(one, RawIssue):
                found[native] = Problem(one.named, "it changes while it is read; run again later")

    def _histories(self, ids: Sequence[str]) -> Histories:
        return self._bulk.histories(ids, CHANGES_PER_PAGE)


def _updated(one: RawIssue | Problem) -> datetime | None:
    return told_at(one.fields.get("updated")) if isinstance(one, RawIssue) else None


def _has_changed(one: RawIssue | Problem) -> bool:
    """Whether an issue is not as it was created."""
    updated = _updated(one)
    created = told_at(one.fields.get("created")) if isinstance(one, RawIssue) else None
    return updated is not None and created is not None and updated - created > AT_ONCE


def _may_be_ahead(one: RawIssue | Problem, history: list[History] | Problem | None, quiet_since: datetime) -> bool:
    """Whether an issue may have changed after its history was asked for: lately, and by nothing its history knows."""
    updated = _updated(one)
    if updated is None or updated < quiet_since or isinstance(history, Problem):
        return False
    known = [at for at in (told_at(change.created) for change in history or ()) if at is not None]
    return max(known, default=updated - AT_ONCE) < updated


def _whole(one: RawIssue | Problem, history: list[History] | Problem) -> RawIssue | Problem:
    if isinstance(one, Problem):
        return one
    if isinstance(history, Problem):
        return Problem(one.named, history.what)
    one.changelog = Changelog(history)
    return one
