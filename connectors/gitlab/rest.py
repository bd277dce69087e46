"""Issues through REST API v4: works on every tier and version; four requests an issue for its history.

What moves an issue's ``updated_at`` decides what an incremental pass sees. Columns, labels and assignees do (GitLab's
source). A new or removed link leaves a system note on both issues, and system notes touch their issue unless they are
made while it is being created; that the removal does so on every version is not verified. A milestone's or label's own
change does not, which is why those are read in full each run. What escapes all the same comes with ``--full``.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final, Literal

from connectors.gitlab import normalize
from connectors.gitlab.cursor import cursor_at
from connectors.gitlab.normalize import Raw, Record
from connectors.gitlab.values import Json, iso
from connectors.gitlab.windows import windows
from pmo_sync.clients.gitlab import PAGE, GitlabClient, UnavailableError
from pmo_sync.errors import DataError
from pmo_sync.model import Page, Problem, Project

PROBES: Final = 5  # issues asked whether a paid list exists


class RestReader:
    """Reads the issues of projects, histories by ``workers`` at a time."""

    def __init__(self, source: str, client: GitlabClient, workflow: str | None, workers: int) -> None:
        self._source = source
        self._client = client
        self._workflow = workflow
        self._workers = workers
        self._paid: dict[tuple[str, str], bool] = {}  # (project, paid list of an issue) -> whether there is one
        self._probing = threading.Lock()

    def pages(self, project: Project, since: datetime | None) -> Iterator[Page]:
        """Whole issues in the order of their last change; the cursor is that change's time.

        Histories are fetched one window of issues ahead of the page handed out. Raises DisobeyedError.
        """
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix=self._source)
        try:
            ahead: deque[tuple[str, list[Future[Record | Problem]]]] = deque()
            for rows, mark in self.windows(project, "updated", since):
                ahead.append((cursor_at(mark, "rest"), [pool.submit(self._record, project, row) for row in rows]))
                if len(ahead) > 1:
                    yield page(*_results(ahead.popleft()))
            while ahead:
                yield page(*_results(ahead.popleft()))
        finally:
            pool.shutdown(cancel_futures=True)

    def windows(
        self, project: Project, by: Literal["updated", "created"], since: datetime | None
    ) -> Iterator[tuple[list[Json], datetime | None]]:
        """The listing's rows in windows of time. Raises DisobeyedError."""
        return windows(partial(self._listing, project, by), f"{by}_at", since, lambda: PAGE)

    def _listing(self, project: Project, by: str, since: datetime | None) -> Iterator[Json]:
        after = {f"{by}_after": iso(since)} if since else {}
        for row in self._client.list(
            f"/projects/{self._native(project)}/issues", scope="all", order_by=f"{by}_at", sort="asc", **after
        ):
            row.pop("description", None)  # up to 1 MB each, and never kept
            yield row

    def _record(self, project: Project, row: Json) -> Record | Problem:
        """One whole issue, in a worker: four lists, two more where the issue shows the paid fields."""
        try:
            raw = self._raw(project, row)
            return normalize.issue(raw, project, self._source, self._workflow)
        except UnavailableError as error:
            why = "" if row.get("confidential") else f": {error}"  # which holds the request, and so its number
            return Problem(normalize.named(row, project), f"listed, but its history is not readable{why}")
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
            links=list(self._client.list(f"{base}/links", per_page=None)),  # all at once: it has no pages
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
        return project.project_id.removeprefix(f"{self._source}:")


def _results(waiting: tuple[str, list[Future[Record | Problem]]]) -> tuple[str, list[Record | Problem]]:
    return waiting[0], [future.result() for future in waiting[1]]


def page(mark: str, found: Sequence[Record | Problem], *, refetched: int = 0) -> Page:
    """The records of one window with the cursor to store after it."""
    records = [one for one in found if isinstance(one, Record)]
    people = {person.person_id: person for record in records for person in record.people}
    logs = [record.worklogs for record in records if record.worklogs is not None]
    return Page(
        issues=tuple(record.issue for record in records),
        intervals=tuple(interval for record in records for interval in record.intervals),
        people=tuple(people.values()),
        problems=tuple(one for one in found if isinstance(one, Problem)),
        cursor=mark,
        worklogs=tuple(log for many in logs for log in many) if logs else None,  # some types cannot be booked on
        refetched=refetched,
    )
