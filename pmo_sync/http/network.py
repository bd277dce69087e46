"""How one run reaches servers: its clock, its tape, and one limiter per instance, whoever talks to it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pmo_sync.errors import ConfigError
from pmo_sync.http.limiter import Limiter
from pmo_sync.http.oauth import ClientCredentials, path_of
from pmo_sync.http.session import BasicAuth, BearerAuth, PoliteSession, origin, session

if TYPE_CHECKING:
    from requests.auth import AuthBase

    from pmo_sync.clock import Clock
    from pmo_sync.config import ServerConfig
    from pmo_sync.http.tape import Tape


class Network:
    """Made once a run. Sources and places on one server share its limiter: the server counts them together.

    With a ``tape`` the answers are recorded, or come from a recording; then no secret is needed or revealed.
    """

    def __init__(self, clock: Clock, tape: Tape | None = None) -> None:
        self.clock = clock
        self._tape = tape
        self._limiters: dict[str, Limiter] = {}
        self._lock = threading.Lock()

    def token(self, server: ServerConfig) -> str | None:
        """The server's token; None without one, and where nobody is asked.

        Raises ConfigError where the token's reference leads nowhere.
        """
        return None if server.token is None or self._offline else server.token.reveal()

    def session(
        self, server: ServerConfig, *, post_reads: Sequence[str] = (), keep_cookies: bool = False
    ) -> PoliteSession:
        """The session of one configured server.

        It logs in with OAuth client credentials, with user and token as Basic, with a token alone as Bearer, or not
        at all. Raises ConfigError where a secret's reference leads nowhere or a certificate's file cannot be used.
        """
        return self._session(
            server, server.api_base, self._auth(server), self._tape, post_reads=post_reads, keep_cookies=keep_cookies
        )

    @property
    def _offline(self) -> bool:
        return self._tape is not None and self._tape.offline

    def _auth(self, server: ServerConfig) -> AuthBase | None:
        if self._offline:
            return None
        if server.oauth is not None:
            where = server.oauth.token_url
            asks = self._session(server, where, None, None, post_reads=(path_of(where),))
            return ClientCredentials(server.oauth, asks, self.clock)
        token = self.token(server)
        if token is None:
            return None
        return BasicAuth(server.user, token) if server.user else BearerAuth(token)

    def _session(
        self,
        server: ServerConfig,
        url: str,
        auth: AuthBase | None,
        tape: Tape | None,
        *,
        post_reads: Sequence[str] = (),
        keep_cookies: bool = False,
    ) -> PoliteSession:
        if not self._offline:
            _usable(server)
        password = None if server.proxy_password is None or self._offline else server.proxy_password.reveal()
        return session(
            url,
            auth=auth,
            clock=self.clock,
            limiter=self._limiter(url, server.requests_per_second),
            workers=server.workers,
            post_reads=post_reads,
            proxy=server.proxy,
            proxy_login=(server.proxy_user, password) if server.proxy_user and password else None,
            ca_bundle=server.ca_bundle,
            client_cert=server.client_cert,
            keep_cookies=keep_cookies,
            tape=tape,
        )

    def _limiter(self, url: str, per_second: float) -> Limiter:
        with self._lock:
            limiter = self._limiters.setdefault(origin(url), Limiter(per_second, self.clock))
        limiter.at_most(per_second)
        return limiter


def _usable(server: ServerConfig) -> None:
    """Read the certificates now: later they would fail as if the server did not answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if server.ca_bundle is not None:
        try:
            where = Path(server.ca_bundle)
            context.load_verify_locations(None if where.is_dir() else where, where if where.is_dir() else None)
        except OSError as error:
            what = "must be a PEM file of certificates" if isinstance(error, ssl.SSLError) else error.strerror
            raise ConfigError([f"ca_bundle {server.ca_bundle}: {what}"]) from error
    if server.client_cert is not None:
        files = (server.client_cert,) if isinstance(server.client_cert, str) else server.client_cert
        try:
            context.load_cert_chain(files[0], files[-1], password=lambda: "")  # never ask on the terminal
        except OSError as error:
            is_pem = isinstance(error, ssl.SSLError)
            what = "must be PEM files of a certificate and its key, the key without a passphrase"
            raise ConfigError([f"client_cert {', '.join(files)}: {what if is_pem else error.strerror}"]) from error
