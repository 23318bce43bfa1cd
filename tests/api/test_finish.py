"""Finishing a run early: training stops where it is, and the best so far is kept."""

import threading
import uuid

import pytest

from app.db.session import Database
from app.db.tables import Run
from tests.api.test_runs import events, make_table
from tests.api.world import assert_problem


def test_a_run_that_trains_is_finished_with_the_best_so_far(fresh):
    dataset = fresh.upload(make_table(2_000))["dataset_id"]
    run_id = fresh.start(dataset, target="left", time_budget_s=600)
    asked = 0
    with fresh.api.stream("GET", f"/runs/{run_id}/events") as stream:
        for line in stream.iter_lines():
            if line == "event: leaderboard":
                asked += 1
            if asked == 2:
                break
    answer = fresh.api.post(f"/runs/{run_id}/finish")
    assert answer.status_code == 202
    assert answer.json()["run_id"] == run_id
    assert fresh.api.post(f"/runs/{run_id}/finish").status_code == 202, "asked again"
    assert fresh.api.get(f"/runs/{run_id}/status").json()["finish_requested"] is True
    ended = fresh.wait(run_id, 120)
    assert ended["status"] == "COMPLETED", ended
    said = " ".join(line["message"] for line in ended["logs"])
    assert "Asked to finish" in said
    board = fresh.api.get(f"/runs/{run_id}/leaderboard").json()
    assert len(board["rows"]) >= 2
    model = next(m for m in fresh.api.get("/models").json() if m["run_id"] == run_id)
    assert model["metrics"]["roc_auc"] > 0.5
    assert fresh.api.post(f"/runs/{run_id}/finish").status_code == 202, "it did as it was asked"


def test_a_run_that_has_not_begun_to_train_makes_one_model(fresh):
    dataset = fresh.upload(make_table(300))["dataset_id"]
    run_id = fresh.start(dataset, target="left", time_budget_s=600)
    assert fresh.api.post(f"/runs/{run_id}/finish").status_code == 202
    ended = fresh.wait(run_id, 120)
    assert ended["status"] == "COMPLETED", ended
    assert len(fresh.api.get("/models").json()) == 1


def test_a_run_that_is_over_cannot_be_finished(fresh):
    dataset = fresh.upload(make_table(100))["dataset_id"]
    run_id = fresh.start(dataset, target="left", time_budget_s=60)
    assert fresh.api.post(f"/runs/{run_id}/cancel").status_code == 202
    assert_problem(fresh.api.post(f"/runs/{run_id}/finish"), 409)
    assert_problem(fresh.api.post(f"/runs/{uuid.uuid4()}/finish"), 404)
    assert events(fresh, run_id)[-1]["event"] == "done"


@pytest.mark.parametrize("turn", range(6))
def test_finish_that_races_cancel_ends_the_run_once(fresh, server, turn):
    dataset = fresh.upload(make_table(100))["dataset_id"]
    run_id = fresh.start(dataset, target="left", time_budget_s=60)
    together, answers = threading.Barrier(2), {}
    clients = {what: server.client(fresh.access_token) for what in ("finish", "cancel")}

    def ask(what):
        together.wait()
        answers[what] = clients[what].post(f"/runs/{run_id}/{what}").status_code

    threads = [threading.Thread(target=ask, args=(what,)) for what in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers["cancel"] == 202
    assert answers["finish"] in (202, 409)
    ended = fresh.wait(run_id, 30)
    assert ended["status"] == "CANCELLED"
    database = Database(server.settings)
    with database.unit(write=False) as unit:
        run = unit.session.get_one(Run, run_id)
        assert run.finish_requested == (answers["finish"] == 202)
    database.dispose()
