"""Mutual information, clusters of columns that say the same, and how years are written."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from app.analysis.profile.associations import cross_table
from app.analysis.profile.clusters import clusters
from app.analysis.profile.information import binned, information
from tests.unit.profile.tables import kinds, profiled

RNG = np.random.default_rng(11)
N = 4_000


@pytest.mark.parametrize("r", [0.0, 0.3, 0.6, 0.9])
def test_a_normal_pair_has_the_information_of_its_correlation(r: float) -> None:
    """−½ ln(1 − r²) nats, hence the coefficient r; ten bins lose a little of it."""
    x = RNG.normal(size=20_000)
    y = r * x + math.sqrt(1 - r * r) * RNG.normal(size=20_000)
    found = information(cross_table(binned(x), binned(y)))
    assert found is not None
    assert found.coefficient == pytest.approx(r, abs=0.06)
    assert found.certain is (r > 0)


def test_the_bias_is_corrected_and_chance_is_seldom_certain() -> None:
    nats, certain = [], 0
    for seed in range(100):
        draw = np.random.default_rng(seed)
        found = information(cross_table(draw.integers(0, 8, 500), draw.integers(0, 8, 500)))
        assert found is not None
        nats.append(found.nats)
        certain += found.certain
    assert np.mean(nats) < 0.012  # the plug-in estimate would be 49 / 1000
    assert certain <= 1


def test_it_is_the_entropy_for_a_column_and_itself() -> None:
    codes = np.arange(4_000) % 4
    found = information(cross_table(codes, codes))
    assert found is not None
    assert found.nats == pytest.approx(math.log(4), abs=0.002)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0], [math.nan] * 3, [math.inf, -math.inf]])
def test_hardly_any_values_say_nothing(values: list[float]) -> None:
    codes = binned(np.array(values))
    assert information(cross_table(codes, codes)) is None


def test_a_curve_is_told_that_no_correlation_sees(tmp_path: Path) -> None:
    x = RNG.normal(size=N)
    found = profiled(
        tmp_path,
        {
            "x": ("number", x),
            "bent": ("number", x * x + RNG.normal(size=N) / 10),
            "other": ("number", RNG.normal(size=N)),
        },
    )
    rows = [row for row in found["associations"] if row["measure"] == "mutual_information"]
    assert [(row["a"], row["b"]) for row in rows] == [("x", "bent")]
    assert rows[0]["nats"] > 0.5
    assert "no straight line" in kinds(found)["nonlinear"]["message"]


def test_columns_that_say_the_same_are_one_cluster_and_one_alert(tmp_path: Path) -> None:
    x = RNG.normal(size=N)
    same = {f"copy {i}": ("number", x * i + RNG.normal(size=N) / 50) for i in range(1, 6)}
    found = profiled(tmp_path, same | {"other": ("number", RNG.normal(size=N))})
    assert len(found["clusters"]) == 1
    assert set(found["clusters"][0]["columns"]) == set(same)
    assert found["clusters"][0]["least"] > 0.95
    told = [alert["kind"] for alert in found["alerts"]]
    assert told.count("same_columns") == 1
    assert "correlated" not in told
    page = (tmp_path / "out" / "profile.html").read_text("utf-8")
    assert "Columns that say the same" in page


def test_a_chain_is_no_cluster() -> None:
    rows = [
        {"a": "a", "b": "b", "measure": "pearson", "value": 0.97},
        {"a": "b", "b": "c", "measure": "pearson", "value": -0.96},
        {"a": "a", "b": "c", "measure": "pearson", "value": 0.90},
    ]
    assert clusters(rows, []) == [{"columns": ["a", "b"], "least": 0.97}]
    rows[2]["value"] = 0.95
    assert [len(found["columns"]) for found in clusters(rows, [])] == [3]


def test_years_are_not_written_with_a_comma(tmp_path: Path) -> None:
    built = np.append(RNG.integers(1978, 1990, N), [1650] * 30)
    columns = {
        "built": ("integer", built),
        "seen": ("number", np.full(len(built), 1981.0)),
        "sold": ("number", RNG.integers(1979, 1983, len(built)).astype(float)),
    }
    found = profiled(tmp_path, columns)
    told = " ".join(alert["message"] for alert in found["alerts"])
    page = (tmp_path / "out" / "profile.html").read_text("utf-8")
    assert "below 19" in told
    for text in (told, page):
        assert "1,9" not in text.replace(f"{N:,}", "")
        assert "1,6" not in text
