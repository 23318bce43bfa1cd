"""A test set of the user's own: rows that judge once, at the end, and never teach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.analysis.automl.features.numbers import in_range
from app.analysis.automl.features.table import Layout, RawTable, as_floats, read_frame
from app.analysis.automl.target import TRUTH, Target, places_of
from app.analysis.errors import BadOption
from app.analysis.ingest.applied import apply_steps

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class TestTable:
    """The table, and how its file spelled false and true where it did so in its own way."""

    frame: pd.DataFrame
    spellings: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def read_test(
    test: TestTable, layout: Layout, target: Target, steps: Sequence[Mapping[str, Any]]
) -> tuple[RawTable, Array, list[str]]:
    """The rows that can judge, their truth, and what is to be told of the others.

    They are cleaned as the training rows were. Raises ``BadOption`` for a table that lacks a
    column that the model reads, or holds something else there, and when no row can judge.
    """
    frame = apply_steps(test.frame, steps, keep_rows=True)
    _check_columns(frame, layout, target)
    truth, notes = _truth(frame[target.name], target, test.spellings.get(target.name, TRUTH))
    known = np.flatnonzero(np.isfinite(truth))
    if not known.size:
        raise _bad(f"No row of it has a value in {target.name!r} that can judge.")
    rows = frame.iloc[known].reset_index(drop=True)
    kept = truth[known]
    y = kept if target.task == "regression" else kept.astype(np.int64)
    what = f"{known.size:,} rows of the test set judge once at the end, and taught nothing."
    return read_frame(rows, layout), y, [what, *notes]


def _check_columns(frame: pd.DataFrame, layout: Layout, target: Target) -> None:
    missing = [name for name in (target.name, *layout.columns) if name not in frame]
    if missing:
        shown = ", ".join(repr(name) for name in missing[:5]) + (" …" if len(missing) > 5 else "")
        raise _bad(f"It lacks {shown}.")
    for name in layout.numbers:
        if not pd.api.types.is_numeric_dtype(frame[name]) and not _truths(frame[name]):
            raise _bad(f"Its column {name!r} does not hold numbers, as that of the data set does.")
    for name in layout.dates:
        if not pd.api.types.is_datetime64_any_dtype(frame[name]):
            raise _bad(f"Its column {name!r} does not hold dates, as that of the data set does.")


def _truths(series: pd.Series[Any]) -> bool:
    """Whether a column holds truth values, some of them missing, or nothing at all."""
    return all(isinstance(value, bool) for value in series.dropna().tolist())


def _truth(
    series: pd.Series[Any], target: Target, words: tuple[str, str]
) -> tuple[Array, list[str]]:
    """The truth of each row as the target's values, NaN where it cannot judge."""
    strange: dict[str, int] = {}
    if target.task == "regression":
        if not pd.api.types.is_numeric_dtype(series):
            raise _bad(f"Its column {target.name!r} does not hold numbers.")
        truth = in_range(as_floats(series))
    else:
        truth, strange = places_of(series, target.labels, words)
    notes, lacking = [], sum(strange.values())
    empty = int(np.isnan(truth).sum()) - lacking
    if empty:
        notes.append(f"{empty:,} rows of the test set have no value in the target.")
    if lacking:
        notes.append(f"{lacking:,} rows of the test set are of a class that training lacks.")
    return truth, notes


def _bad(message: str) -> BadOption:
    return BadOption(f"The test set does not fit. {message}", option="test_dataset_id")
