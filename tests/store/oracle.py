"""What the derived tables must say, as slow loops over records: nothing here is shared with the SQL.

The state of the world is asked for at every moment at which anything changed, and equal neighbours are put together.

``lives``      the rows of ``lifecycle``, with their ``flow``
``members``    ``membership``: subject -> issue ids
``scopes``     ``scope_history``: (subject, issue id, since, until)
``deliveries`` ``delivery``: (subject, issue id, day, is bulk)
``blockings``  ``blocking``: (blocker id, blocked id, since)
``subjects``   ``subject``: subject -> (parent, name, state, due_on)

All take the same three things: the case (``tests.store.history.parse``), the configuration and ``as_of`` (exclusive,
aware). Moments are aware UTC.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

from pmo_sync.config import Config, Role, Scope
from pmo_sync.model import Interval, Issue
from tests.named import named
from tests.store.history import Case

Stay = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class Life:
    """One row of ``lifecycle``, and the issue's stays in our categories."""

    issue_id: str
    project_id: str
    kind: str
    role: str
    is_leaf: bool
    created_at: datetime
    started_at: datetime | None
    done_at: datetime | None
    removed_at: datetime | None
    status: str | None
    category: str
    status_since: datetime | None
    priority: str | None
    estimate: float | None
    start_on: date | None
    due_on: date | None
    flagged_since: datetime | None
    blocked_since: datetime | None
    blocked_by_count: int
    touched_at: datetime
    flow: tuple[tuple[str, datetime, datetime | None], ...]


class _World:
    """The records, as they could be known at ``as_of``."""

    def __init__(self, case: Case, config: Config, as_of: datetime) -> None:
        self.case, self.config, self.as_of = case, config, as_of
        self.issues = {one.issue_id: one for one in case.issues if one.created_at < as_of}
        self.category = {one.status_id: one.category for one in case.statuses}
        self.lasting = {
            (one.entity_id, one.since) for one in case.intervals if one.field == "status" and one.until is None
        }
        self.of: dict[tuple[str, str], list[Interval]] = defaultdict(list)
        for one in (*case.intervals, *case.milestone_intervals):
            if one.since < as_of and (one.until is None or one.until > one.since):
                until = one.until if one.until is not None and one.until < as_of else None
                self.of[one.entity_id, one.field].append(one._replace(until=until))

    def at(self, entity_id: str, name: str, moment: datetime | None) -> list[Interval]:
        """The intervals that hold at ``moment``; None: just before as_of."""
        return [
            one
            for one in self.of[entity_id, name]
            if one.until is None or (moment is not None and one.since <= moment < one.until)
            if moment is None or one.since <= moment
        ]

    def one(self, entity_id: str, name: str, moment: datetime | None = None) -> Interval | None:
        return next(iter(self.at(entity_id, name, moment)), None)

    def moments(self, *entity_ids: str) -> list[datetime]:
        """When anything changed but who it is assigned to: no number may rest on that."""
        found = {self.issues[one].created_at for one in entity_ids if one in self.issues}
        for (entity_id, field), intervals in self.of.items():
            if entity_id in entity_ids and field != "assignee":
                found |= {one.since for one in intervals} | {one.until for one in intervals if one.until is not None}
        return sorted(found)

    def category_at(self, issue: Issue, moment: datetime | None) -> str | None:
        status = self.one(issue.issue_id, "status", moment)
        if status is None:
            return None
        source = named(issue.source, self.config.sources)
        mapped = {name.strip().lower(): category for name, category in source.statuses.items()}
        category = mapped.get(status.label.strip().lower()) or self.category.get(status.value) or "unmapped"
        resolution = self.one(issue.issue_id, "resolution", moment)
        refused = {name.strip().lower() for name in source.canceled_resolutions}
        superseded = issue.superseded and (issue.issue_id, status.since) in self.lasting
        if category == "done" and (superseded or (resolution and resolution.label.strip().lower() in refused)):
            return "canceled"
        return category

    def parent_at(self, issue_id: str, moment: datetime | None) -> str | None:
        found = self.one(issue_id, "parent", moment)
        return found.value if found and found.value in self.issues and found.value != issue_id else None

    def ancestors_at(self, issue_id: str, moment: datetime | None) -> list[str]:
        found: list[str] = []
        parent = self.parent_at(issue_id, moment)
        while parent is not None and parent not in (*found, issue_id):
            found.append(parent)
            parent = self.parent_at(parent, moment)
        return found

    def leaves(self) -> list[str]:
        parents = {self.parent_at(one, None) for one in self.issues if not self.in_circle(one)}
        return [one for one in self.issues if one not in parents]

    def in_circle(self, issue_id: str) -> bool:
        seen, above = {issue_id}, self.parent_at(issue_id, None)
        while above is not None and above not in seen:
            seen.add(above)
            above = self.parent_at(above, None)
        return above == issue_id

    def milestones_at(self, issue_id: str, moment: datetime | None) -> set[str]:
        kinds = {one.milestone_id: one.kind for one in self.case.milestones}
        own = {kinds[one.value] for one in self.of[issue_id, "milestone"]}
        found = {one.value for one in self.at(issue_id, "milestone", moment)}
        for ancestor in self.ancestors_at(issue_id, moment):
            found |= {one.value for one in self.at(ancestor, "milestone", moment) if kinds[one.value] not in own}
            own |= {kinds[one.value] for one in self.of[ancestor, "milestone"]}
        return found

    def tracker_project(self, issue: Issue) -> str:
        found = self.one(issue.issue_id, "project")
        return found.value if found else issue.project_id

    def units(self) -> list[tuple[str, str | None, tuple[Scope, ...]]]:
        if self.config.projects:
            return [(one.id, one.programme, one.scopes) for one in self.config.projects if one.enabled]
        shared = Counter(one.key for one in self.case.projects)
        return [
            (one.key if shared[one.key] == 1 else one.project_id, None, (Scope(one.source, one.key),))
            for one in self.case.projects
        ]

    def reaches(self, scope: Scope, project_id: str) -> bool:
        project = next((one for one in self.case.projects if one.project_id == project_id), None)
        if project is None or project.source != scope.source:
            return False
        if scope.project is None:
            return True
        if scope.project.endswith("/*"):
            return project.key.lower().startswith(scope.project[:-1].lower())
        return project.key.lower() == scope.project.lower()

    def in_scope(self, scope: Scope, issue: Issue) -> bool:
        if not self.reaches(scope, self.tracker_project(issue)):
            return False
        if scope.milestone is not None:
            names = {self.milestone_name(one).lower() for one in self.milestones_at(issue.issue_id, None)}
            if scope.milestone.lower() not in names:
                return False
        if scope.label is not None:
            family = [issue.issue_id, self.parent_at(issue.issue_id, None)]
            labels = {one.value.strip().lower() for who in family if who for one in self.at(who, "label", None)}
            if scope.label.strip().lower() not in labels:
                return False
        if scope.epic is not None:
            line = [issue.issue_id, *self.ancestors_at(issue.issue_id, None)]
            if scope.epic.lower() not in {self.issues[one].key.lower() for one in line}:
                return False
        return True

    def milestone_name(self, milestone_id: str) -> str:
        known = self.looked(milestone_id, "name")
        return known or next(m.name for m in self.case.milestones if m.milestone_id == milestone_id)

    def looked(self, milestone_id: str, field: str) -> str | None:
        """A milestone's field as the looks tell: one within a day counts, and before the first one its words hold."""
        own = [one for one in self.case.milestone_intervals if one.entity_id == milestone_id]
        moment = max(self.as_of + timedelta(days=1), min(one.since for one in own) + timedelta(microseconds=1))
        for one in own:
            if one.field == field and one.since < moment and (one.until is None or one.until >= moment):
                return one.value
        return None

    def project_members(self) -> dict[str, set[str]]:
        leaves = self.leaves()
        return {
            project: {one for one in leaves if any(self.in_scope(scope, self.issues[one]) for scope in scopes)}
            for project, _, scopes in self.units()
        }

    def homes(self) -> dict[str, str]:
        """Milestone or epic subject -> the PMO project that holds it."""
        members = self.project_members()
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        for leaf in self.leaves():
            for project, inside in members.items():
                if leaf in inside:
                    for milestone in self.milestones_at(leaf, None):
                        votes[f"milestone:{milestone}"][project] += 1
                    for ancestor in self.ancestors_at(leaf, None):
                        if self.issues[ancestor].level >= 1:
                            votes[f"epic:{ancestor}"][project] += 1
                    if self.issues[leaf].level >= 1:
                        votes[f"epic:{leaf}"][project] += 0
        for milestone in self.case.milestones:
            for project, _, scopes in self.units():
                if milestone.project_id and any(self.reaches(scope, milestone.project_id) for scope in scopes):
                    votes[f"milestone:{milestone.milestone_id}"][project] += 0
        return {
            subject: min(counts, key=lambda project: (-counts[project], project)) for subject, counts in votes.items()
        }


def _joined(moments: list[datetime], values: list[Any]) -> list[tuple[Any, datetime, datetime | None]]:
    """Equal neighbours put together; the last one is still so."""
    made: list[tuple[Any, datetime, datetime | None]] = []
    for number, (moment, value) in enumerate(zip(moments, values, strict=True)):
        until = moments[number + 1] if number + 1 < len(moments) else None
        if made and made[-1][0] == value:
            made[-1] = (value, made[-1][1], until)
        else:
            made.append((value, moment, until))
    return made


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def lives(case: Case, config: Config, as_of: datetime) -> list[Life]:
    """Every issue that exists at ``as_of``, ordered by id."""
    world = _World(case, config, as_of)
    leaves = set(world.leaves())
    waits: dict[str, list[datetime]] = defaultdict(list)
    for _, blocked, since in blockings(case, config, as_of):
        waits[blocked].append(since)
    return [_life(world, world.issues[one], one in leaves, waits[one]) for one in sorted(world.issues)]


def _life(world: _World, issue: Issue, is_leaf: bool, waits: list[datetime]) -> Life:
    moments = world.moments(issue.issue_id)
    categories = [world.category_at(issue, moment) for moment in moments]
    flow = tuple(stay for stay in _joined(moments, categories) if stay[0] is not None)
    now = flow[-1] if flow and flow[-1][2] is None else None
    category = now[0] if now else "unmapped"
    value = {name: world.one(issue.issue_id, name) for name in (
        "status", "kind", "priority", "estimate", "start_on", "due_on", "flagged")}  # fmt: skip
    kind = value["kind"].value if value["kind"] else issue.kind
    flagged = value["flagged"].since if value["flagged"] else None
    words = {kind.strip().lower()} | {one.value.strip().lower() for one in world.at(issue.issue_id, "label", None)}
    role = next(
        (role for role in get_args(Role) for name in world.config.roles.get(role, ()) if name.strip().lower() in words),
        "work",
    )
    is_open = category not in ("done", "canceled")
    return Life(
        issue_id=issue.issue_id,
        project_id=world.tracker_project(issue),
        kind=kind,
        role=role,
        is_leaf=is_leaf,
        created_at=issue.created_at,
        started_at=next((since for what, since, _ in flow if what == "doing"), None),
        done_at=now[1] if now and category == "done" else None,
        removed_at=now[1] if now and category == "canceled" else None,
        status=value["status"].label if value["status"] else None,
        category=category,
        status_since=value["status"].since if value["status"] else None,
        priority=value["priority"].label if value["priority"] else None,
        estimate=_number(value["estimate"].value) if value["estimate"] else None,
        start_on=_day(value["start_on"].value) if value["start_on"] else None,
        due_on=_day(value["due_on"].value) if value["due_on"] else None,
        flagged_since=flagged,
        blocked_since=min([*waits, *([flagged] if flagged else [])], default=None) if is_open else None,
        blocked_by_count=len(waits),
        touched_at=max(moments),
        flow=flow,
    )


def blockings(case: Case, config: Config, as_of: datetime) -> set[tuple[str, str, datetime]]:
    """Open dependencies between two open issues."""
    world = _World(case, config, as_of)
    by_url = {one.url.rstrip("/"): one.issue_id for one in case.issues}
    is_open = {one for one, issue in world.issues.items() if world.category_at(issue, None) not in ("done", "canceled")}
    found: dict[tuple[str, str], datetime] = {}
    for near in is_open:
        for name in ("blocks", "blocked_by"):
            for one in world.at(near, name, None):
                far = by_url.get(one.value.rstrip("/"), one.value)
                edge = (near, far) if name == "blocks" else (far, near)
                if far in is_open and far != near:
                    found[edge] = min(found.get(edge, one.since), one.since)
    return {(*edge, since) for edge, since in found.items()}


def scopes(case: Case, config: Config, as_of: datetime) -> set[tuple[str, str, datetime, datetime | None]]:
    """Every stay of a leaf in a subject."""
    world = _World(case, config, as_of)
    homes = world.homes()
    found: set[tuple[str, str, datetime, datetime | None]] = set()
    moments = world.moments(*world.issues)
    for leaf in world.leaves():
        inside = [
            {f"milestone:{one}" for one in world.milestones_at(leaf, moment)}
            | {f"epic:{one}" for one in world.ancestors_at(leaf, moment) if world.issues[one].level >= 1}
            for moment in moments
        ]
        for subject in set[str]().union(*inside) & set(homes):
            stays = _joined(moments, [subject in one for one in inside])
            found |= {(subject, leaf, since, until) for is_in, since, until in stays if is_in}
    for project, members in world.project_members().items():
        programme = next(one[1] for one in world.units() if one[0] == project)
        for one in members:
            created = world.issues[one].created_at
            found |= {(f"project:{project}", one, created, None), ("portfolio", one, created, None)}
            if programme is not None:
                found.add((f"programme:{programme}", one, created, None))
    return found


def members(case: Case, config: Config, as_of: datetime) -> dict[str, set[str]]:
    """Subject -> the leaves in it at ``as_of``; subjects without any are left out."""
    found: dict[str, set[str]] = defaultdict(set)
    for subject, issue_id, _, until in scopes(case, config, as_of):
        if until is None:
            found[subject].add(issue_id)
    return dict(found)


def subjects(case: Case, config: Config, as_of: datetime) -> dict[str, tuple[str | None, str, str, date | None]]:
    """Subject -> parent, name, state, due date; of milestones and epics only."""
    world = _World(case, config, as_of)
    made: dict[str, tuple[str | None, str, str, date | None]] = {}
    epics = {one.issue_id: one for one in lives(case, config, as_of)}
    for subject, home in world.homes().items():
        kind, _, entity = subject.partition(":")
        if kind == "epic":
            life = epics[entity]
            state = "closed" if life.category in ("done", "canceled") else "open"
            made[subject] = (f"project:{home}", world.issues[entity].title, state, life.due_on)
            continue
        now = next(one for one in case.milestones if one.milestone_id == entity)
        seen = min(one.since for one in case.milestone_intervals if one.entity_id == entity)
        state, due = world.looked(entity, "state") or now.state, world.looked(entity, "due_on")
        today = (as_of - timedelta(microseconds=1)).date()
        if seen >= as_of + timedelta(days=1) and now.closed_on and now.closed_on > today:
            state = "open"
        made[subject] = (f"project:{home}", world.milestone_name(entity), state, _day(due) if due else None)
    return made


def deliveries(case: Case, config: Config, as_of: datetime) -> set[tuple[str, str, date, bool]]:
    """Finished work of every subject; bulk beyond max(10, six times the usual day of the 180 before, known by ten)."""
    finished = [one for one in lives(case, config, as_of) if one.role == "work" and one.is_leaf and one.done_at]
    inside = members(case, config, as_of)
    daily: dict[str, dict[date, list[Life]]] = defaultdict(lambda: defaultdict(list))
    for one in finished:
        assert one.done_at is not None
        daily[one.project_id][one.done_at.replace(tzinfo=UTC).astimezone(config.zone).date()].append(one)
    found: set[tuple[str, str, date, bool]] = set()
    for days in daily.values():
        for day, closed in days.items():
            before = [len(days[one]) for one in days if day - timedelta(days=180) <= one < day]
            cap = max(10, 6 * statistics.median(before)) if len(before) >= 10 else 10
            # the order within one moment is the store's own; cases give each closure its moment
            for place, one in enumerate(sorted(closed, key=lambda one: (one.done_at, one.issue_id)), 1):
                found |= {
                    (subject, one.issue_id, day, place > cap) for subject in inside if one.issue_id in inside[subject]
                }
    return found
