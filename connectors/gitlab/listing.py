"""Work items page by page, each page as large as this GitLab can give, each item brought to its end.

The size adapts, project by project: half as many issues whenever GitLab finds the query too complex, too large or too
slow, or fails on it; twice as many again once that went well. It counts a query's complexity before it runs it, aborts
it after 30 s (a 503 with a reason), and a proxy may give up earlier. What cannot even be had alone is named, and the
next one is read. A part of the query that an instance does not know, though its type is there, is left out from then on.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from connectors.gitlab.queries import NEEDED, PING, WIDGETS, Schema, parts
from connectors.gitlab.scope import Scope
from connectors.gitlab.sizes import Size
from connectors.gitlab.values import Json, iso, text
from pmo_sync.clients.gitlab import GitlabClient, RefusedError, WebPageError
from pmo_sync.errors import OverloadedError, TrackerError
from pmo_sync.model import Project

log: Final = logging.getLogger("pmo_sync.gitlab")

FIRST: Final = 50  # issues a page to begin with
INNER: Final = 50  # rows of each connection inside
PATIENCE: Final = 5  # issues that can have nothing given in a row, before it is the server that fails
_COMPLEX: Final = re.compile(r"complexity", re.IGNORECASE)
_TOO_MUCH: Final = re.compile(r"complexity|timeout|timed out|took too long", re.IGNORECASE)
_FAILED: Final = re.compile(r"internal server error", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"[\w./-]*[#&]\d+\b|\S*/(?:issues|work_items|epics)/\d+\S*")
_REFUSED: Final = re.compile(r"does not exist or you don.t have permission", re.IGNORECASE)


class UnsuitableError(Exception):
    """GraphQL cannot do it here; the message says why, in one line."""


class FailedError(TrackerError):
    """GraphQL could not answer this time. In the midst of a pull that is no reason to read on with less history."""

    def __init__(self, message: str, unknown: frozenset[str] = frozenset()) -> None:
        self.unknown = unknown  # widgets that were asked for in words this instance does not have
        super().__init__(message)


class _Threads(NamedTuple):
    notes: dict[Any, Json]  # id of a thread -> the connection of its notes
    after: str | None


class Listing:
    """Asks one GitLab for work items. Used by several workers at once."""

    def __init__(self, source: str, client: GitlabClient, schema: Schema) -> None:
        self._source = source
        self._client = client
        self._whole = schema
        self.schema = schema
        self._sizes: dict[str, Size] = {}  # project -> issues a page
        self._bad: dict[tuple[str, Any, Any], str] = {}  # project, issue, its change -> why it cannot be had
        self._bad_in_a_row: dict[str, int] = {}  # project -> how many of those came one after the other

    def size(self, project: Project) -> int:
        """How many issues a page of this project has at most."""
        return self._size(project).now

    def _size(self, project: Project) -> Size:
        return self._sizes.setdefault(project.project_id, Size(FIRST))

    @property
    def left_out(self) -> frozenset[str]:
        """The widgets that are there and that our words for them are not known of."""
        return self._whole.widgets - self.schema.widgets

    def leave_out(self, widgets: frozenset[str]) -> bool:
        """Ask without these from now on; False where that is no help."""
        kept = self.schema.widgets - widgets
        if not widgets or not kept >= NEEDED:
            return False
        self.schema = self.schema._replace(widgets=kept)
        return True

    def ask(self, query: str, **variables: Any) -> tuple[Json, list[Json]]:
        """Data and errors. Raises TrackerError where there is neither."""
        return self._ask(query, variables, is_large=False)

    def _ask(self, query: str, variables: Mapping[str, Any], *, is_large: bool) -> tuple[Json, list[Json]]:
        answer = self._client.graphql(query, is_large=is_large, **variables)
        data, errors = answer.get("data"), answer.get("errors") or []
        if not isinstance(data, dict) and not errors:
            raise TrackerError(f"{self._source}: GraphQL answered neither data nor errors")
        return (data if isinstance(data, dict) else {}), [one for one in errors if isinstance(one, dict)]

    def walk(self, query: str, find: Callable[[Json, list[Json]], Json], **variables: Any) -> Iterator[Json]:
        """Every row of the connection that ``find`` takes out of data and errors."""
        after: str | None = None
        while True:
            listed = find(*self.ask(query, after=after, **variables))
            yield from (one for one in listed.get("nodes") or () if one)
            after = _next(listed, after)
            if after is None:
                return

    def ids(self, project: Project) -> Iterator[str]:
        """The global ids of all. Raises UnsuitableError, FailedError."""
        scope = Scope.of(project, self._source)
        query = self.schema.sweep(scope.root, scope.arguments)
        found = self.walk(query, lambda data, errors: self._items(data, errors, project), path=project.key)
        return (str(one["id"]) for one in found)

    def all(self, project: Project, since: datetime | None) -> Iterator[Json]:
        """All changed since, in the order of their last change. Raises UnsuitableError, FailedError."""
        after: str | None = None
        self._size(project).grow()  # only here: how many rows a request brings must not grow while they are listed
        while True:
            items, after = self.page(project, since=since, after=after)
            yield from items
            if after is None:
                return

    def page(
        self,
        project: Project,
        *,
        arguments: str = "",
        sort: str = "UPDATED_ASC",
        size: int | None = None,
        since: datetime | None = None,
        after: str | None = None,
    ) -> tuple[list[Json], str | None]:
        """Work items and the token of the next page. What GitLab could not give of one is in its ``error``."""
        scope = Scope.of(project, self._source)
        query = self.schema.page(scope.root, scope.arguments + arguments, sort)
        brief = self.schema.brief(scope.root, scope.arguments + arguments, sort)
        learned = self._size(project)
        size = min(learned.now, size or learned.now)
        bound = iso(since) if since else None
        place = {"path": project.key, "after": after, "since": bound}
        while True:
            known = self._known_as_bad(project, brief, place) if size == 1 else None
            if known is not None:
                return known
            try:
                data, errors = self._ask(query, place | {"first": size, "inner": INNER}, is_large=size > 1)
                refusal, is_final = _refusal(data, errors)
            except TrackerError as failure:
                can_be_less = isinstance(failure, OverloadedError) or size == 1
                if isinstance(failure, (RefusedError, WebPageError)) or not can_be_less:
                    raise
                log.log(logging.WARNING if size == 1 else logging.INFO, "%s: %s", self._source, failure)
                data, errors, refusal, is_final = {}, [], "it takes too long, or GitLab fails on it", False
            if not refusal:
                break
            if size == 1 and is_final:
                raise UnsuitableError(f"even one issue is too much for GraphQL: {refusal}")
            if size == 1:
                return self._bad_one(project, refusal, brief, place)
            size = max(1, size // 2)
            learned.shrink(size, is_final=is_final)
            log.info("%s: %s: %s; %d issues a page", self._source, project.key, refusal, size)
        learned.worked(size)
        self._bad_in_a_row.pop(project.project_id, None)
        listed = self._items(data, errors, project)
        items = [one if isinstance(one, dict) else {} for one in listed["nodes"]]
        for error in errors:
            number = _number(error)
            if number is None:
                raise FailedError(f"{self._source}: {project.key}: GraphQL: {words([error])}")
            items[number]["error"] = words([error])
        return items, _next(listed, after)

    def _bad_one(
        self, project: Project, why: str, brief: str, place: Mapping[str, str | None]
    ) -> tuple[list[Json], str | None]:
        """The name of the one issue that cannot be had. Raises where it is the server that fails, for all."""
        listed = self._items(*self.ask(brief, **place), project)
        id_ = project.project_id
        self._bad_in_a_row[id_] = self._bad_in_a_row.get(id_, 0) + 1
        if self._bad_in_a_row[id_] > PATIENCE:
            raise FailedError(f"{self._source}: {project.key}: GraphQL fails for one issue after the other: {why}")
        items = [one | {"error": why} for one in listed["nodes"] if one]
        self._bad |= {(id_, one["id"], one["updatedAt"]): why for one in items}
        return items, _next(listed, place["after"])

    def _known_as_bad(
        self, project: Project, brief: str, place: Mapping[str, str | None]
    ) -> tuple[list[Json], str | None] | None:
        """The next issue, where it is one that could not be had before; None where it may be."""
        id_ = project.project_id
        if not any(one[0] == id_ for one in self._bad):
            return None
        listed = self._items(*self.ask(brief, **place), project)
        found = [(one, self._bad.get((id_, one["id"], one["updatedAt"]))) for one in listed["nodes"] if one]
        if not any(why for _, why in found):
            return None
        return [one | {"error": why} for one, why in found], _next(listed, place["after"])

    def complete(self, item: Json) -> str:
        """Read what did not fit of its connections. Returns why it cannot be whole, empty if it is."""
        if "error" in item:
            return f"GitLab did not give all of it: {item['error']}"
        try:
            return self._complete_parts(item) or self._complete_threads(item)
        except TrackerError as error:
            self.ask(PING)  # or it is the server that fails, for all
            log.warning("%s: %s", self._source, error)
            return "the rest of its history takes too long, or GitLab fails on it"

    def _complete_parts(self, item: Json) -> str:
        for name in self.schema.widgets:
            many = WIDGETS[name].many
            shown = (parts(item).get(name) or {}).get(many) if many else None
            after = _next(shown, None) if shown else None
            while shown and after is not None:
                data, errors = self.ask(self.schema.rest(name), id=item["id"], after=after)
                rest = (parts(data.get("workItem") or {}).get(name) or {}).get(many)
                if errors or not rest:
                    return f"the rest of its {name} is not readable: {words(errors) or 'nothing came'}"
                shown["nodes"] += rest["nodes"]
                after = _next(rest, after)
        return ""

    def _complete_threads(self, item: Json) -> str:
        """Read threads of its activity that hold more notes than came with them. Returns why one cannot be whole."""
        split = {one.get("id"): one["notes"] for one in rows(item, "notes") if _goes_on(one.get("notes"))}
        after: str | None = None
        while split:
            listed = self._threads(item, after)
            if isinstance(listed, str):
                return f"a thread of its activity is not readable: {listed}"
            for id_ in [id_ for id_ in listed.notes if id_ in split]:
                notes, inside = listed.notes[id_], _next(listed.notes[id_], None)
                while inside is not None:
                    more = self._threads(item, after, inside)
                    if isinstance(more, str) or id_ not in more.notes:
                        return "a thread of its activity is not readable to its end"
                    notes["nodes"] += more.notes[id_]["nodes"]
                    inside = _next(more.notes[id_], inside)
                split.pop(id_)["nodes"] = notes["nodes"]
            after = listed.after
            if after is None:
                break
        return "a thread of its activity is not there any more" if split else ""

    def _threads(self, item: Json, after: str | None, inside: str | None = None) -> _Threads | str:
        """A page of the threads of its activity, or why there is none."""
        data, errors = self.ask(self.schema.threads(), id=item["id"], after=after, inside=inside)
        listed = _shown(data.get("workItem") or {}, "notes")
        if errors or not listed:
            return words(errors) or "nothing came"
        return _Threads({one.get("id"): one["notes"] for one in listed.get("nodes") or () if one}, _next(listed, after))

    def _items(self, data: Json, errors: Sequence[Json], project: Project) -> Json:
        """The connection of work items. Null means: not offered here, never: none."""
        listed = (data.get("owner") or {}).get("workItems")
        if not isinstance(listed, dict) or not isinstance(listed.get("nodes"), list):
            if errors:
                raise FailedError(f"{self._source}: {project.key}: GraphQL: {words(errors)}", _unknown(errors))
            raise UnsuitableError(f"GraphQL shows no work items of {project.key}")
        return listed


def rows(item: Json, widget: str) -> list[Json]:
    """The rows of one of its connections that came so far."""
    return [one for one in _shown(item, widget).get("nodes") or () if one]


def is_cut(item: Json) -> bool:
    """Whether its activity goes on."""
    return _goes_on(_shown(item, "notes")) or any(_goes_on(one.get("notes")) for one in rows(item, "notes"))


def _goes_on(connection: Json | None) -> bool:
    return bool(((connection or {}).get("pageInfo") or {}).get("hasNextPage"))


def may_pass(why: str) -> bool:
    """Whether an error in GitLab's words is of the moment."""
    return bool(_TOO_MUCH.search(why) or _FAILED.search(why))


def failures(errors: Sequence[Json]) -> dict[Any, str]:
    """Which parts of a query GitLab failed to answer, and why. That one is not there, or not for us, is an answer."""
    return {
        next(iter(error.get("path") or ()), None): words([error])
        for error in errors
        if not _REFUSED.search(text(error.get("message")))
    }


def words(errors: Sequence[Json]) -> str:
    """The first error in GitLab's words, as one short line without references: who they stand for may be confidential."""
    said = " ".join(text(errors[0].get("message")).split()) if errors else ""
    return _REFERENCE.sub("...", said)[:160]


def _shown(item: Json, widget: str) -> Json:
    return (parts(item).get(widget) or {}).get(WIDGETS[widget].many) or {}


def _refusal(data: Json, errors: Sequence[Json]) -> tuple[str, bool]:
    """Why less has to be asked for, empty if it need not; and whether that holds for every page of this size."""
    too_much = [error for error in errors if _TOO_MUCH.search(text(error.get("message")))]
    if not too_much and not (data.get("owner") or {}).get("workItems"):
        too_much = [error for error in errors if _FAILED.search(text(error.get("message")))]
    return words(too_much), bool(too_much) and _COMPLEX.search(text(too_much[0].get("message"))) is not None


def _number(error: Json) -> int | None:
    """Which of the listed work items an error is about; None where it is about more."""
    path = error.get("path") or []
    is_inside = path[:3] == ["owner", "workItems", "nodes"] and isinstance(path[3:4] and path[3], int)
    return int(path[3]) if is_inside else None


def _unknown(errors: Sequence[Json]) -> frozenset[str]:
    """The widgets with a field or argument that is not in the schema: such errors have a code, and a path of steps
    through the query.
    """
    codes = [error for error in errors if (error.get("extensions") or {}).get("code")]
    steps = {str(step) for error in codes for step in error.get("path") or ()}
    return frozenset(name for name, one in WIDGETS.items() if steps & {name, f"... on WorkItemWidget{one.type}"})


def _next(listed: Mapping[str, Any], before: str | None) -> str | None:
    """The token of the next page; None at the end. Raises TrackerError where it would turn for ever."""
    about = listed.get("pageInfo") or {}
    if not about.get("hasNextPage"):
        return None
    after = about.get("endCursor")
    if not after or after == before:
        raise TrackerError("GraphQL's next page is the one before; nothing can be read safely from it")
    return str(after)
