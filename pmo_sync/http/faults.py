"""Why no answer came, in one line that says what to do: certificates, proxies, addresses.

``explain`` raises what ends the matter and returns where another attempt may help.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Final

import requests
import urllib3
from urllib3.exceptions import NewConnectionError, ProxyError

from pmo_sync.errors import AccessError, TrackerError, UncertainWriteError

PROXY_REFUSES: Final = "the proxy wants a user and password (407); set proxy_user and proxy_password for this server"
_CERTIFICATE_WANTED: Final = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA")
_TLS: Final = (ssl.SSLError, requests.exceptions.SSLError, urllib3.exceptions.SSLError)


def explain(error: Exception, where: str, *, may_have_happened: bool, gave_up_after: int) -> None:
    """Raise what this failure means; return if it may pass and ``gave_up_after`` so many attempts is 0.

    Raises AccessError (a proxy that refuses us), TrackerError (certificates; no answer), UncertainWriteError where the
    request ``may_have_happened`` and nobody knows.
    """
    inner = list(_chain(error))
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in inner):
        msg = f"{where}: the certificate is not trusted; set ca_bundle for this server ({brief(error)})"
        raise TrackerError(msg) from error
    by_tls = any(isinstance(one, _TLS) for one in inner)
    if by_tls and any(reason in str(one) for one in inner for reason in _CERTIFICATE_WANTED):
        msg = f"{where}: the server wants another client certificate; set client_cert for this server ({brief(error)})"
        raise TrackerError(msg) from error
    by_proxy = any(isinstance(one, (ProxyError, requests.exceptions.ProxyError)) for one in inner)
    if by_proxy and "407" in brief(error):
        raise AccessError(f"{where}: {PROXY_REFUSES}") from error
    if may_have_happened and not (by_proxy or _never_sent(error, inner)):
        msg = f"{where}: no answer ({brief(error)}); whether it was written is unknown"
        raise UncertainWriteError(msg) from error
    if gave_up_after and by_proxy:
        raise TrackerError(f"{where}: the proxy does not connect us ({brief(error)}); is proxy right?") from error
    if gave_up_after:
        ask = "does it want a client_cert?" if by_tls else "is the address right?"
        msg = f"{where}: no answer after {gave_up_after} attempts ({brief(error)}); {ask}"
        raise TrackerError(msg) from error


def _never_sent(error: Exception, inner: list[BaseException]) -> bool:
    """Whether the request cannot have reached the server."""
    return isinstance(error, requests.exceptions.ConnectTimeout) or any(
        isinstance(one, NewConnectionError) for one in inner
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came from, and so on inwards."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        inner = inner.__cause__ or inner.__context__


def brief(error: BaseException) -> str:
    """The innermost reason, without addresses' queries: those may hold what is not ours to log."""
    *_, inner = _chain(error)
    return f"{type(inner).__name__}: {str(inner).split('?', maxsplit=1)[0][:120]}"
