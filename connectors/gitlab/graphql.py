"""Issues through GraphQL work items: a page of them brings their whole activity, fifty issues a request.

Whether an instance has it is asked, not guessed by its version: what its schema offers once, and of each project one
page of the very query the pull will send. REST takes over, with a note, where GraphQL is absent or refused, answers
null, gives this token no issue whole, or does not tell of closings (then its activity stream lacks what GitLab makes
up from resource events).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, Final

from connectors.gitlab import normalize, notes, parents, statuses, workitems
from connectors.gitlab.cursor import cursor_at
from connectors.gitlab.listing import FailedError, Listing, UnsuitableError, failures, is_cut, words
from connectors.gitlab.normalize import Record
from connectors.gitlab.queries import CAPABILITIES, OPTIONAL, STATUSES, USERS, Schema, activity, traces
from connectors.gitlab.references import Lists, References, references
from connectors.gitlab.rest import page
from connectors.gitlab.scope import EPIC, TYPES, Scope
from connectors.gitlab.tally import Tally
from connectors.gitlab.values import SHAPE_ERRORS, Json, number, shape, text
from connectors.gitlab.windows import windows
from pmo_sync.clients.gitlab import GitlabClient, RefusedError, UnavailableError, WebPageError
from pmo_sync.errors import DataError, TrackerError
from pmo_sync.model import Page, Problem, Project, Trace

log: Final = logging.getLogger("pmo_sync.gitlab")

PROBED: Final = 10  # closed issues that show whether closings are told
ASKED: Final = 20  # issues or projects asked for by one query


def connect(client: GitlabClient) -> Schema | str:
    """What the instance offers, or why it offers nothing. Raises AccessError (401) and TrackerError."""
    try:
        answer = client.graphql(CAPABILITIES)
    except (UnavailableError, RefusedError, WebPageError) as error:
        return _why(error)
    data = answer.get("data")
    said = words([one for one in answer.get("errors") or () if isinstance(one, dict)])
    if not isinstance(data, dict):
        return said or "GraphQL answers nothing"
    if not data.get("currentUser"):
        return "GraphQL does not accept this token" + (f": {said}" if said else "")
    return Schema.found(data)


class GraphqlReader:
    """Reads the work items of projects, and the epics of groups."""

    def __init__(self, source: str, client: GitlabClient, workflow: str | None, workers: int, schema: Schema) -> None:
        self._source = source
        self._client = client
        self._workflow = workflow
        self._workers = workers
        self._listing = Listing(source, client, schema)
        self._people: dict[str, str] = {}  # login -> id; "@login" where nobody has it any more
        self._statuses: dict[str, list[Json] | str] = {}  # top-level group -> its statuses, or why they are not known
        # project, reference -> id and key; None: nobody's; a text: why it was not told
        self._parents: dict[tuple[str, str], tuple[str, str] | str | None] = {}
        self._lock = threading.Lock()

    @property
    def left_out(self) -> frozenset[str]:
        """What this instance offers and cannot be asked for in our words."""
        return self._listing.left_out

    def refusal(self, project: Project) -> str:
        """Why this project's work items cannot be read here; empty if they can."""
        try:
            items = self._some_closed(project)
        except FailedError as error:
            return self.refusal(project) if self._listing.leave_out(error.unknown) else str(error)
        except UnsuitableError as error:
            return str(error)
        except (UnavailableError, RefusedError, WebPageError) as error:
            return _why(error)
        broken = [item["error"] for item in items if "error" in item]
        if broken and len(broken) == len(items):
            return f"it gives no issue whole: {broken[0]}"
        whole = [one for one in items if "error" not in one and not is_cut(one)]  # the rest may yet tell
        return "its activity stream does not tell of closings" if self._conceals_closings(project, whole) else ""

    def _some_closed(self, project: Project) -> list[Json]:
        """The closed issues that changed last; two where the first one is too much even alone, which may be its fault."""
        found: list[Json] = []
        after: str | None = None
        while True:
            items, after = self._listing.page(
                project, arguments=", state: closed", sort="UPDATED_DESC", size=PROBED, after=after
            )
            found += items
            if after is None or len(found) > 1 or any("error" not in one for one in items):
                return found

    def _conceals_closings(self, project: Project, closed: Sequence[Json]) -> bool:
        """Whether REST knows a closing and the stream of none of these has one. What was imported may lack both."""
        told = (note for one in closed for note in activity(one))
        scope = Scope.of(project, self._source)
        if scope.is_group or any((note.get("systemNoteMetadata") or {}).get("action") == "closed" for note in told):
            return False
        return any(self._is_closing_known(f"{scope.base}/issues/{one['iid']}") for one in closed)

    def _is_closing_known(self, path: str) -> bool:
        """Whether REST knows one of an issue; not where it fails on this issue, which proves nothing."""
        try:
            return any(event.get("state") == "closed" for event in self._client.list(f"{path}/resource_state_events"))
        except (UnavailableError, TrackerError) as error:
            log.info("%s: %s", self._source, error)
            return False

    def holds_anything(self, project: Project) -> bool:
        """Whether there is a single work item. Raises UnsuitableError, FailedError."""
        return bool(self._listing.page(project, size=1)[0])

    def statuses(self, project: Project) -> list[Json]:
        """The work-item statuses of the project's top-level group; none on tiers without them, or where not told."""
        found = self._told_statuses(project)
        return [] if isinstance(found, str) else found

    def status_refusal(self, project: Project) -> str:
        """Why the work-item statuses of the project's top-level group are not known; empty if they are."""
        found = self._told_statuses(project)
        return found if isinstance(found, str) else ""

    def _told_statuses(self, project: Project) -> list[Json] | str:
        top = project.key.split("/")[0]
        if "status" not in self._listing.schema.widgets or not self._listing.schema.has_statuses:
            return []
        with self._lock:
            if top not in self._statuses:
                try:
                    self._statuses[top] = list(self._listing.walk(STATUSES, _statuses, path=top))
                except FailedError as error:
                    self._statuses[top] = str(error)
            return self._statuses[top]

    def others(self, projects: Sequence[Project]) -> Iterator[tuple[Project, str]]:
        """Projects and groups that have work items of types that are not read, each with one such type: objectives and the
        like, and types that somebody made for themselves (GitLab 19).
        """
        read, schema = {*TYPES, EPIC}, self._listing.schema
        step = ASKED // 2  # two lists each
        for start in range(0, len(projects) if schema.types - read else 0, step):
            some = projects[start : start + step]
            asked = {f"p{n}": one.key for n, one in enumerate(some)}
            roots = [Scope.of(one, self._source).root for one in some]
            try:
                data, errors = self._listing.ask(schema.others(roots, read), **asked)
            except TrackerError as error:  # nothing is read less for it
                log.info("%s: other types are not told of: %s", self._source, error)
                continue
            if errors:
                log.info("%s: other types are not told of: %s", self._source, words(errors))
            for n, one in enumerate(some):
                for listed in (data.get(f"p{n}") or {}).values():
                    found = (listed or {}).get("nodes") or ()
                    if found and found[0]:
                        yield one, text((found[0].get("workItemType") or {}).get("name"))

    def pages(self, project: Project, since: datetime | None, lists: Lists, names: Mapping[str, str]) -> Iterator[Page]:
        """Whole issues in the order of their last change. ``names`` are those that statuses had before, with their keys.

        Raises UnsuitableError, DisobeyedError, FailedError.
        """
        scope = Scope.of(project, self._source)
        group_id = project.project_id.rpartition(":")[2] if scope.is_group else None
        known = references(lists, group_id, statuses.steps(self.statuses(project)).and_former(names))
        start = since.replace(microsecond=0) if since else None  # GraphQL's times have whole seconds
        tally = Tally(project)
        cursor: str | None = None
        with ThreadPoolExecutor(self._workers, thread_name_prefix=self._source) as pool:
            for items, mark in windows(
                partial(self._listing.all, project), "updatedAt", start, lambda: self._listing.size(project)
            ):
                cut = sum(is_cut(item) for item in items)
                wrong = list(pool.map(self._listing.complete, items))
                self._tell_moves(project, items)
                self._look_up({login for item in items for login in notes.logins(activity(item))})
                self._look_up_parents(project, {one for item in items for one in notes.parents(activity(item))})
                found = [
                    Problem(_subject(project, item), why) if why else self._record(project, item, known, tally)
                    for item, why in zip(items, wrong, strict=True)
                ]
                cursor = cursor_at(mark, "graphql")
                yield page(cursor, found, refetched=cut)
        yield from tally.last_page(cursor)

    def sweep(self, project: Project) -> frozenset[str]:
        """The ids of all. Raises UnsuitableError, FailedError."""
        return frozenset(f"{self._source}:{number(one)}" for one in self._listing.ids(project))

    def trace(self, project: Project, issue_ids: Sequence[str]) -> Iterator[Trace]:
        """Each asked for by its id: GitLab shows nothing where it is deleted or hidden. Where it fails, nothing is told."""
        owner = number(project.project_id.rpartition(":")[2])
        for start in range(0, len(issue_ids), ASKED):
            some = issue_ids[start : start + ASKED]
            asked = {f"i{n}": f"gid://gitlab/WorkItem/{one.rpartition(':')[2]}" for n, one in enumerate(some)}
            data, errors = self._listing.ask(traces(len(some)), **asked)
            failed = failures(errors)
            if not failed.keys() <= asked.keys():
                raise TrackerError(f"{self._source}: GraphQL refused to say where issues are: {words(errors)}")
            for n, one in enumerate(some):
                item = data.get(f"i{n}")
                home = (item or {}).get("project") or {}
                if f"i{n}" in failed:
                    continue
                if item is None:
                    yield Trace(one, "gone")
                elif home and number(home["id"]) != owner:
                    yield Trace(one, "moved", text(item.get("reference")))
                else:
                    yield Trace(one, "archived" if home.get("archived") else "here")

    def _tell_moves(self, project: Project, items: Sequence[Json]) -> None:
        """GraphQL conceals a move to where this token may not look, and the issue would pass for delivered: REST tells."""
        scope = Scope.of(project, self._source)
        silent = {
            number(item["id"]): item
            for item in items
            if item.get("state") == "CLOSED" and item.get("iid") and not any(item.get(name) for name in OPTIONAL)
        }
        if scope.is_group or not silent:
            return
        iids = [item["iid"] for item in silent.values()]
        for row in self._client.list(f"{scope.base}/issues", **{"iids[]": iids}):
            if row.get("moved_to_id") and row.get("id") in silent:
                silent[row["id"]]["movedToWorkItemUrl"] = str(row["moved_to_id"])

    def _look_up(self, logins: set[str]) -> None:
        """The ids of people named in the stream. Who is gone or renamed stays known by login."""
        unknown = sorted(logins - self._people.keys())
        for start in range(0, len(unknown), 100):
            some = unknown[start : start + 100]
            data, errors = self._listing.ask(USERS, logins=some)
            if errors:
                raise FailedError(
                    f"{self._source}: GraphQL does not tell who people of the history are: {words(errors)}"
                )
            found = (data.get("users") or {}).get("nodes") or ()
            self._people |= {
                **{login: f"@{login}" for login in some},
                **{one["username"]: str(number(one["id"])) for one in found if one},
            }

    def _look_up_parents(self, project: Project, references: set[str]) -> None:
        """The ids of former parents. Who is gone or hidden stays unknown. Raises FailedError."""
        is_group = Scope.of(project, self._source).is_group
        unknown = sorted(one for one in references if isinstance(self._parents.get((project.project_id, one), ""), str))
        asked = [(one, place) for one in unknown for place in parents.places(one, project.key, is_group=is_group)]
        known: dict[str, tuple[str, str] | str | None] = dict.fromkeys(unknown)
        for start in range(0, len(asked), ASKED):
            some = asked[start : start + ASKED]
            query, variables = parents.query([place for _, place in some])
            data, errors = self._listing.ask(query, **variables)
            failed = failures(errors)
            if None in failed:
                raise FailedError(f"{self._source}: GraphQL does not tell what former parents are: {failed[None]}")
            for n, (one, _) in enumerate(some):
                found = ((data.get(f"r{n}") or {}).get("workItems") or {}).get("nodes") or ()
                if known[one] is None and f"r{n}" in failed:
                    known[one] = failed[f"r{n}"]
                elif known[one] is None and found and found[0]:
                    known[one] = (str(number(found[0]["id"])), text(found[0].get("reference")))
        self._parents |= {(project.project_id, one): told for one, told in known.items()}

    def _record(self, project: Project, item: Json, known: References, tally: Tally) -> Record | Problem:
        try:
            before: dict[str, tuple[str, str]] = {}
            for one in notes.parents(activity(item)):
                parent = self._parents.get((project.project_id, one))
                if isinstance(parent, str):
                    return Problem(_subject(project, item), f"GitLab does not tell what its parent was: {parent}")
                if parent is not None:
                    before[one] = parent
            raw, read = workitems.raw(item, project, known, self._people, before)
            record = normalize.issue(raw, project, self._source, self._workflow)
        except DataError as error:
            return Problem(error.subject, error.what)
        except SHAPE_ERRORS as error:
            return Problem(_subject(project, item), shape(error))
        tally.unread += read.unread
        tally.take(record)
        return record


def _subject(project: Project, item: Mapping[str, Any]) -> str:
    if item.get("confidential"):
        return f"{project.key}: id {text(item.get('id')).rpartition('/')[2]}"
    return text(item.get("reference")) or f"{project.key}#{text(item.get('iid')) or '?'}"


def _statuses(data: Json, errors: Sequence[Json]) -> Json:
    if errors:
        raise FailedError(words(errors))
    return (data.get("namespace") or {}).get("statuses") or {}


def _why(error: Exception) -> str:
    """Without the address: a note stands on pages."""
    if isinstance(error, UnavailableError):
        return f"GraphQL answers {error.status}"
    return "GraphQL answers a web page" if isinstance(error, WebPageError) else "GraphQL refuses our query"
