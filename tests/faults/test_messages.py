"""Messages that no worker of this version can follow: each is refused, and the worker goes on."""

from __future__ import annotations

import base64
import json
import pickle

import pytest
import redis
from celery import Celery

from app.config import Settings
from app.core.queue import PREDICT_TASK, QUEUE, make_celery
from app.runs.states import STAGES
from tests.api.world import World
from tests.faults.installation import Installation, until
from tests.faults.runs import EXPLORED, cancel, start


def envelope(body: bytes, content_type: str, task: str) -> bytes:
    """A message as it lies in the broker, with any body."""
    properties = {
        "correlation_id": "1",
        "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": QUEUE},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": "1",
    }
    message = {
        "body": base64.b64encode(body).decode(),
        "content-encoding": "utf-8",
        "content-type": content_type,
        "headers": {"task": task, "id": "1", "lang": "py"},
        "properties": properties,
    }
    return json.dumps(message).encode()


def arguments(*values: object) -> bytes:
    """The body of a task's message: positional arguments, keywords, and what comes after."""
    return json.dumps([values, {}, {"callbacks": None, "errbacks": None, "chain": None}]).encode()


FIRST = STAGES[0].task
GARBAGE = {
    "no message at all": b"\xff\x00 this is no message",
    "JSON that is no message": b'["a", 1]',
    "a message without its parts": b'{"body": "e30="}',
    "a body that is none": envelope(b"\xff\xfe", "application/json", FIRST),
    "a pickle": envelope(pickle.dumps([["x"], {}, {}]), "application/x-python-serialize", FIRST),
    "arguments of a later version": envelope(
        arguments("run", {"version": 2}, "more"), "application/json", FIRST
    ),
    "an argument that is no id": envelope(arguments({"id": 1}), "application/json", FIRST),
    "a run that never was": envelope(arguments("nobody"), "application/json", FIRST),
}


def celery_of(installation: Installation) -> Celery:
    return make_celery(Settings(redis_url=installation.redis_url, _env_file=None))


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_in_the_queue_stops_no_worker(installation: Installation, what: str) -> None:
    worker = installation.part("worker")
    with redis.Redis.from_url(installation.redis_url) as broker:
        broker.lpush(QUEUE, GARBAGE[what])
    behind = celery_of(installation).send_task(PREDICT_TASK, args=("nothing",)).id
    done = f"Task {PREDICT_TASK}[{behind}] succeeded"
    until(lambda: done in installation.server.log, what="the message behind it")
    assert installation.part("worker").pid == worker.pid


def test_a_stage_that_this_version_does_not_know_is_left_to_another(
    installation: Installation, user: World
) -> None:
    worker = installation.part("worker")
    run_id = start(user, EXPLORED)
    for task in ("enrich_data_v2", "", "app.workers.tasks.train"):
        celery_of(installation).send_task(task, args=(run_id,))
    until(lambda: installation.run(run_id).stage >= 2, what="two stages")
    cancel(user, run_id)
    assert installation.part("worker").pid == worker.pid
    assert "enrich_data_v2" in installation.server.log
