"""The small company's two Jira servers, fresh for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pmo_sync.demo.portfolio import generate
from pmo_sync.demo.servers import jira_cloud, jira_dc
from tests.demo.jira import Jira, run


@pytest.fixture
def cloud() -> Iterator[Jira]:
    yield from run(generate(quick=True), jira_cloud.make, "cloud")


@pytest.fixture
def center() -> Iterator[Jira]:
    yield from run(generate(quick=True), jira_dc.make, "dc")
