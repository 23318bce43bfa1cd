"""What a forecast wants to be given: the input schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.analysis.automl.forecasting.model import ForecastModel
from app.analysis.automl.forecasting.panel import Roles
from app.analysis.schema import Column

MOST_CATEGORIES = 200


def describe_future(
    model: ForecastModel, columns: Sequence[Column], roles: Roles
) -> list[dict[str, Any]]:
    """``[{name, type, required, categories?, range?, example}]``: the time (its range is what can
    be foretold), the series, and what is known in advance."""
    last = int(model.end.max())
    grid = model.grid
    out: list[dict[str, Any]] = []
    for column in columns:
        one: dict[str, Any] = {"name": column.name, "type": column.type, "required": True}
        if column.name == roles.time:
            one["range"] = [grid.spelled(last), grid.spelled(last - 1 + model.reach)]
            one["example"] = grid.spelled(last)
        elif column.name == roles.series:
            one["categories"] = list(model.names[:MOST_CATEGORIES])
            one["example"] = model.names[0]
        else:
            one |= _known(model, column)
        out.append(one)
    return out


def _known(model: ForecastModel, column: Column) -> dict[str, Any]:
    k = next(i for i, c in enumerate(model.known_columns) if c.name == column.name)
    values = model.known[k][np.isfinite(model.known[k])]
    words = model.known_columns[k].categories
    out: dict[str, Any] = {"required": False}
    if words:
        return {**out, "categories": list(words[:MOST_CATEGORIES]), "example": words[0]}
    if not values.size:
        return {**out, "example": None}
    low, high, middle = (_number(f(values), column) for f in (np.min, np.max, np.median))
    if column.type == "boolean":
        return {**out, "example": bool(middle)}
    return {**out, "range": [low, high], "example": middle}


def _number(value: Any, column: Column) -> float | int:
    return int(value) if column.type == "integer" else float(f"{float(value):.7g}")
