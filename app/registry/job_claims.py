"""Who may work at a prediction job: a lease by compare-and-set, fenced by the attempt."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.exc import SQLAlchemyError

from app.db.session import Database, UnitOfWork
from app.db.tables import PredictionJob

logger = logging.getLogger(__name__)


class LostJob(Exception):
    """The job belongs to somebody else by now, or is gone."""


@dataclass(frozen=True)
class Claim:
    """The right to work at one job."""

    job_id: str
    attempt: int


def claim(unit: UnitOfWork, job_id: str, lease_seconds: float) -> Claim | None:
    """Claim a job; ``None`` when it is not to be had (over, held by another, gone)."""
    now = unit.now()
    free = or_(PredictionJob.lease_until.is_(None), PredictionJob.lease_until < now)
    attempt = unit.session.scalar(
        update(PredictionJob)
        .where(PredictionJob.id == job_id, PredictionJob.status.in_(("PENDING", "RUNNING")), free)
        .values(
            status="RUNNING",
            attempt=PredictionJob.attempt + 1,
            lease_until=now + timedelta(seconds=lease_seconds),
        )
        .returning(PredictionJob.attempt)
        .execution_options(synchronize_session=False)
    )
    return None if attempt is None else Claim(job_id, attempt)


def write(unit: UnitOfWork, claim: Claim, **values: Any) -> None:
    """Change the job's row under the claim. Raises :class:`LostJob`."""
    written = unit.session.scalar(
        update(PredictionJob)
        .where(
            PredictionJob.id == claim.job_id,
            PredictionJob.attempt == claim.attempt,
            PredictionJob.status == "RUNNING",
        )
        .values(**values)
        .returning(PredictionJob.id)
        .execution_options(synchronize_session=False)
    )
    if written is None:
        raise LostJob(claim.job_id)


def release(unit: UnitOfWork, claim: Claim, sent_at: datetime | None = None) -> None:
    """Give the job back; it is sent again a while after ``sent_at``, or at once.

    Raises :class:`LostJob`.
    """
    write(unit, claim, status="PENDING", lease_until=None, sent_at=sent_at)


def end(unit: UnitOfWork, claim: Claim, status: str, **values: Any) -> None:
    """End the job, completed or failed. Raises :class:`LostJob`."""
    write(unit, claim, status=status, lease_until=None, finished_at=unit.now(), **values)


def keep_alive(
    database: Database, claim: Claim, lease_seconds: float, stopping: threading.Event
) -> Callable[[], bool]:
    """What a child's watch calls: renews the lease when due; ``True`` once the child must stop.

    Raises :class:`LostJob` when the job was deleted or taken over.
    """
    renewed = time.monotonic()

    def stop() -> bool:
        nonlocal renewed
        if stopping.is_set():
            return True
        if time.monotonic() - renewed >= lease_seconds / 3:
            renewed = time.monotonic()
            try:
                with database.unit() as unit:
                    write(unit, claim, lease_until=unit.now() + timedelta(seconds=lease_seconds))
            except SQLAlchemyError as error:
                # The lease outlives a short absence of the database; try again.
                logger.warning("prediction job %s: %s", claim.job_id, type(error).__name__)
        return False

    return stop
