"""The configuration: TOML -> frozen dataclasses, every problem reported in one go.

``config.example.toml`` documents each option. Secrets are references (``{env = "JIRA_TOKEN"}``), never literals.
Relative paths are relative to the file that holds them.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from pmo_sync.config.reading import load
from pmo_sync.config.records import (
    CANCELED_RESOLUTIONS,
    Baseline,
    CalendarConfig,
    Config,
    Decision,
    Flavour,
    Grade,
    Language,
    OAuthConfig,
    Override,
    PlaceConfig,
    PlaceKind,
    Profile,
    ProjectConfig,
    ReportConfig,
    ReportKind,
    Role,
    Scope,
    Secret,
    ServerConfig,
    SourceConfig,
    TeamConfig,
    Weekday,
)

__all__ = [
    "CANCELED_RESOLUTIONS",
    "Baseline",
    "CalendarConfig",
    "Config",
    "Decision",
    "Flavour",
    "Grade",
    "Language",
    "OAuthConfig",
    "Override",
    "PlaceConfig",
    "PlaceKind",
    "Profile",
    "ProjectConfig",
    "ReportConfig",
    "ReportKind",
    "Role",
    "Scope",
    "Secret",
    "ServerConfig",
    "SourceConfig",
    "TeamConfig",
    "Weekday",
    "example",
    "load",
]

_EXAMPLE = "config.example.toml"


def example() -> str:
    """The text of ``config.example.toml``: package data of a wheel, at the root of a checkout."""
    shipped = resources.files("pmo_sync") / _EXAMPLE
    found = shipped if shipped.is_file() else Path(__file__).parents[2] / _EXAMPLE
    return found.read_text(encoding="utf-8")
