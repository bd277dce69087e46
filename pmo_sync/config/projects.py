"""What a project's name in the configuration means."""

from __future__ import annotations

from collections.abc import Sequence


def is_meant(name: str, key: str, number: str = "") -> bool:
    """Whether ``name`` means the tracker project of that key or number: in any case; ``group/*`` all below a group.

    ``sql/derive/40_project_member.sql`` says the same of scopes.
    """
    said, known = name.lower(), key.lower()
    if said.endswith("/*"):
        return f"{known}/".startswith(said[:-1])
    return said in (known, number)


def is_asked_for(names: Sequence[str], key: str, number: str) -> bool:
    """Whether a source configured with ``names`` asks for the tracker project; without a name it asks for all."""
    return not names or any(is_meant(name, key, number) for name in names)
