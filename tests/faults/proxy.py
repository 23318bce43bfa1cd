"""A way to a server that a test can make long, narrow or impassable."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

PIECE_BYTES = 64 * 1024
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_RESET = struct.pack("ii", 1, 0)

Kind = Literal["open", "reset", "silent", "error", "cut", "trickle"]


@dataclass(frozen=True)
class Fault:
    """What becomes of bytes: ``cut`` resets a connection after ``after`` bytes of a request,
    ``trickle`` lets one byte pass in 0.1 s, ``silent`` holds them, ``error`` answers 503."""

    kind: Kind = "open"
    after: int = 0


@dataclass
class Proxy:
    """Passes TCP connections on to ``target`` (``host:port``), as the present fault lets it."""

    target: str
    fault: Fault = field(default_factory=Fault)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """Where it listens, as ``host:port``."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    @contextmanager
    def broken(self, kind: Kind, after: int = 0) -> Iterator[None]:
        """The way is broken in the block, for old connections and new ones."""
        before, self.fault = self.fault, Fault(kind, after)
        try:
            yield
        finally:
            self.fault = before

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if self.fault.kind == "reset":
            _reset(client)
            return
        host, port = self.target.split(":")
        try:
            server = socket.create_connection((host, int(port)))
        except OSError:
            _reset(client)
            return
        threading.Thread(target=self._pump, args=(server, client, False), daemon=True).start()
        self._pump(client, server, True)

    def _pump(self, source: socket.socket, sink: socket.socket, upward: bool) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(PIECE_BYTES):
                self._pass(data, passed, source, sink, upward)
                passed += len(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _pass(
        self, data: bytes, passed: int, source: socket.socket, sink: socket.socket, upward: bool
    ) -> None:
        while self.fault.kind == "silent":
            time.sleep(0.05)
        fault = self.fault
        if fault.kind == "reset" or (fault.kind == "error" and not upward):
            raise ConnectionResetError
        if fault.kind == "error":
            source.sendall(UNAVAILABLE)
            raise ConnectionResetError
        if fault.kind == "cut" and upward and passed + len(data) > fault.after:
            sink.sendall(data[: max(0, fault.after - passed)])
            _reset(source)
            raise ConnectionResetError
        for place in range(len(data)):
            if self.fault.kind != "trickle":
                sink.sendall(data[place:])
                return
            sink.sendall(data[place : place + 1])
            time.sleep(0.1)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()
