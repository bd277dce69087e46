"""The portfolio's Monday page: seven blocks on one screen, then every project, then how to read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from pmo_sync.assessed import SEVERITY, Assessed, Change, Rag, SourceTrust, Subject, Verdict
from reports import backtest, cells, needs, practice
from reports.document import (
    Block,
    Column,
    Columns,
    Document,
    Expand,
    Figure,
    Figures,
    Heading,
    Inline,
    Items,
    Line,
    Note,
    Paragraph,
    Status,
    Text,
    printable,
)
from reports.method import definitions, trust_block
from reports.wording import NOTHING, Words

SLOT: Final = "portfolio"
MOST_BROKEN: Final = 3
MOST_CHANGES: Final = 5  # what a reader of twelve minutes can act on
MOST_MILESTONES: Final = 7
MOST_PROJECTS: Final = 100  # of 1,000 bytes each, 3,000 where every name is long and Chinese; Confluence takes 400,000
NEXT: Final = timedelta(weeks=6)
QUARTER: Final = timedelta(days=90)
RAGS: Final[tuple[Rag, ...]] = ("green", "amber", "red", "grey")


def compose(assessed: Assessed, words: Words, most: int | None = None) -> Document:
    """The page of the whole portfolio, from assessed readings; ``most`` of its projects, the worst, in its table.

    What leaders steer by is an enterprise PMO's; a coach shows how projects work instead, in a second table of them all:
    half as many are in each.
    """
    is_coach = assessed.profile == "coach"
    most = most // 2 if most and is_coach else most
    projects = [one for one in assessed.subjects.values() if one.kind == "project"]
    blocks: list[Block] = [
        _header(assessed, words),
        *broken(assessed, words),
        _counts(assessed, projects, words),
        *_changed(assessed, words),
        *(
            (*practice.adopted(assessed, projects, most, words), *trust_block(assessed, words))
            if is_coach
            else _steering(assessed, projects, words)
        ),
        *_projects(assessed, projects, most, words),
        backtest.section(assessed.replay, words),
        Expand(words.say("How to read this page"), definitions(assessed, SLOT, words)),
    ]
    title = words.say("{name}: portfolio status", name=assessed.name)
    return Document(SLOT, title, words.language, tuple(blocks), summary=_summary(assessed, projects, words))


def _steering(assessed: Assessed, projects: list[Subject], words: Words) -> tuple[Block, ...]:
    return (
        *_next_weeks(assessed, projects, words),
        Columns((needs.decide(assessed, words), needs.waiting(assessed, words))),
        Columns((needs.capacity(assessed, projects, words), trust_block(assessed, words))),
    )


def _header(assessed: Assessed, words: Words) -> Paragraph:
    since = words.say("changes since {previous}", previous=words.day(assessed.previous_on))
    return Paragraph((cells.period(assessed, words), Text(f" · {freshness(assessed, words)} · {since}")))


def freshness(assessed: Assessed, words: Words) -> str:
    """Of which moment the data are, and of how many sources."""
    fresh = sum(one.state == "fresh" and not one.message for one in assessed.trust.sources)
    return words.say(
        "data as of {moment} · {fresh} of {total} sources fresh",
        moment=words.moment(assessed.as_of), fresh=fresh, total=len(assessed.trust.sources),
    )  # fmt: skip


def broken(assessed: Assessed, words: Words) -> tuple[Block, ...]:
    """A page that rests on a source that was not read since the period closed says so before anything else."""
    broken = [one for one in assessed.trust.sources if one.state != "fresh"]
    if not broken:
        return ()
    lines = [Paragraph((Text(_broken_line(one, words)),)) for one in broken[:MOST_BROKEN]]
    return (Note("warning", (*lines, *cells.more(len(broken), MOST_BROKEN, words))),)


def _broken_line(one: SourceTrust, words: Words) -> str:
    """Tried in vain, or not tried since the period closed: two faults with two remedies."""
    name = printable(one.source, 60)
    if one.last_success_at is None and one.our_count:
        return words.say("{name} has never been read to its end: what is here of it is a part.", name=name)
    if one.last_success_at is None:
        return words.say("{name} has never been read: nothing on this page is from it.", name=name)
    moment = words.moment(one.last_success_at)
    if one.state == "failed" or one.message:
        return words.say("{name} could not be read this time: its numbers are of {moment}.", name=name, moment=moment)
    return words.say("{name} was last read on {moment}: nothing newer of it is here.", name=name, moment=moment)


def _counts(assessed: Assessed, projects: list[Subject], words: Words) -> Figures:
    now, before = (_by_status(table, projects) for table in (assessed.verdicts, assessed.verdicts_before))
    since = words.short_day(assessed.previous_on)
    figures = []
    for rag in RAGS:
        moved = now[rag] - before[rag]
        note = words.say("{moved:signed} since {since}", moved=moved, since=since)
        figures.append(
            Figure(words.number(now[rag]), Status(rag, words.label(rag)), note if assessed.verdicts_before else "")
        )
    late = () if assessed.profile == "coach" else (_expected_late(assessed, projects, words),)
    return Figures((*figures, *late))


def _by_status(verdicts: Mapping[str, Verdict], projects: list[Subject]) -> Counter[Rag]:
    found: Counter[Rag] = Counter()
    for one in projects:
        verdict = verdicts.get(one.id)
        found[verdict.rag if verdict else "grey"] += 1
    return found


def _expected_late(assessed: Assessed, projects: list[Subject], words: Words) -> Figure:
    """The sum of 1 - p over the dates to come: true whatever depends on whatever."""
    today, end = assessed.today, assessed.today + QUARTER
    ahead = [one for project in projects for one in cells.committed(assessed, project.id)]
    near = [one for one in ahead if one.due_on and today < one.due_on <= end]
    chances = cells.chances(assessed, near)
    label = Text(words.say("Expected late in 90 days"))
    if not chances:
        return Figure(NOTHING, label, words.say("{total} dated, none with a forecast", total=len(near)))
    late = sum(1 - chance for chance in chances)
    note = words.say("of {known} with a forecast, {total} dated", known=len(chances), total=len(near))
    return Figure(words.number(late, 1), label, note)


def _changed(assessed: Assessed, words: Words) -> tuple[Block, ...]:
    since = words.day(assessed.previous_on)
    heading = Heading(2, words.say("Changed since {since}", since=since))
    grouped: dict[str, list[Change]] = {}
    for change in sorted(assessed.changes, key=lambda one: -one.weight):
        project = cells.project_of(assessed, change.subject)
        if project is not None:
            grouped.setdefault(project.id, []).append(change)
    if not grouped:
        return heading, cells.muted(words.say("Nothing changed since {since}.", since=since))
    lines = [_change_line(assessed, assessed.subjects[id_], ones, words) for id_, ones in grouped.items()]
    return heading, Items(tuple(lines[:MOST_CHANGES])), *cells.more(len(lines), MOST_CHANGES, words)


def _change_line(assessed: Assessed, project: Subject, changes: list[Change], words: Words) -> Line:
    """One project's news, the largest first; a milestone is named once, and so is what moved its forecast."""
    parts, told, explained = [], "", set()
    for one in changes[:3]:
        text = words.change(one)
        if one.subject not in explained and (why := cells.main_cause(assessed, one, words)):
            explained.add(one.subject)
            text = f"{text}; {why}"
        if one.subject not in (project.id, told):
            told = one.subject
            text = words.say("{milestone}: {news}", milestone=cells.name(assessed.subjects[one.subject], 40), news=text)
        parts.append(text)
    status: Inline = cells.status(assessed, project.id, words)[0]
    left = len(changes) - 3
    tail = words.say(" · +{left} more", left=left) if left > 0 else ""
    return status, Text(" "), cells.project_link(project, 40), Text(": " + " · ".join(parts) + tail)


def _next_weeks(assessed: Assessed, projects: list[Subject], words: Words) -> tuple[Block, ...]:
    heading = Heading(2, words.say("Next 6 weeks"))
    end = assessed.today + NEXT
    near = [
        (project, one)
        for project in projects
        for one in cells.committed(assessed, project.id)
        if one.due_on and one.due_on <= end
    ]
    if not near:
        return heading, cells.muted(words.say("No committed milestone is due before {end}.", end=words.day(end)))
    # no red one may hide behind a green one: choose by status, then show by date
    near.sort(key=lambda pair: (_ease(assessed, pair[1]), pair[1].due_on, pair[1].name))
    shown = sorted(near[:MOST_MILESTONES], key=lambda pair: (pair[1].due_on, pair[1].name))
    columns = [
        Column(words.say("Due"), short=True), Column(words.say("Milestone")), Column(words.say("Status"), short=True),
        Column(words.say("Chance"), "right"), Column(words.say("Needs / does a week"), "right"),
        Column(words.say("Likely finish (50 / 85 %)"), short=True), Column(words.say("Slipped"), "right"), Column(words.say("Why")),
    ]  # fmt: skip
    rows = [_milestone_row(assessed, project, one, words) for project, one in shown]
    return heading, cells.table(columns, rows), *cells.more(len(near), MOST_MILESTONES, words)


def _milestone_row(assessed: Assessed, project: Subject, one: Subject, words: Words) -> tuple[Line, ...]:
    where: Line = (cells.project_link(project, 28), Text(" · "), cells.subject_link(one, 34))
    return (
        (Text(cells.due(assessed, one, words), strong=True),),
        (*where, Text(" ★")) if one.is_must_win else where,
        cells.status(assessed, one.id, words),
        *cells.plain(
            cells.chance(assessed, one.id, words),
            cells.pace(assessed, one.id, words),
            cells.finish(assessed, one.id, words),
            cells.slip(assessed, one, words),
            cells.why_besides(assessed, one.id, words),
        ),
    )


def _ease(assessed: Assessed, subject: Subject) -> int:
    """The worst are the smallest: what a reader should see first."""
    verdict = assessed.verdicts.get(subject.id)
    return -SEVERITY[verdict.rag if verdict else "grey"]


def _projects(assessed: Assessed, projects: list[Subject], most: int | None, words: Words) -> tuple[Block, ...]:
    """Every project, worst first, with its reason, so that nothing is only a count; of very many the ``most`` worst."""
    heading = Heading(2, words.say("All projects"))
    if not projects:
        return heading, cells.muted(words.say("No project is configured and none was found in the trackers."))
    programmes = {one.id: one for one in assessed.subjects.values() if one.kind == "programme"}
    columns = [
        Column(words.say("Project")), *([Column(words.say("Programme"))] if programmes else []),
        Column(words.say("Status"), short=True), Column(words.say("Reported")), Column(words.say("Done"), "right"),
        Column(words.say("Deciding milestone")), Column(words.say("Due"), short=True), Column(words.say("Likely finish (50 / 85 %)"), short=True),
        Column(words.say("Slipped"), "right"), Column(words.say("Why")),
    ]  # fmt: skip
    projects = sorted(projects, key=lambda one: (_ease(assessed, one), one.name))
    rows = [_project_row(assessed, one, programmes, words) for one in projects[:most]]
    left = len(projects) - len(rows)
    if not left:
        return heading, cells.table(columns, rows)
    text = words.count(
        "… and {left} more project, not worse than these: it has a page of its own, and the HTML report lists all.",
        "… and {left} more projects, none worse than these: each has a page of its own, and the HTML report lists all.",
        left, left=left,
    )  # fmt: skip
    return heading, cells.table(columns, rows), cells.muted(text)


def _project_row(
    assessed: Assessed, project: Subject, programmes: Mapping[str, Subject], words: Words
) -> tuple[Line, ...]:
    verdict = assessed.verdicts.get(project.id)
    reported: Line = ()
    if verdict and verdict.reported:
        reported = (Status(verdict.reported, words.label(verdict.reported)),)
    declared = cells.declared(assessed, project.id, words)
    reported = (*reported, *((Text(" "),) if reported and declared else ()), *declared) or (Text(NOTHING),)
    deciding = cells.deciding(assessed, project.id)
    programme = programmes.get(project.parent or "")
    share = words.value(assessed.value(project.id, "PR-1", "share"), "percent")
    return (
        (cells.project_link(project, 48),),
        *([(Text(cells.name(programme, 40) if programme else NOTHING),)] if programmes else []),
        cells.status(assessed, project.id, words),
        reported,
        *cells.plain(share),
        (cells.subject_link(deciding, 40),) if deciding else (Text(NOTHING),),
        *cells.plain(
            cells.due(assessed, deciding, words) if deciding else NOTHING,
            cells.finish(assessed, deciding.id, words) if deciding else NOTHING,
            cells.slip(assessed, deciding, words) if deciding else NOTHING,
            cells.why(assessed, project.id, words),
        ),
    )


def _summary(assessed: Assessed, projects: list[Subject], words: Words) -> Line:
    """The page in one sentence, for a comment."""
    now = _by_status(assessed.verdicts, projects)
    text = words.say(
        "{total} projects: {green} on track, {amber} at risk, {red} off track, {grey} without enough data (data as of {day}).",
        total=len(projects), day=words.day(assessed.today), **{rag: now[rag] for rag in RAGS},
    )  # fmt: skip
    return (Text(text),)
