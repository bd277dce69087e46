"""Issues through GraphQL work items: a page of them brings their whole activity, fifty issues a request.

Whether an instance has it is asked, not guessed by its version: what its schema offers once, and of each project one
page of the very query the pull will send. REST takes over, with a note, where GraphQL is absent or refused, answers
null, gives this token no issue whole, or does not tell of closings (then its activity stream lacks what GitLab makes
up from resource events).
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, Final

from connectors.gitlab import normalize, notes, statuses, workitems
from connectors.gitlab.cursor import cursor_at
from connectors.gitlab.listing import FailedError, Listing, UnsuitableError, is_cut, words
from connectors.gitlab.normalize import Record
from connectors.gitlab.queries import CAPABILITIES, OPTIONAL, STATUSES, USERS, Schema, activity, traces
from connectors.gitlab.references import Lists, References, references
from connectors.gitlab.rest import page
from connectors.gitlab.scope import Scope
from connectors.gitlab.values import SHAPE_ERRORS, Json, number, shape, text
from connectors.gitlab.windows import windows
from pmo_sync.clients.gitlab import GitlabClient, OverloadedError, RefusedError, UnavailableError, WebPageError
from pmo_sync.errors import DataError, TrackerError
from pmo_sync.model import Page, Problem, Project, Trace

log: Final = logging.getLogger("pmo_sync.gitlab")

PROBED: Final = 10  # closed issues that show whether closings are told
TRACED: Final = 20  # issues asked for by one query


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
        self._statuses: dict[str, list[Json]] = {}  # top-level group -> its statuses
        self._lock = threading.Lock()

    @property
    def left_out(self) -> frozenset[str]:
        """What this instance offers and cannot be asked for in our words."""
        return self._listing.left_out

    def refusal(self, project: Project) -> str:
        """Why this project's work items cannot be read here; empty if they can."""
        try:
            items, _ = self._listing.page(project, arguments=", state: closed", sort="UPDATED_DESC", size=PROBED)
        except FailedError as error:
            return self.refusal(project) if self._listing.leave_out(error.unknown) else str(error)
        except UnsuitableError as error:
            return str(error)
        except OverloadedError:
            return "it is too slow to give a single issue"
        except (UnavailableError, RefusedError, WebPageError) as error:
            return _why(error)
        broken = [item["error"] for item in items if "error" in item]
        if broken and len(broken) == len(items):
            return f"it gives no issue whole: {broken[0]}"
        whole = [one for one in items if "error" not in one and not is_cut(one, "notes")]  # the rest may yet tell
        return "its activity stream does not tell of closings" if self._conceals_closings(project, whole) else ""

    def _conceals_closings(self, project: Project, closed: Sequence[Json]) -> bool:
        """Whether REST knows a closing and the stream of none of these has one. What was imported may lack both."""
        told = (note for one in closed for note in activity(one))
        scope = Scope.of(project, self._source)
        if scope.is_group or any((note.get("systemNoteMetadata") or {}).get("action") == "closed" for note in told):
            return False
        paths = (f"{scope.base}/issues/{one['iid']}/resource_state_events" for one in closed)
        return any(event.get("state") == "closed" for path in paths for event in self._client.list(path))

    def holds_anything(self, project: Project) -> bool:
        """Whether there is a single work item. Raises UnsuitableError, FailedError."""
        return bool(self._listing.page(project, size=1)[0])

    def statuses(self, project: Project) -> list[Json]:
        """The work-item statuses of the project's top-level group; none on tiers without them."""
        top = project.key.split("/")[0]
        if "status" not in self._listing.schema.widgets or not self._listing.schema.has_statuses:
            return []
        with self._lock:
            if top not in self._statuses:
                found = self._listing.walk(STATUSES, lambda data, _: (data.get("namespace") or {}).get("statuses") or {},
                                           path=top)  # fmt: skip
                self._statuses[top] = list(found)
            return self._statuses[top]

    def pages(self, project: Project, since: datetime | None, lists: Lists) -> Iterator[Page]:
        """Whole issues in the order of their last change. Raises UnsuitableError, DisobeyedError, FailedError."""
        scope = Scope.of(project, self._source)
        group_id = project.project_id.rpartition(":")[2] if scope.is_group else None
        known = references(lists, group_id, statuses.closing(self.statuses(project)))
        start = since.replace(microsecond=0) if since else None  # GraphQL's times have whole seconds
        unread: Counter[str] = Counter()
        with ThreadPoolExecutor(self._workers, thread_name_prefix=self._source) as pool:
            for items, mark in windows(
                partial(self._listing.all, project), "updatedAt", start, lambda: self._listing.size
            ):
                cut = sum(is_cut(item, "notes") for item in items)
                wrong = list(pool.map(self._listing.complete, items))
                self._tell_moves(project, items)
                self._look_up({login for item in items for login in notes.logins(activity(item))})
                found = [
                    Problem(_subject(project, item), why) if why else self._record(project, item, known, unread)
                    for item, why in zip(items, wrong, strict=True)
                ]
                yield page(cursor_at(mark, "graphql"), found, refetched=cut)
        if unread:
            said = ", ".join(f"{action} {count}" for action, count in unread.most_common(5))
            log.warning("%s: %s: sentences of the history not understood: %s", self._source, project.key, said)

    def sweep(self, project: Project) -> frozenset[str]:
        """The ids of all. Raises UnsuitableError, FailedError."""
        return frozenset(f"{self._source}:{number(one)}" for one in self._listing.ids(project))

    def trace(self, project: Project, issue_ids: Sequence[str]) -> Iterator[Trace]:
        """Each asked for by its id: GitLab shows nothing where it is deleted or hidden."""
        owner = number(project.project_id.rpartition(":")[2])
        for start in range(0, len(issue_ids), TRACED):
            some = issue_ids[start : start + TRACED]
            asked = {f"i{n}": f"gid://gitlab/WorkItem/{one.rpartition(':')[2]}" for n, one in enumerate(some)}
            data, errors = self._listing.ask(traces(len(some)), **asked)
            if errors and not all(error.get("path") for error in errors):
                raise TrackerError(f"{self._source}: GraphQL refused to say where issues are: {words(errors)}")
            for n, one in enumerate(some):
                item = data.get(f"i{n}")
                home = (item or {}).get("project") or {}
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

    def _record(self, project: Project, item: Json, known: References, unread: Counter[str]) -> Record | Problem:
        try:
            raw, activity = workitems.raw(item, project, known, self._people)
            unread += activity.unread
            return normalize.issue(raw, project, self._source, self._workflow)
        except DataError as error:
            return Problem(error.subject, error.what)
        except SHAPE_ERRORS as error:
            return Problem(_subject(project, item), shape(error))


def _subject(project: Project, item: Mapping[str, Any]) -> str:
    if item.get("confidential"):
        return f"{project.key}: id {text(item.get('id')).rpartition('/')[2]}"
    return text(item.get("reference")) or f"{project.key}#{text(item.get('iid')) or '?'}"


def _why(error: Exception) -> str:
    """Without the address: a note stands on pages."""
    if isinstance(error, UnavailableError):
        return f"GraphQL answers {error.status}"
    return "GraphQL answers a web page" if isinstance(error, WebPageError) else "GraphQL refuses our query"
