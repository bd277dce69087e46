"""What the tests of the Jira connector share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.jira_fake import FakeJira
from tests.scripted_server import ScriptedServer


@pytest.fixture
def server(jira: FakeJira) -> Iterator[ScriptedServer]:
    """The module's ``jira`` on a free port."""
    with ScriptedServer(answer=jira.answer) as made:
        yield made
