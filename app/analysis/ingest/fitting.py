"""A file's cells made to fit columns that are there already: many columns in one look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.analysis.ingest.asked import asked_plan
from app.analysis.ingest.classify import Habits, asked_readings, choose, present
from app.analysis.ingest.notations import Notation
from app.analysis.ingest.plan import ColumnPlan
from app.analysis.ingest.render import write_out
from app.analysis.ingest.table import Kind, Table
from app.analysis.ingest.verify import cell, sample_columns, text_value, typed_facts
from app.analysis.schema import ColumnType

if TYPE_CHECKING:
    import duckdb

# The kinds of a file's own typed columns that need no reading to be of that type.
_AS_THEY_ARE: Mapping[ColumnType, Kind] = {
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "datetime": "datetime",
}


def fitting_sql(
    connection: duckdb.DuckDBPyConnection, table: Table, wanted: Mapping[int, ColumnType]
) -> dict[int, str]:
    """SQL for the values of columns that are to be of a type, over ``c0, c1 …``.

    Types are ``integer``, ``number``, ``boolean``, ``datetime`` and ``text``. Typed columns of
    the file that are wanted otherwise are read as if they were written out. Raises
    :class:`BadTable` naming the first row whose cell cannot be of its column's type.
    """
    declared = [
        i
        for i, kind in wanted.items()
        if table.kinds[i] in _AS_THEY_ARE.values() and table.kinds[i] != _AS_THEY_ARE.get(kind)
    ]
    if declared:
        write_out(connection, table, declared)
    plain = {i: cell(i) for i, kind in wanted.items() if table.kinds[i] == _AS_THEY_ARE.get(kind)}
    text = {i: text_value(table, i) for i, kind in wanted.items() if kind == "text"}
    rest = {i: kind for i, kind in wanted.items() if i not in plain and i not in text}
    return {**plain, **text, **_read_alike(connection, table, rest)}


def _read_alike(
    connection: duckdb.DuckDBPyConnection, table: Table, wanted: Mapping[int, ColumnType]
) -> dict[int, str]:
    """Read by the notation of the first rows; a column that breaks it is looked at by itself."""
    samples, _ = sample_columns(connection, table, list(wanted))
    habit = Habits(table.read.get("decimal"), None, table.delimiter)
    chosen: dict[int, Notation] = {}
    for i, kind in wanted.items():
        notation, _doubt = choose(asked_readings(present(samples[i]), kind), habit)
        if notation is not None:
            chosen[i] = notation
    facts = typed_facts(connection, table, chosen, exact=False)
    return {
        i: chosen[i].checked_sql(cell(i))
        if i in chosen and not facts[i].bad
        else asked_plan(connection, table, i, kind).sql
        for i, kind in wanted.items()
    }


def planned(name: str, kind: ColumnType, sql: str) -> ColumnPlan:
    """A column to be written so; whether it holds missing cells is seen when it is written."""
    return ColumnPlan(name, kind, sql, nullable=True, reason="")
