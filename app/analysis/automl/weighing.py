"""How much each row counts, by a column of the user's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.analysis.automl.features.table import as_floats
from app.analysis.automl.options import RunOptions
from app.analysis.errors import BadOption

Array = npt.NDArray[Any]


def read_weights(frame: pd.DataFrame, options: RunOptions) -> Array | None:
    """(rows,) the weights, 1 in the mean; ``None`` where all rows count alike.

    Raises ``BadOption`` for weights that are no numbers, missing, negative, or all 0.
    """
    name = options.weight_column
    if name is None:
        return None
    if not pd.api.types.is_numeric_dtype(frame[name]):
        raise _bad(name, "it holds no numbers")
    values = as_floats(frame[name])
    missing = int((~np.isfinite(values)).sum())
    if missing:
        raise _bad(name, f"{missing:,} rows have none")
    negative = int((values < 0).sum())
    if negative:
        raise _bad(name, f"{negative:,} rows have a negative one")
    if not values.any():
        raise _bad(name, "all are 0")
    return np.asarray(values / values.mean())


def told_of_weights(weights: Array | None, options: RunOptions) -> list[str]:
    """What is to be told of them."""
    if weights is None:
        return []
    told = (
        f"Rows count by their weight in {options.weight_column!r} (from {weights.min():.3g} to "
        f"{weights.max():.3g} times the mean), in fits, in the choice, in the figures, in "
        "intervals and in what calibrates probabilities."
    )
    if options.test_dataset_id is not None:
        told += " Those of the test set count alike."
    return [told]


def _bad(name: str, why: str) -> BadOption:
    return BadOption(f"Column {name!r} cannot weigh the rows: {why}.", option="weight_column")
