"""Where the documents of earlier runs stand, as the record says."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from pmo_sync.config.records import PlaceConfig
from pmo_sync.record import Record

Row = dict[str, Any]
FORGOTTEN: Final = "orphaned"  # the outcome of what is gone, or was told and cannot be asked for


class Whereabouts:
    """The newest publication of each slot at each target. Older rows name no target: they count for their place
    until one that does follows them.
    """

    def __init__(self, record: Record) -> None:
        self._by_target: dict[tuple[str, str], Row] = {}
        self._by_place: dict[tuple[str, str], Row] = {}
        for row in record.rows("publication"):
            if row["outcome"] == FORGOTTEN:
                self._by_target.pop((row["target"], row["slot"]), None)
                self._by_place.pop((row["place"], row["slot"]), None)
            elif row["target"]:
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

    def stood_elsewhere(self, place: PlaceConfig, slot: str, id_: str, url: str) -> bool:
        """Whether this document of ``place`` is known from when the place led somewhere else, and not since."""
        here = document(slot, id_, url)
        return not self.is_noted(place, slot) and any(_document(row) == here for row in self._by_target.values())

    def slots(self) -> set[str]:
        """Every slot that stands anywhere."""
        return {slot for _, slot in (*self._by_target, *self._by_place)}

    def newest(self) -> datetime | None:
        """The moment that the newest of the documents which stand anywhere is about."""
        return max((row["as_of"] for row in (*self._by_target.values(), *self._by_place.values())), default=None)

    def orphans(self, current: Collection[tuple[PlaceConfig, str]]) -> list[Row]:
        """What stands where none of ``current`` does, by slot and place."""
        targets = {(place.target(slot), slot) for place, slot in current}
        names = {(place.name, slot) for place, slot in current}
        rows = [row for key, row in self._by_target.items() if key not in targets]
        rows += [row for key, row in self._by_place.items() if key not in names]
        here = {_document(row) for place, slot in current if (row := self.find(place, slot)) is not None}
        return sorted((row for row in rows if _document(row) not in here), key=lambda row: (row["place"], row["slot"]))


def document(slot: str, id_: str, url: str) -> tuple[str, ...]:
    """What makes two publications the same document, whatever the place that led there was called."""
    parts = urlsplit(url)
    return (slot, parts.netloc, id_) if parts.netloc else (slot, url)


def _document(row: Row) -> tuple[str, ...]:
    return document(row["slot"], row["id"] or "", row["url"])
