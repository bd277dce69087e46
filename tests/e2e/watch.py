"""What a PMO holds of a company's tracker after each pull, beside the truth: every difference must be certified."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import connectors
from pmo_sync.certificate import SourceCertificate
from pmo_sync.config import Config, load
from pmo_sync.demo import truth
from pmo_sync.demo.company import Company, Item
from pmo_sync.demo.servers.jira_wire import account_id, user_key
from pmo_sync.demo.servers.wire import Answer, Request, Server
from pmo_sync.http.network import Network
from pmo_sync.model import person_id
from pmo_sync.pipeline.pull import pull_sources
from pmo_sync.pipeline.workspace import Workspace
from pmo_sync.record import Record
from pmo_sync.result import Silence
from pmo_sync.store import Store, passes
from tests.clocks import QuickClock
from tests.e2e.life import Life

SOURCE = "life"
DAY = timedelta(days=1)
COMPARED = frozenset(
    {
        "status",
        "kind",
        "label",
        "milestone",
        "resolution",
        "parent",
        "assignee",
        "due_on",
        "estimate",
        "flagged",
        "blocked_by",
    }
)
State = dict[str, set[str]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of server: how it is made, what our configuration says of it, which pasts it tells."""

    make: Callable[[Company], Server]
    settings: str
    token: str
    past: frozenset[str]


@dataclass
class Watch:
    """One PMO."""

    life: Life
    dialect: Dialect
    folder: Path
    server: Server = field(init=False)
    config: Config = field(init=False)
    store: Store = field(init=False)
    pulls: int = 0
    awaited: dict[str, int] = field(default_factory=dict)  # issue -> certified pulls that have not brought it
    missed: dict[str, datetime] = field(default_factory=dict)  # issue -> the first sweep that did not show it
    fates: dict[str, str] = field(default_factory=dict)  # of vanished issues, when we first saw that

    def __post_init__(self) -> None:
        self.server = self.dialect.make(self.company).start()
        self.company.addresses[self.life.tracker] = self.server.url
        keys = ", ".join(f'"{key}"' for key in self.life.read)
        text = (
            f'[source.{SOURCE}]\nurl = "{self.server.url}"\nprojects = [{keys}]\nrequests_per_second = 1000\n'
            f'workers = 2\ntoken = {{ env = "TOKEN" }}\n{self.dialect.settings}'
        )
        file = self.folder / "pmo-sync.toml"
        file.write_text(text, encoding="utf-8")
        self.config = load(file, {"TOKEN": self.dialect.token}, connectors.names())
        self.store = Store.open(self.folder / "unused", memory=True)
        self.record = Record(self.folder / "record")

    def close(self) -> None:
        """End it."""
        self.server.stop()
        self.store.close()

    @property
    def company(self) -> Company:
        return self.life.company

    def pull(self, *, full: bool = False, meanwhile: Callable[[], None] | None = None) -> SourceCertificate:
        """Pull, at the company's present, from a server just started: what it keeps in order is the company as it is.

        ``meanwhile`` is done before every third request.
        """
        port = int(self.server.url.rpartition(":")[2])
        self.server.stop()
        self.server = self.dialect.make(self.company)
        if meanwhile is not None:
            self.server.answer = self._moving(meanwhile)  # type: ignore[method-assign]
        self.server.start(port)
        self.pulls += 1
        network = Network(_Present(self.company))
        workspace = Workspace(self.config, network, self.store, self.record, f"run-{self.pulls:04d}")
        (certificate,) = pull_sources(workspace, self.config.sources, Silence(), full=full)
        return certificate

    def _moving(self, meanwhile: Callable[[], None]) -> Callable[[Request], Answer]:
        """The answers of a company that does not hold still."""
        lock, requests = threading.Lock(), count(1)

        def answer(request: Request) -> Answer:
            with lock:
                if next(requests) % 3 == 0:
                    meanwhile()
                return self.dialect.make(self.company).answer(request)

        return answer

    # --- the truth ------------------------------------------------------------------------------------------------

    def shown(self) -> dict[str, Item]:
        """By our ids, what our account is shown of the projects it reads."""
        found: dict[str, Item] = {}
        for key in self.life.read:
            found |= {f"{SOURCE}:{one.id}": one for one in self.company.visible(self.life.tracker, key)}
        return found

    def expected(self, moment: datetime) -> dict[str, State]:
        """The state of what is shown now, at a moment."""
        shown = {one.key: id_ for id_, one in self.shown().items()}
        states = truth.states(self.company, self.life.tracker, moment, self.company.now)
        found = {shown[key]: self._state(key, state) for key, state in states.items() if key in shown}
        for link in truth.links(self.company, self.life.tracker, moment, self.company.now):
            if link.blocked in shown and link.blocker in shown:
                found[shown[link.blocked]].setdefault("blocked_by", set()).add(shown[link.blocker])
        return found

    def _state(self, key: str, state: truth.State) -> State:
        goals = {one.name: f"{SOURCE}:{one.kind}:{one.id}" for one in self.company.goals}
        ids = {one.key: f"{SOURCE}:{one.id}" for one in self.company.items}
        step = self.company.status_name(self.life.tracker, state.status, self.company.now)
        made: dict[str, set[str | None]] = {
            "status": {step if state.status == "closed" or "::" in step or not self.life.is_gitlab else "opened"},
            "kind": {state.kind},
            "label": {*map(self._label, state.labels), *({step} if "::" in step else ())},
            "milestone": {goals[one] for one in state.milestones},
            "resolution": {state.resolution},
            "parent": {state.parent and ids[state.parent]},
            "assignee": {state.assignee and person_id(SOURCE, self._native(state.assignee))},
            "due_on": {state.due_on},
            "estimate": {None if state.estimate is None else f"{state.estimate:g}"},
            "flagged": {"true" if state.is_flagged else None},
        }
        return {name: kept for name, values in made.items() if (kept := {one for one in values if one})}

    def _label(self, name: str) -> str:
        return self.company.status_name(self.life.tracker, name, self.company.now) if self.life.is_gitlab else name

    def _native(self, worker: str) -> str:
        one = next(one for one in self.company.workers if one.id == worker)
        if self.life.tracker == "cloud":
            return account_id(one)
        return user_key(one) if self.life.tracker == "dc" else str(self.company.workers.index(one) + 101)

    # --- what we hold ---------------------------------------------------------------------------------------------

    def held(self) -> dict[str, tuple[Any, ...]]:
        """Our issues that have not vanished: id -> (project, key, title)."""
        query = """SELECT issue_id, project.key, issue.key, title FROM issue JOIN project USING (project_id)
            WHERE vanished_at IS NULL"""
        return {row[0]: row[1:] for row in self.store.rows(query)}

    def states(self, moment: datetime) -> dict[str, State]:
        """The state of every issue we hold at a moment, in the words of ``expected``."""
        query = """SELECT e.entity_id, h.field, h.value, coalesce(s.name, h.label)
            FROM history h JOIN entity e USING (entity) LEFT JOIN status s ON h.field = 'status' AND s.status_id = h.value
            WHERE h.since <= $at AND (h.until IS NULL OR h.until > $at)"""
        found: dict[str, State] = defaultdict(lambda: defaultdict(set))
        for entity, name, value, label in self.store.rows(query, {"at": moment.astimezone(UTC).replace(tzinfo=None)}):
            shown = label if name in ("status", "resolution") else f"{float(value):g}" if name == "estimate" else value
            found[entity][name].add(shown)
        return found

    # --- the comparison -------------------------------------------------------------------------------------------

    def check(self, certificate: SourceCertificate, moments: list[datetime]) -> None:
        """Everything is as it is at the tracker, or the certificate says what is not. Raises AssertionError."""
        named = _named(certificate)
        readable = {one.key for one in self.life.projects() if one.key in self.life.read and not one.is_hidden}
        assert not certificate.error or not readable, certificate.error
        assert set(self.life.read) - readable <= named, "a project that is not shown is not named"
        held, shown = self.held(), self.shown()
        self._check_ids(held, shown, readable, named, certificate)
        both = sorted(id_ for id_ in held.keys() & shown.keys() if held[id_][0] in readable)
        for id_ in both:
            item = shown[id_]
            title = item.value("title", self.company.now) or item.title
            if not self._is_named(id_, item, certificate):
                assert held[id_] == (item.project, item.key, title), id_
        for moment in (self.company.now, *moments):
            self._check_states(both, moment, certificate)
        self._check_milestones(readable)

    def _check_ids(
        self,
        held: Mapping[str, tuple[Any, ...]],
        shown: Mapping[str, Item],
        readable: set[str],
        named: set[str],
        certificate: SourceCertificate,
    ) -> None:
        """Which issues there are. What cancels out in a project's count is found by the sweep of the day."""
        lacking = {id_: item.project for id_, item in shown.items() if id_ not in held}
        beyond = {id_: row[0] for id_, row in held.items() if id_ not in shown and row[0] in readable}
        swept = {
            key for id_, key in self.store.project_keys(SOURCE).items()
            if passes.swept_at(self.store, id_) == self.company.now
        }  # fmt: skip
        numbers = {one.project: (one.server_count, one.our_count) for one in certificate.projects}
        for key in readable:
            ours = {id_ for id_, row in held.items() if row[0] == key}
            theirs = {id_ for id_, item in shown.items() if item.project == key}
            assert numbers[key][1] == len(ours)
            if ours != theirs:
                cancels = len(ours) == len(theirs) and key not in swept
                assert key in named or numbers[key][0] != numbers[key][1] or cancels, (key, sorted(ours ^ theirs))
        self.awaited = {id_: self.awaited.get(id_, 0) + (key in named) for id_, key in lacking.items()}
        assert all(pulls <= 2 for pulls in self.awaited.values()), self.awaited
        self._check_missed(beyond, swept, certificate)

    def _check_missed(self, beyond: Mapping[str, str], swept: set[str], certificate: SourceCertificate) -> None:
        """What two sweeps a day apart have missed has vanished, unless that would be too much at once."""
        now = self.company.now
        refused = {one.subject for one in certificate.problems if "shrink_limit" in one.what}
        for id_, key in beyond.items():
            since = self.missed.get(id_)
            assert since is None or now - since < DAY or key not in swept or refused, (id_, since, now)
        kept = {id_: since for id_, since in self.missed.items() if id_ in beyond}
        self.missed = {id_: now for id_, key in beyond.items() if key in swept} | kept
        self._check_fates()

    def _check_fates(self) -> None:
        """What became of the vanished is what was true when they vanished."""
        rows = dict(self.store.rows("SELECT issue_id, fate FROM issue WHERE vanished_at IS NOT NULL"))
        self.fates = {id_: self.fates.get(id_) or self._fate(id_) for id_ in rows}
        assert rows == self.fates

    def _fate(self, id_: str) -> str:
        """What became of an issue that is not shown where it was."""
        item = next(one for one in self.company.items if f"{SOURCE}:{one.id}" == id_)
        project = next(one for one in self.life.projects() if one.key == item.project)
        if not item.exists(self.company.now) or project.is_hidden:
            return "gone"
        if item.archived_at is not None or project.is_archived:
            return "archived"
        return "moved" if item.project not in self.life.read else "here"

    def _check_states(self, ids: list[str], moment: datetime, certificate: SourceCertificate) -> None:
        expected, found = self.expected(moment), self.states(moment)
        names = None if moment == self.company.now else self.dialect.past
        shown = self.shown()
        for id_ in ids:
            ours = {name: values for name, values in found.get(id_, {}).items() if name in COMPARED}
            if "blocked_by" in ours:
                ours["blocked_by"] = {one for one in ours["blocked_by"] if one in shown}
            theirs = expected.get(id_, {})
            for name in COMPARED if names is None else names:
                if (ours.get(name) or set()) != theirs.get(name, set()) and not self._is_named(
                    id_, shown[id_], certificate
                ):
                    message = f"{id_} {name} at {moment}: {ours.get(name)} is stored, {theirs.get(name)} is true"
                    raise AssertionError(message)

    def _is_named(self, id_: str, item: Item, certificate: SourceCertificate) -> bool:
        """Whether the certificate names this issue, or counts it among those of its project that are yet to be read."""
        said = (*certificate.problems, *certificate.notes)
        for one in said:
            if any(
                re.search(rf"(?<!\w){re.escape(word)}(?!\w)", f"{one.subject} {one.what}") for word in (id_, item.key)
            ):
                return True
        projects = {key: project_id for project_id, key in self.store.project_keys(SOURCE).items()}
        project = projects[item.project]
        is_awaited = id_ in passes.returned(self.store, project) | passes.unread(self.store, project)
        return is_awaited and any(one.subject == item.project and "read" in one.what for one in said)

    def _check_milestones(self, readable: set[str]) -> None:
        query = "SELECT milestone_id, name, state, start_on, due_on FROM milestone WHERE vanished_at IS NULL"
        found = {
            row[0]: (row[1], row[2], *(day and day.isoformat() for day in row[3:])) for row in self.store.rows(query)
        }
        facts = truth.milestones(self.company, self.life.tracker, self.company.now).values()
        for one in facts:
            if one.project in readable:
                id_ = f"{SOURCE}:{one.kind}:{one.id}"
                assert found.get(id_) == (one.name, one.state, one.start_on, one.due_on), id_


class _Present(QuickClock):
    """The company's date, and waiting that takes no time."""

    def __init__(self, company: Company) -> None:
        super().__init__()
        self.moment = company.now

    def now(self) -> datetime:
        return self.moment


def _named(certificate: SourceCertificate) -> set[str]:
    """The projects that the certificate says something about."""
    return {one.subject for one in (*certificate.problems, *certificate.notes, *certificate.closed)}
