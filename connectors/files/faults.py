"""The rows of a folder that cannot be used: the first of each table by themselves, the rest as a number."""

from __future__ import annotations

from collections import Counter
from typing import Final

from pmo_sync.model import Problem

SHOWN: Final = 20  # of one table


class Faults:
    """Filled row by row; it stays small whatever the tables hold."""

    def __init__(self) -> None:
        self._shown: list[Problem] = []
        self._count: Counter[str] = Counter()  # file -> rows

    def add(self, where: str, what: str) -> None:
        """``where`` is ``issues.csv:17``."""
        file = where.partition(":")[0]
        self._count[file] += 1
        if self._count[file] <= SHOWN:
            self._shown.append(Problem(where, what))

    def problems(self) -> list[Problem]:
        """A line each, and one for those of a table that are not shown."""
        more = {file: count - SHOWN for file, count in self._count.items() if count > SHOWN}
        return [*self._shown, *(Problem(file, f"{left} more rows cannot be used") for file, left in more.items())]
