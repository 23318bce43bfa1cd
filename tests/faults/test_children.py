"""Children that are killed, that hang or that eat memory: each costs itself, and no more."""

from __future__ import annotations

import io
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.api.world import World, assert_problem, register
from tests.faults.installation import (
    EMBEDDED,
    LEASE_S,
    SLACK_S,
    TAKEOVER_S,
    Installation,
    answers,
    until,
)
from tests.faults.runs import EXPLORED, TRAINED, Undisturbed, best_of, cancel, start
from tests.ports import free_port

# What a killed child may cost, beside the candidate that it was fitting.
CHILD_LOSS_S = 10.0
# A child of its own needs 15 MB for a small table, and 70 MB to clean the large one.
SMALL_MEMORY_MB = 40
LEAST_READ_MEMORY_MB = 256
# How many readers a file may break.
READERS = 2


@EMBEDDED
def test_a_training_child_that_is_killed_early_and_late_is_tried_again(
    installation: Installation, user: World, undisturbed: Undisturbed
) -> None:
    worker = installation.part("worker")
    run_id = start(user, TRAINED)
    for killed, step in enumerate(("Baseline:", "Chosen:"), start=1):
        until(lambda step=step: installation.said(run_id, step), 120, step)
        installation.child().kill()
        until(
            lambda killed=killed: installation.run(run_id).stage_attempts == killed + 1,
            CHILD_LOSS_S + SLACK_S,
            "the next attempt",
        )
    again = installation.said(run_id, "training failed: its process was ended by SIGKILL")
    assert len(again) == 2
    assert user.wait(run_id)["status"] == "COMPLETED"
    assert best_of(installation, run_id) == undisturbed.best
    assert installation.part("worker") == worker


def test_a_table_that_breaks_its_child_fails_its_own_run_only(
    installation: Installation, user: World, large: bytes
) -> None:
    worker, run_id = installation.part("worker"), start(user, EXPLORED, large)
    broken: set[int] = set()
    while installation.run(run_id).finished_at is None:
        for child in installation.children():
            if child.pid not in broken:
                child.send_signal(signal.SIGSEGV)
                broken.add(child.pid)
    ended = user.wait(run_id)
    assert ended["status"] == "FAILED"
    assert ended["error"] == "cleaning failed: its process was ended by SIGSEGV (tried 3 times)."
    assert len(broken) == 3
    next_user = register(installation.server)
    next_run = start(next_user, EXPLORED)
    until(lambda: installation.run(next_run).stage > 0, 120, "the first stage of the next run")
    assert len(installation.said(next_run, "Cleaned:")) == 1
    cancel(next_user, next_run)
    assert installation.part("worker") == worker


def test_a_child_that_stands_still_is_ended_and_its_slot_is_free(
    installation: Installation, user: World, large: bytes
) -> None:
    run_id = start(user, EXPLORED, large)
    child = installation.child()
    child.suspend()
    until(lambda: not child.is_running(), 5 * LEASE_S + SLACK_S, "the end of the hung child")
    until(lambda: installation.run(run_id).stage > 0, SLACK_S, "the second attempt")
    why = f"cleaning failed: it stood still for {5 * LEASE_S:g} s; trying again."
    assert installation.said(run_id, "cleaning failed") == [why]
    cancel(user, run_id)


def test_a_table_too_large_for_the_memory_fails_after_two_attempts_with_advice(
    installation: Installation, user: World, large: bytes
) -> None:
    table, small = user.upload(large)["dataset_id"], user.upload()["dataset_id"]
    limit = {"UAM_CHILD_MEMORY_MB": str(SMALL_MEMORY_MB)}
    with (
        installation.frozen(installation.part("worker")),
        installation.another("worker", **limit) as cramped,
    ):
        run_id = user.start(table, target="price")
        ended = user.wait(run_id)
        assert ended["status"] == "FAILED"
        assert ended["error"] == (
            f"cleaning failed: it needed more than {SMALL_MEMORY_MB} MB of memory; "
            "try fewer columns or rows (tried 2 times)."
        )
        run_id = user.start(small, target="price")
        until(lambda: installation.run(run_id).stage > 0, TAKEOVER_S + SLACK_S, "a small run")
        cancel(user, run_id)
        assert cramped.is_running()


def test_an_upload_that_breaks_its_reader_is_refused_and_the_next_is_read(
    installation: Installation, user: World, large: bytes
) -> None:
    api, another = installation.part("api"), register(installation.server)
    others = {child.pid for child in installation.children("api")}
    broken: set[int] = set()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(send, user, large)
        # A reader that broke is replaced once: the next one breaks as well.
        while not answer.done():
            for child in installation.children("api"):
                if child.pid not in broken | others:
                    child.send_signal(signal.SIGABRT)
                    broken.add(child.pid)
    assert "the reader broke on it" in assert_problem(answer.result(), 422)["detail"]
    assert len(broken) == READERS
    assert user.api.get("/datasets").json() == []
    assert another.upload()["rows"] == 300
    assert installation.part("api") == api


def send(user: World, content: bytes) -> httpx.Response:
    return user.api.post("/datasets/upload", files={"file": ("data.csv", io.BytesIO(content))})


@EMBEDDED
def test_an_upload_too_large_for_the_memory_is_told_so(
    installation: Installation, user: World
) -> None:
    # Reading goes by many rows at a time: of these, all are in memory at once.
    row = b"a" * (8 * 2**20) + b",1\n"
    port = free_port()
    limit = {"UAM_READ_MEMORY_MB": str(LEAST_READ_MEMORY_MB)}
    with installation.another("api", "--port", str(port), **limit) as cramped:
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(url), what="the other API")
        user.api.base_url = url
        problem = assert_problem(send(user, b"name,price\n" + 16 * row), 413)
        assert f"it needed more than {LEAST_READ_MEMORY_MB} MB of memory" in problem["detail"]
        assert user.upload()["rows"] == 300
        assert cramped.is_running()
