"""Features: learned from training rows alone, complete in the dense view, honest about the target."""

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl.features.categories import CategoryCodes, TargetMeans
from app.analysis.automl.features.dates import TIMED_PARTS, date_parts
from app.analysis.automl.features.numbers import NumberScaler
from app.analysis.automl.features.space import FeatureSpace
from app.analysis.automl.features.table import MISSING, UNSEEN, lay_out, read_frame
from tests.unit.automl.tables import customers


@pytest.fixture
def space_and_table():
    frame, columns = customers(200)
    used = [c for c in columns if c.name not in ("customer", "country", "left")]
    layout = lay_out(frame, used)
    table = read_frame(frame, layout)
    target = (frame["left"] == "Yes").to_numpy(float)[:, None]
    return FeatureSpace.fit(layout, table, target, 0), table


def test_every_feature_has_an_owner_and_one_row_reads_as_many(space_and_table):
    space, table = space_and_table
    for name in ("tree", "dense"):
        whole = space.view(name, table)
        assert whole.shape == (200, len(space.owners(name)))
        assert whole.dtype == np.float32
        one = space.view(name, table.take(np.array([7])))
        np.testing.assert_allclose(one[0], whole[7], rtol=1e-5, atol=1e-6)


def test_the_dense_view_is_complete_and_the_tree_view_keeps_what_is_missing(space_and_table):
    space, table = space_and_table
    assert np.isfinite(space.view("dense", table)).all()
    spend = space.owners("tree").index("spend")
    assert np.isnan(space.view("tree", table)[:, spend]).any()


def test_encoders_learn_nothing_from_other_rows():
    frame, columns = customers(200)
    used = [c for c in columns if c.name in ("age", "spend", "plan")]
    layout = lay_out(frame, used)
    table = read_frame(frame, layout)
    train = table.take(np.arange(100))
    space = FeatureSpace.fit(layout, train, np.empty((100, 0)), 0)
    before = space.view("dense", table.take(np.arange(5)))
    frame.loc[100:, ["age", "spend"]] *= 1_000
    changed = read_frame(frame, layout)
    again = FeatureSpace.fit(layout, changed.take(np.arange(100)), np.empty((100, 0)), 0)
    np.testing.assert_array_equal(before, again.view("dense", changed.take(np.arange(5))))


def test_an_infinite_number_counts_as_missing():
    frame, columns = customers(20)
    frame.loc[3, "spend"] = np.inf
    table = read_frame(frame, lay_out(frame, [c for c in columns if c.name == "spend"]))
    assert np.isnan(table.numbers[3, 0])


def test_unseen_and_missing_categories_have_codes_of_their_own():
    codes = CategoryCodes.fit(np.array([0, 0, 1, MISSING]), vocabulary=3)
    assert codes.transform(np.array([0, 1, MISSING])).tolist() == [0, 1, 2]
    assert codes.transform(np.array([2, UNSEEN])).tolist() == [-1, -1]
    assert codes.one_hot(np.array([0, -1])).tolist() == [[1, 0, 0], [0, 0, 0]]


def test_target_means_of_training_rows_do_not_know_their_own_target():
    rng = np.random.default_rng(0)
    codes = rng.permutation(np.repeat(np.arange(150), 2))
    target = rng.integers(0, 2, (300, 1)).astype(float)
    means = TargetMeans.fit(codes, 150, target, 0)
    own = np.corrcoef(means.transform(codes)[:, 0], target[:, 0])[0, 1]
    honest = np.corrcoef(means.training[:, 0], target[:, 0])[0, 1]
    assert own > 0.5
    assert abs(honest) < 0.2


def test_dates_become_calendar_parts():
    stamps = pd.to_datetime(["2024-02-29 13:30", "1969-12-31 23:00"]).astype("datetime64[us]")
    seconds = stamps.astype("int64").to_numpy() / 1e6
    parts = date_parts(np.append(seconds, np.nan), timed=True)
    leap = dict(zip(TIMED_PARTS, parts[0], strict=True))
    assert (leap["year"], leap["month"], leap["day"], leap["weekday"]) == (2024, 1, 29, 3)
    assert (leap["yearday"], leap["hour"]) == (59, 13)
    before = dict(zip(TIMED_PARTS, parts[1], strict=True))
    assert (before["year"], before["month"], before["day"], before["hour"]) == (1969, 11, 31, 23)
    assert np.isnan(parts[2]).all()


def test_skewed_numbers_become_normal_scores_and_wild_ones_are_bent_in():
    rng = np.random.default_rng(0)
    values = np.exp(rng.normal(size=(2_000, 1)) * 2)
    scaler = NumberScaler.fit(values)
    scaled = scaler.transform(values)
    assert abs(float(scaled.mean())) < 0.05
    assert abs(float(scaled.std()) - 1) < 0.05
    assert abs(float(scaler.transform(np.array([[1e9]]))[0, 0])) < 5


def test_a_column_without_any_value_becomes_zeros():
    scaler = NumberScaler.fit(np.full((5, 1), np.nan))
    assert scaler.transform(np.full((2, 1), np.nan)).tolist() == [[0.0], [0.0]]
