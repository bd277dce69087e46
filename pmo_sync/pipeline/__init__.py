"""pull -> derive -> compute -> compose -> publish: the only package that knows all its neighbours."""

from pmo_sync.pipeline.backtest import backtest
from pmo_sync.pipeline.check import check
from pmo_sync.pipeline.explain import explain
from pmo_sync.pipeline.init import Asked, Pmo, init
from pmo_sync.pipeline.inspect import (
    definitions,
    export,
    indicators,
    state_export,
    state_restore,
    state_show,
)
from pmo_sync.pipeline.people import people_erase, people_export
from pmo_sync.pipeline.runs import publish, pull, report, sync

__all__ = [
    "Asked",
    "Pmo",
    "backtest",
    "check",
    "definitions",
    "explain",
    "export",
    "indicators",
    "init",
    "people_erase",
    "people_export",
    "publish",
    "pull",
    "report",
    "state_export",
    "state_restore",
    "state_show",
    "sync",
]
