"""The mark inside a Confluence page: a hidden page-properties macro with slot, digest and the fingerprint of our title.

Confluence rewrites storage on save (ids appear, attributes change places, cells get paragraphs), so the mark is read
tolerantly, and a body is only ever compared in the form `plain` gives, with what Confluence itself had stored before.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from reports.publish import fingerprint

_NAME: Final = "pmo-sync"
_CDATA: Final = re.compile(r"<!\[CDATA\[.*?\]\]>", re.DOTALL)
_DETAILS: Final = re.compile(
    r"<ac:structured-macro\b[^>]*?\bac:name=\"details\"[^>]*>(?:(?!</?ac:structured-macro\b).)*</ac:structured-macro>",
    re.DOTALL,
)
_IS_OURS: Final = re.compile(rf"<ac:parameter\b[^>]*?\bac:name=\"id\"[^>]*>\s*{_NAME}\s*</ac:parameter>")
_ROW: Final = re.compile(r"<tr\b[^>]*>(.*?)</tr>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")
# What Confluence adds by itself: hunyadi/md2conf's list of what may differ between two equal bodies.
_VOLATILE: Final = re.compile(
    r"\s(?:ac:macro-id|ac:local-id|local-id|data-local-id|ri:version-at-save|ac:schema-version)=\"[^\"]*\""
)
_TASK_ID: Final = re.compile(r"<ac:task-uuid>.*?</ac:task-uuid>", re.DOTALL)


class Marked(NamedTuple):
    """A body and what its mark says."""

    text: str  # without the mark
    slot: str | None  # None: there is no mark
    digest: str | None
    title: str | None  # fingerprint of the title we would give the page: it differs where a human renamed it


def mark(text: str, slot: str, digest: str, title: str) -> str:
    """``text`` with its mark: at the end, inside the last cell where the page is laid out in cells."""
    macro = (
        '<ac:structured-macro ac:name="details" ac:schema-version="1">'
        '<ac:parameter ac:name="hidden">true</ac:parameter>'
        f'<ac:parameter ac:name="id">{_NAME}</ac:parameter>'
        "<ac:rich-text-body><table><tbody>"
        f"<tr><th>slot</th><td>{quote(slot, safe='/')}</td></tr>"
        f"<tr><th>digest</th><td>{digest}</td></tr>"
        f"<tr><th>title</th><td>{fingerprint(title)}</td></tr>"
        "</tbody></table></ac:rich-text-body></ac:structured-macro>"
    )
    cell = text.rfind("</ac:layout-cell>")
    if cell < 0 or not text.rstrip().endswith("</ac:layout>"):
        return text + macro
    return text[:cell] + macro + text[cell:]


def read(body: str) -> Marked:
    """Take ``body`` apart. What stands in CDATA is somebody's text, never a mark; of several the last one counts."""
    blank = _CDATA.sub(lambda found: " " * len(found[0]), body)
    for found in reversed(list(_DETAILS.finditer(blank))):
        if not _IS_OURS.search(found[0]):
            continue
        cells = [_TAG.sub(" ", row).split() for row in _ROW.findall(found[0])]
        entries = {cell[0]: cell[1] for cell in cells if len(cell) == 2}
        if "slot" in entries:
            text = body[: found.start()] + body[found.end() :]
            return Marked(text, unquote(entries["slot"]), entries.get("digest"), entries.get("title"))
    return Marked(body, None, None, None)


def plain(text: str) -> str:
    """Without what Confluence adds by itself, one element per line."""
    return re.sub(r">\s*<", ">\n<", _TASK_ID.sub("", _VOLATILE.sub("", text))).strip()
