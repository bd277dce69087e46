"""What indicators see: the configuration as parameter tables, then ``sql/derive`` in the order of its numbers.

``sql/derive/README.md`` lists every table. All of them are temporary tables of the store's connection, replaced by
the next call: one store shows one moment at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo

import pyarrow as pa

from pmo_sync import calendars, loading
from pmo_sync.config import Config, Role, Scope
from pmo_sync.queries import sql_folder
from pmo_sync.store import Store

_TEXT: Final = pa.string()
_COLUMNS: Final[dict[str, dict[str, pa.DataType]]] = {
    "moment": {"as_of": pa.timestamp("us"), "today": pa.date32()},
    "portfolio": {"name": _TEXT},
    "status_map": loading.STATUS_MAP,
    "canceled_resolution": {"source": _TEXT, "name": _TEXT},
    "role_map": {"name": _TEXT, "role": _TEXT, "precedence": pa.int32()},
    "pmo_project": {
        "project": _TEXT, "name": _TEXT, "programme": _TEXT, "programme_name": _TEXT, "is_enabled": pa.bool_(),
    },
    "scope": {
        "number": pa.int32(), "owner_kind": _TEXT, "owner": _TEXT, "source": _TEXT, "project_key": _TEXT,
        "milestone": _TEXT, "label": _TEXT, "epic": _TEXT,
    },
    "must_win": {"project": _TEXT, "milestone": _TEXT},
    "committed_kind": {"kind": _TEXT},
    "approval": {
        "number": pa.int32(), "project": _TEXT, "milestone": _TEXT, "due_on": pa.date32(), "decided_at": pa.timestamp("us"),
    },
    "project_team": {"project": _TEXT, "team": _TEXT, "calendar": pa.int32()},
    "usual_week": {"calendar": pa.int32(), "days": pa.int32()},
    "calendar": {"day": pa.date32(), "week": pa.date32()},
}  # fmt: skip
_AHEAD: Final = timedelta(days=1096)  # the calendar's reach after today: two years of work take longer with days off
_BEHIND: Final = timedelta(days=50 * 366)  # an older issue is a slip of the tracker's clock


def prepare(store: Store, config: Config, as_of: datetime, today: date) -> None:
    """Cut the store at ``as_of`` (exclusive, aware) and leave every table of the README on its connection.

    ``today`` is the last closed day in the PMO's zone. Nothing in the database changes, so a read-only store will do.
    """
    first, last = _first_day(store, today), today + _AHEAD
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    numbers = {one: number for number, one in enumerate(config.calendars)}
    teams = {team.id: numbers[team.calendar] for team in config.teams}
    parameters: dict[str, Sequence[tuple[Any, ...]]] = {
        "moment": [(as_of.astimezone(UTC), today)],
        "portfolio": [(config.name,)],
        "status_map": sorted(config.status_map),
        "canceled_resolution": sorted(_refusals(config)),
        "role_map": list(_roles(config)),
        "must_win": [(project.id, name) for project in config.projects for name in project.must_win],
        "committed_kind": [(kind,) for kind in config.committed_kinds],
        "approval": [
            (number, one.project, _plain(one.milestone), one.due_on, end_of(one.decided_on, config.zone))
            for number, one in enumerate(config.baselines)
        ],
        "project_team": [(one.id, team, teams[team]) for one in config.projects for team in one.teams],
        "usual_week": [(number, len(calendars.week(one))) for one, number in numbers.items()],
        "calendar": [(day, day - timedelta(days=day.weekday())) for day in every],
        **_units(store, config),
    }
    for name, rows in parameters.items():
        store.put(name, pa.Table.from_pylist([dict(zip(_COLUMNS[name], row, strict=True)) for row in rows],
                                             pa.schema(list(_COLUMNS[name].items()))))  # fmt: skip
    store.put("working_day", calendars.days(config.calendars, first, last))
    zone = config.zone.key.replace("'", "''")
    store.script(
        f"CREATE OR REPLACE TEMP MACRO local_time(moment) AS timezone('{zone}', moment AT TIME ZONE 'UTC');"
        "CREATE OR REPLACE TEMP MACRO local_day(moment) AS CAST(local_time(moment) AS DATE)"
    )
    for text in sql_folder("derive"):
        store.script(text)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The moment a day is over in ``zone``, as UTC."""
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def day_before(moment: datetime, zone: ZoneInfo) -> date:
    """The day in ``zone`` that was just over at ``moment``: of ``end_of`` a day that day."""
    return (moment - timedelta(microseconds=1)).astimezone(zone).date()


def _plain(name: str) -> str:
    return name.strip().lower()


def _refusals(config: Config) -> set[tuple[str, str]]:
    return {(one.name, _plain(name)) for one in config.sources for name in one.canceled_resolutions}


def _roles(config: Config) -> Iterator[tuple[str, str, int]]:
    """A name stands for one role: the first in the order of ``Role`` that claims it."""
    claimed: set[str] = set()
    for precedence, role in enumerate(get_args(Role)):
        for name in map(_plain, config.roles.get(role, ())):
            if name not in claimed:
                claimed.add(name)
                yield name, role, precedence


def _units(store: Store, config: Config) -> dict[str, list[tuple[Any, ...]]]:
    """The PMO's projects and who owns which scope. Without any, each tracker project is one, called by its key."""
    scopes: list[tuple[str, str, Scope]] = [("team", team.id, scope) for team in config.teams for scope in team.scopes]
    projects: list[tuple[Any, ...]]
    if config.projects:
        projects = [
            (one.id, one.name, one.programme, config.programmes.get(one.programme or "", one.programme), one.enabled)
            for one in config.projects
        ]
        scopes += [("project", one.id, scope) for one in config.projects for scope in one.scopes]
    else:
        names = {one.name for one in config.sources}
        query = "SELECT source, key, name, is_archived FROM project ORDER BY source, key"
        found = [row for row in store.rows(query) if row[0] in names]
        shared = Counter(key for _, key, _, _ in found)
        ids = [key if shared[key] == 1 else f"{source}:{key}" for source, key, _, _ in found]
        projects = [(id_, row[2], None, None, not row[3]) for id_, row in zip(ids, found, strict=True)]
        scopes += [("project", id_, Scope(row[0], row[1])) for id_, row in zip(ids, found, strict=True)]
    return {
        "pmo_project": projects,
        "scope": [
            (number, kind, owner, one.source, one.project, one.milestone, one.label, one.epic)
            for number, (kind, owner, one) in enumerate(scopes)
        ],
    }


def _first_day(store: Store, today: date) -> date:
    [(first,)] = store.rows(  # an import keeps histories that begin before their issues
        "SELECT least((SELECT min(created_at) FROM issue), (SELECT min(since) FROM history WHERE field = 'status'))::DATE"
    )
    return max(min(first or today, today), today - _BEHIND) - timedelta(days=7)
