"""The session of one configured server, the same for every client."""

from __future__ import annotations

from collections.abc import Sequence

from pmo_sync.clock import Clock
from pmo_sync.config import ServerConfig
from pmo_sync.http import BasicAuth, BearerAuth, PoliteSession, session


def session_for(
    server: ServerConfig, clock: Clock, *, post_reads: Sequence[str] = (), keep_cookies: bool = False
) -> PoliteSession:
    """The session of one configured server: user and token as Basic, a token alone as Bearer, none as nobody.

    Raises ConfigError where the token's reference leads nowhere.
    """
    token = server.token.reveal() if server.token else None
    return session(
        server.api_base,
        auth=None if token is None else BasicAuth(server.user, token) if server.user else BearerAuth(token),
        clock=clock,
        per_second=server.requests_per_second,
        workers=server.workers,
        post_reads=post_reads,
        proxy=server.proxy,
        ca_bundle=server.ca_bundle,
        client_cert=server.client_cert,
        keep_cookies=keep_cookies,
    )
