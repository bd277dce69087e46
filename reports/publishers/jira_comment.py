"""One comment on a carrier issue in Jira, Cloud and Data Center: written once, then edited in place.

Slot and digest travel in the comment property ``pmo-sync`` and in a small visible footer, in the same call as the text.
The comment is found again by its footer, else by the property. Jira tells who edited a comment last, which decides
whether it is still ours; an edit with our own account's password that leaves the footer alone is not noticed. There is
no version lock: see ``reports.publish``. A comment deleted by hand is written anew only where nobody remembers its id.

An edit with ``notifyUsers=false`` is quiet on Cloud; a new comment always tells the issue's watchers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote

from pmo_sync.clients.jira import JiraClient
from pmo_sync.config import PlaceConfig
from pmo_sync.errors import AccessError, ConfigError, PmoSyncError
from pmo_sync.http.network import Network
from reports.publish import Item, Remote, Traits, Writer
from reports.publishers.moment import moment
from reports.writers import jira_markup

KEY: Final = "pmo-sync"
PERMISSIONS: Final = ("ADD_COMMENTS", "EDIT_OWN_COMMENTS")
_FOOTER: Final = re.compile(
    r"\s*\{color:#\w+\}pmo-sync (\S+) ([0-9a-f]{20})\{color\}|\s*pmo-sync (\S+) ([0-9a-f]{20})\b"
)
Json = dict[str, Any]


class Comments(Protocol):
    """What is used of ``pmo_sync.clients.jira.JiraClient``."""

    def myself(self) -> Json: ...
    def missing_permissions(self, issue: str, names: Sequence[str]) -> tuple[str, ...]: ...
    def comments(self, issue: str) -> Iterator[Json]: ...
    def comment(self, issue: str, comment_id: str) -> Json | None: ...
    def add_comment(self, issue: str, body: str, properties: Mapping[str, object]) -> Json: ...
    def edit_comment(
        self, issue: str, comment_id: str, body: str, properties: Mapping[str, object], *, notify: bool
    ) -> Json: ...
    def comment_property(self, comment_id: str, key: str) -> Json | None: ...


def open_place(place: PlaceConfig, network: Network) -> tuple[JiraCommentPublisher, Writer]:
    """See ``reports.publishers.open_place``."""
    if place.server is None:
        raise ConfigError([f"place.{place.name}.url: missing"])
    client = JiraClient(place.server, network)
    comments = JiraCommentPublisher(place.name, client, url=place.server.url, issues=place.issues)
    return comments, jira_markup.write


class JiraCommentPublisher:
    """``issues`` maps slots to the keys of their carrier issues."""

    traits = Traits(version_lock=False, attachments=False, quiet_update=True, tree=False)
    title_prefix = ""

    def __init__(self, name: str, client: Comments, *, url: str, issues: Mapping[str, str]) -> None:
        self.name = name
        self.slots = frozenset(issues)
        self._client = client
        self._url = url
        self._issues = dict(issues)
        self._account = ""

    def check(self) -> str:
        """The account, and on every carrier issue the right to comment. All problems at once."""
        me = self._me()
        problems = [problem for slot in self._issues for problem in self._problems(slot, me)]
        if problems:
            raise AccessError("\n".join(problems))
        return f"carrier issues: {len(self._issues)}; as {me} comments can be added and edited"

    def _problems(self, slot: str, me: str) -> Iterator[str]:
        issue = self._issues[slot]
        try:
            missing = self._client.missing_permissions(issue, PERMISSIONS)
        except PmoSyncError as error:
            yield (
                f'{self.name}: the carrier issue {issue} of "{slot}" cannot be used ({error}); correct it in issues of '
                f"[place.{self.name}], or give {me} the right to see it"
            )
            return
        if missing:
            yield (
                f'{self.name}: {me} may see {issue}, the carrier issue of "{slot}", but lacks {" and ".join(missing)} '
                "there; add the account to a role of the project's permission scheme that has it"
            )

    def refuse(self, item: Item) -> str:
        """Too long, or with attachments."""
        size, most = len(item.text), jira_markup.MOST
        if size > most:
            return f"the comment would have {size:,} characters, more than {most:,}; shorten the summary"
        return "comments in Jira take no attachments here" if item.attachments else ""

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:  # noqa: ARG002 - comments have no titles
        """By the remembered id, else among our own comments on the carrier issue, newest first."""
        issue = self._issues[slot]
        if hint is not None:
            found = self._client.comment(issue, hint)
            return None if found is None else self._remote(slot, issue, found)
        mine = [one for one in self._client.comments(issue) if _account(one.get("author")) == self._me()]
        mine.sort(key=lambda one: str(one.get("created", "")), reverse=True)
        for one in mine:
            if (footer := _footer(one)) is not None and footer[0] == slot:
                return self._remote(slot, issue, one)
        for one in mine:
            if (self._property(one) or {}).get("slot") == slot:
                return self._remote(slot, issue, one)
        return None

    def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        """Text, footer and property in one call."""
        issue = self._issues[item.slot]
        footer = f"{{color:#6b778c}}pmo-sync {quote(item.slot, safe='/')} {digest}{{color}}"
        body, properties = f"{item.text.strip()}\n\n{footer}", {KEY: {"slot": item.slot, "digest": digest}}
        if expected is None:
            made = self._client.add_comment(issue, body, properties)
        else:
            made = self._client.edit_comment(issue, expected.id, body, properties, notify=not item.quiet)
        return self._remote(item.slot, issue, made)

    def confirm(self, slot: str, remote: Remote) -> None:
        """Nothing to record: who edited last is in the comment."""

    def remark(self, slot: str, remote: Remote, text: str) -> None:
        """A comment about a comment would mail every watcher; the run's report says it."""

    def readable(self, text: str) -> str:
        """Data Center keeps what we send; Cloud converts it, so differences there show more than was changed."""
        return text.strip()

    def _me(self) -> str:
        if not self._account:
            self._account = _account(self._client.myself())
        return self._account

    def _property(self, comment: Json) -> Json | None:
        for one in comment.get("properties") or []:
            if one.get("key") == KEY:
                return one["value"] if isinstance(one.get("value"), dict) else None
        return None if "properties" in comment else self._client.comment_property(str(comment["id"]), KEY)

    def _remote(self, slot: str, issue: str, comment: Json) -> Remote:
        footer = _footer(comment)
        body = str(comment.get("body") or "")
        id_ = str(comment["id"])
        return Remote(
            id=id_,
            version=moment(comment.get("updated") or comment.get("created")),
            url=f"{self._url}/browse/{quote(issue)}?focusedCommentId={quote(id_)}",
            title="",
            text=self.readable(_FOOTER.sub("", body)),
            digest=footer[1] if footer is not None and footer[0] == slot else None,
            by_us=_account(comment.get("updateAuthor") or comment.get("author")) == self._me(),
        )


def _footer(comment: Json) -> tuple[str, str] | None:
    """Slot and digest of the last footer. Cloud's conversion may escape characters and move the colour."""
    found = None
    for found in _FOOTER.finditer(str(comment.get("body") or "")):  # noqa: B007 - the last one
        pass
    if found is None:
        return None
    return unquote((found[1] or found[3]).replace("\\", "")), found[2] or found[4]


def _account(user: Any) -> str:
    if not isinstance(user, dict):
        return ""
    return str(user.get("accountId") or user.get("key") or user.get("name") or "")
