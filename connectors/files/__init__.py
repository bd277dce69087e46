"""A folder in our own model: history imports, backtests, and trackers we have no connector for.

The folder holds up to six tables, each as ``.jsonl``, ``.csv`` (UTF-8, with a header) or ``.parquet``. Columns are
the fields of ``pmo_sync.model``'s records; unknown ones are ignored, those with a default may be missing:

projects     project_id, key; name (key), url (""), is_archived (false)                             required
statuses     status_id, name; category (none: the configuration says it)
milestones   milestone_id, name; project_id (none), kind (milestone), state (open), start_on, due_on, closed_on, url
issues       issue_id, project_id, key, title, created_at; kind (issue), level (0), updated_at (created_at), url,
             is_confidential (false), superseded ("")                                                required
intervals    entity_id, field, value, since; label (value), until (none: still so)
people       person_id, name

Ids are written without the source's name, which is put before them; so are the values of intervals that are ids
(status, milestone, parent, project, links), unless they are addresses (``https://...``). An assignee is a
``person_id`` of any form; what is kept of it is a pseudonym. Times are ISO 8601 with a zone, days ``2026-03-31``.
Without an ``intervals`` table an issue has a ``status`` (an id) and, when it is done, ``done_at``: before that moment
it counts as open, nothing else of its past is known.

The folder is read in full whenever any byte of it changed, and not at all otherwise.
"""

from __future__ import annotations

from connectors.files.fetch import TRAITS, FilesConnector
from pmo_sync.config import SourceConfig
from pmo_sync.errors import ConfigError
from pmo_sync.http.network import Network

__all__ = ["TRAITS", "connect"]


def connect(options: SourceConfig, network: Network) -> FilesConnector:  # noqa: ARG001 - files need none
    """The connector of one folder. Nothing is read yet."""
    if options.path is None:
        raise ConfigError([f"source.{options.name}.path: missing"])
    return FilesConnector(options.name, options.path, options.projects)
