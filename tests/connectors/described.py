"""Requests held against the vendors' API descriptions: what a server would ignore, misread or refuse."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from pmo_sync.demo.servers.multipart import form
from pmo_sync.demo.servers.wire import Request, Server
from tests.demo import specs
from tests.demo.specs import Json

LISTS: Final = ("array", "object")  # how Atlassian describes what it takes as a comma-separated text
_VARIABLE: Final = re.compile(r"\{(\w+)\}")


class Description:
    """One server's API by its vendor's descriptions.

    ``gaps`` are calls (``GET /path/{id}``) and parameters (``GET /path/{id}?name``) that these do not hold, each with
    the source that says the server takes them.
    """

    def __init__(self, described: Sequence[Json], gaps: Mapping[str, str]) -> None:
        self._gaps = gaps
        self._paths: dict[int, list[tuple[str, Json, Json]]] = defaultdict(list)  # by segments
        for spec in described:
            for template, calls in spec["paths"].items():
                self._paths[template.count("/")].append((template, calls, spec))
        for gap in gaps:
            if "?" not in gap:
                template = gap.partition(" ")[2]
                self._paths[template.count("/")].append((template, {}, {}))

    def violations(self, request: Request) -> set[str]:
        """What is wrong with a request, one line each."""
        found = [
            (template, calls, spec, values)
            for template, calls, spec in self._paths[request.path.count("/")]
            if (values := _values(template, request.path)) is not None
        ]
        if not found:
            return {f"{request.method} {request.path}: no such path"}
        template, calls, spec, values = min(found, key=lambda one: len(one[3]))
        what = f"{request.method} {template}"
        if self._is_gap(what):
            return set()
        if request.method.lower() not in calls:
            return {f"{what}: no such method"}
        call = calls[request.method.lower()]
        known = {(one["in"], one["name"]): one for one in (*calls.get("parameters", ()), *call.get("parameters", ()))}
        wrong = {
            f"{what}?{name}: unknown"
            for name in request.query
            if ("query", name) not in known and not self._is_gap(f"{what}?{name}")
        }
        given = {("path", name): [value] for name, value in values.items()}
        given |= {("query", name): found for name, found in request.query.items()}
        for place, one in known.items():
            if self._is_gap(f"{what}?{one['name']}"):
                continue
            if place in given:
                wrong |= {f"{what}?{one['name']}{problem}" for problem in _wrong(spec, one, given[place])}
            elif one.get("required") and place[0] in ("path", "query"):
                wrong.add(f"{what}?{one['name']}: missing")
        return wrong | {f"{what} body {problem}" for problem in self._body(spec, call, what, request)}

    def _is_gap(self, what: str) -> bool:
        return what in self._gaps

    def _body(self, spec: Json, call: Json, what: str, request: Request) -> Iterator[str]:
        described = call.get("requestBody")
        if not request.body:
            if described and described.get("required"):
                yield "missing"
            return
        if not described:
            yield "not taken"
            return
        for problem in specs.deviations(spec, described["content"]["application/json"]["schema"], _sent(request)):
            path, _, _ = problem.partition(":")
            if not self._is_gap(f"{what}?{path}"):
                yield problem


def _sent(request: Request) -> Any:
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/"):
        return {name: part.data.decode("latin-1") for name, part in form(kind, request.body).items()}
    return json.loads(request.body)


def heard(server: Server) -> list[Request]:
    """What the server is asked from now on."""
    asked: list[Request] = []
    answer = server.answer

    def remembered(request: Request) -> Any:
        asked.append(request)
        return answer(request)

    server.answer = remembered  # type: ignore[method-assign]
    return asked


def _values(template: str, path: str) -> dict[str, str] | None:
    """The template's variables in a path of as many segments; None where it is another path."""
    found = {}
    for ours, theirs in zip(template.split("/"), path.split("/"), strict=True):
        variable = _VARIABLE.fullmatch(ours)
        if variable is not None and theirs:
            found[variable[1]] = unquote(theirs)
        elif ours != theirs:
            return None
    return found


def _wrong(spec: Json, parameter: Json, values: Sequence[str]) -> set[str]:
    """What is wrong with the values of one parameter, as they stand in the address."""
    schema = _resolved(spec, parameter["schema"])
    if schema.get("type") in LISTS:
        item = _resolved(spec, schema.get("items", {"type": "string"}))
        inner = {"type": "string"} if item.get("type") in LISTS else item
        values, schema = [part for value in values for part in value.split(",")], inner
    elif len(values) > 1:
        return {": given more than once"}
    found: set[str] = set()
    for value in values:
        found |= specs.deviations(spec, schema, _typed(value, schema.get("type")))
        if schema.get("format") in ("date-time", "date") and not _is_time(value):
            found.add(f": is no {schema['format']}")
    return found


def _resolved(spec: Json, schema: Json) -> Json:
    reference = schema.get("$ref")
    return spec["components"]["raw"][reference.rsplit("/", 1)[1]] if reference else schema


def _typed(value: str, kind: Any) -> Any:
    """The value as its type; as it is where it has another."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(value, value)
    try:
        return {"integer": int, "number": float}.get(kind, str)(value)
    except ValueError:
        return value


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
