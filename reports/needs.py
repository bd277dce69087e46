"""What leaders are asked for: decisions, help between projects that wait, capacity. Each block in few rows."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Final

from pmo_sync.assessed import Assessed, Subject, Wait
from reports import cells
from reports.document import Block, Column, Heading, Line, Status, Text
from reports.wording import NOTHING, Words

MOST_ROWS: Final = 4  # two rows of blocks stand side by side at the foot of the first screen
CAPACITY_WEEKS: Final = 4


def decide(assessed: Assessed, words: Words) -> tuple[Block, ...]:
    waiting = sorted(assessed.decisions, key=lambda one: -one.age_days)
    if not waiting:
        return Heading(2, words.say("Decide")), cells.muted(words.say("No decision is waiting."))
    heading = words.count(
        "Decide: {count} open, oldest {days} working day",
        "Decide: {count} open, oldest {days} working days",
        waiting[0].age_days, count=len(waiting), days=waiting[0].age_days,
    )  # fmt: skip
    columns = [
        Column(words.say("Decision")),
        Column(words.say("Project"), short=True),
        Column(words.say("Days"), "right"),
        Column(words.say("Due"), short=True),
    ]
    rows: list[tuple[Line, ...]] = []
    for one in waiting[:MOST_ROWS]:
        project = cells.project_of(assessed, one.subject)
        due = NOTHING if one.due_on is None else words.short_day(one.due_on)
        if one.due_on is not None and one.due_on < assessed.today:
            due = words.say("{day}, late", day=due)
        owner: Line = (cells.project_link(project, 26),) if project else (Text(NOTHING),)
        rows.append((cells.issue(one.issue, words, 34), owner, *cells.plain(words.number(one.age_days), due)))
    return Heading(2, heading), cells.table(columns, rows), *cells.more(len(waiting), MOST_ROWS, words)


def waiting(assessed: Assessed, words: Words) -> tuple[Block, ...]:
    waits = sorted(assessed.waits, key=lambda one: (-one.late_days, -one.milestones, one.blocker.key))
    if not waits:
        return Heading(2, words.say("Waiting")), cells.muted(words.say("No project waits for another."))
    late = sum(one.late_days > 0 for one in waits)
    title = words.say("Waiting: {count} between projects, {late} late", count=len(waits), late=late)
    columns = [
        Column(words.say("Waits"), short=True), Column(words.say("For")),
        Column(words.say("Late"), "right"), Column(words.say("Holds milestones"), "right"),
    ]  # fmt: skip
    rows: list[tuple[Line, ...]] = []
    grouped: dict[tuple[str, str, str], list[Wait]] = {}  # the waiting items of one project for one item: one row
    for one in waits:
        waiter = cells.project_of(assessed, one.blocked_subject)
        grouped.setdefault((waiter.id if waiter else "", one.blocker.key, one.blocker.url), []).append(one)
    for ones in list(grouped.values())[:MOST_ROWS]:
        one = ones[0]  # the latest, holding the most milestones
        waiter = cells.project_of(assessed, one.blocked_subject)
        blocker = cells.project_of(assessed, one.blocker_subject)
        who: Line = (cells.project_link(waiter, 26),) if waiter else (Text(NOTHING),)
        if len(ones) > 1:
            items = words.count("{count} item", "{count} items", len(ones), count=len(ones))
            who = (*who, Text(f" · {items}"))
        whom: Line = (cells.project_link(blocker, 26), Text(" · ")) if blocker else ()
        late_by = words.count("{days} day", "{days} days", one.late_days, days=one.late_days)
        numbers = cells.plain(late_by if one.late_days else words.say("not yet"), words.number(one.milestones))
        rows.append((who, (*whom, *cells.issue(one.blocker, words, 0)), *numbers))
    return Heading(2, title), cells.table(columns, rows), *cells.more(len(grouped), MOST_ROWS, words)


def capacity(assessed: Assessed, projects: list[Subject], words: Words) -> tuple[Block, ...]:
    """Work due in four weeks against what a project finishes on their working days: by project, not yet by team."""
    rows: list[tuple[float, tuple[Line, ...]]] = []
    unknown = 0
    end = assessed.today + timedelta(weeks=CAPACITY_WEEKS)
    for project in projects:
        due = [one for one in cells.committed(assessed, project.id) if one.due_on and one.due_on <= end]
        demand = sum(assessed.forecasts[one.id].remaining for one in due if one.id in assessed.forecasts)
        if not demand:
            continue
        weekly = assessed.value(project.id, "FL-1", "mean")
        if weekly is None:
            unknown += 1
            continue
        usual = weekly * cells.calendar(assessed, project.id).next_weeks
        load = demand / usual if usual else math.inf
        # rounded up, so that a little too much does not read as full
        share = words.percent(math.ceil(100 * load - 1e-6) / 100) if usual else words.say("at a standstill")
        verdict: Status = Status("red" if load > 1.2 else "amber" if load > 1 else "green", share)
        cells_ = cells.plain(words.number(demand), words.number(usual, 0))
        rows.append((load, ((cells.project_link(project, 30),), *cells_, (verdict,))))
    over = sum(load > 1 for load, _ in rows)
    blocks: list[Block] = []
    if rows:
        title = words.say("Capacity: {over} of {total} over, next 4 weeks", over=over, total=len(rows))
        columns = [
            Column(words.say("Project")), Column(words.say("Items due"), "right"),
            Column(words.say("Usually done"), "right"), Column(words.say("Load"), "right"),
        ]  # fmt: skip
        rows.sort(key=lambda row: -row[0])
        blocks = [
            Heading(2, title),
            cells.table(columns, [row for _, row in rows[:MOST_ROWS]]),
            *cells.more(len(rows), MOST_ROWS, words),
        ]
    else:
        blocks = [Heading(2, words.say("Capacity, next 4 weeks"))]
        blocks.append(cells.muted(words.say("No work of a committed milestone is due with a known pace.")))
    if unknown:
        text = words.count(
            "{count} project has work due and no known pace yet.", "{count} projects have work due and no known pace yet.",
            unknown, count=unknown,
        )  # fmt: skip
        blocks.append(cells.muted(text))
    return tuple(blocks)
