"""TRACKER -> RECORDS. One place to add a connector: a line here, or an entry point ``pmo_sync.connectors``."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from connectors.base import Connector
    from pmo_sync.clock import Clock
    from pmo_sync.config import SourceConfig

CONNECTORS: Final = {
    "files": "connectors.files",
    "gitlab": "connectors.gitlab",
    "jira": "connectors.jira",
}


def names() -> tuple[str, ...]:
    """Every kind a source may have: ours and the installed third parties'."""
    return tuple(sorted({*CONNECTORS, *(point.name for point in entry_points(group="pmo_sync.connectors"))}))


def connect(options: SourceConfig, clock: Clock) -> Connector:
    """The connector for one configured source. No request is made yet.

    Each connector module offers ``connect(options, clock)``; an unknown kind was refused by the configuration.
    """
    target = CONNECTORS.get(options.kind)
    if target is None:
        (point,) = entry_points(group="pmo_sync.connectors", name=options.kind)
        target = point.value
    return cast("Connector", import_module(target).connect(options, clock))
