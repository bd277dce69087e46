"""Pages at Confluence's loopback servers, over HTTP: whose page it is, where it is found, what people do to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from pmo_sync.clients import confluence as client
from pmo_sync.demo.servers import confluence as store
from pmo_sync.demo.servers import confluence_cloud
from pmo_sync.errors import AccessError, ConflictError
from pmo_sync.http.network import Network
from reports.publish import Item, Published, publish, publish_documents
from reports.publishers.confluence import LARGEST, ConfluencePublisher
from tests.contract.publisher import PICTURE
from tests.reports_publish import portfolio
from tests.reports_publish.benches import ConfluenceBench, StillClock, server_config

SLOT = "project/pay"
ITEM = Item(SLOT, "Payments", "<p>All is well</p>")
NEWER = replace(ITEM, text="<p>Two weeks late</p>")


@pytest.fixture(params=["cloud", "data-center"])
def bench(request: pytest.FixtureRequest) -> Iterator[ConfluenceBench]:
    made = ConfluenceBench(request.param)
    yield made
    made.server.stop()


def run(bench: ConfluenceBench, item: Item = ITEM, **options: Any) -> Published:
    return publish(bench.open(), [item], write=True, **options)[0]


def test_a_renamed_page_is_found_and_keeps_its_name(bench: ConfluenceBench) -> None:
    first = run(bench)
    bench.server.rename_as_human(first.id, "Payments (steering committee)")
    assert run(bench).outcome == "unchanged"
    done = run(bench, NEWER)
    assert (done.outcome, done.id) == ("updated", first.id)
    page = bench.server.page(first.id)
    assert page.last.title == "Payments (steering committee)"
    assert "Two weeks late" in page.last.body
    assert run(bench, replace(NEWER, title="Payments 2")).outcome == "updated"
    assert bench.server.page(first.id).last.title == "Payments (steering committee)"
    assert len(bench.ours()) == 1


def test_our_own_new_title_is_given_to_the_page(bench: ConfluenceBench) -> None:
    first = run(bench)
    assert run(bench, replace(ITEM, title="Payments platform")).outcome == "updated"
    assert bench.server.page(first.id).last.title == "Payments platform"


def test_a_moved_page_is_found_by_its_title(bench: ConfluenceBench) -> None:
    first = run(bench)
    bench.server.page(first.id).parent = bench.server.space.home
    assert run(bench, NEWER).id == first.id
    assert bench.server.page(first.id).parent == bench.server.space.home, "never moved back"


def test_a_moved_and_renamed_page_is_found_by_its_remembered_id(bench: ConfluenceBench) -> None:
    first = run(bench)
    bench.server.page(first.id).parent = bench.server.space.home
    bench.server.rename_as_human(first.id, "Elsewhere")
    done = run(bench, NEWER, known={SLOT: first.id})
    assert (done.outcome, done.id) == ("updated", first.id)


def test_restoring_our_text_ends_a_conflict(bench: ConfluenceBench) -> None:
    first = run(bench)
    ours = bench.server.page(first.id).last.body
    bench.edit(first.id, lambda _: "<p>Mine</p>")
    assert run(bench, NEWER).outcome == "conflict"
    bench.edit(first.id, lambda _: ours)
    assert run(bench, NEWER).outcome == "updated"


def test_an_edit_with_our_own_account_is_noticed(bench: ConfluenceBench) -> None:
    first = run(bench)
    page = bench.server.page(first.id)
    bench.server.space.update(
        store.BOT, page, 2, page.last.title, page.last.body.replace("All is well", "By hand"), None
    )
    done = run(bench, NEWER)
    assert done.outcome == "conflict"
    assert "with our account" in done.message
    assert "By hand" in page.last.body


def test_a_conflict_is_explained_once_under_the_page(bench: ConfluenceBench) -> None:
    first = run(bench)
    page = bench.server.page(first.id)
    for number in range(3):
        bench.edit(first.id, lambda text, n=number: text.replace("</p>", f" {n}</p>", 1))
        run(bench, NEWER)
    assert len(page.comments) == 1
    assert f"--adopt wiki:{SLOT}" in page.comments[0].body
    assert publish(bench.open(), [NEWER], write=False)[0].outcome == "conflict"
    assert run(bench, NEWER, adopt=frozenset({SLOT})).outcome == "updated"
    bench.edit(first.id, lambda text: text.replace("late", "early"))
    run(bench)
    assert len(page.comments) == 2, "another conflict"


def test_a_copy_stays_its_copiers(bench: ConfluenceBench) -> None:
    first = run(bench)
    original = bench.server.page(first.id)
    copy = bench.server.add_as_human("Copy of Payments", original.last.body, bench.parent)
    assert run(bench, NEWER).id == first.id
    assert "All is well" in bench.server.page(copy).last.body
    bench.server.trash(first.id)
    done = run(bench, NEWER)
    assert (done.outcome, done.id not in (first.id, copy)) == ("created", True)
    assert "All is well" in bench.server.page(copy).last.body


def test_a_copy_made_with_our_account_does_not_replace_the_original(bench: ConfluenceBench) -> None:
    first = run(bench)
    space = bench.server.space
    body = bench.server.page(first.id).last.body
    copy = space.create(store.BOT, "Copy of Payments", body, bench.parent).id
    space._pages = {id_: space._pages[id_] for id_ in sorted(space._pages, key=lambda one: one != copy)}
    assert run(bench, NEWER).id == first.id
    assert bench.server.page(copy).last.body == body


@pytest.mark.parametrize("title", ["Payments", "PAYMENTS"])
@pytest.mark.parametrize("status", ["current", "archived"])
def test_a_taken_title_says_what_to_do(bench: ConfluenceBench, title: str, status: str) -> None:
    foreign = bench.server.add_as_human(title)
    if status == "archived":
        bench.server.archive(foreign)
    done = run(bench)
    assert done.outcome == "failed"
    assert "title_prefix" in done.message
    assert bench.server.page(foreign).last.number == 1
    assert run(bench, replace(ITEM, title="[PMO] Payments")).outcome == "created"


def test_an_archived_page_is_not_written_to(bench: ConfluenceBench) -> None:
    first = run(bench)
    bench.server.archive(first.id)
    assert run(bench, NEWER, known={SLOT: first.id}).outcome == "conflict"
    assert run(bench, NEWER).outcome == "failed", "its title stays taken"
    assert bench.server.page(first.id).last.number == 1


def test_more_children_and_attachments_than_a_page_of_a_list(bench: ConfluenceBench) -> None:
    first = run(bench, replace(ITEM, attachments=(PICTURE,)))
    files = bench.server.page(first.id).attachments
    picture = files.pop(PICTURE.name)
    space = bench.server.space
    for number in range(230):
        bench.server.add_as_human(f"Other {number}", parent=bench.parent)
        space.attach(store.HUMAN, bench.server.page(first.id), f"{number}.png", b"x", "image/png", "")
    files[PICTURE.name] = picture
    last = space._pages.pop(first.id)
    space._pages[first.id] = last  # ours is listed last
    bench.server.rename_as_human(first.id, "Renamed")
    done = run(bench, replace(NEWER, attachments=(PICTURE,)))
    assert (done.outcome, done.id) == ("updated", first.id)
    assert picture.version == 1


def test_an_interrupted_first_publication_is_completed(bench: ConfluenceBench) -> None:
    """The page exists, its pictures do not: the mark must not say that all is there."""
    place = bench.open()
    item = replace(ITEM, attachments=(PICTURE,))

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    place._client.upload = dies  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        publish(place, [item], write=True)
    assert len(bench.ours()) == 1
    assert run(bench, item).outcome == "updated"
    assert bench.attachments_in_place is not None
    assert bench.attachments_in_place() == {PICTURE.name: PICTURE.content}
    assert run(bench, item).outcome == "unchanged"


def test_a_lost_index_is_written_again(bench: ConfluenceBench) -> None:
    first = run(bench)
    bench.server.page(first.id).properties.clear()
    assert run(bench).outcome == "unchanged"
    assert bench.server.page(first.id).properties["pmo-sync"].value["page_version"] == 1


def test_updates_are_quiet_unless_told_otherwise(bench: ConfluenceBench) -> None:
    first = run(bench)
    run(bench, NEWER)
    run(bench, replace(ITEM, quiet=False))
    assert [one.is_minor for one in bench.server.page(first.id).versions] == [False, True, False]


def test_the_mark_stays_inside_a_layout(bench: ConfluenceBench) -> None:
    text = (
        '<ac:layout><ac:layout-section ac:type="single"><ac:layout-cell><p>Left</p></ac:layout-cell>'
        "</ac:layout-section></ac:layout>"
    )
    first = run(bench, replace(ITEM, text=text))
    assert bench.server.page(first.id).last.body.endswith("</ac:layout-cell></ac:layout-section></ac:layout>")
    assert run(bench, replace(ITEM, text=text)).outcome == "unchanged"


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (replace(ITEM, text=f"<p>{'x' * LARGEST}</p>"), "more than 400,000"),
        (replace(ITEM, text="<p>a & b</p>"), "not well-formed"),
        (replace(ITEM, text="<p>\x0b</p>"), "not well-formed"),
        (replace(ITEM, attachments=(PICTURE._replace(name="a:b.png"),)), "a:b.png"),
    ],
)
def test_what_cannot_stand_there_is_refused_before_anything_is_sent(
    bench: ConfluenceBench, item: Item, words: str
) -> None:
    for write in (False, True):
        done = publish(bench.open(), [item], write=write)[0]
        assert done.outcome == "failed"
        assert words in done.message
    assert bench.writes() == 0


def test_a_live_document_is_refused() -> None:
    bench = ConfluenceBench("cloud")
    try:
        run(bench)
        place = bench.open()
        pages = place._client._page  # type: ignore[attr-defined]
        place._client._page = lambda found: pages({**found, "subtype": "live"})  # type: ignore[attr-defined]
        done = publish(place, [NEWER], write=True)[0]
        assert done.outcome == "failed"
        assert "live document" in done.message
    finally:
        bench.server.stop()


def test_cloud_is_never_asked_for_v1_content() -> None:
    bench = ConfluenceBench("cloud")
    try:
        item = replace(ITEM, attachments=(PICTURE,))
        first = run(bench, item)
        bench.edit(first.id, lambda text: text.replace("well", "ill"))
        run(bench, item)
        run(bench, replace(NEWER, attachments=(PICTURE._replace(digest="c" * 20),)), adopt=frozenset({SLOT}))
        old = {entry.path for entry in bench.server.log if "/rest/api/" in entry.path}
        allowed = re.compile(r"/wiki/rest/api/(user/current|content/\d+/child/attachment(/\w+/data)?)")
        assert old, "attachments have no v2 upload"
        assert [path for path in old if not allowed.fullmatch(path)] == []
        assert {entry.status for entry in bench.server.log} <= {200, 201}
    finally:
        bench.server.stop()


def test_data_center_gets_a_content_type_and_its_cookie() -> None:
    bench = ConfluenceBench("data-center")
    seen: list[Any] = []
    answer = bench.server.answer
    bench.server.answer = lambda request: seen.append(request.headers) or answer(request)
    try:
        run(bench, replace(ITEM, attachments=(PICTURE,)))
        assert all(re.match(r"application/json|multipart/form-data; boundary=", one["content-type"]) for one in seen)
        assert all("JSESSIONID=" in one["cookie"] for one in seen[1:])
    finally:
        bench.server.stop()


def test_check_says_where_and_as_whom(bench: ConfluenceBench) -> None:
    assert bench.open().check().endswith("below 'Reports'")
    home = ConfluencePublisher("wiki", bench.client(), StillClock(), space="PMO", parent=None)
    assert "below 'Portfolio office'" in home.check()
    nowhere = ConfluencePublisher("wiki", bench.client(), StillClock(), space="NONE", parent=None)
    with pytest.raises(client.MissingError, match="no space 'NONE'"):
        nowhere.check()
    lost = ConfluencePublisher("wiki", bench.client(), StillClock(), space="PMO", parent="1")
    with pytest.raises(client.MissingError, match=re.escape("check parent of place.wiki")):
        lost.check()
    assert bench.writes() == 0


def test_access_errors_say_what_to_do(bench: ConfluenceBench) -> None:
    kind = bench.flavour
    url = f"{bench.url}/wiki" if kind == "cloud" else bench.url
    wrong = client.connect(
        server_config(url, kind, "pmo@example.invalid" if kind == "cloud" else None, "no"), Network(StillClock())
    )
    with pytest.raises(AccessError, match="set a new one"):
        wrong.me()
    place = ConfluencePublisher("wiki", wrong, StillClock(), space="PMO", parent=None)
    done = publish(place, [ITEM, NEWER], write=True)
    assert [one.outcome for one in done] == ["failed", "failed"]


def test_a_reader_may_not_write() -> None:
    bench = ConfluenceBench("cloud")
    try:
        config = server_config(
            bench.url, "cloud", confluence_cloud.READER_USER, confluence_cloud.READER_TOKEN
        )  # without /wiki: added
        place = ConfluencePublisher(
            "wiki", client.connect(config, Network(StillClock())), StillClock(), space="PMO", parent=None
        )
        done = publish(place, [ITEM], write=True)[0]
        assert done.outcome == "failed"
        assert "give it the permission" in done.message
    finally:
        bench.server.stop()


def test_an_old_version_and_an_old_property_are_conflicts(bench: ConfluenceBench) -> None:
    first = run(bench)
    run(bench, NEWER)
    speaks = bench.client()
    with pytest.raises(ConflictError):
        speaks.update(first.id, 1, "Payments", "<p>late</p>", quiet=True)
    old = speaks.content_property(first.id, "pmo-sync")
    assert old is not None
    with pytest.raises(ConflictError):
        speaks.set_property(first.id, "pmo-sync", {}, old._replace(version=old.version - 1))


def test_a_property_that_lags_is_read_again(bench: ConfluenceBench) -> None:
    """Right after a page was written its property may be answered in an old version."""
    first = run(bench)
    place: Any = bench.open()
    found = place.find(SLOT, "Payments", None)
    fresh = place._properties[first.id]
    bench.client().set_property(
        first.id, "pmo-sync", {**fresh.value, "page_version": 0}, fresh
    )  # another run, a moment ago
    place.confirm(SLOT, found)
    there = bench.server.page(first.id).properties["pmo-sync"]
    assert (there.version, there.value) == (3, fresh.value)


def test_documents_of_both_editions_are_the_same() -> None:
    held = []
    for flavour in ("cloud", "data-center"):
        bench = ConfluenceBench(flavour)
        try:
            publish_documents(bench.open(), portfolio.documents(), portfolio.write, write=True)
            held.append(portfolio.held(bench.server))
        finally:
            bench.server.stop()
    assert held[0] == held[1]
    assert all(page["is_confirmed"] for page in held[0].values())
