"""What a backtest found, for a terminal: how dates held, beside whom, what warnings were worth, which variant is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pmo_sync.assessed import ENOUGH, RuleWorth, Share
from pmo_sync.forecast import variants
from pmo_sync.worth import EVERY

if TYPE_CHECKING:
    from pmo_sync.forecast.replay import Horizon, Score
    from pmo_sync.pipeline.backtest import Seen

_HORIZON: Final = "{:<16} {:>10} {:>12} {:>28} {:>12} {:>14}"
_METHOD: Final = "{:<9} {:>28} {:>30} {:>6} {:>6}  {:<28} {:<24}"
_RULE: Final = "{:<18} {:>8} {:>30} {:>30} {:>10}"


def lines(
    seen: Seen,
    horizons: Sequence[Horizon],
    scores: Sequence[Score],
    rules: Sequence[RuleWorth],
    compared: Sequence[variants.Compared],
    now: str,
    *,
    is_kept: bool,
) -> list[str]:
    """All of it; where nothing could be forecast, why."""
    if not seen.rows:
        return [_nothing(seen), *([_kept(seen)] if is_kept else [])]
    made = [
        *_head(seen),
        "",
        *_horizons(horizons),
        "",
        *_methods(scores),
        "",
        *rule_lines(rules),
        "",
        *_variants(seen, compared, now, is_kept=is_kept),
    ]
    return [one.rstrip() for one in made]


def _nothing(seen: Seen) -> str:
    if not seen.forecasts:
        return (
            f"nothing to replay: no commitment was open at any of {len(seen.week_ends)} week ends with 26 weeks of history "
            "behind them; the record grows as milestones with dates come and end"
        )
    return (
        f"nothing to replay: none of {len(seen.forecasts)} commitments had enough recent history for a date at any of "
        f"{len(seen.week_ends)} week ends; `pmo-sync explain MILESTONE forecast` says what is missing"
    )


def _head(seen: Seen) -> list[str]:
    subjects = {one.subject for one in seen.rows}
    known = [seen.ended[id_] for id_ in subjects if id_ in seen.ended]
    finished = [one for one in known if one.finished_on is not None]
    moved = sum(one.moved_out > 0 for one in finished)
    gone = len(subjects) - len(known)
    undated = sum(one.due_on is None for one in seen.rows)
    made = [
        f"replayed, not published: {len(seen.rows)} forecasts of {len(subjects)} milestones, made again from what was known",
        f"at {len(seen.week_ends)} week ends, {seen.week_ends[0]} to {seen.week_ends[-1]}; of a milestone one in 28 days",
        f"{len(finished)} of {len(subjects)} have finished, {moved} of these after items were moved out of them; {gone} are gone",
    ]
    if never := len(seen.forecasts - subjects):
        made.append(f"{never} more never had a date: too little, too uneven or no recent history")
    if undated:
        made.append(f"of {undated} forecasts nobody had told us the due date by then: they say nothing of chances")
    return made


def _horizons(horizons: Sequence[Horizon]) -> list[str]:
    made = [_HORIZON.format("work ahead", "forecasts", "P50 held", "P85 held", "P95 held", "plain P85")]
    weeks_before = 0
    for one in horizons:
        if one.made:
            until = f"{weeks_before} to {one.weeks} weeks" if weeks_before else f"to {one.weeks} weeks"
            p50, p85, p95 = (one.held[name] for name in ("p50", "p85", "p95"))
            made.append(_HORIZON.format(until, one.made, _plain(p50), judged(p85), _plain(p95), _plain(one.plain)))
        weeks_before = one.weeks
    return made


def _methods(scores: Sequence[Score]) -> list[str]:
    made = [
        "loss: of the dates, in lengths of the plan; off and late: median days between the P50 date and the end;",
        "skill: how much of the error of always saying the share of kept dates is gone; order: late before on time (AUC)",
        _METHOD.format("method", "P85 held", "loss (ours less theirs)", "off", "late", "skill of P(hit)", "order"),
    ]
    made += [
        _METHOD.format(
            one.method,
            "-" if one.held is None else judged(one.held),
            _loss(one),
            _number(one.off, "{:.0f}"),
            _number(one.later, "{:+.0f}"),
            _enough(one.skill, one, "{:+.2f}"),
            _enough(one.auc, one, "{:.2f}"),
        )
        for one in scores
    ]
    ours = scores[0]
    made.append(
        f"P(hit) is judged on {ours.chances} forecasts of {ours.chances_of} milestones whose due date was known to us by then and is over"
    )
    return made


def _loss(one: Score) -> str:
    if one.loss is None:
        return "-"
    if one.ours_less is None:
        return f"{one.loss:.2f}"
    less, low, high = one.ours_less
    return f"{one.loss:.2f} ({less:+.2f}: {low:+.2f} to {high:+.2f})"


def _enough(value: tuple[float, float, float] | None, one: Score, pattern: str) -> str:
    if one.chances_of < ENOUGH:
        return "too few to say"
    if value is None:
        return "-"
    number, low, high = (pattern.format(part) for part in value)
    return f"{number} ({low} to {high})"


def _number(value: float | None, pattern: str) -> str:
    return "-" if value is None else pattern.format(value)


def rule_lines(rules: Sequence[RuleWorth]) -> list[str]:
    """Each rule with its precision, recall and lead; one that never flagged anything says so."""
    if not any(one.judged for one in rules):
        return ["warnings have no record: of no milestone whose due date was known by then the date is over"]
    made = [_RULE.format("warning", "flagged", "of these late", "of the late ones, flagged", "days early")]
    for one in sorted(rules, key=lambda one: EVERY.index(one.rule)):
        if not one.flagged:
            made.append(f"{one.rule:<18} {0:>8} never flagged")
            continue
        lead = "-" if one.lead_days is None else f"{one.lead_days:.0f}"
        made.append(_RULE.format(one.rule, one.flagged, judged(one.precision), judged(one.recall), lead))
    base = judged(rules[-1].base)
    return [*made, f"flagged or not, late were {base} of the milestones with a known date that is over"]


def _variants(seen: Seen, compared: Sequence[variants.Compared], now: str, *, is_kept: bool) -> list[str]:
    before = variants.variant(seen.choice)
    made = [
        f"variant {one.variant}: loss {one.difference:+.3f} plans against {one.before} ({one.low:+.3f} to {one.high:+.3f}), "
        f"{one.milestones} milestones whose end is known"
        for one in compared
    ]
    if now != before:
        made.append(f"{now} is better beyond chance, so it takes the place of {before} in reports of days after this")
    elif compared and compared[0].milestones < variants.FEWEST:
        made.append(
            f"{before} stays: {variants.FEWEST} milestones whose end is known are needed before anything changes"
        )
    else:
        made.append(f"{before} stays: nothing else is better beyond chance")
    made.append(
        _kept(seen) if is_kept else "nothing was written; with --keep the record, the reports and the forecast use it"
    )
    return made


def _kept(seen: Seen) -> str:
    return f"kept in the record: reports as of {seen.today} and later tell it"


def _plain(share: Share) -> str:
    return f"{share.held} of {share.of}"


def judged(share: Share) -> str:
    """The share with what may be said of it."""
    if not share.is_enough:
        return f"{share.held} of {share.of}, too few to say"
    low, high = share.interval
    return f"{share.held} of {share.of}, {share.held / share.of:.0%} ({low:.0%} to {high:.0%})"
