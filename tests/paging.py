"""Pages so small that everything has several."""

from __future__ import annotations

from typing import Final

import pytest

SIZES: Final = {
    "jira": {
        "connectors.jira.cloud.IDS_PER_PAGE": 4,
        "connectors.jira.cloud.CHANGES_PER_PAGE": 5,
        "connectors.jira.data_center.ROWS_PER_PAGE": 4,
        "connectors.jira.data_center.IDS_PER_PAGE": 4,
    },
    "gitlab": {
        "connectors.gitlab.rest.PAGE": 4,
        "connectors.gitlab.listing.FIRST": 4,
        "connectors.gitlab.listing.INNER": 3,
        "pmo_sync.clients.gitlab.PAGE": 4,
    },
}


def small_pages(monkeypatch: pytest.MonkeyPatch, dialect: str) -> None:
    """For ``jira-…`` or ``gitlab-…``, until the test ends."""
    for name, size in SIZES[dialect.partition("-")[0]].items():
        monkeypatch.setattr(name, size)
