"""A database that restarts, loses power, freezes, ends all sessions or has none left to give."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest

from app.runs.states import STAGES, stage_index
from tests import loopback
from tests.api.server import Server
from tests.api.world import World, assert_problem
from tests.faults.frail import CONNECTIONS, Frail, frozen
from tests.faults.installation import Installation, until
from tests.faults.runs import EXPLORED

pytestmark = pytest.mark.services

PROMPT_S = 2.0
# The gate closes on a silent database after 2.5 s and looks at waiting requests once a second.
REFUSED_S = 6.0
BACK_S = 5.0
SLACK_S = 10.0
# Each stage of a run that is not disturbed takes one attempt.
TRAINING = stage_index("train_models") + 1


def assert_all_refuse(user: World, within_s: float) -> None:
    """Reading, writing and signing in answer 503 with Retry-After, and none hangs."""
    anonymous = user.server.client()
    until(lambda: anonymous.get("/projects").status_code == 503, within_s + SLACK_S, "the gate")
    calls = (
        lambda: user.api.get("/projects"),
        lambda: user.api.post("/projects", json={"name": "P"}),
        lambda: user.login(),
        lambda: anonymous.get("/projects"),
    )
    for call in calls:
        begun = time.monotonic()
        answer = call()
        assert time.monotonic() - begun < within_s + SLACK_S
        assert_problem(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0


def assert_ready_names(server: Server, part: str) -> None:
    begun = time.monotonic()
    answer = loopback.get(f"{server.base_url}/ready", timeout=30)
    assert time.monotonic() - begun < PROMPT_S
    body = assert_problem(answer, 503)
    assert body["parts"][part] != "ok"
    assert part in body["detail"]
    assert loopback.get(f"{server.base_url}/health", timeout=30).status_code == 200


def assert_back(user: World) -> None:
    """The same client is answered again, without a restart of anything."""
    until(lambda: user.api.get("/projects").status_code == 200, BACK_S + SLACK_S, "the API")
    until(lambda: user.api.get("/ready").status_code == 200, BACK_S + SLACK_S, "readiness")


@contextmanager
def parts_that_stay(installation: Installation) -> Iterator[None]:
    """No part needs a restart in the block."""
    before = [installation.part(name).pid for name in ("api", "worker", "beat")]
    yield
    assert [installation.part(name).pid for name in ("api", "worker", "beat")] == before


def training(frail: Frail, user: World) -> str:
    """A run that somebody trains."""
    run_id = user.start(user.upload()["dataset_id"], **EXPLORED)
    until(lambda: frail.installation.run(run_id).attempt == TRAINING, 120, "training")
    return run_id


def test_a_loss_of_power_in_the_middle_of_a_run(frail: Frail, frail_user: World) -> None:
    run_id = training(frail, frail_user)
    with parts_that_stay(frail.installation):
        frail.postgres.stop("immediate")
        try:
            assert_ready_names(frail.installation.server, "database")
            assert_all_refuse(frail_user, PROMPT_S)
        finally:
            frail.postgres.start()
        assert_back(frail_user)
        assert frail_user.wait(run_id)["status"] == "COMPLETED"


def test_a_database_that_freezes_in_the_middle_of_a_run(frail: Frail, frail_user: World) -> None:
    run_id = training(frail, frail_user)
    with parts_that_stay(frail.installation):
        with frozen(frail.postgres.pid):
            assert_ready_names(frail.installation.server, "database")
            assert_all_refuse(frail_user, REFUSED_S)
            assert_ready_names(frail.installation.server, "database")
        assert_back(frail_user)
        assert frail_user.wait(run_id)["status"] == "COMPLETED"
    # Its lease of 2 s had run out meanwhile, and nobody took the stage away for that.
    assert frail.installation.run(run_id).attempt == len(STAGES)


def test_sessions_that_are_ended_are_made_anew(frail: Frail, frail_user: World) -> None:
    run_id = training(frail, frail_user)
    with parts_that_stay(frail.installation):
        for _ in range(5):
            assert frail.postgres.end_sessions() > 0
            answer = frail_user.api.get("/projects")
            assert answer.status_code == 200 or assert_problem(answer, 503)
            time.sleep(0.2)
        frail.postgres.stop("fast")
        frail.postgres.start()
        assert_back(frail_user)
        assert frail_user.wait(run_id)["status"] == "COMPLETED"


def test_connections_that_are_exhausted_are_no_more_than_a_pause(
    frail: Frail, frail_user: World
) -> None:
    with parts_that_stay(frail.installation):
        frail.postgres.end_sessions()
        taken: list[psycopg.Connection[tuple[object, ...]]] = []
        with suppress(psycopg.OperationalError):
            while True:
                taken.append(frail.postgres.connect())
        try:
            assert 0 < len(taken) <= CONNECTIONS
            answer = frail_user.api.get("/projects")
            assert answer.status_code == 200 or assert_problem(answer, 503)
        finally:
            for connection in taken:
                connection.close()
        assert_back(frail_user)
