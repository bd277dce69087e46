"""The whole assessment of a small store: what is judged, and by what."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import pytest

from pmo_sync import assess as module
from pmo_sync.assess import assess
from pmo_sync.assessed import Assessed, SourceTrust
from pmo_sync.record import Record
from pmo_sync.store import Store
from reports import compose_all
from tests.indicators.test_store import CONFIG, stored
from tests.indicators.world import busy
from tests.store import history

# an epic with a date that has moved and passed, a dated milestone that holds the same work, an epic without a date
LINES = """
PAY-1  kind=Epic level=1  2026-01-05 todo due_on=2026-05-01  2026-03-02 doing due_on=2026-06-15
PAY-2  2026-01-05 todo parent=PAY-1  2026-02-02 doing
PAY-3  2026-01-05 todo parent=PAY-1  2026-02-02 doing  2026-02-10 done
PAY-4  kind=Epic level=1  2026-01-05 todo
PAY-5  2026-01-05 todo parent=PAY-4 +milestone:v1
@v1    kind=version project=PAY  2026-01-05 due_on=2026-05-01 state=open
"""


def assessed(
    tmp_path: Path, lines: str = LINES, today: date = date(2026, 6, 28), state: Literal["fresh", "failed"] = "fresh"
) -> Assessed:
    case = history.parse(lines)
    with Store.open(tmp_path / "state" / "x.duckdb") as store:
        history.fill(store, case)
        trust = SourceTrust("acme", state, None, "", None, 0)
        return assess(store, history.configure(), today, [trust], Record(tmp_path / "record"))


def test_a_dated_epic_is_judged_like_a_milestone(tmp_path: Path) -> None:
    made = assessed(tmp_path)
    epic, undated = made.subjects["epic:acme:PAY-1"], made.subjects["epic:acme:PAY-4"]
    assert (epic.is_committed, undated.is_committed) == (True, False)
    verdict = made.verdicts[epic.id]
    assert (verdict.rag, verdict.reasons[0].code) == ("red", "past_due")
    assert undated.id not in made.verdicts
    assert [one.name for one in made.committed("project:PAY")] == ["v1", "Title of PAY-1"]
    assert made.verdicts["project:PAY"].rag == "red"


def test_an_epics_date_has_a_history_of_its_own(tmp_path: Path) -> None:
    made = assessed(tmp_path)
    epic = made.subjects["epic:acme:PAY-1"]
    assert (epic.baseline.due_on, epic.due_on) == (date(2026, 5, 1), date(2026, 6, 15))
    assert made.readings[epic.id, "SC-2", "days"].value == 45
    trend = made.due_dates[epic.id]
    told = {row.seen_on: row.due_on for row in trend.itertuples()}
    assert told[date(2026, 1, 5)] == date(2026, 5, 1)
    assert told[date(2026, 3, 2)] == date(2026, 6, 15)


def test_an_epic_whose_date_was_taken_away_stays_a_commitment(tmp_path: Path) -> None:
    made = assessed(tmp_path, LINES.replace("due_on=2026-06-15", "due_on=2026-06-15  2026-06-25 due_on="))
    verdict = made.verdicts["epic:acme:PAY-1"]
    assert (verdict.rag, verdict.reasons[0].code) == ("grey", "no_due_date")
    assert "due_removed" in {one.code for one in made.changes}


DELETED = """
PAY-1  2026-01-05 todo +milestone:v1
PAY-2  2026-01-05 todo +milestone:v2  2026-06-22 doing  2026-06-24 done
@v1    kind=version project=PAY  2026-01-05 due_on=2026-05-01 state=open
@v2    kind=version project=PAY  2026-01-05 due_on=2026-09-01 state=open  2026-06-26 state=closed
"""


def test_deleting_a_red_milestone_makes_nothing_better_at_once(tmp_path: Path) -> None:
    """And a version that is released in the week of its last item is reached, not gone."""
    case = history.parse(DELETED)
    colours = []
    with Store.open(tmp_path / "state" / "x.duckdb") as store:
        history.fill(store, case)
        with store.transaction() as connection:
            connection.execute("UPDATE milestone SET vanished_at = TIMESTAMP '2026-06-23' WHERE name = 'v1'")
        trust = SourceTrust("acme", "fresh", None, "", None, 0)
        for day in (date(2026, 6, 21), date(2026, 6, 28), date(2026, 7, 5)):
            made = assess(store, history.configure(), day, [trust], Record(tmp_path / "record"))
            verdict = made.verdicts["project:PAY"]
            colours.append((verdict.rag, [one.code for one in verdict.reasons], {one.code for one in made.changes}))
    assert colours[0][0] == "red"
    assert colours[1][:2] == ("red", ["milestone", "milestone_gone"])
    assert {"milestone_gone", "milestone_reached"} <= colours[1][2]
    assert colours[2][0] == "grey", "no commitment is left"


@pytest.mark.parametrize("today", [date(2026, 3, 1), date(2026, 1, 25)])
def test_a_report_told_from_what_it_needs_is_that_told_from_everything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, today: date
) -> None:
    store, whole = stored(busy(1)), module._cut
    trust, record = SourceTrust("acme", "fresh", None, "", None, 0), Record(tmp_path)
    told = assess(store, CONFIG, today, [trust], record)
    monkeypatch.setattr(module, "_cut", lambda store, config, day, variant, _: whole(store, config, day, variant, None))
    everything = assess(store, CONFIG, today, [trust], record)
    assert len(told.verdicts) > 3
    assert (told.verdicts, told.verdicts_before) == (everything.verdicts, everything.verdicts_before)
    assert (told.changes, told.moved) == (everything.changes, everything.moved)
    assert compose_all(told, "en") == compose_all(everything, "en")


def test_dates_that_nobody_approved_as_a_baseline_are_counted(tmp_path: Path) -> None:
    assert assessed(tmp_path).trust.without_baseline == 2


def test_where_a_source_was_not_read_nothing_is_said_of_its_empty_milestones(tmp_path: Path) -> None:
    lines = """
    OPS-1  2026-08-01 todo
    @v1    kind=version project=OPS  2026-01-05 due_on=2026-09-01 state=open
    """
    for state, code in (("fresh", "no_items"), ("failed", "stale_source")):
        made = assessed(tmp_path / state, lines, state=state)
        assert [one.code for one in made.verdicts["project:OPS"].reasons] == [code]
