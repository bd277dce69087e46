"""Problems of confidential issues, told without naming them: certificates are kept, printed and published."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pmo_sync.model import Problem

_ADDRESS: Final = re.compile(r"\S*/\S*")  # a URL or the path of a request, either of which holds the key


def discreet(problems: Iterable[Problem], confidential: Mapping[str, str]) -> tuple[Problem, ...]:
    """``problems``, with those of ``confidential`` issues (key -> id) under their ids: who may see one finds it by that."""
    return tuple(
        Problem(confidential[one.subject], _ADDRESS.sub("...", one.what.replace(one.subject, "...")))
        if one.subject in confidential
        else one
        for one in problems
    )
