"""One project's page: status and why, milestones, charts, what needs attention, and how sound its data is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from pmo_sync.assessed import Assessed, Change, Reading, Step, Subject
from reports import cells, practice
from reports.document import (
    Block,
    Column,
    Columns,
    Document,
    Expand,
    Heading,
    Inline,
    Items,
    Line,
    Note,
    Paragraph,
    Properties,
    Status,
    Text,
    printable,
)
from reports.drawing import burn_up, cumulative_flow, milestone_slip
from reports.method import definitions, source_lines
from reports.wording import NOTHING, Words, sharpness

MOST_MILESTONES: Final = 12
MOST_ISSUES: Final = 7
MOST_CAUSES: Final = 4
MOST_NAMED: Final = 3  # issues behind one of them
MOST_STEPS: Final = 4  # to what decides a date elsewhere


def compose(assessed: Assessed, project: str, words: Words) -> Document:
    """The page of one project. ``project`` is a subject id; raises KeyError for one that is not there."""
    subject = assessed.subjects[project]
    blocks: list[Block] = [
        _header(assessed, words),
        *_status(assessed, subject, words),
        _properties(assessed, subject, words),
        *_news(assessed, subject, words),
        *_milestones(assessed, subject, words),
        Columns((_forecast(assessed, subject, words), _flow(assessed, subject, words))),
        Columns(
            (
                _attention(assessed, subject, words),
                (*_waits(assessed, subject, words), *_data(assessed, subject, words)),
            )
        ),
        *(practice.compared(assessed, subject, words) if assessed.profile == "coach" else ()),
        Expand(words.say("How to read this page"), definitions(assessed, subject.id, words)),
    ]
    title = words.say("{name}: project status", name=cells.name(subject, 120))
    summary = _summary(assessed, subject, words)
    return Document(cells.slot(subject), title, words.language, tuple(blocks), parent="portfolio", summary=summary)


def _header(assessed: Assessed, words: Words) -> Paragraph:
    text = words.say(
        "data as of {moment} · changes since {previous}",
        moment=words.moment(assessed.as_of), previous=words.day(assessed.previous_on),
    )  # fmt: skip
    return Paragraph((cells.period(assessed, words), Text(f" · {text}")))


def _status(assessed: Assessed, subject: Subject, words: Words) -> tuple[Block, ...]:
    """The colour, and every reason with it; grey says what would lift it."""
    verdict = assessed.verdicts.get(subject.id)
    found = cells.reasons(assessed, subject.id)
    grey = verdict is None or verdict.rag == "grey"
    lines: list[Line] = [(*cells.status(assessed, subject.id, words), Text(" " + words.reasons(found)))]
    if grey:
        fixes = dict.fromkeys(words.fix(one) for one in found if words.fix(one))
        lines += [(Text(words.say("To see a status: {fix}.", fix=fix)),) for fix in fixes]
    if verdict is not None and verdict.reported is not None and verdict.reported != verdict.rag:
        text = words.say(
            "The tracker reports {reported:rag}; computed: {computed:rag}.",
            reported=verdict.reported,
            computed=verdict.rag,
        )
        lines.append((Text(text),))
    if verdict is not None and verdict.declared is not None:
        one = verdict.declared
        text = words.say(
            "{role} declares {rag:rag} until {until:day}: {reason}",
            role=printable(one.role, 80), rag=one.rag, until=one.expires_on, reason=printable(one.reason, 300),
        )  # fmt: skip
        lines.append((Text(text),))
    blocks: tuple[Block, ...] = tuple(Paragraph(line) for line in lines)
    return (Note("warning" if verdict is not None and verdict.rag == "red" else "info", blocks),)


def _properties(assessed: Assessed, subject: Subject, words: Words) -> Properties:
    """What a place may read by machine: dates as ISO, far forecasts cut short, so that a roll-up of pages sorts them."""
    programme = assessed.subjects.get(subject.parent or "")
    ahead = cells.committed(assessed, subject.id)[:1]
    forecast = assessed.forecasts.get(ahead[0].id) if ahead else None
    done, total = (assessed.value(subject.id, "PR-1", part) for part in ("done", "total"))
    rows: list[tuple[str, Line]] = [(words.say("Status"), cells.status(assessed, subject.id, words))]
    if programme is not None and programme.kind == "programme":
        rows.append((words.say("Programme"), (Text(cells.name(programme)),)))
    if subject.sponsor_role:
        rows.append((words.say("Sponsor"), (Text(printable(subject.sponsor_role, 80)),)))
    p50, p85 = (None, None) if forecast is None or forecast.refused else (forecast.p50_on, forecast.p85_on)
    texts = [
        (words.say("Done"), words.say("{done} of {total} items", done=done, total=total)),
        (words.say("Next milestone"), cells.name(ahead[0]) if ahead else NOTHING),
        (words.say("Due"), str(ahead[0].due_on) if ahead else NOTHING),
        (words.say("Finish with 50 % chance"), _cut(p50, assessed.today)),
        (words.say("Finish with 85 % chance"), _cut(p85, assessed.today)),
        (words.say("Chance"), cells.chance(assessed, ahead[0].id, words) if ahead else NOTHING),
        (words.say("Slipped"), cells.slip(assessed, ahead[0], words) if ahead else NOTHING),
        (words.say("Data as of"), assessed.today.isoformat()),
    ]
    rows += [(name, (Text(text),)) for name, text in texts]
    return Properties(tuple(rows))


def _cut(day: date | None, today: date) -> str:
    """A forecast date as ISO, no sharper than it is: 2027-01-13, 2027-03, 2027-Q3."""
    if day is None:
        return NOTHING
    sharp = sharpness(day, today)
    if sharp == "quarter":
        return f"{day.year}-Q{(day.month + 2) // 3}"
    return day.isoformat() if sharp == "day" else f"{day:%Y-%m}"


def _news(assessed: Assessed, subject: Subject, words: Words) -> tuple[Block, ...]:
    since = words.day(assessed.previous_on)
    heading = Heading(2, words.say("Changed since {since}", since=since))
    lines: list[Line] = []
    for one in sorted(assessed.changes, key=lambda change: -change.weight):
        project = cells.project_of(assessed, one.subject)
        if project is None or project.id != subject.id:
            continue
        where = assessed.subjects[one.subject]
        own = where.id == subject.id
        name = (Text(words.say("Project")) if own else cells.subject_link(where, 48), Text(": "))
        lines.append((*name, Text(words.change(one)), *_causes(assessed, one, words)))
    if not lines:
        return heading, cells.muted(words.say("Nothing changed since {since}.", since=since))
    return heading, Items(tuple(lines[:MOST_ISSUES])), *cells.more(len(lines), MOST_ISSUES, words)


def _causes(assessed: Assessed, change: Change, words: Words) -> Line:
    """Why a forecast moved: the largest causes, with the issues that came or left."""
    line: list[Inline] = []
    for one in cells.causes(assessed, change)[:MOST_CAUSES]:
        line.append(Text(" · " + words.cause(one, points=change.code == "p_hit_moved")))
        named = [cells.issue(ref, words, 0) for ref in one.issues[:MOST_NAMED]]
        for place, ref in enumerate(named):
            line += [Text(", " if place else " ("), *ref]
        if named:
            line.append(Text(", …)" if one.items > len(named) else ")"))
    return tuple(line)


def _milestones(assessed: Assessed, subject: Subject, words: Words) -> tuple[Block, ...]:
    heading = Heading(2, words.say("Milestones"))
    ones = cells.committed(assessed, subject.id)
    if not ones:
        text = words.say("No open milestone with a due date. To see a forecast, create one and put the work into it.")
        return heading, cells.muted(text)
    columns = [
        Column(words.say("Milestone")), Column(words.say("Status"), short=True), Column(words.say("Due"), short=True),
        Column(words.say("First promised"), short=True), Column(words.say("Done"), "right"), Column(words.say("Chance"), "right"),
        Column(words.say("Needs / does a week"), "right"), Column(words.say("Likely finish (50 / 85 %)"), short=True), Column(words.say("Why")),
    ]  # fmt: skip
    rows = [_milestone_row(assessed, one, words) for one in ones[:MOST_MILESTONES]]
    return (
        heading, cells.table(columns, rows), *cells.more(len(ones), MOST_MILESTONES, words),
        *_expected(assessed, ones, words), *_chains(assessed, ones, words),
    )  # fmt: skip


def _expected(assessed: Assessed, ones: tuple[Subject, ...], words: Words) -> tuple[Block, ...]:
    """The sum of the chances: true whatever depends on whatever. Of one milestone its chance says it."""
    chances = cells.chances(assessed, ones)
    if len(chances) < 2:
        return ()
    text = words.say(
        "Expected by their dates: {expected} of {known} with a forecast.",
        expected=words.number(sum(chances), 1), known=len(chances),
    )  # fmt: skip
    return (cells.muted(text),)


def _chains(assessed: Assessed, ones: tuple[Subject, ...], words: Words) -> tuple[Block, ...]:
    """The milestones whose dates other projects decide, each with the way there."""
    lines = [line for one in ones if (line := _chain(assessed, one, words))]
    if not lines:
        return ()
    heading = Heading(3, words.say("Dates that other projects decide"))
    return heading, Items(tuple(lines[:MOST_ISSUES])), *cells.more(len(lines), MOST_ISSUES, words)


def _chain(assessed: Assessed, one: Subject, words: Words) -> Line:
    """Step by step from a milestone to what decides its late date; empty where its own work does."""
    forecast = assessed.forecasts.get(one.id)
    if forecast is None or forecast.chain is None or not forecast.chain.steps:
        return ()
    finish, alone = (words.finish(day, assessed.today) for day in (forecast.p85_on, forecast.chain.p85_on))
    text = words.say("85 % by {finish}, its own work alone by {alone}", finish=finish, alone=alone)
    line: list[Inline] = [cells.subject_link(one, 40), Text(f": {text}")]
    steps = forecast.chain.steps
    for step in steps[:MOST_STEPS]:
        line += [Text(" · "), *_step(assessed, step, words)]
    if len(steps) > MOST_STEPS:
        line.append(Text(words.say(" · +{left} more", left=len(steps) - MOST_STEPS)))
    return tuple(line)


def _step(assessed: Assessed, step: Step, words: Words) -> Line:
    project = cells.project_of(assessed, step.project)
    where: list[Inline] = [Text(cells.name(project, 40))] if project else []
    promise = assessed.subjects.get(step.subject or "")
    if promise is not None and step.blocker is not None:
        where += [Text(", "), cells.subject_link(promise, 40)] if where else [cells.subject_link(promise, 40)]
    finish = words.say("85 % by {finish}", finish=words.finish(step.p85_on, assessed.today))
    if step.blocked is None or step.blocker is None:
        return Text(words.say("its part in another project") + " ("), *where, Text(f", {finish})")
    return (
        *cells.issue(step.blocked, words, 0), Text(f" {words.say('waits for')} "), *cells.issue(step.blocker, words, 40),
        Text(" ("), *where, Text(f", {finish})" if where else f"{finish})"),
    )  # fmt: skip


def _milestone_row(assessed: Assessed, one: Subject, words: Words) -> tuple[Line, ...]:
    done, total = (assessed.value(one.id, "PR-1", part) for part in ("done", "total"))
    declared = cells.declared(assessed, one.id, words)
    return (
        (cells.subject_link(one, 60), Text(" ★")) if one.is_must_win else (cells.subject_link(one, 60),),
        (*cells.status(assessed, one.id, words), *((Text(" "), *declared) if declared else ())),
        (Text(cells.due(assessed, one, words), strong=True),),
        *cells.plain(
            _promised(one, words),
            f"{words.value(done)} / {words.value(total)}",
            cells.chance(assessed, one.id, words),
            cells.pace(assessed, one.id, words),
            cells.finish(assessed, one.id, words),
            cells.why(assessed, one.id, words),
        ),
    )


def _promised(one: Subject, words: Words) -> str:
    """The first promise, and the one that was approved since."""
    first, last, approvals = one.baseline.first_due_on, one.baseline.due_on, one.baseline.approvals
    if first is None:
        return NOTHING
    if first == last:
        return words.value(first)
    return words.count(
        "{first:day}; approved: {last:day}", "{first:day}; approved {approvals} times, last: {last:day}",
        approvals, first=first, last=last, approvals=approvals,
    )  # fmt: skip


def _forecast(assessed: Assessed, subject: Subject, words: Words) -> tuple[Block, ...]:
    """The burn-up of the nearest milestone with its fan, and how the milestones' dates moved."""
    ones = cells.committed(assessed, subject.id)
    nearest = next((one for one in ones if one.id in assessed.burnup), subject)
    frame = assessed.burnup.get(nearest.id)
    forecast = assessed.forecasts.get(nearest.id)
    made = None if frame is None else burn_up(nearest, frame, forecast, assessed.today, words)
    trend = milestone_slip(ones, assessed.due_dates, words)
    blocks: list[Block] = [Heading(2, words.say("Forecast"))]
    if forecast is not None and forecast.gates:
        warnings = words.reasons(forecast.gates)
        blocks.append(cells.muted(words.say("About this forecast: {warnings}.", warnings=warnings)))
    blocks += [one for one in (made, trend) if one is not None] or [cells.muted(words.say("No history to draw yet."))]
    return tuple(blocks)


def _flow(assessed: Assessed, subject: Subject, words: Words) -> tuple[Block, ...]:
    """How work goes through the project, now and one period ago."""

    def number(readings: Mapping[tuple[str, str, str], Reading], indicator: str, part: str, kind: str) -> str:
        reading = readings.get((subject.id, indicator, part))
        return words.value(None if reading is None else reading.value, kind)

    wanted = (
        (words.say("Finished a week, average of 12"), "FL-1", "mean", "pace"),
        (words.say("Work in progress, items"), "FL-5", "", ""),
        (words.say("In progress for longer than usual here, items"), "FL-6", "old", ""),
        (words.say("Cycle time, working days: half of the items"), "FL-3", "p50", "pace"),
        (words.say("Cycle time, working days: 85 % of the items"), "FL-3", "p85", "pace"),
        (words.say("Items blocked"), "RK-1", "count", ""),
        (words.say("Items overdue"), "SC-1", "count", ""),
        (words.say("Items stale"), "RK-2", "count", ""),
    )
    rows = [
        cells.plain(name, *(number(one, indicator, part, kind) for one in (assessed.readings, assessed.before)))
        for name, indicator, part, kind in wanted
    ]
    then = words.short_day(assessed.previous_on)
    columns = (Column(words.say("Measure")), Column(words.say("Now"), "right"), Column(then, "right"))
    frame = assessed.cumulative_flow.get(subject.id)
    chart = None if frame is None else cumulative_flow(frame, words)
    return Heading(2, words.say("Flow")), *([chart] if chart else []), cells.table(columns, rows)


def _attention(assessed: Assessed, subject: Subject, words: Words) -> tuple[Block, ...]:
    """Blocked, overdue, stale: the issues behind each number, the worst first."""
    lists = (
        (words.say("Blocked"), "RK-1", words.say("Working days")),
        (words.say("Overdue"), "SC-1", words.say("Days")),
        (words.say("Stale"), "RK-2", words.say("Working days")),
    )
    blocks: list[Block] = [Heading(2, words.say("Needs attention"))]
    for name, indicator, unit in lists:
        refs = [one for one in assessed.evidence.get((subject.id, indicator), ()) if one.measure]
        if not refs:
            continue
        refs.sort(key=lambda one: (-(one.measure or 0), one.key))
        rows = [(cells.issue(one, words), *cells.plain(words.value(one.measure))) for one in refs[:MOST_ISSUES]]
        count = int(assessed.value(subject.id, indicator, "count") or len(refs))  # the list holds the worst only
        title = words.say("{name}: {count}", name=name, count=count)
        blocks += [
            Heading(3, title),
            cells.table([Column(words.say("Item")), Column(unit, "right")], rows),
        ]
        blocks += cells.more(count, MOST_ISSUES, words)
    if len(blocks) == 1:
        blocks.append(cells.muted(words.say("Nothing is blocked, overdue or stale.")))
    return tuple(blocks)


def _waits(assessed: Assessed, subject: Subject, words: Words) -> tuple[Block, ...]:
    """Both directions: whom this project waits for, and who waits for it."""
    lines: list[Line] = []
    for one in assessed.waits:
        here = cells.project_of(assessed, one.blocked_subject)
        there = cells.project_of(assessed, one.blocker_subject)
        if here is not None and here.id == subject.id:
            verb, other = words.say("waits for"), there
        elif there is not None and there.id == subject.id:
            verb, other = words.say("is waited for by"), here
        else:
            continue
        mine, theirs = (
            (one.blocked, one.blocker) if here is not None and here.id == subject.id else (one.blocker, one.blocked)
        )
        name: Line = (Text(f" {cells.name(other, 40)} · "),) if other else (Text(" "),)
        late = (
            words.count("{days} day late", "{days} days late", one.late_days, days=one.late_days)
            if one.late_days
            else ""
        )
        tail: Line = (Text(f" ({late})", strong=True),) if late else ()
        lines.append((*cells.issue(mine, words, 48), Text(f" {verb}"), *name, *cells.issue(theirs, words, 48), *tail))
    if not lines:
        return ()
    return (
        Heading(2, words.say("Waits between projects")),
        Items(tuple(lines[:MOST_ISSUES])),
        *cells.more(len(lines), MOST_ISSUES, words),
    )


def _data(assessed: Assessed, subject: Subject, words: Words) -> tuple[Block, ...]:
    lines = source_lines(assessed, words)
    for indicator, text in (
        ("SP-5", words.say("of open items without an estimate")),
        ("CO-4", words.say("of items in an unmapped status")),
    ):
        share = assessed.value(subject.id, indicator, "share")
        if share is not None:
            lines.append((Text(words.percent(share), strong=True), Text(f" {text}")))
    lines += _doubts(assessed, subject, words)
    approved = [one for one in cells.committed(assessed, subject.id) if one.baseline.approvals]
    for one in approved[:MOST_ISSUES]:
        text = words.say(
            "{name}: {day:day} approved by {role} ({reason})",
            name=cells.name(one, 40), day=one.baseline.due_on,
            role=printable(one.baseline.role, 60), reason=printable(one.baseline.reason, 120),
        )  # fmt: skip
        lines.append((Text(text),))
    first_seen = [one for one in cells.committed(assessed, subject.id) if not one.baseline.approvals]
    if first_seen:
        names = ", ".join(cells.name(one, 40) for one in first_seen[:3]) + (", …" if len(first_seen) > 3 else "")
        lines.append((Text(words.say("No approved baseline, the first seen date serves: {names}", names=names)),))
    return Heading(2, words.say("Data quality")), Items(tuple(lines))


def _doubts(assessed: Assessed, subject: Subject, words: Words) -> list[Line]:
    """What can hardly be as the tracker says: by kind, with the newest items of it; and milestones that end before they begin."""
    lines: list[Line] = []
    for one in assessed.doubts:
        if one.subject != subject.id:
            continue
        line: list[Inline] = [Text(words.doubt(one.what, one.items))]
        for place, ref in enumerate(one.newest[:MOST_NAMED]):
            line += [Text(", " if place else ": "), *cells.issue(ref, words, 0)]
        lines.append((*line, Text(", …")) if one.items > MOST_NAMED else tuple(line))
    backward = [
        one
        for one in cells.committed(assessed, subject.id)
        if one.start_on and one.due_on and one.due_on < one.start_on
    ]
    for milestone in backward[:MOST_NAMED]:
        text = words.say(
            "ends on {due:day}, before it begins on {start:day}", due=milestone.due_on, start=milestone.start_on
        )
        lines.append((cells.subject_link(milestone, 48), Text(" " + text)))
    return lines


def _summary(assessed: Assessed, subject: Subject, words: Words) -> Line:
    """The page in one sentence, for a comment."""
    verdict = assessed.verdicts.get(subject.id)
    rag = "grey" if verdict is None else verdict.rag
    why = printable(cells.why(assessed, subject.id, words), 400)
    text = words.say(
        "{name}: {why} (data as of {day}).", name=cells.name(subject), why=why, day=words.day(assessed.today)
    )
    return Status(rag, words.label(rag)), Text(f" {text}")
