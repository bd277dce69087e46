"""Problems of confidential issues, told without naming them: certificates are kept, printed and published."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pmo_sync.model import Problem

_ADDRESS: Final = re.compile(r"\S*/\S*")  # a URL or the path of a request, either of which may hold a key
_ISSUE: Final = re.compile(r"(/issues?/)[^/\s:]*\d[^/\s:]*")  # the address of a single issue


def discreet(problems: Iterable[Problem], confidential: Mapping[str, str]) -> tuple[Problem, ...]:
    """``problems``, with those of ``confidential`` issues (key -> id) under their ids: who may see one finds it by that."""
    return tuple(_discreet(one, confidential) for one in problems)


def _discreet(one: Problem, confidential: Mapping[str, str]) -> Problem:
    told = discreet_text(one.what, confidential)
    if one.subject not in confidential:
        return Problem(one.subject, told)
    return Problem(confidential[one.subject], _ADDRESS.sub("...", told))


def without_issue(error: Exception) -> str:
    """What an error says, without the issue that was asked for: it may be one that we do not know as confidential."""
    return _ISSUE.sub(r"\1...", str(error))


def discreet_text(what: str, confidential: Mapping[str, str]) -> str:
    """``what`` without the keys of ``confidential`` issues, and then without addresses."""
    named = [key for key in confidential if key in what]
    told = what
    for key in sorted(named, key=len, reverse=True):
        told = re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", "...", told)
    return what if told == what else _ADDRESS.sub("...", told)
