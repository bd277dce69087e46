"""Threads import nothing of ours: two that import modules which need each other may wait for each other for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.office import ROOT, office

PROGRAM = """
import json, os, sys, threading
from datetime import datetime

late = []

class Watch:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is not threading.main_thread():
            late.append(name)

sys.meta_path.insert(0, Watch())
from pmo_sync.cli import run_in_process
from pmo_sync.clock import FixedClock

now, *arguments = sys.argv[1:]
code = run_in_process(arguments, FixedClock(datetime.fromisoformat(now)), dict(os.environ))
print(json.dumps({"code": code, "late": late}))
"""
OURS = {"pmo_sync", "connectors", "reports", "jira", "gitlab", "requests"}


@pytest.mark.parametrize("command", ["check", "init", "sync"])
def test_no_thread_imports_what_we_are_made_of(tmp_path: Path, command: str) -> None:
    with office(tmp_path) as made:
        arguments = [command, "--config", str(made.file)]
        if command == "init":
            arguments = made.init_arguments(tmp_path / "new.toml")
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, made.running.company.now.isoformat(), *arguments],
            cwd=ROOT,
            env={**os.environ, **made.running.tokens},
            capture_output=True,
            text=True,
            check=True,
        )
        answer = json.loads(done.stdout.splitlines()[-1])
        assert answer["code"] == 0, done.stdout + done.stderr
        assert [name for name in answer["late"] if name.partition(".")[0] in OURS] == []
