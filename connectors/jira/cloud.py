"""Jira Cloud's order of questions: ids by search, issues and histories in bulk by id.

``search/jql`` gives 5,000 ids per answer but 100 issues and 40 changes each; ``issue/bulkfetch`` takes 100 ids,
``changelog/bulkfetch`` 1,000 and gives whole histories. Ids are read in ascending order, so a pass that was cut off
goes on behind the last id it stored, whatever was created or deleted in the meantime.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

import msgspec

from connectors.jira.assemble import Assembler, Batch, Row, Workers
from connectors.jira.cursor import Position
from connectors.jira.wire import (
    BULK_PAGE,
    CHANGELOG_PAGE,
    ID_PAGE,
    ISSUE_CHANGELOG,
    TRACED,
    BulkPage,
    Changelog,
    ChangelogPage,
    History,
    IdPage,
    RawIssue,
)
from pmo_sync.clients.jira import PLAIN, JiraClient, RefusedError, mended
from pmo_sync.errors import TrackerError
from pmo_sync.model import Problem

API: Final = "api/3"
IDS_PER_PAGE: Final = 5000
ISSUES_PER_FETCH: Final = 100
HISTORIES_PER_FETCH: Final = 1000  # issues
CHANGES_PER_PAGE: Final = 10_000
RECONCILED: Final = 50  # issues that search looks at themselves

Histories = dict[str, list[History] | Problem]


class CloudReader:
    """Reads issues of one Jira Cloud."""

    def __init__(self, client: JiraClient, assembler: Assembler, asked: Sequence[str], workers: int) -> None:
        self._client = client
        self._assembler = assembler
        self._asked = list(asked)
        self._workers = workers

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

    def look_up(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """What trace asks of those issues that we may see, by their ids."""
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(ids), ISSUES_PER_FETCH):
            body = {"issueIdsOrKeys": ids[start : start + ISSUES_PER_FETCH], "fields": TRACED, "fieldsByKeys": False}
            page: BulkPage = self._client.post_read("issue/bulkfetch", body, API, decoder=BULK_PAGE)
            found |= {str(one["id"]): one for one in map(PLAIN.decode, map(mended, map(bytes, page.issues)))}
        return found

    def listed(self, ids: Sequence[str]) -> set[str]:
        """Those of existing issues that search lists, whatever its index has seen: what is archived it does not.

        ``reconcileIssues`` makes it look at up to 50 issues themselves. A list of ids is refused as a whole where one
        of them is nothing to search.
        """
        found: set[str] = set()
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
                found |= {one.id for one in page.issues}
        return found

    def batches(self, jql: str, position: Position) -> Iterator[Batch]:
        """Whole issues behind ``position``, in ascending order of ids."""
        last = int(position.after or 0)
        wanted = sorted({number for number in map(int, self.ids(jql)) if number > last})
        if not wanted:
            return
        with Workers(self._workers) as workers:
            yield from workers.ordered(self._tasks(workers, [str(number) for number in wanted]))

    def _tasks(self, workers: Workers, ids: Sequence[str]) -> Iterator[Callable[[], Batch]]:
        """One task per 100 issues; the histories they need are asked for one round of 1,000 ahead."""
        rounds = [ids[start : start + HISTORIES_PER_FETCH] for start in range(0, len(ids), HISTORIES_PER_FETCH)]
        coming = workers.pages.submit(self._histories, rounds[0])
        for number, one in enumerate(rounds):
            current = coming
            if number + 1 < len(rounds):
                coming = workers.pages.submit(self._histories, rounds[number + 1])
            for start in range(0, len(one), ISSUES_PER_FETCH):
                yield partial(self._batch, one[start : start + ISSUES_PER_FETCH], current, workers)

    def _batch(self, ids: Sequence[str], histories: Future[Histories], workers: Workers) -> Batch:
        body = {"issueIdsOrKeys": ids, "fields": self._asked, "fieldsByKeys": False, "expand": [], "properties": []}
        page: BulkPage = self._client.post_read("issue/bulkfetch", body, API, decoder=BULK_PAGE)
        known = histories.result()
        found: list[RawIssue | Problem] = []
        answered: set[str] = set()
        for raw in page.issues:
            one = self._assembler.decode(raw)
            answered.add(one.id if isinstance(one, RawIssue) else _loose_id(raw, "id"))
            if isinstance(one, RawIssue):
                history = known.get(one.id, [])
                if isinstance(history, Problem):
                    one = Problem(one.named, history.what)
                else:
                    one.changelog = Changelog(history)
            found.append(one)
        rows: list[Row] = self._assembler.rows(found, workers)
        refused = [named for error in page.errors for named in _ids(error)]
        rows += [Problem(named, "search lists it, but it cannot be read; check permissions") for named in refused]
        rows += [
            Problem(one, "search lists it, but the bulk answer leaves it out; run again later")
            for one in ids
            if one not in answered and one not in refused
        ]
        return Batch(rows, Position(0, ids[-1]))

    def _histories(self, ids: Sequence[str]) -> Histories:
        """The whole histories of up to 1,000 issues. Raises TrackerError rather than returning a part.

        Not filtered by ``fieldIds``: it takes ten at most, we follow more, and two calls would each cost what one
        does. Links, remote links, keys and the parents of company-managed projects are logged without a ``fieldId``:
        no filter would bring them.
        """
        found: Histories = {}
        seen: set[str] = set()
        body: dict[str, Any] = {"issueIdsOrKeys": ids, "maxResults": CHANGES_PER_PAGE}
        while True:
            page: ChangelogPage = self._client.post_read("changelog/bulkfetch", body, API, decoder=CHANGELOG_PAGE)
            for raw in page.logs:
                _collect(found, raw)
            if page.token is None:
                return found
            if page.token in seen:
                raise TrackerError("changelog/bulkfetch: the server repeats a page token; run again later")
            seen.add(page.token)
            body["nextPageToken"] = page.token


def _collect(found: Histories, raw: msgspec.Raw) -> None:
    try:
        log = ISSUE_CHANGELOG.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        native = _loose_id(raw, "issueId")
        found[native] = Problem(native, f"its history cannot be understood: {error}")
        return
    known = found.setdefault(log.id, [])
    if isinstance(known, list):
        known += log.histories


def _loose_id(raw: msgspec.Raw, name: str) -> str:
    """The id in something that has not the shape it should have; empty without."""
    loose = PLAIN.decode(mended(bytes(raw)))
    return str(loose.get(name) or "") if isinstance(loose, dict) else ""


def _ids(error: dict[str, Any]) -> list[str]:
    """The issues an error is about: Atlassian's description says ``id``, its servers ``issueIds`` or keys too."""
    named = error.get("id") or error.get("issueIds") or error.get("issueIdsOrKeys") or []
    return [str(one) for one in (named if isinstance(named, list) else [named])]
