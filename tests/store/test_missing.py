"""Issues that a census no longer shows: vanished after two misses a day apart, with what has become of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pmo_sync import tables
from pmo_sync.model import Trace
from pmo_sync.record import Record
from pmo_sync.store import Store, handover, vanishing
from tests.store import history
from tests.store.test_store import logical, memory


def miss(store: Store, project: str, missing: frozenset[str], at: datetime) -> list[str]:
    """A census, and what it takes out: all that is due."""
    due = vanishing.note_missing(store, project, missing, at)
    vanishing.take_out(store, [Trace(one, "gone") for one in due], at)
    return due


NOW = datetime(2026, 2, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEN = "\n".join(f"PAY-{number} 2026-01-05 todo +label:x" for number in range(10))
GONE = frozenset({"acme:PAY-3"})


def ten() -> Store:
    return history.fill(memory(), history.parse(TEN))


def test_a_second_miss_a_day_later_makes_it_vanish() -> None:
    with ten() as store:
        assert miss(store, "acme:PAY", GONE, NOW) == []
        assert miss(store, "acme:PAY", GONE, NOW + 23 * HOUR) == []
        assert store.counts("acme") == {"acme:PAY": 10}
        assert miss(store, "acme:PAY", GONE, NOW + 24 * HOUR) == ["acme:PAY-3"]
        assert store.counts("acme") == {"acme:PAY": 9}
        assert store.issue_ids("acme:PAY") == {f"acme:PAY-{number}" for number in range(10)} - GONE
        assert miss(store, "acme:PAY", GONE, NOW + 72 * HOUR) == []


def test_seen_in_between_starts_the_count_anew() -> None:
    with ten() as store:
        miss(store, "acme:PAY", GONE, NOW)
        miss(store, "acme:PAY", frozenset(), NOW + HOUR)
        assert miss(store, "acme:PAY", GONE, NOW + 30 * HOUR) == []
        history.fill(store, history.parse(TEN))  # read again: it is there
        assert miss(store, "acme:PAY", GONE, NOW + 60 * HOUR) == []


def test_ids_we_do_not_have_and_other_projects_do_not_count() -> None:
    with ten() as store:
        history.fill(store, history.parse("OPS-1 2026-01-05 todo"))
        miss(store, "acme:OPS", frozenset({"acme:OPS-1"}), NOW)
        miss(store, "acme:PAY", frozenset({"acme:PAY-77", "acme:OPS-1"}), NOW)
        assert miss(store, "acme:PAY", frozenset({"acme:PAY-77", "acme:OPS-1"}), NOW + 48 * HOUR) == []
        assert miss(store, "acme:OPS", frozenset({"acme:OPS-1"}), NOW + 48 * HOUR) == ["acme:OPS-1"]


def test_what_is_asked_for_and_is_here_stays() -> None:
    with ten() as store:
        vanishing.note_missing(store, "acme:PAY", GONE, NOW)
        assert vanishing.note_missing(store, "acme:PAY", GONE, NOW + 24 * HOUR) == ["acme:PAY-3"]
        vanishing.take_out(store, [Trace("acme:PAY-3", "here")], NOW + 24 * HOUR)
        assert store.counts("acme") == {"acme:PAY": 10}
        assert vanishing.missed(store, "acme") == {}
        assert vanishing.note_missing(store, "acme:PAY", GONE, NOW + 26 * HOUR) == []


def test_each_vanishes_with_its_fate() -> None:
    fates = {"acme:PAY-1": "gone", "acme:PAY-2": "moved", "acme:PAY-3": "archived"}
    with ten() as store:
        vanishing.note_missing(store, "acme:PAY", frozenset(fates), NOW)
        assert vanishing.missed(store, "acme") == {"acme:PAY": 3}
        assert vanishing.note_missing(store, "acme:PAY", frozenset(fates), NOW + 24 * HOUR) == sorted(fates)
        vanishing.take_out(store, [Trace(one, fate) for one, fate in fates.items()], NOW + 24 * HOUR)  # type: ignore[arg-type]
        assert dict(store.rows("SELECT issue_id, fate FROM issue WHERE vanished_at IS NOT NULL")) == fates
        assert vanishing.missed(store, "acme") == {}
        history.fill(store, history.parse(TEN))
        assert store.rows("SELECT count(*) FROM issue WHERE vanished_at IS NOT NULL OR fate IS NOT NULL") == [(0,)]


def test_the_vanished_stay_in_the_past_and_survive_the_database(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with ten() as store:
        miss(store, "acme:PAY", GONE, NOW)
        miss(store, "acme:PAY", GONE, NOW + 48 * HOUR)
        handover.give(store, record, "run-1")
        handover.give(store, record, "run-2")
        expected = logical(store)[:2]
        for day, count in ((date(2026, 2, 1), 10), (date(2026, 2, 2), 10), (date(2026, 2, 4), 9)):
            tables.prepare(store, history.configure(), datetime(day.year, day.month, day.day, tzinfo=UTC), day)
            assert store.rows("SELECT count(*) FROM lifecycle") == [(count,)]
    assert record.runs() == ["run-1"]
    for order in ("record first", "tracker first"):
        rest = "\n".join(line for line in TEN.splitlines() if "PAY-3" not in line)
        with memory() as store:
            if order == "record first":
                handover.take(store, record)
            history.fill(store, history.parse(rest))
            handover.take(store, record)
            assert logical(store)[:2] == expected


def test_what_the_tracker_shows_again_is_back(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with ten() as store:
        expected = logical(store)[:2]
        miss(store, "acme:PAY", GONE, NOW)
        miss(store, "acme:PAY", GONE, NOW + 48 * HOUR)
        handover.give(store, record, "run-1")
        history.fill(store, history.parse(TEN))
        assert logical(store)[:2] == expected
    with ten() as store:
        handover.take(store, record)
        assert logical(store)[:2] == expected
