"""A random life of a tracker with pulls in between: after each the store is the tracker, or the certificate says why not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from pmo_sync.demo.company import Company, Item, Tracker
from pmo_sync.demo.servers import gitlab, jira_cloud, jira_dc
from pmo_sync.demo.servers.wire import Server
from tests.connectors.gitlab_graphql import WorkItems
from tests.e2e.life import LABELS, START, STATUSES, STEPS, Life
from tests.e2e.watch import COMPARED, Dialect, Watch
from tests.paging import small_pages

pick = st.integers(0, 999)
past = st.lists(st.floats(0, 1), max_size=3)  # moments, as shares of the time so far
DEEP = settings.default is not None and settings.default.max_examples > 500
LIVES = settings(max_examples=100 if DEEP else 3, stateful_step_count=60 if DEEP else 30, deadline=None)
REST_PAST = frozenset({"status", "label", "milestone", "blocked_by"})
GRAPHQL_PAST = REST_PAST | {"assignee", "due_on", "estimate"}
GITLAB = 'kind = "gitlab"\nworkflow_labels = "workflow::"\n'


def with_graphql(company: Company) -> Server:
    made = gitlab.make(company)
    WorkItems(made)
    return made


DIALECTS: dict[str, tuple[Tracker, Dialect]] = {
    "jira-cloud": (
        "cloud",
        Dialect(
            jira_cloud.make,
            f'kind = "jira"\nflavour = "cloud"\nuser = "{jira_cloud.USER}"\n',
            jira_cloud.TOKEN,
            COMPARED,
        ),
    ),
    "jira-dc": (
        "dc",
        Dialect(jira_dc.make, 'kind = "jira"\nflavour = "data-center"\n', jira_dc.TOKEN, COMPARED),
    ),
    "gitlab-rest": ("gitlab", Dialect(gitlab.make, GITLAB, gitlab.READER_TOKEN, REST_PAST)),
    "gitlab-graphql": ("gitlab", Dialect(with_graphql, GITLAB, gitlab.READER_TOKEN, GRAPHQL_PAST)),
}


class TrackerLife(RuleBasedStateMachine):
    """Acts of people, the passing of time, and pulls."""

    tracker: ClassVar[Tracker]
    dialect: ClassVar[Dialect]

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.last: Item | None = None
        folder = Path(self.open.enter_context(tempfile.TemporaryDirectory()))
        self.life = Life(self.tracker)
        self.watch = Watch(self.life, self.dialect, folder)
        self.open.callback(self.watch.close)
        self.pull([])

    def teardown(self) -> None:
        self.open.close()

    def item(self, number: int, **which: bool) -> Item:
        """An issue; every second time the one that was dealt with last, because lives are short."""
        found = self.life.living(**which) or [self.life.create(self.project(number).key)]
        if self.last not in found or number % 2:
            self.last = found[number // 2 % len(found)]
        return self.last

    def project(self, number: int) -> Any:
        return self.life.projects()[number % 3]

    # acts on issues

    @rule(project=pick, is_epic=st.booleans())
    def create(self, project: int, is_epic: bool) -> None:
        self.life.create(self.project(project).key, "epic" if is_epic and not self.life.is_gitlab else "plain")

    @rule(item=pick, step=pick)
    def step(self, item: int, step: int) -> None:
        names = ["opened", *STEPS] if self.life.is_gitlab else list(STATUSES)
        self.life.step(self.item(item, hidden=True), names[step % len(names)])

    @rule(item=pick, change=st.sampled_from([("title", "Another title"), ("title", "a\tb <&> 'c'"), ("assignee", "w1"), ("assignee", "w2"), ("assignee", None), ("due_on", "2026-05-01"), ("due_on", None), ("estimate", "3"), ("estimate", "8"), ("estimate", None)]))  # fmt: skip
    def write(self, item: int, change: tuple[str, str | None]) -> None:
        self.life.write(self.item(item, hidden=True), *change)

    @rule(item=pick, label=st.sampled_from(LABELS))
    def label(self, item: int, label: str) -> None:
        self.life.toggle(self.item(item), "label", label.replace(" ", "-") if not self.life.is_gitlab else label)

    @rule(item=pick, goal=pick)
    def plan_for(self, item: int, goal: int) -> None:
        one = self.item(item)
        goals = self.life.goals_of(one)
        self.life.toggle(one, "milestone", str(goals[goal % len(goals)].id))

    @rule(blocker=pick, blocked=pick)
    def link(self, blocker: int, blocked: int) -> None:
        self.life.link(self.item(blocker), self.item(blocked))

    @precondition(lambda self: not self.life.is_gitlab)
    @rule(item=pick, epic=pick)
    def adopt(self, item: int, epic: int) -> None:
        epics = [None, *(one for one in self.life.living() if one.initial["kind"] == "Epic")]
        one = self.item(item)
        if one.initial["kind"] != "Epic":
            self.life.adopt(one, epics[epic % len(epics)])

    @rule(item=pick, project=pick)
    def move(self, item: int, project: int) -> None:
        self.life.move(self.item(item), self.project(project).key)

    @rule(item=pick)
    def delete(self, item: int) -> None:
        self.life.delete(self.item(item))

    @rule(item=pick)
    def restore(self, item: int) -> None:
        deleted = [one for one in self.life.company.items if one.deleted_at is not None]
        if deleted:
            deleted[item % len(deleted)].deleted_at = None

    @rule(item=pick)
    def hide_or_show(self, item: int) -> None:
        one = self.item(item, hidden=True)
        one.is_hidden = not one.is_hidden

    @precondition(lambda self: not self.life.is_gitlab)
    @rule(item=pick)
    def archive_or_not(self, item: int) -> None:
        found = [one for one in self.life.company.items if one.deleted_at is None and not one.is_hidden]
        if found:
            one = found[item % len(found)]
            one.archived_at = self.life.moment() if one.archived_at is None else None

    @rule(item=pick, hours=st.sampled_from([(25, 23, 1), (1, 1, 1), (25, 25, 25), (13, 30, 1)]))
    def change_out_of_sight(self, item: int, hours: tuple[int, int, int]) -> None:
        """Hidden, changed and shown again, with a pull some hours after each: the change is older than the last pull."""
        one = self.item(item)
        one.is_hidden = True
        self.pull_after(hours[0])
        self.life.write(one, "title", f"Issue {one.id} as of {self.life.company.now:%d %B}")
        self.pull_after(hours[1])
        one.is_hidden = False
        self.pull_after(hours[2])

    @rule(item=pick, days=st.integers(1, 3))
    def delete_for_days(self, item: int, days: int) -> None:
        one = self.item(item)
        self.life.delete(one)
        self.pull_after(*[25] * days)
        one.deleted_at = None
        self.pull_after(1)

    # acts on what is around them

    @rule(project=pick)
    def archive_project_or_not(self, project: int) -> None:
        one = self.project(project)
        one.is_archived = not one.is_archived

    @rule(project=pick)
    def hide_project_or_show(self, project: int) -> None:
        one = self.project(project)
        one.is_hidden = not one.is_hidden

    @rule(number=pick)
    def rename(self, number: int) -> None:
        """A status; at GitLab, where the workflow is labels, any label."""
        statuses = {one.value("status", self.life.company.now) or "" for one in self.life.living()}
        names = sorted(statuses - {"opened", "closed"}) + [*LABELS] * self.life.is_gitlab
        if names:
            self.life.rename(names[number % len(names)])

    @rule(project=pick)
    def plan(self, project: int) -> None:
        self.life.plan(self.project(project).key)

    @rule(goal=pick)
    def finish(self, goal: int) -> None:
        goals = self.life.company.goals
        self.life.finish(goals[goal % len(goals)])

    @rule(goal=pick, days=st.integers(1, 200))
    def postpone(self, goal: int, days: int) -> None:
        goals = self.life.company.goals
        self.life.postpone(goals[goal % len(goals)], days)

    # time

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        self.life.passes(hours)

    @rule(moments=past)
    def pull_at_once(self, moments: list[float]) -> None:
        self.life.moment()
        self.pull(moments)

    @rule(hours=st.integers(1, 12), moments=past)
    def pull_within_the_day(self, hours: int, moments: list[float]) -> None:
        self.life.passes(hours)
        self.pull(moments)

    @rule(moments=past)
    def pull_the_next_day(self, moments: list[float]) -> None:
        self.life.passes(25)
        self.pull(moments)

    @rule(days=st.integers(2, 9), moments=past)
    def pull_after_days(self, days: int, moments: list[float]) -> None:
        self.life.passes(24 * days)
        self.pull(moments)

    @rule(items=st.lists(pick, min_size=1, max_size=9), hours=st.integers(1, 30))
    def pull_under_way(self, items: list[int], hours: int) -> None:
        """Issues change, come and go while they are read; the pull after that has it all."""
        acts = iter(items)

        def meanwhile() -> None:
            number = next(acts, None)
            if number is not None:
                disturb(self.life, number)

        self.life.passes(hours)
        self.watch.pull(meanwhile=meanwhile)
        self.pull_after(1)

    def pull_after(self, *hours: int) -> None:
        for some in hours:
            self.life.passes(some)
            self.pull([])

    @rule(moments=past)
    def pull_in_full(self, moments: list[float]) -> None:
        self.life.moment()
        self.pull(moments, full=True)

    def pull(self, moments: list[float], *, full: bool = False) -> None:
        span = (self.life.company.now - START) / timedelta(seconds=1)
        certificate = self.watch.pull(full=full)
        self.watch.check(certificate, [START + timedelta(seconds=int(one * span)) for one in moments])


def disturb(life: Life, number: int) -> None:
    """What shifts the rows of a list: one goes to its end, one is added, one is taken out."""
    match number % 3:
        case 0:
            life.create(life.read[number % 2])
        case 1 if len(life.living()) > 9:
            life.delete(life.living()[number // 3 % len(life.living())])
        case _ if life.living():
            life.write(life.living()[number // 3 % len(life.living())], "title", f"Touched {number}")


def machine(dialect: str) -> type[TrackerLife]:
    """A life with that kind of server."""
    tracker, speech = DIALECTS[dialect]
    return type("Life", (TrackerLife,), {"tracker": tracker, "dialect": speech})


@pytest.mark.parametrize("dialect", list(DIALECTS))
@pytest.mark.timeout(3600)
def test_a_life(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pages(monkeypatch, dialect)
    run_state_machine_as_test(machine(dialect), settings=LIVES)


@pytest.fixture(params=list(DIALECTS))
def watch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watch]:
    """A life that has been pulled once."""
    tracker, dialect = DIALECTS[request.param]
    made = Watch(Life(tracker), dialect, tmp_path)
    made.check(made.pull(), [])
    yield made
    made.close()


def pull_after(watch: Watch, *hours: int) -> None:
    for some in hours:
        watch.life.passes(some)
        watch.check(watch.pull(), [])


def first(watch: Watch) -> Item:
    """An issue that is not the one changed last, which every pull reads again."""
    return next(one for one in watch.life.living() if one.initial["kind"] != "Epic")


def test_rows_move_while_pages_are_turned(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pages(monkeypatch, "gitlab" if watch.life.is_gitlab else "jira")
    numbers = count(2)
    for hours in (1, 25, 25):
        watch.life.passes(hours)
        watch.pull(meanwhile=lambda: disturb(watch.life, next(numbers)))
        pull_after(watch, 1)
        assert watch.held().keys() == watch.shown().keys() | watch.missed.keys()


def test_what_changed_out_of_sight_is_read_again(watch: Watch) -> None:
    one = first(watch)
    one.is_hidden = True
    pull_after(watch, 25)
    watch.life.write(one, "title", "Changed while nobody of us could see it")
    watch.life.passes(1)
    for other in watch.life.living():
        watch.life.write(other, "due_on", "2026-05-05")
    pull_after(watch, 22)  # no day after it was missed: it has not vanished
    one.is_hidden = False
    pull_after(watch, 1, 1, 1)
    assert watch.held()[f"life:{one.id}"][2] == "Changed while nobody of us could see it"


def test_a_renamed_status_has_its_name_in_all_the_past(watch: Watch) -> None:
    one, status = first(watch), "workflow::doing" if watch.life.is_gitlab else "Doing"
    watch.life.step(one, status)
    pull_after(watch, 25)
    for other in watch.life.living():
        if other is not one:
            watch.life.write(other, "due_on", "2026-05-05")
    pull_after(watch, 25, 25)
    watch.life.rename(status)
    pull_after(watch, 25)
    assert watch.states(watch.company.now)[f"life:{one.id}"]["status"] == {f"{status} anew"}
