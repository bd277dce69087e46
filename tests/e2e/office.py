"""A simulated company with its configuration, and the program's commands run against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import connectors
from pmo_sync.cli import run_in_process
from pmo_sync.config import Config, load
from pmo_sync.demo import Running, start
from pmo_sync.demo.portfolio import generate
from pmo_sync.demo.servers import jira_cloud
from tests.clocks import LeapingClock

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Office:
    """One company being watched by one PMO."""

    running: Running
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "pmo-sync.toml"

    @property
    def config(self) -> Config:
        return load(self.file, self.running.tokens, connectors.names())

    def configure(self, *changes: tuple[str, str]) -> None:
        """Write the configuration, with texts replaced."""
        text = self.running.config_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        self.file.write_text(text, encoding="utf-8")

    def init_arguments(self, file: Path) -> list[str]:
        """``init`` told of the three trackers."""
        urls = self.running.urls
        return [
            "init", "--config", str(file), "--zone", "Asia/Jakarta", "--name", "PMO Arunika", "--language", "id",
            "--jira", f"cloud={urls['cloud']}", "--user", f"cloud={jira_cloud.USER}",
            "--token-env", "cloud=DEMO_JIRA_CLOUD_TOKEN",
            "--jira", f"dc={urls['dc']}", "--token-env", "dc=DEMO_JIRA_DC_TOKEN",
            "--gitlab", urls["gitlab"], "--token-env", "gitlab=DEMO_GITLAB_READ_TOKEN",
        ]  # fmt: skip

    def run(self, *arguments: str) -> int:
        """A command in this process, at the company's present; its exit code."""
        clock = LeapingClock(self.running.company.now)
        return run_in_process([*arguments, "--config", str(self.file)], clock, self.running.tokens)

    def answer(self, capsys: Any, *arguments: str) -> dict[str, Any]:
        """The same with ``--json``: what it printed."""
        capsys.readouterr()
        self.run(*arguments, "--json")
        return json.loads(capsys.readouterr().out)

    def process(self, *arguments: str, seconds: float | None = None) -> int | None:
        """A command in a process of its own; killed without warning after ``seconds``. None: it was killed."""
        command = [sys.executable, "-m", "tests.e2e.drive", self.running.company.now.isoformat(), *arguments]
        process = subprocess.Popen(
            [*command, "--config", str(self.file)],
            cwd=ROOT,
            env={**os.environ, **self.running.tokens},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None


@contextmanager
def office(folder: Path, *, seed: int = 7, quick: bool = True) -> Iterator[Office]:
    """A company that lives as long as the block."""
    folder.mkdir(parents=True, exist_ok=True)
    with start(generate(seed, quick=quick), folder) as running:
        made = Office(running, folder)
        made.configure()
        yield made
