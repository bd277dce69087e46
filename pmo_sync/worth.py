"""What the rules of the policy were worth: how often a flag was right, how many late milestones it saw, how early.

Looks are the verdicts of past week ends made again from what was known then. Only looks before the due date that was
known at that moment count, at most 26 weeks before it: a warning on the day is none, and one that is always there says
nothing of this date. A flag that people acted on counts as wrong; nobody can tell it from one that was.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pmo_sync.assessed import Rag, Reason, Replay, RuleWorth, Share
from pmo_sync.forecast import variants
from pmo_sync.policy import RULES

if TYPE_CHECKING:
    from pmo_sync.record import Record

BEFORE: Final = timedelta(weeks=26)
HALF: Final = "chance_below_half"  # P(hit) < 0.5, the measure every forecast tool can be laid beside
EVERY: Final = (*RULES, HALF, "red", "amber_or_red")


class Look(NamedTuple):
    """One open commitment at one week end, its due date known."""

    subject: str
    day: date
    due_on: date
    flags: frozenset[str]  # of EVERY


def flags(rag: Rag, reasons: Sequence[Reason], p_hit: float | None) -> frozenset[str]:
    """What a verdict flags."""
    if rag not in ("red", "amber"):
        found = set()
    else:
        found = {one.code for one in reasons if one.code in RULES} | {"amber_or_red"} | ({"red"} & {rag})
    return frozenset(found | ({HALF} if p_hit is not None and p_hit < 0.5 else set()))


def worth(looks: Sequence[Look], finished: Mapping[str, date | None], today: date) -> list[RuleWorth]:
    """Of each of EVERY. ``finished``: how each milestone ended, None: not all of its work is done.

    Each is judged once the date that counts (``RuleWorth``) is over, not before, whatever is known by then.
    """
    seen: dict[str, list[Look]] = {}
    for one in sorted(looks):
        if one.day < one.due_on <= one.day + BEFORE and one.subject in finished:
            seen.setdefault(one.subject, []).append(one)
    return [_worth(rule, seen, finished, today) for rule in EVERY]


def _worth(
    rule: str, seen: Mapping[str, Sequence[Look]], finished: Mapping[str, date | None], today: date
) -> RuleWorth:
    judged = late = flagged = 0
    leads = []
    for subject, some in seen.items():
        first = next((one for one in some if rule in one.flags), None)
        due_on, ended_on = (first or some[0]).due_on, finished[subject]
        if due_on > today:
            continue
        is_late = ended_on is None or ended_on > due_on
        judged += 1
        late += is_late
        flagged += first is not None
        if first is not None and is_late:
            leads.append((due_on - first.day).days)
    return RuleWorth(rule, judged, late, flagged, len(leads), float(statistics.median(leads)) if leads else None)


def rule_rows(rules: Sequence[RuleWorth], about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows for the record; ``about``: run_id, as_of, kept_at, config_digest, method."""
    return [{**about, **one._asdict()} for one in rules]


def date_rows(dates: Mapping[float, Share], about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same of how many dates held, by quantile."""
    return [{**about, "quantile": q, **one._asdict()} for q, one in sorted(dates.items())]


def kept(record: Record, as_of: datetime) -> Replay:
    """What the record says of backtests at ``as_of``: the last that was kept by then, and the last choice made by then."""
    rules, dates = (_last(record.rows(dataset), as_of) for dataset in ("rule_worth", "dates_held"))
    return Replay(
        rules[0]["as_of"] if rules else None,
        tuple(RuleWorth(*(row[name] for name in RuleWorth._fields)) for row in rules if row["rule"] in EVERY),
        tuple((row["quantile"], Share(row["held"], row["of"], row["milestones"])) for row in dates),
        variants.in_force(record.rows("choice"), as_of),
    )


def _last(rows: Sequence[Mapping[str, Any]], as_of: datetime) -> list[Mapping[str, Any]]:
    """Those of the last run, made with the method of today."""
    known = [one for one in rows if one["as_of"] <= as_of and one["method"] == variants.METHOD]
    runs = [list(run) for _, run in groupby(known, key=lambda one: one["run_id"])]
    return runs[-1] if runs else []
