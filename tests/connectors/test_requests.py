"""Every request we send is one that the vendor describes: the path, the names and values of parameters, the body."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from graphql import GraphQLSchema, IntValueNode, OperationDefinitionNode, Visitor, parse, validate, visit
from graphql.execution.values import get_variable_values

import connectors.gitlab
import connectors.jira
from connectors.base import Connector
from connectors.gitlab import listing, rest
from connectors.jira import cloud
from pmo_sync.clients import gitlab as gitlab_client
from pmo_sync.clients.gitlab import GitlabClient
from pmo_sync.clients.jira import JiraClient
from pmo_sync.config import Secret, ServerConfig, SourceConfig
from pmo_sync.demo.company import Company, Item, Tracker
from pmo_sync.demo.portfolio import generate
from pmo_sync.demo.servers import gitlab, jira_cloud, jira_dc
from pmo_sync.demo.servers.wire import Answer, Request, Server
from pmo_sync.http.network import Network
from reports.document import Attachment
from reports.publish import Item as Text
from reports.publish import Publisher, publish
from reports.publishers.gitlab_note import GitlabNotePublisher
from reports.publishers.gitlab_wiki import GitlabWikiPublisher
from reports.publishers.jira_comment import JiraCommentPublisher
from tests.clocks import QuickClock
from tests.connectors.described import Description, heard
from tests.connectors.gitlab_graphql import WorkItems
from tests.demo import specs

pytestmark = pytest.mark.real

SLOT: Final = "project/pay"
ISSUE: Final = "/api/v4/projects/{id}/issues/{issue_iid}"
PAGED: Final = "GitLab's source: `use :pagination`"
ANY: Final = (
    "described as a text, a property is any JSON: developer.atlassian.com/server/jira/platform/entity-properties/"
)
OWNED: Final = "an id or a path: https://docs.gitlab.com/api/wikis/"
WIKIS: Final = ("GET {}", "POST {}", "GET {}/{{slug}}", "PUT {}/{{slug}}", "POST {}/attachments")
GAPS: Final = {
    "GET /rest/pat/latest/tokens": "an app of its own: https://developer.atlassian.com/server/jira/platform/personal-access-token/",
    "GET /api/v4/user": "https://docs.gitlab.com/api/users/#retrieve-the-current-user",
    "GET /api/v4/projects/{id}/issues?iids[]": "https://docs.gitlab.com/api/issues/#list-project-issues",
    "GET /api/v4/projects?pagination": "https://docs.gitlab.com/api/rest/#keyset-based-pagination",
    "POST /api/graphql": "https://docs.gitlab.com/api/graphql/; checked by itself, below",
    f"GET {ISSUE}/resource_iteration_events?per_page": f"{PAGED} in ee/lib/api/resource_iteration_events.rb",
    f"GET {ISSUE}/resource_weight_events?per_page": f"{PAGED} in ee/lib/api/resource_weight_events.rb",
    "GET /api/v4/groups/{id}/labels?per_page": f"{PAGED} in lib/api/group_labels.rb",
    "PUT /rest/api/2/issue/{issueIdOrKey}/comment/{id}?properties.*.value": ANY,
    "POST /rest/api/2/issue/{issueIdOrKey}/comment?properties.*.value": ANY,
    **{
        f"{call.format(f'/api/v4/{owner}/{{id}}/wikis')}?id": OWNED
        for owner in ("projects", "groups")
        for call in WIKIS
    },
}


@dataclass(frozen=True)
class Kind:
    """One kind of tracker: its simulated server, our names of its projects, the descriptions of its API."""

    tracker: Tracker
    connector: ModuleType
    make: Callable[[Company], Server]
    user: str | None
    token: str
    projects: tuple[str, ...]
    described: tuple[str, ...]


def with_paid_fields(company: Company) -> Server:
    """The first issue of each list has a weight and an iteration."""
    made = gitlab.make(company)
    events = "/api/v4/projects/[^/]+/issues/[0-9]+/resource_(weight|iteration)_events"
    made.mount("GET", events, lambda request, match: Answer(200, []))
    answer = made.answer

    def paid(request: Request) -> Answer:
        given = answer(request)
        if request.path.endswith("/issues") and given.body:
            given.body[0].update(weight=None, iteration=None)
        return given

    made.answer = paid  # type: ignore[method-assign]
    return made


def with_graphql(company: Company) -> Server:
    """And one epic in its group."""
    made = gitlab.make(company)
    offered = WorkItems(made)
    offered.has_epics = True
    offered.epics = {900: {"id": "gid://gitlab/WorkItem/900", "iid": "4", "title": "Go live", "reference": "arunika&4"}}
    made.mount("GET", "/api/v4/groups/[^/]+/labels", lambda request, match: Answer(200, []))
    return made


GITLAB: Final = Kind(
    "gitlab", connectors.gitlab, with_paid_fields, None, gitlab.READER_TOKEN, ("arunika/*",), ("gitlab",)
)
KINDS: Final = {
    "jira-cloud": Kind(
        "cloud",
        connectors.jira,
        jira_cloud.make,
        jira_cloud.USER,
        jira_cloud.TOKEN,
        ("PAY", "KYC"),
        ("jira-cloud-platform", "jira-cloud-software"),
    ),
    "jira-dc": Kind("dc", connectors.jira, jira_dc.make, None, jira_dc.TOKEN, ("ERP", "DWH"), ("jira-dc-10.3",)),
    "gitlab-rest": GITLAB,
    "gitlab-graphql": replace(GITLAB, make=with_graphql),
}


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the second page of everything is asked for too."""
    monkeypatch.setattr(cloud, "IDS_PER_PAGE", 50)
    monkeypatch.setattr(cloud, "CHANGES_PER_PAGE", 200)
    monkeypatch.setattr(gitlab_client, "PAGE", 6)
    monkeypatch.setattr(rest, "PAGE", 6)
    monkeypatch.setattr(listing, "INNER", 2)


def server_config(url: str, kind: Kind, token: str) -> ServerConfig:
    secret = Secret("env", "TOKEN", {"TOKEN": token})
    return ServerConfig(url, url, None, kind.user, secret, None, None, None, 4, 1000.0)


def options(url: str, kind: Kind, *projects: str) -> SourceConfig:
    server = server_config(url, kind, kind.token)
    return SourceConfig("s", "", server, None, projects, {}, {}, (), "workflow::", 0.2)


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def asked(kind: Kind) -> list[Request]:
    """Everything a connector asks in its life."""
    company = generate(quick=True)
    server = kind.make(company).start()
    company.addresses[kind.tracker] = server.url
    found = heard(server)
    network = Network(QuickClock())
    kind.connector.survey(options(server.url, kind), network)
    connector: Connector = kind.connector.connect(options(server.url, kind), network)
    connector.check()
    connector.catalogue()
    connector.close()
    connector = kind.connector.connect(options(server.url, kind, *kind.projects), network)
    live(connector, company)
    connector.close()
    server.stop()
    return found


def company_project(company: Company, kind: Kind) -> str:
    return next(one.key for one in company.projects if one.tracker == kind.tracker)


def live(connector: Connector, company: Company) -> None:
    """A full pull, a week, and an incremental one, with all that surrounds them."""
    connector.check()
    projects = connector.catalogue().projects
    assert projects
    cursors: dict[str, str | None] = dict.fromkeys((one.project_id for one in projects), None)
    for _ in range(2):
        for project in projects:
            for page in connector.pages(project, cursors[project.project_id]):
                cursors[project.project_id] = page.cursor
            connector.census(project, sweep=False)
            ids = sorted(connector.census(project, sweep=True).issue_ids or ())
            list(connector.trace(project, [*ids[:45], "s:999999"]))
        company.now += timedelta(weeks=1)
    stored = cursors[projects[0].project_id]
    assert stored is not None
    list(connector.pages(projects[0], connector.since(company.now - timedelta(days=2), stored)))


def violations(data_dir: Path, kind: Kind, requests: list[Request]) -> set[str]:
    described = Description([specs.load(data_dir, name) for name in kind.described], GAPS)
    return {problem for one in requests for problem in described.violations(as_described(kind, one))}


def as_described(kind: Kind, request: Request) -> Request:
    """Cloud's description is of version 3. Version 2 has the same operations, with texts as wiki markup instead of
    documents (https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#version).
    """
    if kind.tracker != "cloud":
        return request
    return request._replace(path=request.path.replace("/rest/api/2/", "/rest/api/3/", 1))


def test_a_connectors_requests(data_dir: Path, kind: Kind, asked: list[Request]) -> None:
    assert len(asked) > 20
    assert violations(data_dir, kind, asked) == set()


@pytest.mark.parametrize("kind", [KINDS["gitlab-graphql"]], ids=["gitlab-graphql"])
def test_graphql_queries(kind: Kind, asked: list[Request]) -> None:
    """GitLab's bounds: 10,000 characters a query, 100 rows a page, 100 values a list (docs.gitlab.com/api/graphql/)."""
    schema = WorkItems(gitlab.make(generate(quick=True)))._schema
    sent = {one.body for one in asked if one.path.endswith("/api/graphql")}
    assert len(sent) > 10
    assert {problem for body in sent for problem in graphql_problems(schema, json.loads(body))} == set()


def graphql_problems(schema: GraphQLSchema, sent: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one query and its variables."""
    yield from (f"{name}: unknown" for name in sent.keys() - {"query", "variables"})
    text, variables = sent["query"], sent.get("variables", {})
    document = parse(text)
    yield from (error.message for error in validate(schema, document))
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    declared = {one.variable.name.value for one in operation.variable_definitions}
    yield from (f"${name}: not declared" for name in variables.keys() - declared)
    typed = get_variable_values(schema, operation.variable_definitions, variables)
    yield from (error.message for error in typed) if isinstance(typed, list) else ()
    numbers, lists = [], [value for value in variables.values() if isinstance(value, list)]

    class Numbers(Visitor):
        def enter_int_value(self, node: IntValueNode, *_: Any) -> None:
            numbers.append(int(node.value))

    visit(document, Numbers())
    numbers += [value for value in variables.values() if isinstance(value, int)]
    if operation.operation.value != "query" or len(text) > 10_000:
        yield f"{operation.operation.value} of {len(text)} characters"
    if max([*numbers, *map(len, lists)], default=0) > 100:
        yield f"more than 100: {variables}"


@pytest.mark.parametrize("name", ["jira-cloud", "jira-dc", "gitlab-rest"])
def test_a_publishers_requests(data_dir: Path, name: str) -> None:
    kind = KINDS[name]
    company = generate(quick=True)
    server = kind.make(company).start()
    asked = heard(server)
    carrier: Item = next(iter(company.visible(kind.tracker, company_project(company, kind))))
    for text in ("All is well", "All is well", "Two weeks late"):
        place = publisher(server.url, kind, carrier.key)
        place.check()
        assert publish(place, [Text(SLOT, "Payments", text)], write=True)[0].outcome != "failed"
    server.stop()
    assert {"POST", "PUT"} <= {one.method for one in asked}
    assert violations(data_dir, kind, asked) == set()


@pytest.mark.parametrize("owner", ["projects", "groups"])
def test_a_wikis_requests(data_dir: Path, owner: str) -> None:
    company = generate(quick=True)
    server = gitlab.make(company).start()
    asked = heard(server)
    project = company_project(company, GITLAB)
    picture = Attachment("burn-up.png", "image/png", lambda: b"png", "a" * 20)
    for text in ("All is well", "All is well", "Two weeks late"):
        client = GitlabClient(server_config(server.url, GITLAB, gitlab.PUBLISHER_TOKEN), Network(QuickClock()))
        path = project if owner == "projects" else project.partition("/")[0]
        place = GitlabWikiPublisher("wiki", client, url=server.url, wiki=f"{owner}/{path}")
        place.check()
        done = publish(place, [Text(SLOT, "Payments", f"{text} ![](burn-up.png)", (picture,))], write=True)[0]
        assert done.outcome != "failed", done
    server.stop()
    assert [one.method for one in asked if one.method != "GET"] == ["POST", "POST", "PUT"]
    assert violations(data_dir, GITLAB, asked) == set()


def publisher(url: str, kind: Kind, issue: str) -> Publisher:
    clock = QuickClock()
    if kind.tracker == "gitlab":
        client = GitlabClient(server_config(url, kind, gitlab.PUBLISHER_TOKEN), Network(clock))
        return GitlabNotePublisher("notes", client, url=url, issues={SLOT: issue})
    jira = JiraClient(server_config(url, kind, kind.token), Network(clock))
    return JiraCommentPublisher("jira", jira, url=url, issues={SLOT: issue})


WRONG: Final = [
    ("jira-cloud", "GET", "project/search", {"maxResult": "1"}, None, "?maxResult: unknown"),
    ("jira-cloud", "GET", "project/search", {"action": "sell"}, None, "?action: enum"),
    ("jira-cloud", "GET", "project/search", {"maxResults": "101"}, None, "?maxResults: maximum"),
    ("jira-cloud", "GET", "project/search", {"startAt": "first"}, None, "?startAt: is string"),
    ("jira-cloud", "GET", "project/search", {"status": "live,dead"}, None, "?status: enum"),
    ("jira-cloud", "POST", "search/jql", {}, {"jql": "x", "startAt": 0}, " body startAt: unlisted"),
    ("jira-cloud", "POST", "search/jql", {}, {"jql": 7}, " body jql: is integer"),
    ("jira-cloud", "POST", "search/jql", {}, None, " body missing"),
    ("jira-cloud", "GET", "search/approximate-count", {}, None, ": no such method"),
    ("jira-cloud", "GET", "serverinfo", {}, None, ": no such path"),
    ("jira-cloud", "PUT", "myself", {}, {"a": 1}, ": no such method"),
    ("jira-dc", "GET", "search", {"startsAt": "1"}, None, "?startsAt: unknown"),
    ("jira-dc", "GET", "search", {"jql": "x", "validateQuery": "yes"}, None, "?validateQuery: is string"),
    ("gitlab-rest", "GET", "projects/7/issues", {"state": "open"}, None, "?state: enum"),
    ("gitlab-rest", "GET", "projects/7/issues", {"since": "2026-01-01"}, None, "?since: unknown"),
    ("gitlab-rest", "GET", "projects/7/issues", {"updated_after": "now"}, None, "?updated_after: is no date-time"),
    ("gitlab-rest", "GET", "projects/7/issues/x/links", {}, None, "?issue_iid: is string"),
    ("gitlab-rest", "GET", "projects/7/labels", {"per_page": "101"}, None, "?per_page: maximum"),
    ("gitlab-rest", "POST", "projects/7/issues/1/notes", {}, {"text": "x"}, " body text: unlisted"),
]  # fmt: skip
APIS: Final = {"jira-cloud": "/rest/api/3", "jira-dc": "/rest/api/2", "gitlab-rest": "/api/v4"}


@pytest.mark.parametrize(("name", "method", "path", "query", "body", "problem"), WRONG)
def test_a_wrong_request_is_found(
    data_dir: Path, name: str, method: str, path: str, query: dict[str, str], body: Any, problem: str
) -> None:
    sent = b"" if body is None else json.dumps(body).encode()
    values = {key: [value] for key, value in query.items()}
    wrong = Request(method, f"{APIS[name]}/{path}", values, {}, sent)
    found = violations(data_dir, KINDS[name], [wrong])
    assert any(one.endswith(problem) for one in found), found


@pytest.mark.parametrize(
    ("query", "variables", "problem"),
    [
        ("query($path: ID!) { project(fullPath: $path) { id } }", {}, "path"),
        ("query($path: ID!) { project(fullPath: $path) { id } }", {"path": "a", "first": 5}, "$first: not declared"),
        ("query { projekt { id } }", {}, "projekt"),
        ("query { users(first: 101) { nodes { id } } }", {}, "more than 100"),
    ],
)
def test_a_wrong_query_is_found(query: str, variables: dict[str, Any], problem: str) -> None:
    schema = WorkItems(gitlab.make(generate(quick=True)))._schema
    assert any(problem in one for one in graphql_problems(schema, {"query": query, "variables": variables}))
