"""What became of issues that a project no longer lists: each is asked for by its id, which survives a move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from pmo_sync.clients.jira import JiraClient, NotVisibleError
from pmo_sync.errors import TrackerError
from pmo_sync.model import Project, Trace

AT_ONCE: Final = 100  # traces that are known before the next are asked for


class Reader(Protocol):
    """What a kind of Jira tells about single issues."""

    def look_up(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Those that we may see."""
        ...

    def listed(self, ids: Sequence[str]) -> set[str]:
        """Those that search would list."""
        ...


def trace(client: JiraClient, reader: Reader, project: Project, issue_ids: Sequence[str]) -> Iterator[Trace]:
    """One trace each, in order. What is archived is in no list, wherever it is now. Raises TrackerError."""
    prefix = f"{project.source}:"
    shut: dict[str, bool] = {}  # project -> whether it is archived
    for start in range(0, len(issue_ids), AT_ONCE):
        natives = [one.removeprefix(prefix) for one in issue_ids[start : start + AT_ONCE]]
        found = reader.look_up(natives)
        try:
            homes = {native: str(one["fields"]["project"]["id"]) for native, one in found.items()}
            keys = {native: str(one["key"]) for native, one in found.items()}
            archived = {
                native for native, one in found.items() if any(one["fields"].get(name) for name in ARCHIVED)
            }  # fmt: skip
        except (KeyError, TypeError, AttributeError) as error:
            raise TrackerError(f"{project.key}: an issue without its project came; is this Jira?") from error
        for home in sorted({*homes.values()} - shut.keys()):
            shut[home] = _is_archived(client, home)
        archived |= {native for native, home in homes.items() if shut[home]}
        open_ones = [native for native in natives if native in found and native not in archived]
        archived |= {*open_ones} - reader.listed(open_ones)
        for native in natives:
            issue_id = f"{prefix}{native}"
            if native not in found:
                yield Trace(issue_id, "gone")
            elif native in archived:
                yield Trace(issue_id, "archived")
            elif f"{prefix}{homes[native]}" != project.project_id:
                yield Trace(issue_id, "moved", keys[native])
            else:
                yield Trace(issue_id, "here")


ARCHIVED: Final = ("archiveddate", "archivedby")  # Data Center's; Cloud has no word for it


def _is_archived(client: JiraClient, project: str) -> bool:
    try:
        found = client.get(f"project/{project}")
    except NotVisibleError:  # its issues are shown, itself it is not
        return False
    return isinstance(found, dict) and bool(found.get("archived"))
