"""The README tells the truth: its commands exist with their options, its files are there, its blocks parse."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pmo_sync.cli import cli

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    """Every ``pmo-sync ...`` in the README, without what the shell adds."""
    lines = re.findall(
        r"pmo-sync ((?:init|check|demo|pull|report|publish|sync|indicators|explain|backtest|export|state|people)\b[^`\n|#;&]*)",
        README,
    )
    return [shlex.split(line.split(">")[0]) for line in lines]


def resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    command: click.Command = cli
    while words and isinstance(command, click.Group) and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


def test_there_are_commands() -> None:
    assert len(commands()) >= 8


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_command_exists_with_its_options(words: list[str]) -> None:
    command, rest = resolve(words)
    assert not isinstance(command, click.Group), words
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_is_in_the_readme_and_has_help(name: str) -> None:
    assert f"| `{name}" in README
    done = CliRunner().invoke(cli, [name, "--help"])
    assert done.exit_code == 0
    assert cli.commands[name].help


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"\$ make (\w+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_paths_exist() -> None:
    for path in re.findall(r"`((?:connectors|pmo_sync|reports|tests)/[\w./]+)`", README):
        assert (ROOT / path.rstrip("/")).exists(), path


def test_constraints_have_no_addresses() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[\w.!+]+", line), line


def test_dependencies_are_pinned_and_used() -> None:
    """Each runtime dependency is constrained, and imported somewhere."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower()
    names = [re.match(r"[A-Za-z0-9-]+", one)[0].lower() for one in project["dependencies"]]
    modules = {"python-gitlab": "gitlab", "vl-convert-python": "vl_convert", "tzdata": None}
    sources = [
        file.read_text(encoding="utf-8")
        for top in ("pmo_sync", "connectors", "reports")
        for file in (ROOT / top).rglob("*.py")
    ]
    for name in names:
        assert f"\n{name}==" in f"\n{pins}", name
        module = modules.get(name, name)
        assert module is None or any(re.search(rf"(import|from) {module}\b", text) for text in sources), name
