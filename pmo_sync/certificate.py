"""What a run can prove about each source: the server's counts against ours, what failed and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from pmo_sync.assessed import SourceTrust
from pmo_sync.model import Problem

Grade = Literal["complete", "incomplete", "failed"]


@dataclass(frozen=True, slots=True)
class ProjectCount:
    """One tracker project: what the server says it holds and what we hold."""

    project: str  # key
    server_count: int | None
    our_count: int


@dataclass(frozen=True, slots=True)
class SourceCertificate:
    """One source in one run."""

    source: str
    account: str
    server: str
    pulled_at: datetime | None  # None: this run did not get through
    projects: tuple[ProjectCount, ...]
    problems: tuple[Problem, ...]
    unmapped_statuses: tuple[str, ...]
    error: str = ""
    notes: tuple[Problem, ...] = ()  # worth knowing, no failure
    closed: tuple[Problem, ...] = ()  # of the problems, those that kept a whole project or catalogue from being read
    clock_skew_seconds: float | None = None

    @property
    def grade(self) -> Grade:
        """Complete: every project is counted by the server and alike, and there is nothing to report."""
        if self.error or self.pulled_at is None:
            return "failed"
        differs = any(one.server_count != one.our_count for one in self.projects)
        return "incomplete" if differs or self.problems or self.notes else "complete"

    def as_json(self) -> dict[str, Any]:
        """For the record and ``--json``."""
        return {**asdict(self), "grade": self.grade, "pulled_at": self.pulled_at and self.pulled_at.isoformat()}


def trust(
    certificates: Sequence[SourceCertificate], last_success: Mapping[str, datetime], as_of: datetime
) -> tuple[SourceTrust, ...]:
    """The certificates as the page shows them. A source is stale when its last success lies before ``as_of``."""
    return tuple(_trust(one, last_success.get(one.source), as_of) for one in certificates)


def _trust(one: SourceCertificate, success: datetime | None, as_of: datetime) -> SourceTrust:
    counted = [project.server_count for project in one.projects]
    known = [count for count in counted if count is not None]
    state: Literal["fresh", "stale", "failed"] = "fresh"
    if success is None:
        state = "failed"
    elif one.error or success < as_of:
        state = "stale"
    return SourceTrust(
        source=one.source,
        state=state,
        last_success_at=success,
        message=one.error or next((f"{part.subject}: {part.what}" for part in one.closed), ""),
        server_count=sum(known) if known and len(known) == len(counted) else None,
        our_count=sum(project.our_count for project in one.projects),
        unmapped_statuses=one.unmapped_statuses,
        problems=len(one.problems),
    )
