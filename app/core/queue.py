"""The bell: how the API asks a worker to begin. The database is the truth; a message may be lost.

Messages are JSON and carry ids only. Sending never waits long: while the broker is away the
row simply stays, and ``uam beat`` sends it again.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING

from app.config import Settings, get_settings
from app.core.errands import Errands
from app.core.redis_urls import for_celery

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger(__name__)

QUEUE = "uam"
STAGES = ("preprocess_data", "run_eda", "train_models", "finalize_run")
PREDICT_TASK = "predict_file"
CANARY_TASK = "canary"
CHANNEL = "uam:runs"

# For those who may not wait: a broker that is frozen keeps a sender for seconds.
sending = Errands("sending")


def make_celery(settings: Settings) -> Celery:
    """A Celery application that speaks JSON only and keeps no results."""
    # The beat rarely sends anything: it need not wait for this.
    from celery import Celery

    app = Celery("uam", broker=for_celery(settings.redis_url) or "memory://")
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_publish_retry=False,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=True,
        task_send_sent_event=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "visibility_timeout": 6 * 3600,
            "retry_on_timeout": False,
            "max_retries": 0,
        },
        enable_utc=True,
        timezone="UTC",
    )
    return app


@lru_cache(maxsize=1)
def celery() -> Celery:
    """The process's Celery application."""
    return make_celery(get_settings())


def send_run(run_id: str, first_stage: int = 0) -> bool:
    """Send the chain of a run's stages from ``first_stage`` on; whether the broker took it."""
    from celery import chain

    app = celery()
    signatures = [
        app.signature(name, args=(run_id,), immutable=True) for name in STAGES[first_stage:]
    ]
    return _send(chain(*signatures, app=app) if len(signatures) > 1 else signatures[0], run_id)


def send_prediction(job_id: str) -> bool:
    """Send a prediction job; whether the broker took it."""
    return _send(celery().signature(PREDICT_TASK, args=(job_id,), immutable=True), job_id)


def send_canary(queue: str) -> bool:
    """Send a canary through a worker's own queue; whether the broker took it."""
    signature = celery().signature(CANARY_TASK, immutable=True)
    return _send(signature.set(queue=queue), "a canary")


def _send(signature: object, name: str) -> bool:
    try:
        signature.apply_async(retry=False)  # type: ignore[attr-defined]
    except Exception as error:
        # Whatever the transport raises, the row is there and will be sent again.
        logger.warning("the broker did not take %s: %s", name, type(error).__name__)
        return False
    return True
