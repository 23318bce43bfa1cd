"""Files to predict: some rows at a time, with the answers and warnings of the whole."""

import numpy as np
import pytest

from app.analysis.automl import files
from app.analysis.automl.files import read_file
from app.analysis.automl.rows import together, unseen_warning
from app.analysis.automl.serving import Predictor
from app.analysis.errors import BadRows
from tests.unit.automl.tables import customers, trained


@pytest.fixture(scope="module")
def churn():
    return Predictor(trained(*customers(260), target="left", time_budget_s=60).bundle)


@pytest.fixture
def read(churn, tmp_path):
    def read(frame, name="new"):
        source, out = tmp_path / f"{name}.csv", tmp_path / name
        out.mkdir()
        frame.to_csv(source, index=False)
        return read_file(churn, source, source.name, out, 10**9)

    return read


@pytest.fixture
def odd():
    frame = customers(730, seed=4)[0].drop(columns="left").assign(height=3)
    frame.loc[[5, 410, 720], "age"] = None
    frame.loc[[10, 11], "plan"] = "gold"
    frame.loc[300, "plan"] = "platinum"
    frame.loc[[600, 601, 602, 729], "plan"] = ["a", "b", "c", "d"]
    frame.loc[200:299, "spend"] = None
    return frame


def test_pieces_give_what_the_whole_gives(read, odd, monkeypatch):
    whole = read(odd, "whole")
    (expected,) = whole.outputs()
    monkeypatch.setattr(files, "CHUNK_ROWS", 100)
    found = read(odd, "pieces")
    outputs = list(found.outputs())
    assert [len(output) for output in outputs] == [100] * 7 + [30]
    np.testing.assert_allclose(np.concatenate(outputs), expected, rtol=1e-5)
    assert found.tally.to_json() == whole.tally.to_json()
    assert found.warnings == whole.warnings
    told = {warning["kind"]: warning for warning in found.warnings}
    assert len(told) == len(found.warnings) == 3
    assert told["missing_value"]["message"].startswith("3 rows have no value in 'age'")
    assert told["unseen_category"]["rows"] == 7
    assert told["unseen_category"]["message"].endswith("'gold', 'platinum', 'a', 'b', 'c' ….")


def test_answers_come_in_order_and_tables_in_pieces(read, odd, monkeypatch):
    expected = list(read(odd, "whole").answers())
    monkeypatch.setattr(files, "CHUNK_ROWS", 100)
    given = list(read(odd, "pieces").answers())
    assert [one["prediction"] for one in given] == [one["prediction"] for one in expected]
    assert [table.rows for table in read(odd, "tables").tables()] == [100] * 7 + [30]


def test_an_error_names_the_row_of_the_file(read, odd, monkeypatch):
    odd["age"] = odd["age"].astype(object)
    odd.loc[[250, 260], "age"] = "old"
    monkeypatch.setattr(files, "CHUNK_ROWS", 100)
    with pytest.raises(
        BadRows, match=r"^Row 250: 'old' is not a number .*\(2 such cells\)\.$"
    ) as e:
        list(read(odd).answers())
    assert [error["row"] for error in e.value.details["errors"]] == [250, 260]


def test_a_missing_column_is_an_error_of_the_first_row(read, odd, monkeypatch):
    monkeypatch.setattr(files, "CHUNK_ROWS", 100)
    with pytest.raises(BadRows, match=r"^Row 0: the required column 'age' is missing"):
        list(read(odd.drop(columns="age")).answers())


def test_what_is_added_to_a_warning_stays():
    one = unseen_warning("shop", ["a", "b"], 3)
    one["message"] += " They are foretold the mean of all series."
    both = together(one, unseen_warning("shop", ["b", "c"], 2))
    assert (both["rows"], both["values"]) == (5, ["a", "b", "c"])
    assert both["message"].endswith(
        "did not: 'a', 'b', 'c'. They are foretold the mean of all series."
    )
