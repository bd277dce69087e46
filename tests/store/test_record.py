"""The record: whole runs or none, in order, never changed, refused where it cannot be read."""

from __future__ import annotations

import io
import stat
import tarfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pmo_sync.errors import StoreError
from pmo_sync.record import DATASETS, Record

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def row(dataset: str, text: str = "x") -> dict[str, Any]:
    """A row of any dataset."""
    values = {
        pa.string(): text, pa.timestamp("us", tz="UTC"): NOW, pa.date32(): date(2026, 1, 5), pa.bool_(): True,
        pa.float64(): 0.5, pa.int64(): 7, pa.int32(): 7, pa.list_(pa.int64()): [1, 2], pa.list_(pa.string()): [text],
    }  # fmt: skip
    return {column.name: values[column.type] for column in DATASETS[dataset]}


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_dataset_comes_back_as_it_went(tmp_path: Path, dataset: str) -> None:
    record = Record(tmp_path / "record")
    for run_id in ("2026-02", "2026-01"):
        with record.run(run_id) as run:
            run.write(dataset, [row(dataset, f"{run_id} a"), dict.fromkeys(DATASETS[dataset].names)])
    assert record.runs() == ["2026-01", "2026-02"]
    empty = dict.fromkeys(DATASETS[dataset].names)
    assert record.rows(dataset) == [row(dataset, "2026-01 a"), empty, row(dataset, "2026-02 a"), empty]


def test_folders_and_files_are_private(tmp_path: Path) -> None:
    record = Record(tmp_path / "record")
    with record.run("r") as run:
        run.write("certificate", [row("certificate")])
    record.export(tmp_path / "out.tar")
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in tmp_path.rglob("*")}
    assert modes == {"record": 0o700, "r": 0o700, "certificate.parquet": 0o600, "out.tar": 0o600}


def test_an_error_inside_a_run_leaves_nothing(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with pytest.raises(StoreError), record.run("r") as run:  # noqa: PT012 - the second write is what raises
        run.write("certificate", [row("certificate")])
        run.write("ledger", [{"unknown": 1}])
    assert list(tmp_path.iterdir()) == []


def test_a_run_with_nothing_to_say_is_no_run(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with record.run("r") as run:
        run.write("certificate", [])
    assert record.runs() == []


def test_a_run_is_never_written_twice(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with record.run("r") as run:
        run.write("certificate", [row("certificate")])
    with pytest.raises(StoreError, match="already has a run r"), record.run("r"):
        pass
    assert len(record.rows("certificate")) == 1


@pytest.mark.parametrize("run_id", ["", "../up", "a/b", ".hidden", "a\nb"])
def test_a_run_id_is_a_plain_name(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(StoreError, match="name of a run"), Record(tmp_path).run(run_id):
        pass


def test_columns_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with pytest.raises(StoreError, match="no column surprise"), record.run("r") as run:
        run.write("certificate", [{**row("certificate"), "surprise": 1}])
    with pytest.raises(StoreError, match="differ in: run_at"), record.run("r") as run:
        run.write("certificate", pa.Table.from_pylist([row("certificate")]).drop_columns("run_at"))


def test_an_older_file_without_a_newer_column_reads_as_null(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with record.run("r") as run:
        run.write("publication", [row("publication")])
    file = tmp_path / "r" / "publication.parquet"
    pq.write_table(pq.ParquetFile(file).read().drop_columns("url"), file)
    assert record.rows("publication") == [{**row("publication"), "url": None}]


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with record.run("r") as run:
        run.write("certificate", [row("certificate")])
    file = tmp_path / "r" / "certificate.parquet"
    pq.write_table(pq.ParquetFile(file).read().replace_schema_metadata({"pmo_sync_format": "2"}), file)
    with pytest.raises(StoreError, match=r"r/certificate.parquet: written in format 2"):
        record.read("certificate")


def test_a_damaged_file_is_an_error_not_an_empty_record(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with record.run("r") as run:
        run.write("certificate", [row("certificate")])
    (tmp_path / "r" / "certificate.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(StoreError, match=r"r/certificate.parquet: the record cannot be read"):
        record.read("certificate")


def test_export_and_restore_move_everything_and_keep_what_is_there(tmp_path: Path) -> None:
    here, there = Record(tmp_path / "here"), Record(tmp_path / "there")
    for record, run_id in ((here, "a"), (here, "b"), (there, "b"), (there, "c")):
        with record.run(run_id) as run:
            run.write("certificate", [row("certificate", f"{run_id} of {record.folder.name}")])
            run.write("ledger", [row("ledger")])
    here.export(tmp_path / "out.tar")
    assert there.restore(tmp_path / "out.tar") == ["a"]
    assert [one["certificate"] for one in there.rows("certificate")] == ["a of here", "b of there", "c of there"]
    assert len(there.rows("ledger")) == 3
    assert there.restore(tmp_path / "out.tar") == []
    empty = Record(tmp_path / "empty")
    empty.restore(tmp_path / "out.tar")
    assert empty.rows("certificate") == here.rows("certificate")


@pytest.mark.parametrize(
    "name",
    [
        "../outside/certificate.parquet",
        "/etc/certificate.parquet",
        "a/../../certificate.parquet",
        "a/evil.sh",
        "a/b/certificate.parquet",
        "certificate.parquet",
    ],
)
def test_a_tar_with_anything_else_in_it_is_refused_as_a_whole(tmp_path: Path, name: str) -> None:
    source = Record(tmp_path / "source")
    with source.run("good") as run:
        run.write("certificate", [row("certificate")])
    source.export(tmp_path / "out.tar")
    with tarfile.open(tmp_path / "out.tar", "a") as tar:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    record = Record(tmp_path / "target" / "record")
    with pytest.raises(StoreError, match="not an exported record"):
        record.restore(tmp_path / "out.tar")
    assert record.runs() == []
    assert not list(tmp_path.rglob("evil*"))


def test_links_in_a_tar_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "out.tar", "w") as tar:
        member = tarfile.TarInfo("a/certificate.parquet")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    with pytest.raises(StoreError, match="not an exported record"):
        Record(tmp_path / "record").restore(tmp_path / "out.tar")


def test_content_that_is_no_parquet_is_refused_before_anything_is_taken_in(tmp_path: Path) -> None:
    source = Record(tmp_path / "source")
    with source.run("a-good") as run:
        run.write("certificate", [row("certificate")])
    source.export(tmp_path / "out.tar")
    with tarfile.open(tmp_path / "out.tar", "a") as tar:
        member = tarfile.TarInfo("b-bad/certificate.parquet")
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    record = Record(tmp_path / "record")
    with pytest.raises(StoreError, match="cannot be read"):
        record.restore(tmp_path / "out.tar")
    assert record.runs() == []
