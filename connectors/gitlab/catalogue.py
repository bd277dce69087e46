"""What is refreshed in full each run: projects, milestones, iterations, statuses. Through REST, on every tier."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from connectors.gitlab import milestones, statuses
from connectors.gitlab.references import Lists
from connectors.gitlab.scope import Scope
from connectors.gitlab.values import SHAPE_ERRORS, Json, shape, text
from pmo_sync.clients.gitlab import GitlabClient, UnavailableError, segment
from pmo_sync.config import SourceConfig
from pmo_sync.errors import DataError
from pmo_sync.model import Milestone, Problem, Project, Status

LABEL: Final = ("id", "name")  # what is kept of a row for the length of a run
MILESTONE: Final = (
    "id",
    "iid",
    "project_id",
    "group_id",
    "title",
    "state",
    "closed",
    "start_date",
    "due_date",
    "web_url",
)
PLANNER: Final = 15  # the lowest role that sees confidential issues of others


@dataclass(slots=True)
class Found:
    """What one reading brought so far."""

    projects: dict[str, Project] = field(default_factory=dict)
    statuses: dict[str, Status] = field(default_factory=dict)
    milestones: dict[str, Milestone] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    lists: dict[str, Lists] = field(default_factory=dict)  # project -> what it lists


class CatalogueReader:
    """Reads the configured projects and what belongs to them."""

    def __init__(self, options: SourceConfig, client: GitlabClient, workers: int) -> None:
        self._source = options.name
        self._options = options
        self._client = client
        self._workers = workers

    def read(self) -> Found:
        """The configured projects, their milestones (ancestor groups' too), iterations and statuses."""
        found = Found()
        for name, row in self._project_rows(found.problems):
            try:
                project = project_of(row, self._source)
            except DataError as error:
                found.problems.append(Problem(error.subject, error.what))
                continue
            if row.get("issues_access_level") == "disabled":
                off = found.notes if "*" in name else found.problems
                off.append(Problem(project.key, "issues are switched off in this project"))
                continue
            found.projects[project.project_id] = project
            if sees_no_confidential(row):
                what = "its confidential issues are hidden from this token's user, a guest here; planners see them"
                found.notes.append(Problem(project.key, what))
        found.statuses = {one.status_id: one for one in statuses.of_labels((), self._source, None)}
        with ThreadPoolExecutor(self._workers) as pool:
            for part in pool.map(self._of_project, found.projects.values()):
                found.milestones |= part.milestones
                found.statuses |= part.statuses
                found.lists |= part.lists
                found.problems += part.problems
        return found

    def _project_rows(self, problems: list[Problem]) -> Iterator[tuple[str, Json]]:
        """(configured name, project as GitLab has it); archived ones too, marked as such, shared ones not."""
        if not self._options.projects:
            for row in self._client.list("/projects", membership=True, order_by="id", sort="asc", pagination="keyset"):
                yield "*", row
        for name in self._options.projects:
            try:
                if name.endswith("/*"):
                    group = f"/groups/{segment(name.removesuffix('/*'))}/projects"
                    for row in self._client.list(
                        group, include_subgroups=True, with_shared=False, order_by="id", sort="asc"
                    ):
                        yield name, row
                else:
                    yield name, self._client.get(f"/projects/{segment(name)}")
            except UnavailableError as error:
                problems.append(Problem(name, str(error)))

    def _of_project(self, project: Project) -> Found:
        part = Found()
        try:
            lists = read_lists(self._client, Scope.of(project, self._source))
        except UnavailableError as error:
            part.problems.append(Problem(project.key, str(error)))
            return part
        part.lists[project.project_id] = lists
        named = statuses.of_labels(lists.labels, self._source, self._options.workflow_labels)
        part.statuses = {one.status_id: one for one in named}
        self._add(part, project, lists.milestones, milestones.milestone)
        self._add(part, project, lists.iterations, milestones.iteration)
        return part

    def _add(
        self, part: Found, project: Project, rows: Sequence[Json], parse: Callable[[Json, str], Milestone]
    ) -> None:
        for row in rows:
            try:
                one = parse(row, self._source)
            except DataError as error:
                part.problems.append(Problem(f"{project.key}: {error.subject}", error.what))
            else:
                part.milestones[one.milestone_id] = one


def read_lists(client: GitlabClient, scope: Scope) -> Lists:
    """Raises UnavailableError where the project or group itself is not readable.

    Where a tier has no iterations, GitLab says 404, or 403 where it has the code without a licence.
    """
    old = not client.is_at_least(16, 7)  # each ignores the other's word for it, and the newer refuses both at once
    around: Json = {"include_parent_milestones" if old else "include_ancestors": True}
    below: Json = {}
    if scope.is_group:  # whose epics are read with those of its subgroups
        around |= {} if old else {"include_descendants": True}
        below = {"include_descendant_groups": True}
    planned = [_kept(row, MILESTONE) for row in client.list(f"{scope.base}/milestones", **around)]
    labels = [_kept(row, LABEL) for row in client.list(f"{scope.base}/labels", **below)]
    try:
        iterations = list(client.list(f"{scope.base}/iterations", state="all", include_ancestors=True))
    except UnavailableError:
        iterations = []
    return Lists(labels, planned, iterations)


def _kept(row: Json, names: Sequence[str]) -> Json:
    return {name: row[name] for name in names if name in row}


def project_of(raw: Json, source: str) -> Project:
    """Raises DataError."""
    try:
        return Project(
            project_id=f"{source}:{int(raw['id'])}",
            source=source,
            key=text(raw["path_with_namespace"]),
            name=text(raw.get("name_with_namespace") or raw["name"]),
            url=text(raw.get("web_url")),
            is_archived=bool(raw.get("archived")),
        )
    except SHAPE_ERRORS as error:
        raise DataError(f"project {text(raw.get('id'))}", shape(error)) from None


def sees_no_confidential(raw: Json) -> bool:
    """Whether the token's user is known to be a guest: where no role is told, nothing is known."""
    roles = [one.get("access_level") for one in (raw.get("permissions") or {}).values() if one]
    return bool(roles) and all(isinstance(role, int) and role < PLANNER for role in roles)
