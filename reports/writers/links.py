"""Where a link may point: an address of a web page, or another of our documents."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from reports.document import Link, printable


def address(link: Link, links: Mapping[str, str]) -> str:
    """The address of a link, safe to write between quotes, brackets and bars; empty: show the text alone.

    Trackers' addresses count only as http(s), so that no ``javascript:`` gets in.
    """
    if link.slot:
        return _quoted(links.get(link.slot, ""))
    try:
        parts = urlsplit(link.url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # a bracket where no IPv6 address is
        return ""
    return _quoted(link.url) if usable else ""


def _quoted(url: str) -> str:
    """Everything that could end an address in XML, markdown or wiki markup becomes a percent code."""
    return quote(printable(url), safe="/:?#@&=+$,;%~._-")
