"""The GraphQL texts, made to fit what an instance's schema has. Pure.

Work items are read widget by widget, in one of the two ways GitLab offers: ``features { labels {...} }`` (18.9+, null
for what a type lacks) or ``widgets { ... on WorkItemWidgetLabels {...} }``. Both answers are brought into the shape of
the first. No text comes near the 10,000 characters that GitLab takes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from connectors.gitlab.values import Json

CAPABILITIES: Final = """query {
  currentUser { id }
  item: __type(name: "WorkItem") { fields { name } }
  features: __type(name: "WorkItemFeatures") { fields { name } }
  widget: __type(name: "WorkItemWidget") { possibleTypes { name } }
  sort: __type(name: "WorkItemSort") { enumValues { name } }
  namespace: __type(name: "Namespace") { fields { name } }
  type: __type(name: "IssueType") { enumValues { name } }
  negated: __type(name: "NegatedWorkItemFilterInput") { inputFields { name } }
}"""
PARTS: Final = ("item", "features", "widget", "sort", "namespace", "type", "negated")
STATUSES: Final = """query($path: ID!, $after: String) {
  namespace(fullPath: $path) {
    statuses(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { id name category } }
  }
}"""
PING: Final = "query { currentUser { id } }"
USERS: Final = """query($logins: [String!]) { users(usernames: $logins, first: 100) { nodes { id username } } }"""
NEEDED: Final = frozenset({"labels", "milestone", "assignees", "notes"})
SCALARS: Final = (
    "id", "iid", "title", "state", "createdAt", "updatedAt", "closedAt", "webUrl", "confidential",
)  # fmt: skip
OPTIONAL: Final = ("movedToWorkItemUrl", "duplicatedToWorkItemUrl", "promotedToEpicUrl")
# The stream as people see it. The widget's own ``notes`` lack what GitLab makes up from resource events: closings,
# labels, milestones, iterations, weights. A thread of the stream is a note, or those of one moment.
_NOTE: Final = "pageInfo { hasNextPage endCursor } nodes { id body createdAt systemNoteMetadata { action } }"
_THREAD: Final = f"id notes(first: 10) {{ {_NOTE} }}"
_WHOLE_THREAD: Final = f"id notes(first: 100, after: $inside) {{ {_NOTE} }}"


class Widget(NamedTuple):
    """One part of a work item. ``many`` is a connection's field, with ``select`` the fields of its rows."""

    type: str  # its GraphQL type after ``WorkItemWidget``
    name: str  # in the enumeration ``WorkItemWidgetType``
    select: str
    many: str = ""
    arguments: str = ""


WIDGETS: Final[Mapping[str, Widget]] = {
    "labels": Widget("Labels", "LABELS", "id title", "labels"),
    "milestone": Widget("Milestone", "MILESTONE", "milestone { id title }"),
    "assignees": Widget("Assignees", "ASSIGNEES", "id username name", "assignees"),
    "notes": Widget("Notes", "NOTES", _THREAD, "discussions", "filter: ONLY_ACTIVITY"),
    "iteration": Widget("Iteration", "ITERATION",
                        "iteration { id title startDate dueDate iterationCadence { title } }"),
    "weight": Widget("Weight", "WEIGHT", "weight"),
    "startAndDueDate": Widget("StartAndDueDate", "START_AND_DUE_DATE", "startDate dueDate"),
    "healthStatus": Widget("HealthStatus", "HEALTH_STATUS", "healthStatus"),
    "hierarchy": Widget("Hierarchy", "HIERARCHY", "parent { id reference(full: true) }"),
    "linkedItems": Widget("LinkedItems", "LINKED_ITEMS",
                          "linkType linkCreatedAt workItem { id webUrl reference(full: true) }", "linkedItems"),
    "status": Widget("Status", "STATUS", "status { id name category }"),
}  # fmt: skip


class Schema(NamedTuple):
    """What an instance's work items offer."""

    has_features: bool
    widgets: frozenset[str]  # of WIDGETS
    fields: frozenset[str]  # of OPTIONAL
    has_statuses: bool  # a namespace lists them
    types: frozenset[str] = frozenset()  # of work items, in the words of its enumeration
    has_negation: bool = False  # work items of all but some types can be asked for

    @classmethod
    def found(cls, data: Json) -> Schema | str:
        """From the answer to CAPABILITIES; a reason where work items cannot be read with it."""
        names = {part: _names(data.get(part)) for part in PARTS}
        if not names["item"]:
            return "this version has no work items in GraphQL"
        if "UPDATED_ASC" not in names["sort"]:
            return "its work items cannot be listed by their last change"
        has_features = "features" in names["item"] and bool(names["features"])
        if not has_features and "widgets" not in names["item"]:
            return "its work items show neither features nor widgets"
        offered = frozenset(
            name
            for name, one in WIDGETS.items()
            if (name in names["features"] if has_features else f"WorkItemWidget{one.type}" in names["widget"])
        )
        if not offered >= NEEDED:
            return f"its work items lack {', '.join(sorted(NEEDED - offered))}"
        fields = frozenset(OPTIONAL) & names["item"]
        has_statuses, has_negation = "statuses" in names["namespace"], "types" in names["negated"]
        return cls(has_features, offered, fields, has_statuses, names["type"], has_negation)

    def page(self, root: str, arguments: str = "", sort: str = "UPDATED_ASC") -> str:
        """A page of a project's (or group's) work items. Variables: path, first, inner, after, since."""
        given = f"first: $first, after: $after, updatedAfter: $since, sort: {sort}"
        return (
            "query($path: ID!, $first: Int!, $inner: Int!, $after: String, $since: Time) {\n"
            f"  owner: {root}(fullPath: $path) {{ id workItems({given}{arguments}) {{\n"
            "    pageInfo { hasNextPage endCursor }\n"
            f"    nodes {{ {' '.join((*SCALARS, *sorted(self.fields)))} reference(full: true) workItemType {{ name }}\n"
            f"      {self._parts(sorted(self.widgets), 'first: $inner')}\n"
            "    }\n  } }\n}"
        )

    def brief(self, root: str, arguments: str = "", sort: str = "UPDATED_ASC") -> str:
        """One work item of such a page, by name only. Variables: path, after, since."""
        given = f"first: 1, after: $after, updatedAfter: $since, sort: {sort}"
        return (
            f"query($path: ID!, $after: String, $since: Time) {{ owner: {root}(fullPath: $path) {{\n"
            f"  workItems({given}{arguments}) {{ pageInfo {{ hasNextPage endCursor }}\n"
            "    nodes { id iid updatedAt confidential reference(full: true) }\n  } } }"
        )

    def sweep(self, root: str, arguments: str = "") -> str:
        """The ids of all, by creation. Variables: path, after."""
        return (
            f"query($path: ID!, $after: String) {{ owner: {root}(fullPath: $path) {{\n"
            f"  workItems(first: 100, after: $after, sort: CREATED_ASC{arguments}) {{\n"
            "    pageInfo { hasNextPage endCursor } nodes { id }\n  } } }"
        )

    def others(self, roots: Sequence[str], read: Collection[str]) -> str:
        """Whether some projects and groups (``roots``, in their order) have work items of types that are not ``read``: those
        of the enumeration, and those that a group has made for itself, which are in none. Variables: p0, p1, ...
        """
        asked = ", ".join(f"$p{n}: ID!" for n in range(len(roots)))
        kind = "{ nodes { workItemType { name } } }"
        listed = [
            f"told: workItems(first: 1, types: [{', '.join(sorted(self.types - {*read}))}]) {kind}",
            *(
                [f"made: workItems(first: 1, not: {{types: [{', '.join(sorted(self.types))}]}}) {kind}"]
                * self.has_negation
            ),
        ]
        lines = [f"  p{n}: {root}(fullPath: $p{n}) {{ {' '.join(listed)} }}" for n, root in enumerate(roots)]
        return "\n".join([f"query({asked}) {{", *lines, "}"])

    def rest(self, widget: str) -> str:
        """The rest of one connection of one work item. Variables: id, after."""
        return (
            "query($id: WorkItemID!, $after: String) { workItem(id: $id) {\n"
            f"  {self._parts([widget], 'first: 100, after: $after')}\n}} }}"
        )

    def threads(self) -> str:
        """A page of the threads of one work item, with many notes of each. Variables: id, after, inside."""
        return (
            "query($id: WorkItemID!, $after: String, $inside: String) { workItem(id: $id) {\n"
            f"  {self._parts(['notes'], 'first: 20, after: $after', _WHOLE_THREAD)}\n}} }}"
        )

    def _parts(self, names: Collection[str], paging: str, select: str = "") -> str:
        made = []
        for name in names:
            one = WIDGETS[name]
            inside = select or one.select
            if one.many:
                arguments = ", ".join(filter(None, (one.arguments, paging)))
                inside = f"{one.many}({arguments}) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {inside} }} }}"
            made.append(
                f"{name} {{ {inside} }}" if self.has_features else f"... on WorkItemWidget{one.type} {{ {inside} }}"
            )
        if self.has_features:
            return f"features {{ {' '.join(made)} }}"
        types = ", ".join(WIDGETS[name].name for name in names)
        return f"widgets(onlyTypes: [{types}]) {{ type {' '.join(made)} }}"


def traces(count: int) -> str:
    """Where each of some work items is now. Variables: i0, i1, ..."""
    asked = ", ".join(f"$i{number}: WorkItemID!" for number in range(count))
    fields = "id reference(full: true) namespace { id } project { id archived }"
    return (
        f"query({asked}) {{\n" + "\n".join(f"  i{n}: workItem(id: $i{n}) {{ {fields} }}" for n in range(count)) + "\n}"
    )


def parts(item: Json) -> dict[str, Any]:
    """A work item's widgets by name, whichever way they came."""
    features = item.get("features")
    if isinstance(features, dict):
        return {name: features.get(name) for name in WIDGETS}
    by_type = {one.get("type"): one for one in item.get("widgets") or () if one}
    return {name: by_type.get(one.name) for name, one in WIDGETS.items()}


def activity(item: Json) -> list[Json]:
    """The notes of its stream that came so far, out of their threads. What people answered to one is none of them."""
    threads = ((parts(item)["notes"] or {}).get("discussions") or {}).get("nodes") or ()
    listed = [[note for note in (one.get("notes") or {}).get("nodes") or () if note] for one in threads if one]
    return [note for notes in listed for note in notes if note is notes[0] or note.get("systemNoteMetadata")]


def _names(part: Json | None) -> frozenset[str]:
    """Of a type's fields, enumeration's values or union's members."""
    listed = next((value for value in (part or {}).values() if isinstance(value, list)), [])
    return frozenset(str(one["name"]) for one in listed)
