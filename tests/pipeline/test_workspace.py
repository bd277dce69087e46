"""The record's runs sort in the order they were written: of two words about one thing the later one holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pmo_sync.clock import FixedClock
from pmo_sync.config import Config
from pmo_sync.model import Catalogue, Milestone, Project
from pmo_sync.pipeline.workspace import Workspace, writing
from pmo_sync.store import handover
from tests.store import history

NOW = datetime(2026, 11, 16, 0, 30, tzinfo=UTC)


def configured(folder: Path) -> Config:
    return replace(history.configure(), state_dir=folder / "state")


def seen(workspace: Workspace, due_on: date) -> None:
    """The tracker shows a milestone with this date."""
    project = Project("acme:1", "acme", "PAY", "Payments", "", is_archived=False)
    one = Milestone("acme:v1", "acme", "acme:1", "version", "R4", "open", None, due_on, None, "")
    workspace.store.save_catalogue("acme", Catalogue((project,), (), (one,)), workspace.now, {})


@pytest.mark.parametrize("hours", [0, 1, -30])
def test_later_runs_sort_later_whatever_the_clock_says(tmp_path: Path, hours: int) -> None:
    config, written = configured(tmp_path), []
    for number in range(12):
        with writing(config, FixedClock(NOW + number * timedelta(hours=hours)), "pull") as workspace:
            for name in ("pull", "known", "publish"):
                written.append(workspace.part(name))
                with workspace.record.run(written[-1]) as run:
                    run.write("erased_person", [{"person_id": written[-1], "erased_at": NOW}])
    assert workspace.record.runs() == written
    assert [row["person_id"] for row in workspace.record.rows("erased_person")] == written


def test_what_a_killed_run_left_is_older_than_what_this_one_knows(tmp_path: Path) -> None:
    config = configured(tmp_path)
    with writing(config, FixedClock(NOW), "pull") as workspace:
        seen(workspace, date(2026, 12, 1))  # and is killed before it gives this to the record
    with writing(config, FixedClock(NOW + timedelta(hours=1)), "pull") as workspace:
        seen(workspace, date(2026, 12, 24))
        handover.give(workspace.store, workspace.record, workspace.part("known"))
    assert len(workspace.record.runs()) == 2
    (config.state_dir / "pmo-sync.duckdb").unlink()
    with writing(config, FixedClock(NOW + timedelta(hours=2)), "pull") as workspace:
        assert workspace.store.rows("SELECT due_on FROM milestone") == [(date(2026, 12, 24),)]
