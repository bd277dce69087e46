"""The contract of every connector, for the files connector."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import Connector
from pmo_sync.model import Project
from tests.connectors.test_files import PEOPLE, PROJECTS, STATUSES, Rows, connector, issue, stay, write_jsonl
from tests.contract.connector import ConnectorContract
from tests.contract.harness import Harness


class FilesHarness(Harness):
    """A folder with one project of interest, its issues started, labelled and linked."""

    source = "old"
    project_key = "PAY"
    hidden = ("a private description", "somebody@example.invalid")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.issues: Rows = [
            issue(number, description=self.hidden[0], reporter=self.hidden[1], title="t\0") for number in range(1, 1201)
        ]
        self.intervals: Rows = []
        for number in range(1, 1201):
            self.intervals += [
                stay(number, "status", "1", until="2026-02-01T09:00:00Z"),
                stay(number, "status", "2", since="2026-02-01T16:00:00+07:00"),
                stay(number, "label", "a", until="2026-01-20T09:00:00Z"),
                stay(number, "label", "a", since="2026-01-25T09:00:00Z"),
                stay(number, "relates", str(number % 1200 + 1)),
                stay(number, "assignee", "u1"),
            ]
        write_jsonl(folder / "projects", PROJECTS)
        write_jsonl(folder / "statuses", STATUSES)
        write_jsonl(folder / "people", PEOPLE)
        self._write()

    def _write(self) -> None:
        write_jsonl(self.folder / "issues", self.issues)
        write_jsonl(self.folder / "intervals", self.intervals)

    def connect(self) -> Connector:
        return connector(self.folder)

    def issue_ids(self) -> frozenset[str]:
        return frozenset(f"old:{row['issue_id']}" for row in self.issues if row["project_id"] == "p1")

    def now(self) -> datetime:
        return datetime(2026, 6, 1, tzinfo=UTC)

    def change(self) -> str:
        self.intervals[1]["value"] = "3"
        self._write()
        return "old:1"

    def malform(self) -> str:
        del self.issues[4]["title"]
        self._write()
        return "old:5"

    def delete(self) -> str:
        gone = self.issues.pop()
        self._write()
        return f"old:{gone['issue_id']}"

    def move(self) -> tuple[str, str]:
        self.issues[0] |= {"project_id": "p2", "key": "WEB-9"}
        self._write()
        return "old:1", "WEB-9"

    def lag(self) -> None:
        """A folder is what it is."""


@pytest.fixture
def harness(tmp_path: Path) -> FilesHarness:
    return FilesHarness(tmp_path)


class TestFiles(ConnectorContract):
    def test_a_change_of_the_files_reads_them_again(self, harness: FilesHarness) -> None:
        """The suite skips incremental promises here: this connector makes another one."""
        project = Project("old:p1", "old", "PAY", "", "", is_archived=False)
        *_, last = harness.connect().pages(project, None)
        assert list(harness.connect().pages(project, last.cursor)) == []
        changed = harness.change()
        again = [one for page in harness.connect().pages(project, last.cursor) for one in page.intervals]
        assert [one.value for one in again if one.entity_id == changed and one.field == "status"] == ["old:1", "old:3"]
        assert json.loads(last.cursor)["done"] is None
