"""A planned table into the dataset's Parquet file, streamed."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.analysis.ingest.engine import identifier, literal, row_group_rows
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
        return _write_wide(connection, relation, plans, target, scratch, rows, notes or {})
    if len({plan.name.lower() for plan in plans}) < len(plans):
        reader = _reader(connection, relation, plans, rows)
        return _write_batches([(reader.schema, reader)], plans, target, notes or {})
    selected = ", ".join(f"{plan.sql} AS {identifier(plan.name)}" for plan in plans)
    pairs = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in (notes or {}).items())
    metadata = f", KV_METADATA {{{pairs}}}" if pairs else ""
    written = connection.execute(
        f"COPY (SELECT {selected} FROM {relation}) TO {literal(str(target))} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {rows}{metadata})"
    ).fetchall()
    return int(written[0][0])


def _write_wide(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    plans: Sequence[ColumnPlan],
    target: Path,
    scratch: Path,
    rows: int,
    notes: Mapping[str, str],
) -> int:
    """Cast a wide table some columns at a time and lay the slices side by side.

    The time to plan one query grows as the square of the expressions in it.
    """
    import pyarrow.parquet as pq

    paths = []
    for start in range(0, len(plans), _WIDE):
        path = scratch / f"slice-{start}.parquet"
        reader = _reader(connection, relation, plans[start : start + _WIDE], rows)
        with pq.ParquetWriter(path, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
        paths.append(path)
    with ExitStack() as stack:
        files = [stack.enter_context(pq.ParquetFile(path)) for path in paths]
        sources = [(file.schema_arrow, file.iter_batches(batch_size=rows)) for file in files]
        return _write_batches(sources, plans, target, notes)


def _reader(
    connection: duckdb.DuckDBPyConnection, relation: str, plans: Sequence[ColumnPlan], rows: int
) -> Any:
    """Arrow batches of the planned columns; through Arrow, because DuckDB renames ``A`` beside ``a``."""
    selected = ", ".join(f"{plan.sql} AS v{i}" for i, plan in enumerate(plans))
    return connection.sql(f"SELECT {selected} FROM {relation}").to_arrow_reader(rows)


def _write_batches(
    sources: Sequence[tuple[Any, Iterable[Any]]],
    plans: Sequence[ColumnPlan],
    target: Path,
    notes: Mapping[str, str],
) -> int:
    """Write (schema, batches) pairs that come in step, side by side, under the plans' names."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [field for schema, _ in sources for field in schema]
    named = [field.with_name(plan.name) for field, plan in zip(fields, plans, strict=True)]
    schema = pa.schema(named, metadata=dict(notes) or None)
    count = 0
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batches in zip(*(stream for _, stream in sources), strict=True):
            arrays = [array for batch in batches for array in batch.columns]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(arrays[0])
    return count
