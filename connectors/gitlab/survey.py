"""What `init` proposes for a GitLab: the labels in use, which may be its workflow, and the groups of its projects."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from connectors.base import Survey
from connectors.malformed import understood
from pmo_sync.clients.gitlab import GitlabClient, UnavailableError
from pmo_sync.config import SourceConfig
from pmo_sync.errors import ConfigError
from pmo_sync.http.network import Network


def survey(options: SourceConfig, network: Network) -> Survey:
    """The list of projects, and one question each. Raises AccessError or TrackerError."""
    if options.server is None:
        raise ConfigError([f"source.{options.name}.url: missing"])
    client = GitlabClient(options.server, network)
    with closing(client), understood(options.server.url, "its list of projects"):
        return _survey(client, options.server.workers)


def _survey(client: GitlabClient, workers: int) -> Survey:
    def labels(project: dict[str, Any]) -> set[str]:
        try:
            return {str(one.get("name") or "") for one in client.list(f"/projects/{project.get('id')}/labels")}
        except UnavailableError:  # issues are switched off, or hidden: then its labels say nothing here
            return set()

    projects = list(client.list("/projects", membership=True, archived=False, order_by="id", sort="asc"))
    with ThreadPoolExecutor(workers) as pool:
        found = set().union(*pool.map(labels, projects))
    groups = {}
    for one in projects:
        namespace = one.get("namespace") or {}
        if namespace.get("kind") == "group":
            groups[str(one.get("path_with_namespace"))] = str(namespace.get("full_path") or namespace.get("name"))
    return Survey(labels=tuple(sorted(found - {""})), groups=groups)
