"""What a user meets at the places: what is taken over, refused, moved, left behind, or cannot be reached."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_sync.pipeline.places import STAYS
from pmo_sync.record import Record
from reports.publishers.storage_mark import read
from tests.e2e.office import Office, office

WIKIS = ("confluence", "confluence-dc")


@pytest.fixture
def made(tmp_path: Path):
    """A company whose first sync is done."""
    with office(tmp_path) as one:
        assert one.run("sync", "--quiet") == 0
        yield one


def page(made: Office, wiki: str, slot: str) -> Any:
    """Our page of a slot as the wiki's people see it."""
    (found,) = [one for one in made.running.servers[wiki].pages() if read(one.body).slot == slot]
    return found


def run(made: Office, capsys: Any, *arguments: str) -> dict[str, Any]:
    """A command a minute after the last one, and what it answered."""
    made.running.company.now += timedelta(minutes=1)
    return made.answer(capsys, *arguments)


def outcomes(answer: dict[str, Any]) -> dict[tuple[str, str], str]:
    """What became of each document that is not as it was."""
    done = {(one["place"], one["slot"]): one["outcome"] for one in answer["published"]}
    return {name: outcome for name, outcome in done.items() if outcome != "unchanged"}


def test_what_is_taken_over_is_one_document_of_one_place(made: Office, capsys) -> None:
    for wiki in WIKIS:
        made.running.servers[wiki].edit_as_human(page(made, wiki, "portfolio").id, lambda text: f"<p>Mine</p>{text}")
    both = {(wiki, "portfolio"): "conflict" for wiki in WIKIS}
    answer = run(made, capsys, "publish")
    assert outcomes(answer) == both
    assert all(f"--adopt {one['place']}:portfolio" in one["message"] for one in answer["published"] if one["message"])
    assert made.run("publish", "--adopt", "portfolio") == 1
    assert "say which: confluence:portfolio or confluence-dc:portfolio" in capsys.readouterr().err
    taken = run(made, capsys, "publish", "--adopt", "confluence:portfolio")
    assert outcomes(taken) == {("confluence", "portfolio"): "updated", ("confluence-dc", "portfolio"): "conflict"}
    assert "Mine" in page(made, "confluence-dc", "portfolio").body


def test_names_of_no_document_are_refused_without_any_configured_project(made: Office, capsys) -> None:
    text = made.file.read_text(encoding="utf-8")
    start, end = text.index("[[project]]"), text.index("[source.")
    made.file.write_text(text[:start] + text[end:], encoding="utf-8")
    writes = len(made.running.writes())
    assert made.run("publish", "--adopt", "confluence:project/nope") == 1
    assert (
        "--adopt confluence:project/nope: no such document; there are confluence-dc:portfolio,"
        in capsys.readouterr().err
    )
    assert len(made.running.writes()) == writes


def test_a_moved_place_is_written_anew(made: Office, capsys) -> None:
    """A folder with another path, a comment with another carrier: nobody deleted anything there."""
    made.configure(('= "PAY-1"', '= "PAY-2"'), ("arunika/payments/gateway#1", "arunika/payments/gateway#2"))
    done = run(made, capsys, "publish")
    for name in ("jira-note", "gitlab-note"):
        assert next(one["outcome"] for one in done["published"] if one["place"] == name) == "created"
    assert outcomes(run(made, capsys, "publish")) == {}


def test_a_page_stays_where_it_is_when_its_parent_is_another_and_that_is_said_until_it_is_published(
    made: Office, capsys
) -> None:
    wiki, slot = made.running.servers["confluence"], "project/qris"
    before = page(made, "confluence", slot)
    other = wiki.add_as_human("Elsewhere")
    made.configure((f'"cloud"\nparent = "{wiki.space.parent}"', f'"cloud"\nparent = "{other}"'))
    checked = made.answer(capsys, "check")
    (told,) = [
        one for place in checked["places"] for one in place["findings"] if f"{slot} was published at" in one["what"]
    ]
    assert told["todo"] == [STAYS]
    for arguments, is_said in ((["--dry-run"], True), ([], True), ([], False)):
        done = run(made, capsys, "publish", *arguments)
        mine = [one for one in done["published"] if one["place"] == "confluence"]
        assert {one["outcome"] for one in mine} == {"unchanged"}
        assert {one["message"] for one in mine} == {STAYS if is_said else ""}
        assert not [one for one in done["published"] if one["place"] == "confluence-dc" and one["message"]]
    assert page(made, "confluence", slot) == before
    assert not [one for one in made.answer(capsys, "check")["places"] if "was published at" in str(one)]


@pytest.mark.parametrize("out", [WIKIS[:1], WIKIS])
def test_comments_keep_their_links_through_an_outage(made: Office, capsys, out: tuple[str, ...]) -> None:
    """Nobody is mailed twice because a wiki was away: not when it goes, not when it comes back."""
    made.running.tokens["WRONG"] = "not-the-token"
    tokens = {"confluence": "DEMO_CONFLUENCE_TOKEN", "confluence-dc": "DEMO_CONFLUENCE_DC_TOKEN"}
    writes = len(made.running.writes())
    made.configure(*((f'"{tokens[wiki]}"', '"WRONG"') for wiki in out))
    answer = run(made, capsys, "publish")
    assert answer["exit"] == 4
    assert {(place, outcome) for (place, _), outcome in outcomes(answer).items()} == {(wiki, "failed") for wiki in out}
    made.configure()
    assert outcomes(run(made, capsys, "publish")) == {}
    assert len(made.running.writes()) == writes


def test_what_no_report_wants_any_more_is_told_until_it_is_gone(made: Office, capsys) -> None:
    """A project switched off: its pages are told with their addresses and left alone; its local file is removed."""
    slot, gone = "project/fleet-tracking", page(made, "confluence", "project/fleet-tracking")
    file = made.folder / "reports" / "project--fleet-tracking.html"
    edited, copied = file.with_name("project--qris.html"), file.with_name("kept for later.html")
    edited.write_text(edited.read_text(encoding="utf-8").replace("<h1", "<h1 class='mine'"), encoding="utf-8")
    copied.write_bytes(file.read_bytes())
    off = [(f'id = "{one}"', f'id = "{one}"\nenabled = false') for one in ("fleet-tracking", "qris")]
    made.configure(*off)
    assert file.exists()
    answer = run(made, capsys, "sync")
    assert not file.exists()
    assert edited.exists()
    assert copied.exists()
    left = {(wiki, one): "orphaned" for wiki in WIKIS for one in (slot, "project/qris")}
    assert outcomes(answer).items() >= left.items()
    assert answer["exit"] == 0
    told = next(one for one in answer["published"] if one["outcome"] == "orphaned")
    assert told["url"].endswith(f"/{gone.id}")
    assert told["message"].startswith(f"{told['url']}: no report puts it there any more; delete or archive it")
    assert page(made, "confluence", slot).body == gone.body
    checked = made.answer(capsys, "check")
    assert [
        one["name"] for one in checked["places"] for found in one["findings"] if slot in found["what"]
    ] == list(WIKIS)  # fmt: skip
    made.running.servers["confluence"].trash(gone.id)
    again = run(made, capsys, "publish")
    assert outcomes(again) == {one: "orphaned" for one in left if one != ("confluence", slot)}
    made.configure()  # switched on again
    assert outcomes(run(made, capsys, "publish")).items() >= {("confluence", slot): "created"}.items()


def test_what_stands_where_nothing_leads_any_more_is_told_once(made: Office, capsys) -> None:
    slot = "project/instant-payments"
    made.configure(('= "PAY-1"', '= "PAY-2"'))
    planned = run(made, capsys, "publish", "--dry-run")
    assert outcomes(planned) == {("jira-note", slot): "orphaned"}
    assert "PAY-1?focusedCommentId" in planned["published"][-1]["url"]
    done = run(made, capsys, "publish")
    assert [one["outcome"] for one in done["published"] if one["place"] == "jira-note"] == ["created", "orphaned"]
    assert "this is said once" in done["published"][-1]["message"]
    assert outcomes(run(made, capsys, "publish")) == {}


def test_a_report_of_the_past_leaves_nothing_behind(made: Office, capsys) -> None:
    made.configure(('id = "fleet-tracking"', 'id = "fleet-tracking"\nenabled = false'))
    answer = run(made, capsys, "publish", "--dry-run", "--as-of", "2026-10-04")
    assert "orphaned" not in outcomes(answer).values()


def test_a_dry_run_says_what_would_be_refused(made: Office, capsys) -> None:
    """Above the differences, as the real run would say it, and with its exit code."""
    made.configure(
        ("[pmo]\n", '[pmo]\nrequired_grade = "complete"\n'), ('token = { env = "DEMO_JIRA_DC_TOKEN" }', 'token = { env = "WRONG" }')
    )  # fmt: skip
    made.running.tokens["WRONG"] = "not-the-token"
    assert made.run("pull", "--quiet") == 4
    capsys.readouterr()
    assert made.run("publish", "--dry-run", "--quiet") == 4
    planned = capsys.readouterr().out.splitlines()
    assert made.run("publish", "--quiet") == 4
    real = capsys.readouterr().out.splitlines()
    assert real[0] == "published: nothing, the certificates forbid it"
    assert planned[: len(real)] == real
    assert any(line.startswith("+++ confluence: portfolio") for line in planned[len(real) :])
    answer = run(made, capsys, "publish", "--dry-run")
    assert answer["refused"]
    assert "skipped" in outcomes(answer).values()


def test_a_local_folder_that_cannot_be_written_stops_no_place(made: Office, capsys) -> None:
    (made.folder / "blocked").write_text("a file")
    made.configure(("[pmo]\n", '[pmo]\nhtml_dir = "blocked/reports"\n'))
    made.running.advance(1)
    answer = run(made, capsys, "sync")
    assert answer["exit"] == 4
    assert answer["files"] == []
    assert "name another folder as html_dir" in answer["report_error"]
    assert {place for place, _ in outcomes(answer)} == {*WIKIS, "jira-note", "gitlab-note"}
    assert set(outcomes(answer).values()) == {"updated"}
    assert made.run("report", "--quiet") == 1


def test_what_the_local_report_of_a_sync_says_is_kept_and_no_forecast_counts(tmp_path: Path, capsys) -> None:
    """Nobody was told of it in a place."""
    with office(tmp_path) as made:
        made.configure(("write = true", "write = false"))
        assert made.run("sync", "--quiet", "--dry-run") == 0
        record = Record(made.config.state_dir / "record")
        assert not record.rows("reading")
        assert made.run("sync", "--quiet") == 0
        assert record.rows("reading")
        assert not record.rows("ledger")
        assert made.run("publish", "--as-of", "2026-10-04", "--quiet") == 0, "no place shows a newer one"
        assert made.answer(capsys, "explain", "portfolio", "SP-5")["said_then"]["is_equal"]


def test_what_was_published_before_a_bug_is_remembered(made: Office, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second place meets a bug: what the first one holds is in the record."""
    from reports.publishers import confluence

    write, written = confluence.ConfluencePublisher.write, []

    def breaks(self: Any, *arguments: Any) -> Any:
        if self.name == "confluence-dc":
            raise ZeroDivisionError
        written.append(arguments[0].slot)
        return write(self, *arguments)

    monkeypatch.setattr(confluence.ConfluencePublisher, "write", breaks)
    before = len(Record(made.config.state_dir / "record").rows("publication"))
    made.running.advance(1)
    assert made.run("sync", "--quiet") == 3
    Path(capsys.readouterr().err.rsplit(" ", 1)[1].strip()).unlink()
    rows = Record(made.config.state_dir / "record").rows("publication")[before:]
    assert written
    assert sorted((row["place"], row["slot"]) for row in rows) == sorted(("confluence", slot) for slot in written)


def test_a_chart_that_cannot_be_drawn_is_one_document_that_failed(
    made: Office, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    import vl_convert

    from reports import charts

    def breaks(svg: str, **options: Any) -> bytes:
        raise ValueError("SVG to PNG conversion failed:\nmore")

    monkeypatch.setattr(vl_convert, "svg_to_png", breaks)
    charts._png.cache_clear()
    made.running.advance(1)
    answer = run(made, capsys, "sync")
    assert answer["exit"] == 4
    failed = [one["message"] for one in answer["published"] if one["outcome"] == "failed"]
    assert failed
    assert all(
        one.startswith("a chart cannot be drawn (SVG to PNG conversion failed: more); this is") for one in failed
    )
    assert {outcome for (place, slot), outcome in outcomes(answer).items() if slot == "portfolio"} == {"updated"}
