"""The starter: five servers, a configuration that loads, and time that passes."""

from __future__ import annotations

import socket
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from pmo_sync import config
from pmo_sync.demo import Running, start
from pmo_sync.demo.portfolio import generate
from pmo_sync.demo.servers import gitlab
from tests.demo.small import SHOP, small_company
from tests.named import named


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start(generate(quick=True), tmp_path_factory.mktemp("demo")) as made:
        yield made


def _loaded(running: Running, folder: Path) -> config.Config:
    file = folder / "pmo-sync.toml"
    file.write_text(running.config_text(), encoding="utf-8")
    return config.load(file, running.tokens, ["jira", "gitlab", "files"])


def test_the_configuration_loads(running: Running, tmp_path: Path) -> None:
    loaded = _loaded(running, tmp_path)
    assert [(one.name, one.kind) for one in loaded.sources] == [("cloud", "jira"), ("dc", "jira"), ("gitlab", "gitlab")]
    for source in loaded.sources:
        assert source.server is not None
        assert source.server.url == running.urls[source.name]
        assert source.projects == tuple(
            project.key for project in running.company.projects if project.tracker == source.name
        )
    assert named("gitlab", loaded.sources).workflow_labels == "workflow::"
    assert named("gitlab", loaded.sources).statuses["workflow::review"] == "doing"
    flavours = [one.server.flavour for one in loaded.sources if one.server]
    assert flavours == ["cloud", "data-center", None]
    kinds = {one.name: one.kind for one in loaded.places}
    assert kinds == {
        "confluence": "confluence",
        "confluence-dc": "confluence",
        "jira-note": "jira-comment",
        "gitlab-note": "gitlab-note",
    }
    assert all(place.write for place in loaded.places)
    assert {place for report in loaded.reports for place in report.places} == set(kinds)
    assert len(loaded.projects) > 3


def test_every_token_opens_its_server(running: Running, tmp_path: Path) -> None:
    loaded = _loaded(running, tmp_path)
    paths = {
        "cloud": "/rest/api/3/myself",
        "dc": "/rest/api/2/myself",
        "gitlab": "/api/v4/user",
        "confluence": "/rest/api/user/current",
        "confluence-dc": "/rest/api/user/current",
        "jira-note": "/rest/api/3/myself",
        "gitlab-note": "/api/v4/user",
    }
    for one in (*loaded.sources, *loaded.places):
        assert one.server is not None
        assert one.server.token is not None
        token = one.server.token.reveal()
        auth = (one.server.user, token) if one.server.user else None
        headers = {} if auth else {"Authorization": f"Bearer {token}"}
        answer = requests.get(one.server.url + paths[one.name], auth=auth, headers=headers, timeout=10)
        assert answer.status_code == 200, one.name


def test_carriers_exist_and_last(running: Running, tmp_path: Path) -> None:
    loaded = _loaded(running, tmp_path)
    slots = {f"project/{project.id}" for project in loaded.projects}
    for name in ("jira-note", "gitlab-note"):
        ((slot, key),) = named(name, loaded.places).issues.items()
        assert slot in slots
        (carrier,) = [item for item in running.company.items if item.key == key]
        assert (carrier.deleted_at, carrier.moved_to, carrier.is_confidential) == (None, None, False)
        assert carrier.exists(running.company.now)


def test_parents_are_pages_of_their_own_server(running: Running, tmp_path: Path) -> None:
    loaded = _loaded(running, tmp_path)
    for name in ("confluence", "confluence-dc"):
        pages = running.servers[name].pages()  # type: ignore[attr-defined]
        assert [page.title for page in pages if page.id == named(name, loaded.places).parent] == ["Reports"]


def test_the_company_knows_its_addresses(running: Running) -> None:
    assert running.company.addresses == {name: running.urls[name] for name in ("cloud", "dc", "gitlab")}


def test_writes_are_counted_and_time_passes(tmp_path: Path) -> None:
    with start(small_company(), tmp_path) as running:
        before = running.company.now
        assert running.writes() == []
        headers = {"PRIVATE-TOKEN": gitlab.PUBLISHER_TOKEN}
        notes = f"{running.urls['gitlab']}/api/v4/projects/71/issues/1/notes"
        assert requests.post(notes, json={"body": "x"}, headers=headers, timeout=10).status_code == 201
        requests.get(notes, headers=headers, timeout=10)
        assert [(entry.method, entry.status) for entry in running.writes()] == [("POST", 201)]
        running.advance(3)
        assert running.company.now - before == timedelta(weeks=3)


def test_a_company_without_configuration_gets_a_whole_one(tmp_path: Path) -> None:
    with start(small_company(), tmp_path) as running:
        written = tomllib.loads(running.config_text())
        assert written["source"]["gitlab"]["projects"] == [SHOP, "acme/tools"]
        assert "dc" not in written["source"]  # no project there
        statuses = written["source"]["gitlab"]["statuses"]  # what nobody has defined stays undefined
        assert statuses == {"workflow::ready": "todo", "workflow::doing": "doing", "closed": "done"}
        assert written["place"]["gitlab-note"]["issues"] == {"portfolio": f"{SHOP}#1"}


def test_stopping_frees_the_ports(tmp_path: Path) -> None:
    running = start(small_company(), tmp_path)
    ports = [server.url.rsplit(":", 1)[1] for server in running.servers.values()]
    running.stop()
    for port in ports:
        with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
            probe.connect(("127.0.0.1", int(port)))
