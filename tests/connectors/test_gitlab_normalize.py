"""GitLab's JSON becomes records: histories, odd shapes, hostile texts, recorded payloads."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gitlab import milestones, normalize, statuses
from connectors.gitlab.catalogue import project_of
from connectors.gitlab.normalize import Raw, Record
from connectors.gitlab.stays import Change, Stay, stays_of_one, stays_of_set
from pmo_sync.errors import DataError
from pmo_sync.model import Project
from tests.connectors.gitlab_fake import START, issue, stamp

OWNER = Project("acme:1", "acme", "group/app", "App", "http://gitlab.invalid/group/app", False)
Held = list[tuple[str, float, float | None]]


def record(raw: Raw, workflow: str | None = None) -> Record:
    return normalize.issue(raw, OWNER, "acme", workflow)


def held(found: Record, field: str) -> Held:
    """(value, from, until) in minutes after START."""
    return [
        (one.value, (one.since - START) / timedelta(minutes=1), one.until and (one.until - START) / timedelta(minutes=1))
        for one in found.intervals
        if one.field == field
    ]  # fmt: skip


def state(at: float, value: str) -> dict[str, Any]:
    return {"id": int(at), "created_at": stamp(at), "state": value}


def label(at: float, action: str, name: str | None, number: int = 0) -> dict[str, Any]:
    return {"id": number, "created_at": stamp(at), "action": action, "label": name and {"id": 1, "name": name}}


def box(at: float, action: str, number: int | None) -> dict[str, Any]:
    named = number and {"id": number, "title": f"M{number}"}
    return {"id": int(at), "created_at": stamp(at), "action": action, "milestone": named}


def test_an_untouched_issue() -> None:
    found = record(Raw(issue(1, 4, labels=["bug"], due_date="2026-02-01", weight=3, confidential=True)))
    assert found.issue.key == "group/app#4"
    assert found.issue.issue_id == "acme:10004"
    assert found.issue.is_confidential
    assert {(one.field, one.value, one.label) for one in found.intervals} == {
        ("status", "acme:opened", "opened"), ("label", "bug", "bug"), ("estimate", "3", "3"),
        ("kind", "issue", "issue"), ("project", "acme:1", "group/app"), ("due_on", "2026-02-01", "2026-02-01"),
    }  # fmt: skip
    assert all(one.since == START and one.until is None for one in found.intervals)


def test_closed_reopened_closed() -> None:
    row = issue(1, 1, updated=30, state="closed", closed_at=stamp(30))
    found = record(Raw(row, states=[state(30, "closed"), state(10, "closed"), state(20, "reopened")]))
    assert held(found, "status") == [
        ("acme:opened", 0, 10), ("acme:closed", 10, 20), ("acme:opened", 20, 30), ("acme:closed", 30, None),
    ]  # fmt: skip


def test_a_close_that_was_never_logged_is_known_by_closed_at() -> None:
    found = record(Raw(issue(1, 1, updated=90, state="closed", closed_at=stamp(30))))
    assert held(found, "status") == [("acme:opened", 0, 30), ("acme:closed", 30, None)]


def test_a_reopening_that_was_never_logged_counts_from_the_last_update() -> None:
    found = record(Raw(issue(1, 1, updated=90), states=[state(30, "closed")]))
    assert held(found, "status") == [("acme:opened", 0, 30), ("acme:closed", 30, 90), ("acme:opened", 90, None)]


def test_an_event_newer_than_the_issue_is_believed() -> None:
    found = record(Raw(issue(1, 1, updated=20), states=[state(30, "closed")]))
    assert held(found, "status") == [("acme:opened", 0, 30), ("acme:closed", 30, None)]


def test_the_workflow_label_is_the_status_while_open() -> None:
    row = issue(1, 1, updated=50, state="closed", closed_at=stamp(50), labels=["workflow::doing"])
    found = record(
        Raw(
            row,
            states=[state(50, "closed")],
            labels=[label(5, "add", "workflow::todo"), label(9, "remove", "workflow::todo"), label(9, "add", "workflow::doing")],
        ),
        "workflow::",
    )  # fmt: skip
    assert held(found, "status") == [
        ("acme:opened", 0, 5), ("acme:workflow::todo", 5, 9), ("acme:workflow::doing", 9, 50), ("acme:closed", 50, None),
    ]  # fmt: skip
    assert held(found, "label") == [("workflow::todo", 5, 9), ("workflow::doing", 9, None)]


def test_of_two_workflow_labels_the_one_added_last_counts() -> None:
    events = [label(5, "add", "workflow::a"), label(9, "add", "workflow::b"), label(12, "remove", "workflow::b")]
    found = record(Raw(issue(1, 1, updated=12, labels=["workflow::a"]), labels=events), "workflow::")
    assert held(found, "status") == [
        ("acme:opened", 0, 5), ("acme:workflow::a", 5, 9), ("acme:workflow::b", 9, 12), ("acme:workflow::a", 12, None),
    ]  # fmt: skip


def test_two_workflow_labels_of_one_moment_go_by_their_events_order() -> None:
    events = [
        label(5, "add", "workflow::a", 2),
        label(5, "add", "workflow::b", 1),
        label(9, "remove", "workflow::a", 3),
    ]
    found = record(Raw(issue(1, 1, updated=9, labels=["workflow::b"]), labels=events), "workflow::")
    assert held(found, "status") == [
        ("acme:opened", 0, 5), ("acme:workflow::a", 5, 9), ("acme:workflow::b", 9, None),
    ]  # fmt: skip


def test_labels_there_from_the_start_are_known_by_what_happened_later() -> None:
    row = issue(1, 1, updated=9, labels=["kept"])
    found = record(Raw(row, labels=[label(9, "remove", "gone")]))
    assert held(found, "label") == [("gone", 0, 9), ("kept", 0, None)]


def test_a_label_removed_and_added_at_once_stayed() -> None:
    events = [label(3, "add", "a", 1), label(9, "remove", "a", 2), label(9, "add", "a", 3)]
    assert held(record(Raw(issue(1, 1, updated=9, labels=["a"]), labels=events)), "label") == [("a", 3, None)]


def test_a_label_added_after_the_issue_was_listed_is_believed() -> None:
    found = record(Raw(issue(1, 1, updated=9), labels=[label(12, "add", "new")]))
    assert held(found, "label") == [("new", 12, None)]


def test_a_label_lost_without_an_event_ends_with_the_last_update() -> None:
    found = record(Raw(issue(1, 1, updated=9), labels=[label(3, "add", "lost")]))
    assert held(found, "label") == [("lost", 3, 9)]


def test_events_of_a_deleted_label_are_passed_over() -> None:
    found = record(Raw(issue(1, 1, updated=9, labels=["a"]), labels=[label(3, "add", None), label(9, "remove", None)]))
    assert held(found, "label") == [("a", 0, None)]


def test_labels_with_details() -> None:
    assert held(record(Raw(issue(1, 1, labels=[{"id": 3, "name": "a"}]))), "label") == [("a", 0, None)]


def test_a_new_milestone_ends_the_old_one_though_only_the_new_is_logged() -> None:
    row = issue(1, 1, updated=20, milestone={"id": 7, "title": "M7"})
    found = record(Raw(row, milestones=[box(5, "add", 6), box(20, "add", 7)]))
    assert held(found, "milestone") == [("acme:milestone:6", 5, 20), ("acme:milestone:7", 20, None)]
    assert {one.label for one in found.intervals if one.field == "milestone"} == {"M6", "M7"}


def test_the_removal_of_the_old_milestone_after_the_new_one_changes_nothing() -> None:
    row = issue(1, 1, updated=40, milestone={"id": 7, "title": "M7"})
    events = [box(5, "add", 6), box(20, "add", 7), box(21, "remove", 6)]
    assert held(record(Raw(row, milestones=events)), "milestone")[-1] == ("acme:milestone:7", 20, None)


def test_a_milestone_from_the_start_that_was_taken_away() -> None:
    found = record(Raw(issue(1, 1, updated=20), milestones=[box(20, "remove", 6)]))
    assert held(found, "milestone") == [("acme:milestone:6", 0, 20)]


def test_the_event_of_a_deleted_milestone_is_passed_over() -> None:
    row = issue(1, 1, updated=20, milestone={"id": 7, "title": "M7"})
    assert held(record(Raw(row, milestones=[box(5, "add", None)])), "milestone") == [("acme:milestone:7", 0, None)]


def test_an_iteration_without_a_title() -> None:
    now = {"id": 8, "title": None, "start_date": "2026-01-05", "due_date": "2026-01-18"}
    found = record(Raw(issue(1, 1, iteration=now)))
    (one,) = [one for one in found.intervals if one.field == "milestone"]
    assert (one.value, one.label) == ("acme:iteration:8", "2026-01-05 / 2026-01-18")


def test_weights_with_and_without_events() -> None:
    events = [{"id": 1, "created_at": stamp(5), "weight": 2}, {"id": 2, "created_at": stamp(9), "weight": None}]
    assert held(record(Raw(issue(1, 1, updated=9, weight=None), weights=events)), "estimate") == [("2", 5, 9)]
    assert held(record(Raw(issue(1, 1, weight=0))), "estimate") == [("0", 0, None)]


def test_links_in_both_directions() -> None:
    links = [
        {"id": 20_005, "link_type": kind, "link_created_at": stamp(at), "references": {"full": "group/web#5"}}
        for at, kind in ((1, "blocks"), (2, "is_blocked_by"), (3, "relates_to"), (-5, "relates_to"))
    ]
    found = record(Raw(issue(1, 1), links=[*links, {"id": 9, "web_url": "http://gitlab.invalid/x/-/issues/9"}]))
    assert held(found, "blocks") == [("acme:20005", 1, None)]
    assert held(found, "blocked_by") == [("acme:20005", 2, None)]
    assert held(found, "relates") == [("acme:20005", 3, None), ("acme:20005", 0, None), ("acme:9", 0, None)]
    assert {one.label for one in found.intervals if one.field == "blocks"} == {"group/web#5"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"state": "closed", "moved_to_id": 55}, "moved"),
        ({"state": "closed", "_links": {"closed_as_duplicate_of": "http://x"}}, "duplicate"),
        ({"state": "closed"}, ""),
        ({"state": "opened", "moved_to_id": 55}, ""),
        ({"state": "closed", "_links": None}, ""),
    ],
)
def test_moved_and_duplicate_issues_were_not_delivered(more: dict[str, Any], expected: str) -> None:
    assert record(Raw(issue(1, 1, **more))).issue.superseded == expected


def test_a_task_is_below_its_issue() -> None:
    assert [record(Raw(issue(1, 1, issue_type=kind))).issue.level for kind in ("issue", "task", "new kind")] == [
        0,
        -1,
        0,
    ]


def test_people_are_pseudonyms_with_a_separate_name() -> None:
    found = record(Raw(issue(1, 1, assignees=[{"id": 7, "name": "Ayu\0", "username": "ayu"}, {"id": 8, "name": "B"}])))
    (person,) = found.people
    (one,) = [one for one in found.intervals if one.field == "assignee"]
    assert one.value == person.person_id
    assert one.label == ""
    assert person.name == "Ayu"
    assert "ayu" not in repr(found.intervals).lower()


def test_hostile_texts_are_kept_storable_and_nothing_private_is_kept() -> None:
    title = "a\0b \ud800 \U0001f600 \u202e </script> =cmd() /close @all {code} | <!--"
    found = record(Raw(issue(1, 1, title=title, labels=["x\0y", ""])))
    assert found.issue.title == "ab \ufffd \U0001f600 \u202e </script> =cmd() /close @all {code} | <!--"
    assert [one.value for one in found.intervals if one.field == "label"] == ["xy"]
    repr(found).encode("utf-8")
    assert "never to be kept" not in repr(found)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"id": None}, "int"),
        ({"title": ...}, "no 'title'"),
        ({"state": "ajar"}, "unknown state 'ajar'"),
        ({"created_at": "2026-01-05T09:00:00"}, "has no zone"),
        ({"created_at": 7}, "must be str"),
        ({"labels": 5}, "not iterable"),
        ({"milestone": {"title": "no id"}}, "no 'id'"),
        ({"due_date": "soon"}, "Invalid isoformat"),
        ({"assignees": [{"name": "x"}]}, "no 'id'"),
    ],
)
def test_a_malformed_issue_is_a_data_error(change: dict[str, Any], what: str) -> None:
    row = {name: value for name, value in {**issue(1, 4), **change}.items() if value is not ...}
    with pytest.raises(DataError, match=what) as caught:
        record(Raw(row))
    assert caught.value.subject == "group/app#4"


def test_times_with_an_offset_become_utc_and_nothing_starts_before_the_issue() -> None:
    row = issue(1, 1, updated=60, created_at="2026-01-05T16:00:00.000+07:00")
    found = record(Raw(row, labels=[label(-90, "add", "early")], states=[state(-5, "reopened")]))
    assert found.issue.created_at == START
    assert min(one.since for one in found.intervals) == START


def test_an_old_milestone_without_state() -> None:
    made = milestones.milestone({"id": 1, "title": "3.0", "closed": True, "due_date": "2012-10-22"}, "acme")
    assert (made.state, made.due_on) == ("closed", date(2012, 10, 22))


# Properties: what really happened is recovered from what is logged and shown.

VALUES = st.sampled_from(["a", "b", "c", None])


@given(st.lists(VALUES, min_size=1, max_size=8))
def test_single_values_are_recovered(truth: list[str | None]) -> None:
    times = [START + timedelta(hours=number) for number in range(len(truth))]
    changes = [
        Change(at, value if value is not None else before, value is not None)
        for at, before, value in zip(times[1:], truth, truth[1:], strict=False)
        if before != value
    ]
    stays = stays_of_one(truth[-1], changes, START, times[-1], initial=truth[0])
    for at, value in zip(times, truth, strict=True):
        assert [stay.value for stay in stays if stay.holds(at)] == ([] if value is None else [value])
    assert all(one.until is not None and one.until <= other.since for one, other in pairwise(stays))


@given(st.lists(st.sets(st.sampled_from("abc")), min_size=1, max_size=8))
def test_sets_are_recovered_from_the_present_and_the_log(truth: list[set[str]]) -> None:
    times = [START + timedelta(hours=number) for number in range(len(truth))]
    changes = [
        Change(at, value, value in after)
        for at, before, after in zip(times[1:], truth, truth[1:], strict=False)
        for value in sorted(before ^ after)
    ]
    stays = stays_of_set(truth[-1], changes, START, times[-1])
    for at, values in zip(times, truth, strict=True):
        assert {stay.value for stay in stays if stay.holds(at)} == values


EVENTS = st.lists(st.tuples(st.integers(-5, 60), st.sampled_from("abc"), st.booleans()), max_size=10)


@given(EVENTS, st.sets(st.sampled_from("abcd")), st.integers(0, 60))
def test_whatever_was_logged_the_stays_are_sound(events: list[tuple[int, str, bool]], now: set[str], last: int) -> None:
    changes = [Change(START + timedelta(minutes=at), value, added) for at, value, added in sorted(events)]
    updated = START + timedelta(minutes=last)
    stays = stays_of_set(now, changes, START, updated)
    sound(stays)
    if not changes or changes[-1].at <= updated:
        assert {stay.value for stay in stays if stay.until is None} == now
    one = stays_of_one(min(now, default=None), changes, START, updated)
    sound(one)
    assert all(first.until is not None and first.until <= second.since for first, second in pairwise(one))
    if not changes or changes[-1].at <= updated:
        assert [stay.value for stay in one if stay.until is None] == ([min(now)] if now else [])


def sound(stays: list[Stay]) -> None:
    assert all(stay.since >= START and (stay.until is None or stay.until > stay.since) for stay in stays)
    for value in {stay.value for stay in stays}:
        mine = [stay for stay in stays if stay.value == value]
        assert all(one.until is not None and one.until <= other.since for one, other in pairwise(mine))


# Work-item statuses.


def test_a_status_is_known_by_the_id_it_keeps() -> None:
    native = "gid://gitlab/WorkItems::Statuses"
    rows = [
        {"id": f"{native}::SystemDefined::Status/2", "name": "In progress", "category": "in_progress"},
        {"id": f"{native}::Custom::Status/2", "name": "Dropped", "category": "canceled"},
        {"name": "Without id", "category": "done"},
    ]
    found = statuses.steps(rows)
    assert found.names == {
        "systemdefined-2": "In progress", "custom-2": "Dropped", "Without id": "Without id",
    }  # fmt: skip
    assert found.closing == {"custom-2", "Without id"}
    assert {(one.status_id, one.name, one.category) for one in statuses.of_work_items(rows, "acme")} == {
        ("acme:status:systemdefined-2", "In progress", "doing"),
        ("acme:status:custom-2", "Dropped", "canceled"),
        ("acme:status:Without id", "Without id", "done"),
    }
    former = found.and_former({"Doing": "systemdefined-2", "Gone": "custom-9"})
    assert former.keys["Doing"] == former.keys["In progress"] == "systemdefined-2"
    assert (former.names["systemdefined-2"], former.names["custom-9"]) == ("In progress", "Gone")


@pytest.mark.parametrize("closed", [None, 3, 9])
def test_the_last_status_told_is_todays_unless_the_state_changed_since(closed: float | None) -> None:
    told = [Change(START + timedelta(minutes=5), "Old name", True)]
    moved = [] if closed is None else [Change(START + timedelta(minutes=at), value, True)
                                       for at, value in ((closed, "closed"), (closed + 1, "opened"))]  # fmt: skip
    raw = Raw(
        issue(1, 1, updated=20, status={"key": "custom-1"}),
        logged={"step": told, "state": moved},
        steps={"custom-1": "New name"},
    )
    values = [value for value, *_ in held(record(raw), "status")]
    assert ("acme:status:Old name" in values) == (closed == 9)
    assert values[-1] == "acme:status:custom-1"


# Recorded payloads.


def recorded(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    lines = [
        json.loads(line)
        for name in ("source-gitlab.expected_records", "source-gitlab.expected_records_with_ids")
        for line in (folder / "airbyte" / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    return [(line["stream"], line["data"]) for line in lines]


@pytest.mark.real
def test_recorded_issues_of_gitlab_com(data_dir: Path) -> None:
    rows = [row for stream, row in recorded(data_dir) if stream in ("issues", "epic_issues")]
    found = [record(Raw(row)) for row in rows]
    assert len(found) == 8
    issues = {one.issue.issue_id: one for one in found}
    first = issues["acme:80943819"]
    assert first.issue.key == "new-group-airbute/new-ci-test-project#32"
    assert first.issue.created_at == datetime(2021, 3, 15, 15, 22, 42, 206000, tzinfo=UTC)
    assert {(one.field, one.value) for one in first.intervals} == {
        ("status", "acme:opened"), ("label", "bug"), ("kind", "issue"), ("project", "acme:25157276"),
    }  # fmt: skip
    assert issues["acme:80659730"].issue.updated_at.date() == date(2023, 10, 10)
    assert "GitLab Gold you can" not in repr(found)
    assert [one.field for one in issues["acme:80659730"].intervals if one.field == "assignee"] == ["assignee"]


@pytest.mark.real
def test_recorded_milestones_projects_and_labels_of_gitlab_com(data_dir: Path) -> None:
    rows = recorded(data_dir)
    found = [milestones.milestone(row, "acme") for stream, row in rows if stream.endswith("_milestones")]
    assert len(found) == 12
    assert {(one.milestone_id, one.project_id) for one in found} >= {
        ("acme:milestone:1943705", "acme:25157276"), ("acme:milestone:1943775", None),
    }  # fmt: skip
    projects = {project_of(row, "acme") for stream, row in rows if stream == "projects"}
    assert [one.key for one in projects] == ["new-group-airbute/new-ci-test-project"]
    labels = [row for stream, row in rows if stream in ("project_labels", "group_labels")]
    assert len(statuses.of_labels(labels, "acme", "Label")) == 2 + len({row["name"] for row in labels})


@pytest.mark.real
def test_recorded_events_and_links(data_dir: Path) -> None:
    def load(name: str) -> Any:
        return json.loads((data_dir / "ruby-gitlab" / f"{name}.json").read_text("utf-8"))

    row = load("group_issues")[0]
    raw = Raw(
        row,
        states=load("issue_resource_state_events"),
        labels=load("resource_label_events"),
        links=load("project_issue_links"),
    )
    found = record(raw)
    assert found.issue.issue_id == "acme:41"
    day = datetime(2018, 8, 20, 13, 38, 20, 77000, tzinfo=UTC)
    values = {(one.field, one.value): (one.since, one.until) for one in found.intervals}
    born = found.issue.created_at
    assert values["label", "a1"] == (day, None)
    assert values["label", "p1"] == (born, day)
    assert values["milestone", "acme:milestone:11"] == (born, None)
    assert values["relates", "acme:84"] == (born, None)
    assert values["status", "acme:closed"] == (datetime(2018, 8, 21, 14, 38, 20, 77000, tzinfo=UTC), None)
    for name in ("milestones", "group_milestones"):
        assert [one.due_on for one in (milestones.milestone(row, "acme") for row in load(name))] == [date(2012, 10, 22)]


@pytest.mark.real
def test_recorded_issues_from_before_api_4_are_problems_not_crashes(data_dir: Path) -> None:
    rows = json.loads((data_dir / "ruby-gitlab" / "project_issues.json").read_text("utf-8"))
    assert rows
    for row in rows:
        with pytest.raises(DataError, match="no 'iid'"):
            record(Raw(row))
