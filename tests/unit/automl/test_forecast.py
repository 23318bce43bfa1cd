"""A forecast from table to answers: trained once, asked in every way, judged by what came."""

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl.evaluation import evaluate
from app.analysis.automl.exporting import export_model
from app.analysis.automl.files import read_file
from app.analysis.automl.forecasting import search as foretelling
from app.analysis.automl.forecasting.train import train_forecast
from app.analysis.automl.jobs import predict
from app.analysis.automl.options import RunOptions
from app.analysis.automl.prepare import Setting
from app.analysis.automl.serving import load
from app.analysis.errors import BadOption, BadRows, HopelessTable
from app.analysis.progress import silent
from app.analysis.schema import Column
from tests.unit.automl.tables import quick_portfolio, run_job

COLUMNS = [
    Column("month", "categorical"),
    Column("shop", "categorical"),
    Column("promo", "boolean"),
    Column("clerk", "categorical"),
    Column("sales", "number"),
]
ASKED = {
    "target": "sales",
    "time_column": "month",
    "series_column": "shop",
    "known_ahead": ["promo"],
    "horizon": 4,
    "time_budget_s": 120,
}


def shops(months=60, to_come=0):
    """Two shops whose sales grow, have a season, and rise by 40 with a promotion."""
    rng = np.random.default_rng(0)
    when = pd.date_range("2019-01-01", periods=months + to_come, freq="MS")
    frames = []
    for level, shop in ((100, "east"), (300, "west")):
        steps = np.arange(when.size)
        promo = rng.random(when.size) < 0.25
        sales = level + steps + 20 * np.sin(2 * np.pi * steps / 12) + 40 * promo
        sales = sales + rng.normal(size=when.size)
        frames.append(
            pd.DataFrame(
                {
                    "month": [f"{day:%b %Y}" for day in when],
                    "shop": shop,
                    "promo": promo,
                    "clerk": "Ann",
                    "sales": sales.round(2),
                }
            )
        )
    every = pd.concat(frames, ignore_index=True)
    late = every.index % when.size >= months
    known = every[~late].reset_index(drop=True)
    for name in ("month", "shop", "clerk"):
        known[name] = known[name].astype(object)
    return known, every[late].reset_index(drop=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forecast")
    facts = run_job(shops()[0], COLUMNS, folder, **ASKED)
    return folder, facts, load(folder / "model.joblib", facts["sha256"])


def test_the_run_tells_what_it_did(made):
    folder, facts, _ = made
    assert (facts["task"], facts["metric"]) == ("forecast", "mase")
    assert "a horizon of 4 steps was asked for" in facts["task_reason"]
    assert facts["metrics"]["mase"] < 0.5
    assert facts["holdout_rows"] == 8
    told = " ".join(facts["notes"])
    for said in ("monthly", "season found is 12", "'clerk'", "Nothing later than an origin"):
        assert said in told
    assert facts["forecast"]["last"] == "Dec 2023"
    assert [v["time"] for v in facts["forecast"]["values"][:4]] == [
        "Jan 2024", "Feb 2024", "Mar 2024", "Apr 2024",
    ]  # fmt: skip
    board = json.loads((folder / "leaderboard.json").read_text())
    assert any(row["kind"] == "baseline" for row in board["rows"])
    charts = {path.name for path in (folder / "charts").iterdir()}
    assert {"leaderboard.png", "error_by_step.png", "forecast-west.png"} <= charts


def test_what_is_known_in_advance_is_told_with_its_worth(made):
    folder, facts, predictor = made
    (promo,) = facts["importance"]
    assert promo["feature"] == "promo"
    assert promo["value"] > 5 * facts["metrics"]["mase"] / 10
    assert predictor.bundle.importance == [promo]
    assert any("'promo'" in note and "rises by it" in note for note in facts["notes"])
    assert (folder / "charts" / "importance.json").exists()


def test_the_input_schema_says_what_a_row_needs(made):
    schema = {item["name"]: item for item in made[1]["input_schema"]}
    assert list(schema) == ["month", "shop", "promo"]
    assert schema["month"]["range"] == ["Jan 2024", "Dec 2024"]
    assert schema["shop"]["categories"] == ["east", "west"]
    assert [item["required"] for item in schema.values()] == [True, True, False]


def test_rows_are_answered_in_their_order_with_intervals(made):
    rows = [
        {"month": "2024-02", "shop": "west", "promo": False},
        {"month": "Jan 2024", "shop": "east", "promo": True},
        {"month": "Jan 2024", "shop": "east", "promo": "no"},
    ]
    found = made[2].predict_rows(rows)
    west, with_promo, without = found["predictions"]
    assert found["warnings"] == []
    assert (west["time"], west["series"]) == ("Feb 2024", "west")
    assert west["interval"]["low"] < west["prediction"] < west["interval"]["high"]
    assert with_promo["prediction"] - without["prediction"] == pytest.approx(40, abs=12)


def test_a_horizon_alone_gives_the_next_steps_of_every_series(made):
    found = made[2].predict_rows([], horizon=3)
    answered = [(one["series"], one["time"]) for one in found["predictions"]]
    months = ["Jan 2024", "Feb 2024", "Mar 2024"]
    assert answered == [(shop, month) for shop in ("east", "west") for month in months]
    with pytest.raises(BadRows, match="between 1 and 12"):
        made[2].predict_rows([], horizon=13)
    with pytest.raises(BadRows, match="4 steps of 2 series are more than 7"):
        made[2].check_count(4, 7)


def test_odd_rows_are_warned_of(made):
    rows = [
        {"month": "Feb 2024", "shop": "north", "promo": False, "mood": "good"},
        {"month": "Feb 2020", "shop": "east", "promo": False},
        {"month": "Sep 2024", "shop": "east", "promo": None},
    ]
    found = made[2].predict_rows(rows)
    kinds = {warning["kind"] for warning in found["warnings"]}
    assert kinds == {"unseen_category", "past_time", "beyond_horizon", "extra_column"}
    unknown, past, _ = (one["prediction"] for one in found["predictions"])
    assert 150 < unknown < 320  # between the two shops that are known
    known = shops()[0]
    assert past == known[(known.shop == "east") & (known.month == "Feb 2020")].sales.item()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"shop": "east"}, "the required column 'month' is missing"),
        ({"month": "Jan 2024"}, "the required column 'shop' is missing"),
        ({"month": "soon", "shop": "east"}, "'soon' names no time"),
        ({"month": None, "shop": "east"}, "there is no time"),
        ({"month": "Jan 2040", "shop": "east"}, "lies 193 steps after the last known time"),
        ({"month": "Jan 2024", "shop": "east", "promo": "perhaps"}, "neither true nor false"),
    ],
)
def test_rows_that_do_not_fit_are_named(made, row, said):
    with pytest.raises(BadRows, match=said) as caught:
        made[2].predict_rows([row])
    assert caught.value.details["errors"][0]["row"] == 0


def test_no_rows_and_reasons_are_refused(made):
    for rows, more in (([], {}), ([{"month": "Jan 2024", "shop": "east"}], {"explain": True})):
        with pytest.raises(BadRows):
            made[2].predict_rows(rows, **more)


def test_a_file_is_predicted_row_by_row(made, tmp_path):
    folder, facts, _ = made
    _, later = shops(60, 4)
    later.drop(columns=["sales", "clerk"]).to_csv(tmp_path / "later.csv", index=False)
    told = predict(
        model=str(folder / "model.joblib"),
        source=str(tmp_path / "later.csv"),
        filename="later.csv",
        out=str(tmp_path / "out.csv"),
        proba=False,
        sha256=facts["sha256"],
        progress=silent,
    )
    found = pd.read_csv(tmp_path / "out.csv")
    assert told == {"rows": 8, "warnings": []}
    assert list(found) == ["prediction"]
    assert np.mean(np.abs(found["prediction"] - later["sales"])) < 10


def test_it_is_judged_by_what_came(made, tmp_path):
    known, later = shops(60, 4)
    both = pd.concat([known.tail(5), later], ignore_index=True)
    both.to_csv(tmp_path / "truth.csv", index=False)
    (tmp_path / "read").mkdir()
    found = read_file(
        made[2], tmp_path / "truth.csv", "truth.csv", tmp_path / "read", 10**9, truth=True
    )
    judged = evaluate(found)
    assert (judged["rows"], judged["judged_rows"]) == (13, 8)
    assert judged["metrics"]["mase"] < 0.6
    assert 0 < judged["metrics"]["interval_coverage"] <= 1
    assert {"rmse", "mae"} == set(judged["uncertainty"]) or judged["uncertainty"] == {}
    assert any(warning["kind"] == "past_time" for warning in judged["warnings"])
    json.dumps(judged, allow_nan=False)


def test_the_export_says_how_it_runs(made, tmp_path):
    folder, facts, _ = made
    card = {
        "name": facts["name"], "version": 1, "task": "forecast", "target": "sales",
        "metrics": facts["metrics"], "importance": [], "created_at": "2026-01-01T00:00:00",
    }  # fmt: skip
    out = tmp_path / "model.zip"
    export_model(
        model=str(folder / "model.joblib"),
        sha256=facts["sha256"],
        out=str(out),
        card=card,
        progress=silent,
    )
    with zipfile.ZipFile(io.BytesIO(out.read_bytes())) as archive:
        card_text = archive.read("MODEL_CARD.md").decode()
        assert "It foretells 4 steps (monthly; 2 series, a season of 12 steps)" in card_text
        assert "--horizon 4" in archive.read("README.md").decode()
        assert "uam_model/automl/forecasting/model.py" in archive.namelist()


def series(values, start="2015-01-01", freq="MS"):
    frame = pd.DataFrame(
        {"day": pd.date_range(start, periods=len(values), freq=freq).astype("datetime64[us]")}
    )
    return frame.assign(y=values), [Column("day", "datetime"), Column("y", "number")]


def quick(frame, columns, now=lambda: 0.0, finish=lambda: False, **options):
    """Trained within 5 seconds by a clock that stands still: the short plan, whatever the machine."""
    asked = {"target": "y", "task": "forecast", "time_budget_s": 5, **options}
    setting = Setting([], 1, now(), now, finish=finish)
    with quick_portfolio():
        return train_forecast(frame, columns, RunOptions(**asked), setting, silent)


def test_a_constant_series_stays_what_it_is():
    trained = quick(*series(np.full(30, 7.0)))
    told = [value["prediction"] for value in trained.facts["forecast"]["values"]]
    assert set(told) == {7.0}
    assert any("never changes" in note for note in trained.facts["notes"])


def test_the_horizon_follows_the_calendar_where_nobody_says():
    trained = quick(*series(np.arange(60.0)))
    assert trained.facts["forecast"]["horizon"] == 12
    assert any("12 steps are foretold, as is usual" in note for note in trained.facts["notes"])


def test_the_shortest_series_gets_a_forecast_with_its_doubts():
    trained = quick(*series(np.arange(9.0) ** 2), horizon=1)
    assert np.isfinite(trained.facts["forecast"]["values"][0]["prediction"])
    assert any("Too few times for a holdout" in note for note in trained.facts["notes"])


@pytest.mark.parametrize("times", [8, 9])
def test_the_fewest_times_are_enough_where_nobody_asks_for_a_horizon(times):
    trained = quick(*series(np.arange(float(times)) ** 2))
    assert trained.facts["forecast"]["horizon"] == 1


@pytest.mark.parametrize(
    ("rows", "last"),
    [(5, "2024-06-30"), (5, "2024-01-14"), (8, "2024-06-30"), (8, "2024-01-13")],
    ids=["dropped", "dropped, a horizon later", "too young", "too young, a horizon later"],
)
def test_a_newcomer_that_ends_later_leaves_the_judging_to_the_others(rows, last):
    rng = np.random.default_rng(0)
    old = pd.date_range(end="2023-12-31", periods=200)
    new = pd.date_range(end=last, periods=rows)
    frame = pd.DataFrame(
        {"day": old.append(new), "shop": ["A"] * 200 + ["B"] * rows, "y": rng.random(200 + rows)}
    )
    columns = [Column("day", "datetime"), Column("shop", "categorical"), Column("y", "number")]
    trained = quick(frame, columns, series_column="shop", horizon=14)
    assert trained.facts["holdout_rows"] == 14
    assert trained.facts["metrics"]["mase"] > 0
    assert all(row["score"] is not None for row in trained.leaderboard["rows"])
    told = " ".join(trained.facts["notes"])
    assert ("too little to judge" in told) == (rows == 8)


def test_what_cannot_be_foretold_is_said_in_one_sentence():
    with pytest.raises(HopelessTable, match="30 steps cannot be foretold from 20 times"):
        quick(*series(np.arange(20.0)), horizon=30)
    with pytest.raises(BadOption, match="names no time"):
        frame = pd.DataFrame({"day": pd.Series(["x"] * 20, dtype=object), "y": np.arange(20.0)})
        columns = [Column("day", "categorical"), Column("y", "number")]
        quick(frame, columns, time_column="day")


def test_who_finishes_keeps_the_best_so_far():
    frame, columns = series(np.arange(80.0) + np.tile([0.0, 5, 9, 3], 20))
    trained = quick(frame, columns, finish=lambda: True, time_budget_s=600)
    assert any("Finished on request" in note for note in trained.facts["notes"])
    assert len(trained.leaderboard["rows"]) < 6


def test_a_clock_that_runs_out_leaves_the_baseline():
    frame, columns = series(np.arange(80.0))
    ticks = iter(np.arange(0, 1e6, 3.0))
    trained = quick(frame, columns, now=lambda: float(next(ticks)))
    assert trained.facts["name"]
    assert any("would not fit into the time" in note for note in trained.facts["notes"])


def test_an_attempt_goes_on_where_another_ended(tmp_path):
    frame, columns = series(np.arange(80.0) + np.tile([0.0, 5, 9, 3], 20))
    frame = frame.assign(y=frame["y"] + np.random.default_rng(0).normal(size=80))
    folder, kept = tmp_path / "run", tmp_path / "kept"
    folder.mkdir()
    asked = {"target": "y", "task": "forecast", "time_budget_s": 120, "horizon": 4}
    first = run_job(frame, columns, folder, checkpoint_dir=str(kept), **asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(foretelling, "judge", None)  # nothing is judged a second time
        again = run_job(frame, columns, folder, checkpoint_dir=str(kept), **asked)
    assert again["metrics"] == first["metrics"]
