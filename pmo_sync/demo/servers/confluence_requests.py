"""How Confluence's requests are read, whichever face they come to."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from pmo_sync.demo.servers.confluence import Refusal
from pmo_sync.demo.servers.multipart import form
from pmo_sync.demo.servers.wire import Request

Json = dict[str, Any]


class Upload(NamedTuple):
    """A file that was sent."""

    name: str
    data: bytes
    media_type: str
    comment: str


def sent_object(request: Request) -> Json:
    """The JSON object that was sent."""
    try:
        sent = request.json()
    except ValueError:
        raise Refusal(400, "Could not parse the request as JSON") from None
    if not isinstance(sent, dict):
        raise Refusal(400, "The request must be an object")
    return sent


def part(sent: Json, name: str) -> Json:
    """A member that should be an object; empty if it is not."""
    found = sent.get(name)
    return found if isinstance(found, dict) else {}


def storage_of(sent: Json) -> Any:
    """The body in the storage format, nested or, as v2 also takes it, flat. The store checks its value."""
    body = part(sent, "body")
    body = part(body, "storage") or body
    if body.get("representation") != "storage":
        raise Refusal(400, "This server takes the representation storage only")
    return body.get("value")


def remark(sent: Json) -> Json:
    """The version's message, and whether the edit is minor."""
    version = part(sent, "version")
    return {"message": str(version.get("message", "")), "minor": version.get("minorEdit") is True}


def whole(request: Request, name: str, default: int) -> int:
    """A whole number from the query."""
    given = request.first(name)
    if given and not given.isdigit():
        raise Refusal(400, f"{name} must be a number")
    return int(given) if given else default


def label_names(request: Request) -> list[Any]:
    """The names in one label object or a list of them."""
    sent = request.json()
    return [one.get("name") for one in (sent if isinstance(sent, list) else [sent]) if isinstance(one, dict)]


def upload(request: Request, tokens: Collection[str]) -> Upload:
    """A file sent as a multipart form; refused without one of ``tokens`` in X-Atlassian-Token."""
    if request.headers.get("x-atlassian-token") not in tokens:
        raise Refusal(403, "XSRF check failed")
    try:
        parts = form(request.headers.get("content-type", ""), request.body)
    except ValueError as error:
        raise Refusal(415, str(error)) from None
    if "file" not in parts:
        raise Refusal(400, "At least one file is required")
    name, data, media_type = parts["file"]
    return Upload(name, data, media_type, parts["comment"].data.decode() if "comment" in parts else "")
