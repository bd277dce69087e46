"""A chart's SVG made fit to stand in a page: known elements only, own identifiers, colours that follow the page."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET

from reports.theme import PALETTE

_SPACE: Final = "{http://www.w3.org/2000/svg}"
ELEMENTS: Final = frozenset({"svg", "g", "path", "rect", "line", "circle", "text", "tspan", "defs", "clipPath"})
ATTRIBUTES: Final = frozenset({
    "width", "height", "viewBox", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "cx", "cy", "r", "rx", "ry", "d", "id",
    "transform", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
    "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-dashoffset", "opacity", "clip-path",
    "text-anchor", "font-family", "font-size", "font-weight", "font-style",
})  # fmt: skip
_HARMLESS: Final = re.compile(r"[\w\s#%.,:+()\-]*")
_REFERENCE: Final = re.compile(r"url\(#([\w-]+)\)")
_NAMES: Final = {colour.light: name for name, colour in PALETTE.items()}


def inline(svg: str, prefix: str, label: str) -> str:
    """The SVG as one element named ``label`` for a screen reader; identifiers begin with ``prefix``.

    Elements and attributes nobody listed are dropped: scripts, styles, references to the outside.
    """
    source = ET.fromstring(svg)  # noqa: S314 - written by our renderer from our own specification
    made = _copied(source, prefix)
    if made is None:
        raise ValueError("the renderer returned no SVG")
    box = made.attrib.pop("viewBox", f"0 0 {made.get('width', '0')} {made.get('height', '0')}")
    made.attrib.pop("height", None)
    attributes = {"viewBox": box, "role": "img", "aria-label": label, "focusable": "false"}
    made.attrib.update(attributes)
    return ET.tostring(made, encoding="unicode")


def _copied(element: ET.Element, prefix: str) -> ET.Element | None:
    tag = str(element.tag).removeprefix(_SPACE)
    if tag not in ELEMENTS:
        return None
    made = ET.Element(tag)
    for name, value in element.attrib.items():
        if name in ATTRIBUTES and (_HARMLESS.fullmatch(value) or name == "font-family"):
            made.set(name, _value(name, value, prefix))
    made.text, made.tail = element.text, element.tail
    for child in element:
        copy = _copied(child, prefix)
        if copy is not None:
            made.append(copy)
    return made


def _value(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return f"{prefix}-{value}"
    if name in ("fill", "stroke") and value in _NAMES:
        return f"var(--{_NAMES[value]}, {value})"
    return _REFERENCE.sub(rf"url(#{prefix}-\1)", value)
