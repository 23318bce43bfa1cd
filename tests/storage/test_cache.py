"""Stored objects as local files: fetched once, verified, and never more than the limit."""

import os
import time
from pathlib import Path

import pytest

from app.storage.base import ObjectMissing, Storage, StorageCorrupted
from app.storage.cache import SPARED_SECONDS, LocalCache
from app.storage.local import LocalStorage


def make_cache(tmp_path: Path, max_bytes: int = 1_000_000) -> LocalCache:
    return LocalCache(tmp_path / "cache", max_bytes)


def cached_files(tmp_path: Path) -> list[str]:
    return sorted(os.listdir(tmp_path / "cache"))


def test_it_gives_the_bytes_under_their_hash(storage: Storage, corner: str, tmp_path: Path) -> None:
    stored = storage.upload_bytes(storage.bucket, f"{corner}/a", b"some bytes")
    path = make_cache(tmp_path).path_for(storage, storage.bucket, stored, stored.sha256)
    assert path.name == stored.sha256
    assert path.read_bytes() == b"some bytes"


def test_what_is_there_is_not_fetched_again(storage: Storage, corner: str, tmp_path: Path) -> None:
    stored = storage.upload_bytes(storage.bucket, f"{corner}/a", b"some bytes")
    first = make_cache(tmp_path).path_for(storage, storage.bucket, stored)
    inode = first.stat().st_ino
    # Another process shares the directory and finds it there.
    assert make_cache(tmp_path).path_for(storage, storage.bucket, stored).stat().st_ino == inode


def test_a_changed_object_is_fetched_anew(storage: Storage, corner: str, tmp_path: Path) -> None:
    cache, key = make_cache(tmp_path), f"{corner}/a"
    storage.upload_bytes(storage.bucket, key, b"first")
    cache.path_for(storage, storage.bucket, key)
    storage.upload_bytes(storage.bucket, key, b"other")
    assert cache.path_for(storage, storage.bucket, key).read_bytes() == b"other"


def test_an_object_that_is_not_the_recorded_one_is_refused(
    storage: Storage, corner: str, tmp_path: Path
) -> None:
    recorded = storage.upload_bytes(storage.bucket, f"{corner}/a", b"mine").sha256
    storage.upload_bytes(storage.bucket, f"{corner}/a", b"swapped")
    with pytest.raises(StorageCorrupted):
        make_cache(tmp_path).path_for(storage, storage.bucket, f"{corner}/a", recorded)


def test_a_deleted_object_is_missing_even_when_a_copy_is_there(
    storage: Storage, corner: str, tmp_path: Path
) -> None:
    cache, key = make_cache(tmp_path), f"{corner}/a"
    storage.upload_bytes(storage.bucket, key, b"mine")
    cache.path_for(storage, storage.bucket, key)
    storage.delete(storage.bucket, key)
    with pytest.raises(ObjectMissing):
        cache.path_for(storage, storage.bucket, key)


def test_a_flipped_byte_in_the_store_is_noticed(local: LocalStorage, tmp_path: Path) -> None:
    cache = make_cache(tmp_path)
    local.upload_bytes(local.bucket, "a", b"mine")
    cache.path_for(local, local.bucket, "a")
    file = local.root / local.bucket / "a"
    file.write_bytes(file.read_bytes().replace(b"mine", b"mine"[::-1]))
    with pytest.raises(StorageCorrupted):
        cache.path_for(local, local.bucket, "a")


def test_the_longest_unasked_go_first(local: LocalStorage, tmp_path: Path) -> None:
    cache = make_cache(tmp_path, max_bytes=250)
    paths = {}
    for name in ("old", "older", "new"):
        key = local.upload_bytes(local.bucket, name, name.encode().ljust(100))
        paths[name] = cache.path_for(local, local.bucket, key)
        age = {"old": 2, "older": 3, "new": 0}[name] * SPARED_SECONDS
        os.utime(paths[name], (time.time() - age, paths[name].stat().st_mtime))
    assert cached_files(tmp_path) == sorted(paths[name].name for name in ("old", "new"))


def test_what_was_just_handed_out_stays(local: LocalStorage, tmp_path: Path) -> None:
    cache = make_cache(tmp_path, max_bytes=1)
    for name in ("a", "b"):
        cache.path_for(local, local.bucket, local.upload_bytes(local.bucket, name, name.encode()))
    assert len(cached_files(tmp_path)) == 2
