"""How Jira words its things in JSON, and where Cloud and Data Center differ.

A ``Flavour`` holds the differences; ``Wire`` makes the JSON. Custom fields are answered under their ids, changelog
items under their display names, as both products do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pmo_sync.demo.company import Goal, Item, TrackedProject, Worker
from pmo_sync.demo.servers.jira_site import (
    CATEGORIES,
    PRIORITIES,
    RESOLUTIONS,
    TYPES,
    Change,
    Comment,
    History,
    RemoteLink,
    Site,
    stamp,
)

JSON = dict[str, Any]

# our word -> (display name, field id, whether custom); ids of custom fields come from the flavour
_LOGGED: Final = {
    "status": ("status", "status"),
    "resolution": ("resolution", "resolution"),
    "kind": ("issuetype", "issuetype"),
    "priority": ("priority", "priority"),
    "assignee": ("assignee", "assignee"),
    "due_on": ("duedate", "duedate"),
    "title": ("summary", "summary"),
    "labels": ("labels", "labels"),
    "version": ("Fix Version", "fixVersions"),
    "link": ("Link", None),
    "project": ("project", "project"),
    "key": ("Key", None),
    "remote_link": ("RemoteIssueLink", None),
}


@dataclass(frozen=True, slots=True)
class Flavour:
    """What one product does its own way."""

    is_cloud: bool
    sprint: str  # custom field ids
    points: str
    flagged: str
    epic_link: str | None  # Data Center only
    flag_option: str = "10019"


class Wire:
    """Makes the JSON of one site. ``base`` is its address."""

    def __init__(self, site: Site, flavour: Flavour) -> None:
        self.site = site
        self.flavour = flavour

    @property
    def base(self) -> str:
        """The address people and programs use."""
        return self.site.company.addresses[self.site.tracker]

    def api(self, path: str) -> str:
        """A ``self`` address."""
        return f"{self.base}/rest/api/{3 if self.flavour.is_cloud else 2}/{path}"

    def moment(self, at: datetime) -> str:
        """In the API user's zone."""
        return stamp(at, self.site.zone)

    def user(self, worker: Worker) -> JSON:
        """A person, with the mail address nobody may store."""
        shared: JSON = {
            "displayName": worker.name,
            "emailAddress": worker.email,
            "active": True,
            "timeZone": self.site.zone.key,
            "avatarUrls": {"48x48": f"{self.base}/avatar/{worker.id}.png"},
        }
        if self.flavour.is_cloud:
            account = account_id(worker)
            return {
                "self": self.api(f"user?accountId={account}"),
                "accountId": account,
                "accountType": "atlassian",
            } | shared
        return {
            "self": self.api(f"user?username={worker.login}"),
            "name": worker.login,
            "key": user_key(worker),
        } | shared

    def person(self, worker_id: str | None) -> JSON | None:
        """A worker by id."""
        return None if worker_id is None else self.user(self.site.workers[worker_id])

    def status(self, name: str) -> JSON:
        """A status with its category."""
        number, what = self.site.statuses[name]
        category, key, colour, title = CATEGORIES[what]
        return {
            "self": self.api(f"status/{number}"),
            "description": "",
            "iconUrl": f"{self.base}/images/icons/statuses/generic.png",
            "name": self.site.company.status_name(self.site.tracker, name, self.site.now),
            "id": number,
            "statusCategory": {
                "self": self.api(f"statuscategory/{category}"),
                "id": category,
                "key": key,
                "colorName": colour,
                "name": title,
            },
        }

    def issue_type(self, name: str) -> JSON:
        """An issue type; its place in the hierarchy is told by Cloud only."""
        number, level = TYPES[name]
        made: JSON = {
            "self": self.api(f"issuetype/{number}"),
            "id": number,
            "description": f"{name} of the Arunika scheme",
            "iconUrl": f"{self.base}/images/icons/issuetypes/{number}.svg",
            "name": name,
            "subtask": level < 0,
            "avatarId": 10300 + level,
        }
        return made | {"hierarchyLevel": level} if self.flavour.is_cloud else made

    def named(self, kind: str, table: Mapping[str, str], name: str | None) -> JSON | None:
        """A priority or resolution."""
        if name is None:
            return None
        number = table[name]
        if kind == "priority":
            icon = f"{self.base}/images/icons/priorities/{name.lower()}.svg"
            return {"self": self.api(f"priority/{number}"), "iconUrl": icon, "name": name, "id": number}
        return {"self": self.api(f"resolution/{number}"), "id": number, "description": "", "name": name}

    def project(self, project: TrackedProject) -> JSON:
        """A project as it appears inside other answers."""
        made: JSON = {
            "self": self.api(f"project/{project.id}"),
            "id": str(project.id),
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
            "avatarUrls": {"48x48": f"{self.base}/secure/projectavatar?pid={project.id}"},
        }
        return made | {"simplified": False} if self.flavour.is_cloud else made

    def version(self, goal: Goal) -> JSON:
        """A version now. The date of a released version is still the promised one."""
        due = goal.value("due_on", self.site.now)
        start = goal.value("start_on", self.site.now)
        is_released = goal.value("state", self.site.now) == "closed"
        owner = self.site.project(goal.project or "")
        made: JSON = {
            "self": self.api(f"version/{goal.id}"),
            "id": str(goal.id),
            "name": goal.name,
            "archived": False,
            "released": is_released,
            "projectId": owner.id if owner is not None else 0,
        }
        if start is not None:
            made |= {"startDate": start, "userStartDate": _user_date(start)}
        if due is not None:
            made |= {"releaseDate": due, "userReleaseDate": _user_date(due)}
            made["overdue"] = not is_released and due < self.site.now.astimezone(self.site.zone).date().isoformat()
        return made

    def sprint(self, goal: Goal, board: int) -> JSON:
        """A sprint as the agile API shows it: moments, which are days on the calendar of who looks at them."""
        start, due = goal.value("start_on", self.site.now), goal.value("due_on", self.site.now)
        made: JSON = {
            "id": goal.id,
            "self": f"{self.base}/rest/agile/1.0/sprint/{goal.id}",
            "state": goal.value("state", self.site.now),
            "name": goal.name,
            "startDate": self._utc(f"{start}T00:00"),
            "endDate": self._utc(f"{due}T23:59"),
            "originBoardId": board,
            "goal": "",
        }
        closed = goal.value("closed_on", self.site.now)
        return made if closed is None else made | {"completeDate": self._utc(f"{closed}T12:00")}

    def _utc(self, local: str) -> str:
        at = datetime.fromisoformat(local).replace(tzinfo=self.site.zone).astimezone(UTC)
        return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"

    def _sprints(self, item: Item) -> list[Any] | None:
        """The Sprint field: objects at Cloud, Java's toString at Data Center."""
        ids = [int(one) for one in item.members("milestone", self.site.now) if self.site.goals[one].kind == "sprint"]
        if not ids:
            return None
        made: list[Any] = []
        for number in sorted(ids):
            goal = self.site.goals[str(number)]
            owner = self.site.project(goal.project or "")
            full = self.sprint(goal, board_id(owner))
            if self.flavour.is_cloud:
                made.append({**{key: value for key, value in full.items() if key not in ("self", "originBoardId")},
                             "boardId": full["originBoardId"]})  # fmt: skip
                continue
            done = full.get("completeDate", "<null>")
            made.append(
                f"com.atlassian.greenhopper.service.sprint.Sprint@{number * 7919 % 0xFFFFFFF:x}[id={number},"
                f"rapidViewId={full['originBoardId']},state={full['state'].upper()},name={goal.name},"
                f"startDate={full['startDate']},endDate={full['endDate']},completeDate={done},"
                f"activatedDate=<null>,sequence={number},goal=]"
            )
        return made

    def brief(self, item: Item) -> JSON:
        """An issue inside another's answer."""
        now = self.site.now
        return {
            "id": str(item.id),
            "key": item.key,
            "self": self.api(f"issue/{item.id}"),
            "fields": {
                "summary": item.value("title", now) or item.title,
                "status": self.status(item.value("status", now) or ""),
                "priority": self.named("priority", PRIORITIES, item.value("priority", now)),
                "issuetype": self.issue_type(item.value("kind", now) or ""),
            },
        }

    def fields(self, item: Item) -> JSON:
        """Every field of an issue now; the description is added where it is asked for."""
        known: JSON | None = self.site.cache().get(item.id)
        if known is None:
            known = self.site.cache()[item.id] = self._fields(item)
        return known

    def _fields(self, item: Item) -> JSON:
        site, now = self.site, self.site.now
        status, parent_id = item.value("status", now) or "", item.value("parent", now)
        kind = item.value("kind", now) or ""
        owner = site.project(item.project)
        assert owner is not None
        parent = site.by_id[parent_id] if parent_id is not None else None
        versions = [
            site.goals[one] for one in sorted(item.members("milestone", now)) if site.goals[one].kind == "version"
        ]
        resolved = item.value("resolution", now)
        estimate = item.value("estimate", now)
        reporter = list(site.workers.values())[item.number % len(site.workers)]
        status_at = max((one.at for one in item.happened(now) if one.field == "status"), default=item.created_at)
        resolved_at = max((one.at for one in item.happened(now) if one.field == "resolution"), default=item.created_at)
        option = {"self": self.api(f"customFieldOption/{self.flavour.flag_option}"), "value": "Impediment",
                  "id": self.flavour.flag_option}  # fmt: skip
        fields: JSON = {
            "summary": item.value("title", now) or item.title,
            "issuetype": self.issue_type(kind),
            "project": self.project(owner),
            "status": self.status(status),
            "resolution": self.named("resolution", RESOLUTIONS, resolved),
            "resolutiondate": None if resolved is None else self.moment(resolved_at),
            "priority": self.named("priority", PRIORITIES, item.value("priority", now)),
            "labels": sorted(item.members("label", now)),
            "fixVersions": [self.version(goal) for goal in versions],
            "versions": [],
            "components": [],
            "created": self.moment(item.created_at),
            "updated": self.moment(site.updated_at(item)),
            "duedate": item.value("due_on", now),
            "assignee": self.person(item.value("assignee", now)),
            "reporter": self.user(reporter),
            "creator": self.user(reporter),
            "issuelinks": [self._link(*link) for link in site.blockers(item)],
            "subtasks": [self.brief(one) for one in site.children(item) if one.value("kind", now) == "Sub-task"],
            "timeestimate": None,
            "timeoriginalestimate": None,
            "timespent": None,
            "environment": None,
            self.flavour.sprint: self._sprints(item),
            self.flavour.points: None if estimate is None else float(estimate),
            self.flavour.flagged: [option] if item.value("flagged", now) else None,
        }
        if self.flavour.is_cloud:
            fields["statuscategorychangedate"] = self.moment(status_at)
            fields["customfield_10016"] = None  # Story point estimate: team-managed projects use it, there are none
            fields["security"] = None
            if parent is not None:
                fields["parent"] = self.brief(parent)
        elif kind == "Sub-task" and parent is not None:
            fields["parent"] = self.brief(parent)
            fields[self.flavour.epic_link or ""] = None
        else:
            fields[self.flavour.epic_link or ""] = None if parent is None else parent.key
        if not self.flavour.is_cloud:
            is_archived = not item.is_listed(now)
            fields["archiveddate"] = self.moment(item.archived_at) if is_archived and item.archived_at else None
            fields["archivedby"] = self.user(reporter) if is_archived else None
        return fields

    def _link(self, number: int, other: Item, other_blocks: bool) -> JSON:
        kind = {"id": "10000", "name": "Blocks", "inward": "is blocked by", "outward": "blocks",
                "self": self.api("issueLinkType/10000")}  # fmt: skip
        side = "inwardIssue" if other_blocks else "outwardIssue"
        return {"id": str(number), "self": self.api(f"issueLink/{number}"), "type": kind, side: self.brief(other)}

    def description(self, item: Item, *, as_document: bool) -> Any:
        """Wiki text, or a document for version 3."""
        if not as_document:
            return item.description
        parts = [{"type": "paragraph", "content": [{"type": "text", "text": item.description}]}]
        return {"type": "doc", "version": 1, "content": parts}

    def issue(self, item: Item, wanted: Collection[str] | None, *, as_document: bool = False) -> JSON:
        """An issue with the wanted fields; None means all. Unknown names are ignored, as Jira does."""
        everything = self.fields(item)
        is_all = wanted is None or "*all" in wanted or "*navigable" in wanted
        names = set(wanted or ())
        dropped = {name[1:] for name in names if name.startswith("-")}
        fields = {
            name: value for name, value in everything.items() if (is_all or name in names) and name not in dropped
        }
        if (is_all or "description" in names) and "description" not in dropped:
            fields["description"] = self.description(item, as_document=as_document)
        if "comment" in names or (is_all and "*navigable" not in names and "comment" not in dropped):
            comments = [self.comment(item, one, as_document=as_document) for one in self.site.comments.get(item.id, ())]
            fields["comment"] = {"comments": comments[:20], "self": self.api(f"issue/{item.id}/comment"),
                                 "maxResults": len(comments[:20]), "total": len(comments), "startAt": 0}  # fmt: skip
        return {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
            "id": str(item.id),
            "self": self.api(f"issue/{item.id}"),
            "key": item.key,
            "fields": fields,
        }

    def history(self, history: History) -> JSON:
        """One entry of the changelog."""
        return {
            "id": history.id,
            "author": self.user(history.author),
            "created": self.moment(history.at),
            "items": [self._item(change) for change in history.changes],
        }

    def _item(self, change: Change) -> JSON:
        old, old_text, new, new_text = change[1:]
        field_id: str | None
        is_custom = change.field in ("sprint", "flagged", "estimate")
        if change.field == "sprint":
            name, field_id = "Sprint", self.flavour.sprint
        elif change.field == "estimate":
            name, field_id = "Story Points", self.flavour.points
        elif change.field == "flagged":
            name, field_id = "Flagged", self.flavour.flagged
            old, old_text = (f"[{self.flavour.flag_option}]", "Impediment") if old_text else ("", "")
            new, new_text = (f"[{self.flavour.flag_option}]", "Impediment") if new_text else ("", "")
        elif change.field == "parent" and self.flavour.is_cloud:
            name, field_id = "IssueParentAssociation", None
        elif change.field == "parent":
            name, field_id, is_custom = "Epic Link", self.flavour.epic_link, True
        else:
            name, field_id = _LOGGED[change.field]
        if change.field == "assignee":
            old, new = self._native(old), self._native(new)
        made: JSON = {"field": name, "fieldtype": "custom" if is_custom else "jira"}
        if self.flavour.is_cloud and field_id is not None:
            made["fieldId"] = field_id
        return made | {"from": old, "fromString": old_text, "to": new, "toString": new_text}

    def _native(self, worker: str | None) -> str | None:
        if worker is None:
            return None
        one = self.site.workers[worker]
        return account_id(one) if self.flavour.is_cloud else user_key(one)

    def comment(self, item: Item, comment: Comment, *, as_document: bool) -> JSON:
        """A comment; version 2 shows text, version 3 a document, whichever way it came."""
        body = comment.body
        if as_document and isinstance(body, str):
            body = _document(body)
        elif not as_document and not isinstance(body, str):
            body = _plain(body)
        author = self.user(comment.author)
        made = {
            "self": self.api(f"issue/{item.id}/comment/{comment.id}"),
            "id": str(comment.id),
            "author": author,
            "body": body,
            "updateAuthor": self.user(comment.editor or comment.author),
            "created": self.moment(comment.created_at),
            "updated": self.moment(comment.updated_at),
        }
        return made | {"jsdPublic": True} if self.flavour.is_cloud else made

    def remote_link(self, item: Item, link: RemoteLink) -> JSON:
        """A remote link."""
        made: JSON = {"id": link.id, "self": self.api(f"issue/{item.id}/remotelink/{link.id}")}
        if link.global_id is not None:
            made["globalId"] = link.global_id
        return made | link.body


def _document(text: str) -> JSON:
    """Text as version 3 writes it."""
    parts = [{"type": "text", "text": text}] if text else []
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": parts}]}


def account_id(worker: Worker) -> str:
    """The person's Atlassian account id."""
    return f"712020:5b10a284-4c20-4165-9007-{int(worker.id[1:]):012d}"


def user_key(worker: Worker) -> str:
    """The person's key at Data Center."""
    return f"JIRAUSER{10_100 + int(worker.id[1:])}"


def board_id(project: TrackedProject | None) -> int:
    """Each project has one board."""
    return 0 if project is None else project.id - 9_000


def _user_date(text: str) -> str:
    """The localized form that programs must not parse."""
    return f"{datetime.fromisoformat(text) + timedelta():%d/%b/%y}"


def _plain(document: Any) -> str:
    """The text of a document."""
    if isinstance(document, dict):
        return str(document.get("text", "")) + "".join(_plain(one) for one in document.get("content", ()))
    return ""
