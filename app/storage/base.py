"""The interface of every storage backend: named bytes in buckets, in and out as streams."""

from __future__ import annotations

import io
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.storage.errors import (
    LinkRefused,
    ObjectMissing,
    StorageCorrupted,
    StorageError,
    StorageFull,
    StorageUnavailable,
)
from app.storage.objects import ListedObject, ObjectInfo, StoredObject
from app.storage.streams import ObjectStream, Readable

__all__ = [
    "STALE_SECONDS",
    "LinkRefused",
    "ListedObject",
    "ObjectInfo",
    "ObjectMissing",
    "ObjectStream",
    "Readable",
    "Storage",
    "StorageCorrupted",
    "StorageError",
    "StorageFull",
    "StorageUnavailable",
    "StoredObject",
]

# With the pause between sweeps, what broke off is gone within the hour.
STALE_SECONDS = 2700.0


class Storage(ABC):
    """Objects by bucket and key. An upload is visible whole or not at all.

    Every method raises ``ValueError`` for a bucket or key that breaks the rules of
    :mod:`app.storage.naming`, and :class:`StorageUnavailable` when the backend is away, full
    or has no such bucket. What a caller's ``fileobj`` raises passes through untouched.
    """

    bucket: str
    """The bucket that this installation keeps its objects in."""

    @abstractmethod
    def upload_fileobj(
        self, bucket: str, key: str, fileobj: Readable, metadata: Mapping[str, str] | None = None
    ) -> StoredObject:
        """Store what ``fileobj`` still holds; returns the storage key with size and SHA-256.

        An object that was there is replaced in one step.
        """

    @abstractmethod
    def download_stream(self, bucket: str, key: str, start: int = 0) -> ObjectStream:
        """The object's bytes from offset ``start`` on, in chunks of at most 1 MiB.

        Raises :class:`ObjectMissing` at once, and :class:`StorageCorrupted` before the last
        chunk when the bytes are not those that were stored.
        """

    @abstractmethod
    def stat(self, bucket: str, key: str) -> ObjectInfo:
        """Size, hash, metadata and time of an object. Raises :class:`ObjectMissing`."""

    @abstractmethod
    def presign_url(
        self,
        bucket: str,
        key: str,
        expiry_seconds: int = 3600,
        filename: str | None = None,
        content_type: str | None = None,
    ) -> str:
        """A link that downloads this object, and nothing else, without a token.

        It is signed here, without asking the backend whether the object exists. The download
        is an attachment named ``filename`` (else the key's last part). ``ValueError`` for an
        expiry outside 1 second to 7 days.
        """

    @abstractmethod
    def list_prefix(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """The objects whose key begins with ``prefix``, each once, in no promised order."""

    @abstractmethod
    def delete(self, bucket: str, key: str) -> None:
        """Remove an object; one that is not there is no error."""

    @abstractmethod
    def ensure_bucket(self, bucket: str | None = None) -> None:
        """Make the bucket (this installation's unless named) where it does not exist."""

    @abstractmethod
    def check(self) -> None:
        """Return within seconds if the backend can be used, else :class:`StorageUnavailable`."""

    @abstractmethod
    def sweep(self, older_than_seconds: float = STALE_SECONDS) -> int:
        """Remove what uploads that broke off left behind; returns how many there were."""

    def upload_bytes(
        self, bucket: str, key: str, data: bytes, metadata: Mapping[str, str] | None = None
    ) -> StoredObject:
        """Store ``data``; see :meth:`upload_fileobj`."""
        return self.upload_fileobj(bucket, key, io.BytesIO(data), metadata)

    def upload_file(
        self, bucket: str, key: str, path: Path, metadata: Mapping[str, str] | None = None
    ) -> StoredObject:
        """Store the content of a local file; see :meth:`upload_fileobj`."""
        with path.open("rb") as file:
            return self.upload_fileobj(bucket, key, file, metadata)

    def download_bytes(self, bucket: str, key: str) -> bytes:
        """The whole of a small object, verified."""
        with self.download_stream(bucket, key) as stream:
            return b"".join(stream)

    def get_presigned_url(self, bucket: str, key: str, expiry_seconds: int = 3600) -> str:
        """The same as :meth:`presign_url`, under the name of the contract."""
        return self.presign_url(bucket, key, expiry_seconds)

    def delete_prefix(self, bucket: str, prefix: str) -> int:
        """Remove every object whose key begins with ``prefix``; returns how many.

        ``ValueError`` for an empty prefix: nobody means to empty the bucket.
        """
        if not prefix:
            raise ValueError("an empty prefix would delete the whole bucket")
        removed = 0
        for listed in self.list_prefix(bucket, prefix):
            self.delete(bucket, listed.key)
            removed += 1
        return removed

    def fetch_to(
        self, bucket: str, key: str, path: Path, expected_sha256: str | None = None
    ) -> ObjectInfo:
        """Copy an object to a local file, which appears only when size and SHA-256 are right.

        ``expected_sha256`` is what the caller knows of the object from elsewhere. Raises
        :class:`ObjectMissing` and :class:`StorageCorrupted`.
        """
        partial = path.with_name(path.name + ".partial")
        try:
            with self.download_stream(bucket, key) as stream:
                if expected_sha256 is not None and stream.info.sha256 != expected_sha256:
                    raise StorageCorrupted("an object is not the one that was recorded")
                with partial.open("wb") as file:
                    file.writelines(stream)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        return stream.info
