"""Document -> Jira wiki markup for comments, on Cloud (API v2) and Data Center alike.

No macro is ever written, so a comment cut short leaves none open; every sign of the markup in a text is escaped. The
backslash has no escape (two of them break the line), so its wide twin stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from reports import theme
from reports.document import (
    Block,
    Chart,
    Columns,
    Document,
    Expand,
    Figures,
    Heading,
    Inline,
    Items,
    Line,
    Link,
    Note,
    Paragraph,
    Properties,
    Status,
    Table,
    Text,
    Written,
    edged,
    printable,
)
from reports.writers.blocks import BlockWriter
from reports.writers.links import address

MOST: Final = 30_000  # characters: Jira's own limit is 32,767 where nobody changed it
_JOINER: Final = "\u2060"
_SPECIAL: Final = re.compile(r"([{}\[\]*_!|~^+\-?@#:();])")
_OPENING: Final = re.compile(r"(?i)(h[1-6]|bq)\.")


def write(document: Document, links: Mapping[str, str]) -> Written:
    """The document as wiki markup of less than 30,000 characters; what does not fit is left out, from the end."""
    writer = _Writer(links)
    kept, size = [f"h3. {escaped(document.title)}"], 100 + len(document.title) * 2
    for text in writer.lines(document.blocks):
        size += len(text) + 1
        if size >= MOST:
            kept.append("…")
            break
        kept.append(text)
    return Written("\n".join(kept) + "\n")


def escaped(text: str) -> str:
    """Text that shows as it is and means nothing."""
    plain = printable(text).replace("\\", "\N{FULLWIDTH REVERSE SOLIDUS}")
    made = _SPECIAL.sub(r"\\\1", plain)
    return f"{_JOINER}{made}" if _OPENING.match(plain) else made


class _Writer(BlockWriter):
    def lines(self, blocks: Iterable[Block]) -> Iterator[str]:
        for block in blocks:
            yield from self.method(block)(block)

    def heading(self, block: Heading) -> Iterator[str]:
        yield ""
        yield f"h{block.level + 2}. {escaped(block.text)}"

    def paragraph(self, block: Paragraph) -> Iterator[str]:
        yield ""
        yield self.line(block.line)

    def items(self, block: Items) -> Iterator[str]:
        yield ""
        for one in block.lines:
            yield f"* {self.line(one)}"

    def table(self, block: Table) -> Iterator[str]:
        yield ""
        if block.caption:
            yield f"*{escaped(block.caption)}*"
        yield "||" + "||".join(escaped(column.name) or " " for column in block.columns) + "||"
        for row in block.rows:
            yield "|" + "|".join(self.line(cell) or " " for cell in row) + "|"

    def figures(self, block: Figures) -> Iterator[str]:
        yield ""
        for one in block.figures:
            yield f"* *{escaped(one.value)}* {self.line((one.label,))}" + (
                f" · {escaped(one.note)}" if one.note else ""
            )

    def properties(self, block: Properties) -> Iterator[str]:
        yield ""
        for name, value in block.rows:
            yield f"||{escaped(name)}|{self.line(value) or ' '}|"

    def chart(self, block: Chart) -> Iterator[str]:
        yield ""
        yield f"*{escaped(block.title)}*"

    def note(self, block: Note) -> Iterator[str]:
        yield from self.lines(block.blocks)

    def expand(self, block: Expand) -> Iterator[str]:
        yield ""
        yield f"*{escaped(block.title)}*"
        yield from self.lines(block.blocks)

    def columns(self, block: Columns) -> Iterator[str]:
        for column in block.columns:
            yield from self.lines(column)

    def line(self, line: Line) -> str:
        return "".join(self._inline(one) for one in line).strip()

    def _inline(self, one: Inline) -> str:
        if isinstance(one, Status):
            arrow = theme.ARROWS[one.trend]
            return f"{theme.GLYPHS[one.rag]} *{escaped(one.label)}*" + (f" {arrow}" if arrow else "")
        if isinstance(one, Link):
            where, text = address(one, self.links), escaped(one.text)
            return f"[{text}|{where}]" if where and text else text
        return self._text(one)

    @staticmethod
    def _text(one: Text) -> str:
        made = escaped(one.text)
        if made and one.strong:
            made = f"*{made}*"
        return edged(one.text, made)
