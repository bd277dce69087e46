"""GitLab's REST API v4 through python-gitlab's transport, and its GraphQL as plain POST: raw dictionaries in and out.

The library brings addresses, encoding, paging and its error classes; sending, waiting and retrying are ours
(``pmo_sync.http.session``). What the library would do otherwise, and why it is switched off here:

* its own retries sleep without a limit and repeat writes: ``obey_rate_limit=False`` (transient retries are off);
* ``PRIVATE-TOKEN`` follows a redirect to another host: the token goes as ``Authorization: Bearer``, by our session;
* its ``verify`` argument hides the session's CA bundle: it is handed over as ``ssl_verify``;
* its lists turn for ever where a server repeats a link to the next page: pages are turned here;
* objects cost seven times a dictionary, and compare equal across projects;
* its GraphQL client brings a second HTTP stack past our limiter and guards, and gives up after 10 s.

Thread-safe: the library object is only read after construction and the session keeps no cookies, so that one
client serves all workers of a source.
"""

from __future__ import annotations

import builtins
import email.utils
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any, Final, Literal, cast
from urllib.parse import quote

import gitlab
import gitlab.v4.objects  # else the first Gitlab() imports it, in whichever thread that is
import requests
from gitlab.exceptions import GitlabAuthenticationError, GitlabError, GitlabParsingError, RedirectError

from pmo_sync.config import ServerConfig
from pmo_sync.errors import AccessError, OverloadedError, ShutOutError, TrackerError, UncertainWriteError
from pmo_sync.http.network import Network
from pmo_sync.http.session import TIMEOUT, USER_AGENT, without

Json = dict[str, Any]
PAGE: Final = 100  # GitLab's largest page
API: Final = "/api/v4"
GRAPHQL: Final = "/api/graphql"


class UnavailableError(AccessError):
    """403 or 404: this path is not there for this token, this tier or this version. ``status`` says which."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class GitlabClient:
    """One GitLab server. Paths are relative to ``/api/v4`` and already encoded (see ``segment``).

    Every method raises AccessError (403, 404, a redirect to another host; ShutOutError for 401) or TrackerError (everything else
    that is no answer); writes raise UncertainWriteError when nobody knows whether they happened.
    """

    def __init__(self, server: ServerConfig, network: Network) -> None:
        self._token = network.token(server)
        self._session = network.session(server, post_reads=(GRAPHQL,))
        self._where = server.url
        self._graphql = server.api_base.rstrip("/") + GRAPHQL
        self._is_closed = False
        self._version: str | None = None
        self._asking = threading.Lock()
        self._gitlab = gitlab.Gitlab(
            server.api_base,
            session=self._session,
            ssl_verify=server.ca_bundle or True,
            timeout=cast("float", TIMEOUT),  # handed to requests as it is: (connect, read)
            user_agent=USER_AGENT,
            keep_base_url=True,
            retry_transient_errors=False,
        )

    @property
    def counts(self) -> Counter[str]:
        """Requests, retries and writes sent so far."""
        return self._session.adapter.counts

    def get(self, path: str, **params: Any) -> Json:
        """One JSON object."""
        with self._explained("GET", path):
            answer = self._gitlab.http_get(path, query_parameters=_plain(params), obey_rate_limit=False)
            return self._object(answer, path)

    def list(self, path: str, **params: Any) -> Iterator[Json]:
        """Every row of a list, 100 per request; follows the server's ``next`` links on our own origin only.

        A page is asked for when its first row is wanted, not before.
        """
        params.setdefault("per_page", PAGE)
        url: str | None = path
        asked: set[str] = set()
        while url is not None:
            with self._explained("GET", path):
                answer = self._gitlab.http_get(
                    url, query_parameters=_plain({} if asked else params), raw=True, obey_rate_limit=False
                )
                rows = self._listed(cast("requests.Response", answer), path)
            asked.add(url)
            yield from rows
            url = self._following(cast("requests.Response", answer))
            if url in asked:
                raise TrackerError(f"{self._where}: GET {path}: the server repeats a page; run again later")

    def graphql(self, query: str, *, is_large: bool = False, **variables: Any) -> Json:
        """The answer to one query, never a mutation: ``data`` and ``errors`` side by side, neither judged here.

        GitLab answers 200 also where it refuses a part. A sign-in page raises TrackerError. A query that ``is_large``
        is sent once where the server fails on it or takes too long: OverloadedError, for less can be asked for.
        """
        sent = {"query": query, "variables": variables}
        with self._session.once() if is_large else nullcontext():  # GitLab aborts a query after 30 s
            return self._posted(self._graphql, GRAPHQL, "GET", json=sent)

    def me(self) -> Json:
        """The token's user."""
        return self.get("/user")

    def version(self) -> str:
        """``18.4.1-ee``, or ``unknown`` where this token may not ask."""
        with self._asking:
            if self._version is None:
                try:
                    self._version = str(self.get("/version").get("version") or "unknown")
                except UnavailableError:
                    self._version = "unknown"
            return self._version

    def is_at_least(self, major: int, minor: int) -> bool:
        """Whether the server is of that version or newer; one that does not tell counts as new."""
        told = re.match(r"(\d+)\.(\d+)", self.version())
        return told is None or (int(told[1]), int(told[2])) >= (major, minor)

    def server_now(self) -> datetime | None:
        """The server's clock by its ``Date`` header; None if it sends none."""
        with self._explained("GET", "/user"):
            answer = self._gitlab.http_get("/user", raw=True, obey_rate_limit=False)
        raw = cast("requests.Response", answer).headers.get("Date", "")
        try:
            return email.utils.parsedate_to_datetime(raw)
        except (TypeError, ValueError):
            return None

    def token(self) -> Json | None:
        """The token itself: ``scopes``, ``expires_at``. None where it cannot be asked (OAuth, old versions)."""
        try:
            return self.get("/personal_access_tokens/self")
        except (UnavailableError, RefusedError):
            return None

    def notes(self, project: str, iid: int | str) -> Iterator[Json]:
        """The comments of an issue, oldest first, without GitLab's own system notes."""
        rows = self.list(_notes(project, iid), order_by="created_at", sort="asc", activity_filter="only_comments")
        return (row for row in rows if not row.get("system"))

    def note(self, project: str, iid: int | str, note_id: int | str) -> Json | None:
        """One comment; None if it is gone."""
        try:
            return self.get(f"{_notes(project, iid)}/{int(note_id)}")
        except UnavailableError as error:
            if error.status == 404:
                return None
            raise

    def add_note(self, project: str, iid: int | str, body: str, *, internal: bool = False) -> Json:
        """A new comment; ``internal`` ones are seen by the project's members only.

        Lines that start with ``/`` are commands to GitLab: make them harmless before they come here.
        """
        path = _notes(project, iid)
        data: Json = {"body": body, "internal": True} if internal else {"body": body}
        made = self._written("POST", path, data)
        if "id" not in made:
            msg = f"{self._where}: POST {path}: nothing was stored; the text was taken for quick actions (/close ...)"
            raise TrackerError(msg)
        return made

    def edit_note(self, project: str, iid: int | str, note_id: int | str, body: str) -> Json:
        """Replace the text of one of our comments."""
        return self._written("PUT", f"{_notes(project, iid)}/{int(note_id)}", {"body": body})

    def wiki_pages(self, owner: str, *, full: bool = True) -> Iterator[Json]:
        """Every page of a wiki, if ``full`` with its text; ``owner`` is ``projects/ID`` or ``groups/ID``, already encoded."""
        return self.list(f"/{owner}/wikis", with_content=full or None, per_page=None)  # it has no pages

    def wiki_page(self, owner: str, slug: str) -> Json | None:
        """One page; None if there is none, where there is a wiki."""
        try:
            return self.get(f"/{owner}/wikis/{segment(slug)}")
        except UnavailableError as error:
            if error.status == 404:
                return None
            raise

    def add_wiki_page(self, owner: str, title: str, content: str) -> Json:
        """A new page in markdown; folders in ``title`` are made."""
        return self._written("POST", f"/{owner}/wikis", {"title": title, "content": content, "format": "markdown"})

    def edit_wiki_page(self, owner: str, slug: str, content: str) -> Json:
        """Replace the text of a page; its title stays, for a new one would give it another slug."""
        return self._written("PUT", f"/{owner}/wikis/{segment(slug)}", {"content": content})

    def add_wiki_file(self, owner: str, name: str, media_type: str, content: bytes) -> str:
        """Put a file into a wiki; returns its path there, to be linked to from any page."""
        path = f"/{owner}/wikis/attachments"
        # not through the library, whose forms have an empty field more
        made = self._posted(f"{self._gitlab.api_url}{path}", path, "POST", files={"file": (name, content, media_type)})
        found = (made.get("link") or {}).get("url") or made.get("file_path")
        if not found:
            raise TrackerError(f"{self._where}: POST {path} does not tell where the file is")
        return str(found)

    def close(self) -> None:
        """Free the connections; who asks for anything afterwards gets TrackerError. Safe from any thread, and twice."""
        self._is_closed = True
        self._session.stop()
        self._session.close()

    def _written(self, verb: Literal["POST", "PUT"], path: str, data: Json) -> Json:
        send = self._gitlab.http_post if verb == "POST" else self._gitlab.http_put
        with self._explained(verb, path):
            return self._object(send(path, post_data=data, obey_rate_limit=False), path)

    def _posted(self, url: str, path: str, effect: Literal["GET", "POST"], **sent: Any) -> Json:
        """The answer to a POST of our own; ``effect`` says whether it reads or writes."""
        self._ensure_open()
        try:
            answer = self._session.post(url, timeout=TIMEOUT, allow_redirects=False, **sent)
        except requests.RequestException as error:
            raise self._explain(error, "POST", path) from None
        if answer.is_redirect:
            raise self._explain(RedirectError(), "POST", path)
        if answer.status_code >= 400:
            kind = GitlabAuthenticationError if answer.status_code == 401 else GitlabError
            refused = kind(answer.reason or "", response_code=answer.status_code, response_body=answer.content)
            raise self._explain(refused, effect, path)
        try:
            made = answer.json()
        except ValueError:
            raise self._explain(GitlabParsingError(), effect, path) from None
        return self._object(made, path)

    def _ensure_open(self) -> None:
        if self._is_closed:
            raise TrackerError(f"{self._where}: closed; nothing more is asked")

    def _listed(self, answer: requests.Response, path: str) -> builtins.list[Json]:
        try:
            rows = answer.json()
        except (ValueError, RecursionError):
            raise GitlabParsingError from None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            msg = f"{self._where}: GET {path} did not answer a list of objects; is this a GitLab server?"
            raise TrackerError(msg)
        return rows

    def _following(self, answer: requests.Response) -> str | None:
        """Where the next page is. An instance that believes in another address is asked where we have found it."""
        link = answer.links.get("next", {}).get("url")
        _, is_ours, rest = (link or "").partition(API)
        return f"{self._gitlab.api_url}{rest}" if is_ours else link

    def _object(self, answer: Any, path: str) -> Json:
        if isinstance(answer, dict):
            return answer
        if isinstance(answer, requests.Response):
            raise GitlabParsingError
        msg = f"{self._where}: {path} did not answer an object; is this address a GitLab server?"
        raise TrackerError(msg)

    @contextmanager
    def _explained(self, verb: str, path: str) -> Iterator[None]:
        """No exception of the library or of requests passes; ours do."""
        self._ensure_open()
        try:
            yield
        except (GitlabError, requests.RequestException) as error:
            raise self._explain(error, verb, path) from None

    def _explain(self, error: Exception, verb: str, path: str) -> Exception:
        what = f"{self._where}: {verb} {path}"
        if isinstance(error, RedirectError):
            return TrackerError(f"{what} was redirected; set url to the address the server uses now (https?)")
        if isinstance(error, GitlabParsingError):
            page = "answered a web page, not data; is a sign-in page or proxy in front of the API, or the url wrong?"
            if verb == "GET":
                return WebPageError(f"{what} {page}")
            return UncertainWriteError(f"{what} {page} Whether it was written is unknown")
        if not isinstance(error, GitlabError):
            return TrackerError(f"{what} failed ({type(error).__name__}); is the url right?")
        status = error.response_code or 0
        if isinstance(error, GitlabAuthenticationError):
            return ShutOutError(
                f"{what}: the token is not accepted (401); it may have expired or been revoked, make a new one "
                "with the scope read_api (api to write)"
            )
        if status == 403 and b"insufficient_scope" in (error.response_body or b""):
            scope = "read_api" if verb == "GET" else "api"
            return UnavailableError(f"{what}: the token's scopes do not suffice (403); it needs {scope}", 403)
        if status == 403:
            return UnavailableError(
                f"{what}: refused (403); give the token's user a role in this project that may do this. "
                "If everything is refused, the server has blocked this address",
                403,
            )
        if status == 404:
            return UnavailableError(
                f"{what}: not found (404); it does not exist or the token's user cannot see it", 404
            )
        if status == 429:
            return TrackerError(f"{what}: still too many requests (429); lower requests_per_second or workers")
        if status in (413, 504) or (status == 503 and b"timed out" in (error.response_body or b"")):
            return OverloadedError(f"{what}: too much to ask for at once ({status}); try again later")
        if status >= 500:
            return TrackerError(f"{what}: the server fails ({status}); try again later")
        return RefusedError(f"{what}: refused ({status}): {without(self._token, str(error.error_message))}")


class RefusedError(TrackerError):
    """Any other 4xx, in the server's words."""


class WebPageError(TrackerError):
    """HTML where data should be: a sign-in page, a proxy."""


def segment(text: str | int) -> str:
    """One path segment: ``group/app`` -> ``group%2Fapp``."""
    return quote(str(text), safe="")


def _notes(project: str, iid: int | str) -> str:
    return f"/projects/{segment(project)}/issues/{int(iid)}/notes"


def _plain(params: Json) -> Json:
    """GitLab's spelling: true and false in lower case; None is left out."""
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in params.items()
        if value is not None
    }
