"""One writer at a time, and a lock that dies with its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pmo_sync import lock
from pmo_sync.clock import FixedClock
from pmo_sync.errors import LockedError

CLOCK = FixedClock(datetime(2026, 11, 16, tzinfo=UTC))
HOLD = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from pmo_sync import lock
from pmo_sync.clock import FixedClock
with lock.exclusive(Path(sys.argv[1]), FixedClock(datetime(2026, 11, 16, 6, tzinfo=UTC)), "sync"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_second_writer_is_told_who_and_since_when(tmp_path: Path, holder) -> None:
    with (
        pytest.raises(LockedError, match=rf"sync, process {holder.pid} on .*, since 2026-11-16 06:00:00 UTC"),
        lock.exclusive(tmp_path, CLOCK, "pull"),
    ):
        pytest.fail("two writers")


def test_reader_waits_then_says_so(tmp_path: Path, holder) -> None:
    started = time.monotonic()
    with pytest.raises(LockedError, match="sync, process"), lock.shared(tmp_path, CLOCK, wait=0.5):
        pytest.fail("a reader beside a writer")
    assert time.monotonic() - started >= 0.5


def test_kill_frees_the_lock(tmp_path: Path, holder) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with lock.exclusive(tmp_path, CLOCK, "pull"):
        assert "pull, process" in (tmp_path / "lock").read_text(encoding="utf-8")


def test_readers_share(tmp_path: Path) -> None:
    with lock.shared(tmp_path, CLOCK), lock.shared(tmp_path, CLOCK):
        pass
