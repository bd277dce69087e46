"""What every place that holds documents must keep, whatever it is made of.

A place's test class inherits ``PublisherContract`` and gives it a ``bench``: the place, plus hands that do to it what
people, servers and networks do. ``test_broken_publishers.py`` proves that each of these tests can fail.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import pytest

from pmo_sync.errors import UncertainWriteError
from reports.document import Attachment
from reports.publish import Item, Published, Publisher, Remote, publish

SLOT = "project/pay"
TITLE = "Payments & <refunds>"
AWKWARD = "Zażółć 🚀 שלום ]]> -- <b>&amp;</b> =cmd() {code} [~all] @all \\ \u200b \"quoted\" 'too' 100 % _x_ *y*"
PICTURE = Attachment("burn-up.png", "image/png", lambda: b"\x89PNG\r\n\x1a\n first", "a" * 20)


class Bench(ABC):
    """One place under test. ``open`` gives a publisher as a new run would have it."""

    attachments_in_place: Callable[[], dict[str, bytes]] | None = None  # where the place takes attachments

    @abstractmethod
    def open(self) -> Publisher:
        """A fresh publisher: nothing remembered from an earlier run."""

    @abstractmethod
    def ours(self) -> dict[str, str]:
        """Every document our account has in the place: id -> text, marks included."""

    @abstractmethod
    def edit(self, document: str, change: Callable[[str], str]) -> None:
        """Somebody else changes the text."""

    @abstractmethod
    def touch(self, document: str) -> None:
        """It gets a new version, its text stays: renamed, moved, saved again. Where people who do that cannot be told
        from people who edit, our own account does it.
        """

    @abstractmethod
    def unmark(self, document: str) -> None:
        """Somebody else removes our mark and leaves the rest."""

    @abstractmethod
    def rewrite(self, document: str) -> None:
        """The server changes the stored text by itself, as it does on saving or migrating; nobody edits."""

    @abstractmethod
    def delete(self, document: str) -> None:
        """Somebody deletes the document."""

    @abstractmethod
    def plant(self, slot: str, title: str) -> Callable[[], str]:
        """Something foreign where ours would go. Returns what reads its text."""

    @abstractmethod
    def writes(self) -> int:
        """How often anything at all was written to the place by our account."""

    @abstractmethod
    def text(self, words: str) -> str:
        """``words`` as a text of this place's format, harmless."""


class Killed(BaseException):
    """The process died here."""


class Rigged:
    """A publisher to which something happens on the way. Everything else is the inner one's."""

    def __init__(self, inner: Publisher) -> None:
        self.inner = inner
        self.finds = 0
        self.wrote = False
        self.rival: Callable[[], None] | None = None
        self.dies_before_confirm = False
        self.loses: list[str] = []  # "answer" or "request", one per write

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        self.finds += 1
        if not self.inner.traits.version_lock and self.finds == 2:
            self._meets_rival()  # after the plan, before the second look
        return self.inner.find(slot, title, hint)

    def _meets_rival(self) -> None:
        rival, self.rival = self.rival, None
        if rival is not None:
            rival()

    def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        if self.inner.traits.version_lock:
            self._meets_rival()
        lost = self.loses.pop(0) if self.loses else ""
        if lost == "request":
            raise UncertainWriteError("the connection was reset")
        remote = self.inner.write(item, digest, expected)
        self.wrote = True
        if lost == "answer":
            raise UncertainWriteError("the connection was reset")
        return remote

    def confirm(self, slot: str, remote: Remote) -> None:
        if self.dies_before_confirm and self.wrote:
            raise Killed
        self.inner.confirm(slot, remote)


class PublisherContract:
    """The promises. Each test starts with an empty place."""

    @pytest.fixture
    def bench(self) -> Bench:
        raise NotImplementedError

    def item(self, bench: Bench, words: str = "All is well", **more: Any) -> Item:
        return Item(SLOT, TITLE, bench.text(words), **more)

    def run(self, bench: Bench, words: str = "All is well", *, place: Any = None, **options: Any) -> Published:
        options.setdefault("write", True)
        attachments = options.pop("attachments", ())
        return publish(place or bench.open(), [self.item(bench, words, attachments=attachments)], **options)[0]

    def only(self, bench: Bench) -> tuple[str, str]:
        documents = bench.ours()
        assert len(documents) == 1, documents
        return next(iter(documents.items()))

    def test_created_once_then_unchanged_without_a_write(self, bench: Bench) -> None:
        first = self.run(bench)
        assert (first.outcome, first.message, first.diff) == ("created", "", "")
        assert first.url
        before = bench.writes()
        assert before > 0
        again = self.run(bench)
        assert (again.outcome, again.message) == ("unchanged", "")
        assert (again.url, again.id) == (first.url, first.id)
        assert self.run(bench, known={SLOT: first.id}).outcome == "unchanged"
        assert bench.writes() == before

    def test_updated_in_place(self, bench: Bench) -> None:
        first = self.run(bench)
        second = self.run(bench, "Two weeks late")
        assert (second.outcome, second.id, second.url) == ("updated", first.id, first.url)
        _, text = self.only(bench)
        assert "Two weeks late" in text
        assert "All is well" not in text
        assert self.run(bench, "Two weeks late").outcome == "unchanged"

    def test_somebodys_edit_is_left_alone(self, bench: Bench) -> None:
        self.run(bench)
        document, _ = self.only(bench)
        bench.edit(document, lambda text: text.replace("All is well", "A human knows better"))
        for words in ("Two weeks late", "All is well"):  # whether or not there would be something new to say
            done = self.run(bench, words)
            assert done.outcome == "conflict", done
            assert f"--adopt {done.place}:{SLOT}" in done.message
            assert "A human knows better" in self.only(bench)[1]
        settled = bench.writes()
        self.run(bench, "Three weeks late")
        assert bench.writes() == settled, "a conflict is explained once"

    def test_a_removed_mark_is_a_conflict(self, bench: Bench) -> None:
        self.run(bench)
        document, marked = self.only(bench)
        bench.unmark(document)
        _, bare = self.only(bench)
        assert bare != marked
        assert self.run(bench, "Two weeks late").outcome == "conflict"
        assert self.only(bench)[1] == bare

    def test_a_dry_run_writes_nothing_and_shows_the_difference(self, bench: Bench) -> None:
        planned = self.run(bench, write=False)
        assert planned.outcome == "skipped"
        assert any(line.startswith("+") and "All is well" in line for line in planned.diff.splitlines())
        assert bench.ours() == {}
        self.run(bench)
        before, texts = bench.writes(), bench.ours()
        planned = self.run(bench, "Two weeks late", write=False)
        assert planned.outcome == "skipped"
        lines = planned.diff.splitlines()
        assert any(line.startswith("-") and "All is well" in line for line in lines), lines
        assert any(line.startswith("+") and "Two weeks late" in line for line in lines), lines
        assert "pmo-sync:" not in "".join(lines[2:]), "our mark is not news"
        assert self.run(bench, write=False).outcome == "unchanged"
        assert (bench.writes(), bench.ours()) == (before, texts)

    def test_a_run_that_died_before_the_index_is_taken_up(self, bench: Bench) -> None:
        for words in ("All is well", "Two weeks late"):
            place = Rigged(bench.open())
            place.dies_before_confirm = True
            with pytest.raises(Killed):
                self.run(bench, words, place=place)
            texts = bench.ours()
            done = self.run(bench, words)
            assert done.outcome == "unchanged", done
            assert bench.ours() == texts, "written a second time"
            settled = bench.writes()
            assert self.run(bench, words).outcome == "unchanged"
            assert bench.writes() == settled

    def test_a_lost_answer_leaves_exactly_one(self, bench: Bench) -> None:
        for words in ("All is well", "Two weeks late"):
            for lost in (["answer"], ["request"], ["request", "answer"]):
                place = Rigged(bench.open())
                place.loses = list(lost)
                now = f"{words}, {len(lost)}{lost[0]}"
                done = self.run(bench, now, place=place)
                assert done.outcome in ("created", "updated"), done
                assert now in self.only(bench)[1]
                assert self.run(bench, now).outcome == "unchanged"

    def test_what_stays_unclear_is_a_failure(self, bench: Bench) -> None:
        place = Rigged(bench.open())
        place.loses = ["request"] * 9
        done = self.run(bench, place=place)
        assert done.outcome == "failed"
        assert len(place.loses) == 7, "written twice at most"
        assert bench.ours() == {}

    def test_a_race_is_a_conflict(self, bench: Bench) -> None:
        self.run(bench)
        document, _ = self.only(bench)
        place = Rigged(bench.open())
        place.rival = lambda: bench.edit(document, lambda text: text.replace("All is well", "I was faster"))
        assert self.run(bench, "Two weeks late", place=place).outcome == "conflict"
        assert "I was faster" in self.only(bench)[1]

    def test_a_race_without_an_edit_is_no_conflict(self, bench: Bench) -> None:
        self.run(bench)
        document, _ = self.only(bench)
        place = Rigged(bench.open())
        place.rival = lambda: bench.touch(document)
        done = self.run(bench, "Two weeks late", place=place)
        assert (done.outcome, place.rival) == ("updated", None), done
        assert "Two weeks late" in self.only(bench)[1]
        assert self.run(bench, "Two weeks late").outcome == "unchanged"

    def test_awkward_text_survives(self, bench: Bench) -> None:
        assert self.run(bench, AWKWARD).outcome == "created"
        document, text = self.only(bench)
        assert bench.text(AWKWARD).strip() in text
        assert self.run(bench, AWKWARD).outcome == "unchanged"
        assert self.run(bench, AWKWARD + "!").outcome == "updated"
        assert self.only(bench)[0] == document

    def test_what_is_foreign_is_never_touched(self, bench: Bench) -> None:
        read = bench.plant(SLOT, TITLE)
        before = read()
        for _ in range(2):
            done = self.run(bench, adopt=frozenset({SLOT}))
            assert read() == before
            assert done.outcome in ("failed", "created", "unchanged")
            assert done.outcome != "failed" or "not ours" in done.message or "title_prefix" in done.message

    def test_the_servers_own_rewriting_is_no_change(self, bench: Bench) -> None:
        self.run(bench)
        document, sent = self.only(bench)
        bench.rewrite(document)
        assert self.only(bench)[1] != sent
        before = bench.writes()
        assert self.run(bench).outcome == "unchanged"
        assert bench.writes() == before

    def test_attachments_are_written_once(self, bench: Bench) -> None:
        there = bench.attachments_in_place
        if there is None:
            assert not bench.open().traits.attachments
            assert self.run(bench, attachments=(PICTURE,)).outcome == "failed", "refused, not left out silently"
            return
        self.run(bench, attachments=(PICTURE,))
        assert there() == {PICTURE.name: PICTURE.content}
        before = bench.writes()
        self.run(bench, attachments=(PICTURE,))
        assert bench.writes() == before
        self.run(bench, "Two weeks late", attachments=(PICTURE,))
        text_only = bench.writes() - before
        newer = PICTURE._replace(make=lambda: b"second", digest="b" * 20)
        assert self.run(bench, "Two weeks late", attachments=(newer,)).outcome == "updated"
        assert bench.writes() == before + 2 * text_only + 1, "an attachment that did not change was written"
        assert there() == {PICTURE.name: b"second"}

    def test_a_named_slot_is_taken_over(self, bench: Bench) -> None:
        self.run(bench)
        document, _ = self.only(bench)
        bench.edit(document, lambda text: text.replace("All is well", "A human knows better"))
        assert self.run(bench, adopt=frozenset({"project/other"})).outcome == "conflict"
        assert self.run(bench, adopt=frozenset({SLOT})).outcome == "updated"
        found, text = self.only(bench)
        assert found == document
        assert "All is well" in text
        assert self.run(bench).outcome == "unchanged"

    def test_what_was_deleted_by_hand_stays_deleted(self, bench: Bench) -> None:
        first = self.run(bench)
        bench.delete(first.id)
        done = self.run(bench, known={SLOT: first.id})
        assert (done.outcome, bench.ours()) == ("conflict", {})
        assert "deleted" in done.message
        assert self.run(bench, known={SLOT: first.id}, adopt=frozenset({SLOT})).outcome == "created"
        assert len(bench.ours()) == 1
