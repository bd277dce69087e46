"""A small tree of documents with links downwards and a chart each, and what a Confluence server holds of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from pmo_sync.demo.servers import confluence as store
from reports.document import Attachment, Document, Heading, Written
from reports.publishers.storage_mark import plain

PROJECTS = ("crm", "ledger", "pay")


def documents(words: str = "All is well") -> list[Document]:
    """Projects first, then the portfolio that stands above them and links to them."""
    below = [
        Document(f"project/{name}", f"Project {name}", "en", (Heading(1, f"{name}: {words}"),), "portfolio")
        for name in PROJECTS
    ]
    return [*below, Document("portfolio", "Portfolio", "en", (Heading(1, words),))]


def write(document: Document, links: Mapping[str, str]) -> Written:
    """Storage with the document's words, a picture, and for the portfolio the links there are."""
    heading = document.blocks[0]
    assert isinstance(heading, Heading)
    text = f"<h1>{escape(heading.text)}</h1>"
    if document.slot == "portfolio":
        rows = [
            f'<a href="{escape(links[slot])}">{name}</a>' if (slot := f"project/{name}") in links else name
            for name in PROJECTS
        ]
        text += f"<p>{' '.join(rows)}</p>"
    else:
        text += '<ac:image ac:alt="burn-up"><ri:attachment ri:filename="burn-up.png"/></ac:image>'
    content = heading.text.encode()
    picture = Attachment("burn-up.png", "image/png", lambda: b"\x89PNG\r\n\x1a\n" + content, content.hex()[:20])
    return Written(text, () if document.slot == "portfolio" else (picture,))


def held(server: Any) -> dict[str, Any]:
    """What our account's pages are, without the numbers that differ from run to run: ids and versions."""
    pages = [page for page in server.space.all("current", "archived") if page.versions[0].author == store.BOT]
    names = {page.id: page.last.title for page in server.space.all("current", "archived")}
    assert len({page.last.title for page in pages}) == len(pages)
    found = {}
    for page in pages:
        body = plain(page.last.body)
        index = page.properties["pmo-sync"].value
        is_top = page.last.title == "Portfolio"  # holds addresses, so its digest differs from server to server
        if is_top:
            body = re.sub(r'href="[^"]*[/=](\d+)"', lambda link: f'href="{names[link[1]]}"', body)
            body = body.replace(index["digest"], "")
        found[page.last.title] = {
            "body": body,
            "parent": names[page.parent],
            "files": {name: one.data for name, one in page.attachments.items()},
            "slot": index["slot"],
            "digest": "" if is_top else index["digest"],
            "is_confirmed": index["page_version"] == page.last.number and index["page_id"] == page.id,
        }
    return found
