"""The contract over both kinds of Jira, and the company's truth against what the connectors say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest

from connectors.jira import cloud, connect, data_center
from connectors.jira.fetch import JiraConnector
from pmo_sync.config import Secret, ServerConfig, SourceConfig
from pmo_sync.demo import truth
from pmo_sync.demo.company import Company, Item
from pmo_sync.demo.portfolio import generate
from pmo_sync.demo.servers import jira_cloud, jira_dc
from pmo_sync.demo.servers.jira_wire import account_id, user_key
from pmo_sync.demo.servers.wire import Answer, Request, Server
from pmo_sync.http.network import Network
from pmo_sync.model import Interval, person_id
from tests.clocks import QuickClock
from tests.contract.connector import ServerConnectorContract
from tests.contract.harness import ServerHarness, Stored

Kind = Literal["cloud", "dc"]


class JiraHarness(ServerHarness):
    """One simulated Jira."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.source = f"acme-{kind}"
        self.company: Company = generate(quick=True)
        self.server: Server = (jira_cloud if kind == "cloud" else jira_dc).make(self.company).start()
        self.company.addresses[kind] = self.server.url
        keys = [one.key for one in self.company.projects if one.tracker == kind]
        self.project_key = max(keys, key=lambda key: len(list(self.company.visible(kind, key))))
        texts = {item.description for item in self.items()}
        self.hidden = (*texts, *(worker.email for worker in self.company.workers))

    def items(self) -> list[Item]:
        return list(self.company.visible(self.kind, self.project_key))

    def options(self, **server: Any) -> SourceConfig:
        user = jira_cloud.USER if self.kind == "cloud" else None
        token = jira_cloud.TOKEN if self.kind == "cloud" else jira_dc.TOKEN
        secret = Secret("env", "TOKEN", {"TOKEN": token})
        config = ServerConfig(self.server.url, self.server.url, None, user, secret, None, None, None, 4, 1000.0)
        return SourceConfig(
            self.source, "jira", replace(config, **server), None, (self.project_key,), {}, {}, (), None, 0.2
        )

    def connect(self) -> JiraConnector:
        made = connect(self.options(), Network(QuickClock()))
        assert isinstance(made, JiraConnector)
        return made

    def connect_with_wrong_token(self) -> JiraConnector:
        made = connect(self.options(token=Secret("env", "TOKEN", {"TOKEN": "wrong"})), Network(QuickClock()))
        assert isinstance(made, JiraConnector)
        return made

    def connect_to_nobody(self) -> JiraConnector:
        nobody = "http://127.0.0.1:9"
        made = connect(self.options(url=nobody, api_base=nobody), Network(QuickClock()))
        assert isinstance(made, JiraConnector)
        return made

    def issue_ids(self) -> frozenset[str]:
        return frozenset(f"{self.source}:{one.id}" for one in self.items())

    def now(self) -> datetime:
        return self.company.now

    def change(self) -> str:
        at, item = min(
            (event.at, item.id)
            for item in self.items()
            for event in item.events
            if event.field == "status" and event.at > self.company.now
        )
        self.company.now = at
        return f"{self.source}:{item}"

    def malform(self) -> str:
        broken = self.items()[0]
        answer = self.server.answer

        def spoiled(request: Request) -> Answer:
            given = answer(request)
            if isinstance(given.body, dict):
                body = json.loads(json.dumps(given.body))
                for issue in body.get("issues", ()):
                    if issue.get("key") == broken.key and "status" in issue.get("fields", {}):
                        issue["fields"]["status"] = None
                given = given._replace(body=body)
            return given

        self.server.answer = spoiled  # type: ignore[method-assign]
        return f"{self.source}:{broken.id}"

    def delete(self) -> str:
        item = self.items()[-1]
        item.deleted_at = self.company.now
        return f"{self.source}:{item.id}"

    def move(self) -> tuple[str, str]:
        item = self.items()[-2]
        self.company.move(item, self.other_project())
        return f"{self.source}:{item.id}", item.key

    def other_project(self) -> str:
        keys = [one.key for one in self.company.projects if one.tracker == self.kind]
        return next(key for key in keys if key != self.project_key)

    def lag(self) -> str:
        late = self.items()[2]
        answer = self.server.answer

        def behind(request: Request) -> Answer:
            given = answer(request)
            if b"reconcileIssues" in request.body:  # then Cloud looks at the issues themselves
                return given
            if "/search" in request.path and isinstance(given.body, dict) and "issues" in given.body:
                kept = [one for one in given.body["issues"] if one["id"] != str(late.id)]
                body = {**given.body, "issues": kept}
                if "total" in body:
                    body["total"] -= 1
                given = given._replace(body=body)
            return given

        self.server.answer = behind  # type: ignore[method-assign]
        return f"{self.source}:{late.id}"

    def ignore_bounds(self) -> None:
        answer, bound = self.server.answer, r' AND updated >= (\\?"[^"]*"|[0-9]+)'

        def heedless(request: Request) -> Answer:
            query = {name: [re.sub(bound, "", one) for one in values] for name, values in request.query.items()}
            return answer(request._replace(query=query, body=re.sub(bound, "", request.body.decode()).encode()))

        self.server.answer = heedless  # type: ignore[method-assign]

    def answered(self) -> int:
        return len(self.server.log)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several pages from a small project."""
    monkeypatch.setattr(data_center, "ROWS_PER_PAGE", 20)
    monkeypatch.setattr(cloud, "ISSUES_PER_FETCH", 20)
    monkeypatch.setattr(cloud, "HISTORIES_PER_FETCH", 40)
    monkeypatch.setattr(cloud, "CHANGES_PER_PAGE", 50)


@pytest.mark.usefixtures("small_pages")
class TestCloud(ServerConnectorContract):
    @pytest.fixture
    def harness(self) -> Iterator[JiraHarness]:
        made = JiraHarness("cloud")
        yield made
        made.server.stop()


@pytest.mark.usefixtures("small_pages")
class TestDataCenter(ServerConnectorContract):
    @pytest.fixture
    def harness(self) -> Iterator[JiraHarness]:
        made = JiraHarness("dc")
        yield made
        made.server.stop()


@pytest.fixture(params=["cloud", "dc"])
def harness(request: pytest.FixtureRequest) -> Iterator[JiraHarness]:
    made = JiraHarness(request.param)
    yield made
    made.server.stop()


def pulled(harness: JiraHarness) -> tuple[JiraConnector, Stored]:
    """Every project of the tracker."""
    options = replace(harness.options(), projects=())
    connector = connect(options, Network(QuickClock()))
    assert isinstance(connector, JiraConnector)
    stored = Stored()
    for project in connector.catalogue().projects:
        for page in connector.pages(project, None):
            assert page.problems == ()
            stored.add(page)
    return connector, stored


def at(intervals: list[Interval], field: str, moment: datetime) -> set[Interval]:
    return {
        one
        for one in intervals
        if one.field == field and one.since <= moment and (one.until is None or one.until > moment)
    }


def one_of(intervals: list[Interval], field: str, moment: datetime) -> Interval | None:
    found = at(intervals, field, moment)
    assert len(found) <= 1
    return next(iter(found), None)


def test_issues_equal_the_companys(harness: JiraHarness) -> None:
    _, stored = pulled(harness)
    expected = truth.issues(harness.company, harness.kind, harness.company.now)
    found = {issue.key: issue for issue in stored.issues.values()}
    assert set(found) == set(expected)
    for key, fact in expected.items():
        issue = found[key]
        assert issue.issue_id == f"{harness.source}:{fact.id}"
        assert issue.title == fact.title.replace("\0", ""), key
        assert (issue.kind, issue.level) == (fact.kind, fact.level), key
        assert issue.created_at == fact.created_at, key
        assert issue.updated_at == fact.updated_at, key
        assert issue.is_confidential == fact.is_confidential, key
        assert issue.url == f"{harness.server.url}/browse/{key}"


@pytest.mark.parametrize("days", [0, 1, 13, 40, 99, 180])
def test_states_equal_the_companys(harness: JiraHarness, days: int) -> None:
    company = harness.company
    moment = company.now - timedelta(days=days)
    _, stored = pulled(harness)
    expected = truth.states(company, harness.kind, moment, seen_at=company.now)
    intervals = {stored.issues[key].key: found for key, found in stored.intervals.items()}
    existing = {issue.key for issue in stored.issues.values() if issue.created_at <= moment}
    assert existing == set(expected)
    for key, state in expected.items():
        own = intervals[key]

        def label(field: str, own: list[Interval] = own) -> str | None:
            found = one_of(own, field, moment)
            return None if found is None else found.label

        def value(field: str, own: list[Interval] = own) -> str | None:
            found = one_of(own, field, moment)
            return None if found is None else found.value

        estimate, person = value("estimate"), value("assignee")
        assert (label("status"), label("resolution"), label("kind"), label("priority")) == (
            state.status, state.resolution, state.kind, state.priority,
        ), key  # fmt: skip
        assert {one.label for one in at(own, "milestone", moment)} == state.milestones, key
        assert {one.value for one in at(own, "label", moment)} == state.labels, key
        assert label("parent") == state.parent, key
        assert (value("flagged") == "true") == state.is_flagged, key
        assert value("due_on") == state.due_on, key
        assert (None if estimate is None else float(estimate)) == state.estimate, key
        assert (person is None) == (state.assignee is None), key
        if state.assignee is not None:
            worker = next(one for one in company.workers if one.id == state.assignee)
            native = account_id(worker) if harness.kind == "cloud" else user_key(worker)
            assert person == person_id(harness.source, native), key


def test_links_equal_the_companys(harness: JiraHarness) -> None:
    _, stored = pulled(harness)
    found = set()
    keys = {one.issue_id: one.key for one in stored.issues.values()}
    for issue_id, intervals in stored.intervals.items():
        for one in intervals:
            if one.field == "blocked_by":
                found.add((keys[issue_id], keys.get(one.value, one.value), one.since))
    expected = {tuple(one) for one in truth.links(harness.company, harness.kind, harness.company.now)}
    assert expected
    assert found == expected


def test_milestones_equal_the_companys(harness: JiraHarness) -> None:
    connector, _ = pulled(harness)
    catalogue = connector.catalogue()
    assert catalogue.problems == ()
    found = {one.milestone_id: one for one in catalogue.milestones}
    expected = truth.milestones(harness.company, harness.kind, harness.company.now)
    projects = {one.project_id: one.key for one in catalogue.projects}
    assert {f"{harness.source}:{one.kind}:{number}" for number, one in expected.items()} == set(found)
    for number, fact in expected.items():
        one = found[f"{harness.source}:{fact.kind}:{number}"]
        assert (one.name, one.state) == (fact.name, fact.state)
        assert (one.start_on and one.start_on.isoformat()) == fact.start_on, fact
        assert (one.due_on and one.due_on.isoformat()) == fact.due_on, fact
        if fact.kind == "sprint":
            assert (one.closed_on and one.closed_on.isoformat()) == fact.closed_on, fact
        assert one.project_id is not None
        assert projects[one.project_id] == fact.project


def test_statuses_equal_the_companys(harness: JiraHarness) -> None:
    connector, _ = pulled(harness)
    expected = {
        name: {"undefined": None}.get(category, category)
        for project in harness.company.projects
        if project.tracker == harness.kind
        for name, category in project.statuses.items()
    }
    assert {one.name: one.category for one in connector.catalogue().statuses} == expected


def test_an_unknown_project_is_a_problem(harness: JiraHarness) -> None:
    connector = connect(replace(harness.options(), projects=("NOSUCH", harness.project_key)), Network(QuickClock()))
    catalogue = connector.catalogue()
    assert [one.key for one in catalogue.projects] == [harness.project_key]
    assert [one.subject for one in catalogue.problems] == ["NOSUCH"]


def test_every_word_we_ask_is_one_the_server_knows(harness: JiraHarness) -> None:
    """A whole pull, and a second one where nothing changed: no refusal, no write, few requests."""
    connector, _ = pulled(harness)
    assert [entry for entry in harness.server.log if entry.status >= 400] == []
    assert harness.server.writes() == []
    project = connector.catalogue().projects[0]
    *_, last = connector.pages(project, None)
    before = connector.client.counts["requests"]
    for page in connector.pages(project, last.cursor):
        assert len(page.issues) < 20
    assert connector.client.counts["requests"] - before <= 2 + 2 + len(page.issues)
