"""What is done about answers that have not the shape they should have, the same for every tracker."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from pmo_sync.errors import TrackerError

log: Final = logging.getLogger("pmo_sync.connectors")

# what reading raises where something is not what it should be, or not where
MALFORMED: Final = (
    LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, msgspec.MsgspecError,
)  # fmt: skip


@contextmanager
def understood(source: str, what: str) -> Iterator[None]:
    """Whatever a malformed answer makes the block raise becomes one line that names the source."""
    try:
        yield
    except MALFORMED as error:
        log.info("%s: %s", source, what, exc_info=True)  # in case that it is we who are wrong
        why = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise TrackerError(f"{source}: {what} cannot be understood ({why}); does url lead to the tracker?") from error
