"""The state folder in use: database, record and lock, opened for writing or for reading."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pmo_sync import lock
from pmo_sync.clock import Clock
from pmo_sync.errors import StoreError
from pmo_sync.http.network import Network
from pmo_sync.record import Record
from pmo_sync.store import Store, handover

if TYPE_CHECKING:
    from pmo_sync.config import Config
    from pmo_sync.http.tape import Tape

DATABASE = "pmo-sync.duckdb"


@dataclass(frozen=True, slots=True)
class Workspace:
    """One command's hold on the state folder."""

    config: Config
    network: Network
    store: Store
    record: Record
    run_id: str

    @property
    def clock(self) -> Clock:
        """The run's clock."""
        return self.network.clock

    def part(self, name: str) -> str:
        """The id of this run's next part in the record: parts sort in the order they are written."""
        number = sum(one.startswith(f"{self.run_id}-") for one in self.record.runs())
        return f"{self.run_id}-{number:03}-{name}"

    @property
    def now(self) -> datetime:
        """The present, aware UTC."""
        return self.clock.now()


@contextmanager
def writing(
    config: Config, clock: Clock, what: str, tape: Tape | None = None, *, is_new_fine: bool = True
) -> Iterator[Workspace]:
    """Alone in the state folder. A new or rebuilt database first takes in the record, and any what a killed pull left.

    Raises StoreError where a new database is not ``is_new_fine`` and there is none, or one of another version.
    """
    if not is_new_fine:
        _pulled(config)
    with lock.exclusive(config.state_dir, clock, what):
        if not is_new_fine:
            Store.open(config.state_dir / DATABASE, read_only=True).close()
        record = Record(config.state_dir / "record")
        with Store.open(config.state_dir / DATABASE) as store:
            workspace = Workspace(config, Network(clock, tape), store, record, new_run_id(clock, record.runs()))
            handover.take(store, record)
            handover.give(store, record, workspace.part("left"))  # by a run that was killed
            yield workspace


@contextmanager
def reading(config: Config, clock: Clock) -> Iterator[Workspace]:
    """Beside other readers, waiting for a writer. Raises StoreError when nothing was pulled yet."""
    with lock.shared(config.state_dir, clock), Store.open(_pulled(config), read_only=True) as store:
        yield Workspace(config, Network(clock), store, Record(config.state_dir / "record"), "")


def _pulled(config: Config) -> Path:
    file = config.state_dir / DATABASE
    if not file.exists():
        msg = f"nothing was pulled yet into {config.state_dir}; run `pmo-sync pull` or `pmo-sync sync` first"
        raise StoreError(msg)
    return file


def new_run_id(clock: Clock, before: Sequence[str]) -> str:
    """Sorts after those ``before``, oldest first, whatever the clock says: the record's later word holds."""
    last = before[-1].partition("-")[0] if before else ""
    stamp = max(f"{clock.now():%Y%m%dT%H%M%S}", last)
    number = len({one.split("-")[1] for one in before if one.startswith(f"{stamp}-")})
    return f"{stamp}-{number:04}{secrets.token_hex(3)}"


def size(folder: Path) -> int:
    """Bytes of all files below ``folder``."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
