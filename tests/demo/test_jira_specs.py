"""The Jira servers' answers, and the parameters they understand, against the vendors' API descriptions."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.demo.jira import Jira

Call = tuple[str, str, dict[str, Any], Any]  # method, path, query, body

# What the check finds although real servers answer so: pattern -> reason. Each one must be needed.
CLOUD_DEVIATIONS = {
    r"items\.\*\.(from|fromString|to|toString): type NoneType$": "values that were empty are null on live sites",
    r"^GET field -> \*: untranslatedName unlisted$": "sent for custom fields, newer than this description",
    r"^POST changelog/bulkfetch -> .*\.created: type int$": "live sites send epoch milliseconds here",
    r"^GET issue/\{issueIdOrKey\}/remotelink -> : type list$": "a list unless globalId is given",
}
AGILE_DEVIATIONS = {
    r"location: (id|key|name|self) unlisted$": "the description's own example has them",
}
CENTER_DEVIATIONS = {
    r"fields\.\w+: type (str|list|NoneType)$": "described as a map of objects, fields have all kinds of values",
    r"items\.\*\.(from|fromString|to|toString): type NoneType$": "values that were empty are null",
    r" -> : type list$": "lists are described by their element",
    r"properties/\{propertyKey\} -> value: type int$": "any JSON may be a property",
}

CLOUD_CALLS: list[Call] = [
    ("GET", "serverInfo", {}, None),
    ("GET", "myself", {}, None),
    ("GET", "mypermissions", {"permissions": "BROWSE_PROJECTS,ADD_COMMENTS", "projectKey": "PAY"}, None),
    ("GET", "project/search", {"startAt": 0, "maxResults": 2, "expand": "insight", "keys": "PAY", "status": "live"}, None),
    ("GET", "project/{projectIdOrKey}", {}, None),
    ("GET", "project/{projectIdOrKey}/statuses", {}, None),
    ("GET", "status", {}, None),
    ("GET", "statuses/search", {"maxResults": 3}, None),
    ("GET", "field", {}, None),
    ("GET", "project/{projectIdOrKey}/version", {"maxResults": 3, "startAt": 1}, None),
    ("GET", "project/{projectIdOrKey}/versions", {}, None),
    ("GET", "search/jql", {"jql": "project = PAY", "maxResults": 30, "fields": "*all", "expand": "changelog"}, None),
    ("POST", "search/jql", {}, {"jql": "project = PAY", "fields": ["*all"], "maxResults": 30}),
    ("POST", "search/approximate-count", {}, {"jql": "project = PAY"}),
    ("POST", "issue/bulkfetch", {}, {"issueIdsOrKeys": ["PAY-1", "PAY-2", "10001"], "fields": ["*all"]}),
    ("POST", "changelog/bulkfetch", {}, {"issueIdsOrKeys": ["PAY-1", "PAY-2"], "maxResults": 10}),
    ("GET", "issue/{issueIdOrKey}", {"fields": "*all", "expand": "changelog"}, None),
    ("GET", "issue/{issueIdOrKey}/changelog", {"startAt": 0, "maxResults": 50}, None),
    ("POST", "issue/{issueIdOrKey}/comment", {}, {"body": {"type": "doc", "version": 1, "content": []}}),
    ("GET", "issue/{issueIdOrKey}/comment", {"orderBy": "-created", "maxResults": 5, "startAt": 0}, None),
    ("GET", "issue/{issueIdOrKey}/comment/{id}", {}, None),
    ("PUT", "issue/{issueIdOrKey}/comment/{id}", {"notifyUsers": "false"}, {"body": {"type": "doc", "version": 1, "content": []}}),
    ("GET", "comment/{commentId}/properties", {}, None),
    ("GET", "comment/{commentId}/properties/{propertyKey}", {}, None),
    ("POST", "issue/{issueIdOrKey}/remotelink", {}, {"globalId": "g", "object": {"url": "http://127.0.0.1/", "title": "t"}}),
    ("GET", "issue/{issueIdOrKey}/remotelink", {"globalId": "g"}, None),
    ("GET", "issue/{issueIdOrKey}/remotelink", {}, None),
]  # fmt: skip

CENTER_CALLS: list[Call] = [
    ("GET", "serverInfo", {}, None),
    ("GET", "myself", {}, None),
    ("GET", "mypermissions", {"projectKey": "ERP"}, None),
    ("GET", "project", {}, None),
    ("GET", "project/{projectIdOrKey}", {}, None),
    ("GET", "project/{projectIdOrKey}/statuses", {}, None),
    ("GET", "project/{projectIdOrKey}/versions", {}, None),
    ("GET", "project/{projectIdOrKey}/version", {"startAt": 0, "maxResults": 3}, None),
    ("GET", "status", {}, None),
    ("GET", "field", {}, None),
    ("GET", "search", {"jql": "project = ERP", "startAt": 0, "maxResults": 30, "fields": "*all", "expand": "changelog"}, None),
    ("POST", "search", {}, {"jql": "project = ERP", "startAt": 0, "maxResults": 5, "fields": ["summary"]}),
    ("GET", "issue/{issueIdOrKey}", {"fields": "*all", "expand": "changelog"}, None),
    ("POST", "issue/{issueIdOrKey}/comment", {}, {"body": "text"}),
    ("GET", "issue/{issueIdOrKey}/comment", {"orderBy": "-created", "maxResults": 5, "startAt": 0}, None),
    ("GET", "issue/{issueIdOrKey}/comment/{id}", {}, None),
    ("PUT", "issue/{issueIdOrKey}/comment/{id}", {}, {"body": "text"}),
    ("GET", "comment/{commentId}/properties/{propertyKey}", {}, None),
    ("GET", "issue/{issueIdOrKey}/remotelink", {"globalId": "g"}, None),
    ("GET", "issue/{issueIdOrKey}/remotelink", {}, None),
]  # fmt: skip

BOARD_CALLS: list[Call] = [
    ("GET", "board", {"type": "scrum", "startAt": 0, "maxResults": 5}, None),
    ("GET", "board/{boardId}/configuration", {}, None),
    ("GET", "board/{boardId}/sprint", {"state": "closed,active,future", "startAt": 1, "maxResults": 5}, None),
]


def load(data_dir: Path, name: str) -> Any:
    """A description; its schemas refuse members they do not list, as Atlassian wrote them."""
    with gzip.open(data_dir / "specs" / "mock-ready" / f"{name}.json.gz") as file:
        spec = json.load(file)
    spec["components"] = json_schema(spec["components"])
    return spec


def json_schema(node: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: ``nullable`` means null, an ``allOf`` of one reference is that reference."""
    if isinstance(node, list):
        return [json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: json_schema(value) for key, value in node.items() if key not in ("example", "format", "nullable")}
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made


def problems(spec: Any, schema: Any, value: Any) -> set[str]:
    """What is wrong with an answer: ``path: type``, ``path: member unlisted``."""
    found = set()
    document = {"allOf": [json_schema(schema)], "components": spec["components"]}
    for error in jsonschema.Draft4Validator(document).iter_errors(value):
        path = ".".join("*" if isinstance(step, int) else str(step) for step in error.absolute_path)
        if error.validator == "additionalProperties":
            found |= {f"{path}: {name} unlisted" for name in error.instance if name not in error.schema["properties"]}
        else:
            found.add(f"{path}: {error.validator} {type(error.instance).__name__}")
    return found


def difference(spec: Any, jira: Jira, key: str, calls: list[Call], api: str) -> set[str]:
    """What the answers have that the description has not, as ``METHOD path -> field: what``."""
    project = key.partition("-")[0]
    comment = jira.post(f"/rest/api/2/issue/{key}/comment", body="x", properties=[{"key": "p", "value": 1}])["id"]
    jira.post(f"/rest/api/2/issue/{key}/remotelink", globalId="g", object={"url": "http://127.0.0.1/", "title": "t"})
    values = {
        "projectIdOrKey": project,
        "issueIdOrKey": key,
        "id": comment,
        "commentId": comment,
        "propertyKey": "p",
        "boardId": jira.get("/rest/agile/1.0/board", projectKeyOrId=project)["values"][0]["id"],
    }
    found = set()
    for method, path, params, body in calls:
        template = f"{'/rest/agile/1.0/' if path.startswith('board') else api}{path}"
        real = re.sub(r"\{(\w+)\}", lambda match: str(values[match[1]]), template)
        answer = jira.call(method, real, params=params, json=body)
        assert answer.status_code in (200, 201), (path, answer.text[:300])
        operation = spec["paths"][template]
        listed = [*operation.get("parameters", ()), *operation[method.lower()].get("parameters", ())]
        assert set(params) <= {one["name"] for one in listed if one["in"] == "query"}, path
        content = operation[method.lower()]["responses"].get(str(answer.status_code), {}).get("content", {})
        for schema in [one["schema"] for one in content.values() if "schema" in one][:1]:
            found |= {f"{method} {path} -> {problem}" for problem in problems(spec, schema, answer.json())}
    return found


def expect(found: set[str], deviations: dict[str, str]) -> None:
    """Everything found is a known deviation, and each known deviation was found."""
    assert {one for one in found if not any(re.search(known, one) for known in deviations)} == set()
    assert {known for known in deviations if not any(re.search(known, one) for one in found)} == set()


@pytest.mark.real
def test_cloud_answers_validate(cloud: Jira, data_dir: Path) -> None:
    spec = load(data_dir, "jira-cloud-platform")
    expect(difference(spec, cloud, "PAY-1", CLOUD_CALLS, "/rest/api/3/"), CLOUD_DEVIATIONS)


@pytest.mark.real
def test_cloud_agile_answers_validate(cloud: Jira, data_dir: Path) -> None:
    spec = load(data_dir, "jira-cloud-software")
    expect(difference(spec, cloud, "PAY-1", BOARD_CALLS, ""), AGILE_DEVIATIONS)


@pytest.mark.real
def test_center_answers_validate(center: Jira, data_dir: Path) -> None:
    spec = load(data_dir, "jira-dc-10.3")
    expect(difference(spec, center, "ERP-1", CENTER_CALLS + BOARD_CALLS, "/rest/api/2/"), CENTER_DEVIATIONS)


@pytest.mark.real
def test_a_wrong_answer_is_found(cloud: Jira, data_dir: Path) -> None:
    spec = load(data_dir, "jira-cloud-platform")
    schema = {"$ref": "#/components/schemas/ServerInformation"}
    answer = cloud.get("/rest/api/3/serverInfo")
    assert problems(spec, schema, answer) == set()
    assert problems(spec, schema, answer | {"buildNumber": "x", "colour": 1}) == {
        "buildNumber: type str",
        ": colour unlisted",
    }
