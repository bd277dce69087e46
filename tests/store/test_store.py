"""Pages in, issues and intervals out: twice, in any order, cut in the middle; and the state at any moment."""

# ruff: noqa: DTZ001 - the database's moments are UTC without a zone

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_sync.errors import StoreError
from pmo_sync.model import SET_FIELDS, SINGLE_FIELDS, Interval, Issue, Page, Person
from pmo_sync.store import Store, passes
from tests.store import history, lives


def memory() -> Store:
    return Store.open(Path("unused"), memory=True)


def logical(store: Store) -> tuple[list[Any], ...]:
    """What the store holds, without its own integers."""
    return (
        store.rows("SELECT * EXCLUDE (issue) FROM issue ORDER BY ALL"),
        store.rows("SELECT entity_id, h.* EXCLUDE (entity) FROM history AS h JOIN entity USING (entity) ORDER BY ALL"),
        store.rows("SELECT * FROM cursor ORDER BY ALL"),
        store.rows("SELECT * FROM person ORDER BY ALL"),
        store.rows("SELECT entity_id FROM entity ORDER BY ALL"),
    )


def split(case: history.Case) -> list[Page]:
    """One page an issue."""
    return [
        Page(
            (one,), tuple(stay for stay in case.intervals if stay.entity_id == one.issue_id), (), (), f"after {one.key}"
        )
        for one in case.issues
    ]


def stored(pages: Sequence[Page], merges: frozenset[int] = frozenset()) -> tuple[list[Any], ...]:
    store = history.blank()
    for number, page in enumerate(pages):
        store.append("acme", f"acme:{page.cursor}", page)
        if number in merges:
            store.merge()
    store.merge()
    return logical(store)


@lives.share(40)
@given(lives.portfolios(), st.data())
def test_pages_twice_in_any_order_with_any_merges_are_the_same(text: str, data: st.DataObject) -> None:
    pages = split(history.parse(text))
    again = data.draw(st.permutations(pages + pages))
    merges = data.draw(st.frozensets(st.integers(0, len(again))))
    assert stored(again, merges) == stored(pages)


@lives.share(50)
@given(lives.portfolios(), st.lists(lives.moments(), min_size=1, max_size=5))
def test_state_at_any_moment_is_one_filter(text: str, moments: list[datetime]) -> None:
    case = history.parse(text)
    store = history.fill(history.blank(), case)
    for at in moments:
        found = store.rows(
            "SELECT entity_id, field, value FROM history JOIN entity USING (entity) "
            "WHERE since <= $at AND (until IS NULL OR until > $at) AND entity_id IN (SELECT issue_id FROM issue)",
            {"at": at.replace(tzinfo=None)},
        )
        assert len(found) == len(set(found))
        assert set(found) == replayed(text, at)


def replayed(text: str, at: datetime) -> set[tuple[str, str, str]]:
    """The lines read again, event by event, up to ``at``: no intervals in between."""
    state: set[tuple[str, str, str]] = set()
    for line in history._read(text):
        if line.name.startswith("@"):
            continue
        who = history.issue_id(line.name)
        source = who.partition(":")[0]
        now: dict[str, str] = {}
        members: set[tuple[str, str]] = set()
        for moment, word in line.events:
            if not word or moment > at:
                continue
            if word in ("todo", "doing", "done", "odd", "wontdo"):
                now["status"] = f"{source}:{'done' if word == 'wontdo' else word}"
                now.pop("resolution", None)
                now |= {"resolution": "Done"} if word == "done" else {}
                now |= {"resolution": "Won't Do"} if word == "wontdo" else {}
            elif word[0] in "+-":
                name, _, member = word[1:].partition(":")
                one = (name, history._value(name, member, source))
                members = members | {one} if word[0] == "+" else members - {one}
            else:
                name, _, value = word.partition("=")
                now[name] = history._value(name, value, source)
                if not value:
                    del now[name]
        state |= {(who, name, value) for name, value in [*now.items(), *members]}
    return state


def test_storing_an_issue_again_replaces_all_its_intervals() -> None:
    with memory() as store:
        history.fill(store, history.parse("PAY-1 2026-01-05 todo +label:old  2026-01-06 doing\nPAY-2 2026-01-05 todo"))
        history.fill(store, history.parse("PAY-1 2026-01-05 todo  2026-01-07 done"))
        assert store.rows(
            "SELECT field, value, since FROM history JOIN issue ON issue = entity WHERE key = 'PAY-1' ORDER BY field, since"
        ) == [
            ("resolution", "Done", datetime(2026, 1, 7)),
            ("status", "acme:todo", datetime(2026, 1, 5)),
            ("status", "acme:done", datetime(2026, 1, 7)),
        ]
        assert store.counts("acme") == {"acme:PAY": 2}


def test_of_an_issue_that_comes_twice_the_last_page_holds() -> None:
    with memory() as store:
        for text in ("PAY-1 2026-01-05 todo +label:old", "PAY-1 2026-01-05 doing"):
            store.append("acme", "acme:PAY", history.parse(text).page)
        assert store.waiting == 1
        store.merge()
        assert store.waiting == 0
        assert store.rows("SELECT field, value FROM history") == [("status", "acme:doing")]
        assert store.rows("SELECT count(*) FROM issue") == [(1,)]


def test_an_issue_whose_last_page_has_no_intervals_has_none() -> None:
    with memory() as store:
        case = history.parse("PAY-1 2026-01-05 todo")
        store.append("acme", "acme:PAY", case.page)
        store.append("acme", "acme:PAY", Page(case.issues, (), (), (), "later"))
        store.merge()
        assert store.rows("SELECT * FROM history") == []


def test_an_aware_moment_of_any_zone_is_stored_in_utc() -> None:
    zone = datetime.now(UTC).astimezone().tzinfo
    assert zone is not None
    from zoneinfo import ZoneInfo

    jakarta = datetime(2026, 1, 5, 6, 30, 0, 123456, ZoneInfo("Asia/Jakarta"))
    issue = history.parse("PAY-1 2026-01-05 todo").issues[0]._replace(created_at=jakarta)
    with memory() as store:
        store.append(
            "acme", "p", Page((issue,), (Interval(issue.issue_id, "status", "s", "S", jakarta, None),), (), (), "c")
        )
        store.merge()
        expected = datetime(2026, 1, 4, 23, 30, 0, 123456)
        assert store.rows("SELECT created_at FROM issue UNION ALL SELECT since FROM history") == [(expected,)] * 2


HOSTILE = (
    "a\0b",
    "broken \ud83d half",
    "\ud83d\ude00",
    "'; DROP TABLE issue; --",
    "\u202eright to left",
    "x" * 1_000_000,
    "",
)


@pytest.mark.parametrize("title", HOSTILE)
def test_any_text_can_be_stored(title: str) -> None:
    issue = history.parse("PAY-1 2026-01-05 todo").issues[0]._replace(title=title)
    stay = Interval(issue.issue_id, "label", title, title, issue.created_at, None)
    with memory() as store:
        store.append("acme", "p", Page((issue,), (stay,), (Person("acme:x", "acme", title),), (), "c"))
        store.merge()
        [(found,)] = store.rows("SELECT title FROM issue")
        assert store.rows("SELECT value, label FROM history") == [(found, found)]
    expected = {"a\0b": "ab", "broken \ud83d half": "broken \ufffd half", "\ud83d\ude00": "\U0001f600"}
    assert found == expected.get(title, title)


def test_cursors_belong_to_their_source_and_project() -> None:
    with memory() as store:
        empty = Page((), (), (), (), "c1")
        store.append("acme", "acme:PAY", empty)
        store.append("acme", "acme:OPS", Page((), (), (), (), "c2"))
        store.append("acme", "acme:PAY", Page((), (), (), (), "c3"))
        assert store.cursors("acme") == {}
        store.merge()
        assert store.cursors("acme")["acme:PAY"] == "c3"
        assert store.cursors("acme") == {"acme:PAY": "c3", "acme:OPS": "c2"}
        assert store.cursors("gl") == {}
        passes.forget_cursor(store, "acme:PAY")
        assert "acme:PAY" not in store.cursors("acme")
        assert store.cursors("acme")["acme:OPS"] == "c2"


def test_a_page_that_cannot_be_stored_leaves_nothing_behind() -> None:
    case = history.parse("PAY-1 2026-01-05 todo")
    with memory() as store:
        before = logical(store)
        store.script("DROP TABLE cursor")
        store.append("acme", "acme:PAY", case.page)
        with pytest.raises(duckdb.CatalogException):
            store.merge()
        store.script("CREATE TABLE cursor (source VARCHAR, project_id VARCHAR, cursor VARCHAR)")
        assert logical(store) == before


def test_what_was_not_merged_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "state" / "x.duckdb"
    with Store.open(file) as store:
        for key, cursor in (("PAY-1", "c1"), ("PAY-2", "c2")):
            store.append("acme", "acme:PAY", replace(history.parse(f"{key} 2026-01-05 todo").page, cursor=cursor))
            if key == "PAY-1":
                store.merge()
        assert store.counts("acme") == {"acme:PAY": 1}
    with Store.open(file) as store:
        assert store.counts("acme") == {"acme:PAY": 1}
        assert store.cursors("acme") == {"acme:PAY": "c1"}


def test_the_last_name_of_a_person_and_the_last_cursor_of_a_project_hold() -> None:
    with memory() as store:
        for name in ("Ann", "Ann B", "Ann C"):
            store.append("acme", "acme:PAY", Page((), (), (Person("acme:x", "acme", name),), (), f"after {name}"))
            if name == "Ann":
                store.merge()
        store.merge()
        assert store.rows("SELECT name FROM person") == [("Ann C",)]
        assert store.cursors("acme") == {"acme:PAY": "after Ann C"}


def test_the_file_is_private(tmp_path: Path) -> None:
    file = tmp_path / "state" / "x.duckdb"
    with Store.open(file) as store:
        store.append("acme", "acme:PAY", history.parse("PAY-1 2026-01-05 todo").page)
        store.merge()
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in file.parent.iterdir()}
        assert modes == {"x.duckdb": 0o600, "x.duckdb.wal": 0o600}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_file_of_another_version_is_begun_anew_by_a_writer_only(tmp_path: Path) -> None:
    file = tmp_path / "x.duckdb"
    with Store.open(file) as store:
        history.fill(store, history.parse("PAY-1 2026-01-05 todo"))
        store.script("UPDATE schema_version SET version = 1")
    with pytest.raises(StoreError, match="another version"):
        Store.open(file, read_only=True)
    with Store.open(file) as store:
        assert store.counts("acme") == {}
        assert store.rows("SELECT part FROM loaded") == []
    Store.open(file, read_only=True).close()


def test_files_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    alien = tmp_path / "alien.duckdb"
    with duckdb.connect(str(alien)) as connection:
        connection.execute("CREATE TABLE precious (a INTEGER)")
    with pytest.raises(StoreError, match="not a database of pmo-sync"):
        Store.open(alien)
    text = tmp_path / "text.duckdb"
    text.write_text("nothing of the kind" * 1000)
    with pytest.raises(StoreError, match="cannot be read"):
        Store.open(text)
    assert text.read_text().startswith("nothing")
    with duckdb.connect(str(alien)) as connection:
        assert connection.execute("SELECT count(*) FROM precious").fetchall() == [(0,)]


def test_reading_what_was_never_pulled_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="pmo-sync pull"):
        Store.open(tmp_path / "x.duckdb", read_only=True)
    assert list(tmp_path.iterdir()) == []
    duckdb.connect(str(tmp_path / "x.duckdb")).close()  # killed before it had tables
    with pytest.raises(StoreError, match="pmo-sync pull"):
        Store.open(tmp_path / "x.duckdb", read_only=True)
    Store.open(tmp_path / "x.duckdb").close()
    Store.open(tmp_path / "x.duckdb", read_only=True).close()


def test_compacting_orders_the_history_and_loses_nothing() -> None:
    with memory() as store:
        for number in (3, 1, 2):
            history.fill(store, history.parse(f"PAY-{number} 2026-01-05 todo +label:x 2026-01-06 doing"))
        before = logical(store)
        store.compact()
        assert logical(store) == before
        order = store.rows("SELECT field, entity, since FROM history")
        assert order == sorted(order)
        history.fill(store, history.parse("PAY-1 2026-01-05 done"))
        assert len(store.rows("SELECT * FROM history JOIN issue ON issue = entity WHERE key = 'PAY-1'")) == 2


def test_while_pages_stream_in_room_grows_with_the_history_alone(tmp_path: Path) -> None:
    def room() -> tuple[str, int]:
        [(text, threads)] = store.rows("SELECT current_setting('memory_limit'), current_setting('threads')")
        return text, threads

    with Store.open(tmp_path / "x.duckdb", threads=32) as store:
        usual = room()
        with store.streaming():
            little = room()
            history.fill(store, history.parse("PAY-1 2026-01-05 todo 2026-01-06 doing"))
            assert room() == little != usual
            store.script(
                "INSERT INTO history SELECT 'label', range, 'x', 'x', now()::TIMESTAMP, NULL FROM range(1000000)"
            )
            history.fill(store, history.parse("PAY-1 2026-01-05 todo"))
            grown = room()
        assert [little, grown, room()] == [("45.7 MiB", 2), ("76.2 MiB", 2), usual]
        assert usual[1] == 32


def test_every_field_of_the_model_can_be_told_in_a_line() -> None:
    words = " ".join(f"{name}=X-1" for name in SINGLE_FIELDS) + " " + " ".join(f"+{name}:X-1" for name in SET_FIELDS)
    case = history.parse(f"PAY-1 2026-01-05 {words}")
    assert {one.field for one in case.intervals} == {*SINGLE_FIELDS, *SET_FIELDS}


def test_unmapped_statuses_are_those_in_use_without_a_category() -> None:
    with memory() as store:
        history.fill(
            store,
            history.parse(
                "PAY-1 2026-01-05 odd\nPAY-2 2026-01-05 status=Strange\nPAY-3 2026-01-05 status=Past 2026-01-06 todo"
            ),
        )
        assert store.unmapped_statuses("acme", ()) == ("Odd", "Strange")
        assert store.unmapped_statuses("acme", [("acme", "strange", "doing")]) == ("Odd",)
        assert store.unmapped_statuses("gl", ()) == ()
        assert store.project_keys("acme") == {"acme:PAY": "PAY"}


DAY = timedelta(days=1)


def test_issue_records_keep_every_column() -> None:
    at = datetime(2026, 1, 5, 1, 2, 3, 4, UTC)
    issue = Issue("s:1", "s", "s:p", "P-1", "Title", "Bug", -1, at, at + DAY, "https://s.example/1", True, "duplicate")
    with memory() as store:
        store.append("s", "s:p", Page((issue,), (), (), (), "c"))
        store.merge()
        [row] = store.rows("SELECT * EXCLUDE (issue) FROM issue")
        assert row == (*issue[:7], at.replace(tzinfo=None), (at + DAY).replace(tzinfo=None), *issue[9:], None, None)
        assert store.frame("SELECT key FROM issue").key.tolist() == ["P-1"]
        assert store.arrow("SELECT key FROM issue WHERE key = ?", ["P-1"]).to_pydict() == {"key": ["P-1"]}


def test_compacting_a_long_history_has_the_room_that_it_needs(tmp_path: Path) -> None:
    """The engine ends a pull that runs out of it, after everything was read."""
    with Store.open(tmp_path / "long.duckdb") as store:
        store.script(
            "INSERT INTO history SELECT CASE WHEN n % 5 = 0 THEN 'kind' ELSE 'status' END, hash(n) % 100000, "
            "'s:' || hash(n) % 7, 'To Do', TIMESTAMP '2026-01-01' + to_seconds(n), NULL FROM range(6000000) AS t(n)"
        )
        query = "SELECT field, count(DISTINCT entity), count(label), min(since), max(since) FROM history GROUP BY ALL ORDER BY ALL"
        before = store.rows(query)
        with store.streaming():
            store.compact()
            assert store.rows(query) == before, "seen at once, not only after a checkpoint"
