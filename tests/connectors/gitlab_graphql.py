"""GraphQL work items over the simulated company: real queries, run by graphql-core against GitLab's names of fields.

It stands beside the REST routes of the same server, so that both tell of one company, and enforces what GitLab does:
a query's complexity and length, 100 rows a page, null for a group's work items on Free, whole seconds, and an answer
that holds data and errors at once.
"""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from graphql import FieldNode, GraphQLError, build_schema, graphql_sync, parse
from graphql.language import InlineFragmentNode, IntValueNode, SelectionSetNode, VariableNode

from pmo_sync.demo.company import Event, Item
from pmo_sync.demo.servers.gitlab import GitLab
from pmo_sync.demo.servers.wire import Answer, Request

Json = dict[str, Any]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WIDGETS = {
    "labels": "Labels", "milestone": "Milestone", "assignees": "Assignees", "notes": "Notes",
    "iteration": "Iteration", "weight": "Weight", "startAndDueDate": "StartAndDueDate", "healthStatus": "HealthStatus",
    "hierarchy": "Hierarchy", "linkedItems": "LinkedItems", "status": "Status",
}  # fmt: skip
PAGING = "first: Int, after: String"
SCHEMA = """
scalar Time  scalar Date  scalar WorkItemID
enum WorkItemSort { CREATED_ASC CREATED_DESC UPDATED_ASC UPDATED_DESC }
enum IssuableState { opened closed locked all }
enum WorkItemState { OPEN CLOSED }
enum IssueType { ISSUE INCIDENT TASK EPIC TEST_CASE REQUIREMENT OBJECTIVE KEY_RESULT }
enum NotesFilterType { ALL_NOTES ONLY_COMMENTS ONLY_ACTIVITY }
enum HealthStatus { onTrack needsAttention atRisk }
enum WorkItemWidgetType { LABELS MILESTONE ASSIGNEES NOTES ITERATION WEIGHT START_AND_DUE_DATE HEALTH_STATUS HIERARCHY
  LINKED_ITEMS STATUS }
type PageInfo { hasNextPage: Boolean! endCursor: String }
type QueryComplexity { score: Int limit: Int }
type User { id: ID! username: String! name: String! }
type UserConnection { pageInfo: PageInfo! nodes: [User] }
type Label { id: ID! title: String! }
type LabelConnection { pageInfo: PageInfo! nodes: [Label] }
type Milestone { id: ID! title: String! }
type IterationCadence { title: String! }
type Iteration { id: ID! title: String startDate: Time dueDate: Time iterationCadence: IterationCadence! }
type SystemNoteMetadata { action: String }
type Note { id: ID! body: String! createdAt: Time! author: User systemNoteMetadata: SystemNoteMetadata }
type NoteConnection { pageInfo: PageInfo! nodes: [Note] }
type Discussion { id: ID! notes(first: Int, after: String): NoteConnection! }
type DiscussionConnection { pageInfo: PageInfo! nodes: [Discussion] }
type LinkedWorkItemType { linkId: ID! linkType: String! linkCreatedAt: Time! workItem: WorkItem }
type LinkedWorkItemTypeConnection { pageInfo: PageInfo! nodes: [LinkedWorkItemType] }
type WorkItemStatus { id: ID name: String category: String }
type WorkItemStatusConnection { pageInfo: PageInfo! nodes: [WorkItemStatus] }
type WorkItemType { name: String! }
interface WorkItemWidget { type: WorkItemWidgetType }
%(widgets)s
%(features)s
type WorkItem { id: ID! iid: String! title: String! state: WorkItemState! createdAt: Time! updatedAt: Time! closedAt: Time
  webUrl: String confidential: Boolean! archived: Boolean! reference(full: Boolean): String! workItemType: WorkItemType!
  movedToWorkItemUrl: String duplicatedToWorkItemUrl: String promotedToEpicUrl: String
  namespace: Namespace project: Project %(parts)s }
type WorkItemConnection { pageInfo: PageInfo! nodes: [WorkItem] }
type Namespace { id: ID! fullPath: ID! statuses(first: Int, after: String): WorkItemStatusConnection }
type Project { id: ID! fullPath: ID! archived: Boolean
  workItems(first: Int, after: String, updatedAfter: Time, sort: WorkItemSort, state: IssuableState,
    types: [IssueType!], iids: [String!]%(negated)s): WorkItemConnection }
type Group { id: ID! fullPath: ID!
  workItems(first: Int, after: String, updatedAfter: Time, sort: WorkItemSort, state: IssuableState,
    types: [IssueType!], iids: [String!], includeDescendants: Boolean%(negated)s): WorkItemConnection }
%(negation)s
type CurrentUser { id: ID! username: String! }
type Query { currentUser: CurrentUser project(fullPath: ID!): Project group(fullPath: ID!): Group
  namespace(fullPath: ID!): Namespace workItem(id: WorkItemID!): WorkItem queryComplexity: QueryComplexity
  users(usernames: [String!], first: Int, after: String): UserConnection }
"""
INSIDE = {
    "labels": "labels(first: Int, after: String): LabelConnection",
    "milestone": "milestone: Milestone",
    "assignees": "assignees(first: Int, after: String): UserConnection",
    "notes": "notes(filter: NotesFilterType, first: Int, after: String): NoteConnection! "
    "discussions(filter: NotesFilterType, first: Int, after: String): DiscussionConnection!",
    "iteration": "iteration: Iteration",
    "weight": "weight: Int",
    "startAndDueDate": "startDate: Date dueDate: Date",
    "healthStatus": "healthStatus: HealthStatus",
    "hierarchy": "parent: WorkItem",
    "linkedItems": "linkedItems(first: Int, after: String): LinkedWorkItemTypeConnection",
    "status": "status: WorkItemStatus",
}


def seconds(at: datetime) -> str:
    """Times of GitLab's GraphQL have no fractions."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class WorkItems:
    """``mount`` it on a server before that starts. What it offers and how it fails is set by its attributes."""

    def __init__(
        self,
        server: GitLab,
        *,
        style: str = "features",
        widgets: Sequence[str] = tuple(WIDGETS),
        has_negation: bool = True,
    ) -> None:
        self.server = server
        self.shapes = server.shapes
        self.limit = 250
        self.is_token_accepted = True
        self.tells_events = True  # whether the stream has what GitLab makes up from resource events
        self.has_epics = False
        self.conceals_moves = False  # their targets are not readable
        self.ignores_bounds = False
        self.hidden: set[str] = set()  # projects that answer null
        self.broken: set[int] = set()  # items whose notes fail
        self.unnumbered: set[int] = set()
        self.statuses: dict[int, Json] = {}  # item -> status
        self.notes: dict[int, list[tuple[datetime, str, str]]] = defaultdict(list)  # item -> more notes
        self.parents: dict[int, int] = {}  # item -> id of an epic
        self.epics: dict[int, Json] = {}
        self.thread = 1  # notes in each thread of a stream
        self.objectives: set[str] = set()  # projects and groups that have some
        self.stories: set[str] = set()  # projects with a type of work item that their group has made for itself
        self.refused_statuses = ""  # GitLab's words
        self.scores: list[int] = []
        self.sizes: list[int] = []
        self.before: Callable[[Request], Answer | None] = lambda request: None
        made = "\n".join(
            f"type WorkItemWidget{WIDGETS[name]} implements WorkItemWidget {{ type: WorkItemWidgetType {INSIDE[name]} }}"
            for name in widgets
        )
        fields = " ".join(f"{name}: WorkItemWidget{WIDGETS[name]}" for name in widgets)
        self._widgets = tuple(widgets)
        self._schema = build_schema(
            SCHEMA
            % {
                "widgets": made,
                "negated": ", not: NegatedWorkItemFilterInput" if has_negation else "",
                "negation": "input NegatedWorkItemFilterInput { types: [IssueType!] }" if has_negation else "",
                "features": f"type WorkItemFeatures {{ {fields} }}" if style == "features" else "",
                "parts": "features: WorkItemFeatures"
                if style == "features"
                else "widgets(onlyTypes: [WorkItemWidgetType!]): [WorkItemWidget!]",
            }
        )
        server.mount("POST", "/api/graphql", self._answer)

    def _answer(self, request: Request, _match: re.Match[str]) -> Answer:
        return self.before(request) or self.run(request)

    def run(self, request: Request) -> Answer:
        """As it answers where nothing goes wrong."""
        sent = request.json()
        text, variables = sent["query"], sent.get("variables") or {}
        if len(text) > 10_000:
            return Answer(200, {"errors": [{"message": "Query too large"}]})
        score = _cost(parse(text).definitions[0].selection_set, variables)
        self.scores.append(score)
        if score > self.limit:
            words = f"Query has complexity of {score}, which exceeds max complexity of {self.limit}"
            return Answer(200, {"errors": [{"message": words}]})
        root = {
            "currentUser": {"id": "gid://gitlab/User/11", "username": "pmo"} if self.is_token_accepted else None,
            "project": lambda _info, fullPath: self._project(fullPath),  # noqa: N803
            "group": lambda _info, fullPath: self._group(fullPath),  # noqa: N803
            "namespace": lambda _info, fullPath: self._namespace(fullPath),  # noqa: N803
            "workItem": lambda _info, id: self._by_id(id),  # noqa: A006
            "users": lambda _info, usernames=(), **page: _page(self._users(usernames), **page),
            "queryComplexity": {"score": score, "limit": self.limit},
        }
        done = graphql_sync(self._schema, text, root, variable_values=variables)
        body: Json = {"data": done.data}
        if done.errors:
            body["errors"] = [error.formatted for error in done.errors]
        return Answer(200, json.loads(json.dumps(body)))

    def _users(self, logins: Sequence[str]) -> list[Json]:
        return [
            _user(self.shapes.user(one)) for one in self.shapes.company.workers if one.login in logins
        ]  # fmt: skip

    # owners

    def _project(self, path: str) -> Json | None:
        found = self.shapes.projects.get(path)
        if found is None or path in self.hidden:
            return None

        def listed(_info: Any, **given: Any) -> Json:
            types = given.pop("types", None)
            rows = sorted(self.shapes.items(project=path), key=lambda one: (self._updated(one), one.id))
            if types and "OBJECTIVE" in types and path in self.objectives:
                return _page([{"workItemType": {"name": "Objective"}}])
            if given.pop("not", None):
                return _page([{"workItemType": {"name": "Story"}}] if path in self.stories else [])
            kinds = {one.id: self.shapes.issue(one)["issue_type"].upper() for one in rows}
            iids = given.pop("iids", None)
            rows = [one for one in rows if types is None or kinds[one.id] in types]
            return self._listed([one for one in rows if iids is None or str(one.number) in iids], **given)

        return self._home(path) | {"workItems": listed}

    def _home(self, path: str) -> Json:
        found = self.shapes.projects[path]
        return {"id": f"gid://gitlab/Project/{found.id}", "fullPath": path, "archived": found.is_archived}

    def _group(self, path: str) -> Json | None:
        if path not in self.shapes.groups():
            return None
        number = self.shapes.group(path)["id"]

        def listed(_info: Any, **given: Any) -> Json | None:
            if not self.has_epics:
                return None
            if given.get("iids"):
                found = [self._epic(one) for one, row in self.epics.items() if row["iid"] in given["iids"]]
                return _page([one for one in found if one["reference"].startswith(f"{path}&")])
            if "OBJECTIVE" in given.get("types", ()) and path in self.objectives:
                return _page([{"workItemType": {"name": "Objective"}}])
            if "EPIC" not in given.get("types", ()) or not given.get("includeDescendants"):
                return _page([])
            return _page([self._epic(one) for one in self.epics], given.get("first"), given.get("after"))

        return {"id": f"gid://gitlab/Group/{number}", "fullPath": path, "workItems": listed}

    def _namespace(self, path: str) -> Json:
        if self.refused_statuses:
            raise GraphQLError(self.refused_statuses)
        named = {one["name"]: one for one in self.statuses.values()}
        return {
            "id": f"gid://gitlab/Group/{path}", "fullPath": path,
            "statuses": lambda _info, **page: _page(list(named.values()), **page) if named else None,
        }  # fmt: skip

    def _listed(self, rows: list[Item], **given: Any) -> Json:
        sort = given.get("sort", "CREATED_DESC")
        bound = given.get("updatedAfter")
        if bound and not self.ignores_bounds:
            rows = [one for one in rows if self._updated(one) >= datetime.fromisoformat(bound)]
        if given.get("state") in ("opened", "closed"):
            rows = [one for one in rows if self._is_closed(one) == (given["state"] == "closed")]
        at = self._updated if sort.startswith("UPDATED") else (lambda one: one.created_at)
        rows.sort(key=lambda one: (at(one), one.id), reverse=sort.endswith("DESC"))
        if given.get("after"):  # by the last row's place, which edits do not shift
            after = json.loads(base64.b64decode(given["after"]))
            rows = [one for one in rows if [at(one).isoformat(), one.id] > after]
        size = min(given.get("first") or 100, 100)
        self.sizes.append(size)
        shown = rows[:size]
        end = (
            base64.b64encode(json.dumps([at(shown[-1]).isoformat(), shown[-1].id]).encode()).decode() if shown else None
        )
        about = {"hasNextPage": len(rows) > size, "endCursor": end}
        return {"pageInfo": about, "nodes": [self._shown(one) for one in shown]}

    def _by_id(self, gid: str) -> Json | None:
        number = int(gid.rsplit("/", 1)[-1])
        if number in self.epics:
            return self._epic(number)
        found = self.shapes.item(number)
        return self._shown(found) if found is not None and found.project not in self.hidden else None

    # work items

    def _updated(self, item: Item) -> datetime:
        return self.shapes.updated_at(item)

    def _is_closed(self, item: Item) -> bool:
        return self.shapes.is_closed(item, item.value("status", self.shapes.now))

    def _brief(self, item: Item) -> Json:
        row = self.shapes.issue(item)
        kind = {"test_case": "Test Case"}.get(row["issue_type"], row["issue_type"].capitalize())
        moved = None if self.conceals_moves else row["moved_to_id"]
        return {
            "id": f"gid://gitlab/WorkItem/{item.id}", "iid": str(item.number), "title": row["title"],
            "state": "CLOSED" if row["state"] == "closed" else "OPEN", "createdAt": seconds(item.created_at),
            "updatedAt": seconds(self._updated(item)), "webUrl": row["web_url"], "confidential": row["confidential"],
            "closedAt": row["closed_at"] and seconds(datetime.fromisoformat(row["closed_at"])), "archived": False,
            "reference": lambda _info, full=False: item.key if full else f"#{item.number}",
            "workItemType": {"name": kind}, "project": self._home(item.project),
            "namespace": {"id": "gid://gitlab/Namespaces::ProjectNamespace/1", "fullPath": item.project},
            "movedToWorkItemUrl": f"http://gitlab.invalid/-/work_items/{moved}" if moved else None,
            "duplicatedToWorkItemUrl": None, "promotedToEpicUrl": None,
        }  # fmt: skip

    def _shown(self, item: Item) -> Json:
        made = self._brief(item)
        if item.id in self.unnumbered:
            made["iid"] = "none"
        widgets = {name: widget for name, widget in self._parts(item).items() if name in self._widgets}
        made["features"] = widgets
        named = [
            widget
            | {
                "__typename": f"WorkItemWidget{WIDGETS[name]}",
                "type": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper(),
            }
            for name, widget in widgets.items()
            if widget is not None
        ]
        made["widgets"] = lambda _info, onlyTypes=None: [  # noqa: N803
            one for one in named if onlyTypes is None or one["type"] in onlyTypes
        ]
        return made

    def _parts(self, item: Item) -> Json:
        row = self.shapes.issue(item, label_details=True)
        labels = [{"id": f"gid://gitlab/ProjectLabel/{one['id']}", "title": one["name"]} for one in row["labels"]]
        box = row["milestone"] and {
            "id": f"gid://gitlab/Milestone/{row['milestone']['id']}",
            "title": row["milestone"]["title"],
        }
        health = row.get("health_status")
        words = health and health.split("_")[0] + "".join(one.capitalize() for one in health.split("_")[1:])
        parent = self.parents.get(item.id)
        return {
            "labels": {"labels": lambda _info, **page: _page(labels, **page)},
            "milestone": {"milestone": box},
            "assignees": {"assignees": lambda _info, **page: _page([_user(one) for one in row["assignees"]], **page)},
            "notes": {
                "notes": lambda _info, **page: self._notes(item, **page),
                "discussions": lambda _info, **page: self._discussions(item, **page),
            },
            "iteration": {"iteration": None},
            "weight": {"weight": row.get("weight")},
            "startAndDueDate": {"startDate": None, "dueDate": row["due_date"]},
            "healthStatus": {"healthStatus": words},
            "hierarchy": {"parent": self._epic(parent) if parent else None},
            "linkedItems": {"linkedItems": lambda _info, **page: _page(self._links(item), **page)},
            "status": {"status": self.statuses.get(item.id)},
        }  # fmt: skip

    def _epic(self, number: int) -> Json:
        return {
            "id": f"gid://gitlab/WorkItem/{number}", "createdAt": seconds(self.shapes.now), "archived": False,
            "updatedAt": seconds(self.shapes.now), "confidential": False, "workItemType": {"name": "Epic"},
            "project": None, "features": dict.fromkeys(self._widgets), "widgets": [], "closedAt": None,
            "state": "OPEN", **self.epics[number],
        }  # fmt: skip

    def _links(self, item: Item) -> list[Json]:
        made = []
        for row in self.shapes.links_of(item):
            other = self.shapes.item(row["id"])
            assert other is not None
            at = datetime.fromisoformat(row["link_created_at"])
            made.append({
                "linkId": f"gid://gitlab/WorkItems::RelatedWorkItemLink/{row['issue_link_id']}",
                "linkType": row["link_type"], "linkCreatedAt": seconds(at), "workItem": self._brief(other),
            })  # fmt: skip
        return made

    # the activity stream

    def _notes(self, item: Item, filter: str = "ALL_NOTES", **page: Any) -> Json:  # noqa: A002
        """What is stored as a note: nothing that GitLab makes up from resource events (its NotesResolver)."""
        assert filter == "ONLY_ACTIVITY"
        return _page(self._stream(item, [*self._sentences(item), *self.notes[item.id]]), **page)

    def _discussions(self, item: Item, filter: str = "ALL_NOTES", **page: Any) -> Json:  # noqa: A002
        """The stream as people see it, a thread a note (its DiscussionsListService)."""
        assert filter == "ONLY_ACTIVITY"
        events = self._events(item) if self.tells_events else ()
        notes = self._stream(item, [*events, *self._sentences(item), *self.notes[item.id]])
        threads = [
            {
                "id": f"gid://gitlab/Discussion/{notes[start]['id']}",
                "notes": lambda _info, start=start, **inner: _page(notes[start : start + self.thread], **inner),
            }
            for start in range(0, len(notes), self.thread)
        ]
        return _page(threads, **page)

    def _stream(self, item: Item, told: list[tuple[datetime, str, str]]) -> list[Json]:
        if item.id in self.broken:
            raise GraphQLError("The resource is not available")
        return [
            {
                "id": f"gid://gitlab/Note/{item.id * 1000 + number}", "body": body, "createdAt": seconds(at),
                "systemNoteMetadata": {"action": action},
            }
            for number, (at, action, body) in enumerate(sorted(told, key=lambda one: one[0]))
        ]  # fmt: skip

    def _events(self, item: Item) -> list[tuple[datetime, str, str]]:
        """State, labels, milestone and weight."""
        made = [
            (one.at, "closed" if one.action == "closed" else "opened", one.action)
            for one in self.shapes.state_changes(item)
        ]
        labels: dict[datetime, dict[str, list[str]]] = defaultdict(lambda: {"add": [], "remove": []})
        for change in self.shapes.label_changes(item):
            gone = (item.project, change.name) in self.shapes.deleted_labels
            number = "" if gone else f"~{self.shapes.label(item.project, change.name)['id']}"
            labels[change.at][change.action].append(number)
        for at, actions in labels.items():
            parts = [_listed(verb, actions[action]) for verb, action in (("added", "add"), ("removed", "remove"))]
            made.append((at, "label", " and ".join(filter(None, parts))))
        for change in self.shapes.milestone_changes(item):
            goal = self.shapes.goal(item, change.name)
            if change.action == "remove":
                made.append((change.at, "milestone", "removed milestone"))
            elif goal is not None:
                name = f'%"{goal.value("name", self.shapes.now) or goal.name}"' if goal.group else f"%{goal.number}"
                made.append((change.at, "milestone", f"changed milestone to /{goal.group or goal.project}{name}"))
        weights = [event for event in item.happened(self.shapes.now) if event.field == "estimate"]
        first = item.initial.get("estimate")
        if weights and isinstance(first, str):  # with the first change GitLab logs what was before
            made.append((item.created_at, "weight", f"set weight to **{int(float(first))}**"))
        for event in weights:
            made.append(
                (
                    event.at,
                    "weight",
                    f"set weight to **{int(float(event.new))}**" if event.new else "removed the weight",
                )
            )
        return made

    def _sentences(self, item: Item) -> list[tuple[datetime, str, str]]:
        """What is a note of its own."""
        made = []
        first = item.initial.get("due_on")
        if isinstance(first, str):
            made.append((item.created_at, "start_date_or_due_date", f"changed due date to {_long(first)}"))
        for event in item.happened(self.shapes.now):
            told = self._sentence(event)
            if told:
                made.append((event.at, *told))
        return made

    def _sentence(self, event: Event) -> tuple[str, str] | None:
        if event.field == "due_on":
            words = (
                f"changed due date to {_long(event.new)}" if event.new else f"removed due date {_long(event.old or '')}"
            )
            return "start_date_or_due_date", words
        if event.field == "title":
            return "title", f"changed title from **{event.old}** to **{event.new}**"
        if event.field == "kind":
            return "issue_type", f"changed type from {event.old} to {event.new}"
        if event.field == "assignee":
            login = {one.id: one.login for one in self.shapes.company.workers}
            parts = [f"assigned to @{login[event.new]}"] if event.new else []
            parts += [f"unassigned @{login[event.old]}"] if event.old else []
            return "assignee", " and ".join(parts)
        return None


def _listed(verb: str, references: list[str]) -> str:
    """``added ~1 ~2 + 1 deleted labels``, as GitLab says it."""
    there = sorted(one for one in references if one)
    gone = len(references) - len(there)
    shown = " + ".join(filter(None, (" ".join(there), f"{gone} deleted" if gone else "")))
    return f"{verb} {shown} label{'' if (gone or len(there)) == 1 else 's'}" if references else ""


def _long(day: str) -> str:
    year, month, number = day.split("-")
    return f"{MONTHS[int(month) - 1]} {int(number)}, {year}"


def _user(row: Json) -> Json:
    return {"id": f"gid://gitlab/User/{row['id']}", "username": row["username"], "name": row["name"]}


def _page(rows: Sequence[Json], first: int | None = None, after: str | None = None) -> Json:
    start = int(after or 0)
    size = min(first or 100, 100)
    return {
        "pageInfo": {"hasNextPage": len(rows) > start + size, "endCursor": str(start + size)},
        "nodes": list(rows[start : start + size]),
    }


def _cost(selected: SelectionSetNode | None, variables: Json) -> int:
    """GitLab's formula: a field costs one and what is inside it, one more with ``sort``, 1 % more per row asked for."""
    total = 0.0
    for node in selected.selections if selected else ():
        if isinstance(node, InlineFragmentNode):
            total += _cost(node.selection_set, variables)
        elif isinstance(node, FieldNode):
            cost = 1.0 + _cost(node.selection_set, variables)
            for argument in node.arguments:
                value = argument.value
                given = variables.get(value.name.value) if isinstance(value, VariableNode) else None
                given = int(value.value) if isinstance(value, IntValueNode) else given
                cost += argument.name.value == "sort"
                if argument.name.value == "first":
                    cost *= 1 + (given or 100) / 100
            total += cost
    return int(total)
