"""pull -> derive -> compute -> compose -> publish: the only package that knows all its neighbours."""

from pmo_sync.pipeline.inspect import (
    catalogue,
    check,
    explain,
    export,
    indicators,
    state_export,
    state_restore,
    state_show,
)
from pmo_sync.pipeline.runs import publish, pull, report, sync

__all__ = [
    "catalogue",
    "check",
    "explain",
    "export",
    "indicators",
    "publish",
    "pull",
    "report",
    "state_export",
    "state_restore",
    "state_show",
    "sync",
]
