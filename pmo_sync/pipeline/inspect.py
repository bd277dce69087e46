"""indicators, export, state: looking without changing anything at a tracker or a place."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pmo_sync import indicators as known_indicators
from pmo_sync import tables, worth
from pmo_sync.assessed import Replay
from pmo_sync.errors import PmoSyncError
from pmo_sync.pipeline.backtest_lines import rule_lines
from pmo_sync.pipeline.runs import closed_day
from pmo_sync.pipeline.workspace import DATABASE, Workspace, reading, size
from pmo_sync.record import Record
from pmo_sync.result import Result

if TYPE_CHECKING:
    import pandas as pd

    from pmo_sync.clock import Clock
    from pmo_sync.config import Config
    from pmo_sync.indicators import Indicator


MOST_EVIDENCE: Final = 1_000  # issues shown behind one number


def definitions(config: Config | None = None) -> Result:
    """What every indicator means, and what every rule of the policy was worth on the history of ``config``."""
    from reports.wording import Words

    known = known_indicators.definitions()
    lines = [f"{one.id:<5} {one.name:<24} {one.question}" for one in known.values()]
    kept = (
        Replay()
        if config is None
        else worth.kept(Record(config.state_dir / "record"), datetime.max.replace(tzinfo=UTC))
    )
    rules = {one.rule: one for one in kept.rules}
    words = Words("en", "UTC")
    if config is None or kept.as_of is None:
        lines += [
            "",
            *(f"{one:<18} {words.rule(one)}: no record yet, run `pmo-sync backtest --keep`" for one in worth.EVERY),
        ]
    else:
        lines += [
            "",
            f"what warnings were worth, by the backtest as of {tables.day_before(kept.as_of, config.zone)}:",
            *rule_lines(kept.rules),
        ]
    told = [
        {"rule": one, "name": words.rule(one), "worth": rules[one]._asdict() if one in rules else None}
        for one in worth.EVERY
    ]
    return Result({"indicators": [definition(one) for one in known.values()], "rules": told}, lines)


def definition(indicator: Indicator) -> dict[str, Any]:
    """What the header of its file says."""
    return {name: value for name, value in asdict(indicator).items() if name != "query"}


def indicators(config: Config, clock: Clock, *, on: date | None, subjects: tuple[str, ...] = ()) -> Result:
    """The numbers as of the end of ``on``."""
    with reading(config, clock) as workspace:
        frame = readings(workspace, on)
        for subject in subjects:
            must_exist(workspace, subject)
    if subjects:
        frame = frame[frame.subject.isin(subjects)]
    rows = plain(frame)
    lines = [
        f"{row['subject']:<40} {row['indicator']:<5} {row['part']:<14} {number(row['value']):>16}  n={row['sample']}"
        for row in rows
    ]
    return Result({"readings": rows}, lines)


def must_exist(workspace: Workspace, subject: str) -> None:
    """Raises PmoSyncError where the tables know no such subject."""
    known = {row[0] for row in workspace.store.rows("SELECT subject FROM subject")}
    if subject not in known:
        near = ", ".join(sorted(one for one in known if one.startswith(("portfolio", "programme:", "project:"))))
        raise PmoSyncError(f"no subject {subject!r}; there are {near} and their milestones and epics")


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries, a missing number as None."""
    return [
        {str(name): value for name, value in row.items()}
        for row in frame.astype(object).where(frame.notna(), None).to_dict("records")
    ]


def number(value: float | None) -> str:
    """For people."""
    return "not enough data" if value is None else format(value, "g")


def readings(workspace: Workspace, on: date | None, only: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Those of the end of ``on``, or of the last closed period; the tables stay cut at that moment."""
    config = workspace.config
    today = closed_day(workspace, on)
    tables.prepare(workspace.store, config, tables.end_of(today, config.zone), today)
    return known_indicators.compute(workspace.store, only)


def export(config: Config, clock: Clock, file: Path, *, on: date | None) -> Result:
    """All readings, with their subjects' names, as .xlsx, .csv, .json or .parquet."""
    from reports import workbook

    with reading(config, clock) as workspace:
        frame = readings(workspace, on)
        names = dict(workspace.store.rows("SELECT subject, name FROM subject"))
        today = closed_day(workspace, on)
    known = known_indicators.definitions()
    frame.insert(1, "name", frame.subject.map(names))
    frame["unit"] = [known[one].units[part] for one, part in zip(frame.indicator, frame.part, strict=True)]
    frame["as_of"] = today.isoformat()
    workbook.write(frame, file)
    return Result({"file": str(file), "rows": len(frame)}, [f"{len(frame)} readings in {file}"])


def state_show(config: Config, clock: Clock) -> Result:
    """Where everything is and how large."""
    folder = config.state_dir
    record = Record(folder / "record")
    runs = record.runs()
    data = {
        "state_dir": str(folder),
        "database_bytes": (folder / DATABASE).stat().st_size if (folder / DATABASE).exists() else 0,
        "record_bytes": size(record.folder) if record.folder.exists() else 0,
        "runs": len(runs),
        "last_run": runs[-1] if runs else None,
        "now": clock.now(),
    }
    return Result(data, [f"{name.replace('_', ' '):<15} {value}" for name, value in data.items()])


def state_export(config: Config, clock: Clock, file: Path) -> Result:
    """The record as one file, to move or keep."""
    from pmo_sync import lock

    try:
        with lock.shared(config.state_dir, clock):
            Record(config.state_dir / "record").export(file)
    except OSError as error:
        raise PmoSyncError(f"the record cannot be exported to {file} ({error}); name another file") from error
    return Result({"file": str(file)}, [f"the record is in {file}"])


def state_restore(config: Config, clock: Clock, file: Path) -> Result:
    """Take the record from a file; the database is rebuilt from it at the next pull."""
    from pmo_sync import lock

    with lock.exclusive(config.state_dir, clock, "state restore"):
        Record(config.state_dir / "record").restore(file)
        (config.state_dir / DATABASE).unlink(missing_ok=True)
    return Result({"state_dir": str(config.state_dir)}, ["restored; run `pmo-sync sync` to fill the database again"])
