"""One writer at a time in a state folder; the lock dies with its process, also by kill -9.

``flock`` on ``state_dir/lock``: writers hold it alone, readers share it. The file's text says who holds it.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pmo_sync.clock import Clock
from pmo_sync.errors import LockedError, StoreError

_STEP: Final = 0.2  # seconds between two tries
_READERS: Final = 30.0  # seconds a writer waits for readers, who are quick


@contextmanager
def exclusive(state_dir: Path, clock: Clock, what: str) -> Iterator[None]:
    """Hold the state folder alone for ``what`` ("sync"). Raises LockedError at once if a writer holds it."""
    with _open(state_dir) as descriptor:
        _take(descriptor, fcntl.LOCK_EX, clock, 0.0, state_dir)
        os.truncate(descriptor, 0)
        text = f"{what}, process {os.getpid()} on {socket.gethostname()}, since {clock.now():%Y-%m-%d %H:%M:%S} UTC"
        os.pwrite(descriptor, text.encode(), 0)
        try:
            yield
        finally:
            os.truncate(descriptor, 0)


@contextmanager
def shared(state_dir: Path, clock: Clock, wait: float = 30.0) -> Iterator[None]:
    """Read while no writer is at work; waits up to ``wait`` seconds for one. Raises LockedError after that."""
    if not state_dir.is_dir():
        yield
        return
    with _open(state_dir) as descriptor:
        _take(descriptor, fcntl.LOCK_SH, clock, wait, state_dir)
        os.truncate(descriptor, 0)  # no writer lives while we read: a name in here is a dead one's
        yield


@contextmanager
def _open(state_dir: Path) -> Iterator[int]:
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"{error.filename or state_dir} cannot be written ({error.strerror}); name another folder as state_dir of "
            "[pmo], or give this user the right to write there"
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, how: int, clock: Clock, wait: float, state_dir: Path) -> None:
    end = clock.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = (state_dir / "lock").read_text(encoding="utf-8")
            if clock.monotonic() >= (end if holder else end + _READERS):
                holder = holder or "a reading command"
                msg = f"{state_dir} is in use: {holder}. Nothing was written; wait until it ends"
                raise LockedError(msg) from None
            clock.sleep(_STEP)
        else:
            return
