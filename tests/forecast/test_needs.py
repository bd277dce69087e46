"""What commitments need elsewhere, read from real histories: epics, sub-tasks, other trackers, shared items."""

from __future__ import annotations

import pytest

from pmo_sync.config import Config, Scope
from pmo_sync.queries import READING, sql, sql_before
from pmo_sync.store import Store
from tests.store import history

NOW = "2026-03-02"
DATES = "2026-01-05 due_on=2026-04-01 state=open"
OPEN = "2026-01-05 todo"


def links(text: str, config: Config | None = None) -> set[str]:
    """Each as "who: blocked < blocker of what it needs"."""
    store = history.prepared(text, NOW, config)
    keys = dict(store.rows("SELECT 'issue:' || issue, key FROM issue"))
    found = {
        f"{node.rpartition(':')[2]}: {blocked['key']} < {blocker['key']} of {keys.get(needs) or needs.rpartition(':')[2]}"
        for node, _, _, needs, _, blocked, blocker in store.rows(sql("forecast/links"))
        if node not in keys
    }
    store.close()
    return found


def owed(store: Store) -> set[tuple[str, str, str]]:
    query = "SELECT o.subject, i.key, o.project FROM owed AS o JOIN issue AS i ON i.issue = o.issue"
    return {
        (subject.rpartition(":")[2], key, project.removeprefix("project:"))
        for subject, key, project in store.rows(query)
    }


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # a link to another project, from either end, and by its address in another tracker
        ((f"PAY-1 {OPEN} +milestone:v1 +blocked_by:CORE-1", f"CORE-1 {OPEN}"), {"v1: PAY-1 < CORE-1 of CORE-1"}),
        ((f"PAY-1 {OPEN} +milestone:v1", f"CORE-1 {OPEN} +milestone:v2 +blocks:PAY-1"), {"v1: PAY-1 < CORE-1 of v2"}),
        (
            (f"PAY-1 {OPEN} +milestone:v1 +blocked_by:https://gl.example/browse/APP-1", f"gl:APP-1 {OPEN}"),
            {"v1: PAY-1 < APP-1 of APP-1"},
        ),
        # of two commitments that hold the blocker, the one due first
        (
            (f"PAY-1 {OPEN} +milestone:v1 +blocked_by:CORE-1", f"CORE-1 {OPEN} +milestone:v2 +milestone:v3"),
            {"v1: PAY-1 < CORE-1 of v3"},
        ),
        # no link: within the project, to what is done, of what is done
        ((f"PAY-1 {OPEN} +milestone:v1 +blocked_by:PAY-2", f"PAY-2 {OPEN}"), set()),
        ((f"PAY-1 {OPEN} +milestone:v1 +blocked_by:CORE-1", f"CORE-1 {OPEN} 2026-02-01 done"), set()),
        ((f"PAY-1 {OPEN} +milestone:v1 +blocked_by:CORE-1 2026-02-01 done", f"CORE-1 {OPEN}"), set()),
        # through an item of its own project
        (
            (f"PAY-1 {OPEN} +milestone:v1 +blocked_by:PAY-2", f"PAY-2 {OPEN} +blocked_by:CORE-1", f"CORE-1 {OPEN}"),
            {"v1: PAY-2 < CORE-1 of CORE-1"},
        ),
        # a sub-task waits where its story does
        (
            (
                f"PAY-1 {OPEN} +milestone:v1 +blocked_by:CORE-1", f"PAY-2 level=-1 {OPEN} parent=PAY-1", f"CORE-1 {OPEN} +milestone:v2",
                f"CORE-2 level=-1 {OPEN} parent=CORE-1",
            ),
            {"v1: PAY-1 < CORE-1 of v2"},
        ),
        # a dated epic waits as a whole, and is waited for as a whole
        (
            (
                f"PAY-9 kind=Epic level=1 {OPEN} due_on=2026-05-01 +blocked_by:CORE-9", f"PAY-1 {OPEN} parent=PAY-9",
                f"CORE-9 kind=Epic level=1 {OPEN} due_on=2026-04-15", f"CORE-1 {OPEN} parent=CORE-9 +milestone:v2",
            ),
            {"PAY-9: PAY-9 < CORE-9 of CORE-9"},
        ),
        # its own item in another project is a part of it, no link
        ((f"PAY-1 {OPEN} +milestone:v1 +blocked_by:CORE-1", f"CORE-1 {OPEN} +milestone:v1"), set()),
    ],
)  # fmt: skip
def test_a_link_is_a_dependency_on_another_project(lines: tuple[str, ...], expected: set[str]) -> None:
    dates = "\n".join(
        f"@v{n} kind=version project={key} {DATES.replace('04-01', f'04-0{5 - n}')}"
        for n, key in ((1, "PAY"), (2, "CORE"), (3, "CORE"))
    )
    assert links("\n".join([*lines, f"PAY-50 {OPEN}", f"CORE-50 {OPEN}", dates])) == expected


def test_an_item_of_two_projects_is_owed_by_its_milestones_own_and_waits_for_neither() -> None:
    config = history.configure(
        history.pmo_project("both", Scope("acme", "PAY"), Scope("acme", "CORE", label="shared")),
        history.pmo_project("core", Scope("acme", "CORE")),
    )
    text = f"""
        PAY-1  {OPEN} +milestone:v1 +blocked_by:CORE-1
        PAY-2  {OPEN} +milestone:v1
        CORE-1 {OPEN} +label:shared +milestone:v1
        CORE-2 {OPEN} +milestone:v1
        CORE-3 {OPEN} +label:shared +milestone:v2
        CORE-4 {OPEN} +milestone:v2
        CORE-5 {OPEN} +milestone:v2 2026-02-01 done
        @v1 kind=version project=PAY {DATES}
        @v2 kind=version project=CORE {DATES}
    """
    store = history.prepared(text, NOW, config)
    assert owed(store) == {
        ("v1", "PAY-1", "both"), ("v1", "PAY-2", "both"), ("v1", "CORE-1", "both"), ("v1", "CORE-2", "core"),
        ("v2", "CORE-3", "core"), ("v2", "CORE-4", "core"),
    }  # fmt: skip
    store.close()
    assert links(text, config) == set()


def test_a_confidential_issue_is_there_and_has_no_name() -> None:
    from pmo_sync.forecast.joint import _ref

    text = f"""
        PAY-1 confidential=yes {OPEN} +milestone:v1 +blocked_by:CORE-1
        CORE-1 {OPEN}
        @v1 kind=version project=PAY {DATES}
    """
    store = history.prepared(text, NOW)
    [(_, _, _, _, _, blocked, blocker)] = store.rows(sql("forecast/links"))
    store.close()
    assert _ref(blocked) == ("", "", "", True, None)
    assert _ref(blocker)[0] == "CORE-1"


def test_a_blocker_nobody_has_promised_has_its_turn_by_its_due_date() -> None:
    """CORE owes two items by 3 April, one by 9 April and an overdue one that nobody works on."""
    text = f"""
        PAY-1  {OPEN} +milestone:v1
        CORE-1 {OPEN} +milestone:v2
        CORE-2 {OPEN} +milestone:v2
        CORE-3 {OPEN} +milestone:v3
        CORE-4 {OPEN} +milestone:v4
        CORE-5 {OPEN}
        CORE-6 {OPEN} due_on=2026-04-05
        CORE-7 kind=Epic level=1 {OPEN} due_on=2026-04-05
        CORE-8 {OPEN} parent=CORE-7
        CORE-9 {OPEN} parent=CORE-7
        @v1 kind=version project=PAY 2026-01-05 due_on=2026-04-01 state=open
        @v2 kind=version project=CORE 2026-01-05 due_on=2026-04-03 state=open
        @v3 kind=version project=CORE 2026-01-05 due_on=2026-04-09 state=open
        @v4 kind=version project=CORE 2026-01-05 due_on=2026-02-01 state=open
    """
    config = history.configure(committed_kinds=("version",))
    store = history.prepared(text, NOW, config)
    ids = dict(store.rows("SELECT key, issue FROM issue"))
    asked = {ids[f"CORE-{n}"]: n for n in (5, 6, 7)}
    query = sql_before("indicators/FC-3", READING) + sql("forecast/needs")
    rows = store.rows(query, {"blockers": sorted(asked)})
    found = {asked[blocker]: (project, total, work) for _, blocker, project, _, total, _, work, *_ in rows}
    store.close()
    assert found == {5: ("project:CORE", 1, 4), 6: ("project:CORE", 1, 3), 7: ("project:CORE", 2, 4)}


def test_a_story_with_nothing_open_below_it_is_still_waited_for() -> None:
    text = f"""
        @v1 kind=version project=PAY {DATES}
        PAY-1 {OPEN} +milestone:v1 +blocked_by:CORE-1
        CORE-1 2026-01-05 doing
        CORE-2 level=-1 {OPEN} parent=CORE-1 2026-02-01 done
    """
    store = history.prepared(text, NOW)
    [(issue,)] = store.rows("SELECT issue FROM issue WHERE key = 'CORE-1'")
    query = sql_before("indicators/FC-3", READING) + sql("forecast/needs")
    [row] = store.rows(query, {"blockers": [issue]})
    assert (row[0], row[1], row[2], row[4]) == (None, issue, "project:CORE", 1)
