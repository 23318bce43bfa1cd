"""Finding runs that nobody works at, and sending them again. Safe to run many times over.

A run that nobody leases was never sent, or its message, its worker or its broker was lost, or
it only waits because every worker is busy. It is sent again from its first unfinished stage,
at most once a lease; a duplicate that is delivered finds the stage taken and does nothing.

A time further in the future than any lease reaches was written before the database's clock was
put back, and is no reason to wait.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from sqlalchemy import Row, and_, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql import ColumnElement

from app.core.queue import send_run
from app.db.session import Database
from app.db.steadiness import Steadiness
from app.db.tables import Run
from app.runs.claims import close
from app.runs.pipeline import MAX_ATTEMPTS
from app.runs.states import STAGES, UNFINISHED

logger = logging.getLogger(__name__)

NEVER_SENT_AFTER_S = 3.0
# No lease reaches this many times as far, not even one of a worker that is set otherwise.
FAR_LEASES = 10
BATCH = 200

Orphan = Row[str, datetime | None, datetime | None]


class Reaper:
    """Looks for orphans, round after round. Any number may look at one database."""

    def __init__(
        self, database: Database, lease_seconds: float, steady: Steadiness | None = None
    ) -> None:
        """``steady`` is told by whoever asks the database something before each round."""
        self._database = database
        self._lease = timedelta(seconds=lease_seconds)
        self._steady = steady or Steadiness(lease_seconds)
        self._doubted = False

    def reap(self) -> int:
        """Act once on every orphan; returns how many runs were sent again or ended.

        Ends early when the broker does not take a run: it would take none of the others, and
        each would have to wait for it.
        """
        asked = time.monotonic()
        with self._steady.watching():
            now, orphans = self._look()
        self._doubt(now, orphans)
        if not self._steady.holds(asked, now):
            return 0
        cared_for = 0
        for orphan in orphans:
            stage = self._take(orphan)
            if stage is None:
                continue
            if stage < len(STAGES) and not self._send(orphan.id, stage):
                break
            cared_for += 1
        return cared_for

    def _doubt(self, now: datetime, orphans: list[Orphan]) -> None:
        """A lease from the future tells of a clock that was set; its holder may be at it now."""
        horizon = now + FAR_LEASES * self._lease
        far = any(one.lease_until is not None and one.lease_until > horizon for one in orphans)
        if far and not self._doubted:
            self._steady.shaken()
        self._doubted = far

    def _look(self) -> tuple[datetime, list[Orphan]]:
        with self._database.unit(write=False) as unit:
            now = unit.now()
            never_sent = timedelta(seconds=NEVER_SENT_AFTER_S)
            ran_out = self._outside(Run.lease_until, now, now)
            lost = or_(
                ran_out,
                and_(
                    Run.sent_at.is_(None),
                    self._outside(Run.created_at, now - never_sent, now),
                ),
                self._outside(Run.sent_at, now - self._lease, now),
            )
            unleased = or_(Run.lease_until.is_(None), ran_out)
            statement = select(Run.id, Run.sent_at, Run.lease_until)
            wanted = statement.where(Run.status.in_(UNFINISHED), unleased, lost).limit(BATCH)
            return now, list(unit.session.execute(wanted))

    def _outside(
        self,
        column: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
        earliest: datetime,
        now: datetime,
    ) -> ColumnElement[bool]:
        return or_(column < earliest, column > now + FAR_LEASES * self._lease)

    def _take(self, orphan: Orphan) -> int | None:
        """Take an orphan if it is as it was seen, so that of several reapers one has it.

        Returns the stage to send it from, the number of stages when it has ended instead, and
        ``None`` when somebody else has it.
        """
        with self._database.unit() as unit:
            taken = unit.session.execute(
                update(Run)
                .where(
                    Run.id == orphan.id,
                    Run.status.in_(UNFINISHED),
                    Run.sent_at.is_not_distinct_from(orphan.sent_at),
                    Run.lease_until.is_not_distinct_from(orphan.lease_until),
                )
                .values(sent_at=unit.now(), lease_owner=None, lease_until=None)
                .returning(Run.id)
                .execution_options(synchronize_session=False)
            ).first()
            if taken is None:
                return None
            run = unit.session.get_one(Run, orphan.id)
            if run.stage_attempts < MAX_ATTEMPTS:
                return run.stage
            title = STAGES[run.stage].title
            close(unit, run, "FAILED", f"{title} failed: its worker was lost {MAX_ATTEMPTS} times.")
            return len(STAGES)

    def _send(self, run_id: str, stage: int) -> bool:
        if send_run(run_id, stage):
            logger.info("run %s was sent again from stage %s", run_id, STAGES[stage].task)
            return True
        with self._database.unit() as unit:
            # Still not sent: the next round tries again.
            unit.session.execute(
                update(Run).where(Run.id == run_id, Run.lease_until.is_(None)).values(sent_at=None)
            )
        return False
