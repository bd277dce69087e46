"""Texts as TOML: for the configuration that `init` writes and for the lines that `check` gives to paste."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_UNSAID: Final = re.compile(
    r"[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)  # unseen, or turn the line around


def quoted(text: str) -> str:
    """A basic string on one line, whatever the text: control and direction characters escaped, half pairs replaced."""
    said = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
    return _UNSAID.sub(lambda found: f"\\u{ord(found[0]):04x}", said)


def key(name: str) -> str:
    """A key: bare where TOML allows it."""
    return name if _BARE.fullmatch(name) else quoted(name)


def texts(values: Sequence[str]) -> str:
    """A list of strings on one line."""
    return f"[{', '.join(quoted(one) for one in values)}]"
