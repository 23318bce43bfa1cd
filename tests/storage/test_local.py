"""What can go wrong on a disk."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.config import ConfigurationError, Settings
from app.storage.base import (
    ObjectMissing,
    StorageCorrupted,
    StorageError,
    StorageFull,
    StorageUnavailable,
)
from app.storage.factory import open_storage
from app.storage.local import LocalStorage
from tests.storage.test_storage import MB, Pattern

BUCKET = "artifacts"


def files_of(storage: LocalStorage) -> list[Path]:
    return [path for path in storage.root.rglob("*") if path.is_file()]


@pytest.fixture
def stored(local: LocalStorage) -> Path:
    """The file of an object of 1,000 bytes under ``a/b``."""
    local.upload_bytes(BUCKET, "a/b", os.urandom(1000), {"kind": "table"})
    return local.root / BUCKET / "a" / "b"


def test_only_the_owner_can_read_it(local, stored):
    assert stored.stat().st_mode & 0o077 == 0
    assert stored.parent.stat().st_mode & 0o077 == 0
    assert (local.root / BUCKET).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("position", [0, 500, 999])
def test_a_flipped_byte_never_passes_for_the_object(local, stored, position, tmp_path):
    content = bytearray(stored.read_bytes())
    content[position] ^= 1
    stored.write_bytes(content)
    with pytest.raises(StorageCorrupted):
        local.download_bytes(BUCKET, "a/b")
    with pytest.raises(StorageCorrupted):
        local.fetch_to(BUCKET, "a/b", tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))


@pytest.mark.parametrize("left", [0, 1, 15, 16, 500, 1000, 1050])
def test_a_file_that_was_cut_is_told(local, stored, left):
    os.truncate(stored, left)
    for call in (local.stat, local.download_stream):
        with pytest.raises(StorageCorrupted):
            call(BUCKET, "a/b")
    assert [line.key for line in local.list_prefix(BUCKET, "a")] == ["a/b"]
    local.delete(BUCKET, "a/b")
    assert files_of(local) == []


def test_a_flipped_byte_of_the_footer_is_told(local, stored):
    whole = stored.read_bytes()
    for at in range(1000, len(whole)):
        for flipped in (whole[at] ^ 1, whole[at] ^ 0x80):
            stored.write_bytes(whole[:at] + bytes([flipped]) + whole[at + 1 :])
            with pytest.raises(StorageCorrupted):
                local.stat(BUCKET, "a/b")


def test_no_symbolic_link_leads_out(local, stored, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(stored.read_bytes())
    bucket = local.root / BUCKET
    (bucket / "dir").symlink_to(outside)
    (bucket / "file").symlink_to(outside / "secret")
    (bucket / "loop").symlink_to(bucket / "loop")
    for key in ("dir/secret", "file", "loop", "loop/x"):
        with pytest.raises(ObjectMissing):
            local.stat(BUCKET, key)
        with pytest.raises(ObjectMissing):
            local.download_stream(BUCKET, key)
        local.delete(BUCKET, f"{key}/x")
    with pytest.raises(StorageError):
        local.upload_bytes(BUCKET, "dir/new", b"x")
    local.upload_bytes(BUCKET, "file", b"replaces the link")
    local.delete(BUCKET, "loop")
    assert [line.key for line in local.list_prefix(BUCKET, "")] == ["a/b", "file"]
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == stored.read_bytes()


def test_a_bucket_that_is_a_link_is_none(local, tmp_path):
    (tmp_path / "outside").mkdir()
    (local.root / "linked").symlink_to(tmp_path / "outside")
    with pytest.raises(StorageUnavailable):
        local.upload_bytes("linked", "x", b"x")
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_pipe_in_the_way_hangs_nobody(local):
    os.mkfifo(local.root / BUCKET / "pipe")
    with pytest.raises(ObjectMissing):
        local.stat(BUCKET, "pipe")
    assert list(local.list_prefix(BUCKET, "")) == []


def test_an_object_is_no_directory(local, stored):
    with pytest.raises(StorageError):
        local.upload_bytes(BUCKET, "a/b/c", b"x")
    with pytest.raises(StorageError):
        local.upload_bytes(BUCKET, "a", b"x")
    local.delete(BUCKET, "a")
    assert files_of(local) == [stored]


def test_deleting_the_last_object_removes_its_directories(local):
    local.upload_bytes(BUCKET, "runs/1/charts/x", b"x")
    local.upload_bytes(BUCKET, "runs/2/y", b"y")
    local.delete_prefix(BUCKET, "runs/1/")
    assert [path.name for path in (local.root / BUCKET / "runs").iterdir()] == ["2"]


@contextmanager
def room_for(size: int):
    """Let this process write files of at most ``size`` bytes, as on a disk that fills up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 100_000, MB])
def test_a_full_disk_is_told_and_leaves_nothing(local, room):
    with room_for(room), pytest.raises(StorageFull, match="full"):
        local.upload_fileobj(BUCKET, "runs/1/x", Pattern(MB))
    assert files_of(local) == []
    assert list(local.list_prefix(BUCKET, "")) == []
    local.upload_fileobj(BUCKET, "runs/1/x", Pattern(MB))
    assert local.stat(BUCKET, "runs/1/x").size == MB


def test_a_full_disk_is_not_ready(local):
    with room_for(0), pytest.raises(StorageUnavailable):
        local.check()
    local.check()
    assert files_of(local) == []


def test_a_directory_that_is_gone_is_told(local):
    local.root.rename(local.root.with_name("elsewhere"))
    with pytest.raises(StorageUnavailable):
        local.check()
    with pytest.raises(StorageUnavailable):
        local.upload_bytes(BUCKET, "x", b"x")
    local.root.with_name("elsewhere").rename(local.root)
    local.check()


def test_no_error_names_a_path(local):
    local.root.rename(local.root.with_name("elsewhere"))
    with pytest.raises(StorageUnavailable) as caught:
        local.download_stream(BUCKET, "x")
    assert str(local.root) not in str(caught.value)


WRITER = """
import sys, time
from pathlib import Path
from app.storage.local import LocalStorage

class Slow:
    def read(self, size):
        print("reading", flush=True)
        time.sleep(0.05)
        return b"x" * 1000

LocalStorage(Path(sys.argv[1]), "key").upload_fileobj("artifacts", "runs/1/x", Slow())
"""


def test_a_writer_that_is_killed_leaves_nothing_visible_and_is_swept_up(local):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(local.root)], stdout=subprocess.PIPE
    )
    for _ in range(3):
        assert writer.stdout.readline() == b"reading\n"
    writer.kill()
    writer.wait()
    writer.stdout.close()
    assert len(files_of(local)) == 1
    assert list(local.list_prefix(BUCKET, "")) == []
    assert local.sweep() == 0
    old = time.time() - 3700
    os.utime(files_of(local)[0], (old, old))
    local.upload_bytes(BUCKET, "runs/1/y", b"y")
    assert local.sweep() == 1
    assert [line.key for line in local.list_prefix(BUCKET, "")] == ["runs/1/y"]


def settings(**named: object) -> Settings:
    return Settings(_env_file=None, **named)


def test_files_are_the_default_backend(tmp_path):
    storage = open_storage(settings(uam_home=tmp_path, minio_bucket="mine"))
    assert isinstance(storage, LocalStorage)
    assert storage.bucket == "mine"
    storage.upload_bytes(storage.bucket, "x", b"x")
    assert (tmp_path / "storage" / "mine" / "x").is_file()


@pytest.mark.parametrize(
    "named",
    [
        {"minio_endpoint": "host/path"},
        {"minio_endpoint": "ftp://host"},
        {"minio_endpoint": "host", "minio_bucket": "No Bucket"},
        {"minio_endpoint": "host", "minio_public_endpoint": "https://host/path"},
    ],
)
def test_an_endpoint_that_is_none_is_named(tmp_path, named):
    keys = {"minio_access_key": "a", "minio_secret_key": "b"}
    with pytest.raises(ConfigurationError, match="MINIO_"):
        open_storage(settings(uam_home=tmp_path, **keys, **named))
