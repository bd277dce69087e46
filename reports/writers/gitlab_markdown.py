"""Document -> GitLab Flavoured Markdown for notes and wikis, in which no tracker text can do anything.

A quick action needs a line that starts with a slash, a mention or a reference its sign before a word: every text is one
line, every sign of markdown is escaped, and a word joiner (invisible) stands behind each sign of a reference, because
GitLab looks for references after it has removed the escapes. A link to an issue would leave a note on that issue at
every report, so such identifiers are written as code. A chart is its finding and its table; on a page of a wiki,
which keeps pictures, its picture stands between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from reports import theme
from reports.document import (
    Attachment,
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
from reports.writers.blocks import BlockWriter, picture
from reports.writers.links import address

JOINER: Final = "\u2060"
_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]<>#!|~$&^@%]|:(?=\S)|(?<!\S)/|^[-+=:](?=\W|$)|^[-=+]{2}")
_NUMBERED: Final = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
_REFERENCE: Final = "@#!%~$&^:"
_REFERRING: Final = re.compile(r"/-/(issues|work_items|merge_requests|epics)/")


def write(document: Document, links: Mapping[str, str]) -> Written:
    """The document as markdown. ``links`` says where each slot is published; others become plain text."""
    writer = _Writer(links)
    parts = [f"## {escaped(document.title)}", *writer.blocks(document.blocks)]
    return Written("\n\n".join(parts) + "\n")


def write_page(document: Document, links: Mapping[str, str]) -> Written:
    """The same with the pictures of charts, each linked to by its name alone, for a page of a wiki."""
    writer = _PageWriter(links)
    parts = [f"# {escaped(document.title)}", *writer.blocks(document.blocks)]
    return Written("\n\n".join(parts) + "\n", tuple(writer.attachments.values()))


def escaped(text: str) -> str:
    """Text that shows as it is and means nothing."""
    return _NUMBERED.sub(r"\1\\\2", _SPECIAL.sub(_escape, printable(text)))


def _escape(sign: re.Match[str]) -> str:
    before_a_word = sign.string[sign.end() : sign.end() + 1].strip()
    return f"\\{sign[0]}{JOINER if before_a_word and sign[0] in _REFERENCE else ''}"


def _code(text: str) -> str:
    plain = printable(text).replace("`", "'").replace("|", "/")
    return f"`{plain}`"


class _Writer(BlockWriter):
    def blocks(self, blocks: Iterable[Block]) -> list[str]:
        return [text for block in blocks if (text := self.method(block)(block))]

    def heading(self, block: Heading) -> str:
        return f"{'#' * (block.level + 1)} {escaped(block.text)}"

    def paragraph(self, block: Paragraph) -> str:
        return self.line(block.line)

    def items(self, block: Items) -> str:
        return "\n".join(f"- {self.line(one)}" for one in block.lines)

    def table(self, block: Table) -> str:
        names = [escaped(column.name) for column in block.columns]
        rules = ["---:" if column.align == "right" else ":---" for column in block.columns]
        rows = [names, rules, *([self.line(cell) for cell in row] for row in block.rows)]
        text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        return f"**{escaped(block.caption)}**\n\n{text}" if block.caption else text

    def figures(self, block: Figures) -> str:
        made = [
            f"- **{escaped(one.value)}** {self.line((one.label,))}" + (f" ({escaped(one.note)})" if one.note else "")
            for one in block.figures
        ]
        return "\n".join(made)

    def properties(self, block: Properties) -> str:
        return "\n".join(f"- **{escaped(name)}**: {self.line(value)}" for name, value in block.rows)

    def chart(self, block: Chart) -> str:
        plain = Table(block.table.columns, block.table.rows)
        return f"**{escaped(block.title)}**\n\n{self.expand(Expand(block.table.caption, (plain,)))}"

    def note(self, block: Note) -> str:
        inner = "\n\n".join(self.blocks(block.blocks))
        return "\n".join(f"> {one}".rstrip() for one in inner.split("\n"))

    def expand(self, block: Expand) -> str:
        inner = "\n\n".join(self.blocks(block.blocks))
        return f"<details><summary>{_html(block.title)}</summary>\n\n{inner}\n\n</details>"

    def columns(self, block: Columns) -> str:
        return "\n\n".join(text for column in block.columns for text in self.blocks(column))

    def line(self, line: Line) -> str:
        return "".join(self._inline(one) for one in line).strip()

    def _inline(self, one: Inline) -> str:
        if isinstance(one, Status):
            arrow = theme.ARROWS[one.trend]
            return f"{theme.GLYPHS[one.rag]} **{escaped(one.label)}**" + (f" {arrow}" if arrow else "")
        if isinstance(one, Link):
            where = address(one, self.links)
            if _REFERRING.search(where):
                return _code(one.text)
            text = escaped(one.text)
            return f"[{text}](<{where}>)" if where and text else text
        return self._text(one)

    @staticmethod
    def _text(one: Text) -> str:
        made = escaped(one.text)
        if made and one.strong:
            made = f"**{made}**"
        elif made and one.muted:
            made = f"*{made}*"
        return edged(one.text, made)


class _PageWriter(_Writer):
    def __init__(self, links: Mapping[str, str]) -> None:
        super().__init__(links)
        self.attachments: dict[str, Attachment] = {}

    def chart(self, block: Chart) -> str:
        attachment = picture(block)
        self.attachments[attachment.name] = attachment
        title, table = super().chart(block).split("\n\n", 1)
        return f"{title}\n\n![{escaped(block.alt)}]({attachment.name})\n\n{table}"


def _html(text: str) -> str:
    """Text between tags, where markdown is not read but references still are."""
    return re.sub(r"([@#!%~$&^:/])(?=\w)", rf"\1{JOINER}", escape(printable(text), quote=True))
