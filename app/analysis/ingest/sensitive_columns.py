"""The flags of sensitive columns, set on the sample that typing drew, or on the first rows."""

# ruff: noqa: S608  (SQL is built of positions)

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.analysis.ingest.engine import parquet_relation
from app.analysis.ingest.plan import ColumnPlan
from app.analysis.ingest.sensitive import find_sensitive
from app.analysis.ingest.stacks import hold
from app.analysis.ingest.table import Table
from app.analysis.ingest.verify import cell
from app.analysis.schema import Column, ColumnType

if TYPE_CHECKING:
    import duckdb

# Rows read for columns of which typing drew no sample, and columns in one such query.
_ROWS, _AT_ONCE = 1_000, 400
_UNMARKED: frozenset[ColumnType] = frozenset({"boolean", "datetime"})


def mark_plans(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    plans: Sequence[ColumnPlan],
    samples: Mapping[int, Sequence[str]],
) -> list[ColumnPlan]:
    """The plans, flagged where the sample of a column, or its first rows, are personal data."""
    unseen = [i for i, plan in enumerate(plans) if i not in samples and plan.type not in _UNMARKED]
    whole = hold(connection, table).whole if unseen else None
    if whole is not None:
        first = {i: _texts(whole.column(i).slice(0, _ROWS).to_pylist()) for i in unseen}
    else:
        first = _first_cells(connection, table.relation, unseen)
    cells = {**samples, **first}
    marked = list(plans)
    for i, plan in enumerate(plans):
        found = find_sensitive(plan.name, plan.type, cells.get(i, ()))
        if found is not None:
            marked[i] = replace(plan, sensitive=found.kind, sensitive_reason=found.reason)
    return marked


def mark_columns(
    connection: duckdb.DuckDBPyConnection, added: Path, columns: Sequence[Column]
) -> list[Column]:
    """The columns, those without a flag flagged where the rows in the Parquet file ask for it."""
    wanted = [
        i
        for i, column in enumerate(columns)
        if column.sensitive is None and column.type not in _UNMARKED
    ]
    cells = _first_cells(connection, parquet_relation(added, len(columns)), wanted)
    marked = list(columns)
    for i in wanted:
        found = find_sensitive(columns[i].name, columns[i].type, cells[i])
        if found is not None:
            marked[i] = replace(columns[i], sensitive=found.kind, sensitive_reason=found.reason)
    return marked


def _first_cells(
    connection: duckdb.DuckDBPyConnection, relation: str, wanted: Sequence[int]
) -> dict[int, list[str]]:
    """The different cells of the first rows, as text."""
    cells: dict[int, list[str]] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        chunk = wanted[start : start + _AT_ONCE]
        names = ", ".join(f"CAST({cell(i)} AS VARCHAR)" for i in chunk)
        rows = connection.execute(f"SELECT {names} FROM {relation} LIMIT {_ROWS}").fetchall()
        for place, i in enumerate(chunk):
            cells[i] = _texts(row[place] for row in rows)
    return cells


def _texts(values: Iterable[object]) -> list[str]:
    """The different values as text, none of them empty."""
    return [text for value in dict.fromkeys(values) if value is not None and (text := str(value))]
