"""A forecast through a real run: started by its horizon, shown, asked, evaluated, exported."""

from __future__ import annotations

import io
import math
import random
import zipfile

import pytest

from tests.api.test_models import Trained
from tests.api.world import World, assert_problem

MONTHS = [f"{year}Q{quarter}" for year in range(2010, 2024) for quarter in (1, 2, 3, 4)]


def sales(first: int = 0, last: int = 48) -> bytes:
    """Two shops by the quarter; the season goes up and down by a fifth."""
    draw = random.Random(3)
    lines = ["quarter,shop,sales"]
    for shop, level in (("north", 100), ("south", 220)):
        for step, quarter in enumerate(MONTHS):
            season = 1 + 0.2 * math.sin(step * math.pi / 2)
            value = (level + 2 * step) * season + draw.gauss(0, 2)
            if first <= step < last:
                lines.append(f"{quarter},{shop},{value:.2f}")
    return ("\n".join(lines) + "\n").encode()


@pytest.fixture(scope="module")
def foretold(world: World) -> Trained:
    dataset = world.upload(sales(), "sales.csv")
    options = {"target": "sales", "time_column": "quarter", "series_column": "shop", "horizon": 4}
    run_id = world.start(dataset["dataset_id"], **options, time_budget_s=8)
    status = world.wait(run_id)
    assert status["status"] == "COMPLETED", status
    models = world.api.get("/models", params={"limit": 500}).json()
    return Trained(world, run_id, next(m["id"] for m in models if m["run_id"] == run_id))


def test_the_run_shows_a_forecast(foretold: Trained) -> None:
    api = foretold.world.api
    board = api.get(f"/runs/{foretold.run_id}/leaderboard").json()
    assert (board["task"], board["target"], board["metric"]) == ("forecast", "sales", "mase")
    assert any("seasonal naive" in row["name"] for row in board["rows"])
    model = api.get(f"/models/{foretold.model_id}").json()
    assert [field["name"] for field in model["input_schema"]] == ["quarter", "shop"]
    assert model["input_schema"][0]["range"] == ["2022Q1", "2024Q4"]
    assert {"mase", "rmse", "mae"} <= set(model["metrics"])
    kept = api.get(f"/runs/{foretold.run_id}/artifacts", params={"limit": 500}).json()
    names = {artifact["filename"] for artifact in kept}
    assert {"forecast-north.json", "forecast-north.png", "report.html"} <= names
    report = next(a for a in kept if a["filename"] == "report.md")
    text = api.get(report["download_url"]).text
    assert "The forecast" in text
    assert "2022Q4" in text


def test_it_answers_rows_and_horizons(foretold: Trained) -> None:
    rows = [{"quarter": "2022Q2", "shop": "south"}, {"quarter": "2022Q1", "shop": "nowhere"}]
    answer = foretold.predict({"rows": rows})
    assert answer.status_code == 200, answer.text
    known, unknown = answer.json()["predictions"]
    assert known["interval"]["low"] < known["prediction"] < known["interval"]["high"]
    assert 240 < known["prediction"] < 480
    assert unknown.get("interval") is None
    assert [w["kind"] for w in answer.json()["warnings"]] == ["unseen_category"]
    following = foretold.predict({"horizon": 2}).json()["predictions"]
    assert [(one["series"], one["time"]) for one in following] == [
        ("north", "2022Q1"), ("north", "2022Q2"), ("south", "2022Q1"), ("south", "2022Q2"),
    ]  # fmt: skip
    table = foretold.predict({"horizon": 2}, Accept="text/csv").text
    assert table.splitlines()[0] == "time,series,prediction,low,high"


def test_what_does_not_fit_is_named(foretold: Trained) -> None:
    late = foretold.predict({"rows": [{"quarter": "2031Q1", "shop": "south"}]})
    assert "2031Q1 lies 37 steps after" in assert_problem(late, 422)["detail"]
    assert_problem(foretold.predict({"rows": []}), 422)
    assert_problem(foretold.predict({"horizon": 13}), 422)
    assert_problem(foretold.predict({"rows": [{"quarter": "2022Q1"}]}), 422)


def test_it_is_evaluated_and_exported(foretold: Trained) -> None:
    api, path = foretold.world.api, f"/models/{foretold.model_id}"
    truth = foretold.predict_file("later.csv", sales(48, 52))
    assert truth.status_code == 200, truth.text
    files = {"file": ("later.csv", io.BytesIO(sales(44, 52)))}
    judged = api.post(f"{path}/evaluate", files=files)
    assert judged.status_code == 200, judged.text
    assert judged.json()["judged_rows"] == 8
    assert judged.json()["metrics"]["mase"] < 1
    watched = api.get(f"{path}/monitoring").json()
    assert "do not drift" in watched["summary"][0]
    archive = zipfile.ZipFile(io.BytesIO(api.get(f"{path}/export").content))
    assert "steps (quarterly; 2 series" in archive.read("MODEL_CARD.md").decode()
