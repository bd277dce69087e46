"""What a command hands back to the command line, and how it speaks while it works."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from pmo_sync.errors import Exit

_HARMLESS: Final = "\t\u200c\u200d"  # tabs, and what holds emoji and Persian words together


@dataclass(frozen=True, slots=True)
class Result:
    """The end of one command: material for ``--json``, lines for people, an exit code."""

    data: dict[str, Any]
    text: list[str] = field(default_factory=list)
    exit: Exit = Exit.OK


class Voice(Protocol):
    """Who listens to a command at work."""

    def say(self, line: str) -> None:
        """Something has happened."""
        ...

    def progress(self, line: str) -> None:
        """Something is going on: on a terminal the next one takes its place."""
        ...


class Silence:
    """Nobody listens."""

    def say(self, line: str) -> None:
        """Not heard."""

    def progress(self, line: str) -> None:
        """Not heard."""


def printable(text: str) -> str:
    """One line, without what would move the cursor or turn the line around: trackers' names are anybody's text."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in _HARMLESS else " " if one.isspace() else "\N{REPLACEMENT CHARACTER}"
        for one in text
    )
