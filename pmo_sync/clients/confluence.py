"""Confluence over HTTP: pages, content properties, attachments, footer comments. Own thin client on our session.

``CloudClient``       REST v2, and of v1 only what v2 lacks: the current user and the upload of attachments. v1's
                      ``content`` calls answer 410 behind the gateway (sooperset/mcp-atlassian#1598): never used here
``DataCenterClient``  REST v1, the only one there is; it keeps cookies within a run and wants a ``Content-Type``
                      on every request (hunyadi/md2conf and kovetskiy/mark found both the hard way)

Both speak the same few words, so that nothing above asks which one it is. Ids are strings, bodies storage format.
Every call raises AccessError (401, 403), MissingError (404), ConflictError (409), TitleTakenError or TrackerError, with
one line that says what to do; writes raise UncertainWriteError when nobody knows whether they happened.

API descriptions: https://developer.atlassian.com/cloud/confluence/rest/v2/ and
https://developer.atlassian.com/server/confluence/rest/.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

import requests

from pmo_sync.config import ServerConfig
from pmo_sync.errors import AccessError, ConflictError, PmoSyncError, TrackerError
from pmo_sync.http.network import Network

Json = dict[str, Any]
ROWS: Final = 100  # per page of a list: what every list of both editions allows
IDS: Final = 50  # pages asked for in one request, bodies included


class MissingError(TrackerError):
    """404: it is not there, or not for this account."""


class TitleTakenError(PmoSyncError):
    """Titles are unique in a space, whatever their case and archived pages included."""


class Space(NamedTuple):
    """Where pages live."""

    id: str
    key: str
    home: str  # id of its home page


class Page(NamedTuple):
    """A page in its newest version."""

    id: str
    title: str
    status: str  # current, archived, trashed, draft
    subtype: str  # Cloud: "live" for a live document, which has no published version; otherwise empty or "page"
    version: int
    creator: str  # account of version 1
    editor: str  # account of the newest version
    body: str
    url: str


class Property(NamedTuple):
    """A content property of a page."""

    id: str
    version: int
    value: Any


class File(NamedTuple):
    """An attachment without its content."""

    id: str
    name: str
    comment: str
    size: int  # bytes


class ConfluenceClient(ABC):
    """One Confluence. No request is made before the first call."""

    needs_content_type: ClassVar = False  # on every request, also those without a body
    keeps_cookies: ClassVar = False

    def __init__(self, server: ServerConfig, network: Network) -> None:
        """Raises ConfigError where the token's reference leads nowhere."""
        self._session = network.session(server, keep_cookies=self.keeps_cookies)
        self._api = server.api_base
        self._site = server.url

    @property
    def counts(self) -> Counter[str]:
        """What was sent so far: ``requests``, ``retries``, ``writes``."""
        return self._session.adapter.counts

    @abstractmethod
    def me(self) -> str:
        """Our account, in the words of ``Page.editor``. Raises AccessError if the server takes us for anonymous."""

    @abstractmethod
    def space(self, key: str) -> Space:
        """The space with its home page. Raises MissingError."""

    @abstractmethod
    def may_write(self, space: Space, root: str) -> bool | None:
        """Whether our account may make pages below ``root``; None where the server does not tell."""

    @abstractmethod
    def page(self, page_id: str) -> Page | None:
        """One page; None if it is not there."""

    @abstractmethod
    def children(self, page_id: str) -> Iterator[Page]:
        """The current pages directly below, with their bodies."""

    @abstractmethod
    def titled(self, space: Space, title: str) -> Page | None:
        """The page of that title in a space; None if there is none."""

    @abstractmethod
    def create(self, space: Space, parent: str, title: str, body: str) -> Page:
        """A new page. Raises TitleTakenError. Watchers of the space are told, always (CONFSERVER-38804)."""

    @abstractmethod
    def update(self, page_id: str, version: int, title: str, body: str, *, quiet: bool) -> Page:
        """Replace title and body of exactly this version. Raises ConflictError if it is not the newest any more."""

    @abstractmethod
    def content_property(self, page_id: str, key: str) -> Property | None:
        """One property of a page; None if it is not set."""

    @abstractmethod
    def set_property(self, page_id: str, key: str, value: Any, old: Property | None) -> None:
        """Set or replace a property. Raises ConflictError if it is not ``old`` any more."""

    @abstractmethod
    def files(self, page_id: str) -> Iterator[File]:
        """The attachments of a page."""

    @abstractmethod
    def comments(self, page_id: str) -> Iterator[str]:
        """The bodies of the footer comments of a page, replies excepted."""

    @abstractmethod
    def add_comment(self, page_id: str, body: str) -> None:
        """A new footer comment."""

    def upload(self, page_id: str, old: File | None, name: str, media_type: str, content: bytes, comment: str) -> None:
        """Attach a file, or give ``old`` new content; nobody is told. The same calls work on both editions (v1)."""
        path = f"/rest/api/content/{page_id}/child/attachment{f'/{old.id}/data' if old else ''}"
        self._send(
            "POST",
            path,
            files={"file": (name, content, media_type)},
            data={"comment": comment, "minorEdit": "true"},
        )

    def _get(self, path: str, **params: Any) -> Json:
        return self._send("GET", path, params={name.replace("_", "-"): value for name, value in params.items()})

    def _rows(self, path: str, params: Mapping[str, Any]) -> Iterator[Json]:
        """Every row of a list. The next page's address is only asked for its query: hosts and paths in it differ
        behind gateways (Spenhouet/confluence-markdown-exporter#296).
        """
        query: Mapping[str, Any] = {"limit": ROWS, **params}
        while True:
            answer = self._send("GET", path, params=query)
            rows = answer.get("results")
            if not isinstance(rows, list):
                raise TrackerError(f"{self._api}{path}: a list was expected; is this Confluence?")
            yield from rows
            link = (answer.get("_links") or {}).get("next")
            following = dict(parse_qsl(urlsplit(link).query)) if link else {}
            if not following or following == query:
                return
            query = {**query, **following}

    def _send(self, method: str, path: str, **options: Any) -> Json:
        headers = {"X-Atlassian-Token": "no-check"} if method != "GET" else {}
        if self.needs_content_type and "files" not in options:
            headers["Content-Type"] = "application/json"
        response = self._session.request(
            method, f"{self._api}{path}", headers=headers, allow_redirects=method == "GET", **options
        )
        what = f"{method} {self._api}{path}"
        if response.status_code >= 300:
            raise _refusal(what, response)
        try:
            answer = response.json() if response.content else {}
        except ValueError:
            raise AccessError(
                f"{what}: a web page came instead of data: a log-in page (the token is not accepted), or not the "
                "address of Confluence's REST API; check url and token"
            ) from None
        if not isinstance(answer, dict):
            raise TrackerError(f"{what}: an object was expected; is this Confluence?")
        return answer


class CloudClient(ConfluenceClient):
    """Confluence Cloud: ``https://SITE.atlassian.net/wiki``, or the gateway's address that ends in ``/wiki``."""

    def __init__(self, server: ServerConfig, network: Network) -> None:
        super().__init__(server, network)
        self._api = _wiki(server.api_base)
        self._site = _wiki(server.url)

    def me(self) -> str:
        found = self._get("/rest/api/user/current")
        if not found.get("accountId"):
            raise AccessError(f"{self._site}: takes us for anonymous; check user and token of this place")
        return str(found["accountId"])

    def space(self, key: str) -> Space:
        for found in self._rows("/api/v2/spaces", {"keys": key}):
            if found.get("key") == key:
                return Space(_id(found), key, str(found.get("homepageId") or ""))
        raise MissingError(
            f"{self._site}: no space {key!r} for this account; correct space of this place, or ask for the permission to view it"
        )

    def may_write(self, space: Space, root: str) -> bool | None:  # noqa: ARG002 - pages are a matter of the space
        try:
            return _may(self._get(f"/api/v2/spaces/{space.id}/operations"), {"create"}, {"page"})
        except MissingError:
            return None

    def page(self, page_id: str) -> Page | None:
        try:
            return self._page(self._get(f"/api/v2/pages/{quote(page_id, safe='')}", body_format="storage"))
        except MissingError:
            return None

    def children(self, page_id: str) -> Iterator[Page]:
        """Two steps: v2 lists children without bodies, and gives bodies for a list of ids."""
        path = f"/api/v2/pages/{page_id}/children"
        ids = [_id(one) for one in self._rows(path, {}) if one.get("status", "current") == "current"]
        for start in range(0, len(ids), IDS):
            params = {"id": ",".join(ids[start : start + IDS]), "body-format": "storage", "status": "current"}
            yield from (self._page(one) for one in self._rows("/api/v2/pages", params))

    def titled(self, space: Space, title: str) -> Page | None:
        params = {"space-id": space.id, "title": title, "body-format": "storage"}
        return next((self._page(one) for one in self._rows("/api/v2/pages", params)), None)

    def create(self, space: Space, parent: str, title: str, body: str) -> Page:
        """Without ``subtype`` it is an ordinary page, never a live document."""
        content = {"spaceId": space.id, "status": "current", "title": title, "parentId": parent, "body": _storage(body)}
        return self._page(self._send("POST", "/api/v2/pages", json=content))

    def update(self, page_id: str, version: int, title: str, body: str, *, quiet: bool) -> Page:
        content = {
            "id": page_id,
            "status": "current",
            "title": title,
            "body": _storage(body),
            "version": {"number": version + 1, "message": "pmo-sync", "minorEdit": quiet},
        }
        return self._page(self._send("PUT", f"/api/v2/pages/{page_id}", json=content))

    def content_property(self, page_id: str, key: str) -> Property | None:
        for one in self._rows(f"/api/v2/pages/{page_id}/properties", {"key": key}):
            if one.get("key") == key:
                return Property(_id(one), int((one.get("version") or {}).get("number") or 1), one.get("value"))
        return None

    def set_property(self, page_id: str, key: str, value: Any, old: Property | None) -> None:
        path, content = f"/api/v2/pages/{page_id}/properties", {"key": key, "value": value}
        if old is None:
            self._send("POST", path, json=content)
        else:
            self._send("PUT", f"{path}/{old.id}", json={**content, "version": {"number": old.version + 1}})

    def files(self, page_id: str) -> Iterator[File]:
        for one in self._rows(f"/api/v2/pages/{page_id}/attachments", {}):
            yield File(
                _id(one), str(one.get("title") or ""), str(one.get("comment") or ""), int(one.get("fileSize") or 0)
            )

    def comments(self, page_id: str) -> Iterator[str]:
        for one in self._rows(f"/api/v2/pages/{page_id}/footer-comments", {"body-format": "storage"}):
            yield _body(one)

    def add_comment(self, page_id: str, body: str) -> None:
        self._send("POST", "/api/v2/footer-comments", json={"pageId": page_id, "body": _storage(body)})

    def _page(self, found: Json) -> Page:
        version = found.get("version") or {}
        return Page(
            id=_id(found),
            title=str(found.get("title") or ""),
            status=str(found.get("status") or "current"),
            subtype=str(found.get("subtype") or ""),
            version=int(version.get("number") or 0),
            creator=str(found.get("authorId") or ""),
            editor=str(version.get("authorId") or ""),
            body=_body(found),
            url=self._site
            + str((found.get("_links") or {}).get("webui") or f"/pages/viewpage.action?pageId={found.get('id')}"),
        )


class DataCenterClient(ConfluenceClient):
    """Confluence Data Center: ``https://HOST`` or ``https://HOST/confluence``."""

    needs_content_type = True
    keeps_cookies = True
    _EXPAND: Final = "body.storage,version,history"

    def me(self) -> str:
        found = self._get("/rest/api/user/current")
        if found.get("type") == "anonymous" or not _account(found):
            raise AccessError(f"{self._site}: takes us for anonymous; check the token of this place")
        return _account(found)

    def space(self, key: str) -> Space:
        try:
            found = self._get(f"/rest/api/space/{quote(key, safe='')}", expand="homepage")
        except MissingError:
            raise MissingError(
                f"{self._site}: no space {key!r} for this account; correct space of this place, or ask for the permission to view it"
            ) from None
        return Space(str(found.get("id") or ""), key, str((found.get("homepage") or {}).get("id") or ""))

    def may_write(self, space: Space, root: str) -> bool | None:  # noqa: ARG002 - it tells of pages only
        """Whoever may edit or add to the page above has the space's one right for both, "Add pages"."""
        try:
            found = self._get(f"/rest/api/content/{quote(root, safe='')}", expand="operations")
        except MissingError:
            return None
        return _may(found, {"create", "update"}, {"page", "attachment"})

    def page(self, page_id: str) -> Page | None:
        try:
            return self._page(self._get(f"/rest/api/content/{quote(page_id, safe='')}", expand=self._EXPAND))
        except MissingError:
            return None

    def children(self, page_id: str) -> Iterator[Page]:
        path = f"/rest/api/content/{page_id}/child/page"
        return (self._page(one) for one in self._rows(path, {"expand": self._EXPAND}))

    def titled(self, space: Space, title: str) -> Page | None:
        params = {"spaceKey": space.key, "title": title, "type": "page", "expand": self._EXPAND}
        return next((self._page(one) for one in self._rows("/rest/api/content", params)), None)

    def create(self, space: Space, parent: str, title: str, body: str) -> Page:
        content = {
            "type": "page",
            "title": title,
            "space": {"key": space.key},
            "ancestors": [{"id": parent}],
            "body": {"storage": _storage(body)},
        }
        return self._page(self._send("POST", "/rest/api/content", json=content))

    def update(self, page_id: str, version: int, title: str, body: str, *, quiet: bool) -> Page:
        content = {
            "id": page_id,
            "type": "page",
            "title": title,
            "body": {"storage": _storage(body)},
            "version": {"number": version + 1, "message": "pmo-sync", "minorEdit": quiet},
        }
        return self._page(self._send("PUT", f"/rest/api/content/{page_id}", json=content))

    def content_property(self, page_id: str, key: str) -> Property | None:
        try:
            found = self._get(f"/rest/api/content/{page_id}/property/{quote(key, safe='')}")
        except MissingError:
            return None
        return Property(
            str(found.get("id") or ""), int((found.get("version") or {}).get("number") or 1), found.get("value")
        )

    def set_property(self, page_id: str, key: str, value: Any, old: Property | None) -> None:
        path, content = f"/rest/api/content/{page_id}/property", {"key": key, "value": value}
        if old is None:
            self._send("POST", path, json=content)
        else:
            self._send("PUT", f"{path}/{quote(key, safe='')}", json={**content, "version": {"number": old.version + 1}})

    def files(self, page_id: str) -> Iterator[File]:
        for one in self._rows(f"/rest/api/content/{page_id}/child/attachment", {"expand": "metadata,extensions"}):
            details = {**(one.get("metadata") or {}), **(one.get("extensions") or {})}
            size = int(details.get("fileSize") or 0)
            yield File(_id(one), str(one.get("title") or ""), str(details.get("comment") or ""), size)

    def comments(self, page_id: str) -> Iterator[str]:
        params = {"location": "footer", "expand": "body.storage"}
        return (_body(one) for one in self._rows(f"/rest/api/content/{page_id}/child/comment", params))

    def add_comment(self, page_id: str, body: str) -> None:
        content = {
            "type": "comment",
            "container": {"id": page_id, "type": "page"},
            "body": {"storage": _storage(body)},
        }
        self._send("POST", "/rest/api/content", json=content)

    def _page(self, found: Json) -> Page:
        version = found.get("version") or {}
        links = found.get("_links") or {}
        return Page(
            id=_id(found),
            title=str(found.get("title") or ""),
            status=str(found.get("status") or "current"),
            subtype=str(found.get("subtype") or ""),
            version=int(version.get("number") or 0),
            creator=_account((found.get("history") or {}).get("createdBy") or {}),
            editor=_account(version.get("by") or {}),
            body=_body(found),
            url=self._site + str(links.get("webui") or f"/pages/viewpage.action?pageId={found.get('id')}"),
        )


def connect(server: ServerConfig, network: Network) -> ConfluenceClient:
    """The client for the server's flavour."""
    return CloudClient(server, network) if server.flavour == "cloud" else DataCenterClient(server, network)


def _may(found: Json, operations: Collection[str], targets: Collection[str]) -> bool | None:
    """Whether one of the operations is permitted; None where nothing was told."""
    told = found.get("operations")
    if not isinstance(told, list):
        return None
    return any(one.get("operation") in operations and one.get("targetType") in targets for one in told)


def _wiki(url: str) -> str:
    return url if url.endswith("/wiki") else f"{url}/wiki"


def _account(user: Mapping[str, Any]) -> str:
    return str(user.get("userKey") or user.get("username") or "")


def _id(found: Mapping[str, Any]) -> str:
    if not found.get("id"):
        raise TrackerError(f"Confluence answered something without an id ({sorted(found)[:5]}); is the url right?")
    return str(found["id"])


def _storage(body: str) -> Json:
    return {"representation": "storage", "value": body}


def _body(found: Json) -> str:
    return str(((found.get("body") or {}).get("storage") or {}).get("value") or "")


def _refusal(what: str, response: requests.Response) -> PmoSyncError:
    """What to do about a status that is not an answer."""
    status, said = response.status_code, _said(response)
    head = f"{what}: {status}"
    tail = f" ({said})" if said else ""
    if status < 400:
        return TrackerError(f"{head}: redirected; set url to the address the server uses now")
    if status == 401:
        return AccessError(
            f"{head}: the token is wrong or has expired; set a new one (Cloud wants user and token, Data Center the "
            "token alone; a scoped Cloud token needs api_base = https://api.atlassian.com/ex/confluence/CLOUD-ID/wiki)"
        )
    if status == 403:
        return AccessError(f"{head}: this account may not do that; give it the permission in this space{tail}")
    if status in (400, 409) and ("already exists" in said.lower() or "same title" in said.lower()):
        return TitleTakenError(f"{head}: {said}")
    if status == 404:
        return MissingError(f"{head}: not there, or not for this account{tail}")
    if status == 409:
        return ConflictError(f"{head}: somebody was faster{tail}")
    if status == 410:
        return TrackerError(f"{head}: Atlassian removed this call; check flavour of this place{tail}")
    if status == 413:
        return TrackerError(f"{head}: too large for this server{tail}")
    if status == 429:
        return TrackerError(f"{head}: over the server's rate limit; run again later or lower requests_per_second")
    if status >= 500:
        return TrackerError(f"{head}: the server has a fault; run again later, and tell its administrator{tail}")
    return TrackerError(f"{head}: refused{tail or '; is this the address of a Confluence?'}")


def _said(response: requests.Response) -> str:
    """Confluence's own words, cut short; nothing of a web page."""
    try:
        found = response.json()
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    errors: Sequence[Any] = found["errors"] if isinstance(found.get("errors"), list) else []
    words = [found.get("message"), *(one.get("title") or one.get("detail") for one in errors if isinstance(one, dict))]
    return " ".join("; ".join(str(word) for word in words if word).split())[:300]
