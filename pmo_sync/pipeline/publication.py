"""Whether anything may be published, and what the record keeps of what was: numbers, forecasts, places."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from pmo_sync import forecast
from pmo_sync.assessed import Assessed
from pmo_sync.certificate import below
from pmo_sync.errors import PmoSyncError
from pmo_sync.pipeline.certified import Certified, certified
from pmo_sync.pipeline.orphans import orphaned
from pmo_sync.pipeline.places import Plan, adopted, plan, publish_all
from pmo_sync.pipeline.whereabouts import FORGOTTEN, Whereabouts
from pmo_sync.pipeline.workspace import Workspace
from pmo_sync.result import Voice
from pmo_sync.store import passes
from pmo_sync.tables import end_of
from reports.publish import Published

FORECAST: Final = (
    "subject",
    "p50_on",
    "p85_on",
    "p95_on",
    "due_on",
    "remaining",
    "config_digest",
)  # what is news of it


def refusals(workspace: Workspace, assessed: Assessed) -> list[str]:
    """Why nothing may be published: sources whose certificates are worse than the configuration asks for, and those
    of which something was read before, but not into this database: it was made anew, and pages would lose what they say.
    """
    config, known = workspace.config, certified(workspace.record)
    if not any(place.write for place in config.places):
        return []
    here = passes.projects_read(workspace.store)
    lacking = [
        f"{what}: read before, but not since the database was made anew; run `pmo-sync pull`, which says what hinders it"
        for one in config.sources
        if (what := _lacking(one.name, known, here))
    ]
    return lacking or below(known.newest, [one.name for one in config.sources], config.required_grade, assessed.as_of)


def _lacking(source: str, known: Certified, here: frozenset[str]) -> str:
    """The source, or those of its projects that were read before and are not here; empty: all are."""
    if source not in known.succeeded_at:
        return ""
    if not any(one.startswith(f"{source}:") for one in here):
        return source
    projects = [one.project for one in known.newest[source].projects if one.was_held and one.project_id not in here]
    return f"{source}: {', '.join(projects)}" if projects else ""


def must_be_newest(workspace: Workspace, on: date) -> None:
    """Raises PmoSyncError where a report of a later day than ``on`` stands in a place: nobody would see it go."""
    zone = workspace.config.zone
    newest = Whereabouts(workspace.record).newest()
    if newest is not None and newest > end_of(on, zone):
        shown = (newest.astimezone(zone) - timedelta(microseconds=1)).date()
        raise PmoSyncError(
            f"the places show a newer report, as of {shown}, and that of {on} would replace it; "
            f"`pmo-sync report --as-of {on}` writes it for you alone"
        )


def publish_and_remember(
    workspace: Workspace, assessed: Assessed, voice: Voice, *, write: bool, adopt: Collection[str] = ()
) -> list[Published]:
    """Publish to every place. What is about to be said is in the record before anybody can read it.

    ``adopt`` names documents to take over; raises ConfigError, before anything is written, for names of none.
    """
    planned = plan(workspace.config, assessed)
    taken_over = adopted(planned, adopt)
    known = Whereabouts(workspace.record)
    write = write and any(place.write for place in workspace.config.places)
    if write:
        _remember_forecasts(workspace, assessed)
    results: list[Published] = []
    published = publish_all(planned, workspace.network, write=write, adopt=taken_over, known=known, voice=voice)
    for made in published:
        if write:
            _remember_publications(workspace, assessed, made, known)
        results += made
    return results + _left_behind(workspace, assessed, planned, results, voice, write=write)


def _left_behind(
    workspace: Workspace, assessed: Assessed, planned: Plan, results: Sequence[Published], voice: Voice, *, write: bool
) -> list[Published]:
    """What no report wants any more; what is gone, or can never be asked for, is not told again."""
    known = Whereabouts(workspace.record)
    told, forgotten = orphaned(workspace.config, workspace.network, known, planned, results, assessed.as_of)
    for one in told:
        voice.say(f"{one.place}: {one.slot}: {one.outcome} ({one.message})")
    if write and forgotten:
        with workspace.record.run(workspace.part("orphans")) as run:
            run.write("publication", [{**row, "run_id": workspace.run_id, "outcome": FORGOTTEN} for row in forgotten])
    return told


def _remember_forecasts(workspace: Workspace, assessed: Assessed) -> None:
    """The forecasts with their inputs, once for a moment and a configuration: what is published again is no news."""
    rows = forecast.ledger_rows(assessed, workspace.run_id, workspace.clock.now())
    kept = [row for row in workspace.record.rows("ledger") if row["as_of"] == assessed.as_of]
    newest = max((row["run_id"] for row in kept), default=None)
    if _plain(rows) != _plain([row for row in kept if row["run_id"] == newest]):
        with workspace.record.run(workspace.part("forecasts")) as run:
            run.write("ledger", rows)


def _plain(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted(repr([row[column] for column in FORECAST]) for row in rows)


def _remember_publications(
    workspace: Workspace, assessed: Assessed, results: Sequence[Published], known: Whereabouts
) -> None:
    """Where each document of one place stands now: those just written, and those a killed run wrote and could not note."""
    now = workspace.clock.now()
    places = {place.name: place for place in workspace.config.places}
    rows = [
        {
            "run_id": workspace.run_id,
            "as_of": assessed.as_of,
            "place": one.place,
            "slot": one.slot,
            "outcome": one.outcome,
            "url": one.url,
            "id": one.id,
            "published_at": now,
            "target": places[one.place].target(one.slot),
            "link": one.link,
        }
        for one in results
        if one.outcome in ("created", "updated")
        or (one.outcome == "unchanged" and not known.is_noted(places[one.place], one.slot))
    ]
    if rows:
        with workspace.record.run(workspace.part("publish")) as run:
            run.write("publication", rows)
