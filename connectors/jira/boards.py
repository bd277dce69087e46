"""Boards: the sprints on them, and the field they estimate by. They belong to Jira Software; some sites have none.

A board is a view that somebody made, and may be hidden from us, have no sprints, or be broken. Its sprints are then
missing among the milestones, while issues still bring their sprints' names themselves: said in a note.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.jira.normalize import Site
from connectors.jira.paging import paged
from connectors.jira.values import day_of
from connectors.malformed import MALFORMED
from pmo_sync.clients.jira import JiraClient, NotVisibleError, RefusedError
from pmo_sync.errors import TrackerError
from pmo_sync.model import Milestone, Problem, Project
from pmo_sync.text import clean

AGILE: Final = "agile/1.0"
PER_PAGE: Final = 50
NO_SPRINTS: Final = "kanban"

Board = Mapping[str, Any]


@dataclass(slots=True)
class Found:
    """What the boards of some projects brought."""

    boards: set[str] = field(default_factory=set)
    sprints: dict[str, Milestone] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


class BoardReader:
    """Reads the boards of one Jira."""

    def __init__(self, client: JiraClient, site: Site, workers: int) -> None:
        self._client = client
        self._site = site
        self._workers = workers

    def read(self, projects: Sequence[Project]) -> Found:
        """Each board is read once, whichever of the projects show it. Raises AccessError, and TrackerError if closed."""
        found = Found()
        shown: dict[str, tuple[Board, list[Project]]] = {}
        with ThreadPoolExecutor(self._workers) as pool:
            for project, boards in zip(projects, pool.map(self._boards, projects), strict=True):
                if isinstance(boards, Problem):
                    found.problems.append(boards)
                    continue
                if boards is None:
                    found.notes.append(
                        Problem(self._site.source, "no boards: Jira Software is not here, or not for us")
                    )
                    return found
                for board in boards:
                    shown.setdefault(str(board["id"]), (board, []))[1].append(project)
            found.boards |= shown.keys()
            without: Counter[str] = Counter()
            boards_of = list(shown.values())
            for (board, owners), sprints in zip(boards_of, pool.map(self._sprints, boards_of), strict=True):
                if isinstance(sprints, str):
                    without[sprints] += 1
                elif isinstance(sprints, Problem):
                    found.notes.append(sprints)
                else:
                    self._keep(found, board, owners, sprints)
        for why, count in sorted(without.items()):
            found.notes.append(Problem(self._site.source, f"{count} of {len(shown)} boards {why}"))
        return found

    def _boards(self, project: Project) -> list[Board] | Problem | None:
        """None: this Jira has no boards at all."""
        try:
            params = {"projectKeyOrId": project.key}
            return [one for one in paged(self._client, "board", params, AGILE, PER_PAGE) if one.get("id") is not None]
        except NotVisibleError as error:
            return None if error.status == 404 else Problem(project.key, f"its boards cannot be read: {error}")
        except (TrackerError, *MALFORMED) as error:
            self._client.ensure_open()
            return Problem(project.key, f"its boards cannot be read: {error}")

    def _sprints(self, shown: tuple[Board, Sequence[Project]]) -> list[Board] | Problem | str:
        """The sprints; or why there are none, in a word that many boards share or in its own."""
        board, _ = shown
        if board.get("type") == NO_SPRINTS:
            return "have no sprints"
        where = f"board {board['id']} ({clean(board.get('name') or '')})"
        try:
            return list(paged(self._client, f"board/{board['id']}/sprint", {}, AGILE, PER_PAGE))
        except NotVisibleError:
            return "are hidden from this account; sprints that are only there are not among the milestones"
        except RefusedError as error:  # 422: its columns are not mapped to statuses
            if "does not support sprints" in str(error):
                return "have no sprints"
            return Problem(self._site.source, f"{where}: its sprints cannot be read: {error}")
        except TrackerError as error:
            self._client.ensure_open()
            return Problem(self._site.source, f"{where}: its sprints cannot be read: {error}")

    def _keep(self, found: Found, board: Board, owners: Sequence[Project], sprints: Sequence[Board]) -> None:
        """A sprint that boards of several projects show belongs to none of them."""
        owner = owners[0].project_id if len(owners) == 1 else None
        for raw in sprints:
            try:
                sprint = self._sprint(raw, owner, board["id"])
            except MALFORMED as error:
                what = f"a sprint of board {board['id']} cannot be understood ({type(error).__name__})"
                found.problems.append(Problem(self._site.source, what))
                continue
            known = found.sprints.get(sprint.milestone_id)
            if known is not None and known.project_id != sprint.project_id:
                sprint = sprint._replace(project_id=None)
            found.sprints[sprint.milestone_id] = sprint

    def _sprint(self, raw: Board, project_id: str | None, board: Any) -> Milestone:
        state = str(raw["state"]).lower()
        return Milestone(
            milestone_id=f"{self._site.source}:sprint:{raw['id']}",
            source=self._site.source,
            project_id=project_id,
            kind="sprint",
            name=clean(raw["name"]),
            state="closed" if state == "closed" else "open",
            start_on=day_of(raw.get("startDate"), self._site.zone),
            due_on=day_of(raw.get("endDate"), self._site.zone),
            closed_on=day_of(raw.get("completeDate"), self._site.zone) if state == "closed" else None,
            url=f"{self._site.url}/secure/RapidBoard.jspa?rapidView={board}",
        )


def estimated_by(client: JiraClient, projects: Sequence[str]) -> frozenset[str]:
    """The custom fields that the boards of these projects (keys; none: of all) estimate by, as far as they tell us."""
    found: set[str] = set()
    for key in projects or ("",):
        try:
            for board in paged(client, "board", {"projectKeyOrId": key} if key else {}, AGILE, PER_PAGE):
                if board.get("type") != NO_SPRINTS:
                    found |= _estimated_by(client, board)
        except (NotVisibleError, TrackerError, *MALFORMED):
            client.ensure_open()
    return frozenset(found)


def _estimated_by(client: JiraClient, board: Board) -> set[str]:
    try:
        settings = client.get(f"board/{board['id']}/configuration", api=AGILE)
        chosen = str(settings["estimation"]["field"]["fieldId"])
    except (NotVisibleError, TrackerError):
        client.ensure_open()
        return set()
    except MALFORMED:  # it counts issues
        return set()
    return {chosen} if chosen.startswith("customfield_") else set()
