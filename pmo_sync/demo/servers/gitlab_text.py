"""What GitLab reads out of the text of a note: quick actions it executes, people it notifies."""

from __future__ import annotations

import html
import re
from typing import Final, NamedTuple

_QUICK_ACTIONS: Final = frozenset((
    "add_child", "add_contacts", "add_email", "approve", "assign", "assign_reviewer", "award", "blocked_by", "blocks",
    "board_move", "cc", "checkin_reminder", "clear_health_status", "clear_weight", "clone", "close", "confidential",
    "convert_to_ticket", "copy_metadata", "create_merge_request", "done", "draft", "due", "duplicate", "epic",
    "estimate", "health_status", "invite_email", "iteration", "label", "labels", "link", "lock", "merge", "milestone",
    "move", "page", "parent", "promote", "promote_to", "promote_to_incident", "publish", "react", "ready", "reassign",
    "reassign_reviewer", "rebase", "relabel", "relate", "remove_child", "remove_contacts", "remove_due_date",
    "remove_email", "remove_epic", "remove_estimate", "remove_iteration", "remove_milestone", "remove_parent",
    "remove_spent", "remove_time_spent", "remove_zoom", "reopen", "request_changes", "request_review", "resolve",
    "set_parent", "severity", "spend", "spent", "spend_time", "status", "submit_review", "subscribe", "tag",
    "target_branch", "timeline", "title", "todo", "type", "unapprove", "unassign", "unassign_reviewer", "unblock",
    "unlabel", "unlink", "unlock", "unsubscribe", "weight", "zoom",
))  # fmt: skip
_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"(?<![`\\])(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)", re.DOTALL)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_COMMAND: Final = re.compile(r"^/([a-z_]+)(?:[ \t]+(.*))?$", re.IGNORECASE)
_MENTION: Final = re.compile(r"(?<![\w/.\\])@([A-Za-z0-9_][\w.\-/]*)")


class Command(NamedTuple):
    """A quick action: ``/label ~bug`` is ``label`` with ``~bug``."""

    name: str
    argument: str


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "\0", match.group())


def without_code(text: str) -> str:
    """``text`` with every character of its code blocks and code spans blanked out; same lines, same length."""
    return _SPAN.sub(_blank, _FENCE.sub(_blank, text))


def quick_actions(text: str) -> tuple[str, list[Command]]:
    """The text that remains, and what GitLab executes: known commands at the start of a line outside code."""
    kept, commands = [], []
    for line, masked in zip(text.split("\n"), without_code(text).split("\n"), strict=True):
        match = _COMMAND.match(masked.rstrip("\r"))
        if match and match.group(1).lower() in _QUICK_ACTIONS:
            commands.append(Command(match.group(1).lower(), (match.group(2) or "").strip()))
        else:
            kept.append(line)
    return ("\n".join(kept).strip() if commands else text), commands


def mentions(text: str) -> list[str]:
    """Whom the note names. Entities count (``&#64;all`` renders as ``@all``), escaped and commented ones do not."""
    shown = _COMMENT.sub(_blank, without_code(text))
    return [name.rstrip(".-/") for name in _MENTION.findall(html.unescape(shown))]
