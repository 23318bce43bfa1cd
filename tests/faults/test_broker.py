"""A broker that is frozen, gone, or has lost everything: starts are taken, and run later."""

from __future__ import annotations

import time

import psutil
import pytest

from app.core.queue import CANARY_TASK, QUEUE, make_celery
from tests import loopback
from tests.api.world import PASSWORD, World
from tests.faults.frail import Frail, FrailValkey, frozen
from tests.faults.installation import EMBEDDED, SLACK_S, TAKEOVER_S, Installation, until
from tests.faults.runs import EXPLORED

# The contract's bound; what a request takes on an idle machine is a hundredth of it.
PROMPT_S = 2.0


def parts(installation: Installation) -> dict[str, str]:
    """What ``/ready`` says of each part."""
    begun = time.monotonic()
    answer = loopback.get(f"{installation.server.base_url}/ready", timeout=30)
    assert time.monotonic() - begun < PROMPT_S
    assert (answer.status_code == 200) == all(
        state == "ok" for state in answer.json()["parts"].values()
    )
    return dict(answer.json()["parts"])


def start_promptly(user: World, dataset_id: str) -> str:
    """Start a run within the bound; returns its id."""
    begun = time.monotonic()
    run_id = user.start(dataset_id, **EXPLORED)
    assert time.monotonic() - begun < PROMPT_S
    return run_id


def sign_in_promptly(user: World) -> None:
    for password, status in ((PASSWORD, 200), ("not the password", 401)):
        begun = time.monotonic()
        assert user.login(password).status_code == status
        assert time.monotonic() - begun < PROMPT_S


@pytest.mark.services
def test_starts_are_taken_whatever_becomes_of_the_broker(frail: Frail, frail_user: World) -> None:
    dataset_id = frail_user.upload()["dataset_id"]
    assert parts(frail.installation)["broker"] == "ok"
    phases = (start_while_frozen, start_while_gone, start_and_lose_the_message)
    runs = [phase(frail, frail_user, dataset_id) for phase in phases]
    for run_id in runs:
        assert frail_user.wait(run_id)["status"] == "COMPLETED"


def start_while_frozen(frail: Frail, user: World, dataset_id: str) -> str:
    with frozen(frail.valkey.pid):
        states = parts(frail.installation)
        assert states.pop("broker") != "ok"
        assert set(states.values()) == {"ok"}
        run_id = start_promptly(user, dataset_id)
        sign_in_promptly(user)
        assert user.api.get(f"/runs/{run_id}/status").status_code == 200
    until(lambda: parts(frail.installation)["broker"] == "ok", what="a broker that is well")
    return run_id


def start_while_gone(frail: Frail, user: World, dataset_id: str) -> str:
    frail.valkey.kill()
    try:
        assert parts(frail.installation)["broker"] != "ok"
        run_id = start_promptly(user, dataset_id)
        sign_in_promptly(user)
    finally:
        frail.valkey.start()
    assert parts(frail.installation)["broker"] == "ok"
    return run_id


def start_and_lose_the_message(frail: Frail, user: World, dataset_id: str) -> str:
    with frail.installation.frozen(frail.installation.part("worker")):
        run_id = start_promptly(user, dataset_id)
        client = frail.valkey.client()
        until(lambda: client.llen(QUEUE), what="the message")
        client.flushall()
    return run_id


def embedded_broker(installation: Installation) -> psutil.Process:
    """The Valkey that ``uam serve`` brings along."""
    below = psutil.Process(installation.server.pid).children()
    [broker] = [one for one in below if one.name() == "valkey-server"]
    return broker


@EMBEDDED
def test_the_embedded_broker_is_frozen_and_killed(installation: Installation, user: World) -> None:
    dataset_id = user.upload()["dataset_id"]
    broker = embedded_broker(installation)
    with installation.frozen(broker):
        run_id = start_promptly(user, dataset_id)
        assert parts(installation)["broker"] != "ok"
    broker.kill()
    until(lambda: not broker.is_running(), what="the end of the broker")
    until(lambda: parts(installation)["broker"] == "ok", what="the next broker")
    assert user.wait(run_id)["status"] == "COMPLETED"


@pytest.mark.services
def test_a_worker_that_reconnects_often_consumes_or_is_started_again(
    frail: Frail, frail_user: World
) -> None:
    """Bursts of restarts are what makes a Celery worker deaf (celery issue 8030).

    It seldom happens in so few of them, so that it is brought about at last.
    """
    dataset_id = frail_user.upload()["dataset_id"]
    for _ in range(5):
        bounce(frail.valkey)
    until(lambda: consumes(frail), what="a worker that consumes")
    deaf = frail.installation.part("worker")
    make_deaf(frail)
    run_id = start_promptly(frail_user, dataset_id)
    until(lambda: not deaf.is_running(), TAKEOVER_S + SLACK_S, "the end of the deaf worker")
    assert "this worker consumes nothing any more" in frail.installation.server.log
    assert frail_user.wait(run_id)["status"] == "COMPLETED"


def bounce(valkey: FrailValkey) -> None:
    valkey.kill()
    time.sleep(0.3)
    valkey.start()
    time.sleep(1.2)


def consumes(frail: Frail) -> bool:
    """Whether the worker of now takes messages: a canary that is sent to it goes at once."""
    [sign] = (frail.installation.home / "workers").iterdir()
    queue = f"{QUEUE}.canary.{sign.name}"
    app = make_celery(frail.installation.server.settings)
    app.signature(CANARY_TASK, immutable=True).apply_async(queue=queue)
    time.sleep(0.5)
    return frail.valkey.client().llen(queue) == 0


def make_deaf(frail: Frail) -> None:
    """Have the worker stay connected and consume nothing, by Celery's remote control."""
    app = make_celery(frail.installation.server.settings)
    [sign] = (frail.installation.home / "workers").iterdir()
    for queue in (QUEUE, f"{QUEUE}.canary.{sign.name}"):
        [answer] = app.control.cancel_consumer(queue, reply=True, timeout=10)
        assert "ok" in next(iter(answer.values()))
