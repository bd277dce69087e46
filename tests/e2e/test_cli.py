"""What a user meets: the demo, a week passing, bad input, exit codes, JSON, no terminal."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_sync.demo.servers.wire import Answer
from tests.clocks import LeapingClock
from tests.e2e.office import ROOT, Office, office


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    """A company whose first sync is done."""
    with office(tmp_path_factory.mktemp("cli")) as one:
        assert one.run("sync", "--quiet") == 0
        yield one


@pytest.mark.timeout(600)
def test_demo(tmp_path: Path, capsys) -> None:
    """One command from trackers to pages; the second publication writes nothing; a week later the page says what changed."""
    from pmo_sync.cli import run_in_process
    from pmo_sync.clock import SystemClock

    out = tmp_path / "demo"
    assert run_in_process(["demo", "--quick", "--out", str(out), "--json"], SystemClock(), {}) == 0
    result = json.loads(capsys.readouterr().out)
    writes = {step["step"]: step["writes"] for step in result["steps"]}
    assert writes["first sync"] > 0
    assert writes["publishing again changes nothing"] == 0
    assert writes["a week later"] > 0
    page = (out / "reports" / "portfolio.html").read_text(encoding="utf-8")
    assert "Changed since 15 Nov 2026" in page


def test_demo_refuses_a_folder_in_use(tmp_path: Path, capsys) -> None:
    from pmo_sync.cli import run_in_process
    from pmo_sync.clock import SystemClock

    (tmp_path / "mine.txt").touch()
    assert run_in_process(["demo", "--out", str(tmp_path)], SystemClock(), {}) == 1
    assert "not empty" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").exists()


def test_publish_again_writes_nothing(made: Office) -> None:
    before = len(made.running.writes())
    assert made.run("publish", "--quiet") == 0
    assert len(made.running.writes()) == before


def test_commands_that_look(made: Office, capsys) -> None:
    assert {one["name"] for one in made.answer(capsys, "check")["sources"]} == {"cloud", "dc", "gitlab"}
    readings = made.answer(capsys, "indicators", "--subject", "portfolio")["readings"]
    assert {one["indicator"] for one in readings} >= {"PR-1", "FL-1", "FL-3", "SC-1"}
    known = made.answer(capsys, "indicators", "--definitions")
    assert all(one["question"].endswith("?") for one in known["indicators"])
    assert all(one["worth"] is None for one in known["rules"])
    explained = made.answer(capsys, "explain", "portfolio", "SC-1")
    count = next(one["value"] for one in explained["readings"] if one["part"] == "count")
    assert len(explained["evidence"]) == count > 0
    assert {one["part"]: one["unit"] for one in explained["readings"]} == {"count": "items", "share": "share"}
    assert explained["evidence_is_cut"] is False
    assert explained["as_of"] == "2026-11-15"
    assert explained["said_then"] is None, "no page shows the portfolio's overdue items"
    project = max(
        {
            one["subject"]
            for one in made.answer(capsys, "indicators")["readings"]
            if one["subject"].startswith("project:")
        }
    )
    then = made.answer(capsys, "explain", project, "PR-1")["said_then"]
    assert (then["is_equal"], then["same_issues"], then["same_definition"], then["came"], then["left"]) == (
        True,
        True,
        True,
        [],
        [],
    )
    assert "equal" in said(made, capsys, "explain", project, "PR-1")
    assert made.answer(capsys, "state", "show")["runs"] > 0
    assert made.answer(capsys, "publish", "--dry-run")["exit"] == 0


def said(made: Office, capsys, *arguments: str) -> str:
    assert made.run(*arguments) == 0
    return str(capsys.readouterr().out)


def test_a_forecast_and_a_status_are_explained(made: Office, capsys) -> None:
    paced = {one["subject"] for one in made.answer(capsys, "indicators")["readings"] if one["indicator"] == "FC-3"}
    forecasts: dict[str, Any] = {}
    for one in sorted(paced):
        forecasts[one] = made.answer(capsys, "explain", one, "forecast")["forecast"]
        if {found["refused"] for found in forecasts.values()} == {True, False}:
            break
    whole = made.answer(capsys, "explain", "portfolio", "forecast")
    assert whole["forecast"] is None
    told_of = whole["milestones"]
    chances = [one["p_hit"] or 0 for one in forecasts.values() if (one["due_on"] or "") > whole["as_of"]]
    assert sum(chances) <= told_of["expected"] <= told_of["with_forecast"] <= told_of["dated"]
    expected = f"{told_of['expected']:.1f} of {told_of['with_forecast']} with a forecast are expected by their dates"
    assert expected in said(made, capsys, "explain", "portfolio", "forecast")
    dated = next(one for one, found in forecasts.items() if found["p50_on"])
    told = said(made, capsys, "explain", dated, "forecast")
    assert f"P50 {forecasts[dated]['p50_on']}" in told
    assert f"{forecasts[dated]['remaining']} open items" in told
    status = made.answer(capsys, "explain", dated, "status")["status"]
    assert f"  {status['rag']}\n  because: " in said(made, capsys, "explain", dated, "status")
    assert status["reasons"][0]["code"]
    refused = next(one for one, found in forecasts.items() if found["refused"])
    assert "no date" in said(made, capsys, "explain", refused, "forecast")
    assert "no reading" in said(made, capsys, "explain", "portfolio", "SC-2")


def test_why_a_forecast_moved_is_explained(made: Office, capsys) -> None:
    """By cause, and the causes add up from what was said before to what is said now."""
    paced = {one["subject"] for one in made.answer(capsys, "indicators")["readings"] if one["indicator"] == "FC-3"}
    for subject in sorted(paced):
        told = made.answer(capsys, "explain", subject, "forecast")
        if told["moved"]:
            break
    before, now = (date.fromisoformat(told[one]["p50_on"]) for one in ("before", "forecast"))
    assert told["before"]["as_of"] == "2026-11-08"
    assert sum(part["p50_days"] for part in told["moved"]) == (now - before).days
    text = said(made, capsys, "explain", subject, "forecast")
    assert f"before     as of 2026-11-08: P50 {before}" in text
    lines = [line for line in text.splitlines() if line.startswith("    ")]
    assert len(lines) == len(told["moved"])
    assert all(
        f"P50 {part['p50_days']:+} days" in line
        for part, line in zip(told["moved"], lines, strict=True)
        if part["p50_days"]
    )


def test_what_nobody_knows_is_not_explained(made: Office) -> None:
    assert made.run("explain", "project:nowhere", "status") == 1
    assert made.run("explain", "portfolio", "colour") == 1


@pytest.mark.parametrize("ending", [".xlsx", ".csv", ".json", ".parquet"])
def test_export(made: Office, tmp_path: Path, ending: str) -> None:
    assert made.run("export", str(tmp_path / f"readings{ending}")) == 0
    assert (tmp_path / f"readings{ending}").stat().st_size > 1000


def test_an_export_says_what_its_numbers_are(made: Office, tmp_path: Path) -> None:
    assert made.run("export", str(tmp_path / "readings.json"), "--as-of", "2026-11-15") == 0
    rows = json.loads((tmp_path / "readings.json").read_text(encoding="utf-8"))
    assert {row["as_of"] for row in rows} == {"2026-11-15"}
    units = {(row["indicator"], row["part"]): row["unit"] for row in rows}
    assert (units["SC-1", "count"], units["FL-1", "mean"], units["FL-5", ""]) == ("items", "items_per_week", "items")


def test_export_of_something_else(made: Office, tmp_path: Path, capsys) -> None:
    assert made.run("export", str(tmp_path / "readings.docx")) == 1
    assert ".xlsx" in capsys.readouterr().err


def test_state_moves(made: Office, tmp_path: Path, capsys) -> None:
    file = tmp_path / "record.tar"
    assert made.run("state", "export", str(file)) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    other = Office(made.running, tmp_path)
    other.configure()
    assert other.run("state", "restore", str(file)) == 0
    assert other.answer(capsys, "state", "show")["runs"] == made.answer(capsys, "state", "show")["runs"]


def test_an_empty_database_overwrites_no_page(tmp_path: Path, capsys) -> None:
    """The record says that all was read; the database that would be published from was made anew since."""
    with office(tmp_path) as one:
        assert one.run("sync", "--quiet") == 0
        (one.config.state_dir / "pmo-sync.duckdb").unlink()
        before = len(one.running.writes())
        assert one.run("publish") == 4
        assert "run `pmo-sync pull`" in capsys.readouterr().out
        assert len(one.running.writes()) == before


def test_an_old_report_takes_no_newer_one_away(made: Office, capsys) -> None:
    before = len(made.running.writes())
    capsys.readouterr()
    assert made.run("publish", "--as-of", "2026-10-04", "--quiet") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "a newer report, as of 2026-11-15" in line
    assert "`pmo-sync report --as-of 2026-10-04`" in line
    assert made.run("publish", "--as-of", "2026-11-15", "--quiet") == 0
    assert len(made.running.writes()) == before


def test_as_of_gives_the_same_page_again(made: Office) -> None:
    page = made.folder / "reports" / "portfolio.html"
    assert made.run("report", "--as-of", "2026-10-04", "--quiet") == 0
    first = page.read_bytes()
    assert made.run("report", "--quiet") == 0
    assert page.read_bytes() != first
    assert made.run("report", "--as-of", "2026-10-04", "--quiet") == 0
    assert page.read_bytes() == first


def test_config_errors_all_at_once(made: Office, tmp_path: Path, capsys) -> None:
    broken = Office(made.running, tmp_path)
    broken.configure(('zone = "Asia/Jakarta"', 'zone = "Nowhere/None"\ncolour = "red"'))
    assert broken.run("sync") == 1
    errors = capsys.readouterr().err
    assert "pmo.zone" in errors
    assert "pmo.colour" in errors


def test_usage_error(made: Office) -> None:
    assert made.run("sync", "--no-such-option") == 2
    assert made.run("report", "--as-of", "yesterday") == 2


def test_nothing_pulled_yet(made: Office, tmp_path: Path, capsys) -> None:
    fresh = Office(made.running, tmp_path)
    fresh.configure()
    assert fresh.run("report") == 1
    assert "pmo-sync pull" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("what", "change", "says"),
    [
        ("wrong token", ("DEMO_JIRA_DC_TOKEN", "WRONG"), "token"),
        ("no token", ("DEMO_JIRA_DC_TOKEN", "NOT_SET"), "NOT_SET"),
        ("dead server", None, "address"),
        ("unknown project", ('"ERP"', '"NOPE"'), "NOPE"),
    ],
)
def test_one_bad_source(made: Office, tmp_path: Path, capsys, what: str, change, says: str) -> None:
    """One clear line that says what to do; the other sources go on; exit 4; the page says which source is not fresh."""
    other = Office(made.running, tmp_path)
    made.running.tokens["WRONG"] = "not-the-token"
    if change is None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            change = (made.running.urls["dc"], f"http://127.0.0.1:{free.getsockname()[1]}")
    other.configure(change)
    assert other.run("pull") == 4
    lines = [line for line in capsys.readouterr().out.splitlines() if says in line]
    assert lines, what
    assert all(len(line) < 400 for line in lines)
    assert other.run("report", "--quiet") == 0
    page = (tmp_path / "reports" / "portfolio.html").read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))
    assert "3 of 3 sources fresh" not in text
    assert re.search(r"dc: (never read|could not be read|last read|NOPE)", text)
    assert "Traceback" not in capsys.readouterr().out


def test_backtest_tells_whether_dates_would_have_held(made: Office, tmp_path: Path, capsys) -> None:
    told = made.answer(capsys, "backtest", "--weeks", "8", "--out", str(tmp_path))
    assert told["forecasts"]
    for one in told["horizons"]:
        rows = [row for row in told["forecasts"] if row["weeks"] == one["weeks"]]
        assert one["made"] == len(rows)
        over = [row for row in rows if row["p85_on"] and row["p85_on"] <= told["as_of"]]
        assert one["held"]["p85"]["of"] == len(over)
        assert one["held"]["p85"]["held"] == sum(
            bool(row["finished_on"]) and row["finished_on"] <= row["p85_on"] for row in over
        )
    assert "<svg" in Path(told["file"]).read_text(encoding="utf-8") or not told["dates"][0]["share"]["of"]
    assert made.run("backtest", "--keep", "--as-of", "2026-11-08") == 2
    assert "exclude each other" in capsys.readouterr().err


def test_a_page_made_of_a_part_of_a_source_says_so(made: Office, tmp_path: Path, capsys) -> None:
    """One project pulled, for a look: nothing on the page may pass for the whole."""
    other = Office(made.running, tmp_path)
    other.configure()
    assert other.run("pull", "--project", "PAY") == 0
    assert other.run("report", "--quiet") == 0
    page = (tmp_path / "reports" / "portfolio.html").read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))
    assert "0 of 3 sources fresh" in text
    assert "cloud has never been read to its end: what is here of it is a part" in text
    assert "gitlab has never been read: nothing on this page is from it" in text
    figures = re.findall(r'<strong>(\d+)</strong><span class="label"><span class="status (\w+)"', page)
    assert [(rag, count) for count, rag in figures] == [("green", "0"), ("amber", "0"), ("red", "0"), ("grey", "7")]


def test_a_source_that_fails_later_keeps_what_it_had(made: Office, tmp_path: Path, capsys) -> None:
    other = Office(made.running, tmp_path)
    other.configure()
    assert other.run("pull", "--quiet") == 0
    counts = {one["source"]: one["projects"] for one in other.answer(capsys, "pull")["sources"]}
    other.configure(("DEMO_JIRA_DC_TOKEN", "WRONG2"))
    made.running.tokens["WRONG2"] = "nonsense"
    assert other.run("sync", "--dry-run", "--quiet") == 4
    capsys.readouterr()
    assert other.run("indicators", "--quiet") == 0
    held = next(one["projects"] for one in other.answer(capsys, "pull")["sources"] if one["source"] == "dc")
    assert {one["project"]: one["our_count"] for one in held} == {
        one["project"]: one["our_count"] for one in counts["dc"]
    }


def test_a_bug_leaves_a_log_file(made: Office, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    from pmo_sync import pipeline

    monkeypatch.setattr(pipeline, "state_show", lambda *_: 1 / 0)
    assert made.run("state", "show") == 3
    said = capsys.readouterr().err
    assert "this is a bug" in said
    log = Path(said.rsplit(" ", 1)[1].strip())
    assert "ZeroDivisionError" in log.read_text(encoding="utf-8")
    log.unlink()


def test_second_sync_is_told_who_holds_the_lock(made: Office, capsys) -> None:
    from pmo_sync import lock

    with lock.exclusive(made.config.state_dir, LeapingClock(made.running.company.now), "sync"):
        before = len(made.running.writes())
        capsys.readouterr()
        assert made.run("sync", "--quiet") == 1
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 1, "a known error is one line"
        assert re.search(rf"in use: sync, process {os.getpid()} on .*, since 2026-11-16 00:30:00 UTC", said[0])
        assert made.process("sync", "--quiet") == 1
        assert len(made.running.writes()) == before


def test_hostile_titles_reach_nobody(made: Office) -> None:
    """Tracker text executed no quick action, mentioned nobody, and brought no script to a page."""
    gitlab = made.running.servers["gitlab"]
    assert gitlab.executed == []
    assert gitlab.mentions == []
    for page in (made.folder / "reports").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text
        assert "\0" not in text


def test_a_hostile_title_on_a_page_is_harmless(made: Office, tmp_path: Path) -> None:
    """The hostile titles are on the pages of a company where they are blocked."""
    from pmo_sync.demo.company import Event

    company = made.running.company
    hostile = [item for item in company.visible("cloud") if "<script>" in item.title or "=cmd" in item.title][:3]
    assert hostile
    for item in hostile:
        item.events = [one for one in item.events if one.field not in ("status", "resolution", "flagged")]
        item.events.append(Event(company.now - timedelta(days=9), "flagged", None, "true"))
    other = Office(made.running, tmp_path)
    other.configure()
    assert other.run("pull", "--quiet") == 0
    assert other.run("report", "--quiet") == 0
    pages = [file.read_text(encoding="utf-8") for file in (tmp_path / "reports").glob("*.html")]
    assert any("&lt;script&gt;" in page or "=cmd" in page for page in pages)
    assert not any("<script" in page for page in pages)


def test_malformed_answers(made: Office, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a JSON from one server is one line and exit 4."""
    server = made.running.servers["gitlab"]
    route = server._route
    monkeypatch.setattr(
        server, "_route", lambda request: Answer(200, b'[{"id": 1, ') if "issues" in request.path else route(request)
    )
    other = Office(made.running, tmp_path)
    other.configure()
    assert other.run("pull") == 4
    out = capsys.readouterr().out
    assert any(line.startswith("gitlab: ") and "not data" in line for line in out.splitlines()), out
    assert "Traceback" not in out


def test_help_is_quick_and_light() -> None:
    """``--help`` imports nothing heavy."""
    code = "import sys; sys.argv = ['pmo-sync', '--help']\ntry:\n    from pmo_sync.cli import main; main()\nexcept SystemExit: pass\nprint(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    modules = done.stdout.rsplit("\n", 2)[-2]
    for heavy in ("pandas", "duckdb", "numpy", "pyarrow", "requests", "jira", "gitlab", "vl_convert", "rich"):
        assert f"'{heavy}'" not in modules, heavy
