"""After a pull: our issues against the server's. By number each time; one by one when those differ or a day has passed.

What a sweep of ids does not show is missed; when a sweep a day later misses it too, each such issue is asked for by
itself, and what is not there any more is taken out with what has become of it. What a sweep shows and no pull has
brought comes with the next pull, or else with a full reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pmo_sync.errors import PmoSyncError, ShrinkError
from pmo_sync.model import Census, Problem, Project, Trace
from pmo_sync.pipeline.finding import counted
from pmo_sync.pipeline.progress import Progress
from pmo_sync.pipeline.threads import Ended, results
from pmo_sync.store import passes, vanishing

if TYPE_CHECKING:
    from connectors.base import Connector
    from pmo_sync.pipeline.workspace import Workspace

SWEEP_EVERY: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Of each project of a source, how many issues we hold, and how many of them the last census missed."""

    held: Mapping[str, int]
    missed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the server says about one project's issues, or why it does not."""

    project: Project
    census: Census | None = None
    traces: tuple[Trace, ...] | None = None
    untold: int = 0  # issues of which the server does not say what has become
    error: PmoSyncError | None = None


def compare(workspace: Workspace, known: Sequence[Progress]) -> None:
    """Find what is lacking and what is gone, of every project that this pull has read to its end."""
    now = workspace.clock.now()
    wanted: dict[str, list[Project]] = {}
    of = {one.source: one for one in known}
    for one in known:
        if one.connector is not None and not one.error:
            ended = [one.projects[id_] for id_ in sorted(one.ended)]
            numbers = _Numbers(workspace.store.counts(one.source), vanishing.missed(workspace.store, one.source))
            wanted[one.source] = [project for project in ended if _needs_sweep(workspace, one, project, numbers, now)]
    sweeps = {source: _swept(_connector(of[source]), projects) for source, projects in wanted.items() if projects}
    due: dict[str, dict[Project, list[str]]] = {}
    for source, answer in _answers(sweeps):
        leaving = _note_census(workspace, of[source], answer, now)
        if leaving and _may_shrink(workspace, of[source], answer.project, leaving):
            due.setdefault(source, {})[answer.project] = leaving
    traces = {source: _traced(_connector(of[source]), projects) for source, projects in due.items()}
    for source, answer in _answers(traces):
        _take_out(workspace, of[source], answer, now)


def _connector(known: Progress) -> Connector:
    if known.connector is None:
        raise AssertionError(known.source)
    return known.connector


def _answers(work: Mapping[str, Iterator[_Answer]]) -> Iterator[tuple[str, _Answer]]:
    with closing(results(work)) as answers:
        for source, one in answers:
            if isinstance(one, Ended):
                if one.error is not None:
                    raise one.error
            else:
                yield source, one


def _swept(connector: Connector, projects: Sequence[Project]) -> Iterator[_Answer]:
    for project in projects:
        try:
            yield _Answer(project, census=connector.census(project, sweep=True))
        except PmoSyncError as error:
            yield _Answer(project, error=error)


def _traced(connector: Connector, leaving: Mapping[Project, Sequence[str]]) -> Iterator[_Answer]:
    for project, ids in leaving.items():
        try:
            traces = tuple(connector.trace(project, ids))
            yield _Answer(project, traces=traces, untold=len(ids) - len(traces))
        except PmoSyncError as error:
            yield _Answer(project, error=error)


def _needs_sweep(workspace: Workspace, known: Progress, project: Project, numbers: _Numbers, now: datetime) -> bool:
    """Whether the ids have to be compared: not where the numbers differ by what cannot be read, as is known."""
    store, id_ = workspace.store, project.project_id
    last, count, unread = passes.swept_at(store, id_), known.counts.get(id_), passes.unread(store, id_)
    held, missed = numbers.held.get(id_, 0), numbers.missed.get(id_, 0)
    was_swept = known.is_whole(project) and known.read[id_] == count == held  # every id was just read
    is_recent = was_swept or (last is not None and now - last < SWEEP_EVERY)
    if missed or count != held + len(unread) or not is_recent:
        return True
    if was_swept:
        passes.note_sweep(store, id_, now)
    _note_unread(workspace, known, project, unread | passes.returned(store, id_))
    return False


def _note_census(workspace: Workspace, known: Progress, answer: _Answer, now: datetime) -> list[str]:
    """Remember what the sweep did not show, and what it showed in vain; returns what was missed a day ago as well."""
    store, project, census = workspace.store, answer.project, answer.census
    if census is None:
        known.problems.append(Problem(project.key, f"the census failed: {answer.error}"))
        return []
    if census.issue_ids is None:
        known.notes.append(Problem(project.key, "the server lists no ids; what was deleted there cannot be found"))
        return []
    id_ = project.project_id
    ours = store.issue_ids(id_)
    known.counts[id_] = len(census.issue_ids)
    missing = ours - census.issue_ids
    leaving = vanishing.note_missing(store, id_, missing, now)
    waiting = len(missing) - len(leaving)
    if waiting:
        what = f"{counted(waiting, 'issue')} no longer shown; taken out when a pull a day later or more misses it too"
        known.notes.append(Problem(project.key, what))
    _note_unread(workspace, known, project, (census.issue_ids - ours) | passes.returned(store, id_))
    _note_overtaken(workspace, known, project, census)
    passes.note_sweep(store, id_, now)
    return leaving


def _note_overtaken(workspace: Workspace, known: Progress, project: Project, census: Census) -> None:
    """A change that no pass came by: the project is read in full, for where one was missed others may be. That is not
    done again where a full reading has just left the list and the issues at odds.
    """
    found = passes.overtaken(workspace.store, project.project_id, census.changed_at, known.began_at)
    if not found:
        return
    if known.is_whole(project):
        what = f"the list tells a later change of {counted(len(found), 'issue')} than the issue itself: {_some(found)}"
        known.skipped += (Problem(project.key, what),)
        return
    what = f"{counted(len(found), 'issue')} changed without being read; the next pull reads the project in full"
    known.notes.append(Problem(project.key, what))
    passes.forget_cursor(workspace.store, project.project_id)


def _may_shrink(workspace: Workspace, known: Progress, project: Project, leaving: Sequence[str]) -> bool:
    """Whether so many may go at once; one of a small project always may, unless the limit is 0."""
    have, limit = len(workspace.store.issue_ids(project.project_id)), known.config.shrink_limit
    if known.allow_shrink or len(leaving) <= max(limit * have, 1 if limit else 0):
        return True
    error = ShrinkError(
        f"{len(leaving)} of {have} issues are no longer shown by the server, more than shrink_limit = {limit:g} lets "
        f"one run remove; check the account's permissions. If they are gone: pmo-sync pull --allow-shrink"
    )
    known.problems.append(Problem(project.key, str(error)))
    return False


def _take_out(workspace: Workspace, known: Progress, answer: _Answer, now: datetime) -> None:
    project = answer.project
    if answer.traces is None:
        what = f"what has become of issues that are no longer shown could not be asked: {answer.error}"
        known.problems.append(Problem(project.key, what))
        return
    vanishing.take_out(workspace.store, answer.traces, now)
    if answer.untold:
        what = (
            f"the server does not say what has become of {counted(answer.untold, 'issue')}; kept, and asked for again"
        )
        known.notes.append(Problem(project.key, what))
    fates = Counter(one.fate for one in answer.traces)
    late = fates.pop("here", 0)
    known.vanished[project.project_id] = fates
    if late:
        what = f"the server's list leaves out {counted(late, 'issue')} that is there when asked for; its index lags"
        known.notes.append(Problem(project.key, what))


def _note_unread(workspace: Workspace, known: Progress, project: Project, unread: frozenset[str]) -> None:
    """Shown, but not here, or not read since it was shown again. What was born while we read comes with the next pull;
    what it does not bring is read in full, once; what that does not bring either stays a problem of the certificate.
    """
    store = workspace.store
    pulls = passes.note_unread(store, project.project_id, unread)
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
        passes.forget_cursor(store, project.project_id)


def _some(ids: frozenset[str]) -> str:
    shown = sorted(ids)[:5]
    return ", ".join(shown) + (" ..." if len(ids) > len(shown) else "")
