"""Forms with files, as browsers and HTTP libraries send them."""

from __future__ import annotations

import re
from typing import NamedTuple


class Part(NamedTuple):
    """One field of a form."""

    file_name: str  # empty: a plain field
    data: bytes
    media_type: str


def form(content_type: str, body: bytes) -> dict[str, Part]:
    """The fields by name. Raises ValueError where it is no such form."""
    match = re.search(r'boundary="?([^";]+)"?', content_type)
    if not content_type.startswith("multipart/form-data") or match is None:
        raise ValueError(f"Unsupported Media Type: {content_type}")
    made = {}
    for part in body.split(b"--" + match.group(1).encode()):
        head, separator, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not separator:
            continue
        text = head.decode("utf-8", "replace")
        name = re.search(r'[; ]name="([^"]*)"', text)
        file_name = re.search(r'filename="([^"]*)"', text)
        media_type = re.search(r"(?im)^content-type:\s*(\S+)", text)
        if name:
            made[name.group(1)] = Part(
                file_name.group(1) if file_name else "",
                data.removesuffix(b"\r\n"),
                media_type.group(1).rstrip(";") if media_type else "application/octet-stream",
            )
    return made
