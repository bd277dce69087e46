"""What no table can see alone: names that point at nothing, ids used twice, reports in places that cannot hold them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from pmo_sync.config import decisions
from pmo_sync.config.records import COMMENTS, Config, PlaceConfig, ReportConfig, Scope


def problems_of(config: Config) -> Iterator[str]:
    """Every problem, as ``key: what to do``."""
    if not config.sources:
        yield "source: missing; name at least one tracker: [source.NAME]"
    yield from (f"project[{one}].id: used twice" for one in twice(project.id for project in config.projects))
    yield from (f"team[{one}].id: used twice" for one in twice(team.id for team in config.teams))
    yield from _scopes(config)
    teams = {team.id for team in config.teams}
    for project in config.projects:
        if project.programme is not None and project.programme not in config.programmes:
            yield f"project[{project.id}].programme: no [[programme]] with id {project.programme!r}"
        for one in project.teams:
            if one not in teams:
                yield f"project[{project.id}].teams: no [[team]] with id {one!r}"
    ids = {project.id for project in config.projects}
    yield from decisions.problems_of(config.decisions, ids)
    for place in config.places:
        yield from _carriers(place, ids)
    places = {place.name: place for place in config.places}
    yield from _shared(config)
    for number, report in enumerate(config.reports, 1):
        for what in _report(report, places, ids):
            yield f"report[{number}].{what}"


def twice(ids: Iterable[str]) -> list[str]:
    """The ids that occur more than once; a missing id is told elsewhere."""
    return sorted(one for one, times in Counter(ids).items() if one and times > 1)


def _scopes(config: Config) -> Iterator[str]:
    sources = {source.name for source in config.sources}
    owners: list[tuple[str, Sequence[Scope]]] = [(f"project[{one.id}]", one.scopes) for one in config.projects]
    owners += [(f"team[{one.id}]", one.scopes) for one in config.teams]
    for where, scopes in owners:
        for one in scopes:
            if one.source and one.source not in sources:
                yield f"{where}.scopes: no source named {one.source!r}"


def _carriers(place: PlaceConfig, ids: set[str]) -> Iterator[str]:
    for slot in place.issues:
        kind, _, id_ = slot.partition("/")
        if slot != "portfolio" and not (kind == "project" and id_):
            yield f'place.{place.name}.issues.{slot}: must be "portfolio" or "project/ID"'
        elif id_ and ids and id_ not in ids:
            yield f"place.{place.name}.issues.{slot}: no [[project]] with id {id_!r}"


def _shared(config: Config) -> Iterator[str]:
    """Two places that would write the same document in turns, each over the other's."""
    owners: dict[tuple[str, str], str] = {}
    told = set()
    for place in config.places:
        if not (place.server or place.path):
            continue  # told elsewhere
        for slot in sorted(_slots(config, place)):
            other = owners.setdefault((place.target(slot), slot), place.name)
            if other != place.name and (other, place.name) not in told:
                told.add((other, place.name))
                yield (
                    f"place.{place.name}: would write {slot} over what place.{other} writes; give it another "
                    f"{'issue' if slot in place.issues else 'path' if place.path else 'parent or wiki' if place.wiki else 'parent or space'}"
                )


def _slots(config: Config, place: PlaceConfig) -> set[str]:
    """What reports put into ``place``, as far as the configuration tells; ``project/*``: every project there is."""
    reports = [one for one in config.reports if place.name in one.places]
    if place.kind in COMMENTS:
        return set(place.issues) if reports else set()
    slots = {"portfolio" for one in reports if one.report == "portfolio"}
    everything = tuple(one.id for one in config.projects) or ("*",)
    subjects = [one.subjects or everything for one in reports if one.report == "project"]
    return slots | {f"project/{id_}" for one in subjects for id_ in one}


def _report(report: ReportConfig, places: dict[str, PlaceConfig], ids: set[str]) -> Iterator[str]:
    for name in report.places:
        if name not in places:
            yield f"places: no [place.{name}]"
        elif places[name].kind and report.report and (places[name].kind in COMMENTS) != (report.report == "summary"):
            fit = "a summary" if places[name].kind in COMMENTS else "a portfolio or project report"
            yield f"places: {name} is of kind {places[name].kind} and takes {fit}, not a {report.report} report"
    if report.subjects and report.report in ("portfolio", "summary"):
        yield f'subjects: only for report = "project"; leave it out of a {report.report} report'
    for one in report.subjects:
        if ids and one not in ids:
            yield f"subjects: no [[project]] with id {one!r}"
