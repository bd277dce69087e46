"""The configuration: the example is complete and true, and every problem is reported at once."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

import connectors
from pmo_sync.config import Config, Secret, load
from pmo_sync.errors import ConfigError

EXAMPLE = Path(__file__).resolve().parents[2] / "config.example.toml"
KINDS = connectors.names()


def uncommented(text: str) -> str:
    """The example with every option switched on: a comment that looks like an option or table loses its mark."""
    return re.sub(r'^( +(?=# \{)|)# (?=(\[|"[^"]+" =|[a-z_]+ = |(?<=    # )\{))', r"\1", text, flags=re.MULTILINE)


def problems(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "pmo.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, {}, KINDS)
    return list(caught.value.problems)


@pytest.mark.parametrize("change", [str, uncommented])
def test_example_parses(tmp_path: Path, change) -> None:
    text = change(EXAMPLE.read_text(encoding="utf-8"))
    (tmp_path / "pmo.toml").write_text(text, encoding="utf-8")
    config = load(tmp_path / "pmo.toml", {}, KINDS)
    assert [project.id for project in config.projects] == ["pay"]


def test_example_names_every_option() -> None:
    """A new option without a line in the example fails here."""
    text = EXAMPLE.read_text(encoding="utf-8")
    hidden = {
        "file",
        "digest",
        "sources",
        "projects",
        "programmes",
        "teams",
        "roles",
        "places",
        "reports",
        "server",
        "name",
    }
    for record in (Config, *_records(Config)):
        for one in dataclasses.fields(record):
            if one.name not in hidden and not one.name.startswith("_"):
                assert re.search(rf"\b{one.name} =|\b{one.name}\]", text), f"{record.__name__}.{one.name}"


def _records(record: type) -> set[type]:
    import pmo_sync.config as module

    return {
        one
        for name, one in vars(module).items()
        if dataclasses.is_dataclass(one) and name.endswith("Config") and one is not record
    } | {module.Scope}


def test_uncommented_example_uses_defaults(tmp_path: Path) -> None:
    """The values shown for commented options are the true defaults."""
    plain, full = tmp_path / "plain.toml", tmp_path / "full.toml"
    text = EXAMPLE.read_text(encoding="utf-8")
    plain.write_text(text, encoding="utf-8")
    full.write_text(uncommented(text), encoding="utf-8")
    one, two = (load(file, {}, KINDS) for file in (plain, full))
    for name in ("zone", "language", "profile", "period", "state_dir", "html_dir", "committed_kinds"):
        assert getattr(one, name) == getattr(two, name), name
    assert one.source("cloud").shrink_limit == two.source("cloud").shrink_limit
    assert one.source("cloud").server.workers == two.source("cloud").server.workers
    assert one.projects[0].tolerance_days == two.projects[0].tolerance_days


def test_all_problems_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
        colour = "blue"
        [pmo]
        zone = "Mars/Olympus"
        language = "fr"
        [source.a]
        kind = "jira"
        url = "jira.example.org"
        token = "literal-secret"
        workers = 99
        [source.a.statuses]
        Open = "later"
        [[project]]
        id = "x"
        name = "X"
        programme = "none"
        scopes = [{ source = "nowhere", project = "P" }]
        [[report]]
        report = "portfolio"
        places = ["moon"]
        """,
    )
    text = "\n".join(found)
    for part in ("colour", "pmo.zone", "pmo.language", "source.a.url", "source.a.token", "source.a.workers",
                 "source.a.statuses.Open", "programme", "nowhere", "moon"):  # fmt: skip
        assert part in text, part
    assert all(one.startswith("pmo.toml: ") for one in found)
    assert "literal-secret" not in text


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not found; start from config\.example\.toml"):
        load(tmp_path / "none.toml", {}, KINDS)


def test_broken_toml_names_the_file(tmp_path: Path) -> None:
    assert problems(tmp_path, "[pmo\n")[0].startswith("pmo.toml: ")


def test_include_adds_projects(tmp_path: Path) -> None:
    (tmp_path / "projects").mkdir()
    (tmp_path / "projects" / "b.toml").write_text(
        '[[project]]\nid = "b"\nname = "B"\nscopes = [{ source = "s", project = "B" }]\n', encoding="utf-8"
    )
    file = tmp_path / "pmo.toml"
    file.write_text('include = ["projects/*.toml"]\n[source.s]\nkind = "files"\npath = "data"\n', encoding="utf-8")
    assert [one.id for one in load(file, {}, KINDS).projects] == ["b"]


def test_secret_is_never_printed(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n", encoding="utf-8")
    for secret in (
        Secret("env", "TOKEN", {"TOKEN": "s3cret"}),
        Secret("file", str(file), {}),
        Secret("command", "echo s3cret", {}),
    ):
        assert secret.reveal() == "s3cret"
        assert "s3cret" not in repr(dataclasses.replace(secret, where="x") if secret.how == "command" else secret)


@pytest.mark.parametrize(
    "secret", [Secret("env", "NONE", {}), Secret("file", "/nonexistent", {}), Secret("command", "exit 3", {})]
)
def test_absent_secret_says_which(secret: Secret) -> None:
    with pytest.raises(ConfigError, match=secret.how):
        secret.reveal()
