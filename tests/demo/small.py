"""A company small enough to know by heart, for the tests of the servers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from pmo_sync.demo.company import Company, Dependency, Event, Goal, Item, TrackedProject, Worker

NOW = datetime(2026, 11, 16, 0, 30, tzinfo=UTC)
SHOP, TOOLS = "acme/apps/shop", "acme/tools"
WORKFLOW = {"workflow::ready": "todo", "workflow::doing": "doing", "workflow::odd": "undefined", "closed": "done"}


def at(day: int, hour: int = 9) -> datetime:
    """A moment of October 2026 (days above 31 run into November)."""
    return datetime.fromtimestamp(datetime(2026, 10, 1, hour, tzinfo=UTC).timestamp() + (day - 1) * 86_400, UTC)


def item(number: int, project: str = SHOP, *, created: datetime | None = None, **more: Any) -> Item:
    """An issue with an id of 1000 plus its number (2000 plus, in the tools project)."""
    initial = {"status": "opened", "kind": "issue", "label": (), "milestone": ()} | more.pop("initial", {})
    return Item(
        id=(1000 if project == SHOP else 2000) + number,
        tracker="gitlab",
        project=project,
        number=number,
        created_at=created or at(number),
        title=more.pop("title", f"Issue {number}"),
        description="Only for the tracker.",
        initial=initial,
        **more,
    )


def milestone(number: int, name: str, *, project: str | None = SHOP, due: str | None = None) -> Goal:
    """A milestone with an id of 500 plus its number."""
    return Goal(
        id=500 + number,
        tracker="gitlab",
        project=project,
        group=None if project else "acme",
        kind="milestone",
        number=number,
        name=name,
        created_at=at(1),
        initial={"start_on": "2026-10-01", "due_on": due, "state": "open", "closed_on": None},
    )


def small_company() -> Company:
    """Eight GitLab issues, each with one thing that is special about it; and one in Jira."""
    beta = milestone(2, "Beta", due="2026-11-30")
    beta.events = [Event(at(20), "due_on", "2026-11-30", "2026-12-15")]
    items = [
        item(  # a life in labels: added, taken away, closed, reopened
            1,
            initial={"label": ("backend",), "milestone": ("501",), "assignee": "w1", "due_on": "2026-11-01"},
            events=[
                Event(at(3), "label", None, "workflow::doing"),
                Event(at(4), "milestone", "501", None),
                Event(at(4), "milestone", None, "502"),
                Event(at(5), "status", "opened", "closed"),
                Event(at(6), "status", "closed", "opened"),
                Event(at(7), "label", "backend", None),
                Event(at(8), "assignee", "w1", "w2"),
                Event(at(9), "due_on", "2026-11-01", "2026-11-20"),
                Event(at(90), "status", "opened", "closed"),  # not yet
            ],
        ),
        item(  # the workflow as its status
            2,
            initial={"status": "workflow::ready", "estimate": "3", "health": "at_risk"},
            events=[
                Event(at(4), "status", "workflow::ready", "workflow::doing"),
                Event(at(12), "status", "workflow::doing", "closed"),
            ],
        ),
        item(3, events=[Event(at(10), "milestone", None, "503"), Event(at(11), "milestone", "503", None)]),
        item(4, title="/close @all | <!-- \x00", is_confidential=True, initial={"kind": "incident"}),
        item(5, deleted_at=at(30)),
        item(6, moved_to=2001, events=[Event(at(13), "status", "opened", "closed")]),
        item(7, created=at(80)),
        item(1, TOOLS, created=at(13)),
        Item(
            9, "cloud", "PAY", 1, at(2), "In Jira", "", {"status": "Done", "kind": "Task", "label": (), "milestone": ()}
        ),
    ]
    return Company(
        seed=1,
        started_on=date(2026, 10, 1),
        now=NOW,
        projects=[
            TrackedProject(71, "gitlab", SHOP, "Shop", WORKFLOW, False, "steady", at(1)),
            TrackedProject(72, "gitlab", TOOLS, "Tools", {}, False, "steady", at(1)),
            TrackedProject(73, "cloud", "PAY", "Payments", {"Open": "todo", "Done": "done"}, False, "steady", at(1)),
        ],
        items=items,
        goals=[milestone(1, "Alpha", due="2026-10-15"), beta, milestone(3, "Train", project=None)],
        dependencies=[
            Dependency(at(14), ("gitlab", 1002), ("gitlab", 1001)),
            Dependency(at(15), ("gitlab", 2001), ("gitlab", 1005)),  # that one was deleted
            Dependency(at(16), ("gitlab", 1003), ("cloud", 9)),  # GitLab knows nothing of it
        ],
        workers=[Worker("w1", "siti", "Siti R."), Worker("w2", "budi", "Budi S.")],
        programmes={},
    )
