"""The wikis of GitLab projects: pages by slug, each save a commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pmo_sync.demo.servers.wire import Answer


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
    """Every project's wiki."""

    def __init__(self) -> None:
        self._pages: dict[str, dict[str, WikiPage]] = {}

    def of(self, project: str) -> dict[str, WikiPage]:
        """The pages of a project by slug."""
        return self._pages.setdefault(project, {})

    def write(self, project: str, page: WikiPage | None, sent: Mapping[str, Any]) -> Answer:
        """Create (``page`` None) or change a page; a title moves it to another slug."""
        pages = self.of(project)
        title, content = sent.get("title"), sent.get("content")
        if page is None and (not title or content is None):
            return Answer(400, {"error": "content is missing" if title else "title is missing"})
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
