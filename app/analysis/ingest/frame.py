"""A dataset as a pandas DataFrame, its dtypes by the schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from app.analysis.schema import Column, columns_from_json


def load_frame(source: str | Path, columns: Iterable[Mapping[str, Any] | Column]) -> pd.DataFrame:
    """The dataset's table; columns in the order of ``columns``, which may name some of them.

    Whole numbers are ``int64``, or ``float64`` where some are missing (then NaN); numbers are
    ``float64``; truth values ``bool``, or ``object`` with ``None``; dates ``datetime64[us]``
    in UTC without zone; all text is ``object`` holding ``str`` and ``None``.
    """
    wanted = _columns(columns)
    with pq.ParquetFile(source, memory_map=True) as file:
        return _frame_of(file.read(columns=_held(file, wanted)), wanted)


def load_frames(
    source: str | Path, columns: Iterable[Mapping[str, Any] | Column], rows: int
) -> Iterator[pd.DataFrame]:
    """The same, at most so many rows at a time: each piece has the dtypes of its own values."""
    wanted = _columns(columns)
    with pq.ParquetFile(source, memory_map=True) as file:
        for batch in file.iter_batches(rows, columns=_held(file, wanted)):
            yield _frame_of(pa.Table.from_batches([batch]), wanted)


def _held(file: pq.ParquetFile, wanted: Sequence[Column]) -> list[str]:
    known = set(file.schema_arrow.names)
    return [column.name for column in wanted if column.name in known]


def _frame_of(table: pa.Table, wanted: Sequence[Column]) -> pd.DataFrame:
    data = {column.name: to_series(table.column(column.name)) for column in wanted}
    return pd.DataFrame(data, index=pd.RangeIndex(table.num_rows))


def _columns(columns: Iterable[Mapping[str, Any] | Column]) -> Sequence[Column]:
    given = list(columns)
    return [
        column if isinstance(column, Column) else columns_from_json([column])[0] for column in given
    ]


def to_series(values: pa.ChunkedArray) -> pd.Series[Any]:
    """An Arrow column as a Series, as :func:`load_frame` says."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return to_series(values.cast(kind.value_type))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pd.Series(
            values.to_pandas(strings_to_categorical=False).to_numpy(object), dtype=object
        ).where(lambda s: s.notna(), None)
    if pa.types.is_boolean(kind):
        array = values.to_numpy()
        return pd.Series(array, dtype=object if values.null_count else bool)
    if pa.types.is_timestamp(kind):
        return pd.Series(values.cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]"))
    if pa.types.is_null(kind):
        return pd.Series([None] * len(values), dtype=object)
    array = values.to_numpy()
    return pd.Series(array.astype(np.float64) if values.null_count else array)
