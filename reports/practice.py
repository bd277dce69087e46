"""What a coaching PMO looks at: how projects keep their trackers, and where one stands among the others, who have no names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from pmo_sync.assessed import Assessed, Subject
from reports import cells
from reports.document import Block, Column, Heading
from reports.wording import NOTHING, Words

FEWEST: Final = 5  # projects with a number: among fewer everybody knows who is meant
Number = Callable[[Assessed, str], float | None]


def adopted(assessed: Assessed, projects: Sequence[Subject], most: int | None, words: Words) -> tuple[Block, ...]:
    """By project, the first ``most`` by name: what is estimated, mapped, looked after, dated and approved."""
    columns = [
        Column(words.say("Project")), Column(words.say("Without an estimate"), "right"),
        Column(words.say("In an unmapped status"), "right"), Column(words.say("Stale, of those in progress"), "right"),
        Column(words.say("Baselines approved"), "right"), Column(words.say("Dates with a forecast"), "right"),
    ]  # fmt: skip
    rows = []
    for one in sorted(projects, key=lambda one: one.name.casefold())[:most]:
        dated = cells.committed(assessed, one.id)
        approved = sum(bool(each.baseline.approvals) for each in dated)
        forecast = sum(each.id in assessed.forecasts and not assessed.forecasts[each.id].refused for each in dated)
        shares = (_share("SP-5"), _share("CO-4"), _stale)
        rows.append((
            (cells.project_link(one, 48),),
            *cells.plain(
                *(words.value(number(assessed, one.id), "percent") for number in shares),
                *(words.say("{part} of {all}", part=part, all=len(dated)) if dated else NOTHING for part in (approved, forecast)),
            ),
        ))  # fmt: skip
    heading = Heading(2, words.say("Practice"))
    if not rows:
        return heading, cells.muted(words.say("No project is configured and none was found in the trackers."))
    return heading, cells.table(columns, rows), *cells.more(len(projects), len(rows), words)


def compared(assessed: Assessed, subject: Subject, words: Words) -> tuple[Block, ...]:
    """One project's numbers, of which less is better, beside the middle of all: no other project is named."""
    projects = [one.id for one in assessed.subjects.values() if one.kind == "project"]
    wanted: tuple[tuple[str, Number, str], ...] = (
        (words.say("Cycle time, working days: half of the items"), _number("FL-3", "p50"), "pace"),
        (words.say("Cycle time, working days: 85 % of the items"), _number("FL-3", "p85"), "pace"),
        (words.say("Stale, of those in progress"), _stale, "percent"),
        (words.say("Without an estimate"), _share("SP-5"), "percent"),
        (words.say("In an unmapped status"), _share("CO-4"), "percent"),
    )
    rows = []
    for name, number, kind in wanted:
        here = number(assessed, subject.id)
        known = sorted(value for id_ in projects if (value := number(assessed, id_)) is not None)
        if here is None or len(known) < FEWEST:
            continue
        middle = (known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2
        better, others = sum(value > here for value in known), len(known) - 1
        place = words.say("less than {better} of {others} others", better=better, others=others)
        rows.append(cells.plain(name, words.value(here, kind), words.value(middle, kind), place))
    heading = Heading(2, words.say("Among all projects"))
    if not rows:
        text = words.say("Nothing to compare: fewer than {fewest} projects have these numbers.", fewest=FEWEST)
        return heading, cells.muted(text)
    columns = [
        Column(words.say("Measure")), Column(words.say("Here"), "right"), Column(words.say("Middle project"), "right"),
        Column(words.say("Less is better")),
    ]  # fmt: skip
    return heading, cells.table(columns, rows)


def _number(indicator: str, part: str) -> Number:
    return lambda assessed, id_: assessed.value(id_, indicator, part)


def _share(indicator: str) -> Number:
    return _number(indicator, "share")


def _stale(assessed: Assessed, id_: str) -> float | None:
    """The stale items' share of the work in progress: large projects and small ones compare."""
    count, progress = assessed.value(id_, "RK-2", "count"), assessed.value(id_, "FL-5")
    return None if count is None or not progress else count / progress
