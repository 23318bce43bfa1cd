"""Keeping a claim alive while a stage computes, and hearing when it is lost."""

from __future__ import annotations

import logging
import threading
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

    It is ``lost`` once the run is cancelled, deleted, over, or claimed by another; ``finish``
    says that somebody asked to finish.
    """

    def __init__(self, database: Database, claim: Claim, lease_seconds: float) -> None:
        self._database = database
        self._claim = claim
        self._lease = lease_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self.lost = False
        self.finish = False

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
        while not self._ended.wait(min(CHECK_S, self._lease / 4)):
            try:
                if self._is_due():
                    with self._database.unit() as unit:
                        renew(unit, self._claim, self._lease)
            except LostClaim:
                self.lost = True
                return
            except SQLAlchemyError as error:
                # The lease outlives a short absence of the database; try again.
                logger.warning("heartbeat: %s", type(error).__name__)

    def _is_due(self) -> bool:
        """Whether a third of the lease is gone, all by the database's clock.

        So it is due, too, as soon as that clock was set: forward, and the lease has run out;
        back, and it would outlive its holder by as much. Raises :class:`LostClaim`.
        """
        with self._database.unit(write=False) as unit:
            row = unit.session.execute(
                select(Run.attempt, Run.lease_owner, Run.lease_until, Run.finish_requested).where(
                    Run.id == self._claim.run_id
                )
            ).first()
            now = unit.now()
        if row is None or (row.attempt, row.lease_owner) != (
            self._claim.attempt,
            self._claim.owner,
        ):
            raise LostClaim(self._claim.run_id)
        self.finish = row.finish_requested
        left = (row.lease_until - now).total_seconds()
        return not self._lease * 2 / 3 < left <= self._lease
