"""Document -> one HTML file that needs nothing else: no script, no network, no font of its own.

Everything a tracker wrote goes through the template's escaping; a content security policy forbids what is not here.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from reports import charts, svg, theme
from reports.document import (
    Block,
    Chart,
    Columns,
    Document,
    Expand,
    Heading,
    Link,
    Paragraph,
    Written,
    edged,
    printable,
)
from reports.theme import PALETTE
from reports.wording import Words
from reports.writers.links import address

_LONG_WORD = 24  # letters from which a word may be broken anywhere


@dataclass
class Section:
    """A heading of level 2 and what stands below it; without a heading, what stands before the first."""

    heading: Heading | None
    blocks: list[Block] = field(default_factory=list)


def write(document: Document, links: Mapping[str, str]) -> Written:
    """The document as one HTML page. ``links`` says where each slot is published, relative to this page."""
    style = _style()
    first = document.blocks[0] if document.blocks else None
    banner = first.line if isinstance(first, Paragraph) else ()
    page = _template().render(
        document=document,
        banner=banner,
        body=sections(document.blocks[1:] if banner else document.blocks),
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        href=lambda link: address(link, links),
        home=address(Link("", slot=document.parent), links) if document.parent else "",
        home_label=Words(document.language, "UTC").say("Portfolio"),
    )
    return Written(page)


def sections(blocks: Sequence[Block]) -> list[Section | Block]:
    """Blocks gathered under their headings. Columns and folds stand for themselves."""
    parts: list[Section | Block] = []
    for block in blocks:
        if isinstance(block, Heading) and block.level <= 2:
            parts.append(Section(block))
        elif isinstance(block, (Columns, Expand)):
            parts.append(block)
        elif parts and isinstance(parts[-1], Section):
            parts[-1].blocks.append(block)
        else:
            parts.append(Section(None, [block]))
    return parts


def groups(blocks: Sequence[Block]) -> list[list[Block]]:
    """Each block alone, but charts that follow each other together."""
    made: list[list[Block]] = []
    for block in blocks:
        if made and isinstance(block, Chart) and isinstance(made[-1][-1], Chart):
            made[-1].append(block)
        else:
            made.append([block])
    return made


def _picture(chart: Chart) -> Markup:
    mark = f"{chart.name}-{charts.digest(chart.spec)[:6]}"
    return Markup(svg.inline(charts.svg(chart.spec), mark, printable(chart.alt)))  # noqa: S704 - made of listed elements


@cache
def _style() -> str:
    """The style sheet, with the palette in both lights."""
    light = "".join(f"--{name}:{colour.light};" for name, colour in PALETTE.items())
    dark = "".join(f"--{name}:{colour.dark};" for name, colour in PALETTE.items())
    text = files("reports.writers").joinpath("page.css").read_text(encoding="utf-8")
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{text}"


@cache
def _template() -> jinja2.Template:
    source = files("reports.writers").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {
        "kind": lambda block: type(block).__name__,
        "picture": _picture,
        "sections": sections,
        "groups": groups,
        "visible": lambda text: edged(text, printable(text)),
        "unbroken": lambda text: any(len(word) > _LONG_WORD for word in text[:2_000].split()),
    }
    environment.globals |= {"glyphs": theme.GLYPHS, "arrows": theme.ARROWS}
    return environment.from_string(source)
