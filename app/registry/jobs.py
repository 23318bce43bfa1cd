"""Files too large to predict while the caller waits: written down, claimed and done by a worker.

A job may be called twice, at once or never, and still ends once.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

from sqlalchemy import Select, and_, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import ColumnElement

from app.auth.principal import Principal
from app.config import Settings
from app.core import sandbox
from app.core.child_errors import ChildDiskFull, ChildError, ChildStopped
from app.core.filenames import clean_filename
from app.core.multipart import ReceivedFile
from app.core.problems import NotFound, Problem
from app.core.queue import send_prediction, sending
from app.core.telemetry import PREDICTIONS
from app.db.session import Database, UnitOfWork
from app.db.steadiness import Steadiness
from app.db.tables import Artifact, ModelMeta, PredictionJob, User, new_id
from app.registry import job_claims
from app.registry.bundles import local_bundle
from app.registry.failures import OUTDATED, Outdated, in_one_sentence
from app.registry.job_claims import Claim, LostJob
from app.registry.refitting import answered
from app.registry.results import Shelf
from app.registry.service import get_model, hold_model, jobs_prefix
from app.storage import trash
from app.storage.base import Storage, StorageError
from app.storage.deposit import deposit

logger = logging.getLogger(__name__)

PREDICT_FILE = "app.registry.file_child:predict_file"
EVALUATE_FILE = "app.registry.file_child:evaluate_file"
# Attempts that ended because a part did not answer, or with their worker.
MAX_ATTEMPTS = 20
# A message that was sent this long ago and brought nobody is taken for lost.
RESEND_AFTER = timedelta(seconds=30)
# No lease reaches this far.
FAR = timedelta(hours=1)
BATCH = 100

JobKind = Literal["predict", "evaluate"]
Outcome = Literal["done", "failed", "not claimed", "lost", "again"]


class Worker(Protocol):
    """What a job needs of the process that does it.

    ``stopping`` is set when the work is to be handed on; ``memory_mb`` limits a child.
    """

    @property
    def settings(self) -> Settings: ...  # noqa: D102

    @property
    def database(self) -> Database: ...  # noqa: D102

    @property
    def storage(self) -> Storage: ...  # noqa: D102

    @property
    def stopping(self) -> threading.Event: ...  # noqa: D102

    @property
    def memory_mb(self) -> int: ...  # noqa: D102


def owned_jobs(user: Principal) -> Select[PredictionJob]:
    """Every prediction job of ``user``: the one door through which jobs are reached."""
    return select(PredictionJob).where(PredictionJob.user_id == user.id)


def get_job(unit: UnitOfWork, user: Principal, job_id: str) -> PredictionJob:
    """The user's job of that id. Raises :class:`NotFound`."""
    found = unit.session.scalar(owned_jobs(user).where(PredictionJob.id == job_id))
    if found is None:
        raise NotFound("prediction job")
    return found


def create_job(
    shelf: Shelf,
    user: Principal,
    model: ModelMeta,
    received: ReceivedFile,
    kind: JobKind = "predict",
) -> PredictionJob:
    """Store a received file and have a worker predict it, or evaluate the model by it.

    Raises :class:`NotFound` when the model is deleted meanwhile.
    """
    bucket, job_id = shelf.settings.minio_bucket, new_id()
    key = f"{jobs_prefix(model)}{job_id}"
    with deposit(shelf.storage, bucket, key):
        shelf.storage.upload_file(bucket, key, received.path)
        with shelf.database.unit() as unit:
            hold_model(unit, user, model.id)
            job = PredictionJob(
                id=job_id,
                user_id=user.id,
                model_id=model.id,
                kind=kind,
                status="PENDING",
                filename=clean_filename(received.filename),
                source_key=key,
                warnings_json=[],
                created_at=unit.now(),
            )
            unit.session.add(job)
            unit.after_commit(lambda: sending.leave(job_id, lambda: _send(shelf.database, job_id)))
    return job


def _send(database: Database, job_id: str) -> None:
    if send_prediction(job_id):
        with database.unit() as unit:
            unit.session.execute(
                update(PredictionJob).where(PredictionJob.id == job_id).values(sent_at=unit.now())
            )


def resend_lost_jobs(database: Database, steady: Steadiness) -> int:
    """Send again the jobs that nobody works at or was told of; returns how many were sent.

    Of any number of callers one takes a job: the condition holds for the first to write. While
    ``steady`` does not hold, no lease is judged.
    """
    asked = time.monotonic()
    with steady.watching(), database.unit() as unit:
        now = unit.now()
        if not steady.holds(asked, now):
            return 0
        # A time in the future was written before the database's clock was put back.
        sent_at, lease_until = PredictionJob.sent_at, PredictionJob.lease_until
        unsent = or_(sent_at.is_(None), sent_at < now - RESEND_AFTER, sent_at > now + RESEND_AFTER)
        ran_out = or_(lease_until < now, lease_until > now + FAR)
        orphaned = and_(PredictionJob.status == "RUNNING", ran_out)
        _give_up(unit, orphaned)
        lost = or_(and_(PredictionJob.status == "PENDING", unsent), orphaned)
        some = select(PredictionJob.id).where(lost).limit(BATCH)
        taken = update(PredictionJob).where(PredictionJob.id.in_(some), lost)
        values = taken.values(status="PENDING", lease_until=None, sent_at=now)
        ids = list(unit.session.scalars(values.returning(PredictionJob.id)))
    return sum(send_prediction(job_id) for job_id in ids)


def _give_up(unit: UnitOfWork, orphaned: ColumnElement[bool]) -> None:
    """Fail the jobs that cost a worker each time: their file may be what ends it."""
    ended = unit.session.scalars(
        update(PredictionJob)
        .where(orphaned, PredictionJob.attempt >= MAX_ATTEMPTS)
        .values(
            status="FAILED",
            lease_until=None,
            finished_at=unit.now(),
            error=f"Its worker was lost {MAX_ATTEMPTS} times.",
        )
        .returning(PredictionJob.source_key)
        .execution_options(synchronize_session=False)
    )
    for source_key in ended.all():
        trash.note(unit, source_key)


def run_prediction_job(worker: Worker, job_id: str) -> Outcome:
    """Do one job, if it is there to be done; returns what became of it."""
    with worker.database.unit() as unit:
        claim = job_claims.claim(unit, job_id, worker.settings.lease_seconds)
    if claim is None:
        return "not claimed"
    try:
        return _attempt(worker, claim)
    except LostJob:
        logger.warning("prediction job %s: the claim was lost", job_id)
        return "lost"


def _attempt(worker: Worker, claim: Claim) -> Outcome:
    with worker.database.unit(write=False) as unit:
        job = unit.session.get(PredictionJob, claim.job_id)
        owner = None if job is None else unit.session.get(User, job.user_id)
    if job is None or owner is None:
        raise LostJob(claim.job_id)
    try:
        _predict(worker, claim, job, Principal.of(owner))
    except ChildStopped:
        return _again(worker, claim, soon=True)
    except (ChildDiskFull, StorageError, SQLAlchemyError, OSError) as error:
        logger.warning("prediction job %s: %s", claim.job_id, type(error).__name__)
        if claim.attempt < MAX_ATTEMPTS:
            return _again(worker, claim, soon=False)
        return _fail(worker, claim, job, "A part that is needed did not answer.")
    except (ChildError, Problem) as error:
        return _fail(worker, claim, job, in_one_sentence(error))
    _drop_source(worker, job)
    return "done"


def _again(worker: Worker, claim: Claim, *, soon: bool) -> Outcome:
    """Give the job back: to be sent at once, or after :data:`RESEND_AFTER`."""
    with worker.database.unit() as unit:
        job_claims.release(unit, claim, sent_at=None if soon else unit.now())
    return "again"


def _fail(worker: Worker, claim: Claim, job: PredictionJob, sentence: str) -> Outcome:
    with worker.database.unit() as unit:
        job_claims.end(unit, claim, "FAILED", error=sentence)
    _drop_source(worker, job)
    return "failed"


def _drop_source(worker: Worker, job: PredictionJob) -> None:
    try:
        worker.storage.delete(worker.settings.minio_bucket, job.source_key)
    except StorageError as error:
        # It goes with its model or run at the latest.
        logger.warning("prediction job %s: its file stays for now: %s", job.id, error)


def _predict(worker: Worker, claim: Claim, job: PredictionJob, user: Principal) -> None:
    """Do the job by its model, or by the one that was made again in its place."""
    with sandbox.scratch() as name:
        source, out = Path(name) / "source", Path(name) / "out"
        out.mkdir()
        worker.storage.fetch_to(worker.settings.minio_bucket, job.source_key, source)

        def ask(model_id: str) -> tuple[ModelMeta, dict[str, Any]]:
            with worker.database.unit(write=False) as unit:
                model = get_model(unit, user, model_id)
            return model, _in_child(worker, claim, job, model, source, out)

        (model, facts), told = answered(worker, user, job.model_id, ask)
        facts["warnings"].extend(told)
        _finish(worker, claim, job, model, facts, out)
    if job.kind != "evaluate":
        PREDICTIONS.labels("job").inc(facts["rows"])


def _in_child(
    worker: Worker, claim: Claim, job: PredictionJob, model: ModelMeta, source: Path, out: Path
) -> dict[str, Any]:
    bundle = local_bundle(worker.storage, worker.settings, model)
    lease, stopping = worker.settings.lease_seconds, worker.stopping
    try:
        return sandbox.run(
            EVALUATE_FILE if job.kind == "evaluate" else PREDICT_FILE,
            file_params(worker.settings, model, bundle, source, job.filename, out),
            memory_mb=worker.memory_mb,
            timeout_s=worker.settings.stage_timeout_seconds,
            stall_s=worker.settings.stall_seconds,
            stop=job_claims.keep_alive(worker.database, claim, lease, stopping),
        )
    except ChildError as error:
        if error.code == OUTDATED:
            raise Outdated(error.message) from None
        raise


def file_params(
    settings: Settings,
    model: ModelMeta,
    bundle: Path,
    source: Path,
    filename: str,
    out: Path,
    max_rows: int | None = None,
) -> dict[str, Any]:
    """The parameters of :data:`PREDICT_FILE` and :data:`EVALUATE_FILE`; past ``max_rows`` they do
    nothing."""
    return {
        "model": str(bundle),
        "sha256": model.sha256,
        "source": str(source),
        "filename": filename,
        "out_dir": str(out),
        "max_rows": max_rows,
        "max_unpacked_bytes": 4 * settings.max_upload_bytes,
    }


def _finish(
    worker: Worker,
    claim: Claim,
    job: PredictionJob,
    model: ModelMeta,
    facts: dict[str, Any],
    out: Path,
) -> None:
    def confirm(unit: UnitOfWork, artifact: Artifact) -> None:
        job_claims.end(
            unit,
            claim,
            "COMPLETED",
            model_id=model.id,
            rows=facts["rows"],
            warnings_json=facts["warnings"],
            artifact_id=artifact.id,
        )

    shelf = Shelf(worker.database, worker.storage, worker.settings)
    if job.kind == "evaluate":
        content = (out / "evaluation.json").read_bytes()
        shelf.keep(model, "json", content, facts["rows"], confirm, product="evaluation")
        return
    with (out / "predictions.csv").open("rb") as file:
        shelf.keep(model, "csv", file, facts["rows"], confirm, tally=facts.get("tally"))
