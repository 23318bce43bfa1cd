"""Objects that are stored before their row is written, and go when it is not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError

from app.storage.base import Storage, StorageError

logger = logging.getLogger(__name__)


@contextmanager
def deposit(storage: Storage, bucket: str, prefix: str) -> Iterator[None]:
    """Remove everything under ``prefix`` when the block, which stores and then commits, fails.

    When it is the database that failed, the answer to the commit may have been lost and the
    row may be there: then the objects stay, and :mod:`app.storage.orphans` compares them later.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
            _withdraw(storage, bucket, prefix)
        raise


def _withdraw(storage: Storage, bucket: str, prefix: str) -> None:
    try:
        storage.delete_prefix(bucket, prefix)
    except StorageError as error:
        logger.warning("could not remove %s yet: %s", prefix, error)
