"""What every connector owes, as tests: subclass ``ConnectorContract`` and give it a ``harness`` fixture.

A connector that talks to a server subclasses ``ServerConnectorContract``. Expected values come from the harness, which
knows the truth behind the tracker, never from the connector. ``test_broken_connectors.py`` proves that each test can
fail: it holds one deliberately broken twin per test.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

import pytest

from connectors.base import Connector
from pmo_sync.errors import AccessError, TrackerError
from pmo_sync.model import SET_FIELDS, SINGLE_FIELDS, Interval, Issue, Page, Project, Trace
from tests.contract.harness import Harness, ServerHarness, Stored

LOOK_BACK = timedelta(hours=25)  # an incremental pass may repeat this much
ALWAYS = ("status", "kind", "project")  # every issue has these at every moment
OF_ISSUES = ("parent", "blocks", "blocked_by", "relates")


def project_of(connector: Connector, harness: Harness) -> Project:
    """The harness's project as the catalogue shows it."""
    return next(one for one in connector.catalogue().projects if one.key == harness.project_key)


def full(harness: Harness) -> list[Page]:
    """A full pass by a new connector."""
    connector = harness.connect()
    return list(connector.pages(project_of(connector, harness), None))


class ConnectorContract:
    """The obligations of ``connectors/base.py``."""

    def test_ids_start_with_the_source(self, harness: Harness) -> None:
        prefix = f"{harness.source}:"
        catalogue = harness.connect().catalogue()
        ids = [one.project_id for one in catalogue.projects]
        ids += [one.milestone_id for one in catalogue.milestones]
        ids += [one.status_id for one in catalogue.statuses]
        for page in full(harness):
            ids += [one.issue_id for one in page.issues] + [one.project_id for one in page.issues]
            ids += [one.person_id for one in page.people]
            for one in page.intervals:
                if one.field in ("status", "assignee", "parent", "project", "milestone"):
                    ids.append(one.value)
                if one.field in OF_ISSUES and not one.value.startswith(("http://", "https://")):
                    ids.append(one.value)
        assert ids
        assert [one for one in ids if not one.startswith(prefix)] == []

    def test_a_full_pass_brings_every_issue_once(self, harness: Harness) -> None:
        pages = full(harness)
        counted = Counter(issue.issue_id for page in pages for issue in page.issues)
        assert set(counted) == harness.issue_ids()
        assert [one for one, times in counted.items() if times > 1] == []

    def test_pages_are_whole(self, harness: Harness) -> None:
        for page in full(harness):
            here = {issue.issue_id for issue in page.issues}
            assert {one.entity_id for one in page.intervals} <= here
            for name in ALWAYS:
                assert {one.entity_id for one in page.intervals if one.field == name} == here, name

    def test_single_values_do_not_overlap_and_the_last_holds(self, harness: Harness) -> None:
        seen = 0
        for issue, intervals in stored_intervals(harness):
            for name in SINGLE_FIELDS:
                own = sorted((one for one in intervals if one.field == name), key=lambda one: one.since)
                for earlier, later in pairwise(own):
                    seen += 1
                    assert earlier.until is not None, (issue.key, name)
                    assert earlier.until <= later.since, (issue.key, name)
                    assert name not in ALWAYS or earlier.until == later.since, (issue.key, name)
                if name in ALWAYS:
                    assert own[-1].until is None, (issue.key, name)
        assert seen > 0, "the harness's issues never changed"

    def test_members_of_sets_do_not_overlap_themselves(self, harness: Harness) -> None:
        seen = 0
        for issue, intervals in stored_intervals(harness):
            members = {(one.field, one.value) for one in intervals if one.field in SET_FIELDS}
            seen += len(members)
            for name, value in members:
                own = sorted(
                    (one for one in intervals if (one.field, one.value) == (name, value)), key=lambda one: one.since
                )
                for earlier, later in pairwise(own):
                    assert earlier.until is not None, (issue.key, name, value)
                    assert earlier.until < later.since, (issue.key, name, value)
        assert seen > 0, "the harness's issues have no labels, milestones or links"

    def test_only_known_fields(self, harness: Harness) -> None:
        names = {one.field for page in full(harness) for one in page.intervals}
        assert names <= {*SINGLE_FIELDS, *SET_FIELDS}

    def test_times_are_aware_and_utc(self, harness: Harness) -> None:
        for page in full(harness):
            times = [one.created_at for one in page.issues] + [one.updated_at for one in page.issues]
            times += [one.since for one in page.intervals]
            times += [one.until for one in page.intervals if one.until is not None]
            assert [one for one in times if one.utcoffset() != timedelta(0)] == []

    def test_nothing_happens_before_creation_or_in_no_time(self, harness: Harness) -> None:
        for issue, intervals in stored_intervals(harness):
            assert issue.updated_at >= issue.created_at
            for one in intervals:
                assert one.since >= issue.created_at, (issue.key, one)
                assert one.until is None or one.until > one.since, (issue.key, one)

    def test_values_set_at_creation_start_there(self, harness: Harness) -> None:
        for issue, intervals in stored_intervals(harness):
            for name in ALWAYS:
                assert min(one.since for one in intervals if one.field == name) == issue.created_at, (issue.key, name)

    def test_storing_everything_twice_changes_nothing(self, harness: Harness) -> None:
        stored = Stored(full(harness))
        before = Stored(full(harness)).content()
        for page in full(harness):
            stored.add(page)
        assert stored.content() == before

    def test_a_pass_resumes_after_any_page(self, harness: Harness) -> None:
        connector = harness.connect()
        project = project_of(connector, harness)
        pages = list(connector.pages(project, None))
        whole = Stored(pages).content()
        assert len([page for page in pages if page.issues]) > 2, "the harness's project is too small to be cut"
        for cut in range(1, len(pages)):
            resumed = list(harness.connect().pages(project, pages[cut - 1].cursor))
            assert Stored([*pages[:cut], *resumed]).content() == whole, f"after page {cut}"
            again = {issue.issue_id for page in resumed for issue in page.issues}
            assert len(again) < len(whole[0]), f"after page {cut} everything was read again"

    def test_a_pass_that_resumes_knows_what_changed_behind_it(self, harness: Harness) -> None:
        connector = harness.connect()
        project = project_of(connector, harness)
        pages = list(connector.pages(project, None))
        cut = max(number for number, page in enumerate(pages) if page.issues)
        stored = Stored(pages[: cut + 1])
        assert harness.change() in stored.issues
        for page in harness.connect().pages(project, pages[cut].cursor):
            stored.add(page)
        assert stored.content() == Stored(full(harness)).content()

    def test_an_incremental_pass_finds_the_change_and_little_else(self, harness: Harness) -> None:
        connector = harness.connect()
        if not connector.traits.incremental:
            return
        project = project_of(connector, harness)
        started = harness.now()
        pages = list(connector.pages(project, None))
        stored = Stored(pages)
        changed = harness.change()
        news = list(harness.connect().pages(project, pages[-1].cursor))
        found = {issue.issue_id: issue for page in news for issue in page.issues}
        assert changed in found
        assert [one.key for one in found.values() if one.updated_at < started - LOOK_BACK] == []
        assert len(found) < len(stored.issues)
        for page in news:
            stored.add(page)
        assert stored.content() == Stored(full(harness)).content()

    def test_nothing_new_is_read_again_after_the_last_page(self, harness: Harness) -> None:
        connector = harness.connect()
        if not connector.traits.incremental:
            return
        project = project_of(connector, harness)
        started = harness.now()
        *_, last = connector.pages(project, None)
        again = [issue for page in harness.connect().pages(project, last.cursor) for issue in page.issues]
        assert [one.key for one in again if one.updated_at < started - LOOK_BACK] == []

    def test_a_cursor_made_from_a_moment_reads_what_changed_since(self, harness: Harness) -> None:
        connector = harness.connect()
        project = project_of(connector, harness)
        pages = list(connector.pages(project, None))
        issues = Stored(pages).issues
        moment = sorted(one.updated_at for one in issues.values())[len(issues) // 2]
        wanted = {key for key, one in issues.items() if one.updated_at >= moment}
        again = Stored(harness.connect().pages(project, connector.since(moment, pages[-1].cursor))).issues
        assert wanted <= set(again)
        if connector.traits.incremental:
            assert [one.key for one in again.values() if one.updated_at < moment - LOOK_BACK] == []

    def test_a_malformed_issue_is_a_problem_and_the_rest_is_kept(self, harness: Harness) -> None:
        before = harness.issue_ids()
        broken = harness.malform()
        pages = full(harness)
        kept = {issue.issue_id for page in pages for issue in page.issues}
        problems = [problem for page in pages for problem in page.problems]
        assert kept == before - {broken}
        assert len(problems) == 1
        assert problems[0].subject
        assert problems[0].what
        assert "\n" not in problems[0].what

    def test_what_is_private_stays_at_the_tracker(self, harness: Harness) -> None:
        connector = harness.connect()
        found = repr((connector.catalogue(), full(harness)))
        assert harness.hidden
        assert [text for text in harness.hidden if text in found] == []

    def test_no_nul_reaches_the_store(self, harness: Harness) -> None:
        found = repr((harness.connect().catalogue(), full(harness)))
        assert "\\x00" not in found

    def test_the_census_agrees(self, harness: Harness) -> None:
        connector = harness.connect()
        project = project_of(connector, harness)
        counted = connector.census(project, sweep=False)
        swept = connector.census(project, sweep=True)
        assert counted.project_id == swept.project_id == project.project_id
        assert (counted.count is not None) == connector.traits.counts
        assert counted.count in (None, len(harness.issue_ids()))
        assert swept.issue_ids == harness.issue_ids()
        assert swept.count in (None, len(harness.issue_ids()))

    def test_the_list_tells_of_no_other_change_than_the_issue(self, harness: Harness) -> None:
        """Where it tells: a later one would have everything read again."""
        connector = harness.connect()
        told = connector.census(project_of(connector, harness), sweep=True).changed_at
        read = {one.issue_id: one.updated_at for page in full(harness) for one in page.issues}
        assert set(told) <= set(read)
        assert [one for one, at in told.items() if abs(at - read[one]) > timedelta(seconds=1)] == []

    def test_what_a_sweep_missed_is_traced(self, harness: Harness) -> None:
        project = project_of(harness.connect(), harness)
        moved, deleted, late = harness.move(), harness.delete(), harness.lag()
        expected = {Trace(deleted, "gone")}
        expected |= {Trace(moved[0], "moved", moved[1])} if moved else set()
        expected |= {Trace(late, "here")} if late else set()
        missed = {one.issue_id for one in expected}
        connector = harness.connect()
        swept = connector.census(project, sweep=True).issue_ids
        assert swept is not None
        assert swept == harness.issue_ids() - missed
        traces = list(connector.trace(project, sorted(missed)))
        assert {one._replace(where=one.where if one.fate == "moved" else "") for one in traces} == expected
        assert len(traces) == len(expected)
        assert list(connector.trace(project, [])) == []

    def test_closing_ends_what_is_under_way(self, harness: Harness) -> None:
        connector = harness.connect()
        project = project_of(connector, harness)
        pages = connector.pages(project, None)
        next(pages)
        for _ in range(2):  # from another thread, and twice
            closing = threading.Thread(target=connector.close)
            closing.start()
            closing.join()
        with pytest.raises(TrackerError):
            list(pages)


class ServerConnectorContract(ConnectorContract):
    """And those of connectors that talk to a server."""

    def test_we_are_known(self, harness: ServerHarness) -> None:
        identity = harness.connect().check()
        assert identity.account
        assert identity.server

    def test_a_wrong_token_is_an_access_error(self, harness: ServerHarness) -> None:
        project = project_of(harness.connect(), harness)
        for ask in (
            lambda one: one.check(),
            lambda one: one.catalogue(),
            lambda one: list(one.pages(project, None)),
            lambda one: one.census(project, sweep=True),
            lambda one: list(one.trace(project, sorted(harness.issue_ids())[:1])),
        ):
            with pytest.raises(AccessError) as caught:
                ask(harness.connect_with_wrong_token())
            assert "\n" not in str(caught.value)

    def test_a_dead_server_is_a_tracker_error(self, harness: ServerHarness) -> None:
        project = project_of(harness.connect(), harness)
        for ask in (
            lambda one: one.check(),
            lambda one: one.catalogue(),
            lambda one: list(one.pages(project, None)),
            lambda one: one.census(project, sweep=False),
            lambda one: list(one.trace(project, sorted(harness.issue_ids())[:1])),
        ):
            with pytest.raises(TrackerError) as caught:
                ask(harness.connect_to_nobody())
            assert "\n" not in str(caught.value)

    def test_no_row_older_than_the_bound_is_taken(self, harness: ServerHarness) -> None:
        """Servers ignore what they do not know: then all would come again, at each pull, and pass for news."""
        connector = harness.connect()
        project = project_of(connector, harness)
        started = harness.now()
        *_, last = connector.pages(project, None)
        harness.ignore_bounds()
        taken: list[Issue] = []
        with suppress(TrackerError):
            for page in harness.connect().pages(project, last.cursor):
                taken += page.issues
        assert [one.key for one in taken if one.updated_at < started - LOOK_BACK] == []

    def test_requests_are_foretold(self, harness: ServerHarness) -> None:
        """Within a factor of three: the estimate turns into minutes that somebody decides by."""
        connector = harness.connect()
        project = project_of(connector, harness)
        before = harness.answered()
        list(connector.pages(project, None))
        connector.census(project, sweep=False)
        needed = harness.answered() - before
        foretold = connector.requests(len(harness.issue_ids()))
        assert needed / 3 <= foretold <= needed * 3, needed
        assert connector.requests(1_000_000) > 1000 * foretold


def stored_intervals(harness: Harness) -> list[tuple[Issue, list[Interval]]]:
    """Each issue of a full pass with its intervals."""
    stored = Stored(full(harness))
    assert stored.issues
    return [(issue, stored.intervals[key]) for key, issue in stored.issues.items()]
