"""A private ``uam serve`` for the demo: started, waited for, and stopped whole."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

READY_SECONDS = 60.0
STOP_SECONDS = 15.0

# The demo must never write into a database or a bucket that happens to be named in the
# environment: without these names everything is embedded under the demo's own folder.
NAMED_SERVERS = ("DATABASE_URL", "REDIS_URL", "MINIO_ENDPOINT", "MINIO_PUBLIC_ENDPOINT")


class ServerFailed(RuntimeError):
    """The server ended, or was not ready in time."""


def free_port() -> int:
    """A TCP port on the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class DemoServer:
    """A context manager around one ``uam serve`` whose data live in ``home``."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self.log = self.home / "server.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        uam = Path(sys.executable).with_name("uam")
        serve = [str(uam), "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        environment = {k: v for k, v in os.environ.items() if k not in NAMED_SERVERS}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*serve, "--home", str(self.home)],
                cwd=self.home,  # a .env in the caller's folder is for the real servers
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise ServerFailed(f"the server ended with exit code {process.returncode}")
            try:
                if httpx.get(f"{self.url}/ready", timeout=2.0).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise ServerFailed(f"the server was not ready within {READY_SECONDS:.0f} s")

    def stop(self) -> None:
        """Ask the server to stop (SIGTERM) and wait; kill it only if it does not."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log_tail(self, lines: int = 30) -> list[str]:
        """The last lines that the server wrote; empty when it wrote none."""
        if not self.log.exists():
            return []
        with self.log.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip() for line in deque(file, maxlen=lines)]
