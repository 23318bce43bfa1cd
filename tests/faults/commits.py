"""A way to PostgreSQL that loses the answer to a commit: it is done, and nobody hears of it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PIECE_BYTES = 64 * 1024


@dataclass
class CommitCutter:
    """Passes connections on to the Unix socket ``target``.

    After :meth:`lose` it forwards the next COMMIT of a session that had sent ``marker`` before,
    takes the answer for itself, and cuts the connection.
    """

    target: Path
    cuts: int = 0
    _marker: bytes | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def lose(self, marker: bytes) -> None:
        """Lose the next commit of what contains ``marker``."""
        self._marker = marker

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self.target))
        cutting = threading.Event()
        threading.Thread(target=self._down, args=(server, client, cutting), daemon=True).start()
        marked = False
        with suppress(OSError):
            while data := client.recv(PIECE_BYTES):
                marked |= self._marker is not None and self._marker in data
                if marked and b"COMMIT" in data and self._take():
                    cutting.set()
                server.sendall(data)
        _end(server, client)

    def _take(self) -> bool:
        """Whether this commit is the one to lose."""
        with self._lock:
            wanted, self._marker = self._marker is not None, None
            self.cuts += wanted
        return wanted

    @staticmethod
    def _down(server: socket.socket, client: socket.socket, cutting: threading.Event) -> None:
        with suppress(OSError):
            while (data := server.recv(PIECE_BYTES)) and not cutting.is_set():
                client.sendall(data)
        _end(server, client)


def _end(*connections: socket.socket) -> None:
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
