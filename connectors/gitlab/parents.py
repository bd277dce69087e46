"""Where a reference in the activity stream may lead: ``group/app#7``, ``app#7``, ``#7``, ``group&4``, ``&4``. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

REFERENCE: Final = re.compile(r"^(?P<path>[\w./-]*)(?P<kind>[#&])(?P<iid>\d+)$")


class Place(NamedTuple):
    """A work item in a project or a group, as GraphQL is asked for it."""

    root: str  # project or group
    path: str
    iid: str


def places(reference: str, owner: str, *, is_group: bool) -> list[Place]:
    """What a reference written in ``owner`` can mean, the likeliest first. Epics are a group's; so may issues be."""
    told = REFERENCE.match(reference)
    if told is None:
        return []
    path, iid = told["path"].strip("/"), told["iid"]
    above = list(accumulate(owner.split("/"), "{}/{}".format))[::-1]  # the owner itself, its group, and so on
    groups = above if is_group else above[1:]
    if told["kind"] == "&":
        return [Place("group", one, iid) for one in _paths(path, groups)]
    own = [] if is_group else [owner]
    projects = [*([path] if path else own), *(f"{one}/{path}" for one in groups if path)]
    return [Place("project", one, iid) for one in projects] + [Place("group", one, iid) for one in _paths(path, groups)]


def _paths(path: str, groups: Sequence[str]) -> list[str]:
    return [path, *(f"{one}/{path}" for one in groups)] if path else list(groups)


def query(asked: Sequence[Place]) -> tuple[str, dict[str, object]]:
    """All of them in one, and its variables. The answers are called r0, r1, ..."""
    given = ", ".join(f"$p{n}: ID!, $i{n}: [String!]" for n in range(len(asked)))
    listed = [
        f"  r{n}: {one.root}(fullPath: $p{n}) {{ workItems(first: 1, iids: $i{n}) {{ nodes {{ id reference(full: true) }} }} }}"
        for n, one in enumerate(asked)
    ]
    variables: dict[str, object] = {}
    for n, one in enumerate(asked):
        variables |= {f"p{n}": one.path, f"i{n}": [one.iid]}
    return "\n".join([f"query({given}) {{", *listed, "}"]), variables
