"""Pages in Confluence, Cloud and Data Center.

**Whose page.** Ids bind, titles do not. A page is ours if its body carries our mark for the slot and our account made
it, or if its content property ``pmo-sync`` names the slot and the page's own id (a copy of a page carries a foreign id
and stays its copier's). Anything else is never written to, whatever its title.

**Finding.** The remembered id, else the children of the configured parent are walked and their marks read (pages below
ours only when they are wanted), else the title is looked up in the space. So a page is found again after local state
was lost, after somebody renamed it, and, by title, after somebody moved it. CQL is not used: its index lags.

**Who edited.** The property holds version, digest and the fingerprint of the body as Confluence stored it after our
last write. A newer version with the same fingerprint is no edit, whoever made it: a new title, a move, or our text
restored from the page history, which is how a conflict is resolved by hand. A newer version by our account with
another digest is a write of ours that died before it was confirmed. Everything else is somebody's edit; also one made
with our account's own password, because it leaves the digest of our text above a body that is not our text.

**Attachments** are uploaded before the body that uses them. A new page has to exist first: its mark says
``incomplete`` until they are there, so an interrupted run is taken up again. Their digest is in the comment.

A title given by a human is kept. A page is never moved, nor deleted: where the place has another parent since it was
published, the pipeline says so once, and a human moves it or not.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from html import escape
from typing import Any, Final, TypeVar
from xml.etree import ElementTree as ET

from pmo_sync.clients.confluence import ConfluenceClient, MissingError, Page, Property, Space, TitleTakenError, connect
from pmo_sync.clock import Clock
from pmo_sync.config import PlaceConfig
from pmo_sync.errors import AccessError, ConfigError, ConflictError, PmoSyncError, UncertainWriteError
from pmo_sync.http.network import Network
from reports.document import Attachment
from reports.publish import SETTLE, Item, Known, Remote, TakenError, Traits, Writer, fingerprint
from reports.publishers.storage_mark import mark, plain, read
from reports.writers import storage

KEY: Final = "pmo-sync"
INCOMPLETE: Final = "incomplete"
LARGEST: Final = 400_000  # bytes; larger bodies are refused or break the editor long before any documented limit
PATIENCE: Final = (0.5, 1.0, 2.0, 4.0)  # seconds; a page just created may answer 404 for a moment
_FORBIDDEN: Final = re.compile(r'[\\/":?*|<>\x00-\x1f]')
T = TypeVar("T")


def open_place(place: PlaceConfig, network: Network) -> tuple[ConfluencePublisher, Writer]:
    """See ``reports.publishers.open_place``."""
    if place.server is None:
        raise ConfigError([f"place.{place.name}.url: missing"])
    client = connect(place.server, network)
    pages = ConfluencePublisher(
        place.name,
        client,
        network.clock,
        space=place.space or "",
        parent=place.parent,
        title_prefix=place.title_prefix,
    )
    return pages, storage.write


class ConfluencePublisher:
    """Pages of one space, below one page. ``parent`` None: below the space's home page."""

    slots = None
    traits = Traits(version_lock=True, attachments=True, quiet_update=True, tree=True)

    def __init__(
        self,
        name: str,
        client: ConfluenceClient,
        clock: Clock,
        *,
        space: str,
        parent: str | None,
        title_prefix: str = "",
    ) -> None:
        self.name = name
        self.title_prefix = title_prefix
        self._client = client
        self._clock = clock
        self._space_key = space
        self._parent = parent
        self._place: tuple[str, Space, str] | None = None  # account, space, root page
        self._ids: dict[str, str] = {}  # slot -> page
        self._fresh: dict[str, list[Page]] = {}  # slot -> pages with its mark, read in the walk, not asked for yet
        self._unmarked: list[Page] = []  # made by us, but without a mark
        self._unwalked: deque[str] | None = None  # pages whose children were not looked at yet
        self._properties: dict[str, Property | None] = {}
        self._titles: dict[str, str | None] = {}  # page -> fingerprint of the title we gave it
        self._created: set[str] = set()

    def check(self) -> str:
        """Account, space and root page, and the right to make pages there."""
        me, space, root = self._where()
        page = self._client.page(root)
        if page is None:
            raise MissingError(f"{self.name}: no page {root} for this account; check parent of place.{self.name}")
        may = self._client.may_write(space, root)
        if may is False:
            raise AccessError(
                f"{self.name}: {me} may read space {space.key} but not add pages to it; ask an administrator of the "
                "space for the permission Pages: Add (and Attachments: Add, Comments: Add), or use another account"
            )
        told = "pages can be added" if may else "whether pages can be added, this server does not tell"
        return f"space {space.key} as {me}: {told}; below {page.title!r}"

    def refuse(self, item: Item) -> str:
        """Too large, not well-formed (Confluence would refuse the whole page), or an impossible file name."""
        size = len(item.text.encode("utf-8", "replace"))
        if size > LARGEST:
            return f"the page would have {size:,} bytes, more than {LARGEST:,}; this is a fault of pmo-sync, please report it"
        try:
            ET.fromstring(  # noqa: S314 - our own text, without a document type
                f'<r xmlns:ac="ac" xmlns:ri="ri">{item.text}</r>'
            )
        except (ET.ParseError, ValueError) as error:
            return f"the page is not well-formed XML ({error}); this is a fault of pmo-sync, please report it"
        bad = next((one.name for one in item.attachments if _FORBIDDEN.search(one.name)), None)
        return "" if bad is None else f"Confluence does not take an attachment called {bad!r}"

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        """The page of ``slot``; None if there is none, or it is archived or in the trash."""
        page = (
            self._by_id(slot, hint)
            or self._just_read(slot)
            or self._by_id(slot, self._ids.get(slot))
            or self._by_walking(slot)
            or self._by_title(slot, title)
        )
        if page is None:
            return None
        if page.subtype == "live":
            raise PmoSyncError(
                f"{page.url} was made a live document, which cannot be published to; make it a page again"
            )
        self._ids[slot] = page.id
        return self._remote(slot, page)

    def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        """See the module's text for the order of things."""
        try:
            return self._write(item, digest, expected)
        except TitleTakenError as error:
            raise TakenError(
                f"{self.name}: another page of space {self._space_key} is called {item.title!r} (perhaps an archived "
                f"one); set title_prefix of place.{self.name}, or rename or move that page ({error})"
            ) from error

    def confirm(self, slot: str, remote: Remote) -> None:
        """The content property."""
        old = self._property(remote.id)
        value = {
            "slot": slot,
            "page_id": remote.id,
            "page_version": remote.version,
            "digest": remote.digest,
            "fingerprint": remote.fingerprint,
        }
        try:
            self._patiently(remote.id, lambda: self._client.set_property(remote.id, KEY, value, old))
        except (ConflictError, UncertainWriteError):  # it lags behind its page, or the answer was lost
            old = self._client.content_property(remote.id, KEY)
            if old is None or old.value != value:
                self._client.set_property(remote.id, KEY, value, old)
        finally:
            self._properties.pop(remote.id, None)

    def remark(self, slot: str, remote: Remote, text: str) -> None:
        """A footer comment; its reference, made of what we last confirmed, keeps it single per conflict."""
        since = remote.known.version if remote.known else 0
        reference = f"pmo-sync {fingerprint(f'{slot} {since}')}"
        if not any(reference in body for body in self._client.comments(remote.id)):
            self._client.add_comment(remote.id, f"<p>{escape(text)}</p><p><em>{reference}</em></p>")

    def readable(self, text: str) -> str:
        """One element per line, without Confluence's own ids."""
        return plain(text)

    def _where(self) -> tuple[str, Space, str]:
        if self._place is None:
            me, space = self._client.me(), self._client.space(self._space_key)
            root = self._parent or space.home
            if not root:
                raise PmoSyncError(
                    f"{self.name}: space {self._space_key} has no home page; set parent of place.{self.name} to a page's id"
                )
            self._place = me, space, root
        return self._place

    # --- finding ---

    def _by_id(self, slot: str, page_id: str | None) -> Page | None:
        if page_id is None:
            return None
        page = self._client.page(page_id)
        for wait in PATIENCE:
            if page is not None or page_id not in self._created:
                break
            self._clock.sleep(wait)
            page = self._client.page(page_id)
        if page is None or page.status != "current":
            return None
        return page if read(page.body).slot == slot or self._is_indexed(slot, page) else None

    def _by_title(self, slot: str, title: str) -> Page | None:
        page = self._client.titled(self._where()[1], title)
        return page if page is not None and page.status == "current" and self._is_ours(slot, page) else None

    def _just_read(self, slot: str) -> Page | None:
        """From the pages the walk has met; the page our index names before one that only carries the mark."""
        pages = self._fresh.pop(slot, [])
        ours = [page for page in pages if self._is_ours(slot, page)]
        return next((page for page in ours if self._is_indexed(slot, page)), ours[0] if ours else None)

    def _by_walking(self, slot: str) -> Page | None:
        """From the pages below the root: the next level is read when those above do not hold the slot."""
        if self._unwalked is None:
            self._unwalked = deque([self._where()[2]])
        while self._unwalked:
            self._look_below(self._unwalked.popleft(), self._unwalked)
            if (page := self._just_read(slot)) is not None:
                return page
        return next((page for page in self._unmarked if self._is_indexed(slot, page)), None)

    def _look_below(self, page_id: str, unwalked: deque[str]) -> None:
        for page in self._client.children(page_id):
            if page.status != "current":
                continue
            slot = read(page.body).slot
            if slot is not None:
                self._fresh.setdefault(slot, []).append(page)
            elif page.creator == self._where()[0]:
                self._unmarked.append(page)
            else:
                continue
            unwalked.append(page.id)

    def _is_ours(self, slot: str, page: Page) -> bool:
        if self._is_indexed(slot, page):
            return True
        return read(page.body).slot == slot and page.creator == self._where()[0]

    def _is_indexed(self, slot: str, page: Page) -> bool:
        found = self._property(page.id)
        value = found.value if found is not None else None
        return isinstance(value, dict) and value.get("slot") == slot and str(value.get("page_id")) == page.id

    def _property(self, page_id: str) -> Property | None:
        if page_id not in self._properties:
            self._properties[page_id] = self._client.content_property(page_id, KEY)
        return self._properties[page_id]

    def _remote(self, slot: str, page: Page) -> Remote:
        marked = read(page.body)
        found = self._property(page.id)
        self._titles[page.id] = marked.title
        return Remote(
            id=page.id,
            version=page.version,
            url=page.url,
            title=page.title,
            text=plain(marked.text),
            digest=marked.digest if marked.slot == slot else None,
            by_us=page.editor == self._where()[0],
            known=_known(found.value if found is not None else None, slot, page.id),
        )

    # --- writing ---

    def _write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        body = mark(item.text, item.slot, digest, item.title)
        if expected is None:
            first = mark(item.text, item.slot, INCOMPLETE, item.title) if item.attachments else body
            page = self._create(item, first)
            if not item.attachments:
                return self._written(item, page, digest)
            page_id, version, title = page.id, page.version, item.title
        else:
            page_id, version, title = expected.id, expected.version, self._title(item, expected)
        self._attach(page_id, item.attachments)
        page = self._patiently(
            page_id, lambda: self._client.update(page_id, version, title, body, quiet=item.quiet or expected is None)
        )
        return self._written(item, page, digest)

    def _create(self, item: Item, body: str) -> Page:
        _, space, root = self._where()
        above = self._above(item.parent) or root
        page = self._client.create(space, above, item.title, body)
        self._created.add(page.id)
        self._ids[item.slot] = page.id
        return page

    def _above(self, parent: str | None) -> str | None:
        if parent is None:
            return None
        if parent not in self._ids and (page := self._by_walking(parent)) is not None:
            self._ids[parent] = page.id
        return self._ids.get(parent)

    def _title(self, item: Item, expected: Remote) -> str:
        """Ours, unless a human renamed the page since we named it."""
        is_ours = self._titles.get(expected.id) in (None, fingerprint(expected.title))
        return item.title if is_ours else expected.title

    def _attach(self, page_id: str, attachments: tuple[Attachment, ...]) -> None:
        if not attachments:
            return
        there = {one.name: one for one in self._patiently(page_id, lambda: list(self._client.files(page_id)))}
        for one in attachments:
            comment, old = f"pmo-sync:{one.digest}", there.get(one.name)
            if old is not None and old.comment == comment:
                continue
            try:
                self._client.upload(page_id, old, one.name, one.media_type, one.content, comment)
            except (
                UncertainWriteError
            ):  # Cloud may answer 503 and leave a damaged file: give that one its content again
                self._clock.sleep(SETTLE)
                old = next((file for file in self._client.files(page_id) if file.name == one.name), None)
                self._client.upload(page_id, old, one.name, one.media_type, one.content, comment)

    def _written(self, item: Item, page: Page, digest: str) -> Remote:
        return Remote(page.id, page.version, page.url, page.title, plain(item.text), digest, by_us=True)

    def _patiently(self, page_id: str, call: Callable[[], T]) -> T:
        """404 is not believed for a moment where we have just created the page."""
        for wait in PATIENCE:
            try:
                return call()
            except MissingError:
                if page_id not in self._created:
                    raise
                self._clock.sleep(wait)
        return call()


def _known(value: Any, slot: str, page_id: str) -> Known | None:
    match value:
        case {
            "slot": str(of),
            "page_id": str(page),
            "page_version": int(version),
            "digest": str(digest),
            "fingerprint": str(text),
        }:
            return Known(version, digest, text) if (of, page) == (slot, page_id) else None
    return None
