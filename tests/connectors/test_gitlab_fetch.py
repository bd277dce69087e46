"""The GitLab connector against a server that behaves, and one that does not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.gitlab import connect
from connectors.gitlab.fetch import GitlabConnector
from connectors.gitlab.rest import PROBES
from pmo_sync.demo.servers.wire import Answer, Request
from pmo_sync.errors import AccessError, ConfigError, TrackerError
from pmo_sync.http.network import Network
from pmo_sync.model import Page, Project
from tests.clocks import QuickClock
from tests.connectors.gitlab_fake import Fake, issue, running, source_config, stamp

EVENTS = ("resource_state_events", "resource_label_events", "resource_milestone_events", "links")


@pytest.fixture
def fake() -> Iterator[Fake]:
    with running() as one:
        one.add_project(1, "group/app")
        yield one


def connector(fake: Fake, *projects: str, **options: Any) -> GitlabConnector:
    return connect(source_config(fake.url, *(projects or ("group/app",)), **options), Network(QuickClock()))


def only(found: GitlabConnector) -> Project:
    (project,) = found.catalogue().projects
    return project


def keys(pages: list[Page]) -> list[str]:
    return [one.key for page in pages for one in page.issues]


def listings(fake: Fake) -> list[Request]:
    return [request for request in fake.seen if request.path.endswith("/issues")]


def test_check_says_who_and_until_when(fake: Fake) -> None:
    identity = connector(fake).check()
    assert (identity.account, identity.server) == ("pmo-bot", "GitLab 18.4.1-ee")
    assert str(identity.token_expires_on) == "2026-12-31"
    assert identity.now is not None


def test_check_refuses_a_token_that_cannot_read(fake: Fake) -> None:
    def scopes(request: Request) -> Answer | None:
        return Answer(200, {"scopes": ["read_user"]}) if request.path.endswith("/self") else None

    fake.before = scopes
    with pytest.raises(AccessError, match="make one with read_api"):
        connector(fake).check()


def test_wrong_token(fake: Fake) -> None:
    found = connector(fake, token="wrong")
    with pytest.raises(AccessError, match="not accepted"):
        found.check()
    with pytest.raises(AccessError, match="not accepted"):
        found.catalogue()


def test_without_an_address() -> None:
    options = source_config("http://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"source\.acme\.url"):
        connect(replace(options, server=None), Network(QuickClock()))


def test_catalogue_of_a_group_has_archived_and_nested_projects(fake: Fake) -> None:
    fake.add_project(2, "group/old", archived=True)
    fake.add_project(3, "group/sub/app")
    fake.add_project(4, "other/app")
    fake.add_project(5, "group/no-issues", issues_access_level="disabled")
    found = connector(fake, "group/*", "group/app", "group/gone").catalogue()
    assert [(one.project_id, one.key, one.is_archived) for one in found.projects] == [
        ("acme:1", "group/app", False),
        ("acme:2", "group/old", True),
        ("acme:3", "group/sub/app", False),
    ]
    (problem,) = found.problems
    assert problem.subject == "group/gone"
    assert "404" in problem.what
    (listing,) = [request for request in fake.seen if request.path.endswith("/groups/group/projects")]
    assert listing.first("include_subgroups") == "true"
    assert listing.first("with_shared") == "false"


def test_catalogue_without_configured_projects_takes_the_memberships(fake: Fake) -> None:
    found = connect(source_config(fake.url), Network(QuickClock())).catalogue()
    assert [one.key for one in found.projects] == ["group/app"]
    (listing,) = [request for request in fake.seen if request.path.endswith("/projects")]
    assert listing.first("membership") == "true"


def test_catalogue_says_when_issues_are_switched_off(fake: Fake) -> None:
    fake.projects[0]["issues_access_level"] = "disabled"
    found = connector(fake).catalogue()
    assert found.projects == ()
    assert "switched off" in found.problems[0].what


def test_catalogue_has_each_ancestors_milestone_once(fake: Fake) -> None:
    fake.add_project(2, "group/web")
    shared = {"id": 50, "iid": 1, "group_id": 9, "title": "Q1", "state": "active", "due_date": "2026-03-31"}
    own = {"id": 51, "iid": 1, "project_id": 1, "title": "v1", "state": "closed"}
    fake.lists["/projects/1/milestones"] = [own, shared, {"id": 52}]
    fake.lists["/projects/2/milestones"] = [shared]
    found = connector(fake, "group/*").catalogue()
    assert [(one.milestone_id, one.project_id, one.state) for one in found.milestones] == [
        ("acme:milestone:51", "acme:1", "closed"),
        ("acme:milestone:50", None, "open"),
    ]
    assert [problem.subject for problem in found.problems] == ["group/app: milestone 52"]


def test_catalogue_has_iterations_where_the_tier_has_them(fake: Fake) -> None:
    fake.lists["/projects/1/iterations"] = [
        {"id": 8, "title": None, "state": 3, "start_date": "2026-01-05", "due_date": "2026-01-18"}
    ]
    (box,) = connector(fake).catalogue().milestones
    assert (box.milestone_id, box.kind, box.name, box.state) == (
        "acme:iteration:8", "iteration", "2026-01-05 / 2026-01-18", "closed",
    )  # fmt: skip


def test_catalogue_has_the_workflow_labels_as_statuses(fake: Fake) -> None:
    fake.lists["/projects/1/labels"] = [{"id": 1, "name": "workflow::doing"}, {"id": 2, "name": "bug"}]
    found = {one.status_id: one.category for one in connector(fake, workflow="workflow::").catalogue().statuses}
    assert found == {"acme:opened": "todo", "acme:closed": "done", "acme:workflow::doing": None}
    assert len(connector(fake).catalogue().statuses) == 2


def test_a_cold_pull_reads_each_issue_once_with_four_lists(fake: Fake) -> None:
    fake.issues = [issue(1, number, updated=number) for number in range(1, 251)]
    found = connector(fake)
    project = only(found)
    fake.seen.clear()
    pages = list(found.pages(project, None))
    assert keys(pages) == [f"group/app#{number}" for number in range(1, 251)]
    asked = Counter(request.path.rsplit("/", 1)[-1] for request in fake.seen)
    assert asked == {"issues": 3, **dict.fromkeys(EVENTS, 250)}
    assert all(request.first("scope") == "all" for request in listings(fake))
    assert json.loads(pages[-1].cursor)["updated_at"] == stamp(250).replace(".000Z", "Z")


def test_equal_numbers_in_two_projects_are_two_issues(fake: Fake) -> None:
    fake.add_project(2, "group/web")
    fake.issues = [issue(1, 1), issue(2, 1, path="group/web")]
    found = connector(fake, "group/*")
    pages = [page for project in found.catalogue().projects for page in found.pages(project, None)]
    assert [(one.issue_id, one.key) for page in pages for one in page.issues] == [
        ("acme:10001", "group/app#1"),
        ("acme:20001", "group/web#1"),
    ]


@pytest.mark.parametrize(
    ("permissions", "is_guest"),
    [
        ({"project_access": {"access_level": 10}, "group_access": None}, True),
        ({"project_access": None, "group_access": {"access_level": 15}}, False),
        ({"project_access": {"access_level": 10}, "group_access": {"access_level": 20}}, False),
        ({"project_access": None, "group_access": None}, False),
    ],
)
def test_a_guest_is_told_what_is_hidden(fake: Fake, permissions: dict[str, Any], is_guest: bool) -> None:
    fake.projects[0]["permissions"] = permissions
    notes = [note.subject for note in connector(fake).catalogue().notes if "confidential" in note.what]
    assert notes == ["group/app"] * is_guest


def test_a_project_without_issues_gives_no_page(fake: Fake) -> None:
    found = connector(fake)
    assert list(found.pages(only(found), None)) == []


def test_nothing_is_missed_after_the_cursor_and_the_change_at_it_is_read_again(fake: Fake) -> None:
    fake.issues = [issue(1, number, updated=number * 20) for number in range(1, 6)]
    found = connector(fake)
    project = only(found)
    cursor = list(found.pages(project, None))[-1].cursor
    assert keys(list(found.pages(project, cursor))) == ["group/app#5"]
    fake.issues[1]["updated_at"] = stamp(500)
    fake.issues.append(issue(1, 6, updated=99))  # became visible late, within the overlap
    assert keys(list(found.pages(project, cursor))) == ["group/app#6", "group/app#5", "group/app#2"]


@pytest.mark.parametrize("cursor", ["", "{}", "[]", "nonsense", '{"updated_at": "soon"}', '{"updated_at": null}'])
def test_a_cursor_that_cannot_be_read_means_everything(fake: Fake, cursor: str) -> None:
    fake.issues = [issue(1, 1), issue(1, 2)]
    found = connector(fake)
    assert len(keys(list(found.pages(only(found), cursor)))) == 2


def test_a_killed_pull_goes_on_where_its_last_page_ended(fake: Fake) -> None:
    fake.issues = [issue(1, number, updated=number * 20) for number in range(1, 351)]
    found = connector(fake)
    project = only(found)
    pages = found.pages(project, None)
    stored = [next(pages), next(pages)]
    pages.close()  # type: ignore[attr-defined]
    rest = list(connector(fake).pages(project, stored[-1].cursor))
    assert set(keys(stored) + keys(rest)) == {f"group/app#{number}" for number in range(1, 351)}
    assert keys(rest)[0] == keys(stored)[-1] == "group/app#199"  # the last one stored is read once more


@pytest.mark.parametrize("count", [100, 101, 200, 350])
def test_many_issues_with_one_time(fake: Fake, count: int) -> None:
    fake.issues = [issue(1, number, updated=10) for number in range(1, count + 1)]
    fake.issues += [issue(1, 1000, updated=5), issue(1, 1001, updated=15)]
    found = connector(fake)
    read = keys(list(found.pages(only(found), None)))
    assert len(read) == count + 2
    assert set(read) == {one["references"]["full"] for one in fake.issues}


def test_issues_that_change_while_pages_of_one_moment_are_turned(fake: Fake) -> None:
    """An edit takes a row out of the moment, the rest moves up: the next page starts one row too late."""
    fake.issues = [issue(1, number, updated=10) for number in range(1, 301)]

    def drift(request: Request) -> Answer | None:
        if (
            request.path.endswith("/issues")
            and request.first("page") == "2"
            and fake.issues[0]["updated_at"] == stamp(10)
        ):
            fake.issues[0]["updated_at"] = stamp(60)
        return None

    fake.before = drift
    found = connector(fake)
    pages = list(found.pages(only(found), None))
    assert set(keys(pages)) == {f"group/app#{number}" for number in range(1, 301)}
    assert Counter(keys(pages)) == Counter({**dict.fromkeys(keys(pages), 1), "group/app#1": 2})  # changed, so twice
    held = [page.cursor for page in pages if stamp(10).replace(".000Z", "Z") in page.cursor]
    assert len(held) == len(pages) - 1  # the cursor waits until the moment is complete
    assert json.loads(pages[-1].cursor)["updated_at"] == stamp(60).replace(".000Z", "Z")


def test_issues_that_change_while_they_are_read_come_again(fake: Fake) -> None:
    fake.issues = [issue(1, number, updated=number) for number in range(1, 301)]

    def edit(request: Request) -> Answer | None:
        if len(listings(fake)) == 2 and fake.issues[0]["updated_at"] == stamp(1):
            fake.issues[0].update(updated_at=stamp(900), title="changed")
        return None

    fake.before = edit
    found = connector(fake)
    read = [one for page in found.pages(only(found), None) for one in page.issues]
    assert [one.title for one in read if one.key == "group/app#1"] == ["Issue 1", "changed"]
    assert len(read) == 301


def test_a_server_that_ignores_the_filter_is_found_out(fake: Fake) -> None:
    fake.issues = [issue(1, number, updated=number * 20) for number in range(1, 6)]
    found = connector(fake)
    project = only(found)
    cursor = list(found.pages(project, None))[-1].cursor
    fake.before = lambda request: fake._rows(request, fake.issues) if request.path.endswith("/issues") else None
    with pytest.raises(TrackerError, match="ignored updated_after"):
        list(found.pages(project, cursor))


def test_a_server_that_ignores_the_order_is_found_out(fake: Fake) -> None:
    fake.issues = [issue(1, 1, updated=50), issue(1, 2, updated=5)]
    fake.before = lambda request: fake._rows(request, fake.issues) if request.path.endswith("/issues") else None
    found = connector(fake)
    with pytest.raises(TrackerError, match="order_by=updated_at"):
        list(found.pages(only(found), None))


def test_a_server_with_smaller_pages_loses_nothing(fake: Fake) -> None:
    fake.issues = [issue(1, number, updated=number) for number in range(1, 131)]

    def small(request: Request) -> Answer | None:
        request.query["per_page"] = ["30"]  # type: ignore[index]
        return None

    fake.before = small
    found = connector(fake)
    assert len(keys(list(found.pages(only(found), None)))) == 130


def test_a_malformed_issue_is_a_problem_and_the_rest_is_kept(fake: Fake) -> None:
    broken = [issue(1, number, updated=number) for number in range(1, 6)]
    del broken[1]["title"], broken[2]["iid"], broken[3]["updated_at"]
    fake.issues = broken
    found = connector(fake)
    pages = list(found.pages(only(found), None))
    assert keys(pages) == ["group/app#1", "group/app#5"]
    assert sorted((one.subject, one.what) for page in pages for one in page.problems) == [
        ("group/app#2", "no 'title'"),
        ("group/app#4", "no 'updated_at'"),
        ("group/app: id 10003", "no 'iid'"),
    ]


def test_a_malformed_event_is_a_problem_of_its_issue(fake: Fake) -> None:
    fake.issues = [issue(1, 1), issue(1, 2)]
    fake.lists["/projects/1/issues/1/resource_state_events"] = [{"state": "closed"}]
    found = connector(fake)
    (page,) = found.pages(only(found), None)
    assert [one.key for one in page.issues] == ["group/app#2"]
    assert [(one.subject, one.what) for one in page.problems] == [("group/app#1", "no 'created_at'")]


def test_an_issue_whose_history_is_refused_is_a_problem(fake: Fake) -> None:
    fake.issues = [issue(1, 1), issue(1, 2)]
    fake.before = lambda request: Answer(403, {"message": "403 Forbidden"}) if "/issues/1/" in request.path else None
    found = connector(fake)
    (page,) = found.pages(only(found), None)
    assert [one.key for one in page.issues] == ["group/app#2"]
    assert "not readable" in page.problems[0].what


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_issue_on_whose_history_the_server_fails_is_a_problem(
    fake: Fake, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    fake.issues = [issue(1, 1), issue(1, 2, confidential=True), issue(1, 3)]
    fake.before = lambda request: Answer(status, {}) if "/issues/2/" in request.path else None
    found = connector(fake)
    (page,) = found.pages(only(found), None)
    assert [one.key for one in page.issues] == ["group/app#1", "group/app#3"]
    assert [(one.subject, one.what) for one in page.problems] == [
        ("group/app: id 10002", "listed, but GitLab fails to give its history")
    ]
    assert "group/app: id 10002" in caplog.text
    assert "/issues/2" not in caplog.text


def test_a_server_that_fails_on_one_history_after_the_other_stops_the_pull(fake: Fake) -> None:
    fake.issues = [issue(1, number) for number in range(1, 20)]
    fake.before = lambda request: Answer(502, {}) if "resource_label_events" in request.path else None
    found = connector(fake)
    project = only(found)
    with pytest.raises(TrackerError, match="try again later"):
        list(found.pages(project, None))


def test_a_server_that_dies_stops_the_pull(fake: Fake) -> None:
    fake.issues = [issue(1, 1)]
    found = connector(fake)
    project = only(found)
    fake.before = lambda request: None if request.path.endswith("/issues") else Answer(503, {})
    with pytest.raises(TrackerError, match="try again later"):
        list(found.pages(project, None))


def test_tasks_are_left_out_with_the_census_where_nobody_tells_their_issue(fake: Fake) -> None:
    fake.issues = [issue(1, 1), issue(1, 2, issue_type="task"), issue(1, 3, type="TASK", issue_type="task")]
    found = connector(fake)
    catalogue = found.catalogue()
    assert [("without epics and tasks" in note.what) for note in catalogue.notes] == [True]
    (project,) = catalogue.projects
    assert keys(list(found.pages(project, None))) == ["group/app#1"]
    assert found.census(project, sweep=False).count == 1
    swept = found.census(project, sweep=True)
    assert swept.issue_ids == swept.changed_at.keys() == {"acme:10001"}


@pytest.mark.parametrize("answers", [Answer(400, {"error": "issue_type does not have a valid value"}), None])
def test_a_version_that_knows_no_tasks_counts_none(fake: Fake, answers: Answer | None) -> None:
    fake.issues = [issue(1, number) for number in range(1, 4)]

    def old(request: Request) -> Answer | None:
        return (answers or fake._rows(request, fake.issues)) if request.first("issue_type") else None

    fake.before = old
    found = connector(fake)
    assert found.census(only(found), sweep=False).count == 3


@pytest.mark.parametrize("workflow", [None, "workflow::"])
def test_only_a_label_that_issues_ever_had_makes_their_past_come_again(fake: Fake, workflow: str | None) -> None:
    """The list of labels holds the ancestor groups', too: theirs change all the time, and are mostly used elsewhere."""
    fake.issues = [issue(1, number, updated=number * 1440) for number in range(1, 6)]
    labels = fake.lists["/projects/1/labels"] = [
        {"id": 1, "name": "bug"}, {"id": 2, "name": "elsewhere"}, {"id": 3, "name": "workflow::doing"}
    ]  # fmt: skip
    for number, named in ((2, labels[0]), (3, labels[2])):  # each was there and is not any more
        fake.lists[f"/projects/1/issues/{number}/resource_label_events"] = [
            {"id": n, "action": action, "created_at": stamp(n), "label": named}
            for n, action in enumerate(("add", "remove"), 1)
        ]
    cursor: str | None = None

    def read() -> int:
        nonlocal cursor
        found = connector(fake, workflow=workflow)
        pages = list(found.pages(only(found), cursor))
        cursor = pages[-1].cursor
        return len({one.issue_id for page in pages for one in page.issues})

    assert read() == 5
    assert read() == 1  # the last one again
    labels[1]["name"] = "renamed elsewhere"
    assert read() == 1
    for place, name in ((0, "defect"), (2, "workflow::making")):
        labels[place]["name"] = name
        assert read() == 5
        assert read() == 1
    del labels[1]
    assert read() == 1
    del labels[0]
    assert read() == 5


def test_of_two_workflow_labels_the_latest_counts_and_a_note_says_so(fake: Fake) -> None:
    fake.issues = [
        issue(1, 1, labels=["workflow::doing", "workflow::review"]),
        issue(1, 2, labels=["workflow::doing", "workflow::review"], confidential=True),
        issue(1, 3, labels=["workflow::doing", "bug"]),
    ]
    fake.lists["/projects/1/issues/1/resource_label_events"] = [
        {"id": n, "created_at": stamp(at), "action": "add", "label": {"id": n, "name": f"workflow::{name}"}}
        for n, (at, name) in enumerate([(3, "review"), (7, "doing")])
    ]
    found = connector(fake, workflow="workflow::")
    pages = list(found.pages(only(found), None))
    (note,) = [note for page in pages for note in page.notes]
    assert note.subject == "group/app"
    assert note.what.endswith("counts: 2 (group/app#1, group/app: id 10002)")
    assert not [problem for page in pages for problem in page.problems]
    assert pages[-1].cursor == pages[-2].cursor
    now = {
        one.entity_id: one.value
        for page in pages
        for one in page.intervals
        if (one.field, one.until) == ("status", None)
    }
    assert now["acme:10001"] == "acme:workflow::doing"


def test_an_issue_promoted_to_an_epic_is_not_delivered(fake: Fake) -> None:
    done = {"state": "closed", "closed_at": stamp(5)}
    fake.issues = [issue(1, 1, **done, epic=None), issue(1, 2, **done, epic=None), issue(1, 3, **done)]
    asked = []

    def notes(request: Request) -> Answer | None:
        if not request.path.endswith("/notes"):
            return None
        asked.append((request.path.split("/")[-2], request.first("activity_filter")))
        said = "promoted to epic &4" if "/issues/1/" in request.path else "closed"
        return Answer(
            200, [{"id": 1, "system": False, "body": "promoted to boss"}, {"id": 2, "system": True, "body": said}]
        )

    fake.before = notes
    found = connector(fake)
    (page,) = found.pages(only(found), None)
    assert {one.key: one.superseded for one in page.issues} == {
        "group/app#1": "promoted", "group/app#2": "", "group/app#3": "",
    }  # fmt: skip
    assert sorted(asked) == [("1", "only_activity"), ("2", "only_activity")]  # without epics nobody is promoted


def test_times_between_two_seconds_are_kept(fake: Fake) -> None:
    fake.issues = [issue(1, number, updated=number + 0.0123) for number in range(1, 251)]
    found = connector(fake)
    project = only(found)
    pages = list(found.pages(project, None))
    assert len(set(keys(pages))) == len(keys(pages)) == 250
    assert json.loads(pages[-1].cursor)["updated_at"].endswith(".738000Z")
    assert "group/app#250" in keys(list(found.pages(project, pages[-1].cursor)))


def test_parameters_that_exclude_each_other_are_refused(fake: Fake) -> None:
    """By the server we test against, as by GitLab."""
    found = connector(fake)
    with pytest.raises(TrackerError, match="mutually exclusive"):
        list(found._client.list("/projects/1/milestones", include_ancestors=True, include_parent_milestones=True))


def test_a_project_that_is_gone_is_an_access_error(fake: Fake) -> None:
    found = connector(fake)
    project = only(found)
    fake.before = lambda request: Answer(404, {"message": "404 Project Not Found"})
    with pytest.raises(AccessError, match="404"):
        list(found.pages(project, None))


def test_paid_lists_are_asked_where_the_issue_shows_the_field(fake: Fake) -> None:
    fake.issues = [issue(1, 1, weight=3), issue(1, 2)]
    fake.lists["/projects/1/issues/1/resource_weight_events"] = [{"id": 1, "created_at": stamp(5), "weight": 3}]
    found = connector(fake)
    (page,) = found.pages(only(found), None)
    assert [(one.value, one.since.minute) for one in page.intervals if one.field == "estimate"] == [("3", 5)]
    assert not [request for request in fake.seen if request.path.endswith("/issues/2/resource_weight_events")]


def test_paid_lists_are_not_asked_again_where_they_are_absent(fake: Fake) -> None:
    fake.issues = [issue(1, number, updated=number, weight=2, iteration=None) for number in range(1, 151)]
    found = connector(fake)
    project = only(found)
    pages = list(found.pages(project, None))
    assert not [problem for page in pages for problem in page.problems]
    assert {one.value for page in pages for one in page.intervals if one.field == "estimate"} == {"2"}
    asked = [request for request in fake.seen if request.path.endswith("resource_weight_events")]
    assert len(asked) == PROBES


@pytest.mark.parametrize("status", [403, 404])
def test_one_issues_refused_weights_are_its_own_problem(fake: Fake, status: int) -> None:
    fake.issues = [issue(1, number, weight=3) for number in range(1, 9)]
    for number in range(1, 9):
        fake.lists[f"/projects/1/issues/{number}/resource_weight_events"] = [
            {"id": 1, "created_at": stamp(5), "weight": 1},
            {"id": 2, "created_at": stamp(9), "weight": 3},
        ]
    refused = "/issues/1/resource_weight_events"  # the first that is probed, too
    fake.before = lambda request: Answer(status, {"message": "no"}) if request.path.endswith(refused) else None
    found = connector(fake)
    project = only(found)
    for _ in range(2):  # the second pass has not forgotten that there are such events
        (page,) = found.pages(project, None)
        assert [one.key for one in page.issues] == [f"group/app#{number}" for number in range(2, 9)]
        assert [one.subject for one in page.problems] == ["group/app#1"]
        assert str(status) in page.problems[0].what
        weights = [(one.value, one.since.minute) for one in page.intervals if one.field == "estimate"]
        assert sorted(weights) == [("1", 5)] * 7 + [("3", 9)] * 7


def test_the_tier_is_judged_by_the_project_not_by_the_issues_of_one_pull(fake: Fake) -> None:
    fake.issues = [issue(1, number, updated=number * 20, weight=3) for number in range(1, 4)]
    for number in (1, 2):
        fake.lists[f"/projects/1/issues/{number}/resource_weight_events"] = []
    cursor = json.dumps({"updated_at": stamp(60)})
    found = connector(fake)
    (page,) = found.pages(only(found), cursor)  # only the one that has none
    assert page.issues == ()
    assert [one.subject for one in page.problems] == ["group/app#3"]


@pytest.mark.parametrize("status", [403, 404])
def test_a_tier_without_iterations_lacks_nothing(fake: Fake, status: int) -> None:
    fake.before = lambda request: Answer(status, {}) if request.path.endswith("/iterations") else None
    found = connector(fake).catalogue()
    assert [one.key for one in found.projects] == ["group/app"]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("version", "word"), [("16.6.2", "include_parent_milestones"), ("16.7.0-ee", "include_ancestors")]
)
def test_ancestors_milestones_are_asked_for_in_the_words_of_the_version(fake: Fake, version: str, word: str) -> None:
    fake.before = lambda request: Answer(200, {"version": version}) if request.path.endswith("/version") else None
    connector(fake).catalogue()
    (asked,) = [request for request in fake.seen if request.path.endswith("/milestones")]
    assert [name for name in asked.query if name.startswith("include")] == [word]


def test_the_census_counts_and_sweeps(fake: Fake) -> None:
    fake.issues = [issue(1, number, created_at=stamp(number // 120)) for number in range(1, 251)]
    found = connector(fake)
    project = only(found)
    census = found.census(project, sweep=False)
    assert (census.count, census.issue_ids) == (250, None)
    assert found.census(project, sweep=True).issue_ids == {f"acme:{10_000 + number}" for number in range(1, 251)}
    fake.before = lambda request: Answer(403, {}) if request.path.endswith("statistics") else None
    assert found.census(project, sweep=False).count is None


def test_other_workflow_labels_are_read_of_what_was_read_before(fake: Fake) -> None:
    fake.issues = [issue(1, number, updated=number * 1440, labels=["workflow::doing"]) for number in range(1, 6)]
    fake.lists["/projects/1/labels"] = [{"id": 1, "name": "workflow::doing"}]
    for number in range(1, 6):
        fake.lists[f"/projects/1/issues/{number}/resource_label_events"] = [
            {"id": 1, "created_at": stamp(number), "action": "add", "label": {"id": 1, "name": "workflow::doing"}}
        ]
    plain, labelled = connector(fake), connector(fake, workflow="workflow::")
    project = only(plain)
    only(labelled)
    *_, last = plain.pages(project, None)
    for cursor in (last.cursor, plain.since(datetime(2030, 1, 1, tzinfo=UTC), last.cursor)):
        again = list(labelled.pages(project, cursor))
        assert len(keys(again)) == 5
        assert {
            one.label for page in again for one in page.intervals if one.until is None and one.field == "status"
        } == {"workflow::doing"}
    assert len(keys(list(labelled.pages(project, again[-1].cursor)))) == 1, "the last comes twice, and no other"
    assert len(keys(list(plain.pages(project, again[-1].cursor)))) == 5
