"""The contract of every connector, for GitLab through REST and through GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from connectors.base import Connector
from connectors.gitlab import connect, listing, rest
from pmo_sync.clients import gitlab as client
from pmo_sync.demo import portfolio
from pmo_sync.demo.company import Event, Item
from pmo_sync.demo.servers import gitlab
from pmo_sync.demo.servers.wire import Answer, Request
from pmo_sync.http.network import Network
from tests.clocks import QuickClock
from tests.connectors.gitlab_fake import source_config
from tests.connectors.gitlab_graphql import WorkItems
from tests.contract.connector import ServerConnectorContract, ServerHarness


class GitlabHarness(ServerHarness):
    """The simulated company's largest GitLab project, with a title and a comment nobody should see."""

    source = "acme"
    project_key = "arunika/logistics/fleet-tracking"

    def __init__(self) -> None:
        self.company = portfolio.generate(quick=True)
        self.server = gitlab.make(self.company)
        self.prepare()
        self.server.start()
        items = self.items()
        items[3].title = "nul\0 in a title"
        items[4].description = "a description with somebody@example.invalid in it"
        self.hidden = ["somebody@example.invalid", *(one.description for one in items if len(one.description) > 8)]

    def prepare(self) -> None:
        """Whatever else the server shall serve."""

    def items(self) -> list[Item]:
        return list(self.company.visible("gitlab", self.project_key))

    def connect(self) -> Connector:
        return self._connect(self.server.url, gitlab.READER_TOKEN)

    def connect_with_wrong_token(self) -> Connector:
        return self._connect(self.server.url, "wrong")

    def connect_to_nobody(self) -> Connector:
        return self._connect("http://127.0.0.1:9", gitlab.READER_TOKEN)

    def _connect(self, url: str, token: str) -> Connector:
        return connect(source_config(url, self.project_key, workflow="workflow::", token=token), Network(QuickClock()))

    def issue_ids(self) -> frozenset[str]:
        return frozenset(f"acme:{one.id}" for one in self.items())

    def now(self) -> datetime:
        return self.company.now

    def change(self) -> str:
        self.company.now += timedelta(days=3)
        one = next(one for one in self.items() if one.value("status", self.company.now) != "closed")
        one.events.append(Event(self.company.now, "status", one.value("status", self.company.now), "closed"))
        return f"acme:{one.id}"

    def malform(self) -> str:
        one = self.items()[7]
        answer = self.server.answer

        def without_title(request: Request) -> Answer:
            made = answer(request)
            if request.path.endswith("/issues") and isinstance(made.body, list):
                body = [{k: v for k, v in row.items() if k != "title" or row["id"] != one.id} for row in made.body]
                made = made._replace(body=body)
            return made

        self.server.answer = without_title  # type: ignore[method-assign]
        return f"acme:{one.id}"

    def delete(self) -> str:
        item = self.items()[-1]
        item.deleted_at = self.company.now
        return f"acme:{item.id}"

    def move(self) -> None:
        """GitLab leaves a moved issue where it was, closed, and makes a new one."""

    def lag(self) -> None:
        """Lists come from the database itself."""

    def ignore_bounds(self) -> None:
        answer = self.server.answer

        def heedless(request: Request) -> Answer:
            query = {name: values for name, values in request.query.items() if name != "updated_after"}
            return answer(request._replace(query=query))

        self.server.answer = heedless  # type: ignore[method-assign]

    def answered(self) -> int:
        return len(self.server.log)


class GraphqlHarness(GitlabHarness):
    """The same company, through work items."""

    def prepare(self) -> None:
        self.work_items = WorkItems(self.server)

    def malform(self) -> str:
        one = self.items()[7]
        self.work_items.unnumbered.add(one.id)
        return f"acme:{one.id}"

    def ignore_bounds(self) -> None:
        self.work_items.ignores_bounds = True


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some pages for a project of some dozens of issues."""
    for place in (client, rest):
        monkeypatch.setattr(place, "PAGE", 30)
    monkeypatch.setattr(listing, "FIRST", 30)
    monkeypatch.setattr(listing, "INNER", 15)


@pytest.mark.usefixtures("small_pages")
class TestGitlab(ServerConnectorContract):
    @pytest.fixture
    def harness(self) -> Iterator[GitlabHarness]:
        made = GitlabHarness()
        yield made
        made.server.stop()


@pytest.mark.usefixtures("small_pages")
class TestGitlabGraphql(ServerConnectorContract):
    @pytest.fixture
    def harness(self) -> Iterator[GraphqlHarness]:
        made = GraphqlHarness()
        yield made
        made.server.stop()
