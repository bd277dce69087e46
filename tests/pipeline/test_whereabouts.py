"""Which earlier publication a place remembers, and which it must not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pmo_sync.config import PlaceConfig
from pmo_sync.pipeline.whereabouts import FORGOTTEN, Whereabouts
from pmo_sync.record import Record
from tests.reports_publish.test_places import place

WIKI = place("confluence", name="wiki", space="PMO", parent="1")
AT = datetime(2026, 3, 2, tzinfo=UTC)


def note(record: Record, run: str, where: PlaceConfig, id_: str, *, by_older_version: bool = False) -> None:
    row: dict[str, Any] = {
        "run_id": run, "as_of": AT, "place": where.name, "slot": "project/pay", "outcome": "created", "url": "https://w/1",
        "published_at": AT, "id": id_, "target": where.target("project/pay"), "link": "https://w/1",
    }  # fmt: skip
    with record.run(run) as one:
        one.write("publication", [row])
    if by_older_version:
        file = record.folder / run / "publication.parquet"
        pq.write_table(pq.ParquetFile(file).read().drop_columns(["target", "link"]), file)


def known(record: Record, where: PlaceConfig) -> str | None:
    found = Whereabouts(record).find(where, "project/pay")
    return None if found is None else found["id"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (WIKI, place("confluence", name="wiki", space="PMO", parent="2")),
        (WIKI, place("confluence", name="wiki", space="IT", parent="1")),
        (place("folder", name="wiki", path=Path("here")), place("folder", name="wiki", path=Path("there"))),
        (
            place("jira-comment", issues={"project/pay": "PAY-1"}),
            place("jira-comment", issues={"project/pay": "PAY-2"}),
        ),
    ],
)
def test_a_moved_place_remembers_nothing_of_where_it_was(
    tmp_path: Path, before: PlaceConfig, after: PlaceConfig
) -> None:
    record = Record(tmp_path)
    note(record, "r1", before, "5")
    assert (known(record, before), known(record, after)) == ("5", None)
    note(record, "r2", after, "7")
    assert (known(record, before), known(record, after)) == ("5", "7")


def test_the_newest_report_is_that_of_what_still_stands(tmp_path: Path) -> None:
    record = Record(tmp_path)
    assert Whereabouts(record).newest() is None
    note(record, "r1", WIKI, "5")
    assert Whereabouts(record).newest() == AT
    gone = {**record.rows("publication")[0], "run_id": "r2", "outcome": FORGOTTEN}
    with record.run("r2") as run:
        run.write("publication", [gone])
    assert Whereabouts(record).newest() is None


def test_a_place_with_another_name_goes_on(tmp_path: Path) -> None:
    record = Record(tmp_path)
    note(record, "r1", WIKI, "5")
    assert known(record, place("confluence", name="new name", space="PMO", parent="1")) == "5"


def test_what_an_older_version_noted_is_trusted_until_the_target_is_known(tmp_path: Path) -> None:
    record, moved = Record(tmp_path), place("confluence", name="wiki", space="PMO", parent="2")
    note(record, "r1", WIKI, "5", by_older_version=True)
    assert known(record, WIKI) == "5"
    assert not Whereabouts(record).is_noted(WIKI, "project/pay")
    note(record, "r2", WIKI, "5")
    assert Whereabouts(record).is_noted(WIKI, "project/pay")
    assert (known(record, WIKI), known(record, moved)) == ("5", None)
