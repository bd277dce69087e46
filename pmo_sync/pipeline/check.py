"""check: can we read and write what the configuration names? Everything at once, and nothing is written anywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import connectors
from pmo_sync.errors import Exit, PmoSyncError
from pmo_sync.http.network import Network
from pmo_sync.pipeline.certified import certified
from pmo_sync.pipeline.examine import examine, remedy
from pmo_sync.pipeline.finding import Examined, counted, summary
from pmo_sync.pipeline.orphans import ADVICE, expected
from pmo_sync.pipeline.places import STAYS
from pmo_sync.pipeline.whereabouts import Whereabouts
from pmo_sync.result import Result
from reports import publishers

if TYPE_CHECKING:
    from pmo_sync.certificate import SourceCertificate
    from pmo_sync.clock import Clock
    from pmo_sync.config import Config, PlaceConfig

SHOWN: Final = 10  # lines of one kind about a certificate
WORKERS: Final = 16  # sources and places looked at at the same time; each server has its own limiter


def check(config: Config, clock: Clock) -> Result:
    """Every source, place and local folder. Exit code 4 where something is wrong."""
    network = Network(clock)
    sources = [partial(examine, one, config, network) for one in config.sources]
    places = [partial(_place, one, network) for one in config.places]
    jobs: list[Callable[[], Examined]] = [*sources, *places]
    connectors.load({one.kind for one in config.sources})
    publishers.load({one.kind for one in config.places})
    with ThreadPoolExecutor(WORKERS) as pool:
        looked = list(pool.map(lambda job: job(), jobs))
    here = _local(config)
    _working_days(config, clock.now().astimezone(config.zone).date(), here)
    _last_certificates(config, looked[: len(sources)], here)
    _left_behind(config, looked[len(sources) :], here)
    examined = [*looked, here]
    lines = [line for one in examined for line in (*one.lines(), "")]
    return Result(
        {
            "sources": [one.as_json() for one in looked[: len(sources)]],
            "places": [one.as_json() for one in looked[len(sources) :]],
            "local": here.as_json(),
        },
        [*lines, summary(examined)],
        Exit.OK if all(one.is_ok for one in examined) else Exit.FINISHED_WITH_FAILURES,
    )


def _place(place: PlaceConfig, network: Network) -> Examined:
    """Whether the place can be written to, found out by reading."""
    where = place.server.url if place.server else str(place.path)
    found = Examined(place.name, f"place {place.name}: {place.kind} at {where}")
    found.facts |= {"kind": place.kind, "where": where, "write": place.write}
    try:
        publisher, _ = publishers.open_place(place, network)
        found.say("ok", publisher.check())
    except PmoSyncError as error:
        *others, last = str(error).splitlines() or [type(error).__name__]
        for line in others:
            found.say("wrong", line)
        found.say("wrong", last, *remedy(f"place.{place.name}", place.server, error))
        return found
    if not place.write:
        found.say("note", f"nothing is written here until [place.{place.name}] says write = true")
    return found


def _local(config: Config) -> Examined:
    """The folders on this machine."""
    found = Examined("local", "this machine")
    for option, folder in (("state_dir", config.state_dir), ("html_dir", config.html_dir)):
        found.facts[option] = str(folder)
        nearest = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
            found.say("ok", f"{option} {folder} can be written")
        else:
            why = "cannot be written" if nearest.is_dir() else "is a file, not a folder"
            found.say(
                "wrong",
                f"{option} {folder}: {nearest} {why}",
                f"name another folder as {option} of [pmo], or give this user the right to write there",
            )
    return found


def _working_days(config: Config, today: date, here: Examined) -> None:
    """The calendars that numbers go by: nobody sees a missing holiday in a number."""
    from pmo_sync import calendars

    own = ((f"team {team.id}", team.calendar) for team in config.teams if team.calendar != config.calendar)
    here.facts["calendars"] = {}
    for owner, calendar in (("the PMO", config.calendar), *own):
        rows = calendars.days([calendar], today, today + timedelta(days=365)).to_pylist()
        off = [row["day"] for row in rows if row["is_off"]]
        here.facts["calendars"][owner] = off
        week = counted(len(calendars.week(calendar)), "day")
        if off:
            here.say(
                "ok", f"{owner} works {week} a week; {counted(len(off), 'day')} off in a year, the next on {off[0]}"
            )
        else:
            here.say(
                "note",
                f"{owner} works {week} a week and no day off is known: holidays would read as slow work",
                'say country = "ID" or the like in [pmo], and free_days = [2026-12-24] for days of your own',
            )


def _last_certificates(config: Config, sources: list[Examined], here: Examined) -> None:
    """What the newest run could prove of each source, from the record; before a first run there is nothing to say."""
    from pmo_sync.record import Record

    try:
        newest = certified(Record(config.state_dir / "record")).newest
    except PmoSyncError as error:
        here.say("wrong", str(error))
        return
    for one in sources:
        last = newest.get(one.name)
        one.facts["last_certificate"] = None if last is None else last.as_json()
        if last is None:
            one.say("note", "not pulled yet")
            continue
        when = f", {last.pulled_at:%Y-%m-%d %H:%M} UTC," if last.pulled_at else ""
        one.say(
            "ok" if last.grade == "complete" else "note",
            f"its last pull{when} was {last.grade}",
            *_details(last),
        )
        if last.token_expires_on and "account" not in one.facts:
            one.say("note", f"its token was valid until {last.token_expires_on}, unless it was replaced since")


def _left_behind(config: Config, places: list[Examined], here: Examined) -> None:
    """What earlier runs published and no report wants any more, from the record; whether it is still there, the next
    publication asks.
    """
    from pmo_sync.record import Record

    try:
        known = Whereabouts(Record(config.state_dir / "record"))
    except PmoSyncError:
        return  # the certificates have told it
    by_name = {one.name: one for one in places}
    wanted = list(expected(config, known))
    parents = {(place.name, slot) for place, slot in wanted if place.kind == "confluence"}
    for row in known.orphans(wanted):
        was = f"{row['slot']} was published at {row['url']}"
        at = by_name.get(row["place"], here)
        if (row["place"], row["slot"]) in parents:
            at.say("note", f"{was}, when {row['place']} led elsewhere; in the same space it goes on there", STAYS)
        else:
            at.say("note", f"{was}; no report puts it there now", ADVICE)


def _details(last: SourceCertificate) -> list[str]:
    """The certificate of one source, a line for whatever is to be known."""
    lines = [last.error] if last.error else []
    lines += [f"{what.subject}: {what.what}" for what in (*last.problems, *last.notes)][:SHOWN]
    for project in last.projects:
        if project.server_count not in (None, project.our_count):
            lines.append(f"{project.project}: the server counts {project.server_count}, we hold {project.our_count}")
    lines += [f"{what.subject}: {what.what}" for what in last.skipped][:SHOWN]
    if last.unmapped_statuses:
        lines.append(f"statuses without a category: {', '.join(last.unmapped_statuses)}")
    return lines
