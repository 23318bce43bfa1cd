"""The target's task, its reason, its labels, and the tables that are hopeless."""

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl.options import RunOptions
from app.analysis.automl.target import TRUTH, places_of, read_target
from app.analysis.errors import BadOption, HopelessTable
from app.analysis.schema import Column


def read(values, kind, words=TRUTH, **options):
    series = values if isinstance(values, pd.Series) else pd.Series(values)
    frame = pd.DataFrame({"t": series})
    return read_target(frame, Column("t", kind), RunOptions(target="t", **options), words)


@pytest.mark.parametrize(
    ("values", "kind", "task"),
    [
        (["a", "b"] * 10, "categorical", "binary"),
        (["a", "b", "c"] * 10, "categorical", "multiclass"),
        ([0, 1] * 10, "integer", "binary"),
        ([1, 2, 3] * 10, "integer", "multiclass"),
        (list(range(40)), "integer", "regression"),
        ([0.5, 1.25, 3.0] * 10, "number", "regression"),
    ],
)
def test_auto_settles_the_task_and_says_why(values, kind, task):
    target = read(values, kind)
    assert target.task == task
    assert "'t'" in target.reason


def test_the_task_can_be_asked_for():
    assert read([1, 2, 3] * 10, "integer", task="regression").task == "regression"


def test_labels_stay_spelled_as_in_the_file():
    assert read(["No", "Yes", "No"] * 5, "categorical").labels == ("No", "Yes")
    assert read([1, 2, 7] * 5, "integer").labels == (1, 2, 7)
    assert read([1.0, 2.0, np.nan, 7.0] * 5, "integer").labels == (1, 2, 7)
    assert read([True, False, True] * 5, "boolean").labels == ("false", "true")
    spelled = read(pd.Series([True, None, False] * 5, dtype=object), "boolean", ("FALSE", "TRUE"))
    assert spelled.labels == ("FALSE", "TRUE")
    assert spelled.positive == "TRUE"


@pytest.mark.parametrize(
    ("values", "positive"),
    [(["no", "yes", "yes"] * 5, "yes"), (["good", "bad", "good"] * 5, "bad"), ([0, 1, 1] * 5, 1)],
)
def test_the_positive_class_reads_like_a_yes_or_is_the_rarer(values, positive):
    target = read(values, "categorical" if isinstance(values[0], str) else "integer")
    assert target.positive == positive
    assert any("positive class" in note for note in target.notes)


def test_the_positive_class_can_be_asked_for():
    assert read([0, 1] * 9, "integer", positive_class="0").positive == 0
    assert read([True, False] * 9, "boolean", positive_class=False).positive == "false"
    with pytest.raises(BadOption, match="no class 'x'"):
        read(["a", "b"] * 9, "categorical", positive_class="x")


def test_rows_without_a_target_are_left_out_and_told():
    target = read(pd.Series(["a", None, "b", "a", None, "b"], dtype=object), "categorical")
    assert target.rows.tolist() == [0, 2, 3, 5]
    assert target.notes[0].startswith("2 rows have no value in the target")


@pytest.mark.parametrize(
    ("labels", "values", "places", "strange"),
    [
        ((0.5, 1.0), pd.Series([1, 1, 2]), [1, 1, None], {"2": 1}),
        ((0.5, 1.0), pd.Series(["0.50", " 1", "x", None]), [0, 1, None, None], {"x": 1}),
        ((0, 1), pd.Series([1.0, 0.5, np.inf]), [1, None, None], {"0.5": 1}),
        (("a", "b"), pd.Series([" A", "b", "c", "c"]), [0, 1, None, None], {"c": 2}),
        (("a", "A"), pd.Series(["A", "a ", "a"]), [1, None, 0], {"a ": 1}),
        (("1", "01"), pd.Series(["01", "1", "1.0"]), [1, 0, None], {"1.0": 1}),
    ],
)
def test_classes_are_found_again(labels, values, places, strange):
    found, others = places_of(values, labels)
    assert [None if np.isnan(place) else place for place in found] == places
    assert others == strange


def test_an_infinite_target_counts_as_missing():
    assert read([1.5, np.inf, 2.5, 3.5, 4.5], "number").rows.tolist() == [0, 2, 3, 4]


def test_a_class_with_one_row_is_left_out_and_told():
    target = read(["a", "b"] * 8 + ["c"], "categorical")
    assert target.labels == ("a", "b")
    assert target.task == "binary"
    assert any("'c'" in note for note in target.notes)


@pytest.mark.parametrize(
    ("values", "kind", "sentence"),
    [
        ([None] * 9, "categorical", "no values"),
        (["a"] * 9, "categorical", "one value only"),
        ([1.5, 2.5], "number", "Only 2 rows"),
        ([f"k{i}" for i in range(30)], "id", "Nearly every value"),
    ],
)
def test_a_hopeless_target_is_one_sentence(values, kind, sentence):
    with pytest.raises(HopelessTable, match=sentence):
        read(pd.Series(values, dtype=object if kind != "number" else float), kind)


def test_too_many_classes_are_refused():
    values = [f"c{i // 2}" for i in range(2_400)]
    with pytest.raises(HopelessTable, match="1,200 classes"):
        read(values, "categorical")


def test_binary_needs_two_values():
    with pytest.raises(BadOption, match="has 3"):
        read(["a", "b", "c"] * 5, "categorical", task="binary")
