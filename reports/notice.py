"""A document cut down to what a comment holds: its one sentence, and where to read on."""

from __future__ import annotations

from dataclasses import replace

from reports.document import Document, Link, Paragraph, Text


def notice(document: Document, link: str) -> Document:
    """Summary, and the title as a link to the page at ``link``; without a link the title stays plain text."""
    where = Link(document.title, url=link) if link else Text(document.title)
    blocks = (Paragraph(document.summary),) if document.summary else ()
    return replace(document, blocks=(*blocks, Paragraph((where,))), parent=None)
