"""pull, report, publish, sync: the commands a scheduler calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmo_sync import assess, tables
from pmo_sync.assessed import Assessed, SourceTrust
from pmo_sync.certificate import SourceCertificate, trust
from pmo_sync.errors import ConfigError, Exit, PmoSyncError
from pmo_sync.pipeline import numbers
from pmo_sync.pipeline.certified import certified, remember
from pmo_sync.pipeline.finding import counted
from pmo_sync.pipeline.publication import must_be_newest, publish_and_remember, refusals
from pmo_sync.pipeline.pull import pull_sources
from pmo_sync.pipeline.workspace import Workspace, reading, writing
from pmo_sync.result import Result, Voice
from reports import local
from reports.publish import Published

if TYPE_CHECKING:
    from pmo_sync.clock import Clock
    from pmo_sync.config import Config, SourceConfig
    from pmo_sync.http.tape import Tape


def pull(
    config: Config,
    clock: Clock,
    voice: Voice,
    *,
    sources: Sequence[str] = (),
    projects: Sequence[str] = (),
    full: bool = False,
    since: date | None = None,
    allow_shrink: bool = False,
    tape: Tape | None = None,
) -> Result:
    """Read the trackers into the store: of ``projects`` (their keys; all where none is named), everything anew with
    ``full``, or what changed from the beginning of the day ``since`` on. Answers are recorded on ``tape``, or come from it.
    """
    wanted = _sources(config, sources)
    start = None if since is None else datetime.combine(since, time(), config.zone)
    with writing(config, clock, "pull", tape) as workspace:
        certificates = pull_sources(
            workspace, wanted, voice, full=full, since=start, projects=projects, allow_shrink=allow_shrink
        )
        remember(workspace, certificates)
    _known_projects(certificates, projects)
    return _pulled(certificates)


def _known_projects(certificates: Sequence[SourceCertificate], projects: Sequence[str]) -> None:
    """Raises ConfigError for names that no source reads; where a source failed, nobody knows."""
    shown = {project.project.lower() for one in certificates for project in one.projects}
    unknown = [one for one in projects if one.lower() not in shown]
    if unknown and not any(one.error for one in certificates):
        names = ", ".join(sorted(project.project for one in certificates for project in one.projects))
        raise ConfigError([f"--project {one}: no source reads it; there are {names}" for one in unknown])


def report(config: Config, clock: Clock, voice: Voice, *, on: date | None = None) -> Result:
    """Write the local HTML report as of the end of ``on``, the last closed period by default."""
    with reading(config, clock) as workspace:
        assessed = assess_now(workspace, on)
    written = _write_html(config, assessed, voice)
    return Result({"as_of": assessed.as_of, "files": [str(file) for file in written]}, [f"report: {written[-1]}"])


def publish(
    config: Config,
    clock: Clock,
    voice: Voice,
    *,
    on: date | None = None,
    dry_run: bool = False,
    adopt: Sequence[str] = (),
) -> Result:
    """Write the reports to their places, or show what would be written.

    ``adopt`` names documents, as PLACE:SLOT, to take over although somebody edited or deleted them. Raises PmoSyncError
    for a day before the one that the places show.
    """
    with writing(config, clock, "publish") as workspace:
        if on is not None and not dry_run:
            must_be_newest(workspace, closed_day(workspace, on))
        assessed = assess_now(workspace, on)
        refused = refusals(workspace, assessed)
        if not dry_run and not refused and any(place.write for place in config.places):
            numbers.remember(workspace, assessed)
        results = _publish(workspace, assessed, voice, refused, dry_run=dry_run, adopt=adopt)
    return _published(results, refused, show_diff=dry_run)


def sync(config: Config, clock: Clock, voice: Voice, *, dry_run: bool = False) -> Result:
    """Pull, report, publish under one lock. Sources and places that fail do not stop the others; exit code 4 tells."""
    with writing(config, clock, "sync") as workspace:
        certificates = pull_sources(workspace, config.sources, voice, full=False)
        remember(workspace, certificates)
        assessed = assess_now(workspace, None)
        if not dry_run:
            numbers.remember(workspace, assessed)
        files, html_error = _tried_html(config, assessed, voice)
        refused = refusals(workspace, assessed)
        results = _publish(workspace, assessed, voice, refused, dry_run=dry_run)
    pulled, published = _pulled(certificates), _published(results, refused, show_diff=dry_run)
    data = {**pulled.data, **published.data, "as_of": assessed.as_of, "files": [str(file) for file in files]}
    if html_error:
        data["report_error"] = html_error
    line = f"report: failed ({html_error})" if html_error else f"report: {files[-1]}"
    failed = Exit.FINISHED_WITH_FAILURES if html_error else Exit.OK
    return Result(data, [*pulled.text, line, *published.text], max(pulled.exit, published.exit, failed))


def _publish(
    workspace: Workspace,
    assessed: Assessed,
    voice: Voice,
    refused: Sequence[str],
    *,
    dry_run: bool,
    adopt: Sequence[str] = (),
) -> list[Published]:
    """Nothing is written where it is refused; a dry run still shows what would be."""
    if refused and not dry_run:
        return []
    return publish_and_remember(workspace, assessed, voice, write=not dry_run, adopt=adopt)


def assess_now(workspace: Workspace, on: date | None) -> Assessed:
    """Everything reports may say as of the end of ``on``, or of the last closed period."""
    config = workspace.config
    today = closed_day(workspace, on)
    return assess.assess(workspace.store, config, today, _sources_trust(workspace, today), workspace.record)


def closed_day(workspace: Workspace, on: date | None) -> date:
    """``on``, or the last day of the last closed period. Raises PmoSyncError for a day that is not over."""
    config, now = workspace.config, workspace.clock.now()
    if on is not None and tables.end_of(on, config.zone) > now:
        raise PmoSyncError(f"{on} is not over yet in {config.zone.key}; name a closed day")
    return on or assess.last_closed_day(now, config.zone, config.period)


def _sources(config: Config, names: Sequence[str]) -> list[SourceConfig]:
    known = {source.name for source in config.sources}
    unknown = [f"no source named {name!r}; there are {', '.join(sorted(known))}" for name in names if name not in known]
    if unknown:
        raise ConfigError(unknown)
    return [source for source in config.sources if not names or source.name in names]


def _sources_trust(workspace: Workspace, today: date) -> tuple[SourceTrust, ...]:
    """How far each source can be believed at the end of ``today``."""
    known = certified(workspace.record)
    names = [one.name for one in workspace.config.sources]
    held = {name: sum(workspace.store.counts(name).values()) for name in names}
    return trust(names, known.newest, known.succeeded_at, held, tables.end_of(today, workspace.config.zone))


def _tried_html(config: Config, assessed: Assessed, voice: Voice) -> tuple[list[Path], str]:
    """The local report, or why there is none: like a place that fails, it does not stop the others."""
    try:
        return _write_html(config, assessed, voice), ""
    except PmoSyncError as error:
        return [], str(error)


def _write_html(config: Config, assessed: Assessed, voice: Voice) -> list[Path]:
    files = []
    for file in local.write_all(assessed, config.language, config.html_dir):
        voice.progress(f"report: {file.name}")
        files.append(file)
    return files


def _pulled(certificates: Sequence[SourceCertificate]) -> Result:
    lines = []
    for one in certificates:
        count = sum(project.our_count for project in one.projects)
        lines.append(f"{one.source}: {one.grade}, {count} issues{f', {one.error}' if one.error else ''}")
        lines += [f"  {problem.subject}: {problem.what}" for problem in (*one.problems[:20], *one.notes)]
        lines += [f"  ... and {len(one.problems) - 20} more problems"] if len(one.problems) > 20 else []
        if one.token_days is not None:
            lines.append(
                f"  its token is valid until {one.token_expires_on} only ({counted(one.token_days, 'day')}); pulls fail "
                "from then on: make a new one, and put it where `pmo-sync check` says"
            )
        if one.unmapped_statuses:
            lines.append(
                f"  not mapped: {', '.join(one.unmapped_statuses)}; add them to [source.{one.source}.statuses]"
            )
    failed = any(one.error or one.problems for one in certificates)
    return Result(
        {"sources": [one.as_json() for one in certificates]}, lines, Exit.FINISHED_WITH_FAILURES if failed else Exit.OK
    )


def _published(results: Sequence[Published], refused: Sequence[str], *, show_diff: bool) -> Result:
    lines = ["published: nothing, the certificates forbid it", *(f"  {line}" for line in refused)] if refused else []
    data: dict[str, Any] = {"published": [one._asdict() for one in results]}
    if refused:
        data["refused"] = list(refused)
        if not results:
            return Result(data, lines, Exit.FINISHED_WITH_FAILURES)
    counts = Counter(one.outcome for one in results)
    lines += [line for one in results if show_diff and one.diff for line in one.diff.splitlines()]
    lines.append(
        "published: " + (", ".join(f"{counts[word]} {word}" for word in sorted(counts)) or "no place configured")
    )
    bad = refused or counts["failed"] or counts["conflict"]
    return Result(data, lines, Exit.FINISHED_WITH_FAILURES if bad else Exit.OK)
