"""What the loopback servers have in common: routes, authentication, a request log, nothing else."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit


class Request(NamedTuple):
    """One request as a handler sees it."""

    method: str
    path: str  # still percent-encoded, as GitLab's project paths need
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]  # keys in lower case
    body: bytes

    def json(self) -> Any:
        """The body as JSON; an empty body is None."""
        return json.loads(self.body) if self.body else None

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]


class Answer(NamedTuple):
    """What goes back. ``body`` is JSON material, or bytes sent as they are; None sends nothing."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = {}


class Entry(NamedTuple):
    """One line of the request log."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    status: int

    @property
    def is_write(self) -> bool:
        """Whether the request may have changed something (POST reads are told apart by their path)."""
        return self.method not in ("GET", "HEAD") and not self.path.endswith(
            ("/search/jql", "/bulkfetch", "/approximate-count", "/graphql")
        )


Handler = Callable[[Request, re.Match[str]], Answer]
Route = tuple[str, str, Handler]  # method, pattern of the whole path, handler


class Server:
    """One HTTP server on 127.0.0.1. Handlers run one at a time, so their state needs no locks."""

    def __init__(self, name: str, routes: Sequence[Route], authenticate: Callable[[Request], Answer | None]) -> None:
        self.name = name
        self.log: list[Entry] = []
        self._routes = [(method, re.compile(f"^{pattern}$"), handler) for method, pattern, handler in routes]
        self._authenticate = authenticate
        self._lock = threading.RLock()
        self._http: ThreadingHTTPServer | None = None
        self.now: Callable[[], datetime] | None = None  # what the Date header tells; None: this machine's time

    @property
    def url(self) -> str:
        """Where it listens, without a trailing slash."""
        assert self._http is not None, "not started"
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self, port: int = 0) -> Server:
        """Listen in the background. Port 0 takes a free one."""
        self._http = ThreadingHTTPServer(("127.0.0.1", port), self._handler_class())
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening and free the port."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    def writes(self) -> list[Entry]:
        """The logged requests that may have changed something."""
        return [entry for entry in self.log if entry.is_write]

    def answer(self, request: Request) -> Answer:
        """Authenticate, route, log."""
        with self._lock:
            refused = self._authenticate(request)
            answer = refused if refused is not None else self._route(request)
            self.log.append(Entry(request.method, request.path, request.query, answer.status))
            return answer

    def _route(self, request: Request) -> Answer:
        for method, pattern, handler in self._routes:
            match = pattern.match(request.path)
            if match and method == request.method:
                return handler(request, match)
        return Answer(
            404, {"errorMessages": [f"no such path: {request.method} {request.path}"], "message": "404 Not Found"}
        )

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Connection(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(
                    method=self.command,
                    path=parts.path,
                    query=parse_qs(parts.query, keep_blank_values=True),
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=self.rfile.read(length),
                )
                answer = server.answer(request)
                raw = isinstance(answer.body, bytes)
                body = b"" if answer.body is None else answer.body if raw else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                if not any(name.lower() == "content-type" for name in answer.headers):
                    self.send_header("Content-Type", "application/json;charset=UTF-8")
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve

            def date_time_string(self, timestamp: float | None = None) -> str:
                if timestamp is None and server.now is not None:
                    timestamp = server.now().timestamp()
                return super().date_time_string(timestamp)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """The log is a list, not a stream."""

        return Connection
