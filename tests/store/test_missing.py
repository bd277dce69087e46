"""Issues that a census no longer shows: vanished after two misses a day apart, never too many at once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pmo_sync import tables
from pmo_sync.errors import ShrinkError
from pmo_sync.record import Record
from pmo_sync.store import Store
from tests.store import history
from tests.store.test_store import logical, memory

NOW = datetime(2026, 2, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEN = "\n".join(f"PAY-{number} 2026-01-05 todo +label:x" for number in range(10))
GONE = frozenset({"acme:PAY-3"})


def ten() -> Store:
    return history.fill(memory(), history.parse(TEN))


def test_a_second_miss_a_day_later_makes_it_vanish() -> None:
    with ten() as store:
        assert store.note_missing("acme:PAY", GONE, NOW, 0.2) == []
        assert store.note_missing("acme:PAY", GONE, NOW + 23 * HOUR, 0.2) == []
        assert store.counts("acme") == {"acme:PAY": 10}
        assert store.note_missing("acme:PAY", GONE, NOW + 24 * HOUR, 0.2) == ["acme:PAY-3"]
        assert store.counts("acme") == {"acme:PAY": 9}
        assert store.issue_ids("acme:PAY") == {f"acme:PAY-{number}" for number in range(10)} - GONE
        assert store.note_missing("acme:PAY", GONE, NOW + 72 * HOUR, 0.2) == []


def test_seen_in_between_starts_the_count_anew() -> None:
    with ten() as store:
        store.note_missing("acme:PAY", GONE, NOW, 0.2)
        store.note_missing("acme:PAY", frozenset(), NOW + HOUR, 0.2)
        assert store.note_missing("acme:PAY", GONE, NOW + 30 * HOUR, 0.2) == []
        history.fill(store, history.parse(TEN))  # read again: it is there
        assert store.note_missing("acme:PAY", GONE, NOW + 60 * HOUR, 0.2) == []


def test_ids_we_do_not_have_and_other_projects_do_not_count() -> None:
    with ten() as store:
        history.fill(store, history.parse("OPS-1 2026-01-05 todo"))
        store.note_missing("acme:OPS", frozenset({"acme:OPS-1"}), NOW, 0.2)
        store.note_missing("acme:PAY", frozenset({"acme:PAY-77", "acme:OPS-1"}), NOW, 0.2)
        assert store.note_missing("acme:PAY", frozenset({"acme:PAY-77", "acme:OPS-1"}), NOW + 48 * HOUR, 0.2) == []
        assert store.note_missing("acme:OPS", frozenset({"acme:OPS-1"}), NOW + 48 * HOUR, 0.2) == ["acme:OPS-1"]


def test_too_many_at_once_is_refused_and_nothing_changes() -> None:
    three = frozenset(f"acme:PAY-{number}" for number in range(3))
    with ten() as store:
        store.note_missing("acme:PAY", three, NOW, 0.2)
        before = logical(store)
        with pytest.raises(ShrinkError, match=r"3 of 10 issues.*shrink_limit = 0\.2"):
            store.note_missing("acme:PAY", three, NOW + 48 * HOUR, 0.2)
        assert logical(store) == before
        assert len(store.note_missing("acme:PAY", three, NOW + 48 * HOUR, 0.3)) == 3


def test_one_issue_of_a_small_project_may_always_go_unless_the_limit_is_zero() -> None:
    with history.fill(memory(), history.parse("PAY-1 2026-01-05 todo")) as store:
        one = frozenset({"acme:PAY-1"})
        store.note_missing("acme:PAY", one, NOW, 0.2)
        with pytest.raises(ShrinkError):
            store.note_missing("acme:PAY", one, NOW + 48 * HOUR, 0)
        assert store.note_missing("acme:PAY", one, NOW + 48 * HOUR, 0.2) == ["acme:PAY-1"]


def test_the_vanished_stay_in_the_past_and_survive_the_database(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with ten() as store:
        store.note_missing("acme:PAY", GONE, NOW, 0.2)
        store.note_missing("acme:PAY", GONE, NOW + 48 * HOUR, 0.2)
        store.hand_over(record, "run-1")
        store.hand_over(record, "run-2")
        expected = logical(store)[:2]
        for day, count in ((date(2026, 2, 1), 10), (date(2026, 2, 2), 10), (date(2026, 2, 4), 9)):
            tables.prepare(store, history.configure(), datetime(day.year, day.month, day.day, tzinfo=UTC), day)
            assert store.rows("SELECT count(*) FROM lifecycle") == [(count,)]
    assert record.runs() == ["run-1"]
    for order in ("record first", "tracker first"):
        rest = "\n".join(line for line in TEN.splitlines() if "PAY-3" not in line)
        with memory() as store:
            if order == "record first":
                store.take_in(record)
            history.fill(store, history.parse(rest))
            store.take_in(record)
            assert logical(store)[:2] == expected


def test_what_the_tracker_shows_again_is_back(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with ten() as store:
        expected = logical(store)[:2]
        store.note_missing("acme:PAY", GONE, NOW, 0.2)
        store.note_missing("acme:PAY", GONE, NOW + 48 * HOUR, 0.2)
        store.hand_over(record, "run-1")
        history.fill(store, history.parse(TEN))
        assert logical(store)[:2] == expected
    with ten() as store:
        store.take_in(record)
        assert logical(store)[:2] == expected
