"""What is kept about people is told, forgotten on request and by itself; what nobody needs is never kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_sync.cli import run_in_process
from pmo_sync.model import Interval, Issue, Page, person_id
from pmo_sync.store import Store
from tests.clocks import LeapingClock
from tests.e2e.office import Office, office

BORN = datetime(2026, 11, 2, 9, tzinfo=UTC)
SECRET = "Never to be kept: 4f1d9c"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("privacy")) as made:
        for item in made.running.company.items:
            item.description = SECRET
        assert made.run("sync", "--quiet") in (0, 4)
        yield made


def test_no_description_and_no_address_of_a_person_is_in_any_file(company: Office) -> None:
    unwanted = [SECRET.encode(), *(f"{one.login}@".encode() for one in company.running.company.workers)]
    files = [file for file in company.folder.rglob("*") if file.is_file()]
    assert len(files) > 10
    found = [(file.name, one) for file in files for one in unwanted if one in file.read_bytes()]
    assert found == []
    tables = dict(_tables(company))
    assert "PAY-1" in tables["issue"]  # that texts would be seen
    assert [name for name, text in tables.items() for one in unwanted if one.decode() in text] == []


def test_export_tells_all_of_one_and_nothing_of_others(company: Office, capsys: Any) -> None:
    people = company.answer(capsys, "people", "export")["people"]
    (one, *others) = sorted((one for one in people if one["name"]), key=lambda one: -one["stays"])
    (told,) = company.answer(capsys, "people", "export", "--person", one["person_id"])["people"]
    assert len(told["assignments"]) + told["assignments_to_confidential_issues"] == one["stays"] > 0
    assert not any(other["person_id"] in str(told) for other in others)
    assert all({"key", "url", "from", "until"} == set(stay) for stay in told["assignments"])


def test_export_tells_what_is_stored_by_this_version(tmp_path: Path, capsys: Any) -> None:
    with office(tmp_path / "pmo") as made:
        assert made.run("people", "export") == 1
        assert not made.config.state_dir.exists()
        assert made.run("pull", "--quiet") in (0, 4)
        person = person_id("cloud", "somebody new")
        issue = Issue(
            "cloud:900001", "cloud", "cloud:1", "NEW-1", "T", "Task", 0, BORN, BORN, "", is_confidential=False
        )
        stays = (Interval(issue.issue_id, "assignee", person, person, BORN, None),)
        with Store.open(made.config.state_dir / "pmo-sync.duckdb") as store:
            store.append("cloud", "cloud:1", Page((issue,), stays, (), (), "a cursor"))
            store.merge()
        (told,) = made.answer(capsys, "people", "export", "--person", person)["people"]
        with Store.open(made.config.state_dir / "pmo-sync.duckdb") as store:
            store.script("UPDATE schema_version SET version = version - 1")
        for command in (("export",), ("erase", person)):
            capsys.readouterr()
            assert made.run("people", *command) == 1
            assert "written by another version" in capsys.readouterr().err
        assert [stay["key"] for stay in told["assignments"]] == ["NEW-1"]


def test_who_is_erased_is_in_no_table_and_no_pull_brings_them_back(company: Office, capsys: Any) -> None:
    people = company.answer(capsys, "people", "export")["people"]
    name = max((one for one in people if one["name"]), key=lambda one: one["stays"])["name"]
    gone = {one["person_id"] for one in people if one["name"] == name}  # one in each source
    capsys.readouterr()
    assert company.run("people", "erase", *sorted(gone)) == 0
    assert name not in capsys.readouterr().out
    for _ in range(2):
        tables = dict(_tables(company))
        assert {table for table, text in tables.items() for one in gone if one in text} == {"erased_person"}
        assert not [table for table, text in tables.items() if name in text]
        assert company.run("pull", "--full", "--quiet") in (0, 4)
    left = company.answer(capsys, "people", "export")["people"]
    assert {one["person_id"] for one in left} == {one["person_id"] for one in people} - gone


def test_an_unknown_person_is_one_line(company: Office, capsys: Any) -> None:
    capsys.readouterr()
    assert company.run("people", "erase", "Nobody At All") == 1
    assert capsys.readouterr().err.splitlines() == [
        "pmo-sync: nothing is kept about 'Nobody At All'; `pmo-sync people export` lists everybody"
    ]


def test_what_is_older_than_the_months_configured_goes_by_itself(tmp_path: Path) -> None:
    with office(tmp_path / "pmo") as made:
        assert made.run("pull", "--quiet") in (0, 4)
        before = _assignments(made)
        ended = sorted(until for _, until in before if until is not None)
        later = made.running.company.now + timedelta(days=400)
        oldest = (later - timedelta(days=396)).replace(tzinfo=None)  # 13 months, at that time of the year
        arguments = ["pull", "--quiet", "--config", str(made.file)]
        assert run_in_process(arguments, LeapingClock(later), made.running.tokens) in (0, 4)
        kept = _assignments(made)
        assert [one for one in kept if one[1]] == [one for one in before if one[1] and one[1] >= oldest]
        open_ended = {one for one in before if one[1] is None}  # they end with their issue
        assert {one for one in kept if one[1] is None} < open_ended
        assert 0 < len(kept) < len(before)
        assert ended[0] < oldest


def _assignments(made: Office) -> list[tuple[Any, Any]]:
    with Store.open(made.config.state_dir / "pmo-sync.duckdb", read_only=True) as store:
        return store.rows("SELECT since, until FROM history WHERE field = 'assignee' ORDER BY since, until, value")


def _tables(made: Office) -> Iterator[tuple[str, str]]:
    """Every table of the database, with all its rows as one text."""
    with Store.open(made.config.state_dir / "pmo-sync.duckdb", read_only=True) as store:
        for (name,) in store.rows("SELECT table_name FROM duckdb_tables() WHERE NOT internal"):
            yield name, repr(store.rows(f'SELECT * FROM "{name}"'))
