"""What the writers share: a document is written block by block, each by the method that is called as the block is; and
the pictures of places that keep files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from reports import charts
from reports.document import Attachment, Block, Chart


def picture(chart: Chart) -> Attachment:
    """The chart as a PNG named by its content, so that an old one is never shown as new."""
    mark = charts.digest(chart.spec)
    return Attachment(f"{chart.name}-{mark}.png", "image/png", partial(charts.png, chart.spec), mark)


class BlockWriter:
    """One method for each kind of block, ``heading`` for `Heading`. ``links`` says where each slot is published."""

    def __init__(self, links: Mapping[str, str]) -> None:
        self.links = links

    def method(self, block: Block) -> Callable[..., Any]:
        """The one that writes ``block``."""
        made: Callable[..., Any] = getattr(self, type(block).__name__.lower())
        return made
