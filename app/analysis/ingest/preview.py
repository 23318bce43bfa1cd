"""The first rows of a dataset as JSON values."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.analysis.ingest.engine import parquet_relation

if TYPE_CHECKING:
    import duckdb

MAX_ROWS = 1000
_MAX_CELLS = 500_000
_MAX_CHARS = 16 * 2**20


def json_value(value: Any) -> Any:
    """A cell as JSON: missing, NaN and infinite are ``None``, times ISO 8601 as stored (UTC)."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return value


def write_preview(
    connection: duckdb.DuckDBPyConnection,
    data: Path,
    columns: list[dict[str, Any]],
    rows_total: int,
    target: Path,
) -> None:
    """Write ``{"columns", "first_rows", "rows_total"}``: at most 1000 rows and about 16 MB."""
    names = [column["name"] for column in columns]
    limit = min(MAX_ROWS, max(20, _MAX_CELLS // max(len(names), 1)))
    fetched = connection.execute(
        f"SELECT * FROM {parquet_relation(data, len(names))} LIMIT {limit}"
    ).fetchall()
    rows: list[dict[str, Any]] = []
    chars = 0
    for row in fetched:
        shown = dict(zip(names, map(json_value, row), strict=True))
        chars += sum(len(cell) for cell in row if isinstance(cell, str))
        if chars > _MAX_CHARS and rows:
            break
        rows.append(shown)
    preview = {"columns": columns, "first_rows": rows, "rows_total": rows_total}
    target.write_text(json.dumps(preview, ensure_ascii=False, allow_nan=False), encoding="utf-8")
