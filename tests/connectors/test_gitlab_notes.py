"""Sentences of GitLab's activity stream become changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gitlab import notes
from connectors.gitlab.notes import GRAMMAR, SILENT, Activity, Names
from tests.connectors.gitlab_fake import START, stamp

NAMES = Names(
    path="group/app",
    labels={"1": "bug", "2": "workflow::doing", "3": "workflow::review"},
    milestones={"7": "70", "Q1 release": "80", "v1": "70"},
    iterations={"Sprint 4": "44"},
    people={"ani.w": "11", "budi": "12", "citra": "13"},
)


def note(at: float, action: str | None, body: str) -> dict[str, Any]:
    return {
        "id": "gid://gitlab/Note/1", "createdAt": stamp(at), "body": body,
        "systemNoteMetadata": action and {"action": action},
    }  # fmt: skip


def read(*rows: dict[str, Any], names: Names = NAMES) -> Activity:
    return notes.read(rows, names)


def told(action: str, body: str, field: str, names: Names = NAMES) -> list[tuple[str | None, bool]]:
    found = read(note(5, action, body), names=names)
    assert not found.unread
    assert set(found.changes) <= {field}
    return [(one.value, one.is_added) for one in found.changes.get(field, ())]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("added ~1 label", [("bug", True)]),
        ("added ~1 ~2 and removed ~3 labels", [("bug", True), ("workflow::doing", True), ("workflow::review", False)]),
        ("removed ~1 label", [("bug", False)]),
        ("added ~1 + 2 deleted labels", [("bug", True)]),
        ("removed 1 deleted label", []),
        ("added ~99 label", []),
        ("added ~2 scoped label and automatically removed ~3 label", [("workflow::doing", True), ("workflow::review", False)]),
        ('added ~"removed from scope" label', [("removed from scope", True)]),
        ("added ~plain label", [("plain", True)]),
    ],
)  # fmt: skip
def test_labels(body: str, expected: list[tuple[str, bool]]) -> None:
    assert told("label", body, "label") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("changed milestone to %7", ("70", True)),
        ('changed milestone to %"Q1 release"', ("80", True)),
        ("set the milestone: %v1", ("70", True)),
        ('changed milestone to group%"Q1 release"', ("80", True)),
        ("changed milestone to /group/app%7", ("70", True)),
        ('changed milestone to /group%"Q1 release"', ("80", True)),
        ("removed milestone /group/app%7", ("70", False)),
        ("removed milestone ", (None, True)),
        ("changed milestone to other/app%7", (None, True)),  # the issue came from another project
        ("changed milestone to /other/app%7", (None, True)),
        ('changed milestone to %"of old"', (None, True)),
        ("removed milestone", (None, True)),
        ("removed milestone %7", ("70", False)),
    ],
)  # fmt: skip
def test_milestones(body: str, expected: tuple[str | None, bool]) -> None:
    assert told("milestone", body, "milestone") == [expected]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("changed iteration to *iteration:9", ("9", True)),
        ('changed iteration to *iteration:"Sprint 4"', ("44", True)),
        ("changed iteration to *iteration:9 on this item and parent item", ("9", True)),
        ("removed iteration *iteration:9", ("9", False)),
        ("removed iteration", (None, True)),
    ],
)
def test_iterations(body: str, expected: tuple[str | None, bool]) -> None:
    assert told("iteration", body, "iteration") == [expected]


@pytest.mark.parametrize(
    ("action", "body", "field", "expected"),
    [
        ("weight", "set weight to **5**", "estimate", [("5", True)]),
        ("weight", "changed weight to **5** from **3**", "estimate", [("3", False), ("5", True)]),
        ("weight", "removed the weight", "estimate", [(None, True)]),
        ("weight", "removed weight of **3**", "estimate", [("3", False)]),
        ("health_status", "changed health status to **needs attention**", "health", [("needs_attention", True)]),
        ("health_status", "set health status to at risk (previously **on track**)", "health",
         [("on_track", False), ("at_risk", True)]),
        ("health_status", "removed the health status", "health", [(None, True)]),
        ("work_item_status", "set status to **In progress**", "step", [("In progress", True)]),
        ("work_item_status", "changed status from **To do** to **Done**", "step", [("To do", False), ("Done", True)]),
        ("issue_type", "changed type from issue to incident", "kind", [("issue", False), ("incident", True)]),
        ("issue_type", "changed issue type from **Test Case** to **Issue**", "kind",
         [("test_case", False), ("issue", True)]),
        ("issue_type", "changed issue type to incident", "kind", [("incident", True)]),
        ("closed", "closed via merge request !4", "state", [("closed", True)]),
        ("opened", "reopened", "state", [("opened", True)]),
        ("reopened", "reopened", "state", [("opened", True)]),
    ],
)  # fmt: skip
def test_one_value(action: str, body: str, field: str, expected: list[tuple[str | None, bool]]) -> None:
    assert told(action, body, field) == expected


@pytest.mark.parametrize("action", ["due_date", "start_date_or_due_date"])
def test_dates(action: str) -> None:
    both = read(note(1, action, "changed start date to March 2, 2026 and changed due date to December 31, 2026"))
    assert {field: [one.value for one in changes] for field, changes in both.changes.items()} == {
        "start_on": ["2026-03-02"], "due_on": ["2026-12-31"],
    }  # fmt: skip
    mixed = read(note(1, action, "removed start date March 2, 2026 and changed due date to 2026-12-31"))
    assert [(one.value, one.is_added) for one in mixed.changes["start_on"]] == [("2026-03-02", False)]
    assert [(one.value, one.is_added) for one in mixed.changes["due_on"]] == [("2026-12-31", True)]
    assert told(action, "removed due date", "due_on") == [(None, True)]
    assert told(action, "changed due date to September  5, 2018", "due_on") == [("2018-09-05", True)]


@pytest.mark.parametrize(
    ("body", "field", "expected"),
    [
        ("changed start date to Mar 2, 2026", "start_on", "2026-03-02"),
        ("changed finish date to Sep 30, 2026", "due_on", "2026-09-30"),
        ("removed the finish date", "due_on", None),
    ],
)
def test_dates_of_epics(body: str, field: str, expected: str | None) -> None:
    assert told("epic_date_changed", body, field) == [(expected, True)]


def test_the_first_assignee_is_found_backwards_from_today() -> None:
    """Ani was there from the beginning, as nobody says; Citra stays to the end."""
    found = read(
        note(9, "assignee", "unassigned @ani.w and @budi"),
        note(5, "assignee", "assigned to @budi and @citra"),
        names=NAMES._replace(assignees=["13"]),
    )
    assert [one.value for one in found.changes["assignee"]] == ["11", "11", "13"]
    assert [one.at for one in found.changes["assignee"]][1:] == [START.replace(minute=5), START.replace(minute=9)]


def test_assignees_by_every_phrase() -> None:
    assert [one[0] for one in told("assignee", "assigned to @budi, @citra and @ani.w", "assignee")] == [None, "12"]
    assert [one[0] for one in told("assignee", "removed assignee", "assignee")] == [None, None]
    changed = told("assignee", "assigned to @budi and unassigned @citra", "assignee", NAMES._replace(assignees=["12"]))
    assert [one[0] for one in changed] == ["13", "12"]
    assert [one[0] for one in told("assignee", "assigned to @who.left.", "assignee")] == [None, "@who.left"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("added &4 as parent epic", ("5", True)),
        ("added group&4 as parent epic", ("5", True)),
        ("added other&4 as parent epic", (None, True)),
        ("added &8 as parent epic", (None, True)),
        ("removed parent epic &4", ("5", False)),
        ("removed parent epic &8", (None, True)),
    ],
)
def test_parents(body: str, expected: tuple[str | None, bool]) -> None:
    names = NAMES._replace(parent=("5", "big/group&4"))
    assert told("relate_to_parent", body, "parent", names) == [expected]


@pytest.mark.parametrize(
    ("action", "body", "expected"),
    [
        ("issue_added_to_epic", "added to epic &4", [("5", True)]),
        ("issue_added_to_epic", "added to epic /big/group&4", [("5", True)]),
        ("issue_changed_epic", "changed epic to group&4", [("5", True)]),
        ("issue_removed_from_epic", "removed from epic &4", [("5", False)]),
        ("relate_epic", "added epic &4 as parent epic", [("5", True)]),
        ("relate_epic", "added epic &9 as child epic", []),
        ("unrelate_epic", "removed parent epic &4", [("5", False)]),
        ("unrelate_epic", "removed child epic &9", []),
    ],
)
def test_the_epic_of_an_issue_in_the_words_of_older_versions(
    action: str, body: str, expected: list[tuple[str | None, bool]]
) -> None:
    assert told(action, body, "parent", NAMES._replace(parent=("5", "big/group&4"))) == expected


def test_order_is_that_of_time_and_within_a_moment_that_of_the_stream() -> None:
    found = read(note(9, "opened", "reopened"), note(3, "closed", "closed"), note(9, "closed", "closed"))
    assert [one.value for one in found.changes["state"]] == ["closed", "opened", "closed"]


def test_what_nobody_knows_is_counted_and_never_fatal() -> None:
    found = read(
        note(1, "astrology", "aligned **Mars**"), note(2, None, "hello"), note(3, "label", "did something"),
        note(4, "due_date", "changed due date to someday"), note(5, "title", "changed title from **a** to **b**"),
        note(6, "weight", "made it heavier"), note(7, "relate_to_parent", "found a parent"),
    )  # fmt: skip
    assert not any(found.changes.values())
    assert found.unread == {
        "astrology": 1, "none": 1, "label": 1, "due_date": 1, "weight": 1, "relate_to_parent": 1,
    }  # fmt: skip


def test_no_action_is_both_read_and_silent() -> None:
    assert not SILENT & GRAMMAR.keys()


@given(st.sampled_from(sorted(GRAMMAR)), st.text(alphabet='addremovechngtofu~%*@&#"1 29,.:-/\n\0é', max_size=60))
def test_no_sentence_is_fatal(action: str, body: str) -> None:
    found = notes.read([note(1, action, body)], NAMES)
    assert sum(found.unread.values()) <= 1
