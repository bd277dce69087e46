"""What replaying the past says of dates and warnings: a part of the portfolio's page, and a page of its own."""

from __future__ import annotations

from typing import Final

from pmo_sync.assessed import Replay, RuleWorth, Share
from reports import cells
from reports.calibration import calibration
from reports.document import Block, Column, Document, Expand, Heading, Paragraph, Text
from reports.wording import NOTHING, Words

SLOT: Final = "backtest"


def compose(replay: Replay, words: Words) -> Document:
    """A page of it."""
    blocks = (
        Heading(2, words.say("Dates")),
        *_dates(replay, words),
        Heading(2, words.say("Warnings")),
        *_rules(replay, words),
        Heading(2, words.say("Method")),
        Paragraph((Text(method(replay, words)),)),
    )
    return Document(SLOT, words.say("How our dates and warnings did"), words.language, blocks)


def section(replay: Replay, words: Words) -> Expand:
    """A fold of the portfolio's page; where no backtest was kept, it says what would bring one."""
    none = cells.muted(words.say("No record yet: run `pmo-sync backtest --keep`."))
    known = (none,) if replay.as_of is None else (*_dates(replay, words), *_rules(replay, words))
    return Expand(words.say("How our dates and warnings did"), known)


def _dates(replay: Replay, words: Words) -> tuple[Block, ...]:
    chart = calibration(replay.dates, words)
    about = words.say(
        "Made again as of {moment}, from what was known at each past week end. None of it was published.",
        moment=replay.as_of,
    )
    return Paragraph((Text(about),)), chart or cells.muted(words.say("No replayed date is over yet."))


def _rules(replay: Replay, words: Words) -> tuple[Block, ...]:
    if not any(one.judged for one in replay.rules):
        return (cells.muted(words.say("Warnings have no record: no milestone whose date was known by then is over.")),)
    columns = [
        Column(words.say("Warning")), Column(words.say("Flagged"), "right"), Column(words.say("Of these late"), "right"),
        Column(words.say("Of the late ones, flagged"), "right"), Column(words.say("Days before the date, median"), "right"),
    ]  # fmt: skip
    base = replay.rules[-1].base
    note = words.count(
        "Each of {count} milestone whose date was known and is over counts once a warning, late or not; late were {base}. "
        "A warning that was acted on in time counts as wrong.",
        "Each of {count} milestones whose date was known and is over counts once a warning, late or not; late were {base}. "
        "A warning that was acted on in time counts as wrong.",
        base.of, count=base.of, base=_share(base, words),
    )  # fmt: skip
    return cells.table(columns, [_row(one, words) for one in replay.rules]), cells.muted(note)


def _row(one: RuleWorth, words: Words) -> tuple[tuple[Text, ...], ...]:
    name = words.rule(one.rule)
    if not one.flagged:
        return ((Text(name),), (Text("0"),), (Text(words.say("never flagged")),), (Text(NOTHING),), (Text(NOTHING),))
    return (
        (Text(name),),
        (Text(words.number(one.flagged)),),
        (Text(_share(one.precision, words)),),
        (Text(_share(one.recall, words)),),
        (Text(words.value(one.lead_days)),),
    )


def _share(one: Share, words: Words) -> str:
    """As much as may be said of it."""
    counts = words.say("{held} of {of}", held=one.held, of=one.of)
    if not one.is_enough:
        return words.say("{counts}, too few to say", counts=counts)
    low, high = one.interval
    return words.say(
        "{counts}, {share:percent} ({low:percent} to {high:percent})",
        counts=counts, share=one.held / one.of, low=low, high=high,
    )  # fmt: skip


def method(replay: Replay, words: Words) -> str:
    """By which variant dates are forecast, and by which evidence."""
    one = replay.choice
    if one is None:
        return words.say(
            "dates are forecast in the standard way; no backtest has found a better one for this portfolio."
        )
    return words.count(
        "dates are forecast {variant}, since the backtest as of {moment}: on {count} milestone their loss was {less} "
        "({low} to {high}) lengths of the plan less than {before}.",
        "dates are forecast {variant}, since the backtest as of {moment}: on {count} milestones their loss was {less} "
        "({low} to {high}) lengths of the plan less than {before}.",
        one.milestones, variant=words.variant(one.variant), before=words.variant(one.before),
        moment=one.as_of, count=one.milestones, less=words.number(-one.difference, 3),
        low=words.number(-one.high, 3), high=words.number(-one.low, 3),
    )  # fmt: skip
