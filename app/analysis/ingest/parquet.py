"""Parquet files: typed by themselves; what UAM has no type for becomes text, and is told."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from app.analysis.errors import BadTable
from app.analysis.ingest.detect import Detected
from app.analysis.ingest.engine import adopt, identifier, literal, positions
from app.analysis.ingest.findings import Finding, quoted
from app.analysis.ingest.limits import check_columns, check_unpacked
from app.analysis.ingest.names import repair_names
from app.analysis.ingest.table import Kind, Table

_DAMAGED = "The Parquet file is damaged"


def open_parquet(detected: Detected, scratch: Path, max_unpacked_bytes: int) -> Table:
    """Open a Parquet file as a table.

    Raises :class:`BadTable` for a damaged file, :class:`TooLarge` for one that unpacks too far.
    """
    size = detected.path.stat().st_size
    try:
        with pq.ParquetFile(detected.path) as file:
            schema, metadata = file.schema_arrow, file.metadata
    except (pa.ArrowException, OSError, ValueError, UnicodeDecodeError) as error:
        raise BadTable(
            f"{_DAMAGED}: its footer cannot be read.",
            hint="It may have been cut short; send it again.",
        ) from error
    check_columns(len(schema))
    unpacked = sum(
        max(metadata.row_group(i).total_byte_size, 0) for i in range(metadata.num_row_groups)
    )
    check_unpacked(size, max(unpacked, metadata.num_rows // 8), max_unpacked_bytes)
    if not len(schema):
        raise BadTable("The Parquet file has no columns.")
    names, findings = repair_names(schema.names)
    inner = positions(len(names))
    kinds: list[Kind] = []
    casts = []
    for name, position, field in zip(names, inner, schema, strict=True):
        kind, sql, told = _column(field.type, position)
        kinds.append(kind)
        casts.append(f"{sql} AS {position}")
        if told:
            findings.append(Finding("converted", f"{quoted(name)} {told}", name))
    link = adopt(detected.path, scratch, "table.parquet")
    aliases = ", ".join(identifier(position) for position in inner)
    relation = (
        f"(SELECT {', '.join(casts)} FROM read_parquet({literal(str(link))}, "
        f"hive_partitioning = false) AS t({aliases}))"
    )
    return Table(
        names=names,
        relation=relation,
        kinds=kinds,
        read={"format": "parquet", "rows_declared": metadata.num_rows},
        row_bytes=unpacked / max(metadata.num_rows, 1),
        findings=findings,
    )


def _column(kind: pa.DataType, cell: str) -> tuple[Kind, str, str | None]:
    """The kind, the SQL of the value and what to tell, for a column of an Arrow type."""
    if pa.types.is_dictionary(kind):
        return _column(kind.value_type, cell)
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
