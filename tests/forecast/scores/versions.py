"""Releases of public projects: is something still open on the release date? As forecast 14 to 90 days before.

Each cut is made from the store, filled with the histories that the Jira connector makes of the recorded issues. These
are small projects: most forecasts are refused, and then the chance comes from the same pool on the project's pace and
the version's own work, without the gates, and, where nothing was finished in 12 weeks, from the share of the versions
before. That chance is no date: no page shows it. What leaves a version before its release is done by nobody: our
forecast is of the work, so it is also held against whether all of it was done.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from connectors.jira.fields import Fields
from connectors.jira.normalize import Site, draft, records
from connectors.jira.wire import RawIssue
from pmo_sync import forecast, loading, tables
from pmo_sync.forecast.calendar import Calendar
from pmo_sync.forecast.chance import p_hit
from pmo_sync.forecast.origins import History
from pmo_sync.forecast.pool import Pool
from pmo_sync.model import Catalogue, Interval, Milestone, Page, Project, Status
from pmo_sync.store import Store, handover
from tests.forecast.scores.ranking import auc, brier, measured
from tests.store import history

SOURCE: Final = "public"
CATEGORIES: Final = {
    "In Progress": "doing", "In Review": "doing", "Accepted": "doing", "Resolved": "done", "Closed": "done",
}  # fmt: skip


Case = dict[str, Any]  # one row of expected_version_cases.csv with what was forecast


def figures(folder: Path) -> dict[str, Any]:
    """Over the cuts with something open."""
    made = [one for one in cases(folder) if one["remaining"]]
    is_late = np.array([one["is_late"] for one in made])
    is_undone = np.array([one["is_undone"] for one in made])
    cluster = np.array([f"{one['project']} {one['name']}" for one in made])
    said = np.array([one["how"] == "forecast" for one in made])
    scores = {
        "chance to be late": np.array([one["chance"] for one in made]),
        "required over actual pace": np.array([one["ratio"] for one in made]),
        "remaining items": np.array([float(one["remaining"]) for one in made]),
        "remaining share": np.array([one["remaining"] / one["in_scope"] for one in made]),
        "late share of the project's versions before": np.array([one["before"] for one in made]),
    }
    chance, before = scores["chance to be late"], scores["late share of the project's versions before"]
    return {
        "auc": {name: measured(auc, score, is_late, cluster)._asdict() for name, score in scores.items()},
        "brier": {
            "chance to be late": measured(brier, chance, is_late, cluster)._asdict(),
            "late share of the project's versions before": measured(brier, before, is_late, cluster)._asdict(),
            "always the share of all": measured(brier, np.full(len(made), is_late.mean()), is_late, cluster)._asdict(),
        },
        "not all done by then: open still, or moved out": {
            name: [measured(measure, score, is_undone, cluster)._asdict() for measure in measures]
            for name, score, measures in (
                ("chance to be late", chance, (auc, brier)),
                ("required over actual pace", scores["required over actual pace"], (auc,)),
                ("always the share of all", np.full(len(made), is_undone.mean()), (brier,)),
            )
        },
        "how": {how: sum(one["how"] == how for one in made) for how in ("forecast", "pool", "versions before")},
        "refused by": _counted(made),
        "where a date was said": {
            "late": int(is_late[said].sum()), "cases": int(said.sum()),
            "brier": brier(chance[said], is_late[said]) if said.any() else None,
        },
    }  # fmt: skip


def _counted(made: list[Case]) -> dict[str, int]:
    codes = [code for one in made for code in one["refused"]]
    return {code: codes.count(code) for code in sorted(set(codes))}


def cases(folder: Path, only: str = "") -> list[Case]:
    """Every cut with its forecast: how it was made, the chance to be late, and the pace required over the actual one.

    ``only`` is a project, if it shall be one.
    """
    with (folder / "expected_version_cases.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if only in ("", row["project"])]
    made = []
    with Store.open(Path("memory.duckdb"), memory=True) as store:
        _fill(store, folder, only or "*")
        config = history.configure(sources=(SOURCE,))
        for day in sorted({row["as_of"] for row in rows}):
            today = date.fromisoformat(day)
            as_of = datetime(today.year, today.month, today.day, tzinfo=UTC) + timedelta(days=1)
            tables.prepare(store, config, as_of, today)
            found = forecast.compute(store, as_of, today, seed=1, config_digest="").forecasts
            paces, calendars = forecast.deliveries(store, today)
            [calendar] = calendars.values()
            pool = Pool.of({name: one for name, one in paces.items() if name.startswith("project:")})
            for row in rows:
                if row["as_of"] == day:
                    subject = f"milestone:{SOURCE}:version:{row['version_id']}"
                    made.append(
                        _case(
                            row, found.get(subject), paces.get(f"project:{row['project']}"), pool, calendar, today, rows
                        )
                    )
    return made


def _case(
    row: dict[str, str],
    found: Any,
    pace_of: History | None,
    pool: Pool,
    calendar: Calendar,
    today: date,
    rows: list[dict[str, str]],
) -> Case:
    remaining, left = int(row["remaining"]), (date.fromisoformat(row["release_date"]) - today).days
    share = _share_before(rows, row)
    last = pace_of.counts[-84:] if pace_of is not None else np.zeros(0)
    pace = float(last.sum()) * 7 / len(last) if len(last) else 0.0
    ratio = (remaining * 7 / left) / pace if pace else math.inf
    if found is not None and found.p_hit is not None:
        how, chance = "forecast", 1 - found.p_hit
    elif pace and pace_of is not None and remaining:
        how = "pool"
        days = pool.days(f"project:{row['project']}", pace_of, pace, remaining)
        chance = 1 - p_hit(days, calendar.left(today, date.fromisoformat(row["release_date"])))
    else:
        how, chance = "versions before", share
    return {
        "project": row["project"], "name": row["name"], "as_of": row["as_of"], "in_scope": int(row["in_scope"]),
        "remaining": remaining,
        "is_late": int(row["open_at_release"]) > 0,
        "is_undone": int(row["open_at_release"]) + int(row["descoped_by_release"]) > 0,
        "how": how, "chance": chance, "ratio": ratio, "before": share,
        "said": None if found is None else found.remaining,
        "refused": [one.code for one in found.gates] if found is not None and found.refused else [],
    }  # fmt: skip


def _share_before(rows: list[dict[str, str]], row: dict[str, str]) -> float:
    """Late among the versions released before the cut: the project's, and one more, late as often as all were."""
    ended = {
        (one["project"], one["version_id"]): int(one["open_at_release"]) > 0
        for one in sorted(rows, key=lambda one: one["as_of"])
        if one["release_date"] < row["as_of"]
    }
    own = [late for (project, _), late in ended.items() if project == row["project"]]
    usual = (sum(ended.values()) + 0.5) / (len(ended) + 1)
    return (sum(own) + usual) / (len(own) + 1)


def _fill(store: Store, folder: Path, projects: str) -> None:
    site = Site(SOURCE, "https://jira.example.org", Fields({}, {}))
    raws = [raw for file in sorted(folder.glob(f"{projects}.jsonl.gz")) for raw in _issues(file)]
    made = [
        (raw, records(site, one, {key: f"key-{key}" for key in one.wanted}, []))
        for raw in raws
        for one in [draft(site, msgspec.convert(raw, RawIssue))]
    ]
    projects = {one.issue.project_id: raw["fields"]["project"]["key"] for raw, one in made}
    statuses = {stay.value: stay.label for _, one in made for stay in one.intervals if stay.field == "status"}
    released = {
        f"{SOURCE}:version:{version['id']}": (version, one.issue.project_id)
        for raw, one in made
        for version in raw["fields"].get("fixVersions") or ()
    }
    milestones = [
        Milestone(
            milestone_id=id_, source=SOURCE, project_id=project, kind="version", name=version["name"], state="open",
            start_on=None, due_on=_day(version), closed_on=None, url="",
        )
        for id_, (version, project) in released.items()
    ]  # fmt: skip
    catalogue = Catalogue(
        projects=tuple(Project(id_, SOURCE, key, key, "", False) for id_, key in projects.items()),
        statuses=tuple(Status(id_, SOURCE, name, CATEGORIES.get(name, "todo")) for id_, name in statuses.items()),
        milestones=tuple(milestones),
    )
    begin = datetime(2001, 1, 1, tzinfo=UTC)
    store.save_catalogue(SOURCE, catalogue, begin)
    for id_ in projects:
        some = [one for _, one in made if one.issue.project_id == id_]
        store.append(
            SOURCE,
            id_,
            Page(
                tuple(one.issue for one in some), tuple(stay for one in some for stay in one.intervals), (), (), "end"
            ),
        )
    store.merge()
    stays = [stay for one in milestones for stay in _stays(one, begin)]
    handover.load(store, "milestones", {"milestone_history": loading.table(Interval, stays)})


def _issues(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _day(version: dict[str, Any]) -> date | None:
    return date.fromisoformat(version["releaseDate"]) if version.get("releaseDate") else None


def _stays(one: Milestone, begin: datetime) -> Iterator[Interval]:
    """The dates are those of the end: what they were before, the tracker does not tell. Open until the release."""
    yield Interval(one.milestone_id, "name", one.name, one.name, begin, None)
    if one.due_on is None:
        yield Interval(one.milestone_id, "state", "open", "open", begin, None)
        return
    ended = datetime(one.due_on.year, one.due_on.month, one.due_on.day, tzinfo=UTC) + timedelta(days=1)
    yield Interval(one.milestone_id, "due_on", str(one.due_on), str(one.due_on), begin, None)
    yield Interval(one.milestone_id, "state", "open", "open", begin, ended)
    yield Interval(one.milestone_id, "state", "closed", "closed", ended, None)
