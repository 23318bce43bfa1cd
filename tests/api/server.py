"""A real UAM server for the tests: started as a process, spoken to over HTTP."""

from __future__ import annotations

import itertools
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from app.config import Settings
from tests import loopback
from tests.ports import free_port
from tests.services.servers import watching

START_S = 60
STOP_S = 15
_addresses = itertools.count(2)


def fresh_address() -> str:
    """A loopback address that nobody used before: limits count by address."""
    number = next(_addresses)
    return f"127.1.{number // 250}.{number % 250 + 2}"


@dataclass(eq=False)
class Server:
    """A running server. ``environment`` is what it was started with; nothing else is inherited."""

    base_url: str
    home: Path
    environment: dict[str, str]
    backend: str
    pid: int = 0  # of the supervisor
    first: Any = None  # the World of the account that was registered first
    _used: list[httpx.Client] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """The server's own settings, for tests that look behind it."""
        known = {name.lower(): value for name, value in self.environment.items()}
        fields = {name: known[name] for name in Settings.model_fields if name in known}
        return Settings(_env_file=None, **fields)

    @property
    def log(self) -> str:
        """Everything that the server has logged so far."""
        return (self.home / "server.log").read_text(errors="replace")

    def client(self, token: str | None = None, address: str | None = None) -> httpx.Client:
        """A client with a loopback address of its own, signed in with ``token`` if one is given."""
        client = loopback.client(
            base_url=self.base_url,
            headers={} if token is None else {"Authorization": f"Bearer {token}"},
            timeout=60,
            # Hundreds of clients live as long as the server: none keeps a connection open meanwhile.
            transport=httpx.HTTPTransport(
                local_address=address or fresh_address(),
                verify=loopback.PLAIN,
                limits=httpx.Limits(max_keepalive_connections=0),
            ),
        )
        self._used.append(client)
        return client

    def close_clients(self) -> None:
        for client in self._used:
            client.close()


@contextmanager
def serve(home: Path, backend: str, named: Mapping[str, str]) -> Iterator[Server]:
    """Run ``uam serve`` in ``home``; what ``named`` does not name is embedded."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "UAM_HOME": str(home),
        "SECRET_KEY": secrets.token_hex(32),
        "UAM_FIRST_USER_IS_ADMIN": "1",
        "LOG_FORMAT": "json",
        **named,
    }
    uam = Path(sys.executable).with_name("uam")
    command = [str(uam), "serve", "--port", str(port), "--home", str(home)]
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=home, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    server = Server(f"http://127.0.0.1:{port}", home, environment, backend, process.pid)
    try:
        with watching(process.pid):
            _wait_until_ready(server, process)
            yield server
    finally:
        server.close_clients()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}:\n{server.log}")
        try:
            if loopback.get(f"{server.base_url}/ready", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the server was not ready in {START_S} s:\n{server.log}")
