"""The two Jira servers: what they refuse, how they page, and that their history leads back to the generator's truth."""

from __future__ import annotations

import base64
import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from pmo_sync.demo import truth
from pmo_sync.demo.portfolio import generate
from pmo_sync.demo.servers import jira_cloud, jira_dc
from pmo_sync.demo.servers.jira_wire import account_id, user_key
from tests.demo.jira import Jira, run

WEEK = timedelta(weeks=1)
CLOUD_FIELDS = jira_cloud.FLAVOUR
DC_FIELDS = jira_dc.FLAVOUR


def ids_of(jira: Jira, jql: str, page: int = 5000) -> list[str]:
    found: list[str] = []
    token = None
    while True:
        more = {} if token is None else {"nextPageToken": token}
        answer = jira.post("/rest/api/3/search/jql", jql=jql, fields=["id"], maxResults=page, **more)
        found += [one["id"] for one in answer["issues"]]
        token = answer.get("nextPageToken")
        assert answer["isLast"] == (token is None)
        if token is None:
            return found


def everything_of_cloud(jira: Jira) -> dict[str, Any]:
    """Key -> issue with all fields and its whole changelog, the way the reference says to read Cloud."""
    ids = [
        one
        for project in jira.get("/rest/api/3/project/search")["values"]
        for one in ids_of(jira, f"project = {project['id']}")
    ]
    issues: dict[str, Any] = {}
    for start in range(0, len(ids), 100):
        asked = {"issueIdsOrKeys": ids[start : start + 100], "fields": ["*all", "-description"]}
        issues |= {
            one["id"]: one | {"histories": []} for one in jira.post("/rest/api/3/issue/bulkfetch", **asked)["issues"]
        }
    token = None
    while True:
        more = {} if token is None else {"nextPageToken": token}
        answer = jira.post("/rest/api/3/changelog/bulkfetch", issueIdsOrKeys=ids, maxResults=333, **more)
        for log in answer["issueChangeLogs"]:
            issues[log["issueId"]]["histories"] += log["changeHistories"]
        token = answer.get("nextPageToken")
        if token is None:
            return {one["key"]: one for one in issues.values()}


def everything_of_center(jira: Jira) -> dict[str, Any]:
    issues: dict[str, Any] = {}
    for project in jira.get("/rest/api/2/project"):
        start = 0
        while True:
            asked = {"jql": f'project = "{project["key"]}" ORDER BY key', "startAt": start, "maxResults": 1000}
            answer = jira.get("/rest/api/2/search", expand="changelog", **asked)
            assert answer["maxResults"] == jira_dc.PAGE
            issues |= {one["key"]: one | {"histories": one["changelog"]["histories"]} for one in answer["issues"]}
            start += len(answer["issues"])
            if start >= answer["total"]:
                break
    return issues


def moment_of(text: str | int) -> datetime:
    if isinstance(text, int):
        return datetime.fromtimestamp(text / 1000, UTC)
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)


def rewind(issue: Any, at: datetime, is_cloud: bool) -> dict[str, Any]:
    """What the issue was at ``at``: its present, with the changelog undone."""
    fields, flavour = issue["fields"], CLOUD_FIELDS if is_cloud else DC_FIELDS
    sprints = fields[flavour.sprint] or []
    names = [one["name"] if is_cloud else re.search(r",name=(.*?),startDate=", one)[1] for one in sprints]  # type: ignore[index]
    person = fields["assignee"] or {}
    state: dict[str, Any] = {
        "status": fields["status"]["name"],
        "resolution": (fields["resolution"] or {}).get("name"),
        "issuetype": fields["issuetype"]["name"],
        "priority": (fields["priority"] or {}).get("name"),
        "assignee": person.get("accountId") or person.get("key"),
        "duedate": fields["duedate"],
        "Story Points": fields[flavour.points],
        "Flagged": "Impediment" if fields[flavour.flagged] else "",
        "labels": " ".join(fields["labels"]),
        "versions": {one["name"] for one in fields["fixVersions"]},
        "sprints": set(names),
        "parent": fields["parent"]["key"] if "parent" in fields else fields.get(flavour.epic_link or ""),
    }
    for history in sorted(issue["histories"], key=lambda one: -moment_of(one["created"]).timestamp()):
        if moment_of(history["created"]) <= at:
            break
        for item in reversed(history["items"]):
            name = item["field"]
            if name == "Fix Version":
                state["versions"] -= {item["toString"]}
                state["versions"] |= {item["fromString"]} - {None}
            elif name == "Sprint":
                ids = [one for one in item["from"].split(", ") if one]
                state["sprints"] = set(ids)
            elif name in ("IssueParentAssociation", "Epic Link"):
                state["parent"] = item["fromString"]
            elif name in ("assignee", "duedate"):
                state[name] = item["from"]
            elif name in state:
                state[name] = item["fromString"]
    return state


@pytest.mark.parametrize("tracker", ["cloud", "dc"])
def test_the_history_leads_back_to_the_truth(tracker: Any) -> None:
    company = generate(5, quick=True)
    is_cloud = tracker == "cloud"
    make, read = (jira_cloud.make, everything_of_cloud) if is_cloud else (jira_dc.make, everything_of_center)
    sprints = {str(goal.id): goal.name for goal in company.goals if goal.tracker == tracker and goal.kind == "sprint"}
    people = {worker.id: account_id(worker) if is_cloud else user_key(worker) for worker in company.workers}
    for jira in run(company, make, tracker):
        issues = read(jira)
        facts = truth.issues(company, tracker, company.now)
        assert set(issues) == set(facts)
        for key, fact in facts.items():
            fields = issues[key]["fields"]
            assert issues[key]["id"] == str(fact.id)
            assert fields["summary"] == fact.title
            assert moment_of(fields["created"]) == fact.created_at
            if fact.kind != "Epic":  # epics have been commented
                assert moment_of(fields["updated"]) == fact.updated_at
        rng = random.Random(3)
        days = (company.now.date() - company.started_on).days
        for moment in (company.now - timedelta(days=rng.uniform(0, days)) for _ in range(5)):
            states = truth.states(company, tracker, moment, company.now)
            assert states
            for key, state in states.items():
                found = rewind(issues[key], moment, is_cloud)
                assert found["status"] == state.status, key
                assert found["resolution"] == state.resolution, key
                assert found["issuetype"] == state.kind, key
                assert found["priority"] == state.priority, key
                assert found["assignee"] == (people[state.assignee] if state.assignee else None), key
                assert found["duedate"] == state.due_on, key
                assert (float(found["Story Points"]) if found["Story Points"] else None) == state.estimate, key
                assert (found["Flagged"] == "Impediment") == state.is_flagged, key
                assert set(found["labels"].split()) == state.labels, key
                assert found["versions"] | {sprints.get(one, one) for one in found["sprints"]} == state.milestones, key
                assert found["parent"] == state.parent, key


def test_links_are_told_on_both_sides(cloud: Jira) -> None:
    issues = everything_of_cloud(cloud)
    found, remote = set(), set()
    for key, issue in issues.items():
        for link in issue["fields"]["issuelinks"]:
            if "inwardIssue" in link:
                found.add((key, link["inwardIssue"]["key"]))
                other = issues[link["inwardIssue"]["key"]]["fields"]["issuelinks"]
                assert any(
                    one["id"] == link["id"] and one["outwardIssue"]["key"] == key
                    for one in other
                    if "outwardIssue" in one
                )
        logged = [item for one in issue["histories"] for item in one["items"] if item["field"] == "RemoteIssueLink"]
        listed = cloud.get(f"/rest/api/3/issue/{key}/remotelink") if logged else []
        assert [item["to"] for item in logged] == [str(one["id"]) for one in listed]
        remote |= {(key, one["object"]["url"]) for one in listed if one["relationship"] == "is blocked by"}
    expected = truth.links(cloud.company, "cloud", cloud.company.now)
    assert found | remote == {(one.blocked, one.blocker) for one in expected}
    assert remote
    cloud.company.addresses["gitlab"] = "http://127.0.0.1:9"
    moved = {cloud.get(f"/rest/api/3/issue/{key}/remotelink")[0]["object"]["url"] for key, _ in remote}
    assert any(url.startswith("http://127.0.0.1:9/") for url in moved)


def test_a_week_later(cloud: Jira) -> None:
    before = set(ids_of(cloud, "id > 0"))
    since = cloud.company.now
    assert ids_of(cloud, f"project in (PAY, KYC) AND updated > {int(since.timestamp() * 1000)}") == []
    cloud.company.now += WEEK
    after = set(ids_of(cloud, "id > 0"))
    assert after - before
    changed = set(ids_of(cloud, f"project in (PAY, KYC, AUD) AND updated > {int(since.timestamp() * 1000)}"))
    assert changed >= after - before
    assert cloud.get("/rest/api/3/serverInfo")["serverTime"].startswith("2026-11-23T07:30:00.000+0700")
    versions = cloud.get("/rest/api/3/project/PAY/versions")
    assert {one["releaseDate"] for one in versions if not one["released"] and "releaseDate" in one}


def test_cloud_refuses_what_the_real_one_refuses(cloud: Jira) -> None:
    for method in ("GET", "POST"):
        gone = cloud.call(method, "/rest/api/3/search", params={"jql": "project = PAY"})
        assert gone.status_code == 410
        assert "CHANGE-2046" in gone.text
    for jql, message in [
        ("", "Unbounded"),
        ("ORDER BY updated", "Unbounded"),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ('project in ("PAY", "NOPE")', "NOPE"),
        ("colour = red", "Field 'colour' does not exist"),
        ("project = IF", "reserved JQL word"),
        ("project ~ PAY", ""),
        ("project = PAY AND", "end of the query"),
        ("project = PAY PAY", "end of query"),
        ('updated >= "yesterday"', "invalid"),
        ("key in (PAY-1, PAY-99999)", "PAY-99999"),
        ("project = PAY ORDER BY rank", "rank"),
        ("project = PAY ORDER BY " + ", ".join(["id"] * 8), "7"),
        ("sprint = 1", "Sprint"),
    ]:
        answer = cloud.call("POST", "/rest/api/3/search/jql", json={"jql": jql})
        assert answer.status_code == 400, jql
        assert message in answer.json()["errorMessages"][0], jql
    for body in (
        {"issueIdsOrKeys": []},
        {"issueIdsOrKeys": [str(one) for one in range(101)]},
        {"issueIdsOrKeys": ["1"], "expand": "names"},
    ):
        assert cloud.call("POST", "/rest/api/3/issue/bulkfetch", json=body).status_code == 400
    many = [str(one) for one in range(10_000, 11_000)]
    assert cloud.post("/rest/api/3/issue/bulkfetch", issueIdsOrKeys=many, fields=["summary", "status"])["issues"]
    refused = {"issueIdsOrKeys": many, "fields": ["summary", "labels"]}
    assert cloud.call("POST", "/rest/api/3/issue/bulkfetch", json=refused).status_code == 400
    for body in (
        {"issueIdsOrKeys": ["1"] * 1001},
        {"issueIdsOrKeys": ["1"], "fieldIds": [f"f{one}" for one in range(11)]},
    ):
        assert cloud.call("POST", "/rest/api/3/changelog/bulkfetch", json=body).status_code == 400
    assert cloud.call("GET", "/rest/api/3/mypermissions").status_code == 400
    assert cloud.call("GET", "/rest/api/3/project/NOPE").status_code == 404
    assert cloud.call("GET", "/rest/api/3/issue/PAY-99999").status_code == 404


def test_cloud_pages(cloud: Jira) -> None:
    every = ids_of(cloud, "project = PAY ORDER BY id ASC")
    assert every == sorted(every, key=int)
    assert ids_of(cloud, "project = PAY ORDER BY id ASC", page=7) == every
    assert cloud.post("/rest/api/3/search/approximate-count", jql="project = PAY")["count"] == len(every)
    assert cloud.post("/rest/api/3/search/jql", jql="project = PAY")["issues"][0].keys() == {"id"}
    assert len(cloud.post("/rest/api/3/search/jql", jql="id > 0", fields=["summary"], maxResults=5000)["issues"]) == 100
    assert len(cloud.post("/rest/api/3/search/jql", jql="id > 0", fields=["key"], maxResults=5000)["issues"]) > 100
    token = cloud.post("/rest/api/3/search/jql", jql="id > 0", maxResults=1)["nextPageToken"]
    wrong = {"jql": "id > 1", "nextPageToken": token}
    assert cloud.call("POST", "/rest/api/3/search/jql", json=wrong).status_code == 400
    status_only = cloud.post("/rest/api/3/changelog/bulkfetch", issueIdsOrKeys=every, fieldIds=["status"])
    assert {
        item["fieldId"]
        for log in status_only["issueChangeLogs"]
        for one in log["changeHistories"]
        for item in one["items"]
    } == {"status"}
    busy = max(everything_of_cloud(cloud).values(), key=lambda one: len(one["histories"]))
    first = cloud.get(f"/rest/api/3/issue/{busy['key']}/changelog", maxResults=3)
    rest = cloud.get(f"/rest/api/3/issue/{busy['key']}/changelog", startAt=3)
    assert [one["id"] for one in first["values"] + rest["values"]] == [one["id"] for one in busy["histories"]]
    newest = cloud.get(f"/rest/api/3/issue/{busy['key']}", expand="changelog")["changelog"]
    assert [one["id"] for one in newest["histories"]] == [one["id"] for one in reversed(busy["histories"])][:100]


def test_jql_is_evaluated(cloud: Jira, center: Jira) -> None:
    now = cloud.company.now
    facts = truth.issues(cloud.company, "cloud", now)
    states = truth.states(cloud.company, "cloud", now)

    def keys(jql: str) -> set[str]:
        return {
            one["key"]
            for one in cloud.post("/rest/api/3/search/jql", jql=jql, fields=["key"], maxResults=5000)["issues"]
        }

    pay = {key for key in facts if key.startswith("PAY-")}
    assert keys("project = 10000") == keys('project = "pay"') == keys("project in (PAY)") == pay
    assert keys("project not in (PAY)") == set(facts) - pay
    done = {key for key in pay if states[key].status in ("Done", "Cancelled")}
    assert keys("project = PAY AND statusCategory = Done") == keys('project = PAY and statuscategory = "done"') == done
    one = min(done)
    assert keys(f"project = PAY AND (statusCategory != done OR key = {one})") == (pay - done) | {one}
    border = sorted(fact.created_at for fact in facts.values())[40]
    local = border.astimezone(ZoneInfo(jira_cloud.ZONE))
    minute = border.replace(second=0)
    expected = {key for key, fact in facts.items() if fact.created_at >= minute}
    assert keys(f'created >= "{local:%Y-%m-%d %H:%M}"') == expected
    assert keys(f"created >= {int(border.timestamp() * 1000)}") == {
        key for key, one in facts.items() if one.created_at >= border
    }
    sprint = next(goal for goal in cloud.company.goals if goal.kind == "sprint" and goal.tracker == "cloud")
    assert keys(f"sprint = {sprint.id}") == {key for key in facts if sprint.name in states[key].milestones}
    assert keys("updated >= 0") == set(facts)
    found = center.get("/rest/api/2/search", jql="project = ERP ORDER BY updated DESC, key ASC", fields="updated")[
        "issues"
    ]
    assert [one["fields"]["updated"] for one in found] == sorted(
        (one["fields"]["updated"] for one in found), reverse=True
    )


def test_wrong_credentials_and_anonymous(cloud: Jira, center: Jira) -> None:
    for jira, paths in ((cloud, "/rest/api/3"), (center, "/rest/api/2")):
        for headers in ({"Authorization": "Basic bm86bm8="}, {"Authorization": "Bearer wrong"}):
            answer = requests.get(f"{jira.server.url}{paths}/myself", headers=headers, timeout=5)
            assert answer.status_code == 401
            assert answer.json()["message"] == "Client must be authenticated to access this resource."
        assert requests.get(f"{jira.server.url}{paths}/myself", timeout=5).status_code == 401
        assert requests.get(f"{jira.server.url}{paths}/serverInfo", timeout=5).status_code == 200
    assert requests.get(f"{cloud.server.url}/rest/api/3/project/search", timeout=5).json()["total"] == 0
    assert center.call("GET", "/rest/api/2/myself").headers["X-AUSERNAME"] == jira_dc.ACCOUNT.login
    silent = requests.get(f"{center.server.url}/rest/api/2/search", params={"jql": "id > 0"}, timeout=5)
    assert silent.headers["X-AUSERNAME"] == "anonymous"
    assert silent.json()["total"] == 0
    secret = base64.b64encode(f"{jira_cloud.USER}:{jira_cloud.TOKEN}".encode()).decode()
    assert secret not in repr(cloud.server.log)


def test_center_pages_and_sprints(center: Jira) -> None:
    page = center.get("/rest/api/2/search", jql="project = ERP ORDER BY key")
    assert (page["maxResults"], len(page["issues"])) == (jira_dc.DEFAULT_PAGE, jira_dc.DEFAULT_PAGE)
    assert (
        center.post("/rest/api/2/search", jql="project = ERP ORDER BY key", startAt=50, maxResults=9999)["maxResults"]
        == jira_dc.PAGE
    )
    assert center.get("/rest/api/2/search", jql="", maxResults=0)["total"] > 100
    issues = everything_of_center(center)
    texts = [one for issue in issues.values() for one in issue["fields"][DC_FIELDS.sprint] or ()]
    assert all(one.startswith("com.atlassian.greenhopper.service.sprint.Sprint@") for one in texts)
    assert any(", month-end," in one for one in texts), "a comma in a name"
    assert all(
        "fieldId" not in item for issue in issues.values() for one in issue["histories"] for item in one["items"]
    )
    assert "undefined" in {one["statusCategory"]["key"] for one in center.get("/rest/api/2/status")}
    assert any("parent" in issue["fields"] for issue in issues.values()), "sub-tasks"


@pytest.mark.parametrize("which", ["cloud", "center"])
def test_boards(which: str, request: pytest.FixtureRequest) -> None:
    jira: Jira = request.getfixturevalue(which)
    key, kanban = ("PAY", "KYC") if which == "cloud" else ("ERP", "DWH")
    (board,) = jira.get("/rest/agile/1.0/board", projectKeyOrId=key)["values"]
    assert board["type"] == "scrum"
    settings = jira.get(f"/rest/agile/1.0/board/{board['id']}/configuration")
    assert ("estimation" in settings) == (which == "cloud")
    first = jira.get(f"/rest/agile/1.0/board/{board['id']}/sprint", maxResults=5)
    assert "total" not in first
    assert not first["isLast"]
    states = {one["state"] for one in jira.get(f"/rest/agile/1.0/board/{board['id']}/sprint")["values"]}
    assert states == {"closed", "active", "future"}
    active = jira.get(f"/rest/agile/1.0/board/{board['id']}/sprint", state="active")["values"]
    assert {one["state"] for one in active} == {"active"}
    (other,) = jira.get("/rest/agile/1.0/board", projectKeyOrId=kanban)["values"]
    refused = jira.call("GET", f"/rest/agile/1.0/board/{other['id']}/sprint")
    assert (refused.status_code, refused.json()["errorMessages"]) == (400, ["The board does not support sprints"])


@pytest.mark.parametrize(("which", "version"), [("cloud", "2"), ("cloud", "3"), ("center", "2")])
def test_comments(which: str, version: str, request: pytest.FixtureRequest) -> None:
    jira: Jira = request.getfixturevalue(which)
    path = f"/rest/api/{version}/issue/{'PAY-3' if which == 'cloud' else 'ERP-3'}"
    comments = f"{path}/comment"

    def body(text: str) -> Any:
        return (
            {
                "type": "doc",
                "version": 1,
                "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
            }
            if version == "3"
            else text
        )

    before = jira.get(path, fields="updated")["fields"]["updated"]
    start = jira.get(comments)["total"]
    made = jira.post(comments, body=body("hello"), properties=[{"key": "pmo-sync.report", "value": {"n": 1}}])
    assert jira.get(path, fields="updated")["fields"]["updated"] > before
    assert jira.get(f"{comments}/{made['id']}")["body"] == body("hello")
    assert jira.get(comments)["total"] == start + 1
    assert jira.get(comments, orderBy="-created")["comments"][0]["id"] == made["id"]
    prop = f"/rest/api/{version}/comment/{made['id']}/properties"
    assert jira.get(f"{prop}/pmo-sync.report") == {"key": "pmo-sync.report", "value": {"n": 1}}
    assert [one["key"] for one in jira.get(prop)["keys"]] == ["pmo-sync.report"]
    edited = {"body": body("bye"), "properties": [{"key": "pmo-sync.report", "value": {"n": 2}}]}
    assert jira.call("PUT", f"{comments}/{made['id']}", params={"notifyUsers": "false"}, json=edited).status_code == 200
    assert jira.get(f"{comments}/{made['id']}")["body"] == body("bye")
    assert jira.get(f"{prop}/pmo-sync.report")["value"] == {"n": 2}
    assert jira.call("PUT", f"{prop}/other", json={"a": 1}).status_code == 201
    assert jira.call("PUT", f"{prop}/other", json={"a": 2}).status_code == 200
    assert jira.call("PUT", f"{prop}/big", data=b'"' + b"x" * 32_768 + b'"').status_code == 400
    assert jira.call("GET", f"{prop}/none").status_code == 404
    assert jira.call("GET", f"{comments}/1").status_code == 404
    assert jira.call("POST", comments, json={"body": body("") if version == "2" else None}).status_code == 400
    assert jira.call("POST", f"/rest/api/{version}/issue/NOPE-1/comment", json=edited).status_code == 404
    if version == "2":
        assert jira.call("POST", comments, json={"body": "x" * 32_768}).status_code == 400
        assert jira.call("POST", comments, json={"body": {"type": "doc"}}).status_code == 400
    else:
        assert jira.call("POST", comments, json={"body": "wiki text"}).status_code == 400
    assert {entry.status for entry in jira.server.writes()} >= {200, 201, 400, 404}


def test_a_human_comment_cannot_be_edited(cloud: Jira) -> None:
    epic = next(item for item in cloud.company.items if item.key.startswith("PAY-") and item.initial["kind"] == "Epic")
    (comment,) = cloud.get(f"/rest/api/2/issue/{epic.key}/comment")["comments"]
    assert comment["author"]["accountId"] != account_id(jira_cloud.ACCOUNT)
    answer = cloud.call("PUT", f"/rest/api/2/issue/{epic.key}/comment/{comment['id']}", json={"body": "mine now"})
    assert answer.status_code == 400


@pytest.mark.parametrize("which", ["cloud", "center"])
def test_remote_links_are_put_once(which: str, request: pytest.FixtureRequest) -> None:
    jira: Jira = request.getfixturevalue(which)
    path = f"/rest/api/2/issue/{'PAY-3' if which == 'cloud' else 'ERP-3'}/remotelink"
    thing = {"url": "http://127.0.0.1/page", "title": "Report", "summary": "of Monday"}
    first = jira.call("POST", path, json={"globalId": "pmo-sync:1", "relationship": "reported in", "object": thing})
    assert first.status_code == 201
    again = jira.call("POST", path, json={"globalId": "pmo-sync:1", "object": thing})
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    shown = jira.get(path, globalId="pmo-sync:1")
    assert "relationship" not in shown, "what is left out is gone"
    assert jira.call("POST", path, json={"globalId": "pmo-sync:2"}).status_code == 400
    assert jira.call("GET", path, params={"globalId": "none"}).status_code == 404


def test_hostile_text_arrives_whole(cloud: Jira, center: Jira) -> None:
    for jira, version in ((cloud, "3"), (center, "2")):
        for item in jira.company.visible(jira.server.name.removeprefix("jira-")):  # type: ignore[arg-type]
            if "\0" in item.title or len(item.description) > 900_000:
                fields = jira.get(f"/rest/api/{version}/issue/{item.id}")["fields"]
                assert fields["summary"] == (item.value("title", jira.company.now) or item.title)
                text = fields["description"]
                assert item.description == (text if version == "2" else text["content"][0]["content"][0]["text"])
