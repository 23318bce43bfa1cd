"""What is particular to an S3 server: links that it answers itself, and its absences."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
from minio.error import S3Error

from app.config import Settings
from app.storage.base import ObjectMissing, StorageCorrupted, StorageError, StorageUnavailable
from app.storage.factory import open_storage
from app.storage.minio_client import S3MinIOClient
from app.storage.naming import content_disposition
from tests import loopback
from tests.ports import free_ports
from tests.services.servers import S3
from tests.storage.test_storage import MB, Pattern, SeekablePattern

pytestmark = pytest.mark.services

BUCKET = "artifacts"
NAME = "Übersicht für Jörg – 100 %.csv"


@pytest.fixture
def storage(s3: S3) -> S3MinIOClient:
    return s3.storage()


@pytest.fixture
def url(storage: S3MinIOClient, corner: str) -> str:
    storage.upload_bytes(BUCKET, f"{corner}/table.csv", b"a,b\n1,2\n")
    storage.upload_bytes(BUCKET, f"{corner}/other.csv", b"of somebody else")
    return storage.presign_url(
        BUCKET, f"{corner}/table.csv", 60, filename=NAME, content_type="text/csv; charset=utf-8"
    )


def test_a_link_needs_no_token_and_saves_the_file_under_its_name(url):
    answer = loopback.get(url)
    assert (answer.status_code, answer.content) == (200, b"a,b\n1,2\n")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == content_disposition(NAME)


def test_without_a_link_nothing_is_given(url):
    bare = urlunsplit(urlsplit(url)._replace(query=""))
    assert loopback.get(bare).status_code == 403


def test_no_part_of_a_link_can_be_changed(url):
    parts = urlsplit(url)
    query = parse_qsl(parts.query)
    assert len(query) >= 8
    for name, value in query:
        changed = urlencode([(n, v if n != name else f"{value}0") for n, v in query])
        left_out = urlencode([pair for pair in query if pair[0] != name])
        for altered in (changed, left_out):
            answer = loopback.get(urlunsplit(parts._replace(query=altered)))
            assert answer.status_code in {400, 403}, name
            assert b"a,b" not in answer.content
    other = urlunsplit(parts._replace(path=parts.path.replace("table", "other")))
    assert loopback.get(other).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_a_link_is_for_reading(url, method):
    assert loopback.request(method, url, content=b"x").status_code in {400, 403, 405}
    assert loopback.get(url).content == b"a,b\n1,2\n"


def test_a_link_expires(s3, url, corner):
    assert loopback.get(url).status_code == 200
    an_hour_ago = s3.storage(clock=lambda: datetime.now(UTC) - timedelta(hours=1))
    expired = an_hour_ago.presign_url(BUCKET, f"{corner}/table.csv", 60)
    assert loopback.get(expired).status_code == 403


def test_the_link_of_a_deleted_object_is_dead(storage, url, corner):
    storage.delete(BUCKET, f"{corner}/table.csv")
    assert loopback.get(url).status_code == 404


def test_links_are_signed_for_the_public_host_without_asking_anybody():
    """Both hosts are names that no resolver knows: a request would fail."""
    for public, scheme, host in (
        ("https://files.invalid", "https", "files.invalid"),
        ("files.invalid:9000", "http", "files.invalid:9000"),
        ("", "http", "inside.invalid:9000"),
    ):
        storage = S3MinIOClient("inside.invalid:9000", "key", "secret", public_endpoint=public)
        parts = urlsplit(storage.get_presigned_url(BUCKET, "a/b", 60))
        assert (parts.scheme, parts.netloc, parts.path) == (scheme, host, "/artifacts/a/b")
        assert dict(parse_qsl(parts.query))["X-Amz-SignedHeaders"] == "host"


def test_an_installation_on_s3(s3, tmp_path):
    named = {name.lower(): value for name, value in s3.environment().items()}
    storage = open_storage(Settings(_env_file=None, uam_home=tmp_path, **named))
    assert isinstance(storage, S3MinIOClient)
    storage.ensure_bucket()
    storage.check()
    assert list(tmp_path.iterdir()) == []


def test_wrong_keys_are_told_without_the_keys(s3):
    storage = S3MinIOClient(s3.endpoint, s3.access_key, "not the secret")
    with pytest.raises(StorageUnavailable) as caught:
        storage.stat(BUCKET, "x")
    assert "secret" not in str(caught.value)
    with pytest.raises(StorageUnavailable):
        storage.check()


def test_a_bucket_that_is_missing_is_not_ready(s3):
    storage = S3MinIOClient(s3.endpoint, s3.access_key, s3.secret_key, bucket="not-made-yet")
    with pytest.raises(StorageUnavailable, match="not-made-yet"):
        storage.check()
    storage.ensure_bucket()
    storage.check()


def test_an_object_of_somebody_else_is_not_trusted(storage, corner):
    storage._client.put_object(BUCKET, f"{corner}/x", io.BytesIO(b"x"), 1)
    with pytest.raises(StorageCorrupted):
        storage.stat(BUCKET, f"{corner}/x")
    with pytest.raises(StorageCorrupted):
        storage.download_stream(BUCKET, f"{corner}/x")


def test_an_object_that_was_swapped_is_told(storage, corner, tmp_path):
    stored = storage.upload_bytes(BUCKET, f"{corner}/x", b"right")
    storage._client.put_object(
        BUCKET, f"{corner}/x", io.BytesIO(b"wrong"), 5, metadata={"sha256": stored.sha256}
    )
    with pytest.raises(StorageCorrupted):
        storage.download_bytes(BUCKET, f"{corner}/x")
    with pytest.raises(StorageCorrupted):
        storage.fetch_to(BUCKET, f"{corner}/x", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


class Shrinking(SeekablePattern):
    """Says less, or something else, when it is read for the second time."""

    def __init__(self, size: int, second: int) -> None:
        super().__init__(size)
        self.second = second

    def seek(self, position: int, whence: int = 0) -> int:
        self.size = self.second
        return super().seek(position)


@pytest.mark.parametrize("second", [0, 5 * MB, 20 * MB - 1])
def test_a_source_that_changes_while_it_is_read_is_not_stored(storage, corner, second):
    with pytest.raises(StorageError):
        storage.upload_fileobj(BUCKET, f"{corner}/x", Shrinking(20 * MB, second))
    with pytest.raises(ObjectMissing):
        storage.stat(BUCKET, f"{corner}/x")


def test_parts_of_an_upload_that_broke_off_are_swept_up(storage, corner):
    upload_id = storage._client._create_multipart_upload(BUCKET, f"{corner}/x", {})
    storage._client._upload_part(BUCKET, f"{corner}/x", bytes(5 * MB), None, upload_id, 1)
    assert list(storage.list_prefix(BUCKET, corner)) == []
    assert storage.sweep() == 0
    assert storage.sweep(older_than_seconds=-5) >= 1
    with pytest.raises(S3Error):
        storage._client._upload_part(BUCKET, f"{corner}/x", bytes(5 * MB), None, upload_id, 2)


def test_a_server_that_is_away_is_told_soon():
    (port,) = free_ports(1)
    storage = S3MinIOClient(f"127.0.0.1:{port}", "key", "secret")
    for call in (
        lambda: storage.check(),
        lambda: storage.stat(BUCKET, "x"),
        lambda: storage.upload_bytes(BUCKET, "x", b"x"),
        lambda: list(storage.list_prefix(BUCKET, "x")),
        lambda: storage.delete(BUCKET, "x"),
        lambda: storage.delete_prefix(BUCKET, "x"),
        lambda: storage.ensure_bucket(),
        lambda: storage.sweep(),
    ):
        with pytest.raises(StorageUnavailable):
            call()


def test_a_server_that_hangs_is_not_ready_within_seconds():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        storage = S3MinIOClient(f"127.0.0.1:{silent.getsockname()[1]}", "key", "secret")
        begun = time.monotonic()
        with pytest.raises(StorageUnavailable):
            storage.check()
        assert time.monotonic() - begun < 10


@contextmanager
def cutting_proxy(endpoint: str, after: int) -> Iterator[str]:
    """A way to the server that breaks after ``after`` bytes in either direction."""
    host, port = endpoint.split(":")

    def pass_on(source: socket.socket, target: socket.socket) -> None:
        left = after
        with suppress(OSError):
            while left > 0 and (data := source.recv(min(65536, left))):
                target.sendall(data)
                left -= len(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection((host, int(port)))
            for ends in ((client, server), (server, client)):
                threading.Thread(target=pass_on, args=ends, daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_a_connection_that_breaks_leaves_nothing_half(s3, storage, corner):
    with cutting_proxy(s3.endpoint, 3 * MB) as endpoint:
        through = S3MinIOClient(endpoint, s3.access_key, s3.secret_key)
        with pytest.raises(StorageUnavailable):
            through.upload_fileobj(BUCKET, f"{corner}/up", Pattern(20 * MB))
        storage.upload_fileobj(BUCKET, f"{corner}/down", Pattern(20 * MB))
        received = 0
        with (
            pytest.raises(StorageUnavailable),
            through.download_stream(BUCKET, f"{corner}/down") as stream,
        ):
            for chunk in stream:
                received += len(chunk)
    assert 0 < received < 20 * MB
    assert [line.key for line in storage.list_prefix(BUCKET, corner)] == [f"{corner}/down"]
