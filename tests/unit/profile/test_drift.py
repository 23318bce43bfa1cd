"""The measures of a change, against SciPy's and against what must follow from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.analysis.profile.drift import (
    CHANCE,
    MODERATE_PSI,
    corrected,
    counts_change,
    numbers_change,
    psi,
    verdict,
)

RNG = np.random.default_rng(1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(FLOATS, min_size=1, max_size=60), st.lists(FLOATS, min_size=1, max_size=60))
def test_the_distance_of_two_samples_is_that_of_scipy(a: list[float], b: list[float]) -> None:
    first, second = np.sort(np.array(a)), np.sort(np.array(b))
    found = numbers_change(first, second)
    expected = stats.ks_2samp(first, second, method="asymp")
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert 0 <= found.p_value <= 1
    assert found.psi >= 0


def test_the_p_value_of_many_rows_is_that_of_scipy() -> None:
    for shift in (0.0, 0.02, 0.1):
        a, b = np.sort(RNG.normal(size=4000)), np.sort(RNG.normal(shift, size=3000))
        expected = stats.ks_2samp(a, b, method="exact").pvalue
        assert numbers_change(a, b).p_value == pytest.approx(expected, rel=0.1, abs=1e-4)


def test_categories_are_tested_as_scipy_does() -> None:
    first, second = np.array([50, 30, 20]), np.array([40, 45, 60])
    found = counts_change(first, second)
    expected = stats.chi2_contingency(np.stack([first, second]), correction=False)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)


def test_rare_categories_are_tested_as_one() -> None:
    first = np.array([500, 300, *[1] * 20])
    second = np.array([500, 300, *[0] * 20])
    found = counts_change(first, second)
    table = np.array([[500, 300, 20], [500, 300, 0]])
    assert found.statistic == pytest.approx(
        stats.chi2_contingency(table, correction=False).statistic
    )
    one = counts_change(np.array([10]), np.array([3]))
    assert (one.statistic, one.p_value, one.psi) == (0.0, 1.0, 0.0)


def test_the_index_is_nothing_for_equal_shares_and_symmetric() -> None:
    a, b = np.array([100, 300, 600]), np.array([1000, 3000, 6000])
    assert psi(a, b) == pytest.approx(0, abs=1e-4)
    c = np.array([600, 300, 100])
    assert psi(a, c) == pytest.approx(psi(c, a))
    # (0.6 - 0.1) ln 6, twice
    assert psi(a, c) == pytest.approx(2 * 0.5 * np.log(6), rel=0.01)


def test_p_values_are_corrected_by_holm() -> None:
    assert corrected([]) == []
    assert corrected([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert corrected([0.9, 0.8]) == [1.0, 1.0]


def test_neither_size_alone_nor_chance_alone_is_an_alarm() -> None:
    many = (1_000_000, 1_000_000)
    assert verdict(0.001, 1e-30, many) == "none"
    assert verdict(5.0, CHANCE, (40, 40)) == "none"
    assert verdict(5.0, 1e-9, (29, 1000)) == "too_few_rows"
    assert verdict(MODERATE_PSI, 1e-9, many) == "moderate"
    assert verdict(0.25, 1e-9, many) == "strong"


def test_samples_of_one_population_seldom_alarm() -> None:
    alarms = 0
    for _ in range(400):
        a, b = np.sort(RNG.normal(size=60)), np.sort(RNG.normal(size=60))
        found = numbers_change(a, b)
        alarms += verdict(found.psi, found.p_value, (60, 60)) != "none"
    assert alarms <= 12  # 4 are expected; with 0.01 each, more than 12 comes once in 3,000


def test_a_single_row_of_an_unheard_of_category_is_no_proof():
    first = np.array([200] * 10 + [0])
    second = np.array([6, 6, 6, 6, 6, 6, 6, 6, 6, 5, 1])
    assert counts_change(first, second).p_value > 0.9
    many = np.array([4] * 10 + [20])
    # The rare category counts as one with the next rarest.
    pooled = [[200] * 9 + [200], [4] * 9 + [24]]
    expected = stats.chi2_contingency(pooled, correction=False).pvalue
    assert counts_change(first, many).p_value == pytest.approx(expected)
    assert expected < 1e-6, "many of them are"
