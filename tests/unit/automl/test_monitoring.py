"""Drift of what a model is asked: size before chance, and no alarm from many rows alone."""

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl.bundle import Bundle, load_bundle, save
from app.analysis.automl.features.table import lay_out, read_frame
from app.analysis.automl.monitoring import judge_drift, tally_of
from app.analysis.automl.reference import PREDICTION, take_reference
from app.analysis.automl.serving import Predictor
from app.analysis.schema import Column
from app.registry.monitoring import add_up
from tests.unit.automl.tables import customers, trained


@pytest.fixture(scope="module")
def model():
    return Predictor(trained(*customers(3_000), target="left", time_budget_s=60).bundle)


def tallied(model, frame):
    table, _ = model.read_frame(frame)
    return model.tally(table, model.output(table))


def verdicts(model, frame):
    found = judge_drift(model.bundle.reference, tallied(model, frame))
    return {entry["column"]: entry for entry in found["drift"]}, found["summary"]


def test_rows_like_those_of_the_training_do_not_drift(model):
    for seed in range(5, 10):
        found, summary = verdicts(model, customers(400, seed)[0])
        assert {entry["verdict"] for entry in found.values()} == {"none"}, seed
        assert not any(entry["missing_changed"] for entry in found.values())
        assert summary[1] == "No column differs by more than chance and habit."


def test_many_rows_and_a_small_change_make_no_alarm():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=200_000)})
    layout = lay_out(frame, [Column("x", "number")])
    reference = take_reference(layout, read_frame(frame, layout))
    now = reference.tally(layout, read_frame(frame + 0.05, layout), None)
    entry = judge_drift(reference, now)["drift"][0]
    assert entry["p_corrected"] < 1e-9
    assert entry["verdict"] == "none"


def test_a_shift_is_told_by_size_and_in_words(model):
    fresh, _ = customers(400, 5)
    fresh["age"] += 40
    found, summary = verdicts(model, fresh)
    assert next(iter(found)) in ("age", PREDICTION)
    assert found["age"]["verdict"] == "strong"
    assert (
        "above 79, and so above any training row: 0% of the training rows"
        in (found["age"]["message"])
    )
    assert found["plan"]["verdict"] == "none"
    assert found[PREDICTION]["verdict"] in ("moderate", "strong"), "the answers move along"
    assert "age" in summary[1]


def test_new_categories_and_missing_cells_are_told(model):
    fresh, _ = customers(400, 5)
    fresh["plan"] = np.where(np.arange(400) % 3 == 0, "gold", fresh["plan"])
    fresh.loc[::2, "spend"] = np.nan
    found, _ = verdicts(model, fresh)
    assert found["plan"]["verdict"] == "strong"
    assert "values that training never held" in found["plan"]["message"]
    assert found["spend"]["missing_changed"]
    assert found["spend"]["missing_share"]["now"] > 0.5


def test_few_rows_say_nothing(model):
    fresh, _ = customers(20, 5)
    fresh["age"] += 40
    found, summary = verdicts(model, fresh)
    assert {entry["verdict"] for entry in found.values()} == {"too_few_rows"}
    assert "Too few rows to say" in summary[-1]


def test_many_columns_are_corrected_for(model):
    frame, columns = customers(2_000)
    rng = np.random.default_rng(0)
    for k in range(60):
        frame[f"noise {k}"] = rng.normal(size=2_000)
        columns.append(Column(f"noise {k}", "number"))
    wide = Predictor(trained(frame, columns, target="left", time_budget_s=60).bundle)
    alarms = 0
    for seed in range(10):
        fresh, _ = customers(60, 50 + seed)
        for k in range(60):
            fresh[f"noise {k}"] = rng.normal(size=60)
        alarms += sum(e["verdict"] != "none" for e in verdicts(wide, fresh)[0].values())
    assert alarms == 0


def test_requests_add_up_to_the_same_counts(model):
    fresh, _ = customers(100, 5)
    rows = fresh.astype(object).where(fresh.notna(), None).to_dict("records")
    rows = [{**row, "joined": pd.Timestamp(row["joined"]).isoformat()} for row in rows]
    tallies = [model.predict_rows(rows[k : k + 10])["tally"] for k in range(0, 100, 10)]
    whole, counted = add_up([*tallies, {}, {"rows": 3, "counts": [[]]}])
    assert counted == 100
    together = tally_of(model.bundle.reference, whole)
    alone = tallied(model, fresh)
    for name, a, b in zip(
        model.bundle.reference.columns, together.counts, alone.counts, strict=True
    ):
        assert np.array_equal(a, b), name.name


def test_no_value_of_a_row_is_kept(model):
    fresh, _ = customers(1, 5)
    fresh["note"] = ["my secret is 12345"]
    assert "secret" not in str(tallied(model, fresh).to_json())


def test_a_bundle_of_before_has_no_reference_and_still_answers(model, tmp_path):
    old = model.bundle
    state = {name: getattr(old, name) for name in Bundle.__slots__}
    for name in ("reference", "decision", "target_type", "words"):
        state.pop(name)
    bundle = Bundle.__new__(Bundle)
    bundle.__setstate__((None, state))
    save(bundle, tmp_path / "m.joblib")
    loaded = Predictor(load_bundle(tmp_path / "m.joblib"))
    fresh, _ = customers(5, 5)
    output, _ = loaded.predict_frame(fresh)
    assert np.allclose(output, model.predict_frame(fresh)[0])
    assert loaded.tally(loaded.read_frame(fresh)[0], output) is None


def test_years_are_written_as_years():
    frame = pd.DataFrame({"built": np.arange(1950, 2010).repeat(10), "price": range(600, 1200)})
    frame["price"] *= 2
    columns = [Column("built", "integer"), Column("price", "integer")]
    layout = lay_out(frame, columns)
    reference = take_reference(layout, read_frame(frame, layout))
    now = reference.tally(layout, read_frame(frame + 1_000, layout), None)
    said = {e["column"]: e["message"] for e in judge_drift(reference, now)["drift"]}
    assert "above 2009, and so above" in said["built"]
    assert "above 2,398, and so above" in said["price"]
