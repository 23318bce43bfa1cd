"""Removing stored objects whose rows go: noted in the same transaction, done after it."""

from __future__ import annotations

import logging

from sqlalchemy import delete, select

from app.db.session import Database, UnitOfWork
from app.db.tables import Trash, new_id
from app.storage.base import Storage, StorageError

logger = logging.getLogger(__name__)


def discard(unit: UnitOfWork, storage: Storage, bucket: str, prefix: str) -> None:
    """Delete everything under ``prefix`` once this unit is committed.

    The note of it is committed with the rows, so that a crash in between loses nothing:
    :func:`sweep` finishes the work.
    """
    note_id = note(unit, prefix)
    unit.after_commit(lambda: _remove(unit.database, storage, bucket, note_id, prefix))


def note(unit: UnitOfWork, prefix: str) -> str:
    """Have :func:`sweep` delete everything under ``prefix``; returns the note's id."""
    row = Trash(id=new_id(), prefix=prefix, created_at=unit.now())
    unit.session.add(row)
    return row.id


def _remove(database: Database, storage: Storage, bucket: str, note_id: str, prefix: str) -> None:
    storage.delete_prefix(bucket, prefix)
    with database.unit() as unit:
        unit.session.execute(delete(Trash).where(Trash.id == note_id))


def sweep(database: Database, storage: Storage, bucket: str) -> int:
    """Finish what was noted and not done; returns how many prefixes were removed."""
    with database.unit(write=False) as unit:
        notes = list(unit.session.scalars(select(Trash).limit(100)))
    done = 0
    for note in notes:
        try:
            _remove(database, storage, bucket, note.id, note.prefix)
            done += 1
        except StorageError as error:
            logger.warning("could not remove %s yet: %s", note.prefix, error)
    return done
