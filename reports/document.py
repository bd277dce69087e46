"""A document and its few blocks: what every writer turns into the text of its place.

Text in blocks is plain text, exactly as a reader should see it; escaping is each writer's duty and nobody else's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from pmo_sync.assessed import Rag

# What makes emoji and Persian words hold together; every other invisible character goes.
_JOINERS: Final = "\u200c\u200d"
_INVISIBLE: Final = ("Cc", "Cf", "Cs", "Co", "Cn")
_MOST_READ: Final = 8  # characters looked at for each one shown: a title of a megabyte is not read to its end


def printable(text: str, limit: int = 2_000) -> str:
    """Text of a tracker as one line of visible characters, at most ``limit`` long.

    Line breaks become spaces; control characters, surrogates, characters Unicode does not know and those that turn
    the writing direction (which can make a text read as another) are dropped.
    """
    seen = []
    for one in text[: _MOST_READ * limit]:
        if one.isspace():
            seen.append(" ")
        elif one in _JOINERS or unicodedata.category(one) not in _INVISIBLE:
            seen.append(one)
    line = " ".join("".join(seen).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def edged(text: str, shown: str) -> str:
    """``shown``, made of ``text``, with the space that ``text`` keeps to its neighbours."""
    left = " " if text[:1].isspace() else ""
    right = " " if text[-1:].isspace() and text.strip() else ""
    return f"{left}{shown}{right}"


class Text(NamedTuple):
    """A run of plain text."""

    text: str
    strong: bool = False
    muted: bool = False


class Link(NamedTuple):
    """A link; ``slot`` instead of ``url`` points at another of our documents, resolved by the publisher."""

    text: str
    url: str = ""
    slot: str = ""


class Status(NamedTuple):
    """A status with glyph and word; colour is never the only carrier."""

    rag: Rag
    label: str  # "At risk", already in the reader's language
    trend: Literal["up", "down", "same", ""] = ""


Inline = Text | Link | Status
Line = tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    level: Literal[1, 2, 3]
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    line: Line


@dataclass(frozen=True, slots=True)
class Items:
    """A bulleted list."""

    lines: tuple[Line, ...]


class Column(NamedTuple):
    name: str
    align: Literal["left", "right"] = "left"  # numbers stand right
    short: bool = False  # dates and the like: better not broken into lines


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[Column, ...]
    rows: tuple[tuple[Line, ...], ...]
    caption: str = ""


class Figure(NamedTuple):
    """One number to be seen first: "7", what it counts, and how it moved."""

    value: str
    label: Inline
    note: str


@dataclass(frozen=True, slots=True)
class Figures:
    """A few numbers in a row."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Properties:
    """Name and value pairs a place may read by machine (Confluence page properties)."""

    rows: tuple[tuple[str, Line], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A Vega-Lite specification with what makes it readable without eyes."""

    name: str  # file stem, unique in the document
    title: str  # states the finding
    alt: str  # the same for a screen reader, with the numbers
    spec: Mapping[str, Any]
    table: Table


@dataclass(frozen=True, slots=True)
class Note:
    """A framed remark."""

    kind: Literal["info", "warning"]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Expand:
    """Blocks behind a fold."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """Blocks side by side where the place can, one after the other where it cannot."""

    columns: tuple[tuple[Block, ...], ...]


Block = Heading | Paragraph | Items | Table | Figures | Properties | Chart | Note | Expand | Columns


@dataclass(frozen=True, slots=True)
class Document:
    """One document for one slot. ``slot`` is stable for ever; ``title`` is only a label."""

    slot: str  # "portfolio", "project/pay"
    title: str
    language: str
    blocks: tuple[Block, ...]
    parent: str | None = None  # slot of the document above it
    summary: Line = ()  # the one sentence for comments and notes


class Attachment(NamedTuple):
    """A file that belongs to a written document, named by its content where the place keeps old ones.

    Its bytes are made when somebody wants them: a page that did not change never does.
    """

    name: str
    media_type: str
    make: Callable[[], bytes]
    digest: str  # of its source specification, not of its bytes

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        return self.make()


@dataclass(frozen=True, slots=True)
class Written:
    """A document as the text of one format, without slot marker (the publisher adds it)."""

    text: str
    attachments: tuple[Attachment, ...] = ()
