"""Whether a GitLab token may write, told before anything is written."""

from __future__ import annotations

from typing import Any, Final, Protocol

WRITING_SCOPES: Final = frozenset({"api", "granular"})  # granular: a fine-grained token, which does not say what for


class Token(Protocol):
    """Of ``pmo_sync.clients.gitlab.GitlabClient``."""

    def token(self) -> dict[str, Any] | None: ...


def missing(place: str, client: Token, user: str | int) -> str:
    """What the token of a place lacks; empty where it may write, or does not tell."""
    scopes = {str(one) for one in (client.token() or {}).get("scopes") or ()}
    if not scopes or scopes & WRITING_SCOPES:
        return ""
    return (
        f"{place}: the token has {', '.join(sorted(scopes))} and may not write; make one with the scope api "
        f"for user {user} and put it where token of [place.{place}] leads"
    )
