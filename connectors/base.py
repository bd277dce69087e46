"""The contract of a connector: it reads one tracker into records. It never stores and never asks the time.

A connector is a package with at least these three files, read in this order (Jira's, with two kinds of server, has
more beside them):

``__init__.py``   ``TRAITS`` and ``connect(options, network) -> Connector``
``fetch.py``      what to ask, in which order; the only code of the connector that talks through a client
``normalize.py``  pure: raw JSON -> records; no input or output, no clock

Obligations, each checked by ``tests/contract/connector.py``:

* every id starts with ``source:`` and an issue keeps its id when its key changes;
* a page holds whole issues: an issue is yielded only with its complete history, and once on a page;
* intervals of one entity and single-valued field do not overlap; the last one is open while the value holds;
* times are aware UTC; no interval starts before the issue was created;
* the values set at creation, which trackers do not log, start at ``created_at``;
* a cursor handed back resumes: nothing that changed since is missed, though it stood before the cut, and nothing is doubled;
* a cursor knows how what is before it was read: where the configuration says otherwise now, everything is read again;
* the last page of a pass may be empty of issues; its cursor marks the pass as complete;
* a malformed issue becomes a ``Problem`` of its page, the rest of the page is kept;
* no row older than a bound we asked for is taken: servers ignore parameters they do not know;
* wrong credentials raise ``AccessError``, a dead server ``TrackerError``; neither reads as "no issues"; with
  ``ShutOutError`` no other project is asked for;
* descriptions, comment texts and e-mail addresses never leave ``normalize``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pmo_sync.config import Flavour
from pmo_sync.model import Catalogue, Census, Identity, Page, Project, Trace


@dataclass(frozen=True, slots=True)
class Traits:
    """What a connector can promise; the core reads this and never asks for a type."""

    incremental: bool  # pages(project, cursor) can return only what changed
    counts: bool  # census() knows a count without reading the issues


class Connector(Protocol):
    """Reads one tracker."""

    source: str
    traits: Traits

    def check(self) -> Identity:
        """Who am I, and may I read? Raises AccessError or TrackerError."""
        ...

    def catalogue(self) -> Catalogue:
        """The configured projects with their statuses and milestones, in full.

        A configured project that is missing or unreadable is a problem, not an exception.
        """
        ...

    def pages(self, project: Project, cursor: str | None) -> Iterator[Page]:
        """Whole issues with their whole history, from ``cursor`` on; None reads everything."""
        ...

    def census(self, project: Project, *, sweep: bool) -> Census:
        """What the server has now; with ``sweep`` also every id."""
        ...

    def trace(self, project: Project, issue_ids: Sequence[str]) -> Iterator[Trace]:
        """One trace for each of the project's issues that a sweep missed, each asked for by itself; none for those of
        which the server does not say what has become.

        Nothing is taken out of the store before this was asked: an index that lags says ``here``.
        """
        ...

    def since(self, moment: datetime, cursor: str) -> str:
        """``cursor`` of pages set back: what changed since ``moment`` comes again, and whatever would come without."""
        ...

    def requests(self, issues: int) -> int:
        """About how many requests the first pull of a project with so many issues takes; 0 without a server."""
        ...

    def close(self) -> None:
        """Stop: whatever is under way ends soon, with TrackerError. Safe from any thread, and twice."""
        ...


@dataclass(frozen=True, slots=True)
class Survey:
    """What a first configuration may want to name, beyond the catalogue. Asked for by `init` alone."""

    flavour: Flavour | None = None  # where a kind of tracker has several
    kinds: tuple[str, ...] = ()  # issue types
    labels: tuple[str, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)  # project key -> what the tracker groups it under
