"""Booked times of a whole Jira: a feed of what was written, one of what was taken back, and the worklogs by id.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-worklogs/; Data Center has the same three
calls. Both feeds give 1,000 rows from a time on, oldest first, that time included; neither has a page number. So the
next question starts at the last row's time, and more rows of one moment than a page holds cannot be passed. They
leave the last minute out, which keeps what is not yet visible everywhere from being passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import msgspec

from connectors.jira.cursor import OVERLAP
from connectors.jira.malformed import loose_id
from connectors.jira.values import moment
from connectors.jira.wire import RAW_LIST, RAW_WORKLOG, WORKLOG_CHANGES, RawWorklog, WorklogChanges
from connectors.malformed import MALFORMED
from pmo_sync.clients.jira import JiraClient, NotVisibleError
from pmo_sync.errors import AbsentError, TrackerError
from pmo_sync.model import Problem, Worklog, WorklogPage

API: Final = "api/2"  # version 3 differs in the comments only, which are not read
ROWS_PER_PAGE: Final = 1000  # of the feeds, and the most ids of one question for worklogs
EPOCH: Final = datetime.fromtimestamp(0, UTC)


class Mark(msgspec.Struct, frozen=True):
    """How far both feeds were read: epoch milliseconds."""

    updated: int
    deleted: int

    def text(self) -> str:
        """As it is stored."""
        return _ENCODER.encode(self).decode()


@dataclass(slots=True)
class _Found:
    """What was told of some worklogs."""

    worklogs: list[Worklog] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def rewound(cursor: str) -> str:
    """What was written from the beginning, and from ``cursor`` on what was taken back; one that is not ours stays."""
    try:
        return Mark(0, _DECODER.decode(cursor).deleted).text()
    except msgspec.DecodeError:
        return cursor


class WorklogReader:
    """Reads the worklogs of one Jira that the account may see."""

    def __init__(self, source: str, client: JiraClient) -> None:
        self._source = source
        self._client = client

    def pages(self, cursor: str | None) -> Iterator[WorklogPage]:
        """What changed since ``cursor``; None, or one that is not ours, reads all. Raises TrackerError; AbsentError
        where nothing was ever read and nothing is offered.
        """
        try:
            yield from self._pages(self._start(cursor))
        except NotVisibleError as error:
            if cursor is None and error.status == 404:
                raise AbsentError("booked times: this Jira has no list of them (404)") from None
            raise

    def _pages(self, mark: Mark) -> Iterator[WorklogPage]:
        for ids, at in self._changes("updated", mark.updated):
            mark = msgspec.structs.replace(mark, updated=at)
            found = self._worklogs(ids)
            yield WorklogPage(tuple(found.worklogs), self._ours(found.hidden), mark.text(), tuple(found.problems))
        for ids, at in self._changes("deleted", mark.deleted):
            mark = msgspec.structs.replace(mark, deleted=at)
            yield WorklogPage((), self._ours(ids), mark.text())

    def _start(self, cursor: str | None) -> Mark:
        """What was taken back before a first reading begins needs no mention: that reading does not bring it."""
        try:
            if cursor:
                return _DECODER.decode(cursor)
        except msgspec.DecodeError:
            pass
        return Mark(0, (self._client.server_time() - OVERLAP - EPOCH) // timedelta(milliseconds=1))

    def _changes(self, feed: str, since: int) -> Iterator[tuple[list[int], int]]:
        """The ids of each page, and the time of its last row: where the next one starts."""
        while True:
            page: WorklogChanges = self._client.get(f"worklog/{feed}", {"since": since}, API, decoder=WORKLOG_CHANGES)
            if any(one > other for one, other in pairwise((since, *(one.at for one in page.values)))):
                raise TrackerError(
                    f"worklog/{feed}: the server ignored since, or its own order; nothing can be read safely from it"
                )
            told = page.last_page if page.last_page is not None else page.is_last_page
            is_last = len(page.values) < ROWS_PER_PAGE if told is None else told
            last = page.values[-1].at if page.values else since
            if not is_last and last == since:
                raise TrackerError(
                    f"worklog/{feed}: more worklogs are announced than the {len(page.values)} of "
                    f"{EPOCH + timedelta(milliseconds=since):%Y-%m-%d %H:%M:%S} UTC, without a way to them; booked "
                    "times stay as they are until Jira's administrator changes some of these worklogs"
                )
            yield [int(one.id) for one in page.values], last
            if is_last:
                return
            since = last

    def _worklogs(self, ids: Sequence[int]) -> _Found:
        """What is told of these. Who is left out is hidden from us, or was taken back meanwhile, unless it may be one that
        came without its id.
        """
        found = _Found()
        for start in range(0, len(ids), ROWS_PER_PAGE):
            asked = ids[start : start + ROWS_PER_PAGE]
            answered = set[str]()
            for raw in self._client.post_read("worklog/list", {"ids": asked}, API, decoder=RAW_LIST):
                try:
                    one = RAW_WORKLOG.decode(raw)
                    found.worklogs.append(self._worklog(one))
                    answered.add(str(one.id))
                except MALFORMED as error:
                    native = loose_id(raw, "id")
                    answered.add(native)
                    what = f"cannot be understood and stays as it was: {error}"
                    found.problems.append(Problem(f"worklog {native}" if native else "worklog without id", what))
            if "" not in answered:
                found.hidden += [one for one in asked if str(one) not in answered]
        return found

    def _worklog(self, raw: RawWorklog) -> Worklog:
        native, issue = f"{self._source}:{raw.id}", f"{self._source}:{raw.issue}"
        return Worklog(native, self._source, issue, moment(raw.started), raw.seconds)

    def _ours(self, ids: Sequence[int]) -> tuple[str, ...]:
        return tuple(f"{self._source}:{one}" for one in ids)


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Mark)
