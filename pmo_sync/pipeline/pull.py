"""pull: trackers -> store. One thread a source fetches, this thread stores; a bounded queue lies between.

A source that fails does not stop the others: what was stored before stays, its certificate says what happened, and
the command ends with exit code 4.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import connectors
from pmo_sync.certificate import SourceCertificate
from pmo_sync.config.projects import is_asked_for, is_meant
from pmo_sync.errors import AccessError, ConfigError, PmoSyncError, ShutOutError, TrackerError
from pmo_sync.model import Catalogue, Census, Identity, Page, Problem, Project, Trace
from pmo_sync.pipeline.certified import certified
from pmo_sync.pipeline.compare import compare
from pmo_sync.pipeline.discretion import discreet_text, without_issue
from pmo_sync.pipeline.finding import counted
from pmo_sync.pipeline.people import expire
from pmo_sync.pipeline.progress import Progress
from pmo_sync.pipeline.threads import Ended, results
from pmo_sync.store import handover, passes, vanishing

if TYPE_CHECKING:
    from connectors.base import Connector
    from pmo_sync.config import SourceConfig
    from pmo_sync.pipeline.workspace import Workspace
    from pmo_sync.result import Voice
MERGE_EVERY: Final = 2_000  # issues; what waits to be merged is read again after a kill
MERGE_AFTER: Final = 2.0  # seconds, with the next page: slow trackers bring less
COLLECT_EVERY: Final = 70_000  # objects more than before
COMPACT_AFTER: Final = 10_000  # issues read in one pull: then history is put back into its reading order
REFUSED_PROJECTS: Final = 2  # in a row: then the server is asked whether it is there at all, and still knows us
HIDDEN: Final = (
    "the server no longer shows this project; what was read of it stays. Is the account still a member? If the project "
    "is gone for good: pmo-sync pull --allow-shrink"
)
UNSHOWN: Final = "the server no longer shows the project"
PASSES: Final = 3  # what cannot be read in so many is passed over, for all that changed since has to be read each time


@dataclass(frozen=True, slots=True)
class _Refused:
    """The step's project could not be read."""

    error: PmoSyncError


@dataclass(frozen=True, slots=True)
class _Fetched:
    """One step of one source's pull."""

    part: Identity | Catalogue | Page | Census | _Refused
    project: Project | None = None


def pull_sources(
    workspace: Workspace,
    sources: Sequence[SourceConfig],
    voice: Voice,
    *,
    full: bool,
    since: datetime | None = None,
    projects: Sequence[str] = (),
    allow_shrink: bool = False,
) -> list[SourceCertificate]:
    """Pull each source and certify it. Raises nothing a source did wrong.

    ``full`` reads everything again; ``since`` what changed from then on, also where that was read before. With
    ``projects`` only these (keys, in any case) are read, and the certificates are partial.
    """
    store = workspace.store
    now = workspace.clock.now()
    before = certified(workspace.record).newest
    known = [
        Progress(one, now, before.get(one.name), is_partial=bool(projects), allow_shrink=allow_shrink)
        for one in sources
    ]
    with ExitStack() as opened:
        for one in known:
            try:
                one.connector = connectors.connect(one.config, workspace.network)
            except ConfigError as error:
                one.error = str(error)
                continue
            opened.callback(one.connector.close)
            one.before = {} if full else store.cursors(one.source)
        work = {
            one.source: _steps(one.connector, _Start(workspace, one, since), _wanted(projects))
            for one in known
            if one.connector is not None
        }
        _store_all(workspace, {one.source: one for one in known}, work, voice)
        compare(workspace, known)
    certificates = [one.certificate(workspace) for one in known]
    handover.give(store, workspace.record, workspace.part("known"))
    return certificates


def _wanted(projects: Sequence[str]) -> Callable[[Project], bool]:
    keys = {one.lower() for one in projects}
    return lambda project: not keys or project.key.lower() in keys


class _Start:
    """Where the reading of each project begins: the store is asked before the threads start, for it has one user."""

    def __init__(self, workspace: Workspace, known: Progress, since: datetime | None) -> None:
        self._since = since
        self._cursors = known.before
        self._read_at = {id_: passes.read_at(workspace.store, id_) for id_ in known.before} if since else {}

    def of(self, connector: Connector, project: Project) -> str | None:
        """The cursor; an earlier moment than the last reading's takes its place, a later one would skip what is new."""
        cursor = self._cursors.get(project.project_id)
        read_at = self._read_at.get(project.project_id)
        if self._since is not None and cursor is not None and read_at is not None and self._since < read_at:
            return connector.since(self._since, cursor)
        return cursor


def _steps(connector: Connector, start: _Start, is_wanted: Callable[[Project], bool]) -> Iterator[_Fetched]:
    """Runs in the source's own thread."""
    yield _Fetched(connector.check())
    catalogue = connector.catalogue()
    yield _Fetched(catalogue)
    refused = 0
    for project in filter(is_wanted, catalogue.projects):
        try:
            for page in connector.pages(project, start.of(connector, project)):
                yield _Fetched(_each_once(page), project)
            yield _Fetched(connector.census(project, sweep=False), project)
        except ShutOutError:
            raise
        except (AccessError, TrackerError) as error:  # one closed or broken project does not starve the others
            yield _Fetched(_Refused(error), project)
            refused += 1
            if refused == REFUSED_PROJECTS:
                connector.check()
                refused = 0
        else:
            refused = 0


def _each_once(page: Page) -> Page:
    """The page. Raises TrackerError where an issue is on it twice: nobody could tell its two histories apart."""
    if len({one.issue_id for one in page.issues}) < len(page.issues):
        raise TrackerError("an issue came twice on one page, which is a fault of the connector; run again later")
    return page


def _store_all(
    workspace: Workspace, known: Mapping[str, Progress], work: Mapping[str, Iterator[_Fetched]], voice: Voice
) -> None:
    store, clock = workspace.store, workspace.clock
    merged_at = clock.monotonic()
    with store.streaming(), _rare_collections():
        with closing(results(work)) as steps:
            for source, step in steps:
                if isinstance(step, Ended):
                    _end(known[source], step, voice)
                else:
                    _store(workspace, known[source], step, voice)
                if store.waiting >= MERGE_EVERY or clock.monotonic() - merged_at >= MERGE_AFTER:
                    _merge(workspace, known.values())
                    merged_at = clock.monotonic()
        _merge(workspace, known.values())
        if sum(one.stored for one in known.values()) >= COMPACT_AFTER:
            store.compact()
    expire(workspace)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Within, Python looks for unreachable cycles a hundred times less often: pages are very many objects in none."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_EVERY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _merge(workspace: Workspace, known: Iterable[Progress]) -> None:
    """Store what waits; then those projects are read to their end whose last page was among it."""
    workspace.store.merge()
    for one in known:
        for project in one.ending:
            _end_project(workspace, one, project)
        one.ending.clear()


def _end(known: Progress, ended: Ended, voice: Voice) -> None:
    if isinstance(ended.error, PmoSyncError):
        known.error = without_issue(ended.error)
        if isinstance(ended.error, AccessError):
            known.error += known.token_ended()
        voice.say(f"{known.source}: {known.error}")
    elif ended.error is not None:
        raise ended.error


def _store(workspace: Workspace, known: Progress, step: _Fetched, voice: Voice) -> None:
    """Store one step; pages with the next merge."""
    project = step.project
    match step.part:
        case Identity() as identity:
            known.identity = identity
        case Catalogue() as catalogue:
            _store_catalogue(workspace, known, catalogue)
        case Page() as page if project is not None:
            _store_page(workspace, known, project, page, voice)
        case Census() as census if project is not None:
            known.counts[project.project_id] = census.count
            known.ending.append(project)
        case _Refused(error) if project is not None:
            known.closed.append(Problem(project.key, without_issue(error)))
            known.problems.append(known.closed[-1])
            hidden = workspace.store.confidential(known.source)
            voice.say(f"{known.source}: {project.key}: {discreet_text(without_issue(error), hidden)}")


def _store_page(workspace: Workspace, known: Progress, project: Project, page: Page, voice: Voice) -> None:
    id_ = project.project_id
    known.problems += page.problems
    known.skipped += page.notes
    if page.problems:
        known.failing.setdefault(id_, []).extend(page.problems)
    workspace.store.append(known.source, id_, page, hold=id_ in known.failing)
    known.reached[id_] = page.cursor
    known.read[id_] += len(page.issues)
    known.refetched[id_] += page.refetched
    if page.issues:
        voice.progress(f"{known.source}: {project.key}: {known.stored} issues read")


def _store_catalogue(workspace: Workspace, known: Progress, catalogue: Catalogue) -> None:
    """A project that we hold and the tracker no longer shows is a problem, not an empty project, until it may go.

    Where another one has its key, it was made anew: were both kept, all would count twice.
    """
    store, source = workspace.store, known.config
    shown = {one.project_id for one in catalogue.projects}
    held = store.counts(source.name)
    hidden = {
        id_: key
        for id_, key in store.project_keys(source.name).items()
        if id_ not in shown and held.get(id_) and is_asked_for(source.projects, key, id_.rpartition(":")[2])
    }
    known.skipped = catalogue.notes
    keys = {one.key.lower() for one in catalogue.projects}
    for id_ in [id_ for id_, key in hidden.items() if key.lower() in keys]:
        known.skipped += (_take_out(workspace, id_, hidden.pop(id_), "another project has its key now"),)
    if known.allow_shrink and not _others(catalogue.problems, hidden, source.projects):
        known.skipped += tuple(_take_out(workspace, id_, key, UNSHOWN) for id_, key in hidden.items())
        hidden = {}
    known.closed += [*catalogue.problems, *(Problem(key, HIDDEN) for key in hidden.values())]
    known.problems += known.closed
    known.projects = {one.project_id: one for one in catalogue.projects}
    store.save_catalogue(source.name, catalogue, workspace.clock.now(), hidden)


def _others(problems: Sequence[Problem], hidden: Mapping[str, str], names: Sequence[str]) -> list[Problem]:
    """The problems of a catalogue but those that say that a name of the configuration shows nothing, where one of the
    hidden projects had that name: what else it could not tell may be why they are hidden.
    """
    gone = {name for name in names for id_, key in hidden.items() if is_meant(name, key, id_.rpartition(":")[2])}
    return [one for one in problems if one.subject not in gone]


def _take_out(workspace: Workspace, project_id: str, key: str, why: str) -> Problem:
    """The project is gone for good; its past stays."""
    ids = sorted(workspace.store.issue_ids(project_id))
    vanishing.take_out(workspace.store, [Trace(one, "gone") for one in ids], workspace.clock.now())
    passes.forget_project(workspace.store, project_id)
    return Problem(key, f"{counted(len(ids), 'issue')} taken out: {why}")


def _end_project(workspace: Workspace, known: Progress, project: Project) -> None:
    """A changed issue that could not be read comes again with the next pass, which begins where this one did.

    After some passes it is passed over and remembered, or it would keep all that changed since coming again. So it is
    after a pass that read everything: there is nothing to go back to.
    """
    store, id_ = workspace.store, project.project_id
    known.ended.add(id_)
    failing, is_whole = known.failing.get(id_, []), known.is_whole(project)
    tries = passes.note_unreadable(store, id_, failing, is_whole=is_whole)
    known.problems += [
        Problem(one.subject, f"{one.what}; not asked for again before it changes, or with `pmo-sync pull --full`")
        for one in passes.passed_over(store, id_)
        if one.subject not in tries
    ]
    if not is_whole and any(times < PASSES for times in tries.values()):
        return
    passes.pass_over(store, id_)
    passes.end_pass(store, id_, known.began_at, known.reached.get(id_))
