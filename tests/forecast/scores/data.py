"""Completion dates of 19 public projects: written as a folder, read by the ``files`` connector, kept in the store."""

from __future__ import annotations

import csv
import gzip
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from connectors.files import connect
from pmo_sync import forecast, tables
from pmo_sync.clock import SystemClock
from pmo_sync.forecast.origins import History
from pmo_sync.http.network import Network
from pmo_sync.store import Store
from tests.store import history

COMPANIES: Final = {
    "Atlassian": ("Atlassian_",),
    "MongoDB": ("MongoDB_", "The_Mongo"),
    "Appcelerator": ("Aptana_", "Command-Line_", "The_Titanium_", "Titanium_"),
    "others": ("Apache_", "Hyperledger_", "Lyrasis_"),
}
SOURCE: Final = "public"


def company(project: str) -> str:
    """Whose project it is: what is left out together."""
    return next(name for name, starts in COMPANIES.items() if project.startswith(starts))


def histories(folder: Path, only: Iterable[str] = ()) -> dict[str, History]:
    """Items a day without bulk closures, by project, as a forecast would get them on the day of the last record."""
    wanted = set(only)
    found = {name: days for name, days in _files(folder) if not wanted or name in wanted}
    last = max(days[-1] for _, days in _files(folder))
    with tempfile.TemporaryDirectory() as made, Store.open(Path("memory.duckdb"), memory=True) as store:
        _write(Path(made), found)
        _load(store, Path(made))
        midnight = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
        tables.prepare(store, history.configure(sources=(SOURCE,)), midnight, last)
        read, _ = forecast.deliveries(store, last)
    return {name: read[f"project:{name}"] for name in sorted(found)}


def plainly(folder: Path, only: Iterable[str] = ()) -> dict[str, History]:
    """The same without connector and store, as the rule for bulk closures is written down: the oracle."""
    wanted = set(only)
    last = max(days[-1] for _, days in _files(folder))
    return {name: _capped(days, last) for name, days in _files(folder) if not wanted or name in wanted}


def _files(folder: Path) -> Iterator[tuple[str, list[date]]]:
    for file in sorted(folder.glob("*.csv.gz")):
        with gzip.open(file, "rt") as lines:
            yield (
                file.name.removesuffix(".csv.gz"),
                sorted(date.fromisoformat(line[:10]) for line in lines if line[:4].isdigit()),
            )


def _capped(days: list[date], last: date) -> History:
    counts = np.bincount([(day - days[0]).days for day in days], minlength=(last - days[0]).days + 1).astype(np.int64)
    capped = counts.copy()
    for n in np.flatnonzero(counts > 10):
        before = counts[max(0, n - 180) : n]
        usual = np.median(before[before > 0]) if (before > 0).sum() >= 10 else 0
        capped[n] = min(counts[n], max(10, int(6 * usual)))
    return History(days[0], capped)


def _write(folder: Path, found: dict[str, list[date]]) -> None:
    with (folder / "projects.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("project_id", "key", "name"), *((name, name, name) for name in found)])
    (folder / "statuses.csv").write_text("status_id,name,category\ndone,Done,done\n", encoding="utf-8")
    with (folder / "issues.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("issue_id", "project_id", "key", "title", "created_at", "status", "done_at"))
        for name, days in found.items():
            for number, day in enumerate(days):  # nothing is known of them but the day they were done
                key = f"{name}-{number}"
                rows.writerow((key, name, key, key, f"{day}T00:00:00Z", "done", f"{day}T12:00:00Z"))


def _load(store: Store, folder: Path) -> None:
    connector = connect(history.source(SOURCE, path=folder), Network(SystemClock()))
    catalogue = connector.catalogue()
    assert not catalogue.problems, catalogue.problems
    store.save_catalogue(SOURCE, catalogue, datetime(2001, 1, 1, tzinfo=UTC))
    for project in catalogue.projects:
        for page in connector.pages(project, None):
            store.append(SOURCE, project.project_id, page)
    store.merge()
    connector.close()
