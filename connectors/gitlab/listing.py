"""Work items page by page, each page as large as this GitLab can give, each item brought to its end.

The size adapts: half as many issues whenever GitLab finds the query too complex, too large or too slow. It counts a
query's complexity before it runs it, aborts it after 30 s (a 503 with a reason), and a proxy may give up earlier.
A part of the query that an instance does not know, though its type is there, is left out from then on.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from connectors.gitlab.queries import NEEDED, WIDGETS, Schema, parts
from connectors.gitlab.scope import Scope
from connectors.gitlab.values import Json, iso, text
from pmo_sync.clients.gitlab import GitlabClient, OverloadedError
from pmo_sync.errors import TrackerError
from pmo_sync.model import Project

log: Final = logging.getLogger("pmo_sync.gitlab")

FIRST: Final = 50  # issues a page to begin with
INNER: Final = 50  # rows of each connection inside
_TOO_MUCH: Final = re.compile(r"complexity|timeout|timed out|took too long", re.IGNORECASE)


class UnsuitableError(Exception):
    """GraphQL cannot do it here; the message says why, in one line."""


class FailedError(TrackerError):
    """GraphQL could not answer this time. In the midst of a pull that is no reason to read on with less history."""

    def __init__(self, message: str, unknown: frozenset[str] = frozenset()) -> None:
        self.unknown = unknown  # widgets that were asked for in words this instance does not have
        super().__init__(message)


class Listing:
    """Asks one GitLab for work items. Used by several workers at once."""

    def __init__(self, source: str, client: GitlabClient, schema: Schema) -> None:
        self._source = source
        self._client = client
        self._whole = schema
        self.schema = schema
        self.size = FIRST

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
        answer = self._client.graphql(query, **variables)
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
        size = min(self.size, size or self.size)
        bound = iso(since) if since else None
        while True:
            try:
                data, errors = self.ask(query, path=project.key, first=size, inner=INNER, after=after, since=bound)
            except OverloadedError as refusal:
                if size == 1:
                    raise
                why = str(refusal)
            else:
                if not any(_TOO_MUCH.search(text(error.get("message"))) for error in errors):
                    break
                why = words(errors)
                if size == 1:
                    raise UnsuitableError(f"even one issue is too much for GraphQL: {why}")
            size = max(1, size // 2)
            self.size = min(self.size, size)
            log.info("%s: %s: %s; %d issues a page from now on", self._source, project.key, why, size)
        listed = self._items(data, errors, project)
        items = [one if isinstance(one, dict) else {} for one in listed["nodes"]]
        for error in errors:
            path = error.get("path") or []
            if path[:3] != ["owner", "workItems", "nodes"] or not isinstance(path[3:4] and path[3], int):
                raise FailedError(f"{self._source}: {project.key}: GraphQL: {words([error])}")
            items[path[3]]["error"] = words([error])
        return items, _next(listed, after)

    def complete(self, item: Json) -> str:
        """Read what did not fit of its connections. Returns why it cannot be whole, empty if it is."""
        if "error" in item:
            return f"GitLab did not give all of it: {item['error']}"
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
        is_split = any(
            ((one.get("notes") or {}).get("pageInfo") or {}).get("hasNextPage") for one in rows(item, "notes")
        )
        return "a thread of its activity holds more notes than one" if is_split else ""

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


def is_cut(item: Json, widget: str) -> bool:
    """Whether one of its connections goes on."""
    return bool((_shown(item, widget).get("pageInfo") or {}).get("hasNextPage"))


def words(errors: Sequence[Json]) -> str:
    """The first error in GitLab's words, as one short line."""
    return " ".join(text(errors[0].get("message")).split())[:160] if errors else ""


def _shown(item: Json, widget: str) -> Json:
    return (parts(item).get(widget) or {}).get(WIDGETS[widget].many) or {}


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
