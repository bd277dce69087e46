"""The configuration's records. ``config.example.toml`` documents each option."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pmo_sync.errors import ConfigError
from pmo_sync.model import Category, MilestoneKind

Profile = Literal["repository", "coach", "enterprise"]
Language = Literal["en", "id"]
Role = Literal["work", "risk", "decision", "change", "initiative"]
Flavour = Literal["cloud", "data-center"]
PlaceKind = Literal["folder", "confluence", "gitlab-wiki", "jira-comment", "gitlab-note"]
Grade = Literal["failed", "incomplete", "complete"]  # of a certificate, from the worst to the best
ReportKind = Literal["portfolio", "project", "summary"]
Colour = Literal["green", "amber", "red"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

COMMENTS: Final[tuple[PlaceKind, ...]] = ("jira-comment", "gitlab-note")  # places that hold a summary, not pages

CANCELED_RESOLUTIONS: Final = (
    "Won't Do", "Won't Fix", "Wont Fix", "Duplicate", "Cannot Reproduce", "Invalid", "Not A Bug", "Declined",
    "Abandoned", "Canceled", "Cancelled", "Incomplete",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Secret:
    """A reference to a secret. Only ``reveal`` touches its value; it prints as a reference."""

    how: Literal["env", "file", "command", "keyring"]
    where: str
    _environ: Mapping[str, str] = field(repr=False, compare=False)

    def reveal(self) -> str:
        """The secret's value, without surrounding white space. Raises ConfigError if it is not there."""
        value, why = "", "empty or not set"
        try:
            value = self._read().strip()
        except (OSError, subprocess.SubprocessError, ValueError) as error:  # ValueError: not text, or no path
            why = f"cannot be read ({type(error).__name__})"
        if not value.isprintable():  # a header with it would be refused by an error that quotes it
            value, why = "", "more than one line, or holds characters that cannot be printed"
        if not value:  # raised out here: the error must not carry what a broken command printed
            raise self._error(why)
        return value

    def _read(self) -> str:
        if self.how == "env":
            return self._environ.get(self.where, "")
        if self.how == "file":
            return Path(self.where).read_text(encoding="utf-8")
        if self.how == "command":
            done = subprocess.run(  # noqa: S602 - the user's own command, from the user's own file
                self.where, shell=True, check=True, capture_output=True, text=True, timeout=60
            )
            return done.stdout
        return self._ask_keyring()

    def _ask_keyring(self) -> str:
        try:
            import keyring  # optional and slow
            from keyring.errors import KeyringError
        except ImportError:
            raise self._error("needs another package: pip install 'pmo-sync[keyring]'") from None
        service, _, user = self.where.partition("/")
        try:
            return keyring.get_password(service, user) or ""
        except KeyringError as error:
            raise self._error(f"cannot be read ({type(error).__name__})") from None

    def _error(self, why: str) -> ConfigError:
        return ConfigError([f"secret {self.how} = {self.where!r}: {why}"])


@dataclass(frozen=True, slots=True)
class OAuthConfig:
    """A service account's client credentials."""

    client_id: str
    client_secret: Secret
    token_url: str
    scope: str | None  # separated by spaces


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """How to reach one server; shared by sources and places."""

    url: str  # where people look at it; links are made from it
    api_base: str  # where the API is, url unless a gateway is used
    flavour: Flavour | None
    user: str | None  # with a user the token goes as Basic, without as Bearer
    token: Secret | None
    proxy: str | None
    ca_bundle: str | None
    client_cert: str | tuple[str, str] | None  # one PEM file, or certificate and key
    workers: int  # requests at the same time
    requests_per_second: float
    oauth: OAuthConfig | None = None  # instead of user and token
    proxy_user: str | None = None
    proxy_password: Secret | None = None

    @property
    def has_login(self) -> bool:
        """Whether the server is to know us; otherwise we come as anybody."""
        return self.token is not None or self.oauth is not None


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One tracker account to read."""

    name: str
    kind: str
    server: ServerConfig | None  # None for kind "files"
    path: Path | None  # kind "files"
    projects: tuple[str, ...]  # keys or paths; empty: every readable project
    statuses: Mapping[str, Category]  # the tracker's status name or workflow label -> our category
    fields: Mapping[str, str]  # our field -> the tracker's field id, where discovery is ambiguous
    canceled_resolutions: tuple[str, ...]
    workflow_labels: str | None  # GitLab: prefix of the scoped labels that are the workflow, "workflow::"
    shrink_limit: float  # share of a project's issues one run may remove


@dataclass(frozen=True, slots=True)
class Scope:
    """Which issues belong to a PMO project or a team. All given parts must hold."""

    source: str
    project: str | None = None  # project key or path; "group/*" takes every project of a GitLab group
    milestone: str | None = None  # a version's or milestone's name
    label: str | None = None
    epic: str | None = None  # the epic's key


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """The PMO's own unit."""

    id: str
    name: str
    programme: str | None
    sponsor_role: str | None
    scopes: tuple[Scope, ...]
    teams: tuple[str, ...]
    must_win: tuple[str, ...]  # names of milestones
    tolerance_days: int
    tolerance_scope_percent: float
    enabled: bool


@dataclass(frozen=True, slots=True)
class Baseline:
    """The date that was approved for a milestone. The first one stays the first, however many follow."""

    id: str
    project: str  # the PMO's id
    milestone: str  # a milestone's name, or an epic's title or key
    due_on: date
    decided_on: date
    role: str
    reason: str


@dataclass(frozen=True, slots=True)
class Override:
    """The colour that somebody declares for a project or a milestone, beside the computed one, until it expires."""

    id: str
    project: str
    milestone: str | None  # None: the project itself
    status: Colour
    decided_on: date
    expires_on: date
    role: str
    reason: str


Decision = Baseline | Override


@dataclass(frozen=True, slots=True)
class CalendarConfig:
    """Which days are worked."""

    country: str | None = None  # ISO code whose public holidays are free; with a part of it where they differ: DE-BY
    weekend: tuple[Weekday, ...] | None = None  # None: the country's; Saturday and Sunday without one
    free_days: tuple[date, ...] = ()  # free besides
    work_days: tuple[date, ...] = ()  # worked all the same


@dataclass(frozen=True, slots=True)
class TeamConfig:
    """A team: a calendar and the part of the work that is its own."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    calendar: CalendarConfig


@dataclass(frozen=True, slots=True)
class PlaceConfig:
    """Where documents go. Nothing is written without ``write = true``."""

    name: str
    kind: PlaceKind
    server: ServerConfig | None
    path: Path | None  # kind "folder"
    space: str | None  # Confluence space key
    parent: (
        str | None
    )  # Confluence: page id under which our tree grows, None: the space's home page; a wiki: its folder
    wiki: str | None  # GitLab wiki: projects/PATH or groups/PATH
    issues: Mapping[str, str]  # report subject -> carrier issue, for comments and notes
    language: Language
    write: bool
    notify: bool
    title_prefix: str

    def target(self, slot: str) -> str:
        """Stands for what a document is written to: a space or wiki and parent, a carrier issue, a folder. Places with one
        target write the same documents; a place with another one has been moved.
        """
        where = str(self.path.resolve()) if self.path else self.server.url if self.server else ""
        parts = (self.kind, where, self.space or self.wiki or "", self.parent or "", self.issues.get(slot, ""))
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """Which report goes to which places."""

    report: ReportKind
    places: tuple[str, ...]
    subjects: tuple[str, ...]  # project ids; empty: all


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration."""

    name: str
    zone: ZoneInfo
    language: Language
    profile: Profile
    period: Literal["day", "week"]
    required_grade: Grade  # of every source's certificate, before anything is published
    state_dir: Path
    html_dir: Path
    committed_kinds: tuple[MilestoneKind, ...]
    calendar: CalendarConfig
    person_months: int  # how long who was assigned to what is kept
    sources: tuple[SourceConfig, ...]
    projects: tuple[ProjectConfig, ...]
    programmes: Mapping[str, str]  # id -> name
    baselines: tuple[Baseline, ...]
    overrides: tuple[Override, ...]
    teams: tuple[TeamConfig, ...]
    roles: Mapping[Role, tuple[str, ...]]  # issue types and labels; everything else is work
    places: tuple[PlaceConfig, ...]
    reports: tuple[ReportConfig, ...]
    digest: str  # of every option that decides a number: two runs with one digest were judged alike

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What people decided, in the order they did."""
        return tuple(sorted((*self.baselines, *self.overrides), key=lambda one: (one.decided_on, one.id)))

    @property
    def status_map(self) -> frozenset[tuple[str, str, Category]]:
        """What the configuration says of statuses: source, name in lower case, category."""
        return frozenset(
            (one.name, name.strip().lower(), category)
            for one in self.sources
            for name, category in one.statuses.items()
        )

    @property
    def calendars(self) -> tuple[CalendarConfig, ...]:
        """Every different calendar once; the PMO's is the first."""
        return tuple(dict.fromkeys((self.calendar, *(team.calendar for team in self.teams))))
