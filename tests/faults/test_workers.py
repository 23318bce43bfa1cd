"""Workers that are killed, told to stop, or frozen past their lease: the run goes on elsewhere."""

from __future__ import annotations

import pytest

from app.config import Settings
from app.core.queue import make_celery
from app.runs.states import STAGES
from tests.api.world import World
from tests.faults.installation import SLACK_S, TAKEOVER_S, Installation, until
from tests.faults.runs import TRAINED, Undisturbed, best_of, start

# What `uam serve` allows a part to stop in.
GRACE_S = 8.0


def test_a_worker_told_to_stop_hands_on_uncharged_and_one_killed_is_replaced(
    installation: Installation, user: World
) -> None:
    run_id = start(user, TRAINED)
    # In training, which lasts; a shorter stage might end by itself first.
    until(lambda: installation.run(run_id).attempt == 3, SLACK_S + 60, "training")
    child, worker = installation.child(), installation.part("worker")
    worker.terminate()
    worker.wait(GRACE_S + SLACK_S)
    assert not child.is_running()
    assert installation.said(run_id, "The worker is shutting down")
    until(installation.children, TAKEOVER_S + SLACK_S, "the next worker's child")
    before = installation.run(run_id)
    assert before.stage_attempts == 1

    child = installation.child()
    installation.part("worker").kill()
    until(lambda: not child.is_running(), what="the end of the orphaned child")
    until(lambda: installation.run(run_id).attempt > before.attempt, TAKEOVER_S + SLACK_S)
    assert user.wait(run_id)["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("installation", "places"),
    [
        # Each failpoint once, on one backend or the other.
        ("embedded", ("computed", "uploaded", "committed", "uploaded")),
        ("embedded", ("committed", "computed", "uploaded", "committed")),
        pytest.param(
            "on_services",
            ("uploaded", "committed", "computed", "computed"),
            marks=pytest.mark.services,
        ),
    ],
    indirect=["installation"],
)
def test_a_worker_that_dies_in_every_stage_costs_nothing_but_time(
    installation: Installation, user: World, undisturbed: Undisturbed, places: tuple[str, ...]
) -> None:
    armed = [f"{stage.task}.{place}:kill" for stage, place in zip(STAGES, places, strict=True)]
    for name in armed:
        installation.arm(name)
    run_id = start(user, TRAINED)
    assert user.wait(run_id)["status"] == "COMPLETED"
    assert [installation.struck(name) for name in armed] == [True] * len(STAGES)
    assert best_of(installation, run_id) == undisturbed.best


def test_of_many_deliveries_one_works_and_a_frozen_owner_comes_back_too_late(
    installation: Installation, user: World, undisturbed: Undisturbed
) -> None:
    pause = "train_models.uploaded:pause"
    installation.arm(pause)
    run_id = start(user, TRAINED)
    deliver(installation, run_id, 20)
    until(lambda: installation.struck(pause), 120, "the training's upload")
    assert installation.run(run_id).attempt == 3
    assert len(installation.said(run_id, "Cleaned:")) == 1
    with installation.another("worker"):
        with installation.frozen(installation.part("worker")):
            assert user.wait(run_id)["status"] == "COMPLETED"
        installation.release(pause)
        lost = f"run {run_id}: the claim on stage 2 was lost"
        until(lambda: lost in installation.server.log, what="the refusal of the late write")
    assert installation.run(run_id).attempt == 5
    assert best_of(installation, run_id) == undisturbed.best


def deliver(installation: Installation, run_id: str, times: int) -> None:
    """Send a run's first stage again and again."""
    app = make_celery(Settings(redis_url=installation.redis_url, _env_file=None))
    for _ in range(times):
        app.signature(STAGES[0].task, args=(run_id,), immutable=True).apply_async()
    app.close()
