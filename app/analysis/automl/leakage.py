"""Leakage: a single column that knows the target almost perfectly is rarely an honest one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from app.analysis.automl.features.table import Layout, RawTable
from app.analysis.automl.metrics import roc_auc
from app.analysis.automl.tasks import Task

Array = npt.NDArray[Any]

SUSPICIOUS = {"binary": 0.99, "multiclass": 0.98, "regression": 0.995}
"""AUC, accuracy or R² of one column alone from which on it is warned of."""
LEAST_ROWS = 50
_BINS = 200
_SAMPLE = 20_000
_CELLS = 1_000_000
"""Columns are looked at together, so many cells at a time."""


def leaking_columns(layout: Layout, table: RawTable, task: Task, y: Array) -> dict[str, float]:
    """Columns that alone predict ``y`` almost perfectly, with their figure (see SUSPICIOUS).

    A column's values are cut into up to 200 bins; the bins' mean targets, learned on every
    other row, predict the rest. For a regression the squared rank correlation counts as well.
    """
    if y.size < LEAST_ROWS:
        return {}
    step = max(1, y.size // _SAMPLE)
    sample, truth = table.take(np.arange(0, y.size, step)), y[::step]
    values = np.hstack([sample.numbers, sample.dates])
    found: list[float] = []
    at_once = max(1, _CELLS // truth.size)
    for start in range(0, values.shape[1], at_once):
        block = values[:, start : start + at_once]
        strengths = [_strength(bins, task, truth) for bins in _binned(block).T]
        if task == "regression":
            strengths = list(map(max, strengths, _monotone(block, truth)))
        found += strengths
    figures = dict(zip((*layout.numbers, *layout.dates), found, strict=True))
    for j, name in enumerate(layout.tokens):
        figures[name] = _strength(sample.tokens[:, j] + 2, task, truth)
    return {name: figure for name, figure in figures.items() if figure >= SUSPICIOUS[task]}


def warning(column: str, figure: float, task: Task, target: str) -> str:
    """One plain sentence about a suspicious column."""
    what = {"binary": "AUC", "multiclass": "accuracy", "regression": "R²"}[task]
    return (
        f"Column {column!r} alone predicts {target!r} almost perfectly ({what} {figure:.4f}): "
        "if it is only known afterwards, put it in 'ignore'."
    )


def _monotone(values: Array, y: Array) -> list[float]:
    """Squared rank correlation of each column: 1 for any rising or falling function of it."""
    known = ~np.isnan(values)
    whole = known.all(axis=0)
    figures = np.zeros(values.shape[1])
    figures[whole] = _squared_correlations(rankdata(values[:, whole], axis=0), rankdata(y))
    for j in np.flatnonzero(~whole & (known.sum(axis=0) >= LEAST_ROWS)):
        there = known[:, j]
        ranks = rankdata(values[there, j])[:, np.newaxis]
        figures[j] = _squared_correlations(ranks, rankdata(y[there]))[0]
    return [float(figure) for figure in figures]


def _squared_correlations(columns: Array, y: Array) -> Array:
    """Of each column with ``y``; 0 where either is constant."""
    columns, y = columns - columns.mean(axis=0), y - y.mean()
    spread = (columns**2).sum(axis=0) * (y**2).sum()
    return np.where(spread > 0, (y @ columns) ** 2 / np.where(spread > 0, spread, 1.0), 0.0)


def _binned(values: Array) -> Array:
    """The place of each value among up to 200 quantiles of its column; missing ones come last."""
    bins = int(np.clip(values.shape[0] // 8, 5, _BINS))
    whole = ~np.isnan(values).any(axis=0)
    shares = np.linspace(0, 1, bins)
    edges = np.empty((bins, values.shape[1]))
    edges[:, whole] = np.quantile(values[:, whole], shares, axis=0)
    for gappy in np.flatnonzero(~whole):
        edges[:, gappy] = np.nanquantile(values[:, gappy], shares)
    places = np.empty(values.shape, np.int64)
    for j in range(values.shape[1]):
        own = np.unique(edges[:, j])
        found = np.searchsorted(own, values[:, j], side="left")
        places[:, j] = np.where(np.isnan(values[:, j]), own.size + 1, found)
    return places


def _strength(bins: Array, task: Task, y: Array) -> float:
    learn, judge = np.arange(y.size) % 2 == 0, np.arange(y.size) % 2 == 1
    if np.unique(bins).size > y.size // 4:
        return 0.0  # too many bins to learn anything from half the rows
    size = int(bins.max()) + 1
    if task == "multiclass":
        return _accuracy_above_chance(bins, y, learn, judge, size)
    count = np.bincount(bins[learn], minlength=size)
    total = np.bincount(bins[learn], y[learn].astype(np.float64), minlength=size)
    overall = y[learn].mean()
    means = np.where(count > 0, total / np.maximum(count, 1), overall)
    given, truth = means[bins[judge]], y[judge]
    if task == "binary":
        return float(np.nan_to_num(roc_auc(truth, given)))
    spread = np.sum((truth - truth.mean()) ** 2)
    return float(1 - np.sum((truth - given) ** 2) / spread) if spread > 0 else 0.0


def _accuracy_above_chance(bins: Array, y: Array, learn: Array, judge: Array, size: int) -> float:
    table = np.zeros((size, int(y.max()) + 1))
    np.add.at(table, (bins[learn], y[learn]), 1)
    accuracy = float(np.mean(table.argmax(axis=1)[bins[judge]] == y[judge]))
    most_frequent = float(np.bincount(y[judge]).max() / judge.sum())
    return accuracy if most_frequent < SUSPICIOUS["multiclass"] - 0.03 else 0.0
