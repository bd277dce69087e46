"""Raw JSON to records: one issue at a time, each rule by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.jira.fields import Fields, discover
from connectors.jira.links import direction, issue_page
from connectors.jira.normalize import Records, Site, draft, records
from connectors.jira.replay import Value, deltas, memberships, stays
from connectors.jira.values import day, day_of, moment, named, number, sprint
from connectors.jira.wire import RawIssue
from pmo_sync.errors import DataError
from pmo_sync.model import Interval

BORN = "2026-01-02T10:00:00.000+0000"
SITE = Site(
    "src",
    "https://jira.example.org",
    Fields(
        {
            "estimate": ("customfield_1", "customfield_2"),
            "sprint": ("customfield_3",),
            "epic_link": ("customfield_4",),
            "start_on": ("customfield_5",),
            "due_on": ("customfield_6",),
            "flagged": ("customfield_7",),
            "health": ("customfield_8",),
        },
        {
            "customfield_1": "Story point estimate",
            "customfield_2": "Story Points",
            "customfield_3": "Sprint",
            "customfield_4": "Epic Link",
            "customfield_7": "Flagged",
            "customfield_8": "Health",
        },
    ),
)


def item(field: str, old: Any, new: Any, old_text: Any = None, new_text: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "field": field,
        "fieldtype": "jira",
        "from": old,
        "to": new,
        "fromString": old_text,
        "toString": new_text,
        **more,
    }


def at(hours: int, *items: dict[str, Any]) -> dict[str, Any]:
    moment_ = datetime(2026, 1, 2, 10, tzinfo=UTC) + timedelta(hours=hours)
    return {"created": f"{moment_:%Y-%m-%dT%H:%M:%S}.000+0000", "items": list(items)}


def made(*histories: dict[str, Any], ids: dict[str, str] | None = None, site: Site = SITE, **fields: Any) -> Records:
    raw = {
        "id": "1000",
        "key": "PAY-1",
        "fields": {
            "summary": "Title",
            "created": BORN,
            "updated": "2026-02-01T10:00:00.000+0000",
            "project": {"id": "1", "key": "PAY", "name": "Pay"},
            "issuetype": {"id": "1", "name": "Task"},
            "status": {"id": "3", "name": "Done"},
            **fields,
        },
        "changelog": {"histories": list(histories)},
    }
    return records(site, draft(site, msgspec.convert(raw, RawIssue)), ids or {}, [])


def of(found: Records, field: str) -> list[tuple[str, int, int | None]]:
    """(value, hours since creation, until) of one field."""
    born = moment(BORN)

    def hours(when: datetime) -> int:
        return round((when - born).total_seconds() / 3600)

    return [
        (one.value, hours(one.since), None if one.until is None else hours(one.until))
        for one in found.intervals
        if one.field == field
    ]


def test_the_first_value_comes_from_the_first_change() -> None:
    found = made(at(1, item("status", "1", "2", "Open", "Doing")), at(5, item("status", "2", "3", "Doing", "Done")))
    assert of(found, "status") == [("src:1", 0, 1), ("src:2", 1, 5), ("src:3", 5, None)]
    assert [one.label for one in found.intervals if one.field == "status"] == ["Open", "Doing", "Done"]


def test_the_order_of_the_histories_does_not_matter() -> None:
    one, two = at(1, item("status", "1", "2")), at(5, item("status", "2", "3"))
    assert of(made(two, one), "status") == of(made(one, two), "status")


def test_changes_of_one_moment_leave_no_stay_of_no_length() -> None:
    found = made(at(1, item("status", "1", "2")), at(1, item("status", "2", "3")))
    assert of(found, "status") == [("src:1", 0, 1), ("src:3", 1, None)]
    newest_first = made(
        at(5, item("status", "2", "3")), at(1, item("status", "4", "2")), at(1, item("status", "1", "4"))
    )
    assert of(newest_first, "status") == [("src:1", 0, 1), ("src:2", 1, 5), ("src:3", 5, None)]


def test_the_present_value_wins_as_of_the_last_change() -> None:
    assert of(made(at(1, item("status", "1", "2"))), "status") == [("src:1", 0, 1), ("src:3", 1, None)]


def test_changes_before_creation_are_creation() -> None:
    assert of(made(at(-9, item("status", "1", "2")), at(2, item("status", "2", "3"))), "status") == [
        ("src:2", 0, 2), ("src:3", 2, None),
    ]  # fmt: skip


def test_a_status_without_id_is_known_by_its_name() -> None:
    found = made(
        at(1, item("status", None, "2", "Open", "Doing")), at(2, item("status", "2", "9", "Doing", "Open")),
        at(3, item("status", "9", "3", "Open", "Done")),
    )  # fmt: skip
    assert of(found, "status")[0] == ("src:9", 0, 1)
    assert of(made(at(1, item("status", None, "3", "Lost", "Done"))), "status")[0] == ("src:Lost", 0, 1)


def test_no_interval_while_unresolved() -> None:
    found = made(
        at(1, item("resolution", None, "7", None, "Fixed")), at(2, item("resolution", "7", None, "Fixed")),
        at(3, item("resolution", None, "7", None, "Fixed")), resolution={"id": "7", "name": "Fixed"},
    )  # fmt: skip
    assert of(found, "resolution") == [("7", 1, 2), ("7", 3, None)]


def test_milliseconds_offsets_and_seconds() -> None:
    assert moment(1767607200000) == moment("2026-01-05T17:00:00.000+0700") == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert moment(1492070429) == datetime(2017, 4, 13, 8, 0, 29, tzinfo=UTC)


def test_days_as_jira_writes_them() -> None:
    assert day("2026-03-01") == day("2026-03-01 00:00:00.0") == day("1/Mar/26") == date(2026, 3, 1)
    assert day(None) is day("") is day("soon") is None


def test_numbers() -> None:
    assert number("3.0") == number(3) == ("3", "")
    assert number("2.5") == ("2.5", "")
    assert number(None) is number("") is number("nan") is number("many") is None


def test_due_date_and_its_moves() -> None:
    found = made(at(4, item("duedate", "2026-03-01", "2026-04-01", "2026-03-01 00:00:00.0")), duedate="2026-04-01")
    assert of(found, "due_on") == [("2026-03-01", 0, 4), ("2026-04-01", 4, None)]


def test_the_target_end_serves_where_there_was_never_a_due_date() -> None:
    assert of(made(customfield_6="2026-05-01"), "due_on") == [("2026-05-01", 0, None)]
    assert of(made(customfield_6="2026-05-01", duedate="2026-04-01"), "due_on") == [("2026-04-01", 0, None)]


def test_estimates_of_two_fields_are_never_added() -> None:
    assert of(made(customfield_2=5), "estimate") == [("5", 0, None)]
    assert of(made(customfield_1=3, customfield_2=5), "estimate") == [("3", 0, None)]
    change = item("Story Points", None, None, "2", "5", fieldtype="custom")
    assert of(made(at(1, change), customfield_2=5.0), "estimate") == [("2", 0, 1), ("5", 1, None)]
    by_id = item("Storypunkte", None, None, "2", "5", fieldtype="custom", fieldId="customfield_2")
    assert of(made(at(1, by_id), customfield_2=5.0), "estimate") == [("2", 0, 1), ("5", 1, None)]


def test_a_custom_field_that_shares_a_name_is_not_ours() -> None:
    other = item("Story Points", None, None, "2", "5", fieldtype="custom", fieldId="customfield_99")
    labels = item("Labels", None, None, "", "x", fieldtype="custom")
    found = made(at(1, other, labels), customfield_2=5.0, labels=["y"])
    assert of(found, "estimate") == [("5", 0, None)]
    assert of(found, "label") == [("y", 0, None)]


def test_flags() -> None:
    on = item("Flagged", None, "[10019]", None, "Impediment", fieldtype="custom", fieldId="customfield_7")
    off = item("Flagged", "[10019]", "", "Impediment", "", fieldtype="custom", fieldId="customfield_7")
    assert of(made(at(1, on), at(3, off)), "flagged") == [("true", 1, 3)]
    assert of(made(at(1, on), customfield_7=[{"value": "Impediment"}]), "flagged") == [("true", 1, None)]


def test_reported_health_is_ours_or_nothing() -> None:
    words = {
        "On track": "on_track",
        "GREEN": "on_track",
        "At Risk": "needs_attention",
        "Off track": "at_risk",
        "red": "at_risk",
    }
    for theirs, ours in words.items():
        found = made(customfield_8={"value": theirs})
        assert of(found, "health") == [(ours, 0, None)]
        assert [one.label for one in found.intervals if one.field == "health"] == [theirs]
    assert of(made(customfield_8={"value": "Purple"}), "health") == []


def test_assignees_are_pseudonyms_and_addresses_are_cut() -> None:
    user = {"accountId": "712020:x", "displayName": "ann@example.org", "emailAddress": "ann@example.org"}
    found = made(at(1, item("assignee", "712020:y", "712020:x", "Bob", "ann@example.org")), assignee=user)
    assert [hours for _, *hours in of(found, "assignee")] == [[0, 1], [1, None]]
    assert all(value.startswith("src:person-") for value, *_ in of(found, "assignee"))
    assert {one.name for one in found.people} == {"Bob", "ann"}
    assert "example.org" not in repr(found.people)
    assert "712020" not in repr(found)


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("IssueParentAssociation", {"parent": {"id": "6", "key": "PAY-6"}}),
        ("Parent", {"parent": {"id": "6", "key": "PAY-6"}}),
        ("Epic Link", {"customfield_4": "PAY-6"}),
    ],
)
def test_parents_of_every_kind(field: str, fields: dict[str, Any]) -> None:
    kind = "custom" if field == "Epic Link" else "jira"
    found = made(at(2, item(field, "5", "6", "PAY-5", "PAY-6", fieldtype=kind)), **fields)
    assert of(found, "parent") == [("src:5", 0, 2), ("src:6", 2, None)]


def test_an_epic_set_at_creation_is_looked_up_or_left_out() -> None:
    raw = {"id": "1", "key": "PAY-1", "fields": {"summary": "", "created": BORN, "updated": BORN, "project": {"id": "1", "key": "PAY"}, "issuetype": {"name": "Task"}, "status": {"id": "1", "name": "Open"}, "customfield_4": "PAY-9"}}  # fmt: skip
    assert draft(SITE, msgspec.convert(raw, RawIssue)).wanted == {"PAY-9"}
    assert of(made(customfield_4="PAY-9", ids={"PAY-9": "9"}), "parent") == [("src:9", 0, None)]
    assert of(made(customfield_4="PAY-9"), "parent") == []


def test_moves_between_projects() -> None:
    move = at(3, item("Project", "2", "1", "Old name", "Pay"), item("Key", None, None, "OLD-4", "PAY-1"))
    found = made(move)
    assert of(found, "project") == [("src:2", 0, 3), ("src:1", 3, None)]
    assert [one.label for one in found.intervals if one.field == "project"] == ["OLD", "PAY"]


def test_versions_added_and_removed() -> None:
    found = made(
        at(1, item("Fix Version", None, "11", None, "1.0")), at(4, item("Fix Version", "11", None, "1.0", None)),
        at(4, item("Fix Version", None, "12", None, "2.0")), fixVersions=[{"id": "12", "name": "2.0"}],
    )  # fmt: skip
    assert of(found, "milestone") == [("src:version:11", 1, 4), ("src:version:12", 4, None)]


def test_sprints_are_lists_of_ids() -> None:
    java = "com.atlassian.greenhopper.service.sprint.Sprint@1f[id=4,rapidViewId=2,state=ACTIVE,name=S4, the long one,startDate=<null>]"
    first = item("Sprint", "", "3", "", "S3", fieldtype="custom")
    second = item("Sprint", "3", "3, 4", "S3", "S3, S4, the long one", fieldtype="custom")
    found = made(at(1, first), at(5, second), customfield_3=[java, {"id": 3, "name": "S3"}])
    assert sorted(of(found, "milestone")) == [("src:sprint:3", 1, None), ("src:sprint:4", 5, None)]
    assert {one.label for one in found.intervals if one.field == "milestone"} == {"S3", "S4, the long one"}
    assert sprint(java) == ("4", "S4, the long one")
    assert named("3, 4", "a, b, c") == [("3", ""), ("4", "")]


def test_links_in_both_directions_with_their_history() -> None:
    blocks = {"name": "Blocks", "inward": "is blocked by", "outward": "blocks"}
    found = made(
        at(1, item("Link", None, "PAY-7", None, "This issue is blocked by PAY-7")),
        at(2, item("Link", None, "PAY-8", None, "This issue blocks PAY-8")),
        at(3, item("Link", "PAY-8", None, "This issue blocks PAY-8", None)),
        ids={"PAY-8": "8"},
        issuelinks=[
            {"type": blocks, "inwardIssue": {"id": "7", "key": "PAY-7"}},
            {"type": {"name": "Cloners", "inward": "is cloned by", "outward": "clones"}, "outwardIssue": {"id": "6", "key": "PAY-6"}},
        ],
    )  # fmt: skip
    assert of(found, "blocked_by") == [("src:7", 1, None)]
    assert of(found, "blocks") == [("src:8", 2, 3)]
    assert of(found, "relates") == [("src:6", 0, None)], "its history is unknown: since creation"


def test_a_link_type_that_was_renamed_keeps_its_time() -> None:
    german = {"name": "Blocks", "inward": "wird blockiert von", "outward": "blockiert"}
    found = made(
        at(5, item("Link", None, "PAY-7", None, "This issue is held up by PAY-7")),
        issuelinks=[{"type": german, "inwardIssue": {"id": "7", "key": "PAY-7"}}],
    )
    assert of(found, "blocked_by") == [("src:7", 5, None)]


BLOCKED = {"name": "Blocks", "inward": "is blocked by", "outward": "blocks"}


@pytest.mark.parametrize("logged", ["OLD-4", "7"])
def test_a_link_to_an_issue_that_has_moved_since_keeps_its_time(logged: str) -> None:
    """The history knows its former key, or its id."""
    found = made(
        at(5, item("Link", None, logged, None, "This issue is blocked by OLD-4")),
        at(6, item("Link", None, "PAY-7", None, "This issue blocks PAY-7")),
        at(8, item("Link", logged, None, "This issue is blocked by OLD-4")),
        at(9, item("Link", None, "PAY-7", None, "This issue is blocked by PAY-7")),
        ids={"OLD-4": "7"},
        issuelinks=[
            {"type": BLOCKED, "inwardIssue": {"id": "7", "key": "PAY-7"}},
            {"type": BLOCKED, "outwardIssue": {"id": "7", "key": "PAY-7"}},
        ],
    )
    assert of(found, "blocked_by") == [("src:7", 5, 8), ("src:7", 9, None)]
    assert of(found, "blocks") == [("src:7", 6, None)]
    assert {one.label for one in found.intervals if one.field == "blocked_by"} == {"PAY-7"}


def test_the_former_key_of_a_linked_issue_is_wanted_and_ones_own_is_told() -> None:
    raw = {"id": "1", "key": "PAY-1", "fields": {"summary": "", "created": BORN, "updated": BORN, "project": {"id": "1", "key": "PAY"}, "issuetype": {"name": "Task"}, "status": {"id": "1", "name": "Open"}, "issuelinks": [{"type": BLOCKED, "inwardIssue": {"id": "7", "key": "PAY-7"}}]}}  # fmt: skip
    raw["changelog"] = {"histories": [
        at(1, item("Link", None, "OLD-4", None, "This issue is blocked by OLD-4")), at(2, item("Link", None, "PAY-7")),
        at(3, item("Key", None, None, "OLD-1", "PAY-1")), at(4, item("Link", None, "900")),
    ]}  # fmt: skip
    found = draft(SITE, msgspec.convert(raw, RawIssue))
    assert found.wanted == {"OLD-4"}
    assert found.former_keys == ["OLD-1"]


def test_nothings_in_lists_are_nothing_and_bare_ids_are_ids() -> None:
    moved = item("Sprint", "", "37", "", "S37", fieldtype="custom")
    found = made(
        at(3, moved), labels=[None, "x"], fixVersions=[None, {"id": "12", "name": "2.0"}], customfield_3=[None, 37, "38"],
        issuelinks=[None, {"type": BLOCKED, "inwardIssue": {"id": "7", "key": "PAY-7"}}],
    )  # fmt: skip
    assert of(found, "label") == [("x", 0, None)]
    assert of(found, "blocked_by") == [("src:7", 0, None)]
    assert {one.value: one.label for one in found.intervals if one.field == "milestone"} == {
        "src:version:12": "2.0", "src:sprint:37": "S37", "src:sprint:38": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "field"),
    [("blocks", "blocks"), ("Is Blocked By", "blocked_by"), ("depends on", "blocked_by"), ("required by", "blocks"), ("duplicates", "relates"), ("", "relates")],
)  # fmt: skip
def test_directions(words: str, field: str) -> None:
    assert direction(words) == field


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://jira.example.org/browse/PAY-7", "PAY-7"),
        ("https://jira.example.org/context/browse/PAY-7?focused=1", "PAY-7"),
        ("https://gitlab.example.org/group/sub/app/-/issues/12", "group/sub/app#12"),
        ("https://gitlab.example.org/group/app/-/work_items/12", "group/app#12"),
        ("https://github.com/owner/app/issues/3", "owner/app#3"),
        ("https://wiki.example.org/display/PAY/Notes", None),
        ("https://example.org/browse/", None),
    ],
)
def test_pages_of_issues(url: str, key: str | None) -> None:
    assert issue_page(url) == key


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ({"name": "Epic"}, 1), ({"name": "Initiative", "hierarchyLevel": 2}, 2), ({"name": "Task"}, 0),
        ({"name": "Technical task", "subtask": True}, -1), ({"name": "Sub", "hierarchyLevel": -1}, -1),
        ({"name": "Cerita", "untranslatedName": "Epic"}, 1),
    ],
)  # fmt: skip
def test_levels(kind: dict[str, Any], level: int) -> None:
    assert made(issuetype={"id": "1", **kind}).issue.level == level


def test_what_must_not_pass() -> None:
    found = made(summary="a\0b", labels=["x\0y"], description="secret", security={"id": "1"})
    assert found.issue.title == "ab"
    assert of(found, "label") == [("xy", 0, None)]
    assert found.issue.is_confidential
    assert "secret" not in repr(found)


@pytest.mark.parametrize("field", ["created", "updated", "project", "issuetype", "status"])
def test_a_missing_field_names_itself(field: str) -> None:
    with pytest.raises(DataError, match=field) as caught:
        made(**{field: None})
    assert caught.value.subject == "PAY-1"


@pytest.mark.parametrize("broken", [{"created": "soon"}, {"status": {"name": "x"}}, {"fixVersions": [{}]}, {"issuelinks": [{"inwardIssue": {"id": "1"}}]}, {"customfield_3": ["no sprint"]}, {"labels": 5}])  # fmt: skip
def test_nonsense_is_a_data_error(broken: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="PAY-1"):
        made(**broken)


def test_two_fields_for_one_meaning_are_a_question() -> None:
    points = {"schema": {"custom": "com.atlassian.jira.plugin.system.customfieldtypes:float"}, "name": "Story Points"}
    found, problems = discover("src", [{"id": "customfield_1", **points}, {"id": "customfield_2", **points}], {})
    assert found.of("estimate") == ()
    assert [one.subject for one in problems] == ["src"]
    assert 'estimate = "customfield_1"' in problems[0].what
    found, problems = discover(
        "src", [{"id": "customfield_1", **points}, {"id": "customfield_2", **points}], {"estimate": "customfield_2"}
    )
    assert found.of("estimate") == ("customfield_2",)
    assert problems == ()


POINTS = {"schema": {"custom": "com.atlassian.jira.plugin.system.customfieldtypes:float"}, "name": "Story Points"}
OTHER = {"schema": {"custom": "com.atlassian.jira.plugin.system.customfieldtypes:textfield"}, "name": "story points"}
NAMELESS = item("Story Points", None, None, "2", "5", fieldtype="custom")  # Data Center's history has no ids


def test_a_name_that_two_fields_have_tells_no_history() -> None:
    described = [{"id": "customfield_1", **POINTS}, {"id": "customfield_9", **OTHER}]
    found, (problem,) = discover("src", described, {}, by_name=True)
    assert found.of("estimate") == ("customfield_1",)
    assert problem.subject == "src"
    assert "customfield_1, customfield_9 are all called 'story points'" in problem.what
    assert "what estimate was before is not read; give these fields different names" in problem.what
    site = Site("src", "", found)
    assert of(made(at(1, NAMELESS), customfield_1=5, site=site), "estimate") == [("5", 0, None)]
    by_id = {**NAMELESS, "fieldId": "customfield_1"}
    assert of(made(at(1, by_id), customfield_1=5, site=site), "estimate") == [("2", 0, 1), ("5", 1, None)]


def test_a_name_of_one_field_or_of_others_only_is_no_problem() -> None:
    others = [{"id": f"customfield_{number}", **OTHER, "name": "Notes"} for number in (7, 8)]
    found, problems = discover("src", [{"id": "customfield_1", **POINTS}, *others], {}, by_name=True)
    assert problems == ()
    site = Site("src", "", found)
    assert of(made(at(1, NAMELESS), customfield_1=5, site=site), "estimate") == [("2", 0, 1), ("5", 1, None)]
    _, problems = discover("src", [{"id": "customfield_1", **POINTS}, {"id": "customfield_9", **OTHER}], {})
    assert problems == (), "a history with ids tells them apart"


def test_two_fields_for_parents_may_share_a_name() -> None:
    kinds = ("com.pyxis.greenhopper.jira:gh-epic-link", "com.atlassian.jpo:jpo-custom-field-parent")
    described = [
        {"id": f"customfield_{number}", "name": "Parent", "schema": {"custom": kind}}
        for number, kind in enumerate(kinds)
    ]
    found, problems = discover("src", described, {}, by_name=True)
    assert problems == ()
    assert found.shared == frozenset()


@pytest.mark.parametrize(
    ("written", "zone", "expected"),
    [
        ("2026-03-01T17:00:00.000Z", "Asia/Jakarta", date(2026, 3, 2)),
        ("2026-03-01T16:59:59.000Z", "Asia/Jakarta", date(2026, 3, 1)),
        ("2026-03-02T01:00:00.000+0200", "America/Los_Angeles", date(2026, 3, 1)),
        ("2026-03-02T01:00:00.000+02:00", None, date(2026, 3, 2)),
        ("2026-03-02T23:00:00", "Asia/Jakarta", date(2026, 3, 2)),
        ("2026-03-02", "Pacific/Kiritimati", date(2026, 3, 2)),
        ("2/Mar/26", "Asia/Jakarta", date(2026, 3, 2)),
        ("soon", "Asia/Jakarta", None),
        (None, "Asia/Jakarta", None),
    ],
)
def test_a_moment_is_a_day_on_the_accounts_calendar(written: Any, zone: str | None, expected: date | None) -> None:
    assert day_of(written, ZoneInfo(zone) if zone else None) == expected


def test_a_configured_field_must_exist() -> None:
    _, problems = discover("src", [{"id": "customfield_1", "name": "x"}], {"estimate": "customfield_9", "colour": "x"})
    assert ["customfield_9" in problems[0].what, "colour" in problems[1].what] == [True, True]


HOURS = st.lists(st.integers(0, 50), max_size=8).map(sorted)
VALUES = st.none() | st.sampled_from("abc").map(lambda one: (one, one))
ZERO = datetime(2026, 1, 1, tzinfo=UTC)


@given(HOURS, st.data())
def test_stays_are_an_unbroken_chain(hours: list[int], data: st.DataObject) -> None:
    changes: list[tuple[datetime, Value]] = [(ZERO + timedelta(hours=one), data.draw(VALUES)) for one in hours]
    now = data.draw(VALUES)
    found = stays("e", "f", ZERO, changes, now)
    for earlier, later in pairwise(found):
        assert earlier.until is not None
        assert earlier.until <= later.since
        assert (earlier.until, earlier.value) != (later.since, later.value)
    assert [one.value for one in found if one.until is None] == ([now[0]] if now else [])
    # an oracle: the state in the middle of each hour
    for hour in range(51):
        middle = ZERO + timedelta(hours=hour, minutes=30)
        truth = next((before for at_, before in changes if at_ > middle), now)
        assert _state(found, middle) == ({truth[0]} if truth else set())


@given(HOURS, st.data())
def test_memberships_equal_undoing_the_changes(hours: list[int], data: st.DataObject) -> None:
    one_or_none = st.none() | st.sampled_from("abc")
    changes = []
    for hour in hours:
        left, joined = data.draw(one_or_none), data.draw(one_or_none)
        changes.append(
            (ZERO + timedelta(hours=hour), frozenset(filter(None, [left])), frozenset(filter(None, [joined])))
        )
    now = data.draw(st.frozensets(st.sampled_from("abc")))
    found = memberships("e", "f", deltas(changes, now, ZERO), {one: (one, one) for one in "abc"})
    for hour in range(51):
        middle = ZERO + timedelta(hours=hour, minutes=30)
        truth = now
        for at_, left, joined in reversed(changes):
            if at_ > middle:
                truth = (truth - joined) | left
        assert _state(found, middle) == truth


def _state(found: list[Interval], when: datetime) -> set[str]:
    return {one.value for one in found if one.since <= when and (one.until is None or one.until > when)}


def test_a_custom_field_with_a_system_fields_name_is_not_that_field() -> None:
    changes = [
        at(
            hour,
            {**item(name, "30001", "30002", "Red", "Green", fieldId=f"customfield_99{hour}"), "fieldtype": "custom"},
        )
        for hour, name in enumerate(("Status", "Project", "Parent", "Priority"), 1)
    ]
    assert made(*changes).intervals == made().intervals
