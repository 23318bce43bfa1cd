"""Serving: rows are checked by the contract, answered as files are, and explained exactly."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.automl.cells import BadCell, as_moment, as_number, as_string
from app.analysis.automl.jobs import predict
from app.analysis.automl.serving import Predictor
from app.analysis.errors import BadRows
from app.analysis.progress import silent
from tests.unit.automl.tables import customers, numbers, run_job, trained

ROW = {
    "age": 30,
    "spend": 12.5,
    "plan": "basic",
    "joined": "2024-05-01",
    "newsletter": True,
    "note": "asked for a refund",
}


def fitted(table, **options) -> Predictor:
    frame, columns = table
    return Predictor(trained(frame, columns, time_budget_s=60, **options).bundle)


@pytest.fixture(scope="module")
def churn():
    return fitted(customers(260), target="left")


@pytest.fixture(scope="module")
def values():
    return fitted(numbers(260), target="y")


def kinds(answer):
    return [(w["kind"], w.get("column")) for w in answer["warnings"]]


def test_one_row_gives_label_and_probabilities(churn):
    answer = churn.predict_rows([ROW])
    assert answer["warnings"] == []
    (only,) = answer["predictions"]
    assert only["prediction"] in ("No", "Yes")
    assert set(only["probabilities"]) == {"No", "Yes"}
    assert sum(only["probabilities"].values()) == pytest.approx(1)


def test_a_regression_gives_an_interval_around_the_value(values):
    (only,) = values.predict_rows([{"x0": 1, "x1": 0.5, "x2": "0", "x3": 0}])["predictions"]
    interval = only["interval"]
    assert interval["low"] < only["prediction"] < interval["high"]
    assert interval["coverage"] == 0.9


def test_rows_and_frames_are_answered_alike(churn):
    frame, _ = customers(40, seed=3)
    frame = frame.drop(columns="left")
    output, warnings = churn.predict_frame(frame)
    rows = [
        {key: (None if pd.isna(v) else v) for key, v in row.items()}
        for row in frame.to_dict("records")
    ]
    answer = churn.predict_rows(rows)
    assert warnings == answer["warnings"] == []
    given = [p["probabilities"]["Yes"] for p in answer["predictions"]]
    np.testing.assert_allclose(given, output[:, 1], rtol=1e-5)


def test_rows_are_cleaned_as_the_training_rows_were(churn):
    steps = [
        {"rule": "trim_space", "column": "plan", "parameters": {}},
        {"rule": "drop_constant_columns", "column": "currency", "parameters": {}},
        {"rule": "drop_duplicate_rows", "column": None, "parameters": {}},
    ]
    cleaning = Predictor(replace(churn.bundle, cleaning_steps=steps))
    spaced = {**ROW, "plan": "  basic "}
    answer = cleaning.predict_rows([spaced, spaced])
    assert answer["warnings"] == []
    assert answer["predictions"] == churn.predict_rows([ROW, ROW])["predictions"]
    assert kinds(churn.predict_rows([spaced])) == [("unseen_category", "plan")]
    frame = customers(3)[0].assign(plan=" basic ").drop(columns="left")
    assert cleaning.predict_frame(frame)[1] == []
    assert len(cleaning.predict_frame(pd.concat([frame, frame]))[0]) == 6


def test_no_rows_are_refused(churn):
    with pytest.raises(BadRows, match="no rows"):
        churn.predict_rows([])
    with pytest.raises(BadRows, match="no rows"):
        churn.predict_frame(customers(3)[0].head(0))


def test_what_is_merely_odd_is_a_warning(churn):
    odd = {**ROW, "plan": "platinum", "height": 3}
    del odd["spend"]
    answer = churn.predict_rows([odd, ROW])
    assert len(answer["predictions"]) == 2
    assert kinds(answer) == [
        ("missing_column", "spend"),
        ("unseen_category", "plan"),
        ("extra_column", "height"),
    ]


def test_columns_of_the_training_file_that_are_not_used_surprise_nobody(churn):
    assert churn.predict_rows([{**ROW, "customer": "C1", "left": "No"}])["warnings"] == []


def test_a_missing_value_where_training_had_none_is_warned_of(churn):
    assert kinds(churn.predict_rows([{**ROW, "age": None}])) == [("missing_value", "age")]
    assert kinds(churn.predict_rows([{**ROW, "spend": None}])) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("age", "old"),
        ("age", 30.5),
        ("age", True),
        ("age", [1]),
        ("spend", "a lot"),
        ("joined", "yesterday"),
        ("joined", 5),
        ("newsletter", "perhaps"),
        ("newsletter", 2),
        ("plan", {"a": 1}),
        ("note", ["x"]),
    ],
)
def test_a_value_that_cannot_be_its_columns_type_names_row_and_column(churn, column, value):
    with pytest.raises(BadRows) as caught:
        churn.predict_rows([ROW, {**ROW, column: value}])
    (error,) = caught.value.details["errors"]
    assert (error["row"], error["column"]) == (1, column)
    assert "Row 1" in caught.value.message


def test_a_missing_required_column_names_row_and_column(churn):
    without = {key: value for key, value in ROW.items() if key != "age"}
    with pytest.raises(BadRows) as caught:
        churn.predict_rows([ROW, without])
    assert caught.value.details["errors"] == [
        {"row": 1, "column": "age", "message": "the required column 'age' is missing"}
    ]
    with pytest.raises(BadRows, match="'age' is missing"):
        churn.predict_frame(customers(5)[0].drop(columns="age"))


def test_a_row_that_is_no_object_is_refused(churn):
    with pytest.raises(BadRows, match="object"):
        churn.predict_rows([3])  # type: ignore[list-item]


def test_at_most_fifty_errors_are_listed(churn):
    with pytest.raises(BadRows) as caught:
        churn.predict_rows([{**ROW, "age": "x"}] * 80)
    assert len(caught.value.details["errors"]) == 50
    assert "80 such cells" in caught.value.message


def test_reasons_sum_to_the_predicted_probability(churn):
    (only,) = churn.predict_rows([ROW], explain=True)["predictions"]
    reasons = only["explanation"]
    total = reasons["base"] + sum(c["contribution"] for c in reasons["contributions"])
    assert reasons["scale"] == f"probability of {only['prediction']}"
    assert total == pytest.approx(only["probabilities"][only["prediction"]], abs=1e-6)
    assert {c["feature"] for c in reasons["contributions"]} == set(ROW)


def test_reasons_sum_to_the_predicted_value_and_know_what_matters(values):
    (only,) = values.predict_rows([{"x0": 2.0, "x1": 0, "x2": 0, "x3": 0}], explain=True)[
        "predictions"
    ]
    reasons = only["explanation"]
    total = reasons["base"] + sum(c["contribution"] for c in reasons["contributions"])
    assert total == pytest.approx(only["prediction"], rel=1e-6)
    assert reasons["contributions"][0]["feature"] == "x0"
    assert reasons["contributions"][0]["contribution"] > 0


def test_many_columns_share_what_is_left():
    frame, columns = numbers(80, features=60)
    predictor = fitted((frame, columns), target="y")
    row = {name: 0.1 for name in frame.columns if name != "y"}
    (only,) = predictor.predict_rows([row], explain=True)["predictions"]
    reasons = only["explanation"]["contributions"]
    assert len(reasons) == 25
    assert "(other columns)" in {c["feature"] for c in reasons}
    total = only["explanation"]["base"] + sum(c["contribution"] for c in reasons)
    assert total == pytest.approx(only["prediction"], rel=1e-5)


def test_a_file_is_predicted_row_by_row_in_order(tmp_path):
    frame, columns = customers(200)
    facts = run_job(frame, columns, tmp_path, target="left", time_budget_s=60)
    source, out = tmp_path / "new.csv", tmp_path / "out.csv"
    fresh = customers(30, seed=4)[0].drop(columns="left")
    fresh.loc[2, "plan"] = "platinum"
    fresh.to_csv(source, index=False)
    done = predict(
        model=str(tmp_path / "model.joblib"),
        source=str(source),
        filename="new.csv",
        out=str(out),
        proba=True,
        sha256=facts["sha256"],
        progress=silent,
    )
    table = pd.read_csv(out)
    assert done["rows"] == len(table) == 30
    assert list(table) == ["prediction", "probability_No", "probability_Yes"]
    assert ("unseen_category", "plan") in [(w["kind"], w.get("column")) for w in done["warnings"]]
    winner = np.where(table["probability_Yes"] > 0.5, "Yes", "No")
    assert (table["prediction"] == winner).all()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_read_as_they_are_written(value):
    assert as_number(value, "number") == value
    assert as_number(repr(value), "number") == value


def test_moments_are_utc():
    assert as_moment("1970-01-02") == 86_400
    assert as_moment("1970-01-01T01:00:00+01:00") == 0
    assert as_moment("1969-12-31T23:59:59Z") == -1
    with pytest.raises(BadCell):
        as_moment("31.12.1999")


def test_strings_are_spelled_as_files_spell_them():
    assert [as_string(v) for v in (True, 3.0, 2.5, 7, "x")] == ["true", "3", "2.5", "7", "x"]
