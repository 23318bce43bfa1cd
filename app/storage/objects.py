"""What is told about a stored object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


class StoredObject(str):
    """The storage key of an upload, with what was measured while its bytes went by.

    It is the key, so that it can be kept and passed on as one.
    """

    __slots__ = ("sha256", "size")

    size: int
    sha256: str

    def __new__(cls, key: str, size: int, sha256: str) -> StoredObject:
        """``size`` in bytes, ``sha256`` in hexadecimal."""
        stored = super().__new__(cls, key)
        stored.size = size
        stored.sha256 = sha256
        return stored

    @property
    def key(self) -> str:
        """The key as a plain string."""
        return str.__str__(self)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """Size in bytes, SHA-256 in hexadecimal, the uploader's metadata, and when (UTC)."""

    size: int
    sha256: str
    metadata: Mapping[str, str]
    modified: datetime


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One line of a listing: the key, its size in bytes, and when it was stored (UTC)."""

    key: str
    size: int
    modified: datetime
