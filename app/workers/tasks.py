"""The four tasks of a run's chain, and the task of a prediction: each calls one function.

An argument is an id and nothing else; what to do and whether to do it stands in the database.
A task never raises what its run failed of: the run's row tells, and the rest of the chain
finds nothing to claim.
"""

from __future__ import annotations

import logging
import threading
from functools import lru_cache
from typing import Any

from celery import Celery

from app.config import get_settings
from app.core.queue import CANARY_TASK, PREDICT_TASK, send_run
from app.db.currency import SchemaCheck
from app.db.session import Database
from app.registry.jobs import run_prediction_job
from app.runs.pipeline import Outcome, Workshop, run_stage, worker_name
from app.runs.states import STAGES, stage_index
from app.storage.factory import open_storage
from app.workers.canaries import Canaries
from app.workers.consuming import Intake

logger = logging.getLogger(__name__)

stopping = threading.Event()


@lru_cache(maxsize=1)
def workshop() -> Workshop:
    """What this worker process holds open, opened at the first task."""
    settings = get_settings()
    return Workshop(settings, Database(settings), open_storage(settings), stopping)


@lru_cache(maxsize=1)
def canaries() -> Canaries:
    """What watches over this worker process."""
    return Canaries(get_settings())


@lru_cache(maxsize=1)
def intake() -> Intake:
    """What decides whether this worker process takes work."""
    return Intake(SchemaCheck(workshop().database, "this worker"), get_settings().lease_seconds)


def work(task: str, run_id: str) -> Outcome:
    """Do one stage of a run; a stage that is to be tried again at once is sent again.

    A database of another version's schema is left to that version's workers: the run's row is
    not touched, and the beat sends it again.
    """
    if not intake().is_open():
        return "not claimed"
    index = stage_index(task)
    outcome = run_stage(workshop(), run_id, index, worker_name())
    if outcome in {"again", "handed on"}:
        send_run(run_id, index)
    return outcome


def _stage_task(name: str) -> Any:
    def task(run_id: str) -> None:
        with canaries().working():
            work(name, run_id)

    task.__name__ = name
    return task


def predict_file(job_id: str) -> None:
    """Predict a large file."""
    with canaries().working():
        if intake().is_open():
            run_prediction_job(workshop(), job_id)


def canary() -> None:
    """Note that this worker consumes."""
    canaries().consumed()


def register(app: Celery) -> None:
    """Give the application its tasks, under the names of the contract."""
    for stage in STAGES:
        app.task(name=stage.task)(_stage_task(stage.task))
    app.task(name=PREDICT_TASK)(predict_file)
    app.task(name=CANARY_TASK)(canary)
