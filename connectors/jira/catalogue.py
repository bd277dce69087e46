"""What is refreshed in full each run, because Jira does not touch issues when it changes: projects, statuses,
versions, sprints. A release date that moves leaves ``updated`` of every issue as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from connectors.jira.normalize import Site
from connectors.jira.values import clean, day
from pmo_sync.clients.jira import JiraClient, NotVisibleError
from pmo_sync.errors import TrackerError
from pmo_sync.model import Catalogue, Category, Milestone, Problem, Project, Status

AGILE: Final = "agile/1.0"
CATEGORIES: Final[Mapping[str, Category]] = {"new": "todo", "indeterminate": "doing", "done": "done"}


class CatalogueReader:
    """Reads the catalogue of one Jira."""

    def __init__(self, client: JiraClient, site: Site) -> None:
        self._client = client
        self._site = site
        self._problems: list[Problem] = []

    def read(self, configured: Sequence[str], found: Sequence[Problem]) -> Catalogue:
        """``configured`` are project keys, none means every readable one; ``found`` are problems known before."""
        self._problems = list(found)
        projects = self._projects(configured)
        statuses: dict[str, Status] = {}
        milestones: dict[str, Milestone] = {}
        for raw in self._statuses(projects):
            one = self._status(raw)
            statuses[one.status_id] = one
        for project in projects:
            for version in self._kept(self._versions(project), f"a version of {project.key}"):
                milestones[version.milestone_id] = version
        for sprint in self._sprints(projects):
            known = milestones.get(sprint.milestone_id)
            if known is not None and known.project_id != sprint.project_id:
                sprint = sprint._replace(project_id=None)  # noqa: PLW2901 - on boards of several projects
            milestones[sprint.milestone_id] = sprint
        return Catalogue(
            projects=tuple(projects),
            statuses=tuple(statuses.values()),
            milestones=tuple(milestones.values()),
            problems=tuple(self._problems),
        )

    def _kept(self, made: Iterator[Any], what: str) -> Iterator[Any]:
        """The items; a malformed one becomes a problem and ends the list it stands in."""
        try:
            yield from made
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._problems.append(Problem(self._site.source, f"{what} cannot be understood ({type(error).__name__})"))

    def _projects(self, configured: Sequence[str]) -> list[Project]:
        if not configured:
            if self._client.flavour == "cloud":
                raws = list(self._paged("project/search", {"action": "browse"}, "api/3", size=100))
            else:
                raws = self._client.get("project")
            return list(self._kept((self._project(raw) for raw in raws), "a project"))
        projects: list[Project] = []
        for key in configured:
            try:
                raw = self._client.get(f"project/{quote(key, safe='')}")
            except NotVisibleError:
                self._problems.append(
                    Problem(key, "this project is not there, or not for this account; check its key and permission")
                )
                continue
            projects += self._kept((self._project(one) for one in [raw]), f"project {key}")
        return list(
            {project.project_id: project for project in projects}.values()
        )  # a renamed one answers to both keys

    def _project(self, raw: Mapping[str, Any]) -> Project:
        return Project(
            project_id=f"{self._site.source}:{raw['id']}",
            source=self._site.source,
            key=str(raw["key"]),
            name=clean(raw["name"]),
            url=f"{self._site.url}/browse/{raw['key']}",
            is_archived=bool(raw.get("archived")),
        )

    def _statuses(self, projects: Sequence[Project]) -> Iterator[Mapping[str, Any]]:
        """Data Center lists every status; Cloud's lists lack those of some projects' own, so each is asked."""
        if self._client.flavour != "cloud":
            yield from self._kept(iter(self._client.get("status")), "a status")
            return
        for project in projects:
            try:
                kinds = self._client.get(f"project/{quote(project.key, safe='')}/statuses", api="api/3")
            except NotVisibleError as error:
                self._problems.append(Problem(project.key, f"its statuses cannot be read: {error}"))
                continue
            for kind in kinds:
                yield from self._kept(iter(kind["statuses"]), f"a status of {project.key}")

    def _status(self, raw: Mapping[str, Any]) -> Status:
        category = (raw.get("statusCategory") or {}).get("key")
        return Status(
            status_id=f"{self._site.source}:{raw['id']}",
            source=self._site.source,
            name=clean(raw["name"]),
            category=CATEGORIES.get(str(category)),
        )

    def _versions(self, project: Project) -> Iterator[Milestone]:
        try:
            raws = self._client.get(f"project/{quote(project.key, safe='')}/versions")
        except NotVisibleError as error:
            self._problems.append(Problem(project.key, f"its versions cannot be read: {error}"))
            return
        for raw in raws:
            is_released = bool(raw.get("released"))
            due = day(raw.get("releaseDate"))
            yield Milestone(
                milestone_id=f"{self._site.source}:version:{raw['id']}",
                source=self._site.source,
                project_id=project.project_id,
                kind="version",
                name=clean(raw["name"]),
                state="closed" if is_released or raw.get("archived") else "open",
                start_on=day(raw.get("startDate")),
                due_on=due,
                closed_on=due if is_released else None,
                url=f"{self._site.url}/projects/{project.key}/versions/{raw['id']}",
            )

    def _sprints(self, projects: Sequence[Project]) -> Iterator[Milestone]:
        """Sprints of the boards of the projects. Boards without sprints, or hidden from us, are passed over."""
        for project in projects:
            try:
                boards = list(self._paged("board", {"projectKeyOrId": project.key}, AGILE, size=50))
            except (NotVisibleError, TrackerError) as error:
                self._problems.append(Problem(project.key, f"its sprints cannot be read: {error}"))
                if isinstance(error, NotVisibleError) and error.status == 404:
                    return  # this Jira has no boards at all
                continue
            for board in boards:
                if board.get("type") == "kanban":
                    continue
                try:
                    raws = list(self._paged(f"board/{board['id']}/sprint", {}, AGILE, size=50))
                except NotVisibleError as error:
                    self._problems.append(Problem(project.key, f"sprints of board {board['id']}: {error}"))
                    continue
                except TrackerError as error:
                    if "does not support sprints" not in str(error):
                        self._problems.append(Problem(project.key, f"sprints of board {board['id']}: {error}"))
                    continue
                made = (self._sprint(raw, project, board["id"]) for raw in raws)
                yield from self._kept(made, f"a sprint of board {board['id']}")

    def _sprint(self, raw: Mapping[str, Any], project: Project, board: Any) -> Milestone:
        state = str(raw["state"]).lower()
        return Milestone(
            milestone_id=f"{self._site.source}:sprint:{raw['id']}",
            source=self._site.source,
            project_id=project.project_id,
            kind="sprint",
            name=clean(raw["name"]),
            state="closed" if state == "closed" else "open",
            start_on=day(raw.get("startDate")),
            due_on=day(raw.get("endDate")),
            closed_on=day(raw.get("completeDate")) if state == "closed" else None,
            url=f"{self._site.url}/secure/RapidBoard.jspa?rapidView={board}",
        )

    def _paged(self, path: str, params: Mapping[str, Any], api: str, size: int) -> Iterator[Mapping[str, Any]]:
        """Lists with ``values`` and ``isLast``; stepping by what came."""
        start = 0
        while True:
            page = self._client.get(path, {**params, "startAt": start, "maxResults": size}, api)
            values = page.get("values") or [] if isinstance(page, dict) else []
            yield from values
            start += len(values)
            if not values or page.get("isLast") is True or start >= page.get("total", start + 1):
                return
