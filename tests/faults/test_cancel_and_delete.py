"""Cancelling and deleting wherever a run is, and at the same moment as something else."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from sqlalchemy.exc import IntegrityError

from app.db.tables import Artifact, Run, new_id
from app.registry.service import register_model
from app.runs import claims
from app.runs.claims import Claim, LostClaim
from app.runs.states import STAGES
from tests.api.world import World, assert_problem
from tests.faults.installation import SLACK_S, Installation, until
from tests.faults.runs import EXPLORED, cancel, finished_run, start

# What the contract allows for the end of the work.
WITHIN_S = 5.0
ROUNDS = 200
UPLOADED = "preprocess_data.uploaded:pause"


def keys(installation: Installation, prefix: str) -> list[str]:
    return [item.key for item in installation.storage.list_prefix(installation.bucket, prefix)]


def run_prefix(user: World, run_id: str) -> str:
    return f"projects/{user.project_id}/runs/{run_id}/"


def test_cancelling_while_queued_in_a_child_and_while_uploading(
    installation: Installation, user: World
) -> None:
    with installation.frozen(installation.part("worker")):
        queued = start(user, EXPLORED)
        cancel(user, queued)
    assert installation.run(queued).attempt == 0

    computing = start(user, EXPLORED)
    child = installation.child()
    cancel(user, computing)
    until(lambda: not child.is_running(), WITHIN_S + SLACK_S, "the end of the child")
    # A child that had ended by itself would have its worker upload: that is not to be met below.
    lost = f"run {computing}: the claim on stage"
    until(lambda: lost in installation.server.log, what="the end of the work on it")

    installation.arm(UPLOADED)
    uploading = start(user, EXPLORED)
    until(lambda: installation.struck(UPLOADED), what="the upload")
    assert keys(installation, run_prefix(user, uploading))
    cancel(user, uploading)
    installation.release(UPLOADED)
    until(lambda: not keys(installation, run_prefix(user, uploading)), WITHIN_S + SLACK_S)
    assert {user.wait(run_id)["status"] for run_id in (queued, computing, uploading)} == {
        "CANCELLED"
    }


def test_deleting_a_project_under_its_runs_leaves_nothing(
    installation: Installation, user: World
) -> None:
    installation.arm(UPLOADED)
    uploading = start(user, EXPLORED)
    until(lambda: installation.struck(UPLOADED), what="the upload")
    start(user, EXPLORED)
    child = installation.child()
    assert user.api.delete(f"/projects/{user.project_id}").status_code == 204
    installation.release(UPLOADED)
    until(lambda: not child.is_running(), WITHIN_S + SLACK_S, "the end of the child")
    prefix = f"projects/{user.project_id}/"
    lost = f"run {uploading}: the claim on stage 0 was lost"
    until(lambda: lost in installation.server.log, what="the refusal of the late write")
    until(lambda: not keys(installation, prefix), WITHIN_S + SLACK_S, "the end of the objects")
    assert_problem(user.api.get(f"/runs/{uploading}/status"), 404)


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Do things at the same moment; returns what each of them returned."""
    ready = threading.Barrier(len(acts))

    def do(act: Callable[[], Any]) -> Any:
        ready.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(do, acts))


def claimed(installation: Installation, run_id: str, stage: int) -> Claim:
    """Have a claim on a stage of a run that its worker, which is frozen, has not begun."""
    with installation.database.unit() as unit:
        unit.session.get_one(Run, run_id).stage = stage
    with installation.database.unit() as unit:
        claim = claims.claim(unit, run_id, stage, "test", 60.0)
    assert claim is not None
    return claim


def finish(installation: Installation, claim: Claim) -> bool:
    """Complete a stage; whether the claim still held."""
    try:
        with installation.database.unit() as unit:
            claims.complete(unit, claim)
    except LostClaim:
        return False
    return True


def register(installation: Installation, claim: Claim) -> bool:
    """Complete the training with a model, as the worker does; whether the claim still held."""
    facts = {
        "name": "Ridge",
        "task": "regression",
        "target": "price",
        **{name: [] for name in ("metrics", "input_schema", "importance")},
    }
    try:
        with installation.database.unit() as unit:
            claims.hold(unit, claim)
            run = unit.session.get_one(Run, claim.run_id)
            file = Artifact(
                id=new_id(),
                run_id=run.id,
                type="model",
                filename="model.joblib",
                storage_key=f"{claim.prefix}model.joblib",
                size_bytes=1,
                sha256="0" * 64,
                metadata_json={},
                created_at=unit.now(),
            )
            register_model(unit, "key", run=run, bundle=file, facts=facts)
            unit.session.add(file)
            claims.complete(unit, claim)
    except (LostClaim, IntegrityError):
        # The project may go while its row is waited for: the pipeline tries again and is lost.
        return False
    return True


def test_a_cancel_that_races_the_finish_ends_the_run_once(
    installation: Installation, user: World
) -> None:
    dataset_id, seen = user.upload()["dataset_id"], Counter[str]()
    with installation.frozen(installation.part("worker")):
        for _ in range(ROUNDS):
            run_id = user.start(dataset_id)
            claim = claimed(installation, run_id, len(STAGES) - 1)
            finished, answer = together(
                lambda claim=claim: finish(installation, claim),
                lambda run_id=run_id: user.api.post(f"/runs/{run_id}/cancel"),
            )
            run = installation.run(run_id)
            seen[run.status] += 1
            expected = ("COMPLETED", 409) if finished else ("CANCELLED", 202)
            assert (run.status, answer.status_code) == expected
            assert run.finished_at is not None
            assert user.api.delete(f"/runs/{run_id}").status_code == 204
    assert sum(seen.values()) == ROUNDS


def test_deleting_what_is_being_started_or_finished_is_no_server_error(
    installation: Installation, user: World
) -> None:
    with installation.frozen(installation.part("worker")):
        for _ in range(ROUNDS // 20):
            made = user.api.post("/projects", json={"name": "Short-lived"})
            assert made.status_code == 201, made.text
            project = made.json()["id"]
            dataset_id = user.upload(project_id=project)["dataset_id"]
            run_id = user.start(dataset_id)
            claim = claimed(installation, run_id, 2)
            body = {"dataset_id": dataset_id, "options": {"target": "price"}}
            answers = together(
                lambda claim=claim: register(installation, claim),
                lambda body=body: user.api.post("/runs/start", json=body).status_code,
                lambda run_id=run_id: user.api.post(f"/runs/{run_id}/cancel").status_code,
                lambda project=project: user.api.delete(f"/projects/{project}").status_code,
            )
            assert answers[1] in (202, 404)
            assert answers[2] in (202, 404)
            assert answers[3] == 204
            assert_problem(user.api.get(f"/runs/{run_id}/status"), 404)
    assert user.api.get("/runs").json() == []


def test_deleting_a_model_that_predicts_is_no_server_error(
    installation: Installation,
) -> None:
    finished = finished_run(installation, EXPLORED)
    url = f"/models/{finished.model_id}"
    owner = finished.owner
    clients = [owner.server.client(owner.access_token) for _ in range(6)]
    rows = {"rows": [{"city": "Bonn", "size": 70, "price": 1230}]}

    def predict(client: httpx.Client) -> list[int]:
        answers = [client.post(f"{url}/predict", json=rows) for _ in range(5)]
        for answer in answers:
            if answer.status_code != 200:
                assert_problem(answer, 404, 410)
        return [answer.status_code for answer in answers]

    acts = [lambda client=client: predict(client) for client in clients]
    *predicted, deleted = together(*acts, lambda: owner.api.delete(url).status_code)
    assert deleted == 204
    assert_problem(owner.api.post(f"{url}/predict", json=rows), 404)
    for answers in predicted:
        # Once it is gone it stays so.
        worked = [status == 200 for status in answers]
        assert worked == sorted(worked, reverse=True)
