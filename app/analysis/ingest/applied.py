"""The steps of a cleaning, done to a frame in memory: rows to predict are cleaned exactly as the
training rows were. No engine is needed for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from app.analysis.ingest.engine import WHITE

if TYPE_CHECKING:
    import pandas as pd


def apply_steps(
    frame: pd.DataFrame, steps: Iterable[Mapping[str, Any]], *, keep_rows: bool = False
) -> pd.DataFrame:
    """The steps of a ``cleaning.json`` done to ``frame``, which is left as it was.

    On the raw table this gives the cleaned one. For rows to predict pass ``keep_rows``: then
    no row is dropped, and steps about columns that are not there do nothing.
    """
    done = frame.copy(deep=False)
    for step in steps:
        rule, column = step["rule"], step["column"]
        if rule == "drop_duplicate_rows":
            if not keep_rows:
                done = done.drop_duplicates(ignore_index=True)
        elif column not in done.columns:
            continue
        elif rule in ("drop_empty_columns", "drop_constant_columns"):
            done = done.drop(columns=[column])
        else:
            done[column] = _CELL_STEPS[rule](done[column], step["parameters"])
    return done


def _map_text(values: pd.Series[Any], change: Callable[[str], str | None]) -> pd.Series[Any]:
    changed = [change(value) if isinstance(value, str) else value for value in values]
    import pandas as pd

    return pd.Series(changed, index=values.index, dtype=object)


def _finite(values: pd.Series[Any], _parameters: Mapping[str, Any]) -> pd.Series[Any]:
    import numpy as np

    if values.dtype == object:
        return values
    return values.where(~np.isinf(values.to_numpy(dtype=float)))


_CELL_STEPS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "trim_space": lambda values, _: _map_text(values, lambda text: text.strip(WHITE)),
    "empty_to_missing": lambda values, _: _map_text(values, lambda text: text or None),
    "unify_booleans": lambda values, parameters: _map_text(
        values, lambda text: parameters["spellings"].get(text, text)
    ),
    "infinite_to_missing": _finite,
}
