"""The simulated Confluences answer as Cloud (v2 and what v2 lacks) and as Data Center (v1) do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from pmo_sync.demo.servers import confluence_cloud, confluence_dc
from pmo_sync.demo.servers.confluence import BOT, HUMAN
from pmo_sync.demo.servers.confluence_cloud import ConfluenceCloud
from pmo_sync.demo.servers.confluence_dc import ConfluenceDataCenter
from pmo_sync.demo.servers.confluence_storage import fault, rewritten
from tests.demo.confluence_api import Cloud, DataCenter
from tests.demo.small import small_company

STATUS = '<ac:structured-macro ac:name="status"><ac:parameter ac:name="title">RED</ac:parameter></ac:structured-macro>'
NO_CHECK = {"X-Atlassian-Token": "no-check"}


@pytest.fixture
def cloud() -> Iterator[ConfluenceCloud]:
    made = confluence_cloud.make(small_company())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def dc() -> Iterator[ConfluenceDataCenter]:
    made = confluence_dc.make(small_company())
    made.start()
    yield made
    made.stop()


@pytest.fixture(params=["cloud", "dc"])
def api(request: pytest.FixtureRequest) -> Cloud | DataCenter:
    server = request.getfixturevalue(request.param)
    return Cloud(server) if request.param == "cloud" else DataCenter(server)


def _reason(answer: requests.Response) -> str:
    found = answer.json()
    return str(found["errors"][0]["title"] if isinstance(found.get("errors"), list) else found["message"])


# pages, on both


def test_a_page_is_created_below_its_parent(api: Cloud | DataCenter) -> None:
    parent = api.server.space.parent
    more: Any = {"parentId": parent} if isinstance(api, Cloud) else {"ancestors": [{"id": parent}]}
    made = api.create("Monday", **more)
    assert made.status_code == 200, made.text
    (listed,) = [page for page in api.server.pages() if page.id == made.json()["id"]]
    assert listed[1:] == ("Monday", 1, BOT.name, "<p>x</p>", parent, "current")


def test_without_a_parent_it_lives_below_the_home_page(api: Cloud | DataCenter) -> None:
    page = api.server.page(api.create("Monday").json()["id"])
    assert page.parent == api.server.space.home


def test_titles_are_unique_whatever_their_case_and_archived_ones_too(api: Cloud | DataCenter) -> None:
    first = api.create("Monday").json()["id"]
    again = api.create("MONDAY")
    assert again.status_code == 400
    assert _reason(again).startswith("A page with this title already exists")
    api.server.archive(first)
    assert api.create("Monday").status_code == 400
    assert api.update(first, 2).status_code == 400
    api.server.trash(first)
    assert api.create("Monday").status_code == 200
    assert api.call("GET", f"/{'api/v2/pages' if isinstance(api, Cloud) else 'content'}/{first}").status_code == 404


@pytest.mark.parametrize("title", ["", "  ", "x" * 256])
def test_bad_titles(api: Cloud | DataCenter, title: str) -> None:
    assert api.create(title).status_code == 400


def test_a_version_must_be_the_next_one(api: Cloud | DataCenter) -> None:
    page_id = api.create("Monday").json()["id"]
    assert api.update(page_id, 1).status_code == 409
    assert api.update(page_id, 3).status_code == 409
    done = api.update(page_id, 2, message="week 46", minorEdit=True)
    assert (done.status_code, done.json()["version"]["number"]) == (200, 2)
    assert "Current Version: [2]. Provided version: [2]" in _reason(api.update(page_id, 2))
    assert [one.is_minor for one in api.server.page(page_id).versions] == [False, True]
    assert api.body(page_id) == "<p>y</p>"


def test_old_versions_are_kept(api: Cloud | DataCenter) -> None:
    page_id = api.create("Monday").json()["id"]
    api.update(page_id, 2)
    assert api.body(page_id, version=1, status="historical") == "<p>x</p>"
    path = f"/api/v2/pages/{page_id}" if isinstance(api, Cloud) else f"/content/{page_id}"
    assert api.call("GET", path, params={"version": 9}).status_code == 404


def test_a_human_edits(api: Cloud | DataCenter) -> None:
    page_id = api.create("Monday").json()["id"]
    api.server.edit_as_human(page_id, lambda body: body + "<p>By hand</p>")
    assert api.body(page_id) == "<p>x</p><p>By hand</p>"
    assert api.update(page_id, 2).status_code == 409
    last = api.server.page(page_id).last
    assert (last.number, last.author) == (2, HUMAN)
    api.server.rename_as_human(page_id, "Tuesday")
    assert api.server.page(page_id).last.title == "Tuesday"


@pytest.mark.parametrize(
    "body",
    [
        "<p>x",
        "<p>&nosuch;</p>",
        "<p>a & b</p>",
        "<zz:macro/>",
        "<p>\x0b</p>",
        "<p a=1/>",
        '<p a="1" a="1"/>',
        "x]]>",
        "&",
    ],
)
def test_bodies_must_be_well_formed(api: Cloud | DataCenter, body: str) -> None:
    answer = api.create("Monday", body)
    assert answer.status_code == 400
    assert "Error parsing xhtml" in _reason(answer)
    page_id = api.create("Monday").json()["id"]
    assert api.update(page_id, 2, body).status_code == 400
    assert api.server.page(page_id).last.number == 1


@pytest.mark.parametrize(
    "body", ["", "plain", "<p>&nbsp;&ndash;&#8211;&amp;</p>", "<![CDATA[a & <b>]]>", "<hr/>", STATUS, "<p>🚀</p>"]
)
def test_what_is_well_formed(body: str) -> None:
    assert fault(body) is None


def test_bodies_are_rewritten_on_saving(api: Cloud | DataCenter) -> None:
    sent = (
        f"<!-- marker -->{STATUS}<br/><p>&#8211;&lt;&#60;</p>"
        '<ac:link><ri:page ri:content-title="Home"/></ac:link>'
        "<ac:plain-text-body><![CDATA[<br/>&#8211;<!-- kept -->]]></ac:plain-text-body>"
    )
    kept = api.body(api.create("Monday", sent).json()["id"])
    assert "marker" not in kept
    assert 'ac:name="status" ac:schema-version="1" ac:macro-id="' in kept
    assert '<ri:page ri:content-title="Home" ri:version-at-save="1" />' in kept
    assert "<br /><p>\u2013&lt;&#60;</p>" in kept
    assert "<![CDATA[<br/>&#8211;<!-- kept -->]]>" in kept
    assert fault(kept) is None
    assert rewritten(kept, "again") == kept  # what was stored once stays as it is


def test_macro_ids_differ_and_stay(api: Cloud | DataCenter) -> None:
    page_id = api.create("Monday", STATUS + STATUS).json()["id"]
    kept = api.body(page_id)
    ids = [part.split('"')[0] for part in kept.split('ac:macro-id="')[1:]]
    assert len(set(ids)) == 2
    api.update(page_id, 2, kept)
    assert api.body(page_id) == kept


def test_readers_may_only_read(cloud: ConfluenceCloud, dc: ConfluenceDataCenter) -> None:
    one, other = Cloud(cloud), DataCenter(dc)
    one.auth = (confluence_cloud.READER_USER, confluence_cloud.READER_TOKEN)
    other.headers = {"Authorization": f"Bearer {confluence_dc.READER_TOKEN}"}
    assert [one.create("x").status_code, other.create("x").status_code] == [403, 403]
    assert one.call("GET", "/api/v2/spaces").status_code == 200
    assert other.call("GET", "/space/PMO").status_code == 200


def test_wrong_credentials(cloud: ConfluenceCloud, dc: ConfluenceDataCenter) -> None:
    one, other = Cloud(cloud), DataCenter(dc)
    one.auth = (confluence_cloud.USER, "wrong")
    other.headers = {"Authorization": "Bearer wrong"}
    assert [one.call("GET", "/api/v2/spaces").status_code, other.call("GET", "/space").status_code] == [401, 401]
    bearer = {"Authorization": f"Bearer {confluence_cloud.TOKEN}"}  # a Cloud token is not a Data Center one
    assert requests.get(f"{cloud.url}/wiki/api/v2/spaces", headers=bearer, timeout=10).status_code == 401


def test_two_servers_share_nothing(cloud: ConfluenceCloud, dc: ConfluenceDataCenter) -> None:
    Cloud(cloud).create("Monday")
    assert "Monday" not in [page.title for page in dc.pages()]


# looking things up


def test_cloud_lists(cloud: ConfluenceCloud) -> None:
    api = Cloud(cloud)
    (space,) = api.call("GET", "/api/v2/spaces", params={"keys": "PMO"}).json()["results"]
    assert (space["key"], space["homepageId"]) == ("PMO", cloud.space.home)
    assert api.call("GET", "/api/v2/spaces", params={"keys": "NONE"}).json()["results"] == []
    ids = [api.create(f"Page {number}").json()["id"] for number in range(5)]
    path, seen = "/wiki/api/v2/pages?limit=2&space-id=" + space["id"], []
    while path:
        answer = requests.get(cloud.url + path, auth=api.auth, timeout=10).json()
        seen += [one["id"] for one in answer["results"]]
        path = answer["_links"].get("next", "")
    assert seen == [cloud.space.home, cloud.space.parent, *ids]
    assert (
        api.call("GET", f"/api/v2/spaces/{space['id']}/pages", params={"title": "Page 3"}).json()["results"][0]["id"]
        == ids[3]
    )
    assert (
        api.call("GET", "/api/v2/pages", params={"title": "page 3"}).json()["results"] == []
    )  # exact, unlike uniqueness
    below = api.call("GET", f"/api/v2/pages/{cloud.space.home}/children").json()["results"]
    assert [one["id"] for one in below] == [cloud.space.parent, *ids]
    cloud.archive(ids[0])
    found = api.call("GET", "/api/v2/pages", params={"title": "Page 0"}).json()["results"]
    assert [one["status"] for one in found] == ["archived"]
    assert api.call("GET", "/api/v2/pages", params={"title": "Page 0", "status": "current"}).json()["results"] == []


def test_dc_lists_and_expands(dc: ConfluenceDataCenter) -> None:
    api = DataCenter(dc)
    ids = [api.create(f"Page {number}").json()["id"] for number in range(30)]
    first = api.call("GET", "/content", params={"spaceKey": "PMO"}).json()
    assert (first["size"], first["limit"], "next" in first["_links"]) == (25, 25, True)
    rest = requests.get(dc.url + first["_links"]["next"], headers=api.headers, timeout=10).json()
    assert [one["id"] for one in rest["results"]] == ids[-7:]
    (bare,) = api.call("GET", "/content", params={"title": "Page 3", "spaceKey": "PMO"}).json()["results"]
    assert ("version" in bare, "body" in bare, "version" in bare["_expandable"]) == (False, False, True)
    full = api.call("GET", f"/content/{ids[3]}", params={"expand": "version,body.storage,ancestors,history"}).json()
    assert full["version"]["by"]["userKey"] == full["history"]["createdBy"]["userKey"] == BOT.id
    assert [one["id"] for one in full["ancestors"]] == [dc.space.home]
    assert api.call("GET", "/content", params={"title": "Page 3", "spaceKey": "NONE"}).json()["results"] == []
    assert api.call("GET", "/space/NONE").status_code == 404
    dc.archive(ids[3])
    assert api.call("GET", "/content", params={"title": "Page 3", "spaceKey": "PMO"}).json()["results"] == []


def test_the_old_page_calls_are_gone_from_cloud(cloud: ConfluenceCloud) -> None:
    api = Cloud(cloud)
    calls = [
        ("GET", "/content"),
        ("POST", "/content"),
        ("GET", "/content/1"),
        ("PUT", "/content/1"),
        ("GET", "/space/PMO"),
    ]
    assert {api.call(method, f"/rest/api{path}").status_code for method, path in calls} == {410}


def test_data_center_hands_out_a_cookie_and_wants_json(dc: ConfluenceDataCenter) -> None:
    api = DataCenter(dc)
    assert "JSESSIONID" in api.call("GET", "/user/current").cookies
    again = api.call("GET", "/user/current", headers={"Cookie": "JSESSIONID=5E55101234"})
    assert "Set-Cookie" not in again.headers
    headers = api.headers | {"Content-Type": "text/plain"}
    answer = requests.post(f"{dc.url}/rest/api/content", data="{}", headers=headers, timeout=10)
    assert answer.status_code == 415
    assert (
        requests.get(f"{dc.url}/rest/api/user/current", cookies={"JSESSIONID": "5E55101234"}, timeout=10).status_code
        == 401
    )


def test_who_am_i(api: Cloud | DataCenter) -> None:
    found = api.call("GET", "/rest/api/user/current" if isinstance(api, Cloud) else "/user/current").json()
    assert found["accountId" if isinstance(api, Cloud) else "userKey"] == BOT.id


# properties, comments, labels, files


def test_cloud_properties_go_by_id_and_version(cloud: ConfluenceCloud) -> None:
    api = Cloud(cloud)
    path = f"/api/v2/pages/{api.create('Monday').json()['id']}/properties"
    made = api.call("POST", path, {"key": "pmo", "value": {"n": 1}}).json()
    assert api.call("POST", path, {"key": "pmo", "value": 2}).status_code == 409
    one = f"{path}/{made['id']}"
    assert api.call("PUT", one, {"key": "pmo", "value": 2, "version": {"number": 1}}).status_code == 409
    assert api.call("PUT", one, {"key": "pmo", "value": 2, "version": {"number": 2}}).json()["value"] == 2
    assert api.call("PUT", one, {"key": "other", "value": 2, "version": {"number": 3}}).status_code == 400
    (found,) = api.call("GET", path, params={"key": "pmo"}).json()["results"]
    assert (found["value"], found["version"]["number"]) == (2, 2)
    assert api.call("GET", path, params={"key": "none"}).json()["results"] == []
    assert api.call("POST", path, {"key": "big", "value": "x" * 33_000}).status_code == 413
    assert api.call("DELETE", one).status_code == 204
    assert api.call("GET", one).status_code == 404


def test_dc_properties_go_by_key_and_version(dc: ConfluenceDataCenter) -> None:
    api = DataCenter(dc)
    path = f"/content/{api.create('Monday').json()['id']}/property"
    assert api.call("GET", f"{path}/pmo").status_code == 404
    assert api.call("POST", path, {"key": "pmo", "value": {"n": 1}}).json()["version"]["number"] == 1
    assert api.call("POST", path, {"key": "pmo", "value": 2}).status_code == 409
    assert api.call("PUT", f"{path}/pmo", {"key": "pmo", "value": 2, "version": {"number": 1}}).status_code == 409
    assert api.call("PUT", f"{path}/pmo", {"key": "pmo", "value": 2, "version": {"number": 2}}).json()["value"] == 2
    assert [one["key"] for one in api.call("GET", path).json()["results"]] == ["pmo"]
    assert api.call("PUT", f"{path}/new", {"key": "new", "value": 1, "version": {"number": 1}}).status_code == 200


def test_comments(api: Cloud | DataCenter) -> None:
    page_id = api.create("Monday").json()["id"]
    if isinstance(api, Cloud):
        body = {"representation": "storage", "value": "<p>Hello</p>"}
        made = api.call("POST", "/api/v2/footer-comments", {"pageId": page_id, "body": body})
        listed = api.call("GET", f"/api/v2/pages/{page_id}/footer-comments", params={"body-format": "storage"}).json()
        broken = api.call("POST", "/api/v2/footer-comments", {"pageId": page_id, "body": body | {"value": "<p>"}})
        assert (made.status_code, broken.status_code) == (201, 400)
    else:
        stored = {"storage": {"value": "<p>Hello</p>", "representation": "storage"}}
        made = api.call(
            "POST", "/content", {"type": "comment", "container": {"id": page_id, "type": "page"}, "body": stored}
        )
        listed = api.call("GET", f"/content/{page_id}/child/comment", params={"expand": "body.storage"}).json()
        assert made.status_code == 200
    assert [one["body"]["storage"]["value"] for one in listed["results"]] == ["<p>Hello</p>"]
    assert [one.author for one in api.server.page(page_id).comments] == [BOT]


def test_labels_are_added(api: Cloud | DataCenter) -> None:
    page_id = api.create("Monday").json()["id"]
    path = f"/rest/api/content/{page_id}/label" if isinstance(api, Cloud) else f"/content/{page_id}/label"
    api.call("POST", path, [{"prefix": "global", "name": "pmo"}])
    added = api.call("POST", path, [{"prefix": "global", "name": "Weekly"}, {"prefix": "global", "name": "pmo"}])
    assert [one["name"] for one in added.json()["results"]] == ["pmo", "weekly"]
    assert api.call("POST", path, [{"name": "two words"}]).status_code == 400
    listed = api.call("GET", f"/api/v2/pages/{page_id}/labels" if isinstance(api, Cloud) else path).json()
    assert [one["name"] for one in listed["results"]] == ["pmo", "weekly"]


def test_files(api: Cloud | DataCenter) -> None:
    page_id = api.create("Monday").json()["id"]
    base = f"{'/rest/api' if isinstance(api, Cloud) else ''}/content/{page_id}/child/attachment"
    data = b"\x89PNG\r\n--x\r\n\x00\xff" * 50

    def send(method: str, path: str, name: str = "fan \u00e9.png", **headers: str) -> requests.Response:
        files = {"file": (name, data, "image/png")}
        return api.call(
            method, path, files=files, data={"comment": "c1", "minorEdit": "true"}, headers=headers or NO_CHECK
        )

    assert send("POST", base, **{"X-Other": "1"}).status_code == 403
    made = send("POST", base).json()["results"][0]
    assert (made["title"], made["version"]["number"], made["extensions"]["fileSize"]) == (
        "fan \u00e9.png",
        1,
        len(data),
    )
    again = send("POST", base)
    assert again.status_code == 400
    assert "same file name" in _reason(again)
    assert send("POST", f"{base}/{made['id']}/data").json()["version"]["number"] == 2
    assert send("POST", f"{base}/att1/data").status_code == 404
    assert send("POST", base, "a:b.png").status_code == 400
    assert send("PUT", base).status_code == (200 if isinstance(api, Cloud) else 405)
    (found,) = api.call("GET", base, params={"filename": "fan \u00e9.png"}).json()["results"]
    assert found["metadata"]["comment"] == "c1"
    site = f"{api.server.url}/wiki" if isinstance(api, Cloud) else api.server.url
    login: Any = {"auth": api.auth} if isinstance(api, Cloud) else {"headers": api.headers}
    assert requests.get(site + found["_links"]["download"], timeout=10, **login).content == data
    assert api.server.page(page_id).last.number == 1  # files do not make versions of the page


def test_the_list_of_files_is_cut_at_25(api: Cloud | DataCenter) -> None:
    page_id = api.create("Monday").json()["id"]
    for number in range(30):
        api.server.space.attach(BOT, api.server.page(page_id), f"{number}.png", b"x", "image/png", "")
    base = f"{'/rest/api' if isinstance(api, Cloud) else ''}/content/{page_id}/child/attachment"
    assert api.call("GET", base).json()["size"] == 25
    assert api.call("GET", base, params={"start": 25}).json()["size"] == 5


def test_without_the_hyphen_only_cloud_takes_it(api: Cloud | DataCenter) -> None:
    page_id = api.create("Monday").json()["id"]
    base = f"{'/rest/api' if isinstance(api, Cloud) else ''}/content/{page_id}/child/attachment"
    sent = api.call("POST", base, files={"file": ("a.png", b"x")}, headers={"X-Atlassian-Token": "nocheck"})
    assert sent.status_code == (200 if isinstance(api, Cloud) else 403)


def test_the_log_tells_writes(api: Cloud | DataCenter) -> None:
    page_id = api.create("Monday").json()["id"]
    api.body(page_id)
    api.update(page_id, 7)
    assert [(entry.method, entry.status) for entry in api.server.writes()] == [("POST", 200), ("PUT", 409)]
