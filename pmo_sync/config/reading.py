"""The TOML files -> ``Config``."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, cast, get_args

from pmo_sync.config.check import problems_of, twice
from pmo_sync.config.decisions import read_baseline, read_override
from pmo_sync.config.records import (
    CANCELED_RESOLUTIONS,
    COMMENTS,
    CalendarConfig,
    Config,
    Grade,
    Language,
    PlaceConfig,
    PlaceKind,
    Profile,
    ProjectConfig,
    ReportConfig,
    ReportKind,
    Role,
    Scope,
    SourceConfig,
    TeamConfig,
    Weekday,
)
from pmo_sync.config.server import read_server
from pmo_sync.config.table import Table
from pmo_sync.errors import ConfigError
from pmo_sync.model import Category, MilestoneKind

INCLUDED: Final = ("project", "baseline", "override")  # tables that other files may hold
_NOT_JUDGED: Final = (
    "name", "language", "state_dir", "html_dir", "person_months", "required_grade", "digest",
    "baselines", "overrides",  # they hold from their day on: no earlier number is judged otherwise
)  # fmt: skip
_JUDGED_OF_SOURCES: Final = ("name", "projects", "statuses", "fields", "canceled_resolutions", "workflow_labels")


def load(file: Path, environ: Mapping[str, str], kinds: Sequence[str]) -> Config:
    """Read ``file`` and what it includes. ``kinds`` are the known connectors.

    Raises ConfigError with every problem found, each as ``file: key: what to do``.
    """
    problems: list[str] = []
    data = _read(file, problems)
    if data is None:
        raise ConfigError(problems)
    top = Table(data, "", problems, file)
    tables = {name: top.tables(name) for name in INCLUDED}
    for part in _included(top):
        more = _read(part, problems)
        if more is not None:
            included = Table(more, "", problems, part)
            for name in INCLUDED:
                tables[name] += included.tables(name)
            included.finish()
    config = _config(top, tables, environ, kinds)
    top.finish()
    problems += [f"{file.name}: {one}" for one in problems_of(config)]
    if problems:
        raise ConfigError(problems)
    return replace(config, digest=_digest(config))


def _read(file: Path, problems: list[str]) -> dict[str, Any] | None:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.append(f"{file}: not found; run `pmo-sync init` to write one, or name another with --config")
    except (OSError, ValueError) as error:  # ValueError: neither UTF-8 nor TOML
        problems.append(f"{file.name}: {error}")
    return None


def _included(top: Table) -> list[Path]:
    """The files that ``include`` matches, each once, without the including one."""
    found: dict[Path, None] = {}
    for pattern in top.texts("include"):
        try:
            matches = sorted(set(top.file.parent.glob(pattern)) - {top.file})
        except NotImplementedError:
            top.wrong("include", f"{pattern!r} must be relative to the folder of this file")
        except (OSError, ValueError) as error:
            top.wrong("include", f"{pattern!r} is no pattern for files: {error}")
        else:
            if not matches:
                top.wrong("include", f"{pattern!r} matches no file")
            found |= dict.fromkeys(matches)
    return list(found)


def _digest(config: Config) -> str:
    """Of what decides numbers, not of where servers are or where reports go."""
    everything = asdict(replace(config, places=(), reports=(), sources=()))
    judged = {key: everything[key] for key in everything if key not in _NOT_JUDGED}
    judged["sources"] = [{key: getattr(source, key) for key in _JUDGED_OF_SOURCES} for source in config.sources]
    text = json.dumps(judged, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _config(
    top: Table, tables: Mapping[str, Sequence[Table]], environ: Mapping[str, str], kinds: Sequence[str]
) -> Config:
    pmo = top.table("pmo")
    language: Language = pmo.choice("language", get_args(Language), "en")
    calendar = _calendar(pmo, CalendarConfig())
    role_table = top.table("roles")
    roles = {role: role_table.texts(role) for role in get_args(Role) if role != "work"}
    role_table.finish()
    config = Config(
        name=pmo.text("name", "PMO"),
        zone=pmo.zone("zone", "UTC"),
        language=language,
        profile=pmo.choice("profile", get_args(Profile), "enterprise"),
        period=pmo.choice("period", ("day", "week"), "week"),
        required_grade=pmo.choice("required_grade", get_args(Grade), "failed"),
        state_dir=cast("Path", pmo.path("state_dir", "state")),
        html_dir=cast("Path", pmo.path("html_dir", "reports")),
        committed_kinds=pmo.choices("committed_kinds", get_args(MilestoneKind), ("version", "milestone", "epic")),
        calendar=calendar,
        person_months=pmo.whole("person_months", 13, 0, 120),
        sources=tuple(_source(name, table, environ, kinds) for name, table in top.named("source").items()),
        projects=tuple(_project(table) for table in tables["project"]),
        programmes=_programmes(top),
        baselines=tuple(filter(None, map(read_baseline, tables["baseline"]))),
        overrides=tuple(filter(None, map(read_override, tables["override"]))),
        teams=tuple(_team(table, calendar) for table in top.tables("team")),
        roles=cast("Mapping[Role, tuple[str, ...]]", roles),
        places=tuple(_place(name, table, environ, language) for name, table in top.named("place").items()),
        reports=tuple(_report(table) for table in top.tables("report")),
        digest="",
    )
    pmo.finish()
    return config


def _programmes(top: Table) -> dict[str, str]:
    found = []
    for table in top.tables("programme"):
        found.append((table.text("id") or "", table.text("name") or ""))
        table.finish()
    for one in twice(id_ for id_, _ in found):
        top.wrong(f"programme[{one}].id", "used twice")
    return dict(found)


def _source(name: str, table: Table, environ: Mapping[str, str], kinds: Sequence[str]) -> SourceConfig:
    kind = table.choice("kind", kinds)
    statuses = table.words("statuses")
    for status, category in statuses.items():
        if category not in get_args(Category):
            table.wrong(f"statuses.{status}", f"must be one of {', '.join(get_args(Category))}, is {category!r}")
    source = SourceConfig(
        name=name,
        kind=kind or "",
        server=read_server(table, environ, kind) if kind not in (None, "files") else None,
        path=table.path("path") if kind == "files" else None,
        projects=table.texts("projects"),
        statuses=cast("Mapping[str, Category]", statuses),
        fields=table.words("fields"),
        canceled_resolutions=table.texts("canceled_resolutions", CANCELED_RESOLUTIONS),
        workflow_labels=table.text("workflow_labels", None),
        shrink_limit=table.number("shrink_limit", 0.2, 0, 1),
    )
    if kind is not None:  # without it nobody knows which options belong here
        table.finish()
    return source


def _scopes(table: Table) -> tuple[Scope, ...]:
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


def _project(table: Table) -> ProjectConfig:
    project = ProjectConfig(
        id=table.text("id") or "",
        name=table.text("name") or "",
        programme=table.text("programme", None),
        sponsor_role=table.text("sponsor_role", None),
        scopes=_scopes(table),
        teams=table.texts("teams"),
        must_win=table.texts("must_win"),
        tolerance_days=table.whole("tolerance_days", 5, 0, 3650),
        tolerance_scope_percent=table.number("tolerance_scope_percent", 100, 0, 1000),
        enabled=table.get("enabled", bool, True),
    )
    if not table.data.get("scopes"):
        table.wrong("scopes", 'missing; name what belongs to it: scopes = [{ source = "...", project = "..." }]')
    table.finish()
    return project


def _calendar(table: Table, base: CalendarConfig) -> CalendarConfig:
    """What ``table`` leaves out is that of ``base``; another country brings its own weekend."""
    country = table.text("country", base.country)
    if country and country != base.country and not _has_holidays(country):
        table.wrong("country", f"no holidays known for {country!r}; use an ISO code such as ID or DE-BY")
        country = base.country
    weekend = base.weekend if country == base.country else None
    if "weekend" in table.data:
        weekend = table.choices("weekend", get_args(Weekday), ())
        if len(set(weekend)) == len(get_args(Weekday)):
            table.wrong("weekend", "leaves no day to work on")
            weekend = None
    free, worked = (table.days(key) if key in table.data else getattr(base, key) for key in ("free_days", "work_days"))
    both = sorted(set(free) & set(worked))
    if both:
        table.wrong("work_days", f"{both[0]} is among free_days, too")
    return CalendarConfig(country, weekend, free, worked)


def _has_holidays(country: str) -> bool:
    import holidays  # slow, and most of it other countries

    code, _, part = country.partition("-")
    try:
        holidays.country_holidays(code, part or None)
    except NotImplementedError:
        return False
    return True


def _team(table: Table, calendar: CalendarConfig) -> TeamConfig:
    team = TeamConfig(
        id=table.text("id") or "",
        name=table.text("name") or "",
        scopes=_scopes(table),
        calendar=_calendar(table, calendar),
    )
    table.finish()
    return team


def _place(name: str, table: Table, environ: Mapping[str, str], language: Language) -> PlaceConfig:
    kind: PlaceKind | None = table.choice("kind", get_args(PlaceKind))
    place = PlaceConfig(
        name=name,
        kind=cast("PlaceKind", kind or ""),
        server=read_server(table, environ, kind) if kind not in (None, "folder") else None,
        path=table.path("path") if kind == "folder" else None,
        space=table.text("space") if kind == "confluence" else None,
        parent=_parent(table, kind),
        wiki=_wiki(table) if kind == "gitlab-wiki" else None,
        issues=table.words("issues") if kind in COMMENTS else {},
        language=table.choice("language", get_args(Language), language),
        write=table.get("write", bool, False),
        notify=kind in ("confluence", "jira-comment") and table.get("notify", bool, False),
        title_prefix=table.text("title_prefix", "") if kind in ("confluence", "gitlab-wiki") else "",
    )
    if kind == "confluence" and place.server and place.server.flavour is None and "flavour" not in table.data:
        table.wrong("flavour", 'missing; say flavour = "cloud" or "data-center"')
    if kind is not None:  # without it nobody knows which options belong here
        table.finish()
    return place


def _parent(table: Table, kind: PlaceKind | None) -> str | None:
    if kind not in ("confluence", "gitlab-wiki"):
        return None
    parent: str | None = table.text("parent", "pmo" if kind == "gitlab-wiki" else None)
    return parent


def _wiki(table: Table) -> str | None:
    project, group = table.text("project", None), table.text("group", None)
    if (project is None) == (group is None):
        table.wrong("project", "say either project or group: the path whose wiki takes the pages")
        return None
    return f"projects/{project}" if project else f"groups/{group}"


def _report(table: Table) -> ReportConfig:
    report = ReportConfig(
        report=cast("ReportKind", table.choice("report", get_args(ReportKind)) or ""),
        places=table.texts("places"),
        subjects=table.texts("subjects"),
    )
    table.finish()
    return report
