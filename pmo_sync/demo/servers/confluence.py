"""The one kind of page store behind both of Confluence's faces: pages, versions, properties, attachments, comments.

Everything that could be refused is refused here, with the reason; the faces put it into their own words and shapes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from pmo_sync.demo.company import Company
from pmo_sync.demo.servers.confluence_storage import fault, rewritten

SPACE_KEY: Final = "PMO"
SPACE_NAME: Final = "Portfolio office"
HOME_TITLE: Final = "Portfolio office"
PARENT_TITLE: Final = "Reports"  # the page our tree grows under
MAX_PROPERTY: Final = 32_768  # bytes of JSON
MAX_TITLE: Final = 255
FORBIDDEN_IN_NAMES: Final = set('\\/":?*|<>')

Status = Literal["current", "archived", "trashed"]


class Account(NamedTuple):
    """Somebody who may log in. ``can_write`` False: may only look."""

    id: str
    name: str
    can_write: bool = True


BOT: Final = Account("5f0b07b0c0ffee0001000001", "PMO publisher")
READER: Final = Account("5f0b07b0c0ffee0001000002", "PMO reader", can_write=False)
HUMAN: Final = Account("5f0b07b0c0ffee0001000003", "A. Human")
ACCOUNTS: Final = {account.id: account for account in (BOT, READER, HUMAN)}


class Refusal(Exception):  # noqa: N818 - an answer on its way out, not an error
    """Why a request is not served: the HTTP status and the reason in words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Version(NamedTuple):
    """One version of a page."""

    number: int
    author: Account
    at: datetime
    title: str
    body: str
    message: str
    is_minor: bool


@dataclass(slots=True)
class Property:
    """A content property."""

    id: str
    key: str
    value: Any
    version: int
    author: Account
    at: datetime


@dataclass(slots=True)
class Attachment:
    """A file of a page; ``version`` counts its uploads."""

    id: str
    page: str
    name: str
    data: bytes
    media_type: str
    comment: str
    version: int
    author: Account
    at: datetime


@dataclass(slots=True)
class Comment:
    """A footer comment."""

    id: str
    page: str
    body: str
    author: Account
    at: datetime


@dataclass(slots=True)
class Page:
    """A page with everything that hangs on it."""

    id: str
    parent: str | None
    status: Status
    versions: list[Version]
    properties: dict[str, Property] = field(default_factory=dict)
    attachments: dict[str, Attachment] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    @property
    def last(self) -> Version:
        """The newest version."""
        return self.versions[-1]


class Listed(NamedTuple):
    """A page in short, for tests and for people."""

    id: str
    title: str
    version: int
    author: str
    body: str
    parent: str | None
    status: str


class Space:
    """One space of one server. Times are the company's present."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._next = 98_305
        self._pages: dict[str, Page] = {}
        self.id = self._new_id()
        self.created_at = company.now
        self.home = self.create(HUMAN, HOME_TITLE, "<p>Welcome.</p>", None, at_top=True).id
        self.parent = self.create(HUMAN, PARENT_TITLE, "<p>Reports live below this page.</p>", self.home).id

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self._company.now

    def _new_id(self) -> str:
        self._next += 1
        return str(self._next)

    # pages

    def all(self, *statuses: str) -> Iterator[Page]:
        """The pages with one of ``statuses`` (default: any), oldest first."""
        return (page for page in self._pages.values() if not statuses or page.status in statuses)

    def get(self, page_id: str) -> Page:
        """The page, unless it is in the trash. Refuses with 404."""
        page = self._pages.get(page_id)
        if page is None or page.status == "trashed":
            raise Refusal(404, f"No content found with id: {page_id}")
        return page

    def titled(self, title: str, *statuses: str) -> list[Page]:
        """Looking up is by the exact title, although case does not make two titles different."""
        return [page for page in self.all(*statuses) if page.last.title == title]

    def children(self, page_id: str) -> list[Page]:
        """Current pages directly below."""
        return [page for page in self.all("current") if page.parent == page_id]

    def create(
        self,
        author: Account,
        title: str,
        body: str,
        parent: str | None,
        *,
        message: str = "",
        minor: bool = False,
        at_top: bool = False,
    ) -> Page:
        """A new page, below the space's home page unless told otherwise."""
        self._check(title, body, None)
        if parent is None and not at_top:
            parent = self.home
        if parent is not None and parent not in self._pages:
            raise Refusal(404, f"No parent page found with id: {parent}")
        page_id = self._new_id()
        kept = rewritten(body, f"{page_id}/1")
        page = Page(page_id, parent, "current", [Version(1, author, self.now, title, kept, message, minor)])
        self._pages[page_id] = page
        return page

    def update(
        self,
        author: Account,
        page: Page,
        number: Any,
        title: str,
        body: str | None,
        parent: str | None,
        *,
        message: str = "",
        minor: bool = False,
    ) -> Page:
        """The next version of a page; refuses any number but the next one with 409."""
        current = page.last.number
        if number != current + 1:
            raise Refusal(
                409,
                "Version must be incremented when updating a page. "
                f"Current Version: [{current}]. Provided version: [{number}]",
            )
        if page.status == "archived":
            raise Refusal(400, "Archived pages cannot be updated")
        self._check(title, page.last.body if body is None else body, page)
        if parent is not None and parent != page.parent:
            self._check_parent(page, parent)
            page.parent = parent
        kept = page.last.body if body is None else rewritten(body, f"{page.id}/{number}")
        page.versions.append(Version(number, author, self.now, title, kept, message, minor))
        return page

    def _check(self, title: Any, body: Any, page: Page | None) -> None:
        if not isinstance(title, str) or not title.strip():
            raise Refusal(400, "Title must be specified")
        if len(title) > MAX_TITLE:
            raise Refusal(400, f"Title cannot be longer than {MAX_TITLE} characters")
        for other in self.all("current", "archived"):
            if other is not page and other.last.title.casefold() == title.strip().casefold():
                raise Refusal(
                    400,
                    "A page with this title already exists: A page already exists with the same TITLE in this space",
                )
        if not isinstance(body, str):
            raise Refusal(400, "Body must be specified")
        reason = fault(body)
        if reason:
            raise Refusal(400, reason)

    def _check_parent(self, page: Page, parent: str) -> None:
        above: str | None = parent
        while above is not None:
            if above == page.id:
                raise Refusal(400, "A page cannot be moved below itself")
            above = self.get(above).parent

    # what hangs on a page

    def add_property(self, author: Account, page: Page, key: Any, value: Any) -> Property:
        """A new content property."""
        if not isinstance(key, str) or not key:
            raise Refusal(400, "Key must be specified")
        if key in page.properties:
            raise Refusal(409, f"A property with key {key} already exists")
        _check_value(value)
        page.properties[key] = Property(self._new_id(), key, value, 1, author, self.now)
        return page.properties[key]

    def set_property(self, author: Account, found: Property, number: Any, value: Any) -> Property:
        """The next version of a property."""
        if number != found.version + 1:
            raise Refusal(409, f"Version must be incremented. Current version is {found.version}, provided {number}")
        _check_value(value)
        found.version, found.value, found.author, found.at = found.version + 1, value, author, self.now
        return found

    def attach(self, author: Account, page: Page, name: str, data: bytes, media_type: str, comment: str) -> Attachment:
        """A new file; an existing name is refused."""
        if not name or FORBIDDEN_IN_NAMES & set(name):
            raise Refusal(400, f"Illegal file name: {name}")
        if name in page.attachments:
            raise Refusal(400, f"Cannot add a new attachment with same file name as an existing attachment: {name}")
        made = Attachment(f"att{self._new_id()}", page.id, name, data, media_type, comment, 1, author, self.now)
        page.attachments[name] = made
        return made

    def replace(self, author: Account, found: Attachment, data: bytes, media_type: str, comment: str) -> Attachment:
        """The next version of a file."""
        found.data, found.media_type, found.comment = data, media_type, comment
        found.version, found.author, found.at = found.version + 1, author, self.now
        return found

    def attachment(self, page: Page, attachment_id: str) -> Attachment:
        """A file of a page by its id, with or without ``att``. Refuses with 404."""
        for found in page.attachments.values():
            if attachment_id.removeprefix("att") == found.id.removeprefix("att"):
                return found
        raise Refusal(404, f"No attachment found with id: {attachment_id}")

    def comment(self, author: Account, page: Page, body: Any) -> Comment:
        """A new footer comment."""
        if not isinstance(body, str) or not body:
            raise Refusal(400, "Body must be specified")
        reason = fault(body)
        if reason:
            raise Refusal(400, reason)
        comment_id = self._new_id()
        made = Comment(comment_id, page.id, rewritten(body, comment_id), author, self.now)
        page.comments.append(made)
        return made

    def label(self, page: Page, names: list[Any]) -> list[str]:
        """Add labels; the page's labels afterwards."""
        for name in names:
            if not isinstance(name, str) or not re.fullmatch(r"[^\s:;,.?&\[\]()#^*!@]{1,255}", name):
                raise Refusal(400, f"Your label contains the following invalid characters: {name}")
        page.labels += [name.lower() for name in dict.fromkeys(names) if name.lower() not in page.labels]
        return page.labels


def _check_value(value: Any) -> None:
    if value is None:
        raise Refusal(400, "Value must be specified")
    if len(json.dumps(value).encode()) > MAX_PROPERTY:
        raise Refusal(413, "The value of the property is too long")


class BehindTheScenes:
    """What tests and tours do behind the interface; both servers have it."""

    space: Space

    def pages(self) -> list[Listed]:
        """The pages that are not in the trash, oldest first."""
        return [
            Listed(
                page.id,
                page.last.title,
                page.last.number,
                page.last.author.name,
                page.last.body,
                page.parent,
                page.status,
            )
            for page in self.space.all("current", "archived")
        ]

    def page(self, page_id: str) -> Page:
        """A page with its versions, properties, attachments, comments and labels."""
        return self.space.get(page_id)

    def edit_as_human(self, page_id: str, change: Callable[[str], str]) -> None:
        """Somebody else saves a new version."""
        page = self.space.get(page_id)
        self.space.update(HUMAN, page, page.last.number + 1, page.last.title, change(page.last.body), None)

    def rename_as_human(self, page_id: str, title: str) -> None:
        """Somebody else gives the page another title."""
        page = self.space.get(page_id)
        self.space.update(HUMAN, page, page.last.number + 1, title, None, None)

    def add_as_human(self, title: str, body: str = "<p>Ours.</p>", parent: str | None = None) -> str:
        """Somebody else's page; its id."""
        return self.space.create(HUMAN, title, body, parent).id

    def archive(self, page_id: str) -> None:
        """Its title stays taken, and it can no longer be updated."""
        self.space.get(page_id).status = "archived"

    def trash(self, page_id: str) -> None:
        """It cannot be read any more, and its title is free."""
        self.space.get(page_id).status = "trashed"
