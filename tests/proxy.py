"""A proxy that misbehaves on command, so that tests meet real faults on real sockets.

``FaultProxy(url)`` forwards every request to ``url``. Its ``plan`` decides what goes wrong: a list of faults, consumed
one per request (None and an empty list pass), or a function of the request. Addresses of the target in headers and
textual bodies become addresses of the proxy, so that pages of a list stay behind it.
"""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "server"}
Headers = list[tuple[str, str]]


class Seen(NamedTuple):
    """One request that came by. ``fault`` is the name of what happened to it; ``status`` is what the target said."""

    method: str
    path: str  # with the query
    headers: Mapping[str, str]  # keys in lower case
    body: bytes
    fault: str
    status: int | None


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request; make it with the functions below."""

    name: str
    forwards: bool = True  # whether the target gets the request
    code: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    edit: Callable[[Headers, bytes], tuple[Headers, bytes]] | None = None


def status(code: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Fault:
    """The target never sees the request; the client gets this answer."""
    return Fault("status", forwards=False, code=code, headers=headers or {}, body=body)


def reset() -> Fault:
    """The target never sees the request; the connection is reset."""
    return Fault("reset", forwards=False)


def reset_after() -> Fault:
    """The target does what was asked; the connection is reset before the client learns of it."""
    return Fault("reset_after")


def truncate() -> Fault:
    """The target answers; the client gets half the body although its length was announced in full."""
    return Fault("truncate")


def slow(seconds: float) -> Fault:
    """The answer comes late."""
    return Fault("slow", seconds=seconds)


def cut() -> Fault:
    """The target answers; the client gets half the body, announced as all of it."""
    return rewritten(lambda headers, data: (headers, data[: len(data) // 2]))


def reset_within() -> Fault:
    """The target answers; in the middle of the body the connection is reset."""
    return Fault("reset_within")


def drip(seconds: float) -> Fault:
    """The body comes in ten pieces, each so late."""
    return Fault("drip", seconds=seconds)


def rewritten(edit: Callable[[Headers, bytes], tuple[Headers, bytes]]) -> Fault:
    """The target answers; the client gets what ``edit`` makes of it."""
    return Fault("rewritten", edit=edit)


class Asked(NamedTuple):
    """A request as a plan sees it. ``number`` counts from 1."""

    number: int
    method: str
    path: str
    body: bytes


Plan = list[Fault | None] | Callable[[Asked], Fault | None]


class FaultProxy:
    """Listens on a free port of 127.0.0.1 from the start; a context manager that stops it."""

    def __init__(self, target_url: str, plan: Plan | None = None) -> None:
        self.target = target_url.rstrip("/")
        self.plan: Plan = [] if plan is None else plan
        self.log: list[Seen] = []
        self._count = 0
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler_class())
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        """Where to send requests, with the target's path and without a trailing slash."""
        return f"http://127.0.0.1:{self._http.server_address[1]}{urlsplit(self.target).path}"

    @property
    def requests(self) -> int:
        """How many requests came by, faulty ones included."""
        return self._count

    def faults(self) -> list[str]:
        """The names of the faults that happened, in order."""
        return [seen.fault for seen in self.log if seen.fault != "pass"]

    def stop(self) -> None:
        """Stop listening and free the port."""
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _next(self, method: str, path: str, body: bytes) -> Fault | None:
        with self._lock:
            self._count += 1
            if callable(self.plan):
                return self.plan(Asked(self._count, method, path, body))
            return self.plan.pop(0) if self.plan else None

    def _forward(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        parts = urlsplit(self.target)
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        try:
            sent = {name: value for name, value in headers.items() if name not in HOP_BY_HOP}
            connection.request(method, path, body or None, sent | {"Accept-Encoding": "identity"})
            response = connection.getresponse()
            data = response.read()
            kind = response.getheader("Content-Type", "")
            ours, theirs = self.url.encode(), self.target.encode()
            if kind.startswith("text/") or "json" in kind or "xml" in kind:
                data = data.replace(theirs, ours)
            kept = [
                (name, value.replace(self.target, self.url))
                for name, value in response.getheaders()
                if name.lower() not in HOP_BY_HOP
            ]
            return response.status, kept, data
        finally:
            connection.close()

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Connection(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                fault = proxy._next(self.command, self.path, body)
                name = fault.name if fault else "pass"
                code: int | None = None
                if fault is None or fault.forwards:
                    code, answered, data = proxy._forward(self.command, self.path, headers, body)
                with proxy._lock:
                    proxy.log.append(Seen(self.command, self.path, headers, body, name, code))
                if name in ("reset", "reset_after"):
                    self._reset()
                    return
                if fault is not None and name == "status":
                    code, answered, data = fault.code, list(fault.headers.items()), fault.body
                if fault is not None and fault.edit is not None:
                    answered, data = fault.edit(answered, data)
                if fault is not None and name == "slow":
                    time.sleep(fault.seconds)
                assert code is not None
                self._answer(code, answered, data, fault or Fault("pass"))

            def _answer(self, code: int, headers: Headers, data: bytes, fault: Fault) -> None:
                is_short = fault.name in ("truncate", "reset_within")
                self.send_response_only(code)  # the date is the target's
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(max(len(data), 1) if is_short else len(data)))
                self.end_headers()
                size = max(1, len(data) // (2 if is_short else 10))
                if fault.name == "drip":
                    for start in range(0, len(data), size):
                        time.sleep(fault.seconds)
                        self.wfile.write(data[start : start + size])
                    return
                self.wfile.write(data[:size] if is_short else data)
                if is_short:
                    self.close_connection = True
                if fault.name == "reset_within":
                    self._reset()

            def _reset(self) -> None:
                """An abortive close: the client's next read fails with ECONNRESET."""
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _serve  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """The log is a list, not a stream."""

        return Connection
