"""``uam beat``: finds what was lost and sweeps what is left behind. Any number may run.

It is a loop over the database and not Celery's beat: it must work when the broker does not.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete

from app.config import get_settings
from app.core import scratch
from app.core.telemetry import configure_logging, configure_sentry, serve_metrics
from app.db.currency import SchemaCheck
from app.db.session import Database
from app.db.steadiness import Steadiness
from app.db.tables import RefreshToken
from app.registry.jobs import resend_lost_jobs
from app.runs.reaper import Reaper
from app.storage import trash
from app.storage.factory import open_storage
from app.storage.orphans import OrphanSweep

logger = logging.getLogger(__name__)

SWEEP_S = 600.0
PRUNE_S = 3600.0


@dataclass(frozen=True)
class Duty:
    """Something to be done every so often.

    Each has a thread of its own: a storage that hangs must not keep lost runs waiting.
    """

    name: str
    every_s: float
    work: Callable[[], Any]
    # Told when the database is slow, or away, before the work has begun.
    steady: Steadiness = field(default_factory=Steadiness)

    def keep_doing(self, ended: threading.Event, may_work: Callable[[], bool]) -> None:
        """Do it until the end; a failure is logged and tried again next time.

        Each time ``may_work`` is asked before.
        """
        while not ended.is_set():
            try:
                with self.steady.watching():
                    works = may_work()
                if works:
                    self.work()
            except Exception as error:
                logger.warning("beat: %s: %s: %s", self.name, type(error).__name__, error)
            ended.wait(self.every_s)


def _prune_tokens(database: Database) -> None:
    with database.unit() as unit:
        unit.session.execute(delete(RefreshToken).where(RefreshToken.expires_at < unit.now()))


def duties(database: Database) -> list[Duty]:
    """All that the beat has to do."""
    settings = get_settings()
    storage = open_storage(settings)
    orphans = OrphanSweep(database, storage, settings.minio_bucket)
    lease = settings.lease_seconds
    often = min(5.0, lease / 2)
    runs, jobs = Steadiness(lease), Steadiness(lease)
    return [
        Duty("orphaned runs", often, Reaper(database, lease, runs).reap, runs),
        Duty("orphaned jobs", often, lambda: resend_lost_jobs(database, jobs), jobs),
        Duty("trash", 15.0, lambda: trash.sweep(database, storage, settings.minio_bucket)),
        Duty("orphaned objects", SWEEP_S, orphans.sweep),
        Duty("broken uploads", SWEEP_S, storage.sweep),
        Duty("scratch space", SWEEP_S, scratch.sweep),
        Duty("tokens", PRUNE_S, lambda: _prune_tokens(database)),
    ]


def run() -> None:
    """Beat until SIGTERM or SIGINT."""
    settings = get_settings()
    configure_logging(settings)
    configure_sentry(settings, "beat")
    serve_metrics(settings)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    database = Database(settings)
    # One of another version would take for left over what it does not know of.
    arguments = (ended, SchemaCheck(database, "this beat").fits)
    for duty in duties(database):
        # Daemons: whatever is cut short by the end is found again by the next beat.
        threading.Thread(
            target=duty.keep_doing, args=arguments, name=duty.name, daemon=True
        ).start()
    logger.info("beat is up")
    ended.wait()
