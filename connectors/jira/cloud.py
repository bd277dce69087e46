"""Jira Cloud's order of questions: ids by search, issues and histories in bulk by id.

``search/jql`` gives 5,000 ids per answer but 100 issues and 40 changes each; ``issue/bulkfetch`` takes 100 ids,
``changelog/bulkfetch`` 1,000 and gives whole histories. Ids are read in ascending order, so a pass that was cut off
goes on behind the last id it stored, whatever was created or deleted in the meantime.

Histories are asked for ahead of their issues. An issue that may have changed in between is read again, with its history
before it, until its fields are those of before that. An issue that the bulk answer has no history of is asked for its
own: that answer leaves out what has none, and would look the same if it left out more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec

from connectors.jira.assemble import Assembler, Batch, Workers
from connectors.jira.cursor import Position
from connectors.jira.malformed import loose_id
from connectors.jira.paging import paged
from connectors.jira.sieve import Sieve
from connectors.jira.trace import ask_each
from connectors.jira.values import moment
from connectors.jira.wire import (
    BULK_PAGE,
    CHANGELOG_PAGE,
    ID_PAGE,
    ISSUE_CHANGELOG,
    MALFORMED,
    TRACED,
    BulkPage,
    Changelog,
    ChangelogPage,
    History,
    IdPage,
    RawIssue,
)
from pmo_sync.clients.jira import PLAIN, JiraClient, NotVisibleError, RefusedError, mended
from pmo_sync.errors import TrackerError
from pmo_sync.http import without
from pmo_sync.model import Problem

API: Final = "api/3"
IDS_PER_PAGE: Final = 5000
ISSUES_PER_FETCH: Final = 100
HISTORIES_PER_FETCH: Final = 1000  # issues
CHANGES_PER_PAGE: Final = 10_000
CHANGES_PER_ISSUE_PAGE: Final = 100
RECONCILED: Final = 50  # issues that search looks at themselves
LOOKS: Final = 3  # at an issue that changes while it is read
CLOCKS_DIFFER: Final = timedelta(minutes=1)  # at most, those of one server's nodes
AT_ONCE: Final = timedelta(seconds=1)  # what happens when an issue is created

Issues = dict[str, RawIssue | Problem]
Histories = dict[str, list[History] | Problem]


class CloudReader:
    """Reads issues of one Jira Cloud."""

    def __init__(self, client: JiraClient, assembler: Assembler, asked: Sequence[str], workers: int) -> None:
        self._client = client
        self._assembler = assembler
        self._asked = list(asked)
        self._workers = workers
        self._sieve = Sieve(client)

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

    def ids(self, jql: str) -> list[str]:
        """Every id. Raises TrackerError rather than returning a part."""
        found: list[str] = []
        seen: set[str] = set()
        body: dict[str, Any] = {"jql": jql, "fields": ["id"], "maxResults": IDS_PER_PAGE}
        while True:
            page: IdPage = self._client.post_read("search/jql", body, API, decoder=ID_PAGE)
            found += [one.id for one in page.issues]
            if page.token is None:
                if page.is_last is False:
                    raise TrackerError("search/jql: more issues were announced without a way to them; run again later")
                return found
            if page.token in seen:
                raise TrackerError("search/jql: the server repeats a page token; run again later")
            seen.add(page.token)
            body["nextPageToken"] = page.token

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
            body = {"issueIdsOrKeys": ids[start : start + ISSUES_PER_FETCH], "fields": TRACED, "fieldsByKeys": False}
            page: BulkPage = self._client.post_read("issue/bulkfetch", body, API, decoder=BULK_PAGE)
            found |= {str(one["id"]): one for one in map(PLAIN.decode, map(mended, map(bytes, page.issues)))}
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
        found = self._issues(ids)
        every = histories.result()
        known = {one: every[one] for one in ids if one in every}
        self._settle(found, known, quiet_since)
        silent = [native for native, one in found.items() if native not in known and _has_changed(one)]
        known |= dict(zip(silent, workers.each(self._own_history, silent), strict=True))
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
            again = self._issues(unsure)
            unsure = [one for one in unsure if _updated(again[one]) != _updated(found[one])]
            found |= again
        for native in unsure:
            found[native] = Problem(_named(found[native], native), "it changes while it is read; run again later")

    def _issues(self, ids: Sequence[str]) -> Issues:
        """Each of these issues, or why it is not here, by id.

        Whom a bulk answer could not give, for its size or a fault of the moment, is asked for again among fewer.
        """
        found: dict[str, RawIssue | Problem | str] = {}
        lacking = list(ids)
        while lacking:
            found |= self._sieve.many(lacking, self._fetched)
            still = [one for one in lacking if isinstance(found.get(one, ""), str)]
            if len(still) == len(lacking):
                break
            lacking = still
        found |= {one: found.get(one, "the bulk answer leaves it out; run again later") for one in lacking}
        return {
            native: Problem(native, f"search lists it, but {one}") if isinstance(one, str) else one
            for native, one in found.items()
        }

    def _fetched(self, ids: Sequence[str]) -> dict[str, RawIssue | Problem | str]:
        """Those that came, and of those that are named with an error what it says."""
        body = {"issueIdsOrKeys": ids, "fields": self._asked, "fieldsByKeys": False, "expand": [], "properties": []}
        page: BulkPage = self._client.post_read("issue/bulkfetch", body, API, decoder=BULK_PAGE, is_large=len(ids) > 1)
        found: dict[str, RawIssue | Problem | str] = {}
        for raw in page.issues:
            one = self._assembler.decode(raw)
            found[one.id if isinstance(one, RawIssue) else loose_id(raw, "id")] = one
        for error in page.errors:
            why = f"the server does not give it: {without(None, str(error.get('errorMessage', '')))}"
            for named in _ids(error):
                found.setdefault(named, why)
        return found

    def _histories(self, ids: Sequence[str]) -> Histories:
        """The whole histories of up to 1,000 issues. Raises TrackerError rather than returning a part.

        Not filtered by ``fieldIds``: it takes ten at most, we follow more, and two calls would each cost what one
        does. Links, remote links, keys and the parents of company-managed projects are logged without a ``fieldId``:
        no filter would bring them.
        """
        return self._sieve.many(ids, self._fetched_histories)

    def _fetched_histories(self, ids: Sequence[str]) -> Histories:
        found: Histories = {}
        seen: set[str] = set()
        body: dict[str, Any] = {"issueIdsOrKeys": ids, "maxResults": CHANGES_PER_PAGE}
        while True:
            page: ChangelogPage = self._client.post_read(
                "changelog/bulkfetch", body, API, decoder=CHANGELOG_PAGE, is_large=len(ids) > 1
            )
            for raw in page.logs:
                _collect(found, raw)
            if page.token is None:
                return found
            if page.token in seen:
                raise TrackerError("changelog/bulkfetch: the server repeats a page token; run again later")
            seen.add(page.token)
            body["nextPageToken"] = page.token

    def _own_history(self, native: str) -> list[History] | Problem:
        """Of an issue that has changed, though the bulk answer knows no change of it: comments are none."""
        return self._sieve.one(native, lambda: self._asked_history(native))

    def _asked_history(self, native: str) -> list[History] | Problem:
        try:
            changes = paged(self._client, f"issue/{native}/changelog", {}, API, CHANGES_PER_ISSUE_PAGE)
            return [msgspec.convert(one, History) for one in changes]
        except NotVisibleError:
            return Problem(native, "its history cannot be read; check permissions")
        except msgspec.ValidationError as error:
            return Problem(native, f"its history cannot be understood: {error}")


def _at(value: Any) -> datetime | None:
    """A moment; None where it cannot be understood, which is said when its issue is made into records."""
    try:
        return moment(value)
    except MALFORMED:
        return None


def _updated(one: RawIssue | Problem) -> datetime | None:
    return _at(one.fields.get("updated")) if isinstance(one, RawIssue) else None


def _has_changed(one: RawIssue | Problem) -> bool:
    """Whether an issue is not as it was created."""
    updated = _updated(one)
    created = _at(one.fields.get("created")) if isinstance(one, RawIssue) else None
    return updated is not None and created is not None and updated - created > AT_ONCE


def _may_be_ahead(one: RawIssue | Problem, history: list[History] | Problem | None, quiet_since: datetime) -> bool:
    """Whether an issue may have changed after its history was asked for: lately, and by nothing its history knows."""
    updated = _updated(one)
    if updated is None or updated < quiet_since or isinstance(history, Problem):
        return False
    known = [at for at in (_at(change.created) for change in history or ()) if at is not None]
    return max(known, default=updated - AT_ONCE) < updated


def _named(one: RawIssue | Problem, native: str) -> str:
    return one.named if isinstance(one, RawIssue) else native


def _whole(one: RawIssue | Problem, history: list[History] | Problem) -> RawIssue | Problem:
    if isinstance(one, Problem):
        return one
    if isinstance(history, Problem):
        return Problem(one.named, history.what)
    one.changelog = Changelog(history)
    return one


def _collect(found: Histories, raw: msgspec.Raw) -> None:
    try:
        log = ISSUE_CHANGELOG.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        native = loose_id(raw, "issueId")
        found[native] = Problem(native, f"its history cannot be understood: {error}")
        return
    known = found.setdefault(log.id, [])
    if isinstance(known, list):
        known += log.histories


def _ids(error: dict[str, Any]) -> list[str]:
    """The issues an error is about: Atlassian's description says ``id``, its servers ``issueIds`` or keys too."""
    named = error.get("id") or error.get("issueIds") or error.get("issueIdsOrKeys") or []
    return [str(one) for one in (named if isinstance(named, list) else [named])]
