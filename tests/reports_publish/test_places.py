"""Every kind of place opens from a configuration, with its writer, without a request."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from pmo_sync.config import PlaceConfig, PlaceKind
from pmo_sync.errors import ConfigError
from pmo_sync.http.network import Network
from reports.document import Document, Heading, Link, Paragraph, Text
from reports.notice import notice
from reports.publish import publish_documents
from reports.publishers import open_place
from tests.reports_publish.benches import StillClock, server_config

DOCUMENT = Document(
    "project/pay",
    "Payments",
    "en",
    (Heading(2, "Status"), Paragraph((Text("All is well"),))),
    summary=(Text("Payments is on track."),),
)


def place(kind: PlaceKind, **more: Any) -> PlaceConfig:
    options: dict[str, Any] = {
        "name": "there", "kind": kind, "server": None, "path": None, "space": None, "parent": None, "issues": {},
        "wiki": None, "language": "en", "write": True, "notify": False, "title_prefix": "",
    }  # fmt: skip
    if kind == "gitlab-wiki":
        options["wiki"] = "projects/group/app"
    if kind != "folder":
        options["server"] = server_config("http://127.0.0.1:1", "cloud", "user", "token")
    return PlaceConfig(**{**options, **more})


@pytest.mark.parametrize("kind", get_args(PlaceKind))
def test_every_kind_opens_and_its_writer_writes(kind: PlaceKind, tmp_path: Path) -> None:
    issues = {"project/pay": "group/app#1" if kind == "gitlab-note" else "PAY-1"}
    publisher, write = open_place(place(kind, path=tmp_path, space="PMO", issues=issues), Network(StillClock()))
    assert publisher.name == "there"
    shown = notice(DOCUMENT, "https://wiki.example/1") if kind.endswith(("comment", "note")) else DOCUMENT
    assert ("Payments" if shown is not DOCUMENT else "All is well") in write(shown, {}).text
    assert publisher.slots in (None, frozenset({"project/pay"}))


def test_a_folder_from_a_configuration_takes_real_documents(tmp_path: Path) -> None:
    publisher, write = open_place(place("folder", path=tmp_path), Network(StillClock()))
    first = publish_documents(publisher, [DOCUMENT], write, write=True)
    assert [one.outcome for one in first] == ["created"]
    assert "All is well" in (tmp_path / "project--pay" / "index.html").read_text()
    assert [one.outcome for one in publish_documents(publisher, [DOCUMENT], write, write=True)] == ["unchanged"]


@pytest.mark.parametrize("kind", get_args(PlaceKind))
def test_a_place_without_its_address_is_a_configuration_error(kind: PlaceKind) -> None:
    with pytest.raises(ConfigError, match=r"place\.there\.(path|url)"):
        open_place(place(kind, server=None, path=None), Network(StillClock()))


def test_a_notice_is_the_sentence_and_where_to_read_on() -> None:
    made = notice(DOCUMENT, "https://wiki.example/1")
    assert made.slot == DOCUMENT.slot
    assert made.blocks == (Paragraph(DOCUMENT.summary), Paragraph((Link("Payments", url="https://wiki.example/1"),)))
    assert notice(DOCUMENT, "").blocks[-1] == Paragraph((Text("Payments"),))


def test_places_are_imported_when_they_are_opened() -> None:
    code = "import sys, reports.publishers; print([m for m in ('requests', 'jira', 'gitlab') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
