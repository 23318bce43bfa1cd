"""Models: listed, shown, asked for predictions, deleted; on a model that a real run trained."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from app.core.signing import sign_model
from app.db.session import Database
from app.db.tables import ModelMeta, PredictionJob, new_id
from app.storage.factory import open_storage
from tests.api.server import Server
from tests.api.world import World, assert_problem

CITIES = ("Bonn", "Graz", "Bern")
LABELS = {"Yes", "No"}
ROW = {"city": "Bonn", "size": 80, "visits": 3, "opened": "2024-05-01", "note": None}


def training_csv(rows: int = 400, seed: int = 1) -> bytes:
    """Shops; whether one sells well hangs on its size and its city. ``note`` is often missing."""
    draw = random.Random(seed)
    lines = ["city,size,visits,opened,note,sells"]
    for index in range(rows):
        city, size = draw.choice(CITIES), draw.randint(20, 120)
        good = size + 25 * (city == "Graz") + draw.gauss(0, 15) > 80
        day = f"2024-{index % 12 + 1:02d}-{index % 28 + 1:02d}"
        note = draw.choice(["", "", "corner", "mall"])
        lines.append(f"{city},{size},{draw.randint(0, 9)},{day},{note},{'Yes' if good else 'No'}")
    return ("\n".join(lines) + "\n").encode()


@dataclass
class Trained:
    """A user's finished run and the model it registered."""

    world: World
    run_id: str
    model_id: str

    def predict(self, body: Any, **headers: str) -> httpx.Response:
        """The answer for a JSON body."""
        return self.world.api.post(f"/models/{self.model_id}/predict", json=body, headers=headers)

    def predict_file(self, name: str, content: bytes, **headers: str) -> httpx.Response:
        """The answer for a file."""
        files = {"file": (name, io.BytesIO(content))}
        path = f"/models/{self.model_id}/predict"
        return self.world.api.post(path, files=files, headers=headers)

    def artifact(self, artifact_id: str) -> dict[str, Any]:
        """One artifact of the run."""
        path = f"/runs/{self.run_id}/artifacts"
        found = self.world.api.get(path, params={"type": "prediction", "limit": 500}).json()
        return next(dict(item) for item in found if item["id"] == artifact_id)


def train(world: World, **options: Any) -> Trained:
    dataset = world.upload(training_csv(), "shops.csv")
    run_id = world.start(
        dataset["dataset_id"], **{"target": "sells", "time_budget_s": 5, **options}
    )
    status = world.wait(run_id)
    assert status["status"] == "COMPLETED", status
    models = world.api.get("/models").json()
    return Trained(world, run_id, next(m["id"] for m in models if m["run_id"] == run_id))


@pytest.fixture(scope="module")
def trained(world: World) -> Trained:
    return train(world)


@pytest.fixture(scope="module")
def spare(world: World, trained: Trained) -> Trained:
    """The next model of the same target, for tests that break it and mend it again; the last
    test of all deletes it."""
    return train(world)


def download(trained: Trained, link: str) -> bytes:
    """What a signed link leads to, asked for without a token."""
    answer = trained.world.server.client().get(link)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_a_model_is_listed_with_its_facts(trained: Trained) -> None:
    api = trained.world.api
    answer = api.get("/models", params={"project_id": trained.world.project_id})
    assert int(answer.headers["X-Total-Count"]) == len(answer.json()) >= 1
    model = next(item for item in answer.json() if item["id"] == trained.model_id)
    assert model["run_id"] == trained.run_id
    assert (model["task"], model["target"], model["version"]) == ("binary", "sells", 1)
    assert 0.5 < model["metrics"]["roc_auc"] <= 1
    assert model["created_at"].endswith("Z")


def test_a_model_tells_what_it_reads_and_what_weighs(trained: Trained) -> None:
    model = trained.world.api.get(f"/models/{trained.model_id}").json()
    fields = {field["name"]: field for field in model["input_schema"]}
    assert set(fields["city"]["categories"]) == set(CITIES)
    low, high = fields["size"]["range"]
    assert 20 <= low < high <= 120
    assert "sells" not in fields
    weights = {entry["feature"]: entry["value"] for entry in model["importance"]}
    assert max(weights, key=lambda name: weights[name]) == "size"
    assert len(model["sha256"]) == 64


def test_versions_count_up_for_a_target(trained: Trained, spare: Trained) -> None:
    api = trained.world.api
    versions = [api.get(f"/models/{one.model_id}").json()["version"] for one in (trained, spare)]
    assert versions == [1, 2]


@pytest.mark.parametrize("wrap", [lambda rows: {"rows": rows}, lambda rows: rows])
def test_rows_are_predicted_in_their_order(trained: Trained, wrap: Any) -> None:
    rows = [{**ROW, "size": size} for size in (25, 119, 25)]
    answer = trained.predict(wrap(rows))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["model_id"] == trained.model_id
    first, second, third = body["predictions"]
    assert (first["prediction"], second["prediction"]) == ("No", "Yes")
    assert first["probabilities"] == pytest.approx(third["probabilities"])
    for one in body["predictions"]:
        assert set(one["probabilities"]) == LABELS
        assert sum(one["probabilities"].values()) == pytest.approx(1)
    assert body["warnings"] == []


def test_a_prediction_is_kept_as_an_artifact(trained: Trained) -> None:
    body = trained.predict([ROW]).json()
    artifact = trained.artifact(body["artifact_id"])
    assert artifact["type"] == "prediction"
    kept = json.loads(download(trained, body["download_url"]))
    assert kept["predictions"] == body["predictions"]


def test_answers_that_come_close_together_are_all_kept_the_latest_first(trained: Trained) -> None:
    path = f"/runs/{trained.run_id}/artifacts"
    asked = [trained.predict([ROW]).json()["artifact_id"] for _ in range(8)]
    found = trained.world.api.get(path, params={"type": "prediction", "limit": 8}).json()
    assert [item["id"] for item in found] == asked[::-1]


def test_reasons_are_given_when_asked_for(trained: Trained) -> None:
    plain = trained.predict({"rows": [ROW]}).json()["predictions"][0]
    assert not plain.get("explanation")
    explained = trained.predict({"rows": [ROW], "explain": True}).json()["predictions"][0]
    assert explained["prediction"] == plain["prediction"]
    assert "size" in json.dumps(explained["explanation"])


def test_what_a_row_lacks_or_has_too_much_is_a_warning(trained: Trained) -> None:
    row = {**ROW, "city": "Oslo", "colour": "red"}
    del row["note"]
    answer = trained.predict([row])
    assert answer.status_code == 200, answer.text
    told = json.dumps(answer.json()["warnings"])
    for word in ("Oslo", "colour", "note"):
        assert word in told


@pytest.mark.parametrize("body", [[], {"rows": []}])
def test_no_rows_are_refused(trained: Trained, body: Any) -> None:
    assert_problem(trained.predict(body), 422)


def test_more_rows_than_one_waits_for_are_to_come_as_a_file(trained: Trained) -> None:
    problem = assert_problem(trained.predict([{"size": 1}] * 100_001), 413)
    assert "file" in problem["detail"]


def test_a_missing_required_column_is_named(trained: Trained) -> None:
    rows = [ROW, {name: value for name, value in ROW.items() if name != "size"}]
    problem = assert_problem(trained.predict(rows), 422)
    assert "rows[1].size" in [error["location"] for error in problem["errors"]]


def test_a_value_that_cannot_be_is_named(trained: Trained) -> None:
    rows = [ROW, ROW, ROW, {**ROW, "size": "big"}]
    problem = assert_problem(trained.predict(rows), 422)
    assert [error["location"] for error in problem["errors"]] == ["rows[3].size"]


@pytest.mark.parametrize(
    "body", [{"rows": [ROW], "other": 1}, {"rows": [1]}, {"rows": "x"}, {}, 1, [{"size": [1]}]]
)
def test_a_malformed_body_is_refused(trained: Trained, body: Any) -> None:
    assert_problem(trained.predict(body), 422)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", ""])
def test_another_content_type_is_refused(trained: Trained, kind: str) -> None:
    answer = trained.world.api.post(
        f"/models/{trained.model_id}/predict", content=b"[]", headers={"Content-Type": kind}
    )
    assert_problem(answer, 415)


def test_csv_is_answered_to_those_who_ask_for_it(trained: Trained) -> None:
    answer = trained.predict([ROW, ROW], Accept="text/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [set(row) for row in rows] == [{"prediction", "probability_Yes", "probability_No"}] * 2
    assert {row["prediction"] for row in rows} <= LABELS
    assert trained.artifact(answer.headers["X-Artifact-ID"])["type"] == "prediction"


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def as_xlsx(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for column, name in enumerate(rows[0]):
            sheet.write_column(0, column, [name, *(row[name] for row in rows)])
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "write"), [("a.csv", as_csv), ("a.parquet", as_parquet), ("a.xlsx", as_xlsx)]
)
def test_a_file_gives_what_its_rows_give(trained: Trained, name: str, write: Any) -> None:
    rows = [{**ROW, "note": "mall", "size": size} for size in (25, 119, 70)]
    asked = trained.predict(rows).json()["predictions"]
    answer = trained.predict_file(name, write(rows))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [one["prediction"] for one in body["predictions"]] == [
        one["prediction"] for one in asked
    ]
    for one, other in zip(body["predictions"], asked, strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"])
    kept = download(trained, body["download_url"]).decode()
    assert len(kept.splitlines()) == len(rows) + 1


def test_a_file_is_answered_as_csv_on_demand(trained: Trained) -> None:
    answer = trained.predict_file("a.csv", as_csv([ROW, ROW]), Accept="text/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert len(answer.text.splitlines()) == 3
    assert answer.content == download_of(trained, answer.headers["X-Artifact-ID"])


def download_of(trained: Trained, artifact_id: str) -> bytes:
    return download(trained, trained.artifact(artifact_id)["download_url"])


def test_a_file_is_refused_where_it_does_not_fit(trained: Trained) -> None:
    bad = as_csv([ROW, {**ROW, "size": "big"}])
    problem = assert_problem(trained.predict_file("a.csv", bad), 422)
    assert [error["location"] for error in problem["errors"]] == ["rows[1].size"]
    lacking = as_csv([{"city": "Bonn", "visits": 1, "opened": "2024-05-01"}])
    problem = assert_problem(trained.predict_file("a.csv", lacking), 422)
    assert [error["location"] for error in problem["errors"]] == ["rows[0].size"]
    assert_problem(trained.predict_file("a.csv", b"city,size,visits,opened,note\n"), 422)
    assert_problem(trained.predict_file("a.bin", bytes(range(256)) * 8), 415, 422)


def test_what_a_file_lacks_or_has_too_much_is_a_warning(trained: Trained) -> None:
    row = {"city": "Oslo", "size": 80, "visits": "3", "opened": "2024-05-01", "colour": "red"}
    answer = trained.predict_file("a.csv", as_csv([row, {**row, "city": "Bonn"}]))
    assert answer.status_code == 200, answer.text
    told = json.dumps(answer.json()["warnings"])
    for word in ("Oslo", "colour", "note"):
        assert word in told


def test_a_form_without_a_file_is_refused(trained: Trained) -> None:
    path = f"/models/{trained.model_id}/predict"
    answer = trained.world.api.post(path, files={"other": ("a.csv", b"a\n1\n")})
    assert_problem(answer, 422)


def wait_for_job(trained: Trained, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while True:
        job = trained.world.api.get(f"/predictions/{job_id}").json()
        if job["status"] in {"COMPLETED", "FAILED"}:
            return dict(job)
        assert time.monotonic() < deadline, job
        time.sleep(0.2)


@pytest.fixture(scope="module")
def large_file() -> bytes:
    """One row more than a caller may wait for."""
    header, *lines = as_csv([{**ROW, "size": 20 + size} for size in range(100)]).splitlines()
    return b"\n".join([header, *lines * 1000, lines[0]]) + b"\n"


def test_a_large_file_is_predicted_by_a_worker(
    trained: Trained, stranger: World, large_file: bytes
) -> None:
    answer = trained.predict_file("large.csv", large_file)
    assert answer.status_code == 202, answer.text
    job_id = answer.json()["job_id"]
    assert answer.json()["status"] == "PENDING"
    assert_problem(stranger.api.get(f"/predictions/{job_id}"), 404)
    job = wait_for_job(trained, job_id)
    assert (job["status"], job["rows"], job["error"]) == ("COMPLETED", 100_001, None)
    lines = download(trained, job["download_url"]).splitlines()
    assert len(lines) == 100_002
    assert trained.artifact(job["artifact_id"])["metadata"]["rows"] == 100_001


def test_a_job_that_cannot_be_done_says_why(trained: Trained, large_file: bytes) -> None:
    answer = trained.predict_file("large.csv", large_file.replace(b"size", b"width", 1))
    assert answer.status_code == 202, answer.text
    job = wait_for_job(trained, answer.json()["job_id"])
    assert (job["status"], job["artifact_id"], job["download_url"]) == ("FAILED", None, None)
    assert "'size' is missing" in job["error"]


def test_foreign_and_unknown_models_answer_alike(trained: Trained, stranger: World) -> None:
    for model_id in (trained.model_id, str(uuid.uuid4()), "x"):
        path = f"/models/{model_id}"
        for answer in (
            stranger.api.get(path),
            stranger.api.delete(path),
            stranger.api.post(f"{path}/predict", json=[ROW]),
            stranger.api.post(f"{path}/predict", files={"file": ("a.csv", as_csv([ROW]))}),
        ):
            assert assert_problem(answer, 404)["detail"] == "There is no such model."
    assert stranger.api.get("/models").json() == []
    foreign = stranger.api.get("/models", params={"project_id": trained.world.project_id})
    assert_problem(foreign, 404)


def test_a_swapped_or_missing_bundle_is_never_loaded(
    spare: Trained, server: Server, database: Database
) -> None:
    storage, bucket = open_storage(server.settings), server.settings.minio_bucket
    with database.unit(write=False) as unit:
        key = unit.session.get_one(ModelMeta, spare.model_id).storage_key
    assert spare.predict([ROW]).status_code == 200
    good = storage.download_bytes(bucket, key)
    storage.upload_bytes(bucket, key, good[:-1] + bytes([good[-1] ^ 1]))
    assert_problem(spare.predict([ROW]), 410)
    assert_problem(spare.predict_file("a.csv", as_csv([ROW])), 410)
    storage.delete(bucket, key)
    assert_problem(spare.predict([ROW]), 410)
    storage.upload_bytes(bucket, key, good)
    assert spare.predict([ROW]).status_code == 200


def test_a_bundle_with_a_foreign_signature_is_never_loaded(
    spare: Trained, database: Database
) -> None:
    with database.unit() as unit:
        model = unit.session.get_one(ModelMeta, spare.model_id)
        good, model.signature = model.signature, "0" * 64
    assert_problem(spare.predict([ROW]), 410)
    with database.unit() as unit:
        unit.session.get_one(ModelMeta, spare.model_id).signature = good
    assert spare.predict([ROW]).status_code == 200


def queue_file(trained: Trained, server: Server, database: Database, kind: str) -> str:
    """A job that was accepted before its model could not be loaded: the beat sends it."""
    key = f"{new_id()}.csv"
    content = training_csv(60, 2)
    open_storage(server.settings).upload_bytes(server.settings.minio_bucket, key, content)
    with database.unit() as unit:
        job = PredictionJob(
            id=new_id(),
            user_id=trained.world.user["id"],
            model_id=trained.model_id,
            kind=kind,
            status="PENDING",
            filename="queued.csv",
            source_key=key,
            warnings_json=[],
            created_at=unit.now(),
        )
        unit.session.add(job)
    return job.id


def test_a_model_that_the_libraries_cannot_load_is_made_again_and_answers(
    spare: Trained, server: Server, database: Database
) -> None:
    storage, bucket = open_storage(server.settings), server.settings.minio_bucket
    # A pickle of this server's own, of a class that no library has any more.
    strange = b"cno_such_library\nModel\n."
    with database.unit() as unit:
        model = unit.session.get_one(ModelMeta, spare.model_id)
        kept = (model.sha256, model.signature)
        model.sha256 = hashlib.sha256(strange).hexdigest()
        model.signature = sign_model(model.sha256, model.id, server.settings.signing_key)
        key = model.storage_key
    good = storage.download_bytes(bucket, key)
    storage.upload_bytes(bucket, key, strange)
    api, path = spare.world.api, f"/models/{spare.model_id}"
    rows = spare.world.upload(training_csv(200, 3), "later.csv")["dataset_id"]
    try:
        # The first to ask is a worker, of a file that was queued before.
        job = wait_for_job(spare, queue_file(spare, server, database, "predict"))
        assert job["status"] == "FAILED"
        assert "It is being made again from its recipe by run" in job["error"]
        assert "send the file again" in job["error"]
        again = job["error"].partition("by run ")[2].partition(";")[0]
        # Cancelled, it stays unmade for as long as the others ask.
        assert api.post(f"/runs/{again}/cancel").status_code == 202
        told = f"Run {again}, which was to make it again, is CANCELLED: retry it"
        truth = {"file": ("t.csv", training_csv(60, 2))}
        for answer in (
            spare.predict([ROW]),
            spare.predict_file("a.csv", as_csv([ROW])),
            api.get(f"{path}/monitoring"),
            api.get(f"{path}/monitoring", params={"dataset_id": rows}),
            api.post(f"{path}/evaluate", files=truth),
            api.post(f"{path}/evaluate", json={"dataset_id": rows}),
            api.get(f"{path}/export"),
        ):
            problem = assert_problem(answer, 409)
            assert told in problem["detail"]
            assert problem["run_id"] == again
        queued = wait_for_job(spare, queue_file(spare, server, database, "evaluate"))
        assert told in queued["error"]
        assert api.post(f"/runs/{again}/retry").status_code == 202
        status = spare.world.wait(again)
        assert status["status"] == "COMPLETED", status
        assert any(f"makes model {spare.model_id} again" in e["message"] for e in status["logs"])
        found = spare.predict([ROW]).json()
        made = spare.world.api.get(f"/models/{found['model_id']}").json()
        assert made["run_id"] == again
        assert [w["kind"] for w in found["warnings"]] == ["made_again"]
        assert spare.model_id in found["warnings"][0]["message"]
        file = spare.predict_file("a.csv", as_csv([ROW])).json()
        assert file["model_id"] == found["model_id"]
        assert "made_again" in {w["kind"] for w in file["warnings"]}
        judged = spare.world.api.post(
            f"/models/{spare.model_id}/evaluate", files={"file": ("t.csv", training_csv(60, 2))}
        ).json()
        assert judged["model_id"] == found["model_id"]
        assert api.get(f"{path}/export").content.startswith(b"PK")
        watched = [
            api.get(f"{path}/monitoring").json(),
            api.get(f"{path}/monitoring", params={"dataset_id": rows}).json(),
        ]
        for kind in ("predict", "evaluate"):
            job = wait_for_job(spare, queue_file(spare, server, database, kind))
            assert (job["status"], job["rows"]) == ("COMPLETED", 60), job
            watched.append(job)
        for one in watched:
            assert one["model_id"] == found["model_id"]
            assert "made_again" in {w["kind"] for w in one["warnings"]}
        assert watched[0]["predictions"]["rows"] >= 1
        assert watched[1]["compared"] == 200
        # Whoever deletes it and asks again has it made once more.
        assert api.delete(f"/models/{found['model_id']}").status_code == 204
        problem = assert_problem(spare.predict([ROW]), 409)
        assert "It is being made again" in problem["detail"]
        assert problem["run_id"] != again
        assert api.post(f"/runs/{problem['run_id']}/cancel").status_code == 202
    finally:
        storage.upload_bytes(bucket, key, good)
        with database.unit() as unit:
            model = unit.session.get_one(ModelMeta, spare.model_id)
            model.sha256, model.signature = kept
    assert spare.predict([ROW]).json()["model_id"] == spare.model_id


def test_a_deleted_model_is_gone_and_its_predictions_stay(spare: Trained) -> None:
    api, kept = spare.world.api, spare.predict([ROW]).json()
    link = next(
        item["download_url"]
        for item in api.get(f"/runs/{spare.run_id}/artifacts?type=model").json()
        if item["filename"] == "model.joblib"
    )
    assert api.delete(f"/models/{spare.model_id}").status_code == 204
    assert_problem(api.get(f"/models/{spare.model_id}"), 404)
    assert_problem(spare.predict([ROW]), 404)
    names = [
        item["filename"] for item in api.get(f"/runs/{spare.run_id}/artifacts?type=model").json()
    ]
    assert "model.joblib" not in names
    assert spare.world.server.client().get(link).status_code >= 400
    assert download(spare, kept["download_url"])
