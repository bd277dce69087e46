"""Cloud's answers about many issues at once: the issues, and their histories, by their ids.

What such an answer lacks is asked for again, among fewer or by itself: nothing is taken for absent because it did not
come. An issue that the server fails on is a problem in its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from connectors.jira.assemble import Assembler
from connectors.jira.malformed import loose_id
from connectors.jira.paging import paged
from connectors.jira.sieve import Sieve
from connectors.jira.wire import (
    BULK_PAGE,
    CHANGELOG_PAGE,
    ISSUE_CHANGELOG,
    BulkPage,
    ChangelogPage,
    History,
    RawIssue,
)
from pmo_sync.clients.jira import PLAIN, JiraClient, NotVisibleError, mended
from pmo_sync.errors import TrackerError
from pmo_sync.model import Problem

API: Final = "api/3"
CHANGES_PER_ISSUE_PAGE: Final = 100
PATIENCE: Final = 10  # pages in a row that bring nothing, each with a new token of the next one

Issues = dict[str, RawIssue | Problem]
Histories = dict[str, list[History] | Problem]


class Bulk:
    """Asks one Jira Cloud."""

    def __init__(self, client: JiraClient, assembler: Assembler, asked: Sequence[str], sieve: Sieve) -> None:
        self._client = client
        self._assembler = assembler
        self._asked = list(asked)
        self._sieve = sieve

    def some(self, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """A few fields of those issues that the answer gives, as plain JSON."""

        def ask(some: Sequence[str]) -> dict[str, Mapping[str, Any]]:
            body = {"issueIdsOrKeys": some, "fields": fields, "fieldsByKeys": False}
            plain = [PLAIN.decode(mended(bytes(raw))) for raw in self._page(body, len(some)).issues]
            return {str(one["id"]): one for one in plain}

        found = self._sieve.many(ids, ask)
        return {native: one for native, one in found.items() if not isinstance(one, Problem)}

    def issues(self, ids: Sequence[str]) -> Issues:
        """Each of these issues, or why it is not here.

        Whom an answer could not give, for its size or a fault of the moment, is asked for again among fewer.
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
        """Those that came, and a word for those that are named with an error. The server's own words are not kept: they
        may name an issue that nobody may know by more than its id.
        """
        body = {"issueIdsOrKeys": ids, "fields": self._asked, "fieldsByKeys": False, "expand": [], "properties": []}
        page = self._page(body, len(ids))
        found: dict[str, RawIssue | Problem | str] = {}
        for raw in page.issues:
            one = self._assembler.decode(raw)
            found[one.id if isinstance(one, RawIssue) else loose_id(raw, "id")] = one
        for error in page.errors:
            for named in _ids(error):
                if named in ids:
                    found.setdefault(named, "the server does not give it; look at it there, by its id")
        return found

    def _page(self, body: Mapping[str, Any], count: int) -> BulkPage:
        found: BulkPage = self._client.post_read("issue/bulkfetch", body, API, decoder=BULK_PAGE, is_large=count > 1)
        return found

    def histories(self, ids: Sequence[str], most: int) -> Histories:
        """The whole histories of up to 1,000 issues, ``most`` changes an answer; who has none is left out.

        Not filtered by ``fieldIds``: it takes ten at most, we follow more, and two calls would each cost what one
        does. Links, remote links, keys and the parents of company-managed projects are logged without a ``fieldId``:
        no filter would bring them. Raises TrackerError rather than returning a part.
        """
        return self._sieve.many(ids, lambda some: self._changes(some, most))

    def _changes(self, ids: Sequence[str], most: int) -> Histories:
        found: Histories = {}
        seen: set[str] = set()
        in_vain = 0
        body: dict[str, Any] = {"issueIdsOrKeys": ids, "maxResults": most}
        while True:
            page: ChangelogPage = self._client.post_read(
                "changelog/bulkfetch", body, API, decoder=CHANGELOG_PAGE, is_large=len(ids) > 1
            )
            for raw in page.logs:
                _collect(found, raw)
            if page.token is None:
                return found
            in_vain = 0 if page.logs else in_vain + 1
            if page.token in seen or in_vain > PATIENCE:
                raise TrackerError(
                    "changelog/bulkfetch: the server repeats a page token, or tells nothing; run again later"
                )
            seen.add(page.token)
            body["nextPageToken"] = page.token

    def history(self, native: str) -> list[History] | Problem:
        """The history of one issue, which may be none: then the server says so."""
        return self._sieve.one(native, lambda: self._history(native))

    def _history(self, native: str) -> list[History] | Problem:
        try:
            changes = paged(self._client, f"issue/{native}/changelog", {}, API, CHANGES_PER_ISSUE_PAGE)
            return [msgspec.convert(one, History) for one in changes]
        except NotVisibleError:
            return Problem(native, "its history cannot be read; check permissions")
        except msgspec.ValidationError as error:
            return Problem(native, f"its history cannot be understood: {error}")


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
