"""The mark inside texts that a place keeps as they were sent: an HTML comment at their end.

``<!-- pmo-sync:project/pay DIGEST FINGERPRINT -->``: which slot, the digest of what was published, and the fingerprint
of the text around it. The fingerprint tells our own text from an edited one without any memory of it.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from reports.publish import fingerprint

_MARK: Final = re.compile(r"\n*<!-- pmo-sync:(\S+) ([0-9a-f]{20}) ([0-9a-f]{20}) -->")


class Marked(NamedTuple):
    """A text and what its mark says about it."""

    text: str  # without the mark
    slot: str | None  # None: there is no mark
    digest: str | None
    is_intact: bool  # the text is still the one the mark was made for


def mark(text: str, slot: str, digest: str) -> str:
    """``text`` with its mark."""
    return f"{text.rstrip()}\n\n<!-- pmo-sync:{quote(slot, safe='/')} {digest} {fingerprint(text)} -->\n"


def footer(slot: str) -> str:
    """A small visible line that finds a text again whose mark somebody removed."""
    return f"<sub>pmo-sync `{quote(slot, safe='/')}`</sub>"


def read(body: str) -> Marked:
    """Take ``body`` apart. Of several marks the last one counts: ours stands at the end."""
    found = None
    for found in _MARK.finditer(body):  # noqa: B007 - the last one
        pass
    if found is None:
        return Marked(body, None, None, is_intact=False)
    text = body[: found.start()] + body[found.end() :]
    return Marked(text, unquote(found[1]), found[2], fingerprint(text) == found[3])
