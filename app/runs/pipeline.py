"""The four stages as plain functions over units of work: callable without Celery.

``run_stage`` claims a stage, computes it in a child, stores its files under a key that holds
the attempt's number, and writes everything down in one unit that only the holder of the claim
can commit. It may be called twice, at once or never, and the run still ends once.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.core import sandbox
from app.core.child_errors import (
    ChildCrashed,
    ChildDiskFull,
    ChildError,
    ChildOutOfMemory,
    ChildStopped,
    ChildTimeout,
)
from app.core.failpoints import reach
from app.core.telemetry import STAGE_SECONDS
from app.datasets.versions import version_of_run
from app.db.session import DATABASE_AWAY, Database, UnitOfWork
from app.db.tables import Artifact, Dataset, Run
from app.runs import checkpoints, claims, products
from app.runs.claims import Claim, LostClaim
from app.runs.events import emit
from app.runs.heartbeat import Heartbeat
from app.runs.patience import PATIENCE_S
from app.runs.stages import WORK, StageContext, StageResult
from app.runs.states import STAGES
from app.storage.base import Storage, StorageError

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
MAX_ATTEMPTS_OUT_OF_MEMORY = 2
PROGRESS_INTERVAL_S = 0.5

Outcome = Literal["done", "not claimed", "lost", "failed", "again", "later", "handed on"]


@dataclass(frozen=True)
class Workshop:
    """What a worker process holds open; ``stopping`` says that it is to hand its work on."""

    settings: Settings
    database: Database
    storage: Storage
    stopping: threading.Event

    @property
    def memory_mb(self) -> int:
        """The memory limit of one child, in MB."""
        slots = self.settings.worker_slots
        return self.settings.child_memory_mb or sandbox.default_memory_mb(0.7 / slots)


def worker_name() -> str:
    """A name for this process that no other has."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def run_stage(workshop: Workshop, run_id: str, stage: int, owner: str) -> Outcome:
    """Do one stage of one run, if it is there to be done; returns what became of it."""
    lease = workshop.settings.lease_seconds
    with workshop.database.unit() as unit:
        claim = claims.claim(unit, run_id, stage, owner, lease)
    if claim is None:
        return "not claimed"
    started = time.monotonic()
    try:
        with Heartbeat(workshop.database, claim, lease) as heartbeat:
            outcome = _attempt(workshop, claim, heartbeat)
    except LostClaim:
        logger.warning("run %s: the claim on stage %s was lost", run_id, stage)
        outcome = "lost"
    if outcome == "done":
        STAGE_SECONDS.labels(STAGES[stage].task).observe(time.monotonic() - started)
    else:
        bucket = workshop.settings.minio_bucket
        products.remove_attempt(workshop.database, workshop.storage, bucket, claim)
        if stage == claims.TRAINING:
            checkpoints.remove_if_over(workshop.database, workshop.storage, bucket, claim)
    return outcome


def _attempt(workshop: Workshop, claim: Claim, heartbeat: Heartbeat) -> Outcome:
    try:
        with sandbox.scratch() as name:
            context = _context(workshop, claim, heartbeat, Path(name))
            result = WORK[claim.stage](context)
            _reach(workshop, claim, "computed")
            _keep(workshop, claim, context, result)
            _reach(workshop, claim, "committed")
        return "done"
    except ChildStopped:
        return _stopped(workshop, claim, heartbeat)
    except ChildError as error:
        return _failed(workshop, claim, error)
    except DATABASE_AWAY as error:
        logger.warning("run %s: the database is away: %s", claim.run_id, type(error).__name__)
        _write_down(workshop, lambda unit: claims.release(unit, claim, charge=False))
        return "later"
    except (StorageError, SQLAlchemyError, OSError) as error:
        logger.warning("run %s: %s: %s", claim.run_id, type(error).__name__, error)
        why = f"{STAGES[claim.stage].title} failed: a part that is needed did not answer"
        outcome = _try_again(workshop, claim, why, MAX_ATTEMPTS)
        return "later" if outcome == "again" else outcome


def _context(
    workshop: Workshop, claim: Claim, heartbeat: Heartbeat, directory: Path
) -> StageContext:
    with workshop.database.unit(write=False) as unit:
        run = unit.session.get(Run, claim.run_id)
        if run is None:
            raise LostClaim(claim.run_id)
        dataset = version_of_run(unit, run)
        named = run.parameters_json.get("test_dataset_id")
        test = None if named is None else unit.session.get(Dataset, named)
        artifacts = list(unit.session.scalars(select(Artifact).where(Artifact.run_id == run.id)))
    artifacts.sort(key=lambda artifact: artifact.metadata_json.get("order", 0))

    def stop() -> bool:
        return heartbeat.lost or workshop.stopping.is_set()

    return StageContext(
        run=run,
        dataset=dataset,
        artifacts=artifacts,
        storage=workshop.storage,
        bucket=workshop.settings.minio_bucket,
        signing_key=workshop.settings.signing_key,
        directory=directory,
        memory_mb=workshop.memory_mb,
        timeout_s=workshop.settings.stage_timeout_seconds,
        stall_s=workshop.settings.stall_seconds,
        on_progress=_progress_writer(workshop.database, claim),
        stop=stop,
        test=test,
        compute_url=workshop.settings.compute_url,
        finish=lambda: run.finish_requested or heartbeat.finish,
    )


def _progress_writer(
    database: Database, claim: Claim
) -> Callable[[float, str, str, dict[str, Any] | None], None]:
    """Writes a child's progress down: every message, but a moving bar twice a second at most."""
    stage = STAGES[claim.stage]
    written = 0.0

    def write(
        fraction: float, message: str, level: str, leaderboard: dict[str, Any] | None
    ) -> None:
        nonlocal written
        now = time.monotonic()
        if not message and leaderboard is None and now - written < PROGRESS_INTERVAL_S:
            return
        written = now
        percent = stage.start_percent + fraction * (stage.end_percent - stage.start_percent)
        try:
            with database.unit() as unit:
                claims.report_progress(unit, claim, percent)
                if message:
                    emit(unit, claim.run_id, "log", message, level=level)
                if leaderboard is not None:
                    emit(unit, claim.run_id, "leaderboard", data=leaderboard)
        except SQLAlchemyError as error:
            # Progress may be lost; the work goes on.
            logger.warning("progress: %s", type(error).__name__)

    return write


def _keep(workshop: Workshop, claim: Claim, context: StageContext, result: StageResult) -> None:
    """Store the files, then write everything down in one unit under the claim."""
    stored = products.store(claim, context, result)
    if claim.stage == len(STAGES) - 1:
        stored.append(products.manifest(claim, context, stored))
    _reach(workshop, claim, "uploaded")

    def note(unit: UnitOfWork) -> None:
        # When the answer to a commit was lost, all of this may be written down already.
        claims.hold(unit, claim)
        if result.model is not None:
            products.register(unit, workshop.settings.signing_key, context.run, stored, result)
        for artifact in stored:
            artifact.created_at = unit.now()
            unit.session.add(artifact)
        if result.leaderboard is not None:
            emit(unit, claim.run_id, "leaderboard", data=result.leaderboard)
        for line in result.notes:
            emit(unit, claim.run_id, "log", line)
        claims.complete(unit, claim)

    _write_down(workshop, note)


def _reach(workshop: Workshop, claim: Claim, place: str) -> None:
    reach(workshop.settings, f"{STAGES[claim.stage].task}.{place}")


def _stopped(workshop: Workshop, claim: Claim, heartbeat: Heartbeat) -> Outcome:
    if heartbeat.lost:
        return "lost"
    with workshop.database.unit() as unit:
        claims.release(unit, claim, charge=False)
        emit(unit, claim.run_id, "log", "The worker is shutting down and hands the run on.")
    return "handed on"


def _failed(workshop: Workshop, claim: Claim, error: ChildError) -> Outcome:
    title = STAGES[claim.stage].title
    if isinstance(error, ChildOutOfMemory):
        why = f"{title} failed: {error.message}; try fewer columns or rows"
        return _try_again(workshop, claim, why, MAX_ATTEMPTS_OUT_OF_MEMORY)
    if isinstance(error, ChildCrashed):
        logger.error("run %s: %s: %s\n%s", claim.run_id, title, error.message, error.log)
        how = error.message if error.code == "killed" else "its process broke down"
        why = f"{title} failed: {how}"
        return _try_again(workshop, claim, why, MAX_ATTEMPTS)
    if isinstance(error, ChildTimeout | ChildDiskFull):
        return _try_again(workshop, claim, f"{title} failed: {error.message}", MAX_ATTEMPTS)
    return _fail(workshop, claim, error.message)


def _try_again(workshop: Workshop, claim: Claim, why: str, attempts: int) -> Outcome:
    if claim.stage_attempts >= attempts:
        return _fail(workshop, claim, f"{why} (tried {claim.stage_attempts} times).")

    def note(unit: UnitOfWork) -> None:
        claims.release(unit, claim, charge=True)
        emit(unit, claim.run_id, "log", f"{why}; trying again.", level="WARNING")

    _write_down(workshop, note)
    return "again"


def _fail(workshop: Workshop, claim: Claim, message: str) -> Outcome:
    text = message if message.endswith(".") else f"{message}."
    _write_down(workshop, lambda unit: claims.fail(unit, claim, text))
    return "failed"


def _write_down(workshop: Workshop, write: Callable[[UnitOfWork], None]) -> None:
    """Write down what became of a stage, waiting for a database that is away.

    Meanwhile nobody else can take the stage. Once somebody has, there is a LostClaim.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with workshop.database.unit() as unit:
                write(unit)
            return
        except DATABASE_AWAY as error:
            logger.warning("waiting for the database: %s", type(error).__name__)
            if time.monotonic() > deadline or workshop.stopping.wait(1.0):
                raise
