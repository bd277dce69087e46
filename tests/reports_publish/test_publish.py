"""The algorithm: what counts as edited, the order of documents, their links, and failures that stay where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmo_sync.errors import AccessError, ConflictError, PmoSyncError
from reports.document import Document, Written
from reports.publish import (
    SETTLE,
    Item,
    Known,
    Published,
    Remote,
    digest_of,
    fingerprint,
    is_edited,
    publish,
    publish_documents,
)
from reports.publishers.folder import FolderPublisher
from tests.contract.publisher import PICTURE, Rigged
from tests.reports_publish import portfolio
from tests.reports_publish.benches import ConfluenceBench, StillClock

OURS = Known(4, "d4", fingerprint("text"))
REMOTE = Remote("1", 4, "https://wiki.example/1", "Title", "text", "d4", by_us=True, known=OURS)


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        (REMOTE, False),
        (replace(REMOTE, text="rewritten by the server"), False),
        (replace(REMOTE, version=5, by_us=False), False),  # renamed, moved, or our text restored
        (replace(REMOTE, version=5, digest="d5", text="newer"), False),  # we died before confirming
        (replace(REMOTE, version=5, text="newer"), True),  # by a human with our account
        (replace(REMOTE, version=5, text="newer", by_us=False), True),
        (replace(REMOTE, version=5, digest="d5", text="newer", by_us=False), True),
        (replace(REMOTE, known=None), False),
        (replace(REMOTE, known=None, by_us=False), True),
        (replace(REMOTE, digest=None), True),
        (replace(REMOTE, digest=None, known=None), True),
    ],
)
def test_what_counts_as_edited(remote: Remote, *, expected: bool) -> None:
    assert is_edited(remote) is expected


def test_the_digest_covers_all_that_is_sent() -> None:
    item = Item("s", "Title", "text", (PICTURE,))
    changed = [
        replace(item, title="Other"),
        replace(item, text="texts"),
        replace(item, attachments=()),
        replace(item, attachments=(PICTURE._replace(digest="c" * 20),)),
        replace(item, attachments=(PICTURE._replace(name="other.png"),)),
        replace(item, title="Titlet", text="ext"),
    ]
    assert len({digest_of(one) for one in [item, *changed]}) == len(changed) + 1
    same = [replace(item, parent="portfolio"), replace(item, quiet=False)]
    same.append(replace(item, attachments=(PICTURE._replace(make=lambda: b"drawn anew"),)))
    assert {digest_of(one) for one in same} == {digest_of(item)}


class Failing(FolderPublisher):
    """Cannot reach one slot."""

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        if slot == "b":
            raise AccessError("this account may not do that")
        return super().find(slot, title, hint)


def test_one_failure_does_not_stop_the_others(tmp_path: Path) -> None:
    done = publish(Failing("share", tmp_path), [Item(one, one, one) for one in "abc"], write=True)
    assert [one.outcome for one in done] == ["created", "failed", "created"]
    assert done[1].message == "this account may not do that"


def test_an_index_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    class Unconfirmed(FolderPublisher):
        def confirm(self, slot: str, remote: Remote) -> None:
            raise PmoSyncError("read-only")

    done = publish(Unconfirmed("share", tmp_path), [Item("a", "A", "text")], write=True)[0]
    assert done.outcome == "created"
    assert "read-only" in done.message
    assert publish(FolderPublisher("share", tmp_path), [Item("a", "A", "text")], write=True)[0].outcome == "unchanged"


def test_slots_without_room_are_skipped_with_the_reason(tmp_path: Path) -> None:
    class OneSlot(FolderPublisher):
        slots = frozenset({"a"})

    done = publish(OneSlot("share", tmp_path), [Item("a", "A", "x"), Item("b", "B", "x")], write=True)
    assert [one.outcome for one in done] == ["created", "skipped"]
    assert "issues of place.share" in done[1].message


def test_what_reads_back_differently_is_a_failure(tmp_path: Path) -> None:
    class Lossy(FolderPublisher):
        def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
            return super().write(item, "f" * 20, expected)

    done = publish(Lossy("share", tmp_path), [Item("a", "A", "text")], write=True)[0]
    assert done.outcome == "failed"
    assert "reading it back" in done.message


def outcomes(done: list[Published]) -> list[tuple[str, str]]:
    return [(one.slot, one.outcome) for one in done]


def test_a_folders_documents_link_to_each_other(tmp_path: Path) -> None:
    place = FolderPublisher("share", tmp_path)
    done = publish_documents(place, portfolio.documents(), portfolio.write, write=True)
    assert {outcome for _, outcome in outcomes(done)} == {"created"}
    page = tmp_path / "portfolio" / "index.html"
    assert '<a href="../project--pay/index.html">' in page.read_text()
    assert (page.parent / "../project--pay/index.html").is_file()
    assert done[-1].url == page.resolve().as_uri()
    again = publish_documents(place, portfolio.documents(), portfolio.write, write=True)
    assert {outcome for _, outcome in outcomes(again)} == {"unchanged"}


def test_a_dry_run_of_a_first_publication_is_complete(tmp_path: Path) -> None:
    done = publish_documents(FolderPublisher("share", tmp_path), portfolio.documents(), portfolio.write, write=False)
    assert {outcome for _, outcome in outcomes(done)} == {"skipped"}
    assert "https://not-published-yet.invalid/project/pay" in done[-1].diff
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def cloud() -> Any:
    bench = ConfluenceBench("cloud")
    yield bench
    bench.server.stop()


def test_in_a_tree_children_stand_below_their_parent_from_the_start(cloud: ConfluenceBench) -> None:
    done = publish_documents(cloud.open(), portfolio.documents(), portfolio.write, write=True)
    assert outcomes(done) == [(one.slot, "created") for one in portfolio.documents()]
    pages = {page.title: page for page in cloud.server.pages()}
    assert pages["Portfolio"].parent == cloud.parent
    assert {pages[f"Project {name}"].parent for name in portfolio.PROJECTS} == {pages["Portfolio"].id}
    for one in done[:-1]:
        assert one.url in pages["Portfolio"].body
    writes = cloud.writes()
    again = publish_documents(cloud.open(), portfolio.documents(), portfolio.write, write=True)
    assert {outcome for _, outcome in outcomes(again)} == {"unchanged"}
    assert cloud.writes() == writes


def test_a_new_child_goes_below_the_parent_that_is_there(cloud: ConfluenceBench) -> None:
    *projects, top = portfolio.documents()
    publish_documents(cloud.open(), [projects[0], top], portfolio.write, write=True)
    done = publish_documents(cloud.open(), [*projects, top], portfolio.write, write=True)
    assert [one.outcome for one in done] == ["unchanged", "created", "created", "updated"]
    pages = {page.title: page for page in cloud.server.pages()}
    assert {pages[f"Project {name}"].parent for name in portfolio.PROJECTS} == {pages["Portfolio"].id}


def test_an_unchanged_run_asks_little(cloud: ConfluenceBench) -> None:
    """Account, space, two levels of children with their bodies, and one property per page."""
    publish_documents(cloud.open(), portfolio.documents(), portfolio.write, write=True)
    before = len(cloud.server.log)
    publish_documents(cloud.open(), portfolio.documents(), portfolio.write, write=True)
    asked = len(cloud.server.log) - before
    assert asked <= 2 + 2 * 2 + 4 + 1, [entry.path for entry in cloud.server.log[before:]]


def test_titles_get_their_prefix_and_fit(tmp_path: Path) -> None:
    titles = []

    class Seen(FolderPublisher):
        title_prefix = "[PMO] "

        def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
            titles.append(item.title)
            return super().write(item, digest, expected)

    place = Seen("share", tmp_path)
    long = Document("a", "Line\none\x00 " + "x" * 300, "en", ())
    publish_documents(place, [long], lambda *_: Written("text"), write=True)
    assert titles[0].startswith("[PMO] Line one x")
    assert len(titles[0]) == 255


def test_projects_of_one_name_have_a_page_each(cloud: ConfluenceBench) -> None:
    names = {"pay": "Payments", "gitlab:group/pay": "PAYMENTS", "old": "Old " + "x" * 300, "new": "old " + "x" * 299}
    documents = [Document(f"project/{id_}", name, "en", ()) for id_, name in {**names, "crm": "CRM"}.items()]
    for outcome in ("created", "unchanged"):
        done = publish_documents(cloud.open(), documents, lambda *_: Written("<p>text</p>"), write=True)
        assert {(one.outcome, one.message) for one in done} == {(outcome, "")}
    titles = [cloud.server.page(one.id).last.title for one in done]
    assert titles[:2] == ["Payments (pay)", "PAYMENTS (gitlab:group/pay)"]
    assert [one[-7:] for one in titles[2:4]] == ["… (old)", "… (new)"]
    assert titles[4] == "CRM"


def test_a_named_deleted_slot_and_an_adopted_race(tmp_path: Path) -> None:
    """Taking over is no licence to overwrite what changed after it was looked at."""
    place = FolderPublisher("share", tmp_path)
    publish(place, [Item("a", "A", "text")], write=True)
    file = tmp_path / "a" / "index.html"
    file.write_text(file.read_text().replace("text", "human"))
    rigged: Any = Rigged(place)
    rigged.rival = lambda: file.write_text(file.read_text().replace("human", "human again"))
    done = publish(rigged, [Item("a", "A", "new")], write=True, adopt=frozenset({"a"}))[0]
    assert done.outcome == "conflict"
    assert "human again" in file.read_text()


def test_what_never_stands_still_is_a_failure_and_accuses_nobody(tmp_path: Path) -> None:
    class Restless(FolderPublisher):
        said = 0

        def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
            if expected is not None:
                raise ConflictError("it has another version by now")
            return super().write(item, digest, expected)

        def remark(self, slot: str, remote: Remote, text: str) -> None:
            self.said += 1

    place = Restless("share", tmp_path)
    publish(place, [Item("a", "A", "text")], write=True)
    done = publish(place, [Item("a", "A", "new")], write=True)[0]
    assert (done.outcome, place.said) == ("failed", 0)
    assert done.message == "a: does not stand still; publish again"


def test_a_child_that_cannot_be_reached_keeps_its_link(tmp_path: Path) -> None:
    class Locked(FolderPublisher):
        def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
            if slot == "project/pay":
                raise AccessError("this account may not do that")
            return super().find(slot, title, hint)

    def run(place: FolderPublisher, links: dict[str, str]) -> list[Published]:
        return publish_documents(place, portfolio.documents(), portfolio.write, write=True, links=links)

    links = {one.slot: one.link for one in run(FolderPublisher("share", tmp_path), {})}
    done = run(Locked("share", tmp_path), links)
    assert [one.outcome for one in done] == ["unchanged", "unchanged", "failed", "unchanged"]


def test_a_write_without_an_answer_is_looked_for_a_moment_later(tmp_path: Path) -> None:
    clock, slept = StillClock(), []

    class Slow(FolderPublisher):
        def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
            slept.append(clock.slept)
            return super().find(slot, title, hint)

    place: Any = Rigged(Slow("share", tmp_path))
    place.loses = ["answer"]
    assert publish(place, [Item("a", "A", "text")], write=True, clock=clock)[0].outcome == "created"
    assert clock.slept == SETTLE
    assert slept == [0, 0, 0, SETTLE, SETTLE], "planned, looked again and wrote; waited, then read"
