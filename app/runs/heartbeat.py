"""Keeping a claim alive while a stage computes, and hearing when it is lost."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.db.session import Database
from app.db.tables import Run
from app.runs.claims import Claim, LostClaim, renew

logger = logging.getLogger(__name__)

CHECK_S = 1.0


class Heartbeat:
    """A thread that renews a claim's lease, and looks every second whether it still holds.

    It is ``lost`` once the run is cancelled, deleted, over, or claimed by another.
    """

    def __init__(self, database: Database, claim: Claim, lease_seconds: float) -> None:
        self._database = database
        self._claim = claim
        self._lease = lease_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self.lost = False

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=5)

    def _beat(self) -> None:
        interval = min(CHECK_S, self._lease / 4)
        renewed = time.monotonic()
        while not self._ended.wait(interval):
            try:
                if time.monotonic() - renewed >= self._lease / 3:
                    with self._database.unit() as unit:
                        renew(unit, self._claim, self._lease)
                    renewed = time.monotonic()
                else:
                    self._look()
            except LostClaim:
                self.lost = True
                return
            except SQLAlchemyError as error:
                # The lease outlives a short absence of the database; try again.
                logger.warning("heartbeat: %s", type(error).__name__)

    def _look(self) -> None:
        with self._database.unit(write=False) as unit:
            row = unit.session.execute(
                select(Run.attempt, Run.lease_owner).where(Run.id == self._claim.run_id)
            ).first()
        if row is None or tuple(row) != (self._claim.attempt, self._claim.owner):
            raise LostClaim(self._claim.run_id)
