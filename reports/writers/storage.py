"""Document -> Confluence storage format, for Cloud and Data Center alike.

Made by an XML writer and parsed before it is returned: one bad character makes Confluence refuse the whole page.
Blocks side by side are written one after the other: an ``ac:layout`` must hold everything on its page, and the
publisher's marker stands outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from xml.etree import ElementTree as ET

from pmo_sync.assessed import Rag
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
    Items,
    Line,
    Link,
    Note,
    Paragraph,
    Properties,
    Status,
    Table,
    Written,
    edged,
    printable,
)
from reports.writers.blocks import BlockWriter, picture
from reports.writers.links import address

COLOURS: Final[Mapping[Rag, str]] = {"green": "Green", "amber": "Yellow", "red": "Red", "grey": "Grey"}
IMAGE_WIDTH: Final = 760
_WIDE: Final = 6  # columns from which a table takes the page's full width
ROOT: Final = (
    '<page xmlns:ac="http://atlassian.com/content" xmlns:ri="http://atlassian.com/resource/identifier">{}</page>'
)


def write(document: Document, links: Mapping[str, str]) -> Written:
    """The page's body and its pictures. ``links`` says where each slot is published; others become plain text."""
    writer = _Writer(links)
    root = ET.Element("page")
    writer.blocks(root, document.blocks)
    text = "".join(ET.tostring(one, encoding="unicode") for one in root)
    ET.fromstring(ROOT.format(text))  # noqa: S314 - our own text: it must parse
    return Written(text, tuple(writer.attachments.values()))


class _Writer(BlockWriter):
    def __init__(self, links: Mapping[str, str]) -> None:
        super().__init__(links)
        self.attachments: dict[str, Attachment] = {}

    def blocks(self, parent: ET.Element, blocks: Iterable[Block]) -> None:
        for block in blocks:
            self.method(block)(parent, block)

    def heading(self, parent: ET.Element, block: Heading) -> None:
        _text(ET.SubElement(parent, f"h{block.level}"), block.text)

    def paragraph(self, parent: ET.Element, block: Paragraph) -> None:
        self.line(ET.SubElement(parent, "p"), block.line)

    def items(self, parent: ET.Element, block: Items) -> None:
        made = ET.SubElement(parent, "ul")
        for line in block.lines:
            self.line(ET.SubElement(ET.SubElement(made, "li"), "p"), line)

    def table(self, parent: ET.Element, block: Table) -> None:
        if block.caption:
            _text(ET.SubElement(ET.SubElement(parent, "p"), "strong"), block.caption)
        made = self._table(parent, "full-width" if len(block.columns) >= _WIDE else "default")
        row = ET.SubElement(made, "tr")
        for column in block.columns:
            _text(_aligned(ET.SubElement(row, "th"), column.align), column.name)
        for cells in block.rows:
            row = ET.SubElement(made, "tr")
            for column, cell in zip(block.columns, cells, strict=True):
                self.line(_aligned(ET.SubElement(row, "td"), column.align), cell)

    def figures(self, parent: ET.Element, block: Figures) -> None:
        made = self._table(parent, "full-width")
        row = ET.SubElement(made, "tr")
        for figure in block.figures:
            cell = ET.SubElement(row, "td")
            first = ET.SubElement(cell, "p")
            _text(ET.SubElement(first, "strong"), figure.value)
            _tail(first, " ")
            self.line(first, (figure.label,))
            if figure.note:
                _text(ET.SubElement(cell, "p"), figure.note)

    def properties(self, parent: ET.Element, block: Properties) -> None:
        made = self._table(_macro(parent, "details"), "default")
        for name, line in block.rows:
            row = ET.SubElement(made, "tr")
            _text(ET.SubElement(row, "th"), name)
            self.line(ET.SubElement(row, "td"), line)

    def chart(self, parent: ET.Element, block: Chart) -> None:
        attachment = picture(block)
        self.attachments[attachment.name] = attachment
        _text(ET.SubElement(ET.SubElement(parent, "p"), "strong"), block.title)
        size = {
            "ac:align": "center",
            "ac:layout": "center",
            "ac:width": str(IMAGE_WIDTH),
            "ac:alt": printable(block.alt),
        }
        ET.SubElement(ET.SubElement(parent, "ac:image", size), "ri:attachment", {"ri:filename": attachment.name})
        self.expand(parent, Expand(block.table.caption, (Table(block.table.columns, block.table.rows),)))

    def note(self, parent: ET.Element, block: Note) -> None:
        self.blocks(_macro(parent, block.kind), block.blocks)

    def expand(self, parent: ET.Element, block: Expand) -> None:
        self.blocks(_macro(parent, "expand", title=printable(block.title)), block.blocks)

    def columns(self, parent: ET.Element, block: Columns) -> None:
        for column in block.columns:
            self.blocks(parent, column)

    def line(self, parent: ET.Element, line: Line) -> None:
        for one in line:
            if isinstance(one, Status):
                status = ET.SubElement(parent, "ac:structured-macro", {"ac:name": "status", "ac:schema-version": "1"})
                _parameter(status, "colour", COLOURS[one.rag])
                words = f"{theme.GLYPHS[one.rag]} {printable(one.label)} {theme.ARROWS[one.trend]}"
                _parameter(status, "title", words.strip())
                continue
            if isinstance(one, Link):
                where = address(one, self.links)
                if where:
                    _text(ET.SubElement(parent, "a", {"href": where}), one.text, edges=True)
                else:
                    _tail(parent, edged(one.text, printable(one.text)))
                continue
            if one.strong:
                _text(ET.SubElement(parent, "strong"), one.text, edges=True)
            elif one.muted:
                _text(ET.SubElement(parent, "em"), one.text, edges=True)
            else:
                _tail(parent, edged(one.text, printable(one.text)))

    @staticmethod
    def _table(parent: ET.Element, layout: str) -> ET.Element:
        return ET.SubElement(ET.SubElement(parent, "table", {"data-layout": layout}), "tbody")


def _macro(parent: ET.Element, name: str, **parameters: str) -> ET.Element:
    """A macro with a body; returns the body."""
    macro = ET.SubElement(parent, "ac:structured-macro", {"ac:name": name, "ac:schema-version": "1"})
    for key, value in parameters.items():
        _parameter(macro, key, value)
    return ET.SubElement(macro, "ac:rich-text-body")


def _parameter(macro: ET.Element, name: str, value: str) -> None:
    ET.SubElement(macro, "ac:parameter", {"ac:name": name}).text = value


def _aligned(cell: ET.Element, align: str) -> ET.Element:
    return ET.SubElement(cell, "p", {"style": "text-align: right;"} if align == "right" else {})


def _text(element: ET.Element, text: str, *, edges: bool = False) -> None:
    element.text = edged(text, printable(text)) if edges else printable(text)


def _tail(parent: ET.Element, text: str) -> None:
    """Append text behind whatever ``parent`` holds already."""
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text
