"""Pages in GitLab's wikis: pictures, links, who may write, and what stands there already."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from pmo_sync.clients.gitlab import GitlabClient
from pmo_sync.demo.servers import gitlab
from pmo_sync.demo.servers.gitlab_wiki import WikiPage
from pmo_sync.errors import AccessError
from pmo_sync.http.network import Network
from reports import compose_all
from reports.publish import Item, Published, publish, publish_documents
from reports.publishers.gitlab_wiki import GitlabWikiPublisher
from reports.writers import gitlab_markdown
from tests.reports import sample
from tests.reports_publish.benches import StillClock, company, server_config

SHOWN = re.compile(r"!\[[^\]]*\]\((uploads/[0-9a-f]+/[\w.-]+\.png)\)")


@pytest.fixture
def server() -> Iterator[gitlab.GitLab]:
    made = gitlab.GitLab(company())
    made.start()
    yield made
    made.stop()


def wiki(
    server: gitlab.GitLab, of: str = "projects/group/app", token: str = gitlab.PUBLISHER_TOKEN, folder: str = "pmo"
) -> GitlabWikiPublisher:
    client = GitlabClient(server_config(server.url, None, None, token), Network(StillClock()))
    return GitlabWikiPublisher("wiki", client, url=server.url, wiki=of, folder=folder)


def run(server: gitlab.GitLab, assessed: Any) -> list[Published]:
    """A project's page and the portfolio, as a run publishes them."""
    documents = [one for one in compose_all(assessed, "en") if one.slot in ("project/pay", "portfolio")]
    return publish_documents(wiki(server), documents, gitlab_markdown.write_page, write=True)


def test_real_pages_with_their_pictures_and_links(server: gitlab.GitLab) -> None:
    first = run(server, sample.assessed())
    assert [one.outcome for one in first] == ["created", "created"]
    pages = server.wikis.of("group/app")
    assert set(pages) == {"pmo/Payments-Gateway:-project-status", "pmo/Bank-Nusantara:-portfolio-status"}
    project, portfolio = (pages[one.id].content for one in sorted(first, key=lambda one: one.slot == "portfolio"))
    pictures = SHOWN.findall(project)
    assert len(pictures) == len(set(pictures)) == project.count("![") == 3
    assert all(server.wikis.files[path].startswith(b"\x89PNG") for path in pictures)
    assert f"{server.url}/group/app/-/wikis/pmo/Payments-Gateway%3A-project-status" in portfolio
    writes = len(server.writes())
    assert [one.outcome for one in run(server, sample.assessed())] == ["unchanged", "unchanged"]
    assert len(server.writes()) == writes


def test_pictures_that_did_not_change_are_not_uploaded_again(server: gitlab.GitLab) -> None:
    before, writes = run(server, sample.assessed()), len(server.writes())
    base = sample.assessed()
    milestone = "milestone:11"  # the project's nearest
    frame = base.burnup[milestone].assign(scope=base.burnup[milestone]["scope"] + 1)
    again = run(server, replace(base, burnup={**base.burnup, milestone: frame}))
    assert {one.slot: one.outcome for one in again} == {"project/pay": "updated", "portfolio": "unchanged"}
    assert {one.id for one in again} == {one.id for one in before}
    assert len(server.writes()) == writes + 2, "one picture and one page"


def test_a_group_has_a_wiki_of_its_own(server: gitlab.GitLab) -> None:
    place = wiki(server, "groups/group")
    assert place.check() == "wiki of group as user pmo-publisher: 0 pages; ours go to pmo/"
    done = publish(place, [Item("portfolio", "Portfolio", "# All is well")], write=True)[0]
    assert (done.outcome, done.url) == ("created", f"{server.url}/groups/group/-/wikis/pmo/Portfolio")
    assert server.wikis.of("groups/group")["pmo/Portfolio"].content.startswith("# All is well\n")


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"archived": True}, "group/app is archived"),
        ({"wiki_access_level": "disabled"}, "the wiki of group/app is switched off"),
        ({"permissions": {"project_access": {"access_level": 20}, "group_access": None}}, "give it the role Developer"),
    ],
)
def test_who_may_not_write_is_told_before_anything_is_written(
    server: gitlab.GitLab, monkeypatch: pytest.MonkeyPatch, about: dict[str, Any], says: str
) -> None:
    assert "wiki of group/app as user pmo-publisher: 0 pages" in wiki(server).check()
    shown = server.shapes.project
    monkeypatch.setattr(server.shapes, "project", lambda one: shown(one) | about)
    with pytest.raises(AccessError, match=says):
        wiki(server).check()


def test_a_token_that_only_reads(server: gitlab.GitLab) -> None:
    with pytest.raises(AccessError, match=r"the token has read_api and may not write"):
        wiki(server, token=gitlab.READER_TOKEN).check()


def test_a_page_of_somebody_else_is_told_and_left_alone(server: gitlab.GitLab) -> None:
    theirs = WikiPage("pmo/Portfolio", "pmo/Portfolio", "Ours was first.")
    server.wikis.of("group/app")[theirs.slug] = theirs
    done = publish(wiki(server), [Item("portfolio", "Portfolio", "# All is well")], write=True)[0]
    assert done.outcome == "failed"
    assert "another page of the wiki is called 'pmo/Portfolio'; rename it, or set parent" in done.message
    assert (theirs.content, theirs.commits) == ("Ours was first.", 1)


def test_of_copies_the_remembered_page_is_ours_else_the_one_in_our_folder(server: gitlab.GitLab) -> None:
    item = Item("portfolio", "Portfolio", "# All is well")
    made = publish(wiki(server), [item], write=True)[0]
    pages = server.wikis.of("group/app")
    copy = WikiPage("aaa/Portfolio", "aaa/Portfolio", pages[made.id].content)
    pages[copy.slug] = copy
    moved = pages.pop(made.id)
    moved.slug = moved.title = "pmo/Renamed"
    pages[moved.slug] = moved
    newer = replace(item, text="# Late")
    assert publish(wiki(server), [newer], write=True)[0].id == "pmo/Renamed"
    assert copy.content.startswith("# All is well")


def test_hostile_titles_make_harmless_addresses(server: gitlab.GitLab) -> None:
    for number, title in enumerate(("../../etc/passwd", "..", "a/b\\c", "x" * 300, "\ud800", "  . ")):
        done = publish(wiki(server), [Item(f"project/{number}", title, "text")], write=True)[0]
        assert done.outcome == "created", (title, done)
        assert done.id.startswith("pmo/")
        assert done.id.count("/") == 1
        assert len(done.id.encode()) <= 245


def test_two_places_in_one_wiki_keep_their_own_pages(server: gitlab.GitLab) -> None:
    for text in ("# One", "# Two", "# Three"):
        for folder in ("pmo", "pmo-id"):
            publish(wiki(server, folder=folder), [Item("portfolio", "Portfolio", f"{text} {folder}")], write=True)
    pages = server.wikis.of("group/app")
    assert {slug: page.content[:20].partition("\n")[0] for slug, page in pages.items()} == {
        "pmo/Portfolio": "# Three pmo",
        "pmo-id/Portfolio": "# Three pmo-id",
    }


def test_a_remembered_address_that_another_page_of_ours_has_now_is_not_it(server: gitlab.GitLab) -> None:
    pages = server.wikis.of("group/app")
    pay, crm = (
        publish(wiki(server), [Item(f"project/{name}", name, f"# {name}")], write=True)[0].id for name in ("pay", "crm")
    )
    old, other = pages.pop(pay), pages.pop(crm)
    old.slug = old.title = "pmo/old"
    other.slug = other.title = pay
    pages[old.slug], pages[other.slug] = old, other
    done = publish(wiki(server), [Item("project/pay", "pay", "# newer")], write=True, known={"project/pay": pay})[0]
    assert (done.outcome, done.id) == ("updated", "pmo/old")
    assert other.content.startswith("# crm")
