"""Rows and classes that count more: in fits, in the choice and in the figures; and honest after."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl.calibration import find_temperature, tempered
from app.analysis.automl.combined import untilted
from app.analysis.automl.estimators.base import Circumstances
from app.analysis.automl.intervals import fit_intervals
from app.analysis.automl.pictures import judgement_charts
from app.analysis.automl.portfolio import load_portfolio
from app.analysis.automl.serving import Predictor
from app.analysis.errors import BadOption, BadRows
from app.analysis.schema import Column
from tests.unit.automl.tables import judged, trained
from tests.unit.automl.test_estimators import entries, fitting

HOW = Circumstances(seed=0, threads=1)


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_every_estimator_heeds_weights(task):
    """Rows of no weight teach nothing: what they say of the target may be anything."""
    plain = fitting(task, 160)
    rng = np.random.default_rng(0)
    silent = rng.random(plain.y.size) < 0.4
    wrong = plain.y.copy()
    wrong[silent] = 1 - wrong[silent] if task == "binary" else wrong[silent] + 50
    weights = np.where(silent, 0.0, 1.0) / (1 - silent.mean())
    kinds = {entry.kind: entry for entry in reversed(entries(task))}
    for entry in kinds.values():
        heeding, misled = entry.make(task), entry.make(task)
        heeding.fit(replace(plain, y=wrong, weights=weights, kept={}), HOW)
        misled.fit(replace(plain, y=wrong, kept={}), HOW)
        view = plain.valid_view(heeding.view)
        truth = plain.valid_y if task == "regression" else plain.valid_y.mean()
        found = [
            one.predict(view) if task == "regression" else one.predict(view)[:, 1].mean()
            for one in (heeding, misled)
        ]
        errors = [float(np.mean(np.abs(f - truth))) for f in found]
        assert not np.allclose(found[0], found[1]), entry.name
        if task == "regression":
            assert errors[0] < 0.7 * errors[1], entry.name


def test_the_portfolio_is_covered():
    assert {e.kind for e in load_portfolio()} == {
        e.kind for task in ("regression", "binary") for e in entries(task)
    }


def table(rows=400):
    """Rows of weight 9 follow another rule than those of weight 1."""
    rng = np.random.default_rng(1)
    x, heavy = rng.normal(size=rows), rng.random(rows) < 0.3
    frame = pd.DataFrame({"x": x, "w": np.where(heavy, 9.0, 1.0)})
    frame["y"] = np.where(heavy, 4 * x, -4 * x) + rng.normal(size=rows)
    return frame, [Column(name, "number") for name in frame]


def test_weights_reach_fits_choice_and_figures():
    frame, columns = table()
    asked = {"target": "y", "task": "regression", "time_budget_s": 5}
    weighed = trained(frame, columns, weight_column="w", **asked)
    plain = trained(frame[["x", "y"]], [columns[0], columns[2]], **asked)
    new = [{"x": 2.0}]
    assert Predictor(weighed.bundle).predict_rows(new)["predictions"][0]["prediction"] > 3
    assert Predictor(plain.bundle).predict_rows(new)["predictions"][0]["prediction"] < 0
    # If rows counted alike in the figure it would be about 5.5: light rows are far off.
    assert 2.8 < weighed.facts["metrics"]["rmse"] < 4
    assert any("Rows count by their weight in 'w'" in note for note in weighed.facts["notes"])
    assert [item["name"] for item in weighed.facts["input_schema"]] == ["x"]
    assert weighed.bundle.recipe["weight_column"] == "w"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.where(w.index > 2, -1.0), "3 rows have a negative one"),
        (lambda w: w.where(w.index > 2), "3 rows have none"),
        (lambda w: w * 0, "all are 0"),
        (lambda w: "w" + w.astype(str), "it holds no numbers"),
    ],
)
def test_bad_weights_are_refused_in_one_sentence(change, said):
    frame, columns = table()
    frame["w"] = change(frame["w"])
    with pytest.raises(BadOption, match=said) as caught:
        trained(frame, columns, target="y", task="regression", weight_column="w")
    assert caught.value.details == {"option": "weight_column"}


def test_probabilities_are_set_right():
    true = np.array([[0.9, 0.1], [0.3, 0.7]])
    tilt = np.array([0.5, 5.0])
    tilted = true * tilt / (true * tilt).sum(axis=1, keepdims=True)
    assert untilted(tilted, tilt) == pytest.approx(true)


def test_class_weights_reach_the_fits_and_probabilities_stay_honest():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(1_500, 2))
    chance = 1 / (1 + np.exp(-(1.5 * x[:, 0] - 3)))
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1]})
    frame["y"] = pd.Series(np.where(rng.random(1_500) < chance, "Yes", "No"), dtype=object)
    columns = [Column("a", "number"), Column("b", "number"), Column("y", "categorical")]
    asked = {"target": "y", "time_budget_s": 10}
    models = [
        Predictor(trained(frame, columns, **asked, **more).bundle)
        for more in ({}, {"class_weight": {"Yes": 8}})
    ]
    plain, weighed = (model.output(model.read_frame(frame)[0])[:, 1] for model in models)
    assert not np.allclose(plain, weighed, atol=1e-4)
    rate = float((frame["y"] == "Yes").mean())
    assert weighed.mean() == pytest.approx(rate, abs=0.03)
    assert np.mean(np.abs(weighed - chance)) < 0.05


def test_intervals_cover_the_share_of_the_weight():
    """Heavy rows err ten times as far: by rows alone they would be covered far too seldom."""
    rng = np.random.default_rng(3)
    heavy = rng.random(3_000) < 0.1
    truth = rng.normal(size=3_000) * np.where(heavy, 10, 1)
    weights = np.where(heavy, 9.0, 1.0)
    predictions = rng.normal(size=3_000)
    truth += predictions
    shares = []
    for given in (weights, None):
        bounds = fit_intervals(truth, predictions, given).around(predictions)
        inside = (truth >= bounds[:, 0]) & (truth <= bounds[:, 1])
        shares.append(np.average(inside, weights=weights))
    assert 0.9 <= shares[0] < 0.93  # a little wider, for the row to come
    assert shares[1] < 0.8


def test_equal_weights_make_the_intervals_of_none():
    rng = np.random.default_rng(4)
    truth, predictions = rng.normal(size=(2, 150))
    plain = fit_intervals(truth, predictions)
    weighed = fit_intervals(truth, predictions, np.full(150, 0.3))
    assert (weighed.low, weighed.high) == (plain.low, plain.high)
    # Rows of no weight are none; and few heavy ones tell as little as few rows.
    silent = np.repeat([1.0, 0.0], [150, 50])
    more = np.concatenate([truth, np.full(50, 99.0)]), np.concatenate([predictions, np.zeros(50)])
    assert fit_intervals(*more, silent).high == plain.high
    assert fit_intervals(truth, predictions, np.where(np.arange(150) < 9, 1.0, 1e-6)) is None


def test_probabilities_are_calibrated_by_the_rows_that_count():
    """Half of the rows are told too boldly, the others as they are; only one half counts."""
    rng = np.random.default_rng(5)
    honest = rng.dirichlet(np.ones(3), 4_000)
    truth = np.array([rng.choice(3, p=p) for p in honest])
    bold = np.arange(4_000) % 4 < 2
    told = np.where(bold[:, None], tempered(honest, 0.5), honest)
    by_bold = find_temperature("multiclass", truth, told, np.where(bold, 1.0, 0.001))
    by_honest = find_temperature("multiclass", truth, told, np.where(bold, 0.0, 1.0))
    assert by_bold == pytest.approx(2, abs=0.2)
    assert by_honest == 1.0
    assert 1.1 < find_temperature("multiclass", truth, told) < 1.8


@pytest.fixture(scope="module")
def weighed():
    made = trained(*table(), target="y", task="regression", time_budget_s=5, weight_column="w")
    return Predictor(made.bundle)


def test_a_model_is_judged_by_the_weights_of_the_new_rows(weighed, tmp_path):
    frame, _ = table()
    found = judged(weighed, frame, tmp_path)
    kinds = {warning["kind"] for warning in found["warnings"]}
    assert "weighted" in kinds
    output = weighed.output(weighed.read_frame(frame[["x"]])[0])
    squared = (frame["y"] - output) ** 2
    rmse = np.sqrt(np.average(squared, weights=frame["w"]))
    assert found["metrics"]["rmse"] == pytest.approx(rmse, rel=1e-4)
    assert found["errors"]["bias"] == pytest.approx(
        np.average(frame["y"] - output, weights=frame["w"]), abs=1e-3
    )
    low, high = (found["uncertainty"]["rmse"][side] for side in ("low", "high"))
    assert low < rmse < high < np.sqrt(squared.mean())


def test_without_its_weights_a_file_counts_alike_and_says_so(weighed, tmp_path):
    frame, _ = table()
    found = judged(weighed, frame[["x", "y"]], tmp_path)
    assert [w["kind"] for w in found["warnings"]] == ["unweighted"]
    output = weighed.output(weighed.read_frame(frame[["x"]])[0])
    assert found["metrics"]["rmse"] == pytest.approx(
        np.sqrt(((frame["y"] - output) ** 2).mean()), rel=1e-4
    )


def test_rows_without_a_weight_are_not_judged_and_negative_ones_refused(weighed, tmp_path):
    frame, _ = table()
    frame.loc[:4, "w"] = None
    found = judged(weighed, frame, tmp_path)
    assert found["judged_rows"] == len(frame) - 5
    assert {w["kind"] for w in found["warnings"]} == {"missing_weight", "weighted"}
    frame.loc[7, "w"] = -1
    with pytest.raises(BadRows, match="Row 7: the weight in 'w' is negative"):
        (tmp_path / "more").mkdir()
        judged(weighed, frame, tmp_path / "more")


def test_curves_and_shares_count_rows_by_their_weight():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 200)
    likely = np.clip(0.5 * truth + rng.uniform(0, 0.6, 200), 0, 1)
    told = np.column_stack([1 - likely, likely])
    weights = rng.integers(0, 4, 200).astype(float)
    again = np.repeat(np.arange(200), weights.astype(int))
    arguments = ("binary", "y", ("no", "yes"))

    def drawn(rows, counted):
        charts = judgement_charts(*arguments, truth[rows], told[rows], 0, weights=counted)
        lines = {c.name: c.data["series"][0] for c in charts if "series" in c.data}
        return {c.name: c for c in charts}, {k: (one["x"], one["y"]) for k, one in lines.items()}

    charts, weighed = drawn(np.arange(200), weights)
    repeats, repeated = drawn(again, None)
    _, alike = drawn(np.arange(200), None)
    for name in ("roc", "precision_recall"):
        assert np.allclose(weighed[name], repeated[name])
        assert np.shape(weighed[name]) != np.shape(alike[name]) or not np.allclose(
            weighed[name], alike[name]
        )
        assert any("weight" in note for note in charts[name].notes)
    assert charts["confusion_matrix"].title == repeats["confusion_matrix"].title
    order = np.argsort(likely[weights > 0], kind="stable")
    lowest = np.flatnonzero(weights > 0)[np.array_split(order, 10)[0]]
    given, seen = weighed["calibration"]
    assert given[0] == pytest.approx(np.average(likely[lowest], weights=weights[lowest]))
    assert seen[0] == pytest.approx(np.average(truth[lowest], weights=weights[lowest]))
