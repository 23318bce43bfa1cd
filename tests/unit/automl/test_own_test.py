"""A test set of the user's own judges once, and teaches nothing."""

import numpy as np
import pytest

from app.analysis.errors import BadOption
from app.analysis.schema import Column, columns_to_json
from tests.unit.automl.tables import customers, numbers, run_job


def judged_by(folder, table, test, **options):
    frame, columns = test
    source = folder / "test.parquet"
    frame.to_parquet(source, index=False)
    given = {"source": str(source), "columns": columns_to_json(columns)}
    asked = {"time_budget_s": 60, "test_dataset_id": "its id", **options}
    return run_job(*table, folder, test=given, **asked)


def test_it_judges_in_the_place_of_a_holdout(tmp_path):
    facts = judged_by(tmp_path, customers(260), customers(90, seed=5), target="left")
    assert (facts["holdout_rows"], facts["train_rows"]) == (90, 260)
    assert 0.55 < facts["metrics"]["roc_auc"] < 1
    notes = " ".join(facts["notes"])
    assert "90 rows of the test set judge once at the end" in notes
    assert "a test set of their own judges" in notes
    assert facts["importance"][0]["value"] > 0


def test_it_teaches_nothing(tmp_path):
    """A test set whose target is turned round is judged as wrong as that."""
    frame, columns = customers(200, seed=5)
    frame["left"] = np.where(frame["left"] == "Yes", "No", "Yes")
    facts = judged_by(tmp_path, customers(260), (frame, columns), target="left")
    assert facts["metrics"]["roc_auc"] < 0.4


def test_numbers_and_strange_rows(tmp_path):
    test = customers(90, seed=5)
    test[0].loc[:3, "left"] = None
    test[0].loc[4:5, "left"] = "Perhaps"
    facts = judged_by(tmp_path, customers(260), test, target="left")
    assert facts["holdout_rows"] == 84
    notes = " ".join(facts["notes"])
    assert "4 rows of the test set have no value in the target" in notes
    assert "2 rows of the test set are of a class that training lacks" in notes
    assert judged_by(tmp_path, numbers(200), numbers(50, seed=2), target="y")["metrics"]["r2"] > 0.5


def test_a_value_beyond_single_floats_does_not_judge(tmp_path):
    test = numbers(50, seed=2)
    test[0].loc[3, "y"] = 1e100
    facts = judged_by(tmp_path, numbers(200), test, target="y")
    assert facts["holdout_rows"] == 49
    assert facts["metrics"]["r2"] > 0.5


def test_classes_that_are_numbers_are_compared_by_value(tmp_path):
    (frame, columns), (rows, _) = customers(260), customers(90, seed=5)
    for table in (frame, rows):
        table["left"] = table["left"].map({"Yes": 1.0, "No": 0.5})
    columns = [*columns[:-1], Column("left", "number")]
    ones = rows[rows["left"] == 1].reset_index(drop=True)
    facts = judged_by(tmp_path, (frame, columns), (ones, columns), target="left")
    assert facts["holdout_rows"] == len(ones)


def test_what_does_not_fit_is_told(tmp_path):
    frame, columns = customers(90, seed=5)
    for wrong, why in (
        (frame.drop(columns="age"), "lacks 'age'"),
        (frame.assign(age=["old"] * 90), "'age' does not hold numbers"),
        (frame.assign(joined=["late"] * 90), "'joined' does not hold dates"),
        (frame.assign(left=[None] * 90), "No row of it"),
    ):
        kept = [c for c in columns if c.name in wrong]
        with pytest.raises(BadOption, match=why) as caught:
            judged_by(tmp_path, customers(260), (wrong, kept), target="left")
        assert caught.value.details["option"] == "test_dataset_id"


def test_named_but_not_given(tmp_path):
    with pytest.raises(BadOption, match="not given"):
        run_job(*customers(60), tmp_path, target="left", test_dataset_id="its id")
