"""A whole UAM of the tests' own, whose processes they may kill, stop and look at."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
import pytest
from sqlalchemy import select

from app.core.guard import kill_family
from app.db.session import Database
from app.db.tables import Log, Run
from app.runs.states import STAGES
from app.storage.base import Storage
from app.storage.factory import open_storage
from tests import loopback
from tests.api.server import STOP_S, Server, serve
from tests.services.servers import watching

LEASE_S = 2.0
# What the contract allows beyond the lease, and slack for a machine that is busy.
TAKEOVER_S = LEASE_S + 10
SLACK_S = 60.0
PLACES = ("computed", "uploaded", "committed")
FAILPOINTS = [
    "start.committed:kill",
    *(f"{stage.task}.{place}:kill" for stage in STAGES for place in PLACES),
    *(f"{stage.task}.uploaded:pause" for stage in STAGES),
]


def until(
    condition: Callable[[], object], seconds: float = SLACK_S, what: str = "what was waited for"
) -> None:
    """Return once ``condition`` holds; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come in {seconds:.0f} s"
        time.sleep(0.1)


@dataclass(eq=False)
class Installation:
    """A running ``uam serve``, seen from its server, its processes, its database and its storage."""

    server: Server
    _opened: list[Database] = field(default_factory=list)

    @property
    def backend(self) -> str:
        return self.server.backend

    @property
    def home(self) -> Path:
        return self.server.home

    @cached_property
    def database(self) -> Database:
        """The installation's own database."""
        self._opened.append(Database(self.server.settings))
        return self._opened[0]

    def run(self, run_id: str) -> Run:
        """A run's row as it stands now."""
        with self.database.unit(write=False) as unit:
            return unit.session.get_one(Run, run_id)

    def said(self, run_id: str, beginning: str) -> list[str]:
        """The lines of a run's log that begin so."""
        with self.database.unit(write=False) as unit:
            lines = unit.session.scalars(
                select(Log.message)
                .where(Log.run_id == run_id, Log.event == "log", Log.message.startswith(beginning))
                .order_by(Log.seq)
            )
            return list(lines)

    @cached_property
    def storage(self) -> Storage:
        """The installation's own storage."""
        return open_storage(self.server.settings)

    @property
    def bucket(self) -> str:
        return self.server.settings.minio_bucket

    def close(self) -> None:
        for database in self._opened:
            database.dispose()

    def part(self, name: str) -> psutil.Process:
        """The process of a part: ``api``, ``worker``, ``beat``; waits for one that restarts."""
        found: list[psutil.Process] = []

        def there() -> bool:
            found[:] = [one for one in self._below(self.server.pid) if _title(one) == f"uam {name}"]
            return bool(found)

        until(there, what=f"uam {name}")
        return found[0]

    def children(self, part: str = "worker") -> list[psutil.Process]:
        """The sandbox children of a part, the youngest last."""
        below = self._below(self.part(part).pid)
        found = [one for one in below if _title(one) == "uam child"]
        return sorted(found, key=lambda one: one.create_time())

    def child(self, part: str = "worker") -> psutil.Process:
        """The youngest sandbox child of a part, waited for."""
        found: list[psutil.Process] = []

        def there() -> bool:
            found[:] = self.children(part)
            return bool(found)

        until(there, what="a child")
        return found[-1]

    def kill_part(self, name: str) -> psutil.Process:
        """SIGKILL to a part alone; what it started is left to those who care for it."""
        process = self.part(name)
        process.send_signal(signal.SIGKILL)
        return process

    @contextmanager
    def frozen(self, process: psutil.Process) -> Iterator[None]:
        """Stop a process meanwhile, all its threads at once, and between two transactions.

        One that is stopped in the midst of writing would hold the embedded database's only lock.
        """
        until(lambda: self._suspended(process), what="a moment between two transactions")
        try:
            yield
        finally:
            process.resume()

    def _suspended(self, process: psutil.Process) -> bool:
        """Stop a process; where nobody can write to the embedded database then, let it go on."""
        process.suspend()
        until(lambda: process.status() == psutil.STATUS_STOPPED, what="the stop of a process")
        if self.backend != "embedded":
            return True
        file = self.database.engine.url.database
        with closing(sqlite3.connect(str(file), timeout=0.5, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            except sqlite3.OperationalError:
                process.resume()
                return False
        return True

    @contextmanager
    def another(self, part: str, *arguments: str, **named: str) -> Iterator[psutil.Process]:
        """One more ``uam PART`` on the same servers, for as long as the block lasts."""
        argv = [sys.executable, "-P", "-m", "app.cli", part, *arguments]
        environment = {**self.server.environment, "REDIS_URL": self.redis_url, **named}
        with (self.home / "server.log").open("ab") as log:
            process = subprocess.Popen(
                argv, cwd=self.home, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            with watching(process.pid):
                yield psutil.Process(process.pid)
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                kill_family([process.pid])
                process.wait()
                raise

    @property
    def redis_url(self) -> str:
        """Where the broker is."""
        if "REDIS_URL" in self.server.environment:
            return self.server.environment["REDIS_URL"]
        settings = (self.home / "valkey" / "valkey.conf").read_text().splitlines()
        socket_path = next(
            line.partition(" ")[2] for line in settings if line.startswith("unixsocket ")
        )
        return f"unix://{quote(socket_path.strip(chr(34)))}?db=0"

    def arm(self, name: str) -> None:
        """Let a failpoint (``train_models.uploaded:kill``) do its work once more."""
        (self.home / "failpoints" / name).unlink()

    def struck(self, name: str) -> bool:
        """Whether the failpoint has done its work since it was armed."""
        return (self.home / "failpoints" / name).exists()

    def release(self, name: str) -> None:
        """Let whoever stopped at a failpoint (``train_models.uploaded:pause``) go on."""
        (self.home / "failpoints" / name).write_text("go on")

    def _below(self, pid: int) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(pid).children(recursive=True)
        return []


def _title(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline()).strip()
    return ""


def owner_lives(owner: str) -> bool:
    """Whether the process that a lease names is there; ``owner`` is ``host:pid:unique``."""
    host, pid, _ = owner.rsplit(":", 2)
    assert host == socket.gethostname()[:40]
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE


def answers(url: str) -> bool:
    """Whether an API is there and all it needs."""
    with suppress(httpx.TransportError):
        return loopback.get(f"{url}/ready", timeout=5).status_code == 200
    return False


@contextmanager
def install(home: Path, backend: str, named: Mapping[str, str]) -> Iterator[Installation]:
    """Run an installation with a lease of 2 s and every failpoint there, none of them armed."""
    disarmed = home / "failpoints"
    disarmed.mkdir()
    for failpoint in FAILPOINTS:
        (disarmed / failpoint).touch()
    settings = {
        "UAM_LEASE_SECONDS": f"{LEASE_S:g}",
        "UAM_FAIL": ",".join(FAILPOINTS),
        **named,
    }
    with serve(home, backend, settings) as server:
        installation = Installation(server)
        try:
            yield installation
        finally:
            installation.close()


# For faults to which it does not matter on what servers they happen.
EMBEDDED = pytest.mark.parametrize("installation", ["embedded"], indirect=True)
