"""The first rows of a dataset as JSON values."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

MAX_ROWS = 1000
_MAX_CELLS = 500_000
_MAX_CHARS = 16 * 2**20
_AS_IN_JSON = frozenset({"string", "int64", "bool"})


def json_value(value: Any) -> Any:
    """A cell as JSON: missing, NaN and infinite are ``None``, times ISO 8601 as stored (UTC)."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return value


def write_preview(
    data: Path,
    columns: list[dict[str, Any]],
    rows_total: int,
    target: Path,
) -> None:
    """Write ``{"columns", "first_rows", "rows_total"}``: at most 1000 rows and about 16 MB."""
    names = [column["name"] for column in columns]
    limit = min(MAX_ROWS, max(20, _MAX_CELLS // max(len(names), 1)))
    fetched = _first_rows(data, limit)
    rows: list[dict[str, Any]] = []
    chars = 0
    for row in fetched:
        chars += sum([len(cell) for cell in row if isinstance(cell, str)])
        if chars > _MAX_CHARS and rows:
            break
        rows.append(dict(zip(names, row, strict=True)))
    preview = {"columns": columns, "first_rows": rows, "rows_total": rows_total}
    target.write_text(json.dumps(preview, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def _first_rows(data: Path, limit: int) -> Iterable[tuple[Any, ...]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(data) as file:
        batch = next(file.iter_batches(batch_size=limit), None)
        if batch is None:
            return []
        columns = [_json_column(column) for column in batch.columns]
    return zip(*columns, strict=True)


def _json_column(column: pa.Array) -> list[Any]:
    cells: list[Any] = column.to_pylist()
    kind = str(column.type)
    return cells if kind in _AS_IN_JSON else [json_value(cell) for cell in cells]
