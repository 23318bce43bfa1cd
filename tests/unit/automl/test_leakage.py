"""Leakage: columns that alone know the target, whichever columns stand beside them."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from app.analysis.automl import leakage
from app.analysis.automl.features.table import Layout, RawTable
from app.analysis.automl.leakage import SUSPICIOUS, leaking_columns

ROWS = 400


def table(numbers: np.ndarray) -> tuple[Layout, RawTable]:
    """Numbers alone."""
    names = tuple(f"x{j}" for j in range(numbers.shape[1]))
    nothing = np.empty((len(numbers), 0))
    return Layout(numbers=names), RawTable(numbers, nothing, nothing.astype(np.int32), ())


def mixed() -> tuple[np.ndarray, np.ndarray]:
    """Leaks that rise, fall and have gaps, beside noise, constants and what is all missing."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=ROWS)
    numbers = rng.normal(size=(ROWS, 12))
    numbers[:, 2] = np.exp(y)
    numbers[:, 3] = -y
    numbers[rng.random(ROWS) < 0.3, 3] = np.nan
    numbers[:, 5] = 7.0
    numbers[:, 6] = np.nan
    numbers[:, 7] = y
    numbers[40:, 7] = np.nan
    numbers[:, 8] = y + rng.normal(size=ROWS)
    return numbers, y


@pytest.mark.filterwarnings("ignore:All-NaN slice encountered")
@pytest.mark.parametrize("task", ["regression", "binary"])
def test_columns_looked_at_together_are_told_of_as_each_by_itself(
    monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    monkeypatch.setitem(SUSPICIOUS, task, -1e9)
    numbers, y = mixed()
    y = y if task == "regression" else (y > 0).astype(int)
    together = leaking_columns(*table(numbers), task, y)
    monkeypatch.setattr(leakage, "_CELLS", 3 * ROWS)
    assert leaking_columns(*table(numbers), task, y) == pytest.approx(together)
    for j in range(numbers.shape[1]):
        alone = leaking_columns(*table(numbers[:, [j]]), task, y)
        assert alone["x0"] == pytest.approx(together[f"x{j}"])


@pytest.mark.filterwarnings("ignore:All-NaN slice encountered")
def test_rising_and_falling_functions_of_the_target_are_told_of() -> None:
    numbers, y = mixed()
    found = leaking_columns(*table(numbers), "regression", y)
    assert set(found) == {"x2", "x3"}
    assert found == {"x2": pytest.approx(1.0), "x3": pytest.approx(1.0)}


def test_a_figure_is_the_squared_rank_correlation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SUSPICIOUS, "regression", 0.0)
    rng = np.random.default_rng(1)
    y = rng.integers(0, 30, ROWS).astype(float)
    numbers = np.round(y[:, np.newaxis] + rng.normal(scale=6, size=(ROWS, 2)))
    numbers[::5, 1] = np.nan
    found = leaking_columns(*table(numbers), "regression", y)
    for j, name in enumerate(("x0", "x1")):
        known = ~np.isnan(numbers[:, j])
        rank = spearmanr(numbers[known, j], y[known]).statistic ** 2
        assert found[name] >= rank - 1e-12
        assert leakage._monotone(numbers[:, [j]], y) == [pytest.approx(rank)]
