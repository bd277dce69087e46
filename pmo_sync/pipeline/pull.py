"""pull: trackers -> store. One thread a source fetches, this thread stores; a bounded queue lies between.

A source that fails does not stop the others: what was stored before stays, its certificate says what happened, and
the command ends with exit code 4.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import connectors
from pmo_sync.certificate import ProjectCount, SourceCertificate
from pmo_sync.errors import AccessError, ConfigError, PmoSyncError, ShrinkError, TrackerError
from pmo_sync.model import Catalogue, Census, Identity, Page, Problem, Project

if TYPE_CHECKING:
    from connectors.base import Connector
    from pmo_sync.config import SourceConfig
    from pmo_sync.pipeline.workspace import Workspace
    from pmo_sync.result import Voice
AHEAD: Final = 8  # pages fetched but not stored yet
MERGE_EVERY: Final = 2_000  # issues
COMPACT_AFTER: Final = 5_000  # issues read in one pull: then history is put back into its reading order
SILENT_PROJECTS: Final = 2  # projects without an answer in a row: then the server is down
SWEEP_EVERY: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class _Fetched:
    """One step of one source's pull; exactly one of the parts is set, ``error`` or nothing ends the source."""

    source: str
    project: Project | None = None
    identity: Identity | None = None
    catalogue: Catalogue | None = None
    page: Page | None = None
    census: Census | None = None
    refused: PmoSyncError | None = None  # this project could not be read
    error: PmoSyncError | None = None
    bug: BaseException | None = None
    is_end: bool = False


@dataclass(slots=True)
class _Progress:
    """What is known about one source while it is being pulled."""

    config: SourceConfig
    identity: Identity | None = None
    projects: dict[str, Project] = field(default_factory=dict)
    counts: dict[str, int | None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    closed: list[Problem] = field(default_factory=list)
    error: str = ""
    stored: int = 0
    before: dict[str, str] = field(default_factory=dict)  # the cursors this pull began with
    failing: set[str] = field(default_factory=set)  # projects with an issue that could not be read
    ended: set[str] = field(default_factory=set)  # projects read to their end


def pull_sources(
    workspace: Workspace, sources: Sequence[SourceConfig], voice: Voice, *, full: bool
) -> list[SourceCertificate]:
    """Pull each source and certify it. Raises nothing a source did wrong."""
    fetched: queue.Queue[_Fetched] = queue.Queue(AHEAD)
    progress = {source.name: _Progress(source) for source in sources}
    reached = {}
    for source in sources:
        try:
            connector = connectors.connect(source, workspace.clock)
        except ConfigError as error:
            progress[source.name].error = str(error)
            continue
        reached[source.name] = connector
        cursors = {} if full else workspace.store.cursors(source.name)
        progress[source.name].before = cursors
        threading.Thread(target=_fetch, args=(connector, cursors, fetched), daemon=True).start()
    waiting, unmerged = len(reached), 0
    while waiting:
        for step in _joined(_waiting_steps(fetched)):
            waiting -= step.is_end
            unmerged += _store(workspace, progress[step.source], step, voice)
        if unmerged >= MERGE_EVERY:
            workspace.store.merge()
            unmerged = 0
    workspace.store.merge()
    if sum(one.stored for one in progress.values()) >= COMPACT_AFTER:
        workspace.store.compact()
    certificates = [_certify(workspace, progress[source.name], reached.get(source.name)) for source in sources]
    workspace.store.hand_over(workspace.record, f"{workspace.run_id}-vanished")
    return certificates


def _waiting_steps(fetched: queue.Queue[_Fetched]) -> list[_Fetched]:
    """The next step, and with it those that wait behind it: the slower the store, the more it takes at once."""
    steps = [fetched.get()]
    while len(steps) < AHEAD:
        try:
            steps.append(fetched.get_nowait())
        except queue.Empty:
            break
    return steps


def _joined(steps: Sequence[_Fetched]) -> Iterator[_Fetched]:
    """Neighbouring pages of one project as one: a transaction costs as much for one page as for eight."""
    last: _Fetched | None = None
    for step in steps:
        page = None if last is None else _one_page(last, step)
        if last is not None and page is None:
            yield last
        last = step if page is None else replace(step, page=page)
    if last is not None:
        yield last


def _one_page(first: _Fetched, second: _Fetched) -> Page | None:
    """Both pages as one with the second's cursor; None where they do not belong together or share an issue."""
    one, two = first.page, second.page
    if one is None or two is None or first.project != second.project:
        return None
    if not {issue.issue_id for issue in one.issues}.isdisjoint(issue.issue_id for issue in two.issues):
        return None  # of an issue read twice the later reading holds, as a whole
    people = (*one.people, *two.people)
    problems = (*one.problems, *two.problems)
    return Page((*one.issues, *two.issues), (*one.intervals, *two.intervals), people, problems, two.cursor)


def _fetch(connector: Connector, cursors: Mapping[str, str], out: queue.Queue[_Fetched]) -> None:
    """Runs in the source's own thread."""
    try:
        for step in _steps(connector, cursors):
            out.put(step)
    except PmoSyncError as error:
        out.put(_Fetched(connector.source, error=error, is_end=True))
    except BaseException as error:  # noqa: BLE001 - handed over and raised where the user sees it
        out.put(_Fetched(connector.source, bug=error, is_end=True))
    else:
        out.put(_Fetched(connector.source, is_end=True))


def _steps(connector: Connector, cursors: Mapping[str, str]) -> Iterator[_Fetched]:
    yield _Fetched(connector.source, identity=connector.check())
    catalogue = connector.catalogue()
    yield _Fetched(connector.source, catalogue=catalogue)
    silent = 0
    for project in catalogue.projects:
        try:
            for page in connector.pages(project, cursors.get(project.project_id)):
                yield _Fetched(connector.source, project, page=page)
            yield _Fetched(connector.source, project, census=connector.census(project, sweep=False))
        except (AccessError, TrackerError) as error:  # one closed or broken project does not starve the others
            yield _Fetched(connector.source, project, refused=error)
            silent = 0 if isinstance(error, AccessError) else silent + 1
            if silent == SILENT_PROJECTS:
                raise
        else:
            silent = 0


def _store(workspace: Workspace, known: _Progress, step: _Fetched, voice: Voice) -> int:
    """Store one step; returns how many issues it brought."""
    if step.bug is not None:
        raise step.bug
    if step.error is not None:
        known.error = str(step.error)
        voice.say(f"{step.source}: {known.error}")
    elif step.identity is not None:
        known.identity = step.identity
    elif step.catalogue is not None:
        _store_catalogue(workspace, known, step.catalogue)
    elif step.project is not None and step.refused is not None:
        known.closed.append(Problem(step.project.key, str(step.refused)))
        known.problems.append(known.closed[-1])
        voice.say(f"{step.source}: {step.project.key}: {step.refused}")
    elif step.project is not None and step.census is not None:
        known.counts[step.census.project_id] = step.census.count
        known.ended.add(step.project.project_id)
        _keep_watermark(workspace, known, step.project)
    elif step.project is not None and step.page is not None:
        return _store_page(workspace, known, step.project, step.page, voice)
    return 0


def _store_page(workspace: Workspace, known: _Progress, project: Project, page: Page, voice: Voice) -> int:
    known.problems += page.problems
    if page.problems:
        known.failing.add(project.project_id)
    workspace.store.append(known.config.name, project.project_id, page)
    known.stored += len(page.issues)
    if page.issues:
        voice.progress(f"{known.config.name}: {project.key}: {known.stored} issues read")
    return len(page.issues)


def _store_catalogue(workspace: Workspace, known: _Progress, catalogue: Catalogue) -> None:
    """A project that we hold and the tracker no longer shows is a problem, not an empty project."""
    store, source = workspace.store, known.config
    shown = {one.project_id for one in catalogue.projects}
    wanted = {key.lower() for key in source.projects}
    gone = [
        Problem(
            key, "the server no longer shows this project; what was read of it stays. Is the account still a member?"
        )
        for id_, key in store.project_keys(source.name).items()
        if id_ not in shown and store.counts(source.name).get(id_) and (not wanted or key.lower() in wanted)
    ]
    known.closed += [*catalogue.problems, *gone]
    known.problems += known.closed
    known.projects = {one.project_id: one for one in catalogue.projects}
    kept = replace(catalogue, problems=(*catalogue.problems, *gone))  # with problems nothing is taken out
    store.save_catalogue(source.name, kept, workspace.clock.now())
    store.hand_over(workspace.record, f"{workspace.run_id}-{source.name}")


def _keep_watermark(workspace: Workspace, known: _Progress, project: Project) -> None:
    """A changed issue that could not be read must come again: the pass does not count, the next one begins where it did.

    After a first or full pass there is nothing to go back to; its census finds what is lacking.
    """
    before = known.before.get(project.project_id)
    if project.project_id in known.failing and before is not None:
        workspace.store.put_cursor(known.config.name, project.project_id, before)


def _certify(workspace: Workspace, known: _Progress, connector: Connector | None) -> SourceCertificate:
    store, now = workspace.store, workspace.clock.now()
    if connector is not None and not known.error:
        for project_id in known.ended:
            _compare(workspace, known, connector, known.projects[project_id], now)
    if known.projects and not known.ended and not known.error:
        known.error = "no project could be read: " + known.problems[0].what
    ours, keys = store.counts(known.config.name), store.project_keys(known.config.name)
    counts = [ProjectCount(key, known.counts.get(id_), ours.get(id_, 0)) for id_, key in sorted(keys.items())]
    return SourceCertificate(
        source=known.config.name,
        account=known.identity.account if known.identity else "",
        server=known.identity.server if known.identity else "",
        pulled_at=None if known.error else now,
        projects=tuple(counts),
        problems=tuple(known.problems),
        notes=tuple(known.notes),
        closed=tuple(known.closed),
        unmapped_statuses=store.unmapped_statuses(known.config.name, known.config.statuses),
        error=known.error,
        clock_skew_seconds=_skew(known.identity, now),
    )


def _compare(workspace: Workspace, known: _Progress, connector: Connector, project: Project, now: datetime) -> None:
    """Our issues of a project against the server's: by number each time, one by one when those differ or a day has passed."""
    store, id_ = workspace.store, project.project_id
    last = store.swept_at(id_)
    agrees = known.counts.get(id_) == store.counts(known.config.name).get(id_, 0)
    was_full = id_ not in known.before  # then every id was just read
    if agrees and (was_full or (last is not None and now - last < SWEEP_EVERY)):
        store.note_missing(id_, frozenset(), now, known.config.shrink_limit)
        if was_full:
            store.note_sweep(id_, now)
        return
    try:
        census = connector.census(project, sweep=True)
    except PmoSyncError as error:
        known.problems.append(Problem(project.key, f"the census failed: {error}"))
        return
    if census.issue_ids is None:
        known.notes.append(Problem(project.key, "the server lists no ids; what was deleted there cannot be found"))
        return
    ours = store.issue_ids(id_)
    known.counts[id_] = len(census.issue_ids)
    _note_unread(workspace, known, project, census.issue_ids - ours)
    missing = ours - census.issue_ids
    if missing:
        what = (
            f"{counted(len(missing), 'issue')} no longer shown; taken out when a pull a day later or more misses it too"
        )
        known.notes.append(Problem(project.key, what))
    try:
        store.note_missing(id_, missing, now, known.config.shrink_limit)
    except ShrinkError as error:
        known.problems.append(Problem(project.key, str(error)))
    store.note_sweep(id_, now)


def _note_unread(workspace: Workspace, known: _Progress, project: Project, unread: frozenset[str]) -> None:
    """Shown, but not here. What was born while we read comes with the next pull; what it does not bring is read in full,
    once; what that does not bring either stays a problem of the certificate.
    """
    pulls = workspace.store.note_unread(project.project_id, unread)
    fresh = [one for one, times in pulls.items() if times == 1]
    stuck = frozenset(pulls) - frozenset(fresh)
    if fresh:
        known.notes.append(
            Problem(project.key, f"{counted(len(fresh), 'issue')} not read yet; the next pull brings it")
        )
    if stuck:
        known.problems.append(
            Problem(project.key, f"{counted(len(stuck), 'issue')} shown, but never read: {_some(stuck)}")
        )
    if any(times == 2 for times in pulls.values()):
        workspace.store.forget_cursor(project.project_id)


def counted(number: int, word: str) -> str:
    """``1 issue``, ``2 issues``."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def _some(ids: frozenset[str]) -> str:
    shown = sorted(ids)[:5]
    return ", ".join(shown) + (" ..." if len(ids) > len(shown) else "")


def _skew(identity: Identity | None, now: datetime) -> float | None:
    return None if identity is None or identity.now is None else (identity.now - now).total_seconds()
