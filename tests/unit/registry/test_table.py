"""Predictions as CSV."""

import csv
import io
from typing import Any

from app.registry.table import csv_chunks


def read(predictions: list[dict[str, Any]]) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(csv_chunks(predictions)))))


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
    predictions = [{"prediction": -1.5, "interval": {"low": -2.0, "high": -1.0}, "explanation": [{"a": 1}]}]
    assert read(predictions) == [["prediction", "low", "high"], ["-1.5", "-2.0", "-1.0"]]


def test_labels_that_a_spreadsheet_would_run_are_neutralised() -> None:
    labels = ["=1+1", "+1", "-1", "@x", "\tx", 'a "b", c', "plain"]
    rows = read([{"prediction": label} for label in labels])[1:]
    assert [row[0] for row in rows] == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", 'a "b", c', "plain"]


def test_no_prediction_makes_no_line() -> None:
    assert read([]) == []
