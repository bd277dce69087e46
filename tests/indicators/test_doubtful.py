"""What can hardly be as the tracker says, kind by kind, with its items."""

from __future__ import annotations

from datetime import date

import pytest

from pmo_sync import assess
from pmo_sync.assessed import Doubt
from pmo_sync.queries import sql
from pmo_sync.store import Store
from tests.store.history import prepared

CASES = {
    "done_at_once": "PAY-1 2026-01-05 done",
    "due_before_creation": "PAY-1 2026-01-05 todo due_on=2026-01-04",
    "due_before_start": "PAY-1 2026-01-05 todo start_on=2026-02-02 due_on=2026-02-01",
    "due_after_parent": "PAY-1 2026-01-05 todo due_on=2026-03-02 parent=PAY-2\nPAY-2 2026-01-05 todo due_on=2026-03-01",
    "negative_estimate": "PAY-1 2026-01-05 todo estimate=-3",
    "parents_in_circle": "PAY-1 2026-01-05 todo parent=PAY-2\nPAY-2 2026-01-05 todo parent=PAY-1",
    "closed_in_bulk": "\n".join(f"PAY-{n} 2026-01-05 todo 2026-01-20 done" for n in range(1, 14)),
}
ITEMS = {"parents_in_circle": 2, "closed_in_bulk": 3}  # ten a day are no bulk
SOUND = """
    PAY-1 2026-01-05 todo 2026-01-06 done
    PAY-2 2026-01-05 todo start_on=2026-02-01 due_on=2026-02-01 estimate=0 parent=PAY-3
    PAY-3 2026-01-05 todo due_on=2026-02-01
    PAY-4 2026-01-05 todo due_on=2026-03-01 parent=PAY-5
    PAY-5 2026-01-05 todo due_on=2026-01-10 2026-01-08 done
"""


def found(store: Store) -> list[tuple[str, str, int]]:
    return [row[:3] for row in dict.fromkeys((*row[:3],) for row in store.rows(sql("findings/doubtful")))]


@pytest.mark.parametrize("what", CASES)
def test_each_kind_is_told_with_its_items(what: str) -> None:
    store = prepared(CASES[what], "2026-01-25")
    assert found(store) == [("project:PAY", what, ITEMS.get(what, 1))]


def test_what_is_sound_is_not_told() -> None:
    assert found(prepared(SOUND, "2026-01-25")) == []


def test_given_up_work_is_no_doubt() -> None:
    assert found(prepared("PAY-1 2026-01-05 todo due_on=2026-01-04 2026-01-06 wontdo", "2026-01-25")) == []


def test_of_many_the_newest_twelve_are_named() -> None:
    text = "\n".join(f"PAY-{n} confidential=true 2026-01-{n:02} done" for n in range(1, 21))
    [doubt] = assess.doubts(prepared(text, "2026-01-25"))
    assert doubt[:3] == Doubt("project:PAY", "done_at_once", 20, ())[:3]
    assert [one.key for one in doubt.newest] == [f"PAY-{n}" for n in range(20, 8, -1)]
    assert all(one.is_confidential for one in doubt.newest)


def test_ten_thousand_closed_in_a_minute_move_no_pace() -> None:
    usual = "\n".join(f"PAY-{n} 2026-01-05 todo 2026-01-{6 + n % 20:02} done" for n in range(1, 21))
    bulk = "\n".join(f"PAY-{n} 2026-01-05 todo 2026-02-02T10:00 done" for n in range(100, 10_100))
    store = prepared(f"{usual}\n{bulk}", "2026-02-10", today=date(2026, 2, 9))
    assert found(store) == [("project:PAY", "closed_in_bulk", 9_990)]
    paced = "SELECT count(*) FROM delivery WHERE subject = 'project:PAY' AND NOT is_bulk"
    assert store.rows(paced) == [(30,)]
