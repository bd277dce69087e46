"""What both pages say about themselves: where the data came from, and what each word means."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from pmo_sync.assessed import ENOUGH, Assessed, SourceTrust
from pmo_sync.policy import FEWEST_WEEKS, Thresholds
from reports import cells
from reports.backtest import method
from reports.document import Block, Heading, Items, Line, Text, printable
from reports.wording import Words

MOST_LINES: Final = 7
MOST_DAYS: Final = 12


def trust_block(assessed: Assessed, words: Words) -> tuple[Block, ...]:
    """Can the reader believe this page? Our own record, what is missing, and the state of each source."""
    trust = assessed.trust
    lines: list[Line] = [(*_record(assessed, words), *_changed(assessed, words))]
    estimate = words.value(trust.unestimated_share, "percent")
    lines.append((Text(words.say("{share} of open items without an estimate", share=estimate)),))
    baseline = words.count(
        "{count} dated milestone without an approved baseline: its first seen date serves",
        "{count} dated milestones without an approved baseline: their first seen dates serve",
        trust.without_baseline, count=trust.without_baseline,
    )  # fmt: skip
    if trust.without_baseline:
        lines.append((Text(baseline),))
    if trust.unmatched_decisions:
        ids = ", ".join(printable(one, 40) for one in trust.unmatched_decisions[:5])
        text = words.count(
            "{count} decision names no milestone or project of today: {ids}",
            "{count} decisions name no milestone or project of today: {ids}",
            len(trust.unmatched_decisions), count=len(trust.unmatched_decisions), ids=ids,
        )  # fmt: skip
        lines.append((Text(text),))
    lines += source_lines(assessed, words)
    return (
        Heading(2, words.say("Can this page be trusted?")),
        Items(tuple(lines[:MOST_LINES])),
        *cells.more(len(lines), MOST_LINES, words),
    )


def _record(assessed: Assessed, words: Words) -> Line:
    held, resolved = assessed.trust.p85_held, assessed.trust.p85_resolved
    if resolved < ENOUGH:
        text = words.count(
            "Our 85 % dates: {resolved} outcome known, {enough} needed before a hit rate says anything",
            "Our 85 % dates: {resolved} outcomes known, {enough} needed before a hit rate says anything",
            resolved, resolved=resolved, enough=ENOUGH,
        )  # fmt: skip
        return (Text(text),)
    text = words.say("Our 85 % dates held {held} of {resolved} times", held=held, resolved=resolved)
    return Text(text, strong=True), Text(f" ({words.percent(held / resolved)})")


def _changed(assessed: Assessed, words: Words) -> Line:
    """That a backtest chose another way to forecast; what it is, stands with the definitions."""
    choice = assessed.replay.choice
    if choice is None:
        return ()
    day = (choice.as_of - timedelta(microseconds=1)).astimezone(words.zone).date()
    return (Text(words.say(" · another method since {day}", day=words.day(day))),)


def source_lines(assessed: Assessed, words: Words) -> list[Line]:
    """One line per source that is not fresh and certified complete; one for all that are."""
    lines: list[Line] = []
    good: list[SourceTrust] = []
    for one in assessed.trust.sources:
        faults = _faults(one, words)
        if faults:
            lines.append((Text(printable(one.source, 60), strong=True), Text(": " + "; ".join(faults))))
        else:
            good.append(one)
    if good:
        text = words.count(
            "{good} source fresh and complete: {items} items, as many as its tracker counts",
            "{good} sources fresh and complete: {items} items, as many as their trackers count",
            len(good), good=len(good), items=sum(one.our_count for one in good),
        )  # fmt: skip
        lines.append((Text(text),))
    return lines


def _faults(one: SourceTrust, words: Words) -> list[str]:
    faults = []
    if one.state != "fresh":
        if one.last_success_at is None:
            faults.append(words.say("never read to its end") if one.our_count else words.say("never read"))
        else:
            faults.append(words.say("last read {moment}", moment=words.moment(one.last_success_at)))
    if one.message:
        faults.append(printable(one.message, 160))
    if one.server_count is not None and one.server_count != one.our_count:
        counts = {"server": one.server_count, "ours": one.our_count}
        faults.append(words.say("the server counts {server} items, we hold {ours}", **counts))
    if one.unread:
        faults.append(
            words.count("{count} item not read yet", "{count} items not read yet", one.unread, count=one.unread)
        )
    if one.missed:
        faults.append(
            words.count(
                "{count} item that the server no longer lists, kept until that is confirmed",
                "{count} items that the server no longer lists, kept until that is confirmed",
                one.missed, count=one.missed,
            )
        )  # fmt: skip
    if one.token_ends_on is not None:
        faults.append(words.say("its token is valid until {day} only", day=words.day(one.token_ends_on)))
    if one.server_count is None and not one.message and one.last_success_at is not None:
        faults.append(words.say("the server's count is not known"))
    if one.unmapped_statuses:
        names = ", ".join(printable(status, 40) for status in one.unmapped_statuses[:3])
        if len(one.unmapped_statuses) > 3:
            names += ", …"
        faults.append(words.say("unmapped statuses: {names}", names=names))
    if one.problems:
        faults.append(
            words.count("{count} unreadable record", "{count} unreadable records", one.problems, count=one.problems)
        )
    return faults


def _rule(words: Words) -> tuple[tuple[str, str], ...]:
    """The rule of `pmo_sync.policy` in words, with the thresholds it judges by."""
    limits = Thresholds()
    return (
        (words.say("Status"), words.say(
            "computed by a written rule, never typed in, for each milestone. Worse counts at once; better only after "
            "two periods, finished work at once."
        )),
        (words.label("red"), words.say(
            "work is open although the date is over; or the chance is below {chance:percent}; or the pace it needs is "
            "above the best week of the last 12; or {share:percent} or more of what is left is blocked, the oldest for "
            "more than {days} working days, while the chance is below {safe:percent}.",
            chance=limits.red_p_hit, share=limits.red_blocked_share, days=limits.blocked_days, safe=limits.amber_p_hit,
        )),
        (words.label("amber"), words.say(
            "the chance is below {safe:percent}; or the date lies more than {slip} days and more than "
            "{slip_share:percent} of the planned time after its baseline; or the likely finish moved more than {drift} "
            "days later in four weeks and would pass the date if it goes on; or an item is blocked for more than "
            "{blocked} working days; or it waits for a late item of another project, or in a circle; or scope grew by more than "
            "{scope:percent} since the baseline; or it is reported at risk or off track though nothing else says "
            "so. A project may set its own tolerance for days and for scope.",
            safe=limits.amber_p_hit, slip=limits.amber_slip_days, slip_share=limits.amber_slip_share,
            drift=limits.amber_drift_days, blocked=limits.blocked_days, scope=limits.amber_scope_share,
        )),
        (words.say("Not enough data"), words.say(
            "a colour of its own: a source was not read since the period closed, no work items, no due date, too "
            "little or too uneven history for a forecast, or a need of other projects whose end nobody can tell; without "
            "a forecast only the date and, from {weeks} weeks of history on, the pace can be off track. The reason says "
            "what would change it.",
            weeks=FEWEST_WEEKS,
        )),
        (words.say("Project"), words.say(
            "as its worst must-win milestone, or its worst committed one where none is must-win; on track only when "
            "all of them are known to be."
        )),
        (words.say("Programme"), words.say(
            "never an average: off track with a must-win milestone off track or more than {red:percent} of the "
            "projects; at risk with any project off track or more than {amber:percent} at risk; on track only when "
            "more than half of the projects and all must-win milestones are known. The portfolio likewise.",
            red=limits.red_share, amber=limits.amber_share,
        )),
    )  # fmt: skip


def _working_days(assessed: Assessed, subject: str, words: Words) -> str:
    """Which days are worked, and which around today are not."""
    known = cells.calendar(assessed, subject)
    off = [
        ", ".join(map(words.short_day, days[:MOST_DAYS])) + (", …" if len(days) > MOST_DAYS else "")
        or words.say("none")
        for days in (known.off_before, known.off_ahead)
    ]
    return words.say(
        "{weekdays}; days off of these in the last 12 weeks: {before}; in the next 12: {ahead}. What has an age, waits or "
        "takes time is told in working days, how far apart two dates are in days. A pace is that of a week with all its "
        "working days, a forecast leaves days off out, and its dates are working days.",
        weekdays=words.weekdays(known.weekdays), before=off[0], ahead=off[1],
    )  # fmt: skip


def definitions(assessed: Assessed, subject: str, words: Words) -> tuple[Block, ...]:
    """The rule behind every colour and number of a page, for the reader who asks."""
    pairs = (
        *_rule(words),
        (words.say("Chance"), words.say(
            "the probability to finish all open work of the milestone by its date, from the team's own finished items "
            "a week, with what it needs of other projects."
        )),
        (words.say("Other projects"), words.say(
            "a milestone is done when its own work is, its parts in other projects at their pace, and, for each item "
            "that is blocked by another project, the milestone that holds the blocker (or the blocker's turn in its "
            "project), with the usual cycle time of the waiting project after it. Teams of different projects count as "
            "independent, work of one team comes early or late together."
        )),
        (words.say("Likely finish"), words.say(
            "from the date with a 50 % chance to the date with an 85 % chance. Far dates are shown as a month or a "
            "quarter, because that is how sharp they are."
        )),
        (words.say("Method"), method(assessed.replay, words)),
        (words.say("Needs / does a week"), words.say(
            "open items, with those the same team owes no later, divided by the weeks of working days left, against the "
            "average of those of the last 12 weeks. No model, only arithmetic."
        )),
        (words.say("Working days"), _working_days(assessed, subject, words)),
        (words.say("Slipped"), words.say(
            "days between the milestone's date now and the first one approved, or else the first one we saw."
        )),
        (words.say("Load"), words.say(
            "open items of milestones due in the next 4 weeks against what the project usually finishes on their working "
            "days. "
            "An item in two milestones counts twice. Teams are not measured yet."
        )),
        (words.say("Done"), words.say(
            "entered a done status and stayed there; canceled and duplicate items are removed scope, not done work."
        )),
        (words.say("The past"), words.say(
            "a status counts in the past as it is mapped today. A milestone's own date and state are known since we "
            "first saw it; before that day its first ones serve."
        )),
        (words.say("Stale"), words.say("in progress and not changed for 10 working days.")),
    )  # fmt: skip
    return (Items(tuple((Text(name, strong=True), Text(f": {text}")) for name, text in pairs)),)
