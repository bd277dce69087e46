"""Every indicator and chart series once more, in slow obvious loops over plain records."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from tests.indicators.world import Calendar, Item, Milestone, World

Readings = dict[tuple[str, str], tuple[float | None, int]]  # (subject, part) -> value, sample
DAY = timedelta(days=1)


def percentile(values: list[float], p: float) -> float:
    """Linear interpolation between the order statistics."""
    ordered = sorted(values)
    place = p * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def exactly(calendar: Calendar, since: datetime, until: datetime) -> float:
    """Working days, day by day."""
    seconds, at = 0, since
    while at < until:
        midnight = datetime.combine(at.date() + DAY, time())
        if calendar.works(at.date()):
            seconds += int((min(midnight, until) - at).total_seconds())
        at = midnight
    return seconds / 86400


def days(world: World, item: Item, since: datetime, until: datetime) -> float:
    """Working days of the item's calendar, to one place."""
    return math.floor(exactly(world.of_project(item.project), since, until) * 10 + 0.5) / 10


def completion(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    work = world.work(subject)
    if not work:
        return {}
    done = len([item for item in work if item.done_at])
    total = len(work)
    return {
        "done": (done, total),
        "total": (total, total),
        "remaining": (total - done, total),
        "share": (done / total, total),
    }


def full_weeks(world: World, subject: str) -> list[date]:
    """Mondays of the last twelve full weeks that lie wholly within the subject's life."""
    stays = world.stays(subject)
    if not stays:
        return []
    first = min(since for _, since, _ in stays).date()
    monday = world.today + DAY
    while monday.weekday() != 0:
        monday -= DAY
    return [week for week in (monday - 7 * n * DAY for n in range(12, 0, -1)) if week >= first]


def week_of(moment: datetime) -> date:
    return moment.date() - timedelta(days=moment.weekday())


def weekly(world: World, subject: str) -> list[int]:
    counts = dict.fromkeys(full_weeks(world, subject), 0)
    for item in world.work(subject):
        if item.done_at and not item.is_bulk and week_of(item.done_at) in counts:
            counts[week_of(item.done_at)] += 1
    return list(counts.values())


def work_days(world: World, subject: str) -> list[int]:
    """Working days of each of the same weeks."""
    return [world.calendar(subject).days(week, week + 6 * DAY) for week in full_weeks(world, subject)]


def pace(world: World, subject: str) -> float | None:
    """Items a usual week."""
    worked = sum(work_days(world, subject))
    return sum(weekly(world, subject)) / (worked / world.calendar(subject).week) if worked else None


def throughput(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    counts = weekly(world, subject)
    if not counts:
        return {}
    mean = sum(counts) / len(counts)
    cv = statistics.stdev(counts) / mean if len(counts) > 1 and mean > 0 else None
    worked = work_days(world, subject)
    empty = sum(count == 0 and days > 0 for count, days in zip(counts, worked, strict=True))
    values = {"mean": pace(world, subject), "best": max(counts), "last": counts[-1], "zero_weeks": empty, "cv": cv}
    return {part: (value, len(counts)) for part, value in values.items()}


def cycle_times(world: World, subject: str) -> list[float]:
    return [
        days(world, item, item.started_at, item.done_at)
        for item in world.work(subject)
        if item.started_at and item.done_at and item.done_at >= world.as_of - 182 * DAY
    ]


def cycle_time(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    times = cycle_times(world, subject)
    if not times:
        return {}
    enough = len(times) >= 11
    return {
        "p50": (percentile(times, 0.5) if enough else None, len(times)),
        "p85": (percentile(times, 0.85) if enough else None, len(times)),
    }


def doing(world: World, subject: str) -> list[Item]:
    return [item for item in world.work(subject) if item.category == "doing"]


def work_in_progress(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    work = world.work(subject)
    return {"": (len(doing(world, subject)), len(work))} if work else {}


def work_in_progress_age(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    ages = [days(world, item, item.started_at, world.as_of) for item in doing(world, subject) if item.started_at]
    if not ages:
        return {}
    found: dict[str, tuple[float | None, int]] = {
        "p50": (percentile(ages, 0.5), len(ages)),
        "p85": (percentile(ages, 0.85), len(ages)),
    }
    times = cycle_times(world, subject)
    if len(times) >= 11:
        usual = percentile(times, 0.85)
        found["old"] = (len([age for age in ages if age > usual]), len(ages))
    return found


def overdue(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    work = world.work(subject)
    if not work:
        return {}
    opened = [item for item in work if item.is_open]
    late = [item for item in opened if item.due_on and item.due_on <= world.today]
    return {
        "count": (len(late), len(work)),
        "share": (len(late) / len(opened) if opened else None, len(opened)),
    }


def milestone_slip(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    milestone = world.milestone(subject)
    if milestone is None or not milestone.dates:
        return {}
    seen, approved = ([due_on for _, due_on in some] for some in (milestone.dates, milestone.approvals))
    sample = len(seen) + len(approved)
    found: dict[str, tuple[float | None, int]] = {"days": ((seen[-1] - [*approved, seen[0]][0]).days, sample)}
    if approved:
        found["since_approval"] = ((seen[-1] - approved[-1]).days, sample)
    return found


def count_and_oldest(ages: list[float], total: int) -> dict[str, tuple[float | None, int]]:
    if not total:
        return {}
    return {"count": (len(ages), total), "oldest_days": (max(ages) if ages else None, len(ages))}


def blocked(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    work = world.work(subject)
    ages = [days(world, item, item.blocked_since, world.as_of) for item in work if item.is_open and item.blocked_since]
    return count_and_oldest(ages, len(work))


def stale(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    work = world.work(subject)
    quiet = [
        item
        for item in doing(world, subject)
        if exactly(world.of_project(item.project), item.touched_at or item.moves[-1][0], world.as_of) >= 10
    ]
    return {"count": (len(quiet), len(work))} if work else {}


def waits_for_another_project(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    work = world.work(subject)
    waiting = set()
    for blocker, waits, _ in world.links:
        other, item = world.item(blocker), world.item(waits)
        same = other.project == item.project and other.is_leaf and item.is_leaf
        if item in work and item.is_open and not same:
            waiting.add(item.number)
    return {"count": (len(waiting), len(work))} if work else {}


def in_scope_at(stays: list[tuple[datetime, datetime | None]], moment: datetime) -> bool:
    """Just before ``moment``."""
    return any(since < moment and (until is None or until >= moment) for since, until in stays)


def effective_stays(world: World, subject: str) -> dict[int, list[tuple[datetime, datetime | None]]]:
    """Stays of work in a subject, ended by giving the item up."""
    found: dict[int, list[tuple[datetime, datetime | None]]] = {}
    for item, since, until in world.stays(subject):
        if item.counts:
            ends = [end for end in (until, item.removed_at) if end is not None]
            found.setdefault(item.number, []).append((since, min(ends, default=None)))
    return found


def baseline_at(world: World, subject: str) -> datetime | None:
    """When a date was approved last, if anything was in it by then; else seven days after the fifth item joined."""
    first: dict[int, datetime] = {}
    for item, since, _ in world.stays(subject):
        if item.counts and not (item.removed_at and item.removed_at <= since):
            first[item.number] = min(since, first.get(item.number, since))
    milestone = world.milestone(subject)
    if milestone is None:
        return None
    if milestone.approvals and any(since < milestone.approvals[-1][0] for since in first.values()):
        return milestone.approvals[-1][0]
    return sorted(first.values())[4] + 7 * DAY if len(first) >= 5 else None


def scope_growth(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    at = baseline_at(world, subject)
    if at is None or at > world.as_of:
        return {}
    stays = effective_stays(world, subject)
    baseline = {number for number, some in stays.items() if in_scope_at(some, at)}
    now = {number for number, some in stays.items() if any(until is None for _, until in some)}
    added = 0
    for number in now - baseline:
        done_at = world.item(number).done_at
        added += any(until is None and not (done_at and done_at <= since) for since, until in stays[number])
    removed = len(baseline - now)
    values = {
        "added": added,
        "removed": removed,
        "growth": (added - removed) / len(baseline) if baseline else None,
    }
    return {part: (value if baseline else None, len(baseline)) for part, value in values.items()}


def net_added(world: World, subject: str, week: date) -> int | None:
    """How much the work of a milestone grew in a full week since its baseline: what came undone less what left undone."""
    at = baseline_at(world, subject)
    if at is None or week < at.date():
        return None
    net = 0
    for item, since, until in world.stays(subject):
        if not item.counts or (item.removed_at and item.removed_at <= since):
            continue
        left = min((end for end in (until, item.removed_at) if end), default=None)
        net += week_of(since) == week and not (item.done_at and item.done_at <= since)
        net -= left is not None and week_of(left) == week and not (item.done_at and until and item.done_at <= until)
    return net


def unestimated(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    opened = [item for item in world.work(subject) if item.is_open]
    if not opened:
        return {}
    return {"share": (len([item for item in opened if item.estimate is None]) / len(opened), len(opened))}


def unmapped(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    work = world.work(subject)
    if not work:
        return {}
    return {"share": (len([item for item in work if item.category == "unmapped"]) / len(work), len(work))}


def is_doubtful(world: World, item: Item) -> bool:
    if item.done_at and item.done_at <= item.created_at:
        return True
    if item.due_on:
        above = None if item.parent is None else world.item(item.parent)
        is_bound = above is not None and above.category not in ("done", "canceled") and item.done_at is None
        if is_bound and above is not None and above.due_on is not None and item.due_on > above.due_on:
            return True
        if item.due_on < item.created_at.date() or (item.start_on and item.start_on > item.due_on):
            return True
    closed = item.done_at.date() if item.is_bulk and item.done_at else None
    negative = item.estimate is not None and item.estimate < 0
    return negative or world.is_in_circle(item) or (closed is not None and closed > world.today - 84 * DAY)


def doubtful(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    work = world.work(subject)
    return {"count": (len([item for item in work if is_doubtful(world, item)]), len(work))} if work else {}


def decisions_waiting(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    asked = [
        item for item in world.members(subject) if item.role == "decision" and item.is_leaf and item.removed_at is None
    ]
    ages = [days(world, item, item.created_at, world.as_of) for item in asked if item.done_at is None]
    return count_and_oldest(ages, len(asked))


def pace_of(world: World, subject: str) -> str:
    """Whose pace counts for a commitment; of several projects' items those of its own project lead."""
    milestone = world.milestone(subject)
    assert milestone is not None
    where = [item.project for item in world.work(subject) if item.is_open]
    own = weekly(world, subject)
    if sum(own) >= 25 and len(own) == 12 and len(set(where)) <= 1:
        return subject
    if not where or milestone.project in where:
        return f"project:{milestone.project}"
    return f"project:{max(where, key=lambda one: (where.count(one), one))}"


def is_alive(world: World, milestone: Milestone) -> bool:
    """Not over, or still worked on: then it can hold up what is due later."""
    recent = [
        item
        for item in world.work(f"milestone:{milestone.id}")
        if item.done_at and not item.is_bulk and week_of(item.done_at) in full_weeks_of_portfolio(world)
    ]
    assert milestone.due_on is not None
    return milestone.due_on > world.today or bool(recent)


def first(world: World, project: str, due_on: date | None) -> set[int]:
    """The open items of a project that somebody has promised no later than a day (None: with or without a date)."""
    return {
        item.number
        for other in world.milestones
        if other.is_open and other.due_on is not None and (due_on is None or other.due_on <= due_on)
        and is_alive(world, other)
        for item in world.work(f"milestone:{other.id}")
        if item.is_open and item.project == project
    }  # fmt: skip


def queue(world: World, subject: str) -> set[int]:
    """The items that a commitment's pace must finish before its part of the commitment is met."""
    mine, pace = world.milestone(subject), pace_of(world, subject)
    assert mine is not None
    opened = [item for item in world.work(subject) if item.is_open]
    if pace == subject:
        return {item.number for item in opened}
    project = pace.removeprefix("project:")
    return {item.number for item in opened if item.project == project} | first(world, project, mine.due_on)


def full_weeks_of_portfolio(world: World) -> list[date]:
    monday = world.today + DAY
    while monday.weekday() != 0:
        monday -= DAY
    return [monday - 7 * n * DAY for n in range(1, 13)]


def required_pace(world: World, subject: str) -> dict[str, tuple[float | None, int]]:
    milestone = world.milestone(subject)
    if milestone is None or not milestone.is_open or milestone.due_on is None:
        return {}
    found: dict[str, tuple[float | None, int]] = {}
    counts = weekly(world, pace_of(world, subject))
    if counts:
        found["actual"] = (pace(world, pace_of(world, subject)), len(counts))
        found["best"] = (max(counts), len(counts))
    work = queue(world, subject)
    calendar = world.calendar(subject)
    left = calendar.days(world.today + DAY, milestone.due_on)
    if work and left:
        required = len(work) / (left / calendar.week)
        found["required"] = (required, len(work))
        if counts:
            actual = found["actual"][0]
            found["ratio"] = (required / actual if actual else None, len(counts))
    return found


ORACLES: dict[str, Callable[[World, str], dict[str, tuple[float | None, int]]]] = {
    "PR-1": completion,
    "FL-1": throughput,
    "FL-3": cycle_time,
    "FL-5": work_in_progress,
    "FL-6": work_in_progress_age,
    "FC-3": required_pace,
    "SC-1": overdue,
    "SC-2": milestone_slip,
    "SP-1": scope_growth,
    "SP-5": unestimated,
    "RK-1": blocked,
    "RK-2": stale,
    "RK-4": waits_for_another_project,
    "CO-4": unmapped,
    "CO-7": doubtful,
    "PF-3": decisions_waiting,
}


def readings(world: World, indicator: str) -> Readings:
    return {
        (subject, part): reading
        for subject in world.subjects
        for part, reading in ORACLES[indicator](world, subject).items()
    }


def points(world: World, subject: str) -> list[tuple[date, datetime]]:
    """Chart points: (day, the moment it was over), weekly back from today."""
    stays = effective_stays(world, subject)
    if not stays:
        return []
    first = min(since for some in stays.values() for since, _ in some)
    most = 10_000 if subject.startswith("milestone:") else 26
    found = []
    for back in range(most + 1):
        moment = world.as_of - 7 * back * DAY
        if moment <= first:
            break
        found.append((world.today - 7 * back * DAY, moment))
    return found[::-1]


def burnup(world: World, subject: str) -> list[tuple[date, int, int]]:
    stays = effective_stays(world, subject)
    made = []
    for day, moment in points(world, subject):
        scope = [world.item(number) for number, some in stays.items() if in_scope_at(some, moment)]
        made.append((day, len(scope), len([item for item in scope if item.done_at and item.done_at < moment])))
    return made


def cumulative_flow(world: World, subject: str) -> dict[tuple[date, str], int]:
    stays = effective_stays(world, subject)
    found: dict[tuple[date, str], int] = {}
    for back in range(27):
        day, moment = world.today - 7 * back * DAY, world.as_of - 7 * back * DAY
        for number, some in stays.items():
            if not in_scope_at(some, moment):
                continue
            for category, since, until in world.item(number).flow:
                if category != "canceled" and since < moment and (until is None or until >= moment):
                    found[day, category] = found.get((day, category), 0) + 1
    return found


def due_dates(world: World, subject: str) -> list[tuple[date, date]]:
    milestone = world.milestone(subject)
    return [(seen.date(), due_on) for seen, due_on in milestone.dates] if milestone else []
