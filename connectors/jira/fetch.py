"""What to ask a Jira, in which order: the connector itself. Cloud and Data Center differ in ``cloud`` and
``data_center`` only.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.base import Traits
from connectors.jira.assemble import Assembler
from connectors.jira.boards import estimated_by
from connectors.jira.catalogue import CatalogueReader
from connectors.jira.cloud import CloudReader
from connectors.jira.cursor import Cursor, jql, oldest, quoted
from connectors.jira.data_center import DataCenterReader
from connectors.jira.fields import Fields, discover
from connectors.jira.normalize import Site
from connectors.jira.trace import trace
from connectors.jira.values import told_at
from connectors.malformed import understood
from pmo_sync.clients.jira import JiraClient, RefusedError
from pmo_sync.config import SourceConfig
from pmo_sync.errors import ConfigError, TrackerError
from pmo_sync.http.network import Network
from pmo_sync.model import Catalogue, Census, Identity, Page, Problem, Project, Trace

PAST: Final = 946_684_800_000  # milliseconds; the year 2000, before Jira
log: Final = logging.getLogger("pmo_sync.jira")


@dataclass(frozen=True, slots=True)
class _Opened:
    """What the first questions bring: our account, the site's fields, and a reader for its kind of Jira."""

    me: Mapping[str, Any]  # empty: we come as anybody
    site: Site
    problems: tuple[Problem, ...]
    reader: CloudReader | DataCenterReader


class JiraConnector:
    """Reads one Jira. Nothing is asked before the first call; fields are asked for once."""

    def __init__(self, options: SourceConfig, traits: Traits, network: Network) -> None:
        if options.server is None:
            raise ConfigError([f"source.{options.name}.url: missing"])
        self.source = options.name
        self.traits = traits
        self.client = JiraClient(options.server, network)
        self._server = options.server
        self._options = options
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._epoch: bool | None = None

    def check(self) -> Identity:
        """Who am I, and may I read? Raises AccessError or TrackerError."""
        with understood(self.source, "what it says of itself"):
            return self._check()

    def _check(self) -> Identity:
        info = self.client.server_info()
        is_first = self._opened is None
        me = self._open().me
        if not is_first and self._server.has_login:
            me = self.client.myself()  # it may have been put out since
        has_own_token = self._server.token is not None and self._server.user is None
        kind = "Cloud" if self._is_cloud else f"Data Center {info.version}".strip()
        return Identity(
            account=str(me.get("accountId") or me.get("name") or me.get("key") or "anonymous"),
            server=f"Jira {kind}",
            now=info.now,
            token_expires_on=self.client.token_expires_on() if has_own_token and not self._is_cloud else None,
        )

    def catalogue(self) -> Catalogue:
        """The configured projects with their statuses, versions and sprints."""
        with understood(self.source, "its catalogue"):
            opened = self._open()
            reader = CatalogueReader(self.client, opened.site, self._server.workers)
            return reader.read(self._options.projects, opened.problems)

    def pages(self, project: Project, cursor: str | None) -> Iterator[Page]:
        """Whole issues from ``cursor`` on; the last page is empty and its cursor marks the pass as complete."""
        with understood(self.source, f"an answer about {project.key}"):
            yield from self._pages(project, cursor)

    def _pages(self, project: Project, cursor: str | None) -> Iterator[Page]:
        """A pass that was cut off goes on, and another follows: rows come in the order of keys, so what changed since
        in front of the cut was not in the rest.
        """
        opened = self._open()
        opened.site.projects[project.key] = project.project_id
        fields = opened.site.fields.ids
        before = Cursor.parse(cursor) or Cursor()
        if not before.is_by(fields):
            log.info("%s: %s: other fields are read than before: everything is read again", self.source, project.key)
            before = Cursor(epoch=before.epoch)
        before = replace(before, fields=fields)
        if before.started is not None:
            yield from self._pass(opened, project, before)
            before = before.done()
        now = self.client.server_time()
        running = before.begin(now, epoch=self._takes_epoch(opened, project, before, now))
        yield from self._pass(opened, project, running)

    def _pass(self, opened: _Opened, project: Project, running: Cursor) -> Iterator[Page]:
        epoch = bool(running.epoch)
        zone = "UTC" if epoch or running.since is None else self._account_zone()
        question = jql(project.key, running.since, epoch=epoch, zone=zone)
        for batch in opened.reader.batches(question, running.position):
            self.client.ensure_open()
            page = batch.page(running.at(batch.position).text())
            if running.since is not None:
                self._ensure_news(page, oldest(running.since, epoch=epoch))
            yield page
        self.client.ensure_open()
        yield Page((), (), (), (), running.done().text())

    def _ensure_news(self, page: Page, bound: datetime) -> None:
        """Servers ignore what they do not know: then all would come again, at each pull, and pass for news."""
        for one in page.issues:
            if one.updated_at < bound:
                raise TrackerError(
                    f"{self.source}: the server ignored updated >= in what it was asked: {one.key} was last changed "
                    f"{one.updated_at:%Y-%m-%d %H:%M} UTC; nothing can be read safely from it"
                )

    def census(self, project: Project, *, sweep: bool) -> Census:
        """The server's count; with ``sweep`` every id, and their number."""
        with understood(self.source, f"its list of {project.key}"):
            reader = self._open().reader
            if not sweep:
                return Census(project.project_id, reader.count(f"project = {quoted(project.key)}"))
            listed = reader.sweep(jql(project.key, None, epoch=False, zone="UTC"))
            shown = {f"{self.source}:{one}": told_at(updated) for one, updated in listed.items()}
            changed = {one: at for one, at in shown.items() if at is not None}
            return Census(project.project_id, len(shown), frozenset(shown), changed)

    def trace(self, project: Project, issue_ids: Sequence[str]) -> Iterator[Trace]:
        """Each is asked for by its id, which survives a move."""
        if issue_ids:
            with understood(self.source, f"an answer about {project.key}"):
                yield from trace(self.client, self._open().reader, project, issue_ids)

    def since(self, moment: datetime, cursor: str) -> str:
        """``cursor`` as if its last pass had been complete at ``moment``."""
        return (Cursor.parse(cursor) or Cursor()).set_back(moment).text()

    def requests(self, issues: int) -> int:
        """A probe and a count, and what the kind of Jira needs for so many issues."""
        with understood(self.source, "what it says of itself"):
            return 2 + self._open().reader.requests(issues)

    def close(self) -> None:
        """The client refuses every further request, so each reader's next step ends."""
        self.client.close()

    def _open(self) -> _Opened:
        with self._lock:
            if self._opened is None:
                me = self.client.myself() if self._server.has_login else {}  # anybody would be shown less, and not told
                fields, problems = self._fields()
                site = Site(self.source, self._server.url, fields, _zone(me.get("timeZone")))
                kind = CloudReader if self._is_cloud else DataCenterReader
                assembler = Assembler(self.client, site)
                reader = kind(self.client, assembler, site.asked, self._server.workers)
                self._opened = _Opened(me, site, problems, reader)
            return self._opened

    @property
    def _is_cloud(self) -> bool:
        return self.client.flavour == "cloud"

    def _fields(self) -> tuple[Fields, tuple[Problem, ...]]:
        """The site's fields; boards are asked only where these do not tell the estimate."""
        described, by_name = self.client.get("field"), not self._is_cloud
        found = discover(self.source, described, self._options.fields, by_name=by_name)
        if found[0].need_boards:
            boards = estimated_by(self.client, self._options.projects)
            found = discover(self.source, described, self._options.fields, boards, by_name=by_name)
        return found

    def _takes_epoch(self, opened: _Opened, project: Project, before: Cursor, now: datetime) -> bool | None:
        """Whether ``updated >= milliseconds`` works here; Atlassian does not document it. Asked once per source.

        A server that understands it knows that everything was changed since 2000, and nothing in ten years' time. In an
        empty project that cannot be seen, and minutes in the account's zone do as well.
        """
        if before.epoch is not None:
            return before.epoch
        if self._epoch is None:
            future = int((now + timedelta(days=3650)).timestamp() * 1000)
            question = f"project = {quoted(project.key)} AND updated >= {PAST} AND NOT updated >= {future}"
            try:
                if not opened.reader.has_any(question):
                    return None  # this project may be empty
                self._epoch = True
            except RefusedError:
                self._epoch = False
            except TrackerError:  # that told nothing of the server: the next pass asks again
                self.client.ensure_open()
        return self._epoch

    def _account_zone(self) -> str:
        """The zone in which this server reads our JQL. For nobody's account it is the server's own, which is unknown:
        the westernmost zone never asks for too little.
        """
        if not self._server.has_login:
            return "Etc/GMT+12"
        zone = self._open().site.zone
        if zone is None:
            name = self._open().me.get("timeZone")
            raise TrackerError(
                f"{self.source}: the account's time zone {name!r} is unknown here; set it to UTC in its profile"
            )
        return zone.key


def _zone(name: Any) -> ZoneInfo | None:
    """The zone of that name; None where there is none."""
    try:
        return ZoneInfo(str(name)) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
