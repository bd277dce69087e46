"""The one session factory and the one retry layer, for every tracker and every place.

What it guarantees, whatever library sits on top:

* a request has a timeout; a body is read whole inside the retry loop, so a truncated body is retried too;
* retries go by declared *effect*, not by verb: reads (GET, HEAD, and the POST paths named in ``post_reads``)
  are repeated after connection errors, 429 and 5xx; a write only where nothing can have happened (429, no
  connection), otherwise it raises ``UncertainWriteError`` and its author reads the remote again before deciding;
* what the server says about its limits is honoured (``pmo_sync.http.quota``), and one limiter per instance spaces
  requests (``pmo_sync.http.limiter``);
* ``stop`` ends all waiting, from any thread;
* a tape may stand between us and the network (``pmo_sync.http.tape``);
* no request, redirect or ``Link`` address ever leaves the configured origin, so a token cannot either;
* cookies are off unless asked for, also within redirects (a kept JSESSIONID turns token calls into 401s:
  pycontribs/jira#1904).
"""

from __future__ import annotations

import functools
import io
import logging
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from pmo_sync.clock import Clock
from pmo_sync.errors import AccessError, OverloadedError, TrackerError, UncertainWriteError
from pmo_sync.http.faults import PROXY_REFUSES, brief, explain
from pmo_sync.http.limiter import LONGEST_WAIT, NAP, Limiter
from pmo_sync.http.quota import read
from pmo_sync.http.tape import Tape

log: Final = logging.getLogger("pmo_sync.http")

USER_AGENT: Final = "pmo-sync"
TIMEOUT: Final = (10.0, 120.0)  # seconds to connect, seconds between two bytes
ATTEMPTS: Final = 5
ATTEMPTS_AFTER_500: Final = 3  # a plain 500 is more often a fault in the server than a bad moment
RETRIED: Final = frozenset({429, 500, 502, 503, 504, *range(520, 531)})
_NUMBERED: Final = re.compile(r"/[^/]*\d[^/]*")  # an issue's key or id, a version: not what makes requests alike


class BearerAuth(AuthBase):
    """``Authorization: Bearer``; requests strips it on a change of host, and we never change host."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {_utf8(self._token)}"
        return request


class BasicAuth(requests.auth.HTTPBasicAuth):
    """User and token, in UTF-8 (RFC 7617, section 2.1)."""

    def __init__(self, user: str, token: str) -> None:
        super().__init__(_utf8(user), _utf8(token))


def _utf8(text: str) -> str:
    """What arrives as ``text`` in UTF-8 when it is sent as Latin-1, as headers are."""
    return text.encode().decode("latin-1")


def origin(url: str) -> str:
    """Scheme, host and port in one comparable form: ``https://jira.example.org``."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, {"https": 443, "http": 80}.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{(parts.hostname or '').lower()}{port}"


class PoliteAdapter(HTTPAdapter):
    """Sends one request as often as its effect allows, to one origin only, reading each body whole."""

    def __init__(
        self,
        home: str,
        limiter: Limiter,
        clock: Clock,
        post_reads: Sequence[str],
        workers: int,
        tape: Tape | None,
        *,
        keep_cookies: bool,
    ) -> None:
        super().__init__(pool_connections=2, pool_maxsize=workers, pool_block=True)
        self.home = home
        self.stopped = threading.Event()
        self._limiter = limiter
        self._clock = clock
        self._post_reads = tuple(post_reads)
        self._tape = tape
        self._keep_cookies = keep_cookies
        self._lock = threading.Lock()
        self.impatient = threading.local()  # ``is_on`` in threads that ask once
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

        Raises AccessError for an address outside the origin, TrackerError when reads fail for good and after a
        ``stop``, UncertainWriteError for writes that may have happened. Answers 4xx and 5xx of reads come back as
        they are.
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
        kwargs |= {"stream": False, "timeout": timeout or TIMEOUT}
        is_read = self._is_read(request)
        ask = functools.partial(self._ask, request, is_read=is_read, **kwargs)
        answer = ask() if self._tape is None else self._tape.answer(self.home, request, ask, is_read=is_read)
        if self._asks_once and answer.status_code >= 500:  # here, so that a recording plays it, too
            path = urlsplit(request.url or "").path
            raise OverloadedError(
                f"{request.method} {self.home}{path}: too much to ask for at once ({answer.status_code})"
            )
        return answer

    def _ask(self, request: requests.PreparedRequest, *, is_read: bool, **kwargs: Any) -> requests.Response:
        path = urlsplit(request.url or "").path
        where = f"{request.method} {self.home}{path}"
        kind = f"{request.method} {_NUMBERED.sub('', path)}"
        for attempt in range(1, ATTEMPTS + 1):
            sent = self._limiter.wait(self.stopped)
            self._count("requests" if is_read else "writes")
            try:
                response = super().send(request, **kwargs)
                _ = response.content  # a truncated body fails here, inside the loop
            except (requests.exceptions.RequestException, OSError) as error:
                if self.stopped.is_set() and is_read:
                    raise TrackerError("stopped") from error
                gave_up_after = ATTEMPTS if attempt == ATTEMPTS else 0
                if isinstance(error, requests.exceptions.ReadTimeout) and self._asks_once:
                    return _too_late(request)
                explain(error, where, may_have_happened=not is_read, gave_up_after=gave_up_after)
                self._rest(attempt, None, kind, type(error).__name__)
                continue
            status = response.status_code
            quota = read(status, response.headers, self._clock.now())
            self._limiter.answered(sent, status, quota, kind)
            if status >= 500 and quota.wait is None and self._asks_once:
                return response
            if status == 429 or (is_read and status in RETRIED):
                last = ATTEMPTS_AFTER_500 if status == 500 else ATTEMPTS
                if attempt < last and (quota.wait or 0.0) <= LONGEST_WAIT:
                    self._rest(attempt, quota.wait, kind, str(status))
                    continue
            if status == 407:
                raise AccessError(f"{where}: {PROXY_REFUSES}")
            if not is_read and status >= 500:
                msg = f"{where}: the server answered {status}; whether it was written is unknown"
                raise UncertainWriteError(msg)
            return response
        raise AssertionError(where)

    @property
    def _asks_once(self) -> bool:
        return getattr(self.impatient, "is_on", False)

    def _rest(self, attempt: int, asked: float | None, kind: str, why: str) -> None:
        """At least as long as asked; the whole instance waits then. Without being asked only this caller does.

        The log tells the kind of request only: an address may hold the key of an issue that nobody may know.
        """
        self._count("retries")
        jitter = random.uniform(0.7, 1.3)
        wait = min(30.0, 0.5 * 2**attempt) * jitter if asked is None else asked + 0.1 * 2**attempt * jitter
        log.info("%s: %s: %s, again in %.1f s", self.home, kind, why, wait)
        if asked is not None:
            self._limiter.pause(wait)
            return
        until = self._clock.monotonic() + wait
        while not self.stopped.is_set() and (rest := until - self._clock.monotonic()) > 0:
            self._clock.sleep(min(rest, NAP))


def _too_late(request: requests.PreparedRequest) -> requests.Response:
    """What a gateway would have answered where nothing came in time."""
    made = requests.Response()
    made.status_code, made.request, made.url, made.raw = 504, request, request.url or "", io.BytesIO()
    return made


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
            raise TrackerError(f"the request could not be made ({brief(error)}); check the address") from error

    @contextmanager
    def once(self) -> Iterator[None]:
        """Reads by this thread in the block are not repeated where the server fails on them or takes too long.

        They raise OverloadedError then. A wait that the server asks for is waited.
        """
        self.adapter.impatient.is_on = True
        try:
            yield
        finally:
            self.adapter.impatient.is_on = False

    def stop(self) -> None:
        """From now on every request that waits or begins raises TrackerError("stopped") within ``NAP`` seconds.

        For other threads to call. A request on the wire ends with its answer or its timeout and is not repeated.
        """
        self.adapter.stopped.set()


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
    proxy_login: tuple[str, str] | None = None,
    ca_bundle: str | None = None,
    client_cert: str | tuple[str, str] | None = None,
    keep_cookies: bool = False,
    tape: Tape | None = None,
) -> PoliteSession:
    """A session bound to the origin of ``url``.

    ``post_reads`` are path endings whose POST only reads, e.g. ``/search/jql``. Share ``limiter`` between the
    sessions of one instance. ``client_cert`` is one PEM file or (certificate, key); ``proxy_login`` is user and
    password, which go to the proxy only. Environment settings (``.netrc``, proxies) are not read: what reaches the
    server is what the configuration says.
    """
    made = PoliteSession()
    made.trust_env = False
    made.auth = auth
    made.headers["User-Agent"] = USER_AGENT
    made.headers["Accept"] = "application/json"
    made.verify = ca_bundle or True
    made.cert = client_cert
    if proxy:
        scheme, _, rest = proxy.partition("://")
        login = ":".join(quote(part, safe="") for part in proxy_login) + "@" if proxy_login else ""
        made.proxies = dict.fromkeys(("http", "https"), f"{scheme}://{login}{rest}")
    if not keep_cookies:
        made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.adapter = PoliteAdapter(
        origin(url), limiter or Limiter(per_second, clock), clock, post_reads, workers, tape, keep_cookies=keep_cookies
    )
    made.mount("https://", made.adapter)
    made.mount("http://", made.adapter)
    return made


def without(secret: str | None, text: str) -> str:
    """Somebody else's words as one short line that cannot hold the token."""
    line = " ".join(text.split())
    return (line.replace(secret, "***") if secret else line)[:200]
