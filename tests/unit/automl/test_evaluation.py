"""A model judged by new rows: figures as on the holdout, rows that cannot judge told."""

from dataclasses import replace

import numpy as np
import pytest

from app.analysis.automl.serving import Predictor
from app.analysis.automl.uncertainty import intervals_of, wilson
from app.analysis.errors import BadRows, BadTable
from app.analysis.schema import Column
from tests.unit.automl.tables import customers, judged, numbers, trained


@pytest.fixture(scope="module")
def churn():
    return Predictor(trained(*customers(400), target="left", time_budget_s=60).bundle)


@pytest.fixture(scope="module")
def values():
    return Predictor(trained(*numbers(500), target="y", time_budget_s=60).bundle)


def test_a_classifier_is_judged_by_class_with_intervals(churn, tmp_path):
    fresh, _ = customers(500, seed=9)
    found = judged(churn, fresh, tmp_path)
    assert found["rows"] == found["judged_rows"] == 500
    assert 0.7 < found["metrics"]["roc_auc"] < 0.95
    for name, figure in found["metrics"].items():
        bounds = found["uncertainty"][name]
        assert bounds["low"] <= figure <= bounds["high"], name
        assert bounds["std"] > 0
    rows = {one["label"]: one for one in found["classes"]}
    assert rows["Yes"]["rows"] == (fresh["left"] == "Yes").sum()
    assert rows["Yes"]["recall"] == pytest.approx(found["metrics"]["recall"], abs=1e-5)
    assert sum(one["predicted"] for one in found["classes"]) == 500
    assert {c["name"] for c in found["charts"]} >= {"roc", "confusion_matrix", "calibration"}
    assert all(c["figure"]["data"] for c in found["charts"])


def test_a_regression_is_judged_with_its_intervals(values, tmp_path):
    fresh, _ = numbers(400, seed=3)
    found = judged(values, fresh, tmp_path)
    assert found["metrics"]["r2"] > 0.8
    assert found["metrics"]["interval_coverage"] > 0.75
    assert abs(found["errors"]["bias"]) < found["errors"]["p90_absolute"]
    assert "classes" not in found


def test_rows_that_cannot_judge_are_told(churn, tmp_path):
    fresh, _ = customers(60, seed=4)
    fresh.loc[:4, "left"] = None
    fresh.loc[5:6, "left"] = "Perhaps"
    found = judged(churn, fresh, tmp_path)
    assert found["judged_rows"] == 53
    told = {w["kind"]: w for w in found["warnings"]}
    assert told["missing_target"]["rows"] == 5
    assert told["unseen_class"]["rows"] == 2
    assert "'Perhaps'" in told["unseen_class"]["message"]


def test_a_value_beyond_single_floats_does_not_judge(values, tmp_path):
    fresh, _ = numbers(100, seed=3)
    fresh.loc[4, "y"], fresh.loc[5, "x0"] = 1e100, 1e100
    found = judged(values, fresh, tmp_path)
    assert found["judged_rows"] == 99
    assert found["metrics"]["r2"] > 0.6
    assert {w["kind"]: w["rows"] for w in found["warnings"]} == {"missing_target": 1}


def test_one_class_alone_has_no_auc_and_no_error(churn, tmp_path):
    fresh, _ = customers(200, seed=5)
    found = judged(churn, fresh[fresh["left"] == "Yes"], tmp_path)
    assert "roc_auc" not in found["metrics"]
    assert found["metrics"]["accuracy"] > 0.4


def test_a_truth_spelled_a_little_otherwise_is_understood(churn, tmp_path):
    fresh, _ = customers(100, seed=6)
    fresh["left"] = fresh["left"].str.upper()
    assert judged(churn, fresh, tmp_path)["judged_rows"] == 100


def test_the_truth_is_cleaned_as_the_training_rows_were(churn, tmp_path):
    step = {
        "rule": "unify_booleans",
        "column": "left",
        "parameters": {"spellings": {"Y": "Yes", "-": "No"}},
    }
    blank = {"rule": "empty_to_missing", "column": "left", "parameters": {}}
    cleaning = Predictor(replace(churn.bundle, cleaning_steps=[step, blank]))
    fresh, _ = customers(100, seed=6)
    expected = judged(cleaning, fresh, tmp_path)
    fresh.loc[::2, "left"] = fresh.loc[::2, "left"].map({"Yes": "Y", "No": "-"})
    (tmp_path / "b").mkdir()
    found = judged(cleaning, fresh, tmp_path / "b")
    assert (found["judged_rows"], found["warnings"]) == (100, [])
    assert found["metrics"] == expected["metrics"]


def test_classes_that_are_numbers_are_compared_by_value(tmp_path):
    frame, columns = customers(300)
    frame["left"] = frame["left"].map({"Yes": 1.0, "No": 0.5})
    columns = [*columns[:-1], Column("left", "number")]
    options = {"target": "left", "positive_class": "1.0", "time_budget_s": 60}
    predictor = Predictor(trained(frame, columns, **options).bundle)
    fresh, _ = customers(100, seed=6)
    fresh["left"] = fresh["left"].map({"Yes": 1, "No": 7})
    found = judged(predictor, fresh, tmp_path)
    told = {w["kind"]: w["rows"] for w in found["warnings"]}
    assert told == {"unseen_class": 100 - found["judged_rows"]}
    assert found["classes"][1]["rows"] == found["judged_rows"] == (fresh["left"] == 1).sum()


@pytest.mark.parametrize("kind", ["boolean", "integer"])
def test_truths_and_whole_numbers_are_classes_too(tmp_path, kind):
    frame, columns = customers(300)
    frame["left"] = frame["left"] == "Yes"
    if kind == "integer":
        frame["left"] = frame["left"].astype(int)
    columns = [*columns[:-1], Column("left", kind)]
    predictor = Predictor(trained(frame, columns, target="left", time_budget_s=60).bundle)
    fresh, _ = customers(100, seed=6)
    spelled = ("1", "0") if kind == "integer" else ("true", "false")
    fresh["left"] = fresh["left"].map(dict(zip(("Yes", "No"), spelled, strict=True)))
    assert judged(predictor, fresh, tmp_path)["judged_rows"] == 100


def test_a_file_without_the_target_or_a_needed_column_is_refused(churn, values, tmp_path):
    fresh, _ = customers(50)
    with pytest.raises(BadTable, match="lacks the column 'left'"):
        judged(churn, fresh.drop(columns="left"), tmp_path)
    (tmp_path / "b").mkdir()
    with pytest.raises(BadRows, match="'age' is missing"):
        judged(churn, fresh.drop(columns="age"), tmp_path / "b")
    (tmp_path / "c").mkdir()
    wrong, _ = numbers(50)
    wrong["y"] = ["high"] * 50
    with pytest.raises(BadRows) as caught:
        judged(values, wrong, tmp_path / "c")
    assert caught.value.details["errors"][0]["column"] == "y"
    (tmp_path / "d").mkdir()
    fresh["left"] = None
    with pytest.raises(BadRows, match="No row"):
        judged(churn, fresh, tmp_path / "d")


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        truth = rng.normal(size=200)
        found = intervals_of("regression", truth, truth + rng.normal(size=200), seed=seed)["rmse"]
        covered += found["low"] <= 1 <= found["high"]
    assert covered >= 51


def test_many_rows_give_narrow_intervals_though_few_are_drawn():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=50_000)
    found = intervals_of("regression", truth, truth + rng.normal(size=50_000))["rmse"]
    assert found["std"] == pytest.approx(1 / np.sqrt(2 * 50_000), rel=0.3)


def test_a_perfect_share_of_few_rows_is_not_certain():
    low, high = wilson(1.0, 10)
    assert (round(low, 4), round(high, 9)) == (0.7225, 1.0)
    assert intervals_of("binary", np.array([0, 1]), np.eye(2)) == {}
