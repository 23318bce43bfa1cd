"""Curves of dependence: what the model says of a sample as one column takes each value."""

import numpy as np
import pytest

from app.analysis.automl import dependence
from app.analysis.automl.combined import Combined, Part
from app.analysis.automl.crossval import cross_validate
from app.analysis.automl.dependence import SAMPLE_ROWS, dependence_charts
from app.analysis.automl.options import RunOptions
from app.analysis.automl.portfolio import load_portfolio
from app.analysis.automl.prepare import Setting, prepare
from tests.unit.automl.tables import customers


def test_each_point_is_the_mean_of_the_sample_with_that_value():
    frame, columns = customers(400)
    setting = Setting([], 1, 0.0, now=lambda: 0.0)
    made = prepare(frame, columns, RunOptions(target="left"), setting)
    material = made.material
    entry = next(entry for entry in load_portfolio() if entry.kind == "logistic")
    space, fitted = cross_validate(entry, material, None).early
    model = Combined("binary", (Part(space, ((1.0, fitted),)),))
    wanted = [{"feature": name, "value": 1.0} for name in ("age", "joined", "spend")]
    charts = dependence_charts(model, material, made.target, wanted)
    assert [chart.columns for chart in charts] == [("age",), ("joined",), ("spend",)]
    rows = np.random.default_rng(material.seed).permutation(material.table.rows)[:SAMPLE_ROWS]
    sample = material.table.take(np.sort(rows))
    (series,) = charts[0].data["series"]
    j = material.layout.numbers.index("age")
    for value, height in zip(series["x"], series["y"], strict=True):
        sample.numbers[:, j] = value
        assert height == pytest.approx(model.predict(sample)[:, 1].mean(), abs=1e-6)
    assert series["y"][-1] > series["y"][0] + 0.2


def test_of_wide_tables_fewer_rows_are_taken(monkeypatch):
    frame, columns = customers(400)
    made = prepare(frame, columns, RunOptions(target="left"), Setting([], 1, 0.0, now=lambda: 0.0))
    entry = next(entry for entry in load_portfolio() if entry.kind == "logistic")
    space, fitted = cross_validate(entry, made.material, None).early
    model = Combined("binary", (Part(space, ((1.0, fitted),)),))
    monkeypatch.setattr(dependence, "CELLS", 1)
    wanted = [{"feature": "age", "value": 1.0}]
    (chart,) = dependence_charts(model, made.material, made.target, wanted)
    assert chart.notes[0].startswith("Partial dependence over 30 rows")
