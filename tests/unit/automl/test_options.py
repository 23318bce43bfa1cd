"""Options are parsed and checked before anything is started, each refusal naming its option."""

import subprocess
import sys

import pytest

from app.analysis.automl.options import (
    OPTIONS,
    RunOptions,
    check_options,
    parse_options,
)
from app.analysis.errors import BadOption
from app.analysis.schema import Column

COLUMNS = [
    Column("age", "integer").to_json(),
    Column("price", "number").to_json(),
    Column("plan", "categorical").to_json(),
    Column("active", "boolean").to_json(),
    Column("joined", "datetime").to_json(),
]


def check(**options):
    return check_options(columns=COLUMNS, rows=100, options=options)


def refused(**options) -> BadOption:
    with pytest.raises(BadOption) as caught:
        check(**options)
    return caught.value


def test_defaults_are_those_of_the_table():
    assert parse_options({}) == RunOptions(**{spec.name: spec.default for spec in OPTIONS})


def test_null_means_the_default():
    assert parse_options({"metric": None, "seed": None}) == RunOptions()


def test_a_horizon_makes_a_forecast_of_auto():
    checked = check(target="price", horizon=3)
    assert (checked["task"], checked["metric"]) == ("forecast", "mase")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"colour": 1}, "colour"),
        ({"target": "nothing"}, "target"),
        ({"target": 3}, "target"),
        ({"target": "joined"}, "target"),
        ({"task": "regression"}, "target"),
        ({"target": "plan", "task": "magic"}, "task"),
        ({"target": "plan", "task": "regression"}, "task"),
        ({"target": "active", "task": "multiclass"}, "task"),
        ({"target": "price", "task": "clustering"}, "target"),
        ({"target": "active", "metric": "rmse"}, "metric"),
        ({"target": "plan", "metric": "silhouette"}, "metric"),
        ({"target": "price", "metric": "nonsense"}, "metric"),
        ({"target": "price", "task": "regression", "metric": "accuracy"}, "metric"),
        ({"target": "price", "task": "regression", "positive_class": "a"}, "positive_class"),
        ({"target": "price", "task": "regression", "split": "stratified"}, "split"),
        ({"positive_class": "a"}, "positive_class"),
        ({"folds": 3}, "folds"),
        ({"max_predict_ms": 3}, "max_predict_ms"),
        ({"target": "price", "features": ["nothing"]}, "features"),
        ({"target": "price", "features": ["price"]}, "features"),
        ({"target": "price", "features": []}, "features"),
        ({"target": "price", "features": ["age"], "ignore": ["age"]}, "features"),
        ({"target": "price", "ignore": ["nothing"]}, "ignore"),
        ({"target": "price", "ignore": "age"}, "ignore"),
        ({"time_budget_s": 4.9}, "time_budget_s"),
        ({"time_budget_s": 86_401}, "time_budget_s"),
        ({"time_budget_s": True}, "time_budget_s"),
        ({"time_budget_s": float("nan")}, "time_budget_s"),
        ({"seed": 1.5}, "seed"),
        ({"target": "price", "folds": 1}, "folds"),
        ({"cleaning": "none"}, "cleaning"),
        ({"weight_column": "age"}, "weight_column"),
        ({"target": "price", "weight_column": "nothing"}, "weight_column"),
        ({"target": "price", "weight_column": "plan"}, "weight_column"),
        ({"target": "price", "weight_column": "price"}, "weight_column"),
        ({"target": "price", "horizon": 3, "weight_column": "age"}, "weight_column"),
        ({"horizon": 3}, "horizon"),
        ({"target": "price", "task": "regression", "horizon": 3}, "horizon"),
        ({"target": "plan", "horizon": 3}, "horizon"),
        ({"target": "plan", "task": "forecast"}, "task"),
        ({"target": "price", "horizon": 0}, "horizon"),
        ({"target": "price", "horizon": 3, "metric": "r2"}, "metric"),
        ({"target": "price", "horizon": 3, "time_column": "price"}, "time_column"),
        ({"target": "price", "horizon": 3, "time_column": "active"}, "time_column"),
        ({"target": "price", "horizon": 3, "series_column": "joined"}, "series_column"),
        ({"target": "price", "horizon": 3, "series_column": "nothing"}, "series_column"),
        ({"target": "price", "horizon": 3, "known_ahead": ["plan", "price"]}, "known_ahead"),
        ({"target": "price", "horizon": 3, "known_ahead": "plan"}, "known_ahead"),
        (
            {"target": "price", "horizon": 3, "time_column": "age", "known_ahead": ["joined"]},
            "known_ahead",
        ),
        ({"target": "price", "horizon": 3, "features": ["age"]}, "features"),
        ({"target": "price", "horizon": 3, "split": "random"}, "split"),
        ({"target": "price", "task": "regression", "series_column": "plan"}, "series_column"),
    ],
)
def test_a_wrong_option_is_named(options, named):
    assert refused(**options).details["option"] == named


def test_a_split_by_time_needs_dates():
    with pytest.raises(BadOption, match="dates"):
        check_options(
            columns=[Column("x", "number").to_json(), Column("y", "number").to_json()],
            rows=9,
            options={"target": "y", "split": "time"},
        )


@pytest.mark.parametrize(
    ("options", "task", "metric"),
    [
        ({}, "clustering", "silhouette"),
        ({"target": "active"}, "binary", "roc_auc"),
        ({"target": "price", "task": "regression"}, "regression", "rmse"),
        (
            {"target": "price", "task": "regression", "metric": "neg_mean_absolute_error"},
            "regression",
            "mae",
        ),
        ({"target": "plan", "task": "multiclass"}, "multiclass", "log_loss"),
        ({"target": "plan"}, None, None),
        ({"target": "plan", "metric": "accuracy"}, None, "accuracy"),
    ],
)
def test_the_task_is_told_where_types_settle_it(options, task, metric):
    result = check(**options)
    assert (result["task"], result["metric"]) == (task, metric)


def test_a_forecast_runs_along_the_only_dates_or_asks_which():
    columns = [*COLUMNS, Column("left", "datetime").to_json()]
    options = {"target": "price", "task": "forecast"}
    with pytest.raises(BadOption, match="there are 2: name it in 'time_column'"):
        check_options(columns=columns, rows=9, options=options)
    assert check(**options)["task"] == "forecast"
    assert check(**options, time_column="age")["task"] == "forecast"


def test_checking_loads_nothing_heavy():
    code = (
        "import sys, app.analysis.automl.options; "
        "print([m for m in ('numpy', 'pandas', 'sklearn', 'lightgbm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
