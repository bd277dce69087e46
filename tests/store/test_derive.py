"""The derived tables against the oracle, on random lives, at random moments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pmo_sync import tables
from pmo_sync.config import Config, Scope
from pmo_sync.model import Trace
from pmo_sync.store import Store, passes, vanishing
from tests.store import history, lives, oracle

PLAIN = history.configure(sources=("acme", "gl"))
ROLES = {"risk": ("Risk",), "decision": ("decision",)}
SCOPED = history.configure(
    history.pmo_project("one", Scope("acme", "pay"), Scope("gl", milestone="m1"), programme="big", must_win=("v1",)),
    history.pmo_project("two", Scope("acme", label="Mobile"), Scope("acme", epic="PAY-1"), programme="big"),
    history.pmo_project("off", Scope("acme"), enabled=False),
    sources=(),
    programmes={"big": "Big"},
    roles=ROLES,
    zone=ZoneInfo("Asia/Jakarta"),
)
SCOPED = history.replace(
    SCOPED,
    sources=(history.source("acme", {"odd_one ": "doing", "In Progress": "todo"}), history.source("gl")),
)

REBOUND = history.replace(
    SCOPED,
    projects=(
        history.pmo_project("one", Scope("acme", "app"), must_win=("v1",)),
        history.pmo_project("two", Scope("acme", "PAY"), Scope("gl"), programme="big"),
        history.pmo_project("off", Scope("acme", label="Mobile")),
    ),
)

LATER = history.moment("2026-01-09")
MOMENTS = st.lists(lives.moments(), min_size=1, max_size=3)


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _rows(store: Store, sql: str) -> set[tuple[Any, ...]]:
    return {tuple(map(_aware, row)) for row in store.rows(sql)}


def _check(text: str, moments: list[datetime], *configs: Config) -> None:
    """One store, derived for one configuration after the other."""
    case = history.parse(text)
    store = history.fill(history.blank(), case)
    for config in configs:
        for as_of in moments:
            _equals(store, case, config, as_of)


def _equals(store: Store, case: history.Case, config: Config, as_of: datetime) -> None:
    tables.prepare(store, config, as_of, (as_of - timedelta(microseconds=1)).date())
    expected = oracle.lives(case, config, as_of)
    fields = [name for name in oracle.Life.__dataclass_fields__ if name != "flow"]
    found = [
        tuple(map(_aware, row)) for row in store.rows(f"SELECT {', '.join(fields)} FROM lifecycle ORDER BY issue_id")
    ]
    assert found == [tuple(getattr(one, name) for name in fields) for one in expected]
    assert _rows(store, "SELECT issue_id, flow.category, since, until FROM flow JOIN lifecycle USING (issue)") == {
        (one.issue_id, *stay) for one in expected for stay in one.flow
    }
    names = "SELECT a.issue_id, b.issue_id, since FROM blocking JOIN lifecycle a ON a.issue = blocker JOIN lifecycle b ON b.issue = blocked"
    assert _rows(store, names) == oracle.blockings(case, config, as_of)
    scope = "SELECT subject, issue_id, since, until FROM scope_history JOIN lifecycle USING (issue)"
    assert _rows(store, scope) == oracle.scopes(case, config, as_of)
    inside = store.rows("SELECT subject, issue_id FROM membership JOIN lifecycle USING (issue)")
    assert len(inside) == len(set(inside))
    assert set(inside) == {
        (subject, one) for subject, ids in oracle.members(case, config, as_of).items() for one in ids
    }
    dated = "SELECT subject, parent, name, state, due_on FROM subject WHERE kind IN ('milestone', 'epic')"
    assert _rows(store, dated) == {(one, *what) for one, what in oracle.subjects(case, config, as_of).items()}
    done = "SELECT subject, issue_id, done_on, is_bulk FROM delivery JOIN lifecycle USING (issue)"
    assert _rows(store, done) == oracle.deliveries(case, config, as_of)


@lives.share(50)
@given(lives.portfolios(), MOMENTS)
def test_each_tracker_project_as_a_project(text: str, moments: list[datetime]) -> None:
    _check(text, moments, PLAIN)


@lives.share(50)
@given(lives.portfolios(), MOMENTS)
@example("PAY-1 2026-01-05 done  2026-01-06 resolution=Duplicate  2026-01-07 resolution=Done", [LATER])
@example("PAY-1 2026-01-05 doing  2026-01-06 status=  2026-01-07 doing", [LATER])
@example("PAY-1 kind=Risk 2026-01-05 done", [LATER])
@example("PAY-2 2026-01-05 todo +label:mobile\nPAY-3 2026-01-05 todo parent=PAY-2", [LATER])
def test_configured_projects_roles_statuses_and_zone(text: str, moments: list[datetime]) -> None:
    _check(text, moments, SCOPED)


@lives.share(25)
@given(lives.portfolios(), MOMENTS)
@example("PAY-1 2026-01-05 done\nAPP-1 2026-01-05 todo\ngl:LIB-1 2026-01-05 todo", [LATER])
def test_projects_that_are_bound_to_others_keep_nothing_of_what_they_were(text: str, moments: list[datetime]) -> None:
    _check(text, moments, SCOPED, REBOUND, PLAIN, SCOPED)


ANEW = """
@v1     kind=version project=PAY   2026-01-02 due_on=2026-03-01
PAY-1   2026-01-05 todo project=PAY +milestone:v1   2026-01-07 doing   2026-01-12 done
PAY-2   2026-01-06 doing project=PAY   2026-01-08 done
APP-1   2026-01-06 doing
LIB-1   2026-01-20 todo   2026-01-22 done
LIB-2   2026-01-20 todo
"""
GONE = history.moment("2026-01-21")


@pytest.mark.parametrize("day", [6, 9, 13, 20, 21, 22, 23])
@pytest.mark.parametrize("scope", [Scope("acme", "PAY"), Scope("acme", "PA/*"), Scope("acme")])
def test_a_project_that_was_made_anew_under_its_key_has_the_past_of_the_old_one(day: int, scope: Scope) -> None:
    """LIB stands for the second PAY; the old one is told as PA/Y, as GitLab's path of a group would be, where asked so."""
    key = "PA/Y" if scope.project == "PA/*" else "PAY"
    case = history.parse(ANEW)
    case = replace(
        case,
        projects=tuple(one._replace(key=key) if one.key in ("PAY", "LIB") else one for one in case.projects),
        intervals=tuple(one._replace(label=key) if one.value == "acme:PAY" else one for one in case.intervals),
    )
    store = history.fill(history.blank(), case)
    vanishing.take_out(store, [Trace(one, "gone") for one in ("acme:PAY-1", "acme:PAY-2")], GONE)
    passes.forget_project(store, "acme:PAY")
    as_of = history.moment(f"2026-01-{day:02}")
    gone = {"acme:PAY"} if as_of > GONE else set()
    shown = [one for one in case.issues if one.project_id not in gone]
    there = tuple(one for one in case.projects if one.project_id not in gone)
    config = history.configure(history.pmo_project("one", scope))
    _equals(store, replace(case, issues=tuple(shown), projects=there), config, as_of)
    [(count,)] = store.rows("SELECT count(*) FROM membership WHERE subject = 'project:one'")
    assert count == sum(one.created_at < as_of and (scope.project is None or "APP" not in one.key) for one in shown)


@lives.share(30)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=14), st.integers(1, 15))
@example([11], 2)
@example([3] * 10 + [30], 12)
@example([25, *[1] * 8, 40], 12)
def test_bulk_closures_are_those_beyond_six_usual_days(closures: list[int], days: int) -> None:
    lines = [
        f"PAY-{day}{number:02} 2025-12-01 todo 2026-01-{day + 1:02}T{number // 2:02}:{30 * (number % 2):02} done"
        for day, count in enumerate(closures)
        for number in range(count)
    ]
    _check("\n".join(lines), [history.moment(f"2026-01-{days + 1:02}")], PLAIN)
