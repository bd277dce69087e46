"""The life of one issue: a draft's dates become statuses, flags, estimates, due dates, people and their changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final

from pmo_sync.demo.company import Event, Goal, Item
from pmo_sync.demo.flow import Draft, Plan

BLOCKED: Final = "workflow::blocked"  # GitLab has no flag
SETS: Final = ("label", "milestone")
_PRIORITIES: Final = ("Highest", "High", "Medium", "Medium", "Medium", "Low", "Lowest")
_POINTS: Final = ("1", "2", "3", "3", "5", "5", "8", "13")
_MINUTE: Final = timedelta(minutes=1)
_SECOND: Final = timedelta(seconds=1)


class Life:
    """Collects changes in any order; ``events`` puts them in order and makes each old value the one before."""

    def __init__(self, created_at: datetime, initial: dict[str, str | tuple[str, ...] | None]) -> None:
        self.created_at = created_at
        self.initial = initial
        self._events: list[Event] = []

    def _note(self, at: datetime, name: str, old: str | None, new: str | None) -> None:
        self._events.append(Event(max(at.replace(microsecond=0), self.created_at + _SECOND), name, old, new))

    def change(self, at: datetime, name: str, new: str | None) -> None:
        """A single-valued field becomes ``new``."""
        self._note(at, name, None, new)

    def add(self, at: datetime, name: str, member: str) -> None:
        """A set gains a member."""
        self.change(at, name, member)

    def remove(self, at: datetime, name: str, member: str) -> None:
        """A set loses a member."""
        self._note(at, name, member, None)

    def events(self, until: datetime) -> list[Event]:
        """The changes up to ``until`` that change something, at most one of a field (a member) per second."""
        single = dict(self.initial)
        sets = {name: set(self.initial.get(name) or ()) for name in SETS}
        last: dict[tuple[str, str | None], datetime] = {}
        made: list[Event] = []
        for event in sorted(self._events, key=lambda one: one.at):
            member = event.new or event.old or ""
            key = (event.field, member if event.field in SETS else None)
            at = max(event.at, last[key] + _SECOND) if key in last else event.at
            if at > until:
                continue
            if event.field in SETS:
                members = sets[event.field]
                if (member in members) == (event.new is not None):
                    continue
                members ^= {member}
                made.append(event._replace(at=at))
            else:
                old = single.get(event.field)
                assert old is None or isinstance(old, str)
                if old == event.new:
                    continue
                single[event.field] = event.new
                made.append(event._replace(at=at, old=old))
            last[key] = at
        return sorted(made, key=lambda one: one.at)


def live(
    draft: Draft,
    item: Item,
    plan: Plan,
    rng: Random,
    team: Sequence[str],
    releases: Mapping[int, str],
    sprints: Sequence[Goal],
    due_of_release: Mapping[int, str],
    parent: str | None,
    until: datetime,
) -> None:
    """Fill ``item.initial`` and ``item.events`` up to ``until``. ``releases`` maps release indexes to goal ids."""
    life = Life(item.created_at, _born(draft, item, plan, rng, due_of_release))
    path = _work(draft, plan, rng, life)
    _people(draft, rng, life, team)
    _milestones(draft, plan, rng, life, releases, sprints)
    _second_thoughts(draft, plan, rng, life)
    if plan.tracker != "gitlab" and path:
        _flag(draft, rng, life, path)
    if parent is not None and (draft.role == "sub-task" or rng.random() < 0.88):
        life.initial["parent"] = parent
    elif parent is not None:
        life.change(item.created_at + timedelta(days=rng.uniform(0.2, 6)), "parent", parent)
    item.initial = life.initial
    item.events = life.events(min(until, item.deleted_at or until))


def _born(
    draft: Draft, item: Item, plan: Plan, rng: Random, due_of_release: Mapping[int, str]
) -> dict[str, str | tuple[str, ...] | None]:
    gitlab = plan.tracker == "gitlab"
    labels = {rng.choice(plan.labels) for _ in range(rng.choice((0, 1, 1, 2)))} if plan.labels else set()
    todo = [name for name, category in plan.workflow.items() if category == "todo"]
    kind = _kind(draft, plan, rng)
    if draft.role in ("risk", "decision") and kind.lower() != draft.role:
        labels.add(draft.role)
    if gitlab and todo:
        labels.add(todo[0])
    if draft.role == "epic" and plan.health:
        labels.add("health-" + plan.health.replace("_", "-"))
    initial: dict[str, str | tuple[str, ...] | None] = {
        "status": "opened" if gitlab else todo[0],
        "kind": kind,
        "priority": None if gitlab else rng.choice(_PRIORITIES),
        "label": tuple(sorted(labels)),
        "milestone": (),
    }
    if plan.estimates and draft.role == "work" and rng.random() < 0.6:
        initial["estimate"] = rng.choice(_POINTS)
    if draft.role == "work" and rng.random() < 0.2:
        release = due_of_release.get(draft.first_release if draft.first_release is not None else -99)
        soon = (item.created_at + timedelta(days=rng.randrange(10, 60))).date().isoformat()
        initial["due_on"] = release if release and rng.random() < 0.5 else soon
    if gitlab and plan.health and draft.role == "work":
        initial["health"] = plan.health
    return initial


def _kind(draft: Draft, plan: Plan, rng: Random) -> str:
    if plan.tracker == "gitlab":
        return "incident" if draft.role == "work" and rng.random() < 0.04 else "issue"
    if draft.role == "epic":
        return "Epic"
    if draft.role == "sub-task":
        return "Sub-task"
    if draft.role in ("risk", "decision"):
        return draft.role.capitalize() if plan.tracker == "dc" else "Task"
    return rng.choice(("Story", "Story", "Story", "Task", "Task", "Bug"))


def _work(draft: Draft, plan: Plan, rng: Random, life: Life) -> list[tuple[datetime, str]]:
    """The way through the workflow; returns the stays in doing statuses as (since, status)."""
    by_category: dict[str, list[str]] = {}
    for name, category in plan.workflow.items():
        by_category.setdefault(category, []).append(name)
    doing = [name for name in by_category.get("doing", ()) if name != BLOCKED]
    stages = list(doing) if draft.role == "work" else doing[:1]
    if len(stages) > 1 and rng.random() < 0.12:  # back one step, and forward again
        back = rng.randrange(1, len(stages))
        stages[back + 1 : back + 1] = [stages[back - 1], stages[back]]
    if BLOCKED in plan.workflow and stages and rng.random() < 0.1:
        stages[1:1] = [BLOCKED, stages[0]]
    undefined = by_category.get("undefined", [])
    if undefined and stages and draft.role == "work" and rng.random() < 0.7:
        stages.insert(1, undefined[0])
    start, done = draft.started_at, draft.done_at
    if start is None:
        return []
    end = done or start + timedelta(days=rng.uniform(4, 15))
    if end - start < timedelta(minutes=30):
        stages = []
    path = list(zip(_moments(rng, start, end, len(stages)), stages, strict=True))
    if plan.tracker == "gitlab":
        for at, stage in path:
            _relabel(life, plan, at, stage)
    else:
        later = by_category["todo"][1:]
        if later and path and start - life.created_at > timedelta(hours=1):
            life.change(life.created_at + (start - life.created_at) * rng.uniform(0.2, 0.9), "status", later[0])
        if not done and path:  # it got stuck, in the status nobody mapped if there is one
            stuck = [index for index, (_, stage) in enumerate(path, 1) if stage in undefined]
            path = path[: stuck[0] if stuck else rng.randrange(1, len(path) + 1)]
        for at, stage in path:
            life.change(at, "status", stage)
    if done:
        _finish(draft, plan, rng, life, done, doing)
    return path


def _finish(draft: Draft, plan: Plan, rng: Random, life: Life, done: datetime, doing: Sequence[str]) -> None:
    closed = [name for name, category in plan.workflow.items() if category == "done"]
    gitlab = plan.tracker == "gitlab"

    def close(at: datetime) -> None:
        life.change(at, "status", "closed" if gitlab else closed[-1 if draft.is_canceled else 0])
        if not gitlab and plan.resolves:
            canceled = "Duplicate" if rng.random() < 0.3 else "Won't Do"
            life.change(at, "resolution", canceled if draft.is_canceled else "Done")

    close(done)
    if draft.role != "work" or draft.is_canceled or draft.moved_to is not None or rng.random() > 0.05:
        return
    again = done + timedelta(days=rng.uniform(1, 9))
    life.change(again, "status", "opened" if gitlab else doing[0])
    if gitlab and doing:
        _relabel(life, plan, again + _MINUTE, doing[0])
    elif not gitlab and plan.resolves:
        life.change(again, "resolution", None)
    close(again + timedelta(days=rng.lognormvariate(0.7, 0.8)))


def _relabel(life: Life, plan: Plan, at: datetime, label: str) -> None:
    """Scoped labels push each other out."""
    for other in plan.workflow:
        if other != label:
            life.remove(at, "label", other)
    life.add(at, "label", label)


def _moments(rng: Random, start: datetime, end: datetime, number: int) -> list[datetime]:
    """``number`` moments from ``start`` on, with lognormal gaps, in office hours where there is room."""
    if not number:
        return []
    weights = [rng.lognormvariate(0, 0.8) for _ in range(number)]
    total = sum(weights)
    made = [start]
    for weight in weights[:-1]:
        at = made[-1] + (end - start) * (weight / total)
        if at.weekday() >= 5 and (at - timedelta(days=2)) > made[-1]:
            at -= timedelta(days=2)
        made.append(max(at.replace(microsecond=0), made[-1] + _MINUTE))
    return made


def _people(draft: Draft, rng: Random, life: Life, team: Sequence[str]) -> None:
    if rng.random() < 0.15:
        life.initial["assignee"] = rng.choice(team)
    if draft.started_at is not None and rng.random() < 0.93:
        life.change(draft.started_at - timedelta(seconds=rng.randrange(5, 1500)), "assignee", rng.choice(team))
        if draft.done_at is not None and rng.random() < 0.12:
            between = draft.started_at + (draft.done_at - draft.started_at) * rng.random()
            life.change(between.replace(microsecond=0), "assignee", rng.choice(team))


def _milestones(
    draft: Draft, plan: Plan, rng: Random, life: Life, releases: Mapping[int, str], sprints: Sequence[Goal]
) -> None:
    for at, old, new in draft.moves:
        if old is not None:
            life.remove(at, "milestone", releases[old])
        if new is not None:
            life.add(at, "milestone", releases[new])
    if draft.first_release is not None and draft.first_release in releases:
        life.initial["milestone"] = (releases[draft.first_release],)
    if not plan.sprints or draft.started_at is None or draft.role != "work":
        return
    done = draft.done_at or draft.started_at + timedelta(days=200)
    for number, sprint in enumerate(sprints):
        begin, end = sprint_span(sprint)
        if draft.started_at < end and done > begin:
            life.add(max(begin, draft.started_at), "milestone", str(sprint.id))
        elif number + 1 < len(sprints) and begin < draft.started_at < end + (end - begin) and rng.random() < 0.05:
            life.add(begin, "milestone", str(sprint.id))  # promised too early, taken out again
            life.remove(begin + (end - begin) * 0.6, "milestone", str(sprint.id))


def sprint_span(sprint: Goal) -> tuple[datetime, datetime]:
    """When the sprint was started and closed."""
    at = {event.new: event.at for event in sprint.events if event.field == "state"}
    begin = at["active"]
    return begin, at.get("closed", begin + timedelta(days=14))


def _second_thoughts(draft: Draft, plan: Plan, rng: Random, life: Life) -> None:
    """Small changes that every tracker is full of."""
    end = draft.done_at or life.created_at + timedelta(days=60)

    def sometime() -> datetime:
        return (life.created_at + (end - life.created_at) * rng.uniform(0.05, 0.95)).replace(microsecond=0)

    if plan.tracker != "gitlab" and rng.random() < 0.06:
        life.change(sometime(), "priority", rng.choice(("Highest", "High", "Low")))
    if plan.estimates and draft.role == "work" and rng.random() < 0.3:
        life.change(sometime(), "estimate", rng.choice(_POINTS))
    due = life.initial.get("due_on")
    if isinstance(due, str) and rng.random() < 0.3:
        later = datetime.fromisoformat(due) + timedelta(days=rng.choice((7, 14, 21)))
        life.change(sometime(), "due_on", None if rng.random() < 0.15 else later.date().isoformat())
    elif draft.role == "work" and rng.random() < 0.04:
        at = sometime()
        life.change(at, "due_on", (at + timedelta(days=rng.randrange(7, 30))).date().isoformat())
    if plan.labels and rng.random() < 0.06:
        life.add(sometime(), "label", rng.choice(plan.labels))
    own = [name for name in life.initial.get("label") or () if name in plan.labels]
    if own and rng.random() < 0.03:
        life.remove(sometime(), "label", own[0])
    if life.initial["kind"] == "Bug" and rng.random() < 0.1:
        life.change(sometime(), "kind", "Task")


def _flag(draft: Draft, rng: Random, life: Life, path: Sequence[tuple[datetime, str]]) -> None:
    """Work that waits is flagged for some days; one flag in five on open work is forgotten."""
    if rng.random() > (0.1 if draft.done_at is not None else 0.4):
        return
    at = path[0][0] + (path[-1][0] - path[0][0]) * rng.random() + _MINUTE
    life.change(at, "flagged", "true")
    if draft.done_at is not None:
        life.change(min(at + timedelta(days=rng.lognormvariate(1, 0.8)), draft.done_at), "flagged", None)
    elif rng.random() > 0.2:
        life.change(at + timedelta(days=rng.lognormvariate(2.6, 0.8)), "flagged", None)
