"""A pull that was recorded can be read again without trackers and without tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pmo_sync.cli import run_in_process
from pmo_sync.store import Store
from tests.clocks import LeapingClock
from tests.e2e.office import Office, office

TABLES = {
    "issue": "SELECT * EXCLUDE (issue) FROM issue",
    "history": "SELECT entity_id, field, value, label, since, until FROM history JOIN entity USING (entity)",
    "milestone": "SELECT * EXCLUDE (milestone) FROM milestone",
    "person": "SELECT * FROM person",
    "status": "SELECT * FROM status",
    "cursor": "SELECT * FROM cursor",
}


def test_a_replay_makes_the_same_store(tmp_path: Path, capsys: Any) -> None:
    tape = tmp_path / "tape"
    with office(tmp_path / "pmo") as made:
        assert made.run("pull", "--quiet", "--record", str(tape)) in (0, 4)
        pulled = _content(made)
        now, tokens = made.running.company.now, made.running.tokens
        text = made.file.read_text(encoding="utf-8")
    found = [
        one
        for one in tape.rglob("*")
        if one.is_file()
        for token in tokens.values()
        if token.encode() in one.read_bytes()
    ]
    assert found == []
    again = tmp_path / "again"
    again.mkdir()
    file = again / "pmo-sync.toml"
    file.write_text(text, encoding="utf-8")
    arguments = ["pull", "--quiet", "--config", str(file)]
    assert run_in_process([*arguments, "--replay", str(tape)], LeapingClock(now), {}) in (0, 4)
    assert _content(Office(made.running, again)) == pulled
    assert len(pulled["issue"]) > 200
    capsys.readouterr()
    assert run_in_process([*arguments, "--replay", str(tmp_path / "none")], LeapingClock(now), {}) in (1, 2)
    assert len(capsys.readouterr().err.strip().splitlines()) <= 3


def _content(made: Office) -> dict[str, list[Any]]:
    with Store.open(made.folder / "state" / "pmo-sync.duckdb", read_only=True) as store:
        return {name: sorted(store.rows(query), key=repr) for name, query in TABLES.items()}
