"""The places: kind -> module. One place to add one: a line here; each is imported when it is first wanted."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from pmo_sync.config import PlaceConfig, PlaceKind
    from pmo_sync.http.network import Network
    from reports.publish import Publisher, Writer

PUBLISHERS: Final[dict[PlaceKind, str]] = {
    "confluence": "reports.publishers.confluence",
    "folder": "reports.publishers.folder",
    "gitlab-note": "reports.publishers.gitlab_note",
    "gitlab-wiki": "reports.publishers.gitlab_wiki",
    "jira-comment": "reports.publishers.jira_comment",
}


def load(kinds: Iterable[PlaceKind]) -> None:
    """Import the modules of these kinds: before threads open places, for imports in threads may wait for each other."""
    for kind in kinds:
        import_module(PUBLISHERS[kind])


def open_place(place: PlaceConfig, network: Network) -> tuple[Publisher, Writer]:
    """The publisher of a place, and the writer of its format. Makes no request.

    Comments take documents made by ``reports.notice``. Each module offers ``open_place(place, network)``.
    Raises ConfigError, also for a secret that is missing.
    """
    return cast("tuple[Publisher, Writer]", import_module(PUBLISHERS[place.kind]).open_place(place, network))
