"""Many issues at once, half as many where the server fails on those, down to the one that it fails on.

That one is named, and the others are read. Where the server does not answer anything, or fails for one issue after the
other, it is the server that fails, for all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from pmo_sync.clients.jira import JiraClient
from pmo_sync.errors import OverloadedError, TrackerError
from pmo_sync.model import Problem

T = TypeVar("T")
PATIENCE: Final = 5  # issues that can have nothing given in a row


class Sieve:
    """Shared by the threads of one reader."""

    def __init__(self, client: JiraClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._in_a_row = 0

    def many(self, ids: Sequence[str], ask: Callable[[Sequence[str]], Mapping[str, T]]) -> dict[str, T | Problem]:
        """What ``ask`` tells of these issues, by their ids; a problem for each that the server fails on.

        ``ask`` raises OverloadedError where the server fails on several.
        """
        if not ids:
            return {}
        if len(ids) == 1:
            alone = self.one(ids[0], lambda: ask(ids))
            return {ids[0]: alone} if isinstance(alone, Problem) else dict(alone)
        try:
            found: dict[str, T | Problem] = dict(ask(ids))
        except OverloadedError:
            middle = len(ids) // 2
            return self.many(ids[:middle], ask) | self.many(ids[middle:], ask)
        self._answered()
        return found

    def one(self, named: str, ask: Callable[[], T]) -> T | Problem:
        """The answer about a single issue, or its problem if the server fails on it. Raises TrackerError if on all."""
        try:
            found = ask()
        except TrackerError as error:
            self._client.server_info()
            with self._lock:
                self._in_a_row += 1
                if self._in_a_row > PATIENCE:
                    raise
            why = str(error).rpartition(": ")[2]  # without the address, which may hold a key that nobody may know
            return Problem(named, f"the server fails on it: {why}")
        self._answered()
        return found

    def _answered(self) -> None:
        with self._lock:
            self._in_a_row = 0
