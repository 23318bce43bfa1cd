"""What storage may answer with instead of an object. No error of an SDK leaves this room."""

from __future__ import annotations


class StorageError(Exception):
    """Something about stored bytes went wrong; the message names no path and no secret."""


class ObjectMissing(StorageError):
    """There is no object under this key."""


class StorageUnavailable(StorageError):
    """The backend cannot be reached or used now; the same call may succeed later."""


class StorageFull(StorageUnavailable):
    """The backend has no room left; nothing of the upload is visible."""


class StorageCorrupted(StorageError):
    """An object's bytes are not those that were stored."""


class LinkRefused(StorageError):
    """A signed link was changed, has expired, or was never signed here."""
