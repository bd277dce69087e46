"""The simulated GitLab answers as GitLab does: access, lists, histories, and what it does with the text of a note."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gitlab as python_gitlab
import pytest
import requests

from pmo_sync.demo.servers import gitlab
from pmo_sync.demo.servers.gitlab_text import Command, mentions, quick_actions
from tests.demo.gitlab_api import PROJECT, Api
from tests.demo.small import NOW, SHOP, at, item, small_company


@pytest.fixture
def server() -> Iterator[gitlab.GitLab]:
    made = gitlab.make(small_company())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def reader(server: gitlab.GitLab) -> Api:
    return Api(server, gitlab.READER_TOKEN)


@pytest.fixture
def publisher(server: gitlab.GitLab) -> Api:
    return Api(server, gitlab.PUBLISHER_TOKEN)


# access


def test_wrong_token(server: gitlab.GitLab) -> None:
    answer = Api(server, "nonsense").get("/version")
    assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


def test_bearer_is_as_good_as_private_token(server: gitlab.GitLab) -> None:
    headers = {"Authorization": f"Bearer {gitlab.READER_TOKEN}"}
    answer = requests.get(f"{server.url}/api/v4/user", headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["username"]) == (200, "pmo-reader")


def test_token_tells_scope_and_expiry(reader: Api, publisher: Api) -> None:
    assert reader.rows("/personal_access_tokens/self")["scopes"] == ["read_api"]
    assert publisher.rows("/personal_access_tokens/self") == publisher.rows("/personal_access_tokens/self") | {
        "scopes": ["api"],
        "expires_at": "2027-06-04",
    }


def test_reader_may_not_write(server: gitlab.GitLab, reader: Api) -> None:
    answer = reader.send("POST", f"{PROJECT}/issues/1/notes", {"body": "hello"})
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert server.notes.all() == []


# what there is


def test_projects_by_id_and_path(reader: Api) -> None:
    assert [one["path_with_namespace"] for one in reader.rows("/projects")] == ["acme/tools", SHOP]
    assert reader.rows("/projects/acme%2Fapps%2Fshop") == reader.rows(PROJECT)
    assert reader.get("/projects/acme%2Fnowhere").json() == {"message": "404 Project Not Found"}
    assert [one["id"] for one in reader.rows("/groups/acme/projects")] == [72]
    assert [one["id"] for one in reader.rows("/groups/acme/projects", include_subgroups="true")] == [72, 71]


def test_lists_are_cut_and_linked(reader: Api) -> None:
    first = reader.get("/groups/acme/issues", per_page=2, order_by="updated_at", sort="asc", since="ignored")
    assert len(first.json()) == 2
    assert {name: first.headers[name] for name in ("x-total", "x-total-pages", "x-next-page", "x-page")} == {
        "x-total": "6", "x-total-pages": "3", "x-next-page": "2", "x-page": "1",
    }  # fmt: skip
    seen, url = [], first.links["next"]["url"]
    assert url.startswith(reader.base)
    while url:
        page = requests.get(url, headers=reader.headers, timeout=10)
        seen += page.json()
        url = page.links.get("next", {}).get("url")
    together = [*first.json(), *seen]
    assert len({one["id"] for one in together}) == 6
    assert [one["updated_at"] for one in together] == sorted(one["updated_at"] for one in together)


def test_per_page_is_at_most_100_and_20_by_default(server: gitlab.GitLab, reader: Api) -> None:
    company = server.shapes.company
    company.items += [item(number, created=at(2, 10)) for number in range(100, 230)]
    assert len(reader.rows(f"{PROJECT}/issues", per_page=1000)) == 100
    assert len(reader.rows(f"{PROJECT}/issues")) == 20
    assert reader.get(f"{PROJECT}/issues", per_page=0).status_code == 400


def test_totals_vanish_beyond_ten_thousand(server: gitlab.GitLab, reader: Api) -> None:
    server.shapes.company.items += [item(number, created=at(2, 10)) for number in range(100, 10_100)]
    headers = reader.get(f"{PROJECT}/issues", per_page=1).headers
    assert "x-total" not in headers
    assert 'rel="next"' in headers["Link"]
    assert 'rel="last"' not in headers["Link"]


def test_filters(reader: Api) -> None:
    def iids(**params: Any) -> list[int]:
        return [one["iid"] for one in reader.rows(f"{PROJECT}/issues", sort="asc", order_by="created_at", **params)]

    assert iids() == [1, 2, 3, 4, 6]  # one is deleted, one not yet there
    assert iids(state="closed") == [2, 6]
    assert iids(state="opened") == [1, 3, 4]
    assert iids(**{"iids[]": [3, 4]}) == [3, 4]
    assert iids(labels="workflow::doing") == [1]
    assert iids(confidential="true") == [4]
    assert iids(scope="created_by_me") == []
    assert iids(nonsense="x") == [1, 2, 3, 4, 6]
    last = reader.rows(f"{PROJECT}/issues/2")["updated_at"]
    assert iids(updated_after=last) == [1, 2]  # inclusive
    assert iids(updated_before=at(12).isoformat().replace("+00:00", "Z")) == [3, 4]
    assert reader.get(f"{PROJECT}/issues", updated_after="yesterday").json() == {"error": "updated_after is invalid"}
    assert reader.get(f"{PROJECT}/issues", state="done").status_code == 400
    assert iids(issue_type="issue") == [1, 2, 3, 6]
    assert iids(issue_type="task") == []
    assert reader.get(f"{PROJECT}/issues", issue_type="epic").status_code == 400
    refused = reader.get(f"{PROJECT}/issues", assignee_id=1, assignee_username="x")
    assert (refused.status_code, "mutually exclusive" in refused.text) == (400, True)


def test_statistics_count_what_the_list_lists(reader: Api) -> None:
    def counts(path: str, **params: Any) -> Any:
        return reader.rows(f"{path}/issues_statistics", **params)["statistics"]["counts"]

    assert counts(PROJECT) == {"all": 5, "closed": 2, "opened": 3}
    assert counts("/groups/acme") == {"all": 6, "closed": 2, "opened": 4}
    assert counts(PROJECT, confidential="true") == {"all": 1, "closed": 0, "opened": 1}
    assert counts(PROJECT, issue_type="task") == counts(PROJECT)


def test_deleted_and_future_issues_are_not_there(reader: Api) -> None:
    assert reader.get(f"{PROJECT}/issues/5").status_code == 404
    assert reader.get(f"{PROJECT}/issues/7").status_code == 404


def test_time_passes(server: gitlab.GitLab, reader: Api) -> None:
    company = server.shapes.company
    assert reader.rows(f"{PROJECT}/issues/1")["state"] == "opened"
    company.now = at(95)
    assert reader.rows(f"{PROJECT}/issues/1")["state"] == "closed"
    assert reader.get(f"{PROJECT}/issues/7").status_code == 200


# an issue and its history


def test_an_issue_shows_its_present(reader: Api) -> None:
    shown = reader.rows(f"{PROJECT}/issues/1")
    assert shown["labels"] == ["workflow::doing"]
    assert shown["milestone"]["title"] == "Beta"
    assert shown["milestone"]["due_date"] == "2026-12-15"  # moved on the 20th
    assert [one["username"] for one in shown["assignees"]] == ["budi"]
    assert shown["due_date"] == "2026-11-20"
    assert shown["closed_at"] is None
    assert shown["references"]["full"] == "acme/apps/shop#1"
    assert shown["web_url"].endswith("/acme/apps/shop/-/issues/1")
    assert "weight" not in shown


def test_the_status_may_be_the_workflow_label(server: gitlab.GitLab, reader: Api) -> None:
    shown = reader.rows(f"{PROJECT}/issues/2")
    assert (shown["state"], shown["labels"], shown["closed_at"]) == ("closed", [], "2026-10-12T09:00:00.000Z")
    assert (shown["weight"], shown["health_status"], shown["blocking_issues_count"]) == (3, "at_risk", 1)
    events = [
        (one["created_at"][:10], one["action"], one["label"]["name"])
        for one in reader.rows(f"{PROJECT}/issues/2/resource_label_events")
    ]
    assert events == [
        ("2026-10-02", "add", "workflow::ready"),
        ("2026-10-04", "remove", "workflow::ready"),
        ("2026-10-04", "add", "workflow::doing"),
        ("2026-10-12", "remove", "workflow::doing"),
    ]
    server.shapes.company.now = at(5)
    assert reader.rows(f"{PROJECT}/issues/2")["labels"] == ["workflow::doing"]


def test_state_events_tell_closing_and_reopening_only(reader: Api) -> None:
    events = reader.rows(f"{PROJECT}/issues/1/resource_state_events")
    assert [(one["state"], one["created_at"][:10]) for one in events] == [
        ("closed", "2026-10-05"),
        ("reopened", "2026-10-06"),
    ]
    assert {one["resource_id"] for one in events} == {1001}
    assert [one["state"] for one in reader.rows(f"{PROJECT}/issues/2/resource_state_events")] == ["closed"]
    assert reader.rows(f"{PROJECT}/issues/4/resource_state_events") == []


def test_a_changed_milestone_logs_the_new_one_only(reader: Api) -> None:
    def events(number: int) -> list[tuple[str, str]]:
        found = reader.rows(f"{PROJECT}/issues/{number}/resource_milestone_events")
        return [(one["action"], one["milestone"]["title"]) for one in found]

    assert events(1) == [("add", "Alpha"), ("add", "Beta")]
    assert events(3) == [("add", "Train"), ("remove", "Train")]


def test_event_ids_are_unique_and_stay(server: gitlab.GitLab, reader: Api) -> None:
    before = reader.rows(f"{PROJECT}/issues/1/resource_state_events")
    server.shapes.company.now = at(95)
    after = reader.rows(f"{PROJECT}/issues/1/resource_state_events")
    assert after[: len(before)] == before
    assert len({one["id"] for one in after}) == 3


def test_a_deleted_label_is_null_in_events(server: gitlab.GitLab, reader: Api) -> None:
    server.delete_label(SHOP, "workflow::doing")
    events = reader.rows(f"{PROJECT}/issues/1/resource_label_events")
    assert [event["label"] and event["label"]["name"] for event in events] == ["backend", None, "backend"]
    assert reader.rows(f"{PROJECT}/issues/1")["labels"] == []
    assert "workflow::doing" not in [one["name"] for one in reader.rows(f"{PROJECT}/labels")]


def test_labels_in_detail(reader: Api) -> None:
    listed = {one["name"]: one["id"] for one in reader.rows(f"{PROJECT}/labels")}
    assert set(listed) == {"backend", "workflow::doing", "workflow::odd", "workflow::ready"}
    (shown,) = reader.rows(f"{PROJECT}/issues", with_labels_details="true", **{"iids[]": 1})
    assert [(one["name"], one["id"]) for one in shown["labels"]] == [("workflow::doing", listed["workflow::doing"])]


def test_paid_events_are_refused(reader: Api) -> None:
    assert reader.get(f"{PROJECT}/issues/1/resource_weight_events").status_code == 403
    assert reader.get(f"{PROJECT}/issues/1/resource_iteration_events").status_code == 404


def test_links_are_seen_from_both_ends_and_touch_them(reader: Api) -> None:
    (blocked,) = reader.rows(f"{PROJECT}/issues/1/links")
    (blocking,) = reader.rows(f"{PROJECT}/issues/2/links")
    assert (blocked["link_type"], blocked["id"]) == ("is_blocked_by", 1002)
    assert (blocking["link_type"], blocking["id"]) == ("blocks", 1001)
    assert blocked["link_created_at"] == "2026-10-14T09:00:00.000Z"
    assert reader.rows(f"{PROJECT}/issues/1")["updated_at"] == "2026-10-14T09:00:00.000Z"
    assert reader.rows(f"{PROJECT}/issues/3/links") == []  # a link to another tracker is not GitLab's
    assert reader.rows("/projects/72/issues/1/links") == []  # the other end is deleted


def test_moved_issues_point_to_their_successor(reader: Api) -> None:
    shown = reader.rows(f"{PROJECT}/issues/6")
    assert (shown["state"], shown["moved_to_id"]) == ("closed", 2001)


def test_milestones_of_projects_and_groups(reader: Api) -> None:
    assert [one["title"] for one in reader.rows(f"{PROJECT}/milestones")] == ["Beta", "Alpha"]
    above = reader.rows(f"{PROJECT}/milestones", include_ancestors="true")
    assert [one["title"] for one in above] == ["Beta", "Alpha", "Train"]
    both = {"include_ancestors": "true", "include_parent_milestones": "true"}
    assert reader.get(f"{PROJECT}/milestones", **both).status_code == 400
    (train,) = reader.rows("/groups/acme/milestones")
    assert ("project_id" in train, train["group_id"] > 0, train["state"]) == (False, True, "active")
    assert [one["expired"] for one in reader.rows(f"{PROJECT}/milestones")] == [False, True]
    assert [one["title"] for one in reader.rows(f"{PROJECT}/milestones", **{"iids[]": 1})] == ["Alpha"]


# notes


def test_a_note_is_kept_and_edited_in_place(server: gitlab.GitLab, publisher: Api) -> None:
    made = publisher.send("POST", f"{PROJECT}/issues/3/notes", {"body": "Week 46", "internal": True})
    assert made.status_code == 201
    note = made.json()
    assert (note["body"], note["internal"], note["author"]["username"], note["system"]) == (
        "Week 46", True, "pmo-publisher", False,
    )  # fmt: skip
    path = f"{PROJECT}/issues/3/notes/{note['id']}"
    assert publisher.send("PUT", path, {"body": "Week 47"}).json()["body"] == "Week 47"
    assert publisher.rows(path)["body"] == "Week 47"
    assert [one.body for one in server.notes.all()] == ["Week 47"]
    issue = publisher.rows(f"{PROJECT}/issues/3")
    assert (issue["user_notes_count"], issue["updated_at"]) == (1, NOW.isoformat().replace("+00:00", ".000Z"))
    assert publisher.send("DELETE", path).status_code == 204
    assert publisher.get(path).status_code == 404


def test_nobody_edits_the_notes_of_others(server: gitlab.GitLab, publisher: Api) -> None:
    note = server.notes.comment_as_human("acme/apps/shop#3", "mine")
    assert publisher.send("PUT", f"{PROJECT}/issues/3/notes/{note.id}", {"body": "ours"}).status_code == 403
    server.notes.edit_as_human(note.id, str.upper)
    assert publisher.rows(f"{PROJECT}/issues/3/notes/{note.id}")["body"] == "MINE"


def test_notes_mix_with_what_only_sentences_tell(server: gitlab.GitLab, publisher: Api) -> None:
    server.notes.comment_as_human("acme/apps/shop#1", "hello")
    bodies = [one["body"] for one in publisher.rows(f"{PROJECT}/issues/1/notes", sort="asc")]
    assert bodies == ["assigned to @budi and unassigned @siti", "changed due date to 2026-11-20", "hello"]
    only = publisher.rows(f"{PROJECT}/issues/1/notes", activity_filter="only_comments")
    assert [one["body"] for one in only] == ["hello"]


@pytest.mark.parametrize("body", ["", "   ", None, "nul \x00", "x" * 1_048_577])
def test_bad_notes_are_refused(server: gitlab.GitLab, publisher: Api, body: str | None) -> None:
    assert publisher.send("POST", f"{PROJECT}/issues/3/notes", {"body": body}).status_code == 400
    assert server.notes.all() == []


def test_a_quick_action_is_executed_and_taken_out(server: gitlab.GitLab, publisher: Api) -> None:
    body = 'Summary\n/close\n/label ~"needs help" ~bug\nEnd'
    note = publisher.send("POST", f"{PROJECT}/issues/3/notes", {"body": body}).json()
    assert note["body"] == "Summary\nEnd"
    assert server.executed == [
        ("acme/apps/shop#3", Command("close", "")),
        ("acme/apps/shop#3", Command("label", '~"needs help" ~bug')),
    ]
    issue = publisher.rows(f"{PROJECT}/issues/3")
    assert (issue["state"], issue["labels"]) == ("closed", ["bug", "needs help"])
    only = publisher.send("POST", f"{PROJECT}/issues/3/notes", {"body": "/reopen"})
    assert (only.status_code, only.json()["commands_changes"]) == (202, {"reopen": ""})
    assert publisher.rows(f"{PROJECT}/issues/3")["state"] == "opened"
    assert len(server.notes.all()) == 1
    truth = next(one for one in server.shapes.company.items if one.id == 1003)
    assert truth.value("status", NOW) == "opened"  # the company stays what is true
    assert len(truth.events) == 2


def test_editing_a_note_executes_too(server: gitlab.GitLab, publisher: Api) -> None:
    note = publisher.send("POST", f"{PROJECT}/issues/3/notes", {"body": "calm"}).json()
    path = f"{PROJECT}/issues/3/notes/{note['id']}"
    publisher.send("PUT", path, {"body": "calm\n/close"})
    assert publisher.rows(f"{PROJECT}/issues/3")["state"] == "closed"
    assert publisher.send("PUT", path, {"body": "/reopen"}).status_code == 202
    assert server.notes.all() == []


@pytest.mark.parametrize(
    "harmless",
    ["`/close`", "a /close b", "\\/close", "```\n/close\n```", "~~~ text\n/close\n~~~", "| /close |", "/nothing", " /close",
     "`x\n/close`"],
)  # fmt: skip
def test_what_is_not_a_quick_action(harmless: str) -> None:
    assert quick_actions(harmless) == (harmless, [])


@pytest.mark.parametrize("harmful", ["/close", "x\n/CLOSE", "``\n/close", "```\nx\n```\n/close", "x\r\n/close\r\ny"])
def test_what_is_a_quick_action(harmful: str) -> None:
    assert quick_actions(harmful)[1] == [Command("close", "")]


def test_mentions_are_heard(server: gitlab.GitLab, publisher: Api) -> None:
    publisher.send("POST", f"{PROJECT}/issues/3/notes", {"body": "ask @all and `@siti`"})
    assert server.mentions == [("acme/apps/shop#3", "all")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@all", ["all"]),
        ("(@siti, @acme/apps)", ["siti", "acme/apps"]),
        ("&#64;all", ["all"]),
        ("\\@all", []),
        ("siti@example.org", []),
        ("`@all`", []),
        ("`` a ` @all ``", []),
        ("```\n@all\n```", []),
        ("<!-- @all -->", []),
        ("@\u200ball", []),
        ("`open @all", ["all"]),
    ],
)
def test_who_is_mentioned(text: str, names: list[str]) -> None:
    assert mentions(text) == names


# wikis, and a client that is not ours


def test_wiki_pages(server: gitlab.GitLab, publisher: Api) -> None:
    made = publisher.send("POST", f"{PROJECT}/wikis", {"title": "Monday page", "content": "# One"})
    assert (made.status_code, made.json()["slug"]) == (201, "Monday-page")
    again = publisher.send("POST", f"{PROJECT}/wikis", {"title": "Monday page", "content": "# Two"})
    assert again.status_code == 422
    path = f"{PROJECT}/wikis/Monday-page"
    assert publisher.send("PUT", path, {"content": "# Two"}).json()["content"] == "# Two"
    assert publisher.rows(f"{PROJECT}/wikis") == [{"format": "markdown", "slug": "Monday-page", "title": "Monday page"}]
    assert server.wikis.of(SHOP)["Monday-page"].commits == 2
    assert publisher.send("DELETE", path).status_code == 204
    assert publisher.get(path).status_code == 404


def test_python_gitlab_understands_it(server: gitlab.GitLab) -> None:
    client = python_gitlab.Gitlab(server.url, private_token=gitlab.PUBLISHER_TOKEN)
    client.auth()
    project = client.projects.get(SHOP)
    issues = project.issues.list(iterator=True, per_page=2, order_by="updated_at", sort="asc")
    assert sorted(one.iid for one in issues) == [1, 2, 3, 4, 6]
    issue = project.issues.get(1)
    assert [one.state for one in issue.resourcestateevents.list(get_all=True)] == ["closed", "reopened"]
    assert [one.link_type for one in issue.links.list(get_all=True)] == ["is_blocked_by"]
    note = issue.notes.create({"body": "from a client"})
    note.body = "changed"
    note.save()
    assert [one.body for one in server.notes.all()] == ["changed"]
    assert client.issues_statistics.get(scope="all").statistics["counts"]["all"] == 6
    client.session.close()
