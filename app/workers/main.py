"""``uam worker``: a Celery worker on a thread pool, whose work happens in children of a nursery.

Threads only supervise: children of a prefork pool are daemons and may not spawn, and a fork
after OpenMP ran hangs in the boosting libraries. The nursery imports for all of them and never
computes.
"""

from __future__ import annotations

import logging
from typing import Any

from celery.signals import setup_logging, worker_ready, worker_shutting_down

from app.config import get_settings
from app.core import sandbox, scratch
from app.core.queue import QUEUE
from app.core.telemetry import configure_logging, configure_sentry, serve_metrics
from app.workers.canaries import is_no_canary
from app.workers.celery_app import celery_app
from app.workers.consuming import Consumer
from app.workers.tasks import canaries, intake, stopping

# The jobs of a run's stages, and what they import only when they work.
STAGE_JOBS = {
    "app.analysis.ingest.jobs": ["duckdb"],
    "app.analysis.profile.jobs": ["app.analysis.profile.choice", "app.analysis.charts.write"],
    "app.analysis.automl.jobs": ["lightgbm", "sklearn.ensemble", "app.analysis.charts.write"],
    "app.analysis.report.jobs": [],
    "app.registry.file_child": ["duckdb", "lightgbm", "pyarrow.pandas_compat"],
}


def _keep_logging(**_: Any) -> None:
    """Connected to ``setup_logging``, so that Celery leaves the process's logging alone."""


def _stop_children(**_: Any) -> None:
    """On SIGTERM every stage under way ends its child and hands its run on, uncharged."""
    canaries().stop()
    stopping.set()


def _watch_over_itself(sender: Consumer, **_: Any) -> None:
    """From now on messages should come, unless the database is not this version's."""
    canaries().start()
    intake().watch(sender)


def run(slots: int) -> None:
    """Work until SIGTERM; ``slots`` stages at once."""
    settings = get_settings()
    configure_logging(settings)
    configure_sentry(settings, "worker")
    serve_metrics(settings)
    scratch.sweep()
    sandbox.use_nursery(STAGE_JOBS)
    setup_logging.connect(_keep_logging, weak=False)
    worker_ready.connect(_watch_over_itself, weak=False)
    worker_shutting_down.connect(_stop_children, weak=False)
    canaries().slots = slots
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).addFilter(is_no_canary)
    celery_app.worker_main(
        [
            "--quiet",
            "worker",
            "--pool=threads",
            f"--concurrency={slots}",
            f"--queues={QUEUE},{canaries().queue}",
            "--without-gossip",
            "--without-mingle",
            "--loglevel=INFO",
        ]
    )
