"""Finding stored objects that no row points to: what a process left that was killed half way.

An object is written before its row, so that one without a row may be an upload under way. An
attempt at a stage is known to be over by its run's row, and its objects go at once. So do the
checkpoints of a run that is over; those of any other stay. Any other
object must be old, and must have been seen without a row in two rounds: a clock that is wrong
alone never removes anything.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Select, select

from app.db.session import Database, UnitOfWork
from app.db.tables import Artifact, Dataset, DatasetVersion, ModelMeta, PredictionJob, Run
from app.storage.base import ListedObject, Storage

logger = logging.getLogger(__name__)

ROOT = "projects/"
# Twice the pause between rounds more, and it is still within the hour.
OLD_AFTER_S = 1800.0
BATCH = 500


class _Owner(NamedTuple):
    """Whose an object is, by its key; ``attempt`` is 0 where it belongs to no attempt.

    The kind is ``datasets``, ``runs`` or ``checkpoints``; the id is the dataset's or the run's.
    """

    kind: str
    id: str
    attempt: int


def _owner(key: str) -> _Owner | None:
    """The owner of ``projects/PROJECT/{datasets|runs}/ID/...``; ``None`` for any other key."""
    parts = key.split("/")
    if len(parts) < 5 or parts[2] not in {"datasets", "runs"}:
        return None
    if parts[2] == "runs" and parts[4] == "checkpoints":
        return _Owner("checkpoints", parts[3], 0)
    stage, _, attempt = parts[4].partition("-")
    numbered = parts[2] == "runs" and stage.isdecimal() and attempt.isdecimal()
    return _Owner(parts[2], parts[3], int(attempt) if numbered else 0)


class OrphanSweep:
    """Compares the storage with the database; call :meth:`sweep` every so often.

    It remembers what it saw without a row from one round to the next. Any number may run.
    """

    def __init__(
        self, database: Database, storage: Storage, bucket: str, old_after_s: float = OLD_AFTER_S
    ) -> None:
        self._database = database
        self._storage = storage
        self._bucket = bucket
        self._old_after = timedelta(seconds=old_after_s)
        self._suspects: set[str] = set()

    def sweep(self) -> int:
        """Remove what nobody points to; returns how many objects were removed.

        Raises :class:`app.storage.base.StorageError` and SQLAlchemy's errors.
        """
        listing = iter(self._storage.list_prefix(self._bucket, ROOT))
        suspects: set[str] = set()
        removed = 0
        while batch := list(islice(listing, BATCH)):
            for key, certain in self._without_row(batch):
                if certain or key in self._suspects:
                    self._storage.delete(self._bucket, key)
                    removed += 1
                else:
                    suspects.add(key)
        self._suspects = suspects
        if removed:
            logger.info("removed %s objects that no row pointed to", removed)
        return removed

    def _without_row(self, batch: list[ListedObject]) -> Iterator[tuple[str, bool]]:
        """The orphans among these objects, each with whether that is certain."""
        owners = {item.key: owner for item in batch if (owner := _owner(item.key)) is not None}
        runs = {owner.id for owner in owners.values() if owner.kind != "datasets"}
        datasets = {owner.id for owner in owners.values() if owner.kind == "datasets"}
        with self._database.unit(write=False) as unit:
            # In this order: an attempt that is over now cannot add a row afterwards.
            under_way = _attempts_under_way(unit, runs)
            unfinished = set(unit.session.scalars(_unfinished(runs)))
            kept = {*_keys_of_runs(unit, runs), *_keys_of_datasets(unit, datasets)}
        oldest = datetime.now(UTC) - self._old_after
        for item in batch:
            owner = owners.get(item.key)
            if owner is None or item.key in kept:
                continue
            if owner.kind == "checkpoints":
                if owner.id not in unfinished:
                    yield item.key, True
            elif owner.attempt:
                if (owner.id, owner.attempt) not in under_way:
                    yield item.key, True
            elif item.modified < oldest:
                yield item.key, False


def _attempts_under_way(unit: UnitOfWork, runs: Iterable[str]) -> set[tuple[str, int]]:
    """The attempts that may still write a row: nobody else can hold the claim."""
    held = select(Run.id, Run.attempt).where(Run.id.in_(runs), Run.lease_owner.is_not(None))
    return {(row.id, row.attempt) for row in unit.session.execute(held)}


def _unfinished(runs: Iterable[str]) -> Select[str]:
    return select(Run.id).where(Run.id.in_(runs), Run.finished_at.is_(None))


def _keys_of_runs(unit: UnitOfWork, runs: Iterable[str]) -> Iterator[str]:
    yield from unit.session.scalars(select(Artifact.storage_key).where(Artifact.run_id.in_(runs)))
    yield from unit.session.scalars(select(ModelMeta.storage_key).where(ModelMeta.run_id.in_(runs)))
    yield from unit.session.scalars(
        select(PredictionJob.source_key)
        .join(ModelMeta, ModelMeta.id == PredictionJob.model_id)
        .where(ModelMeta.run_id.in_(runs), PredictionJob.finished_at.is_(None))
    )


def _keys_of_datasets(unit: UnitOfWork, datasets: Iterable[str]) -> Iterator[str]:
    for table, owner in ((Dataset, Dataset.id), (DatasetVersion, DatasetVersion.dataset_id)):
        columns = (table.storage_key, table.preview_key, table.profile_key)
        for row in unit.session.execute(select(*columns).where(owner.in_(datasets))):
            yield from (key for key in row if key is not None)
