"""Clusters in plain words: in which columns a group differs from the whole table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.analysis.automl.features.numbers import in_range
from app.analysis.automl.features.table import as_floats
from app.analysis.schema import NUMERIC_TYPES, Column

Array = npt.NDArray[Any]

MOST_DIFFERENCES = 4
LEAST_SHIFT = 0.3
"""Standard deviations between means, or share points between levels, worth a word."""


def describe_clusters(
    frame: pd.DataFrame, columns: Sequence[Column], assigned: Array
) -> list[dict[str, Any]]:
    """``[{cluster, rows, share, description, differences}]``, numbered from 1.

    ``differences`` are ``{column, shift, words}``, the largest first; ``shift`` is in standard
    deviations for numbers, in shares of rows for categories.
    """
    out = []
    for k in range(int(assigned.max()) + 1):
        inside = assigned == k
        found = [d for c in columns if (d := _difference(frame[c.name], c, inside)) is not None]
        found.sort(key=lambda d: -abs(d["shift"]))
        found = found[:MOST_DIFFERENCES]
        words = "; ".join(d["words"] for d in found) or "like the whole table"
        rows = int(inside.sum())
        out.append(
            {
                "cluster": k + 1,
                "rows": rows,
                "share": round(rows / assigned.size, 4),
                "description": f"{rows:,} rows ({rows / assigned.size:.0%}): {words}.",
                "differences": found,
            }
        )
    return out


def _difference(series: pd.Series[Any], column: Column, inside: Array) -> dict[str, Any] | None:
    if column.type in NUMERIC_TYPES:
        return _shift_of_means(in_range(as_floats(series)), column.name, inside)
    if column.type in ("categorical", "boolean"):
        return _shift_of_shares(series, column.name, inside)
    return None


def _shift_of_means(values: Array, name: str, inside: Array) -> dict[str, Any] | None:
    spread = np.nanstd(values)
    if not spread > 0 or np.isnan(values[inside]).all():
        return None
    own, whole = float(np.nanmean(values[inside])), float(np.nanmean(values))
    shift = (own - whole) / float(spread)
    if abs(shift) < LEAST_SHIFT:
        return None
    side = "higher" if shift > 0 else "lower"
    words = f"{name} {side} (mean {own:.4g} against {whole:.4g})"
    return {"column": name, "shift": round(shift, 3), "words": words}


def _shift_of_shares(series: pd.Series[Any], name: str, inside: Array) -> dict[str, Any] | None:
    own = series[inside].value_counts(normalize=True)
    whole = series.value_counts(normalize=True)
    if own.empty:
        return None
    gaps = own.to_numpy(dtype=float) - whole.reindex(own.index).to_numpy(dtype=float)
    level = own.index[int(gaps.argmax())]
    shift = float(gaps.max())
    if shift < LEAST_SHIFT:
        return None
    words = (
        f"{name} more often {str(level)!r} ({own.loc[level]:.0%} against {whole.loc[level]:.0%})"
    )
    return {"column": name, "shift": round(shift, 3), "words": words}
