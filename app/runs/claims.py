"""Who may work at a stage: a lease by compare-and-set, fenced by the attempt's number.

A worker claims a stage, keeps the lease alive while it works, and writes its results in one
unit that succeeds only while the claim still holds. Whoever lost it writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.sql import ColumnElement

from app.db.session import UnitOfWork
from app.db.tables import Run
from app.runs.events import emit, emit_status
from app.runs.states import STAGES, UNFINISHED, stage_index
from app.storage import trash

TRAINING = stage_index("train_models")


class LostClaim(Exception):
    """The stage belongs to somebody else by now, or the run is gone, cancelled or over."""


@dataclass(frozen=True)
class Claim:
    """The right to work at one stage of one run."""

    run_id: str
    project_id: str
    stage: int
    attempt: int
    stage_attempts: int
    owner: str

    @property
    def prefix(self) -> str:
        """Where this attempt's objects lie; no other attempt ever writes there."""
        return _prefix(self.project_id, self.run_id, self.stage, self.attempt)


def _prefix(project_id: str, run_id: str, stage: int, attempt: int) -> str:
    return f"projects/{project_id}/runs/{run_id}/{stage}-{attempt}/"


def checkpoint_prefix(project_id: str, run_id: str) -> str:
    """Where the checkpoints of a run's training lie, those of all attempts at it."""
    return f"projects/{project_id}/runs/{run_id}/checkpoints/"


def claim(
    unit: UnitOfWork, run_id: str, stage: int, owner: str, lease_seconds: float
) -> Claim | None:
    """Claim a stage; ``None`` when it is not to be had (done, held by another, over)."""
    now = unit.now()
    row = unit.session.execute(
        update(Run)
        .where(
            Run.id == run_id,
            Run.stage == stage,
            Run.status.in_(UNFINISHED),
            or_(Run.lease_until.is_(None), Run.lease_until < now),
        )
        .values(
            lease_owner=owner,
            lease_until=now + timedelta(seconds=lease_seconds),
            attempt=Run.attempt + 1,
            stage_attempts=Run.stage_attempts + 1,
            current_task=STAGES[stage].task,
        )
        .returning(Run.attempt, Run.stage_attempts)
        .execution_options(synchronize_session=False)
    ).first()
    if row is None:
        return None
    run = unit.session.get_one(Run, run_id)
    if run.status == "PENDING":
        run.status = "RUNNING"
    run.started_at = run.started_at or now
    if row.stage_attempts > 1:
        # Whoever was killed at it could not clear away what it had stored.
        trash.note(unit, _prefix(run.project_id, run_id, stage, row.attempt - 1))
    emit_status(unit, run)
    return Claim(run_id, run.project_id, stage, row.attempt, row.stage_attempts, owner)


def _held(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return (
        Run.id == claim.run_id,
        Run.attempt == claim.attempt,
        Run.lease_owner == claim.owner,
        Run.status.in_(UNFINISHED),
    )


def _write(unit: UnitOfWork, claim: Claim, **values: Any) -> None:
    """Change the run's row under the claim. Raises :class:`LostClaim`."""
    result = unit.session.execute(
        update(Run)
        .where(*_held(claim))
        .values(**values)
        .returning(Run.id)
        .execution_options(synchronize_session=False)
    ).first()
    if result is None:
        raise LostClaim(claim.run_id)


def hold(unit: UnitOfWork, claim: Claim) -> None:
    """Keep the claim until the unit's end. Raises :class:`LostClaim`.

    It comes first: locks go from the run to what it hangs on, as for who deletes its project.
    """
    _write(unit, claim, attempt=Run.attempt)


def renew(unit: UnitOfWork, claim: Claim, lease_seconds: float) -> None:
    """Extend the lease. Raises :class:`LostClaim`."""
    _write(unit, claim, lease_until=unit.now() + timedelta(seconds=lease_seconds))


def report_progress(unit: UnitOfWork, claim: Claim, percent: float) -> None:
    """Move the bar, never back. Raises :class:`LostClaim`."""
    hold(unit, claim)
    run = unit.session.get_one(Run, claim.run_id)
    if percent > run.progress:
        run.progress = percent
        unit.session.flush()
        emit_status(unit, run)


def complete(unit: UnitOfWork, claim: Claim) -> None:
    """The stage is done: the run moves on and the lease ends. Raises :class:`LostClaim`."""
    stage = STAGES[claim.stage]
    now = unit.now()
    last = claim.stage == len(STAGES) - 1
    _write(
        unit,
        claim,
        stage=claim.stage + 1,
        stage_attempts=0,
        status=stage.done,
        lease_owner=None,
        lease_until=None,
        sent_at=now,
        current_task=None if last else STAGES[claim.stage + 1].task,
        finished_at=now if last else None,
        progress=stage.end_percent,
    )
    run = unit.session.get_one(Run, claim.run_id, populate_existing=True)
    if claim.stage == TRAINING:
        trash.note(unit, checkpoint_prefix(run.project_id, run.id))
    emit_status(unit, run)


def release(unit: UnitOfWork, claim: Claim, *, charge: bool) -> None:
    """Give the stage back; without ``charge`` the attempt does not count against the run."""
    uncharged = {} if charge else {"stage_attempts": Run.stage_attempts - 1}
    _write(unit, claim, lease_owner=None, lease_until=None, sent_at=None, **uncharged)


def fail(unit: UnitOfWork, claim: Claim, error: str) -> None:
    """End the run under the claim, as failed. Raises :class:`LostClaim`."""
    _write(unit, claim, lease_owner=None, lease_until=None)
    close(unit, unit.session.get_one(Run, claim.run_id, populate_existing=True), "FAILED", error)


def close(unit: UnitOfWork, run: Run, status: str, error: str | None = None) -> None:
    """Set a run's last status, with its reason, and say so in its events.

    Whoever works at it loses the claim with that, and what that attempt stores is removed.
    """
    if run.attempt and run.stage < len(STAGES):
        trash.note(unit, _prefix(run.project_id, run.id, run.stage, run.attempt))
    if run.attempt and run.stage == TRAINING:
        trash.note(unit, checkpoint_prefix(run.project_id, run.id))
    run.status = status
    run.error = error
    run.current_task = None
    run.finished_at = unit.now()
    run.lease_owner = None
    run.lease_until = None
    unit.session.flush()
    if error is not None:
        emit(unit, run.id, "log", error, level="ERROR")
    elif status == "CANCELLED":
        emit(unit, run.id, "log", "The run was cancelled.", level="WARNING")
    emit_status(unit, run)
