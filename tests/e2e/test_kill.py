"""kill -9 at random moments of full and incremental pulls and of publish: in the end all is as after an unbroken run."""

from __future__ import annotations

import os
import random
import re
import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_sync.http.network import Network
from pmo_sync.record import Record
from pmo_sync.store import Store, handover
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
                texts += [one["body"] for one in JiraClient(place.server, Network(SystemClock())).comments(issue)]
            else:
                project, _, iid = issue.partition("#")
                texts += [
                    one["body"] for one in GitlabClient(place.server, Network(SystemClock())).notes(project, int(iid))
                ]
    return sorted(texts)


def record(made: Office) -> dict[str, int]:
    """How many rows of each dataset the record holds, runs and their times apart."""
    kept = Record(made.config.state_dir / "record")
    return {
        name: len(kept.rows(name))
        for name in ("milestone_history", "publication", "reading", "evidence", "ledger", "vanished_issue")
    }


def vanished(made: Office) -> list[tuple[str, ...]]:
    """The vanished issues and their past as a database built from the record alone has them."""
    with Store.open(made.folder / "unused", memory=True) as store:
        handover.take(store, Record(made.config.state_dir / "record"))
        issues = store.rows("SELECT issue_id, vanished_at FROM issue WHERE vanished_at IS NOT NULL ORDER BY ALL")
        past = store.rows("""SELECT entity_id, field, value, since, until
            FROM history JOIN entity USING (entity) JOIN issue ON issue.issue = entity ORDER BY ALL""")
    return [tuple(str(cell) for cell in row) for row in (*issues, *past)]


def survives(made: Office, kills: int, draw: random.Random) -> int:
    """Kill pulls at random moments between their imports and their end, beginning where the office stands now: in the
    end all is as after an unbroken one. Returns how many were still at work.
    """
    state, before = made.config.state_dir, made.folder / "before"
    shutil.rmtree(before, ignore_errors=True)
    if state.exists():
        shutil.copytree(state, before)

    def again() -> None:
        shutil.rmtree(state)
        if before.exists():
            shutil.copytree(before, state)

    began = time.monotonic()
    assert made.process("pull", "--quiet") == 0
    whole = time.monotonic() - began
    expected = stored(made), vanished(made), record(made)["milestone_history"]
    again()
    hits = 0
    for _ in range(kills):
        code = made.process("pull", "--quiet", seconds=draw.uniform(0.25, 0.95) * whole)
        hits += code is None
        if code is not None:
            again()
    assert made.run("pull", "--quiet") == 0
    found = stored(made), vanished(made), record(made)["milestone_history"]
    for name, rows in expected[0].items():
        assert found[0][name] == rows, name
    assert found[1:] == expected[1:]
    return hits


def change(made: Office) -> set[str]:
    """A week later: much has happened, and something is deleted in each tracker. Returns the ids of what is there no more."""
    company = made.running.company
    before = {f"{tracker}:{one.id}" for tracker in company.addresses for one in company.visible(tracker)}
    made.running.advance()
    for tracker in company.addresses:
        items = [one for one in company.visible(tracker) if f"{tracker}:{one.id}" in before]
        items[-1].deleted_at = company.now
    return before - {f"{tracker}:{one.id}" for tracker in company.addresses for one in company.visible(tracker)}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory):
    with office(tmp_path_factory.mktemp("unbroken")) as made:
        assert made.run("sync", "--quiet") == 0
        yield made


@pytest.mark.timeout(1800)
def test_killed_pull(tmp_path: Path) -> None:
    """A first pull; one after a week in which something was deleted; one a day later, when that vanishes."""
    draw, shares = random.Random(11), (KILLS - 2 * (KILLS // 3), KILLS // 3, KILLS // 3)
    with office(tmp_path) as made:
        hits = survives(made, shares[0], draw)
        assert not vanished(made)
        gone = change(made)
        hits += survives(made, shares[1], draw)
        assert not vanished(made)
        made.running.company.now += timedelta(hours=25)
        hits += survives(made, shares[2], draw)
        assert {row[0] for row in vanished(made)} == gone
        assert hits >= KILLS // 2


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
        for _ in range(KILLS // 2):
            hits += made.process("publish", "--quiet", seconds=draw.uniform(0.25, 0.95) * whole) is None
        assert hits >= KILLS // 6
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
