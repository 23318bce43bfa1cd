"""How columns go together: Pearson and Spearman, Cramér's V, the correlation ratio, and mutual
information.

Computed on the sampled rows, for a bounded number of columns; what is left out is told.
Each measure takes the rows on which both columns have a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from app.analysis.profile.clusters import clusters
from app.analysis.profile.facts import Facts
from app.analysis.profile.information import binned, information
from app.analysis.profile.source import Array

MAX_COLUMNS = 60
MAX_LISTED = 300
FEWEST_ROWS = 3
ROWS_A_LEVEL = 5
"""With fewer rows than this a level, a category fits anything: such pairs are left out."""


@dataclass(frozen=True, slots=True)
class Associations:
    """``listed``: ``{a, b, measure, value, rows}``, strongest first; and what is not there.

    ``dependencies``: ``{column, decides, rows}``, where each value of ``column`` goes with one
    value of the other only, on all the rows that have both. ``clusters``: ``{columns, least}``,
    columns that say the same.
    """

    listed: list[dict[str, Any]]
    dependencies: list[dict[str, Any]]
    clusters: list[dict[str, Any]]
    columns_used: int
    columns_left_out: int
    pairs_left_out: int


def associations(facts: Sequence[Facts], target: str | None) -> Associations:
    """The associations of every pair of at most 60 columns, the target's first of all.

    Ids, constants, texts and categories of more than 100 levels take no part. The strongest
    300 are listed, as many of mutual information, and all that concern the target.
    """
    fitting = [f for f in facts if _fits(f)]
    fitting.sort(key=lambda f: f.name != target)  # stable: the target, then the file's order
    used = fitting[:MAX_COLUMNS]
    between, dependencies = _between_categories(used)
    found = [*_between_numbers(used), *between, *_across(used)]
    told = list(_informative(used))
    listed = sorted(
        _strongest(found, target) + _strongest(told, target), key=lambda row: -abs(row["value"])
    )
    left_out = len(fitting) - len(used), len(found) + len(told) - len(listed)
    same = clusters(found, dependencies)
    return Associations(listed, dependencies, same, len(used), *left_out)


def _strongest(rows: list[dict[str, Any]], target: str | None) -> list[dict[str, Any]]:
    rows.sort(key=lambda row: -abs(row["value"]))
    return [
        row
        for place, row in enumerate(rows)
        if place < MAX_LISTED or target in (row["a"], row["b"])
    ]


def pearson(matrix: Array) -> tuple[Array, Array]:
    """Pearson's r of all pairs of columns (NaN: missing), and the rows each rests on.

    ``matrix`` is rows × k; both results are k × k, r is NaN where it is not defined.
    """
    there = ~np.isnan(matrix)
    scaled = np.where(there, _standard(matrix, there), 0.0)
    mask = there.astype(np.float64)
    rows = mask.T @ mask
    sums = scaled.T @ mask
    squares = (scaled * scaled).T @ mask
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(np.maximum(rows * squares - sums * sums, 0))
        r = (rows * (scaled.T @ scaled) - sums * sums.T) / (spread * spread.T)
    flat = (spread * spread.T) <= 1e-9 * np.maximum(rows, 1)
    return np.where(flat | (rows < FEWEST_ROWS), np.nan, np.clip(r, -1, 1)), rows


def ranks(values: Array) -> Array:
    """Ranks from 1 on, the mean rank for ties, NaN where missing."""
    there = ~np.isnan(values)
    _, places, counts = np.unique(values[there], return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    result = np.full(len(values), np.nan)
    result[there] = (ends - (counts - 1) / 2)[places]
    return result


def cramers_v(table: Array) -> float | None:
    """Cramér's V of a table of counts, corrected for bias (Bergsma, 2013, "A bias-correction
    for Cramér's V and Tschuprow's T"); ``None`` where a side has one level."""
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0].astype(np.float64)
    n, (r, k) = table.sum(), table.shape
    if min(r, k) < 2 or n < FEWEST_ROWS:
        return None
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi2 = float(((table - expected) ** 2 / expected).sum() / n)
    corrected = max(0.0, phi2 - (k - 1) * (r - 1) / (n - 1))
    sides = min(side - (side - 1) ** 2 / (n - 1) for side in (r, k)) - 1
    return min(1.0, float(np.sqrt(corrected / sides))) if sides > 0 else None


def correlation_ratio(codes: Array, values: Array) -> tuple[float, int] | None:
    """η: the share of the values' spread that lies between the groups, as a root (Pearson,
    1903); with the rows it rests on. ``None`` where nothing spreads or groups are too small."""
    both = (codes >= 0) & ~np.isnan(values)
    groups, numbers = codes[both], values[both]
    counts = np.bincount(groups) if len(groups) else np.zeros(0)
    levels = np.count_nonzero(counts)
    if levels < 2 or len(numbers) < ROWS_A_LEVEL * levels:
        return None
    numbers = _standard(numbers[:, None], np.ones((len(numbers), 1), bool))[:, 0]
    total = float((numbers**2).sum())
    sums = np.bincount(groups, weights=numbers)
    between = float((sums[counts > 0] ** 2 / counts[counts > 0]).sum())
    return (min(1.0, (between / total) ** 0.5), len(numbers)) if total > 1e-9 else None


def cross_table(a: Array, b: Array) -> Array:
    """Counts of the pairs of codes, without the rows on which either is −1."""
    both = (a >= 0) & (b >= 0)
    if not both.any():
        return np.zeros((0, 0), np.int64)
    wide = int(b.max()) + 1
    pairs = a[both] * wide + b[both]
    high = int(a.max()) + 1
    return np.bincount(pairs, minlength=high * wide).reshape(high, wide)


def _fits(facts: Facts) -> bool:
    if facts.codes is not None:
        return True
    return facts.numbers is not None and bool(np.isfinite(facts.numbers).sum() >= FEWEST_ROWS)


def _between_numbers(used: Sequence[Facts]) -> Iterator[dict[str, Any]]:
    names = [f.name for f in used if f.numbers is not None]
    columns = [f.numbers for f in used if f.numbers is not None]
    if len(columns) < 2:
        return
    for measure, stack in (("pearson", columns), ("spearman", [ranks(c) for c in columns])):
        values, rows = pearson(np.column_stack(stack))
        for i, j in combinations(range(len(names)), 2):
            if not np.isnan(values[i, j]):
                yield _row(names[i], names[j], measure, values[i, j], rows[i, j])


def _between_categories(
    used: Sequence[Facts],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The associations of pairs of categories, and which decides which."""
    listed, dependencies = [], []
    coded = [(f.name, f.codes) for f in used if f.codes is not None]
    for (a, first), (b, second) in combinations(coded, 2):
        table = cross_table(first, second)
        rows = int(table.sum())
        if rows < ROWS_A_LEVEL * max(table.shape, default=0):
            continue
        value = cramers_v(table)
        if value is not None:
            listed.append(_row(a, b, "cramers_v", value, rows))
            sides = ((a, b, table), (b, a, table.T))
            dependencies += [
                {"column": column, "decides": other, "rows": rows}
                for column, other, counts in sides
                if decides(counts)
            ]
    return listed, dependencies


def decides(table: Array) -> bool:
    """Whether each row of a table of counts has a single column that is not 0."""
    return bool(((table > 0).sum(axis=1) <= 1).all())


def _across(used: Sequence[Facts]) -> Iterator[dict[str, Any]]:
    for group in used:
        if group.codes is None:
            continue
        for number in used:
            if number.numbers is None:
                continue
            found = correlation_ratio(group.codes, number.numbers)
            if found is not None:
                yield _row(group.name, number.name, "correlation_ratio", *found)


def _informative(used: Sequence[Facts]) -> Iterator[dict[str, Any]]:
    """The mutual information of every pair, where it is more than chance."""
    coded = [(f.name, f.codes) for f in used if f.codes is not None]
    coded += [
        (f.name, binned(f.numbers)) for f in used if f.codes is None and f.numbers is not None
    ]
    for (a, first), (b, second) in combinations(coded, 2):
        found = information(cross_table(first, second))
        if found is not None and found.certain:
            row = _row(a, b, "mutual_information", found.coefficient, found.rows)
            yield {**row, "nats": round(found.nats, 6)}


def _row(a: str, b: str, measure: str, value: float, rows: float) -> dict[str, Any]:
    return {"a": a, "b": b, "measure": measure, "value": round(float(value), 6), "rows": int(rows)}


def _standard(matrix: Array, there: Array) -> Array:
    """Columns with mean 0 and standard deviation 1, safe for huge and tiny values."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        filled = np.where(there, matrix, 0.0)
        top = np.abs(filled).max(axis=0, initial=0.0)
        filled = filled / np.where(top > 0, top, 1.0)
        counts = np.maximum(there.sum(axis=0), 1)
        centred = np.where(there, filled - filled.sum(axis=0) / counts, 0.0)
        spread = np.sqrt((centred**2).sum(axis=0) / counts)
        standard: Array = centred / np.where(spread > 1e-14, spread, np.inf)
    return standard
