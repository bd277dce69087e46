"""GitLab: every tier, gitlab.com and self-managed, also below a relative address. Work items through GraphQL where an
instance offers them, REST API v4 elsewhere. Issues, incidents, test cases and tasks are read, tasks through GraphQL
only, and the epics of groups; objectives, key results, requirements and tickets are not.

Options of a source: ``projects`` (``group/app``, a numeric id, or ``group/*`` for a group with its subgroups and epics;
empty: every project the token's user is a member of), ``workflow_labels`` (``"workflow::"``: scoped labels that
are the workflow), ``statuses`` (their categories).
"""

from __future__ import annotations

from connectors.gitlab.fetch import TRAITS, GitlabConnector
from connectors.gitlab.survey import survey
from pmo_sync.clients.gitlab import GitlabClient
from pmo_sync.config import SourceConfig
from pmo_sync.errors import ConfigError
from pmo_sync.http.network import Network

__all__ = ["TRAITS", "connect", "survey"]


def connect(options: SourceConfig, network: Network) -> GitlabConnector:
    """The connector of one source. No request is made yet. Raises ConfigError if its token cannot be read."""
    if options.server is None:
        raise ConfigError([f"source.{options.name}.url: missing"])
    return GitlabConnector(options, GitlabClient(options.server, network), options.server.workers)
