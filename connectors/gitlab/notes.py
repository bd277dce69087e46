"""GitLab's activity stream -> changes. Pure.

The stream is sentences (``added ~12 and removed ~7 labels``, ``changed due date to March 31, 2026``), each with an
``action`` that says what it is about. Grammar by action; permissive on the verb, strict on the reference: words are
edited by GitLab from release to release, references are not. Sources: GitLab's ``app/services/system_notes`` and the
notes it makes up from resource events (``app/models/*_note.rb``). What they say in short:

* labels and iterations stand there by number, one sentence for all labels changed at once, ``2 deleted`` for those that
  are gone; milestones by number within the project, a group's by name, lately with the path from the root
  (``/group/app%7``); people by login;
* an epic's dates and the epic of an issue have sentences of their own, which older versions wrote and new ones still show;
* ``opened`` is a reopening; nothing is said about the opening itself;
* a change names the new value, seldom the old one: what held before the first sentence about a field is unknown then.

An action nobody here knows, or a sentence without its reference, is counted by ``Activity.unread``; it is never fatal.
Where the sentences and the issue disagree, ``stays`` lets the issue be right as of its last update.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from connectors.gitlab.stays import Change
from connectors.gitlab.values import Json, moment, text

# Known, and without a bearing on any field whose history we keep.
SILENT: Final = frozenset((
    "alert_issue_added", "approvals_reset", "approved", "branch", "checkin_reminder", "cherry_pick", "cloned", "commit",
    "confidential", "contact", "cross_reference", "custom_field", "description", "designs_added",
    "designs_discussion_added", "designs_modified", "designs_removed", "discussion", "duo_agent_completed",
    "duo_agent_failed", "duo_agent_started", "duo_code_review_started", "duo_mention_started", "duplicate",
    "epic_issue_added", "epic_issue_moved", "epic_issue_removed", "issue_email_participants", "locked", "merge",
    "merged", "moved", "new_alert_added", "notify_service", "outdated", "override", "paging_started", "pinned_embed",
    "progress", "published", "relate", "relate_to_child", "requested_changes", "reviewed", "reviewer", "severity",
    "status", "tag", "task", "time_tracking", "timeline_event", "title", "unapproved", "unlocked", "unrelate",
    "unrelate_from_child", "visible", "vulnerability_confirmed", "vulnerability_detected", "vulnerability_dismissed",
    "vulnerability_resolved", "vulnerability_severity_changed",
))  # fmt: skip
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # or in full
_LABEL: Final = re.compile(r'(?P<verb>\badded\b|\bremoved\b)|~"(?P<quoted>[^"]+)"|~(?P<bare>[^\s~"]+)', re.IGNORECASE)
_PERSON: Final = re.compile(r"(?P<verb>\bunassigned\b|\bassigned\b|\bremoved\b)|@(?P<login>\w[\w.-]*)", re.IGNORECASE)
_MILESTONE: Final = re.compile(r'(?P<path>[\w./-]*)%(?:"(?P<quoted>[^"]+)"|(?P<bare>[^\s%"]+))')
_ITERATION: Final = re.compile(r'(?P<path>[\w./-]*)\*iteration:(?:"(?P<quoted>[^"]+)"|(?P<bare>\d+))')
_DAY: Final = re.compile(
    r"(?P<field>start|due|finish) date(?:\s+to)?(?:\s+(?P<month>[A-Z][a-z]+)\s+(?P<day>\d{1,2}),\s+(?P<year>\d{4})"
    r"|\s+(?P<iso>\d{4}-\d\d-\d\d))?"
)
_BOLD: Final = re.compile(r"\*\*(.+?)\*\*")
_REFERENCE: Final = re.compile(r"(?P<path>[\w./-]*)[#&](?P<iid>\d+)\b")
_CHILD: Final = re.compile(r"\bchild\b", re.IGNORECASE)
_EMPTIED: Final = re.compile(r"^\s*(removed|cleared|unset)\b", re.IGNORECASE)


class Names(NamedTuple):
    """What the references of one issue stand for."""

    path: str = ""  # of the issue's project or group
    labels: Mapping[str, str] = {}  # number -> name
    milestones: Mapping[str, str] = {}  # number within the project, or name -> id
    iterations: Mapping[str, str] = {}  # name -> id
    steps: Mapping[str, str] = {}  # name of a work-item status -> key
    people: Mapping[str, str] = {}  # login -> id
    assignees: Sequence[str] = ()  # ids of today's
    parent: tuple[str, str] | None = None  # today's: id, full reference
    issues: Mapping[str, tuple[str, str]] = {}  # reference of a parent -> id, key


class Activity(NamedTuple):
    """What the stream of one issue tells. Fields are those of ``normalize.Raw.logged``."""

    changes: Mapping[str, Sequence[Change]]
    unread: Counter[str]  # action -> sentences that were not understood


def logins(notes: Iterable[Json]) -> set[str]:
    """Everybody whom assignments name."""
    found = set()
    for note in notes:
        if _action(note) == "assignee":
            found |= {
                match["login"].rstrip(".-") for match in _PERSON.finditer(text(note.get("body"))) if match["login"]
            }
    return found


def parents(notes: Iterable[Json]) -> set[str]:
    """The references of everything that was a parent once."""
    told = [text(note.get("body")) for note in notes if GRAMMAR.get(_action(note)) is _Reader.parent]
    return {match[0] for body in told if not _CHILD.search(body) and (match := _REFERENCE.search(body))}


def read(notes: Iterable[Json], names: Names) -> Activity:
    """The changes in order of time. Raises what a note without a time raises (``values.SHAPE_ERRORS``)."""
    reader = _Reader(names)
    for note in sorted(notes, key=lambda note: moment(note["createdAt"])):  # those of one moment stay as they came
        reader.take(_action(note), moment(note["createdAt"]), text(note.get("body")))
    reader.settle_assignees()
    return Activity(reader.changes, reader.unread)


def _action(note: Json) -> str:
    return text((note.get("systemNoteMetadata") or {}).get("action"))


class _Reader:
    def __init__(self, names: Names) -> None:
        self._names = names
        self.changes: dict[str, list[Change]] = defaultdict(list)
        self.unread: Counter[str] = Counter()
        self._assigned: list[tuple[datetime, list[str], list[str] | None]] = []  # added, removed (None: all)

    def take(self, action: str, at: datetime, body: str) -> None:
        if action in SILENT:
            return
        read = GRAMMAR.get(action)
        if read is None or not read(self, at, body):
            self.unread[action or "none"] += 1

    def _add(self, field: str, at: datetime, value: str | None, *, is_added: bool = True) -> bool:
        self.changes[field].append(Change(at, value, is_added))
        return True

    def closed(self, at: datetime, _body: str) -> bool:
        return self._add("state", at, "closed")

    def opened(self, at: datetime, _body: str) -> bool:
        return self._add("state", at, "opened")

    def label(self, at: datetime, body: str) -> bool:
        is_added: bool | None = None
        for match in _LABEL.finditer(body):
            if match["verb"]:
                is_added = match["verb"].lower() == "added"
            elif is_added is not None:
                bare = match["bare"]
                name = match["quoted"] or (self._names.labels.get(bare) if bare.isdigit() else bare)
                if name is not None:  # else deleted since
                    self._add("label", at, name, is_added=is_added)
        return is_added is not None

    def _box(self, field: str, ids: Mapping[str, str], pattern: re.Pattern[str], at: datetime, body: str) -> bool:
        match = pattern.search(body)
        is_removed = _EMPTIED.match(body) is not None
        if match is None:
            return is_removed and self._add(field, at, None)
        named = match["quoted"] or match["bare"]
        found = ids.get(named) or (named if field == "iteration" and named.isdigit() else None)
        path = match["path"].strip("/")
        if path and not f"{self._names.path}/".startswith(f"{path}/"):  # another project's: the issue came from there
            found = None
        if found is None or not is_removed:  # one that is not there any more: which it was is unknown
            return self._add(field, at, found)
        return self._add(field, at, found, is_added=False)

    def milestone(self, at: datetime, body: str) -> bool:
        return self._box("milestone", self._names.milestones, _MILESTONE, at, body)

    def iteration(self, at: datetime, body: str) -> bool:
        return self._box("iteration", self._names.iterations, _ITERATION, at, body)

    def weight(self, at: datetime, body: str) -> bool:
        return self._named("estimate", at, body, re.compile(r"(?<![\w.])(\d+)(?![\w.])"))

    def health(self, at: datetime, body: str) -> bool:
        words = re.compile(r"(on track|needs attention|at risk)", re.IGNORECASE)
        return self._named("health", at, body, words, lambda found: found.lower().replace(" ", "_"))

    def step(self, at: datetime, body: str) -> bool:
        return self._named("step", at, body, _BOLD, lambda found: self._names.steps.get(found, found))

    def kind(self, at: datetime, body: str) -> bool:
        words = re.compile(r"(?:from|to)\s+\**([A-Za-z][A-Za-z _]*?)\**(?=\s+to\b|\s*$|\.)", re.IGNORECASE)
        return self._named("kind", at, body, words, lambda found: found.strip().lower().replace(" ", "_"))

    def _named(
        self, field: str, at: datetime, body: str, pattern: re.Pattern[str], plain: Callable[[str], str] = str
    ) -> bool:
        """``set X to NEW``, ``changed X from OLD to NEW``, ``changed X to NEW from OLD``, ``removed X [OLD]``."""
        found = [(match.start(1), plain(match[1])) for match in pattern.finditer(body)]
        if _EMPTIED.match(body):
            return self._add(field, at, found[0][1], is_added=False) if found else self._add(field, at, None)
        if not found:
            return False
        old = [one for one in found if re.search(r"(\bfrom|previously)\W*(?:from\s+)?$", body[: one[0]], re.IGNORECASE)]
        new = [one for one in found if one not in old] or found[-1:]
        if old and old[0] != new[0] and not self.changes.get(field):
            self._add(field, at, old[0][1], is_added=False)  # what held from the beginning
        return self._add(field, at, new[0][1])

    def dates(self, at: datetime, body: str) -> bool:
        is_read = False
        for match in _DAY.finditer(body):
            before = re.findall(r"\b(changed|set|added|removed|cleared)\b", body[: match.start()], re.IGNORECASE)
            is_removed = bool(before) and before[-1].lower() in ("removed", "cleared")
            day = match["iso"]
            month = (match["month"] or "")[:3]
            if month in MONTHS:
                day = f"{int(match['year']):04d}-{MONTHS.index(month) + 1:02d}-{int(match['day']):02d}"
            if day is None and not is_removed:
                return False
            field = "start_on" if match["field"] == "start" else "due_on"
            self._add(field, at, day, is_added=not (is_removed and day is not None))
            is_read = True
        return is_read

    def parent(self, at: datetime, body: str) -> bool:
        """By its reference. Where nobody knows what that stands for (deleted, hidden), no parent is.

        The sentence about a child has the same action as the one about a parent where both are epics.
        """
        if _CHILD.search(body):
            return True
        match = _REFERENCE.search(body)
        if match is None:
            return False
        found = self._names.issues.get(match[0])
        now = self._names.parent
        if now is not None and _same(match, now[1]):
            found = now
        if found is None:
            return self._add("parent", at, None)
        return self._add("parent", at, found[0], is_added=not _EMPTIED.match(body))

    def assignee(self, at: datetime, body: str) -> bool:
        added: list[str] = []
        removed: list[str] = []
        into: list[str] | None = None
        for match in _PERSON.finditer(body):
            if match["verb"]:
                into = added if match["verb"].lower() == "assigned" else removed
            elif into is not None:
                login = match["login"].rstrip(".-")
                into.append(self._names.people.get(login, f"@{login}"))
        if into is None:
            return False
        self._assigned.append((at, added, removed if added or removed else None))
        return True

    def settle_assignees(self) -> None:
        """The first of several at each time. Who was there from the beginning is found backwards from today."""
        if not self._assigned:
            return
        now = list(self._names.assignees)
        for _, added, removed in reversed(self._assigned):
            now = [one for one in now if one not in added]
            now += [one for one in removed or () if one not in now]
        first = Change(datetime.min.replace(tzinfo=UTC), now[0] if now else None, True)
        self.changes["assignee"].append(first)
        for at, added, removed in self._assigned:
            now = [] if removed is None else [one for one in now if one not in removed]
            now += [one for one in added if one not in now]
            self._add("assignee", at, now[0] if now else None)


def _same(match: re.Match[str], full: str) -> bool:
    """Whether a reference, perhaps shortened to the same project or group, means the issue with the ``full`` one."""
    path, _, iid = full.replace("&", "#").rpartition("#")
    named = match["path"].strip("/")
    return match["iid"] == iid and (not named or path == named or path.endswith(f"/{named}"))


GRAMMAR: Final[Mapping[str, Callable[[_Reader, datetime, str], bool]]] = {
    "closed": _Reader.closed,
    "opened": _Reader.opened,
    "reopened": _Reader.opened,
    "label": _Reader.label,
    "milestone": _Reader.milestone,
    "iteration": _Reader.iteration,
    "weight": _Reader.weight,
    "health_status": _Reader.health,
    "work_item_status": _Reader.step,
    "issue_type": _Reader.kind,
    "due_date": _Reader.dates,
    "start_date": _Reader.dates,
    "start_date_or_due_date": _Reader.dates,
    "epic_date_changed": _Reader.dates,
    "relate_to_parent": _Reader.parent,
    "unrelate_from_parent": _Reader.parent,
    "issue_added_to_epic": _Reader.parent,
    "issue_changed_epic": _Reader.parent,
    "issue_removed_from_epic": _Reader.parent,
    "relate_epic": _Reader.parent,
    "unrelate_epic": _Reader.parent,
    "assignee": _Reader.assignee,
}
