"""Associations: the measures against SciPy and by hand, and the bound on pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from app.analysis.profile.associations import (
    MAX_COLUMNS,
    associations,
    correlation_ratio,
    cramers_v,
    cross_table,
    pearson,
    ranks,
)
from app.analysis.profile.facts import Facts
from tests.unit.profile.tables import profiled

RNG = np.random.default_rng(1)


def numeric(name: str, values: np.ndarray) -> Facts:
    absent = np.isnan(values)
    return Facts(name, "numeric", {"distinct": 99}, absent, np.zeros(1), numbers=values)


def test_pearson_takes_the_rows_on_which_both_have_a_value() -> None:
    matrix = RNG.normal(size=(200, 3))
    matrix[:, 1] += matrix[:, 0]
    matrix[:50, 1] = np.nan
    r, rows = pearson(matrix)
    assert r[0, 1] == pytest.approx(stats.pearsonr(matrix[50:, 0], matrix[50:, 1]).statistic)
    assert r[0, 2] == pytest.approx(stats.pearsonr(matrix[:, 0], matrix[:, 2]).statistic)
    assert (rows[0, 1], rows[0, 2]) == (150, 200)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_pearson_does_not_mind_scale_and_offset(scale: float, offset: float) -> None:
    x = RNG.normal(size=100)
    y = x + RNG.normal(size=100)
    r, _ = pearson(np.column_stack([(x + offset) * scale, y]))
    assert r[0, 1] == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-8)


def test_a_column_without_spread_correlates_with_nothing() -> None:
    r, _ = pearson(np.column_stack([np.full(9, 0.1), np.arange(9.0)]))
    assert np.isnan(r[0, 1])


def test_spearman_is_pearson_of_mean_ranks() -> None:
    x = RNG.integers(0, 5, 100).astype(float)
    y = x**3 + RNG.normal(size=100)
    r, _ = pearson(np.column_stack([ranks(x), ranks(y)]))
    assert r[0, 1] == pytest.approx(stats.spearmanr(x, y).statistic)
    assert ranks(np.array([3.0, np.nan, 1.0, 3.0])).tolist()[::2] == [2.5, 1.0]


def test_cramers_v_is_corrected_for_bias() -> None:
    table = np.array([[30, 10, 5], [5, 25, 25]])
    chi2 = stats.chi2_contingency(table, correction=False).statistic
    n, r, k = table.sum(), 2, 3
    phi2 = max(0, chi2 / n - (k - 1) * (r - 1) / (n - 1))
    sides = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
    assert cramers_v(table) == pytest.approx((phi2 / sides) ** 0.5)
    assert cramers_v(np.array([[5, 0], [0, 5]])) == pytest.approx(1.0)
    assert cramers_v(np.array([[5, 5]])) is None


def test_chance_alone_gives_no_association() -> None:
    codes = RNG.integers(0, 30, 2_000), RNG.integers(0, 30, 2_000)
    assert (cramers_v(cross_table(*codes)) or 0) < 0.05


def test_the_correlation_ratio_is_the_root_of_the_anova_share() -> None:
    codes = RNG.integers(0, 3, 300)
    values = codes + RNG.normal(size=300)
    groups = [values[codes == i] for i in range(3)]
    between = sum(len(g) * (g.mean() - values.mean()) ** 2 for g in groups)
    found = correlation_ratio(codes, values)
    assert found is not None
    assert found[0] == pytest.approx((between / ((values - values.mean()) ** 2).sum()) ** 0.5)
    assert correlation_ratio(np.arange(10), np.arange(10.0)) is None


def test_pairs_are_bounded_and_the_target_is_never_left_out() -> None:
    facts = [numeric(f"c{i}", RNG.normal(size=50)) for i in range(100)]
    facts.append(numeric("target", RNG.normal(size=50)))
    found = associations(facts, "target")
    assert (found.columns_used, found.columns_left_out) == (MAX_COLUMNS, 41)
    with_target = [row for row in found.listed if "target" in (row["a"], row["b"])]
    assert len(with_target) == 2 * (MAX_COLUMNS - 1)
    assert len(found.listed) + found.pairs_left_out == MAX_COLUMNS * (MAX_COLUMNS - 1)


def test_a_category_that_decides_another_is_told(tmp_path: Path) -> None:
    city = ["Bonn", "Graz", "Bern", "Köln"] * 30
    country = {"Bonn": "DE", "Köln": "DE", "Graz": "AT", "Bern": "CH"}
    found = profiled(
        tmp_path,
        {
            "city": ("categorical", city),
            "country": (
                "categorical",
                [None if i == 7 else country[c] for i, c in enumerate(city)],
            ),
            "code": ("categorical", [c[:2] for c in city]),
            "other": ("categorical", [f"v{i * i % 7}" for i in range(120)]),
        },
    )
    ways = {(row["column"], row["decides"]) for row in found["dependencies"]}
    assert ways == {
        ("city", "country"),
        ("code", "country"),
        ("city", "code"),
        ("code", "city"),
    }
    assert next(r["rows"] for r in found["dependencies"] if r["decides"] == "country") == 119
    told = [a["message"] for a in found["alerts"] if a["kind"] in ("decided", "correlated")]
    assert any("“city” decides “country”" in message for message in told)
    assert any("“city” and “code” say nearly the same" in message for message in told)
