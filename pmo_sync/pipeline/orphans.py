"""What earlier runs published and no report wants any more: told, never deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pmo_sync.config.records import COMMENTS, PlaceConfig
from pmo_sync.errors import PmoSyncError
from pmo_sync.pipeline.places import Plan, wanted
from pmo_sync.pipeline.whereabouts import Row, Whereabouts, document
from reports.publish import Published
from reports.publishers import open_place

if TYPE_CHECKING:
    from pmo_sync.config import Config
    from pmo_sync.http.network import Network

ADVICE: Final = "delete or archive it, or take it into a report again"


def orphaned(
    config: Config, network: Network, known: Whereabouts, planned: Plan, results: Sequence[Published], as_of: datetime
) -> tuple[list[Published], list[Row]]:
    """What is in no report as of ``as_of``, and those publications that are not to be told again.

    A place that is still configured is asked: what it still has is told each time, what is gone is not. Others cannot
    be asked: what stood there is told once.
    """
    told, forgotten = [], []
    current = [(place, one.slot) for place, documents in planned for one in documents]
    seen = {document(one.slot, one.id, one.url) for one in results}
    for row in known.orphans(current):
        if row["as_of"] > as_of or document(row["slot"], row["id"], row["url"]) in seen:
            continue  # a report of the past says nothing about what came later
        place = _place_of(config.places, row)
        if place is None:
            told.append(_told(row, f"its place is not configured any more, or was moved; {ADVICE}; this is said once"))
        elif _is_there(place, network, row):
            told.append(_told(row, f"no report puts it there any more; {ADVICE}"))
            continue
        forgotten.append(row)
    return told, forgotten


def expected(config: Config, known: Whereabouts) -> Iterator[tuple[PlaceConfig, str]]:
    """What the configuration alone lets one expect: each known slot in each place that a report puts it into."""
    ids = {f"project/{one.id}" for one in config.projects if one.enabled}
    slots = {slot for slot in known.slots() if slot == "portfolio" or not config.projects or slot in ids}
    return ((place, slot) for place in config.places for slot in wanted(config, place, slots))


def _place_of(places: Sequence[PlaceConfig], row: Row) -> PlaceConfig | None:
    """The place that still leads to where a publication stands; None if there is none."""
    slot, by_name = row["slot"], not row["target"]
    leads = (one for one in places if (one.name == row["place"] if by_name else one.target(slot) == row["target"]))
    return next((one for one in leads if one.kind not in COMMENTS or slot in one.issues), None)


def _told(row: Row, message: str) -> Published:
    return Published(row["place"], row["slot"], "orphaned", row["url"], f"{row['url']}: {message}", "", row["id"] or "")


def _is_there(place: PlaceConfig, network: Network, row: Row) -> bool:
    """Whether it still stands there with our mark; yes, where nobody can be asked now."""
    try:
        publisher, _ = open_place(place, network)
        found = publisher.find(row["slot"], row["slot"], row["id"] or None)
    except PmoSyncError:
        return True
    return found is not None and found.digest is not None
