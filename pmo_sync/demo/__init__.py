"""A simulated company to try pmo-sync on: five servers on this machine that speak the vendors' interfaces.

``start(company, folder)`` starts them; ``config_text()`` is the configuration that reads and writes them. Nothing here
shares code with what it is there to check.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from pmo_sync.demo.company import Company, Item, Tracker
from pmo_sync.demo.servers.wire import Entry, Server

REQUESTS_PER_SECOND: Final = 1000  # loopback has nobody to be polite to


class Running:
    """The company's servers while they listen: ``cloud``, ``dc``, ``gitlab``, ``confluence``, ``confluence-dc``.

    ``tokens`` holds the environment variables that ``config_text()`` refers to; ``folder`` is where its relative paths
    lead once it is written there. A context manager that stops the servers.
    """

    def __init__(self, company: Company, folder: Path) -> None:
        from pmo_sync.demo.servers import confluence_cloud, confluence_dc, gitlab, jira_cloud, jira_dc

        self.company = company
        self.folder = folder
        self._wiki = confluence_cloud.make(company)
        self._old_wiki = confluence_dc.make(company)
        self.servers: dict[str, Server] = {
            "cloud": jira_cloud.make(company),
            "dc": jira_dc.make(company),
            "gitlab": gitlab.make(company),
            "confluence": self._wiki,
            "confluence-dc": self._old_wiki,
        }
        self.tokens: dict[str, str] = {
            "DEMO_JIRA_CLOUD_TOKEN": jira_cloud.TOKEN,
            "DEMO_JIRA_DC_TOKEN": jira_dc.TOKEN,
            "DEMO_GITLAB_READ_TOKEN": gitlab.READER_TOKEN,
            "DEMO_GITLAB_PUBLISH_TOKEN": gitlab.PUBLISHER_TOKEN,
            "DEMO_CONFLUENCE_TOKEN": confluence_cloud.TOKEN,
            "DEMO_CONFLUENCE_DC_TOKEN": confluence_dc.TOKEN,
        }
        self._users = {"cloud": jira_cloud.USER, "confluence": confluence_cloud.USER}

    @property
    def urls(self) -> dict[str, str]:
        """Where each server listens, as a configuration names it."""
        return {
            name: f"{server.url}/wiki" if name == "confluence" else server.url for name, server in self.servers.items()
        }

    def __enter__(self) -> Self:
        """Already listening."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def stop(self) -> None:
        """Stop listening and free the ports."""
        for server in self.servers.values():
            server.stop()

    def advance(self, weeks: int = 1) -> None:
        """Let time pass in the company."""
        self.company.now += timedelta(weeks=weeks)

    def writes(self) -> list[Entry]:
        """What was written to any server, server by server."""
        return [entry for server in self.servers.values() for entry in server.writes()]

    def config_text(self) -> str:
        """The PMO's configuration with sources, places and reports (TOML)."""
        wiki = {"kind": "confluence", "space": "PMO", "write": True}
        tables: dict[str, Mapping[str, Any]] = {
            "source.cloud": self._source("cloud", "jira", "DEMO_JIRA_CLOUD_TOKEN", flavour="cloud"),
            "source.dc": self._source("dc", "jira", "DEMO_JIRA_DC_TOKEN", flavour="data-center"),
            "source.gitlab": self._source("gitlab", "gitlab", "DEMO_GITLAB_READ_TOKEN"),
            "source.gitlab.statuses": self._statuses(),
            "place.confluence": wiki
            | {"flavour": "cloud", "parent": self._wiki.space.parent}
            | self._access("confluence", "DEMO_CONFLUENCE_TOKEN"),
            "place.confluence-dc": wiki
            | {"flavour": "data-center", "parent": self._old_wiki.space.parent}
            | self._access("confluence-dc", "DEMO_CONFLUENCE_DC_TOKEN"),
            "place.jira-note": {"kind": "jira-comment", "flavour": "cloud", "write": True}
            | self._access("cloud", "DEMO_JIRA_CLOUD_TOKEN")
            | {"issues": self._carrier("cloud")},
            "place.gitlab-note": {"kind": "gitlab-note", "write": True}
            | self._access("gitlab", "DEMO_GITLAB_PUBLISH_TOKEN")
            | {"issues": self._carrier("gitlab")},
        }
        reports = [
            {"report": "portfolio", "places": ["confluence", "confluence-dc"]},
            {"report": "project", "places": ["confluence", "confluence-dc"]},
            {"report": "summary", "places": ["jira-note", "gitlab-note"]},
        ]
        parts = [self.company.config]
        parts += [_table(f"[{name}]", values) for name, values in tables.items() if values]
        parts += [_table("[[report]]", report) for report in reports]
        return "\n".join(parts)

    def _access(self, server: str, token: str) -> dict[str, Any]:
        user = {"user": self._users[server]} if server in self._users else {}
        url = self.urls[server]
        return {"url": url, "requests_per_second": REQUESTS_PER_SECOND, "token": {"env": token}} | user

    def _source(self, tracker: Tracker, kind: str, token: str, **more: str) -> dict[str, Any]:
        projects = [project.key for project in self.company.projects if project.tracker == tracker]
        if not projects:
            return {}
        labels = {"workflow_labels": "workflow::"} if tracker == "gitlab" else {}
        return {"kind": kind, **more, "projects": projects} | labels | self._access(tracker, token)

    def _statuses(self) -> dict[str, str]:
        """GitLab does not know what a workflow label means; Jira knows the category of each of its statuses."""
        return {
            name: category
            for project in self.company.projects
            if project.tracker == "gitlab"
            for name, category in project.statuses.items()
            if category != "undefined"
        }

    def _carrier(self, tracker: Tracker) -> dict[str, str]:
        """A report and the issue that carries its comment: the first PMO project of that tracker, an issue that stays."""
        projects = tomllib.loads(self.company.config).get("project", [])
        for project in projects:
            for scope in project["scopes"]:
                if scope["source"] == tracker and scope.get("project"):
                    item = _lasting(self.company.visible(tracker, scope["project"]))
                    if item:
                        return {f"project/{project['id']}": item.key}
        item = _lasting(self.company.visible(tracker))
        return {"portfolio": item.key} if item else {}


def start(company: Company, folder: Path) -> Running:
    """Start the company's servers on free ports of 127.0.0.1, and tell the company where its trackers are."""
    running = Running(company, folder)
    try:
        for server in running.servers.values():
            server.now = lambda: company.now
            server.start()
    except OSError:
        running.stop()
        raise
    for tracker in company.addresses:
        company.addresses[tracker] = running.servers[tracker].url
    return running


def _lasting(items: Iterable[Item]) -> Item | None:
    """The oldest issue that everybody may see and that is never deleted or moved."""
    kept = [item for item in items if item.deleted_at is None and item.moved_to is None and not item.is_confidential]
    return min(kept, key=lambda item: (item.created_at, item.id), default=None)


def _table(head: str, values: Mapping[str, Any]) -> str:
    return "\n".join([head, *(f"{_key(name)} = {_value(value)}" for name, value in values.items()), ""])


def _key(name: str) -> str:
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    """A value in TOML; texts and lists of texts are written as in JSON."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(name)} = {_value(one)}' for name, one in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)
