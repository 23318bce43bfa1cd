"""Training end to end: figures that do not lie, notes in plain words, files as agreed."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl.bundle import load_bundle, save
from app.analysis.automl.serving import load
from app.analysis.errors import BadModel, BadOption, HopelessTable, OutdatedModel
from app.analysis.schema import Column
from tests.unit.automl.tables import customers, numbers, run_job, trained


def test_a_run_writes_its_files_and_returns_the_facts(tmp_path):
    frame, columns = customers(260)
    facts = run_job(frame, columns, tmp_path, target="left", time_budget_s=60)
    assert facts == json.loads((tmp_path / "model.json").read_text())
    assert facts["task"] == "binary"
    assert facts["positive_class"] == "Yes"
    assert facts["classes"] == ["No", "Yes"]
    assert facts["metrics"]["roc_auc"] > 0.7
    assert facts["holdout_rows"] == 52
    assert facts["train_rows"] == 260
    assert facts["size_bytes"] == (tmp_path / "model.joblib").stat().st_size < 5_000_000
    assert {item["name"] for item in facts["input_schema"]} == {
        "age",
        "spend",
        "plan",
        "joined",
        "newsletter",
        "note",
    }
    board = json.loads((tmp_path / "leaderboard.json").read_text())
    assert (board["task"], board["target"], board["metric"]) == ("binary", "left", "roc_auc")
    assert [row["rank"] for row in board["rows"]] == list(range(1, len(board["rows"]) + 1))
    assert "Baseline" in {row["name"] for row in board["rows"]}
    scores = [row["score"] for row in board["rows"]]
    assert scores == sorted(scores, reverse=True)
    charts = json.loads((tmp_path / "charts" / "charts.json").read_text())
    names = {chart["name"] for chart in charts}
    assert names >= {"leaderboard", "importance", "roc", "confusion_matrix", "calibration"}
    for name in names:
        assert (tmp_path / "charts" / f"{name}.json").stat().st_size
        assert (tmp_path / "charts" / f"{name}.png").stat().st_size
    assert load(tmp_path / "model.joblib", facts["sha256"]).bundle.target == "left"


def test_what_is_left_out_is_told():
    frame, columns = customers(200)
    notes = " ".join(trained(frame, columns, target="left", time_budget_s=60).facts["notes"])
    assert "keys" in notes
    assert "'customer'" in notes
    assert "one value only: 'country'" in notes


@pytest.mark.parametrize("seed", [0, 1])
def test_on_a_random_target_every_figure_says_chance(seed):
    frame, columns = customers(900, seed)
    rng = np.random.default_rng(seed + 10)
    frame["left"] = pd.Series(rng.choice(["Yes", "No"], 900), dtype=object)
    # Many levels are where target means would leak.
    frame["city"] = pd.Series([f"city {i}" for i in rng.integers(0, 250, 900)], dtype=object)
    made = trained(
        frame, [*columns, Column("city", "categorical")], target="left", time_budget_s=60
    )
    assert made.facts["metrics"]["roc_auc"] == pytest.approx(0.5, abs=0.13)
    assert made.facts["metrics"]["accuracy"] == pytest.approx(0.5, abs=0.13)
    for row in made.leaderboard["rows"]:
        assert row["score"] == pytest.approx(0.5, abs=0.08), row["name"]


def test_on_random_numbers_nothing_is_explained():
    frame, columns = numbers(600)
    frame["y"] = np.random.default_rng(5).normal(size=600)
    made = trained(frame, columns, target="y", time_budget_s=60)
    assert made.facts["metrics"]["r2"] < 0.06


def test_regression_gives_values_intervals_and_importances():
    frame, columns = numbers(500)
    made = trained(frame, columns, target="y", time_budget_s=60)
    assert made.facts["task"] == "regression"
    assert made.facts["metrics"]["rmse"] < 1.2
    assert made.facts["metrics"]["interval_coverage"] > 0.75
    assert made.facts["importance"][0]["feature"] == "x0"
    noise = next(i for i in made.facts["importance"] if i["feature"] == "x3")
    assert noise["value"] < 0.05 * made.facts["importance"][0]["value"]


def test_many_classes_and_rare_ones():
    frame, columns = customers(400)
    frame["left"] = pd.Series([f"k{a // 13}" for a in frame["age"]], dtype=object)
    frame.loc[0, "left"] = "alone"
    made = trained(frame, columns, target="left", time_budget_s=60)
    assert made.facts["task"] == "multiclass"
    assert made.facts["metric"] == "log_loss"
    assert "alone" not in made.facts["classes"]
    assert made.facts["metrics"]["accuracy"] > 0.5


@pytest.mark.parametrize(
    ("target", "metric"),
    [("left", m) for m in ("log_loss", "f1", "accuracy", "average_precision", "brier_score")]
    + [("spend", m) for m in ("mae", "r2")],
)
def test_every_metric_can_be_asked_for(target, metric):
    frame, columns = customers(150)
    made = trained(frame, columns, target=target, metric=metric, folds=2)
    assert made.leaderboard["metric"] == metric
    assert metric in made.facts["metrics"]


def test_a_column_equal_to_the_target_is_warned_of_by_name():
    frame, columns = customers(200)
    frame["gone"] = np.where(frame["left"] == "Yes", "x", "y")
    made = trained(
        frame, [*columns, Column("gone", "categorical")], target="left", time_budget_s=60
    )
    assert any("'gone' alone predicts 'left'" in note for note in made.facts["notes"])
    frame, columns = numbers(300)
    frame["twice"] = 2 * frame["y"] + 1
    made = trained(frame, [*columns, Column("twice", "number")], target="y", time_budget_s=60)
    warned = [note for note in made.facts["notes"] if "alone predicts" in note]
    assert len(warned) == 1
    assert "'twice'" in warned[0]


def test_features_and_ignore_choose_the_columns():
    frame, columns = customers(120)
    only = trained(frame, columns, target="left", features=("age", "customer"), time_budget_s=60)
    assert [i["name"] for i in only.facts["input_schema"]] == ["customer", "age"]
    but = trained(frame, columns, target="left", ignore=("age", "note"), time_budget_s=60)
    assert {"age", "note"}.isdisjoint(i["name"] for i in but.facts["input_schema"])


def test_a_split_by_time_is_done_and_told():
    frame, columns = customers(300)
    made = trained(frame, columns, target="left", split="time", folds=3, time_budget_s=60)
    assert any("by time" in note for note in made.facts["notes"])


def test_codes_put_no_rows_in_order():
    frame, columns = customers()
    with pytest.raises(BadOption, match=r"'customer' holds 'C00000'.*dates or numbers") as caught:
        trained(frame, columns, target="left", time_column="customer")
    assert caught.value.details["option"] == "time_column"


@pytest.mark.parametrize("rows", [6, 12, 40])
def test_tiny_tables_give_a_model_with_a_warning(rows):
    frame, columns = customers(rows)
    frame["left"] = pd.Series(["Yes", "No"] * (rows // 2), dtype=object)
    made = trained(frame, columns, target="left", time_budget_s=60)
    assert made.facts["holdout_rows"] == 0
    assert any("Too few rows for a holdout" in note for note in made.facts["notes"])


def test_a_wide_table_is_served():
    frame, columns = numbers(80, features=600)
    made = trained(frame, columns, target="y", time_budget_s=60)
    assert len(made.facts["input_schema"]) == 600
    assert made.facts["metrics"]["rmse"] < frame["y"].std() * 1.3


def test_infinite_values_and_duplicates_do_not_hurt():
    frame, columns = numbers(200)
    frame.loc[::10, "x0"] = np.inf
    frame = pd.concat([frame, frame], ignore_index=True)
    assert trained(frame, columns, target="y", time_budget_s=60).facts["metrics"]["r2"] > 0.5


WIDE = np.finfo(float).max


@pytest.mark.parametrize(("task", "value"), [("binary", 1e39), ("regression", 1e100)])
def test_a_number_beyond_single_floats_is_learned_from(tmp_path, task, value):
    frame, columns = numbers(200)
    if task == "binary":
        frame["y"] = np.where(frame["y"] > 0, "high", "low")
        columns[-1] = Column("y", "categorical")
    frame.loc[7, "x0"], frame.loc[8, "x1"], frame.loc[9:12, "x2"] = value, -value, WIDE
    facts = run_job(frame, columns, tmp_path, target="y", time_budget_s=60)
    assert facts["metrics"]["roc_auc" if task == "binary" else "r2"] > 0.6
    board = json.loads((tmp_path / "leaderboard.json").read_text())["rows"]
    assert all(row["score"] is not None for row in board)
    model = load(tmp_path / "model.joblib")
    assert np.isfinite(model.predict_frame(frame)[0]).all()
    row = {"x0": -WIDE, "x1": 1e300, "x2": 0, "x3": 0}
    one, other = model.predict_rows([row, {**row, "x0": -1e300, "x1": WIDE}])["predictions"]
    assert one == other


def test_clusters_stand_a_number_beyond_single_floats(tmp_path):
    frame, columns = numbers(200)
    frame.loc[9:12, "x2"] = WIDE
    facts = run_job(frame, columns, tmp_path, time_budget_s=60)
    assert "nan" not in json.dumps(facts["clusters"])


def test_a_target_beyond_single_floats_trains_nothing_and_is_told():
    frame, columns = numbers(200)
    frame.loc[7, "y"], frame.loc[8, "y"] = WIDE, -1e100
    found = trained(frame, columns, target="y", time_budget_s=60)
    assert found.facts["metrics"]["r2"] > 0.6
    told = "2 rows have values in the target 'y' beyond ±3.4e+38 and trained nothing."
    assert told in found.facts["notes"]
    frame["y"] = 1e100 * frame["x0"]
    with pytest.raises(HopelessTable, match="no values to learn from"):
        trained(frame, columns, target="y", time_budget_s=60)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f.assign(left=None), "no values"),
        (lambda f: f.assign(left="same"), "one value only"),
        (lambda f: f.head(1), "one value only"),
        (lambda f: f.head(2), r"Only 2 rows|one value only"),
    ],
)
def test_a_hopeless_table_ends_in_one_sentence(change, sentence):
    frame, columns = customers(30)
    with pytest.raises(HopelessTable, match=sentence):
        trained(change(frame), columns, target="left", time_budget_s=60)


def test_a_table_of_keys_and_constants_is_hopeless():
    frame, columns = customers(30)
    kept = [c for c in columns if c.name in ("customer", "country", "left")]
    with pytest.raises(HopelessTable, match="no column to learn from"):
        trained(frame, kept, target="left", time_budget_s=60)


def test_options_are_checked_against_the_values_too():
    frame, columns = customers(60)
    frame["left"] = pd.Series(["a", "b", "c"] * 20, dtype=object)
    with pytest.raises(BadOption, match="roc_auc"):
        trained(frame, columns, target="left", metric="roc_auc", time_budget_s=60)
    with pytest.raises(BadOption, match="positive_class"):
        trained(frame, columns, target="left", positive_class="a", time_budget_s=60)


def test_a_bundle_is_loaded_only_when_its_hash_is_right(tmp_path):
    frame, columns = numbers(60)
    path = tmp_path / "model.joblib"
    digest, size = save(trained(frame, columns, target="y", time_budget_s=60).bundle, path)
    assert path.stat().st_size == size
    assert load_bundle(path, digest).target == "y"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadModel, match="SHA-256"):
        load_bundle(path, digest)


def test_what_is_no_bundle_is_refused(tmp_path):
    path = tmp_path / "model.joblib"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(BadModel, match="not a model"):
        load_bundle(path)
    with pytest.raises(BadModel, match="no such"):
        load_bundle(tmp_path / "other.joblib")


@pytest.mark.parametrize("content", [b"cno_such_library\nModel\n.", b"}(K\x01K\x02u."])
def test_what_was_stored_and_cannot_be_loaded_is_told_apart(tmp_path, content):
    """With its hash right it is no foreign file: other libraries, or another version, made it."""
    path = tmp_path / "model.joblib"
    path.write_bytes(content)
    with pytest.raises(OutdatedModel):
        load_bundle(path, hashlib.sha256(content).hexdigest())


def test_the_unit_of_the_target_changes_nothing(tmp_path):
    frame, columns = numbers(400)
    frame["y"] *= 1.5 / frame["y"].std()
    small = frame.assign(y=frame["y"] * 2.0**-40)
    one, other = (trained(each, columns, target="y", time_budget_s=60) for each in (frame, small))
    names = [[row["name"] for row in made.leaderboard["rows"]] for made in (one, other)]
    assert names[0] == names[1]
    rmse, tiny = one.facts["metrics"]["rmse"], other.facts["metrics"]["rmse"]
    assert tiny == pytest.approx(rmse * 2.0**-40, rel=1e-4)


@pytest.mark.parametrize("rows", [70, 300])
@pytest.mark.parametrize("rare", [1, 2, 3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_class_of_a_few_rows_is_learned_or_told_of(rows, rare, seed):
    frame, columns = customers(rows)
    frame["left"] = pd.Series(["Yes" if i < rare else "No" for i in range(rows)], dtype=object)
    asked = {"target": "left", "time_budget_s": 60, "seed": seed}
    if rare == 1:
        with pytest.raises(HopelessTable, match="'Yes' cannot be learned from one row"):
            trained(frame, columns, **asked)
    else:
        assert trained(frame, columns, **asked).facts["classes"] == ["No", "Yes"]


def test_a_class_that_lives_in_one_group_is_learned_or_told_of():
    frame, columns = customers(200)
    frame["plan"] = pd.Series([f"p{i // 20}" for i in range(200)], dtype=object)
    frame["left"] = np.where(frame["plan"] == "p4", "Yes", "No")
    for seed in range(4):
        try:
            made = trained(
                frame, columns, target="left", time_budget_s=60, group_column="plan", seed=seed
            )
        except HopelessTable as hopeless:
            assert "one class only" in str(hopeless)  # noqa: PT017
        else:
            assert made.facts["classes"] == ["No", "Yes"]


def test_by_time_the_fold_that_knew_the_most_tells_what_matters():
    frame, columns = numbers(400)
    frame["when"] = pd.date_range("2024-01-01", periods=400).astype("datetime64[us]")
    # What the target hangs on has changed: the oldest rows tell of another column.
    early = np.arange(400) < 100
    frame["y"] = np.where(early, 5 * frame["x2"], 5 * frame["x3"])
    columns = [*columns, Column("when", "datetime")]
    made = trained(
        frame,
        columns,
        target="y",
        time_budget_s=60,
        task="regression",
        split="time",
        time_column="when",
        ignore=["when"],
    )
    values = {row["feature"]: row["value"] for row in made.facts["importance"]}
    assert values["x3"] > 2 * abs(values.get("x2", 0.0))
