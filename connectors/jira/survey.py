"""What `init` proposes for a Jira: its flavour, its issue types, the categories of its projects."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from connectors.base import Survey
from connectors.jira.paging import paged
from connectors.malformed import understood
from pmo_sync.clients.jira import JiraClient
from pmo_sync.config import SourceConfig
from pmo_sync.errors import ConfigError
from pmo_sync.http.network import Network
from pmo_sync.text import clean

PAGE: Final = 100


def survey(options: SourceConfig, network: Network) -> Survey:
    """Two questions and the list of projects. Raises AccessError or TrackerError."""
    if options.server is None:
        raise ConfigError([f"source.{options.name}.url: missing"])
    client = JiraClient(options.server, network)
    with closing(client), understood(options.server.url, "its list of projects"):
        is_cloud = client.flavour == "cloud"
        groups = {}
        for one in paged(client, "project/search", {}, "api/3", PAGE) if is_cloud else client.get("project"):
            category = (one.get("projectCategory") or {}).get("name")
            if category and one.get("key"):
                groups[str(one["key"])] = clean(category)
        kinds = client.get("issuetype")
        return Survey(
            flavour=client.flavour,
            kinds=tuple(sorted({clean(one["name"]) for one in kinds if isinstance(one, dict) and one.get("name")})),
            groups=groups,
        )
