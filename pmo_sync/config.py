"""The configuration: TOML -> frozen dataclasses, every problem reported in one go.

``config.example.toml`` documents each option. Secrets are references (``{env = "JIRA_TOKEN"}``), never literals.
Relative paths are relative to the file that holds them.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pmo_sync.errors import ConfigError
from pmo_sync.model import Category, MilestoneKind

Profile = Literal["repository", "coach", "enterprise"]
Language = Literal["en", "id"]
Role = Literal["work", "risk", "decision", "change", "initiative"]
Flavour = Literal["cloud", "data-center"]
PlaceKind = Literal["folder", "confluence", "jira-comment", "gitlab-note"]
ReportKind = Literal["portfolio", "project", "summary"]

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
        try:
            value = self._read().strip()
        except (OSError, subprocess.SubprocessError) as error:
            raise ConfigError(
                [f"secret {self.how} = {self.where!r}: cannot be read ({type(error).__name__})"]
            ) from None
        if not value:
            raise ConfigError([f"secret {self.how} = {self.where!r}: empty or not set"])
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
        import keyring  # optional and slow

        service, _, user = self.where.partition("/")
        return keyring.get_password(service, user) or ""


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
    client_cert: str | None
    workers: int
    requests_per_second: float


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
    profile: Profile | None
    enabled: bool


@dataclass(frozen=True, slots=True)
class TeamConfig:
    """A team: a calendar and the part of the work that is its own."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    zone: str
    country: str | None  # ISO code for public holidays
    free_days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class PlaceConfig:
    """Where documents go. Nothing is written without ``write = true``."""

    name: str
    kind: PlaceKind
    server: ServerConfig | None
    path: Path | None  # kind "folder"
    space: str | None  # Confluence space key
    parent: str | None  # Confluence page id under which our tree grows; None: the space's home page
    issues: Mapping[str, str]  # report subject -> carrier issue, for comments and notes
    language: Language
    write: bool
    notify: bool
    title_prefix: str


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """Which report goes to which places."""

    report: ReportKind
    places: tuple[str, ...]
    subjects: tuple[str, ...]  # project ids; empty: all


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration."""

    file: Path
    name: str
    zone: ZoneInfo
    language: Language
    profile: Profile
    period: Literal["day", "week"]
    state_dir: Path
    html_dir: Path
    committed_kinds: tuple[MilestoneKind, ...]
    country: str | None
    sources: tuple[SourceConfig, ...]
    projects: tuple[ProjectConfig, ...]
    programmes: Mapping[str, str]  # id -> name
    teams: tuple[TeamConfig, ...]
    roles: Mapping[Role, tuple[str, ...]]  # issue types and labels; everything else is work
    places: tuple[PlaceConfig, ...]
    reports: tuple[ReportConfig, ...]
    digest: str  # of the files' text: two readings with one digest were judged alike

    def source(self, name: str) -> SourceConfig:
        """The source of that name."""
        return next(source for source in self.sources if source.name == name)

    def place(self, name: str) -> PlaceConfig:
        """The place of that name."""
        return next(place for place in self.places if place.name == name)


T = TypeVar("T")
_MISSING: Final = object()


class _Table:
    """Reads one TOML table; remembers what was wrong and what nobody asked for."""

    def __init__(self, data: Mapping[str, Any], where: str, problems: list[str], base: Path) -> None:
        self.data = data
        self.where = where
        self.problems = problems
        self.base = base
        self._asked: set[str] = set()

    def wrong(self, key: str, what: str) -> None:
        self.problems.append(f"{self.where}{key}: {what}")

    def get(self, key: str, kind: type[T] | tuple[type[Any], ...], default: Any = _MISSING) -> Any:
        self._asked.add(key)
        value = self.data.get(key, _MISSING)
        if value is _MISSING:
            if default is _MISSING:
                self.wrong(key, "missing")
                return None
            return default
        wanted = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            self.wrong(key, f"must be {' or '.join(_WORDS[one] for one in wanted)}, is {value!r}")
            return None if default is _MISSING else default
        return value

    def text(self, key: str, default: Any = _MISSING) -> Any:
        value = self.get(key, str, default)
        if value == "" and default is _MISSING:
            self.wrong(key, "is empty")
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        value = self.get(key, (int, float), default)
        if not low <= value <= high:
            self.wrong(key, f"must be between {low:g} and {high:g}, is {value:g}")
            return default
        return float(value)

    def texts(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        value = self.get(key, list, list(default))
        if not all(isinstance(one, str) for one in value):
            self.wrong(key, "must be a list of texts")
            return tuple(default)
        return tuple(value)

    def choice(self, key: str, allowed: Sequence[str], default: Any = _MISSING) -> Any:
        value = self.get(key, str, default)
        if value is not None and value not in allowed and value is not default:
            self.wrong(key, f"must be one of {', '.join(allowed)}, is {value!r}")
            return None if default is _MISSING else default
        return value

    def choices(self, key: str, allowed: Sequence[str], default: Sequence[str]) -> tuple[Any, ...]:
        values = self.texts(key, default)
        for value in values:
            if value not in allowed:
                self.wrong(key, f"must be from {', '.join(allowed)}, has {value!r}")
        return tuple(value for value in values if value in allowed)

    def words(self, key: str) -> dict[str, str]:
        value = self.get(key, dict, {})
        bad = [name for name, one in value.items() if not isinstance(one, str)]
        for name in bad:
            self.wrong(f"{key}.{name}", "must be a text")
        return {name: one for name, one in value.items() if name not in bad}

    def path(self, key: str, default: Any = _MISSING) -> Path | None:
        value = self.text(key, default)
        return None if value is None else self.base / Path(value).expanduser()

    def zone(self, key: str, default: str) -> ZoneInfo:
        value = self.text(key, default)
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.wrong(key, f"unknown time zone {value!r}; use a name like Asia/Jakarta")
            return ZoneInfo("UTC")

    def secret(self, key: str, environ: Mapping[str, str]) -> Secret | None:
        self._asked.add(key)
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in _SECRETS:
            self.wrong(
                key, 'must be a reference such as { env = "NAME" } (env, file, command or keyring), not the secret'
            )
            return None
        how, where = next(iter(value.items()))
        if not isinstance(where, str) or not where:
            self.wrong(f"{key}.{how}", "must be a text")
            return None
        return Secret(how, str(self.base / Path(where).expanduser()) if how == "file" else where, environ)

    def tables(self, key: str) -> list[_Table]:
        """The tables of ``[[key]]``."""
        found = self.get(key, list, [])
        made = []
        for number, one in enumerate(found, 1):
            if isinstance(one, dict):
                made.append(_Table(one, f"{self.where}{key}[{one.get('id', number)}].", self.problems, self.base))
            else:
                self.wrong(key, f"must be written as [[{key}]]")
        return made

    def named(self, key: str) -> dict[str, _Table]:
        """The tables of ``[key.NAME]``."""
        found = self.get(key, dict, {})
        made = {}
        for name, one in found.items():
            if isinstance(one, dict):
                made[name] = _Table(one, f"{self.where}{key}.{name}.", self.problems, self.base)
            else:
                self.wrong(f"{key}.{name}", f"must be written as [{key}.{name}]")
        return made

    def finish(self) -> None:
        """Report what nobody asked for: usually a slip of the pen."""
        for key in self.data:
            if key not in self._asked:
                self.wrong(key, "unknown option")


_WORDS: Final = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", list: "a list", dict: "a table", date: "a date"}  # fmt: skip
_SECRETS: Final = ("env", "file", "command", "keyring")


def load(file: Path, environ: Mapping[str, str], kinds: Sequence[str]) -> Config:
    """Read ``file`` and what it includes. ``kinds`` are the known connectors.

    Raises ConfigError with every problem found, each as ``file: key: what to do``.
    """
    problems: list[str] = []
    data = _read(file, problems)
    if data is None:
        raise ConfigError(problems)
    found: list[str] = []
    top = _Table(data, "", found, file.parent)
    project_tables = top.tables("project")
    for pattern in top.texts("include"):
        for part in sorted(file.parent.glob(pattern)):
            more = _read(part, problems)
            if more is not None:
                included = _Table(more, f"{part.name}: ", found, part.parent)
                project_tables += included.tables("project")
                included.finish()
    config = _config(top, file, project_tables, environ, kinds, _digest(data, project_tables))
    top.finish()
    _cross_check(config, found)
    problems += [f"{file.name}: {one}" for one in found]
    if problems:
        raise ConfigError(problems)
    return config


def _digest(data: Mapping[str, Any], project_tables: Sequence[_Table]) -> str:
    """What decides numbers, not where servers are: everything but addresses and places."""
    judged = {key: data.get(key) for key in ("pmo", "programme", "team", "roles")}
    judged["statuses"] = {name: source.get("statuses") for name, source in data.get("source", {}).items()}
    text = json.dumps([judged, [table.data for table in project_tables]], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _read(file: Path, problems: list[str]) -> dict[str, Any] | None:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.append(f"{file}: not found; start from config.example.toml or name another with --config")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{file.name}: {error}")
    return None


def _config(
    top: _Table,
    file: Path,
    project_tables: Sequence[_Table],
    environ: Mapping[str, str],
    kinds: Sequence[str],
    digest: str,
) -> Config:
    pmo = _Table(top.get("pmo", dict, {}), "pmo.", top.problems, file.parent)
    programmes = {}
    for table in top.tables("programme"):
        programmes[table.text("id")] = table.text("name")
        table.finish()
    role_table = _Table(top.get("roles", dict, {}), "roles.", top.problems, file.parent)
    roles = {role: role_table.texts(role) for role in get_args(Role) if role != "work"}
    role_table.finish()
    config = Config(
        file=file,
        name=pmo.text("name", "PMO"),
        zone=pmo.zone("zone", "UTC"),
        language=pmo.choice("language", get_args(Language), "en"),
        profile=pmo.choice("profile", get_args(Profile), "enterprise"),
        period=pmo.choice("period", ("day", "week"), "week"),
        state_dir=cast("Path", pmo.path("state_dir", "state")),
        html_dir=cast("Path", pmo.path("html_dir", "reports")),
        committed_kinds=pmo.choices("committed_kinds", get_args(MilestoneKind), ("version", "milestone", "epic")),
        country=pmo.text("country", None),
        sources=tuple(_source(name, table, environ, kinds) for name, table in top.named("source").items()),
        projects=tuple(_project(table) for table in project_tables),
        programmes=programmes,
        teams=tuple(_team(table) for table in top.tables("team")),
        roles=cast("Mapping[Role, tuple[str, ...]]", roles),
        places=tuple(_place(name, table, environ) for name, table in top.named("place").items()),
        reports=tuple(_report(table) for table in top.tables("report")),
        digest=digest,
    )
    pmo.finish()
    return config


def _server(table: _Table, environ: Mapping[str, str]) -> ServerConfig:
    url = str(table.text("url") or "").rstrip("/")
    if url and not url.startswith(("https://", "http://")):
        table.wrong("url", f"must start with https://, is {url!r}")
    return ServerConfig(
        url=url,
        api_base=str(table.text("api_base", url)).rstrip("/"),
        flavour=table.choice("flavour", get_args(Flavour), None),
        user=table.text("user", None),
        token=table.secret("token", environ),
        proxy=table.text("proxy", None),
        ca_bundle=_str(table.path("ca_bundle", None)),
        client_cert=_str(table.path("client_cert", None)),
        workers=int(table.number("workers", 4, 1, 16)),
        requests_per_second=table.number("requests_per_second", 8, 0.1, 1000),
    )


def _str(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _source(name: str, table: _Table, environ: Mapping[str, str], kinds: Sequence[str]) -> SourceConfig:
    kind = table.choice("kind", kinds) or "files"
    statuses = table.words("statuses")
    for status, category in statuses.items():
        if category not in get_args(Category):
            table.wrong(f"statuses.{status}", f"must be one of {', '.join(get_args(Category))}, is {category!r}")
    source = SourceConfig(
        name=name,
        kind=kind,
        server=None if kind == "files" else _server(table, environ),
        path=table.path("path") if kind == "files" else None,
        projects=table.texts("projects"),
        statuses=cast("Mapping[str, Category]", statuses),
        fields=table.words("fields"),
        canceled_resolutions=table.texts("canceled_resolutions", CANCELED_RESOLUTIONS),
        workflow_labels=table.text("workflow_labels", None),
        shrink_limit=table.number("shrink_limit", 0.2, 0, 1),
    )
    table.finish()
    return source


def _scopes(table: _Table) -> tuple[Scope, ...]:
    made = []
    for one in table.tables("scopes"):
        scope = Scope(
            source=one.text("source") or "",
            project=one.text("project", None),
            milestone=one.text("milestone", None),
            label=one.text("label", None),
            epic=one.text("epic", None),
        )
        one.finish()
        made.append(scope)
    return tuple(made)


def _project(table: _Table) -> ProjectConfig:
    project = ProjectConfig(
        id=table.text("id") or "",
        name=table.text("name") or "",
        programme=table.text("programme", None),
        sponsor_role=table.text("sponsor_role", None),
        scopes=_scopes(table),
        teams=table.texts("teams"),
        must_win=table.texts("must_win"),
        tolerance_days=int(table.number("tolerance_days", 5, 0, 3650)),
        tolerance_scope_percent=table.number("tolerance_scope_percent", 15, 0, 1000),
        profile=table.choice("profile", get_args(Profile), None),
        enabled=table.get("enabled", bool, True),
    )
    if not project.scopes:
        table.wrong("scopes", 'missing; name what belongs to it: scopes = [{ source = "...", project = "..." }]')
    table.finish()
    return project


def _team(table: _Table) -> TeamConfig:
    days = table.get("free_days", list, [])
    if not all(isinstance(day, date) for day in days):
        table.wrong("free_days", "must be a list of dates such as 2026-12-24")
        days = []
    team = TeamConfig(
        id=table.text("id") or "",
        name=table.text("name") or "",
        scopes=_scopes(table),
        zone=table.zone("zone", "UTC").key,
        country=table.text("country", None),
        free_days=tuple(days),
    )
    table.finish()
    return team


def _place(name: str, table: _Table, environ: Mapping[str, str]) -> PlaceConfig:
    kind: PlaceKind = table.choice("kind", get_args(PlaceKind)) or "folder"
    place = PlaceConfig(
        name=name,
        kind=kind,
        server=None if kind == "folder" else _server(table, environ),
        path=table.path("path") if kind == "folder" else None,
        space=table.text("space") if kind == "confluence" else None,
        parent=table.text("parent", None) if kind == "confluence" else None,
        issues=table.words("issues") if kind in ("jira-comment", "gitlab-note") else {},
        language=table.choice("language", get_args(Language), "en"),
        write=table.get("write", bool, False),
        notify=table.get("notify", bool, False),
        title_prefix=table.text("title_prefix", ""),
    )
    if kind == "confluence" and place.server and place.server.flavour is None:
        table.wrong("flavour", 'missing; say flavour = "cloud" or "data-center"')
    table.finish()
    return place


def _report(table: _Table) -> ReportConfig:
    report = ReportConfig(
        report=table.choice("report", get_args(ReportKind)) or "portfolio",
        places=table.texts("places"),
        subjects=table.texts("subjects"),
    )
    table.finish()
    return report


def _cross_check(config: Config, problems: list[str]) -> None:
    """Names that point at nothing, and ids used twice."""
    sources = {source.name for source in config.sources}
    places = {place.name for place in config.places}
    teams = {team.id for team in config.teams}
    ids = [project.id for project in config.projects]
    if not sources:
        problems.append("source: missing; name at least one tracker: [source.NAME]")
    problems += [f"project[{one}].id: used twice" for one in sorted({one for one in ids if ids.count(one) > 1})]
    owners: list[tuple[str, Sequence[Scope]]] = [(f"project[{one.id}]", one.scopes) for one in config.projects]
    owners += [(f"team[{one.id}]", one.scopes) for one in config.teams]
    for where, scopes in owners:
        problems += [f"{where}.scopes: no source named {one.source!r}" for one in scopes if one.source not in sources]
    for project in config.projects:
        if project.programme is not None and project.programme not in config.programmes:
            problems.append(f"project[{project.id}].programme: no [[programme]] with id {project.programme!r}")
        problems += [
            f"project[{project.id}].teams: no [[team]] with id {one!r}" for one in project.teams if one not in teams
        ]
    for number, report in enumerate(config.reports, 1):
        problems += [f"report[{number}].places: no [place.{one}]" for one in report.places if one not in places]
        if config.projects:
            problems += [
                f"report[{number}].subjects: no [[project]] with id {one!r}"
                for one in report.subjects
                if one not in ids
            ]
