"""What is known about one source while it is being pulled, and the certificate that it becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from pmo_sync.certificate import ProjectCertificate, SourceCertificate
from pmo_sync.config.projects import is_asked_for
from pmo_sync.model import Fate, Identity, Problem, Project
from pmo_sync.pipeline.discretion import discreet, discreet_text
from pmo_sync.store import passes, vanishing

if TYPE_CHECKING:
    from connectors.base import Connector
    from pmo_sync.config import SourceConfig
    from pmo_sync.pipeline.workspace import Workspace

LACKING: Final = (
    "read before, but the server did not show it since the database was made anew. Is the account still a member? If "
    "the project is gone for good: pmo-sync pull --allow-shrink"
)


@dataclass(slots=True)
class Progress:
    """One source in one pull. Projects are named by their ids."""

    config: SourceConfig
    began_at: datetime
    certified: SourceCertificate | None = None  # by the last pull of the whole source
    connector: Connector | None = None  # None: its configuration leads nowhere
    is_partial: bool = False
    allow_shrink: bool = False  # however much the server no longer shows
    before: dict[str, str] = field(default_factory=dict)  # the cursors this pull began with
    identity: Identity | None = None
    projects: dict[str, Project] = field(default_factory=dict)  # those that are read
    counts: dict[str, int | None] = field(default_factory=dict)
    read: Counter[str] = field(default_factory=Counter)
    refetched: Counter[str] = field(default_factory=Counter)
    vanished: dict[str, Counter[Fate]] = field(default_factory=dict)
    reached: dict[str, str] = field(default_factory=dict)  # the cursor of each project's last page
    failing: dict[str, list[Problem]] = field(default_factory=dict)  # of each project, the issues that cannot be read
    ending: list[Project] = field(default_factory=list)  # read to their end, but not stored to it yet
    ended: set[str] = field(default_factory=set)  # projects read and stored to their end
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    closed: list[Problem] = field(default_factory=list)
    skipped: tuple[Problem, ...] = ()
    error: str = ""

    @property
    def source(self) -> str:
        """Its name."""
        return self.config.name

    @property
    def stored(self) -> int:
        """How many issues this pull has brought."""
        return self.read.total()

    def is_whole(self, project: Project) -> bool:
        """Whether this pull has read everything of the project, not only what changed."""
        if self.connector is None or self.connector.traits.incremental:
            return project.project_id not in self.before
        return project.project_id in self.reached

    @property
    def token_expires_on(self) -> date | None:
        """As the server says of the token, or an earlier pull was told; that may have been another token."""
        if self.identity is not None:
            return self.identity.token_expires_on
        return self.certified.token_expires_on if self.certified else None

    def token_ended(self) -> str:
        """For the end of an error about access; empty where nobody knows that the token has expired."""
        ends = self.token_expires_on
        if ends is None or ends > self.began_at.date():
            return ""
        told = "" if self.identity else ", as an earlier pull was told"
        return f"; the token was valid until {ends} only{told}"

    def certificate(self, workspace: Workspace) -> SourceCertificate:
        """What this pull can prove."""
        store, now = workspace.store, workspace.clock.now()
        if self.closed and not self.ended and not self.error:
            self.error = "no project could be read: " + self.closed[0].what
        hidden = store.confidential(self.source)
        ours, missed = store.counts(self.source), vanishing.missed(store, self.source)
        keys = store.project_keys(self.source)
        lacking = self._lacking(passes.projects_read(store), keys)
        self.problems += [Problem(key, LACKING) for id_, key in lacking.items() if id_ not in keys]
        projects = [
            ProjectCertificate(
                project=key,
                project_id=id_,
                server_count=self.counts.get(id_),
                our_count=ours.get(id_, 0),
                read=self.read[id_],
                refetched=self.refetched[id_],
                unread=len(passes.unread(store, id_)),
                missed=missed.get(id_, 0),
                vanished=dict(self.vanished.get(id_, {})),
                read_at=passes.read_at(store, id_),
                swept_at=passes.swept_at(store, id_),
                is_lacking=id_ in lacking,
            )
            for id_, key in sorted({**lacking, **keys}.items())
        ]
        return SourceCertificate(
            source=self.source,
            account=self.identity.account if self.identity else "",
            server=self.identity.server if self.identity else "",
            pulled_at=None if self.error else now,
            projects=tuple(projects),
            problems=discreet(self.problems, hidden),
            unmapped_statuses=store.unmapped_statuses(self.source, workspace.config.status_map),
            error=discreet_text(self.error, hidden),
            notes=discreet(self.notes, hidden),
            closed=discreet(self.closed, hidden),
            skipped=discreet(self.skipped, hidden),
            clock_skew_seconds=_skew(self.identity, now),
            is_partial=self.is_partial,
            unnamed_kinds=_unnamed_kinds(workspace, self.source),
            token_expires_on=self.token_expires_on,
        )

    def _lacking(self, read: frozenset[str], keys: Mapping[str, str]) -> dict[str, str]:
        """Id -> key of the projects that we held once and still want, and that this database has not read to their end."""
        held = [one for one in self.certified.projects if one.was_held] if self.certified else []
        return {
            one.project_id: one.project
            for one in held
            if one.project_id not in read and (one.project_id in keys or self._is_missed(one, keys))
        }

    def _is_missed(self, one: ProjectCertificate, keys: Mapping[str, str]) -> bool:
        """Whether it should be here although the server does not show it; one of its key may have taken its place."""
        is_asked = is_asked_for(self.config.projects, one.project, one.project_id.rpartition(":")[2])
        return is_asked and not self.allow_shrink and one.project not in keys.values()


def _skew(identity: Identity | None, now: datetime) -> float | None:
    return None if identity is None or identity.now is None else (identity.now - now).total_seconds()


def _unnamed_kinds(workspace: Workspace, source: str) -> tuple[str, ...]:
    """Issue types here that no role names; parents (epics and above) apart."""
    named = {kind.strip().lower() for kinds in workspace.config.roles.values() for kind in kinds}
    return tuple(one for one in workspace.store.kinds(source) if one.strip().lower() not in named)
