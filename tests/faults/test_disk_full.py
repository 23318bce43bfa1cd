"""A disk that is full or read-only: told as such, and over as soon as it is over."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.api.world import World, assert_problem, register
from tests.faults.disks import filled, read_only, small_disk
from tests.faults.installation import Installation, answers, install, until
from tests.faults.invariants import assert_whole
from tests.faults.runs import OPTIONS, cancel, start

MB = 1024 * 1024
# About 12 MB, and 7 MB as Parquet: numbers of which no two are alike.
RANDOM = random.Random(0)
TABLE = b"x\n" + b"".join(b"%.10f\n" % RANDOM.random() for _ in range(930_000))


@pytest.fixture(scope="module")
def cramped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """All of an installation on one small disk: database, broker, objects, temporary files."""
    directory = tmp_path_factory.mktemp("uam-disk")
    disk = directory / "disk"
    with small_disk(disk, 192):
        (disk / "tmp").mkdir()
        # Only the log of all this is kept elsewhere: it is to be read when a test fails.
        (disk / "server.log").symlink_to(directory / "server.log")
        with install(disk, "embedded", {"TMPDIR": str(disk / "tmp")}) as running:
            yield running


@pytest.fixture
def ada(cramped: Installation) -> World:
    return register(cramped.server)


@contextmanager
def recovers(installation: Installation) -> Iterator[None]:
    """After the block everything is well again, with nobody's help."""
    before = {name: installation.part(name).pid for name in ("api", "worker", "beat")}
    yield
    until(lambda: answers(installation.server.base_url), what="a ready API")
    assert {name: installation.part(name).pid for name in before} == before
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
            assert httpx.get(f"{cramped.server.base_url}/health").status_code == 200
        assert not [path for path in temporary.glob("uam-scratch-*/*/*") if path.is_file()]
    assert ada.api.get("/datasets").json() == []
    small = upload(ada, TABLE[: 4 * MB])
    assert small.status_code == 201
    ada.api.delete(f"/datasets/{small.json()['dataset_id']}")


def _not_ready(installation: Installation) -> str:
    answer = httpx.get(f"{installation.server.base_url}/ready", timeout=5)
    return str(assert_problem(answer, 503)["detail"])


def test_a_run_on_a_full_disk_waits_for_room(cramped: Installation, ada: World) -> None:
    dataset_id = ada.upload()["dataset_id"]
    with recovers(cramped):
        run_id = ada.start(dataset_id, **OPTIONS)
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
            run_id = ada.start(before, **OPTIONS)
            until(lambda: cramped.said(run_id, "The storage cannot"), what="the wait")
        until(lambda: cramped.run(run_id).stage >= 1, what="the first stage")
        cancel(ada, run_id)


def test_temporary_files_that_cannot_be_made_are_told(cramped: Installation, ada: World) -> None:
    with recovers(cramped), read_only(cramped.home / "tmp"):
        assert_problem(upload(ada), 503)
        assert ada.api.get("/datasets").status_code == 200
    cancel(ada, start(ada))
