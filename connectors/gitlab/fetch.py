"""What to ask GitLab, in which order: the connector itself. Which of the two readers serves a project is probed.

``rest`` works everywhere; ``graphql`` tells more in fewer requests where the instance offers it. Both read by time
(``windows``), end in the same records and share one cursor, so that one can go on where the other stopped.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Final

from connectors.base import Traits
from connectors.gitlab import graphql, listing, statuses
from connectors.gitlab.catalogue import CatalogueReader, Found, read_lists
from connectors.gitlab.cursor import (
    cursor_at,
    is_by_workflow,
    label_names,
    names_in,
    resume,
    set_back,
    steps_in,
    through,
    with_names,
    with_workflow,
)
from connectors.gitlab.graphql import GraphqlReader
from connectors.gitlab.listing import FailedError, UnsuitableError
from connectors.gitlab.references import Lists
from connectors.gitlab.rest import RestReader, is_task
from connectors.gitlab.scope import GROUP, Scope
from connectors.gitlab.values import text, told_at
from connectors.gitlab.windows import DisobeyedError
from connectors.malformed import understood
from pmo_sync.clients.gitlab import GitlabClient, UnavailableError, segment
from pmo_sync.config import SourceConfig
from pmo_sync.errors import AccessError, TrackerError
from pmo_sync.model import Catalogue, Census, Identity, Page, Problem, Project, Trace

TRAITS: Final = Traits(incremental=True, counts=True)
THROUGH_REST: Final = "read through REST, with less history and without tasks: {}"
READING_SCOPES: Final = frozenset({"api", "read_api", "granular"})
log: Final = logging.getLogger("pmo_sync.gitlab")


class GitlabConnector:
    """Reads the issues of GitLab projects, and the epics of groups that are configured as ``group/*``."""

    traits = TRAITS

    def __init__(self, options: SourceConfig, client: GitlabClient, workers: int) -> None:
        self.source = options.name
        self._options = options
        self._client = client
        self._workers = workers
        self._rest = RestReader(self.source, client, options.workflow_labels, workers)
        self._graphql: GraphqlReader | str | None = None  # or why there is none; None: not asked yet
        self._lists: dict[str, Lists] = {}  # project -> its labels and so on, once the catalogue was read
        self._refusals: dict[str, str] = {}  # project -> why GraphQL does not serve it; empty: it does
        self._lock = threading.RLock()

    def check(self) -> Identity:
        """Our account, the server, its clock, and what the token may and until when."""
        with understood(self.source, "what it says of itself"):
            return self._check()

    def _check(self) -> Identity:
        me = self._client.me()
        token = self._client.token() or {}
        scopes = {str(scope) for scope in token.get("scopes") or ()}
        if scopes and not scopes & READING_SCOPES:
            msg = f"{self.source}: the token has the scopes {', '.join(sorted(scopes))}; make one with read_api"
            raise AccessError(msg)
        ends = token.get("expires_at")
        return Identity(
            account=str(me.get("username") or me.get("id") or "unknown"),
            server=f"GitLab {self._client.version()}",
            now=self._client.server_now(),
            token_expires_on=date.fromisoformat(str(ends)[:10]) if ends else None,
            scopes=tuple(sorted(scopes)),
        )

    def catalogue(self) -> Catalogue:
        """The configured projects, their milestones (ancestor groups' too), iterations and statuses.

        Boards decide nothing at GitLab, so they are not counted.
        """
        with understood(self.source, "its catalogue"):
            return self._catalogue()

    def _catalogue(self) -> Catalogue:
        found = CatalogueReader(self._options, self._client, self._workers).read()
        self._lists = found.lists
        reader = self._reader()
        if isinstance(reader, str):
            what = f"read through REST, with less history, without epics and tasks: {reader}"
            found.notes.append(Problem(self.source, what))
        else:
            served = self._add_served(found, reader)
            groups = {group.project_id: group for group in self._groups(reader, found.notes)}
            found.projects |= groups
            self._note_others(found, reader, [*served, *groups.values()])
            if reader.left_out:
                what = f"this version answers differently about {', '.join(sorted(reader.left_out))}: not read"
                found.notes.append(Problem(self.source, what))
        return Catalogue(
            tuple(found.projects.values()),
            tuple(found.statuses.values()),
            tuple(found.milestones.values()),
            problems=tuple(found.problems),
            notes=tuple(found.notes),
        )

    def _add_served(self, found: Found, reader: GraphqlReader) -> list[Project]:
        """The projects that GraphQL serves, with the statuses of their work items."""
        projects = tuple(found.projects.values())
        with ThreadPoolExecutor(self._workers) as pool:
            refusals = list(pool.map(partial(self._refusal, reader), projects))
        served = [project for project, why in zip(projects, refusals, strict=True) if not why]
        for project, why in zip(projects, refusals, strict=True):
            if why:
                found.notes.append(Problem(project.key, THROUGH_REST.format(why)))
        silent: dict[str, str] = {}  # top-level group -> why its statuses are not known
        for project in served:
            named = statuses.of_work_items(reader.statuses(project), self.source)
            found.statuses |= {one.status_id: one for one in named}
            if why := reader.status_refusal(project):
                silent[project.key.split("/")[0]] = why
        for group, why in silent.items():
            told = found.problems if listing.may_pass(why) else found.notes  # a problem keeps the statuses we know
            told.append(Problem(group, f"its work-item statuses are not told, so they have no category: {why}"))
        return served

    def _note_others(self, found: Found, reader: GraphqlReader, projects: Sequence[Project]) -> None:
        others = list(reader.others(projects))
        if others:
            kinds = ", ".join(sorted({kind for _, kind in others}))
            places = list(dict.fromkeys(one.key for one, _ in others))
            what = f"work items of other types are not read: {kinds} in {', '.join(places[:5])}"
            found.notes.append(Problem(self.source, what + (", ..." if len(places) > 5 else "")))

    def _refusal(self, reader: GraphqlReader, project: Project) -> str:
        """Why GraphQL does not serve the project; asked again where it failed to tell, when the project is read."""
        try:
            why = reader.refusal(project)
        except TrackerError as error:
            log.warning("%s: %s: %s", self.source, project.key, error)
            return ""
        self._refusals[project.project_id] = why
        return why

    def _reader(self) -> GraphqlReader | str:
        """The GraphQL reader, or why there is none; asked once."""
        with self._lock:
            if self._graphql is None:
                schema = graphql.connect(self._client)
                self._graphql = schema if isinstance(schema, str) else GraphqlReader(
                    self.source, self._client, self._options.workflow_labels, self._workers, schema
                )  # fmt: skip
            return self._graphql

    def _served(self, project: Project) -> GraphqlReader | str:
        """The GraphQL reader, or why it does not serve this project."""
        reader = self._reader()
        if isinstance(reader, str):
            return reader
        if project.project_id not in self._refusals:
            self._refusals[project.project_id] = reader.refusal(project)
        return self._refusals[project.project_id] or reader

    def _groups(self, reader: GraphqlReader, notes: list[Problem]) -> Iterator[Project]:
        """The groups configured as ``group/*`` that have epics; tiers without epics have none, which is a note.

        A group below another one is not read by itself: its epics come with those of the upper.
        """
        paths = [name.removesuffix("/*") for name in self._options.projects if name.endswith("/*")]
        for path in paths:
            if any(path.startswith(f"{other}/") for other in paths):
                continue
            try:
                row = self._client.get(f"/groups/{segment(path)}")
                group = Project(
                    f"{self.source}:{GROUP}{int(row['id'])}", self.source, text(row.get("full_path")) or path,
                    text(row.get("full_name") or row.get("name")), text(row.get("web_url")), is_archived=False,
                )  # fmt: skip
                reader.holds_anything(group)  # or says that it may not
                self._lists[group.project_id] = read_lists(self._client, Scope.of(group, self.source))
                yield group
            except UnavailableError:
                continue  # a problem of the catalogue already
            except (UnsuitableError, FailedError) as error:
                notes.append(Problem(path, f"its epics are not offered on this tier or to this token: {error}"))

    def pages(self, project: Project, cursor: str | None) -> Iterator[Page]:
        """Whole issues in the order of their last change; the cursor is that change's time.

        All of them where other labels were the workflow, where a label of theirs was renamed or deleted since, which
        rewrites the past and touches no issue, where statuses were known by other keys, and where REST had to do before:
        GraphQL tells more. That it serves no more does not make histories shorter unasked.
        """
        with understood(self.source, f"an answer about {project.key}"):
            yield from self._pages(project, cursor)

    def _pages(self, project: Project, cursor: str | None) -> Iterator[Page]:
        before = names_in(cursor)
        lists = self._lists.get(project.project_id)
        labels = before if lists is None else label_names(lists.labels)
        workflow = self._options.workflow_labels
        is_rewritten = not is_by_workflow(cursor, workflow)
        is_rewritten = is_rewritten or any(labels.get(id_) != name for id_, name in before.items())
        served = self._served(project)
        if isinstance(served, str) and through(cursor) == "graphql":
            raise self._worsened(project, served)
        is_better = not isinstance(served, str) and through(cursor) == "rest"
        is_new = through(cursor) != "graphql"
        steps: dict[str, str] | None = None
        if not isinstance(served, str):
            keys = statuses.steps(served.statuses(project)).keys
            known = steps_in(cursor)
            is_rewritten = is_rewritten or (known is None and bool(keys) and not is_new)
            is_rewritten = is_rewritten or any(keys.get(name, key) != key for name, key in (known or {}).items())
            steps = {**(known or {}), **keys}
        since = None if is_rewritten or is_better else resume(cursor)
        used = {} if since is None else before
        for page in self._pages_of(project, served, since, steps or {}, is_new=is_new):
            told = {one.label for one in page.intervals if one.field in ("label", "status")}
            used |= label_names(one for one in (lists.labels if lists else ()) if text(one.get("name")) in told)
            yield replace(page, cursor=with_workflow(with_names(page.cursor, used, steps), workflow))

    def _pages_of(
        self,
        project: Project,
        reader: GraphqlReader | str,
        since: datetime | None,
        steps: Mapping[str, str],
        *,
        is_new: bool,
    ) -> Iterator[Page]:
        scope = Scope.of(project, self.source)
        notes: tuple[Problem, ...] = ()
        try:
            if not isinstance(reader, str):
                lists = self._lists.get(project.project_id) or read_lists(self._client, scope)
                try:
                    for page in reader.pages(project, since, lists, steps):
                        since = resume(page.cursor) or since
                        yield page
                except UnsuitableError as error:
                    if not is_new:
                        raise self._worsened(project, str(error)) from None
                    log.warning("%s: %s: REST takes over: %s", self.source, project.key, error)
                    notes = (Problem(project.key, THROUGH_REST.format(error)),)
                    self._refusals[project.project_id] = str(error)  # for the census, too, which counts no tasks then
                else:
                    return
            if scope.is_group:
                raise self._epics_are_hidden(project)
            for page in self._rest.pages(project, since):
                yield replace(page, notes=(*notes, *page.notes))
                notes = ()
            if notes:  # REST had nothing more to tell
                yield Page((), (), (), (), cursor_at(since, "rest"), notes=notes)
        except DisobeyedError:
            raise self._disobeyed(project, "updated_after and its order (order_by=updated_at)") from None

    def census(self, project: Project, *, sweep: bool) -> Census:
        """GitLab's own count of issues of every type (none of a group's epics), but of tasks where REST reads, which
        leaves them out; the sweep lists by creation, which does not shift.
        """
        with understood(self.source, f"its list of {project.key}"):
            return self._census(project, sweep=sweep)

    def _census(self, project: Project, *, sweep: bool) -> Census:
        scope = Scope.of(project, self.source)
        if scope.is_group:
            reader = self._reader()
            try:
                ids = reader.sweep(project) if sweep and not isinstance(reader, str) else None
            except UnsuitableError:
                raise self._epics_are_hidden(project) from None
            return Census(project.project_id, None, ids)
        is_bare = isinstance(self._served(project), str)
        try:
            statistics = self._client.get(f"{scope.base}/issues_statistics", scope="all")
            count = statistics.get("statistics", {}).get("counts", {}).get("all")
            if isinstance(count, int) and is_bare:
                count -= self._rest.tasks(project)
        except UnavailableError:
            count = None  # the sweep, or the next pull, says whether the project itself is gone
        ids, changed = None, {}
        if sweep:
            try:
                listed = self._rest.windows(project, "created", None)
                found = (row for rows, _ in listed for row in rows if "id" in row and not (is_bare and is_task(row)))
                shown = {f"{self.source}:{row['id']}": told_at(row.get("updated_at")) for row in found}
                ids, changed = frozenset(shown), {one: at for one, at in shown.items() if at is not None}
            except DisobeyedError:
                raise self._disobeyed(project, "created_after and its order (order_by=created_at)") from None
        return Census(project.project_id, count if isinstance(count, int) else None, ids, changed)

    def _worsened(self, project: Project, why: str) -> TrackerError:
        return TrackerError(
            f"{self.source}: {project.key}: it was read through GraphQL so far, and now {why}; run again later, or "
            "`pmo-sync pull --full` to go on through REST, with less history"
        )

    def _epics_are_hidden(self, project: Project) -> TrackerError:
        return TrackerError(f"{self.source}: {project.key}: GraphQL shows its epics no more")

    def _disobeyed(self, project: Project, parameter: str) -> TrackerError:
        msg = f"{self.source}: {project.key}: the server ignored {parameter}; nothing can be read safely from it"
        return TrackerError(msg)

    def trace(self, project: Project, issue_ids: Sequence[str]) -> Iterator[Trace]:
        """GraphQL is asked for each by its id. REST finds an issue by its id for administrators only, so there all are
        listed once more: what is still missing is deleted, or hidden from us.

        GitLab closes an issue that is moved and leaves it where it was, under its id.
        """
        if issue_ids:
            with understood(self.source, f"an answer about {project.key}"):
                yield from self._trace(project, issue_ids)

    def _trace(self, project: Project, issue_ids: Sequence[str]) -> Iterator[Trace]:
        reader = self._served(project)
        if not isinstance(reader, str):
            yield from reader.trace(project, issue_ids)
            return
        here = self._census(project, sweep=True).issue_ids or frozenset()
        for one in issue_ids:
            yield Trace(one, "here" if one in here else "gone")

    def since(self, moment: datetime, cursor: str) -> str:
        """``cursor`` of a pass that ended at ``moment``."""
        return set_back(cursor, moment)

    def requests(self, issues: int) -> int:
        """GraphQL brings a page of issues whole; REST asks four times for each."""
        with understood(self.source, "what it says of itself"):
            through = self._reader()
        if isinstance(through, str):
            return math.ceil(issues / 100) + 4 * issues
        return 4 + math.ceil(1.1 * issues / listing.FIRST)

    def close(self) -> None:
        """The client refuses every further request, so each reader's next step ends."""
        self._client.close()
