"""Finding runs that nobody works at, and sending them again. Safe to run many times over.

A run that nobody leases was never sent, or its message, its worker or its broker was lost, or
it only waits because every worker is busy. It is sent again from its first unfinished stage,
at most once a lease; a duplicate that is delivered finds the stage taken and does nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update

from app.core.queue import send_run
from app.db.session import Database
from app.db.tables import Run
from app.runs.claims import close
from app.runs.pipeline import MAX_ATTEMPTS
from app.runs.states import STAGES, UNFINISHED

logger = logging.getLogger(__name__)

NEVER_SENT_AFTER_S = 3.0
BATCH = 200


def reap(database: Database, lease_seconds: float) -> int:
    """Act once on every orphan; returns how many runs were sent again or ended."""
    with database.unit(write=False) as unit:
        now = unit.now()
        orphans = list(
            unit.session.scalars(
                select(Run.id)
                .where(
                    Run.status.in_(UNFINISHED),
                    or_(Run.lease_until.is_(None), Run.lease_until < now),
                    or_(
                        Run.lease_until < now,
                        and_(
                            Run.sent_at.is_(None),
                            Run.created_at < now - timedelta(seconds=NEVER_SENT_AFTER_S),
                        ),
                        Run.sent_at < now - timedelta(seconds=lease_seconds),
                    ),
                )
                .limit(BATCH)
            )
        )
    return sum(_care_for(database, run_id, now) for run_id in orphans)


def _care_for(database: Database, run_id: str, seen: datetime) -> bool:
    """Take one orphan by compare-and-set, so that of several reapers one acts."""
    with database.unit() as unit:
        now = unit.now()
        taken = unit.session.execute(
            update(Run)
            .where(
                Run.id == run_id,
                Run.status.in_(UNFINISHED),
                or_(Run.lease_until.is_(None), Run.lease_until < now),
                or_(Run.sent_at.is_(None), Run.sent_at < seen),
            )
            .values(sent_at=now, lease_owner=None, lease_until=None)
            .returning(Run.id)
            .execution_options(synchronize_session=False)
        ).first()
        if taken is None:
            return False
        run = unit.session.get_one(Run, run_id)
        if run.stage_attempts >= MAX_ATTEMPTS:
            title = STAGES[run.stage].title
            close(unit, run, "FAILED", f"{title} failed: its worker was lost {MAX_ATTEMPTS} times.")
            return True
        stage = run.stage
    if not send_run(run_id, stage):
        with database.unit() as unit:
            # Still not sent: the next round tries again.
            unit.session.execute(update(Run).where(Run.id == run_id).values(sent_at=None))
        return False
    logger.info("run %s was sent again from stage %s", run_id, STAGES[stage].task)
    return True
