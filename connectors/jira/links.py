"""What a link means: its direction from its words, and the issue behind a web address. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from connectors.jira.wire import Item

# "this issue <words> that issue"; the two directions of Jira's own type and of those that public sites use
BLOCKS: Final = frozenset({
    "blocks", "is required by", "required by", "is depended on by", "is depended upon by", "is a dependency of",
    "is a prerequisite of", "has to be done before", "gates", "is needed by",
})  # fmt: skip
BLOCKED_BY: Final = frozenset({
    "is blocked by", "blocked by", "requires", "depends on", "depends upon", "is dependent on", "has to be done after",
    "is gated by", "needs",
})  # fmt: skip

# an issue's page in Jira, GitLab (issues and work items), GitHub or Gitea
_ISSUE_PAGE: Final = (
    re.compile(r"/browse/(?P<key>[A-Z][A-Z0-9_]+-\d+)/?$"),
    re.compile(r"^/(?P<project>.+?)/-/(?:issues|work_items|epics)/(?P<number>\d+)/?$"),
    re.compile(r"^/(?P<project>[^/]+/[^/]+)/issues/(?P<number>\d+)/?$"),
)


def direction(words: str, type_name: str | None = None, *, is_inward: bool = False) -> str:
    """``blocks``, ``blocked_by`` or ``relates``: by the words; by the type's name where they are another language's."""
    plain = words.strip().lower()
    if plain in BLOCKS:
        return "blocks"
    if plain in BLOCKED_BY:
        return "blocked_by"
    if type_name and type_name.strip().lower() in ("blocks", "blocker"):
        return "blocked_by" if is_inward else "blocks"
    return "relates"


_KEY: Final = re.compile(r"[A-Z][A-Z0-9_]+-\d+$")


def phrase(sentence: str | None, key: str) -> str:
    """``is blocked by`` out of ``This issue is blocked by PAY-7``."""
    words = (sentence or "").removesuffix(key).strip()
    return _KEY.sub("", words).strip().removeprefix("This issue").strip()


def issue_page(url: str) -> str | None:
    """The key of the issue whose page this is (``PAY-7``, ``group/app#7``); None for any other page."""
    path = unquote(urlsplit(url).path)
    for pattern in _ISSUE_PAGE:
        found = pattern.search(path)
        if found:
            parts = found.groupdict()
            return parts["key"] if "key" in parts else f"{parts['project']}#{parts['number']}"
    return None


def remote_links(
    remote: Sequence[Mapping[str, Any]], changes: Sequence[tuple[datetime, Item]], born: datetime
) -> list[tuple[str, str, str, datetime]]:
    """(field, address, key, since) of the remote links that lead to issues; one each."""
    since = {str(item.new): at for at, item in changes if item.new}
    found: dict[tuple[str, str], tuple[str, str, str, datetime]] = {}
    for link in remote:
        url = str((link.get("object") or {}).get("url") or "")
        key = issue_page(url) if url.startswith(("https://", "http://")) else None
        if key is not None:
            name = direction(str(link.get("relationship") or ""))
            started = max(born, since.get(str(link.get("id")), born))
            known = found.get((name, url))
            found[name, url] = (name, url, key, min(started, known[3]) if known else started)
    return list(found.values())
