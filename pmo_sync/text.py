"""What is done to every text of a tracker before it becomes part of a record."""

from __future__ import annotations

from typing import Any


def clean(value: Any) -> str:
    """A text that the store and every writer can hold.

    NUL characters go, halves of a character that belong together are joined, and those that do not become U+FFFD.
    """
    text = str(value)
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
