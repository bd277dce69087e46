"""What ties issues together: epics, sub-tasks, moves between projects, dependencies within and across trackers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Final

from pmo_sync.demo.company import Company, Dependency, Event, Item, Tracker
from pmo_sync.demo.flow import WEEK, Draft, in_week

# (blocked project, blocking project): whose work waits for whose
ACROSS: Final = (
    ("PAY", "arunika/payments/gateway"),
    ("KYC", "CORE"),
    ("MOB", "arunika/platform/identity/single-sign-on"),
    ("LOAN", "PAY"),
    ("ERP", "KYC"),
    ("PAY", "ERP"),
)
_MOVES: Final = (
    ("arunika/payments/gateway", "arunika/platform/identity/single-sign-on"),
    ("arunika/logistics/fleet-tracking", "arunika/data/customer-360"),
    ("arunika/payments/gateway", "arunika/logistics/fleet-tracking"),
)


def epics(rng: Random, drafts: list[Draft], start: datetime, until: datetime) -> list[Draft]:
    """One epic each seven weeks that adopts most of the work created in its time; done soon after its last child."""
    made = []
    for number in range(max(1, (until - start) // (7 * WEEK))):
        begin = start + number * 7 * WEEK
        epic = Draft(in_week(rng, begin) - timedelta(hours=rng.randrange(2, 20)), "epic")
        children = [
            draft for draft in drafts
            if draft.role == "work" and draft.parent is None and epic.created_at < draft.created_at < begin + 9 * WEEK
            and rng.random() < 0.75
        ]  # fmt: skip
        for child in children:
            child.parent = epic
        starts = [child.started_at for child in children if child.started_at is not None]
        ends = [child.done_at for child in children if child.done_at is not None]
        epic.started_at = max(min(starts), epic.created_at + timedelta(minutes=5)) if starts else None
        if ends and len(ends) == len(children):
            epic.done_at = max(ends) + timedelta(days=rng.randrange(1, 5))
        made.append(epic)
    return made


def sub_tasks(rng: Random, drafts: list[Draft]) -> list[Draft]:
    """A few issues are cut into smaller ones, created once work on them has begun."""
    made = []
    for draft in drafts:
        if draft.role != "work" or draft.started_at is None or draft.done_at is None or rng.random() > 0.05:
            continue
        span = draft.done_at - draft.started_at
        if span < timedelta(days=1):
            continue
        for _ in range(rng.randrange(1, 4)):
            created = (draft.started_at + span * rng.uniform(0.02, 0.3)).replace(microsecond=0)
            part = Draft(created, "sub-task", parent=draft)
            part.started_at = (created + span * rng.uniform(0.02, 0.3)).replace(microsecond=0)
            part.done_at = (part.started_at + span * rng.uniform(0.05, 0.35)).replace(microsecond=0)
            made.append(part)
    return made


def move_between(rng: Random, drafts_of: Mapping[str, list[Draft]], monday: datetime) -> None:
    """Some GitLab issues were filed in the wrong project: closed there, created anew elsewhere."""
    for source, target in _MOVES:
        if source not in drafts_of or target not in drafts_of:
            continue
        able = [
            draft
            for draft in drafts_of[source]
            if draft.role == "work" and draft.moved_to is None and draft.started_at is not None
            and draft.done_at is not None and draft.started_at - draft.created_at > timedelta(days=3)
            and draft.done_at < monday + 6 * WEEK and not draft.moves
        ]  # fmt: skip
        for draft in rng.sample(able, min(3, len(able))):
            assert draft.started_at is not None
            moved_at = (draft.created_at + (draft.started_at - draft.created_at) * 0.6).replace(microsecond=0)
            twin = Draft(moved_at, started_at=draft.started_at, done_at=draft.done_at, is_canceled=draft.is_canceled)
            draft.moved_to, draft.started_at, draft.done_at = twin, moved_at, moved_at
            drafts_of[target].append(twin)


def rename(item: Item, at: datetime, until: datetime) -> None:
    """The item's title gets a suffix at ``at``."""
    if at <= until and (item.deleted_at is None or at < item.deleted_at):
        item.initial["title"] = item.title
        item.events = sorted([*item.events, Event(at, "title", item.title, f"{item.title} (phase 1)")], key=_at)


def _at(event: Event) -> datetime:
    return event.at


def dependencies(company: Company, rng: Random, end: datetime) -> list[Dependency]:
    """About one item in twenty-five waits for another of its project; some wait for one in another tracker."""
    able: dict[str, list[Item]] = {}
    for item in company.items:
        if item.deleted_at is None and item.moved_to is None and item.initial["kind"] not in ("Epic", "Sub-task"):
            able.setdefault(item.project, []).append(item)
    made: list[Dependency | None] = []
    for project in company.projects:
        items = able.get(project.key, [])
        made += [_dependency(rng, rng.choice(items), rng.choice(items), end) for _ in range(len(items) // 25)]
    for blocked, blocker in ACROSS:
        if blocked in able and blocker in able:
            waiting = _unfinished(able[blocked], company.now)
            causes = _unfinished(able[blocker], company.now)
            made += [_dependency(rng, rng.choice(able[blocker]), rng.choice(able[blocked]), end) for _ in range(4)]
            if waiting and causes:
                made += [_dependency(rng, rng.choice(causes), rng.choice(waiting), company.now) for _ in range(3)]
    unique: dict[tuple[tuple[Tracker, int], tuple[Tracker, int]], Dependency] = {}
    for one in made:
        if one is not None and (one.blocked, one.blocker) not in unique:
            unique.setdefault((one.blocker, one.blocked), one)
    return sorted(unique.values())


def _unfinished(items: list[Item], now: datetime) -> list[Item]:
    return [
        item
        for item in items
        if item.created_at < now - WEEK / 2
        and item.value("status", now) not in ("Done", "Closed", "Cancelled", "closed")
    ]


def _dependency(rng: Random, blocker: Item, blocked: Item, end: datetime) -> Dependency | None:
    """Found out some days after both exist."""
    if blocker is blocked:
        return None
    begin = max(blocker.created_at, blocked.created_at) + timedelta(minutes=10)
    at = (begin + timedelta(hours=rng.lognormvariate(3, 1))).replace(microsecond=0)
    if at >= end:
        at = begin.replace(microsecond=0)
    if at >= end:
        return None
    return Dependency(at, (blocker.tracker, blocker.id), (blocked.tracker, blocked.id))
