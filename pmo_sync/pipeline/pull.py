"""pull: trackers -> store. One thread a source fetches, this thread stores; a bounded queue lies between.

A source that fails does not stop the others: what was stored before stays, its certificate says what happened, and
the command ends with exit code 4.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

import connectors
from pmo_sync.certificate import ProjectCount, SourceCertificate
from pmo_sync.errors import AccessError, ConfigError, PmoSyncError
from pmo_sync.model import Catalogue, Census, Identity, Page, Problem, Project

if TYPE_CHECKING:
    from connectors.base import Connector
    from pmo_sync.config import SourceConfig
    from pmo_sync.pipeline.workspace import Workspace

Say = Callable[[str], None]
AHEAD: Final = 8  # pages fetched but not stored yet
MERGE_EVERY: Final = 2_000  # issues


@dataclass(frozen=True, slots=True)
class _Fetched:
    """One step of one source's pull; exactly one of the parts is set, ``error`` or nothing ends the source."""

    source: str
    project: Project | None = None
    identity: Identity | None = None
    catalogue: Catalogue | None = None
    page: Page | None = None
    census: Census | None = None
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
    error: str = ""
    stored: int = 0


def pull_sources(
    workspace: Workspace, sources: Sequence[SourceConfig], say: Say, *, full: bool
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
        threading.Thread(target=_fetch, args=(connector, cursors, fetched), daemon=True).start()
    waiting, unmerged = len(reached), 0
    while waiting:
        for step in _joined(_waiting_steps(fetched)):
            waiting -= step.is_end
            unmerged += _store(workspace, progress[step.source], step, say)
        if unmerged >= MERGE_EVERY:
            workspace.store.merge()
            unmerged = 0
    workspace.store.merge()
    certificates = [_certify(workspace, progress[source.name], reached.get(source.name), say) for source in sources]
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
    if one is None or two is None or not (one.cursor and two.cursor) or first.project != second.project:
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
    for project in catalogue.projects:
        try:
            for page in connector.pages(project, cursors.get(project.project_id)):
                yield _Fetched(connector.source, project, page=page)
            yield _Fetched(connector.source, project, census=connector.census(project, sweep=False))
        except AccessError as error:  # one closed project; a dead server ends the source
            problem = Problem(project.key, str(error))
            yield _Fetched(connector.source, project, page=Page((), (), (), (problem,), ""))


def _store(workspace: Workspace, known: _Progress, step: _Fetched, say: Say) -> int:
    """Store one step; returns how many issues it brought."""
    if step.bug is not None:
        raise step.bug
    if step.error is not None:
        known.error = str(step.error)
        say(f"{step.source}: {known.error}")
    elif step.identity is not None:
        known.identity = step.identity
    elif step.catalogue is not None:
        known.projects = {one.project_id: one for one in step.catalogue.projects}
        known.problems += step.catalogue.problems
        workspace.store.save_catalogue(step.source, step.catalogue, workspace.clock.now())
        workspace.store.hand_over(workspace.record, f"{workspace.run_id}-{step.source}")
    elif step.census is not None:
        known.counts[step.census.project_id] = step.census.count
    elif step.page is not None and step.project is not None:
        known.problems += step.page.problems
        if step.page.cursor:
            workspace.store.append(step.source, step.project.project_id, step.page)
            known.stored += len(step.page.issues)
        if step.page.issues:
            say(f"{step.source}: {step.project.key}: {known.stored} issues read")
        return len(step.page.issues)
    return 0


def _certify(workspace: Workspace, known: _Progress, connector: Connector | None, say: Say) -> SourceCertificate:
    store, now = workspace.store, workspace.clock.now()
    counts = []
    ours = store.counts(known.config.name)
    if connector is not None and not known.error:
        for project_id, project in known.projects.items():
            server = known.counts.get(project_id)
            if server is not None and server != ours.get(project_id, 0):
                _reconcile(workspace, known, connector, project, now)
        ours = store.counts(known.config.name)
    for project_id, project in known.projects.items():
        counts.append(ProjectCount(project.key, known.counts.get(project_id), ours.get(project_id, 0)))
    if not known.projects:
        counts = [
            ProjectCount(key, None, ours[id_])
            for id_, key in store.project_keys(known.config.name).items()
            if id_ in ours
        ]
    certificate = SourceCertificate(
        source=known.config.name,
        account=known.identity.account if known.identity else "",
        server=known.identity.server if known.identity else "",
        pulled_at=None if known.error else now,
        projects=tuple(counts),
        problems=tuple(known.problems),
        notes=tuple(known.notes),
        unmapped_statuses=store.unmapped_statuses(known.config.name, known.config.statuses),
        error=known.error,
        clock_skew_seconds=_skew(known.identity, now),
    )
    if not known.error:
        say(
            f"{certificate.source}: {certificate.grade}, {sum(one.our_count for one in counts)} issues, {known.stored} read"
        )
    return certificate


def _reconcile(workspace: Workspace, known: _Progress, connector: Connector, project: Project, now: datetime) -> None:
    """The counts differ: sweep the ids, and note what the server no longer shows."""
    try:
        census = connector.census(project, sweep=True)
    except PmoSyncError as error:
        known.problems.append(Problem(project.key, f"the census failed: {error}"))
        return
    if census.issue_ids is None:
        return
    ours = workspace.store.issue_ids(project.project_id)
    known.counts[project.project_id] = len(census.issue_ids)
    unread = census.issue_ids - ours
    if unread:
        known.problems.append(
            Problem(project.key, f"{len(unread)} issues are shown but were not read: {_some(unread)}")
        )
    if workspace.store.note_unread(project.project_id, unread):
        workspace.store.forget_cursor(project.project_id)  # the next pull reads the project again, once
    missing = ours - census.issue_ids
    if missing:
        what = f"{len(missing)} issues are no longer shown; they go when a pull a day later or more misses them too"
        known.notes.append(Problem(project.key, what))
        try:
            workspace.store.note_missing(project.project_id, missing, now, known.config.shrink_limit)
        except PmoSyncError as error:
            known.problems.append(Problem(project.key, str(error)))
    else:
        workspace.store.note_missing(project.project_id, frozenset(), now, known.config.shrink_limit)


def _some(ids: frozenset[str]) -> str:
    shown = sorted(ids)[:5]
    return ", ".join(shown) + (" ..." if len(ids) > len(shown) else "")


def _skew(identity: Identity | None, now: datetime) -> float | None:
    return None if identity is None or identity.now is None else (identity.now - now).total_seconds()
