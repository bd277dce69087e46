"""Issues through REST API v4: works on every tier and version; four requests an issue for its history.

What moves an issue's ``updated_at`` decides what an incremental pass sees. Columns, labels and assignees do (GitLab's
source). A new or removed link leaves a system note on both issues, and system notes touch their issue unless they are
made while it is being created; that the removal does so on every version is not verified. A milestone's or label's own
change does not, which is why those are read in full each run. What escapes all the same comes with ``--full``.

REST knows nobody's parent. So tasks are left out, also of the census: with the issue they belong to they would count
twice. An issue that was promoted to an epic says so in a system note only: those are asked for where there are epics.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final, Literal, NamedTuple

from connectors.gitlab import normalize
from connectors.gitlab.cursor import cursor_at
from connectors.gitlab.normalize import Raw, Record
from connectors.gitlab.tally import Tally
from connectors.gitlab.values import Json, iso, text
from connectors.gitlab.windows import windows
from pmo_sync.clients.gitlab import PAGE, GitlabClient, RefusedError, UnavailableError
from pmo_sync.errors import DataError, TrackerError
from pmo_sync.model import Page, Problem, Project

log: Final = logging.getLogger("pmo_sync.gitlab")

PROBES: Final = 5  # issues asked whether a paid list exists
PROMOTED: Final = re.compile(r"\s*promoted to\b", re.IGNORECASE)
PATIENCE: Final = 5  # issues in a row whose history fails, before it is the server that fails


class _Failure(NamedTuple):
    """An issue whose history the server fails to give, though it answers."""

    problem: Problem
    error: TrackerError


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
            tally, failures = Tally(project), 0
            cursor: str | None = None
            for cursor, waiting in self._ahead(pool, project, since):
                found: list[Record | Problem] = []
                for one in (future.result() for future in waiting):
                    failures = failures + 1 if isinstance(one, _Failure) else 0
                    if isinstance(one, _Failure) and failures > PATIENCE:
                        raise one.error
                    found.append(one.problem if isinstance(one, _Failure) else one)
                for record in found:
                    tally.take(record)
                yield page(cursor, found)
            yield from tally.last_page(cursor)
        finally:
            pool.shutdown(cancel_futures=True)

    def _ahead(
        self, pool: ThreadPoolExecutor, project: Project, since: datetime | None
    ) -> Iterator[tuple[str, list[Future[Record | Problem | _Failure]]]]:
        """Cursors with the issues before them, those of the next one on their way."""
        ahead: deque[tuple[str, list[Future[Record | Problem | _Failure]]]] = deque()
        for rows, mark in self.windows(project, "updated", since):
            read = [pool.submit(self._record, project, row) for row in rows if not is_task(row)]
            ahead.append((cursor_at(mark, "rest"), read))
            if len(ahead) > 1:
                yield ahead.popleft()
        yield from ahead

    def tasks(self, project: Project) -> int:
        """How many tasks the listing and GitLab's count have."""
        try:
            rows = self._client.list(f"/projects/{self._native(project)}/issues", scope="all", issue_type="task")
            return sum(is_task(row) for row in rows)  # a version that ignores the type lists all
        except RefusedError:  # one that does not know it has none
            return 0

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

    def _record(self, project: Project, row: Json) -> Record | Problem | _Failure:
        """One whole issue, in a worker: four lists, more where the issue shows the paid fields."""
        name = normalize.named(row, project)
        try:
            raw = self._raw(project, row)
            return normalize.issue(raw, project, self._source, self._workflow)
        except UnavailableError as error:
            why = "" if row.get("confidential") else f": {error}"  # which holds the request, and so its number
            return Problem(name, f"listed, but its history is not readable{why}")
        except TrackerError as error:
            self._client.get(f"/projects/{self._native(project)}")  # or it is the server that fails, for all
            log.warning("%s: %s: %s", self._source, name, str(error).rpartition(": ")[2])  # without the address
            return _Failure(Problem(name, "listed, but GitLab fails to give its history"), error)
        except DataError as error:
            return Problem(error.subject, error.what)

    def _raw(self, project: Project, row: Json) -> Raw:
        if not isinstance(row.get("iid"), int):
            return Raw(row)  # normalize says what is missing
        base = f"/projects/{self._native(project)}/issues/{row['iid']}"
        return Raw(
            self._promoted(project, row),
            states=list(self._client.list(f"{base}/resource_state_events")),
            labels=list(self._client.list(f"{base}/resource_label_events")),
            milestones=list(self._client.list(f"{base}/resource_milestone_events")),
            links=list(self._client.list(f"{base}/links", per_page=None)),  # all at once: it has no pages
            iterations=self._paid_events(project, row, "iteration"),
            weights=self._paid_events(project, row, "weight"),
        )

    def _promoted(self, project: Project, row: Json) -> Json:
        """The row, with ``promoted_to`` where its notes tell of that."""
        if row.get("state") != "closed" or "epic" not in row or row.get("moved_to_id"):
            return row
        path = f"/projects/{self._native(project)}/issues/{row['iid']}/notes"
        told = self._client.list(path, activity_filter="only_activity", order_by="created_at", sort="desc")
        found = next((note for note in told if note.get("system") and PROMOTED.match(text(note.get("body")))), None)
        return row | {"promoted_to": text(found["body"])} if found else row

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


def is_task(row: Json) -> bool:
    """Whether a row of the listing is a task, in either of the words for it."""
    return text(row.get("issue_type") or row.get("type")).lower() == "task"


def page(mark: str, found: Sequence[Record | Problem], *, refetched: int = 0) -> Page:
    """The records of one window with the cursor to store after it."""
    records = [one for one in found if isinstance(one, Record)]
    people = {person.person_id: person for record in records for person in record.people}
    return Page(
        issues=tuple(record.issue for record in records),
        intervals=tuple(interval for record in records for interval in record.intervals),
        people=tuple(people.values()),
        problems=tuple(one for one in found if isinstance(one, Problem)),
        cursor=mark,
        refetched=refetched,
    )
