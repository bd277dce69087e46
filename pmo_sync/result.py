"""What a command hands back to the command line, and how it speaks while it works."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from pmo_sync.errors import Exit


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
