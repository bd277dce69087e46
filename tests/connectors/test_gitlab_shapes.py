"""Answers that have not the shape they should have: records, a problem, or one line that says so; never a crash."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.gitlab import connect, survey
from pmo_sync.demo.servers import gitlab
from pmo_sync.demo.servers.wire import Answer, Request
from pmo_sync.errors import PmoSyncError, TrackerError
from pmo_sync.http.network import Network
from pmo_sync.model import Issue
from tests.clocks import QuickClock
from tests.connectors.bending import ODD, bent, places
from tests.connectors.gitlab_fake import source_config
from tests.connectors.gitlab_graphql import WorkItems
from tests.demo.small import SHOP, small_company

API = "/api/v4"
BOTH = pytest.mark.parametrize("through", ["graphql", "rest"])


class Site:
    """A small company's GitLab. ``bend`` may put another body in place of the one that a question has."""

    def __init__(self, through: str) -> None:
        self.server = gitlab.make(small_company())
        if through == "graphql":
            made = WorkItems(self.server)
            made.has_epics = True
            made.epics = {900: {"id": "gid://gitlab/WorkItem/900", "iid": "4", "title": "Go live"}}
        self.asked: list[str] = []
        self.bend: Callable[[str, Any], Any] = lambda asked, body: body
        self._route, self.server._route = self.server._route, self._bent  # type: ignore[method-assign]

    def _bent(self, request: Request) -> Answer:
        answer = self._route(request)
        query = json.loads(request.body)["query"] if request.body else ""
        asked = request.path + "".join(query.split())
        self.asked.append(asked)
        return answer._replace(body=self.bend(asked, answer.body)) if answer.status == 200 else answer


@contextmanager
def running(through: str) -> Iterator[Site]:
    made = Site(through)
    made.server.start()
    try:
        yield made
    finally:
        made.server.stop()


def everything(site: Site) -> list[Issue]:
    """All a connector can be asked; what it says it cannot do is passed over."""
    options = source_config(site.server.url, "acme/*", workflow="workflow::", token=gitlab.READER_TOKEN)
    made = connect(options, Network(QuickClock()))
    issues: list[Issue] = []
    with suppress(PmoSyncError):
        made.check()
    with suppress(PmoSyncError):
        for project in made.catalogue().projects:
            with suppress(PmoSyncError):
                for page in made.pages(project, None):
                    issues += page.issues
                    assert all(one.what and "\n" not in one.what for one in page.problems)
            for sweep in (False, True):
                with suppress(PmoSyncError):
                    made.census(project, sweep=sweep)
            with suppress(PmoSyncError):
                list(made.trace(project, ["acme:1001", "acme:1099"]))
    with suppress(PmoSyncError):
        made.requests(100)
    with suppress(PmoSyncError):
        survey(options, Network(QuickClock()))
    return issues


@cache
def answers(through: str) -> list[str]:
    """Everything a connector asks."""
    with running(through) as site:
        assert {one.key.partition("#")[0] for one in everything(site)} >= {SHOP}
        return sorted({*site.asked})


@BOTH
@settings(max_examples=settings().max_examples // 2)
@given(data=st.data())
def test_whatever_comes_is_understood_or_said(through: str, data: st.DataObject) -> None:
    victim = data.draw(st.sampled_from(answers(through)), label="answer")
    place = data.draw(st.integers(0, 10_000), label="place")
    odd = data.draw(ODD | st.just(...), label="instead")

    def bend(asked: str, body: Any) -> Any:
        if asked != victim:
            return body
        found = list(places(body))
        return bent(body, found[place % len(found)], odd)

    with running(through) as site:
        site.bend = bend
        everything(site)


CRASHES = [
    ("rest", f"{API}/projects/71/issues_statistics", {"statistics": None}),
    ("rest", f"{API}/personal_access_tokens/self", {"scopes": ["read_api"], "expires_at": "never"}),
    ("rest", f"{API}/personal_access_tokens/self", {"scopes": 7}),
    ("rest", f"{API}/projects", [{"id": 1, "path_with_namespace": "acme/x", "namespace": 7}]),
    ("rest", f"{API}/groups/acme/projects", [{"id": 1, "path_with_namespace": "acme/x", "name": "x", "permissions": [1]}]),
    ("graphql", "/api/graphql", {"data": {"currentUser": {"id": 1}, "item": {"fields": [{"x": 1}]}}}),
]  # fmt: skip


@pytest.mark.parametrize(("through", "path", "body"), CRASHES)
def test_what_has_crashed_us(through: str, path: str, body: Any) -> None:
    with running(through) as site:
        site.bend = lambda asked, good: body if asked.startswith(path) and "issues/" not in asked else good
        everything(site)
        assert any(one.startswith(path) for one in site.asked)


def test_it_is_said_of_which_source_and_what() -> None:
    with running("rest") as site:
        site.bend = lambda asked, good: {"scopes": 7} if asked.endswith("/self") else good
        options = source_config(site.server.url, SHOP, token=gitlab.READER_TOKEN)
        with pytest.raises(TrackerError, match=r"^acme: what it says of itself cannot be understood \(TypeError: "):
            connect(options, Network(QuickClock())).check()
