"""A folder or file that cannot be written is a known error, in one line that says what to do."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pmo_sync.cli import run_in_process
from pmo_sync.clock import SystemClock
from pmo_sync.errors import PmoSyncError
from reports import workbook


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A configuration whose state folder is below a file."""
    (tmp_path / "archive").mkdir()
    (tmp_path / "file").touch()
    text = '[pmo]\nstate_dir = "file/state"\n[source.a]\nkind = "files"\npath = "archive"\n'
    (tmp_path / "pmo-sync.toml").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("pull", "name another folder as state_dir of [pmo]"),
        ("sync", "name another folder as state_dir of [pmo]"),
        ("state restore HERE/file", "name another folder as state_dir of [pmo]"),
        ("state export HERE/file/record.tar", "name another file"),
        ("demo --out HERE/file/out", "name another folder with --out"),
    ],
)
def test_it_says_what_to_do(here: Path, command: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = command.replace("HERE", str(here)).split()
    code = run_in_process([*arguments, "--config", str(here / "pmo-sync.toml")], SystemClock(), {})
    lines = capsys.readouterr().err.splitlines()
    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith("pmo-sync: ")
    assert told in lines[0]


@pytest.mark.parametrize("kind", workbook.KINDS)
def test_an_export_that_cannot_be_written(here: Path, kind: str) -> None:
    with pytest.raises(PmoSyncError, match="name another file"):
        workbook.write(pd.DataFrame({"value": [1.0]}), here / "file" / f"readings{kind}")
