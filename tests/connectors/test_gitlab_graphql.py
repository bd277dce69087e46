"""Work items: the same records as REST where REST knows the field, truer histories elsewhere, and every way to fail."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.gitlab import connect, listing
from connectors.gitlab.cursor import cursor_at
from connectors.gitlab.fetch import GitlabConnector
from connectors.gitlab.queries import OPTIONAL, WIDGETS, Schema
from pmo_sync.demo import portfolio, truth
from pmo_sync.demo.company import Company, Event, Item
from pmo_sync.demo.servers import gitlab
from pmo_sync.demo.servers.wire import Answer, Request
from pmo_sync.errors import TrackerError
from pmo_sync.http.network import Network
from pmo_sync.http.session import ATTEMPTS
from pmo_sync.model import Interval, Issue, Page, Person, person_id
from tests.clocks import QuickClock
from tests.connectors.gitlab_fake import source_config
from tests.connectors.gitlab_graphql import WorkItems

PROJECT = "arunika/logistics/fleet-tracking"
UNKNOWN_TO_REST = ("assignee", "due_on", "estimate", "health", "kind", "parent")


@dataclass
class Site:
    company: Company
    server: gitlab.GitLab
    work_items: WorkItems | None

    def connect(self, *projects: str, workflow: str | None = "workflow::") -> GitlabConnector:
        options = source_config(
            self.server.url, *(projects or (PROJECT,)), workflow=workflow, token=gitlab.READER_TOKEN
        )  # fmt: skip
        return connect(options, Network(QuickClock()))

    def read(self, *projects: str) -> list[Page]:
        found = self.connect(*projects)
        return [page for project in found.catalogue().projects for page in found.pages(project, None)]

    def read_without_labels(self) -> list[Page]:
        """With the issues' own statuses."""
        found = self.connect(workflow=None)
        return [page for project in found.catalogue().projects for page in found.pages(project, None)]

    def items(self) -> list[Item]:
        return list(self.company.visible("gitlab", PROJECT))

    def asked(self) -> list[str]:
        return [entry.path for entry in self.server.log]


def site(**options: Any) -> Iterator[Site]:
    company = portfolio.generate(quick=True)
    server = gitlab.make(company)
    work_items = WorkItems(server, **options)
    server.start()
    yield Site(company, server, work_items)
    server.stop()


@pytest.fixture
def here() -> Iterator[Site]:
    yield from site()


@pytest.fixture(scope="module", params=["features", "widgets"])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[Site, list[Page], list[Page]]]:
    """One company read in both ways."""
    for made in site(style=request.param):
        assert made.work_items is not None
        weigh(made.items()[::3])
        through_graphql = made.read("arunika/*")
        made.work_items.is_token_accepted = False
        through_rest = made.read("arunika/*")
        made.work_items.is_token_accepted = True
        yield made, through_graphql, through_rest


def weigh(items: list[Item]) -> None:
    """Weights from the beginning and later ones, some taken away: GitLab's part of the company has none of its own."""
    for number, one in enumerate(items):
        one.initial["estimate"] = "3" if number % 2 else None
        at = one.created_at
        for step, (old, new) in enumerate((("3" if number % 2 else None, "5"), ("5", "8"), ("8", None))[: number % 4]):
            one.events.append(Event(at + timedelta(hours=step + 1), "estimate", old, new))
        one.events.sort(key=lambda event: event.at)


def issues(pages: list[Page]) -> dict[str, Issue]:
    return {one.issue_id: one for page in pages for one in page.issues}


def intervals(pages: list[Page]) -> list[Interval]:
    return [one for page in pages for one in page.intervals]


def state(pages: list[Page], field: str, at: datetime) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one in intervals(pages):
        if one.field == field and one.since <= at and (one.until is None or at < one.until):
            found[one.entity_id].add(one.value)
    return found


def test_both_ways_end_in_equal_records(both: tuple[Site, list[Page], list[Page]]) -> None:
    _, through_graphql, through_rest = both
    assert issues(through_graphql) == issues(through_rest)
    assert len(issues(through_rest)) > 200
    kept = [
        {one for one in intervals(pages) if one.field not in UNKNOWN_TO_REST}
        for pages in (through_graphql, through_rest)
    ]
    assert kept[0] == kept[1]
    assert {one.field for one in kept[0]} >= {"status", "label", "milestone", "blocks", "blocked_by", "project"}
    people: list[set[Person]] = [
        {one for page in pages for one in page.people} for pages in (through_graphql, through_rest)
    ]
    assert people[0] == people[1]
    now = [
        {(one.entity_id, one.field, one.value) for one in intervals(pages) if one.until is None}
        for pages in (through_graphql, through_rest)
    ]
    assert now[0] == now[1]  # the present, of every field


def test_it_takes_few_requests(both: tuple[Site, list[Page], list[Page]]) -> None:
    made, _, _ = both
    before = len(made.server.log)
    assert len(issues(made.read("arunika/*"))) > 200
    assert len(made.server.log) - before < 40
    assert made.work_items is not None
    assert max(made.work_items.scores) <= made.work_items.limit


def test_histories_that_rest_does_not_know_are_true_at_any_moment(both: tuple[Site, list[Page], list[Page]]) -> None:
    """Where the stream does not tell what was first (a due date or a weight has, a type has) nothing is claimed."""
    made, pages, _ = both
    company = made.company
    ids = {one.issue_id: one.key for one in issues(pages).values()}
    rng = random.Random(7)
    span = company.now - datetime.combine(company.started_on, datetime.min.time(), company.now.tzinfo)
    logins = {one.id: made.server.shapes.user(one)["id"] for one in company.workers}
    seen: dict[str, int] = defaultdict(int)
    for at in [company.now, *(company.now - span * rng.random() for _ in range(20))]:
        expected = truth.states(company, "gitlab", at, company.now)
        for field, value in (
            ("assignee", lambda one: one.assignee and person_id("acme", str(logins[one.assignee]))),
            ("due_on", lambda one: one.due_on),
            ("estimate", lambda one: None if one.estimate is None else str(int(one.estimate))),
            ("health", lambda one: one.health),
        ):
            found = {ids[key]: values for key, values in state(pages, field, at).items()}
            told = {key: {value(one)} for key, one in expected.items() if value(one) is not None}
            assert found == told, (field, at)
            seen[field] += len(told)
    assert all(seen[field] > 50 for field in ("assignee", "due_on", "estimate")), dict(seen)
    moved = {one.field for one in intervals(pages) if one.until is not None}
    assert {"assignee", "due_on", "estimate"} <= moved


def test_an_issue_with_a_long_life_is_read_to_its_end(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {*intervals(here.read())}
    assert here.work_items is not None
    monkeypatch.setattr(listing, "INNER", 3)
    pages = here.read()
    assert {*intervals(pages)} == whole
    assert sum(page.refetched for page in pages) > 10


def test_the_page_shrinks_until_the_query_is_simple_enough(here: Site) -> None:
    assert here.work_items is not None
    whole = issues(here.read())
    assert max(here.work_items.sizes) == 50
    here.work_items.limit = 140
    here.work_items.sizes.clear()
    assert issues(here.read()) == whole
    assert 1 < max(here.work_items.sizes[5:]) < 50
    assert max(score for score in here.work_items.scores[-3:]) <= 140


@pytest.mark.parametrize("status", [413, 503, 504])
def test_a_page_that_takes_too_long_is_halved(here: Site, status: int) -> None:
    """GitLab aborts a query after 30 s with 503 and its reason; a proxy gives up with 504."""
    assert here.work_items is not None

    def slow(request: Request) -> Answer | None:
        is_large = (request.json().get("variables") or {}).get("first", 0) > 10
        return (
            Answer(status, {"errors": [{"message": "Request timed out. Please try a less complex query"}]})
            if is_large
            else None
        )

    whole = issues(here.read())
    here.work_items.before = slow
    here.work_items.sizes.clear()
    assert issues(here.read()) == whole
    assert max(here.work_items.sizes) <= 10


def of_page(request: Request) -> int:
    """How many issues a query asks for; 0: it is about something else."""
    return int((request.json().get("variables") or {}).get("first") or 0)


def test_a_page_that_is_too_much_is_asked_for_once(here: Site) -> None:
    assert here.work_items is not None
    asked: list[int] = []

    def slow(request: Request) -> Answer | None:
        asked.append(of_page(request))
        return Answer(502, {}) if of_page(request) > 10 else None

    here.work_items.before = slow
    found = here.connect()
    pages = list(found.pages(found.catalogue().projects[0], None))
    assert len(issues(pages)) == len(here.items())
    assert asked.count(50) == asked.count(25) == 1
    assert 1 < asked.count(12) < asked.count(6)  # it is tried again, later and later
    assert "retries" not in found._client.counts


def test_the_page_grows_again_and_is_each_projects_own(here: Site) -> None:
    assert here.work_items is not None
    sizes: dict[str, list[int]] = defaultdict(list)

    def slow_once(request: Request) -> Answer | None:
        sent = request.json().get("variables") or {}
        if of_page(request) > 10:
            sizes[sent["path"]].append(of_page(request))
        return Answer(504, {}) if sizes[PROJECT] == [of_page(request)] else None

    here.work_items.before = slow_once
    assert len(issues(here.read("arunika/*"))) > 200
    assert sizes[PROJECT][:3] == [50, 25, 50]
    assert [set(found) for path, found in sizes.items() if path != PROJECT] == [{50}]


def test_an_issue_that_cannot_be_had_even_alone_is_its_problem(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert here.work_items is not None
    bad = here.items()[20]
    monkeypatch.setattr(listing, "FIRST", 30)

    def slow(request: Request) -> Answer | None:
        made = here.work_items and of_page(request) and here.work_items.run(request)
        return Answer(504, {}) if made and f"/{bad.id}" in str(made.body) else None

    here.work_items.before = slow
    pages = here.read()
    assert {problem.subject for page in pages for problem in page.problems} == {bad.key}
    assert {problem.what for page in pages for problem in page.problems} == {
        "GitLab did not give all of it: it takes too long, or GitLab fails on it"
    }
    assert len(issues(pages)) == len(here.items()) - 1
    assert here.work_items.sizes[-1] > 1


def test_a_server_that_fails_on_one_issue_after_the_other_stops_the_pull(here: Site) -> None:
    found = here.connect()
    (project,) = found.catalogue().projects
    assert here.work_items is not None
    here.work_items.before = lambda request: Answer(500, {}) if of_page(request) else None
    with pytest.raises(TrackerError, match="one issue after the other"):
        list(found.pages(project, None))


def test_an_issue_whose_long_history_fails_is_its_problem(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "INNER", 3)
    long = next(one for one in here.items() if len(one.events) > 5)
    assert here.work_items is not None
    here.work_items.before = lambda request: (
        Answer(504, {}) if f"WorkItem/{long.id}" in str(request.json().get("variables")) else None
    )
    pages = here.read()
    assert [problem.subject for page in pages for problem in page.problems] == [long.key]
    assert len(issues(pages)) == len(here.items()) - 1


@pytest.mark.parametrize("thread", [4, 13])
def test_threads_of_several_notes_are_read_whole(here: Site, thread: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert here.work_items is not None
    one = here.items()[0]
    here.work_items.notes[one.id] = [
        (
            one.created_at + timedelta(minutes=minute),
            "start_date_or_due_date",
            f"changed due date to May {minute}, 2026",
        )
        for minute in range(1, 30)
    ]
    whole = {*intervals(here.read())}
    here.work_items.thread = thread
    pages = here.read()
    assert not [problem for page in pages for problem in page.problems]
    assert {*intervals(pages)} == whole
    assert bool(sum(page.refetched for page in pages)) == (thread > 10)


def test_a_thread_longer_than_a_page_is_read_whole(here: Site) -> None:
    assert here.work_items is not None
    one = here.items()[0]
    days = [f"2026-{1 + number // 28:02d}-{1 + number % 28:02d}" for number in range(300)]
    here.work_items.notes[one.id] = [
        (one.created_at + timedelta(minutes=minute), "due_date", f"changed due date to {day}")
        for minute, day in enumerate(days, 1)
    ]
    here.work_items.thread = 250
    found = [
        stay.value for stay in intervals(here.read()) if (stay.entity_id, stay.field) == (f"acme:{one.id}", "due_on")
    ]
    assert set(days) <= set(found)


def test_sentences_that_are_not_understood_stand_in_a_note(here: Site) -> None:
    one = here.items()[0]
    assert here.work_items is not None
    at = one.created_at + timedelta(minutes=1)
    here.work_items.notes[one.id] = [(at, "weight", "made it heavier"), (at, "weight", "hm"), (at, "aura", "glows")]
    pages = here.read()
    assert not [problem for page in pages for problem in page.problems]
    (note,) = [note for page in pages for note in page.notes]
    assert note == (PROJECT, "sentences of the history not understood: 3 (weight 2, aura 1)")
    assert pages[-1].issues == ()
    assert pages[-1].cursor == pages[-2].cursor


def test_what_is_no_work_is_named_in_a_note(here: Site) -> None:
    assert here.work_items is not None
    assert here.connect().catalogue().notes == ()
    here.work_items.objectives = {PROJECT}
    notes = [note for note in here.connect().catalogue().notes if "other types" in note.what]
    assert notes == [("acme", f"work items of other types are not read: Objective in {PROJECT}")]
    here.work_items.before = lambda request: Answer(500, {}) if b"OBJECTIVE" in request.body else None
    assert here.connect().catalogue().notes == ()  # it is only a courtesy


def test_gitlabs_words_name_no_issue() -> None:
    said = [{"message": "acme/secret-app#17 (or &4, https://x/acme/app/-/work_items/9) was\n not found in 30 s"}]
    assert listing.words(said) == "... (or ..., ... was not found in 30 s"


def test_a_groups_objectives_and_the_types_that_it_made_for_itself_are_named_in_a_note(here: Site) -> None:
    assert here.work_items is not None
    here.work_items.has_epics = True
    here.work_items.objectives, here.work_items.stories = {"arunika"}, {PROJECT}
    notes = [note for note in here.connect("arunika/*").catalogue().notes if "other types" in note.what]
    assert notes == [("acme", f"work items of other types are not read: Objective, Story in {PROJECT}, arunika")]
    here.work_items.has_epics = False  # as on Free
    notes = [note for note in here.connect("arunika/*").catalogue().notes if "other types" in note.what]
    assert notes == [("acme", f"work items of other types are not read: Story in {PROJECT}")]


def test_a_version_that_cannot_leave_types_out_is_not_asked_to() -> None:
    for made in site(has_negation=False):
        assert made.work_items is not None
        made.work_items.stories = {PROJECT}
        assert made.connect().catalogue().notes == ()
        assert len(issues(made.read())) == len(made.items())


def test_statuses_that_are_not_told_are_no_silence(here: Site) -> None:
    assert here.work_items is not None
    here.work_items.refused_statuses = "you don't have permission"
    catalogue = here.connect().catalogue()
    assert [(note.subject, "don't have permission" in note.what) for note in catalogue.notes] == [("arunika", True)]
    assert catalogue.problems == ()
    here.work_items.refused_statuses = "Timeout on validation of query"
    catalogue = here.connect().catalogue()
    assert [problem.subject for problem in catalogue.problems] == ["arunika"]  # or those that we know would be dropped


def test_a_status_keeps_its_id_when_it_is_renamed(here: Site) -> None:
    assert here.work_items is not None
    now = here.company.now
    one, other = [
        one for one in here.items() if not here.server.shapes.is_closed(one, one.value("status", now))
    ][:2]  # fmt: skip
    native = "gid://gitlab/WorkItems::Statuses::Custom::Status"
    doing = {"id": f"{native}/17", "name": "Doing", "category": "in_progress"}
    review = {"id": f"{native}/18", "name": "Review", "category": "in_progress"}
    here.work_items.statuses = {one.id: doing, other.id: review}
    at = [max(one.created_at, other.created_at) + timedelta(minutes=minute) for minute in range(3)]
    here.work_items.notes[one.id] = [(at[1], "work_item_status", "set status to **Doing**")]
    here.work_items.notes[other.id] = [
        (at[1], "work_item_status", "set status to **Doing**"), (at[2], "work_item_status", "set status to **Review**"),
    ]  # fmt: skip
    for touched in (one, other):
        here.server.shapes.touched[touched.id] = now

    def steps(pages: list[Page], item: Item) -> list[tuple[str, str]]:
        return [
            (stay.value, stay.label)
            for stay in intervals(pages)
            if (stay.entity_id, stay.field) == (f"acme:{item.id}", "status")
        ]

    before = here.read_without_labels()
    assert steps(before, one)[-1] == ("acme:status:custom-17", "Doing")
    doing["name"] = "In work"
    found = here.connect(workflow=None)
    catalogue = found.catalogue()
    assert ("acme:status:custom-17", "In work", "doing") in {
        (status.status_id, status.name, status.category) for status in catalogue.statuses
    }
    again = list(found.pages(catalogue.projects[0], before[-1].cursor))
    assert len(issues(again)) < len(here.items())
    assert steps(again, one)[-1] == ("acme:status:custom-17", "In work")
    assert steps(again, other)[-2:] == [("acme:status:custom-17", "In work"), ("acme:status:custom-18", "Review")]
    anew = here.read_without_labels()
    assert steps(anew, one) == steps(again, one)  # the last name it was given is the one it had before
    assert steps(anew, other)[-2:] == [("acme:status:Doing", "Doing"), ("acme:status:custom-18", "Review")]
    doing["id"] = f"{native}/99"  # statuses of our own instead of GitLab's: everything is read with the new ones
    found = here.connect(workflow=None)
    (project,) = found.catalogue().projects
    assert len(issues(list(found.pages(project, again[-1].cursor)))) == len(here.items())


def test_former_parents_are_known(here: Site) -> None:
    assert here.work_items is not None
    child, sibling = here.items()[:2]
    here.work_items.has_epics = True
    here.work_items.epics = {
        number: {"id": f"gid://gitlab/WorkItem/{number}", "iid": iid, "title": "Epic", "reference": reference}
        for number, iid, reference in ((900, "4", "arunika&4"), (901, "5", "arunika/logistics&5"))
    }
    here.work_items.parents = {child.id: 900}
    at = [child.created_at + timedelta(hours=hour) for hour in range(6)]
    here.work_items.notes[child.id] = [
        (at[1], "relate_to_parent", "added &5 as parent epic"),
        (at[2], "relate_to_parent", f"added #{sibling.number} as parent issue"),
        (at[3], "unrelate_from_parent", f"removed parent issue #{sibling.number}"),
        (at[4], "relate_to_parent", "added &77 as parent epic"),
        (at[5], "relate_to_parent", "added arunika&4 as parent epic"),
    ]
    pages = here.read()
    found = [one for one in intervals(pages) if one.field == "parent"]
    assert [(one.value, one.label, one.since, one.until) for one in found] == [
        ("acme:901", "arunika/logistics&5", at[1], at[2]),
        (f"acme:{sibling.id}", sibling.key, at[2], at[3]),
        ("acme:900", "arunika&4", at[5], None),
    ]


@pytest.mark.parametrize("place", ["r0", None])
def test_a_former_parent_that_is_not_told_is_not_taken_for_nobody(here: Site, place: str | None) -> None:
    """The one issue waits where GitLab fails on its parent, all of them where it fails on the whole question."""
    assert here.work_items is not None
    child, sibling = here.items()[:2]
    at = child.created_at + timedelta(hours=1)
    here.work_items.notes[child.id] = [(at, "relate_to_parent", f"added #{sibling.number} as parent issue")]
    error = {"message": "Timeout on WorkItem.id"} | ({"path": [place, "workItems"]} if place else {})

    def failing(request: Request) -> Answer | None:
        return Answer(200, {"data": {"r0": None}, "errors": [error]}) if b"r0: " in request.body else None

    here.work_items.before = failing
    found = here.connect()
    (project,) = found.catalogue().projects
    if place is None:
        with pytest.raises(TrackerError, match="former parents are: Timeout"):
            list(found.pages(project, None))
    else:
        pages = list(found.pages(project, None))
        assert [(one.subject, one.what) for page in pages for one in page.problems] == [
            (child.key, "GitLab does not tell what its parent was: Timeout on WorkItem.id")
        ]
        assert len(issues(pages)) == len(here.items()) - 1
    here.work_items.before = lambda request: None
    pages = list(found.pages(project, None))
    assert [one.value for one in intervals(pages) if one.field == "parent"] == [f"acme:{sibling.id}"]


def test_times_between_two_seconds_are_kept(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "FIRST", 10)
    for number, one in enumerate(here.items()):
        one.events = [event._replace(at=event.at + timedelta(microseconds=123_000 + number)) for event in one.events]
    pages = here.read()
    assert len([one for page in pages for one in page.issues]) == len(issues(pages)) == len(here.items())
    found = here.connect()
    (project,) = found.catalogue().projects
    assert pages[-1].issues[-1].issue_id in issues(list(found.pages(project, pages[-1].cursor)))


def test_tasks_count_where_their_issue_is_known(here: Site) -> None:
    one = here.items()[0]
    one.initial["kind"] = "Task"
    one.events = [event for event in one.events if event.field != "kind"]
    assert here.work_items is not None
    for hidden, count in ((set[str](), len(here.items())), ({PROJECT}, len(here.items()) - 1)):
        here.work_items.hidden = hidden
        found = here.connect()
        (project,) = found.catalogue().projects
        pages = list(found.pages(project, None))
        assert len(issues(pages)) == found.census(project, sweep=False).count == count
        assert found.census(project, sweep=True).issue_ids == issues(pages).keys()


def test_a_server_that_is_down_is_no_reason_to_ask_for_less(here: Site) -> None:
    found = here.connect()
    (project,) = found.catalogue().projects
    assert here.work_items is not None
    here.work_items.before = lambda request: Answer(503, b"<html>maintenance</html>")
    before = len(here.server.log)
    with pytest.raises(TrackerError, match="503"):
        list(found.pages(project, None))
    assert len(here.server.log) - before <= 5 + 2 * ATTEMPTS


def test_too_much_even_for_one_issue_means_rest(here: Site) -> None:
    assert here.work_items is not None
    here.work_items.limit = 30
    found = here.connect()
    catalogue = found.catalogue()
    assert [(note.subject, "too much for GraphQL" in note.what) for note in catalogue.notes] == [(PROJECT, True)]
    assert len(issues(list(found.pages(catalogue.projects[0], None)))) == len(here.items())


def test_a_stream_without_closings_means_rest(here: Site) -> None:
    assert here.work_items is not None
    here.work_items.tells_events = False
    found = here.connect()
    (note,) = found.catalogue().notes
    assert "does not tell of closings" in note.what


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(404, {"message": "404"}), "404"),
        (Answer(403, {"message": "403 Forbidden"}), "403"),
        (Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}), "answers a web page"),
        (Answer(200, {"errors": [{"message": "Access denied: granular token"}]}), "Access denied"),
        (Answer(200, {"data": {"currentUser": None}}), "does not accept this token"),
        (Answer(200, {"data": {"currentUser": {"id": 1}, "item": None}}), "no work items"),
    ],
)
def test_without_graphql_rest_reads_and_a_note_says_so(here: Site, answer: Answer, words: str) -> None:
    assert here.work_items is not None
    here.work_items.before = lambda request: answer
    found = here.connect()
    catalogue = found.catalogue()
    assert catalogue.problems == ()
    assert [(note.subject, words in note.what) for note in catalogue.notes] == [("acme", True)]
    pages = list(found.pages(catalogue.projects[0], None))
    assert len(issues(pages)) == len(here.items())


def test_a_project_that_answers_null_is_read_through_rest(here: Site) -> None:
    assert here.work_items is not None
    here.work_items.hidden = {PROJECT}
    found = here.connect("arunika/*")
    notes = {note.subject: note.what for note in found.catalogue().notes}
    assert "shows no work items" in notes[PROJECT]
    assert set(notes) == {PROJECT, "arunika"}  # and on Free the group has no epics
    assert len(issues(here.read("arunika/*"))) == len(list(here.company.visible("gitlab")))


@pytest.mark.parametrize("lost", ["iteration", "status", "linkedItems", "weight", "healthStatus"])
def test_a_schema_with_less_is_asked_for_less(lost: str) -> None:
    for made in site(widgets=[name for name in WIDGETS if name != lost]):
        assert made.work_items is not None
        assert len(issues(made.read())) == len(made.items())
        assert not [path for path in made.asked() if "resource_state_events" in path]


def test_a_part_in_words_it_does_not_know_is_left_out(here: Site) -> None:
    """A type that is there may lack one of its fields: experiments come and go."""
    unknown = {
        "message": "Field 'linkCreatedAt' doesn't exist on type 'LinkedWorkItemType'",
        "path": ["query", "owner", "workItems", "nodes", "features", "linkedItems", "linkedItems", "nodes", "linkCreatedAt"],
        "extensions": {"code": "undefinedField", "typeName": "LinkedWorkItemType", "fieldName": "linkCreatedAt"},
    }  # fmt: skip
    assert here.work_items is not None
    here.work_items.before = lambda request: (
        Answer(200, {"errors": [unknown]}) if b"linkCreatedAt" in request.body else None
    )
    found = here.connect()
    catalogue = found.catalogue()
    assert [(note.subject, "linkedItems" in note.what) for note in catalogue.notes] == [("acme", True)]
    pages = list(found.pages(catalogue.projects[0], None))
    assert len(issues(pages)) == len(here.items())
    assert {one.field for one in intervals(pages)} >= {"status", "label", "assignee"}
    assert not [path for path in here.asked() if "resource_state_events" in path]


def test_a_token_that_gets_no_issue_whole_reads_through_rest(here: Site) -> None:
    assert here.work_items is not None
    here.work_items.broken = {one.id for one in here.items()}
    found = here.connect()
    (note,) = found.catalogue().notes
    assert "gives no issue whole" in note.what
    assert len(issues(here.read())) == len(here.items())


def test_a_schema_without_notes_means_rest() -> None:
    for made in site(widgets=[name for name in WIDGETS if name != "notes"]):
        (note,) = made.connect().catalogue().notes
        assert "lack notes" in note.what


def test_what_fails_of_one_issue_is_its_problem(here: Site) -> None:
    assert here.work_items is not None
    one = next(
        one for one in here.items() if not here.server.shapes.is_closed(one, one.value("status", here.company.now))
    )
    here.work_items.broken = {one.id}
    pages = here.read()
    assert [(problem.subject, "not available" in problem.what) for page in pages for problem in page.problems] == [
        (one.key, True)
    ]
    assert f"acme:{one.id}" not in issues(pages)
    assert len(issues(pages)) == len(here.items()) - 1


def test_people_who_are_gone_stay_distinct(here: Site) -> None:
    assert here.work_items is not None
    one = here.items()[0]
    at = one.created_at
    here.work_items.notes[one.id] = [
        (at + timedelta(minutes=1), "assignee", "assigned to @gone.early"),
        (at + timedelta(minutes=2), "assignee", "assigned to @gone.late and unassigned @gone.early"),
    ]
    held = [
        found for found in intervals(here.read()) if (found.entity_id, found.field) == (f"acme:{one.id}", "assignee")
    ]
    assert [found.value for found in held][:2] == [person_id("acme", "@gone.early"), person_id("acme", "@gone.late")]


def test_lists_that_the_catalogue_has_read_are_not_read_again(here: Site) -> None:
    found = here.connect()
    (project,) = found.catalogue().projects
    list(found.pages(project, None))
    for name in ("labels", "milestones", "iterations"):
        assert len([path for path in here.asked() if path.endswith(f"/{name}")]) == 1


def test_a_bound_that_is_ignored_is_found_out(here: Site) -> None:
    found = here.connect()
    (project,) = found.catalogue().projects
    *_, last = found.pages(project, None)
    assert here.work_items is not None
    here.work_items.ignores_bounds = True
    with pytest.raises(TrackerError, match="ignored updated_after"):
        list(found.pages(project, last.cursor))


def test_many_issues_with_one_time(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "FIRST", 10)
    for one in here.items()[10:60]:
        here.server.shapes.touched[one.id] = here.company.now
    pages = here.read()
    assert len([one for page in pages for one in page.issues]) == len(issues(pages)) == len(here.items())


def test_a_passing_failure_stops_the_pull(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """REST would overwrite histories with shorter ones; the next run goes on with GraphQL."""
    monkeypatch.setattr(listing, "FIRST", 30)
    found = here.connect()
    (project,) = found.catalogue().projects
    pages = found.pages(project, None)
    next(pages)
    assert here.work_items is not None
    here.work_items.before = lambda request: Answer(200, {"errors": [{"message": "Internal server error"}]})
    with pytest.raises(TrackerError, match="Internal server error"):
        list(pages)
    assert not [path for path in here.asked() if path.endswith("resource_state_events")]


def test_where_graphql_stops_rest_goes_on(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "FIRST", 30)
    found = here.connect()
    (project,) = found.catalogue().projects
    pages = found.pages(project, None)
    first = [next(pages)]
    assert here.work_items is not None
    here.work_items.hidden = {PROJECT}
    rest = list(pages)
    assert len(issues([*first, *rest])) == len(here.items())
    assert [path for path in here.asked() if path.endswith("resource_state_events")]
    (note,) = [note for page in rest for note in page.notes]
    assert note.subject == PROJECT
    assert "shows no work items" in note.what


def test_where_graphql_stops_after_the_last_issue_a_note_says_so_too(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = here.connect()
    (project,) = found.catalogue().projects

    def stops(*args: Any) -> Iterator[Page]:
        raise listing.UnsuitableError("no more")
        yield

    monkeypatch.setattr("connectors.gitlab.graphql.GraphqlReader.pages", stops)
    monkeypatch.setattr("connectors.gitlab.rest.RestReader.pages", lambda *args: iter(()))
    (page,) = found.pages(project, None)
    assert [note.what for note in page.notes] == ["read through REST, with less history and without tasks: no more"]


def test_what_rest_had_to_read_is_read_again_in_full_when_graphql_serves(here: Site) -> None:
    assert here.work_items is not None
    here.work_items.hidden = {PROJECT}
    poor = here.read()
    here.work_items.hidden = set()
    found = here.connect()
    (project,) = found.catalogue().projects
    rich = list(found.pages(project, poor[-1].cursor))
    assert len(issues(rich)) == len(issues(poor)) == len(here.items())
    assert len(issues(list(found.pages(project, rich[-1].cursor)))) < len(here.items())


def test_what_graphql_has_read_rest_does_not_make_poorer_unasked(here: Site) -> None:
    cursor = here.read()[-1].cursor
    assert here.work_items is not None
    here.work_items.hidden = {PROJECT}
    found = here.connect()
    (project,) = found.catalogue().projects
    with pytest.raises(TrackerError, match=r"read through GraphQL so far, and now .* pull --full"):
        list(found.pages(project, cursor))
    assert len(issues(list(found.pages(project, None)))) == len(here.items())


def test_a_cursor_made_from_a_moment_goes_on_through_either(here: Site) -> None:
    now = here.company.now
    here.server.shapes.touched[here.items()[0].id] = now
    assert here.work_items is not None
    for hidden in (set(), {PROJECT}):
        here.work_items.hidden = hidden
        found = here.connect()
        (project,) = found.catalogue().projects
        read = issues(list(found.pages(project, found.since(now, cursor_at(now)))))
        assert 0 < len(read) < len(here.items())


def test_an_issue_moved_out_of_sight_is_not_delivered(here: Site) -> None:
    moved = next(
        one for one in here.items() if here.server.shapes.is_closed(one, one.value("status", here.company.now))
    )
    moved.moved_to = 4_711
    assert here.work_items is not None
    here.work_items.conceals_moves = True
    assert issues(here.read())[f"acme:{moved.id}"].superseded == "moved"


def test_a_status_is_the_issues_own_until_labels_are_configured(here: Site) -> None:
    assert here.work_items is not None
    now = here.company.now
    opened = [one for one in here.items() if not here.server.shapes.is_closed(one, one.value("status", now))]
    closed = [one for one in here.items() if here.server.shapes.is_closed(one, one.value("status", now))]
    doing, canceled = opened[0], closed[0]
    here.work_items.statuses = {
        doing.id: {"name": "In review", "category": "in_progress"},
        canceled.id: {"name": "Won't do", "category": "canceled"},
    }
    at = doing.created_at + timedelta(minutes=5)
    here.work_items.notes[doing.id] = [(at, "work_item_status", "set status to **In review**")]
    here.server.shapes.touched[doing.id] = now
    found = here.connect(workflow=None)
    catalogue = found.catalogue()
    assert {(one.status_id, one.category) for one in catalogue.statuses} >= {
        ("acme:status:In review", "doing"), ("acme:status:Won't do", "canceled"), ("acme:opened", "todo"),
    }  # fmt: skip
    pages = list(found.pages(catalogue.projects[0], None))
    stays = sorted(
        (one.since, one.value, one.label)
        for one in intervals(pages)
        if one.field == "status" and one.entity_id == f"acme:{doing.id}"
    )
    assert stays == [(doing.created_at, "acme:opened", "opened"), (at, "acme:status:In review", "In review")]
    last = [one for one in intervals(pages) if one.field == "status" and one.entity_id == f"acme:{canceled.id}"]
    closed_at = here.server.shapes.state_changes(canceled)[-1].at
    assert [(one.value, one.since) for one in last if one.until is None] == [("acme:status:Won't do", closed_at)]


def test_epics_are_issues_of_their_group(here: Site) -> None:
    assert here.work_items is not None
    child = here.items()[0]
    here.work_items.has_epics = True
    here.work_items.epics = {
        900: {"id": "gid://gitlab/WorkItem/900", "iid": "4", "title": "Go live", "reference": "arunika&4"},
    }
    here.work_items.parents = {child.id: 900}
    here.work_items.notes[child.id] = [
        (child.created_at + timedelta(hours=2), "relate_to_parent", "added &3 as parent epic"),
        (child.created_at + timedelta(hours=3), "relate_to_parent", "added arunika&4 as parent epic"),
    ]
    here.server.mount("GET", "/api/v4/groups/[^/]+/labels", lambda request, match: Answer(200, []))
    found = here.connect("arunika/*")
    catalogue = found.catalogue()
    (group,) = [one for one in catalogue.projects if one.key == "arunika"]
    assert catalogue.notes == ()
    (page,) = found.pages(group, None)
    assert [(one.issue_id, one.key, one.level, one.kind, one.project_id) for one in page.issues] == [
        ("acme:900", "arunika&4", 1, "epic", group.project_id)
    ]
    assert found.census(group, sweep=True).issue_ids == {"acme:900"}
    (project,) = [one for one in catalogue.projects if one.key == PROJECT]
    parents = [one for one in intervals(list(found.pages(project, None))) if one.field == "parent"]
    assert [(one.entity_id, one.value, one.label, one.since, one.until) for one in parents] == [
        (f"acme:{child.id}", "acme:900", "arunika&4", child.created_at + timedelta(hours=3), None)
    ]


def test_an_issue_of_another_project_has_moved(here: Site) -> None:
    found = here.connect("arunika/*")
    one, other = found.catalogue().projects
    there = next(iter(here.company.visible("gitlab", other.key)))
    trace = next(iter(found.trace(one, [f"acme:{there.id}"])))
    assert (trace.fate, trace.where) == ("moved", there.key)
    next(project for project in here.company.projects if project.key == one.key).is_archived = True
    inside = next(iter(here.company.visible("gitlab", one.key)))
    assert [trace.fate for trace in found.trace(one, [f"acme:{inside.id}"])] == ["archived"]


def test_what_graphql_fails_to_tell_of_an_issue_does_not_mean_that_it_is_gone(here: Site) -> None:
    assert here.work_items is not None
    found = here.connect()
    (project,) = found.catalogue().projects
    hidden = "The resource that you are attempting to access does not exist or you don't have permission to perform this action"
    errors = [{"message": "Internal server error", "path": ["i0"]}, {"message": hidden, "path": ["i1"]}]
    here.work_items.before = lambda request: Answer(200, {"data": {"i0": None, "i1": None}, "errors": errors})
    traces = list(found.trace(project, ["acme:1", "acme:2"]))
    assert [(one.issue_id, one.fate) for one in traces] == [("acme:2", "gone")]
    errors[0]["path"] = ["query", "i0", "archived"]
    with pytest.raises(TrackerError, match="Internal server error"):
        list(found.trace(project, ["acme:1", "acme:2"]))


def test_what_became_of_the_issues_of_a_project_rest_reads_is_asked_through_rest(here: Site) -> None:
    assert here.work_items is not None
    here.work_items.hidden = {PROJECT}
    found = here.connect()
    (project,) = found.catalogue().projects
    kept, deleted = here.items()[:2]
    deleted.deleted_at = here.company.now
    traces = found.trace(project, [f"acme:{kept.id}", f"acme:{deleted.id}"])
    assert [trace.fate for trace in traces] == ["here", "gone"]


def test_epics_come_once_where_a_group_is_configured_within_another(here: Site) -> None:
    assert here.work_items is not None
    here.work_items.has_epics = True
    here.work_items.epics = {900: {"id": "gid://gitlab/WorkItem/900", "iid": "4", "title": "Go live"}}
    found = here.connect("arunika/*", "arunika/logistics/*")
    assert [one.key for one in found.catalogue().projects if ":group:" in one.project_id] == ["arunika"]


def test_epics_that_are_shown_no_more_are_no_empty_group(here: Site) -> None:
    assert here.work_items is not None
    here.work_items.has_epics = True
    here.work_items.epics = {900: {"id": "gid://gitlab/WorkItem/900", "iid": "4", "title": "Go live"}}
    here.server.mount("GET", "/api/v4/groups/[^/]+/labels", lambda request, match: Answer(200, []))
    found = here.connect("arunika/*")
    (group,) = [one for one in found.catalogue().projects if one.key == "arunika"]
    here.work_items.has_epics = False
    with pytest.raises(TrackerError, match="epics no more"):
        list(found.pages(group, None))
    with pytest.raises(TrackerError, match="epics no more"):
        found.census(group, sweep=True)


def test_no_query_is_longer_than_gitlab_takes() -> None:
    for has_features in (True, False):
        schema = Schema(has_features, frozenset(WIDGETS), frozenset(OPTIONAL), has_statuses=True)
        assert len(schema.page("group", ", types: [EPIC], includeDescendants: true, state: closed")) < 10_000


def test_a_relative_address(here: Site) -> None:
    assert here.work_items is not None
    here.server.mount("POST", "/gitlab/api/graphql", here.work_items._answer)
    options = source_config(f"{here.server.url}/gitlab", PROJECT, token=gitlab.READER_TOKEN)
    found = connect(options, Network(QuickClock()))
    assert not isinstance(found._reader(), str)
    assert here.asked() == ["/gitlab/api/graphql"]
