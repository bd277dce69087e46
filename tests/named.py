"""The one of that name: a source or a place of a configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Named(Protocol):
    """What a name belongs to."""

    @property
    def name(self) -> str: ...


_Named = TypeVar("_Named", bound=Named)


def named(name: str, among: Iterable[_Named]) -> _Named:
    """Raises ValueError where there is none or are several."""
    (found,) = (one for one in among if one.name == name)
    return found
