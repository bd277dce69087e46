"""Confluence Data Center on loopback: REST v1 with expansion, personal access tokens and a session cookie."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar
from urllib.parse import quote, unquote, urlencode

from pmo_sync.demo.company import Company
from pmo_sync.demo.servers.confluence import (
    BOT,
    READER,
    SPACE_KEY,
    SPACE_NAME,
    Account,
    Attachment,
    BehindTheScenes,
    Comment,
    Page,
    Property,
    Refusal,
    Space,
    Version,
)
from pmo_sync.demo.servers.confluence_requests import label_names, part, remark, sent_object, storage_of, upload, whole
from pmo_sync.demo.servers.marks import stable_id, stamp
from pmo_sync.demo.servers.wire import Answer, Request, Server

TOKEN: Final = "demo-confluence-dc-token"
READER_TOKEN: Final = "demo-confluence-dc-reader"
LOGIN: Final = "pmo-publisher"
COOKIE: Final = "JSESSIONID=5E55101234; Path=/; HttpOnly"
NO_CHECK: Final = ("no-check",)  # without the hyphen only Cloud takes it

Json = dict[str, Any]
T = TypeVar("T")
_TOKENS: Final = {TOKEN: BOT, READER_TOKEN: READER}
_REASONS: Final = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    409: "Conflict", 413: "Request Entity Too Large", 415: "Unsupported Media Type",
}  # fmt: skip
EXPANDABLE: Final = ("space", "version", "history", "ancestors", "body", "metadata", "container", "children")


class ConfluenceDataCenter(BehindTheScenes, Server):
    """The server. ``space`` is its page store."""

    def __init__(self, company: Company) -> None:
        self.space = Space(company)
        api = "/rest/api"
        one = rf"{api}/content/(\d+)"
        super().__init__(
            "confluence-dc",
            [
                (method, path, self._guarded(handler))
                for method, path, handler in [
                    ("GET", f"{api}/user/current", self._user),
                    ("GET", f"{api}/space", self._spaces),
                    ("GET", rf"{api}/space/([^/]+)", self._one_space),
                    ("GET", f"{api}/content", self._find),
                    ("POST", f"{api}/content", self._create),
                    ("GET", one, self._read),
                    ("PUT", one, self._update),
                    ("GET", f"{one}/history", self._history),
                    ("GET", r"/rest/experimental/content/(\d+)/version", self._versions),
                    ("GET", f"{one}/child/page", self._children),
                    ("GET", f"{one}/child/comment", self._comments),
                    ("GET", f"{one}/child/attachment", self._attachments),
                    ("POST", f"{one}/child/attachment", self._attach),
                    ("PUT", f"{one}/child/attachment", self._not_allowed),
                    ("POST", rf"{one}/child/attachment/(\w+)/data", self._replace),
                    ("GET", r"/download/attachments/(\d+)/([^/]+)", self._download),
                    ("GET", f"{one}/label", self._labels),
                    ("POST", f"{one}/label", self._add_labels),
                    ("GET", f"{one}/property", self._properties),
                    ("POST", f"{one}/property", self._add_property),
                    ("GET", f"{one}/property/([^/]+)", self._property),
                    ("POST", f"{one}/property/([^/]+)", self._add_property),
                    ("PUT", f"{one}/property/([^/]+)", self._set_property),
                    ("DELETE", f"{one}/property/([^/]+)", self._drop_property),
                ]
            ],
            self._authorise,
        )

    def answer(self, request: Request) -> Answer:
        """As any server, and whoever is let in gets a session cookie."""
        answer = super().answer(request)
        if answer.status == 401 or "JSESSIONID" in request.headers.get("cookie", ""):
            return answer
        return answer._replace(headers={**answer.headers, "Set-Cookie": COOKIE})

    # access and refusals

    def _authorise(self, request: Request) -> Answer | None:
        account = _login(request)
        if account is None:
            return Answer(401, {"message": "Client must be authenticated to access this resource.", "status-code": 401})
        if request.method not in ("GET", "HEAD"):
            if not account.can_write:
                return _refused(403, f"User not permitted to edit in space {SPACE_KEY}")
            kind = request.headers.get("content-type", "")
            if request.body and not kind.startswith(("application/json", "multipart/form-data")):
                return _refused(415, f"Unsupported Media Type: {kind}")
        return None

    @staticmethod
    def _guarded(handler: Callable[[Request, re.Match[str]], Answer]) -> Callable[[Request, re.Match[str]], Answer]:
        def handle(request: Request, match: re.Match[str]) -> Answer:
            try:
                return handler(request, match)
            except Refusal as refusal:
                return _refused(refusal.status, refusal.reason)

        return handle

    @staticmethod
    def _not_allowed(_request: Request, _match: re.Match[str]) -> Answer:
        return _refused(405, "HTTP 405 Method Not Allowed")

    def _person(self, account: Account) -> Json:
        return {
            "type": "known",
            "username": LOGIN if account == BOT else account.name.lower().replace(" ", "."),
            "userKey": account.id,
            "displayName": account.name,
            "profilePicture": {
                "path": "/images/icons/profilepics/default.svg",
                "width": 48,
                "height": 48,
                "isDefault": True,
            },
            "_links": {"self": f"{self.url}/rest/api/user?key={account.id}"},
        }

    def _user(self, request: Request, _match: re.Match[str]) -> Answer:
        return Answer(200, self._person(_who(request)))

    def _list(self, request: Request, rows: Iterable[T], show: Callable[[T], Json]) -> Answer:
        """A list: 25 rows unless ``limit`` says otherwise, at most 200."""
        start, limit = whole(request, "start", 0), min(whole(request, "limit", 25), 200)
        found = list(rows)
        shown = [show(row) for row in found[start : start + limit]]
        links = {"base": self.url, "context": "", "self": f"{self.url}{request.path}"}
        if start + limit < len(found):
            query = {**request.query, "start": start + limit, "limit": limit}
            links["next"] = f"{request.path}?{urlencode(query, doseq=True)}"
        return Answer(200, {"results": shown, "start": start, "limit": limit, "size": len(shown), "_links": links})

    # spaces and pages

    def _space(self) -> Json:
        links = {"self": f"{self.url}/rest/api/space/{SPACE_KEY}", "webui": f"/display/{SPACE_KEY}"}
        made = {"id": int(self.space.id), "key": SPACE_KEY, "name": SPACE_NAME, "type": "global", "status": "current"}
        return made | {"_links": links, "_expandable": {"homepage": f"/rest/api/content/{self.space.home}"}}

    def _spaces(self, request: Request, _match: re.Match[str]) -> Answer:
        keys = request.query.get("spaceKey", [SPACE_KEY])
        return self._list(request, [self._space()] if SPACE_KEY in keys else [], lambda one: one)

    def _one_space(self, request: Request, match: re.Match[str]) -> Answer:
        if unquote(match.group(1)) != SPACE_KEY:
            raise Refusal(404, f"No space with key : {unquote(match.group(1))}")
        shown = self._space()
        if "homepage" in _expanded(request):
            shown["homepage"] = self._content(self.space.get(self.space.home), set())
        return Answer(200, shown)

    def _content(self, page: Page, expand: set[str], version: Version | None = None) -> Json:
        shown = version or page.last
        made: Json = {
            "id": page.id,
            "type": "page",
            "status": page.status if version in (None, page.last) else "historical",
            "title": shown.title,
            "position": -1,
            "extensions": {"position": "none"},
            "_links": {
                "self": f"{self.url}/rest/api/content/{page.id}",
                "base": self.url,
                "context": "",
                "webui": f"/pages/viewpage.action?pageId={page.id}",
                "edit": f"/pages/resumedraft.action?draftId={page.id}",
                "tinyui": f"/x/{page.id}",
            },
        }
        names = {name.partition(".")[0] for name in expand}
        if "space" in names:
            made["space"] = self._space()
        if "version" in names:
            made["version"] = self._version(shown)
        if "body.storage" in expand:
            made["body"] = {"storage": {"value": shown.body, "representation": "storage", "_expandable": {}}}
        if "history" in names:
            made["history"] = self._story(page, expand)
        if "ancestors" in names:
            made["ancestors"] = [self._content(one, set()) for one in self._above(page)]
        if "metadata.labels" in expand:
            made["metadata"] = {"labels": {"results": [_label(name) for name in page.labels]}}
        made["_expandable"] = {name: "" for name in EXPANDABLE if name not in made}
        return made

    def _above(self, page: Page) -> list[Page]:
        above: list[Page] = []
        parent = page.parent
        while parent is not None:
            above.insert(0, self.space.get(parent))
            parent = above[0].parent
        return above

    def _version(self, version: Version) -> Json:
        return {
            "by": self._person(version.author),
            "when": stamp(version.at),
            "message": version.message,
            "number": version.number,
            "minorEdit": False,  # what was sent as minor reads back as false
            "hidden": False,
        }

    def _story(self, page: Page, expand: set[str]) -> Json:
        first = page.versions[0]
        made: Json = {"latest": True, "createdBy": self._person(first.author), "createdDate": stamp(first.at)}
        if "history.lastUpdated" in expand or "lastUpdated" in expand:
            made["lastUpdated"] = self._version(page.last)
        return made

    def _find(self, request: Request, _match: re.Match[str]) -> Answer:
        statuses = (
            ("current", "archived") if request.first("status") == "any" else (request.first("status", "current"),)
        )
        title = request.first("title")
        rows = self.space.titled(title, *statuses) if title else list(self.space.all(*statuses))
        if request.first("spaceKey", SPACE_KEY) != SPACE_KEY or request.first("type", "page") != "page":
            rows = []
        return self._list(request, rows, lambda page: self._content(page, _expanded(request)))

    def _create(self, request: Request, _match: re.Match[str]) -> Answer:
        sent = sent_object(request)
        if sent.get("type") == "comment":
            return self._comment(request, sent)
        if sent.get("type") != "page" or part(sent, "space").get("key") != SPACE_KEY:
            raise Refusal(400, "A page of an existing space must be specified")
        page = self.space.create(_who(request), sent.get("title", ""), storage_of(sent), _parent(sent), **remark(sent))
        return Answer(200, self._content(page, {"space", "version", "body.storage", "history", "ancestors"}))

    def _read(self, request: Request, match: re.Match[str]) -> Answer:
        page, number = self.space.get(match.group(1)), request.first("version")
        version = next((one for one in page.versions if str(one.number) == number), None) if number else page.last
        if version is None:
            raise Refusal(404, f"No version {number} of content {page.id}")
        made = self._content(page, _expanded(request), version)
        if "operations" in _expanded(request):
            may = ("read", "update", "delete") if _who(request).can_write else ("read",)
            made["operations"] = [{"operation": one, "targetType": "page"} for one in may]
        return Answer(200, made)

    def _update(self, request: Request, match: re.Match[str]) -> Answer:
        page, sent = self.space.get(match.group(1)), sent_object(request)
        if sent.get("type") != "page":
            raise Refusal(400, "type must be page")
        body = storage_of(sent) if "body" in sent else None
        number = part(sent, "version").get("number")
        self.space.update(_who(request), page, number, sent.get("title", ""), body, _parent(sent), **remark(sent))
        return Answer(200, self._content(page, {"space", "version", "body.storage", "history", "ancestors"}))

    def _history(self, request: Request, match: re.Match[str]) -> Answer:
        return Answer(200, self._story(self.space.get(match.group(1)), _expanded(request)))

    def _versions(self, request: Request, match: re.Match[str]) -> Answer:
        return self._list(request, reversed(self.space.get(match.group(1)).versions), self._version)

    def _children(self, request: Request, match: re.Match[str]) -> Answer:
        found = self.space.children(self.space.get(match.group(1)).id)
        return self._list(request, found, lambda page: self._content(page, _expanded(request)))

    def _labels(self, request: Request, match: re.Match[str]) -> Answer:
        return self._list(request, self.space.get(match.group(1)).labels, _label)

    def _add_labels(self, request: Request, match: re.Match[str]) -> Answer:
        names = label_names(request)
        return self._list(request, self.space.label(self.space.get(match.group(1)), names), _label)

    # comments

    def _comment(self, request: Request, sent: Json) -> Answer:
        page = self.space.get(str(part(sent, "container").get("id")))
        made = self.space.comment(_who(request), page, storage_of(sent))
        return Answer(200, self._remark(made, page, {"body.storage", "version"}))

    def _remark(self, one: Comment, page: Page, expand: set[str]) -> Json:
        made: Json = {
            "id": one.id,
            "type": "comment",
            "status": "current",
            "title": f"Re: {page.last.title}",
            "extensions": {"location": "footer"},
            "_links": {"self": f"{self.url}/rest/api/content/{one.id}"},
        }
        if "version" in expand:
            made["version"] = self._version(Version(1, one.author, one.at, "", "", "", is_minor=False))
        if "body.storage" in expand:
            made["body"] = {"storage": {"value": one.body, "representation": "storage"}}
        return made

    def _comments(self, request: Request, match: re.Match[str]) -> Answer:
        page, expand = self.space.get(match.group(1)), _expanded(request)
        return self._list(request, page.comments, lambda one: self._remark(one, page, expand))

    # properties

    def _stamped(self, one: Property) -> Json:
        version = self._version(Version(one.version, one.author, one.at, "", "", "", is_minor=False))
        return {"id": one.id, "key": one.key, "value": one.value, "version": version}

    def _properties(self, request: Request, match: re.Match[str]) -> Answer:
        return self._list(request, self.space.get(match.group(1)).properties.values(), self._stamped)

    def _property_of(self, match: re.Match[str]) -> Property:
        found = self.space.get(match.group(1)).properties.get(unquote(match.group(2)))
        if found is None:
            raise Refusal(404, f"Cannot find content property with key {unquote(match.group(2))}")
        return found

    def _property(self, _request: Request, match: re.Match[str]) -> Answer:
        return Answer(200, self._stamped(self._property_of(match)))

    def _add_property(self, request: Request, match: re.Match[str]) -> Answer:
        page, sent = self.space.get(match.group(1)), sent_object(request)
        key = unquote(match.group(2)) if len(match.groups()) > 1 else sent.get("key")
        return Answer(200, self._stamped(self.space.add_property(_who(request), page, key, sent.get("value"))))

    def _set_property(self, request: Request, match: re.Match[str]) -> Answer:
        sent = sent_object(request)
        page, key = self.space.get(match.group(1)), unquote(match.group(2))
        number = part(sent, "version").get("number")
        if key not in page.properties and number == 1:  # a first version creates it
            return Answer(200, self._stamped(self.space.add_property(_who(request), page, key, sent.get("value"))))
        found = self._property_of(match)
        return Answer(200, self._stamped(self.space.set_property(_who(request), found, number, sent.get("value"))))

    def _drop_property(self, _request: Request, match: re.Match[str]) -> Answer:
        found = self._property_of(match)
        del self.space.get(match.group(1)).properties[found.key]
        return Answer(204)

    # attachments

    def _file(self, one: Attachment) -> Json:
        version = self._version(Version(one.version, one.author, one.at, "", "", "", is_minor=False))
        return {
            "id": one.id,
            "type": "attachment",
            "status": "current",
            "title": one.name,
            "version": version,
            "metadata": {"comment": one.comment, "mediaType": one.media_type},
            "extensions": {"mediaType": one.media_type, "fileSize": len(one.data), "comment": one.comment},
            "_links": {
                "self": f"{self.url}/rest/api/content/{one.id}",
                "download": f"/download/attachments/{one.page}/{quote(one.name)}?version={one.version}&api=v2",
            },
        }

    def _attachments(self, request: Request, match: re.Match[str]) -> Answer:
        found = self.space.get(match.group(1)).attachments.values()
        return self._list(request, [one for one in found if request.first("filename") in ("", one.name)], self._file)

    def _attach(self, request: Request, match: re.Match[str]) -> Answer:
        page = self.space.get(match.group(1))
        made = self.space.attach(_who(request), page, *upload(request, NO_CHECK))
        return Answer(200, {"results": [self._file(made)], "size": 1})

    def _replace(self, request: Request, match: re.Match[str]) -> Answer:
        found = self.space.attachment(self.space.get(match.group(1)), match.group(2))
        file = upload(request, NO_CHECK)
        return Answer(200, self._file(self.space.replace(_who(request), found, *file[1:])))

    def _download(self, _request: Request, match: re.Match[str]) -> Answer:
        found = self.space.get(match.group(1)).attachments.get(unquote(match.group(2)))
        if found is None:
            raise Refusal(404, "No such attachment")
        return Answer(200, found.data, {"Content-Type": found.media_type})


def _login(request: Request) -> Account | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return _TOKENS.get(value) if scheme == "Bearer" else None


def _who(request: Request) -> Account:
    account = _login(request)
    assert account is not None
    return account


def _refused(status: int, message: str) -> Answer:
    data = {"authorized": status != 403, "valid": status != 400, "errors": [], "successful": False}
    return Answer(status, {"statusCode": status, "data": data, "message": message, "reason": _REASONS[status]})


def _expanded(request: Request) -> set[str]:
    return {name.strip() for given in request.query.get("expand", ()) for name in given.split(",") if name.strip()}


def _parent(sent: Json) -> str | None:
    ancestors = sent.get("ancestors") or []
    return str(ancestors[-1]["id"]) if ancestors else None


def _label(name: str) -> Json:
    return {"prefix": "global", "name": name, "id": str(stable_id(name)), "label": name}


def make(company: Company) -> ConfluenceDataCenter:
    """The server for a company; ``start`` it before use."""
    return ConfluenceDataCenter(company)
