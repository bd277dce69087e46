"""One PMO whose tracker stands behind a proxy: what it holds after each pull, whatever happened on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qsl

import connectors
from pmo_sync.certificate import SourceCertificate
from pmo_sync.config import load
from pmo_sync.demo.company import Item
from pmo_sync.demo.servers.wire import Server
from pmo_sync.http.network import Network
from pmo_sync.pipeline.pull import pull_sources
from pmo_sync.pipeline.workspace import Workspace
from pmo_sync.record import Record
from pmo_sync.result import Silence
from pmo_sync.store import Store
from tests.clocks import QuickClock
from tests.e2e.life import Life
from tests.e2e.test_life import DIALECTS
from tests.proxy import Asked, Fault, FaultProxy, Headers, Plan, rewritten

SOURCE: Final = "s"
HOME: Final = "http://tracker"  # stands for the proxy's address, which differs from one PMO to the next
_MARKS: Final = frozenset({"startAt", "page", "cursor", "nextPageToken", "after"})  # what tells one page from the next
Content = dict[str, list[tuple[Any, ...]]]
CONTENT: Final = {
    "project": "SELECT * FROM project",
    "status": "SELECT * FROM status",
    "person": "SELECT * FROM person",
    "milestone": "SELECT * EXCLUDE (milestone, first_seen_at, vanished_at), vanished_at IS NULL FROM milestone",
    "issue": "SELECT * EXCLUDE (issue, vanished_at), vanished_at IS NULL FROM issue",
    "history": """SELECT entity_id, field, value, label, since, until
        FROM history JOIN entity USING (entity) JOIN issue ON issue = entity""",
    "milestone history": """SELECT entity_id, field, value, until IS NULL
        FROM history JOIN entity USING (entity) JOIN milestone ON milestone = entity""",
    "cursor": """SELECT source, project_id, regexp_replace(cursor, '"epoch": *[a-z]+', '') FROM cursor""",  # asked again
    "missed": "SELECT issue_id FROM missed",
    "unread": "SELECT issue_id FROM unread",
}


class Clock(QuickClock):
    """The company's date as our machine has it, and waiting that takes no time."""

    def __init__(self, life: Life, ahead: timedelta) -> None:
        super().__init__()
        self._moment = life.company.now + ahead

    def now(self) -> Any:
        return self._moment


class Pmo:
    """A context manager. ``ahead`` is how much our clock is ahead of the tracker's."""

    def __init__(self, dialect: str, folder: Path, ahead: timedelta = timedelta()) -> None:
        tracker, self._dialect = DIALECTS[dialect]
        self.life = Life(tracker)
        self._ahead = ahead
        self.server = self._started()
        self.proxy = FaultProxy(self.server.url)
        keys = ", ".join(f'"{key}"' for key in self.life.read)
        text = (
            f'[source.{SOURCE}]\nurl = "{self.proxy.url}"\nprojects = [{keys}]\nrequests_per_second = 1000\n'
            f'workers = 2\ntoken = {{ env = "TOKEN" }}\n{self._dialect.settings}'
        )
        file = folder / "pmo-sync.toml"
        file.write_text(text, encoding="utf-8")
        self._config = load(file, {"TOKEN": self._dialect.token}, connectors.names())
        self._record = Record(folder / "record")
        self.store = Store.open(folder / "unused", memory=True)
        self._pulls = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.proxy.stop()
        self.server.stop()
        self.store.close()

    def _started(self) -> Server:
        made = self._dialect.make(self.life.company).start()
        made.now = lambda: self.life.company.now
        self.life.company.addresses[self.life.tracker] = made.url
        return made

    def renew(self) -> None:
        """The tracker shows the company as it is now: a server keeps the order it has found at its start."""
        self.server.stop()
        self.server = self._started()
        self.proxy.target = self.server.url

    def pull(self, plan: Plan | None = None) -> SourceCertificate:
        """Pull, while the proxy does as planned."""
        self.renew()
        self.proxy.plan = [] if plan is None else plan
        self.proxy.log.clear()
        self._pulls += 1
        network = Network(Clock(self.life, self._ahead))
        workspace = Workspace(self._config, network, self.store, self._record, f"run-{self._pulls:04d}")
        (certificate,) = pull_sources(workspace, self._config.sources, Silence(), full=False)
        return certificate

    def content(self) -> Content:
        """Everything that a pull has brought, in a comparable form."""
        return {name: sorted(map(self._plain, self.store.rows(query)), key=repr) for name, query in CONTENT.items()}

    def _plain(self, row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(one.replace(self.proxy.url, HOME) if isinstance(one, str) else one for one in row)


# --- what a pull may find


def first(life: Life) -> None:
    """Everything that an issue can have."""
    one, two, three, *_ = _ours(life)
    life.step(one, _doing(life))
    life.step(two, _done(life))
    for label in ("red", "blue"):
        life.toggle(one, "label", label)
    life.toggle(one, "milestone", str(life.goals_of(one)[0].id))
    life.link(one, two)
    life.write(two, "assignee", "w1")
    life.write(two, "due_on", "2026-05-01")
    life.write(three, "estimate", "3")


def then(life: Life) -> None:
    """The next day something of everything has changed."""
    life.passes(25)
    one, two, three, four, *_ = _ours(life)
    life.step(one, _done(life))
    life.toggle(one, "label", "red")
    life.toggle(three, "milestone", str(life.goals_of(three)[0].id))
    life.write(two, "assignee", "w2")
    life.link(three, four)
    life.postpone(life.company.goals[0], 90)
    life.create(life.read[1])
    life.delete(_ours(life)[5])
    life.passes(1)


def after(life: Life) -> None:
    """A day later nothing has changed, but what was deleted is taken out."""
    life.passes(25)


CHAPTERS: Final[Sequence[Callable[[Life], None]]] = (first, then, after)


def _ours(life: Life) -> list[Item]:
    """What our configuration names, epics last."""
    found = [one for one in life.living() if one.project in life.read]
    return sorted(found, key=lambda one: one.initial["kind"] == "Epic")


def _doing(life: Life) -> str:
    return "workflow::doing" if life.is_gitlab else "Doing"


def _done(life: Life) -> str:
    return "closed" if life.is_gitlab else "Done"


# --- plans


def once_each(fault: Fault) -> Plan:
    """Every request meets the fault at first, and passes when it is made again."""
    met: set[tuple[str, str, bytes]] = set()

    def plan(asked: Asked) -> Fault | None:
        what = (asked.method, asked.path, asked.body)
        if what in met:
            met.remove(what)
            return None
        met.add(what)
        return fault

    return plan


def always(fault: Fault) -> Plan:
    """Every request meets the fault."""
    return lambda asked: fault


def stuck() -> Plan:
    """Every page of a list is its first: the same rows, the same token of the next."""
    answered: dict[str, tuple[Headers, bytes]] = {}

    def plan(asked: Asked) -> Fault | None:
        what = _question(asked)
        return rewritten(lambda headers, data: answered.setdefault(what, (headers, data)))

    return plan


def _question(asked: Asked) -> str:
    """What is asked, whichever its page."""
    path, _, query = asked.path.partition("?")
    parameters = [(name, value) for name, value in parse_qsl(query) if name not in _MARKS]
    body = json.loads(asked.body or "{}")
    unmarked = {name: value for name, value in body.items() if name not in _MARKS}
    variables = {name: value for name, value in body.get("variables", {}).items() if name not in _MARKS}
    return json.dumps([asked.method, path, parameters, unmarked | {"variables": variables}])


def between(fault: Fault, first: int, count: int | None = None) -> Plan:
    """Requests meet the fault from the ``first`` on: so many, or all that come."""
    number = 0

    def plan(_asked: Asked) -> Fault | None:
        nonlocal number
        number += 1
        return fault if number >= first and (count is None or number < first + count) else None

    return plan
