"""What a command hands back to the CLI: material for ``--json``, lines for people, an exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pmo_sync.errors import Exit


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one command."""

    data: dict[str, Any]
    text: list[str] = field(default_factory=list)
    exit: Exit = Exit.OK

    def as_json(self) -> dict[str, Any]:
        """Material for ``--json``."""
        return self.data

    def lines(self) -> list[str]:
        """Lines for a terminal."""
        return self.text
