"""Exactness: figures of nasty columns against exact rational arithmetic."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.analysis.profile.bins import central, histogram
from app.analysis.profile.moments import Moments, moments
from app.analysis.profile.numeric import numeric_facts, quantile
from app.analysis.profile.source import Values
from app.analysis.schema import Column

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
OFFSETS = st.sampled_from([0.0, 1e16, -1e300, 1e-300, 123456789.0])
NASTY = st.one_of(
    st.lists(FLOATS, min_size=1, max_size=40),
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40),
    st.builds(
        lambda offset, rest: [offset + v for v in rest],
        OFFSETS,
        st.lists(st.integers(0, 9), min_size=1, max_size=40),
    ),
    st.lists(st.sampled_from([0.0, -0.0, 5e-324, 1e-308, 1.7e308, -1.7e308, 1.0]), min_size=1),
)
WHOLE = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40),
    st.builds(
        lambda offset, rest: [offset + v for v in rest],
        st.sampled_from([0, 10**18, -(2**63), 2**53]),
        st.lists(st.integers(0, 9), min_size=1, max_size=40),
    ),
)


def exact(values: list) -> tuple[Fraction, float | None, float | None, float | None]:
    """Mean, std, skew and kurtosis, without rounding before the last step."""
    n = len(values)
    parts = [Fraction(v) for v in values]
    mean = sum(parts) / n
    second, third, fourth = (sum((p - mean) ** k for p in parts) / n for k in (2, 3, 4))
    if second == 0:
        return mean, 0.0 if n > 1 else None, None, None
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 60, 10**6, -(10**6)
        variance = second * n / (n - 1)
        root = (Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt()
        ratio = third**2 / second**3
        g1 = (Decimal(ratio.numerator) / Decimal(ratio.denominator)).sqrt()
        std = float(root)
    sign = 1 if third > 0 else -1
    skew = sign * float(g1) * math.sqrt(n * (n - 1)) / (n - 2) if n > 2 else None
    excess = float(fourth / second**2) - 3
    kurtosis = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * excess + 6) if n > 3 else None
    return mean, std, skew, kurtosis


def check(values: list, dtype: type, of: Callable[[Any], Moments] = moments) -> None:
    found, (mean, std, skew, kurtosis) = of(np.array(values, dtype)), exact(values)
    tolerance = Fraction(1, 10**9) * max(abs(Fraction(v)) for v in values)
    tolerance += Fraction(5e-324)  # what lies between two floats cannot be written
    assert found.mean is not None
    assert abs(Fraction(found.mean) - mean) <= tolerance
    if std is None or math.isinf(std):
        assert found.std is None
    else:
        assert found.std is not None
        assert abs(Fraction(found.std) - Fraction(std)) <= tolerance
    for figure, truth in ((found.skew, skew), (found.kurtosis, kurtosis)):
        assert (figure is None) == (truth is None)
        assert truth is None or figure == pytest.approx(truth, rel=1e-6, abs=1e-6)


@given(NASTY)
@settings(max_examples=1500, deadline=None)
@example([1e16, 1e16 + 2, 1e16 + 2, 1e16 + 4, 1e16 + 6])
@example([1.7e308, -1.7e308, 1.7e308, 0.0])
@example([5e-324, 0.0, 0.0, 1e-323])
@example([1.0, 1.0000000000000002, 1.0, 1.0])
@example([0.1] * 7)
def test_floats_are_exact(values: list[float]) -> None:
    check(values, np.float64)


@given(WHOLE)
@settings(max_examples=1000, deadline=None)
@example([2**63 - 1, -(2**63), 0, 1])
@example([10**18, 10**18 + 1, 10**18 + 1, 10**18 + 7])
def test_whole_numbers_are_exact(values: list[int]) -> None:
    check(values, np.int64)


def test_skew_and_kurtosis_are_those_of_pandas() -> None:
    values = np.random.default_rng(0).lognormal(size=1_000)
    found, series = moments(values), pd.Series(values)
    assert found.skew == pytest.approx(series.skew(), rel=1e-9)
    assert found.kurtosis == pytest.approx(series.kurt(), rel=1e-9)
    assert found.std == pytest.approx(statistics.stdev(values), rel=1e-12)


@given(st.lists(FLOATS, min_size=1, max_size=60), st.sampled_from([0.01, 0.25, 0.5, 0.75, 0.99]))
@settings(max_examples=300, deadline=None)
def test_quantiles_interpolate_and_stay_between_the_ends(values: list[float], share: float) -> None:
    ordered = np.sort(np.array(values))
    place = Fraction(share) * (len(values) - 1)
    low = math.floor(place)
    above = Fraction(ordered[min(low + 1, len(values) - 1)])
    truth = Fraction(ordered[low]) * (1 - (place - low)) + above * (place - low)
    tolerance = Fraction(1, 10**9) * max(abs(Fraction(v)) for v in values) + Fraction(5e-324)
    assert abs(Fraction(quantile(ordered, share)) - truth) <= tolerance


@given(NASTY)
@settings(max_examples=500, deadline=None)
def test_a_histogram_counts_every_value_once(values: list[float]) -> None:
    ordered = np.sort(np.array(values, float))
    found = histogram(ordered)
    assert found.counts.sum() == len(values)
    assert (np.diff(found.edges) > 0).all()
    assert found.edges[0] <= ordered[0] <= ordered[-1] <= found.edges[-1]
    assert (found.counts == np.histogram(ordered, found.edges)[0]).all()


@given(WHOLE)
@settings(max_examples=500, deadline=None)
def test_a_histogram_of_whole_numbers_counts_every_value_once(values: list[int]) -> None:
    ordered = np.sort(np.array(values, np.int64))
    found = histogram(ordered, whole=True)
    assert found.counts.sum() == len(values)
    assert len(found.edges) == len(found.counts) + 1
    assert (np.diff(found.edges) > 0).all()
    assert float(found.edges[0]) <= float(ordered[0])
    assert float(ordered[-1]) <= float(found.edges[-1])


def test_bins_of_whole_numbers_are_equally_wide_and_full() -> None:
    found = histogram(np.arange(1, 100_001), whole=True)
    widths = np.diff(found.edges)
    assert len(set(widths)) == 1
    assert widths[0] == int(widths[0])
    assert found.counts.min() > 0.5 * found.counts.max()


def test_a_long_tail_gets_a_central_histogram() -> None:
    ordered = np.sort(np.append(np.random.default_rng(0).normal(size=1_000), 1e6))
    middle = central(ordered)
    assert middle is not None
    assert middle.edges[-1] < 5
    assert central(np.sort(np.random.default_rng(0).normal(size=1_000))) is None


@given(st.lists(st.floats(width=32) | st.just(math.inf), max_size=30))
@settings(max_examples=300, deadline=None)
def test_counts_are_exact(values: list[float]) -> None:
    data = np.array(values, np.float64)
    valid = ~np.isnan(data)
    facts = numeric_facts(Values(Column("x", "number"), "number", data, valid))
    finite = [v for v in values if math.isfinite(v)]
    assert facts["zeros"] == sum(v == 0 for v in finite)
    assert facts["negatives"] == sum(v < 0 for v in finite)
    assert facts["infinite"] == sum(math.isinf(v) for v in values)
    assert facts["distinct"] == len({v for v in values if not math.isnan(v)})
    assert sum(facts["histogram"]["counts"]) == len(finite)
    if finite:
        assert (facts["min"], facts["max"]) == (min(finite), max(finite))


def test_outliers_are_far_out_on_either_side() -> None:
    data = np.array([*range(100), 1000, -2000], np.int64)
    values = Values(Column("x", "integer"), "integer", data, np.ones(len(data), bool))
    found = numeric_facts(values)["outliers"]
    assert (found["count"], found["below"], found["above"]) == (2, 1, 1)
