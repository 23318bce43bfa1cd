"""Columns whose physical type the file itself declares (Parquet)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from app.analysis.ingest.findings import quoted
from app.analysis.ingest.keys import may_be_key
from app.analysis.ingest.plan import ColumnPlan
from app.analysis.ingest.table import Kind, Table
from app.analysis.ingest.verify import TypedFacts, all_differ, cell, declared_facts
from app.analysis.schema import ColumnType

if TYPE_CHECKING:
    import duckdb

_TYPES: Mapping[Kind, ColumnType] = {
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "datetime": "datetime",
}
_WORDS: Mapping[ColumnType, str] = {
    "integer": "whole numbers",
    "number": "numbers",
    "boolean": "truth values",
    "datetime": "dates",
}


def declared_plans(
    connection: duckdb.DuckDBPyConnection, table: Table, wanted: Sequence[int]
) -> dict[int, ColumnPlan]:
    """Plans for typed columns: as declared, or constant or a key where the values say so."""
    facts = declared_facts(connection, table, wanted)
    return {i: _plan(connection, table, i, facts[i]) for i in wanted}


def _plan(
    connection: duckdb.DuckDBPyConnection, table: Table, position: int, facts: TypedFacts
) -> ColumnPlan:
    name, sql = table.names[position], cell(position)
    kind = _TYPES[table.kinds[position]]
    reason = f"the file itself declares {_WORDS[kind]}"
    if facts.values == 0:
        kind, reason = ("constant", "no cell holds a value") if facts.rows else (kind, reason)
    elif facts.rows == facts.values > 1 and facts.least == facts.most:
        kind, reason = "constant", f"every cell is {quoted(str(facts.least))}"
    elif kind == "integer":
        key = may_be_key(name, position, facts)
        if key and facts.distinct >= 0.9 * facts.values and all_differ(connection, table, sql):
            kind, reason = "id", key
    return ColumnPlan(name, kind, sql, facts.values < facts.rows, reason)
