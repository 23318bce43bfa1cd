"""A disk that takes what is written and then cannot keep it: told, and nothing half is left."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.world import EXAMPLE_CSV, World, assert_problem
from tests.faults.installation import EMBEDDED, Installation, answers, until
from tests.faults.shims import Dial, compile_shim
from tests.ports import free_port


@pytest.fixture
def disk_error(tmp_path: Path) -> Dial:
    """The error that keeping a file gives: 0 for none."""
    dial = Dial(tmp_path / "error")
    dial.set(0)
    return dial


@pytest.fixture
def frail_disk(
    installation: Installation, user: World, disk_error: Dial, tmp_path: Path
) -> Iterator[World]:
    """The user, at one more API, whose storage is on such a disk."""
    port = free_port()
    environment = {
        "LD_PRELOAD": str(compile_shim("disk", tmp_path)),
        "DISK_ERROR": str(disk_error.path),
        "DISK_AT": str(installation.home / "storage"),
    }
    with installation.another("api", "--port", str(port), **environment):
        user.api.base_url = f"http://127.0.0.1:{port}"
        until(lambda: answers(str(user.api.base_url)), what="the other API")
        yield user


@EMBEDDED
@pytest.mark.parametrize(
    ("error", "status"), [(errno.EIO, 503), (errno.ENOSPC, 507), (errno.EROFS, 503)]
)
def test_what_cannot_be_kept_is_told_and_leaves_nothing(
    installation: Installation, frail_disk: World, disk_error: Dial, error: int, status: int
) -> None:
    storage = installation.home / "storage"
    before = {path for path in storage.rglob("*") if path.is_file()}
    disk_error.set(error)
    answer = frail_disk.api.post("/datasets/upload", files={"file": ("data.csv", EXAMPLE_CSV)})
    assert_problem(answer, status)
    assert {path for path in storage.rglob("*") if path.is_file()} == before
    assert frail_disk.api.get("/datasets").json() == []
    disk_error.set(0)
    dataset_id = frail_disk.upload()["dataset_id"]
    assert frail_disk.api.get(f"/datasets/{dataset_id}/download").status_code == 200
