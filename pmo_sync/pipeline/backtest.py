"""backtest: would our dates have held? Replayed on the user's own history; nothing is written anywhere."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from pmo_sync import assess, tables
from pmo_sync.forecast import replay
from pmo_sync.pipeline.runs import closed_day
from pmo_sync.pipeline.workspace import reading
from pmo_sync.result import Result, Voice

if TYPE_CHECKING:
    from pmo_sync.clock import Clock
    from pmo_sync.config import Config

LEARNT: Final = 26 * 7  # days of history before the first replayed forecast
FEWEST: Final = 20  # outcomes before a share says anything
MANY: Final = 50  # from here on it needs no interval
_ROW: Final = "{:<15} {:>5} {:>5} {:>10} {:>25} {:>10} {:>10} {:>10} {:>10}"


def backtest(config: Config, clock: Clock, voice: Voice, *, on: date | None = None) -> Result:
    """Every committed milestone and epic that ended, or should have, as known at the end of ``on``."""
    with reading(config, clock) as workspace:
        store, today = workspace.store, closed_day(workspace, on)
        tables.prepare(store, config, tables.end_of(today, config.zone), today)
        ended = replay.ends(store)
        [(first,)] = store.rows("SELECT local_day(min(created_at)) FROM lifecycle")
        wanted = replay.moments(ended, (first or today) + timedelta(days=LEARNT), today)
        made: list[replay.Replayed] = []
        for day, some in wanted.items():
            voice.progress(f"backtest: {day}")
            as_of = tables.end_of(day, config.zone)
            tables.prepare(store, config, as_of, day)
            made += replay.replay(store, day, as_of, some, seed=assess.SEED)
    worth = [replay.worth(made, weeks, today) for weeks in replay.HORIZONS]
    names = {one.subject: "(confidential)" if one.is_confidential else one.name for one in ended}
    data = {
        "as_of": today,
        "milestones": len({one.subject for one in made}),
        "moved_out": sum(one.moved_out for one in ended if one.finished_on is not None),
        "horizons": [_as_json(one) for one in worth],
        "forecasts": [{"name": names[one.subject], **one._asdict()} for one in made],
    }
    return Result(data, list(_lines(ended, made, worth, today)))


def _as_json(one: replay.Worth) -> dict[str, Any]:
    shares = {
        name: {"held": share.held, "of": share.of, "interval": list(share.interval)} for name, share in one.held.items()
    }
    return {**one._asdict(), "held": shares, "off": dict(one.off)}


def _lines(ended: list[replay.End], made: list[replay.Replayed], worth: list[replay.Worth], today: date) -> list[str]:
    if not made:
        none = (
            f"nothing to replay: of {len(ended)} committed milestones and epics none has a day before its end with "
            f"{LEARNT // 7} weeks of history behind it; the record grows as milestones end"
        )
        return [none]
    finished = [one for one in ended if one.finished_on is not None]
    moved = sum(one.moved_out > 0 for one in finished)
    first, subjects = min(one.as_of for one in made), len({one.subject for one in made})
    lines = [
        f"replayed, not published: {len(made)} forecasts of {subjects} milestones, made again from what was known",
        f"between {first} and {today}; {len(finished)} of {len(ended)} have finished, {moved} of these after items were",
        "moved out of them",
        "",
        _ROW.format(
            "before the end", "dates", "none", "P50 held", "P85 held", "P95 held", "plain P85", "off: P50", "linear"
        ),
    ]
    for one in worth:
        held = {name: f"{share.held} of {share.of}" for name, share in one.held.items()}
        row = (held["p50"], _judged(one.held["p85"]), held["p95"], held["plain_p85"])
        off = (_days(one.off["p50"]), _days(one.off["linear"]))
        lines.append(_ROW.format(f"{one.weeks} weeks", one.made, one.refused, *row, *off))
    lines += ["", *_advice(made, worth)]
    return lines


def _judged(share: replay.Share) -> str:
    """The share with what may be said of it."""
    if share.of < FEWEST:
        return f"{share.held} of {share.of}, too few to say"
    low, high = share.interval
    interval = f" ({low:.0%} to {high:.0%})" if share.of < MANY else ""
    return f"{share.held} of {share.of}, {share.held / share.of:.0%}{interval}"


def _days(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} days"


def _advice(made: list[replay.Replayed], worth: list[replay.Worth]) -> list[str]:
    """What the numbers do not say by themselves."""
    scored = [one for one in worth if one.brier is not None]
    lines = [
        f"P(hit) {one.weeks} weeks before: mean square error {one.brier:.2f}, {one.brier_of_share:.2f} by always saying "
        "the share that was on time"
        for one in scored
    ]
    if not scored:
        lines.append("P(hit) is not judged: too few due dates were known to us before their milestones ended")
    unseen = sum(not one.is_refused and one.p_hit is None for one in made)
    if unseen:
        lines.append(
            f"{unseen} of {len(made)} were made of a time when nobody had told us the due date: it only says in which order "
            "milestones that share a pace are worked on"
        )
    refused = Counter(one.is_refused for one in made)
    if refused[True]:
        lines.append(
            f"for {refused[True]} of {len(made)} no date was given: too little, too uneven or no recent history then"
        )
    return lines
