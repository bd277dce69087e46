"""Where work items live: in a project, or in a group (its epics, and those of its subgroups). Pure."""

from __future__ import annotations

from typing import NamedTuple

from pmo_sync.model import Project

GROUP = "group:"  # in the project_id of a group
EPIC = "EPIC"
# Those that REST lists and counts; objectives, key results and requirements are no work, and a ticket is what a
# customer writes to a service desk.
TYPES = ("ISSUE", "INCIDENT", "TEST_CASE", "TASK")


class Scope(NamedTuple):
    """A project or a group, as GraphQL and as REST ask for it."""

    root: str  # the query's field
    arguments: str  # of its work items
    base: str  # REST's path

    @classmethod
    def of(cls, project: Project, source: str) -> Scope:
        """The scope of a project record."""
        native = project.project_id.removeprefix(f"{source}:")
        if native.startswith(GROUP):
            return cls("group", f", types: [{EPIC}], includeDescendants: true", f"/groups/{native.removeprefix(GROUP)}")
        return cls("project", f", types: [{', '.join(TYPES)}]", f"/projects/{native}")

    @property
    def is_group(self) -> bool:
        """Whether it is a group."""
        return self.root == "group"
