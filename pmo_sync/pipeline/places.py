"""Documents -> places: which report goes where, page places before the comments that link to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from pmo_sync.config.records import COMMENTS, Language, PlaceConfig
from pmo_sync.errors import ConfigError, PmoSyncError
from reports import compose_all
from reports.notice import notice
from reports.publish import Published, publish_documents
from reports.publishers import open_place

if TYPE_CHECKING:
    from pmo_sync.assessed import Assessed
    from pmo_sync.config import Config, ReportConfig
    from pmo_sync.http.network import Network
    from pmo_sync.pipeline.whereabouts import Whereabouts
    from pmo_sync.result import Voice
    from reports.document import Document

ORDER: Final = ("confluence", "gitlab-wiki", "folder", *COMMENTS)  # comments link to pages
NAMED: Final = 20  # documents in the message about one that is not there
STAYS: Final = "a page is never moved: where it does not stand below the parent that is configured now, move it there"
Plan = Sequence[tuple[PlaceConfig, "Sequence[Document]"]]


def plan(config: Config, assessed: Assessed) -> Plan:
    """The documents that belong in each place, in its language, projects before the portfolio that links to them."""
    composed = {
        one: compose_all(assessed, one[0], is_short=one[1]) for one in {_form(place) for place in config.places}
    }
    places = sorted(config.places, key=lambda one: ORDER.index(one.kind))
    planned = [(place, _documents(config, place, composed[_form(place)])) for place in places]
    return [(place, documents) for place, documents in planned if documents]


def _form(place: PlaceConfig) -> tuple[Language, bool]:
    """The language of its documents, and whether their tables are kept short."""
    return place.language, place.kind in ("confluence", "gitlab-wiki")


def adopted(planned: Plan, named: Collection[str]) -> frozenset[tuple[str, str]]:
    """Place and slot of each document named as PLACE:SLOT, or as SLOT where only one place has it.

    Raises ConfigError for names of no document, or of several.
    """
    there = {f"{place.name}:{one.slot}": (place.name, one.slot) for place, documents in planned for one in documents}
    found, problems = set(), []
    for name in named:
        meant = [name] if name in there else [full for full, (_, slot) in there.items() if slot == name]
        if len(meant) == 1:
            found.add(there[meant[0]])
        elif meant:
            problems.append(f"--adopt {name}: in several places; say which: {' or '.join(meant)}")
        else:
            known = ", ".join([*sorted(there)[:NAMED], *(["..."] if len(there) > NAMED else [])])
            problems.append(f"--adopt {name}: no such document; there are {known or 'none, no place has a report'}")
    if problems:
        raise ConfigError(sorted(problems))
    return frozenset(found)


def publish_all(
    planned: Plan,
    network: Network,
    *,
    write: bool,
    adopt: frozenset[tuple[str, str]],
    known: Whereabouts,
    voice: Voice,
) -> Iterator[list[Published]]:
    """Publish what is planned, one place after the other. One that fails does not stop the others.

    ``known`` says where a slot was published before: under which id, and under which address. That address is what
    others link to while nobody can be asked.
    """
    links: dict[str, str] = {}
    for place, wanted_there in planned:
        is_comment = place.kind in COMMENTS
        documents = [notice(one, links.get(one.slot, "")) for one in wanted_there] if is_comment else wanted_there
        before = {one.slot: row for one in documents if (row := known.find(place, one.slot)) is not None}
        slots = frozenset(slot for name, slot in adopt if name == place.name)
        try:
            publisher, writer = open_place(place, network)
            made = publish_documents(
                publisher, documents, writer,
                write=write and place.write, adopt=slots, quiet=not place.notify, clock=network.clock,
                known={slot: row["id"] or "" for slot, row in before.items()},
                links={slot: row["link"] for slot, row in before.items() if row["link"]},
            )  # fmt: skip
        except PmoSyncError as error:
            made = [Published(place.name, one.slot, "failed", "", str(error), "") for one in documents]
        made = [_staying(place, one, known) for one in made]
        for one in made:
            voice.say(f"{one.place}: {one.slot}: {one.outcome}{f' ({one.message})' if one.message else ''}")
            url = one.url or (before[one.slot]["url"] if one.outcome == "failed" and one.slot in before else "")
            if not is_comment and url:
                links.setdefault(one.slot, url)
        yield made


def _staying(place: PlaceConfig, one: Published, known: Whereabouts) -> Published:
    """With a word about a page that was found although its place has another parent since: by its title."""
    if not one.url or not known.stood_elsewhere(place, one.slot, one.id, one.url):
        return one
    return one._replace(message=f"{one.message}; {STAYS}" if one.message else STAYS)


def _documents(config: Config, place: PlaceConfig, everything: Sequence[Document]) -> list[Document]:
    slots = wanted(config, place, [one.slot for one in everything])
    return [one for one in everything if one.slot in slots]


def wanted(config: Config, place: PlaceConfig, slots: Collection[str]) -> set[str]:
    """Those of ``slots`` that a report puts into ``place``."""
    if config.profile == "repository" and place.kind in COMMENTS:
        return set()  # this kind of PMO informs its projects; it does not write into their trackers
    reports = [one for one in config.reports if place.name in one.places]
    if place.kind in COMMENTS:
        return {one for one in slots if reports and one in place.issues}
    return {one for one in slots if any(_holds(report, one) for report in reports)}


def _holds(report: ReportConfig, slot: str) -> bool:
    if report.report == "portfolio":
        return slot == "portfolio"
    kind, _, id_ = slot.partition("/")
    return kind == report.report and (not report.subjects or id_ in report.subjects)
