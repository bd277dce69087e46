"""The places: kind -> module. Each is imported when it is first opened."""

from __future__ import annotations

from pathlib import Path

from pmo_sync.clients.network import Network
from pmo_sync.config import PlaceConfig, ServerConfig
from pmo_sync.errors import ConfigError
from reports.publish import Publisher, Writer


def open_place(place: PlaceConfig, network: Network) -> tuple[Publisher, Writer]:
    """The publisher of a place, and the writer of its format. Makes no request.

    Comments take documents made by ``reports.publishers.notice``. Raises ConfigError, also for a secret that is
    missing.
    """
    match place.kind:
        case "folder":
            from reports.publishers.folder import FolderPublisher
            from reports.writers import html

            return FolderPublisher(place.name, _path(place), place.title_prefix), html.write
        case "confluence":
            from pmo_sync.clients import confluence as client
            from reports.publishers.confluence import ConfluencePublisher
            from reports.writers import storage

            pages = ConfluencePublisher(
                place.name,
                client.connect(_server(place), network),
                network.clock,
                space=place.space or "",
                parent=place.parent,
                title_prefix=place.title_prefix,
            )
            return pages, storage.write
        case "jira-comment":
            from pmo_sync.clients.jira import JiraClient
            from reports.publishers.jira_comment import JiraCommentPublisher
            from reports.writers import jira_markup

            server = _server(place)
            comments = JiraCommentPublisher(
                place.name, JiraClient(server, network), network.clock, url=server.url, issues=place.issues
            )
            return comments, jira_markup.write
        case "gitlab-note":
            from pmo_sync.clients.gitlab import GitlabClient
            from reports.publishers.gitlab_note import GitlabNotePublisher
            from reports.writers import gitlab_markdown

            server = _server(place)
            notes = GitlabNotePublisher(
                place.name, GitlabClient(server, network), network.clock, url=server.url, issues=place.issues
            )
            return notes, gitlab_markdown.write


def _server(place: PlaceConfig) -> ServerConfig:
    if place.server is None:
        raise ConfigError([f"place.{place.name}.url: missing"])
    return place.server


def _path(place: PlaceConfig) -> Path:
    if place.path is None:
        raise ConfigError([f"place.{place.name}.path: missing"])
    return place.path
