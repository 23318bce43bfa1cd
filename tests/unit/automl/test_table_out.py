"""Predictions as CSV."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from app.analysis.automl.table_out import csv_lines


def read(predictions: Iterable[dict[str, Any]], **chosen: bool) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(csv_lines(predictions, **chosen)))))


def test_a_class_has_one_column_of_probabilities() -> None:
    predictions = [
        {"prediction": "Yes", "probabilities": {"No": 0.25, "Yes": 0.75}},
        {"prediction": "No", "probabilities": {"No": 1.0, "Yes": 0.0}},
    ]
    assert read(predictions) == [
        ["prediction", "probability_No", "probability_Yes"],
        ["Yes", "0.25", "0.75"],
        ["No", "1.0", "0.0"],
    ]


def test_an_interval_has_two_columns() -> None:
    predictions = [
        {"prediction": -1.5, "interval": {"low": -2.0, "high": -1.0}, "explanation": [{"a": 1}]}
    ]
    assert read(predictions) == [["prediction", "low", "high"], ["-1.5", "-2.0", "-1.0"]]


def test_a_row_whose_interval_is_not_known_leaves_its_cells_empty() -> None:
    known = {"prediction": 2.0, "interval": {"low": 1.0, "high": 3.0}}
    assert read([{"prediction": 1.0}, known]) == [
        ["prediction", "low", "high"],
        ["1.0", "", ""],
        ["2.0", "1.0", "3.0"],
    ]


def test_many_answers_have_one_header_and_keep_their_order() -> None:
    rows = read({"prediction": float(i)} for i in range(2_500))
    assert rows == [["prediction"], *([f"{i}.0"] for i in range(2_500))]


def test_labels_that_a_spreadsheet_would_run_are_neutralised() -> None:
    labels = ["=1+1", "+1", "-1", "@x", "\tx", 'a "b", c', "plain"]
    rows = read([{"prediction": label} for label in labels])[1:]
    assert [row[0] for row in rows] == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", 'a "b", c', "plain"]


def test_no_prediction_makes_no_line() -> None:
    assert read([]) == []


def test_the_plain_table_has_one_column() -> None:
    answers = [
        {"prediction": 1.0, "interval": {"low": 0.0, "high": 2.0}},
        {"prediction": 2.0, "interval": {"low": 1.0, "high": 3.0}},
    ]
    assert read(answers, proba=False, intervals=False) == [["prediction"], ["1.0"], ["2.0"]]
    assert read([{"prediction": "a", "probabilities": {"a": 1.0}}], proba=False)[0] == [
        "prediction"
    ]
