"""A planned table into the dataset's Parquet file, streamed."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.analysis.ingest.engine import identifier, literal, positions, row_group_rows
from app.analysis.ingest.plan import ColumnPlan

if TYPE_CHECKING:
    import duckdb


_WIDE = 500


def write_dataset(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    plans: Sequence[ColumnPlan],
    target: Path,
    scratch: Path,
    row_bytes: float,
    notes: Mapping[str, str] | None = None,
) -> int:
    """Write the planned columns of ``relation`` to ``target`` and return the rows written.

    Slices of a wide table are parked in ``scratch``.
    ``notes`` are stored beside the schema, in the file's key-value metadata.
    """
    rows = row_group_rows(len(plans), row_bytes)
    if len(plans) > _WIDE:
        relation, plans = _cast_in_slices(connection, relation, plans, scratch, rows)
    if len({plan.name.lower() for plan in plans}) < len(plans):
        return _write_exact_names(connection, relation, plans, target, rows, notes or {})
    selected = ", ".join(f"{plan.sql} AS {identifier(plan.name)}" for plan in plans)
    pairs = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in (notes or {}).items())
    metadata = f", KV_METADATA {{{pairs}}}" if pairs else ""
    written = connection.execute(
        f"COPY (SELECT {selected} FROM {relation}) TO {literal(str(target))} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {rows}{metadata})"
    ).fetchall()
    return int(written[0][0])


def _cast_in_slices(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    plans: Sequence[ColumnPlan],
    scratch: Path,
    rows: int,
) -> tuple[str, list[ColumnPlan]]:
    """Cast a wide table some columns at a time and lay the slices side by side.

    The time to plan one query grows as the square of the expressions in it.
    """
    slices = []
    for start in range(0, len(plans), _WIDE):
        path = scratch / f"slice-{start}.parquet"
        chosen = plans[start : start + _WIDE]
        selected = ", ".join(f"{p.sql} AS c{start + i}" for i, p in enumerate(chosen))
        connection.execute(
            f"COPY (SELECT {selected} FROM {relation}) TO {literal(str(path))} "
            f"(FORMAT parquet, ROW_GROUP_SIZE {rows})"
        )
        slices.append(f"read_parquet({literal(str(path))})")
    joined = " POSITIONAL JOIN ".join(slices)
    return joined, [replace(plan, sql=f"c{i}") for i, plan in enumerate(plans)]


def _write_exact_names(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    plans: Sequence[ColumnPlan],
    target: Path,
    rows: int,
    notes: Mapping[str, str],
) -> int:
    """The same through pyarrow: DuckDB would rename ``A`` beside ``a``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    inner = positions(len(plans))
    selected = ", ".join(f"{p.sql} AS {name}" for p, name in zip(plans, inner, strict=True))
    reader = connection.sql(f"SELECT {selected} FROM {relation}").to_arrow_reader(rows)
    schema = pa.schema(
        [field.with_name(plan.name) for field, plan in zip(reader.schema, plans, strict=True)],
        metadata=dict(notes) or None,
    )
    count = 0
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(pa.record_batch(batch.columns, schema=schema))
            count += batch.num_rows
    return count
