"""The simulated GitLab held against GitLab's own description and against recorded answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pmo_sync.demo.servers import gitlab
from tests.demo import specs
from tests.demo.gitlab_api import PROJECT, Api
from tests.demo.small import small_company

# GitLab's generated description marks nothing as nullable; all of these were null in the recorded accounts
NULLS = {
    "_links.closed_as_duplicate_of", "assignee", "avatar_url", "closed_at", "closed_by", "description",
    "discussion_locked", "due_date", "kas.externalUrl", "kas.version", "milestone", "moved_to_id", "namespace.parent_id",
    "parent_id", "permissions.group_access", "service_desk_reply_to", "time_stats.human_time_estimate",
    "time_stats.human_total_time_spent",
}  # fmt: skip
# it describes as strings (or as one object) what the recorded accounts answered as these types
TYPES = {
    "assignees": "array", "blocking_issues_count": "integer", "downvotes": "integer", "has_tasks": "boolean",
    "id": "integer",  # a group's
    "imported": "boolean", "issue_link_id": "integer", "merge_requests_count": "integer", "milestone.expired": "boolean",
    "milestone.id": "integer", "milestone.iid": "integer", "milestone.project_id": "integer", "moved_to_id": "integer",
    "project_access.access_level": "integer", "project_access.notification_level": "integer", "subscribed": "boolean",
    "task_completion_status": "object", "upvotes": "integer", "user_notes_count": "integer", "weight": "integer",
}  # fmt: skip
# lists are described with fewer members than an authenticated request gets
UNLISTED = {
    "_links", "archived", "issues_access_level", "issues_enabled", "open_issues_count", "permissions",
    "wiki_access_level", "wiki_enabled",
}  # fmt: skip
DESCRIBED = [
    ("/version", "/version"),
    ("/personal_access_tokens/self", "/personal_access_tokens/self"),
    ("/projects", "/projects"),
    ("/projects/{id}", PROJECT),
    ("/groups/{id}", "/groups/acme"),
    ("/groups/{id}/projects", "/groups/acme%2Fapps/projects"),
    ("/groups/{id}/issues", "/groups/acme/issues"),
    ("/issues", "/issues?scope=all"),
    ("/projects/{id}/issues", f"{PROJECT}/issues"),
    ("/projects/{id}/issues/{issue_iid}", f"{PROJECT}/issues/2"),
    ("/projects/{id}/issues/{issue_iid}/links", f"{PROJECT}/issues/1/links"),
    ("/projects/{id}/issues/{eventable_id}/resource_milestone_events", f"{PROJECT}/issues/1/resource_milestone_events"),
    ("/projects/{id}/wikis", f"{PROJECT}/wikis"),
    ("/projects/{id}/wikis/{slug}", f"{PROJECT}/wikis/Monday-page"),
]


@pytest.fixture
def publisher() -> Iterator[Api]:
    server = gitlab.make(small_company())
    server.start()
    yield Api(server, gitlab.PUBLISHER_TOKEN)
    server.stop()


def _deviation(problem: str) -> str:
    """``*.author.avatar_url: is null`` -> ``avatar_url is null``: the member, with its owner where that matters."""
    path, _, what = problem.partition(": ")
    names = [name for name in path.split(".") if name != "*"]
    owned = ".".join(names[-2:])
    known = owned if owned in NULLS | set(TYPES) else names[-1]
    return f"{known} {what}"


@pytest.mark.real
def test_answers_fit_gitlabs_description(data_dir: Path, publisher: Api) -> None:
    spec = specs.load(data_dir, "gitlab")
    publisher.send("POST", f"{PROJECT}/wikis", {"title": "Monday page", "content": "# One"})
    found = set()
    for template, path in DESCRIBED:
        found |= specs.problems(spec, "GET", f"/api/v4{template}", 200, publisher.rows(path))
    expected = {f"{name} is null" for name in NULLS} | {f"{name} is {kind}" for name, kind in TYPES.items()}
    assert {_deviation(problem) for problem in found} == expected | {f"{name} unlisted" for name in UNLISTED}


@pytest.mark.real
def test_answers_have_the_recorded_members(data_dir: Path, publisher: Api) -> None:
    """Every member an account of gitlab.com answered, in the same JSON type, where the description is silent too."""
    recorded: dict[str, dict[str, Any]] = {}
    for line in (data_dir / "airbyte" / "source-gitlab.expected_records.jsonl").read_text().splitlines():
        record = json.loads(line)
        for name, value in record["data"].items():
            if value is not None:
                recorded.setdefault(record["stream"], {}).setdefault(name, value)
    ours = {
        "issues": publisher.rows(f"{PROJECT}/issues"),
        "project_milestones": publisher.rows(f"{PROJECT}/milestones"),
        "group_milestones": publisher.rows("/groups/acme/milestones"),
        "project_labels": publisher.rows(f"{PROJECT}/labels"),
    }
    added = {"author_id", "assignee_id", "closed_by_id", "milestone_id", "project_id", "group_id"}  # by the recorder
    for stream, rows in ours.items():
        shown: dict[str, Any] = {}
        for row in rows:
            shown |= {name: value for name, value in row.items() if value is not None or name not in shown}
        for name, value in recorded[stream].items():
            if name in added:
                continue
            assert name in shown, (stream, name)
            assert shown[name] is None or type(shown[name]) is type(value), (stream, name)


@pytest.mark.real
def test_events_and_notes_have_the_recorded_members(data_dir: Path, publisher: Api) -> None:
    note = publisher.send("POST", f"{PROJECT}/issues/3/notes", {"body": "Week 46"}).json()
    ours = {
        "issue_resource_state_events": publisher.rows(f"{PROJECT}/issues/1/resource_state_events"),
        "resource_label_events": publisher.rows(f"{PROJECT}/issues/1/resource_label_events"),
        "notes": [note],
    }
    for name, rows in ours.items():
        recorded = json.loads((data_dir / "ruby-gitlab" / f"{name}.json").read_text())[0]
        assert set(recorded) <= set(rows[0]), name
        for member in ("label", "user"):
            if member in recorded:
                assert set(recorded[member]) <= set(rows[0][member]), (name, member)
