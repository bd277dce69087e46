"""What is done about answers that have not the shape they should have."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from connectors.jira.wire import MALFORMED
from pmo_sync.clients.jira import PLAIN, mended
from pmo_sync.errors import TrackerError

log: Final = logging.getLogger("pmo_sync.jira")


@contextmanager
def understood(source: str, what: str) -> Iterator[None]:
    """Whatever a malformed answer makes the block raise becomes one line that names the source."""
    try:
        yield
    except MALFORMED as error:
        log.info("%s: %s", source, what, exc_info=True)  # in case that it is we who are wrong
        why = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise TrackerError(f"{source}: {what} cannot be understood ({why}); is this Jira?") from error


def loose_id(raw: msgspec.Raw, name: str) -> str:
    """The id in something that has not the shape it should have; empty without."""
    loose = PLAIN.decode(mended(bytes(raw)))
    return str(loose.get(name) or "") if isinstance(loose, dict) else ""
