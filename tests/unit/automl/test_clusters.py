"""Clusters: found where they are, described in words, and honest where there are none."""

import time

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl.group import train_clusters
from app.analysis.automl.options import RunOptions
from app.analysis.automl.prepare import Setting
from app.analysis.automl.serving import Predictor
from app.analysis.errors import HopelessTable
from app.analysis.progress import silent
from app.analysis.schema import Column
from tests.unit.automl.tables import customers, run_job


def three_groups(rows=300):
    rng = np.random.default_rng(0)
    group = np.arange(rows) % 3
    frame = pd.DataFrame(
        {
            "income": 20.0 + 30 * group + rng.normal(size=rows),
            "visits": np.array([50, 5, 25])[group] + rng.integers(0, 3, rows),
            "region": pd.Series(np.array(["north", "south", "west"])[group], dtype=object),
        }
    )
    columns = [
        Column("income", "number"),
        Column("visits", "integer"),
        Column("region", "categorical"),
    ]
    return frame, columns, group


def found(frame, columns, **options):
    setting = Setting([], 1, time.monotonic())
    return train_clusters(frame, columns, RunOptions(time_budget_s=30, **options), setting, silent)


def test_groups_are_found_described_and_assigned():
    frame, columns, group = three_groups()
    made = found(frame, columns)
    assert made.facts["metrics"]["clusters"] == 3
    assert made.facts["metrics"]["silhouette"] > 0.7
    words = " ".join(c["description"] for c in made.facts["clusters"])
    assert "income higher" in words
    assert "region more often 'south'" in words
    answer = Predictor(made.bundle).predict_rows(frame.to_dict("records"))
    labels = np.array([p["prediction"] for p in answer["predictions"]])
    for k in range(3):
        assert np.unique(labels[group == k]).size == 1
    assert set(labels) == {1, 2, 3}


def test_the_leaderboard_holds_a_baseline_and_is_ranked():
    frame, columns, _ = three_groups()
    rows = found(frame, columns).leaderboard["rows"]
    assert rows[-1]["name"] == "Baseline (random groups)"
    assert len(rows) >= 6
    assert [row["score"] for row in rows] == sorted((r["score"] for r in rows), reverse=True)


def test_weak_clusters_are_called_weak():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, 8)), columns=list("abcdefgh"))
    made = found(frame, [Column(name, "number") for name in frame])
    assert any("weakly separated" in note for note in made.facts["notes"])


def test_mixed_columns_and_missing_values_are_served(tmp_path):
    frame, columns = customers(150)
    facts = run_job(frame, columns, tmp_path, time_budget_s=10)
    assert facts["task"] == "clustering"
    assert facts["target"] is None
    assert (tmp_path / "charts" / "clusters.png").stat().st_size
    assert (tmp_path / "leaderboard.json").exists()


@pytest.mark.parametrize("rows", [1, 5])
def test_too_few_rows_are_hopeless(rows):
    frame, columns, _ = three_groups()
    with pytest.raises(HopelessTable, match=r"too few|no column"):
        found(frame.head(rows), columns)


def test_rows_that_are_all_alike_are_hopeless():
    frame = pd.DataFrame({"a": [1.0, 2.0] * 20})
    with pytest.raises(HopelessTable, match="alike"):
        found(frame, [Column("a", "number")])
