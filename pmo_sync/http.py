"""The one session factory and the one retry layer, for every tracker and every place.

What it guarantees, whatever library sits on top:

* a request has a timeout; a body is read whole inside the retry loop, so a truncated body is retried too;
* retries go by declared *effect*, not by verb: reads (GET, HEAD, and the POST paths named in ``post_reads``)
  are repeated after connection errors, 429 and 5xx; a write only where nothing can have happened (429, no
  connection), otherwise it raises ``UncertainWriteError`` and its author reads the remote again before deciding;
* ``Retry-After`` is honoured in both forms, seconds (also fractional) and HTTP date; GitLab's
  ``RateLimit-Reset`` and Jira's ``X-RateLimit-Reset`` where it is missing;
* one limiter per instance spaces requests, and slows down when the server says it is near its limit;
* no request, redirect or ``Link`` address ever leaves the configured origin, so a token cannot either;
* cookies are off unless asked for, also within redirects (a kept JSESSIONID turns token calls into 401s:
  pycontribs/jira#1904).
"""

from __future__ import annotations

import email.utils
import logging
import random
import ssl
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import NewConnectionError

from pmo_sync.clock import Clock
from pmo_sync.errors import AccessError, TrackerError, UncertainWriteError

log: Final = logging.getLogger("pmo_sync.http")

USER_AGENT: Final = "pmo-sync"
TIMEOUT: Final = (10.0, 120.0)  # seconds to connect, seconds between two bytes
ATTEMPTS: Final = 5
ATTEMPTS_AFTER_500: Final = 3  # a plain 500 is more often a fault in the server than a bad moment
LONGEST_WAIT: Final = 900.0  # seconds; an hour's quota is given up, not slept through
RETRIED: Final = frozenset({429, 500, 502, 503, 504, *range(520, 531)})


class BearerAuth(AuthBase):
    """``Authorization: Bearer``; requests strips it on a change of host, and we never change host."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class BasicAuth(requests.auth.HTTPBasicAuth):
    """User and token; named here so that clients need not import requests."""


class Limiter:
    """Spaces the requests of one instance; shared by all its sessions and threads.

    ``per_second`` is a ceiling. ``slow_down`` halves it, each answered request brings a little of it back.
    """

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._ceiling = per_second
        self._rate = per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock.monotonic()
        self._paused_until = self._next
        self._slowed_at = float("-inf")

    def wait(self) -> None:
        """Wait for this caller's turn; a pause that begins meanwhile holds those who already wait, too."""
        with self._lock:
            start = max(self._clock.monotonic(), self._next, self._paused_until)
            self._next = start + 1.0 / self._rate
        while (rest := max(start, self._paused_until) - self._clock.monotonic()) > 0:
            self._clock.sleep(rest)

    def pause(self, seconds: float) -> None:
        """Nobody sends anything for so long."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def slow_down(self) -> None:
        """The server is near its limit or over it. The answers of one burst count once."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._slowed_at >= 1.0:
                self._slowed_at = now
                self._rate = max(self._rate / 2, min(self._ceiling, 0.2))

    def recover(self) -> None:
        """An ordinary answer came."""
        with self._lock:
            self._rate = min(self._ceiling, self._rate * 1.02)


def origin(url: str) -> str:
    """Scheme, host and port in one comparable form: ``https://jira.example.org``."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, {"https": 443, "http": 80}.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{(parts.hostname or '').lower()}{port}"


class PoliteAdapter(HTTPAdapter):
    """Sends one request as often as its effect allows, to one origin only, reading each body whole."""

    def __init__(
        self, home: str, limiter: Limiter, clock: Clock, post_reads: Sequence[str], workers: int, *, keep_cookies: bool
    ) -> None:
        super().__init__(pool_connections=2, pool_maxsize=workers, pool_block=True)
        self.home = home
        self._limiter = limiter
        self._clock = clock
        self._post_reads = tuple(post_reads)
        self._keep_cookies = keep_cookies
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()  # requests, retries, writes

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def _is_read(self, request: requests.PreparedRequest) -> bool:
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return True
        path = urlsplit(request.url or "").path.rstrip("/")
        return request.method == "POST" and path.endswith(self._post_reads)

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, *, timeout: Any = None, **kwargs: Any
    ) -> requests.Response:
        """Send, wait, retry.

        Raises AccessError for an address outside the origin, TrackerError when reads fail for good,
        UncertainWriteError for writes that may have happened. Answers 4xx and 5xx of reads come back as they are.
        """
        if origin(request.url or "") != self.home:
            msg = (
                f"{self.home} sent us to {origin(request.url or '')}; refused, so that no token goes there. "
                "A log-in page there means the token is not accepted; if the server has moved, "
                "set the new address in the configuration"
            )
            raise AccessError(msg)
        if not self._keep_cookies:
            request.headers.pop("Cookie", None)  # requests hands a redirect's cookies to the request that follows
        kwargs["stream"] = False
        is_read = self._is_read(request)
        where = f"{request.method} {origin(request.url or '')}{urlsplit(request.url or '').path}"
        for attempt in range(1, ATTEMPTS + 1):
            self._limiter.wait()
            self._count("requests" if is_read else "writes")
            try:
                response = super().send(request, timeout=timeout or TIMEOUT, **kwargs)
                _ = response.content  # a truncated body fails here, inside the loop
            except (requests.exceptions.RequestException, OSError) as error:
                if any(isinstance(one, ssl.SSLCertVerificationError) for one in _chain(error)):
                    msg = f"{where}: the certificate is not trusted; set ca_bundle for this source ({_brief(error)})"
                    raise TrackerError(msg) from error
                if not is_read and not _never_sent(error):
                    msg = f"{where}: no answer ({_brief(error)}); whether it was written is unknown"
                    raise UncertainWriteError(msg) from error
                if attempt == ATTEMPTS:
                    msg = f"{where}: no answer after {ATTEMPTS} attempts ({_brief(error)}); is the address right?"
                    raise TrackerError(msg) from error
                self._sleep(attempt, None, where, type(error).__name__)
                continue
            status = response.status_code
            if status == 429 or response.headers.get("X-RateLimit-NearLimit", "").lower() == "true":
                self._limiter.slow_down()
            else:
                self._limiter.recover()
            if status == 429 or (is_read and status in RETRIED):
                wait = _retry_after(response, self._clock.now())
                last = ATTEMPTS_AFTER_500 if status == 500 else ATTEMPTS
                if attempt < last and (wait or 0.0) <= LONGEST_WAIT:
                    self._sleep(attempt, wait, where, str(status))
                    continue
            if not is_read and status >= 500:
                msg = f"{where}: the server answered {status}; whether it was written is unknown"
                raise UncertainWriteError(msg)
            return response
        raise AssertionError(where)

    def _sleep(self, attempt: int, asked: float | None, where: str, why: str) -> None:
        """At least as long as asked; the whole instance waits then. Without being asked only this caller does."""
        self._count("retries")
        jitter = random.uniform(0.7, 1.3)
        wait = min(30.0, 0.5 * 2**attempt) * jitter if asked is None else asked + 0.1 * 2**attempt * jitter
        log.info("%s: %s, again in %.1f s", where, why, wait)
        if asked is not None:
            self._limiter.pause(wait)
        else:
            self._clock.sleep(wait)


def _never_sent(error: BaseException) -> bool:
    """Whether the request cannot have reached the server."""
    if isinstance(error, requests.exceptions.ProxyError):
        return False
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(reason, NewConnectionError)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came from, and so on inwards."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        inner = inner.__cause__ or inner.__context__


def _brief(error: BaseException) -> str:
    """The innermost reason, without addresses' queries: those may hold what is not ours to log."""
    *_, inner = _chain(error)
    return f"{type(inner).__name__}: {str(inner).split('?', maxsplit=1)[0][:120]}"


def _retry_after(response: requests.Response, now: datetime) -> float | None:
    """Seconds the server asks us to wait, None if it does not say. Moments are read on the server's own clock."""
    now = _moment(response.headers.get("Date", "")) or now
    raw = response.headers.get("Retry-After", "").strip()
    if raw:
        try:
            return max(0.0, float(raw))
        except ValueError:
            pass
        moment = _moment(raw)
        if moment is not None:
            return max(0.0, (moment - now).total_seconds())
    reset = response.headers.get("RateLimit-Reset") or response.headers.get("X-RateLimit-Reset")
    if reset and response.status_code == 429:
        try:
            return max(0.0, float(reset) - now.timestamp())
        except ValueError:
            pass
        moment = _moment(reset)
        if moment is not None:
            return max(0.0, (moment - now).total_seconds())
    return None


def _moment(text: str) -> datetime | None:
    """An HTTP date or ISO 8601 (Jira leaves the seconds out at times); without a zone it is UTC."""
    for read in (email.utils.parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
        except (TypeError, ValueError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


class PoliteSession(requests.Session):
    """A requests session that can reach one origin only."""

    adapter: PoliteAdapter

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """As in requests; what requests itself refuses (endless redirects, a broken address) is a TrackerError."""
        try:
            return super().request(*args, **kwargs)
        except requests.exceptions.TooManyRedirects as error:
            msg = f"{self.adapter.home} redirects without end; is the address right, and the token accepted?"
            raise TrackerError(msg) from error
        except requests.exceptions.RequestException as error:
            raise TrackerError(f"the request could not be made ({_brief(error)}); check the address") from error


def session(
    url: str,
    *,
    auth: AuthBase | None,
    clock: Clock,
    limiter: Limiter | None = None,
    per_second: float = 20.0,
    workers: int = 4,
    post_reads: Sequence[str] = (),
    proxy: str | None = None,
    ca_bundle: str | None = None,
    client_cert: str | tuple[str, str] | None = None,
    keep_cookies: bool = False,
) -> PoliteSession:
    """A session bound to the origin of ``url``.

    ``post_reads`` are path endings whose POST only reads, e.g. ``/search/jql``. Share ``limiter`` between the
    sessions of one instance. Environment settings (``.netrc``, proxies) are not read: what reaches the server
    is what the configuration says.
    """
    made = PoliteSession()
    made.trust_env = False
    made.auth = auth
    made.headers["User-Agent"] = USER_AGENT
    made.headers["Accept"] = "application/json"
    made.verify = ca_bundle or True
    made.cert = client_cert
    if proxy:
        made.proxies = {"http": proxy, "https": proxy}
    if not keep_cookies:
        made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.adapter = PoliteAdapter(
        origin(url), limiter or Limiter(per_second, clock), clock, post_reads, workers, keep_cookies=keep_cookies
    )
    made.mount("https://", made.adapter)
    made.mount("http://", made.adapter)
    return made


def without(secret: str | None, text: str) -> str:
    """Somebody else's words as one short line that cannot hold the token."""
    line = " ".join(text.split())
    return (line.replace(secret, "***") if secret else line)[:200]
