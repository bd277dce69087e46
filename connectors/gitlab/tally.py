"""What one pass over a project met that the certificate has to say, though nothing has to be read again for it."""

from __future__ import annotations

from collections import Counter
from typing import Final

from connectors.gitlab.normalize import Record
from pmo_sync.model import Page, Problem, Project

SHOWN: Final = 5  # actions or issues named in one line


class Tally:
    """Filled while a pass goes on, told at its end."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.unread: Counter[str] = Counter()  # action -> sentences that were not understood
        self._doubled: dict[str, str] = {}  # issue id -> its name, with two steps of the workflow at once

    def take(self, record: Record | Problem) -> None:
        """Count one issue. One that comes twice counts once, as it came last."""
        if isinstance(record, Problem):
            return
        id_ = record.issue.issue_id
        self._doubled.pop(id_, None)
        if record.doubled:
            self._doubled[id_] = record.doubled

    def notes(self) -> tuple[Problem, ...]:
        """One line each."""
        lines = []
        if self.unread:
            said = ", ".join(f"{action} {count}" for action, count in self.unread.most_common(SHOWN))
            lines.append(f"sentences of the history not understood: {self.unread.total()} ({said})")
        if self._doubled:
            names = sorted(self._doubled.values())
            said = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
            lines.append(f"several workflow labels at once, of which the one added last counts: {len(names)} ({said})")
        return tuple(Problem(self._project.key, line) for line in lines)

    def last_page(self, cursor: str | None) -> list[Page]:
        """A page without issues that carries the notes; none where there are none."""
        notes = self.notes()
        return [Page((), (), (), (), cursor, notes=notes)] if notes and cursor is not None else []
