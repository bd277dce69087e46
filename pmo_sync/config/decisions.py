"""Human decisions: approved baselines, and colours declared beside ours. They live in files, like code, never in a store.

Each says which role decided, when and why. A decision holds from its day on, so a report of an earlier day does not
know it. Nothing here replaces what is computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final, get_args

from pmo_sync.config.records import Baseline, Colour, Decision, Override
from pmo_sync.config.table import Table

LONGEST: Final = timedelta(days=30)  # an override is looked at again after a month


def read_baseline(table: Table) -> Baseline | None:
    """One ``[[baseline]]``; None where something is missing, which is told."""
    id_, project, milestone, role, reason = (
        table.text(key) for key in ("id", "project", "milestone", "role", "reason")
    )
    due_on, decided_on = table.day("due_on"), table.day("decided_on")
    table.finish()
    if None in (id_, project, milestone, role, reason) or due_on is None or decided_on is None:
        return None
    return Baseline(id_, project, milestone, due_on, decided_on, role, reason)


def read_override(table: Table) -> Override | None:
    """One ``[[override]]``; None where something is missing, which is told."""
    milestone: str | None = table.text("milestone", None)
    id_, project, role, reason = (table.text(key) for key in ("id", "project", "role", "reason"))
    status = table.choice("status", get_args(Colour))
    decided_on, expires_on = table.day("decided_on"), table.day("expires_on")
    table.finish()
    if None in (id_, project, role, reason, status) or decided_on is None or expires_on is None:
        return None
    if not decided_on <= expires_on <= decided_on + LONGEST:
        table.wrong("expires_on", f"must be within {LONGEST.days} days after decided_on; decide again then")
    return Override(id_, project, milestone, status, decided_on, expires_on, role, reason)


def problems_of(decisions: Iterable[Decision], projects: Iterable[str]) -> Iterator[str]:
    """Decisions that share an id, and those about projects that are not configured."""
    known, seen = set(projects), set()
    for one in decisions:
        where = f"{type(one).__name__.lower()}[{one.id}]"
        if one.id in seen:
            yield f"{where}.id: used twice"
        seen.add(one.id)
        if known and one.project not in known:
            yield f"{where}.project: no [[project]] with id {one.project!r}"
