"""A tiny company that lives as a test commands: two projects that we read, one that we do not, a dozen issues.

Every act takes some seconds, so that no two fall on one moment. What an act does elsewhere in a real tracker it does
here too: a move takes an issue out of the versions of its old project, deleting an epic frees its children.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from pmo_sync.demo.company import Company, Dependency, Event, Goal, Item, TrackedProject, Tracker, Worker

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
STATUSES = {"Open": "todo", "Doing": "doing", "Odd": "undefined", "Done": "done"}
STEPS = {"workflow::ready": "todo", "workflow::doing": "doing", "closed": "done"}
LABELS = ("red", "two words", "blue")


class Life:
    """One company with one tracker. ``read`` are the projects our configuration names, the last one it does not."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.is_gitlab = tracker == "gitlab"
        self.read = ("acme/alfa", "acme/beta") if self.is_gitlab else ("ALFA", "BETA")
        other = "acme/omega" if self.is_gitlab else "OMEGA"
        statuses = STEPS if self.is_gitlab else STATUSES
        self.company = Company(
            seed=0,
            started_on=date(2026, 3, 2),
            now=START,
            projects=[
                TrackedProject(9_100 + number, tracker, key, key.title(), statuses, True, "tiny", START)
                for number, key in enumerate((*self.read, other))
            ],
            items=[],
            goals=[],
            dependencies=[],
            workers=[Worker(f"w{number}", f"login{number}", f"Name {number}") for number in range(1, 31)],
            programmes={},
        )
        for number in range(5):  # days apart, so that a pull that looks back a day does not read everything again
            for one in self.company.projects:
                if number == 0:
                    self.plan(one.key)
                self.create(one.key, "epic" if not self.is_gitlab and number == 0 else "plain")
            self.passes(30)

    # time

    def passes(self, hours: int) -> None:
        """Nothing happens for some hours."""
        self.company.now += timedelta(hours=hours)

    def moment(self) -> datetime:
        """A little later."""
        self.company.now += timedelta(seconds=7)
        return self.company.now

    # what there is

    def living(self, *, hidden: bool = False) -> list[Item]:
        """What can be worked on: everywhere, by colleagues who see what we do not."""
        return [
            one
            for one in self.company.items
            if one.deleted_at is None and one.archived_at is None and (hidden or not one.is_hidden)
        ]

    def projects(self) -> list[TrackedProject]:
        """All three."""
        return self.company.projects

    def goals_of(self, item: Item) -> list[Goal]:
        """What the item may be planned for."""
        return [one for one in self.company.goals if one.project in (item.project, None)]

    # acts

    def create(self, project: str, kind: str = "plain") -> Item:
        """A new issue."""
        words = {"epic": "Epic", "plain": "Task"}
        number = len(self.company.items) + 1
        taken = [one.number for one in self.company.items if one.project == project]
        taken += [
            int(key.rpartition("-")[2])
            for one in self.company.items
            for key in one.former_keys
            if key.startswith(f"{project}-")
        ]
        status = "opened" if self.is_gitlab else "Open"
        made = Item(
            id=5_000 + number,
            tracker=self.tracker,
            project=project,
            number=max(taken, default=0) + 1,
            created_at=self.moment(),
            title=f"Issue {number}",
            description="never to be kept",
            initial={
                "status": status,
                "kind": "issue" if self.is_gitlab else words[kind],
                "priority": None if self.is_gitlab else "Medium",
                "label": (),
                "milestone": (),
            },
        )
        self.company.items.append(made)
        return made

    def write(self, item: Item, field: str, new: str | None, at: datetime | None = None) -> None:
        """A field changes; nothing happens where it does not."""
        at = at or self.moment()
        old = item.value(field, at)
        if old != new:
            item.events.append(Event(at, field, old, new))

    def step(self, item: Item, status: str) -> None:
        """Another status; in Jira, a resolution with the last one."""
        at = self.moment()
        self.write(item, "status", status, at)
        if not self.is_gitlab:
            self.write(item, "resolution", "Done" if status == "Done" else None, at)

    def toggle(self, item: Item, field: str, member: str) -> None:
        """A label or milestone is added or taken away; at GitLab an issue has one milestone."""
        at = self.moment()
        here = item.members(field, at)
        if member in here:
            item.events.append(Event(at, field, member, None))
            return
        if field == "milestone" and self.is_gitlab:
            item.events += [Event(at, field, one, None) for one in here]
        item.events.append(Event(at, field, None, member))

    def link(self, blocker: Item, blocked: Item) -> None:
        """One blocks the other, once."""
        ends = {(self.tracker, blocker.id), (self.tracker, blocked.id)}
        if len(ends) == 2 and all({one.blocker, one.blocked} != ends for one in self.company.dependencies):
            self.company.dependencies.append(
                Dependency(self.moment(), (self.tracker, blocker.id), (self.tracker, blocked.id))
            )

    def adopt(self, item: Item, epic: Item | None) -> None:
        """Into an epic, or out of any."""
        self.write(item, "parent", None if epic is None else str(epic.id))

    def move(self, item: Item, project: str) -> None:
        """Jira: the issue goes with its id. GitLab: it is closed, and made anew there."""
        if project == item.project:
            return
        if self.is_gitlab:
            if item.moved_to is None and item.value("status", self.company.now) != "closed":
                twin = self.create(project)
                twin.title = item.title
                self.step(item, "closed")
                item.moved_to = twin.id
            return
        at = self.moment()
        for one in sorted(item.members("milestone", at)):
            item.events.append(Event(at, "milestone", one, None))
        self.company.move(item, project)

    def delete(self, item: Item) -> None:
        """Gone for everybody; what was below it is freed."""
        for child in self.company.items:
            if child.value("parent", self.company.now) == str(item.id):
                self.adopt(child, None)
        item.deleted_at = self.moment()

    def plan(self, project: str) -> None:
        """A new version and a new sprint; at GitLab a milestone."""
        for kind in ("milestone",) if self.is_gitlab else ("version", "sprint"):
            number = len(self.company.goals) + 1
            state = "active" if kind == "sprint" else "open"
            dates = {"start_on": "2026-03-02", "due_on": "2026-04-30", "closed_on": None}
            at = self.moment()
            made = Goal(300 + number, self.tracker, project, None, kind, number, f"{kind} {number}", at, {**dates, "state": state})  # type: ignore[arg-type]  # fmt: skip
            self.company.goals.append(made)

    def finish(self, goal: Goal) -> None:
        """A version is released, a milestone or sprint closed; what is closed is opened again, but for sprints."""
        at = self.moment()
        is_closed = goal.value("state", at) == "closed"
        if is_closed and goal.kind == "sprint":
            return
        goal.events.append(Event(at, "state", None, "open" if is_closed else "closed"))
        if goal.kind == "sprint":
            goal.events.append(Event(at, "closed_on", None, at.date().isoformat()))

    def postpone(self, goal: Goal, days: int) -> None:
        """It is due on another day."""
        at = self.moment()
        goal.events.append(Event(at, "due_on", None, (START + timedelta(days=days)).date().isoformat()))

    def rename(self, status: str) -> None:
        """A status, or at GitLab a label, is given another name, once."""
        self.company.renamed.setdefault((self.tracker, status), (self.moment(), f"{status} anew"))
