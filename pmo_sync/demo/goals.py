"""Releases, sprints and group milestones as goals of a tracker, with the history of their dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from pmo_sync.demo.company import Event, Goal, Tracker
from pmo_sync.demo.flow import WEEK, Plan, Release, office


class Maker:
    """Makes goals and gives them ids; ``goals`` has them all."""

    def __init__(self, monday: datetime, end: datetime) -> None:
        self.monday = monday
        self.end = end
        self.goals: list[Goal] = []
        self._ids: dict[Tracker, int] = {"cloud": 10_030, "dc": 10_210, "gitlab": 4_100}
        self._numbers: dict[str, int] = {}

    def _goal(
        self, tracker: Tracker, project: str | None, name: str, created_at: datetime, *, sprint: bool = False
    ) -> Goal:
        self._ids[tracker] += 1
        owner = f"{tracker}/{project}"
        self._numbers[owner] = self._numbers.get(owner, 0) + 1
        goal = Goal(
            id=self._ids[tracker],
            tracker=tracker,
            project=project,
            group=None,
            kind="milestone" if tracker == "gitlab" else "sprint" if sprint else "version",
            number=self._numbers[owner],
            name=name,
            created_at=created_at,
            initial={"start_on": None, "due_on": None, "state": "future" if sprint else "open", "closed_on": None},
        )
        self.goals.append(goal)
        return goal

    def releases(self, plan: Plan, rng: Random, planned: Sequence[Release], start: datetime) -> list[Goal]:
        """One version or milestone per planned release, in the same order. Neither tracker tells when it was closed."""
        made = []
        for release in planned:
            announced = max(start - timedelta(days=2), release.planned_at - 3 * WEEK)
            goal = self._goal(plan.tracker, plan.key, f"{plan.release} {release.due_on:%Y.%m}", announced)
            goal.initial["start_on"] = release.planned_at.date().isoformat()
            goal.initial["due_on"] = due = release.due_on.isoformat()
            for at, day in release.slips:
                goal.events.append(Event(at, "due_on", due, due := day.isoformat()))
            if release.closed_at is not None:
                goal.events.append(Event(release.closed_at, "state", "open", "closed"))
            if rng.random() < 0.08:
                goal.initial["start_on"] = None
            goal.events = sorted((one for one in goal.events if one.at <= self.end), key=lambda one: one.at)
            made.append(goal)
        return made

    def undated(self, plan: Plan, start: datetime) -> Goal:
        """Where work goes that nobody promises."""
        return self._goal(plan.tracker, plan.key, "Unscheduled", start - timedelta(days=1))

    def group_milestone(self, group: str) -> Goal:
        """A GitLab milestone of a whole group, due in eleven weeks."""
        goal = self._goal("gitlab", None, "Release train Q1 2027", self.monday - 13 * WEEK)
        goal.group = group
        goal.initial["start_on"] = (self.monday - 12 * WEEK).date().isoformat()
        goal.initial["due_on"] = (self.monday + 10 * WEEK + timedelta(days=4)).date().isoformat()
        return goal

    def sprints(self, plan: Plan, start: datetime) -> list[Goal]:
        """Fortnights from ``start`` to the end, each announced one sprint ahead; started and closed late in the day."""
        made = []
        begin, number = start, 1
        while begin < self.end:
            after = begin + 2 * WEEK
            rng = Random(f"{plan.key}/{number}")
            opened, closed = office(rng, begin.date()), office(rng, (after - timedelta(days=3)).date())
            name = f"{plan.key} Sprint {number}" + (", month-end" if number % 6 == 0 else "")  # commas are a trap
            announced = max(begin - 2 * WEEK, start - WEEK)
            sprint = self._goal(plan.tracker, plan.key, name, announced, sprint=True)
            sprint.initial["start_on"] = begin.date().isoformat()
            sprint.initial["due_on"] = (after - timedelta(days=3)).date().isoformat()
            sprint.events = [
                Event(opened, "state", "future", "active"),
                Event(closed, "state", "active", "closed"),
                Event(closed, "closed_on", None, closed.date().isoformat()),
            ]
            made.append(sprint)
            begin, number = after, number + 1
        return made
