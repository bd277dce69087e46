"""The portfolio's page of a PMO that keeps a library: where each project's own page is, and nothing that compares them."""

from __future__ import annotations

from pmo_sync.assessed import Assessed
from reports import cells
from reports.document import Block, Column, Document, Expand, Heading, Line, Paragraph, Text
from reports.method import definitions, trust_block
from reports.portfolio import SLOT, broken, freshness
from reports.wording import NOTHING, Words


def compose(assessed: Assessed, words: Words, most: int | None = None) -> Document:
    """Every project, or the first ``most``, by name, with its next date and no colour: that is for its own readers."""
    projects = sorted(
        (one for one in assessed.subjects.values() if one.kind == "project"), key=lambda one: one.name.casefold()
    )
    programmes = {one.id: one for one in assessed.subjects.values() if one.kind == "programme"}
    columns = [
        Column(words.say("Project")), *([Column(words.say("Programme"))] if programmes else []),
        Column(words.say("Next milestone")), Column(words.say("Due"), short=True),
    ]  # fmt: skip
    rows: list[tuple[Line, ...]] = []
    for one in projects[:most]:
        programme, ahead = programmes.get(one.parent or ""), cells.committed(assessed, one.id)[:1]
        rows.append((
            (cells.project_link(one, 48),),
            *([(Text(cells.name(programme, 40) if programme else NOTHING),)] if programmes else []),
            (cells.subject_link(ahead[0], 48),) if ahead else (Text(NOTHING),),
            (Text(cells.due(assessed, ahead[0], words) if ahead else NOTHING),),
        ))  # fmt: skip
    nothing = cells.muted(words.say("No project is configured and none was found in the trackers."))
    blocks: tuple[Block, ...] = (
        Paragraph((cells.period(assessed, words), Text(f" · {freshness(assessed, words)}"))),
        *broken(assessed, words),
        Heading(2, words.say("All projects")),
        cells.table(columns, rows) if rows else nothing,
        *cells.more(len(projects), len(rows), words),
        *trust_block(assessed, words),
        Expand(words.say("How to read this page"), definitions(assessed, SLOT, words)),
    )
    summary = words.count(
        "{total} project, on a page of its own (data as of {day}).",
        "{total} projects, each on a page of its own (data as of {day}).",
        len(projects), total=len(projects), day=words.day(assessed.today),
    )  # fmt: skip
    title = words.say("{name}: projects", name=assessed.name)
    return Document(SLOT, title, words.language, blocks, summary=(Text(summary),))
