"""What a model wants to be given: the input schema, made from the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from app.analysis.schema import NUMERIC_TYPES, Column

MOST_CATEGORIES = 200


def describe_inputs(frame: pd.DataFrame, columns: Sequence[Column]) -> list[dict[str, Any]]:
    """``[{name, type, required, categories?, range?, example}]`` for the columns a model uses.

    A column is required when no training row lacked its value: the model has never learned
    what a missing one means there.
    """
    return [_describe(frame[column.name], column) for column in columns]


def _describe(series: pd.Series[Any], column: Column) -> dict[str, Any]:
    known = series.dropna()
    out: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "required": len(known) == len(series),
    }
    if column.type in NUMERIC_TYPES:
        ordered = np.sort(known.to_numpy())
        out["range"] = [_plain(ordered[0], column), _plain(ordered[-1], column)]
        out["example"] = _plain(ordered[ordered.size // 2], column)
    elif column.type == "datetime":
        out["range"] = [_plain(known.min(), column), _plain(known.max(), column)]
        out["example"] = _plain(known.iloc[0], column)
    elif column.type in ("categorical", "constant"):
        counts = known.value_counts()
        out["categories"] = [_plain(value, column) for value in counts.index[:MOST_CATEGORIES]]
        out["example"] = out["categories"][0]
    else:
        out["example"] = _plain(known.iloc[0], column)
    return out


def _plain(value: Any, column: Column) -> Any:
    """A cell as JSON: ISO dates, whole numbers without a point."""
    if column.type == "datetime":
        return pd.Timestamp(value).isoformat()
    if column.type == "boolean":
        return bool(value)
    if column.type == "integer":
        return int(value)
    if column.type == "number" or isinstance(value, float):
        return float(value)
    item = value.item() if hasattr(value, "item") else value
    return item if isinstance(item, (int, float)) else str(item)
