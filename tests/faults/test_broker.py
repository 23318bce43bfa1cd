"""A broker that is frozen, gone, or has lost everything: starts are taken, and run later."""

from __future__ import annotations

import time

import httpx
import pytest

from app.core.queue import make_celery
from tests.api.world import PASSWORD, World
from tests.faults.frail import Frail, FrailValkey, frozen
from tests.faults.installation import SLACK_S, TAKEOVER_S, Installation, until
from tests.faults.runs import OPTIONS

pytestmark = pytest.mark.services

# The contract's bound; what a request takes on an idle machine is a hundredth of it.
PROMPT_S = 2.0


def parts(installation: Installation) -> dict[str, str]:
    """What ``/ready`` says of each part."""
    begun = time.monotonic()
    answer = httpx.get(f"{installation.server.base_url}/ready", timeout=30)
    assert time.monotonic() - begun < PROMPT_S
    assert (answer.status_code == 200) == all(
        state == "ok" for state in answer.json()["parts"].values()
    )
    return dict(answer.json()["parts"])


def start_promptly(user: World, dataset_id: str) -> str:
    """Start a run within the bound; returns its id."""
    begun = time.monotonic()
    run_id = user.start(dataset_id, **OPTIONS)
    assert time.monotonic() - begun < PROMPT_S
    return run_id


def sign_in_promptly(user: World) -> None:
    for password, status in ((PASSWORD, 200), ("not the password", 401)):
        begun = time.monotonic()
        assert user.login(password).status_code == status
        assert time.monotonic() - begun < PROMPT_S


def test_a_frozen_broker_keeps_nobody_waiting(frail: Frail, frail_user: World) -> None:
    dataset_id = frail_user.upload()["dataset_id"]
    assert parts(frail.installation)["broker"] == "ok"
    with frozen(frail.valkey.pid):
        states = parts(frail.installation)
        assert states.pop("broker") != "ok"
        assert set(states.values()) == {"ok"}
        runs = [start_promptly(frail_user, dataset_id) for _ in range(2)]
        sign_in_promptly(frail_user)
        assert frail_user.api.get(f"/runs/{runs[0]}/status").status_code == 200
    until(lambda: parts(frail.installation)["broker"] == "ok", what="a broker that is well")
    for run_id in runs:
        assert frail_user.wait(run_id)["status"] == "COMPLETED"


def test_what_is_started_while_the_broker_is_gone_runs_when_one_is_back(
    frail: Frail, frail_user: World
) -> None:
    dataset_id = frail_user.upload()["dataset_id"]
    frail.valkey.kill()
    try:
        assert parts(frail.installation)["broker"] != "ok"
        run_id = start_promptly(frail_user, dataset_id)
        sign_in_promptly(frail_user)
    finally:
        frail.valkey.start()
    assert frail_user.wait(run_id)["status"] == "COMPLETED"
    assert parts(frail.installation)["broker"] == "ok"


def test_a_queue_that_was_emptied_costs_no_run(frail: Frail, frail_user: World) -> None:
    dataset_id = frail_user.upload()["dataset_id"]
    worker = frail.installation.part("worker")
    with frail.installation.frozen(worker):
        runs = [start_promptly(frail_user, dataset_id) for _ in range(3)]
        client = frail.valkey.client()
        until(lambda: client.llen("uam") >= len(runs), what="the messages")
        client.flushall()
    for run_id in runs:
        assert frail_user.wait(run_id)["status"] == "COMPLETED"


def test_a_worker_consumes_after_many_reconnections(frail: Frail, frail_user: World) -> None:
    """Bursts of restarts are what makes a Celery worker deaf (celery issue 8030)."""
    dataset_id = frail_user.upload()["dataset_id"]
    run_id = start_promptly(frail_user, dataset_id)
    for _ in range(6):
        bounce(frail.valkey)
    after = start_promptly(frail_user, dataset_id)
    for one in (run_id, after):
        assert frail_user.wait(one)["status"] == "COMPLETED"


def bounce(valkey: FrailValkey) -> None:
    valkey.kill()
    time.sleep(0.5)
    valkey.start()
    time.sleep(1.5)


def test_a_worker_that_consumes_no_more_is_started_again(frail: Frail, frail_user: World) -> None:
    deaf = frail.installation.part("worker")
    make_deaf(frail)
    run_id = frail_user.start(frail_user.upload()["dataset_id"], **OPTIONS)
    until(lambda: not deaf.is_running(), TAKEOVER_S + SLACK_S, "the end of the deaf worker")
    assert "this worker consumes nothing any more" in frail.installation.server.log
    assert frail_user.wait(run_id)["status"] == "COMPLETED"


def make_deaf(frail: Frail) -> None:
    """Have the worker stay connected and consume nothing, by Celery's remote control."""
    app = make_celery(frail.installation.server.settings)
    [sign] = (frail.installation.home / "workers").iterdir()
    for queue in ("uam", f"uam.canary.{sign.name}"):
        [answer] = app.control.cancel_consumer(queue, reply=True, timeout=10)
        assert "ok" in next(iter(answer.values()))
