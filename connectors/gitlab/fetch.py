"""What to ask GitLab, in which order. Works on every tier and version that has REST API v4.

Issues are read by *time*, not by page: ``updated_after=W``, oldest change first, then W becomes the last row's
time. No row is lost or doubled when issues change meanwhile, no total and no offset limit matters, and a killed
pull goes on where its last stored page ended. Only where a whole page shares one moment (a bulk edit) the pages
inside that moment are turned, again until nothing new comes, because those can shift.

GitLab ignores parameters it does not know, so every answer is checked: in order, and not before W.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Final, Literal

from connectors.base import Traits
from connectors.gitlab import normalize
from connectors.gitlab.normalize import Json, Raw, Record, moment
from pmo_sync.clients.gitlab import PAGE, GitlabClient, UnavailableError, segment
from pmo_sync.config import SourceConfig
from pmo_sync.errors import AccessError, DataError, TrackerError
from pmo_sync.model import Catalogue, Census, Identity, Milestone, Page, Problem, Project, Status

TRAITS: Final = Traits(incremental=True, counts=True)
OVERLAP: Final = timedelta(minutes=10)  # a transaction may become visible later than its updated_at
PROBES: Final = 5  # issues asked whether a paid list exists
READING_SCOPES: Final = frozenset({"api", "read_api", "granular"})


class GitlabConnector:
    """Reads the issues of GitLab projects through REST."""

    traits = TRAITS

    def __init__(self, options: SourceConfig, client: GitlabClient, workers: int) -> None:
        self.source = options.name
        self._options = options
        self._client = client
        self._workers = workers
        self._paid: dict[tuple[str, str], bool] = {}  # (project, paid list of an issue) -> whether there is one
        self._probing = threading.Lock()

    def check(self) -> Identity:
        """Our account, the server, its clock and when the token ends."""
        me = self._client.me()
        token = self._client.token() or {}
        scopes = {str(scope) for scope in token.get("scopes") or ()}
        if scopes and not scopes & READING_SCOPES:
            msg = f"{self.source}: the token has the scopes {', '.join(sorted(scopes))}; make one with read_api"
            raise AccessError(msg)
        ends = token.get("expires_at")
        return Identity(
            account=str(me.get("username") or me.get("id") or "unknown"),
            server=f"GitLab {self._client.version()}",
            now=self._client.server_now(),
            token_expires_on=date.fromisoformat(str(ends)[:10]) if ends else None,
        )

    def catalogue(self) -> Catalogue:
        """The configured projects, their milestones (ancestor groups' too), iterations and statuses."""
        problems: list[Problem] = []
        projects: dict[str, Project] = {}
        for name, row in self._project_rows(problems):
            try:
                project = normalize.project(row, self.source)
            except DataError as error:
                problems.append(Problem(error.subject, error.what))
                continue
            if row.get("issues_access_level") == "disabled":
                if "*" not in name:
                    problems.append(Problem(project.key, "issues are switched off in this project"))
                continue
            projects[project.project_id] = project
        milestones: dict[str, Milestone] = {}
        statuses = {one.status_id: one for one in normalize.statuses((), self.source, None)}
        with ThreadPoolExecutor(self._workers) as pool:
            for boxes, found, wrong in pool.map(self._project_catalogue, projects.values()):
                milestones.update((one.milestone_id, one) for one in boxes)
                statuses.update((one.status_id, one) for one in found)
                problems += wrong
        return Catalogue(
            tuple(projects.values()), tuple(statuses.values()), tuple(milestones.values()), problems=tuple(problems)
        )

    def _project_rows(self, problems: list[Problem]) -> Iterator[tuple[str, Json]]:
        """(configured name, project as GitLab has it); archived ones too, shared ones not."""
        if not self._options.projects:
            for row in self._client.list("/projects", membership=True, order_by="id", sort="asc"):
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

    def _project_catalogue(self, project: Project) -> tuple[list[Milestone], list[Status], list[Problem]]:
        base = f"/projects/{self._native(project)}"
        boxes: list[Milestone] = []
        found: list[Status] = []
        problems: list[Problem] = []
        try:
            for row in self._client.list(f"{base}/milestones", include_ancestors=True):
                try:
                    boxes.append(normalize.milestone(row, self.source))
                except DataError as error:
                    problems.append(Problem(f"{project.key}: {error.subject}", error.what))
            if self._options.workflow_labels:
                labels = list(self._client.list(f"{base}/labels"))
                found = normalize.statuses(labels, self.source, self._options.workflow_labels)
        except UnavailableError as error:
            problems.append(Problem(project.key, str(error)))
        try:
            for row in self._client.list(f"{base}/iterations", state="all", include_ancestors=True):
                try:
                    boxes.append(normalize.iteration(row, self.source))
                except DataError as error:
                    problems.append(Problem(f"{project.key}: {error.subject}", error.what))
        except UnavailableError as error:
            if error.status != 404:  # 404: this tier has none
                problems.append(Problem(project.key, f"its iterations cannot be read: {error}"))
        return boxes, found, problems

    def pages(self, project: Project, cursor: str | None) -> Iterator[Page]:
        """Whole issues in the order of their last change; the cursor is that change's time.

        Histories are fetched by ``workers`` at a time, one window of issues ahead of the page handed out.
        """
        since = _resume(cursor)
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix=self.source)
        try:
            ahead: deque[tuple[str, list[Future[Record | Problem]]]] = deque()
            for rows, mark in self._windows(project, "updated", since):
                ahead.append((_cursor(mark), [pool.submit(self._record, project, row) for row in rows]))
                if len(ahead) > 1:
                    yield _page(*ahead.popleft())
            while ahead:
                yield _page(*ahead.popleft())
        finally:
            pool.shutdown(cancel_futures=True)

    def census(self, project: Project, *, sweep: bool) -> Census:
        """GitLab's own count of issues of every type; the sweep lists by creation, which does not shift."""
        base = f"/projects/{self._native(project)}"
        try:
            statistics = self._client.get(f"{base}/issues_statistics", scope="all")
            count = statistics.get("statistics", {}).get("counts", {}).get("all")
        except UnavailableError:
            count = None  # the sweep, or the next pull, says whether the project itself is gone
        ids = None
        if sweep:
            windows = self._windows(project, "created", None)
            ids = frozenset(f"{self.source}:{row['id']}" for rows, _ in windows for row in rows if "id" in row)
        return Census(project.project_id, count if isinstance(count, int) else None, ids)

    def _windows(
        self, project: Project, by: Literal["updated", "created"], since: datetime | None
    ) -> Iterator[tuple[list[Json], datetime | None]]:
        """(new rows, the latest time so far), oldest first. A row without a usable time is handed on as it is."""
        seen: set[tuple[str, datetime]] = set()  # the rows at or after ``since``: a changed row is a new one
        while True:
            window: list[tuple[Json, datetime | None]] = []
            latest = since
            is_last = True
            for row in self._listing(project, by, since):
                at = _time(row, f"{by}_at")
                if at is not None:
                    if latest is not None and at < latest:
                        raise self._disobeyed(project, f"{by}_after and order_by={by}_at")
                    latest = at
                row.pop("description", None)  # up to 1 MB each, and never kept
                window.append((row, at))
                if len(window) >= PAGE and latest != since:
                    is_last = False  # most likely; if it was, the next window brings nothing new
                    break
            here = {(str(row.get("id")), at) for row, at in window if at is not None}
            fresh = [row for row, at in window if at is None or (str(row.get("id")), at) not in seen]
            has_turned = len(window) > PAGE  # pages inside one moment: once more, until they bring nothing new
            is_complete = not has_turned or here <= seen
            if fresh or has_turned:
                yield fresh, latest if is_complete else since
            seen |= here
            if is_complete:
                if is_last:
                    return
                since = latest
                seen = {(one, at) for one, at in seen if since is None or at >= since}

    def _listing(self, project: Project, by: str, since: datetime | None) -> Iterator[Json]:
        after = {f"{by}_after": _iso(since)} if since else {}
        return self._client.list(
            f"/projects/{self._native(project)}/issues", scope="all", order_by=f"{by}_at", sort="asc", **after
        )

    def _disobeyed(self, project: Project, parameter: str) -> TrackerError:
        msg = f"{self.source}: {project.key}: the server ignored {parameter}; nothing can be read safely from it"
        return TrackerError(msg)

    def _record(self, project: Project, row: Json) -> Record | Problem:
        """One whole issue, in a worker: four lists, two more where the issue shows the paid fields."""
        try:
            raw = self._raw(project, row)
            return normalize.issue(raw, project, self.source, self._options.workflow_labels)
        except UnavailableError as error:
            return Problem(f"{project.key}#{row.get('iid')}", f"listed, but its history is not readable: {error}")
        except DataError as error:
            return Problem(error.subject, error.what)

    def _raw(self, project: Project, row: Json) -> Raw:
        if not isinstance(row.get("iid"), int):
            return Raw(row)  # normalize says what is missing
        base = f"/projects/{self._native(project)}/issues/{row['iid']}"
        return Raw(
            row,
            states=list(self._client.list(f"{base}/resource_state_events")),
            labels=list(self._client.list(f"{base}/resource_label_events")),
            milestones=list(self._client.list(f"{base}/resource_milestone_events")),
            links=list(self._client.list(f"{base}/links")),
            iterations=self._paid_events(project, row, "iteration"),
            weights=self._paid_events(project, row, "weight"),
        )

    def _paid_events(self, project: Project, row: Json, field: Literal["iteration", "weight"]) -> list[Json]:
        """Events of paid tiers, for an issue that shows the field. Raises UnavailableError where this issue's are
        refused and the project has such events: an issue whose history is half known is not handed on.
        """
        kind = f"resource_{field}_events"
        if field not in row or not self._has_paid(project, kind):
            return []
        return list(self._client.list(f"/projects/{self._native(project)}/issues/{row['iid']}/{kind}"))

    def _has_paid(self, project: Project, kind: str) -> bool:
        """Whether this tier and version have such events, asked once per project before the first is wanted.

        No endpoint says so. It has none where the project's oldest issues all refuse them; one refusal may be the
        issue's own, so a single one proves nothing while others answer.
        """
        with self._probing:
            known = self._paid.get((project.project_id, kind))
            if known is None:
                known = self._probe(f"/projects/{self._native(project)}/issues", kind)
                self._paid[project.project_id, kind] = known
            return known

    def _probe(self, issues: str, kind: str) -> bool:
        oldest = self._client.list(issues, scope="all", order_by="created_at", sort="asc", per_page=PROBES)
        for row in islice(oldest, PROBES):
            try:
                next(self._client.list(f"{issues}/{row.get('iid')}/{kind}", per_page=1), None)
            except UnavailableError:
                continue
            return True
        return False

    def _native(self, project: Project) -> str:
        return project.project_id.removeprefix(f"{self.source}:")


def _page(cursor: str, futures: list[Future[Record | Problem]]) -> Page:
    found = [future.result() for future in futures]
    records = [one for one in found if isinstance(one, Record)]
    people = {person.person_id: person for record in records for person in record.people}
    return Page(
        issues=tuple(record.issue for record in records),
        intervals=tuple(interval for record in records for interval in record.intervals),
        people=tuple(people.values()),
        problems=tuple(one for one in found if isinstance(one, Problem)),
        cursor=cursor,
    )


def _time(row: Json, name: str) -> datetime | None:
    try:
        return moment(row[name])
    except (KeyError, TypeError, ValueError):
        return None


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _cursor(mark: datetime | None) -> str:
    return json.dumps({"updated_at": _iso(mark) if mark else None})


def _resume(cursor: str | None) -> datetime | None:
    """Where to go on: a little before the last change stored. A cursor we cannot read means: everything again."""
    try:
        return moment(json.loads(cursor or "null")["updated_at"]) - OVERLAP
    except (KeyError, TypeError, ValueError):
        return None
