"""Runs, line by line of the contract: through the real queue and a real worker."""

import io
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import plotly.graph_objects as go
import pytest
from pypdf import PdfReader

from tests import loopback
from tests.api.world import assert_problem

STATUSES = ["PENDING", "RUNNING", "PREPROCESSED", "EDA_COMPLETED", "TRAINED", "COMPLETED"]


def make_table(rows=400):
    lines = ["visits,plan,since,spent,note,left"]
    for n in range(rows):
        visits = (n * 37) % 50
        plan = ("basic", "plus", "pro")[(n * 7) % 3]
        spent = "" if n % 11 == 0 else f"{(n * 13) % 90 + visits / 10:.2f}"
        left = "yes" if (visits < 18) != (n % 9 == 0) else "no"
        lines.append(
            f"{visits},{plan},2024-{n % 12 + 1:02d}-{n % 28 + 1:02d},{spent},"
            f"{'paid late again' if n % 4 else 'no complaint so far'},{left}"
        )
    return ("\n".join(lines) + "\n").encode()


@pytest.fixture(scope="module")
def dataset_id(world):
    return world.upload(make_table(), "customers.csv")["dataset_id"]


@pytest.fixture(scope="module")
def finished(world, dataset_id):
    run_id = world.start(dataset_id, target="left", time_budget_s=8)
    status = world.wait(run_id)
    assert status["status"] == "COMPLETED", status
    return status


@pytest.fixture(scope="module")
def artifacts(world, finished):
    answer = world.api.get(f"/runs/{finished['run_id']}/artifacts", params={"limit": 500})
    assert answer.status_code == 200
    return answer.json()


def named(artifacts, filename):
    return next(artifact for artifact in artifacts if artifact["filename"] == filename)


def fetch(world, artifact):
    url = artifact["download_url"]
    full = url if url.startswith("http") else world.server.base_url + url
    answer = loopback.get(full, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.content


def events(world, run_id, last=None, limit=100_000):
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    found, current = [], {}
    with world.api.stream("GET", f"/runs/{run_id}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line == "" and "event" in current:
                found.append(current)
                current = {}
                if len(found) >= limit:
                    return found
            elif line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                current[name] = json.loads(value) if name == "data" else value
    return found


def test_a_run_ends_completed(finished):
    assert finished["progress"] == 100
    assert finished["current_task"] is None
    assert finished["error"] is None
    assert finished["started_at"] < finished["finished_at"]
    assert all({"timestamp", "level", "message"} <= set(line) for line in finished["logs"])


def test_its_events_are_numbered_and_never_go_back(world, finished):
    seen = events(world, finished["run_id"])
    numbers = [int(event["id"]) for event in seen[:-1]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert seen[-1]["event"] == "done"
    statuses = [event["data"]["status"] for event in seen if event["event"] == "status"]
    assert [s for s in STATUSES if s in statuses] == STATUSES
    order = [STATUSES.index(status) for status in statuses]
    assert order == sorted(order)
    progress = [event["data"]["progress"] for event in seen if event["event"] == "status"]
    assert progress == sorted(progress)
    boards = [event for event in seen if event["event"] == "leaderboard"]
    assert len(boards) >= 2
    # Each says what it is a ranking of, the first ones, too.
    told = {(board["data"]["task"], board["data"]["target"]) for board in boards}
    assert told == {("binary", "left")}
    assert {board["data"]["metric"] for board in boards} == {"roc_auc"}
    assert {"log", "status", "leaderboard", "done"} == {event["event"] for event in seen}


def test_the_stream_resumes(world, finished):
    everything = events(world, finished["run_id"])
    middle = int(everything[len(everything) // 2]["id"])
    rest = events(world, finished["run_id"], last=middle)
    assert rest == everything[middle:]
    for wrong in ("x", "-1", "1.5"):
        answer = world.api.get(
            f"/runs/{finished['run_id']}/events", headers={"Last-Event-ID": wrong}
        )
        assert_problem(answer, 422)


def test_the_leaderboard(world, finished):
    board = world.api.get(f"/runs/{finished['run_id']}/leaderboard").json()
    assert (board["task"], board["target"], board["metric"]) == ("binary", "left", "roc_auc")
    rows = board["rows"]
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    # How many there are is a matter of the machine.
    assert len(rows) >= 2
    scores = [row["score"] for row in rows if row["score"] is not None]
    assert scores == sorted(scores, reverse=True)
    baseline = next(row for row in rows if row["name"] == "Baseline")
    assert baseline["score"] == pytest.approx(0.5, abs=0.01)
    assert rows[0]["model_id"]


def test_the_artifacts(world, finished, artifacts):
    types = {artifact["type"] for artifact in artifacts}
    assert types == {
        "dataset", "cleaning", "chart", "profile", "report", "pdf", "model", "leaderboard",
        "manifest",
    }  # fmt: skip
    for artifact in artifacts:
        assert artifact["run_id"] == finished["run_id"]
        assert len(artifact["sha256"]) == 64
    charts = world.api.get(
        f"/runs/{finished['run_id']}/artifacts", params={"type": "chart", "limit": 500}
    ).json()
    names = {}
    for chart in charts:
        stem, _, ending = chart["filename"].rpartition(".")
        names.setdefault(stem, set()).add(ending)
    assert all(endings == {"json", "png"} for endings in names.values())
    assert len({chart["metadata"]["kind"] for chart in charts}) >= 5
    assert len(names) >= 8


def test_each_chart_is_a_figure_and_a_picture(world, artifacts):
    for artifact in artifacts:
        if artifact["type"] == "chart":
            content = fetch(world, artifact)
            if artifact["filename"].endswith(".png"):
                assert content.startswith(b"\x89PNG")
            else:
                assert go.Figure(json.loads(content)).layout.title.text


def test_the_reports(world, artifacts):
    markdown = fetch(world, named(artifacts, "report.md")).decode()
    assert markdown.startswith("# ")
    assert "customers.csv" in markdown
    html = fetch(world, named(artifacts, "report.html")).decode()
    assert html.lstrip().lower().startswith("<!doctype html>")
    assert len(PdfReader(io.BytesIO(fetch(world, named(artifacts, "report.pdf")))).pages) >= 3


def test_the_manifest_lists_every_other_artifact(world, artifacts):
    manifest = json.loads(fetch(world, named(artifacts, "artifacts_manifest.json")))
    listed = {item["id"]: (item["size_bytes"], item["sha256"]) for item in manifest["artifacts"]}
    others = {
        artifact["id"]: (artifact["size_bytes"], artifact["sha256"])
        for artifact in artifacts
        if artifact["type"] not in {"manifest", "prediction"}
    }
    assert listed == others


def test_a_link_serves_one_object_only(world, artifacts):
    artifact = named(artifacts, "report.md")
    url = artifact["download_url"]
    if url.startswith("/files/"):
        for place in range(len("/files/"), len(url), 7):
            other = "a" if url[place] != "a" else "b"
            forged = url[:place] + other + url[place + 1 :]
            answer = loopback.get(world.server.base_url + forged)
            assert answer.status_code in {403, 404}, forged


def test_the_cleaning_is_told(world, artifacts):
    cleaning = json.loads(fetch(world, named(artifacts, "cleaning.json")))
    for step in cleaning["steps"]:
        assert {"column", "rule", "rows", "reason"} <= set(step)


def test_it_is_in_the_list(world, finished):
    answer = world.api.get("/runs", params={"status": "COMPLETED"})
    mine = next(item for item in answer.json() if item["run_id"] == finished["run_id"])
    assert {"project_id", "dataset_id", "created_at", "started_at", "finished_at"} <= set(mine)
    assert_problem(world.api.get("/runs", params={"status": "NO SUCH"}), 422)


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"colour": "red"}, "colour"),
        ({"target": "nowhere"}, "target"),
        ({"target": "left", "task": "regression"}, "task"),
        ({"target": "left", "time_budget_s": 1}, "time_budget_s"),
        ({"target": "left", "time_budget_s": "long"}, "time_budget_s"),
        ({"target": "left", "horizon": 3}, "horizon"),
        ({"target": "left", "task": "forecast"}, "task"),
        ({"target": "left", "metric": "rmse"}, "metric"),
        ({"target": "left", "ignore": ["nowhere"]}, "ignore"),
        ({"target": "spent", "task": "regression", "positive_class": "yes"}, "positive_class"),
    ],
)
def test_a_wrong_option_is_refused_by_name(world, dataset_id, options, where):
    answer = world.api.post("/runs/start", json={"dataset_id": dataset_id, "options": options})
    problem = assert_problem(answer, 422)
    assert problem["errors"][0]["location"] == f"body.options.{where}"


def test_foreign_and_unknown_things_are_not_found(world, stranger, dataset_id):
    theirs = stranger.upload()["dataset_id"]
    for other in (theirs, str(uuid.uuid4()), "no id"):
        assert_problem(world.api.post("/runs/start", json={"dataset_id": other}), 404)
    body = {"dataset_id": dataset_id, "project_id": stranger.project_id}
    assert_problem(world.api.post("/runs/start", json=body), 404)
    mine = world.api.post("/projects", json={"name": "Another"}).json()["id"]
    body = {"dataset_id": dataset_id, "project_id": mine}
    assert_problem(world.api.post("/runs/start", json=body), 422)


def test_an_idempotency_key_gives_one_run(fresh):
    dataset = fresh.upload()["dataset_id"]
    body = {"dataset_id": dataset, "options": {"target": "price", "time_budget_s": 5}}
    headers = {"Idempotency-Key": str(uuid.uuid4())}

    def start(_):
        return fresh.api.post("/runs/start", json=body, headers=headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(start, range(12)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["run_id"] for answer in answers}) == 1
    other = {**body, "options": {"target": "size"}}
    assert_problem(fresh.api.post("/runs/start", json=other, headers=headers), 409)
    fresh.api.delete(f"/runs/{answers[0].json()['run_id']}")


def test_three_runs_at_once_and_no_more(fresh):
    dataset = fresh.upload(make_table(200))["dataset_id"]
    body = {"dataset_id": dataset, "options": {"target": "left", "time_budget_s": 30}}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: fresh.api.post("/runs/start", json=body), range(12)))
    started = [answer.json()["run_id"] for answer in answers if answer.status_code == 202]
    assert len(started) == 3
    for answer in answers:
        if answer.status_code != 202:
            assert_problem(answer, 429)
    for run_id in started:
        assert fresh.api.post(f"/runs/{run_id}/cancel").status_code == 202
    for run_id in started:
        assert fresh.wait(run_id, 30)["status"] == "CANCELLED"
    again = fresh.api.post("/runs/start", json=body)
    assert again.status_code == 202
    assert fresh.api.delete(f"/runs/{again.json()['run_id']}").status_code == 204


def test_cancel_then_retry_then_delete(fresh):
    dataset = fresh.upload(make_table())["dataset_id"]
    run_id = fresh.start(dataset, target="left", time_budget_s=40)
    for event in events(fresh, run_id, limit=8):
        assert event["event"] in {"log", "status", "leaderboard"}
    assert_problem(fresh.api.post(f"/runs/{run_id}/retry"), 409)
    assert fresh.api.post(f"/runs/{run_id}/cancel").status_code == 202
    status = fresh.wait(run_id, 20)
    assert status["status"] == "CANCELLED"
    assert events(fresh, run_id)[-1]["event"] == "done"
    assert fresh.api.post(f"/runs/{run_id}/retry").status_code == 202
    assert fresh.api.get(f"/runs/{run_id}/status").json()["status"] != "CANCELLED"
    assert fresh.api.delete(f"/runs/{run_id}").status_code == 204
    assert_problem(fresh.api.get(f"/runs/{run_id}/status"), 404)
    assert_problem(fresh.api.delete(f"/runs/{run_id}"), 404)


@pytest.mark.parametrize(
    ("content", "target"),
    [
        (b"a,b\n1,x\n", "b"),
        (b"only\n" + b"".join(b"%d.5\n" % (n * n % 77) for n in range(60)), "only"),
        (b"a,b\n" + b"".join(b"%d,\n" % n for n in range(50)), "b"),
        (b"a,b\n" + b"".join(b"%d,same\n" % (n * n % 31) for n in range(50)), "b"),
    ],
    ids=["one row", "one column", "all missing", "constant target"],
)
def test_a_hopeless_table_fails_with_one_plain_sentence(fresh, content, target):
    dataset = fresh.upload(content, "hopeless.csv")["dataset_id"]
    body = {"dataset_id": dataset, "options": {"target": target, "time_budget_s": 5}}
    answer = fresh.api.post("/runs/start", json=body)
    if answer.status_code != 202:
        text = assert_problem(answer, 422)["detail"]
    else:
        status = fresh.wait(answer.json()["run_id"], 90)
        assert status["status"] == "FAILED", status
        text = status["error"]
        assert any(line["level"] == "ERROR" for line in status["logs"])
    assert "Traceback" not in text
    assert "Error" not in text
    assert 15 < len(text) < 400


def test_without_a_target_it_explores_and_clusters(fresh):
    dataset = fresh.upload(make_table(150), "groups.csv")["dataset_id"]
    status = fresh.wait(fresh.start(dataset, time_budget_s=6), 120)
    assert status["status"] == "COMPLETED", status
    board = fresh.api.get(f"/runs/{status['run_id']}/leaderboard").json()
    assert board["task"] == "clustering"
