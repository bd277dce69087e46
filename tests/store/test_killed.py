"""kill -9 in the middle of merging, and two processes at one file."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pmo_sync.errors import LockedError
from pmo_sync.record import Record
from pmo_sync.store import Store
from tests.store import history
from tests.store.test_store import logical

PAGES = 240
PULL = """
import sys
from pathlib import Path
from pmo_sync.store import Store
from tests.store.test_killed import PAGES, page, resume
with Store.open(Path(sys.argv[1])) as store:
    print("open", flush=True)
    for number in resume(store, int(sys.argv[2])):
        print(number, flush=True)
"""
HOLD = """
import sys
from pathlib import Path
from pmo_sync.store import Store
with Store.open(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""


def page(number: int) -> history.Page:
    """Forty issues; every third page repeats the one before it, as an overlapping pull does."""
    lines = [
        f"PAY-{40 * (number - number % 3 // 2) + one} 2026-01-05 todo 2026-01-06 doing 2026-01-07 done +label:x"
        for one in range(40)
    ]
    made = history.parse("\n".join(lines)).page
    return history.Page(made.issues, made.intervals, (), (), str(number))


def resume(store: Store, merge_every: int) -> list[int]:
    """Pull on from the stored cursor; yields each number that it has come to once all up to it is stored."""
    start = int(store.cursors("acme").get("acme:PAY") or 0)
    for number in range(start + 1, PAGES + 1):
        store.append("acme", "acme:PAY", page(number))
        if number % merge_every == 0:
            store.merge()
            yield number
    store.merge()


def _start(program: str, *arguments: str) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip


def test_killed_ten_times_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    broken, file = random.Random(20260105), tmp_path / "killed.duckdb"
    acknowledged = kills = 0
    while kills < 10:
        merge_every = broken.choice([2, 3, 7])
        with _start(PULL, str(file), str(merge_every)) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            for _ in range(broken.randint(0, 5)):
                acknowledged = int(process.stdout.readline())
            time.sleep(broken.random() * 0.08)
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read().split()
            acknowledged = int(rest[-1]) if rest else acknowledged
            kills += process.wait() == -signal.SIGKILL
        with Store.open(file, read_only=True) as store:
            left = store.cursors("acme").get("acme:PAY")
        with Store.open(file) as store:
            assert store.cursors("acme").get("acme:PAY") == left
            stored = int(store.cursors("acme").get("acme:PAY") or 0)
            assert acknowledged <= stored <= acknowledged + merge_every
            expected = {one.issue_id for number in range(1, stored + 1) for one in page(number).issues}
            assert store.issue_ids("acme:PAY") == expected
            assert store.rows("SELECT count(*) FROM history") == [(5 * len(expected),)]
    assert 0 < stored < PAGES, "the kills came too late to prove anything"
    with Store.open(file) as store, Store.open(tmp_path / "unbroken.duckdb") as unbroken:
        list(resume(store, 5))
        list(resume(unbroken, 5))
        assert logical(store) == logical(unbroken)


def test_while_another_process_writes_everybody_else_is_told_who(tmp_path: Path) -> None:
    file = tmp_path / "held.duckdb"
    with _start(HOLD, str(file)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        for read_only in (True, False):
            with pytest.raises(LockedError, match=rf"process {process.pid} is using it; wait"):
                Store.open(file, read_only=read_only)
        process.communicate("")
    with Store.open(file, read_only=True) as one, Store.open(file, read_only=True) as other:
        assert one.rows("SELECT 1") == other.rows("SELECT 1")


def test_a_run_of_the_record_killed_half_way_is_not_there(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from pmo_sync.record import Record
with Record(Path(sys.argv[1])).run("killed") as run:
    run.write("certificate", [{"run_id": "killed", "certificate": "{}"}])
    os.kill(os.getpid(), signal.SIGKILL)
"""
    with _start(program, str(tmp_path)) as process:
        assert process.wait() == -signal.SIGKILL
    record = Record(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [".killed.partial"]
    assert record.runs() == []
    assert record.read("certificate") is None
    with record.run("killed") as run:
        run.write("certificate", [{"run_id": "killed", "certificate": "whole"}])
    assert [one.name for one in tmp_path.iterdir()] == ["killed"]
    assert [row["certificate"] for row in record.rows("certificate")] == ["whole"]
