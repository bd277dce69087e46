"""What to ask a Jira, in which order: the connector itself. Cloud and Data Center differ in ``cloud`` and
``data_center`` only.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.base import Traits
from connectors.jira.assemble import Assembler
from connectors.jira.catalogue import CatalogueReader
from connectors.jira.cloud import CloudReader
from connectors.jira.cursor import Cursor, jql, quoted
from connectors.jira.data_center import DataCenterReader
from connectors.jira.fields import discover
from connectors.jira.normalize import Site
from pmo_sync.clients.jira import JiraClient
from pmo_sync.clock import Clock
from pmo_sync.config import SourceConfig
from pmo_sync.errors import ConfigError, TrackerError
from pmo_sync.model import Catalogue, Census, Identity, Page, Problem, Project

PAST: Final = 946_684_800_000  # milliseconds; the year 2000, before Jira


@dataclass(frozen=True, slots=True)
class _Opened:
    """What the first question brings: the site's fields, and a reader for its kind of Jira."""

    site: Site
    problems: tuple[Problem, ...]
    reader: CloudReader | DataCenterReader


class JiraConnector:
    """Reads one Jira. Nothing is asked before the first call; fields are asked for once."""

    def __init__(self, options: SourceConfig, traits: Traits, clock: Clock) -> None:
        if options.server is None:
            raise ConfigError([f"source.{options.name}.url: missing"])
        self.source = options.name
        self.traits = traits
        self.client = JiraClient(options.server, clock)
        self._server = options.server
        self._options = options
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._epoch: bool | None = None
        self._zone: str | None = None

    def check(self) -> Identity:
        """Who am I, and may I read? Raises AccessError or TrackerError."""
        info = self.client.server_info()
        account = "anonymous"
        if self._server.token is not None:
            me = self.client.myself()
            account = str(me.get("accountId") or me.get("name") or me.get("key"))
        self._open()
        kind = "Cloud" if self.client.flavour == "cloud" else f"Data Center {info.get('version', '')}".strip()
        try:
            now = datetime.fromisoformat(str(info["serverTime"])).astimezone(UTC)
        except (KeyError, ValueError):
            now = None
        return Identity(account=account, server=f"Jira {kind}", now=now)

    def catalogue(self) -> Catalogue:
        """The configured projects with their statuses, versions and sprints."""
        opened = self._open()
        return CatalogueReader(self.client, opened.site).read(self._options.projects, opened.problems)

    def pages(self, project: Project, cursor: str | None) -> Iterator[Page]:
        """Whole issues from ``cursor`` on; the last page is empty and its cursor marks the pass as complete."""
        opened = self._open()
        opened.site.projects[project.key] = project.project_id
        before = Cursor.parse(cursor) or Cursor()
        if before.started is None:
            now = self.client.server_time()
            running = before.begin(now, epoch=self._takes_epoch(opened, project, before, now))
        else:
            running = before  # a pass that was cut off goes on
        zone = "UTC" if running.epoch or running.since is None else self._account_zone()
        question = jql(project.key, running.since, epoch=running.epoch, zone=zone)
        for batch in opened.reader.batches(question, running.position):
            yield batch.page(running.at(batch.position).text())
        yield Page((), (), (), (), running.done().text())

    def census(self, project: Project, *, sweep: bool) -> Census:
        """The server's count; with ``sweep`` every id, and their number."""
        reader = self._open().reader
        if not sweep:
            return Census(project.project_id, reader.count(f"project = {quoted(project.key)}"))
        ids = frozenset(f"{self.source}:{one}" for one in reader.ids(jql(project.key, None, epoch=False, zone="UTC")))
        return Census(project.project_id, len(ids), ids)

    def _open(self) -> _Opened:
        with self._lock:
            if self._opened is None:
                fields, problems = discover(self.source, self.client.get("field"), self._options.fields)
                site = Site(self.source, self._server.url, fields)
                kind = CloudReader if self.client.flavour == "cloud" else DataCenterReader
                assembler = Assembler(self.client, site)
                reader = kind(self.client, assembler, site.asked, self._server.workers)
                self._opened = _Opened(site, problems, reader)
            return self._opened

    def _takes_epoch(self, opened: _Opened, project: Project, before: Cursor, now: datetime) -> bool:
        """Whether ``updated >= milliseconds`` works here; Atlassian does not document it. Asked once per source.

        A server that understands it finds nothing in ten years' time, and something since 2000. In an empty project
        the second cannot be seen, and minutes in the account's zone do as well.
        """
        if before.complete is not None:
            return before.epoch
        if self._epoch is None:
            where = f"project = {quoted(project.key)} AND updated >="
            future = int((now + timedelta(days=3650)).timestamp() * 1000)
            try:
                works = not opened.reader.has_any(f"{where} {future}")
                if works and not opened.reader.has_any(f"{where} {PAST}"):
                    return False  # not known: this project may be empty
            except TrackerError:
                works = False
            self._epoch = works
        return self._epoch

    def _account_zone(self) -> str:
        """The zone in which this server reads our JQL. For nobody's account it is the server's own, which is unknown:
        the westernmost zone never asks for too little.
        """
        if self._zone is None:
            name = "Etc/GMT+12" if self._server.token is None else str(self.client.myself().get("timeZone", ""))
            try:
                self._zone = ZoneInfo(name).key
            except (ZoneInfoNotFoundError, ValueError):
                message = (
                    f"{self.source}: the account's time zone {name!r} is unknown here; set it to UTC in its profile"
                )
                raise TrackerError(message) from None
        return self._zone
