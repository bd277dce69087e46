"""What is refreshed in full each run, because Jira does not touch issues when it changes: projects, statuses,
versions, sprints. A release date that moves leaves ``updated`` of every issue as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote

from connectors.jira.boards import BoardReader
from connectors.jira.normalize import Site
from connectors.jira.paging import paged
from connectors.jira.values import day
from connectors.malformed import MALFORMED
from pmo_sync.clients.jira import JiraClient, NotVisibleError, RefusedError
from pmo_sync.model import Catalogue, Category, Milestone, Problem, Project, Status
from pmo_sync.text import clean

T = TypeVar("T")
CATEGORIES: Final[Mapping[str, Category]] = {"new": "todo", "indeterminate": "doing", "done": "done"}
PROJECTS_PER_PAGE: Final = 100
SHOWN: Final = "live,archived"  # of project/search; without, it tells of the live ones only. Atlassian: experimental


@dataclass(slots=True)
class _Found:
    """What one project, or the site, brought."""

    statuses: list[Status] = field(default_factory=list)
    versions: list[Milestone] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class CatalogueReader:
    """Reads the catalogue of one Jira."""

    def __init__(self, client: JiraClient, site: Site, workers: int) -> None:
        self._client = client
        self._site = site
        self._workers = workers

    @property
    def _is_cloud(self) -> bool:
        return self._client.flavour == "cloud"

    def read(self, configured: Sequence[str], known: Sequence[Problem]) -> Catalogue:
        """``configured`` are project keys, none means every readable one; ``known`` are problems found before."""
        problems, notes = list(known), list[Problem]()
        projects = self._projects(configured, problems, notes)
        with ThreadPoolExecutor(self._workers) as pool:
            every = [] if self._is_cloud else [pool.submit(self._every_status)]
            on_boards = pool.submit(BoardReader(self._client, self._site, self._workers).read, projects)
            parts = [*pool.map(self._of_project, projects)]
        parts = [*(one.result() for one in every), *parts]
        boards = on_boards.result()
        versions = {one.milestone_id: one for part in parts for one in part.versions}
        return Catalogue(
            projects=tuple(projects),
            statuses=tuple({one.status_id: one for part in parts for one in part.statuses}.values()),
            milestones=(*versions.values(), *boards.sprints.values()),
            problems=(*problems, *(one for part in parts for one in part.problems), *boards.problems),
            notes=(*notes, *boards.notes),
            fields=self._site.fields.choices,
            boards=len(boards.boards),
        )

    # -- projects

    def _projects(self, configured: Sequence[str], problems: list[Problem], notes: list[Problem]) -> list[Project]:
        if not configured:
            raws = self._searched(notes) if self._is_cloud else self._client.get("project", {"includeArchived": "true"})
            return self._kept(self._project, raws, "a project", problems)
        found: dict[str, Project] = {}  # a renamed one answers to both keys
        with ThreadPoolExecutor(self._workers) as pool:
            for key, raw in zip(configured, pool.map(self._named, configured), strict=True):
                if raw is None:
                    what = "this project is not there, or not for this account; check its key and permission"
                    problems.append(Problem(key, what))
                    continue
                made = self._kept(self._project, [raw], f"project {key}", problems)
                found |= {one.project_id: one for one in made}
        return list(found.values())

    def _searched(self, notes: list[Problem]) -> list[Mapping[str, Any]]:
        params = {"action": "browse", "status": SHOWN}
        try:
            return list(paged(self._client, "project/search", params, "api/3", PROJECTS_PER_PAGE))
        except RefusedError:
            del params["status"]
            notes.append(Problem(self._site.source, "this site does not tell which projects are archived"))
            return list(paged(self._client, "project/search", params, "api/3", PROJECTS_PER_PAGE))

    def _named(self, key: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._client.get(f"project/{quote(key, safe='')}")
        except NotVisibleError:
            return None
        return found

    def _project(self, raw: Mapping[str, Any]) -> Project:
        return Project(
            project_id=f"{self._site.source}:{raw['id']}",
            source=self._site.source,
            key=str(raw["key"]),
            name=clean(raw["name"]),
            url=f"{self._site.url}/browse/{raw['key']}",
            is_archived=bool(raw.get("archived")),
        )

    # -- what belongs to them

    def _of_project(self, project: Project) -> _Found:
        """Data Center lists every status at once; Cloud's lists lack those of some projects' own."""
        found, key = _Found(), quote(project.key, safe="")
        if self._is_cloud:
            try:
                kinds = self._client.get(f"project/{key}/statuses", api="api/3")
            except NotVisibleError as error:
                found.problems.append(Problem(project.key, f"its statuses cannot be read: {error}"))
            else:
                each = (one for kind in kinds for one in kind["statuses"])
                found.statuses = self._kept(self._status, each, f"a status of {project.key}", found.problems)
        try:
            raws = self._client.get(f"project/{key}/versions")
        except NotVisibleError as error:
            found.problems.append(Problem(project.key, f"its versions cannot be read: {error}"))
        else:
            found.versions = self._kept(
                lambda raw: self._version(raw, project), raws, f"a version of {project.key}", found.problems
            )
        return found

    def _every_status(self) -> _Found:
        found = _Found()
        found.statuses = self._kept(self._status, self._client.get("status"), "a status", found.problems)
        return found

    def _status(self, raw: Mapping[str, Any]) -> Status:
        category = (raw.get("statusCategory") or {}).get("key")
        return Status(
            status_id=f"{self._site.source}:{raw['id']}",
            source=self._site.source,
            name=clean(raw["name"]),
            category=CATEGORIES.get(str(category)),
        )

    def _version(self, raw: Mapping[str, Any], project: Project) -> Milestone:
        is_released = bool(raw.get("released"))
        due = day(raw.get("releaseDate"))
        return Milestone(
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

    def _kept(self, make: Callable[[Any], T], raws: Iterable[Any], what: str, problems: list[Problem]) -> list[T]:
        """The records; each that is malformed becomes a problem."""
        made: list[T] = []
        try:
            for raw in raws:
                try:
                    made.append(make(raw))
                except MALFORMED as error:
                    why = f"{what} cannot be understood ({type(error).__name__})"
                    problems.append(Problem(self._site.source, why))
        except MALFORMED:
            problems.append(Problem(self._site.source, f"{what} was expected, no list came"))
        return made
