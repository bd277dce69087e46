"""Where the documents of earlier runs stand, as the record says."""

from __future__ import annotations

from typing import Any

from pmo_sync.config.records import PlaceConfig
from pmo_sync.record import Record

Row = dict[str, Any]


class Whereabouts:
    """The newest publication of each slot at each target. Older rows name no target: they count for their place
    until one that does follows them.
    """

    def __init__(self, record: Record) -> None:
        self._by_target: dict[tuple[str, str], Row] = {}
        self._by_place: dict[tuple[str, str], Row] = {}
        for row in record.rows("publication"):
            if row["target"]:
                self._by_target[row["target"], row["slot"]] = row
                self._by_place.pop((row["place"], row["slot"]), None)
            else:
                self._by_place[row["place"], row["slot"]] = row

    def find(self, place: PlaceConfig, slot: str) -> Row | None:
        """The publication that stands where ``place`` would write ``slot``."""
        return self._by_target.get((place.target(slot), slot)) or self._by_place.get((place.name, slot))

    def is_noted(self, place: PlaceConfig, slot: str) -> bool:
        """Whether the record names the target."""
        return (place.target(slot), slot) in self._by_target
