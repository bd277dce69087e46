"""JSON with one thing in it that is not what it should be."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

ODD = st.sampled_from([None, True, -1, 10**30, 1.5, "", "x", "\0", [], {}, [None], [7], ["x"], {"id": None}, [[]]])


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside."""
    yield path
    inside = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, value in inside:
        yield from places(value, (*path, name))


def bent(body: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """The same with something else at one place; ``...`` takes it away."""
    if not path:
        return None if odd is ... else odd
    made = copy.deepcopy(body)
    holder = made
    for name in path[:-1]:
        holder = holder[name]
    if odd is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = odd
    return made
