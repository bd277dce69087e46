"""The contract's tests can fail: for each there is a place that breaks just that promise.

A twin is the folder with one fault; the test of its name must catch it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmo_sync.errors import UncertainWriteError
from reports.publish import Item, Publisher, Remote, fingerprint
from reports.publishers.folder import FolderPublisher
from tests.contract.publisher import PublisherContract
from tests.reports_publish.benches import FolderBench


class ForgetsDigest(FolderPublisher):
    """Never finds the digest it wrote: every run writes again."""

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        found = super().find(slot, title, hint)
        return found and replace(found, digest="0" * 20, known=None, by_us=True)


class WritesElsewhere(FolderPublisher):
    """An update makes a new document beside the old one."""

    count = 0

    def _folder(self, slot: str) -> Path:
        return self._root / f"{slot.replace('/', '--')}-{self.count}"

    def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        if expected is not None:
            type(self).count += 1
        return super().write(item, digest, None)


class TrustsEverybody(FolderPublisher):
    """Takes any text for its own."""

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        found = super().find(slot, title, hint)
        return found and replace(found, by_us=True, known=None)


class NeedsNoMark(FolderPublisher):
    """Believes its index although the mark is gone."""

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        found = super().find(slot, title, hint)
        if found is None or found.known is None or found.digest is not None:
            return found
        return replace(found, digest=found.known.digest, version=found.known.version)


class WritesWhileLooking(FolderPublisher):
    """Prepares the place already when it is asked what is there."""

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        self._claim(slot)
        (self._folder(slot) / "index.html").touch()
        return super().find(slot, title, hint)


class ShowsNoDifference(FolderPublisher):
    """Its dry run does not tell what would change."""

    def readable(self, text: str) -> str:
        return ""


class SuspectsItself(FolderPublisher):
    """Takes its own unconfirmed write for somebody's edit."""

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        found = super().find(slot, title, hint)
        return found and replace(found, by_us=found.known is not None and found.version == found.known.version)


class Repeats(FolderPublisher):
    """Writes until an answer comes, into a new document each time."""

    count = 0

    def _folder(self, slot: str) -> Path:
        return self._root / f"{slot.replace('/', '--')}-{self.count}"

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        return None if hint is None else super().find(slot, title, hint)

    def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        type(self).count += 1
        return super().write(item, digest, None)


class NeverSure(FolderPublisher):
    """Hides that a write is unclear, and what it wrote before stays."""

    def refuse(self, item: Item) -> str:
        self._claim(item.slot)
        (self._folder(item.slot) / "index.html").write_text("half")
        return ""


class ClaimsALock(FolderPublisher):
    """Says that the place refuses late writes; it does not."""

    traits = replace(FolderPublisher.traits, version_lock=True)


class SuspectsNewVersions(FolderPublisher):
    """Takes a new version for an edit, whatever is in it."""

    seen: int | None = None

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        found = super().find(slot, title, hint)
        if found is not None and self.seen not in (None, found.version):
            return replace(found, known=None, by_us=False)
        self.seen = found and found.version
        return found


class MangledText(FolderPublisher):
    """Knows only ASCII."""

    def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        plain = item.text.encode("ascii", "replace").decode()
        return super().write(replace(item, text=plain), digest, expected)


class TakesAnything(FolderPublisher):
    """Writes over whatever stands where it would create."""

    def _claim(self, slot: str) -> None:
        self._folder(slot).mkdir(parents=True, exist_ok=True)


class HashesWhatItSees(FolderPublisher):
    """Takes the digest of the body as it is returned."""

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        found = super().find(slot, title, hint)
        if found is None or found.digest is None:
            return found
        body = (self._folder(slot) / "index.html").read_bytes().decode()
        return replace(found, digest=found.digest if " \n" not in body else fingerprint(body + "x"), by_us=True)


class AlwaysUploads(FolderPublisher):
    """Writes every attachment every time."""

    def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        for one in item.attachments:
            file = self._folder(item.slot) / one.name
            if file.exists():
                file.write_bytes(b"old")
        return super().write(item, digest, expected)


class LeavesOutAttachments(FolderPublisher):
    """Cannot hold attachments and does not say so."""

    traits = replace(FolderPublisher.traits, attachments=False)

    def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        return super().write(replace(item, attachments=()), digest, expected)


class AdoptsNothing(FolderPublisher):
    """Never touches an edited document again."""

    def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        if expected is not None and not expected.by_us:
            raise UncertainWriteError("no")
        return super().write(item, digest, expected)


class AdoptsEverything(TrustsEverybody):
    """The name of the slot makes no difference."""


class ForgetsWhatItKnew(FolderPublisher):
    """Publishes anew what somebody deleted."""

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        found = super().find(slot, title, hint)
        if found is None and hint is not None:
            self.write(Item(slot, title, "back again"), "0" * 20, None)
        return found


TWINS: dict[str, list[type[FolderPublisher]]] = {
    "test_created_once_then_unchanged_without_a_write": [ForgetsDigest],
    "test_updated_in_place": [WritesElsewhere],
    "test_somebodys_edit_is_left_alone": [TrustsEverybody],
    "test_a_removed_mark_is_a_conflict": [NeedsNoMark],
    "test_a_dry_run_writes_nothing_and_shows_the_difference": [WritesWhileLooking, ShowsNoDifference],
    "test_a_run_that_died_before_the_index_is_taken_up": [SuspectsItself],
    "test_a_lost_answer_leaves_exactly_one": [Repeats],
    "test_what_stays_unclear_is_a_failure": [NeverSure],
    "test_a_race_is_a_conflict": [ClaimsALock],
    "test_a_race_without_an_edit_is_no_conflict": [SuspectsNewVersions],
    "test_awkward_text_survives": [MangledText],
    "test_what_is_foreign_is_never_touched": [TakesAnything],
    "test_the_servers_own_rewriting_is_no_change": [HashesWhatItSees],
    "test_attachments_are_written_once": [AlwaysUploads, LeavesOutAttachments],
    "test_a_named_slot_is_taken_over": [AdoptsNothing, AdoptsEverything],
    "test_what_was_deleted_by_hand_stays_deleted": [ForgetsWhatItKnew],
}


class Broken(FolderBench):
    """A folder whose publisher is a twin."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, twin: Callable[..., Any]) -> None:
        super().__init__(root, monkeypatch)
        self._twin = twin

    def open(self) -> Publisher:
        made: Publisher = self._twin("share", self.root)
        return made


@pytest.mark.parametrize(("name", "twin"), [(name, twin) for name, twins in TWINS.items() for twin in twins])
def test_the_contract_catches(
    name: str, twin: type[FolderPublisher], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = getattr(PublisherContract(), name)
    run(FolderBench(tmp_path / "whole", monkeypatch))  # the folder itself passes
    with pytest.raises(AssertionError):
        run(Broken(tmp_path / "broken", monkeypatch, twin))


def test_every_promise_has_a_twin() -> None:
    promises = {name for name in dir(PublisherContract) if name.startswith("test_")}
    assert set(TWINS) == promises
