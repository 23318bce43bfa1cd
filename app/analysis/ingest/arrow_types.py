"""Columns of Arrow's types (Parquet, Arrow, ORC): what each becomes; what UAM lacks is text, and told."""

from __future__ import annotations

import pyarrow as pa

from app.analysis.ingest.table import Kind


def declared_column(kind: pa.DataType, cell: str) -> tuple[Kind, str, str | None]:
    """The kind, the SQL of the value and what to tell, for a column of an Arrow type.

    ``cell`` is SQL for the value as the engine reads it from Parquet.
    """
    if pa.types.is_dictionary(kind):
        return declared_column(kind.value_type, cell)
    if pa.types.is_boolean(kind):
        return "boolean", cell, None
    if kind == pa.uint64():
        # Half of its range is past what the schema's integers hold.
        return "infer", f"CAST({cell} AS VARCHAR)", None
    if pa.types.is_integer(kind):
        return "integer", f"CAST({cell} AS BIGINT)", None
    if pa.types.is_floating(kind):
        return "number", f"nullif(CAST({cell} AS DOUBLE), 'nan'::DOUBLE)", None
    if pa.types.is_decimal(kind):
        return _decimal(kind, cell)
    if pa.types.is_timestamp(kind):
        return _timestamp(kind, cell)
    if pa.types.is_date(kind):
        return "datetime", f"CAST({cell} AS TIMESTAMP)", None
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "string", f"CAST({cell} AS VARCHAR)", None
    if pa.types.is_null(kind):
        return "string", "NULL::VARCHAR", None
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        return "string", f"CAST({cell} AS VARCHAR)", "holds times without a date, kept as text."
    if pa.types.is_nested(kind):
        return (
            "string",
            f"CAST(to_json({cell}) AS VARCHAR)",
            "holds lists or records, kept as JSON text.",
        )
    return "string", f"CAST({cell} AS VARCHAR)", f"holds values of type {kind}, kept as text."


def _decimal(kind: pa.DataType, cell: str) -> tuple[Kind, str, str | None]:
    if kind.scale == 0 and kind.precision <= 18:
        return "integer", f"CAST({cell} AS BIGINT)", None
    if kind.scale == 0:
        return (
            "string",
            f"CAST({cell} AS VARCHAR)",
            "holds whole numbers of over 18 digits, kept as text.",
        )
    told = None
    if kind.precision > 15:
        told = f"holds decimals of up to {kind.precision} digits; numbers keep 15 to 17 of them."
    return "number", f"CAST({cell} AS DOUBLE)", told


def _timestamp(kind: pa.DataType, cell: str) -> tuple[Kind, str, str | None]:
    if kind.tz is not None:
        told = f"has the time zone {kind.tz} and is kept in UTC."
        return "datetime", f"make_timestamp(epoch_us({cell}))", told
    finer = "holds nanoseconds; microseconds are kept." if kind.unit == "ns" else None
    return "datetime", f"CAST({cell} AS TIMESTAMP)", finer
