"""The simulated company, generated from a seed: twelve tracked projects, each with a character.

``generate`` plays every project to eight weeks after the present, gives ids in order of creation (so that the same
item keeps its id as time goes on) and links items within and across trackers. Everything is drawn from generators
seeded by project, so one project's change leaves the others as they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from pmo_sync.demo import flow, goals, links
from pmo_sync.demo.company import Company, Item, TrackedProject, Tracker
from pmo_sync.demo.flow import WEEK, Draft, Plan
from pmo_sync.demo.history import live
from pmo_sync.demo.plans import PLANS, PROGRAMMES, configuration
from pmo_sync.demo.vocabulary import HOSTILE, title, workers

NOW: Final = datetime(2026, 11, 16, 0, 30, tzinfo=UTC)  # Monday 07:30 in Jakarta: a week has just closed
FUTURE: Final = 8 * WEEK
_FIRST_ID: Final[Mapping[Tracker, int]] = {"cloud": 10_000, "dc": 20_100, "gitlab": 150_300}
_MEGABYTE: Final = 1_000_000


def generate(seed: int = 7, *, quick: bool = False) -> Company:
    """The company at ``NOW`` with its past and eight weeks of its future.

    The past is 78 weeks with about 3,000 issues in twelve tracker projects; ``quick`` makes it 39 weeks with about
    500 in seven. The same arguments give the same company.
    """
    monday = NOW.replace(hour=0, minute=0)
    end = monday + FUTURE
    weeks = 39 if quick else 78
    plans = [replace(plan, rate=plan.rate * 0.6) if quick else plan for plan in PLANS if plan.quick or not quick]
    company = Company(
        seed=seed,
        started_on=(monday - weeks * WEEK).date(),
        now=NOW,
        projects=[],
        items=[],
        goals=[],
        dependencies=[],
        workers=workers(),
        programmes=PROGRAMMES,
    )
    played = [_play(plan, seed, weeks, monday, end) for plan in plans]
    links.move_between(Random(f"{seed}/moves"), {one.plan.key: one.drafts for one in played}, monday)
    pairs = _identify(played, end)
    items = {id(draft): item for project in pairs.values() for draft, item in project}
    made = goals.Maker(monday, end)
    train = str(made.group_milestone("arunika").id)
    for one in played:
        company.projects.append(_project(one.plan, len(company.projects), one.start))
        versions = made.releases(one.plan, one.rng, one.releases, one.start)
        by_index = {index: str(goal.id) for index, goal in enumerate(versions)} | {flow.TRAIN: train}
        _tell(one, pairs[one.plan.key], by_index, items, company, made)
        company.items += [item for _, item in pairs[one.plan.key]]
    company.goals = made.goals
    _surprises(company, Random(f"{seed}/surprises"), end)
    company.dependencies = links.dependencies(company, Random(f"{seed}/dependencies"), end)
    company.config = configuration(plans, company)
    return company


@dataclass(frozen=True, slots=True)
class _Played:
    """One project's flow before it gets ids and lives."""

    plan: Plan
    rng: Random
    start: datetime
    releases: list[flow.Release]
    drafts: list[Draft]


def _play(plan: Plan, seed: int, weeks: int, monday: datetime, end: datetime) -> _Played:
    rng = Random(f"{seed}/{plan.key}")
    start = monday - min(weeks, plan.age or weeks) * WEEK
    releases = flow.releases(plan, rng, start, monday, end)
    drafts = flow.drafts(plan, rng, start, monday, end, releases)
    if plan.tracker != "gitlab":
        awake_until = monday - (plan.dormant or 0) * WEEK
        drafts += links.epics(rng, drafts, start, awake_until) + links.sub_tasks(rng, drafts)
    return _Played(plan, rng, start, releases, drafts)


def _project(plan: Plan, index: int, start: datetime) -> TrackedProject:
    return TrackedProject(
        id=10_000 + index if plan.tracker != "gitlab" else 70 + index,
        tracker=plan.tracker,
        key=plan.key,
        name=plan.name,
        statuses=dict(plan.workflow),
        estimates=plan.estimates,
        character=plan.character,
        created_at=start - timedelta(days=3),
        reported_health={start.date().isoformat(): plan.health} if plan.health else {},
    )


def _identify(played: Sequence[_Played], end: datetime) -> dict[str, list[tuple[Draft, Item]]]:
    """Global ids per tracker and numbers per project, both in order of creation."""
    made: dict[str, list[tuple[Draft, Item]]] = {one.plan.key: [] for one in played}
    everything = [(draft, one.plan) for one in played for draft in one.drafts if draft.created_at <= end]
    everything.sort(key=lambda pair: (pair[0].created_at, pair[1].key))
    next_id = dict(_FIRST_ID)
    for draft, plan in everything:
        next_id[plan.tracker] += 1 + (next_id[plan.tracker] % 3 == 0)  # ids have gaps
        pairs = made[plan.key]
        item = Item(next_id[plan.tracker], plan.tracker, plan.key, len(pairs) + 1, draft.created_at, "", "", {})
        pairs.append((draft, item))
    return made


def _tell(
    one: _Played,
    pairs: Sequence[tuple[Draft, Item]],
    releases: Mapping[int, str],
    items: Mapping[int, Item],
    company: Company,
    made: goals.Maker,
) -> None:
    """Titles, people and lives of one project's items."""
    plan, rng = one.plan, one.rng
    squad = rng.sample([worker.id for worker in company.workers], 6)
    due = {index: release.due_on.isoformat() for index, release in enumerate(one.releases)}
    sprints = made.sprints(plan, one.start) if plan.sprints else []
    later = made.undated(plan, one.start) if plan.tracker != "gitlab" and plan.age is None else None
    until = company.now + FUTURE if plan.dormant is None else company.now - (plan.dormant - 1) * WEEK
    for draft, item in pairs:
        item.title = _title(draft, plan, rng)
        item.description = f"{item.title}\n\nRequested by the {plan.name} squad, see the notes of the weekly meeting."
        item.is_confidential = plan.tracker == "gitlab" and rng.random() < 0.03
        is_open_ended = draft.done_at is None and draft.role == "work"
        if is_open_ended and rng.random() < 0.12:
            item.deleted_at = (item.created_at + timedelta(days=rng.uniform(5, 90))).replace(microsecond=0)
        if draft.moved_to is not None:
            item.moved_to = items[id(draft.moved_to)].id
        parent = None if draft.parent is None else str(items[id(draft.parent)].id)
        live(draft, item, plan, rng, squad, releases, sprints, due, parent, until)
        if later is not None and draft.role == "work" and draft.first_release is None and rng.random() < 0.1:
            item.initial["milestone"] = (str(later.id),)


def _title(draft: Draft, plan: Plan, rng: Random) -> str:
    text = title(rng, plan.topic)
    if draft.role == "epic":
        return f"{plan.release}: {text[0].lower()}{text[1:]}"
    if draft.role == "risk":
        return f"Risk: cannot {text[0].lower()}{text[1:]} in time"
    if draft.role == "decision":
        return f"Decide whether to {text[0].lower()}{text[1:]}"
    return text


def _surprises(company: Company, rng: Random, end: datetime) -> None:
    """What every tracker has to survive: hostile titles, a huge description, renamed and deleted items."""
    trackers: tuple[Tracker, ...] = ("cloud", "dc", "gitlab")
    asleep = {project.key for project in company.projects if project.character == "dormant"}
    for tracker in trackers:
        old = [
            item
            for item in company.items
            if item.tracker == tracker
            and item.project not in asleep
            and item.deleted_at is None
            and item.created_at < company.now - 6 * WEEK
        ]
        chosen = rng.sample(old, len(HOSTILE) + 8)
        for item, text in zip(chosen, HOSTILE, strict=False):
            item.title = text
        chosen[-1].description = "Log lines of the failed night batch.\n" * (_MEGABYTE // 37)
        if tracker != "gitlab":
            for item in chosen[len(HOSTILE) : -1]:
                at = item.created_at + timedelta(hours=rng.uniform(1, 400))
                links.rename(item, at.replace(microsecond=0), end)
        parents = {item.initial.get("parent") for item in company.items}
        parents |= {event.new for item in company.items for event in item.events if event.field == "parent"}
        still_open = [
            item
            for item in company.items
            if item.tracker == tracker and item.deleted_at is None and item.created_at < company.now - WEEK
            and item.value("status", end) not in ("closed", "Done", "Closed") and str(item.id) not in parents
        ]  # fmt: skip
        for item in rng.sample(still_open, min(3, len(still_open))):  # they vanish in the weeks to come
            item.deleted_at = flow.in_week(rng, company.now.replace(hour=0, minute=0) + rng.randrange(0, 7) * WEEK)
            item.events = [event for event in item.events if event.at <= item.deleted_at]
