"""What GitLab's lists share: parameters, pages with their headers, and refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, urlencode

from pmo_sync.demo.servers.wire import Answer, Request

MAX_TOTAL: Final = 10_000  # rows that are counted
EXCLUSIVE: Final = (
    ("include_parent_milestones", "include_ancestors"),
    ("assignee_id", "assignee_username"),
    ("author_id", "author_username"),
    ("milestone", "milestone_id"),
)

T = TypeVar("T")


class Refused(Exception):  # noqa: N818 - an answer on its way out, not an error
    """A request that is not served, and the answer that says so."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def one_of_each(request: Request) -> None:
    """Refuses parameters that exclude each other."""
    for names in EXCLUSIVE:
        both = [name for name in names if name in request.query]
        if len(both) > 1:
            raise Refused(Answer(400, {"error": f"{', '.join(both)} are mutually exclusive"}))


def fields(request: Request) -> Mapping[str, Any]:
    """What was sent, as JSON or as a form."""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
    try:
        sent = request.json()
    except ValueError:
        raise Refused(Answer(400, {"error": "invalid JSON"})) from None
    return sent if isinstance(sent, dict) else {}


def whole(request: Request, name: str, default: int) -> int:
    """A page number or size: at least 1."""
    given = request.first(name)
    if not given:
        return default
    if not given.isdigit():
        raise Refused(Answer(400, {"error": f"{name} is invalid"}))
    if int(given) == 0:
        raise Refused(Answer(400, {"error": f"{name} has a value not allowed"}))
    return int(given)


def numbers(request: Request, name: str) -> set[int]:
    return {int(one) for one in [*request.query.get(f"{name}[]", ()), *request.query.get(name, ())] if one.isdigit()}


def _moment(request: Request, name: str) -> datetime | None:
    given = request.first(name)
    if not given:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise Refused(Answer(400, {"error": f"{name} is invalid"})) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def in_window(request: Request, field: str, moment: datetime) -> bool:
    """``updated_after`` and ``updated_before``, both inclusive."""
    after, before = _moment(request, f"{field}_after"), _moment(request, f"{field}_before")
    return (after is None or after <= moment) and (before is None or moment <= before)


def page_of(server_url: str, request: Request, rows: Sequence[T], show: Callable[[T], dict[str, Any]]) -> Answer:
    """One page of ``rows`` with GitLab's headers."""
    size = min(whole(request, "per_page", 20), 100)
    page = whole(request, "page", 1)
    count = len(rows)
    last = max(1, -(-count // size))
    links = {"first": 1}
    headers = {"x-page": str(page), "x-per-page": str(size), "x-next-page": "", "x-prev-page": ""}
    if page > 1:
        links["prev"] = page - 1
        headers["x-prev-page"] = str(page - 1)
    if page < last:
        links["next"] = page + 1
        headers["x-next-page"] = str(page + 1)
    if count <= MAX_TOTAL:
        links["last"] = last
        headers |= {"x-total": str(count), "x-total-pages": str(last)}
    query = {name: values for name, values in request.query.items() if name not in ("page", "per_page")}
    headers["Link"] = ", ".join(
        f'<{server_url}{request.path}?{urlencode({**query, "page": number, "per_page": size}, doseq=True)}>; rel="{rel}"'
        for rel, number in links.items()
    )
    return Answer(200, [show(row) for row in rows[(page - 1) * size : page * size]], headers)
