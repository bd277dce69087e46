"""Every error a user can meet, and the exit code it ends in.

PmoSyncError                    known: one clear line that says what to do next      exit 1
├── ConfigError(problems)       the configuration; every problem at once             exit 1
├── AccessError                 wrong token, no permission, wrong host               exit 1
│   └── ShutOutError            whatever else is asked of this server will be refused
├── TrackerError                a server that is down, slow or answers nonsense      exit 1
│   ├── OverloadedError         too much was asked for at once: less may do
│   └── UncertainWriteError     a write whose fate is unknown: read again, then decide
├── StoreError                  the database or the record cannot be read or written exit 1
│   ├── LockedError             another run holds the state folder                   exit 1
│   └── ShrinkError             a pull would drop more than the set share            a problem of the project, exit 4
├── ConflictError               somebody edited the page behind our back
└── DataError                   one malformed record; the rest is kept
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    KNOWN_ERROR = 1
    USAGE = 2
    BUG = 3
    FINISHED_WITH_FAILURES = 4
    INTERRUPTED = 130


class PmoSyncError(Exception):
    """A known situation. The message is one line a user can act on."""


class ConfigError(PmoSyncError):
    """The configuration cannot be used. ``problems`` holds every one found, as ``file: key: what``."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class AccessError(PmoSyncError):
    """The server does not let us in, or not far enough."""


class ShutOutError(AccessError):
    """The server lets us read nothing of what every project needs: there is no use in asking for the next one."""


class TrackerError(PmoSyncError):
    """The server is unreachable, refuses, or answers something that is not an answer."""


class OverloadedError(TrackerError):
    """The answer would be too large or takes too long: to less the server may answer."""


class UncertainWriteError(TrackerError):
    """A write was sent and no answer came: it may or may not have happened."""


class StoreError(PmoSyncError):
    """The database or the record cannot be read or written."""


class LockedError(StoreError):
    """Another run holds the state folder."""


class ShrinkError(StoreError):
    """A pull would remove more of a project than the configuration allows."""


class ConflictError(PmoSyncError):
    """The remote changed since we read it."""


class DataError(PmoSyncError):
    """One record cannot be understood; ``subject`` says which."""

    def __init__(self, subject: str, what: str) -> None:
        self.subject = subject
        self.what = what
        super().__init__(f"{subject}: {what}")
