"""Confluence Cloud on loopback: REST v2 for pages, and the parts of v1 that v2 lacks; v1's page calls are gone."""

from __future__ import annotations

import base64
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

USER: Final = "pmo@example.invalid"
TOKEN: Final = "demo-confluence-cloud-token"
READER_USER: Final = "reader@example.invalid"
READER_TOKEN: Final = "demo-confluence-cloud-reader"
ACCOUNT: Final = BOT.id
NO_CHECK: Final = ("no-check", "nocheck")  # Cloud takes both spellings

Json = dict[str, Any]
T = TypeVar("T")
_LOGINS: Final = {f"{USER}:{TOKEN}": BOT, f"{READER_USER}:{READER_TOKEN}": READER}
_CODES: Final = {400: "INVALID_REQUEST_PARAMETER", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT", 413: "CONTENT_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE"}  # fmt: skip
_GONE: Final = "This deprecated endpoint has been removed. See the changelog: CHANGE-864"


class ConfluenceCloud(BehindTheScenes, Server):
    """The server. ``space`` is its page store."""

    def __init__(self, company: Company) -> None:
        self.space = Space(company)
        v2, v1 = "/wiki/api/v2", "/wiki/rest/api"
        page, content = rf"{v2}/pages/(\d+)", rf"{v1}/content/(\d+)"
        super().__init__(
            "confluence",
            [
                (method, path, self._guarded(handler))
                for method, path, handler in [
                    ("GET", f"{v2}/spaces", self._spaces),
                    ("GET", rf"{v2}/spaces/(\d+)", self._one_space),
                    ("GET", rf"{v2}/spaces/(\d+)/pages", self._pages),
                    ("GET", rf"{v2}/spaces/(\d+)/operations", self._operations),
                    ("GET", f"{v2}/pages", self._pages),
                    ("POST", f"{v2}/pages", self._create),
                    ("GET", page, self._read),
                    ("PUT", page, self._update),
                    ("GET", f"{page}/versions", self._versions),
                    ("GET", f"{page}/children", self._children),
                    ("GET", f"{page}/labels", self._labels),
                    ("GET", f"{page}/attachments", self._attachments),
                    ("GET", f"{page}/properties", self._properties),
                    ("POST", f"{page}/properties", self._add_property),
                    ("GET", rf"{page}/properties/(\d+)", self._property),
                    ("PUT", rf"{page}/properties/(\d+)", self._set_property),
                    ("DELETE", rf"{page}/properties/(\d+)", self._drop_property),
                    ("GET", f"{page}/footer-comments", self._comments),
                    ("POST", f"{v2}/footer-comments", self._comment),
                    ("GET", f"{v1}/user/current", self._user),
                    ("POST", f"{content}/label", self._add_labels),
                    ("GET", f"{content}/child/attachment", self._files),
                    ("POST", f"{content}/child/attachment", self._attach),
                    ("PUT", f"{content}/child/attachment", self._upsert),
                    ("POST", rf"{content}/child/attachment/(\w+)/data", self._replace),
                    ("GET", r"/wiki/download/attachments/(\d+)/([^/]+)", self._download),
                    *((verb, f"{v1}/content", self._gone) for verb in ("GET", "POST")),
                    *((verb, content, self._gone) for verb in ("GET", "PUT", "DELETE")),
                    ("GET", f"{v1}/space", self._gone),
                    ("GET", rf"{v1}/space/[^/]+", self._gone),
                ]
            ],
            self._authorise,
        )

    # access and refusals

    def _authorise(self, request: Request) -> Answer | None:
        account = _login(request)
        if account is None:
            return _refused(401, "Unauthorized; scope does not match")
        if request.method not in ("GET", "HEAD") and not account.can_write:
            return _refused(403, f"{account.name} is not permitted to edit in space {SPACE_KEY}")
        return None

    @staticmethod
    def _guarded(handler: Callable[[Request, re.Match[str]], Answer]) -> Callable[[Request, re.Match[str]], Answer]:
        def handle(request: Request, match: re.Match[str]) -> Answer:
            try:
                return handler(request, match)
            except Refusal as refusal:
                if request.path.startswith("/wiki/rest/"):
                    return Answer(refusal.status, {"statusCode": refusal.status, "message": refusal.reason})
                return _refused(refusal.status, refusal.reason)

        return handle

    @staticmethod
    def _gone(_request: Request, _match: re.Match[str]) -> Answer:
        return Answer(410, {"statusCode": 410, "message": _GONE}, {"Deprecation": "true"})

    def _user(self, request: Request, _match: re.Match[str]) -> Answer:
        account = _who(request)
        made = {"type": "known", "accountId": account.id, "accountType": "atlassian", "email": ""}
        return Answer(200, made | {"publicName": account.name, "displayName": account.name})

    # spaces and pages

    def _page_of(self, request: Request, rows: Iterable[T], show: Callable[[T], Json]) -> Answer:
        """One page of a list; the cursor is opaque and the next address relative."""
        size = max(1, min(whole(request, "limit", 25), 250))
        start = int(base64.urlsafe_b64decode(request.first("cursor")).decode()) if request.first("cursor") else 0
        found = list(rows)
        links: Json = {"base": f"{self.url}/wiki"}
        headers = {}
        if start + size < len(found):
            cursor = base64.urlsafe_b64encode(str(start + size).encode()).decode()
            query = {name: values for name, values in request.query.items() if name != "cursor"}
            links["next"] = f"{request.path}?{urlencode({**query, 'limit': size, 'cursor': cursor}, doseq=True)}"
            headers["Link"] = f'<{links["next"]}>; rel="next", <{links["base"]}>; rel="base"'
        return Answer(200, {"results": [show(row) for row in found[start : start + size]], "_links": links}, headers)

    def _space(self) -> Json:
        return {
            "id": self.space.id,
            "key": SPACE_KEY,
            "name": SPACE_NAME,
            "type": "global",
            "status": "current",
            "authorId": READER.id,
            "createdAt": stamp(self.space.created_at),
            "homepageId": self.space.home,
            "description": None,
            "icon": None,
            "_links": {"webui": f"/spaces/{SPACE_KEY}"},
        }

    def _spaces(self, request: Request, _match: re.Match[str]) -> Answer:
        keys = request.first("keys")
        return self._page_of(
            request, [self._space()] if not keys or SPACE_KEY in keys.split(",") else [], lambda one: one
        )

    def _one_space(self, _request: Request, match: re.Match[str]) -> Answer:
        self._check_space(match.group(1))
        return Answer(200, self._space())

    def _operations(self, request: Request, match: re.Match[str]) -> Answer:
        self._check_space(match.group(1))
        made = [{"operation": "read", "targetType": "space"}]
        if _who(request).can_write:
            made += [{"operation": "create", "targetType": what} for what in ("page", "comment", "attachment")]
        return Answer(200, {"operations": made})

    def _check_space(self, space_id: Any) -> None:
        if str(space_id) != self.space.id:
            raise Refusal(404, f"No space found with id: {space_id}")

    def _pages(self, request: Request, match: re.Match[str]) -> Answer:
        if match.groups():
            self._check_space(match.group(1))
        elif request.first("space-id") and self.space.id not in request.first("space-id").split(","):
            return self._page_of(request, [], lambda one: one)
        statuses = request.first("status", "current,archived").split(",")
        wanted = request.first("id").split(",") if request.first("id") else None
        title = request.first("title") if "title" in request.query else None
        found = self.space.all(*statuses) if title is None else self.space.titled(title, *statuses)
        rows = [page for page in found if wanted is None or page.id in wanted]
        return self._page_of(request, rows, lambda page: self._shown(page, page.last, request.first("body-format")))

    def _shown(self, page: Page, version: Version, body_format: str) -> Json:
        if body_format not in ("", "storage"):
            raise Refusal(400, f"Unsupported body format here: {body_format}")
        body = {"storage": {"representation": "storage", "value": version.body}} if body_format else {}
        return {
            "id": page.id,
            "status": page.status,
            "title": version.title,
            "spaceId": self.space.id,
            "parentId": page.parent,
            "parentType": "page" if page.parent else None,
            "position": 0,
            "authorId": page.versions[0].author.id,
            "ownerId": page.versions[0].author.id,
            "lastOwnerId": None,
            "createdAt": stamp(page.versions[0].at),
            "version": _version(version),
            "body": body,
            "_links": {
                "webui": f"/spaces/{SPACE_KEY}/pages/{page.id}",
                "editui": f"/pages/resumedraft.action?draftId={page.id}",
                "tinyui": f"/x/{page.id}",
            },
        }

    def _single(self, page: Page, version: Version, body_format: str) -> Answer:
        shown = self._shown(page, version, body_format)
        shown["_links"]["base"] = f"{self.url}/wiki"
        return Answer(200, shown)

    def _create(self, request: Request, _match: re.Match[str]) -> Answer:
        sent = sent_object(request)
        self._check_space(sent.get("spaceId"))
        if sent.get("status", "current") != "current":
            raise Refusal(400, "This space takes published pages only")
        parent = sent.get("parentId")
        page = self.space.create(
            _who(request), sent.get("title", ""), storage_of(sent), str(parent) if parent else None, **remark(sent)
        )
        return self._single(page, page.last, "storage")

    def _read(self, request: Request, match: re.Match[str]) -> Answer:
        page = self.space.get(match.group(1))
        number = request.first("version")
        version = next((one for one in page.versions if not number or str(one.number) == number), None)
        if version is None:
            raise Refusal(404, f"No version {number} of page {page.id}")
        return self._single(page, page.last if not number else version, request.first("body-format"))

    def _update(self, request: Request, match: re.Match[str]) -> Answer:
        page, sent = self.space.get(match.group(1)), sent_object(request)
        for name in ("id", "status", "title", "body", "version"):
            if name not in sent:
                raise Refusal(400, f"{name} must be provided")
        if str(sent["id"]) != page.id or sent["status"] != "current":
            raise Refusal(400, "id must be that of the address and status must be current")
        parent = sent.get("parentId")
        self.space.update(
            _who(request),
            page,
            part(sent, "version").get("number"),
            sent["title"],
            storage_of(sent),
            str(parent) if parent else None,
            **remark(sent),
        )
        return self._single(page, page.last, "storage")

    def _versions(self, request: Request, match: re.Match[str]) -> Answer:
        page = self.space.get(match.group(1))
        return self._page_of(request, reversed(page.versions), _version)

    def _children(self, request: Request, match: re.Match[str]) -> Answer:
        found = self.space.children(self.space.get(match.group(1)).id)
        return self._page_of(request, found, self._child)

    def _child(self, page: Page) -> Json:
        made = {"id": page.id, "status": page.status, "title": page.last.title}
        return made | {"spaceId": self.space.id, "childPosition": 0}

    def _labels(self, request: Request, match: re.Match[str]) -> Answer:
        return self._page_of(request, self.space.get(match.group(1)).labels, _label)

    def _add_labels(self, request: Request, match: re.Match[str]) -> Answer:
        names = label_names(request)
        found = [_label(name) for name in self.space.label(self.space.get(match.group(1)), names)]
        return Answer(200, {"results": found, "start": 0, "limit": 200, "size": len(found)})

    # properties

    def _properties(self, request: Request, match: re.Match[str]) -> Answer:
        found = self.space.get(match.group(1)).properties.values()
        key = request.first("key")
        return self._page_of(request, [one for one in found if key in ("", one.key)], _property)

    def _property_of(self, match: re.Match[str]) -> Property:
        for found in self.space.get(match.group(1)).properties.values():
            if found.id == match.group(2):
                return found
        raise Refusal(404, f"No property found with id: {match.group(2)}")

    def _property(self, _request: Request, match: re.Match[str]) -> Answer:
        return Answer(200, _property(self._property_of(match)))

    def _add_property(self, request: Request, match: re.Match[str]) -> Answer:
        page, sent = self.space.get(match.group(1)), sent_object(request)
        return Answer(200, _property(self.space.add_property(_who(request), page, sent.get("key"), sent.get("value"))))

    def _set_property(self, request: Request, match: re.Match[str]) -> Answer:
        found, sent = self._property_of(match), sent_object(request)
        if sent.get("key") != found.key:
            raise Refusal(400, f"key must be {found.key}")
        number = part(sent, "version").get("number")
        return Answer(200, _property(self.space.set_property(_who(request), found, number, sent.get("value"))))

    def _drop_property(self, _request: Request, match: re.Match[str]) -> Answer:
        found = self._property_of(match)
        del self.space.get(match.group(1)).properties[found.key]
        return Answer(204)

    # comments

    def _comments(self, request: Request, match: re.Match[str]) -> Answer:
        page = self.space.get(match.group(1))
        body_format = request.first("body-format")
        return self._page_of(request, page.comments, lambda one: _comment(one, page, body_format))

    def _comment(self, request: Request, _match: re.Match[str]) -> Answer:
        sent = sent_object(request)
        page = self.space.get(str(sent.get("pageId")))
        made = self.space.comment(_who(request), page, storage_of(sent))
        shown = _comment(made, page, "storage")
        shown["_links"]["base"] = f"{self.url}/wiki"
        return Answer(201, shown)

    # attachments

    def _attachments(self, request: Request, match: re.Match[str]) -> Answer:
        page = self.space.get(match.group(1))
        name = request.first("filename")
        return self._page_of(request, [one for one in page.attachments.values() if name in ("", one.name)], _attachment)

    def _files(self, request: Request, match: re.Match[str]) -> Answer:
        page = self.space.get(match.group(1))
        found = [one for one in page.attachments.values() if request.first("filename") in ("", one.name)]
        start, limit = whole(request, "start", 0), whole(request, "limit", 25)
        shown = [self._file(one) for one in found[start : start + limit]]
        return Answer(200, {"results": shown, "start": start, "limit": limit, "size": len(shown), "_links": {}})

    def _file(self, one: Attachment) -> Json:
        return {
            "id": one.id,
            "type": "attachment",
            "status": "current",
            "title": one.name,
            "version": {"number": one.version, "when": stamp(one.at), "by": {"accountId": one.author.id}},
            "metadata": {"comment": one.comment, "mediaType": one.media_type},
            "extensions": {"mediaType": one.media_type, "fileSize": len(one.data), "comment": one.comment},
            "_links": {"download": _download_path(one)},
        }

    def _attach(self, request: Request, match: re.Match[str]) -> Answer:
        page = self.space.get(match.group(1))
        made = self.space.attach(_who(request), page, *upload(request, NO_CHECK))
        return Answer(200, {"results": [self._file(made)], "size": 1})

    def _upsert(self, request: Request, match: re.Match[str]) -> Answer:
        page = self.space.get(match.group(1))
        file = upload(request, NO_CHECK)
        there = page.attachments.get(file.name)
        made = (
            self.space.replace(_who(request), there, *file[1:])
            if there
            else self.space.attach(_who(request), page, *file)
        )
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
    """Basic with e-mail and token only: on the site's own address a Bearer token is never accepted."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        return _LOGINS.get(base64.b64decode(value, validate=True).decode()) if scheme == "Basic" else None
    except ValueError:
        return None


def _who(request: Request) -> Account:
    account = _login(request)
    assert account is not None
    return account


def _refused(status: int, reason: str) -> Answer:
    return Answer(status, {"errors": [{"status": status, "code": _CODES[status], "title": reason, "detail": None}]})


def _version(version: Version) -> Json:
    return {
        "number": version.number,
        "message": version.message,
        "minorEdit": version.is_minor,
        "authorId": version.author.id,
        "createdAt": stamp(version.at),
    }


def _label(name: str) -> Json:
    return {"id": str(stable_id(name)), "name": name, "prefix": "global"}


def _stamped(number: int, author: Account, at: Any) -> Json:
    return {"number": number, "message": "", "minorEdit": False, "authorId": author.id, "createdAt": stamp(at)}


def _property(one: Property) -> Json:
    return {"id": one.id, "key": one.key, "value": one.value, "version": _stamped(one.version, one.author, one.at)}


def _comment(one: Comment, page: Page, body_format: str) -> Json:
    return {
        "id": one.id,
        "status": "current",
        "title": f"Re: {page.last.title}",
        "pageId": page.id,
        "version": _stamped(1, one.author, one.at),
        "body": {"storage": {"representation": "storage", "value": one.body}} if body_format else {},
        "_links": {"webui": f"/spaces/{SPACE_KEY}/pages/{page.id}?focusedCommentId={one.id}"},
    }


def _download_path(one: Attachment) -> str:
    return f"/download/attachments/{one.page}/{quote(one.name)}?version={one.version}"


def _attachment(one: Attachment) -> Json:
    return {
        "id": one.id,
        "status": "current",
        "title": one.name,
        "createdAt": stamp(one.at),
        "pageId": one.page,
        "mediaType": one.media_type,
        "mediaTypeDescription": one.media_type,
        "comment": one.comment,
        "fileId": one.id,
        "fileSize": len(one.data),
        "webuiLink": f"/pages/viewpageattachments.action?pageId={one.page}",
        "downloadLink": _download_path(one),
        "version": _stamped(one.version, one.author, one.at),
        "_links": {"download": _download_path(one), "webui": f"/pages/viewpageattachments.action?pageId={one.page}"},
    }


def make(company: Company) -> ConfluenceCloud:
    """The server for a company; ``start`` it before use."""
    return ConfluenceCloud(company)
