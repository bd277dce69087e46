"""Publishing, once, for every place: plan, compare, write, verify.

A place is thin. It finds what stands in a slot, and writes text into it; everything that decides is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from reports.document import Attachment

Outcome = Literal["created", "updated", "unchanged", "skipped", "conflict", "failed"]


@dataclass(frozen=True, slots=True)
class Traits:
    """What a place can do; the algorithm reads this and never asks for a type."""

    version_lock: bool  # the server refuses a write on an old version
    attachments: bool
    quiet_update: bool  # an update can be kept from notifying watchers


@dataclass(frozen=True, slots=True)
class Remote:
    """What stands in a slot now."""

    id: str
    version: int
    url: str
    is_ours: bool  # the newest version was made by our account
    digest: str | None  # found in the body we read; None: somebody removed the marker
    indexed_version: int | None  # the version our side index last confirmed; None: no index
    text: str  # the body as the place holds it, for the diff
    body_matches_digest: bool  # the body still hashes to what its marker says, where the place keeps bodies as sent


class Publisher(Protocol):
    """One place that holds documents."""

    name: str
    traits: Traits

    def find(self, slot: str) -> Remote | None:
        """What we published there before; None if never. Must prove it is ours."""
        ...

    def write(
        self,
        slot: str,
        title: str,
        text: str,
        digest: str,
        attachments: Sequence[Attachment],
        parent: str | None,
        expected: Remote | None,
    ) -> Remote:
        """Create (``expected`` None) or replace. The marker with slot and digest travels in the same request.

        Raises ConflictError if the remote is not ``expected`` any more, UncertainWriteError if nobody knows.
        """
        ...

    def confirm(self, slot: str, remote: Remote) -> None:
        """Record in the side index that ``remote.version`` is our write. No-op where there is no index."""
        ...


class Published(NamedTuple):
    """What became of one document."""

    place: str
    slot: str
    outcome: Outcome
    url: str
    message: str  # why, when skipped, conflict or failed
    diff: str  # unified, for the dry run; empty when unchanged
