"""What `init` proposes for a Jira: its flavour, its issue types, the categories of its projects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from connectors.base import Survey
from connectors.jira.values import clean
from pmo_sync.clients.jira import JiraClient
from pmo_sync.clients.network import Network
from pmo_sync.config import SourceConfig
from pmo_sync.errors import ConfigError, TrackerError

PAGE: Final = 100


def survey(options: SourceConfig, network: Network) -> Survey:
    """Two questions and the list of projects. Raises AccessError or TrackerError."""
    if options.server is None:
        raise ConfigError([f"source.{options.name}.url: missing"])
    client = JiraClient(options.server, network)
    try:
        groups = {}
        for one in _projects(client):
            category = (one.get("projectCategory") or {}).get("name")
            if category and one.get("key"):
                groups[str(one["key"])] = clean(category)
        kinds = client.get("issuetype")
        return Survey(
            flavour=client.flavour,
            kinds=tuple(sorted({clean(one["name"]) for one in kinds if isinstance(one, dict) and one.get("name")})),
            groups=groups,
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise TrackerError(f"{options.server.url}: its projects cannot be understood; is this Jira?") from error
    finally:
        client.close()


def _projects(client: JiraClient) -> Iterator[Mapping[str, Any]]:
    if client.flavour != "cloud":
        yield from client.get("project")
        return
    start = 0
    while True:
        page = client.get("project/search", {"startAt": start, "maxResults": PAGE}, "api/3")
        yield from page["values"]
        start += len(page["values"])
        if not page["values"] or page.get("isLast"):
            return
