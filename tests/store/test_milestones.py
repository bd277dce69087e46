"""Milestone history grows from snapshots, survives in the record, and comes back from it."""

# ruff: noqa: DTZ001 - the database's moments are UTC without a zone

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pmo_sync import tables
from pmo_sync.model import Catalogue, Interval, Milestone, Problem, Project
from pmo_sync.record import Record
from pmo_sync.store import Store, handover
from tests.store import history, lives
from tests.store.test_store import memory

PAY = Project("acme:PAY", "acme", "PAY", "Payments", "https://acme.example/PAY", False)
V1 = Milestone(
    "acme:m:v1", "acme", "acme:PAY", "version", "v1", "open", None, date(2026, 3, 1), None, "https://acme.example/v1"
)


def at(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


def catalogue(*milestones: Milestone, problems: tuple[Problem, ...] = ()) -> Catalogue:
    return Catalogue((PAY,), (), milestones, problems)


def grown(store: Store) -> list[tuple[object, ...]]:
    return store.rows(
        "SELECT entity_id, field, value, since, until FROM history JOIN entity USING (entity) ORDER BY ALL"
    )


def told(store: Store) -> list[tuple[str, str, int, int | None]]:
    """What waits for the record: field, value, and the days of January."""
    query = "SELECT field, value, day(since), day(until) FROM unrecorded_interval ORDER BY ALL"
    return [(field, value, since, until) for field, value, since, until in store.rows(query)]


def test_first_look_starts_every_value_and_a_change_ends_it() -> None:
    with memory() as store:
        store.save_catalogue("acme", catalogue(V1), at(5))
        first = [("due_on", "2026-03-01", 5, None), ("name", "v1", 5, None), ("state", "open", 5, None)]
        assert told(store) == first
        store.save_catalogue("acme", catalogue(V1), at(6))
        assert told(store) == first
        store.save_catalogue("acme", catalogue(V1._replace(due_on=date(2026, 4, 1), name="v1.0")), at(7))
        moved = [
            ("due_on", "2026-03-01", 5, 7), ("due_on", "2026-04-01", 7, None), ("name", "v1", 5, 7),
            ("name", "v1.0", 7, None), ("state", "open", 5, None),
        ]  # fmt: skip
        assert told(store) == moved
        store.save_catalogue("acme", catalogue(V1._replace(due_on=None, name="v1.0")), at(8))
        assert told(store) == [moved[0], ("due_on", "2026-04-01", 7, 8), *moved[2:]]
        assert store.rows("SELECT name, due_on, first_seen_at FROM milestone") == [("v1.0", None, datetime(2026, 1, 5))]


def test_two_looks_at_one_moment_leave_the_later_and_a_clock_going_back_no_negative_stay() -> None:
    with memory() as store:
        store.save_catalogue("acme", catalogue(V1), at(5))
        store.save_catalogue("acme", catalogue(V1._replace(due_on=date(2026, 4, 1))), at(5))
        store.save_catalogue("acme", catalogue(V1._replace(due_on=date(2026, 5, 1))), at(2))
        assert [row for row in grown(store) if row[1] == "due_on"] == [
            ("acme:m:v1", "due_on", "2026-05-01", datetime(2026, 1, 5), None)
        ]


def test_what_a_complete_catalogue_lacks_has_vanished_and_may_return() -> None:
    with memory() as store:
        store.save_catalogue("acme", catalogue(V1), at(5))
        store.save_catalogue("acme", catalogue(problems=(Problem("PAY", "no permission"),)), at(6))
        assert store.rows("SELECT vanished_at FROM milestone") == [(None,)]
        store.save_catalogue("acme", catalogue(), at(7))
        store.save_catalogue("acme", catalogue(), at(8))
        assert store.rows("SELECT vanished_at FROM milestone") == [(datetime(2026, 1, 7),)]
        store.save_catalogue("gl", Catalogue((), (), ()), at(8))
        store.save_catalogue("acme", catalogue(V1), at(9))
        assert store.rows("SELECT vanished_at, first_seen_at FROM milestone") == [(None, datetime(2026, 1, 5))]


def test_projects_are_replaced_by_a_complete_catalogue_only() -> None:
    ops = PAY._replace(project_id="acme:OPS", key="OPS")
    with memory() as store:
        store.save_catalogue("acme", Catalogue((PAY, ops), (), ()), at(5))
        store.save_catalogue("acme", Catalogue((PAY._replace(name="New"),), (), (), (Problem("OPS", "closed"),)), at(6))
        assert store.rows("SELECT key, name FROM project ORDER BY key") == [("OPS", "Payments"), ("PAY", "New")]
        store.save_catalogue("acme", Catalogue((PAY,), (), ()), at(7))
        assert store.project_keys("acme") == {"acme:PAY": "PAY"}


_DUE = st.one_of(st.none(), st.dates(date(2026, 3, 1), date(2026, 3, 4)))
_STATES = st.lists(st.none() | st.tuples(_DUE, st.sampled_from(["open", "closed"])), min_size=1, max_size=8)
_SEEN = "SELECT * EXCLUDE (milestone) FROM milestone"


@lives.share(20)
@given(_STATES, st.sets(st.integers(1, 8)), st.sets(st.integers(1, 8)))
def test_history_from_the_record_equals_history_as_it_grew(
    states: list[tuple[date | None, str] | None], handed_over: set[int], rebuilt: set[int]
) -> None:
    """Whatever the moments of handing over, and of losing the database after it; None: the milestone is not there."""
    looks = [
        catalogue() if seen is None else catalogue(V1._replace(due_on=seen[0], state=seen[1]))  # type: ignore[arg-type]
        for seen in states
    ]
    store = history.blank()
    for day, look in enumerate(looks, 1):
        store.save_catalogue("acme", look, at(day))
    expected = grown(store), store.rows(_SEEN)
    with tempfile.TemporaryDirectory() as folder:
        record, store = Record(Path(folder)), history.blank()
        for day, look in enumerate(looks, 1):
            store.save_catalogue("acme", look, at(day))
            if day in handed_over | rebuilt:
                handover.give(store, record, f"run-{day}")
            if day in rebuilt:
                store = history.blank()
                handover.take(store, record)
        store.save_catalogue("acme", looks[-1], at(20))
        assert (grown(store), store.rows(_SEEN)) == expected


def test_a_vanished_milestone_stays_in_the_past_of_a_new_database(tmp_path: Path) -> None:
    """Its issues' histories name it, and no tracker tells of it any more: the tables of any day are what they were."""
    case = history.parse("""
        PAY-1 2026-01-05 todo +milestone:v1 2026-01-08 doing 2026-01-12 done
        PAY-2 2026-01-06 todo +milestone:v1 2026-01-20 -milestone:v1
    """)
    record, cuts = Record(tmp_path), []
    for is_new in (False, True):
        with memory() as store:
            if is_new:
                handover.take(store, record)
            else:
                store.save_catalogue("acme", replace(case.catalogue("acme"), milestones=(V1,)), at(6))
            store.save_catalogue("acme", case.catalogue("acme"), at(25))
            store.append("acme", "acme:PAY", case.page)
            store.merge()
            handover.give(store, record, f"run-{is_new}")
            cuts.append([_cut(store, day) for day in (7, 13, 24, 28)])
    assert cuts[0] == cuts[1]
    assert any("v1" in str(row) for row in cuts[0][0]["subject"])


def _cut(store: Store, day: int) -> dict[str, list[tuple[object, ...]]]:
    tables.prepare(store, history.configure(), at(day), date(2026, 1, day))
    names = {
        "lifecycle": "* EXCLUDE (issue)",
        "subject": "*",
        "membership": "subject, issue_id",
        "scope_history": "subject, issue_id, since, until",
    }
    return {
        name: store.rows(
            f"SELECT {columns} FROM {name} {'' if name in ('subject', 'lifecycle') else 'JOIN issue USING (issue)'} "
            "ORDER BY ALL"
        )
        for name, columns in names.items()
    }


def test_handing_over_twice_after_a_kill_counts_once(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with memory() as store:
        store.save_catalogue("acme", catalogue(V1), at(5))
        intervals = store.arrow("SELECT * FROM unrecorded_interval")
        with record.run("a-killed-before-the-database-knew") as run:
            run.write("milestone_history", intervals)
        handover.give(store, record, "b")
        handover.give(store, record, "c-nothing-to-say")
        expected = grown(store)
    assert record.runs() == ["a-killed-before-the-database-knew", "b"]
    with memory() as store:
        handover.take(store, record)
        handover.take(store, record)
        assert grown(store) == expected


def test_history_that_a_tracker_keeps_itself_replaces_our_looks() -> None:
    from pmo_sync.model import Page

    own = (
        Interval("acme:m:v1", "name", "v1", "v1", datetime(2025, 6, 1, tzinfo=UTC), None),
        Interval("acme:m:v1", "state", "open", "open", datetime(2025, 6, 1, tzinfo=UTC), None),
        Interval("acme:m:v1", "due_on", "2026-02-01", "", datetime(2025, 6, 1, tzinfo=UTC), at(1)),
        Interval("acme:m:v1", "due_on", "2026-03-01", "", at(1), None),
    )
    with memory() as store:
        store.save_catalogue("acme", catalogue(V1), at(5))
        store.append("acme", "acme:PAY", Page((), own, (), (), "c"))
        store.merge()
        assert store.rows("SELECT first_seen_at FROM milestone") == [(datetime(2025, 6, 1),)]
        before = told(store)
        store.save_catalogue("acme", catalogue(V1), at(6))
        assert told(store) == before
