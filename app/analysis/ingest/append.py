"""A newer file's rows put behind those of a dataset: its columns, in its order, of its types."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.analysis.errors import BadTable
from app.analysis.ingest.dataset import DATA, PREVIEW, Dataset, explained, explanation, open_table
from app.analysis.ingest.engine import adopt, connect, parquet_relation, row_group_rows
from app.analysis.ingest.findings import Finding, listing, quoted
from app.analysis.ingest.fitting import fitting_sql, planned
from app.analysis.ingest.options import ReadOptions
from app.analysis.ingest.plan import ColumnPlan
from app.analysis.ingest.preview import write_preview
from app.analysis.ingest.queries import one_row
from app.analysis.ingest.remembered import with_remembered
from app.analysis.ingest.render import physical_types
from app.analysis.ingest.sensitive_columns import mark_columns
from app.analysis.ingest.spellings import read_spellings, spelling_notes
from app.analysis.ingest.table import Table
from app.analysis.ingest.textual import text_type
from app.analysis.ingest.typing_rules import plan_columns
from app.analysis.ingest.verify import EXACT_ROWS, all_differ, cell, text_facts
from app.analysis.ingest.write import write_dataset
from app.analysis.progress import Progress
from app.analysis.schema import Column, ColumnType

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_PART = "appended.parquet"
_NAMED = 50
# Columns in one query: the time to plan it grows as their square.
_AT_ONCE = 20
# What a column's cells must be to stand below those that are stored as such.
_ASKED: Mapping[str, ColumnType] = {
    "BIGINT": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "datetime",
    "VARCHAR": "text",
}


@dataclass(frozen=True, slots=True)
class _Old:
    """The dataset as it was: its file, its columns, and how each is stored."""

    source: Path
    columns: Sequence[Column]
    physical: Sequence[str]
    # Columns that are stored but hold nothing yet: any type suits them.
    empty: frozenset[int]


def append_dataset(
    source: Path,
    filename: str,
    base: Path,
    columns: Sequence[Column],
    out_dir: Path,
    options: Mapping[str, Any],
    remembered: Mapping[str, Any],
    max_unpacked_bytes: int,
    progress: Progress,
) -> Dataset:
    """Write the rows of ``base``, then those of the file, into ``out_dir``.

    Columns are matched by name. The types stay, but for what only described all rows: a
    ``constant`` that now has two values and an ``id`` that now repeats get the type of their
    values, and that is told. Memory is bounded, whatever the files hold.

    Raises :class:`BadTable` naming every column that one of both does not have, or row and
    column of a value that cannot be of its column's type; else as ``read_dataset``.
    """

    def read(merged: ReadOptions) -> Dataset:
        with tempfile.TemporaryDirectory(dir=out_dir, prefix=".appending-") as folder:
            scratch = Path(folder)
            with connect(scratch, files=[source, base], folders=[out_dir]) as connection:
                table = open_table(
                    connection, scratch, source, filename, merged, max_unpacked_bytes, progress
                )
                old = _look(connection, adopt(base, scratch, "base.parquet"), columns)
                return _append(connection, table, old, out_dir, scratch, progress)

    dataset, told = with_remembered(read, options, remembered)
    return Dataset(dataset.rows, dataset.columns, [*told, *dataset.findings], dataset.read)


def _look(connection: duckdb.DuckDBPyConnection, base: Path, columns: Sequence[Column]) -> _Old:
    relation = parquet_relation(base, len(columns))
    table = Table([column.name for column in columns], relation, [], {})
    constant = [i for i, column in enumerate(columns) if column.type == "constant"]
    counts = _aggregates(connection, table, constant, "count({0})")
    empty = frozenset(i for i, count in counts.items() if not count)
    return _Old(base, columns, physical_types(connection, relation), empty)


def _append(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    old: _Old,
    out_dir: Path,
    scratch: Path,
    progress: Progress,
) -> Dataset:
    """As the reading of any file: when the fast reader fails midway, the careful one is asked."""
    import duckdb

    format_name = str(table.read.get("format", ""))
    try:
        plans = _write_part(connection, table, old, scratch, progress)
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException) or table.careful is None:
            raise explanation(error, format_name) from error
        progress(0.3, "The file is irregular; reading it row by row")
        with explained(format_name):
            table = table.careful()
            plans = _write_part(connection, table, old, scratch, progress)
    progress(0.6, "Every cell of the file fits the columns of the data set")
    part = scratch / _PART
    rows, added = _concatenate(old, part, plans, out_dir / DATA, table.row_bytes)
    progress(0.9, f"Wrote {rows:,} rows")
    schema, told = _describe(connection, old, out_dir / DATA, rows)
    schema = mark_columns(connection, part, schema)
    stored = [column.to_json() for column in schema]
    write_preview(out_dir / DATA, stored, rows, out_dir / PREVIEW)
    if not added:
        told.append(Finding("no_rows", "The file has columns but no rows: nothing was appended."))
    read = {**table.read, "rows_appended": added}
    return Dataset(rows, stored, [*table.findings, *told], read)


# -- the file's cells, made to fit -----------------------------------------------------------


def _write_part(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    old: _Old,
    scratch: Path,
    progress: Progress,
) -> list[ColumnPlan]:
    """Write the file's cells as the dataset stores them; returns a plan for each column."""
    places = _places(table.names, old.columns)
    wanted = {
        place: _ASKED[old.physical[i]] for i, place in enumerate(places) if i not in old.empty
    }
    cells = fitting_sql(connection, table, wanted)
    found = plan_columns(connection, table, ReadOptions())[0] if old.empty else []
    plans = [
        planned(column.name, wanted[place], cells[place]) if place in wanted else found[place]
        for place, column in zip(places, old.columns, strict=True)
    ]
    progress(0.4, f"Every cell fits the types of {len(plans):,} columns")
    write_dataset(
        *(connection, table.relation, plans, scratch / _PART, scratch, table.row_bytes),
        table=table,
    )
    return plans


def _places(names: Sequence[str], columns: Sequence[Column]) -> list[int]:
    """Where each column of the dataset stands in the file. Raises :class:`BadTable`."""
    at = {name: i for i, name in enumerate(names)}
    known = {column.name for column in columns}
    missing = [column.name for column in columns if column.name not in at]
    extra = [name for name in names if name not in known]
    if missing or extra:
        parts = []
        if missing:
            parts.append(f"lacks {listing([quoted(name) for name in missing])}")
        if extra:
            parts.append(f"has {listing([quoted(name) for name in extra])} besides")
        raise BadTable(
            f"The file does not have the columns of the data set: it {' and '.join(parts)}.",
            hint="Give the file the same columns, or send it with mode=replace.",
            missing_columns=missing[:_NAMED] or None,
            extra_columns=extra[:_NAMED] or None,
        )
    return [at[column.name] for column in columns]


# -- both as one file ------------------------------------------------------------------------


def _concatenate(
    old: _Old, part: Path, plans: Sequence[ColumnPlan], target: Path, row_bytes: float
) -> tuple[int, int]:
    """Write the old rows and then the new ones, a row group at a time; the counts of all and new."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    size = old.source.stat().st_size
    with pq.ParquetFile(old.source) as before, pq.ParquetFile(part) as after:
        schema = _schema(before.schema_arrow, after.schema_arrow, old, plans)
        width = max(row_bytes, 4 * size / max(before.metadata.num_rows, 1))
        rows = row_group_rows(len(plans), width)
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for file in (before, after):
                for batch in file.iter_batches(batch_size=rows):
                    arrays = [
                        column.cast(field.type)
                        for column, field in zip(batch.columns, schema, strict=True)
                    ]
                    writer.write_batch(pa.record_batch(arrays, schema=schema))
        return before.metadata.num_rows + after.metadata.num_rows, after.metadata.num_rows


def _schema(
    before: pa.Schema, after: pa.Schema, old: _Old, plans: Sequence[ColumnPlan]
) -> pa.Schema:
    """The fields as stored, those without any value so far as the file has them."""
    import pyarrow as pa

    fields = [
        pa.field(column.name, (after if i in old.empty else before).field(i).type)
        for i, column in enumerate(old.columns)
    ]
    spelled = read_spellings(old.source)
    words = [
        replace(plan, words=plan.words if i in old.empty else spelled.get(plan.name))
        for i, plan in enumerate(plans)
    ]
    return pa.schema(fields, metadata=spelling_notes(words) or None)


# -- what the columns are now ----------------------------------------------------------------


def _describe(
    connection: duckdb.DuckDBPyConnection, old: _Old, data: Path, rows: int
) -> tuple[list[Column], list[Finding]]:
    """The schema of both together, and which types are no longer what they were."""
    count = len(old.columns)
    table = Table(
        names=[column.name for column in old.columns],
        relation=parquet_relation(data, count),
        kinds=["string"] * count,
        read={},
        row_bytes=4 * data.stat().st_size / max(rows, 1),
    )
    present = _aggregates(connection, table, range(count), "count({0})")
    constant = [i for i, column in enumerate(old.columns) if column.type == "constant"]
    same = _aggregates(connection, table, constant, "min({0}) = max({0}) AND count({0}) = count(*)")
    schema, told = [], []
    for i, column in enumerate(old.columns):
        kind, reason = column.type, column.reason
        if kind == "constant":
            changed = present[i] > 0 if i in old.empty else not same[i]
        else:
            changed = kind == "id" and not all_differ(connection, table, cell(i))
        if changed:
            kind, reason = _type_now(connection, table, i, column, rows)
        if kind != column.type:
            message = f"{quoted(column.name)} was {column.type} and is {kind} now: {reason}."
            told.append(Finding("type_changed", message, column.name))
        schema.append(replace(column, type=kind, nullable=present[i] < rows, reason=reason))
    return schema, told


def _aggregates(
    connection: duckdb.DuckDBPyConnection, table: Table, wanted: Sequence[int], form: str
) -> dict[int, Any]:
    """An aggregate of each wanted column; ``form`` has ``{0}`` where the cell is to stand."""
    values: dict[int, Any] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        chunk = wanted[start : start + _AT_ONCE]
        asked = ", ".join(form.format(cell(i)) for i in chunk)
        row = one_row(connection, f"SELECT {asked} FROM {table.relation}")
        values.update(zip(chunk, row, strict=True))
    return values


def _type_now(
    connection: duckdb.DuckDBPyConnection, table: Table, position: int, column: Column, rows: int
) -> tuple[ColumnType, str]:
    """The type of the values of a column that is no longer constant, or no longer a key."""
    stored = physical_types(connection, f"(SELECT {cell(position)} FROM {table.relation})")[0]
    kind = _ASKED[stored]
    if kind != "text":
        return kind, "some values repeat" if column.type == "id" else "its cells differ"
    exact = rows <= EXACT_ROWS
    facts = text_facts(connection, table, [position], exact)[position]
    unique = facts.values > 1 and all_differ(connection, table, cell(position))
    return text_type(facts, unique, exact)
