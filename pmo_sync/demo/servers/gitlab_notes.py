"""The comments on GitLab issues: kept, executed, and heard by whom they name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pmo_sync.demo.company import Event, Item
from pmo_sync.demo.servers.gitlab_query import Refused, fields, page_of
from pmo_sync.demo.servers.gitlab_shapes import Json, Shapes
from pmo_sync.demo.servers.gitlab_text import Command, mentions, quick_actions
from pmo_sync.demo.servers.wire import Answer, Request

Account = tuple[int, str, str]  # id, login, name
HUMAN: Final[Account] = (13, "a.human", "A. Human")
MAX_NOTE: Final = 1_048_576  # characters


@dataclass(slots=True)
class Note:
    """A comment somebody wrote."""

    id: int
    item: int
    body: str
    author: Account
    created_at: datetime
    updated_at: datetime
    internal: bool


class Notes:
    """Every comment. ``mentions`` and ``executed`` tell what texts did besides being shown."""

    def __init__(
        self, shapes: Shapes, item_of: Callable[[re.Match[str]], Item], who: Callable[[Request], Account]
    ) -> None:
        self._shapes = shapes
        self._item_of = item_of
        self._who = who
        self.mentions: list[tuple[str, str]] = []  # issue key, name
        self.executed: list[tuple[str, Command]] = []  # issue key, quick action
        self._note_of: dict[int, Note] = {}
        self._next_note = 1

    def count(self, item: Item) -> int:
        """How many comments an issue has."""
        return sum(note.item == item.id for note in self._note_of.values())

    def listed(self, request: Request, match: re.Match[str]) -> Answer:
        item = self._item_of(match)
        kind = request.first("activity_filter", "all_notes")
        found = [self._note_shown(note) for note in self._note_of.values() if note.item == item.id]
        if kind == "only_activity":
            found = []
        if kind != "only_comments":
            found += self._shapes.system_notes(item)
        order = "updated_at" if request.first("order_by") == "updated_at" else "created_at"
        found.sort(key=lambda note: (note[order], note["id"]), reverse=request.first("sort", "desc") == "desc")
        return page_of(self._shapes.url, request, found, lambda note: note)

    def _note_shown(self, note: Note) -> Json:
        item = self._shapes.item(note.item)
        assert item is not None
        return self._shapes.note(
            item,
            note.id,
            note.body,
            self._shapes.account(*note.author),
            note.created_at,
            note.updated_at,
            internal=note.internal,
        )

    def _note_at(self, match: re.Match[str]) -> Note:
        note = self._note_of.get(int(match.group(3)))
        if note is None or note.item != self._item_of(match).id:
            raise Refused(Answer(404, {"message": "404 Note Not Found"}))
        return note

    def one(self, _request: Request, match: re.Match[str]) -> Answer:
        return Answer(200, self._note_shown(self._note_at(match)))

    def post(self, request: Request, match: re.Match[str]) -> Answer:
        item = self._item_of(match)
        body, sent = self._body(request)
        kept, commands = self._obey(item, body)
        if commands and not kept:
            return _only_commands(commands)
        author = self._who(request)
        internal = sent.get("internal", sent.get("confidential", False)) in (True, "true")
        note = self._add(item, kept, author, internal=internal)
        return Answer(201, self._note_shown(note))

    def put(self, request: Request, match: re.Match[str]) -> Answer:
        note, item = self._note_at(match), self._item_of(match)
        if note.author[0] != self._who(request)[0]:
            return Answer(403, {"message": "403 Forbidden"})
        kept, commands = self._obey(item, self._body(request)[0])
        if commands and not kept:
            del self._note_of[note.id]
            return _only_commands(commands)
        self._change(note, kept)
        return Answer(200, self._note_shown(note))

    def delete(self, request: Request, match: re.Match[str]) -> Answer:
        note = self._note_at(match)
        if note.author[0] != self._who(request)[0]:
            return Answer(403, {"message": "403 Forbidden"})
        del self._note_of[note.id]
        return Answer(204)

    @staticmethod
    def _body(request: Request) -> tuple[str, Mapping[str, Any]]:
        sent = fields(request)
        body = sent.get("body")
        if body is None:
            raise Refused(Answer(400, {"error": "body is missing"}))
        if not isinstance(body, str) or "\0" in body:
            raise Refused(Answer(400, {"error": "body is invalid"}))
        if not body.strip() or len(body) > MAX_NOTE:
            why = "can't be blank" if not body.strip() else f"is too long (maximum is {MAX_NOTE} characters)"
            raise Refused(Answer(400, {"message": f'400 Bad request - Note {{:note=>["{why}"]}}'}))
        return body, sent

    def _obey(self, item: Item, text: str) -> tuple[str, list[Command]]:
        """Do what the text commands, note whom it calls, and return what is left of it."""
        kept, commands = quick_actions(text)
        for command in commands:
            self.executed.append((item.key, command))
            self._execute(item, command)
        self.mentions += [(item.key, name) for name in mentions(kept)]
        return kept, commands

    def _execute(self, item: Item, command: Command) -> None:
        """Closing, reopening and labels change the issue; other actions are only listed in ``executed``."""
        now = self._shapes.now
        changes = self._shapes.executed.setdefault(item.id, [])
        current = self._shapes.item(item.id)
        assert current is not None
        status = current.value("status", now)
        if command.name == "close" and not self._shapes.is_closed(current, status):
            changes.append(Event(now, "status", status, "closed"))
        elif command.name == "reopen" and self._shapes.is_closed(current, status):
            changes.append(Event(now, "status", status, "opened"))
        elif command.name in ("label", "labels", "unlabel"):
            for name in re.findall(r'~"([^"]+)"|~([^\s~"]+)', command.argument):
                label = name[0] or name[1]
                changes.append(Event(now, "label", *((label, None) if command.name == "unlabel" else (None, label))))

    def _add(self, item: Item, body: str, author: tuple[int, str, str], *, internal: bool = False) -> Note:
        now = self._shapes.now
        note = Note(self._next_note, item.id, body, author, now, now, internal)
        self._next_note += 1
        self._note_of[note.id] = note
        self._shapes.touched[item.id] = now
        return note

    def _change(self, note: Note, body: str) -> None:
        note.body = body
        note.updated_at = self._shapes.touched[note.item] = self._shapes.now

    # what others do

    def all(self) -> list[Note]:
        """All comments, oldest first."""
        return list(self._note_of.values())

    def comment_as_human(self, key: str, body: str) -> Note:
        """Somebody else comments on the issue ``group/app#17``."""
        project, _, number = key.rpartition("#")
        item = self._shapes.item((project, int(number)))
        assert item is not None, key
        return self._add(item, body, HUMAN)

    def edit_as_human(self, note_id: int, change: Callable[[str], str]) -> None:
        """A maintainer edits a comment; its author stays."""
        note = self._note_of[note_id]
        self._change(note, change(note.body))


def _only_commands(commands: list[Command]) -> Answer:
    """A text of nothing but quick actions leaves no note."""
    changes = {command.name: command.argument for command in commands}
    return Answer(202, {"commands_changes": changes, "summary": [f"Executed /{one}." for one in changes]})
