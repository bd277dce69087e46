"""A server on a real socket that answers what it was told, in order, and remembers what it was asked."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]  # keys in lower case
    body: bytes


@dataclass(frozen=True)
class Reply:
    """One answer, or a way of not answering."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""  # reset: before a byte; cut: half of the body; slow: after a pause

    def sent(self) -> bytes:
        """The bytes on the wire."""
        head = {"Content-Type": "application/json", "Content-Length": str(len(self.body)), "Connection": "close"}
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in {**head, **self.headers}.items())]
        body = self.body[: len(self.body) // 2] if self.fault == "cut" else self.body
        return "\r\n".join([*lines, "", ""]).encode() + body


class ScriptedServer:
    """Answers ``script`` in order, the last entry for ever; or whatever ``answer`` says."""

    def __init__(self, *script: Reply, answer: Callable[[Asked], Reply] | None = None) -> None:
        self.asked: list[Asked] = []
        self._script = list(script)
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            method, target, _ = stream.readline().decode().split(" ")
            headers = {}
            while line := stream.readline().decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            asked = Asked(method, target, headers, stream.read(int(headers.get("content-length", 0))))
            with self._lock:
                self.asked.append(asked)
                scripted = (
                    self._script.pop(0) if len(self._script) > 1 else self._script[0] if self._script else Reply()
                )
            reply = self._answer(asked) if self._answer else scripted
            if reply.fault == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                stream.close()
                return
            if reply.fault == "slow":
                time.sleep(1.0)
            try:
                connection.sendall(reply.sent())
            except OSError:
                return
