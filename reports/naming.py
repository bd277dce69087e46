"""What a document is called on a file system."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

_UNCLEAR: Final = re.compile(r"-(?=[-/])|(?<=[-/])-|^\.")  # would read as a slash, or hide the file


def file_name(slot: str) -> str:
    """``project/pay`` -> ``project--pay``: one name of a file or folder, and no two slots share one.

    In a link it is quoted like any other name.
    """
    text = quote(slot, safe="/ ")
    return _UNCLEAR.sub(lambda found: f"%{ord(found[0]):02X}", text).replace("/", "--")
