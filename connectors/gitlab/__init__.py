"""GitLab through REST API v4: every tier, gitlab.com and self-managed, also below a relative address.

Options of a source: ``projects`` (``group/app``, a numeric id, or ``group/*`` for a group with its subgroups;
empty: every project the token's user is a member of), ``workflow_labels`` (``"workflow::"``: scoped labels that
are the workflow), ``statuses`` (their categories).
"""

from __future__ import annotations

from connectors.gitlab.fetch import TRAITS, GitlabConnector
from pmo_sync.clients.gitlab import GitlabClient
from pmo_sync.clock import Clock
from pmo_sync.config import SourceConfig
from pmo_sync.errors import ConfigError

__all__ = ["TRAITS", "connect"]


def connect(options: SourceConfig, clock: Clock) -> GitlabConnector:
    """The connector of one source. No request is made yet. Raises ConfigError if its token cannot be read."""
    if options.server is None:
        raise ConfigError([f"source.{options.name}.url: missing"])
    return GitlabConnector(options, GitlabClient(options.server, clock), options.server.workers)
