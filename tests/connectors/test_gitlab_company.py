"""The simulated company read through the connector equals what its generator says is true."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from connectors.gitlab import connect
from pmo_sync.demo import portfolio, truth
from pmo_sync.demo.company import Company
from pmo_sync.demo.servers import gitlab
from pmo_sync.http.network import Network
from pmo_sync.model import Catalogue, Interval, Issue, Page, Project
from tests.clocks import QuickClock
from tests.connectors.gitlab_fake import source_config


@dataclass
class Read:
    company: Company
    server: gitlab.GitLab
    catalogue: Catalogue
    pages: dict[str, list[Page]]
    counts: dict[str, int | None]

    def issues(self) -> dict[str, Issue]:
        return {one.key: one for pages in self.pages.values() for page in pages for one in page.issues}

    def state(self, field: str, moment: datetime) -> dict[str, set[str]]:
        """Issue id -> values of a field at a moment."""
        found: dict[str, set[str]] = defaultdict(set)
        for pages in self.pages.values():
            for one in (interval for page in pages for interval in page.intervals):
                if one.field == field and one.since <= moment and (one.until is None or moment < one.until):
                    found[one.entity_id].add(one.value)
        return found


@pytest.fixture(scope="module")
def read() -> Iterator[Read]:
    company = portfolio.generate(quick=True)
    server = gitlab.make(company)
    server.start()
    options = source_config(server.url, "arunika/*", workflow="workflow::", token=gitlab.READER_TOKEN)
    connector = connect(options, Network(QuickClock()))
    catalogue = connector.catalogue()
    pages = {one.key: list(connector.pages(one, None)) for one in catalogue.projects}
    counts = {one.key: connector.census(one, sweep=False).count for one in catalogue.projects}
    yield Read(company, server, catalogue, pages, counts)
    server.stop()


def moments(company: Company) -> list[datetime]:
    rng = random.Random(5)
    start = datetime(
        company.started_on.year, company.started_on.month, company.started_on.day, tzinfo=company.now.tzinfo
    )
    span = (company.now - start) / timedelta(seconds=1)
    return [company.now, *(start + timedelta(seconds=int(rng.uniform(0, span))) for _ in range(20))]


def test_every_issue_is_there_once(read: Read) -> None:
    expected = truth.issues(read.company, "gitlab", read.company.now)
    found = read.issues()
    assert sum(len(page.issues) for pages in read.pages.values() for page in pages) == len(found)
    assert not [problem for pages in read.pages.values() for page in pages for problem in page.problems]
    assert found.keys() == expected.keys()
    for key, fact in expected.items():
        one = found[key]
        assert (one.issue_id, one.created_at, one.updated_at, one.is_confidential, one.superseded) == (
            f"acme:{fact.id}", fact.created_at, fact.updated_at, fact.is_confidential, fact.superseded,
        ), key  # fmt: skip
        assert one.title == fact.title.replace("\0", "")
    assert sum(count or 0 for count in read.counts.values()) == len(expected)


def test_status_labels_and_milestones_are_true_at_any_moment(read: Read) -> None:
    names = {one.milestone_id: one.name for one in read.catalogue.milestones}
    ids = {one.issue_id: key for key, one in read.issues().items()}
    for moment in moments(read.company):
        expected = truth.states(read.company, "gitlab", moment, read.company.now)
        status = {ids[one]: values for one, values in read.state("status", moment).items()}
        labels = {ids[one]: values for one, values in read.state("label", moment).items()}
        boxes = {
            ids[one]: {names[value] for value in values} for one, values in read.state("milestone", moment).items()
        }
        assert status
        assert status == {
            key: {"acme:" + ("closed" if one.status == "closed" else one.workflow or "opened")}
            for key, one in expected.items()
        }
        assert labels == {key: set(one.labels) for key, one in expected.items() if one.labels}
        assert labels.keys() | boxes.keys() or moment < read.company.now
        assert boxes == {key: set(one.milestones) for key, one in expected.items() if one.milestones}


def test_links_are_true_at_any_moment(read: Read) -> None:
    ids = {one.issue_id: key for key, one in read.issues().items()}
    for moment in moments(read.company):
        expected = {(one.blocked, one.blocker) for one in truth.links(read.company, "gitlab", moment, read.company.now)}
        links = {(ids[one], ids[other]) for one, many in read.state("blocked_by", moment).items() for other in many}
        assert links == expected
        reverse = {(ids[other], ids[one]) for one, many in read.state("blocks", moment).items() for other in many}
        assert reverse == expected


def test_present_values_are_true(read: Read) -> None:
    expected = truth.states(read.company, "gitlab", read.company.now)
    found = read.issues()
    for field, name in (("due_on", "due_on"), ("estimate", "estimate"), ("health", "health")):
        now = read.state(field, read.company.now)
        shown = {
            key: {str(getattr(one, name)).removesuffix(".0")}
            for key, one in expected.items()
            if getattr(one, name) is not None
        }
        assert {key: now[one.issue_id] for key, one in found.items() if one.issue_id in now} == shown


def test_milestones_are_true(read: Read) -> None:
    expected = truth.milestones(read.company, "gitlab", read.company.now)
    found = {int(one.milestone_id.rsplit(":", 1)[1]): one for one in read.catalogue.milestones}
    assert found.keys() == expected.keys()
    for number, fact in expected.items():
        one = found[number]
        due = date.fromisoformat(fact.due_on) if fact.due_on else None
        assert (one.name, one.state, one.due_on, one.project_id is None) == (
            fact.name, fact.state, due, fact.project is None,
        )  # fmt: skip


def test_intervals_are_sound(read: Read) -> None:
    born = {one.issue_id: one.created_at for one in read.issues().values()}
    lanes: dict[tuple[str, str, str], list[Interval]] = defaultdict(list)
    for pages in read.pages.values():
        for one in (interval for page in pages for interval in page.intervals):
            assert one.since >= born[one.entity_id]
            assert one.until is None or one.until > one.since
            member = one.value if one.field in ("label", "milestone", "blocks", "blocked_by", "relates") else ""
            lanes[one.entity_id, one.field, member].append(one)
    for lane in lanes.values():
        lane.sort(key=lambda one: one.since)
        for one, after in pairwise(lane):
            assert one.until is not None
            assert one.until <= after.since


def test_a_week_later_only_what_changed_is_read(read: Read) -> None:
    cursors = {key: pages[-1].cursor for key, pages in read.pages.items()}
    options = source_config(read.server.url, "arunika/*", workflow="workflow::", token=gitlab.READER_TOKEN)
    connector = connect(options, Network(QuickClock()))
    before = {one.key: one.updated_at for one in read.issues().values()}
    present = read.company.now
    try:
        for weeks in (0, 1):
            read.company.now = present + timedelta(weeks=weeks)
            expected = truth.issues(read.company, "gitlab", read.company.now)
            changed = {key for key, fact in expected.items() if before.get(key) != fact.updated_at}
            found: set[str] = set()
            for project in read.catalogue.projects:
                found |= {one.key for page in connector.pages(project, cursors[project.key]) for one in page.issues}
            assert changed <= found
            marks = {
                project.key: max(before[key] for key in before if key.startswith(project.key))
                for project in read.catalogue.projects
            }
            overlap = {key for key in found - changed if marks[key.split("#")[0]] - before[key] > timedelta(minutes=10)}
            assert overlap == set()
            assert bool(changed) == bool(weeks)
    finally:
        read.company.now = present


def test_a_project_is_known_by_its_number(read: Read) -> None:
    (project,) = {one for one in read.catalogue.projects if one.key == "arunika/payments/gateway"}
    options = source_config(read.server.url, project.project_id.removeprefix("acme:"), token=gitlab.READER_TOKEN)
    assert connect(options, Network(QuickClock())).catalogue().projects == (Project(*project),)
