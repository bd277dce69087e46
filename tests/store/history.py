"""Issue histories written as text, so that a test reads like the case it describes.

One line is one issue: its key, then moments, each followed by what happened then::

    PAY-1   2026-01-05 todo   2026-01-07 doing   2026-01-12 done   2026-01-13 doing   2026-01-20 done
    PAY-2   kind=Bug   2026-01-06 todo estimate=3 due_on=2026-02-01 +label:mobile +milestone:v1
    PAY-3   2026-01-06 todo parent=PAY-2   2026-01-08 flagged=true   2026-01-09 flagged=   2026-01-10 wontdo
    gl:APP-4   2026-01-06 doing +blocks:PAY-2   2026-01-09 -blocks:PAY-2
    @v1   kind=version project=PAY   2026-01-05 due_on=2026-03-01 state=open   2026-02-01 due_on=2026-04-01

* A moment is ``2026-01-05`` (midnight, UTC) or ``2026-01-05T10:30``; the first one creates the issue.
* ``todo``, ``doing``, ``done`` set that status; ``done`` also sets the resolution Done, ``wontdo`` is the status
  done with the resolution Won't Do, ``odd`` a status without any category. Leaving them clears the resolution.
* ``field=value`` sets a single field, ``field=`` clears it; ``+field:value`` and ``-field:value`` change a set.
  ``status=Name`` sets the status of that name. Issues are named by key, milestones by name.
* Before the first moment stand properties: ``kind``, ``level``, ``title`` (``_`` for blanks), ``superseded``,
  ``confidential``. For a milestone (``@name``): ``kind``, ``project``.
* A key may carry its source, ``gl:APP-4``; without one it belongs to ``acme``. Its project is what stands
  before the last dash. ``#`` starts a comment.

>>> case = parse("PAY-1  2026-01-05 todo  2026-01-07 doing")
>>> [(one.value, one.since.day, one.until and one.until.day) for one in case.page.intervals if one.field == "status"]
[('acme:todo', 5, 7), ('acme:doing', 7, None)]
"""

from __future__ import annotations

import atexit
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from pmo_sync import loading, tables
from pmo_sync.config import CANCELED_RESOLUTIONS, CalendarConfig, Config, ProjectConfig, Scope, SourceConfig
from pmo_sync.model import SET_FIELDS, Catalogue, Interval, Issue, Milestone, Page, Project, Status
from pmo_sync.store import Store, handover

SOURCE: Final = "acme"
STATUSES: Final = {"todo": "To Do", "doing": "In Progress", "done": "Done", "odd": "Odd"}
CATEGORIES: Final = {"todo": "todo", "doing": "doing", "done": "done"}
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?$")
_RELATIONS: Final = ("parent", "blocks", "blocked_by", "relates")


@dataclass(frozen=True, slots=True)
class Case:
    """What the lines say, as records."""

    issues: tuple[Issue, ...]
    intervals: tuple[Interval, ...]  # of issues
    milestones: tuple[Milestone, ...]  # as they are at the end of their lines
    milestone_intervals: tuple[Interval, ...]
    projects: tuple[Project, ...]
    statuses: tuple[Status, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that occur, sorted."""
        return tuple(sorted({one.source for one in self.projects}))

    @property
    def page(self) -> Page:
        """All issues in one page."""
        return Page(self.issues, self.intervals, (), (), "end")

    def catalogue(self, source: str = SOURCE) -> Catalogue:
        """The catalogue of one source."""
        return Catalogue(
            projects=tuple(one for one in self.projects if one.source == source),
            statuses=tuple(one for one in self.statuses if one.source == source),
            milestones=tuple(one for one in self.milestones if one.source == source),
        )


def moment(text: str) -> datetime:
    """``2026-01-05`` or ``2026-01-05T10:30`` as an aware UTC moment."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def issue_id(key: str) -> str:
    """``PAY-1`` -> ``acme:PAY-1``; addresses and keys with a source stay."""
    return key if ":" in key else f"{SOURCE}:{key}"


def milestone_id(name: str, source: str = SOURCE) -> str:
    """``v1`` -> ``acme:m:v1``."""
    return name if ":" in name else f"{source}:m:{name}"


@dataclass(slots=True)
class _Line:
    name: str
    properties: dict[str, str] = field(default_factory=dict)
    events: list[tuple[datetime, str]] = field(default_factory=list)


def _read(text: str) -> Iterator[_Line]:
    for raw in text.splitlines():
        words = raw.split("#", 1)[0].split()
        if not words:
            continue
        line, now = _Line(words[0]), None
        for word in words[1:]:
            if _MOMENT.match(word):
                now = moment(word)
                line.events.append((now, ""))
            elif now is None:
                name, _, value = word.partition("=")
                line.properties[name] = value
            else:
                line.events.append((now, word))
        yield line


class _Stays:
    """Collects what happened to one entity into intervals."""

    def __init__(self, entity_id: str) -> None:
        self.entity_id = entity_id
        self.open: dict[tuple[str, str], tuple[str, str, datetime]] = {}  # (field, member) -> value, label, since
        self.closed: list[Interval] = []

    def put(self, name: str, value: str, label: str, at: datetime) -> None:
        self.drop(name, "", at)
        self.open[name, ""] = (value, label, at)

    def add(self, name: str, value: str, label: str, at: datetime) -> None:
        self.open.setdefault((name, value), (value, label, at))

    def drop(self, name: str, member: str, at: datetime) -> None:
        if (name, member) in self.open:
            value, label, since = self.open.pop((name, member))
            self.closed.append(Interval(self.entity_id, name, value, label, since, at))

    def all(self) -> list[Interval]:
        still = [
            Interval(self.entity_id, name, value, label, since, None)
            for (name, _), (value, label, since) in self.open.items()
        ]
        return self.closed + still


def _happen(stays: _Stays, word: str, at: datetime, source: str) -> None:
    if word in ("todo", "doing", "done", "odd", "wontdo"):
        status = "done" if word == "wontdo" else word
        stays.put("status", f"{source}:{status}", STATUSES[status], at)
        stays.drop("resolution", "", at)
        if word in ("done", "wontdo"):
            resolution = "Done" if word == "done" else "Won't Do"
            stays.put("resolution", resolution, resolution, at)
    elif word[0] in "+-":
        name, _, member = word[1:].partition(":")
        value = _value(name, member, source)
        if word[0] == "+":
            stays.add(name, value, member, at)
        else:
            stays.drop(name, value, at)
    else:
        name, _, value = word.partition("=")
        if value:
            stays.put(name, _value(name, value, source), value.replace("_", " "), at)
        else:
            stays.drop(name, "", at)


def _value(name: str, word: str, source: str) -> str:
    if name in _RELATIONS:
        return issue_id(word)
    if name == "milestone":
        return milestone_id(word, source)
    if name == "status":
        return f"{source}:{word}"
    if name == "project":
        return f"{source}:{word}"
    return word if name == "health" else word.replace("_", " ")


def parse(text: str) -> Case:
    """The records that the lines describe."""
    issues, intervals, milestones, milestone_intervals, sources = [], [], [], [], {}
    keys: set[tuple[str, str]] = set()
    for line in _read(text):
        source, _, key = line.name.lstrip("@").rpartition(":")
        source = source or SOURCE
        sources[source] = None
        if line.name.startswith("@"):
            milestone, grown = _milestone(line, source, key)
            milestones.append(milestone)
            milestone_intervals += grown
            continue
        stays = _Stays(f"{source}:{key}")
        for at, word in line.events:
            if word:
                _happen(stays, word, at, source)
        own = stays.all()
        project = next(
            (one.label for one in own if one.field == "project" and one.until is None), key.rpartition("-")[0]
        )
        keys |= {(source, project)} | {(source, one.label) for one in own if one.field == "project"}
        properties = line.properties
        kind = next(
            (one.value for one in own if one.field == "kind" and one.until is None), properties.get("kind", "Task")
        )
        issues.append(
            Issue(
                issue_id=f"{source}:{key}", source=source, project_id=f"{source}:{project}", key=key,
                title=properties.get("title", f"Title of {key}").replace("_", " "), kind=kind.replace("_", " "),
                level=int(properties.get("level", "0")), created_at=line.events[0][0],
                updated_at=max(at for at, _ in line.events), url=f"https://{source}.example/browse/{key}",
                is_confidential="confidential" in properties,
                superseded=properties.get("superseded", ""),  # type: ignore[arg-type]
            )
        )  # fmt: skip
        intervals += own
    sources = sources or {SOURCE: None}
    return Case(
        issues=tuple(issues),
        intervals=tuple(intervals),
        milestones=tuple(milestones),
        milestone_intervals=tuple(milestone_intervals),
        projects=tuple(
            Project(f"{source}:{key}", source, key, f"Project {key}", f"https://{source}.example/{key}", False)
            for source, key in sorted(keys)
        ),
        statuses=tuple(
            Status(f"{source}:{status}", source, name, CATEGORIES.get(status))  # type: ignore[arg-type]
            for source in sorted(sources)
            for status, name in STATUSES.items()
        ),
    )


def _milestone(line: _Line, source: str, name: str) -> tuple[Milestone, list[Interval]]:
    stays = _Stays(milestone_id(name, source))
    start = line.events[0][0] if line.events else datetime(2026, 1, 1, tzinfo=UTC)
    stays.put("name", name, name, start)
    stays.put("state", "open", "open", start)
    for at, word in line.events:
        if word:
            _happen(stays, word, at, source)
    now = {one.field: one.value for one in stays.all() if one.until is None}
    days = {one: date.fromisoformat(now[one]) if one in now else None for one in ("start_on", "due_on", "closed_on")}
    project = line.properties.get("project")
    milestone = Milestone(
        milestone_id=milestone_id(name, source), source=source, project_id=project and f"{source}:{project}",
        kind=line.properties.get("kind", "version"),  # type: ignore[arg-type]
        name=now["name"], state=now["state"],  # type: ignore[arg-type]
        url=f"https://{source}.example/milestones/{name}", **days,
    )  # fmt: skip
    return milestone, [one for one in stays.all() if one.until is None or one.since < one.until]


def configure(*projects: ProjectConfig, sources: tuple[str, ...] = (SOURCE,), **changes: Any) -> Config:
    """A configuration with these PMO projects and, by default, nothing else; ``changes`` replace its fields."""
    config = Config(
        name="Acme PMO", zone=ZoneInfo("UTC"), language="en", profile="enterprise",
        period="week", state_dir=Path("state"), html_dir=Path("reports"),
        committed_kinds=("version", "milestone", "epic"), calendar=CalendarConfig(), person_months=13, required_grade="failed",
        sources=tuple(source(one) for one in sources), projects=projects, programmes={}, baselines=(), overrides=(), teams=(), roles={},
        places=(), reports=(), digest="test",
    )  # fmt: skip
    return replace(config, **changes)


def source(name: str = SOURCE, statuses: Mapping[str, Any] | None = None, **changes: Any) -> SourceConfig:
    """A source of that name."""
    made = SourceConfig(
        name=name, kind="files", server=None, path=Path(name), projects=(), statuses=statuses or {}, fields={},
        canceled_resolutions=CANCELED_RESOLUTIONS, workflow_labels=None, shrink_limit=0.2,
    )  # fmt: skip
    return replace(made, **changes)


def pmo_project(name: str, *scopes: Scope, **changes: Any) -> ProjectConfig:
    """A PMO project; without scopes it holds the tracker project of the same key."""
    made = ProjectConfig(
        id=name, name=f"PMO {name}", programme=None, sponsor_role=None, scopes=scopes or (Scope(SOURCE, name),),
        teams=(), must_win=(), tolerance_days=5, tolerance_scope_percent=15.0, enabled=True,
    )  # fmt: skip
    return replace(made, **changes)


def fill(store: Store, case: Case, seen_at: datetime | None = None) -> Store:
    """Put the case into the store as a sync would: catalogue, pages, merge, then the milestones' own history.

    ``seen_at`` is the moment of the first snapshot of every milestone whose line has no moments of its own.
    """
    seen_at = seen_at or min((one.since for one in case.milestone_intervals), default=datetime(2026, 1, 1, tzinfo=UTC))
    for name in case.sources:
        store.save_catalogue(name, case.catalogue(name), seen_at)
    store.append(case.sources[0] if case.sources else SOURCE, "", case.page)
    store.merge()
    handover.load(store, "milestones", {"milestone_history": loading.table(Interval, case.milestone_intervals)})
    return store


_shared: list[Store] = []


def blank() -> Store:
    """An empty store in memory, the same one at each call: for properties, where opening one an example is slow."""
    if not _shared:
        _shared.append(Store.open(Path("memory.duckdb"), memory=True))
        atexit.register(_shared.clear)  # the engine complains about connections that outlive it
    [store] = _shared
    for (name,) in store.rows(
        "SELECT table_name FROM duckdb_tables() WHERE NOT temporary AND table_name <> 'schema_version'"
    ):
        store.script(f"DELETE FROM {name}")
    return store


def prepared(text: str, as_of: str | datetime, config: Config | None = None, today: date | None = None) -> Store:
    """A store in memory that holds the lines, with every derived table cut at ``as_of``.

    ``today`` is by default the day before ``as_of``: the last closed day.
    """
    cut = moment(as_of) if isinstance(as_of, str) else as_of
    case = parse(text)
    store = fill(Store.open(Path("memory.duckdb"), memory=True), case)
    config = config or configure(sources=case.sources or (SOURCE,))
    tables.prepare(store, config, cut, today or (cut - timedelta(microseconds=1)).date())
    return store


assert set(_RELATIONS) - {"parent"} <= set(SET_FIELDS)
