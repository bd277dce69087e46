"""`init`: from three trackers to a configuration that `sync` takes as it is; and everything that can stand in its way."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import connectors
from connectors.base import Survey
from pmo_sync import asking
from pmo_sync.cli import cli, run_in_process
from pmo_sync.config import Config, load
from pmo_sync.config.writing import key, quoted
from pmo_sync.demo import start
from pmo_sync.demo.portfolio import NOW, generate
from pmo_sync.demo.servers import jira_dc
from pmo_sync.demo.servers.wire import Answer, Server
from pmo_sync.model import Catalogue, FieldChoice, Milestone, Project, Status
from pmo_sync.pipeline.init import workflow
from pmo_sync.pipeline.proposal import Seen, text
from tests.clocks import LeapingClock
from tests.e2e.office import Office, office
from tests.named import named


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("company")) as made:
        yield made


def run(company: Office, *words: str, **tokens: str) -> int:
    return run_in_process(list(words), LeapingClock(company.running.company.now), {**company.running.tokens, **tokens})


@pytest.mark.timeout(300)
def test_three_trackers_then_sync_unedited(company: Office, tmp_path: Path, capsys) -> None:
    """Acceptance: what init writes is used as it is; every source complete, no status left without a category."""
    file, before = tmp_path / "pmo-sync.toml", len(company.running.writes())
    assert run(company, *company.init_arguments(file)) == 0
    assert len(company.running.writes()) == before
    assert f"pmo-sync check --config {file}" in capsys.readouterr().out
    written = file.read_bytes()
    assert [one.name for one in tmp_path.iterdir()] == ["pmo-sync.toml"]
    assert run(company, "check", "--config", str(file)) == 0
    assert "everything is in order" in capsys.readouterr().out
    assert run(company, "sync", "--config", str(file), "--json") == 0
    sources = json.loads(capsys.readouterr().out)["sources"]
    assert {one["source"]: one["grade"] for one in sources} == dict.fromkeys(("cloud", "dc", "gitlab"), "complete")
    assert all(not one["unmapped_statuses"] for one in sources)
    assert file.read_bytes() == written
    assert (tmp_path / "reports" / "portfolio.html").is_file()


def test_what_it_finds(company: Office, tmp_path: Path) -> None:
    file = tmp_path / "pmo-sync.toml"
    assert run(company, *company.init_arguments(file)) == 0
    config = load(file, company.running.tokens, connectors.names())
    assert (config.name, config.zone.key, config.language) == ("PMO Arunika", "Asia/Jakarta", "id")
    assert {one.id for one in config.projects} == {"aud", "kyc", "pay", "dwh", "erp", "gateway", "fleet-tracking"}
    flavours = {one.name: one.server.flavour for one in config.sources if one.server}
    assert flavours == {"cloud": "cloud", "dc": "data-center", "gitlab": None}
    assert named("gitlab", config.sources).workflow_labels == "workflow::"
    assert named("gitlab", config.sources).statuses["workflow::ready"] == "todo"
    assert named("dc", config.sources).statuses == {"Menunggu Vendor": "doing"}
    assert named("cloud", config.sources).statuses == {"Cancelled": "canceled"}  # Jira's own word for it is done
    assert config.roles["risk"] == ("Risk", "risk")
    assert config.roles["decision"] == ("Decision", "decision")
    assert not config.places
    content = file.read_text(encoding="utf-8")
    assert not any(token in content for token in company.running.tokens.values())
    assert "# [place.confluence]" in content


def test_groups_and_categories_become_programmes(company: Office, tmp_path: Path, monkeypatch) -> None:
    """Of two projects or more; a Jira category and a GitLab group alike."""
    wire = company.running.servers["dc"]
    route = wire._route

    def categorised(request: Any) -> Answer:
        answer = route(request)
        if request.path.endswith("/rest/api/2/project"):
            category = {"id": "1", "name": 'Core "bank"', "description": ""}
            answer = answer._replace(body=[{**one, "projectCategory": category} for one in answer.body])
        return answer

    monkeypatch.setattr(wire, "_route", categorised)
    file = tmp_path / "pmo-sync.toml"
    assert run(company, *company.init_arguments(file)) == 0
    config = load(file, company.running.tokens, connectors.names())
    assert config.programmes == {"core-bank": 'Core "bank"'}
    assert {one.id for one in config.projects if one.programme == "core-bank"} == {"dwh", "erp"}


def test_it_never_writes_over_a_file(company: Office, tmp_path: Path, capsys) -> None:
    file = tmp_path / "pmo-sync.toml"
    file.write_text("# mine\n", encoding="utf-8")
    assert run(company, *company.init_arguments(file)) == 1
    assert "exists; look at it, or write over it with --force" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == "# mine\n"
    assert run(company, *company.init_arguments(file), "--force") == 0
    assert "[source.cloud]" in file.read_text(encoding="utf-8")


def test_wrong_tokens_of_two_trackers_are_told_at_once(company: Office, tmp_path: Path, capsys) -> None:
    file = tmp_path / "pmo-sync.toml"
    assert (
        run(company, *company.init_arguments(file), DEMO_JIRA_DC_TOKEN="nonsense", DEMO_GITLAB_READ_TOKEN="wrong") == 1
    )
    errors = capsys.readouterr().err
    assert "pmo-sync: dc: " in errors
    assert "pmo-sync: gitlab: " in errors
    assert "nothing was written" in errors
    assert "nonsense" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_address(company: Office, tmp_path: Path, capsys) -> None:
    page = Server("page", [], lambda _: Answer(200, b"<!doctype html>", {"Content-Type": "text/html"})).start()
    tokens = {"JIRA_TOKEN": "x", "GITLAB_TOKEN": "x"}
    try:
        for kind, url, says in (
            ("--jira", "jira.example.org", "source.jira.url: must be an address that starts with https://"),
            ("--jira", page.url, "a web page came instead of data"),
            ("--gitlab", page.url, "answered a web page, not data"),
        ):
            assert run(company, "init", "--config", str(tmp_path / "a.toml"), kind, url, **tokens) == 1
            assert says in capsys.readouterr().err
    finally:
        page.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_tracker_that_shows_no_project(company: Office, tmp_path: Path, capsys, monkeypatch) -> None:
    server = company.running.servers["dc"]
    route = server._route
    monkeypatch.setattr(
        server, "_route", lambda one: Answer(200, []) if one.path.endswith("/rest/api/2/project") else route(one)
    )
    assert run(company, *company.init_arguments(tmp_path / "pmo-sync.toml")) == 1
    assert "shows the account pmo-robot no project; give it the right to see projects" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_no_folder_to_write_to(company: Office, tmp_path: Path, capsys) -> None:
    assert run(company, *company.init_arguments(tmp_path / "nowhere" / "pmo-sync.toml")) == 1
    assert "is no folder; make it" in capsys.readouterr().err


def test_options_that_do_not_fit(company: Office, tmp_path: Path, capsys) -> None:
    file = ["--config", str(tmp_path / "a.toml")]
    assert run(company, "init", *file, "--jira", "https://a", "--user", "jirra=me") == 2
    assert "no tracker is called 'jirra'; there are jira" in capsys.readouterr().err
    assert run(company, "init", *file, "--jira", "https://a", "--token-env", "JIRA_TOKEN") == 2
    assert run(company, "init", *file, "--user", "jira=me") == 2
    assert run(company, "init", *file, "--proxy", "jira=http://proxy") == 2
    assert "--proxy: of which tracker?" in capsys.readouterr().err
    assert run(company, "init", *file, "--jira", "https://a", "--ca-bundle", "x=ca.pem") == 2
    assert run(company, "init", *file, "--jira", "x=https://a", "--gitlab", "x=https://b") == 1
    assert "two trackers are called x" in capsys.readouterr().err


def test_a_tracker_that_is_reached_another_way(company: Office, tmp_path: Path, monkeypatch) -> None:
    """Through a proxy (which is asked for a whole address), at another address, with an authority of one's own."""
    monkeypatch.chdir(tmp_path)
    file, urls = tmp_path / "conf" / "pmo-sync.toml", company.running.urls
    file.parent.mkdir()
    shutil.copy(certifi.where(), tmp_path / "ca.pem")
    words = [
        "init", "--config", str(file), "--gitlab", "far=http://gitlab.invalid", "--proxy", f"far={urls['gitlab']}",
        "--token-env", "far=DEMO_GITLAB_READ_TOKEN", "--ca-bundle", "far=ca.pem",
        "--jira", "scoped=https://jira.invalid", "--api-base", f"scoped={urls['dc']}",
        "--token-env", "scoped=DEMO_JIRA_DC_TOKEN",
    ]  # fmt: skip
    assert run(company, *words) == 0
    found = {one.name: one.server for one in load(file, company.running.tokens, connectors.names()).sources}
    assert found["far"] is not None
    assert (found["far"].proxy, found["far"].ca_bundle) == (urls["gitlab"], str(tmp_path / "ca.pem"))
    assert found["far"].api_base == found["far"].url == "http://gitlab.invalid"
    assert found["scoped"] is not None
    assert (found["scoped"].url, found["scoped"].api_base) == ("https://jira.invalid", urls["dc"])
    assert (found["scoped"].proxy, found["scoped"].ca_bundle) == (None, None)


def test_asked_one_by_one(company: Office, tmp_path: Path, monkeypatch) -> None:
    """Enter takes the proposal; the token is never asked for."""
    file = tmp_path / "pmo-sync.toml"
    for name, token in company.running.tokens.items():
        monkeypatch.setenv(name, token)
    monkeypatch.setenv("JIRA_TOKEN", jira_dc.TOKEN)
    urls = company.running.urls
    told = [
        "jira",
        urls["dc"],
        "",
        "",
        "",
        "y",
        "gitlab",
        urls["gitlab"],
        "",
        "DEMO_GITLAB_READ_TOKEN",
        "n",
        "Kantor",
        "",
        "id",
    ]
    clock = LeapingClock(company.running.company.now)
    done = CliRunner().invoke(cli, ["init", "--config", str(file)], input="\n".join(told) + "\n", obj=clock)
    assert done.exit_code == 0, done.output
    config = load(file, {}, connectors.names())
    assert config.name == "Kantor"
    assert {one.name: one.server.token.where for one in config.sources if one.server and one.server.token} == {
        "jira": "JIRA_TOKEN",
        "gitlab": "DEMO_GITLAB_READ_TOKEN",
    }
    assert "oken:" not in done.output


def test_nobody_to_ask(company: Office, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["init", "--config", str(tmp_path / "a.toml")], input="")
    assert done.exit_code == 2
    assert "nobody is here to ask; name the trackers" in done.output


def test_an_empty_company(tmp_path: Path, capsys) -> None:
    """Trackers with projects and no issue at all."""
    company = generate(7, quick=True)
    company.items.clear()
    with start(company, tmp_path) as running:
        file = tmp_path / "new.toml"
        made = Office(running, tmp_path)
        assert run(made, *made.init_arguments(file)) == 0
        assert load(file, running.tokens, connectors.names()).projects


# -- words


@pytest.mark.parametrize(
    ("labels", "prefix"),
    [
        (["workflow::a", "workflow::b", "type::x", "type::y"], "workflow::"),
        (["Status::To do", "Status::Done"], "Status::"),
        (["status::a", "status::b", "workflow::a", "workflow::b"], "workflow::"),
        (["workflow::a"], None),
        (["team::a", "team::b"], None),
        ([], None),
    ],
)
def test_which_labels_are_a_workflow(labels: list[str], prefix: str | None) -> None:
    assert workflow(labels) == prefix


def test_what_the_machine_tells() -> None:
    assert asking.default_zone({"TZ": "Asia/Makassar"}) == "Asia/Makassar"
    assert asking.default_zone({"TZ": ":Asia/Makassar"}) == "Asia/Makassar"
    assert asking.default_language({"LANG": "id_ID.UTF-8"}) == "id"
    assert asking.default_language({"LC_ALL": "C", "LANG": "id_ID.UTF-8"}) == "en"
    assert asking.default_language({}) == "en"


NASTY = st.text(max_size=12) | st.sampled_from(
    [
        '"',
        "\n",
        "]\n[pmo]\nname = 1",
        "'''",
        '"""',
        "\\",
        "#",
        "a\r\nb",
        "\u2028",
        "\x7f\x00",
        "\ud800",
        "\u202e",
        "é漢",
        " ",
        "",
    ]
)


def _config(content: str, folder: Path) -> Config:
    file = folder / "pmo-sync.toml"
    file.write_text(content, encoding="utf-8")
    return load(file, {}, ("jira", "gitlab", "files"))


@settings(max_examples=60)
@given(st.lists(NASTY, min_size=1, max_size=5, unique_by=lambda one: one.strip().lower()), NASTY)
def test_whatever_the_trackers_call_things(tmp_path_factory: Any, names: list[str], group: str) -> None:
    """The file is read back with every name as it was, and nothing besides."""
    folder = tmp_path_factory.mktemp("hostile")
    source = named("x", _config('[source.x]\nkind = "gitlab"\nurl = "https://gitlab.example"\n', folder).sources)
    keys = [f"g/{number}{name}" for number, name in enumerate(names)]
    seen = Seen(
        source,
        server=group,
        catalogue=Catalogue(
            projects=tuple(
                Project(f"x:{one}", "x", one, name, "", False) for one, name in zip(keys, names, strict=True)
            ),
            statuses=tuple(Status(f"x:{name}", "x", name, None) for name in names),
            milestones=(Milestone("x:1", "x", None, "milestone", names[0], "open", None, None, None, ""),),
            fields=(FieldChoice("estimate", (), tuple((f"id{one}", one) for one in [*names, "b"])),),
        ),
        survey=Survey(kinds=("Risk", *names), labels=tuple(names), groups=dict.fromkeys(keys, group)),
    )
    made = _config(text(group or "PMO", "UTC", "en", [seen], NOW), folder)
    said = [name.encode("utf-8", "replace").decode() for name in names]
    assert set(named("x", made.sources).statuses) == set(said)
    assert list(named("x", made.sources).projects) == sorted(f"g/{number}{name}" for number, name in enumerate(said))
    assert len({one.id for one in made.projects}) == len(names)
    assert [scope.project for one in made.projects for scope in one.scopes] == list(named("x", made.sources).projects)
    assert len(made.sources) == 1
    assert "Risk" in made.roles["risk"]


@given(NASTY)
def test_a_text_on_one_line_of_toml(said: str) -> None:
    line = f"{key(said)} = {quoted(said)}"
    assert len(line.splitlines()) == 1
    plain = said.encode("utf-8", "replace").decode()
    assert tomllib.loads(line) == {plain: plain}
