"""What `check` says: one finding a line, in words for people and as it is for ``--json``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Word = Literal["ok", "note", "warn", "wrong"]  # wrong: what was asked for cannot be done; warn: it can, but not well


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``todo`` is what to do next, or lines to paste, one each."""

    word: Word
    what: str
    todo: tuple[str, ...] = ()


@dataclass(slots=True)
class Examined:
    """Everything found about one source or place."""

    name: str
    title: str  # for people: ``source cloud: jira at https://...``
    findings: list[Finding] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)  # for ``--json``

    def say(self, word: Word, what: str, *todo: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(word, what, todo))

    @property
    def is_ok(self) -> bool:
        """Nothing is wrong."""
        return all(one.word != "wrong" for one in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The facts, and all that was said."""
        return {
            "name": self.name,
            "ok": self.is_ok,
            **self.facts,
            "findings": [asdict(one) for one in self.findings],
        }

    def lines(self) -> Iterator[str]:
        """A title, then a line for each finding, with what to do below it."""
        yield self.title
        for one in self.findings:
            yield f"  {one.word:<5}  {one.what}"
            yield from (f"         {line}" for line in one.todo)


def summary(examined: Iterable[Examined]) -> str:
    """The last line: how much is wrong, and what to do next."""
    words = [finding.word for one in examined for finding in one.findings]
    wrong, warned = words.count("wrong"), words.count("warn")
    if wrong:
        return f"{wrong} wrong, {warned} to look at; mend what is wrong and run `pmo-sync check` again"
    if warned:
        return f"nothing wrong, {warned} to look at; next: pmo-sync sync --dry-run"
    return "everything is in order; next: pmo-sync sync --dry-run"


def counted(number: int, word: str) -> str:
    """``1 issue``, ``2,000 issues``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
