"""What a run can prove about each source: the server's counts against ours, what failed and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Literal, get_args

import msgspec

from pmo_sync.assessed import SourceTrust
from pmo_sync.config import Grade
from pmo_sync.model import Fate, Problem

GRADES: Final[tuple[Grade, ...]] = get_args(Grade)
FEW_DAYS: Final = 30  # of a token, from when on somebody should make a new one


@dataclass(frozen=True, slots=True)
class ProjectCertificate:
    """One tracker project: what the server says it holds, what we hold, and what we know of the difference."""

    project: str  # key
    server_count: int | None  # None: it was not counted in this run
    our_count: int
    read: int = 0  # issues that this run brought
    refetched: int = 0  # of these, those whose history came cut and was read again, whole
    unread: int = 0  # shown by the server, and not brought by any pull yet
    missed: int = 0  # ours that the server's last list of ids left out; taken out when a later one does, too
    vanished: Mapping[Fate, int] = field(default_factory=dict)  # taken out in this run, by what became of them
    read_at: datetime | None = None  # last read to its end: the age of what we know of changes
    swept_at: datetime | None = None  # ids last compared one by one: the age of what we know of deletions
    project_id: str = ""  # older certificates have none
    is_lacking: bool = False  # held before, and not read to its end since the database was made anew

    @property
    def was_held(self) -> bool:
        """Whether pages may speak of it: we had issues of it, from a reading that came to its end."""
        return bool(self.project_id) and (self.is_lacking or (self.read_at is not None and self.our_count > 0))


@dataclass(frozen=True, slots=True)
class SourceCertificate:
    """One source in one run."""

    source: str
    account: str
    server: str
    pulled_at: datetime | None  # None: this run did not get through
    projects: tuple[ProjectCertificate, ...]
    problems: tuple[Problem, ...] = ()
    unmapped_statuses: tuple[str, ...] = ()
    error: str = ""
    notes: tuple[Problem, ...] = ()  # differences that explain themselves and pass
    closed: tuple[Problem, ...] = ()  # of the problems, those that kept a whole project or catalogue from being read
    skipped: tuple[Problem, ...] = ()  # absent without harm: a tier, an add-on, a kind of board
    clock_skew_seconds: float | None = None
    is_partial: bool = False  # only some projects were asked for: it certifies nothing of the others
    unnamed_kinds: tuple[str, ...] = ()  # issue types that no role names: they count as work
    token_expires_on: date | None = None  # None: the server does not tell

    @property
    def grade(self) -> Grade:
        """Complete: every project is counted by the server and alike, and there is nothing to report."""
        if self.error or self.pulled_at is None:
            return "failed"
        differs = any(one.server_count != one.our_count for one in self.projects)
        return "incomplete" if differs or self.problems or self.notes else "complete"

    @property
    def token_days(self) -> int | None:
        """For how many days the token was valid from this run on, where they are few; None: for many, or not known."""
        if self.token_expires_on is None or self.pulled_at is None:
            return None
        days = (self.token_expires_on - self.pulled_at.date()).days
        return days if days < FEW_DAYS else None

    def as_json(self) -> dict[str, Any]:
        """For the record and ``--json``; moments as ISO 8601."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        return {**made, "grade": self.grade}


def from_json(text: str) -> SourceCertificate:
    """A certificate as the record keeps it; what an older version did not know has its default."""
    return msgspec.json.decode(text, type=SourceCertificate)


def below(
    certificates: Mapping[str, SourceCertificate], sources: Sequence[str], required: Grade, as_of: datetime
) -> list[str]:
    """For each source whose newest certificate is worse than ``required``, one line that says why and what to do.

    One from before ``as_of`` counts as failed: it does not know the end of the period.
    """
    lines = []
    for name in sources:
        one = certificates.get(name)
        is_old = one is None or one.pulled_at is None or one.pulled_at < as_of
        grade: Grade = "failed" if one is None or is_old else one.grade
        if GRADES.index(grade) < GRADES.index(required):
            why = "it was never pulled" if one is None else _reason(one)
            lines.append(
                f"{name}: its certificate is {grade}, and required_grade is {required}: {why}; see `pmo-sync check`"
            )
    return lines


def _reason(one: SourceCertificate) -> str:
    if one.error:
        return one.error
    if one.grade == "complete":
        return "it was last read before the period closed; run `pmo-sync pull`"
    for problem in (*one.problems, *one.notes):
        return f"{problem.subject}: {problem.what}"
    differing = [project for project in one.projects if project.server_count != project.our_count]
    return "; ".join(
        f"{project.project}: the server counts {'nothing' if project.server_count is None else project.server_count}, "
        f"we hold {project.our_count}"
        for project in differing[:3]
    )


def trust(
    sources: Sequence[str],
    newest: Mapping[str, SourceCertificate],
    last_success: Mapping[str, datetime],
    held: Mapping[str, int],
    as_of: datetime,
) -> tuple[SourceTrust, ...]:
    """The certificates as the page shows them, a line for each source. ``held`` is how many issues we have of each.

    A source is stale when its last success lies before ``as_of``, and failed where it was never read as a whole.
    """
    return tuple(
        _trust(newest[name], last_success.get(name), as_of)
        if name in newest
        else SourceTrust(name, "failed", None, "", None, held.get(name, 0))
        for name in sources
    )


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
        unread=sum(project.unread for project in one.projects),
        missed=sum(project.missed for project in one.projects),
        token_ends_on=None if one.token_days is None else one.token_expires_on,
    )
