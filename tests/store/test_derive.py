"""The derived tables against the oracle, on random lives, at random moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from pmo_sync import tables
from pmo_sync.config import Config, Scope
from pmo_sync.store import Store
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

LATER = history.moment("2026-01-09")
MOMENTS = st.lists(lives.moments(), min_size=1, max_size=3)


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _rows(store: Store, sql: str) -> set[tuple[Any, ...]]:
    return {tuple(map(_aware, row)) for row in store.rows(sql)}


def _check(text: str, moments: list[datetime], config: Config) -> None:
    case = history.parse(text)
    store = history.fill(history.blank(), case)
    for as_of in moments:
        tables.prepare(store, config, as_of, (as_of - timedelta(microseconds=1)).date())
        expected = oracle.lives(case, config, as_of)
        fields = [name for name in oracle.Life.__dataclass_fields__ if name != "flow"]
        found = [
            tuple(map(_aware, row))
            for row in store.rows(f"SELECT {', '.join(fields)} FROM lifecycle ORDER BY issue_id")
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
