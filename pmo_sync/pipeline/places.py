"""Documents -> places: which report goes where, page places before the comments that link to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pmo_sync.config.records import COMMENTS
from pmo_sync.errors import PmoSyncError
from reports import compose_all
from reports.publish import Published, publish_documents
from reports.publishers import open_place
from reports.publishers.notice import notice

if TYPE_CHECKING:
    from pmo_sync.assessed import Assessed
    from pmo_sync.clients.network import Network
    from pmo_sync.config import Config, PlaceConfig
    from pmo_sync.result import Voice
    from reports.document import Document

ORDER: Final = ("confluence", "folder", *COMMENTS)  # comments link to pages, and to files where there are no pages


def publish_all(
    config: Config,
    assessed: Assessed,
    network: Network,
    *,
    write: bool,
    adopt: frozenset[str],
    known: Mapping[str, Mapping[str, str]],
    voice: Voice,
) -> list[Published]:
    """Publish every configured report. A place that fails does not stop the others.

    ``known`` says, place by place, the id under which a slot was published before.
    """
    results: list[Published] = []
    links: dict[str, str] = {}
    for place in sorted(config.places, key=lambda one: ORDER.index(one.kind)):
        if config.profile == "repository" and place.kind in COMMENTS:
            continue  # this kind of PMO informs its projects; it does not write into their trackers
        documents = _documents(config, place, assessed, links)
        if not documents:
            continue
        try:
            publisher, writer = open_place(place, network)
            made = publish_documents(
                publisher, documents, writer,
                write=write and place.write, adopt=adopt, known=known.get(place.name, {}), quiet=not place.notify,
            )  # fmt: skip
        except PmoSyncError as error:
            made = [Published(place.name, one.slot, "failed", "", str(error), "") for one in documents]
        for one in made:
            voice.say(f"{one.place}: {one.slot}: {one.outcome}{f' ({one.message})' if one.message else ''}")
            if place.kind not in COMMENTS and one.url:
                links.setdefault(one.slot, one.url)
        results += made
    return results


def _documents(config: Config, place: PlaceConfig, assessed: Assessed, links: Mapping[str, str]) -> Sequence[Document]:
    """The documents that belong in ``place``, in its language, projects before the portfolio that links to them."""
    wanted = {report.report for report in config.reports if place.name in report.places}
    subjects = {f"project/{id_}" for report in config.reports if place.name in report.places for id_ in report.subjects}
    everything = compose_all(assessed, place.language)
    if place.kind in COMMENTS:
        return [
            notice(one, links.get(one.slot, ""))
            for one in everything
            if "summary" in wanted and one.slot in place.issues
        ]
    return [
        one
        for one in everything
        if (one.slot == "portfolio" and "portfolio" in wanted)
        or (one.slot.startswith("project/") and "project" in wanted and (not subjects or one.slot in subjects))
    ]
