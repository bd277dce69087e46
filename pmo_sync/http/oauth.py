"""OAuth 2.0 client credentials: service accounts of Atlassian Cloud and Data Center.

One POST, form-encoded, with ``grant_type``, ``client_id``, ``client_secret`` and an optional ``scope`` (RFC 6749
§2.3.1 and §4.4) gives a token for about an hour and no refresh token; the next one costs the same POST. Cloud:
``https://auth.atlassian.com/oauth/token``, and the token works at the gateway address only
(https://support.atlassian.com/user-management/docs/create-oauth-2-0-credential-for-service-accounts/). Data Center:
``/rest/oauth2/latest/token`` of the instance, where ``scope`` is required
(https://confluence.atlassian.com/enterprise/service-accounts-overview-1627095923.html).

Tokens live in memory. The secret goes to the token's address and nowhere else.
"""

from __future__ import annotations

import threading
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
import requests
from requests.auth import AuthBase

from pmo_sync.clock import Clock
from pmo_sync.config import OAuthConfig
from pmo_sync.errors import AccessError, TrackerError
from pmo_sync.http.session import PoliteSession, without

EARLY: Final = 60.0  # seconds before its end from which a token is not used any more


class _Answer(msgspec.Struct):
    """RFC 6749 §5.1; without ``expires_in`` the token is used until the server refuses it."""

    access_token: str
    expires_in: float = float("inf")


class _Refusal(msgspec.Struct):
    """RFC 6749 §5.2."""

    error: str = ""
    error_description: str = ""


class _Token(NamedTuple):
    text: str
    until: float  # monotonic seconds


_ANSWER: Final = msgspec.json.Decoder(_Answer, strict=False)
_REFUSAL: Final = msgspec.json.Decoder(_Refusal, strict=False)


class ClientCredentials(AuthBase):
    """Sends ``Authorization: Bearer`` with a token that is fetched when first needed, and again before it ends.

    A token that the server refuses (401) is replaced once per request. Safe for threads. Sending raises AccessError
    when the client id, secret or scope is refused, TrackerError when no token comes, ConfigError where the secret's
    reference leads nowhere.
    """

    def __init__(self, config: OAuthConfig, session: PoliteSession, clock: Clock) -> None:
        """``session`` is bound to the origin of ``config.token_url`` and has no other log-in."""
        self._config = config
        self._session = session
        self._clock = clock
        self._lock = threading.Lock()
        self._token: _Token | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = self._valid(refused=None)
        request.headers["Authorization"] = f"Bearer {token}"

        def renew(response: requests.Response, **kwargs: Any) -> requests.Response:
            return self._again(response, token, **kwargs)

        request.hooks["response"].append(renew)
        return request

    def _again(self, response: requests.Response, refused: str, **kwargs: Any) -> requests.Response:
        """A refused request did nothing, so that a write may be sent again, too."""
        again = response.request
        if response.status_code != 401 or again.headers.get("Authorization") != f"Bearer {refused}":
            return response
        again = again.copy()
        again.headers["Authorization"] = f"Bearer {self._valid(refused=refused)}"
        answer: requests.Response = response.connection.send(again, **kwargs)  # as requests' own digest log-in does
        answer.history.append(response)
        return answer

    def _valid(self, refused: str | None) -> str:
        with self._lock:  # the others wait for the one that fetches
            token = self._token
            if token is None or token.text == refused or token.until <= self._clock.monotonic():
                token = self._token = self._fetch()
            return token.text

    def _fetch(self) -> _Token:
        asked = self._clock.monotonic()
        secret = self._config.client_secret.reveal()
        form = {"grant_type": "client_credentials", "client_id": self._config.client_id, "client_secret": secret}
        if self._config.scope:
            form["scope"] = self._config.scope
        where = self._config.token_url
        response = self._session.post(where, data=form, allow_redirects=False)
        if response.status_code != 200:
            raise _refused(where, response, secret)
        try:
            found = _ANSWER.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            msg = f"{where}: no token in the answer; is oauth.token_url the address that gives tokens?"
            raise TrackerError(msg) from error
        return _Token(found.access_token, asked + max(found.expires_in - EARLY, found.expires_in / 2))


def _refused(where: str, response: requests.Response, secret: str) -> AccessError | TrackerError:
    try:
        found = _REFUSAL.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = _Refusal()
    status = response.status_code
    words = [without(secret, one) for one in (found.error, found.error_description) if one]
    head = f"{where}: no token ({', '.join([str(status), *words])})"
    if found.error == "invalid_scope":
        return AccessError(f"{head}; set oauth.scope to scopes that the service account has")
    if found.error in ("invalid_client", "unauthorized_client", "access_denied") or status in (401, 403):
        return AccessError(f"{head}; check oauth.client_id and oauth.client_secret, or make a new credential")
    if status in (404, 405) or 300 <= status < 400:
        return TrackerError(f"{head}; set oauth.token_url to the address that gives tokens")
    if status >= 500 or status == 429:
        return TrackerError(f"{head}; the server cannot give tokens now, run again later")
    return AccessError(f"{head}; check oauth.client_id, oauth.client_secret and oauth.scope")


def path_of(url: str) -> str:
    """The path of an address: asking it for a token changes nothing there, so it may be repeated."""
    return urlsplit(url).path.rstrip("/")
