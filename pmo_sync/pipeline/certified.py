"""The certificates that the record keeps: the newest of each source, and when each source was last read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pmo_sync.certificate import SourceCertificate, from_json

if TYPE_CHECKING:
    from pmo_sync.pipeline.workspace import Workspace
    from pmo_sync.record import Record


@dataclass(frozen=True, slots=True)
class Certified:
    """Of each source its newest certificate, and the moment of its last success. Partial ones do not count."""

    newest: dict[str, SourceCertificate]
    succeeded_at: dict[str, datetime]


def certified(record: Record) -> Certified:
    """What the record says. Raises StoreError where it cannot be read."""
    found = Certified({}, {})
    for row in record.rows("certificate"):
        one = from_json(row["certificate"])
        if not one.is_partial:
            found.newest[one.source] = one
            if one.pulled_at is not None:
                found.succeeded_at[one.source] = one.pulled_at
    return found


def remember(workspace: Workspace, certificates: Sequence[SourceCertificate]) -> None:
    """Write this run's certificates to the record."""
    rows = [
        {
            "run_id": workspace.run_id,
            "run_at": workspace.clock.now(),
            "source": one.source,
            "pulled_at": one.pulled_at,
            "certificate": json.dumps(one.as_json(), ensure_ascii=False),
        }
        for one in certificates
    ]
    with workspace.record.run(workspace.part("pull")) as run:
        run.write("certificate", rows)
