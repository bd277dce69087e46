"""The parts of Jira's answers that are read for every issue, typed: what is not named here is never decoded.

``msgspec`` skips unknown keys while parsing, so the avatars and authors of a long history cost next to nothing. Lists
of issues stay raw until each is decoded by itself: one that is malformed does not take its page with it.

The decoders are made here, at import, by one thread: ``msgspec`` (0.22) crashes the process when two threads are the
first to decode the same type.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

TRACED: Final = ("project", "archiveddate", "archivedby")  # of an issue that a sweep missed


class Item(msgspec.Struct, gc=False):
    """One change of one field. ``from`` and ``to`` are ids where the field has ids, the strings are for people."""

    field: str
    field_id: str | None = msgspec.field(default=None, name="fieldId")
    kind: str | None = msgspec.field(default=None, name="fieldtype")  # jira | custom
    old: str | int | None = msgspec.field(default=None, name="from")
    old_text: str | None = msgspec.field(default=None, name="fromString")
    new: str | int | None = msgspec.field(default=None, name="to")
    new_text: str | None = msgspec.field(default=None, name="toString")


class History(msgspec.Struct, gc=False):
    """The changes of one moment: ISO 8601 text, or epoch milliseconds in Cloud's bulk answers."""

    created: str | int
    items: list[Item] = []


class Changelog(msgspec.Struct, gc=False):
    """An issue's history, or the part the server gave."""

    histories: list[History] = []
    total: int | None = None

    @property
    def is_cut(self) -> bool:
        """Whether the server kept a part back."""
        return self.total is not None and self.total > len(self.histories)


class RawIssue(msgspec.Struct, gc=False):
    """One issue as it came. ``fields`` holds what was asked for, undecoded beyond JSON."""

    id: str
    key: str
    fields: dict[str, Any]
    changelog: Changelog | None = None

    @property
    def named(self) -> str:
        """How a problem names it: by its key, or by its id where a security level hides it from others."""
        return f"id {self.id}" if self.fields.get("security") else self.key

    @property
    def address(self) -> str:
        """What it is asked for by: addresses get into errors and logs, so what is hidden goes by its id there, too."""
        return self.id if self.fields.get("security") else self.key


class SearchPage(msgspec.Struct):
    """Data Center's ``search``."""

    issues: list[msgspec.Raw]
    total: int
    start: int | None = msgspec.field(default=None, name="startAt")


class IdPage(msgspec.Struct):
    """Cloud's ``search/jql``, asked for ids only."""

    issues: list[RawId]
    token: str | None = msgspec.field(default=None, name="nextPageToken")
    is_last: bool | None = msgspec.field(default=None, name="isLast")


class RawId(msgspec.Struct, gc=False):
    """An issue of which only the id is wanted, and when it changed."""

    id: str
    fields: dict[str, Any] = {}


class BulkPage(msgspec.Struct):
    """Cloud's ``issue/bulkfetch``."""

    issues: list[msgspec.Raw]
    errors: list[dict[str, Any]] = msgspec.field(default_factory=list, name="issueErrors")


class IssueChangelog(msgspec.Struct, gc=False):
    """The part of one issue's history on one page."""

    id: str = msgspec.field(name="issueId")
    histories: list[History] = msgspec.field(default_factory=list, name="changeHistories")


class ChangelogPage(msgspec.Struct):
    """Cloud's ``changelog/bulkfetch``: sorted by time, so one issue's history may span pages."""

    logs: list[msgspec.Raw] = msgspec.field(default_factory=list, name="issueChangeLogs")
    token: str | None = msgspec.field(default=None, name="nextPageToken")


RAW: Final = msgspec.json.Decoder(msgspec.Raw)
RAW_ID: Final = msgspec.json.Decoder(RawId)
RAW_ISSUE: Final = msgspec.json.Decoder(RawIssue)
SEARCH_PAGE: Final = msgspec.json.Decoder(SearchPage)
ID_PAGE: Final = msgspec.json.Decoder(IdPage)
BULK_PAGE: Final = msgspec.json.Decoder(BulkPage)
CHANGELOG_PAGE: Final = msgspec.json.Decoder(ChangelogPage)
ISSUE_CHANGELOG: Final = msgspec.json.Decoder(IssueChangelog)
