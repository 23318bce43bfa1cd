"""Parquet files: typed by themselves; what UAM has no type for becomes text, and is told."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from app.analysis.errors import BadTable
from app.analysis.ingest.arrow_types import declared_column
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
    rows = metadata.num_rows
    link = adopt(detected.path, scratch, "table.parquet")
    return typed_table(link, schema.names, schema.types, rows, unpacked, "parquet")


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
