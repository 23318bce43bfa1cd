"""Asking a server whether it is ready, with nothing but a socket."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

TIMEOUT_S = 1.0
REMIND_S = 15.0
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


class Readiness:
    """Polls ``URL/ready`` and says once that it answered 200."""

    interval_s = 0.1

    def __init__(self, url: str) -> None:
        self.said = False
        self._url = url
        self._asked = 0.0
        self._remind_at = time.monotonic() + REMIND_S

    def poll(self) -> str:
        """A line to print: ready at last, or still waiting; mostly nothing."""
        now = time.monotonic()
        if self.said or now - self._asked < self.interval_s:
            return ""
        status = self._status()
        self._asked = time.monotonic()
        if status == 200:
            self.said = True
            return f"UAM is ready at {self._url}"
        if now < self._remind_at:
            return ""
        self._remind_at = now + REMIND_S
        answer = f"it answers {status}" if status else "it does not answer"
        return f"uam serve: still waiting for {self._url}/ready: {answer}"

    def _status(self) -> int:
        """The HTTP status of ``/ready``; 0 while nobody answers."""
        parts = urlsplit(self._url)
        host, port = parts.hostname or "", parts.port or 80
        try:
            with socket.create_connection((_ANY.get(host, host), port), TIMEOUT_S) as connection:
                request = f"GET /ready HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n"
                connection.sendall(request.encode())
                words = connection.recv(256).split()
        except OSError:
            return 0
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def answers_on(path: str) -> bool:
    """Whether somebody listens on the Unix socket ``path``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT_S)
        try:
            connection.connect(path)
        except OSError:
            return False
    return True
