"""How S3 is spoken to: connections, timeouts, bounded retries, and what its errors mean."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import certifi
import urllib3
from minio import Minio
from minio.error import MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from app.storage.errors import ObjectMissing, StorageFull, StorageUnavailable

DEFAULT_REGION = "us-east-1"
INSUFFICIENT_STORAGE = 507
_MISSING = frozenset({"NoSuchKey", "NoSuchObject", "NoSuchVersion", "ResourceNotFound"})
_FULL = frozenset({"XMinioStorageFull", "InsufficientStorage", "QuotaExceeded"})
_OURS_ALREADY = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


# A sender that trickles would never meet a timeout of the socket: fewer bytes than this in the
# seconds that an answer may take are no answer.
MIN_BYTES = 64 * 1024


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for a connection and for an answer, and how often to try again."""

    connect_s: float
    read_s: float
    retries: int


PATIENT = Patience(connect_s=3.0, read_s=30.0, retries=3)
HASTY = Patience(connect_s=1.0, read_s=2.0, retries=0)


def connect(endpoint: str, keys: tuple[str, str], secure: bool, patience: Patience) -> Minio:
    """A client for ``[http[s]://]host[:port]``; nothing is sent yet. ``ValueError`` if it is none.

    The region is named, so that signing a link never asks the server for it; on hosts of AWS
    it is in the host's name.
    """
    scheme, separator, host = endpoint.rpartition("://")
    if separator:
        if scheme not in {"http", "https"}:
            raise ValueError("an endpoint begins with http:// or https://, or with the host")
        secure = scheme == "https"
    host = host.rstrip("/")
    region = None if host.endswith(("amazonaws.com", "amazonaws.com.cn")) else DEFAULT_REGION
    access_key, secret_key = keys
    return Minio(
        host,
        access_key=access_key,
        secret_key=secret_key,
        secure=secure,
        region=region,
        http_client=_pool(patience),
    )


def _pool(patience: Patience) -> urllib3.PoolManager:
    return urllib3.PoolManager(
        maxsize=16,
        timeout=urllib3.Timeout(connect=patience.connect_s, read=patience.read_s),
        retries=urllib3.Retry(
            total=patience.retries,
            backoff_factor=0.2,
            status_forcelist=(500, 502, 503, 504),
            # A request in the middle of which the connection broke is sent again too: a part
            # or an object that arrives twice is the same part or object.
            raise_on_status=False,
        ),
        cert_reqs="CERT_REQUIRED",
        ca_certs=os.environ.get("SSL_CERT_FILE") or certifi.where(),
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turn the SDK's and the network's errors into this room's, without hosts or keys."""
    try:
        yield
    except S3Error as error:
        code = error.code or "an unnamed error"
        if code in _MISSING:
            raise ObjectMissing("there is no such object") from None
        if code == "NoSuchBucket":
            raise StorageUnavailable("there is no such bucket") from None
        if code in _FULL:
            raise StorageFull("the object store is full") from error
        raise StorageUnavailable(f"the object store answers {code}") from error
    except ServerError as error:
        if error.status_code == INSUFFICIENT_STORAGE:
            raise StorageFull("the object store is full") from error
        raise StorageUnavailable(f"the object store answers {error.status_code}") from error
    except (MinioException, HTTPError) as error:
        raise StorageUnavailable("the object store cannot be reached") from error
    except OSError as error:
        raise StorageUnavailable("the object store cannot be reached") from error


def read_steadily(
    response: BaseHTTPResponse, chunk_bytes: int, patience: Patience
) -> Iterator[bytes]:
    """A response's bytes in chunks. Raises :class:`StorageUnavailable` when they only trickle.

    What the reader does with a chunk is not counted, however long it takes.
    """
    held, waited, arrived = bytearray(), 0.0, 0
    while True:
        begun = time.monotonic()
        data = response.read1(chunk_bytes)
        waited += time.monotonic() - begun
        arrived += len(data)
        held += data
        if held and (not data or len(held) >= chunk_bytes):
            yield bytes(held)
            held.clear()
        if not data:
            return
        if waited > patience.read_s:
            if arrived < MIN_BYTES:
                raise StorageUnavailable("the object store sends too slowly")
            waited, arrived = 0.0, 0


def make_bucket(client: Minio, name: str) -> None:
    """Make a bucket; that somebody else just made it is no error."""
    try:
        client.make_bucket(name)
    except S3Error as error:
        if error.code not in _OURS_ALREADY:
            raise


def abort_uploads(client: Minio, bucket: str, oldest: datetime) -> int:
    """Give up the uploads in parts that began before ``oldest``; returns how many."""
    aborted = 0
    key_marker = upload_marker = None
    while True:
        # The SDK has no public call for these two, which S3 itself has always had.
        page = client._list_multipart_uploads(
            bucket, key_marker=key_marker, upload_id_marker=upload_marker
        )
        for upload in page.uploads:
            begun, upload_id = upload.initiated_time, upload.upload_id
            if begun and upload_id and begun.astimezone(UTC) < oldest:
                client._abort_multipart_upload(bucket, upload.object_name, upload_id)
                aborted += 1
        if not page.is_truncated:
            return aborted
        key_marker, upload_marker = page.next_key_marker, page.next_upload_id_marker


def http_date(text: str) -> datetime:
    """The time in a ``Last-Modified`` header, in UTC; the epoch if it is none."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
