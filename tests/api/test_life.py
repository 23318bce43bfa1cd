"""The life of a model: judged by new rows, promoted, asked as champion, watched, exported."""

from __future__ import annotations

import io
import json
import threading
import uuid
import zipfile
from typing import Any

import pytest
from sqlalchemy import select

from app.db.session import Database
from app.db.tables import ModelMeta, PredictionTally
from tests.api.test_models import (
    ROW,
    Trained,
    as_csv,
    download,
    train,
    training_csv,
    wait_for_job,
)
from tests.api.world import World, assert_problem


@pytest.fixture(scope="module")
def trained(world: World) -> Trained:
    return train(world)


@pytest.fixture(scope="module")
def rival(world: World, trained: Trained) -> Trained:
    """The next model of the same target."""
    return train(world, seed=1, threshold="f1", time_column="opened", group_column="visits")


def evaluate(trained: Trained, content: bytes, name: str = "truth.csv") -> Any:
    path = f"/models/{trained.model_id}/evaluate"
    return trained.world.api.post(path, files={"file": (name, io.BytesIO(content))})


def test_a_model_is_judged_by_a_file(trained: Trained) -> None:
    answer = evaluate(trained, training_csv(300, seed=5))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["rows"] == found["judged_rows"] == 300
    figure, bounds = found["metrics"]["roc_auc"], found["uncertainty"]["roc_auc"]
    assert 0.7 < bounds["low"] < figure < bounds["high"] <= 1.05
    assert {one["label"] for one in found["classes"]} == {"Yes", "No"}
    assert {chart["name"] for chart in found["charts"]} >= {"roc", "confusion_matrix"}
    assert found["trained_metrics"]["roc_auc"] > 0.5
    kept = json.loads(download(trained, found["download_url"]))
    assert kept["metrics"] == found["metrics"]


def test_a_model_is_judged_by_a_data_set(trained: Trained, stranger: World) -> None:
    api = trained.world.api
    dataset = trained.world.upload(training_csv(200, seed=6), "later.csv")["dataset_id"]
    path = f"/models/{trained.model_id}/evaluate"
    answer = api.post(path, json={"dataset_id": dataset})
    assert answer.status_code == 200, answer.text
    assert answer.json()["judged_rows"] == 200
    theirs = stranger.upload()["dataset_id"]
    assert_problem(api.post(path, json={"dataset_id": theirs}), 404)
    assert_problem(api.post(path, json={"dataset_id": dataset, "version": 9}), 404)
    assert_problem(api.post(path, json={"dataset_id": dataset, "colour": 1}), 422)
    assert_problem(api.post(path, json=[]), 422)
    assert_problem(api.post(path, content=b"a,b", headers={"Content-Type": "text/csv"}), 415)
    assert_problem(stranger.api.post(path, json={"dataset_id": theirs}), 404)


def test_wrong_columns_are_named(trained: Trained) -> None:
    content = training_csv(50, seed=5)
    problem = assert_problem(evaluate(trained, content.replace(b"sells", b"sold", 1)), 422)
    assert problem["errors"] == [
        {"location": "column sells", "message": "the file lacks this column"}
    ]
    problem = assert_problem(evaluate(trained, content.replace(b"size", b"width", 1)), 422)
    assert problem["errors"][0]["location"] == "rows[0].size"


def test_a_large_table_is_judged_by_a_worker(trained: Trained) -> None:
    header, *lines = training_csv(1_000, seed=8).splitlines()
    answer = evaluate(trained, b"\n".join([header, *lines * 101]) + b"\n")
    assert answer.status_code == 202, answer.text
    job = wait_for_job(trained, answer.json()["job_id"])
    assert (job["status"], job["kind"], job["rows"]) == ("COMPLETED", "evaluate", 101_000), job
    assert json.loads(download(trained, job["download_url"]))["judged_rows"] == 101_000


def champions(world: World, **more: Any) -> list[str]:
    found = world.api.get("/models", params={"champion": True, **more}).json()
    return [model["id"] for model in found]


def test_a_promoted_model_answers_for_its_project_and_target(
    trained: Trained, rival: Trained, stranger: World
) -> None:
    api, project = trained.world.api, trained.world.project_id
    asked = {"target": "sells", "rows": [ROW]}
    path = f"/projects/{project}/predict"
    assert "promoted" in assert_problem(api.post(path, json=asked), 404)["detail"]
    promoted = api.post(f"/models/{trained.model_id}/promote")
    assert promoted.status_code == 200, promoted.text
    assert promoted.json()["champion"] is True
    again = api.post(f"/models/{trained.model_id}/promote").json()
    assert again["promoted_at"] == promoted.json()["promoted_at"]
    answer = api.post(path, json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["model_id"] == trained.model_id
    assert answer.json()["predictions"] == trained.predict([ROW]).json()["predictions"]
    assert api.post(f"/models/{rival.model_id}/promote").status_code == 200
    assert champions(trained.world) == champions(trained.world, project_id=project)
    assert champions(trained.world) == [rival.model_id]
    others = api.get("/models", params={"champion": False}).json()
    assert trained.model_id in {model["id"] for model in others}
    csv = api.post(path, json=asked, headers={"Accept": "text/csv"})
    assert csv.text.startswith("prediction,")
    explained = api.post(path, json={**asked, "explain": True}).json()
    assert explained["predictions"][0]["explanation"]["contributions"]
    for wrong in ({"rows": [ROW]}, {**asked, "colour": 1}, [ROW], {**asked, "rows": []}):
        assert_problem(api.post(path, json=wrong), 422)
    assert_problem(api.post(path, json={"target": "size", "rows": [ROW]}), 404)
    assert_problem(stranger.api.post(path, json=asked), 404)
    assert_problem(stranger.api.post(f"/models/{trained.model_id}/promote"), 404)


def test_a_model_says_how_it_decides(trained: Trained, rival: Trained) -> None:
    api = trained.world.api
    assert api.get(f"/models/{trained.model_id}").json()["decision"] is None
    decision = api.get(f"/models/{rival.model_id}").json()["decision"]
    assert 0 < decision["threshold"] < 1
    assert {"threshold", "precision", "recall"} <= decision["trade"][0].keys()
    charts = api.get(f"/runs/{rival.run_id}/artifacts", params={"type": "chart", "limit": 500})
    assert "threshold.json" in {chart["filename"] for chart in charts.json()}


def test_promotions_at_once_leave_one_champion(
    trained: Trained, rival: Trained, database: Database
) -> None:
    server, token = trained.world.server, trained.world.access_token
    together = threading.Barrier(4)

    def promote(model_id: str) -> None:
        client = server.client(token)
        together.wait()
        assert client.post(f"/models/{model_id}/promote").status_code == 200

    ids = [trained.model_id, rival.model_id] * 2
    threads = [threading.Thread(target=promote, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.unit(write=False) as unit:
        statement = select(ModelMeta).where(
            ModelMeta.project_id == trained.world.project_id, ModelMeta.champion_since.is_not(None)
        )
        assert len(unit.session.scalars(statement).all()) == 1


def monitoring(trained: Trained, **params: Any) -> Any:
    path = f"/models/{trained.model_id}/monitoring"
    return trained.world.api.get(path, params=params)


def test_what_a_model_was_asked_is_compared_with_its_training(rival: Trained) -> None:
    empty = monitoring(rival, since="2999-01-01T00:00:00").json()
    assert empty["predictions"]["requests"] == empty["compared"] == 0
    assert {one["verdict"] for one in empty["drift"]} == {"too_few_rows"}
    before = monitoring(rival).json()["predictions"]["rows"]
    lines = [{**ROW, "size": 300 + n, "opened": f"2024-{n % 12 + 1:02d}-03"} for n in range(60)]
    assert rival.predict(lines).status_code == 200
    header = ("city", "size", "visits", "opened")
    file = as_csv([{name: row[name] for name in header} for row in lines])
    assert rival.predict_file("a.csv", file).status_code == 200
    answer = monitoring(rival)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["predictions"]["rows"] == before + 120
    assert found["predictions"]["last_at"].endswith("Z")
    drift = {one["column"]: one for one in found["drift"]}
    assert drift["size"]["verdict"] == "strong"
    assert "above any training row" in drift["size"]["message"]
    assert drift["size"]["rows"]["now"] >= 120
    assert "size" in " ".join(found["summary"])
    assert_problem(monitoring(rival, since="yesterday"), 422)


def test_a_data_set_is_compared_instead(trained: Trained, stranger: World) -> None:
    like = trained.world.upload(training_csv(400, seed=31), "like.csv")["dataset_id"]
    found = monitoring(trained, dataset_id=like).json()
    assert found["compared"] == 400
    assert {one["verdict"] for one in found["drift"]} == {"none"}
    other = training_csv(400, seed=32).replace(b"Bonn", b"Oslo")
    unlike = trained.world.upload(other, "unlike.csv")["dataset_id"]
    drift = {one["column"]: one for one in monitoring(trained, dataset_id=unlike).json()["drift"]}
    assert drift["city"]["verdict"] == "strong"
    assert drift["size"]["verdict"] == "none"
    theirs = stranger.upload()["dataset_id"]
    assert_problem(monitoring(trained, dataset_id=theirs), 404)
    assert_problem(monitoring(trained, dataset_id=like, since="2024-01-01"), 422)
    assert_problem(monitoring(trained, version=1), 422)


def test_tallies_go_with_their_model(world: World, database: Database) -> None:
    short = train(world, time_budget_s=5)
    assert short.predict([ROW]).status_code == 200

    def tallies() -> int:
        with database.unit(write=False) as unit:
            mine = select(PredictionTally).where(PredictionTally.model_id == short.model_id)
            return len(unit.session.scalars(mine).all())

    # Whoever asks what was predicted waits until the last answer is counted.
    told = world.api.get(f"/models/{short.model_id}/monitoring").json()
    assert told["predictions"]["requests"] == 1
    assert tallies() == 1
    assert world.api.post(f"/models/{short.model_id}/promote").status_code == 200
    assert world.api.delete(f"/models/{short.model_id}").status_code == 204
    assert tallies() == 0
    assert short.model_id not in champions(world)


def test_an_export_is_a_zip_that_stands_alone(trained: Trained, stranger: World) -> None:
    path = f"/models/{trained.model_id}/export"
    answer = trained.world.api.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert "sells-1.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = set(archive.namelist())
        card = archive.read("MODEL_CARD.md").decode()
    assert names >= {"predict.py", "requirements.txt", "model.pkl", "README.md"}
    assert "sells" in card
    for url in (path, f"/models/{uuid.uuid4()}/export"):
        assert_problem(stranger.api.get(url), 404)


def test_a_test_set_of_ones_own_judges(world: World, stranger: World) -> None:
    mine = world.upload(training_csv(150, seed=40), "test.csv")["dataset_id"]
    tested = train(world, test_dataset_id=mine)
    log = world.api.get(f"/runs/{tested.run_id}/status").json()["logs"]
    assert any("a test set of their own judges" in line["message"] for line in log)
    dataset = world.upload(training_csv(100), "more.csv")["dataset_id"]

    def start(test: str, **options: Any) -> Any:
        asked = {"target": "sells", "test_dataset_id": test, **options}
        return world.api.post("/runs/start", json={"dataset_id": dataset, "options": asked})

    other = world.upload()["dataset_id"]
    problem = assert_problem(start(other), 422)
    assert problem["errors"][0]["location"] == "body.options.test_dataset_id"
    assert_problem(start(stranger.upload()["dataset_id"]), 404)
    assert_problem(start(str(uuid.uuid4())), 404)
    assert_problem(start(mine, target=None), 422)
