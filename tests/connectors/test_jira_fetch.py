"""The two orders of questions against a small Jira that can misbehave: rows that shift, tokens that repeat, histories
that are cut. Truth is the list of issues the fake holds.
"""

from __future__ import annotations

import inspect
import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from connectors.jira import assemble, bulk, cloud, connect, data_center, fetch, values, wire
from pmo_sync.clients import jira as jira_client
from pmo_sync.config import SourceConfig
from pmo_sync.errors import AccessError, ConfigError, TrackerError
from pmo_sync.http.network import Network
from pmo_sync.model import Page
from tests.clocks import QuickClock
from tests.connectors.jira_fake import OPEN, PROJECT, FakeJira, change, connector, expected, issue, keys
from tests.scripted_server import Reply, ScriptedServer

NOW = datetime(2026, 2, 1, tzinfo=UTC)  # the server's


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_center, "ROWS_PER_PAGE", 10)
    monkeypatch.setattr(cloud, "ISSUES_PER_FETCH", 10)
    monkeypatch.setattr(cloud, "HISTORIES_PER_FETCH", 20)


pytestmark = pytest.mark.usefixtures("small_pages")


@pytest.fixture(params=["Cloud", "Server"])
def jira(request: pytest.FixtureRequest) -> FakeJira:
    return FakeJira(request.param, 45)


@pytest.mark.parametrize("workers", [1, 4])
def test_pages_come_in_order_whatever_the_workers(jira: FakeJira, server: ScriptedServer, workers: int) -> None:
    pages = list(connector(server, workers).pages(PROJECT, None))
    assert keys(pages) == expected(jira)
    assert pages[-1].issues == ()


def test_an_empty_project_is_complete(jira: FakeJira, server: ScriptedServer) -> None:
    jira.issues = []
    (page,) = connector(server).pages(PROJECT, None)
    assert page.issues == ()
    assert json.loads(page.cursor)["complete"] is not None


def test_who_is_asked_again_asks_the_server(jira: FakeJira, server: ScriptedServer) -> None:
    made = connector(server)
    made.check()
    assert sum(path.endswith("myself") for path in jira.paths) == 1
    jira.before = lambda path, query: Reply(401, b"{}") if path.endswith("myself") else None
    with pytest.raises(AccessError):
        made.check()


def test_closing_a_pass_early_stops_asking(jira: FakeJira, server: ScriptedServer) -> None:
    jira.issues = [issue(number) for number in range(1, 400)]
    pages = connector(server, 2).pages(PROJECT, None)
    next(pages)
    pages.close()
    assert sum("search" in path or "bulkfetch" in path for path in jira.paths) < 25


def test_without_milliseconds_minutes_of_the_accounts_zone_are_asked(jira: FakeJira, server: ScriptedServer) -> None:
    jira.takes_epoch = False
    *_, last = connector(server).pages(PROJECT, None)
    assert json.loads(last.cursor)["epoch"] is None, "the project could be empty"
    list(connector(server).pages(PROJECT, last.cursor))
    # 2026-02-01 00:00 UTC, 15 minutes and an hour back, in Jakarta
    assert jira.jqls[-1] == 'project = "PAY" AND updated >= "2026-02-01 05:45" ORDER BY key ASC'


def test_with_milliseconds_nothing_is_probed_again(jira: FakeJira, server: ScriptedServer) -> None:
    *_, last = connector(server).pages(PROJECT, None)
    assert json.loads(last.cursor)["epoch"] is True
    jira.jqls.clear()
    list(connector(server).pages(PROJECT, last.cursor))
    assert set(jira.jqls) == {'project = "PAY" AND updated >= 1769903100000 ORDER BY key ASC'}


def test_remote_links_are_asked_for_only_where_the_history_has_one(jira: FakeJira, server: ScriptedServer) -> None:
    jira.issues[3]["changelog"] = {"total": 1, "histories": [change("RemoteIssueLink", None, "7")]}
    pages = list(connector(server).pages(PROJECT, None))
    found = [one for page in pages for one in page.intervals if one.value.startswith("https://")]
    assert [(one.entity_id, one.field, one.value, one.label) for one in found] == [
        ("src:1004", "blocked_by", "https://git.example.org/a/b/-/issues/3", "a/b#3")
    ]
    assert found[0].since.isoformat() == "2026-01-05T10:00:00+00:00"
    assert [path for path in jira.paths if "remotelink" in path] == ["api/2/issue/PAY-4/remotelink"]


def test_remote_links_of_a_confidential_issue_are_asked_for_by_its_id(jira: FakeJira, server: ScriptedServer) -> None:
    jira.issues[3]["fields"]["security"] = {"id": "1"}
    jira.issues[3]["changelog"] = {"total": 1, "histories": [change("RemoteIssueLink", None, "7")]}
    found = [one for page in connector(server).pages(PROJECT, None) for one in page.intervals]
    assert [one.label for one in found if one.field == "blocked_by"] == ["a/b#3"]
    assert "PAY-4" not in " ".join(jira.paths)


def test_the_key_of_a_removed_link_is_looked_up_once(jira: FakeJira, server: ScriptedServer) -> None:
    jira.issues.append(issue(99))
    gone = change("Link", "PAY-99", None)
    gone["items"][0]["fromString"] = "This issue is blocked by PAY-99"
    for number in (0, 1, 30):
        jira.issues[number]["changelog"] = {"total": 1, "histories": [gone]}
    pages = list(connector(server).pages(PROJECT, None))
    found = {(one.entity_id, one.field, one.value) for page in pages for one in page.intervals if one.label == "PAY-99"}
    assert {one for one in found if one[1] == "blocked_by"} == {
        ("src:1001", "blocked_by", "src:1099"), ("src:1002", "blocked_by", "src:1099"),
        ("src:1031", "blocked_by", "src:1099"),
    }  # fmt: skip
    assert jira.paths.count("api/2/issue/PAY-99") == 1


def test_the_former_key_of_an_issue_in_the_same_answer_is_not_looked_up(jira: FakeJira, server: ScriptedServer) -> None:
    moved = {"field": "Key", "fieldtype": "jira", "fromString": "OLD-4", "toString": "PAY-2"}
    jira.issues[1]["changelog"]["histories"] = [{"created": "2026-01-06T10:00:00.000+0000", "items": [moved]}]
    linked = change("Link", None, "OLD-4")
    linked["items"][0]["toString"] = "This issue is blocked by OLD-4"
    jira.issues[0]["changelog"]["histories"] = [linked]
    kind = {"name": "Blocks", "inward": "is blocked by", "outward": "blocks"}
    jira.issues[0]["fields"]["issuelinks"] = [{"type": kind, "inwardIssue": {"id": "1002", "key": "PAY-2"}}]
    pages = list(connector(server).pages(PROJECT, None))
    (found,) = [one for page in pages for one in page.intervals if one.field == "blocked_by"]
    assert (found.value, found.since.isoformat()) == ("src:1002", "2026-01-05T10:00:00+00:00")
    assert "api/2/issue/OLD-4" not in jira.paths


def test_sprints_have_the_days_of_the_accounts_calendar(jira: FakeJira, server: ScriptedServer) -> None:
    jira.boards = [{"id": 3, "name": "PAY board", "type": "scrum"}]
    times = {"startDate": "2026-01-04T17:00:00.000Z", "endDate": "2026-01-16T16:59:00.000Z"}
    jira.sprints = [{"id": 4, "name": "S4", "state": "closed", "completeDate": "2026-01-16T17:01:00.000Z", **times}]
    (found,) = [one for one in connector(server).catalogue().milestones if one.kind == "sprint"]
    assert (str(found.start_on), str(found.due_on), str(found.closed_on)) == ("2026-01-05", "2026-01-16", "2026-01-17")


def test_one_malformed_issue_is_one_problem(jira: FakeJira, server: ScriptedServer) -> None:
    jira.issues[4]["fields"] = "nothing"
    jira.issues[6]["fields"]["created"] = "yesterday"
    jira.issues[8]["fields"]["issuelinks"] = [{"inwardIssue": {"id": "5"}}]
    pages = list(connector(server).pages(PROJECT, None))
    assert {problem.subject for page in pages for problem in page.problems} == {"PAY-5", "PAY-7", "PAY-9"}
    assert keys(pages) == [key for key in expected(jira) if key not in ("PAY-5", "PAY-7", "PAY-9")]


STORY_POINTS = [
    {
        "id": f"customfield_{number}",
        "name": "Story Points",
        "schema": {"custom": "com.atlassian.jira.plugin.system.customfieldtypes:float"},
    }
    for number in (1, 2)
]


def estimates(pages: list[Page]) -> list[str]:
    return [one.value for page in pages for one in page.intervals if one.field == "estimate"]


def test_a_chosen_field_is_read_of_what_was_read_before(jira: FakeJira, server: ScriptedServer) -> None:
    jira.fields = STORY_POINTS
    for one in jira.issues:
        one["fields"]["customfield_2"] = 5
    first = list(connector(server).pages(PROJECT, None))
    assert estimates(first) == []
    again = list(connector(server, estimate="customfield_2").pages(PROJECT, first[-1].cursor))
    assert estimates(again) == ["5"] * len(jira.issues)
    for cursor in (again[-1].cursor, connector(server).since(NOW, again[-1].cursor)):
        assert keys(list(connector(server, estimate="customfield_2").pages(PROJECT, cursor))) == []
    back = connector(server).since(NOW, first[-1].cursor)
    assert len(estimates(list(connector(server, estimate="customfield_2").pages(PROJECT, back)))) == len(jira.issues)


def test_a_pass_that_was_cut_off_begins_anew_by_other_fields(jira: FakeJira, server: ScriptedServer) -> None:
    jira.fields = STORY_POINTS
    for one in jira.issues:
        one["fields"]["customfield_2"] = 5
    first = next(connector(server).pages(PROJECT, None))
    pages = connector(server, estimate="customfield_2").pages(PROJECT, first.cursor)
    cut = next(pages)
    pages.close()
    assert cut.issues[0].key == "PAY-1"
    chosen = connector(server, estimate="customfield_2")
    rest = list(chosen.pages(PROJECT, chosen.since(NOW, cut.cursor)))
    assert keys([cut, *rest]) == expected(jira), "a pass that reads everything goes on"


def test_fields_that_are_not_chosen_read_nothing_again(jira: FakeJira, server: ScriptedServer) -> None:
    jira.fields = STORY_POINTS[:1]
    *_, last = connector(server).pages(PROJECT, None)
    jira.fields = [*STORY_POINTS[:1], {**STORY_POINTS[1], "name": "Weather"}]
    assert keys(list(connector(server).pages(PROJECT, last.cursor))) == []
    jira.fields = STORY_POINTS  # none of the two is chosen any more, until the configuration says which
    assert keys(list(connector(server).pages(PROJECT, last.cursor))) == []


class TestDataCenter:
    @pytest.fixture
    def jira(self) -> FakeJira:
        return FakeJira("Server", 45)

    def test_fields_of_one_name_are_a_problem_of_the_catalogue(self, jira: FakeJira, server: ScriptedServer) -> None:
        kinds = ("com.pyxis.greenhopper.jira:gh-sprint", "com.atlassian.jira.plugin.system.customfieldtypes:textfield")
        jira.fields = [
            {"id": f"customfield_{number}", "name": "Sprint", "schema": {"custom": kind}}
            for number, kind in enumerate(kinds)
        ]
        (problem,) = connector(server).catalogue().problems
        assert "are all called 'sprint'" in problem.what

    def test_the_servers_own_limit_is_respected(self, jira: FakeJira, server: ScriptedServer) -> None:
        jira.page_limit = 7
        assert keys(list(connector(server, 3).pages(PROJECT, None))) == expected(jira)

    @pytest.mark.parametrize("victim", [0, 8, 9, 10, 20])
    def test_a_deletion_while_reading_loses_nothing(self, jira: FakeJira, server: ScriptedServer, victim: int) -> None:
        pages = connector(server).pages(PROJECT, None)
        found = [next(pages), next(pages)]
        gone = jira.issues.pop(victim)["key"]
        found += pages
        assert set(keys(found)) >= set(expected(jira))
        assert len(keys(found)) == len(set(keys(found)))
        assert set(keys(found)) - set(expected(jira)) <= {gone}

    def test_an_arrival_while_reading_doubles_nothing(self, jira: FakeJira, server: ScriptedServer) -> None:
        pages = connector(server).pages(PROJECT, None)
        found = [next(pages), next(pages)]
        jira.issues.insert(2, issue(77))  # an incremental result can grow anywhere
        jira.issues.append(issue(88))
        found += pages
        assert len(keys(found)) == len(set(keys(found)))
        assert set(keys(found)) == set(expected(jira)) - {"PAY-77"}

    def test_rows_that_never_meet_again_are_an_error(self, jira: FakeJira, server: ScriptedServer) -> None:
        jira.issues = [issue(number) for number in range(1, 200)]
        pages = connector(server).pages(PROJECT, None)
        for _ in range(12):
            next(pages)
        jira.issues = [issue(number) for number in range(1000, 1200)]
        with pytest.raises(TrackerError, match="rows moved"):
            list(pages)

    @pytest.mark.parametrize("deleted", [[], [0], [3, 4, 5], list(range(20))])
    def test_a_killed_pass_resumes_though_rows_have_moved(
        self, jira: FakeJira, server: ScriptedServer, deleted: list[int]
    ) -> None:
        pages = connector(server).pages(PROJECT, None)
        found = [next(pages), next(pages)]
        pages.close()
        for place in reversed(deleted):
            jira.issues.pop(place)
        rest = list(connector(server).pages(PROJECT, found[-1].cursor))
        assert set(keys(found)) | set(keys(rest)) >= set(expected(jira))
        if len(deleted) < 10:
            assert not set(keys(found)) & set(keys(rest)) or deleted

    @pytest.mark.parametrize("spoil", ["missing", "cut"])
    def test_a_history_that_search_keeps_back_is_fetched(
        self, jira: FakeJira, server: ScriptedServer, spoil: str
    ) -> None:
        def before(path: str, query: dict[str, Any]) -> Reply | None:
            if path.endswith("search") and int(query["maxResults"]):
                body = json.loads(json.dumps(jira.body(path, query)))
                for one in body["issues"]:
                    if spoil == "missing":
                        del one["changelog"]
                    elif one["key"] == "PAY-7":
                        one["changelog"] = {"total": 1, "histories": []}
                return Reply(body=json.dumps(body).encode())
            return None

        jira.before = before
        pages = list(connector(server).pages(PROJECT, None))
        assert keys(pages) == expected(jira)
        alone = [path for path in jira.paths if path.startswith("api/2/issue/")]
        assert len(set(alone)) == (45 if spoil == "missing" else 1)
        assert sum(one.field == "label" for page in pages for one in page.intervals) == 0
        assert [one for page in pages for one in page.problems] == []

    def test_a_history_that_stays_cut_keeps_its_issue_out(self, jira: FakeJira, server: ScriptedServer) -> None:
        jira.issues[6]["changelog"] = {"total": 101, "histories": [change("status", "1", "2")]}
        pages = list(connector(server).pages(PROJECT, None))
        (problem,) = [one for page in pages for one in page.problems]
        assert problem.subject == "PAY-7"
        assert "1 of 101" in problem.what
        assert "PAY-7" not in keys(pages)

    def test_a_sweep_that_lost_rows_is_read_again(self, jira: FakeJira, server: ScriptedServer) -> None:
        monkey = iter([True])

        def before(path: str, query: dict[str, Any]) -> Reply | None:
            if path.endswith("search") and query.get("fields") == "updated" and next(monkey, False):
                body = jira.body(path, query)
                return Reply(body=json.dumps({**body, "issues": [*body["issues"][:-1], body["issues"][0]]}).encode())
            return None

        jira.before = before
        census = connector(server).census(PROJECT, sweep=True)
        assert census.count == 45
        assert census.changed_at.keys() == census.issue_ids
        assert next(monkey, None) is None

    def test_a_moment_of_the_list_that_cannot_be_understood_costs_no_census(
        self, jira: FakeJira, server: ScriptedServer
    ) -> None:
        jira.issues[4]["fields"]["updated"] = "soon"
        census = connector(server).census(PROJECT, sweep=True)
        assert (census.count, len(census.changed_at)) == (45, 44)


class TestCloud:
    @pytest.fixture
    def jira(self) -> FakeJira:
        return FakeJira("Cloud", 45)

    def answers(self, path: str, *bodies: dict[str, Any]) -> Callable[[str, dict[str, Any]], Reply | None]:
        left = list(bodies)

        def before(asked: str, query: dict[str, Any]) -> Reply | None:
            if asked.endswith(path) and "updated" not in query.get("jql", ""):
                return Reply(body=json.dumps(left.pop(0) if len(left) > 1 else left[0]).encode())
            return None

        return before

    def test_ids_are_read_to_the_last_token(self, jira: FakeJira, server: ScriptedServer) -> None:
        first = {"issues": [{"id": "1002"}], "nextPageToken": "a"}
        jira.before = self.answers("search/jql", first, {"issues": [{"id": "1001"}]})
        assert keys(list(connector(server).pages(PROJECT, None))) == ["PAY-1", "PAY-2"]

    @pytest.mark.parametrize(
        ("path", "body", "words"),
        [
            ("search/jql", {"issues": [{"id": "1001"}], "isLast": False}, "without a way"),
            ("search/jql", {"issues": [{"id": "1001"}], "nextPageToken": "a"}, "repeats"),
            ("changelog/bulkfetch", {"issueChangeLogs": [], "nextPageToken": "a"}, "repeats"),
        ],
    )
    def test_an_incomplete_read_is_an_error(
        self, jira: FakeJira, server: ScriptedServer, path: str, body: dict[str, Any], words: str
    ) -> None:
        jira.before = self.answers(path, body)
        with pytest.raises(TrackerError, match=words):
            list(connector(server).pages(PROJECT, None))

    def test_a_history_may_span_pages_and_be_in_milliseconds(self, jira: FakeJira, server: ScriptedServer) -> None:
        jira.issues = [issue(1, labels=["b"])]
        one = {"created": 1767607200000, "items": change("labels", "", "a")["items"]}
        two = {"created": 1767693600000, "items": change("labels", "a", "b")["items"]}
        jira.before = self.answers(
            "changelog/bulkfetch",
            {"issueChangeLogs": [{"issueId": "1001", "changeHistories": [one]}], "nextPageToken": "x"},
            {"issueChangeLogs": [{"issueId": "1001", "changeHistories": [two]}]},
        )
        pages = list(connector(server).pages(PROJECT, None))
        labels = [one for page in pages for one in page.intervals if one.field == "label"]
        assert [(one.value, one.since.isoformat(), one.until and one.until.isoformat()) for one in labels] == [
            ("a", "2026-01-05T10:00:00+00:00", "2026-01-06T10:00:00+00:00"),
            ("b", "2026-01-06T10:00:00+00:00", None),
        ]

    def test_a_malformed_history_keeps_its_issue_out(self, jira: FakeJira, server: ScriptedServer) -> None:
        jira.issues[4]["changelog"]["histories"] = [{"items": 5}]
        pages = list(connector(server).pages(PROJECT, None))
        (problem,) = [one for page in pages for one in page.problems]
        assert problem.subject == "PAY-5"
        assert len(keys(pages)) == 44

    def test_an_issue_that_cannot_be_read_is_a_problem(self, jira: FakeJira, server: ScriptedServer) -> None:
        bulk = {"issues": [], "issueErrors": [{"id": "1001", "errorMessage": "no"}]}
        jira.issues = jira.issues[:1]
        jira.before = self.answers("issue/bulkfetch", bulk)
        pages = list(connector(server).pages(PROJECT, None))
        (problem,) = [one for page in pages for one in page.problems]
        assert problem.subject == "1001"

    def test_what_an_error_says_of_an_issue_reaches_nobody(
        self, jira: FakeJira, server: ScriptedServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        said = {"errorMessage": "PAY-1 (Merger with Borealis) is hidden", "issueIdsOrKeys": ["1001", "PAY-1"]}
        jira.issues = jira.issues[:1]
        jira.before = self.answers("issue/bulkfetch", {"issues": [], "issueErrors": [said]})
        (problem,) = [one for page in connector(server).pages(PROJECT, None) for one in page.problems]
        assert problem.subject == "1001"
        assert "does not give it" in problem.what
        assert "PAY-1" not in problem.what + caplog.text
        assert "Borealis" not in problem.what + caplog.text

    def test_an_issue_the_bulk_answer_leaves_out_is_a_problem(self, jira: FakeJira, server: ScriptedServer) -> None:
        """Listed, and neither among the issues nor among the errors: 3 is refused, 4 malformed, 5 just missing."""
        jira.issues = [issue(number) for number in range(1, 6)]
        told = [{"id": "1001", "key": "PAY-1", "fields": jira.issues[0]["fields"]}, {"id": "1004", "fields": 7}]
        told.append({"id": "1002", "key": "PAY-2", "fields": jira.issues[1]["fields"]})
        jira.before = self.answers("issue/bulkfetch", {"issues": told, "issueErrors": [{"id": "1003"}]})
        pages = list(connector(server).pages(PROJECT, None))
        assert keys(pages) == ["PAY-1", "PAY-2"]
        problems = {one.subject: one.what for page in pages for one in page.problems}
        assert list(problems) == ["id 1004", "1003", "1005"]
        assert "leaves it out" in problems["1005"]

    @pytest.mark.parametrize("status", [403, 404])
    @pytest.mark.parametrize("part", ["statuses", "versions"])
    def test_one_projects_refusal_is_its_problem(
        self, jira: FakeJira, server: ScriptedServer, part: str, status: int
    ) -> None:
        def before(path: str, query: dict[str, Any]) -> Reply | None:
            match = re.fullmatch(r"(?:api/[23]/project|agile/1.0)/([A-Z]+|board)(?:/(\w+))?", path)
            if match is None:
                return None
            if match.groups() == ("PAY", part):
                return Reply(status, b'{"errorMessages": ["not for you"]}')
            key = match[1]
            body: Any = {"id": key.lower(), "key": key, "name": key}
            if key == "board":
                body = {"values": []}
            elif match[2] == "statuses":
                body = [{"statuses": [{**OPEN, "id": f"s-{key}"}]}]
            elif match[2] == "versions":
                body = [{"id": f"v-{key}", "name": "1.0"}]
            return Reply(body=json.dumps(body).encode())

        jira.before = before
        found = connector(server, projects=("PAY", "OPS")).catalogue()
        assert [one.key for one in found.projects] == ["PAY", "OPS"]
        (problem,) = found.problems
        assert problem.subject == "PAY"
        assert f"its {part} cannot be read" in problem.what
        statuses = {one.status_id for one in found.statuses}
        versions = {one.milestone_id for one in found.milestones}
        assert statuses == {"src:s-OPS"} | ({"src:s-PAY"} if part != "statuses" else set())
        assert versions == {"src:version:v-OPS"} | ({"src:version:v-PAY"} if part != "versions" else set())

    @pytest.mark.parametrize("path", ["search/jql", "changelog/bulkfetch"])
    def test_new_tokens_without_end_and_nothing_new_end_the_reading(
        self, jira: FakeJira, server: ScriptedServer, path: str
    ) -> None:
        tokens = map(str, range(1000))

        def before(asked: str, query: dict[str, Any]) -> Reply | None:
            if not asked.endswith(path) or "updated >=" in query.get("jql", ""):
                return None
            found = jira.body(asked, query) if path == "search/jql" else {"issueChangeLogs": []}
            return Reply(body=json.dumps({**found, "isLast": False, "nextPageToken": next(tokens)}).encode())

        jira.before = before
        with pytest.raises(TrackerError, match=f"{path}: the server repeats"):
            list(connector(server).pages(PROJECT, None))
        assert 10 <= sum(one.endswith(path) for one in jira.paths) <= 25

    def test_the_moments_of_all_issues_are_asked_for_within_five_days(
        self, jira: FakeJira, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cloud, "MOMENTS_PER_FETCH", 4)
        every = {f"src:{one['id']}": values.moment(one["fields"]["updated"]) for one in jira.issues}
        seen: dict[str, Any] = {}
        for day in range(1, 6):
            told = {"deploymentType": "Cloud", "serverTime": f"2026-03-0{day}T10:00:00.000+0000"}
            jira.before = lambda path, query, told=told: (
                Reply(body=json.dumps(told).encode()) if path.endswith("serverInfo") else None
            )
            jira.paths.clear()
            census = connector(server).census(PROJECT, sweep=True)
            assert census.issue_ids == every.keys()
            assert len(census.changed_at) == 9
            assert sum(path.endswith("bulkfetch") for path in jira.paths) == 3
            assert not seen.keys() & census.changed_at.keys()
            seen |= census.changed_at
        assert seen == every

    def test_a_server_that_refuses_a_thousand_at_once_tells_the_ids_all_the_same(
        self, jira: FakeJira, server: ScriptedServer
    ) -> None:
        jira.before = lambda path, query: Reply(400) if path.endswith("bulkfetch") else None
        census = connector(server).census(PROJECT, sweep=True)
        assert (len(census.issue_ids or ()), census.changed_at) == (45, {})

    def test_a_killed_pass_goes_on_behind_the_last_id(self, jira: FakeJira, server: ScriptedServer) -> None:
        pages = connector(server).pages(PROJECT, None)
        first = next(pages)
        pages.close()
        jira.issues = jira.issues[3:]
        rest = list(connector(server).pages(PROJECT, first.cursor))
        assert keys(rest) == [f"PAY-{number}" for number in range(11, 46)]

    def test_requests_are_few(self, jira: FakeJira, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cloud, "ISSUES_PER_FETCH", 100)
        monkeypatch.setattr(cloud, "HISTORIES_PER_FETCH", 1000)
        jira.issues = [issue(number) for number in range(1, 1501)]
        list(connector(server).pages(PROJECT, None))
        assert sum(path.endswith("issue/bulkfetch") for path in jira.paths) == 15
        assert sum(path.endswith("changelog/bulkfetch") for path in jira.paths) == 2
        assert sum(path.endswith("search/jql") for path in jira.paths) == 2, "the sweep and a probe"


def test_no_type_is_met_by_two_threads_first() -> None:
    """``msgspec.json.decode(..., type=X)`` crashes the process when two threads are the first to name ``X``: decoders
    are made at import instead. The crash came in 3 of 100 runs, so its cause is forbidden, not its effect tested.
    """
    for module in (assemble, bulk, cloud, data_center, fetch, jira_client):
        assert "json.decode(" not in inspect.getsource(module), module.__name__


def test_a_source_without_an_address_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="url"):
        connect(SourceConfig("src", "jira", None, None, (), {}, {}, (), None, 0.2), Network(QuickClock()))


@pytest.mark.parametrize("decoder", [wire.SEARCH_PAGE, wire.ID_PAGE, wire.BULK_PAGE])
def test_an_empty_object_is_no_empty_page(decoder: msgspec.json.Decoder[Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decoder.decode(b"{}")
