"""A disk that is full or read-only: told as such, and over as soon as it is over."""

from __future__ import annotations

import random
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from app.db.migrate import migrate
from app.db.session import Database
from tests import loopback
from tests.api.world import World, assert_problem, register
from tests.faults.disks import filled, read_only, small_disk
from tests.faults.installation import Installation, answers, install, until
from tests.faults.invariants import assert_whole
from tests.faults.premises import Premises
from tests.faults.runs import EXPLORED, cancel, start
from tests.ports import free_port
from tests.services.servers import Postgres

MB = 1024 * 1024
# About 12 MB, and 7 MB as Parquet: numbers of which no two are alike.
RANDOM = random.Random(0)
TABLE = b"x\n" + b"".join(b"%.10f\n" % RANDOM.random() for _ in range(930_000))


@contextmanager
def open_cramped(directory: Path) -> Iterator[Installation]:
    """All of an installation on one small disk: database, broker, objects, temporary files."""
    disk = directory / "disk"
    with small_disk(disk, 192):
        (disk / "tmp").mkdir()
        # Only the log of all this is kept elsewhere: it is to be read when a test fails.
        (disk / "server.log").symlink_to(directory / "server.log")
        with install(disk, "embedded", {"TMPDIR": str(disk / "tmp")}) as running:
            yield running


@pytest.fixture
def cramped(premises: Premises, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Such an installation, shared by the tests of this file."""
    return premises.of("cramped", lambda: open_cramped(tmp_path_factory.mktemp("uam-disk")))


@pytest.fixture
def ada(cramped: Installation) -> World:
    return register(cramped.server)


@contextmanager
def recovers(installation: Installation) -> Iterator[None]:
    """After the block everything is well again, with nobody's help."""
    # A worker may take a broker that cannot write for its own deafness, and begin anew.
    before = {name: installation.part(name).pid for name in ("api", "beat")}
    yield
    until(lambda: answers(installation.server.base_url), what="a ready API")
    assert {name: installation.part(name).pid for name in before} == before
    installation.part("worker")
    assert_whole(installation)


def upload(user: World, content: bytes = TABLE) -> httpx.Response:
    return user.api.post("/datasets/upload", files={"file": ("data.csv", content)})


@pytest.mark.parametrize("left", [0, 5 * MB, 16 * MB, 23 * MB])
def test_an_upload_to_a_full_disk_is_told_and_leaves_nothing(cramped, ada, left) -> None:
    """Nothing fits, or not the upload, or not what is read from it, or not what is stored."""
    temporary = cramped.home / "tmp"
    with recovers(cramped):
        with filled(cramped.home, left):
            assert_problem(upload(ada), 507)
            if left == 0:
                assert "storage" in _not_ready(cramped)
            assert loopback.get(f"{cramped.server.base_url}/health").status_code == 200
        assert not [path for path in temporary.glob("uam-scratch-*/*/*") if path.is_file()]
    assert ada.api.get("/datasets").json() == []
    small = upload(ada, TABLE[: 4 * MB])
    assert small.status_code == 201
    ada.api.delete(f"/datasets/{small.json()['dataset_id']}")


def _not_ready(installation: Installation) -> str:
    answer = loopback.get(f"{installation.server.base_url}/ready", timeout=5)
    return str(assert_problem(answer, 503)["detail"])


def test_a_run_on_a_full_disk_waits_for_room(cramped: Installation, ada: World) -> None:
    dataset_id = ada.upload()["dataset_id"]
    with recovers(cramped):
        run_id = ada.start(dataset_id, **EXPLORED)
        until(lambda: cramped.run(run_id).stage >= 1, what="the first stage")
        with filled(cramped.home):
            # Longer than a lease, and than the broker needs to notice its own file.
            time.sleep(6)
            assert cramped.run(run_id).status != "FAILED"
        assert ada.wait(run_id)["status"] == "COMPLETED"


def test_a_storage_that_is_read_only_is_told(cramped: Installation, ada: World) -> None:
    before = ada.upload()["dataset_id"]
    with recovers(cramped):
        with read_only(cramped.home / "storage"):
            assert_problem(upload(ada), 503)
            assert "storage" in _not_ready(cramped)
            assert ada.api.get(f"/datasets/{before}/preview").status_code == 200
            run_id = ada.start(before, **EXPLORED)
            until(lambda: cramped.said(run_id, "The storage cannot"), what="the wait")
        until(lambda: cramped.run(run_id).stage >= 1, what="the first stage")
        cancel(ada, run_id)


def test_temporary_files_that_cannot_be_made_are_told(cramped: Installation, ada: World) -> None:
    with recovers(cramped), read_only(cramped.home / "tmp"):
        assert_problem(upload(ada), 503)
        assert ada.api.get("/datasets").status_code == 200
    cancel(ada, start(ada, EXPLORED))


@pytest.fixture
def cramped_database(postgres: Postgres) -> Iterator[tuple[Path, str]]:
    """A database of PostgreSQL on a small disk: where that is, and the database's URL."""
    # Open to PostgreSQL's own user.
    directory = Path(tempfile.mkdtemp(prefix="uam-test-"))
    directory.chmod(0o755)
    owner = psutil.Process(postgres.pid).uids().real
    with (
        small_disk(directory / "disk", 32, owner) as disk,
        psycopg.connect(postgres.url(), autocommit=True) as connection,
    ):
        connection.execute(f"create tablespace cramped location '{disk}'")
        connection.execute("create database cramped tablespace cramped")
        yield disk, postgres.url("cramped")
        connection.execute("drop database cramped with (force)")
        connection.execute("drop tablespace cramped")
    shutil.rmtree(directory)


@pytest.mark.services
def test_a_database_without_room_is_told(
    on_services: Installation, cramped_database: tuple[Path, str]
) -> None:
    disk, url = cramped_database
    server = replace(
        on_services.server,
        base_url=f"http://127.0.0.1:{free_port()}",
        environment={**on_services.server.environment, "DATABASE_URL": url},
    )
    database = Database(server.settings)
    migrate(database)
    database.dispose()
    port = server.base_url.rpartition(":")[2]
    with on_services.another("api", "--port", port, DATABASE_URL=url):
        until(lambda: answers(server.base_url), what="the API")
        ada = register(server)
        large = {"name": "Large", "description": secrets.token_urlsafe(1500)}
        with filled(disk):
            codes = [ada.api.post("/projects", json=large).status_code for _ in range(12)]
            # What is in a page already may still find room.
            assert set(codes) <= {201, 507}
            assert_problem(ada.api.post("/projects", json=large), 507)
            assert ada.api.get("/projects").status_code == 200
        assert ada.api.post("/projects", json=large).status_code == 201
