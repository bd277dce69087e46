"""Jira over HTTP, Cloud and Data Center: the only importer of the ``jira`` package.

The package's client knows Jira's addresses and headers; its session is replaced by our polite one, because its own
repeats POSTs, fails on ``Retry-After`` dates, has no timeout and keeps cookies. Answers are raw JSON, never the
package's objects: building those costs 85 % of the time of a pull. The package is touched in ``__init__`` and
``_url`` only; ``tests/connectors/test_jira_client.py`` pins the signatures of 3.10.5 used there.

API facts: https://developer.atlassian.com/cloud/jira/platform/rest/v3/ and .../server/jira/platform/rest/.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple, cast
from urllib.parse import quote

import jira
import msgspec
import requests

from pmo_sync.config import Flavour, ServerConfig
from pmo_sync.errors import AccessError, ShutOutError, TrackerError
from pmo_sync.http.network import Network
from pmo_sync.http.session import TIMEOUT, USER_AGENT, without

POST_READS: Final = (
    "/search/jql",
    "/search/approximate-count",
    "/issue/bulkfetch",
    "/changelog/bulkfetch",
)
HEADERS: Final = {
    "User-Agent": USER_AGENT,
    "Accept-Language": "en",  # names of statuses and fields come in one language, whatever the account's own
    "X-Force-Accept-Language": "true",
}
NOT_LET_IN: Final = ("AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED")
READING: Final = ("/search", "/search/jql", "/issue/bulkfetch", "/changelog/bulkfetch")  # what every project needs
COMMENTS_PER_PAGE: Final = 100
Decoder = msgspec.json.Decoder[Any]
PLAIN: Final[Decoder] = msgspec.json.Decoder(Any)


class NotVisibleError(AccessError):
    """403 or 404, or 401 for a token without the scope: it does not exist, or not for this account."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class RefusedError(TrackerError):
    """Any other 4xx, in the server's words: what was asked is not to its liking, as a second try would be."""


class ServerInfo(NamedTuple):
    """What a Jira says of itself."""

    kind: str  # ``Cloud``; ``Server`` and ``Data Center`` are the same
    version: str
    now: datetime | None  # its clock, UTC: ``serverTime``, else the answer's Date header


class JiraClient:
    """One Jira. Safe for threads. No request is made before the first call.

    Every call raises AccessError (401; NotVisibleError for 403 and 404; ShutOutError where no project's issues may be
    read) or TrackerError (everything else), each with one line that names the address and what to do. Writes may raise
    UncertainWriteError: read again first.
    """

    def __init__(self, server: ServerConfig, network: Network) -> None:
        """Raises ConfigError where the token's reference leads nowhere."""
        self._jira = jira.JIRA(
            server=server.api_base,
            options={"rest_api_version": "2", "headers": dict(HEADERS)},
            get_server_info=False,
            validate=False,
            max_retries=0,
            timeout=TIMEOUT,
        )
        polite = network.session(server, post_reads=POST_READS)
        polite.headers.update(self._jira._session.headers)  # noqa: SLF001
        self._jira._session.close()  # noqa: SLF001
        self._jira._session = cast("Any", polite)  # noqa: SLF001 - one session, ours
        self._session = polite
        self._token = network.token(server)
        self._has_login = server.has_login
        self._flavour: Flavour | None = server.flavour
        self._told: ServerInfo | None = None

    @property
    def counts(self) -> Counter[str]:
        """What was sent so far: ``requests``, ``retries``, ``writes``."""
        return self._session.adapter.counts

    def close(self) -> None:
        """Free the connections; whatever is under way or begins ends with TrackerError. From any thread, and twice."""
        self._session.stop()
        self._session.close()

    def ensure_open(self) -> None:
        """Raises TrackerError after ``close``, for who hands on what was read before."""
        if self._session.adapter.stopped.is_set():
            raise TrackerError("stopped")

    @property
    def flavour(self) -> Flavour:
        """As configured; otherwise the server is asked once."""
        if self._flavour is None:
            kind = (self._told or self.server_info()).kind
            self._flavour = "cloud" if kind == "Cloud" else "data-center"
        return self._flavour

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        api: str = "api/2",
        *,
        decoder: Decoder = PLAIN,
        is_large: bool = False,
    ) -> Any:
        """GET ``/rest/{api}/{path}``; plain JSON without a ``decoder``.

        What ``is_large`` is sent once where the server fails on it or takes too long: OverloadedError, for less can be
        asked for. Make typed decoders at import: ``msgspec`` (0.22) crashes the process when two threads are the first
        to decode the same type.
        """
        with self._session.once() if is_large else nullcontext():
            response = self._read("GET", path, api, params=params)
        return self._decode(response, decoder)

    def post_read(
        self,
        path: str,
        body: Mapping[str, Any],
        api: str = "api/3",
        *,
        decoder: Decoder = PLAIN,
        is_large: bool = False,
    ) -> Any:
        """POST to one of the addresses that only read (``POST_READS``); repeated like a GET."""
        if not f"/{path}".endswith(POST_READS):
            raise ValueError(path)
        with self._session.once() if is_large else nullcontext():
            response = self._read("POST", path, api, body=body)
        return self._decode(response, decoder)

    def server_info(self) -> ServerInfo:
        """Asked anew each time, and remembered."""
        response = self._read("GET", "serverInfo", "api/2")
        told = self._object(self._decode(response, PLAIN), "serverInfo")
        kind, version = str(told.get("deploymentType", "")), str(told.get("version", ""))
        self._told = ServerInfo(kind, version, _clock(told, response))
        return self._told

    def server_time(self) -> datetime:
        """The server's clock, UTC, when it last told it: never later than it is now. Raises TrackerError without."""
        now = (self._told or self.server_info()).now
        if now is None:
            raise TrackerError(f"{self._url('serverInfo', 'api/2')}: the server does not tell its time; is this Jira?")
        return now

    def myself(self) -> dict[str, Any]:
        """The account behind the token. Raises AccessError if the server does not know us."""
        me = self._object(self.get("myself"), "myself")
        if not (me.get("accountId") or me.get("key") or me.get("name")):
            raise ShutOutError(f"{self._url('myself', 'api/2')}: no account behind this token; make a new one")
        return me

    def token_expires_on(self) -> date | None:
        """The last day (UTC) of the account's only personal access token; None where there are several, or none is shown.

        Data Center lists an account's tokens without saying which of them asks. Cloud tells nothing of its tokens.
        """
        try:
            tokens = self.get("tokens", api="pat/latest")
            (only,) = tokens
            ends = datetime.fromisoformat(str(only["expiringAt"]))
            return (ends if ends.tzinfo is None else ends.astimezone(UTC)).date()
        except (NotVisibleError, RefusedError, KeyError, TypeError, ValueError):
            return None

    def comments(self, issue: str) -> Iterator[dict[str, Any]]:
        """All comments of an issue, newest first where the server can sort, with their properties where it can."""
        start = 0
        while True:
            page = self.get(
                f"issue/{quote(issue, safe='')}/comment",
                {"startAt": start, "maxResults": COMMENTS_PER_PAGE, "orderBy": "-created", "expand": "properties"},
            )
            found = self._object(page, "comment").get("comments") or []
            yield from found
            start += len(found)
            if not found or start >= int(page.get("total", 0)):
                return

    def comment(self, issue: str, comment_id: str) -> dict[str, Any] | None:
        """One comment; None if it (or the issue) is not there any more."""
        try:
            found = self.get(
                f"issue/{quote(issue, safe='')}/comment/{quote(comment_id, safe='')}", {"expand": "properties"}
            )
        except NotVisibleError as error:
            if error.status == 404:
                return None
            raise
        return self._object(found, "comment")

    def add_comment(self, issue: str, body: str, properties: Mapping[str, object]) -> dict[str, Any]:
        """Write a comment (wiki markup) with its properties in one call. Jira tells the watchers, always."""
        response = self._send(
            "POST", f"issue/{quote(issue, safe='')}/comment", "api/2", body=_comment(body, properties)
        )
        return self._object(self._decode(response, PLAIN), "comment")

    def edit_comment(
        self, issue: str, comment_id: str, body: str, properties: Mapping[str, object], *, notify: bool
    ) -> dict[str, Any]:
        """Replace a comment's text and properties. ``notify`` False is for Cloud; Data Center does as it likes."""
        response = self._send(
            "PUT",
            f"issue/{quote(issue, safe='')}/comment/{quote(comment_id, safe='')}",
            "api/2",
            params={"notifyUsers": "false"} if not notify and self.flavour == "cloud" else {},
            body=_comment(body, properties),
        )
        return self._object(self._decode(response, PLAIN), "comment")

    def comment_property(self, comment_id: str, key: str) -> dict[str, Any] | None:
        """The value of one comment property; None if it is not set."""
        try:
            found = self.get(f"comment/{quote(comment_id, safe='')}/properties/{quote(key, safe='')}")
        except NotVisibleError as error:
            if error.status == 404:
                return None
            raise
        value = self._object(found, "property").get("value")
        return value if isinstance(value, dict) else None

    def missing_permissions(self, issue: str, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the permissions that we lack on an issue, by their keys. Raises NotVisibleError without the issue."""
        self.get(f"issue/{quote(issue, safe='')}", {"fields": "project"})
        named = {"permissions": ",".join(names)} if self.flavour == "cloud" else {}  # Data Center tells of all
        found = self._object(self.get("mypermissions", {"issueKey": issue} | named), "mypermissions")
        held = self._object(found.get("permissions"), "mypermissions")
        return tuple(name for name in names if not (held.get(name) or {}).get("havePermission"))

    def _url(self, path: str, api: str) -> str:
        return str(self._jira._get_url(path, base="{server}/rest/" + api + "/{path}"))  # noqa: SLF001

    def _read(
        self,
        method: str,
        path: str,
        api: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> requests.Response:
        """A read. Who is not known any more is answered as anybody, with less: asked once more, then refused.

        Data Center says so when a session was lost, both kinds when a token is not accepted but anybody may ask.
        """
        for _ in range(2):
            response = self._ask(method, path, api, params=params, body=body)
            is_nobody = response.headers.get("X-AUSERNAME") == "anonymous"
            is_nobody |= response.headers.get("X-Seraph-LoginReason") in NOT_LET_IN
            if not (self._has_login and is_nobody) or response.status_code in (401, 429) or response.status_code >= 500:
                return self._granted(method, response)
        raise ShutOutError(f"{response.url.partition('?')[0]}: the server takes us for anonymous; make a new token")

    def _send(
        self,
        method: str,
        path: str,
        api: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> requests.Response:
        return self._granted(method, self._ask(method, path, api, params=params, body=body))

    def _ask(
        self,
        method: str,
        path: str,
        api: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> requests.Response:
        data = None if body is None else msgspec.json.encode(body)
        return self._session.request(method, self._url(path, api), params=params, data=data)

    def _granted(self, method: str, response: requests.Response) -> requests.Response:
        """The response, if it is an answer. Raises what its status says."""
        if response.status_code >= 300:
            raise _refusal(f"{method} {response.url.partition('?')[0]}", response, self._token)
        return response

    def _decode(self, response: requests.Response, decoder: Decoder) -> Any:
        content = response.content
        try:
            return decoder.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        where = response.url.partition("?")[0]
        if content.lstrip()[:1] == b"<":
            raise AccessError(
                f"{where}: a web page came instead of data: a log-in page (the token is not accepted), or not the "
                "address of Jira's REST API; check url and token"
            )
        try:
            return decoder.decode(mended(content))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TrackerError(f"{where}: the answer cannot be understood ({error}); is this Jira?") from error

    @staticmethod
    def _object(found: Any, what: str) -> dict[str, Any]:
        if not isinstance(found, dict):
            raise TrackerError(f"{what}: an object was expected, {type(found).__name__} came; is this Jira?")
        return found


_LONE_SURROGATE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


def mended(content: bytes) -> bytes:
    """JSON whose texts are valid Unicode: half surrogate pairs and broken UTF-8 become U+FFFD."""
    return _LONE_SURROGATE.sub(rb"\\ufffd", content.decode("utf-8", "replace").encode())


def _clock(told: Mapping[str, Any], response: requests.Response) -> datetime | None:
    try:
        return datetime.fromisoformat(str(told["serverTime"])).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        pass
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _comment(body: str, properties: Mapping[str, object]) -> dict[str, Any]:
    return {"body": body, "properties": [{"key": key, "value": value} for key, value in properties.items()]}


def _refusal(what: str, response: requests.Response, token: str | None) -> AccessError | TrackerError:
    """What to do about a status that is not an answer."""
    status = response.status_code
    head = f"{what}: {status}"
    is_about_all = what.endswith(READING)
    if status == 401 and "scope does not match" in _said(response):
        lacking = (
            f"{head}: the token lacks a scope; make one with read:jira-work, and for boards and sprints "
            "read:board-scope:jira-software, read:sprint:jira-software and read:project:jira"
        )
        return ShutOutError(lacking) if is_about_all else NotVisibleError(lacking, status)
    if status == 401:  # some say it of a single issue, too
        return (ShutOutError if is_about_all else AccessError)(
            f"{head}: the token is wrong or has expired; set a new one (a scoped Cloud token also needs "
            "api_base = https://api.atlassian.com/ex/jira/CLOUD-ID)"
        )
    denied = response.headers.get("X-Authentication-Denied-Reason", "")
    reason = without(token, denied or _said(response))
    said = f" ({reason})" if reason else ""
    if status == 403 and denied:
        return ShutOutError(f"{head}: the server does not let this account in; log in once in a browser{said}")
    if status == 403 and is_about_all:
        return ShutOutError(f"{head}: this account may read no issues here; give it the permission{said}")
    if status == 403:
        return NotVisibleError(f"{head}: this account may not do that; give it the permission{said}", status)
    if status == 404:
        return NotVisibleError(f"{head}: not there, or not for this account; check name and permission{said}", status)
    if status == 410:
        return TrackerError(f'{head}: Atlassian removed this call; set flavour = "cloud" for this server{said}')
    if status == 429:
        wait = without(token, response.headers.get("Retry-After", ""))
        return TrackerError(
            f"{head}: over the server's rate limit{f', which asks for {wait} s' if wait else ''}; "
            "run again later or lower requests_per_second"
        )
    if status >= 500:
        return TrackerError(f"{head}: the server has a fault; run again later, and tell its administrator{said}")
    return RefusedError(f"{head}: refused{said or '; is this the address of a Jira?'}")


def _said(response: requests.Response) -> str:
    """Jira's own words, without what looks like an issue's key, which may be confidential; nothing of a web page."""
    try:
        body = PLAIN.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if not isinstance(body, dict):
        return ""
    words = [body.get("message"), body.get("errorMessage")]
    messages, errors = body.get("errorMessages"), body.get("errors")
    words += messages if isinstance(messages, list) else [messages]
    words += errors.values() if isinstance(errors, dict) else []
    return _KEY.sub("...", "; ".join(str(word) for word in words if word))


_KEY: Final = re.compile(r"\b[^\W\d_]\w*-\d+\b")
