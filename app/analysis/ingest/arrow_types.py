"""Columns of Arrow's types (Parquet, Arrow, ORC): what each becomes; what UAM lacks is text, and told."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from app.analysis.ingest.engine import identifier, literal, positions
from app.analysis.ingest.findings import Finding, quoted
from app.analysis.ingest.names import repair_names
from app.analysis.ingest.table import Kind, Table


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
    finer = "holds nanoseconds; microseconds are kept." if kind.unit == "ns" else None
    if kind.tz is not None:
        told = f"has the time zone {kind.tz} and is kept in UTC."
        if finer:
            told = f"{told.removesuffix('.')}, to the microsecond."
        # Of nanoseconds with a zone the engine does not tell the microseconds.
        moment = f"CAST({cell} AS TIMESTAMPTZ)" if finer else cell
        return "datetime", f"make_timestamp(epoch_us({moment}))", told
    return "datetime", f"CAST({cell} AS TIMESTAMP)", finer


def typed_table(
    path: Path,
    raw_names: Sequence[str],
    types: Sequence[pa.DataType],
    rows: int,
    unpacked: int,
    format_name: str,
) -> Table:
    """A table of typed columns over a Parquet file of ``rows`` rows and ``unpacked`` bytes."""
    names, findings = repair_names(raw_names)
    inner = positions(len(names))
    kinds: list[Kind] = []
    casts = []
    for name, position, kind in zip(names, inner, types, strict=True):
        declared, sql, told = declared_column(kind, position)
        kinds.append(declared)
        casts.append(f"{sql} AS {position}")
        if told:
            findings.append(Finding("converted", f"{quoted(name)} {told}", name))
    aliases = ", ".join(identifier(position) for position in inner)
    relation = (
        f"(SELECT {', '.join(casts)} FROM read_parquet({literal(str(path))}, "
        f"hive_partitioning = false) AS t({aliases}))"
    )
    return Table(
        names=names,
        relation=relation,
        kinds=kinds,
        read={"format": format_name, "rows_declared": rows},
        row_bytes=unpacked / max(rows, 1),
        findings=findings,
    )
