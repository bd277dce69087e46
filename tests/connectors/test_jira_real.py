"""Jira on real input: the DURACLOUD history served by the third-party simulator, and recorded payloads."""

from __future__ import annotations

import csv
import gzip
import json
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.jira import connect
from connectors.jira.boards import BoardReader
from connectors.jira.catalogue import CatalogueReader
from connectors.jira.cursor import Cursor
from connectors.jira.fetch import JiraConnector
from connectors.jira.fields import Fields, discover
from connectors.jira.links import remote_links
from connectors.jira.normalize import Records, Site, draft, records
from connectors.jira.values import moment
from connectors.jira.wire import RawIssue
from pmo_sync.config import ServerConfig, SourceConfig
from pmo_sync.errors import DataError
from pmo_sync.http.network import Network
from pmo_sync.model import Interval, Page
from tests.clocks import QuickClock
from tests.connectors import jira820
from tests.connectors.jira820 import jira820_url
from tests.contract.harness import Stored

__all__ = ["jira820_url"]  # a fixture
pytestmark = pytest.mark.real
REOPENED_WITH_RESOLUTION = ("DURACLOUD-138", "DURACLOUD-275")


def source(url: str, *projects: str, **fields: str) -> SourceConfig:
    server = ServerConfig(url, url, None, None, None, None, None, None, 4, 1000.0)
    return SourceConfig("dura", "jira", server, None, projects, {}, fields, (), None, 0.2)


def normalized(site: Site, raw: Mapping[str, Any]) -> Records:
    made = draft(site, msgspec.convert(raw, RawIssue))
    return records(site, made, {key: f"key-{key}" for key in made.wanted}, [])


def history(data_dir: Path, project: str) -> list[dict[str, Any]]:
    with gzip.open(data_dir / "jira-history" / f"{project}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def table(data_dir: Path, name: str, project: str) -> list[dict[str, str]]:
    with (data_dir / "jira-history" / name).open(encoding="utf-8", newline="") as lines:
        return [row for row in csv.DictReader(lines) if row["project"] == project]


def holding(intervals: Iterable[Interval], field: str, before: datetime) -> list[Interval]:
    """What held just before a moment: the tables' meaning of "as of a day" is the midnight after it."""
    return [
        one
        for one in intervals
        if one.field == field and one.since < before and (one.until is None or one.until >= before)
    ]


def midnight_after(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(days=1)


def test_the_simulator_is_pulled_whole(jira820_url: str, data_dir: Path) -> None:
    connector = connect(source(jira820_url, jira820.PROJECT), Network(QuickClock()))
    assert isinstance(connector, JiraConnector)
    assert connector.check().server == "Jira Data Center 8.20.8"
    assert connector.check().account == "anonymous"
    catalogue = connector.catalogue()
    (project,) = catalogue.projects
    assert catalogue.problems == ()
    assert Counter(one.kind for one in catalogue.milestones) == {"version": jira820.VERSIONS, "sprint": 2}
    assert {one.name: one.category for one in catalogue.statuses} == {
        "Open": "todo", "Reopened": "todo", "Received": "todo", "In Progress": "doing", "In Review": "doing",
        "Resolved": "done", "Closed": "done",
    }  # fmt: skip

    pages = list(connector.pages(project, None))
    assert [problem for page in pages for problem in page.problems] == []
    stored = Stored(pages)
    assert len(stored.issues) == jira820.ISSUES
    assert {one.project_id for one in stored.issues.values()} == {project.project_id}
    done = {one.status_id for one in catalogue.statuses if one.category == "done"}
    intervals = [one for found in stored.intervals.values() for one in found]
    assert sum(one.field == "status" and one.until is None and one.value in done for one in intervals) == jira820.DONE
    assert connector.census(project, sweep=False).count == jira820.ISSUES
    assert connector.census(project, sweep=True).issue_ids == frozenset(stored.issues)

    # every history was read: the boundaries of our stays are the recorded changes, and nothing else
    recorded = history(data_dir, jira820.PROJECT)
    assert sum(len(one["changelog"]["histories"]) for one in recorded) == jira820.HISTORIES
    keys = {one.key: one.issue_id for one in stored.issues.values()}
    for one in recorded:
        moves = {
            moment(change["created"]).replace(microsecond=0)
            for change in one["changelog"]["histories"]
            for item in change["items"]
            if item["field"] == "status" and item["from"] != item["to"]
        }
        stays = [stay for stay in stored.intervals[keys[one["key"]]] if stay.field == "status"]
        assert {stay.since.replace(microsecond=0) for stay in stays} - {
            moment(one["fields"]["created"]).replace(microsecond=0)
        } <= moves
        assert len(stays) >= min(len(moves), 1)
    # the simulator shows a resolution in done statuses only; the recorded server kept it on two reopened issues
    site = Site("dura", jira820_url, Fields({}, {}))
    for raw in recorded:
        if raw["key"] in REOPENED_WITH_RESOLUTION:
            own = stored.intervals[keys[raw["key"]]]
            assert [one for one in own if one.field == "resolution"] == []
            own += [
                one._replace(entity_id=keys[raw["key"]])
                for one in normalized(site, raw).intervals
                if one.field == "resolution"
            ]
    as_recorded(data_dir, jira820.PROJECT, stored)


def as_recorded(data_dir: Path, project: str, stored: Stored) -> None:
    """The states at every quarter's end are those of the tables."""
    intervals = [one for found in stored.intervals.values() for one in found]
    rows = table(data_dir, "expected_asof.csv", project)
    assert len(rows) > 3
    for row in rows:
        before = midnight_after(row["as_of"])
        resolved = {one.entity_id for one in holding(intervals, "resolution", before)}
        existing = {one.issue_id for one in stored.issues.values() if one.created_at < before}
        assert (len(existing), len(resolved)) == (int(row["existing"]), int(row["resolved"])), row
    expected: dict[str, dict[str, int]] = {}
    for row in table(data_dir, "expected_status_asof.csv", project):
        expected.setdefault(row["as_of"], {})[row["status"]] = int(row["issues"])
    for day, counts in expected.items():
        assert Counter(one.label for one in holding(intervals, "status", midnight_after(day))) == counts, day


@pytest.mark.parametrize("project", ["DURACLOUD", "CB", "DS", "HYDRA"])
def test_states_of_the_past_equal_the_tables(data_dir: Path, project: str) -> None:
    site = Site("real", "https://jira.example.org", Fields({}, {}))
    stored = Stored()
    for raw in history(data_dir, project):
        made = normalized(site, raw)
        stored.add(Page((made.issue,), tuple(made.intervals), tuple(made.people), (), ""))
    as_recorded(data_dir, project, stored)


@pytest.mark.parametrize("project", ["DURACLOUD", "CB", "DS", "HYDRA", "VIVOONT", "HYDRUS", "HYHULL"])
def test_versions_are_replayed_backwards_and_forwards(data_dir: Path, project: str) -> None:
    """At every change of a version: what held before it and after it is what undoing the items one by one gives."""
    site = Site("real", "https://jira.example.org", Fields({}, {}))
    compared = 0
    for raw in history(data_dir, project):
        made = normalized(site, raw)
        born = made.issue.created_at
        state = {one["id"] for one in raw["fields"].get("fixVersions") or ()}
        changes = [
            (moment(change["created"]), item)
            for change in raw["changelog"]["histories"]
            for item in change["items"]
            if item["field"] == "Fix Version"
        ]
        changes.sort(key=lambda one: one[0])
        for at, item in reversed(changes):
            if not any(other is not item and when == at for when, other in changes) and at > born:
                now = {one.value for one in made.intervals if one.field == "milestone" and one.since <= at and (one.until is None or one.until > at)}  # fmt: skip
                assert now == {f"real:version:{one}" for one in state}, (raw["key"], at)
                compared += 1
            state.discard(item.get("to"))
            if item.get("from"):
                state.add(item["from"])
    assert compared > 0


def test_an_incremental_pull_sees_what_is_done_now(jira820_url: str) -> None:
    connector = connect(source(jira820_url, jira820.PROJECT), Network(QuickClock()))
    (project,) = connector.catalogue().projects
    *_, last = connector.pages(project, None)
    # the simulator breaks on milliseconds, so minutes are asked for; it cuts them to days
    assert json.loads(last.cursor)["epoch"] is None
    request = urllib.request.Request(
        f"{jira820_url}/rest/api/2/issue/DURACLOUD-101",
        data=json.dumps({"fields": {"summary": "Changed"}}).encode(),
        headers={"Content-Type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status < 300
    # its clock for changes stands on another day than its serverTime, so the watermark is put back before that
    done = Cursor.parse(last.cursor)
    assert done is not None
    then = replace(done, complete=datetime(2015, 1, 20, tzinfo=UTC))
    again = connect(source(jira820_url, jira820.PROJECT), Network(QuickClock()))
    news = [issue for page in again.pages(project, then.text()) for issue in page.issues]
    assert [(one.key, one.title) for one in news] == [("DURACLOUD-101", "Changed")]


def test_a_killed_pull_of_the_simulator_resumes(jira820_url: str) -> None:
    connector = connect(source(jira820_url, jira820.PROJECT), Network(QuickClock()))
    (project,) = connector.catalogue().projects
    pages = []
    for page in connector.pages(project, None):
        pages.append(page)
        if len(pages) == 3:
            break
    resumed = list(
        connect(source(jira820_url, jira820.PROJECT), Network(QuickClock())).pages(project, pages[-1].cursor)
    )
    first = {one.issue_id for page in pages for one in page.issues}
    rest = {one.issue_id for page in resumed for one in page.issues}
    assert not first & rest
    assert len(first | rest) == jira820.ISSUES


def test_java_sprints_of_old_servers(data_dir: Path) -> None:
    """The recorded sprints are Java's text form; their field is the one whose values look so."""
    raws = history(data_dir, "DURACLOUD")
    sprint_field = next(
        name
        for raw in raws
        for name, value in raw["fields"].items()
        if isinstance(value, list) and value and "greenhopper" in str(value[0])
    )
    site = Site("real", "https://jira.example.org", Fields({"sprint": (sprint_field,)}, {sprint_field: "Sprint"}))
    found = [one for raw in raws for one in normalized(site, raw).intervals if ":sprint:" in one.value]
    assert {(one.value, one.label) for one in found} == {
        ("real:sprint:3", "DuraCloud 2.4"),
        ("real:sprint:31", "DuraCloud 3.0.1"),
    }
    assert min(one.since for one in found).date() == date(2013, 6, 12)


def test_jirametrics_issues(data_dir: Path) -> None:
    ids = {"flagged": ("customfield_10021",), "estimate": ("customfield_10036",), "sprint": ("customfield_10020",)}
    site = Site("jm", "https://example.atlassian.net", Fields(ids, {}))
    made = {}
    files = sorted((data_dir / "jirametrics").rglob("SP-*.json"))
    assert len(files) == 12
    for file in files:
        one = normalized(site, json.loads(file.read_text(encoding="utf-8")))
        made[f"{file.parent.name}/{one.issue.key}"] = one
    ten = made["testdata/SP-10"].intervals
    assert [one.label for one in ten if one.field == "status"][:2] == ["Backlog", "Selected for Development"]
    flags = [(key, one) for key, found in made.items() for one in found.intervals if one.field == "flagged"]
    assert {one.value for _, one in flags} == {"true"}
    blocked = [one for found in made.values() for one in found.intervals if one.field == "blocked_by"]
    assert "SP-14" in {one.label for one in blocked}
    assert {one.value for found in made.values() for one in found.intervals if one.field == "estimate"} >= {"13"}
    assert ("jm:sprint:3", "Scrum Sprint 3") in {
        (one.value, one.label) for found in made.values() for one in found.intervals if one.field == "milestone"
    }


def test_airbyte_issues(data_dir: Path) -> None:
    site = Site("ab", "https://example.atlassian.net", Fields({"sprint": ("customfield_10020",)}, {}))
    made = {}
    with gzip.open(data_dir / "airbyte" / "source-jira.expected_records.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if record["stream"] == "issues":
                one = normalized(site, record["data"])
                made[one.issue.key] = one
    assert set(made) == {"IT-24", "IT-26"}
    assert made["IT-26"].issue.level == 1
    assert made["IT-24"].issue.level == 0
    assert {(one.field, one.label) for one in made["IT-24"].intervals if one.field == "relates"} == {
        ("relates", "IT-22"), ("relates", "IT-23"),
    }  # fmt: skip
    assert "ab:sprint:10" in {one.value for one in made["IT-24"].intervals}
    assert "@" not in repr(made)


def test_go_jira_payloads(data_dir: Path) -> None:
    folder = data_dir / "go-jira"
    site = Site("go", "https://jira.example.org", Fields({}, {}))
    issues = json.loads((folder / "issues_in_sprint.json").read_text(encoding="utf-8"))["issues"]
    for raw in issues:
        raw["fields"].setdefault("updated", raw["fields"]["created"])
        assert normalized(site, raw).issue.title == raw["key"], "these were recorded without a summary"
    reader = CatalogueReader(None, site, 1)  # type: ignore[arg-type] - nothing is asked
    sprints = json.loads((folder / "sprints.json").read_text(encoding="utf-8"))["values"]
    project = reader._project({"id": "1", "key": "GO", "name": "Go"})
    boards = BoardReader(None, site, 1)  # type: ignore[arg-type]
    first = boards._sprint(sprints[0], project.project_id, 734)
    assert (first.milestone_id, first.state, first.due_on, first.closed_on) == (
        "go:sprint:740", "closed", date(2016, 4, 27), date(2016, 4, 28),
    )  # fmt: skip
    with gzip.open(folder / "all_projects.json.gz", "rt", encoding="utf-8") as text:
        projects = [reader._project(raw) for raw in json.load(text)]
    assert len({one.project_id for one in projects}) == len(projects) > 50
    statuses = [reader._status(raw) for raw in json.loads((folder / "all_statuses.json").read_text(encoding="utf-8"))]
    assert {one.category for one in statuses} <= {"todo", "doing", "done", None}
    remote = json.loads((folder / "remote_links.json").read_text(encoding="utf-8"))
    assert remote_links(remote, [], datetime(2026, 1, 1, tzinfo=UTC)) == [], "a support page is not an issue"


def test_fields_of_seven_public_sites(data_dir: Path) -> None:
    folder = data_dir / "jira-field-catalogs"
    columns = {
        "sprint": "sprint", "epic_link": "epic_link", "flagged": "flagged", "target_start": "start_on",
        "target_end": "due_on",
    }  # fmt: skip
    with (folder / "expected_fields.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 7
    for row in rows:
        with gzip.open(folder / f"{row['site']}.fields.json.gz", "rt", encoding="utf-8") as text:
            fields, problems = discover("site", json.load(text), {})
        assert set(fields.of("estimate")) == set(row["story_points"].split()), row["site"]
        for column, ours in columns.items():
            if row[column]:
                assert fields.of(ours)[0] == row[column], (row["site"], ours)
        assert problems == (), row["site"]


def test_a_recorded_issue_without_its_status_is_refused(data_dir: Path) -> None:
    raw = history(data_dir, "HYHULL")[0]
    del raw["fields"]["status"]
    site = Site("real", "https://jira.example.org", Fields({}, {}))
    with pytest.raises(DataError, match="status is missing"):
        normalized(site, raw)


def test_the_recorded_inconsistencies_do_not_break_us(data_dir: Path) -> None:
    """The present value wins: also where the history contradicts it."""
    site = Site("real", "https://jira.example.org", Fields({}, {}))
    contradicted = 0
    for project in ("DURACLOUD", "CB", "DS", "HYDRA", "VIVOONT", "HYDRUS", "HYHULL"):
        for raw in history(data_dir, project):
            made = normalized(site, raw)
            resolution = raw["fields"].get("resolution")
            now = [one.value for one in made.intervals if one.field == "resolution" and one.until is None]
            assert now == ([resolution["id"]] if resolution else []), raw["key"]
            changes = sorted(raw["changelog"]["histories"], key=lambda change: moment(change["created"]))
            logged = [item for change in changes for item in change["items"] if item["field"] == "resolution"]
            shown = resolution["name"] if resolution else None
            contradicted += bool(logged) and (logged[-1].get("toString") or None) != shown
    assert contradicted == 2
