"""Jira, Cloud and Data Center. Read in this order: ``fetch`` (what is asked), ``cloud`` and ``data_center`` (in which
order), ``assemble`` (a page), ``normalize`` (pure: JSON -> records); ``sieve`` and ``malformed`` are for bad days.

Options of ``[source.NAME]`` that matter here: ``projects`` (keys), ``flavour`` (else the server is asked), ``fields``
(ours -> the id of a custom field, where discovery finds several), ``workers``, ``requests_per_second``.
"""

from __future__ import annotations

from typing import Final

from connectors.base import Connector, Traits
from connectors.jira.fetch import JiraConnector
from connectors.jira.survey import survey
from pmo_sync.config import SourceConfig
from pmo_sync.http.network import Network

__all__ = ["TRAITS", "connect", "survey"]

TRAITS: Final = Traits(incremental=True, counts=True)


def connect(options: SourceConfig, network: Network) -> Connector:
    """The connector of one source. Raises ConfigError if its token cannot be read."""
    return JiraConnector(options, TRAITS, network)
