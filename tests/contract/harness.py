"""What the contract of connectors needs of a tracker, and what a store makes of a connector's pages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime

from connectors.base import Connector
from pmo_sync.model import Interval, Issue, Page, Person


class Harness(ABC):
    """A tracker with one project of some dozens of issues, and the truth about it."""

    source: str  # the name the connector was configured with
    project_key: str
    hidden: Sequence[str]  # texts that the tracker serves and nobody may store: descriptions, comments, e-mails

    @abstractmethod
    def connect(self) -> Connector:
        """A new connector with all it needs."""

    @abstractmethod
    def issue_ids(self) -> frozenset[str]:
        """Our ids of the issues that exist now."""

    @abstractmethod
    def now(self) -> datetime:
        """The tracker's present."""

    @abstractmethod
    def change(self) -> str:
        """Time passes and the status of one issue changes; our id of it."""

    @abstractmethod
    def malform(self) -> str:
        """From now on the tracker serves one issue that cannot be understood; our id of it."""

    @abstractmethod
    def delete(self) -> str:
        """One issue is deleted; our id of it."""

    @abstractmethod
    def move(self) -> tuple[str, str] | None:
        """One issue goes to another project; our id of it and its new key. None: here a move makes a new issue."""

    @abstractmethod
    def lag(self) -> str | None:
        """From now on the tracker's lists leave one issue out that is there; our id of it. None: lists cannot lag."""


class ServerHarness(Harness):
    """A tracker behind HTTP."""

    @abstractmethod
    def connect_with_wrong_token(self) -> Connector:
        """A connector whose token is not accepted."""

    @abstractmethod
    def connect_to_nobody(self) -> Connector:
        """A connector whose server does not answer."""

    @abstractmethod
    def ignore_bounds(self) -> None:
        """From now on the server answers as if it were not asked for changes since a moment, but for all."""

    @abstractmethod
    def answered(self) -> int:
        """How many requests the server has answered so far."""


class Stored:
    """What a store does with pages: an issue that comes again replaces itself and all its intervals."""

    def __init__(self, pages: Iterable[Page] = ()) -> None:
        self.issues: dict[str, Issue] = {}
        self.intervals: dict[str, list[Interval]] = {}
        self.people: dict[str, Person] = {}
        for page in pages:
            self.add(page)

    def add(self, page: Page) -> None:
        """Store one page."""
        for issue in page.issues:
            self.issues[issue.issue_id] = issue
            self.intervals[issue.issue_id] = []
        for interval in page.intervals:
            self.intervals[interval.entity_id].append(interval)
        self.people |= {person.person_id: person for person in page.people}

    def content(self) -> tuple[dict[str, Issue], dict[str, list[Interval]], dict[str, Person]]:
        """In a comparable form."""
        order = {
            key: sorted(found, key=lambda one: (one.field, one.since, one.value))
            for key, found in self.intervals.items()
        }
        return self.issues, order, self.people
