"""What Jira Cloud and Data Center answer alike: comments and their properties, remote links, boards, small lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from pmo_sync.demo.company import Item, TrackedProject, Worker
from pmo_sync.demo.servers.jira_site import TYPES, Change, Comment, RemoteLink, Site
from pmo_sync.demo.servers.jira_wire import JSON, Wire, board_id
from pmo_sync.demo.servers.wire import Answer, Request, Route, Server

Match = re.Match[str]
COMMENT_LIMIT: Final = 32_767
PROPERTY_LIMIT: Final = 32_768
PERMISSIONS: Final = ("BROWSE_PROJECTS", "ADD_COMMENTS", "EDIT_OWN_COMMENTS", "LINK_ISSUES", "EDIT_ISSUES")
ISSUE_GONE: Final = "Issue does not exist or you do not have permission to see it."


def refuse(status: int, *messages: str, **errors: str) -> Answer:
    """An error as Jira words it."""
    return Answer(status, {"errorMessages": list(messages), "errors": errors})


def number(request: Request, name: str, default: int, cap: int | None = None) -> int:
    """A numeric parameter, at most ``cap``."""
    text = request.first(name)
    value = int(text) if text.lstrip("-").isdigit() else default
    return value if cap is None else min(value, cap)


def page(request: Request, things: Sequence[Any], *, default: int, cap: int) -> tuple[int, int, Sequence[Any]]:
    """startAt, the maxResults in force, and the things between."""
    start = max(0, number(request, "startAt", 0))
    most = max(0, number(request, "maxResults", default, cap))
    return start, most, things[start : start + most]


def words(request: Request, name: str) -> list[str]:
    """A parameter that may be repeated and may hold commas."""
    return [word.strip() for text in request.query.get(name, ()) for word in text.split(",") if word.strip()]


class Jira(Server):
    """A Jira's server; its ``desk`` does what colleagues do."""

    def __init__(
        self, name: str, routes: Sequence[Route], authenticate: Callable[[Request], Answer | None], desk: Desk
    ) -> None:
        super().__init__(name, routes, authenticate)
        self.desk = desk


class Desk:
    """Handlers over one site. ``routes`` has them all."""

    def __init__(self, site: Site, wire: Wire, *, comment_cap: int, lists_properties: bool) -> None:
        self.site = site
        self.wire = wire
        self.comment_cap = comment_cap
        self.lists_properties = lists_properties
        self._greet()
        api, issue = "/rest/api/([23])", "/rest/api/([23])/issue/([^/]+)"
        board = "/rest/agile/1.0/board"
        self.routes: list[Route] = [
            ("GET", f"{issue}/comment", self.list_comments),
            ("POST", f"{issue}/comment", self.add_comment),
            ("GET", rf"{issue}/comment/(\d+)", self.get_comment),
            ("PUT", rf"{issue}/comment/(\d+)", self.edit_comment),
            ("GET", rf"{api}/comment/(\d+)/properties", self.list_properties),
            ("GET", rf"{api}/comment/(\d+)/properties/([^/]+)", self.get_property),
            ("PUT", rf"{api}/comment/(\d+)/properties/([^/]+)", self.put_property),
            ("GET", f"{issue}/remotelink", self.list_remote_links),
            ("POST", f"{issue}/remotelink", self.put_remote_link),
            ("GET", f"{api}/issuetype", lambda _, __: Answer(200, [self.wire.issue_type(name) for name in TYPES])),
            ("GET", f"{api}/status", lambda _, __: Answer(200, [self.wire.status(name) for name in site.statuses])),
            ("GET", f"{api}/project/([^/]+)/statuses", self.project_statuses),
            ("GET", f"{api}/project/([^/]+)/versions", self.versions),
            ("GET", board, self.boards),
            ("GET", rf"{board}/(\d+)/configuration", self.board_configuration),
            ("GET", rf"{board}/(\d+)/sprint", self.board_sprints),
        ]

    def _greet(self) -> None:
        """Colleagues have commented epics before we came."""
        for item in self.site.items:
            first = next((event.at for event in item.events), None)
            if item.initial["kind"] == "Epic" and first is not None and first <= self.site.now:
                author = list(self.site.workers.values())[item.number % 30]
                text = "Agreed in the steering committee: one page of status each Monday, please."
                self.site.comments[item.id] = [Comment(self.site.new_id(), author, text, first, first)]

    # -- comments

    def _with_issue(self, match: Match, answer: Callable[[Item], Answer]) -> Answer:
        item = self.site.item(match[2])
        return refuse(404, ISSUE_GONE) if item is None else answer(item)

    def list_comments(self, request: Request, match: Match) -> Answer:
        def found(item: Item) -> Answer:
            comments = sorted(self.site.comments.get(item.id, ()), key=lambda one: (one.created_at, one.id))
            if request.first("orderBy") == "-created":
                comments.reverse()
            start, most, part = page(request, comments, default=min(50, self.comment_cap), cap=self.comment_cap)
            shown = [self.wire.comment(item, one, as_document=match[1] == "3") for one in part]
            if self.lists_properties and "properties" in words(request, "expand"):
                for one, row in zip(part, shown, strict=True):
                    row["properties"] = [{"key": key, "value": value} for key, value in one.properties.items()]
            return Answer(200, {"startAt": start, "maxResults": most, "total": len(comments), "comments": shown})

        return self._with_issue(match, found)

    def add_comment(self, request: Request, match: Match) -> Answer:
        def found(item: Item) -> Answer:
            wrong = self._wrong_comment(request, match[1])
            if wrong is not None:
                return wrong
            made = Comment(self.site.new_id(), self.site.account, request.json()["body"], self.site.now, self.site.now)
            made.properties = {one["key"]: one["value"] for one in request.json().get("properties") or ()}
            self.site.comments.setdefault(item.id, []).append(made)
            self.site.touch(item)
            return Answer(201, self.wire.comment(item, made, as_document=match[1] == "3"))

        return self._with_issue(match, found)

    def _wrong_comment(self, request: Request, version: str) -> Answer | None:
        try:
            body = (request.json() or {}).get("body")
        except (ValueError, AttributeError):
            return refuse(400, "Unexpected character in the request body.")
        if not body:
            return refuse(400, comment="Comment body can not be empty!")
        if version == "3" and (not isinstance(body, dict) or body.get("type") != "doc"):
            return refuse(400, comment="Comment body is not valid!")
        if version == "2" and not isinstance(body, str):
            return refuse(400, "Operation value must be a string")
        if isinstance(body, str) and len(body) > COMMENT_LIMIT:
            return refuse(
                400, comment="The entered text is too long. It exceeds the allowed limit of 32,767 characters."
            )
        return None

    def _comment(self, item: Item, comment_id: str) -> Comment | None:
        return next((one for one in self.site.comments.get(item.id, ()) if str(one.id) == comment_id), None)

    def get_comment(self, _: Request, match: Match) -> Answer:
        def found(item: Item) -> Answer:
            comment = self._comment(item, match[3])
            if comment is None:
                return refuse(404, f"Can not find a comment for the id: {match[3]}.")
            return Answer(200, self.wire.comment(item, comment, as_document=match[1] == "3"))

        return self._with_issue(match, found)

    def edit_comment(self, request: Request, match: Match) -> Answer:
        def found(item: Item) -> Answer:
            comment = self._comment(item, match[3])
            if comment is None:
                return refuse(404, f"Can not find a comment for the id: {match[3]}.")
            if comment.author != self.site.account:
                return refuse(
                    400, comment=f"{self.site.account.name}, you do not have permission to edit this comment."
                )
            wrong = self._wrong_comment(request, match[1])
            if wrong is not None:
                return wrong
            self._change(comment, request.json()["body"], self.site.account)
            comment.properties |= {one["key"]: one["value"] for one in request.json().get("properties") or ()}
            self.site.touch(item)
            return Answer(200, self.wire.comment(item, comment, as_document=match[1] == "3"))

        return self._with_issue(match, found)

    def _change(self, comment: Comment, body: Any, editor: Worker) -> None:
        comment.body, comment.updated_at, comment.editor = body, self.site.now, editor

    def comment_as_human(self, key: str, body: str) -> Comment:
        """A colleague comments on the issue."""
        item = self.site.item(key)
        assert item is not None, key
        made = Comment(self.site.new_id(), self._human, body, self.site.now, self.site.now)
        self.site.comments.setdefault(item.id, []).append(made)
        return made

    def edit_as_human(self, comment: Comment, change: Callable[[str], str]) -> None:
        """A colleague who may edit all comments does; its author stays."""
        self._change(comment, change(comment.body), self._human)

    @property
    def _human(self) -> Worker:
        return next(iter(self.site.workers.values()))

    # -- properties of comments

    def _any_comment(self, match: Match) -> Comment | None:
        for item_id, comments in self.site.comments.items():
            for comment in comments:
                if str(comment.id) == match[2]:
                    return comment if self.site.item(str(item_id)) is not None else None
        return None

    def list_properties(self, _: Request, match: Match) -> Answer:
        comment = self._any_comment(match)
        if comment is None:
            return refuse(404, f"Can not find a comment for the id: {match[2]}.")
        base = self.wire.api(f"comment/{comment.id}/properties")
        return Answer(200, {"keys": [{"self": f"{base}/{key}", "key": key} for key in comment.properties]})

    def get_property(self, _: Request, match: Match) -> Answer:
        comment = self._any_comment(match)
        if comment is None:
            return refuse(404, f"Can not find a comment for the id: {match[2]}.")
        if match[3] not in comment.properties:
            return refuse(404, f"The property with key '{match[3]}' does not exist.")
        return Answer(200, {"key": match[3], "value": comment.properties[match[3]]})

    def put_property(self, request: Request, match: Match) -> Answer:
        comment = self._any_comment(match)
        if comment is None:
            return refuse(404, f"Can not find a comment for the id: {match[2]}.")
        if not request.body or len(request.body) > PROPERTY_LIMIT:
            return refuse(400, "The property value must be JSON of at most 32768 characters.")
        is_new = match[3] not in comment.properties
        comment.properties[match[3]] = request.json()
        return Answer(201 if is_new else 200, {})

    # -- remote links

    def list_remote_links(self, request: Request, match: Match) -> Answer:
        def found(item: Item) -> Answer:
            links = self.site.outside(item)
            wanted = request.first("globalId")
            if wanted:
                chosen = next((one for one in links if one.global_id == wanted), None)
                if chosen is None:
                    return refuse(404, f"The remote issue link with globalId '{wanted}' does not exist.")
                return Answer(200, self.wire.remote_link(item, chosen))
            return Answer(200, [self.wire.remote_link(item, one) for one in links])

        return self._with_issue(match, found)

    def put_remote_link(self, request: Request, match: Match) -> Answer:
        def found(item: Item) -> Answer:
            given = request.json() or {}
            thing = given.get("object") or {}
            if not thing.get("url") or not thing.get("title"):
                return refuse(400, title="'title' is required.", url="'url' is required.")
            body = {key: given[key] for key in ("application", "relationship", "object") if given.get(key) is not None}
            mine = self.site.remote_links.setdefault(item.id, [])
            old = next((one for one in mine if one.global_id and one.global_id == given.get("globalId")), None)
            if old is not None:
                old.body = body  # what is left out is gone
                return Answer(200, self._link_identity(item, old))
            link = RemoteLink(self.site.new_id(), self.site.now, given.get("globalId"), body)
            mine.append(link)
            text = (
                f'This issue links to "{thing["title"]} ({(given.get("application") or {}).get("name", "Web Link")})"'
            )
            self.site.touch(item, Change("remote_link", None, None, str(link.id), text))
            return Answer(201, self._link_identity(item, link))

        return self._with_issue(match, found)

    def _link_identity(self, item: Item, link: RemoteLink) -> JSON:
        return {"id": link.id, "self": self.wire.api(f"issue/{item.id}/remotelink/{link.id}")}

    # -- lists of a project

    def with_project(self, id_or_key: str, answer: Callable[[TrackedProject], Answer]) -> Answer:
        """``answer`` of the project, or 404."""
        project = self.site.project(id_or_key)
        if project is None:
            return refuse(404, f"No project could be found with key '{id_or_key}'.")
        return answer(project)

    def project_statuses(self, _: Request, match: Match) -> Answer:
        def found(project: TrackedProject) -> Answer:
            statuses = [self.wire.status(name) for name in project.statuses]
            types = [self.wire.issue_type(name) for name in TYPES]
            keep = ("self", "id", "name", "subtask")
            return Answer(200, [{key: one[key] for key in keep} | {"statuses": statuses} for one in types])

        return self.with_project(match[2], found)

    def versions_of(self, project: TrackedProject) -> list[JSON]:
        """The project's versions that are announced now."""
        return [
            self.wire.version(goal)
            for goal in self.site.goals.values()
            if goal.project == project.key and goal.kind == "version" and goal.created_at <= self.site.now
        ]

    def versions(self, _: Request, match: Match) -> Answer:
        return self.with_project(match[2], lambda project: Answer(200, self.versions_of(project)))

    # -- boards

    def _scrum(self, project: TrackedProject) -> bool:
        return any(goal.project == project.key and goal.kind == "sprint" for goal in self.site.goals.values())

    def _board(self, project: TrackedProject) -> JSON:
        number_of_board = board_id(project)
        made: JSON = {
            "id": number_of_board,
            "self": f"{self.wire.base}/rest/agile/1.0/board/{number_of_board}",
            "name": f"{project.key} board",
            "type": "scrum" if self._scrum(project) else "kanban",
        }
        if self.wire.flavour.is_cloud:
            made["location"] = {
                "projectId": project.id,
                "displayName": f"{project.name} ({project.key})",
                "projectName": project.name,
                "projectKey": project.key,
                "projectTypeKey": "software",
                "name": f"{project.name} ({project.key})",
            }
        return made

    def boards(self, request: Request, _: Match) -> Answer:
        wanted = request.first("projectKeyOrId")
        if wanted and self.site.project(wanted) is None:
            return refuse(400, f"No project could be found with key or id '{wanted}'.")
        projects = [] if self.site.is_anonymous else self.site.projects
        boards = [self._board(one) for one in projects if not wanted or one == self.site.project(wanted)]
        boards = [one for one in boards if request.first("type") in ("", one["type"])]
        start, most, part = page(request, boards, default=50, cap=50)
        is_last = start + len(part) >= len(boards)
        return Answer(
            200, {"maxResults": most, "startAt": start, "total": len(boards), "isLast": is_last, "values": part}
        )

    def _with_board(self, match: Match, answer: Callable[[TrackedProject], Answer]) -> Answer:
        project = next((one for one in self.site.projects if str(board_id(one)) == match[1]), None)
        if project is None or self.site.is_anonymous:
            return refuse(404, "The requested board cannot be viewed because it either does not exist or you do not have permission to view it.")  # fmt: skip
        return answer(project)

    def board_configuration(self, _: Request, match: Match) -> Answer:
        def found(project: TrackedProject) -> Answer:
            columns = [
                {"name": name, "statuses": [{"id": status["id"], "self": status["self"]}]}
                for name in project.statuses
                for status in [self.wire.status(name)]
            ]
            base = self.wire.project(project)
            location = {"type": "project"} | {key: base[key] for key in ("key", "id", "self", "name")}
            made = self._board(project) | {
                "location": location,
                "filter": {"id": str(board_id(project)), "self": self.wire.api(f"filter/{board_id(project)}")},
                "columnConfig": {"columns": columns, "constraintType": "none"},
                "ranking": {"rankCustomFieldId": 10019},
            }
            if project.estimates:
                field = {"fieldId": self.wire.flavour.points, "displayName": "Story Points"}
                made["estimation"] = {"type": "field", "field": field}
            return Answer(200, made)

        return self._with_board(match, found)

    def board_sprints(self, request: Request, match: Match) -> Answer:
        def found(project: TrackedProject) -> Answer:
            if not self._scrum(project):
                return refuse(400, "The board does not support sprints")
            states = words(request, "state")
            sprints = [
                self.wire.sprint(goal, board_id(project))
                for goal in self.site.goals.values()
                if goal.project == project.key and goal.kind == "sprint" and goal.created_at <= self.site.now
                and (not states or goal.value("state", self.site.now) in states)
            ]  # fmt: skip
            start, most, part = page(request, sprints, default=50, cap=50)
            is_last = start + len(part) >= len(sprints)
            return Answer(200, {"maxResults": most, "startAt": start, "isLast": is_last, "values": part})

        return self._with_board(match, found)
