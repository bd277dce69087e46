"""Raw answers, kept to be played again: ``pull --record DIR``, ``pull --replay DIR``.

A recording holds, for each read, what was asked (method, path with query, digest of the body) and what came: status,
the few headers that readers use, the whole body. It never holds a request's headers or body (there the token is), a
cookie, an answer 401, or anything about writes and OAuth tokens.

Privacy: bodies are what the trackers send: titles, names, and descriptions, comments or e-mail addresses wherever a
server cannot leave them out. Nothing is removed. Keep a recording like an export of the tracker: its folder is
readable by its owner only (0700, files 0600), and so must be its copies.

Form: one file per origin, entries one after the other: a line of JSON that ends with the body's ``length``, the body,
a newline. An entry is one write to the end of the file; what a killed run left half is ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import quote, urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from pmo_sync.errors import StoreError, TrackerError

HEADERS: Final = (
    "Content-Type", "Date", "Link", "Location", "Retry-After", "X-AUSERNAME", "X-Authentication-Denied-Reason",
    "X-Next-Page", "X-Page", "X-Per-Page", "X-Prev-Page", "X-Seraph-LoginReason", "X-Total", "X-Total-Pages",
)  # fmt: skip
SUFFIX: Final = ".tape"


class Tape(Protocol):
    """Stands between a session and the network."""

    @property
    def offline(self) -> bool:
        """Whether nothing is ever asked: no token is needed."""
        ...

    def answer(
        self,
        home: str,
        request: requests.PreparedRequest,
        ask: Callable[[], requests.Response],
        *,
        is_read: bool,
    ) -> requests.Response:
        """The answer to ``request`` at the origin ``home``; ``ask`` asks the server."""
        ...


class Recorder:
    """Asks, and keeps what came. Safe for threads.

    Raises StoreError if the folder cannot be made or holds a recording already.
    """

    offline = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._files: dict[str, int] = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        except OSError as error:
            raise StoreError(f"{folder}: {error.strerror}; name another folder for the recording") from error
        if any(folder.glob(f"*{SUFFIX}")):
            raise StoreError(f"{folder}: holds a recording already; name a new folder")

    def answer(
        self,
        home: str,
        request: requests.PreparedRequest,
        ask: Callable[[], requests.Response],
        *,
        is_read: bool,
    ) -> requests.Response:
        """Raises what ``ask`` raises, and StoreError when the entry cannot be written."""
        response = ask()
        if is_read and response.status_code != 401:
            self._keep(home, request, response)
        return response

    def _keep(self, home: str, request: requests.PreparedRequest, response: requests.Response) -> None:
        body = response.content
        method, address, digest = _key(request)
        entry = {
            "method": method,
            "address": address,
            "digest": digest,
            "status": response.status_code,
            "headers": {name: response.headers[name] for name in HEADERS if name in response.headers},
            "length": len(body),
        }
        try:
            with self._lock:
                _write(self._file(home), json.dumps(entry).encode() + b"\n" + body + b"\n")
        except OSError as error:
            raise StoreError(f"{self._folder}: the recording cannot be written: {error.strerror}") from error

    def _file(self, home: str) -> int:
        if home not in self._files:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            self._files[home] = os.open(self._folder / _name(home), flags, 0o600)
        return self._files[home]

    def close(self) -> None:
        """Close the files; a later answer is an error."""
        with self._lock:
            while self._files:
                os.close(self._files.popitem()[1])


@contextmanager
def opened(recording: Path | None, replay: Path | None) -> Iterator[Recorder | Player | None]:
    """The tape that was asked for, if any. Raises StoreError as ``Recorder`` and ``Player`` do."""
    if recording is not None:
        with closing(Recorder(recording)) as tape:
            yield tape
    else:
        yield None if replay is None else Player(replay)


class _Entry(NamedTuple):
    status: int
    headers: dict[str, str]
    start: int  # of the body in its file
    length: int


class Player:
    """Answers what was recorded, in the order of the recording for equal requests. Asks nobody. Safe for threads.

    Raises StoreError where there is no recording, or it cannot be read.
    """

    offline = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, ...], deque[_Entry]] = defaultdict(deque)
        files = sorted(folder.glob(f"*{SUFFIX}"))
        if not files:
            raise StoreError(f"{folder}: no recording; make one with pull --record {folder}")
        try:
            for file in files:
                self._index(file)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{folder}: not a recording that can be read ({type(error).__name__})") from error

    def answer(
        self,
        home: str,
        request: requests.PreparedRequest,
        ask: Callable[[], requests.Response],  # noqa: ARG002
        *,
        is_read: bool,
    ) -> requests.Response:
        """Raises TrackerError for a write, and for a read that was not recorded (so often)."""
        method, address, digest = _key(request)
        if not is_read:
            raise TrackerError(f"{method} {home}{address}: a replay writes nothing")
        with self._lock:
            recorded = self._entries.get((_name(home), method, address, digest))
            if not recorded:
                again = "" if recorded is None else " once more"
                msg = f"{method} {home}{address}{' with this body' if digest else ''}: was not recorded{again}"
                raise TrackerError(f"{msg}; replay with the configuration and version of the recording")
            entry = recorded.popleft()
        made = requests.Response()
        made.request = request
        made.url = request.url or ""
        made.status_code = entry.status
        made.headers = CaseInsensitiveDict(entry.headers)
        made.encoding = get_encoding_from_headers(made.headers)
        made._content = self._body(home, entry)  # noqa: SLF001 - a Response has no other way in
        return made

    def _body(self, home: str, entry: _Entry) -> bytes:
        try:
            with (self._folder / _name(home)).open("rb") as stream:
                stream.seek(entry.start)
                return stream.read(entry.length)
        except OSError as error:
            raise StoreError(f"{self._folder}: the recording cannot be read: {error.strerror}") from error

    def _index(self, file: Path) -> None:
        size = file.stat().st_size
        with file.open("rb") as stream:
            while (line := stream.readline()).endswith(b"\n"):
                found: dict[str, Any] = json.loads(line)
                entry = _Entry(int(found["status"]), dict(found["headers"]), stream.tell(), int(found["length"]))
                if entry.start + entry.length >= size:
                    return  # killed while it wrote the body
                key = (file.name, found["method"], found["address"], found["digest"])
                self._entries[key].append(entry)
                stream.seek(entry.start + entry.length + 1)


def _key(request: requests.PreparedRequest) -> tuple[str, str, str]:
    """Method, path with query, digest of the body: empty without one."""
    parts = urlsplit(request.url or "")
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else body
    if not isinstance(content, bytes):
        raise TypeError(type(content).__name__)
    digest = hashlib.blake2b(content, digest_size=16).hexdigest() if content else ""
    return request.method or "", parts.path + (f"?{parts.query}" if parts.query else ""), digest


def _name(home: str) -> str:
    """``https://jira.example.org:8443`` -> ``https_jira.example.org_8443.tape``."""
    return quote(home.replace("://", "_").replace(":", "_"), safe="") + SUFFIX


def _write(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]
