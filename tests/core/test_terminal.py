"""What a tracker wrote is text on the terminal and in the log, and never does anything there."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmo_sync.cli import Invocation, log, run_in_process
from pmo_sync.clock import SystemClock
from pmo_sync.result import Result

EVIL = "PAY-1\x1b]0;owned\x07\x9b2J\x7f \u202eevil\u2028\r2026-01-01 INFO forged\nINFO \ud800 a\tb"
SHOWN = "PAY-1\ufffd]0;owned\ufffd\ufffd2J\ufffd \ufffdevil  2026-01-01 INFO forged INFO \ufffd a\tb"
KEPT = "Pembayaran é 漢 👩\u200d👧"


def invocation(folder: Path, *, as_json: bool = False) -> Invocation:
    return Invocation(folder / "pmo-sync.toml", as_json, quiet=False, verbose=True, clock=SystemClock())


@pytest.fixture
def unlogged() -> Iterator[None]:
    """No record is made: half a surrogate pair in one could not be told to the process that gathers the results."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("unlogged")
def test_people_see_visible_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = invocation(tmp_path)
    here.say(EVIL)
    here.progress(EVIL)
    here.finish(Result({}, [EVIL, KEPT]))
    assert capsys.readouterr().out.splitlines() == [SHOWN, SHOWN, SHOWN, KEPT]


def test_json_is_escaped_and_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invocation(tmp_path, as_json=True).finish(Result({"title": EVIL, "kept": KEPT}))
    printed = capsys.readouterr().out
    assert all(line.isprintable() for line in printed.split("\n"))
    assert "Pembayaran é 漢" in printed
    assert json.loads(printed) == {"title": EVIL, "kept": KEPT, "exit": 0}


def test_an_error_is_one_visible_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a\x1b[2J.toml"
    assert run_in_process(["report", "--config", str(file)], SystemClock(), {}) == 1
    assert "a\ufffd[2J.toml: not found" in capsys.readouterr().err


def test_the_log_keeps_an_entry_apart(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "pmo-sync.toml").write_text('[source.a]\nkind = "files"\npath = "archive"\n')
    here, evil = invocation(tmp_path, as_json=True), EVIL.replace("\ud800", "")  # a test's own report must be UTF-8
    with here.logged() as config:
        here.say(evil)
        log.error("unexpected", exc_info=ValueError(evil))
    lines = (config.state_dir / "log" / "pmo-sync.log").read_text(encoding="utf-8").split("\n")
    entries = [line for line in lines if line[:1].strip()]
    assert [entry.split(maxsplit=2)[2].split()[0] for entry in entries] == ["INFO", "ERROR"]
    assert sum(line.startswith("    ") and "forged" in line for line in lines) == 2
    assert all(line.replace("\t", "").isprintable() for line in lines)


def run_with_a_closed_pipe(folder: Path, *arguments: str) -> int:
    """As in ``pmo-sync ... | head``, when head has ended: the exit code."""
    read, write = os.pipe()
    os.close(read)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-m", "pmo_sync", *arguments],
        cwd=folder,
        check=False,
        env=environment,
        stdout=write,
        stderr=subprocess.PIPE,
    )
    os.close(write)
    assert done.stderr == b""
    return done.returncode


def test_a_sync_nobody_listens_to_goes_on(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "pmo-sync.toml").write_text('[source.a]\nkind = "files"\npath = "archive"\n')
    assert run_with_a_closed_pipe(tmp_path, "sync") == 4, "as if somebody listened: the archive is empty"
    assert (tmp_path / "reports" / "portfolio.html").is_file()
    assert run_with_a_closed_pipe(tmp_path, "indicators", "--definitions") == 0
    assert run_with_a_closed_pipe(tmp_path, "state", "show", "--json") == 0
