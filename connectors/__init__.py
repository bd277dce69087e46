"""TRACKER -> RECORDS. One place to add a connector: a line here, or an entry point ``pmo_sync.connectors``."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from types import ModuleType

    from connectors.base import Connector, Survey
    from pmo_sync.config import SourceConfig
    from pmo_sync.http.network import Network

CONNECTORS: Final = {
    "files": "connectors.files",
    "gitlab": "connectors.gitlab",
    "jira": "connectors.jira",
}


def names() -> tuple[str, ...]:
    """Every kind a source may have: ours and the installed third parties'."""
    return tuple(sorted({*CONNECTORS, *(point.name for point in entry_points(group="pmo_sync.connectors"))}))


def load(kinds: Iterable[str]) -> None:
    """Import the modules of these kinds: before threads connect, for imports in threads may wait for each other."""
    for kind in kinds:
        _module(kind)


def connect(options: SourceConfig, network: Network) -> Connector:
    """The connector for one configured source. No request is made yet.

    Each connector module offers ``connect(options, network)``; an unknown kind was refused by the configuration.
    """
    return cast("Connector", _module(options.kind).connect(options, network))


def survey(options: SourceConfig, network: Network) -> Survey:
    """What `init` may propose for one source; empty where the connector offers no ``survey(options, network)``."""
    from connectors.base import Survey

    offered = getattr(_module(options.kind), "survey", None)
    return Survey() if offered is None else cast("Survey", offered(options, network))


def _module(kind: str) -> ModuleType:
    target = CONNECTORS.get(kind)
    if target is None:
        (point,) = entry_points(group="pmo_sync.connectors", name=kind)
        target = point.value
    return import_module(target)
