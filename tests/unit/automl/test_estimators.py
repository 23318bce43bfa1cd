"""Every estimator keeps the same small promise: fit, predict, size, price, and pickle."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from app.analysis.automl.budget import OutOfTime
from app.analysis.automl.estimators import linear
from app.analysis.automl.estimators.base import Circumstances, Fitting, Shape
from app.analysis.automl.estimators.boosted_linear import BoostedLinear
from app.analysis.automl.estimators.boosting import Boosting, round_price, round_row_price
from app.analysis.automl.estimators.linear import Logistic, Ridge
from app.analysis.automl.estimators.linear_leaves import LinearLeaves
from app.analysis.automl.estimators.mlp import Dropout, Layers, Network, epochs_of
from app.analysis.automl.estimators.trees import FlatTrees
from app.analysis.automl.features.space import FeatureSpace
from app.analysis.automl.features.table import lay_out, read_frame
from app.analysis.automl.metrics import log_loss, rmse
from app.analysis.automl.portfolio import (
    MOST_ROW_S,
    Facts,
    applicable,
    load_portfolio,
    pace,
    within,
)
from app.analysis.schema import Column
from tests.unit.automl.tables import customers, numbers

SMALL = Shape(180, 8, 20, 2, 4.0)
HOW = Circumstances(seed=0, threads=1)


def fitting(task, rows=240):
    frame, columns = numbers(rows) if task == "regression" else customers(rows)
    used = [c for c in columns if c.name not in ("y", "left", "customer", "country")]
    layout = lay_out(frame, used)
    table = read_frame(frame, layout)
    if task == "regression":
        y = frame["y"].to_numpy()
    elif task == "binary":
        y = (frame["left"] == "Yes").to_numpy(int)
    else:
        y = frame["age"].to_numpy() // 20
    outputs = 1 if task == "regression" else int(y.max()) + 1
    inside, outside = np.arange(0, rows * 3 // 4), np.arange(rows * 3 // 4, rows)
    train = table.take(inside)
    space = FeatureSpace.fit(layout, train, np.empty((train.rows, 0)), 0)
    return Fitting(task, space, train, y[inside], outputs, table.take(outside), y[outside])


def entries(task):
    facts = Facts(task, 180, 4, skewed=True, metric="rmse" if task == "regression" else "log_loss")
    shape = SMALL
    return [within(entry, shape, 1e9) for entry in applicable(load_portfolio(), facts)[0]]


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_every_entry_of_the_portfolio_fits_predicts_and_survives_a_pickle(task):
    data = fitting(task)
    for entry in entries(task):
        estimator = entry.make(task)
        estimator.params.update({"max_rounds": 30} if entry.boosts else {})
        estimator.params.update({"epochs": 4} if entry.kind == "network" else {})
        estimator.fit(data, HOW)
        matrix = data.valid_view(estimator.view)
        prediction = estimator.predict(matrix)
        assert np.isfinite(prediction).all(), entry.name
        if task == "regression":
            assert prediction.shape == (60,)
        else:
            assert prediction.shape == (60, data.outputs)
            np.testing.assert_allclose(prediction.sum(axis=1), 1, atol=1e-5)
        again = pickle.loads(pickle.dumps(estimator))
        np.testing.assert_allclose(again.predict(matrix), prediction, rtol=1e-6, atol=1e-9)
        assert estimator.size_bytes > 0
        assert estimator.row_price > 0
        assert estimator.usage().shape == (matrix.shape[1],)
        assert (estimator.usage() >= 0).all()
        assert estimator.work > 0
        assert entry.estimator.estimate(SMALL, entry.params) > 0


@pytest.mark.parametrize("name", ["Ridge regression", "LightGBM", "Neural network"])
def test_learning_beats_the_baseline(name):
    data = fitting("regression", rows=600)
    entry = next(e for e in entries("regression") if e.name == name)
    estimator = entry.make("regression")
    estimator.fit(data, HOW)
    error = rmse(data.valid_y, estimator.predict(data.valid_view(estimator.view)))
    assert error < 0.7 * np.std(data.valid_y)


def sloped(task, rows=2_400):
    """A target that is a slope in one column, and a step in another."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(0, 3, rows), "z": rng.normal(0, 1, rows)})
    used = [Column("x", "number"), Column("z", "number")]
    value = (1.5 * frame["x"] + 5 * (frame["z"] > 0.5)).to_numpy()
    if task == "regression":
        y = value + rng.normal(0, 0.05, rows)
    else:
        y = (rng.random(rows) < 1 / (1 + np.exp(1 - value))).astype(int)
    layout = lay_out(frame, used)
    table, cut = read_frame(frame, layout), rows * 3 // 4
    train, valid = table.take(np.arange(cut)), table.take(np.arange(cut, rows))
    space = FeatureSpace.fit(layout, train, np.empty((cut, 0)), 0)
    outputs = 1 if task == "regression" else 2
    return Fitting(task, space, train, y[:cut], outputs, valid, y[cut:])


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_trees_on_a_linear_model_beat_both(task):
    data = sloped(task)
    steps = {**pace(0.05, SMALL, 8), "num_leaves": 8, "min_data_in_leaf": 10}
    linear = {"alphas": [1e-4, 1e-2]} if task == "regression" else {"strengths": [0.3, 3, 30]}
    plain = Ridge if task == "regression" else Logistic
    made = [
        plain(task, linear),
        Boosting(task, steps),
        BoostedLinear(task, {**steps, "linear": linear}),
    ]
    errors = []
    for estimator in made:
        estimator.fit(data, HOW)
        prediction = estimator.predict(data.valid_view(estimator.view))
        measure = rmse if task == "regression" else log_loss
        errors.append(measure(data.valid_y, prediction))
    assert errors[2] < min(errors[:2])
    if task == "regression":
        leaves = LinearLeaves(task, {**steps, "linear_lambda": 0.1})
        leaves.fit(data, HOW)
        assert rmse(data.valid_y, leaves.predict(data.valid_view("tree"))) < min(errors[:2])
    settled = made[2].settled(made[2:], 1.2)
    assert settled["rounds"] == pytest.approx(1.2 * made[2].rounds, abs=1)
    again = BoostedLinear(task, settled)
    again.fit(data, HOW)
    assert np.isfinite(again.predict(data.view("both"))).all()


def test_a_class_that_a_fold_lacks_gets_no_probability():
    data = fitting("multiclass")
    keep = np.flatnonzero(data.y != 1)
    train = data.train.take(keep)
    fold = Fitting(
        "multiclass",
        FeatureSpace.fit(data.space.layout, train, np.empty((train.rows, 0)), 0),
        train,
        data.y[keep],
        data.outputs,
    )
    for entry in entries("multiclass"):
        if entry.kind in ("logistic", "tree", "forest"):
            estimator = entry.make("multiclass")
            estimator.fit(fold, HOW)
            prediction = estimator.predict(fold.view(estimator.view))
            assert prediction.shape[1] == data.outputs
            assert prediction[:, 1].max() == 0


def test_the_same_seed_boosts_the_same_model():
    models = []
    for threads in (1, 2):
        estimator = Boosting("binary", {**pace(0.1, SMALL, 8), "num_leaves": 8, "max_rounds": 40})
        estimator.fit(fitting("binary"), Circumstances(seed=3, threads=threads))
        models.append(estimator.predict(fitting("binary").view("tree")))
    np.testing.assert_array_equal(models[0], models[1])


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_many_rows_are_predicted_as_each_of_them_alone(task):
    data = fitting(task)
    plain = Boosting(task, {"learning_rate": 0.05, "num_leaves": 5, "rounds": 300})
    kinds = [plain]
    if task == "regression":
        kinds.append(LinearLeaves(task, {**plain.params, "linear_lambda": 1.0}))
    for estimator in kinds:
        estimator.fit(data, HOW)
        matrix = np.tile(data.valid_view("tree"), (20, 1))
        together, alone = estimator.predict(matrix), estimator.predict(matrix[:60])
        np.testing.assert_allclose(together[:60], alone, rtol=1e-9)
        np.testing.assert_array_equal(together[:60], together[-60:])


def test_boosting_stops_early_and_settles_on_the_mean_round_grown_with_the_rows():
    data = fitting("binary", rows=400)
    estimator = Boosting(
        "binary", {**pace(0.1, SMALL, 31), "num_leaves": 31, "min_data_in_leaf": 2}
    )
    estimator.fit(data, HOW)
    assert estimator.rounds < estimator.booster.current_iteration() < 1_200
    settled = estimator.settled([estimator, estimator], growth=1.5)
    assert settled["rounds"] == round(1.5 * estimator.rounds)
    assert "patience" not in settled


def test_a_fit_without_time_says_so():
    late = Circumstances(seed=0, threads=1, expired=lambda: True)
    for estimator in (
        Boosting("binary", {**pace(0.1, SMALL, 8), "num_leaves": 8}),
        Network("binary", {"hidden": [8], "lr": 0.04, "epochs": 40}),
    ):
        with pytest.raises(OutOfTime):
            estimator.fit(fitting("binary"), late)


def test_flat_trees_answer_as_scikit_learn_does_missing_values_included():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    forest = ExtraTreesRegressor(20, random_state=0).fit(x, rng.normal(size=300))
    flat = FlatTrees.of([tree.tree_ for tree in forest.estimators_])
    np.testing.assert_allclose(flat.predict(x)[:, 0], forest.predict(x), rtol=1e-5)


def test_ridge_solves_wide_and_tall_tables_alike():
    data = fitting("regression", rows=120)
    tall, wide = (Ridge("regression", {"alphas": [0.1]}) for _ in range(2))
    tall.fit(data, HOW)
    x, y = data.view("dense").astype(float), data.y
    centred = x - x.mean(axis=0)
    expected = np.linalg.solve(
        centred.T @ centred + 0.1 * len(y) * np.eye(x.shape[1]), centred.T @ (y - y.mean())
    )
    np.testing.assert_allclose(tall.weights, expected, rtol=1e-6, atol=1e-9)
    noise = np.random.default_rng(0).normal(size=(len(y), 300)).astype(np.float32)
    data._views["dense", False] = np.hstack([data.view("dense"), noise])
    data.valid = None
    wide.fit(data, HOW)
    assert wide.weights.shape == (x.shape[1] + 300,)
    assert rmse(y, wide.predict(data.view("dense"))) < rmse(y, np.full(len(y), y.mean()))


def test_the_network_learns_a_curve_that_a_line_cannot():
    rng = np.random.default_rng(0)
    frame, columns = numbers(800, features=2)
    frame["y"] = np.sin(2 * frame["x0"]) + 0.05 * rng.normal(size=800)
    layout = lay_out(frame, columns[:2])
    table = read_frame(frame, layout)
    y = frame["y"].to_numpy()
    space = FeatureSpace.fit(layout, table, np.empty((800, 0)), 0)
    data = Fitting("regression", space, table, y, 1)
    network = Network("regression", {"hidden": [32, 32], "lr": 0.07, "epochs": 60})
    network.fit(data, HOW)
    assert rmse(y, network.predict(data.view("dense"))) < 0.3


def test_a_network_that_was_best_early_is_planned_to_be_fitted_again_only_so_far():
    data = fitting("binary")
    network = Network("binary", {"hidden": [32, 32], "lr": 0.1, "epochs": 60})
    network.fit(data, HOW)
    assert network.epoch < 30  # few rows: it knows them by heart long before the end
    again = Network("binary", network.settled([network], 1.0))
    again.fit(replace(data, valid=None, valid_y=None), HOW)
    assert network.useful_work == pytest.approx(again.work, rel=1e-6)
    assert network.useful_work < 0.5 * network.work


def test_dropout_drops_about_its_share_of_units_and_makes_up_for_them():
    mask = Dropout(0.25, np.random.default_rng(0)).mask((400, 100))
    assert 0.24 < np.mean(mask == 0) < 0.26
    assert np.mean(mask) == pytest.approx(1, abs=0.02)
    assert set(np.unique(mask)) == {0, np.float32(256 / 192)}
    assert Dropout(0.0, np.random.default_rng(0)).mask((4, 4)) is None


def test_a_network_takes_the_gradient_of_what_it_computed_dropped_units_included():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(64, 5)).astype(np.float32)
    wanted = rng.normal(size=(64, 1)).astype(np.float32)

    def layers():
        made = Layers.start([5, 16, 16, 1], np.random.default_rng(1))
        made.weights[-1][:] = np.random.default_rng(2).normal(size=(16, 1))
        return made

    def loss(made):
        out = made.forward(inputs, remember=True, dropout=Dropout(0.3, np.random.default_rng(3)))
        return float(np.mean((out - wanted) ** 2)), 2 * (out - wanted) / out.size

    for kind, place in (("weights", (0, (2, 3))), ("weights", (1, (4, 5))), ("biases", (0, (7,)))):
        made = layers()
        parameter = getattr(made, kind)[place[0]]
        before, (_, gradient) = float(parameter[place[1]]), loss(made)
        # A first step of Adam goes against the gradient's sign, by the rate.
        made.step(gradient, 1e-3)
        moved = np.sign(float(parameter[place[1]]) - before)
        ends = []
        for change in (-0.02, 0.02):
            other = layers()
            getattr(other, kind)[place[0]][place[1]] += change
            ends.append(loss(other)[0])
        slope = ends[1] - ends[0]
        assert abs(slope) > 1e-5
        assert moved == -np.sign(slope)


def test_weights_decay_beside_the_gradient_and_biases_do_not():
    layers = Layers.start([3, 8, 1], np.random.default_rng(0))
    layers.biases[0][:] = 1
    before = layers.copy()
    out = layers.forward(np.ones((4, 3), np.float32), remember=True)
    layers.step(np.zeros_like(out), rate=0.5, decay=0.1)
    np.testing.assert_allclose(layers.weights[0], 0.95 * before.weights[0], rtol=1e-6)
    np.testing.assert_allclose(layers.biases[0], before.biases[0])


def test_few_rows_are_passed_more_often_and_a_network_in_a_hurry_passes_less_often():
    entry = next(e for e in load_portfolio() if e.kind == "network")
    few, many = (epochs_of(rows, entry.params) for rows in (600, 60_000))
    assert 256 >= few > many == 32
    shape = Shape(1_800, 10, 12, 2)
    full = within(entry, shape, 1e6)
    price = full.estimator.estimate(shape, full.params)
    hasty = within(entry, shape, price / 3)
    assert full.params["epochs"] / 4 <= hasty.params["epochs"] <= full.params["epochs"] / 3
    assert within(entry, shape, price / 20) is None


def test_a_tree_is_priced_by_the_levels_that_rows_pass_in_it():
    data = fitting("binary", rows=400)
    deep = Boosting("binary", {**pace(0.3, SMALL, 2), "num_leaves": 2, "min_data_in_leaf": 2})
    deep.fit(data, HOW)
    assert deep.leaves == 2
    assert deep.depth == 1
    assert pickle.loads(pickle.dumps(deep)).row_price == deep.row_price


def test_slower_steps_are_raised_to_fit_the_time_and_no_further():
    entry = next(e for e in load_portfolio() if e.name == "LightGBM, broad")
    shape = Shape(10_000, 30, 40, 2, 20.0)
    native = within(entry, shape, 1e6, steps=2)
    hasty = within(entry, shape, 6.0, steps=5)
    assert native.params["learning_rate"] == entry.params["learning_rate"]
    assert entry.params["learning_rate"] < hasty.params["learning_rate"] <= 0.3
    assert hasty.estimator.estimate(shape, hasty.params) <= 6.0
    assert within(entry, shape, 0.01) is None


def test_a_table_that_needs_many_rounds_gets_larger_steps_to_answer_in_time():
    entry = next(e for e in load_portfolio() if e.name == "LightGBM, shallow")
    shape = Shape(3_000, 9, 12, 1, 4.0)
    few, many = within(entry, shape, 1e6, steps=5), within(entry, shape, 1e6, steps=100)
    assert few.params["learning_rate"] == entry.params["learning_rate"]
    assert many.params["learning_rate"] > few.params["learning_rate"]
    for planned in (few, many):
        assert planned.params["max_rounds"] * round_row_price(shape, 16) <= MOST_ROW_S


def test_a_round_costs_more_with_more_rows_leaves_and_classes():
    shape, params = Shape(1_000, 10, 10, 1, 10.0), {"num_leaves": 31}
    base = round_price(shape, params)
    assert round_price(Shape(9_000, 10, 10, 1, 10.0), params) > base
    assert round_price(shape, {"num_leaves": 63}) > base
    assert round_price(Shape(1_000, 10, 10, 7, 10.0), params) > 6 * base


def test_log_loss_of_a_sure_mistake_is_finite():
    assert np.isfinite(log_loss(np.array([0]), np.array([[0.0, 1.0]])))


def test_a_column_of_thousands_of_levels_that_tells_nothing_does_little_harm():
    """It did: from its levels boosters made parts that tell the training rows apart, and stopped."""
    rows, rng = 40_000, np.random.default_rng(0)
    frame = pd.DataFrame({"month": rng.integers(0, 12, rows), "day": rng.integers(0, 31, rows)})
    frame["plane"] = pd.Series([f"N{n}" for n in rng.integers(0, 3_000, rows)], dtype="str")
    weather = rng.normal(size=(12, 31))[frame["month"], frame["day"]]
    y = (weather - 1 + rng.logistic(size=rows) > 0).astype(int)
    losses = []
    for names in (["month", "day"], ["month", "day", "plane"]):
        used = [Column(name, "categorical" if name == "plane" else "number") for name in names]
        layout = lay_out(frame, used)
        table = read_frame(frame, layout)
        inside, outside = np.arange(30_000), np.arange(30_000, rows)
        train = table.take(inside)
        space = FeatureSpace.fit(layout, train, y[inside][:, None].astype(float), 0)
        valid = table.take(outside)
        data = Fitting("binary", space, train, y[inside], 2, valid, y[outside])
        booster = Boosting("binary", pace(0.04, SMALL, 50) | {"num_leaves": 50})
        booster.fit(data, HOW)
        prediction = booster.predict(data.valid_view("tree"))
        losses.append(log_loss(y[outside], prediction))
    assert losses[1] < losses[0] * 1.06


@pytest.mark.parametrize("classes", [2, 10, 100, 1_000])
def test_a_forest_of_many_classes_has_fewer_leaves_and_a_bounded_size(classes):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(4 * classes + 400, 3)), columns=list("abc"))
    layout = lay_out(frame, [Column(name, "number") for name in frame])
    table = read_frame(frame, layout)
    y = np.arange(len(frame)) % classes
    space = FeatureSpace.fit(layout, table, np.empty((table.rows, 0)), 0)
    entry = next(e for e in load_portfolio() if e.kind == "forest")
    planned = within(entry, Shape(len(y), 3, 3, classes, 4.0), 1e9)
    assert planned is not None
    forest = planned.make("multiclass")
    forest.params["n_estimators"] = 25
    forest.fit(Fitting("multiclass", space, table, y, classes), HOW)
    assert forest.size_bytes / 25 * planned.params["n_estimators"] < 40_000_000
    assert (planned.params["max_leaf_nodes"] == entry.params["max_leaf_nodes"]) == (classes == 2)


def test_a_rare_class_is_not_missed_where_few_of_the_rows_are_learned_from(monkeypatch):
    monkeypatch.setattr(linear, "MOST_ROWS", 50)
    data = fitting("binary")
    y = np.zeros(len(data.y), dtype=int)
    y[7] = 1  # not one of every fourth row
    model = Logistic("binary", {"strengths": [1]})
    model.fit(replace(data, y=y), HOW)
    assert model.predict(data.valid_view("dense")).shape == (len(data.valid_y), 2)
