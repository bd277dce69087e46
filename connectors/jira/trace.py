"""What became of issues that a project no longer lists: each is asked for by its id, which survives a move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from connectors.jira.assemble import Workers
from connectors.jira.sieve import Sieve
from connectors.jira.wire import TRACED
from pmo_sync.clients.jira import JiraClient, NotVisibleError
from pmo_sync.errors import TrackerError
from pmo_sync.model import Problem, Project, Trace

AT_ONCE: Final = 100  # traces that are known before the next are asked for


class Reader(Protocol):
    """What a kind of Jira tells about single issues. What it does not tell is left out."""

    def look_up(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any] | None]:
        """What trace asks of each; None where it is not there, or not for us."""
        ...

    def listed(self, ids: Sequence[str]) -> dict[str, bool]:
        """Whether search would list each."""
        ...


def ask_each(client: JiraClient, sieve: Sieve, workers: int, ids: Sequence[str]) -> dict[str, Mapping[str, Any] | None]:
    """What trace asks of each issue, one question each; None where the server says that it is not there, or not for us.

    What the server fails on is left out.
    """

    def ask(native: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = client.get(f"issue/{native}", {"fields": ",".join(TRACED)})
        except NotVisibleError:
            return None
        return found

    with Workers(workers) as pool:
        found = pool.each(lambda native: sieve.one(native, lambda: ask(native)), ids)
    return {native: one for native, one in zip(ids, found, strict=True) if not isinstance(one, Problem)}


def trace(client: JiraClient, reader: Reader, project: Project, issue_ids: Sequence[str]) -> Iterator[Trace]:
    """One trace for each of which the server tells, in order. What is archived is in no list, wherever it is now.

    Of the others nothing is concluded: they stay, and are asked for again. Raises TrackerError.
    """
    prefix = f"{project.source}:"
    shut: dict[str, bool] = {}  # project -> whether it is archived
    for start in range(0, len(issue_ids), AT_ONCE):
        natives = [one.removeprefix(prefix) for one in issue_ids[start : start + AT_ONCE]]
        told = reader.look_up(natives)
        found = {native: one for native, one in told.items() if one is not None}
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
        listed = reader.listed([native for native in natives if native in found and native not in archived])
        for native in natives:
            issue_id = f"{prefix}{native}"
            if native in told and native not in found:
                yield Trace(issue_id, "gone")
            elif native in archived or listed.get(native) is False:
                yield Trace(issue_id, "archived")
            elif native in listed and f"{prefix}{homes[native]}" != project.project_id:
                yield Trace(issue_id, "moved", keys[native])
            elif native in listed:
                yield Trace(issue_id, "here")


ARCHIVED: Final = ("archiveddate", "archivedby")  # Data Center's; Cloud has no word for it


def _is_archived(client: JiraClient, project: str) -> bool:
    try:
        found = client.get(f"project/{project}")
    except NotVisibleError:  # its issues are shown, itself it is not
        return False
    return isinstance(found, dict) and bool(found.get("archived"))
