"""What every backend does, alike: the same tests on files and on a real S3 server."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from app.storage.base import ObjectMissing, StorageCorrupted, StorageUnavailable, StoredObject

BUCKET = "artifacts"
MB = 1024 * 1024


class Pattern(io.RawIOBase):
    """``size`` bytes that are nowhere in memory; cannot be rewound."""

    BLOCK = bytes(range(256)) * 1024

    def __init__(self, size: int, fail_at: int | None = None) -> None:
        self.left = size
        self.fail_at = fail_at
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        if self.fail_at is not None and self.given >= self.fail_at:
            raise ConnectionResetError("the client went away")
        data = self.BLOCK[: min(size, self.left)]
        self.left -= len(data)
        self.given += len(data)
        return data


class SeekablePattern(Pattern):
    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.given

    def seek(self, position: int, whence: int = 0) -> int:
        self.given, self.left = position, self.size - position
        return position


def sha256_of(source: Pattern) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(MB):
        digest.update(chunk)
    return digest.hexdigest()


def test_an_object_comes_back_as_it_was_stored(storage, corner):
    data = os.urandom(300_000)
    stored = storage.upload_bytes(BUCKET, f"{corner}/a.bin", data)
    assert isinstance(stored, str)
    assert stored == stored.key == f"{corner}/a.bin"
    assert (stored.size, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert storage.download_bytes(BUCKET, stored) == data


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 256 * 1024 + 1])
def test_sizes_around_a_chunk(storage, corner, size):
    data = os.urandom(size)
    stored = storage.upload_fileobj(BUCKET, f"{corner}/{size}", io.BytesIO(data))
    with storage.download_stream(BUCKET, stored) as stream:
        chunks = list(stream)
    assert b"".join(chunks) == data
    assert all(0 < len(chunk) <= MB for chunk in chunks)


def test_an_upload_begins_where_the_file_stands(storage, corner):
    file = io.BytesIO(b"header|body")
    file.seek(7)
    stored = storage.upload_fileobj(BUCKET, f"{corner}/rest", file)
    assert storage.download_bytes(BUCKET, stored) == b"body"


def test_a_local_file_goes_in_and_out_verified(storage, corner, tmp_path):
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(os.urandom(10_000))
    stored = storage.upload_file(BUCKET, f"{corner}/file", source, {"kind": "table"})
    info = storage.fetch_to(BUCKET, stored, copy, stored.sha256)
    assert copy.read_bytes() == source.read_bytes()
    assert (info.size, info.sha256) == (10_000, stored.sha256)
    with pytest.raises(StorageCorrupted):
        storage.fetch_to(BUCKET, stored, tmp_path / "other", "0" * 64)
    assert sorted(path.name for path in tmp_path.glob("*[yre]")) == ["copy", "source"] + (
        ["storage"] if (tmp_path / "storage").exists() else []
    )


def test_stat_tells_size_hash_metadata_and_time(storage, corner):
    metadata = {"run-id": "7", "title": " Größe & Preis: 100 % "}
    stored = storage.upload_bytes(BUCKET, f"{corner}/m", b"abc", metadata)
    info = storage.stat(BUCKET, stored)
    assert (info.size, info.sha256) == (3, hashlib.sha256(b"abc").hexdigest())
    assert dict(info.metadata) == metadata
    assert abs(datetime.now(UTC) - info.modified) < timedelta(minutes=1)
    with storage.download_stream(BUCKET, stored) as stream:
        assert (stream.info.size, stream.info.sha256) == (info.size, info.sha256)
        assert dict(stream.info.metadata) == metadata


@pytest.mark.parametrize(
    "metadata", [{"sha256": "x"}, {"Upper": "x"}, {"": "x"}, {"a": ""}, {"a": "x" * 2000}]
)
def test_metadata_that_s3_cannot_carry_is_refused(storage, corner, metadata):
    with pytest.raises(ValueError):
        storage.upload_bytes(BUCKET, f"{corner}/m", b"abc", metadata)


def test_reading_from_the_middle(storage, corner):
    data = os.urandom(600_000)
    stored = storage.upload_bytes(BUCKET, f"{corner}/range", data)
    for start in (1, 299_999, 599_999, 600_000, 700_000):
        with storage.download_stream(BUCKET, stored, start) as stream:
            assert b"".join(stream) == data[start:]
            assert stream.info.size == len(data)
    with pytest.raises(ValueError):
        storage.download_stream(BUCKET, stored, -1)


def test_a_second_upload_replaces_the_first(storage, corner):
    storage.upload_bytes(BUCKET, f"{corner}/x", b"first, and longer", {"n": "1"})
    storage.upload_bytes(BUCKET, f"{corner}/x", b"second", {"n": "2"})
    assert storage.download_bytes(BUCKET, f"{corner}/x") == b"second"
    assert dict(storage.stat(BUCKET, f"{corner}/x").metadata) == {"n": "2"}


def test_who_reads_while_it_is_replaced_reads_one_of_the_two(storage, corner):
    old, new = os.urandom(600_000), os.urandom(600_000)
    storage.upload_bytes(BUCKET, f"{corner}/x", old)
    with storage.download_stream(BUCKET, f"{corner}/x") as stream:
        first = next(stream)
        storage.upload_bytes(BUCKET, f"{corner}/x", new)
        # Told at least, instead of a mixture of both.
        with suppress(StorageCorrupted, StorageUnavailable):
            assert first + b"".join(stream) == old
    assert storage.download_bytes(BUCKET, f"{corner}/x") == new


def test_what_is_not_there(storage, corner, tmp_path):
    key = f"{corner}/nothing"
    for call in (
        lambda: storage.stat(BUCKET, key),
        lambda: storage.download_stream(BUCKET, key),
        lambda: storage.download_stream(BUCKET, key, 5),
        lambda: storage.fetch_to(BUCKET, key, tmp_path / "copy"),
    ):
        with pytest.raises(ObjectMissing):
            call()
    storage.delete(BUCKET, key)
    assert list(storage.list_prefix(BUCKET, corner)) == []
    assert storage.delete_prefix(BUCKET, corner) == 0
    assert not (tmp_path / "copy").exists()


def test_a_bucket_that_is_not_there(storage):
    with pytest.raises(StorageUnavailable):
        storage.upload_bytes("no-such-bucket", "x", b"x")
    with pytest.raises(StorageUnavailable):
        storage.download_stream("no-such-bucket", "x")


def test_buckets_are_made_once_and_kept_apart(storage, corner):
    storage.ensure_bucket("second-bucket")
    storage.ensure_bucket("second-bucket")
    storage.upload_bytes("second-bucket", f"{corner}/x", b"there")
    with pytest.raises(ObjectMissing):
        storage.stat(BUCKET, f"{corner}/x")
    assert storage.download_bytes("second-bucket", f"{corner}/x") == b"there"


def test_a_listing_is_by_prefix(storage, corner):
    keys = [f"{corner}/{name}" for name in ("a-b", "a/1", "a/2/x", "ab", "b", "ä")]
    for key in keys:
        storage.upload_bytes(BUCKET, key, key.encode())
    listed = sorted(storage.list_prefix(BUCKET, f"{corner}/"), key=lambda line: line.key)
    assert [line.key for line in listed] == keys
    assert [line.size for line in listed] == [len(key.encode()) for key in keys]
    assert all(abs(datetime.now(UTC) - line.modified) < timedelta(minutes=1) for line in listed)
    for prefix, count in (("a", 4), ("a/", 2), ("a/2", 1), ("z", 0)):
        assert len(list(storage.list_prefix(BUCKET, f"{corner}/{prefix}"))) == count


def test_deleting_one_and_all(storage, corner):
    for name in ("a/1", "a/2", "a/deep/3", "ab"):
        storage.upload_bytes(BUCKET, f"{corner}/{name}", b"x")
    storage.delete(BUCKET, f"{corner}/a/1")
    storage.delete(BUCKET, f"{corner}/a/1")
    assert storage.delete_prefix(BUCKET, f"{corner}/a/") == 2
    assert [line.key for line in storage.list_prefix(BUCKET, corner)] == [f"{corner}/ab"]
    with pytest.raises(ValueError):
        storage.delete_prefix(BUCKET, "")


@pytest.mark.parametrize("source", [Pattern, SeekablePattern])
def test_a_large_stream_passes_through_little_memory(storage, corner, source):
    size = 50 * MB + 12_345
    storage.upload_bytes(BUCKET, f"{corner}/warm-up", bytes(9 * MB))
    process = psutil.Process()
    before = process.memory_info().rss
    highest = before
    stored = storage.upload_fileobj(BUCKET, f"{corner}/large", source(size))
    highest = max(highest, process.memory_info().rss)
    received, digest = 0, hashlib.sha256()
    with storage.download_stream(BUCKET, stored) as stream:
        for chunk in stream:
            received += len(chunk)
            digest.update(chunk)
            highest = max(highest, process.memory_info().rss)
    assert stored.size == received == size
    assert stored.sha256 == digest.hexdigest() == sha256_of(Pattern(size))
    assert highest - before < 30 * MB


@pytest.mark.parametrize("fail_at", [0, 100_000, 20 * MB])
def test_an_upload_that_breaks_off_leaves_nothing(storage, corner, fail_at):
    with pytest.raises(ConnectionResetError):
        storage.upload_fileobj(BUCKET, f"{corner}/half", Pattern(30 * MB, fail_at))
    assert list(storage.list_prefix(BUCKET, corner)) == []
    with pytest.raises(ObjectMissing):
        storage.stat(BUCKET, f"{corner}/half")


def test_an_upload_that_breaks_off_leaves_what_was_there(storage, corner):
    storage.upload_bytes(BUCKET, f"{corner}/x", b"good")
    with pytest.raises(ConnectionResetError):
        storage.upload_fileobj(BUCKET, f"{corner}/x", Pattern(MB, 100_000))
    assert storage.download_bytes(BUCKET, f"{corner}/x") == b"good"


def test_many_writers_of_one_key_leave_one_whole_object(storage, corner):
    contents = [bytes([number]) * 400_000 for number in range(6)]
    barrier = threading.Barrier(len(contents))
    stored: list[StoredObject] = []

    def write(number: int) -> None:
        barrier.wait()
        for _ in range(3):
            metadata = {"writer": str(number)}
            stored.append(storage.upload_bytes(BUCKET, f"{corner}/x", contents[number], metadata))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(stored) == 18
    winner = storage.download_bytes(BUCKET, f"{corner}/x")
    assert winner in contents
    info = storage.stat(BUCKET, f"{corner}/x")
    assert info.metadata["writer"] == str(contents.index(winner))
    assert len(list(storage.list_prefix(BUCKET, corner))) == 1


def test_writers_and_deleters_in_one_directory_do_not_trip_each_other(storage, corner):
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for round_ in range(10):
                key = f"{corner}/shared/deep/{number}-{round_}"
                storage.upload_bytes(BUCKET, key, b"x")
                storage.delete(BUCKET, key)
        except Exception as error:
            failures.append(error)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert list(storage.list_prefix(BUCKET, corner)) == []


def test_stopping_early_gives_everything_back(storage, corner):
    stored = storage.upload_bytes(BUCKET, f"{corner}/x", bytes(3 * MB))
    process = psutil.Process()
    for _ in range(2):
        storage.download_bytes(BUCKET, stored)
    before = process.num_fds()
    for _ in range(40):
        storage.download_stream(BUCKET, stored).close()
        with storage.download_stream(BUCKET, stored) as stream:
            next(stream)
        next(storage.download_stream(BUCKET, stored))
    assert process.num_fds() <= before + 2


def test_the_backend_says_that_it_can_be_used(storage):
    storage.check()


KEYS = [
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    "..",
    "a/../b",
    "a\\b",
    "a\x00b",
    "a\nb",
    "a/.hidden",
    "x" * 256,
]


@pytest.mark.parametrize("key", KEYS)
def test_nasty_keys_are_refused_everywhere(storage, key, tmp_path):
    for call in (
        lambda: storage.upload_bytes(BUCKET, key, b"x"),
        lambda: storage.download_stream(BUCKET, key),
        lambda: storage.stat(BUCKET, key),
        lambda: storage.delete(BUCKET, key),
        lambda: storage.presign_url(BUCKET, key),
        lambda: storage.get_presigned_url(BUCKET, key),
        lambda: storage.fetch_to(BUCKET, key, tmp_path / "x"),
    ):
        with pytest.raises(ValueError):
            call()


@pytest.mark.parametrize("bucket", ["", "..", "a/b", "A", "ab", "a..b", "-ab", "x" * 64, "a b"])
def test_nasty_buckets_are_refused_everywhere(storage, bucket):
    for call in (
        lambda: storage.upload_bytes(bucket, "x", b"x"),
        lambda: storage.download_stream(bucket, "x"),
        lambda: list(storage.list_prefix(bucket, "x")),
        lambda: storage.delete(bucket, "x"),
        lambda: storage.presign_url(bucket, "x"),
    ):
        with pytest.raises(ValueError):
            call()


@pytest.mark.parametrize("seconds", [0, -1, 604_801])
def test_a_link_lives_for_a_second_to_seven_days(storage, seconds):
    with pytest.raises(ValueError):
        storage.presign_url(BUCKET, "x", seconds)
