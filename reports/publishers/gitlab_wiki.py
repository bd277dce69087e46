"""Pages in the wiki of a GitLab project (all tiers) or group (Premium).

**Whose page.** A page is ours if the mark at its end names our folder and the slot, or the small line above where somebody removed the
mark. Its slug binds: the remembered one, else the one a new page would get, else whichever page of the wiki carries the
mark (so a renamed page is found again; of copies the one below our folder). GitLab tells neither who edited a page nor a version, and locks nothing: as for notes the mark's
fingerprint decides, and ``reports.publish`` reads again just before it writes. A title is given once, for a new title
would move the page to another slug; the heading in the text is always the newest.

**Pictures.** Each upload is a commit and gets a new random path, so a picture named by its content that the page already
shows is not uploaded again. Old ones stay in the wiki's repository: nothing is deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Protocol
from urllib.parse import quote

from pmo_sync.clients.gitlab import GitlabClient, RefusedError
from pmo_sync.config import PlaceConfig
from pmo_sync.errors import AccessError, ConfigError, PmoSyncError
from pmo_sync.http.network import Network
from reports.document import Attachment
from reports.naming import file_name
from reports.publish import Item, Remote, TakenError, Traits, Writer
from reports.publishers import gitlab_scope
from reports.publishers.marker import footer, mark, read
from reports.writers import gitlab_markdown

LARGEST: Final = 5_000_000  # bytes; an administrator may allow less or more
LONGEST: Final = 200  # bytes of a title; GitLab takes 245 with the ending of its file
DEVELOPER: Final = 30  # the lowest role that may write a project's wiki
_UPLOADED: Final = re.compile(r"uploads/[0-9a-f]+/(?=[\w.-]+\))")
Json = dict[str, Any]


class Wiki(Protocol):
    """What is used of ``pmo_sync.clients.gitlab.GitlabClient``; ``owner`` is ``projects/ID`` or ``groups/ID``."""

    def me(self) -> Json: ...
    def token(self) -> Json | None: ...
    def get(self, path: str) -> Json: ...
    def wiki_pages(self, owner: str, *, full: bool = True) -> Iterator[Json]: ...
    def wiki_page(self, owner: str, slug: str) -> Json | None: ...
    def add_wiki_page(self, owner: str, title: str, content: str) -> Json: ...
    def edit_wiki_page(self, owner: str, slug: str, content: str) -> Json: ...
    def add_wiki_file(self, owner: str, name: str, media_type: str, content: bytes) -> str: ...


def open_place(place: PlaceConfig, network: Network) -> tuple[GitlabWikiPublisher, Writer]:
    """See ``reports.publishers.open_place``."""
    if place.server is None or place.wiki is None:
        raise ConfigError([f"place.{place.name}.url: missing"])
    pages = GitlabWikiPublisher(
        place.name,
        GitlabClient(place.server, network),
        url=place.server.url,
        wiki=place.wiki,
        folder=place.parent or "",
        title_prefix=place.title_prefix,
    )
    return pages, gitlab_markdown.write_page


class GitlabWikiPublisher:
    """Pages of one wiki, all in one folder of it. ``wiki`` is ``projects/group/app`` or ``groups/group``."""

    slots = None
    traits = Traits(version_lock=False, attachments=True, quiet_update=True, tree=False)

    def __init__(
        self, name: str, client: Wiki, *, url: str, wiki: str, folder: str = "", title_prefix: str = ""
    ) -> None:
        self.name = name
        self.title_prefix = title_prefix
        self._client = client
        self._kind, _, self._path = wiki.partition("/")
        self._owner = f"{self._kind}/{quote(self._path, safe='')}"
        where = self._path if self._kind == "projects" else f"groups/{self._path}"
        self._url = f"{url}/{quote(where)}/-/wikis"
        self._folder = f"{folder.strip('/')}/" if folder.strip("/") else ""
        self._marked: dict[str, list[str]] | None = None  # slot -> slugs, as the whole wiki was read last

    def check(self) -> str:
        """The account, the token's scope, and whether there is a wiki that it may write."""
        me = str(self._client.me().get("username"))
        if lacks := gitlab_scope.missing(self.name, self._client, me):
            raise AccessError(lacks)
        about = self._client.get(f"/{self._owner}")
        if about.get("archived"):
            raise AccessError(f"{self.name}: {self._path} is archived, nobody can write its wiki; name another project")
        if about.get("wiki_access_level") == "disabled":
            raise AccessError(
                f"{self.name}: the wiki of {self._path} is switched off; switch it on in its settings (General, "
                "Visibility), or name another project"
            )
        access = about.get("permissions") or {}
        levels = [(access.get(one) or {}).get("access_level") or 0 for one in ("project_access", "group_access")]
        if any(levels) and max(levels) < DEVELOPER:
            raise AccessError(
                f"{self.name}: user {me} may not write the wiki of {self._path}; give it the role Developer there"
            )
        try:
            pages = sum(1 for _ in self._client.wiki_pages(self._owner, full=False))
        except AccessError as error:
            raise AccessError(
                f"{self.name}: the wiki of {self._path} cannot be read ({error}); wikis of groups need GitLab Premium"
            ) from error
        return f"wiki of {self._path} as user {me}: {pages} pages; ours go to {self._folder or 'its top'}"

    def refuse(self, item: Item) -> str:
        """Too large."""
        size = len(item.text.encode("utf-8", "replace"))
        return f"the page would have {size:,} bytes, more than {LARGEST:,}" if size > LARGEST else ""

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        """The page of ``slot``; None if there is none."""
        mine = self._mark_of(slot)
        for slug in dict.fromkeys(one for one in (hint, _slug(self._title(slot, title))) if one is not None):
            page = self._client.wiki_page(self._owner, slug)
            if page is None or _slot(page) not in (None, mine):
                continue
            if slug == hint or _slot(page) == mine or footer(mine) in _text(page):
                return self._remote(slot, page)
        for slug in self._elsewhere(mine):
            page = self._client.wiki_page(self._owner, slug)
            if page is not None and _slot(page) == mine:
                return self._remote(slot, page)
        return None

    def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        """Pictures the page does not show yet, then title, text and mark in one call."""
        before = None if expected is None else self._client.wiki_page(self._owner, expected.id)
        text = self._illustrated(item, _text(before or {})).rstrip()
        mine = self._mark_of(item.slot)
        body = mark(f"{text}\n\n{footer(mine)}", mine, digest)
        if expected is not None:
            return self._remote(item.slot, self._client.edit_wiki_page(self._owner, expected.id, body))
        title = self._title(item.slot, item.title)
        try:
            if self._client.wiki_page(self._owner, _slug(title)) is None:
                return self._remote(item.slot, self._client.add_wiki_page(self._owner, title, body))
        except RefusedError:
            if self._client.wiki_page(self._owner, _slug(title)) is None:
                raise
        raise TakenError(
            f"{self.name}: another page of the wiki is called {title!r}; rename it, or set parent or title_prefix of "
            f"[place.{self.name}]"
        )

    def confirm(self, slot: str, remote: Remote) -> None:
        """Nothing to record: the mark says everything."""

    def remark(self, slot: str, remote: Remote, text: str) -> None:
        """Not every version takes comments on pages; the run's report says it."""

    def readable(self, text: str) -> str:
        """As it is sent, pictures by their names alone."""
        return _UPLOADED.sub("", _sendable(text)).strip()

    def _mark_of(self, slot: str) -> str:
        """What the mark names: the slot in this folder, for two places may share a wiki."""
        return self._folder + slot

    def _title(self, slot: str, title: str) -> str:
        """Of a new page, with the folder. A slash would make a folder, a dot at either end hides a file."""
        plain = re.sub(r"[/\\]+", " ", _sendable(title)).strip(" .-") or file_name(slot)
        return self._folder + plain.encode()[:LONGEST].decode(errors="ignore").rstrip()

    def _elsewhere(self, mine: str) -> list[str]:
        """Where else in the wiki that mark is; the whole of it is read once."""
        if self._marked is None:
            self._marked = {}
            for page in self._client.wiki_pages(self._owner):
                if (found := _slot(page)) is not None:
                    self._marked.setdefault(found, []).append(str(page["slug"]))
        return sorted(self._marked.get(mine, ()), key=lambda slug: (not slug.startswith(_slug(self._folder)), slug))

    def _illustrated(self, item: Item, before: str) -> str:
        """The text with every picture's path in the wiki."""
        text = _sendable(item.text)
        for one in item.attachments:
            name = _named(one)
            shown = re.search(rf"uploads/[0-9a-f]+/{re.escape(name)}(?=\))", before)
            path = shown[0] if shown else self._client.add_wiki_file(self._owner, name, one.media_type, one.content)
            text = text.replace(f"]({one.name})", f"]({path})")
        return text

    def _remote(self, slot: str, page: Json) -> Remote:
        marked = read(_text(page))
        slug = str(page.get("slug") or "")
        if not slug:
            raise PmoSyncError(f"{self.name}: a page of the wiki of {self._path} has no slug; is this a GitLab server?")
        return Remote(
            id=slug,
            version=0,
            url=f"{self._url}/{quote(slug)}",
            title=str(page.get("title") or ""),
            text=self.readable(marked.text.replace(footer(self._mark_of(slot)), "")),
            digest=marked.digest if marked.slot == self._mark_of(slot) else None,
            by_us=marked.is_intact,
        )


def _slot(page: Json) -> str | None:
    return read(_text(page)).slot


def _text(page: Json) -> str:
    return str(page.get("content") or "")


def _named(one: Attachment) -> str:
    """Its name in the wiki: with its digest, so that an old picture is never taken for a new one."""
    stem, dot, ending = one.name.rpartition(".")
    return one.name if one.digest in one.name else f"{stem}-{one.digest}{dot}{ending}"


def _slug(title: str) -> str:
    """The address that GitLab gives a page."""
    return title.replace(" ", "-")


def _sendable(text: str) -> str:
    """Half surrogate pairs replaced."""
    return text.encode("utf-8", "replace").decode()
