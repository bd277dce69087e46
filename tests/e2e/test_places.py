"""What a user meets at the places: what is taken over, refused, moved, left behind, or cannot be reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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


def outcomes(answer: dict[str, Any]) -> dict[tuple[str, str], str]:
    """What became of each document that is not as it was."""
    done = {(one["place"], one["slot"]): one["outcome"] for one in answer["published"]}
    return {name: outcome for name, outcome in done.items() if outcome != "unchanged"}


def test_what_is_taken_over_is_one_document_of_one_place(made: Office, capsys) -> None:
    for wiki in WIKIS:
        made.running.servers[wiki].edit_as_human(page(made, wiki, "portfolio").id, lambda text: f"<p>Mine</p>{text}")
    both = {(wiki, "portfolio"): "conflict" for wiki in WIKIS}
    answer = made.answer(capsys, "publish")
    assert outcomes(answer) == both
    assert all(f"--adopt {one['place']}:portfolio" in one["message"] for one in answer["published"] if one["message"])
    assert made.run("publish", "--adopt", "portfolio") == 1
    assert "say which: confluence:portfolio or confluence-dc:portfolio" in capsys.readouterr().err
    taken = made.answer(capsys, "publish", "--adopt", "confluence:portfolio")
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
    done = made.answer(capsys, "publish")
    slot = "project/instant-payments"
    assert outcomes(done) == {("jira-note", slot): "created", ("gitlab-note", slot): "created"}
    assert outcomes(made.answer(capsys, "publish")) == {}


@pytest.mark.parametrize("out", [WIKIS[:1], WIKIS])
def test_comments_keep_their_links_through_an_outage(made: Office, capsys, out: tuple[str, ...]) -> None:
    """Nobody is mailed twice because a wiki was away: not when it goes, not when it comes back."""
    made.running.tokens["WRONG"] = "not-the-token"
    tokens = {"confluence": "DEMO_CONFLUENCE_TOKEN", "confluence-dc": "DEMO_CONFLUENCE_DC_TOKEN"}
    writes = len(made.running.writes())
    made.configure(*((f'"{tokens[wiki]}"', '"WRONG"') for wiki in out))
    answer = made.answer(capsys, "publish")
    assert answer["exit"] == 4
    assert {(place, outcome) for (place, _), outcome in outcomes(answer).items()} == {(wiki, "failed") for wiki in out}
    made.configure()
    assert outcomes(made.answer(capsys, "publish")) == {}
    assert len(made.running.writes()) == writes
