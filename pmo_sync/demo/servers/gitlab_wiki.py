"""The wikis of GitLab projects and groups: pages by slug, each save a commit, and files under random paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pmo_sync.demo.servers.multipart import form
from pmo_sync.demo.servers.wire import Answer, Request

LARGEST = 5 * 1024 * 1024  # bytes of a page
Handler = Callable[[Request, re.Match[str]], Answer]


@dataclass(slots=True)
class WikiPage:
    """One page. ``commits`` counts its saves."""

    slug: str
    title: str
    content: str
    format: str = "markdown"
    commits: int = 1

    def shown(self, *, full: bool) -> dict[str, Any]:
        """As JSON; lists leave the content out."""
        brief = {"format": self.format, "slug": self.slug, "title": self.title}
        return brief | {"content": self.content, "encoding": "UTF-8", "front_matter": {}} if full else brief


class Wikis:
    """The wikis of everything that has one, by its path."""

    def __init__(self) -> None:
        self._pages: dict[str, dict[str, WikiPage]] = {}
        self.files: dict[str, bytes] = {}  # path in its wiki -> content

    def of(self, owner: str) -> dict[str, WikiPage]:
        """The pages of a project or group by slug."""
        return self._pages.setdefault(owner, {})

    def routes(
        self, prefix: str, owner_of: Callable[[str], str], fields: Callable[[Request], Mapping[str, Any]]
    ) -> list[tuple[str, str, Handler]]:
        """What is served below ``prefix``, whose first group names the owner."""

        def listed(request: Request, match: re.Match[str]) -> Answer:
            full = request.first("with_content") in ("1", "true")
            return Answer(200, [page.shown(full=full) for page in self.of(owner_of(match.group(1))).values()])

        def added(request: Request, match: re.Match[str]) -> Answer:
            return self._write(owner_of(match.group(1)), None, fields(request))

        def uploaded(request: Request, match: re.Match[str]) -> Answer:
            owner_of(match.group(1))
            try:
                part = form(request.headers.get("content-type", ""), request.body)["file"]
            except (ValueError, KeyError):
                return Answer(400, {"error": "file is missing"})
            path = f"uploads/{len(self.files) + 1:032x}/{part.file_name}"
            self.files[path] = part.data
            link = {"url": path, "markdown": f"![{part.file_name.rpartition('.')[0]}]({path})"}
            return Answer(201, {"file_name": part.file_name, "file_path": path, "branch": "main", "link": link})

        def page(request: Request, match: re.Match[str]) -> Answer:
            owner, slug = owner_of(match.group(1)), unquote(match.group(2))
            found = self.of(owner).get(slug)
            if found is None:
                return Answer(404, {"message": "404 Wiki Page Not Found"})
            if request.method == "PUT":
                return self._write(owner, found, fields(request))
            if request.method == "DELETE":
                del self.of(owner)[slug]
                return Answer(204)
            return Answer(200, found.shown(full=True))

        one, many = rf"{prefix}/wikis/([^/]+)", f"{prefix}/wikis"
        return [
            ("GET", many, listed),
            ("POST", many, added),
            ("POST", f"{many}/attachments", uploaded),
            *((verb, one, page) for verb in ("GET", "PUT", "DELETE")),
        ]

    def _write(self, owner: str, page: WikiPage | None, sent: Mapping[str, Any]) -> Answer:
        """Create (``page`` None) or change a page; a title moves it to another slug."""
        pages = self.of(owner)
        title, content = sent.get("title"), sent.get("content")
        if page is None and (not title or content is None):
            return Answer(400, {"error": "content is missing" if title else "title is missing"})
        if len(str(content or "").encode()) > LARGEST:
            return Answer(422, {"message": "Content is too long (6 MB). The maximum size is 5 MB."})
        title = title or (page.title if page else "")
        slug = str(title).strip().replace(" ", "-")
        if slug in pages and pages[slug] is not page:
            return Answer(422, {"message": "Duplicate page: A page with that title already exists"})
        if page is None:
            pages[slug] = WikiPage(slug, str(title), str(content), str(sent.get("format", "markdown")))
            return Answer(201, pages[slug].shown(full=True))
        del pages[page.slug]
        page.slug, page.title = slug, str(title)
        page.content = page.content if content is None else str(content)
        page.commits += 1
        pages[slug] = page
        return Answer(200, page.shown(full=True))
