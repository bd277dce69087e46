"""The sentences behind the codes of policy and forecast, as msgids of the catalogues in ``locale/``.

A field is ``{name}`` or ``{name:kind}``; kinds are those of `reports.wording.Words.value`: ``percent``, ``share`` (a
number that is already a percentage), ``day``, ``finish`` (a forecast date), ``pace`` (items a week), ``signed``, ``rag``.
A sentence that counts something is (one, many, the field it counts).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Sentence = str | tuple[str, str, str]


def mark(message: str) -> str:
    """Mark a text for translation where it stands; `Words.say` translates it where it is used."""
    return message


# What can hardly be as the tracker says.
DOUBTS: Final[Mapping[str, Sentence]] = {
    "done_at_once": (
        mark("{items} item was done as it was created"), mark("{items} items were done as they were created"), "items"
    ),
    "due_before_creation": (
        mark("{items} item was due before it was created"), mark("{items} items were due before they were created"), "items"
    ),
    "due_before_start": (
        mark("{items} item is due before it starts"), mark("{items} items are due before they start"), "items"
    ),
    "due_after_parent": (
        mark("{items} item is due after the item above it"), mark("{items} items are due after the item above them"), "items"
    ),
    "negative_estimate": (
        mark("{items} item has a negative estimate"), mark("{items} items have a negative estimate"), "items"
    ),
    "parents_in_circle": (
        mark("{items} item stands above itself"), mark("{items} items stand above themselves"), "items"
    ),
    "closed_in_bulk": (
        mark("{items} item was closed in bulk and counts for no pace"),
        mark("{items} items were closed in bulk and count for no pace"),
        "items",
    ),
}  # fmt: skip

# Why a subject has its status.
REASONS: Final[Mapping[str, Sentence]] = {
    "on_track": mark("{p:percent} chance to make its date"),
    "all_done": mark("all work is done"),
    "p_hit_low": mark("{p:percent} chance to make {due_on:day}"),
    "pace_short": mark("needs {required:pace} a week, does {actual:pace}, best week {best:pace}"),
    "past_due": (
        mark("past due since {due_on:day} with {remaining} item open"),
        mark("past due since {due_on:day} with {remaining} items open"),
        "remaining",
    ),
    "slip": (
        mark("{days} day later than its baseline (+{percent:share})"),
        mark("{days} days later than its baseline (+{percent:share})"),
        "days",
    ),
    "drift": (
        mark("likely finish moved {days} day later in four weeks"),
        mark("likely finish moved {days} days later in four weeks"),
        "days",
    ),
    "blocked_long": (
        mark("{count} item blocked, for {days} working days"),
        mark("{count} items blocked, the oldest for {days} working days"),
        "count",
    ),
    "waits_on_late": (
        mark("waits for {count} late item of another project"),
        mark("waits for {count} late items of other projects"),
        "count",
    ),
    "waits_decide": mark("waits for {name}; without it {p:percent}"),
    "waits_circle": mark("{count} items wait for each other in a circle: {keys}"),
    "waits_unknown": mark("needs work of {name}, whose end nobody can tell yet"),
    "waits_outside": (
        mark("waits for {count} item that no project here has, or that is no work"),
        mark("waits for {count} items that no project here has, or that are no work"),
        "count",
    ),
    "scope_added": (
        mark("{items} item added since the baseline (+{percent:share})"),
        mark("{items} items added since the baseline (+{percent:share})"),
        "items",
    ),
    "reported_better": mark("reported as {reported:rag}, computed worse"),
    "reported_worse": mark("reported as {reported:rag}, computed better"),
    "better_once_week": mark("computed {now:rag} this week; shown after a second week"),
    "better_once_day": mark("computed {now:rag} for one day; shown after a second day"),
    "milestone": mark("{name}: {rag:rag}"),
    "milestone_gone": mark("gone with work undone; still counts in this report"),
    "must_win_red": (
        mark("{count} must-win milestone is off track"),
        mark("{count} must-win milestones are off track"),
        "count",
    ),
    "milestones_red": (
        mark("{count} of {total} milestone is off track"),
        mark("{count} of {total} milestones are off track"),
        "total",
    ),
    "projects_by_status": (
        mark("{red} off track and {amber} at risk, of {total} project"),
        mark("{red} off track and {amber} at risk, of {total} projects"),
        "total",
    ),
    # what forbids a judgement, or weakens it
    "not_enough": mark("not enough data"),
    "nothing_known": (
        mark("not enough data on {total} project"),
        mark("not enough data on {total} projects"),
        "total",
    ),
    "no_due_date": mark("no due date"),
    "no_dated_milestone": mark("no milestone with a due date"),
    "no_items": mark("no work items"),
    "few_done": mark("{have} items finished in 12 weeks, {need} needed for a forecast"),
    "short_history": mark("{weeks} weeks of history, {need} needed for a forecast"),
    "thin_history": mark("{have} items finished in 12 weeks; the date is surer from {need} on"),
    "young_history": mark("{weeks} weeks of history; the date is surer from {need} on"),
    "young_scope": (
        mark("scope settled {weeks} week ago: the date allows for no growth before {need} weeks"),
        mark("scope settled {weeks} weeks ago: the date allows for no growth before {need} weeks"),
        "weeks",
    ),
    "empty_weeks": mark("{weeks} of {of} weeks without a finished item, at most {most} allowed"),
    "bulk_share": mark("{share:percent} of the finished items were closed in bulk"),
    "unmapped_share": mark("{share:percent} of the items have an unmapped status"),
    "dormant": (
        mark("nothing finished for {days} working day"),
        mark("nothing finished for {days} working days"),
        "days",
    ),
    "beyond_horizon": mark("about {weeks:pace} weeks of work left: beyond the useful range of a forecast"),
    "wide": mark("wide range: the late date is {ratio:pace} times as far as the likely one"),
    "trend": mark("the last 4 weeks had {ratio:pace} times the pace of those before"),
    "scope_growing": mark("scope grows by {per_week:pace} items a week, {pace:pace} get done"),
    "queue": (
        mark("{ahead} item of the same team is due before"),
        mark("{ahead} items of the same team are due before"),
        "ahead",
    ),
    "days_off": (
        mark("{days} day off until {until:day} left out"),
        mark("{days} days off until {until:day} left out"),
        "days",
    ),
    "stale_source": mark("{source} was not read since the period closed"),
}

# The rules whose worth a backtest tells, as names of warnings.
RULES: Final[Mapping[str, str]] = {
    "p_hit_low": mark("chance below its limit"),
    "pace_short": mark("needs more than its best week"),
    "blocked_long": mark("blocked for long"),
    "slip": mark("date later than its baseline"),
    "drift": mark("likely finish moved later"),
    "waits_on_late": mark("waits for a late item"),
    "scope_added": mark("scope grew"),
    "reported_worse": mark("reported worse than computed"),
    "reported_better": mark("reported better than computed"),
    "chance_below_half": mark("chance below 50 %"),
    "red": mark("off track, whatever the reason"),
    "amber_or_red": mark("at risk or off track, whatever the reason"),
}

# The variants of the forecast, after "dates are forecast".
VARIANTS: Final[Mapping[str, str]] = {
    "standard": mark("in the standard way"),
    "prior": mark("by what public projects tell alone"),
    "shared": mark("by what the portfolio tells, without a project's own record"),
    "still": mark("as if no scope were growing"),
}

# What would turn grey into a colour.
FIXES: Final[Mapping[str, str]] = {
    "not_enough": mark("let the team finish more work in the tracker, then look again"),
    "nothing_known": mark("give each project a milestone with a due date"),
    "no_due_date": mark("set a due date in the tracker"),
    "no_dated_milestone": mark("create a milestone with a due date and put the work into it"),
    "no_items": mark("put the work items into the milestone"),
    "few_done": mark("finish more items, or split large ones"),
    "short_history": mark("wait for more weeks of history, or import the old ones"),
    "thin_history": mark("finish more items, or split large ones"),
    "young_history": mark("wait for more weeks of history, or import the old ones"),
    "young_scope": mark("wait for more weeks with the present scope"),
    "empty_weeks": mark("close items when they are done, every week"),
    "bulk_share": mark("close items when they are done, not all on one day"),
    "unmapped_share": mark("map the unmapped statuses in the configuration"),
    "dormant": mark("confirm that the work goes on, or close the milestone"),
    "beyond_horizon": mark("plan a nearer milestone"),
    "wide": mark("decide on scope rather than on the date"),
    "trend": mark("find out what changed, and let the pace settle"),
    "scope_growing": mark("stop the growth of scope, or split the milestone"),
    "waits_unknown": mark("finish work there every week, or end the wait"),
    "waits_outside": mark("bring in the project of the item it waits for, or end the wait"),
    "waits_circle": mark("decide which of these items goes first, and remove its link"),
    "stale_source": mark("repair the connection, then sync"),
}

# What makes a forecast move.
CAUSES: Final[Mapping[str, Sentence]] = {
    "scope_in": (mark("{count} item came in"), mark("{count} items came in"), "count"),
    "scope_out": (mark("{count} item left undone"), mark("{count} items left undone"), "count"),
    "progress": (
        mark("time passed, {count} item was done"),
        mark("time passed, {count} items were done"),
        "count",
    ),
    "ahead": mark("what the same team must finish first"),
    "pace": mark("the pace of the last 12 weeks"),
    "waits": mark("what it needs of other projects"),
    "due": mark("the due date"),
    "corrected": mark("data corrected since"),
    "configuration": mark("another configuration"),
    "method": mark("another way to forecast"),
}

# What is new since the period before.
CHANGES: Final[Mapping[str, Sentence]] = {
    "rag_worse": mark("from {before:rag} to {now:rag}"),
    "rag_better": mark("from {before:rag} back to {now:rag}"),
    "rag_other": mark("from {before:rag} to {now:rag}"),
    "forecast_later": (
        mark("likely finish {days} day later, {p50_on:finish}"),
        mark("likely finish {days} days later, {p50_on:finish}"),
        "days",
    ),
    "forecast_earlier": (
        mark("likely finish {days} day earlier, {p50_on:finish}"),
        mark("likely finish {days} days earlier, {p50_on:finish}"),
        "days",
    ),
    "p_hit_moved": mark("chance to make {due_on:day} went from {before:percent} to {now:percent}"),
    "scope_added": (mark("{items} item added"), mark("{items} items added"), "items"),
    "scope_removed": (mark("{items} item removed"), mark("{items} items removed"), "items"),
    "newly_blocked": (mark("{count} more item blocked"), mark("{count} more items blocked"), "count"),
    "due_moved_later": (
        mark("due date moved {days} day later, to {due_on:day}"),
        mark("due date moved {days} days later, to {due_on:day}"),
        "days",
    ),
    "due_moved_earlier": (
        mark("due date moved {days} day earlier, to {due_on:day}"),
        mark("due date moved {days} days earlier, to {due_on:day}"),
        "days",
    ),
    "due_removed": mark("its due date {due_on:day} was removed"),
    "milestone_reached": mark("all work done"),
    "milestone_gone": mark("{name} ({rag:rag}) is no longer there: deleted, hidden or moved elsewhere"),
    "closed_with_open_work": (
        mark("closed with {count} item open"),
        mark("closed with {count} items open"),
        "count",
    ),
    "dormant": (
        mark("nothing finished for {days} working day"),
        mark("nothing finished for {days} working days"),
        "days",
    ),
}
