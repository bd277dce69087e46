"""The pieces both pages are built from: an issue, a subject, a status, a row of a milestone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final, Literal

from pmo_sync.assessed import SEVERITY, Assessed, Calendar, Change, IssueRef, Part, Rag, Reason, Subject
from reports.document import Block, Column, Inline, Line, Link, Paragraph, Status, Table, Text, printable
from reports.drawing import finish_range
from reports.wording import NOTHING, Words

CHANCES: Final = ("on_track", "p_hit_low")  # reasons that say no more than the chance does
MOVED: Final = {"forecast_later": "p50_days", "forecast_earlier": "p50_days", "p_hit_moved": "p_hit_points"}
TITLE: Final = 72  # characters of a tracker's title in a table


def slot(subject: Subject) -> str:
    """Where the page of a project lives; stable for ever."""
    id_ = subject.id
    for prefix in ("project/", "project:"):
        id_ = id_.removeprefix(prefix)
    return f"project/{id_}"


def project_of(assessed: Assessed, subject: str | None) -> Subject | None:
    """The project a subject belongs to, itself if it is one."""
    while subject is not None:
        found = assessed.subjects.get(subject)
        if found is None or found.kind == "project":
            return found
        subject = found.parent
    return None


def name(subject: Subject, limit: int = TITLE) -> str:
    """A subject's name as one visible line."""
    return printable(subject.name, limit) or NOTHING


def project_link(subject: Subject, limit: int = TITLE) -> Link:
    """A project, linked to its page."""
    return Link(name(subject, limit), slot=slot(subject))


def subject_link(subject: Subject, limit: int = TITLE) -> Inline:
    """A milestone or epic, linked to its tracker where it has an address."""
    return Link(name(subject, limit), subject.url) if subject.url else Text(name(subject, limit))


def issue(ref: IssueRef, words: Words, limit: int = TITLE) -> Line:
    """An issue as evidence, its title cut at ``limit`` (0: its key alone). A confidential one is there, no more."""
    if ref.is_confidential:
        return (Text(words.say("a confidential item"), muted=True),)
    title = printable(ref.title, limit) if limit else ""
    link = Link(printable(ref.key, 60), ref.url) if ref.url else Text(printable(ref.key, 60))
    return (link, Text(f" {title}")) if title else (link,)


def status(assessed: Assessed, subject: str, words: Words) -> Line:
    """Status with glyph and word, and the direction it came from."""
    verdict = assessed.verdicts.get(subject)
    rag: Rag = "grey" if verdict is None else verdict.rag
    before = assessed.verdicts_before.get(subject)
    return (Status(rag, words.label(rag), trend(None if before is None else before.rag, rag)),)


def trend(before: Rag | None, now: Rag) -> Literal["up", "down", "same", ""]:
    """Up is better; nothing is said where there was, or is, not enough data."""
    if before is None or "grey" in (before, now):
        return ""
    if before == now:
        return "same"
    return "up" if SEVERITY[now] < SEVERITY[before] else "down"


def reasons(assessed: Assessed, subject: str) -> tuple[Reason, ...]:
    """Why a subject has its status; not enough data where nobody judged it.

    Where nothing speaks but the chance, a forecast that waits for other work of the same team says so.
    """
    verdict = assessed.verdicts.get(subject)
    if verdict is None:
        return (Reason("not_enough"),)
    forecast = assessed.forecasts.get(subject)
    if forecast is None or not all(one.code in CHANCES for one in verdict.reasons):
        return verdict.reasons
    return (*verdict.reasons, *(one for one in forecast.gates if one.code == "queue"))


def why(assessed: Assessed, subject: str, words: Words, most: int = 3) -> str:
    """The reasons as one line; for grey, what would fix the first of them."""
    found = reasons(assessed, subject)[:most]
    verdict = assessed.verdicts.get(subject)
    text = words.reasons(found)
    if verdict is None or verdict.rag == "grey":
        repair = next((words.fix(one) for one in found if words.fix(one)), "")
        return words.say("{why}; to do: {fix}", why=text, fix=repair) if repair else text
    return text


def why_besides(assessed: Assessed, subject: str, words: Words) -> str:
    """The first reason that says more than a chance does, for a table that shows the chance beside it."""
    found = reasons(assessed, subject)
    telling = [one for one in found if one.code not in CHANCES] or list(found)
    return words.reason(telling[0]) if telling else NOTHING


def calendar(assessed: Assessed, subject: str) -> Calendar:
    """Which days are worked there."""
    return assessed.calendars.get(subject, Calendar())


def committed(assessed: Assessed, subject: str) -> tuple[Subject, ...]:
    """The open, dated milestones somebody promised, nearest first."""
    return tuple(one for one in assessed.committed(subject) if one.state == "open" and one.due_on is not None)


def deciding(assessed: Assessed, project: str) -> Subject | None:
    """The milestone a project has its status from: the nearest of that status among the must-win ones, else among all."""
    ones = [one for one in assessed.committed(project) if one.state == "open"]  # one without a date decides, too
    verdict = assessed.verdicts.get(project)
    critical = [one for one in ones if one.is_must_win] or ones
    alike = [
        one
        for one in critical
        if verdict and one.id in assessed.verdicts and assessed.verdicts[one.id].rag == verdict.rag
    ]
    return next(iter((*alike, *critical)), None)


def declared(assessed: Assessed, subject: str, words: Words) -> Line:
    """The status that people declare for it, to stand beside the computed one; nothing where nobody does."""
    verdict = assessed.verdicts.get(subject)
    one = None if verdict is None else verdict.declared
    if one is None:
        return ()
    return (
        Status(one.rag, words.label(one.rag)),
        Text(" " + words.say("declared until {day}", day=words.short_day(one.expires_on)), muted=True),
    )


def slip(assessed: Assessed, subject: Subject, words: Words) -> str:
    """Days between the first promise and today's date."""
    found = assessed.value(subject.id, "SC-2", "days")
    if found is None:
        return NOTHING
    days = int(found)
    return words.count("{days:signed} day", "{days:signed} days", abs(days), days=days) if days else "±0"


def chance(assessed: Assessed, subject: str, words: Words) -> str:
    """P(hit); a dash where a gate refused or the date has passed."""
    forecast = assessed.forecasts.get(subject)
    due_on = assessed.subjects[subject].due_on
    if forecast is None or forecast.refused or (due_on is not None and due_on <= assessed.today):
        return NOTHING
    return words.value(forecast.p_hit, "percent")


def chances(assessed: Assessed, ones: Iterable[Subject]) -> list[float]:
    """P(hit) of those with a forecast whose dates are still to come."""
    ahead = [one for one in ones if one.due_on is not None and one.due_on > assessed.today]
    made = [assessed.forecasts[one.id] for one in ahead if one.id in assessed.forecasts]
    return [one.p_hit for one in made if one.p_hit is not None and not one.refused]


def pace(assessed: Assessed, subject: str, words: Words) -> str:
    """Items a week: what the date needs against what is done."""
    forecast = assessed.forecasts.get(subject)
    if forecast is None or forecast.required_pace is None:
        return NOTHING
    return f"{words.number(forecast.required_pace, 1)} / {words.number(forecast.actual_pace, 1)}"


def finish(assessed: Assessed, subject: str, words: Words) -> str:
    """The likely finish, P50 to P85."""
    return finish_range(assessed.forecasts.get(subject), assessed.today, words)


def due(assessed: Assessed, subject: Subject, words: Words) -> str:
    """A due date, or a dash. In a report of a day before anybody had told us, since when it is known."""
    seen = subject.known_since
    if subject.due_on is None or seen is None or seen <= assessed.as_of + timedelta(days=1):
        return words.value(subject.due_on)
    return words.say("{due:day}, as known since {day}", due=subject.due_on, day=words.day(seen.date()))


def causes(assessed: Assessed, change: Change) -> list[Part]:
    """Why a forecast moved, the largest part of the change first; nothing where the news is another."""
    measure = MOVED.get(change.code)
    parts = [one for one in assessed.moved.get(change.subject, ()) if measure and getattr(one, measure)]
    return sorted(parts, key=lambda one: -abs(getattr(one, measure or "")))


def main_cause(assessed: Assessed, change: Change, words: Words) -> str:
    """What moved a forecast most in the direction it went; empty where nothing is known of that."""
    parts, measure = causes(assessed, change), MOVED.get(change.code, "")
    total = sum(getattr(one, measure) for one in parts)
    found = next((one for one in parts if getattr(one, measure) * total > 0), None)
    return words.main_cause(found, points=measure == "p_hit_points") if found else ""


def period(assessed: Assessed, words: Words) -> Text:
    """What the page is about: Week 47, or the day of a daily report."""
    if assessed.period == "day":
        return Text(words.weekday(assessed.today), strong=True)
    return Text(words.say("Week {week}", week=str(assessed.today.isocalendar().week)), strong=True)


def more(total: int, most: int, words: Words) -> tuple[Block, ...]:
    """How many rows were left out, where any were."""
    if total <= most:
        return ()
    return (Paragraph((Text(words.say("… +{more} more", more=total - most), muted=True),)),)


def table(columns: Iterable[Column], rows: Iterable[tuple[Line, ...]]) -> Table:
    """A table of ``rows``, each as long as ``columns``."""
    return Table(tuple(columns), tuple(rows))


def plain(*cells: str) -> tuple[Line, ...]:
    """A row, or a part of one, of plain texts."""
    return tuple((Text(cell),) for cell in cells)


def muted(text: str) -> Paragraph:
    """A quiet remark."""
    return Paragraph((Text(text, muted=True),))
