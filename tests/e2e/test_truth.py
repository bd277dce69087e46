"""What the store holds equals what is true of the company, for each kind of tracker and at past moments too."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pmo_sync.demo import truth
from pmo_sync.demo.company import Worker
from pmo_sync.demo.servers import gitlab
from pmo_sync.demo.servers.jira_wire import account_id, user_key
from pmo_sync.model import person_id
from pmo_sync.store import Store
from tests.connectors.gitlab_graphql import WorkItems
from tests.e2e.office import Office, office

TRACKERS = pytest.mark.parametrize(
    ("pulled", "tracker"),
    [("rest", "cloud"), ("rest", "dc"), ("rest", "gitlab"), ("graphql", "gitlab")],
    indirect=["pulled"],
)
# GitLab tells neither the history of these fields nor anything to rebuild it from
NO_HISTORY = {("rest", "gitlab"): ("assignee", "due_on", "estimate", "health", "kind")}


@pytest.fixture(scope="module")
def pulled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """The company, after its GitLab was read in one of the two ways."""
    with office(tmp_path_factory.mktemp("truth")) as made:
        server = made.running.servers["gitlab"]
        assert isinstance(server, gitlab.GitLab)
        if request.param == "graphql":
            WorkItems(server)
        assert made.run("pull", "--quiet") == 0
        with Store.open(made.config.state_dir / "pmo-sync.duckdb", read_only=True) as store:
            yield made, store


def through(made: Office) -> str:
    """Which way its GitLab was read."""
    read = {entry.path.rpartition("/")[2] for entry in made.running.servers["gitlab"].log if entry.status == 200}
    assert len(read & {"graphql", "resource_label_events"}) == 1
    return "graphql" if "graphql" in read else "rest"


def naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


@TRACKERS
def test_issues(pulled: tuple[Office, Store], tracker: str) -> None:
    made, store = pulled
    company = made.running.company
    stored = {
        row[0]: row
        for row in store.rows(
            "SELECT key, issue_id, title, kind, level, created_at, is_confidential, superseded FROM issue WHERE source = ?",
            [tracker],
        )
    }
    expected = {
        key: (
            key, f"{tracker}:{one.id}", one.title.replace("\0", ""), one.kind, one.level, naive(one.created_at),
            one.is_confidential, one.superseded,
        )
        for key, one in truth.issues(company, tracker, company.now).items()
    }  # fmt: skip
    assert stored == expected


@TRACKERS
def test_milestones(pulled: tuple[Office, Store], tracker: str) -> None:
    made, store = pulled
    company = made.running.company
    stored = {
        row[0]: row[1:]
        for row in store.rows(
            "SELECT milestone_id, kind, name, state, start_on, due_on FROM milestone WHERE source = ?", [tracker]
        )
    }
    expected = {
        f"{tracker}:{one.kind}:{one.id}": (one.kind, one.name, one.state, _day(one.start_on), _day(one.due_on))
        for one in truth.milestones(company, tracker, company.now).values()
    }
    assert stored == expected


def _day(text: str | None) -> Any:
    return None if text is None else datetime.fromisoformat(text).date()


@TRACKERS
@pytest.mark.parametrize("draw", range(6))
def test_state_at(pulled: tuple[Office, Store], tracker: str, draw: int) -> None:
    """Five random past moments and the present."""
    made, store = pulled
    company = made.running.company
    span = (company.now - datetime.combine(company.started_on, datetime.min.time(), UTC)).total_seconds()
    moment = company.now
    if draw:
        moment -= timedelta(seconds=int(random.Random(draw).uniform(0, span)))
    expected = truth.states(company, tracker, moment, seen_at=company.now)
    found = states(store, tracker, moment)
    assert found.keys() == expected.keys()
    hidden = NO_HISTORY.get((through(made), tracker), ()) if draw else ()
    for key, state in expected.items():
        for name, value in wanted(state, tracker).items():
            if name not in hidden:
                assert found[key].get(name) == value, (key, name)


def wanted(state: truth.State, tracker: str) -> dict[str, Any]:
    """A true state in the words of the store."""
    status = state.status
    if tracker == "gitlab" and status == "opened" and state.workflow:
        status = state.workflow
    return {
        "status": status,
        "resolution": state.resolution,
        "kind": state.kind,
        "priority": state.priority,
        "milestone": state.milestones or None,
        "label": state.labels or None,
        "parent": state.parent,
        "assignee": state.assignee and person_id(tracker, native(state.assignee, tracker)),
        "flagged": "true" if state.is_flagged else None,
        "due_on": state.due_on,
        "estimate": state.estimate,
        "health": state.health,
    }


def native(worker: str, tracker: str) -> str:
    """How the tracker names a person."""
    if tracker == "gitlab":
        return str(100 + int(worker.removeprefix("w")))
    one = Worker(worker, "", "")
    return account_id(one) if tracker == "cloud" else user_key(one)


def states(store: Store, tracker: str, moment: datetime) -> dict[str, dict[str, Any]]:
    """Key -> field -> value at ``moment``, as the intervals say."""
    found: dict[str, dict[str, Any]] = {
        row[0]: {}
        for row in store.rows("SELECT key FROM issue WHERE source = ? AND created_at <= ?", [tracker, naive(moment)])
    }
    rows = store.rows(
        "SELECT i.key, h.field, h.value, h.label, other.key FROM history h JOIN issue i ON i.issue = h.entity "
        "LEFT JOIN issue other ON other.issue_id = h.value "
        "WHERE i.source = ? AND h.since <= ? AND (h.until IS NULL OR h.until > ?)", [tracker, naive(moment), naive(moment)]
    )  # fmt: skip
    for key, field, value, label, other in rows:
        at = found[key]
        if field in ("milestone", "label"):
            at[field] = at.get(field, frozenset()) | {label if field == "milestone" else value}
        elif field in ("status", "resolution", "priority"):
            at[field] = label
        elif field == "parent":
            at[field] = other
        else:
            at[field] = float(value) if field == "estimate" else value
    return found


@TRACKERS
def test_links(pulled: tuple[Office, Store], tracker: str) -> None:
    made, store = pulled
    company = made.running.company
    rows = store.rows(
        "SELECT i.key, coalesce(other.key, h.value), h.since FROM history h JOIN issue i ON i.issue = h.entity "
        "LEFT JOIN issue other ON other.issue_id = h.value "
        "WHERE h.field = 'blocked_by' AND h.until IS NULL AND i.source = ?", [tracker]
    )  # fmt: skip
    expected = {(one.blocked, one.blocker, naive(one.at)) for one in truth.links(company, tracker, company.now)}
    assert set(rows) == expected


@pytest.mark.parametrize("pulled", ["rest", "graphql"], indirect=True)
def test_nothing_private_is_stored(pulled: tuple[Office, Store]) -> None:
    """No description, e-mail address or token in the state folder, and names in one table only."""
    made, store = pulled
    company = made.running.company
    names = {row[0] for row in store.rows("SELECT name FROM person")}
    assert names <= {worker.name for worker in company.workers}
    tables = [row[0] for row in store.rows("SELECT table_name FROM duckdb_tables() WHERE NOT temporary")]
    text = "\n".join(str(store.rows(f'SELECT * FROM "{table}"')) for table in tables if table != "person")
    for worker in company.workers:
        assert worker.name not in text
    assert "@" not in " ".join(names)
    for item in company.items:
        if len(item.description) > 30:
            assert item.description[:200] not in text
    for file in made.config.state_dir.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for token in made.running.tokens.values():
                assert token.encode() not in content, file
