"""One note on a carrier issue in GitLab: written once, then edited in place.

Slot, digest and the text's fingerprint travel in an HTML comment at the end of the note; a small visible footer finds
the note again when somebody removed that. GitLab does not tell who edited a note (a maintainer may edit anybody's), so
the fingerprint decides: text that is not what its mark was made for was edited. There is no version lock: see
``reports.publish``. An edit of a note is quiet by itself.

A line that starts with ``/`` would be executed as a quick action; none leaves here, whatever the writer gave us.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol
from urllib.parse import quote

from pmo_sync.clients.gitlab import GitlabClient
from pmo_sync.config import PlaceConfig
from pmo_sync.errors import AccessError, ConfigError, PmoSyncError
from pmo_sync.http.network import Network
from reports.publish import Item, Remote, Traits, Writer
from reports.publishers import gitlab_scope
from reports.publishers.marker import footer, mark, read
from reports.publishers.moment import moment
from reports.writers import gitlab_markdown

LARGEST: Final = 1_000_000  # bytes; GitLab takes 1 MiB
_QUICK_ACTION: Final = re.compile(r"^([ \t>]*)/", re.MULTILINE)
Json = dict[str, Any]


class Notes(Protocol):
    """What is used of ``pmo_sync.clients.gitlab.GitlabClient``."""

    def me(self) -> Json: ...
    def token(self) -> Json | None: ...
    def get(self, path: str) -> Json: ...
    def notes(self, project: str, iid: int | str) -> Iterator[Json]: ...
    def note(self, project: str, iid: int | str, note_id: int | str) -> Json | None: ...
    def add_note(self, project: str, iid: int | str, body: str) -> Json: ...
    def edit_note(self, project: str, iid: int | str, note_id: int | str, body: str) -> Json: ...


def open_place(place: PlaceConfig, network: Network) -> tuple[GitlabNotePublisher, Writer]:
    """See ``reports.publishers.open_place``."""
    if place.server is None:
        raise ConfigError([f"place.{place.name}.url: missing"])
    client = GitlabClient(place.server, network)
    notes = GitlabNotePublisher(place.name, client, url=place.server.url, issues=place.issues)
    return notes, gitlab_markdown.write


class GitlabNotePublisher:
    """``issues`` maps slots to their carrier issues, ``group/project#17``. Raises ConfigError for anything else."""

    traits = Traits(version_lock=False, attachments=False, quiet_update=True, tree=False)
    title_prefix = ""

    def __init__(self, name: str, client: Notes, *, url: str, issues: Mapping[str, str]) -> None:
        self.name = name
        self.slots = frozenset(issues)
        self._client = client
        self._url = url
        self._issues = {}
        wrong = [issue for issue in issues.values() if not re.fullmatch(r"[^#\s]+#\d+", issue)]
        if wrong:
            raise ConfigError([f"place.{name}.issues: {one!r} must look like group/project#17" for one in wrong])
        for slot, issue in issues.items():
            project, _, number = issue.partition("#")
            self._issues[slot] = (project, int(number))
        self._account: int | None = None

    def check(self) -> str:
        """The account, the token's scope, and every carrier issue open for comments. All problems at once."""
        me = self._me()
        lacks = gitlab_scope.missing(self.name, self._client, me)
        problems = [lacks] if lacks else []
        for project, number in sorted(set(self._issues.values())):
            try:
                problems += self._closed(project, number)
            except PmoSyncError as error:
                problems.append(
                    f"{self.name}: the carrier issue {project}#{number} cannot be used ({error}); correct it in issues "
                    f"of [place.{self.name}], or give user {me} a role in {project}"
                )
        if problems:
            raise AccessError("\n".join(problems))
        return f"carrier issues: {len(self._issues)}; as user {me} notes can be added"

    def _closed(self, project: str, number: int) -> Iterator[str]:
        """What keeps everybody, or everybody who is not a member, from commenting on the issue."""
        path = f"/projects/{quote(project, safe='')}"
        about, issue = self._client.get(path), self._client.get(f"{path}/issues/{number}")
        access = about.get("permissions") or {}
        is_member = any((access.get(one) or {}).get("access_level") for one in ("project_access", "group_access"))
        if about.get("archived"):
            yield f"{self.name}: {project} is archived, nobody can comment there; name an issue of another project"
        elif issue.get("discussion_locked") and not is_member:
            yield (
                f"{self.name}: the discussion of {project}#{number} is locked and the token's user is no member; give "
                "it a role in the project, or unlock the discussion"
            )

    def refuse(self, item: Item) -> str:
        """Too large, or with attachments."""
        size = len(item.text.encode("utf-8", "replace"))
        if size > LARGEST:
            return f"the note would have {size:,} bytes, more than {LARGEST:,}; shorten the summary"
        return "notes in GitLab take no attachments here" if item.attachments else ""

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:  # noqa: ARG002 - notes have no titles
        """By the remembered id, else among our own notes on the carrier issue: by mark, then by footer."""
        project, number = self._issues[slot]
        if hint is not None:
            found = self._client.note(project, number, hint)
            return None if found is None else self._remote(slot, found)
        mine = [one for one in self._client.notes(project, number) if (one.get("author") or {}).get("id") == self._me()]
        mine.sort(key=lambda one: int(one["id"]), reverse=True)
        for one in mine:
            if read(str(one.get("body") or "")).slot == slot:
                return self._remote(slot, one)
        return next((self._remote(slot, one) for one in mine if footer(slot) in str(one.get("body") or "")), None)

    def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        """Text, footer and mark in one call."""
        project, number = self._issues[item.slot]
        body = mark(f"{self.readable(item.text)}\n\n{footer(item.slot)}", item.slot, digest)
        if expected is None:
            made = self._client.add_note(project, number, body)
        else:
            made = self._client.edit_note(project, number, expected.id, body)
        return self._remote(item.slot, made)

    def confirm(self, slot: str, remote: Remote) -> None:
        """Nothing to record: the mark says everything."""

    def remark(self, slot: str, remote: Remote, text: str) -> None:
        """A note about a note would mail every participant; the run's report says it."""

    def readable(self, text: str) -> str:
        """As it is sent: half surrogate pairs replaced, no line that GitLab would take for a quick action."""
        return _QUICK_ACTION.sub(r"\1\\/", text.encode("utf-8", "replace").decode()).strip()

    def _me(self) -> int:
        if self._account is None:
            self._account = int(self._client.me()["id"])
        return self._account

    def _remote(self, slot: str, note: Json) -> Remote:
        marked = read(str(note.get("body") or ""))
        project, number = self._issues[slot]
        return Remote(
            id=str(note["id"]),
            version=moment(note.get("updated_at") or note.get("created_at")),
            url=f"{self._url}/{quote(project)}/-/issues/{number}#note_{note['id']}",
            title="",
            text=marked.text.replace(footer(slot), "").strip(),
            digest=marked.digest if marked.slot == slot else None,
            by_us=marked.is_intact and (note.get("author") or {}).get("id") == self._me(),
        )
