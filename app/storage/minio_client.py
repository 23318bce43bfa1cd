"""Objects on an S3 server: MinIO, or any other that speaks its protocol.

S3 takes an object's metadata before its bytes. So that the SHA-256 can be among it, an upload
is read twice: once to measure it, once to send it in parts. A stream that cannot be rewound
is kept in a temporary file in between. Memory holds one part at a time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import IO, BinaryIO, cast
from urllib.parse import quote, unquote

from minio.datatypes import Object as MinioObject
from minio.deleteobjects import DeleteObject

from app.storage import s3_transport
from app.storage.base import STALE_SECONDS, Storage
from app.storage.directory import disk
from app.storage.errors import ObjectMissing, StorageCorrupted, StorageError, StorageUnavailable
from app.storage.naming import (
    check_bucket,
    check_key,
    check_link,
    check_metadata,
    check_prefix,
    content_disposition,
)
from app.storage.objects import ListedObject, ObjectInfo, StoredObject
from app.storage.s3_transport import PATIENT, Patience, translated
from app.storage.streams import CHUNK_BYTES, Measure, ObjectStream, Readable, chunks_of

PART_BYTES = 8 * 1024 * 1024
MAX_PARTS = 10_000
SPOOL_BYTES = PART_BYTES
_META = "x-amz-meta-"


class S3MinIOClient(Storage):
    """Storage on an S3 server.

    ``endpoint`` is ``host:port``; links are signed for ``public_endpoint`` (else the same),
    which may carry its own ``http://`` or ``https://``. ``clock`` is the time in UTC, ``patience``
    how long the server may keep us waiting. Raises
    ``ValueError`` for an endpoint that is none; the server is not asked before the first call.
    """

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        *,
        bucket: str = "artifacts",
        secure: bool = False,
        public_endpoint: str = "",
        patience: Patience = PATIENT,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        check_bucket(bucket)
        self.bucket = bucket
        self._clock = clock
        keys = (access_key, secret_key)
        self._patience = patience
        self._client = s3_transport.connect(endpoint, keys, secure, patience)
        self._probe = s3_transport.connect(endpoint, keys, secure, s3_transport.HASTY)
        self._signer = s3_transport.connect(
            public_endpoint or endpoint, keys, secure, s3_transport.HASTY
        )

    def upload_fileobj(
        self, bucket: str, key: str, fileobj: Readable, metadata: Mapping[str, str] | None = None
    ) -> StoredObject:
        """See :meth:`Storage.upload_fileobj`. Sent in parts of 8 MiB."""
        check_bucket(bucket)
        check_key(key)
        kept = check_metadata(metadata or {})
        with _rewindable(fileobj) as source:
            begin = source.tell()
            measure = Measure()
            for _ in chunks_of(source, measure):
                pass
            source.seek(begin)
            kept["sha256"] = measure.sha256
            self._send(bucket, key, _SecondReading(source, measure), kept)
        return StoredObject(key, measure.size, measure.sha256)

    def _send(
        self, bucket: str, key: str, source: _SecondReading, metadata: Mapping[str, str]
    ) -> None:
        part_bytes = max(PART_BYTES, -(-source.size // MAX_PARTS))
        try:
            with translated():
                self._client.put_object(
                    bucket,
                    key,
                    cast("BinaryIO", source),
                    source.size,
                    metadata={name: quote(value) for name, value in metadata.items()},
                    part_size=part_bytes,
                    num_parallel_uploads=1,
                )
        except StorageError:
            if source.error is not None:
                raise source.error from None
            raise

    def download_stream(self, bucket: str, key: str, start: int = 0) -> ObjectStream:
        """See :meth:`Storage.download_stream`."""
        check_bucket(bucket)
        check_key(key)
        if start < 0:
            raise ValueError("start is 0 or more")
        if start:
            info = self.stat(bucket, key)
            if start >= info.size:
                return ObjectStream((), info, lambda: None, start)
        with translated():
            response = self._client.get_object(bucket, key, offset=start)

        def close() -> None:
            # A response that was not read to its end cannot serve another request.
            response.close()
            response.release_conn()

        def chunks() -> Iterator[bytes]:
            with translated():
                yield from s3_transport.read_steadily(response, CHUNK_BYTES, self._patience)

        try:
            if not start:
                info = _info(
                    response.headers,
                    int(response.headers["content-length"]),
                    s3_transport.http_date(response.headers.get("last-modified", "")),
                )
        except BaseException:
            close()
            raise
        return ObjectStream(chunks(), info, close, start)

    def stat(self, bucket: str, key: str) -> ObjectInfo:
        """See :meth:`Storage.stat`. :class:`StorageCorrupted` when it carries no SHA-256."""
        check_bucket(bucket)
        check_key(key)
        with translated():
            found = self._client.stat_object(bucket, key)
        return _info(found.metadata or {}, found.size or 0, _modified(found))

    def presign_url(
        self,
        bucket: str,
        key: str,
        expiry_seconds: int = 3600,
        filename: str | None = None,
        content_type: str | None = None,
    ) -> str:
        """See :meth:`Storage.presign_url`. Good for GET alone."""
        check_bucket(bucket)
        check_key(key)
        filename = filename or key.rpartition("/")[2]
        content_type = content_type or "application/octet-stream"
        check_link(filename, content_type, expiry_seconds)
        return str(
            self._signer.get_presigned_url(
                "GET",
                bucket,
                key,
                expires=timedelta(seconds=expiry_seconds),
                request_date=self._clock(),
                response_headers={
                    "response-content-disposition": content_disposition(filename),
                    "response-content-type": content_type,
                },
            )
        )

    def list_prefix(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :meth:`Storage.list_prefix`."""
        check_bucket(bucket)
        check_prefix(prefix)
        with translated():
            for found in self._client.list_objects(bucket, prefix, recursive=True):
                if found.object_name and not found.is_dir:
                    yield ListedObject(found.object_name, found.size or 0, _modified(found))

    def delete(self, bucket: str, key: str) -> None:
        """See :meth:`Storage.delete`."""
        check_bucket(bucket)
        check_key(key)
        with suppress(ObjectMissing), translated():
            self._client.remove_object(bucket, key)

    def delete_prefix(self, bucket: str, prefix: str) -> int:
        """See :meth:`Storage.delete_prefix`. A thousand at a time."""
        if not prefix:
            raise ValueError("an empty prefix would delete the whole bucket")
        keys = [listed.key for listed in self.list_prefix(bucket, prefix)]
        with translated():
            refused = list(self._client.remove_objects(bucket, map(DeleteObject, keys)))
        if refused:
            raise StorageUnavailable(f"{len(refused)} objects could not be deleted")
        return len(keys)

    def ensure_bucket(self, bucket: str | None = None) -> None:
        """See :meth:`Storage.ensure_bucket`."""
        name = bucket or self.bucket
        check_bucket(name)
        with translated():
            if not self._client.bucket_exists(name):
                s3_transport.make_bucket(self._client, name)

    def check(self) -> None:
        """See :meth:`Storage.check`: the server answers and has the bucket."""
        with translated():
            exists = self._probe.bucket_exists(self.bucket)
        if not exists:
            raise StorageUnavailable(f"there is no bucket {self.bucket}")

    def sweep(self, older_than_seconds: float = STALE_SECONDS) -> int:
        """See :meth:`Storage.sweep`: uploads in parts that were neither ended nor given up."""
        oldest = self._clock() - timedelta(seconds=older_than_seconds)
        with translated():
            return s3_transport.abort_uploads(self._client, self.bucket, oldest)


class _SecondReading:
    """Reads a source for the second time and makes sure that it still says the same.

    ``error`` is what the source itself raised, to tell it from the network's errors.
    """

    def __init__(self, source: Readable, first: Measure) -> None:
        self._source = source
        self._first = first
        self._second = Measure()
        self.size = first.size
        self.error: Exception | None = None

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; an error with the last ones when anything has changed."""
        try:
            data = self._source.read(size)
        except Exception as error:
            self.error = error
            raise
        self._second.add(data)
        whole = self._second.size >= self.size or not data
        if whole and self._second.sha256 != self._first.sha256:
            self.error = StorageError("the source changed while it was read")
            raise self.error
        return data


@contextmanager
def _rewindable(fileobj: Readable) -> Iterator[IO[bytes]]:
    """The source itself if it can seek, else its bytes in a temporary file."""
    seekable = getattr(fileobj, "seekable", None)
    if seekable is not None and seekable():
        yield cast("IO[bytes]", fileobj)
        return
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as spool:
        for chunk in chunks_of(fileobj, Measure()):
            with disk():
                spool.write(chunk)
        spool.seek(0)
        yield cast("IO[bytes]", spool)


def _modified(found: MinioObject) -> datetime:
    return cast("datetime", found.last_modified).astimezone(UTC)


def _info(headers: Mapping[str, str], size: int, modified: datetime) -> ObjectInfo:
    metadata = {
        name.lower().removeprefix(_META): unquote(value)
        for name, value in headers.items()
        if name.lower().startswith(_META)
    }
    sha256 = metadata.pop("sha256", "")
    if not sha256:
        raise StorageCorrupted("an object was stored by somebody else: it carries no SHA-256")
    return ObjectInfo(size, sha256, metadata, modified)
