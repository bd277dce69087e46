"""What a report said, kept for good: each number with its definition, its sample and the list of issues behind it.

The record holds of a list what came and left since the last one of the same number, once for all numbers that share it,
and a digest that proves it whole. Issues stand in it by their ids: no key, no title, no address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow.compute as pc

from pmo_sync import indicators
from pmo_sync.errors import StoreError

if TYPE_CHECKING:
    from pmo_sync.assessed import Assessed, Reading, SubjectKind
    from pmo_sync.pipeline.workspace import Workspace
    from pmo_sync.record import Record

_COMMITMENT: Final = ("FC-3", "PR-1", "RK-1", "RK-4", "SC-2", "SP-1")
# whose numbers a page shows, or a reason on it: of commitments the open ones, and those in the news
SHOWN: Final[Mapping[SubjectKind, tuple[str, ...]]] = {
    "portfolio": ("PF-3", "RK-4", "SP-5"),
    "programme": (),
    "project": ("CO-4", "FL-1", "FL-3", "FL-5", "FL-6", "PF-3", "PR-1", "RK-1", "RK-2", "RK-4", "SC-1", "SP-5"),
    "milestone": _COMMITMENT,
    "epic": _COMMITMENT,
}
_KEPT: Final = ("subject", "indicator", "part", "value", "sample", "config_digest", "definition", "evidence")


def digest_of(issues: Iterable[str]) -> str:
    """Of a list of issues, in whatever order."""
    return hashlib.sha256("\n".join(sorted(issues)).encode()).hexdigest()[: indicators.DIGEST]


NO_ISSUES: Final = digest_of(())
MOST_STEPS: Final = 30  # from a list to a whole one


def shown(assessed: Assessed) -> list[Reading]:
    """The readings that the period's reports show."""
    told = {one.subject for one in assessed.changes}
    wanted = {
        id_: SHOWN[one.kind]
        for id_, one in assessed.subjects.items()
        if one.kind not in ("milestone", "epic") or id_ in told or (one.is_committed and one.state == "open")
    }
    return [one for one in assessed.readings.values() if one.indicator in wanted.get(one.subject, ())]


def remember(workspace: Workspace, assessed: Assessed) -> None:
    """Keep what the period's reports show. The store's tables are cut at its moment.

    Once for a moment: what is shown again says nothing new.
    """
    record, readings = workspace.record, shown(assessed)
    behind = indicators.listed(workspace.store, {(one.subject, one.indicator) for one in readings})
    definitions = {id_: one.digest for id_, one in indicators.definitions().items()}
    rows = [
        {
            **one._asdict(),
            "run_id": workspace.run_id,
            "as_of": assessed.as_of,
            "config_digest": workspace.config.digest,
            "definition": definitions[one.indicator],
            "evidence": behind.get((one.subject, one.indicator), NO_ISSUES),
        }
        for one in readings
    ]
    if _plain(rows) == _plain(said(record, assessed.as_of)):
        return
    before = {(row["subject"], row["indicator"]): row["evidence"] for row in said(record)}
    lists = Lists(record)
    bases = {digest: before.get(number) for number, digest in behind.items() if digest not in lists}
    with record.run(workspace.part("numbers")) as run:
        run.write("reading", rows)
        run.write("evidence", differences(lists, bases, indicators.issues(workspace.store, bases)))


def said(record: Record, as_of: datetime | None = None) -> list[dict[str, Any]]:
    """The readings that the last report of that moment, or of all, showed; none where there was no report."""
    table = record.read("reading")
    if table is not None and as_of is not None:
        table = table.filter(pc.equal(table["as_of"], as_of))
    if table is None or not table.num_rows:
        return []
    return list(table.filter(pc.equal(table["run_id"], pc.max(table["run_id"]))).to_pylist())


def _plain(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(repr([row[column] for column in _KEPT]) for row in rows)


def differences(
    lists: Lists, bases: Mapping[str, str | None], found: Mapping[str, Collection[str]]
) -> list[dict[str, Any]]:
    """A row of the record for each list ``found``: how it differs from that of its base, where that is shorter."""
    rows = []
    for digest, issues in found.items():
        base = bases[digest]
        now, then = frozenset(issues), lists.short(base)
        if then is None or len(now ^ then) >= len(now):
            base, then = NO_ISSUES, frozenset()
        rows.append({"digest": digest, "base": base, "came": sorted(now - then), "left": sorted(then - now)})
    return rows


class Lists:
    """The lists of issues in the record."""

    def __init__(self, record: Record) -> None:
        table = record.read("evidence")
        self._table = table
        digests: list[str | None] = [] if table is None else table["digest"].to_pylist()
        self._bases: list[str | None] = [] if table is None else table["base"].to_pylist()
        self._places = {digest: place for place, digest in enumerate(digests) if digest is not None}

    def __contains__(self, digest: str | None) -> bool:
        return digest == NO_ISSUES or digest in self._places

    def short(self, digest: str | None) -> frozenset[str] | None:
        """The list, where it is there and few steps away from a whole one: no chain grows for ever, and none is gone on
        with that has lost a part.
        """
        at, steps = digest, 0
        while at != NO_ISSUES:
            if at not in self._places or steps == MOST_STEPS:
                return None
            at, steps = self._bases[self._places[at]], steps + 1
        try:
            return self.find(digest)
        except StoreError:
            return None

    def find(self, digest: str | None) -> frozenset[str]:
        """The ids of the list with that digest. Raises StoreError where the record does not have all of it."""
        steps: list[dict[str, Any]] = []
        at, seen = digest, set[str | None]()
        while at != NO_ISSUES:
            if at in seen or at not in self._places:
                raise StoreError(f"the record lacks a part of the list {digest}; restore it from an export")
            seen.add(at)
            steps += self._table.slice(self._places[at], 1).to_pylist()  # type: ignore[union-attr]
            at = steps[-1]["base"]
        found: set[str] = set()
        for step in reversed(steps):
            found = (found - set(step["left"])) | set(step["came"])
        if digest_of(found) != digest:
            raise StoreError(f"the record's list {digest} is not whole; restore it from an export")
        return frozenset(found)
