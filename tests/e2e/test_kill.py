"""kill -9 at random moments of pull and of publish, then a normal run: everything as after an unbroken one."""

from __future__ import annotations

import os
import random
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pmo_sync.record import Record
from pmo_sync.store import Store
from tests.e2e.office import Office, office

KILLS = int(os.environ.get("PMO_SYNC_KILLS", "10"))


def stored(made: Office) -> dict[str, Any]:
    """The logical rows of the store: what is in it, integer keys and cursors' times apart."""
    with Store.open(made.config.state_dir / "pmo-sync.duckdb", read_only=True) as store:
        queries = {
            "project": "SELECT * FROM project",
            "status": "SELECT * FROM status",
            "person": "SELECT * FROM person",
            "milestone": "SELECT * EXCLUDE (milestone) FROM milestone",
            "issue": "SELECT * EXCLUDE (issue, updated_at) FROM issue",  # our own comments touch their carriers
            "history": "SELECT h.* EXCLUDE (entity), e.entity_id FROM history h JOIN entity e USING (entity)",
            "staged": "SELECT issue_id FROM staged_issue",
        }
        rows = {name: store.rows(f"{query} ORDER BY ALL") for name, query in queries.items()}
    return {name: [tuple(str(cell) for cell in row) for row in found] for name, found in rows.items()}


def normal(text: str) -> str:
    """Without what differs between two companies alike: ports, page ids, and the digests of texts that name them."""
    for pattern in (
        r"(?<=127\.0\.0\.1):\d+",
        r"(?<=/pages/)\d+",
        r"(?<=pageId=)\d+",
        r'ac:macro-id="[^"]*"',
        r"\b[0-9a-f]{20}\b",
    ):
        text = re.sub(pattern, "", text)
    return text


def places(made: Office) -> dict[str, Any]:
    """What stands in every place: pages, comments, notes."""
    servers = made.running.servers
    found: dict[str, Any] = {
        name: sorted((page.title, normal(page.body)) for page in servers[name].pages())
        for name in ("confluence", "confluence-dc")
    }
    found["comments"] = [normal(text) for text in comments(made)]
    return found


def comments(made: Office) -> list[str]:
    """The texts of our comments and notes on their carrier issues."""
    from pmo_sync.clients.gitlab import GitlabClient
    from pmo_sync.clients.jira import JiraClient
    from pmo_sync.clock import SystemClock

    config, texts = made.config, []
    for place in config.places:
        for issue in place.issues.values():
            if place.kind == "jira-comment":
                texts += [one["body"] for one in JiraClient(place.server, SystemClock()).comments(issue)]
            else:
                project, _, iid = issue.partition("#")
                texts += [one["body"] for one in GitlabClient(place.server, SystemClock()).notes(project, int(iid))]
    return sorted(texts)


def record(made: Office) -> dict[str, int]:
    """How many rows of each dataset the record holds, runs and their times apart."""
    kept = Record(made.config.state_dir / "record")
    return {
        name: len(kept.rows(name))
        for name in ("milestone_history", "publication", "reading", "ledger", "vanished_issue")
    }


def killed(made: Office, command: str, again: Callable[[], None]) -> int:
    """Kill ``command`` at random moments between its imports and its end; how often it was still at work."""
    began = time.monotonic()
    assert made.process(command, "--quiet") == 0
    whole = time.monotonic() - began
    again()
    draw, hits = random.Random(11), 0
    for _ in range(KILLS):
        code = made.process(command, "--quiet", seconds=draw.uniform(0.25, 0.95) * whole)
        hits += code is None
        if code is not None:
            again()
    return hits


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory):
    with office(tmp_path_factory.mktemp("unbroken")) as made:
        assert made.run("sync", "--quiet") == 0
        yield made


@pytest.mark.timeout(900)
def test_killed_pull(unbroken: Office, tmp_path: Path) -> None:
    with office(tmp_path) as made:
        hits = killed(made, "pull", lambda: shutil.rmtree(made.config.state_dir))
        assert hits >= KILLS // 2
        assert made.run("pull", "--quiet") == 0
        addresses = {made.running.urls[name]: unbroken.running.urls[name] for name in made.running.urls}
        ours, theirs = stored(made), stored(unbroken)
        for name, rows in theirs.items():
            assert translated(ours[name], addresses) == sorted(rows), name
        assert record(made)["milestone_history"] == record(unbroken)["milestone_history"]


def translated(rows: list[tuple[str, ...]], addresses: dict[str, str]) -> list[tuple[str, ...]]:
    def cell(text: str) -> str:
        for ours, theirs in addresses.items():
            text = text.replace(ours, theirs)
        return text

    return sorted(tuple(cell(one) for one in row) for row in rows)


@pytest.mark.timeout(900)
def test_killed_publish(unbroken: Office, tmp_path: Path) -> None:
    with office(tmp_path / "scratch") as scratch:
        assert scratch.run("pull", "--quiet") == 0
        began = time.monotonic()
        assert scratch.process("publish", "--quiet") == 0
        whole = time.monotonic() - began
    with office(tmp_path / "real") as made:
        assert made.run("pull", "--quiet") == 0
        draw, hits = random.Random(12), 0
        for _ in range(KILLS):
            hits += made.process("publish", "--quiet", seconds=draw.uniform(0.25, 0.95) * whole) is None
        assert hits >= KILLS // 3
        assert made.run("publish", "--quiet") == 0
        assert places(made) == places(unbroken)
        assert record(made) == record(unbroken), "the record was written before the places"
        before = len(made.running.writes())
        assert made.run("publish", "--quiet") == 0
        assert len(made.running.writes()) == before


def test_database_deleted(unbroken: Office) -> None:
    """The database is disposable: built anew, it writes nothing to any place and nothing new to the record."""
    before, rows, writes = stored(unbroken), record(unbroken), len(unbroken.running.writes())
    (unbroken.config.state_dir / "pmo-sync.duckdb").unlink()
    assert unbroken.run("sync", "--quiet") == 0
    assert stored(unbroken) == before
    assert record(unbroken) == rows
    assert len(unbroken.running.writes()) == writes
