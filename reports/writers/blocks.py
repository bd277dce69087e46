"""What the writers share: a document is written block by block, each by the method that is called as the block is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reports.document import Block


class BlockWriter:
    """One method for each kind of block, ``heading`` for `Heading`. ``links`` says where each slot is published."""

    def __init__(self, links: Mapping[str, str]) -> None:
        self.links = links

    def method(self, block: Block) -> Callable[..., Any]:
        """The one that writes ``block``."""
        made: Callable[..., Any] = getattr(self, type(block).__name__.lower())
        return made
