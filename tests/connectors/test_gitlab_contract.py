"""The contract of every connector, for GitLab."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from connectors.base import Connector
from connectors.gitlab import connect
from pmo_sync.demo import portfolio
from pmo_sync.demo.company import Event, Item
from pmo_sync.demo.servers import gitlab
from pmo_sync.demo.servers.wire import Answer, Request
from tests.connectors.gitlab_fake import QuietClock, source_config
from tests.contract.connector import ServerConnectorContract, ServerHarness


class GitlabHarness(ServerHarness):
    """The simulated company's largest GitLab project, with a title and a comment nobody should see."""

    source = "acme"
    project_key = "arunika/logistics/fleet-tracking"

    def __init__(self) -> None:
        self.company = portfolio.generate(quick=True)
        self.server = gitlab.make(self.company)
        self.server.start()
        items = self.items()
        items[3].title = "nul\0 in a title"
        items[4].description = "a description with somebody@example.invalid in it"
        self.hidden = ["somebody@example.invalid", *(one.description for one in items if len(one.description) > 8)]

    def items(self) -> list[Item]:
        return list(self.company.visible("gitlab", self.project_key))

    def connect(self) -> Connector:
        return self._connect(self.server.url, gitlab.READER_TOKEN)

    def connect_with_wrong_token(self) -> Connector:
        return self._connect(self.server.url, "wrong")

    def connect_to_nobody(self) -> Connector:
        return self._connect("http://127.0.0.1:9", gitlab.READER_TOKEN)

    def _connect(self, url: str, token: str) -> Connector:
        return connect(source_config(url, self.project_key, workflow="workflow::", token=token), QuietClock())

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


class TestGitlab(ServerConnectorContract):
    @pytest.fixture
    def harness(self) -> Iterator[GitlabHarness]:
        made = GitlabHarness()
        yield made
        made.server.stop()
