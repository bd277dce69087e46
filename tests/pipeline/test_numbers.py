"""What reports showed is in the record with the issues behind it, and is told again when history changes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_sync import indicators, tables
from pmo_sync.assess import assess
from pmo_sync.assessed import Assessed, SourceTrust
from pmo_sync.clock import FixedClock
from pmo_sync.config import Config
from pmo_sync.config.records import Profile
from pmo_sync.errors import StoreError
from pmo_sync.http.network import Network
from pmo_sync.pipeline import numbers, then
from pmo_sync.pipeline.inspect import plain
from pmo_sync.pipeline.workspace import Workspace
from pmo_sync.record import Record
from pmo_sync.store import Store
from reports import compose_all
from tests.reports import sample
from tests.store import history

DAY = date(2026, 6, 21)
LATER = DAY + timedelta(days=7)
LINES = """
PAY-1  2026-01-05 todo +milestone:v1  2026-06-01 doing  2026-06-10 done
PAY-2  2026-01-05 todo +milestone:v1  2026-06-02 doing
PAY-3  2026-01-05 todo +milestone:v1 due_on=2026-06-12
PAY-4  confidential 2026-02-05 todo +milestone:v1
PAY-5  2026-02-05 todo
@v1    kind=version project=PAY  2026-01-05 due_on=2026-09-01 state=open
"""


def workspace(folder: Path, lines: str, config: Config | None = None) -> Workspace:
    store = history.fill(Store.open(Path("memory.duckdb"), memory=True), history.parse(lines))
    record = Record(folder / "record")
    network = Network(FixedClock(datetime(2026, 6, 22, tzinfo=UTC)))
    return Workspace(config or history.configure(), network, store, record, f"run{len(record.runs()):04}")


def publish(folder: Path, lines: str = LINES, today: date = DAY, config: Config | None = None) -> Assessed:
    made = workspace(folder, lines, config)
    with made.store:
        trust = SourceTrust("acme", "fresh", None, "", None, 0)
        assessed = assess(made.store, made.config, today, [trust], made.record)
        numbers.remember(made, assessed)
    return assessed


def explain(folder: Path, lines: str, subject: str, indicator: str, config: Config | None = None) -> Any:
    made, wanted = workspace(folder, lines, config), indicators.definitions()[indicator]
    with made.store:
        tables.prepare(made.store, made.config, tables.end_of(DAY, made.config.zone), DAY)
        frame = indicators.compute(made.store, [indicator])
        found = then.of(made, DAY, subject, wanted, plain(frame[frame.subject == subject]))
    return found, "\n".join(then.lines(found, wanted))


def test_each_number_is_kept_with_all_the_issues_behind_it(tmp_path: Path) -> None:
    assessed = publish(tmp_path)
    kept = Record(tmp_path / "record").rows("reading")
    assert {(row["subject"], row["indicator"], row["part"]): row["value"] for row in kept} == {
        (one.subject, one.indicator, one.part): one.value for one in numbers.shown(assessed)
    }
    lists, made = numbers.Lists(Record(tmp_path / "record")), workspace(tmp_path, LINES)
    with made.store:
        tables.prepare(made.store, made.config, tables.end_of(DAY, made.config.zone), DAY)
        for row in kept:
            items = indicators.evidence(made.store, row["indicator"], [row["subject"]], 1_000)
            assert lists.find(row["evidence"]) == set(items.issue_id), row
            assert row["definition"] == indicators.definitions()[row["indicator"]].digest
    (done,) = (
        row for row in kept if (row["subject"], row["indicator"], row["part"]) == ("project:PAY", "PR-1", "done")
    )
    assert (done["value"], done["sample"]) == (1, 5)
    assert lists.find(done["evidence"]) == {f"acme:PAY-{number}" for number in range(1, 6)}


def test_what_is_shown_again_is_kept_once_and_a_week_later_only_what_changed(tmp_path: Path) -> None:
    publish(tmp_path)
    record = Record(tmp_path / "record")
    runs = record.runs()
    publish(tmp_path)
    assert record.runs() == runs
    publish(tmp_path, LINES + "PAY-6  2026-06-23 todo\n", LATER)
    (digest,) = {
        row["evidence"]
        for row in record.rows("reading")
        if row["as_of"].date() > LATER and row["indicator"] == "PR-1" and row["subject"] == "project:PAY"
    }
    (grown,) = (row for row in record.rows("evidence") if row["digest"] == digest)
    assert (grown["base"] != numbers.NO_ISSUES, grown["came"], grown["left"]) == (True, ["acme:PAY-6"], [])
    assert len({row["digest"] for row in record.rows("evidence")}) == len(record.rows("evidence"))


def test_nothing_but_ids_is_kept_of_issues(tmp_path: Path) -> None:
    publish(tmp_path)
    record = Record(tmp_path / "record")
    ids = {id_ for row in record.rows("evidence") for id_ in row["came"]}
    assert ids == {f"acme:PAY-{number}" for number in range(1, 6)}
    assert all("Title of" not in str(row) for name in ("reading", "evidence") for row in record.rows(name))


def test_the_same_data_say_the_same_again(tmp_path: Path) -> None:
    publish(tmp_path)
    for row in Record(tmp_path / "record").rows("reading"):
        found, text = explain(tmp_path, LINES, row["subject"], row["indicator"])
        assert found.is_equal, row
        assert (found.same_issues, found.same_definition, found.same_configuration) == (True, True, True)
        assert "the same issues are behind it" in text
        assert ": equal" in text


CHANGED = {
    "an item came": (LINES + "PAY-6  2026-06-10 todo\n", "PR-1", ["PAY-6"], [], "came since: PAY-6"),
    "one left": (LINES.replace("PAY-5  2026-02-05 todo\n", ""), "PR-1", [], ["acme:PAY-5"], "left since: acme:PAY-5"),
    "one is confidential": (
        LINES + "PAY-7  confidential 2026-06-10 todo\n", "PR-1", ["(confidential)"], [], "came since: (confidential)",
    ),
    "a date was corrected": (
        LINES.replace("2026-06-10 done", "2026-06-25 done"), "PR-1", [], [], "what is known of them",
    ),
    "another is overdue": (
        LINES.replace("due_on=2026-06-12", "").replace("PAY-5  2026-02-05 todo", "PAY-5  2026-02-05 todo due_on=2026-06-12"),
        "SC-1", ["PAY-5"], ["PAY-3"], "left since: PAY-3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGED)
def test_changed_history_is_told(tmp_path: Path, case: str) -> None:
    lines, indicator, came, left, text = CHANGED[case]
    publish(tmp_path)
    found, told = explain(tmp_path, lines, "project:PAY", indicator)
    assert (found.came, found.left) == (came, left)
    assert found.is_equal == (case == "another is overdue"), "the number may be the same by other issues"
    assert found.same_issues == (not came and not left)
    assert text in told
    assert ("from today's data for that day" in told) != found.is_equal


def test_another_definition_or_configuration_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path)
    _, told = explain(tmp_path, LINES, "project:PAY", "PR-1", replace(history.configure(), digest="another"))
    assert "the configuration has changed since" in told
    monkeypatch.setattr(indicators, "_tables", lambda: "other tables")
    _, told = explain(tmp_path, LINES, "project:PAY", "PR-1")
    assert "its definition, or a table it reads, has changed since" in told


def test_a_number_no_report_showed_is_called_so(tmp_path: Path) -> None:
    publish(tmp_path, today=LATER)
    found, told = explain(tmp_path, LINES, "project:PAY", "PR-1")
    assert found is None
    assert told == "  no report of that day in the record shows this number"


def test_what_an_older_version_kept_is_told_as_far_as_it_goes(tmp_path: Path) -> None:
    publish(tmp_path)
    (file,) = (tmp_path / "record").glob("*/reading.parquet")
    pq.write_table(pq.ParquetFile(file).read().drop_columns(["config_digest", "definition", "evidence"]), file)
    file.with_name("evidence.parquet").unlink()
    found, told = explain(tmp_path, LINES, "project:PAY", "PR-1")
    assert (found.is_equal, found.same_issues, found.same_definition) == (True, None, None)
    assert "which issues were behind it was not kept then" in told
    publish(tmp_path, LINES, LATER)
    assert (
        len(
            numbers.Lists(Record(tmp_path / "record")).find(Record(tmp_path / "record").rows("reading")[-1]["evidence"])
        )
        > 0
    )


def test_a_record_that_lost_a_run_says_so_in_one_line(tmp_path: Path) -> None:
    publish(tmp_path)
    publish(tmp_path, LINES + "PAY-6  2026-06-23 todo\n", LATER)
    record = Record(tmp_path / "record")
    grown = next(row for row in record.rows("evidence") if row["base"] != numbers.NO_ISSUES)
    shutil.rmtree(record.folder / record.runs()[0])
    with pytest.raises(StoreError, match="restore it from an export"):
        numbers.Lists(record).find(grown["digest"])


def test_an_exported_record_has_its_lists(tmp_path: Path) -> None:
    publish(tmp_path)
    publish(tmp_path, LINES + "PAY-6  2026-06-23 todo\n", LATER)
    record, other = Record(tmp_path / "record"), Record(tmp_path / "other" / "record")
    record.export(tmp_path / "record.tar")
    other.restore(tmp_path / "record.tar")
    for row in record.rows("reading"):
        assert numbers.Lists(other).find(row["evidence"]) == numbers.Lists(record).find(row["evidence"])


class Read(dict[Any, Any]):
    """Readings that remember which of them somebody read."""

    def __init__(self, readings: Any) -> None:
        super().__init__(readings)
        self.keys_read: set[Any] = set()

    def get(self, key: Any, default: Any = None) -> Any:
        self.keys_read.add(key)
        return super().get(key, default)


@pytest.mark.parametrize("profile", get_args(Profile))
def test_no_page_shows_a_number_that_is_not_kept(profile: str) -> None:
    assessed = sample.of_profile(profile)
    read = Read(assessed.readings)
    compose_all(replace(assessed, readings=read), "en")
    kept = {(one.subject, one.indicator, one.part) for one in numbers.shown(assessed)}
    assert len(read.keys_read) > 100
    assert {one for one in read.keys_read if one in assessed.readings} <= kept


issues = st.frozensets(st.sampled_from([f"acme:{number}" for number in range(12)]))


@given(st.lists(st.tuples(st.sampled_from("abc"), issues), max_size=12))
def test_every_list_comes_back_from_its_differences(steps: list[tuple[str, frozenset[str]]]) -> None:
    kept = Kept()
    last: dict[str, str] = {}
    for number, now in steps:
        lists, digest = numbers.Lists(kept), numbers.digest_of(now)  # type: ignore[arg-type]
        if digest not in lists:
            kept.rows += numbers.differences(lists, {digest: last.get(number)}, {digest: now})
        last[number] = digest
        assert numbers.Lists(kept).find(digest) == now  # type: ignore[arg-type]
    whole = numbers.Lists(kept)  # type: ignore[arg-type]
    assert all(whole.find(numbers.digest_of(now)) == now for _, now in steps)
    assert all(len(row["came"]) + len(row["left"]) <= len(whole.find(row["digest"])) for row in kept.rows)


class Kept:
    """A record of lists in memory."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def read(self, dataset: str) -> Any:
        import pyarrow as pa

        from pmo_sync.record import DATASETS

        return pa.Table.from_pylist(self.rows, DATASETS[dataset]) if self.rows else None


def test_a_lost_run_stops_no_later_report_and_no_chain_grows_for_ever(tmp_path: Path) -> None:
    lines = LINES
    for week in range(numbers.MOST_STEPS + 8):
        lines += f"PAY-{100 + week}  2026-05-01 todo +milestone:v1\n"
        publish(tmp_path, lines, DAY + week * timedelta(days=7))
        if week == 1:
            record = Record(tmp_path / "record")
            shutil.rmtree(tmp_path / "record" / record.runs()[0])
    made = Record(tmp_path / "record").rows("evidence")
    bases = {row["digest"]: row["base"] for row in made}
    for digest in bases:
        steps, at = 0, digest
        while at in bases:
            steps, at = steps + 1, bases[at]
        assert steps <= numbers.MOST_STEPS + 1
