"""backtest: would our dates have held, and our warnings been right? The past made again on the user's own history.

Nothing is written unless it is told to: ``keep`` puts into the record what the rules and dates were worth, and which
variant of the forecast is used in reports of later days; ``out`` writes the same as a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pmo_sync import assess, tables, worth
from pmo_sync.assessed import Replay, RuleWorth, Share
from pmo_sync.forecast import replay, variants
from pmo_sync.pipeline import backtest_lines
from pmo_sync.pipeline.runs import closed_day
from pmo_sync.pipeline.workspace import reading, writing
from pmo_sync.result import Result, Voice

if TYPE_CHECKING:
    from datetime import datetime

    from pmo_sync.assessed import Choice, Forecast
    from pmo_sync.clock import Clock
    from pmo_sync.config import Config
    from pmo_sync.pipeline.workspace import Workspace

LEARNT: Final = timedelta(weeks=26)  # of history before the first forecast that is judged
WEEKS: Final = 104  # so far back, unless told otherwise: what is older tells of other teams
DATES: Final = (0.15, 0.50, 0.70, 0.85, 0.95)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found at the week ends of the past, and how everything ended."""

    today: date
    as_of: datetime
    ended: Mapping[str, replay.End]
    choice: Choice | None  # in force now
    rows: list[replay.Replayed] = field(default_factory=list)
    looks: list[worth.Look] = field(default_factory=list)
    forecasts: set[str] = field(default_factory=set)  # commitments that were open at a week end
    week_ends: list[date] = field(default_factory=list)

    @property
    def rules(self) -> list[RuleWorth]:
        """What each rule was worth."""
        return worth.worth(self.looks, {id_: one.finished_on for id_, one in self.ended.items()}, self.today)

    @property
    def dates(self) -> dict[float, Share]:
        """How many dates held, by quantile."""
        return {q: replay.held(self.rows, self.ended, "ours", q, self.today) for q in DATES}

    @property
    def milestones(self) -> int:
        """Those with a forecast."""
        return len({one.subject for one in self.rows})

    @property
    def compared(self) -> list[variants.Compared]:
        """The other variants beside the one in force."""
        losses = {one: replay.losses(self.rows, self.ended, one, self.today) for one in variants.VARIANTS}
        return variants.compare(losses, variants.variant(self.choice))


def backtest(
    config: Config,
    clock: Clock,
    voice: Voice,
    *,
    on: date | None = None,
    weeks: int = WEEKS,
    keep: bool = False,
    out: Path | None = None,
) -> Result:
    """Every commitment that was open at a week end of the last ``weeks``, judged by what is known at the end of ``on``."""
    with reading(config, clock) as workspace:
        seen = _look_back(workspace, voice, closed_day(workspace, on), weeks)
    compared = seen.compared
    now = variants.chosen(compared, variants.variant(seen.choice))
    rules = seen.rules
    if keep:
        with writing(config, clock, "backtest", is_new_fine=False) as workspace:
            _keep(workspace, seen, rules, compared, now)
    horizons = [replay.horizon(seen.rows, seen.ended, weeks, seen.today) for weeks in replay.HORIZONS]
    scores = [replay.score(seen.rows, seen.ended, method, seen.today) for method in replay.METHODS]
    data = {
        "as_of": seen.today,
        "kept": keep,
        "week_ends": len(seen.week_ends),
        "milestones": seen.milestones,
        "moved_out": sum(one.moved_out for one in seen.ended.values() if one.finished_on is not None),
        "horizons": [_counts(one._asdict()) for one in horizons],
        "dates": [{"quantile": q, **_counts({"share": one})} for q, one in seen.dates.items()],
        "methods": [_counts(one._asdict()) for one in scores],
        "rules": [_counts({**one._asdict(), "precision": one.precision, "recall": one.recall}) for one in rules],
        "variants": [{**one._asdict(), "is_better": one.is_better} for one in compared],
        "variant": now,
        "forecasts": [_as_json(one, seen) for one in seen.rows],
    }
    lines = backtest_lines.lines(seen, horizons, scores, rules, compared, now, is_kept=keep)
    if out is not None:
        file = _page(config, seen, rules, out)
        data["file"] = str(file)
        lines.append(f"page: {file}")
    return Result(data, lines)


def _look_back(workspace: Workspace, voice: Voice, today: date, weeks: int) -> Seen:
    store, config = workspace.store, workspace.config
    as_of = tables.end_of(today, config.zone)
    tables.prepare(store, config, as_of, today)
    choice = variants.in_force(workspace.record.rows("choice"), as_of)
    seen = Seen(today, as_of, {one.subject: one for one in replay.ends(store)}, choice)
    [(born,)] = store.rows("SELECT local_day(min(created_at)) FROM lifecycle")
    first = max((born or today) + LEARNT, today - timedelta(weeks=weeks))
    drift = timedelta(days=assess.DRIFT_DAYS)
    earlier: dict[date, Mapping[str, Forecast]] = {}
    last: dict[str, date] = {}
    for day in replay.week_ends(first - drift, today):
        voice.progress(f"backtest: {day}")
        made = assess.again(store, config, day, earlier.pop(day - drift, {}), variants.variant(choice))
        earlier[day] = made.outlook.forecasts
        if day < first:
            continue  # looked at for what moved since
        seen.week_ends.append(day)
        seen.forecasts.update(id_ for id_, one in made.outlook.forecasts.items() if one.remaining)
        seen.rows.extend(replay.replay(store, day, made.as_of, made.outlook, last, seed=assess.SEED))
        dated = replay.known_dates(store, made.as_of)
        for id_, (rag, reasons) in made.verdicts.items():
            if id_ in dated and made.outlook.forecasts[id_].remaining:
                flags = worth.flags(rag, reasons, made.outlook.forecasts[id_].p_hit)
                seen.looks.append(worth.Look(id_, day, dated[id_], flags))
    return seen


def _keep(
    workspace: Workspace, seen: Seen, rules: list[RuleWorth], compared: list[variants.Compared], now: str
) -> None:
    about = {
        "run_id": workspace.run_id,
        "as_of": seen.as_of,
        "kept_at": workspace.now,
        "config_digest": workspace.config.digest,
        "method": variants.METHOD,
    }
    with workspace.record.run(workspace.part("backtest")) as run:
        run.write("rule_worth", worth.rule_rows(rules, about))
        run.write("dates_held", worth.date_rows(seen.dates, about))
        run.write("choice", variants.choice_rows(compared, now, about))


def _page(config: Config, seen: Seen, rules: list[RuleWorth], folder: Path) -> Path:
    from reports import local

    found = Replay(seen.as_of, tuple(rules), tuple(seen.dates.items()), seen.choice)
    return local.write_backtest(found, config, seen.today, folder)


def _as_json(one: replay.Replayed, seen: Seen) -> dict[str, Any]:
    end = seen.ended.get(one.subject)
    ours = {f"p{round(100 * q)}_on": replay.on(one, "ours", q) for q in (0.50, 0.85, 0.95)}
    return {
        "subject": one.subject,
        "name": "(gone)" if end is None else "(confidential)" if end.is_confidential else end.name,
        "weeks": one.weeks,
        "as_of": one.day,
        "due_on": one.due_on,
        "finished_on": None if end is None else end.finished_on,
        **ours,
        "p_hit": {method: said.p_hit for method, said in one.said.items() if said.p_hit is not None},
        "p85": {method: replay.on(one, method, 0.85) for method, said in one.said.items() if said.days},
    }


def _counts(values: Mapping[str, Any]) -> dict[str, Any]:
    """A share as its counts and its interval."""
    made = {}
    for name, value in values.items():
        if isinstance(value, Share):
            made[name] = {**value._asdict(), "interval": list(value.interval)}
        elif isinstance(value, Mapping):
            made[name] = _counts(value)
        else:
            made[name] = value
    return made
