"""Columns whose type the caller names: made so for every cell, or refused where it breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.analysis.errors import BadOption, BadTable
from app.analysis.ingest.classify import Habits, asked_readings, choose, present
from app.analysis.ingest.dates import ASKED_DATES, DATES
from app.analysis.ingest.engine import literal
from app.analysis.ingest.findings import quoted
from app.analysis.ingest.notations import ASKED_BOOLEAN, Notation, number
from app.analysis.ingest.plan import ColumnPlan
from app.analysis.ingest.queries import first_cells
from app.analysis.ingest.spellings import spelling_of
from app.analysis.ingest.table import Table
from app.analysis.ingest.verify import (
    EXACT_ROWS,
    TypedFacts,
    bad_cells,
    cell,
    sample_columns,
    text_facts,
    text_form,
    text_value,
    typed_facts,
)
from app.analysis.schema import ColumnType

if TYPE_CHECKING:
    import duckdb

_NAMES: Mapping[ColumnType, str] = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "datetime": "a date",
}
_MAX_ROUNDS = 20
_REASON = "given by the caller"


def check_asked(table: Table, types: Mapping[str, ColumnType]) -> dict[int, ColumnType]:
    """Positions of the named columns. Raises :class:`BadOption` for a name that is no column."""
    positions = {name: i for i, name in enumerate(table.names)}
    for name in types:
        if name not in positions:
            raise BadOption(f"There is no column {quoted(name)} to give a type.", option="types")
    return {positions[name]: kind for name, kind in types.items()}


def asked_notations(
    table: Table, asked: Mapping[int, ColumnType], samples: Mapping[int, Sequence[str]]
) -> dict[int, Notation]:
    """How the samples of columns of given types are read; columns of text, or of none, left out."""
    habit = _habits(table)
    found = {
        i: choose(asked_readings(present(samples[i]), kind), habit)[0]
        for i, kind in asked.items()
        if kind in _NAMES
    }
    return {i: notation for i, notation in found.items() if notation is not None}


def staged_plan(name: str, position: int, kind: ColumnType, facts: TypedFacts) -> ColumnPlan:
    """The plan for a column of a given type whose values are written already."""
    nullable, words = facts.values < facts.rows, spelling_of(facts.words)
    return ColumnPlan(name, kind, cell(position), nullable, _REASON, words)


def _habits(table: Table) -> Habits:
    return Habits(table.read.get("decimal"), None, table.delimiter)


def asked_plan(
    connection: duckdb.DuckDBPyConnection, table: Table, position: int, kind: ColumnType
) -> ColumnPlan:
    """The plan for one column of a given type.

    Raises :class:`BadTable` naming the first row whose cell cannot be of that type.
    """
    if kind in _NAMES:
        return _typed_plan(connection, table, position, kind)
    return _text_plan(connection, table, position, kind)


def _typed_plan(
    connection: duckdb.DuckDBPyConnection, table: Table, position: int, kind: ColumnType
) -> ColumnPlan:
    sample = sample_columns(connection, table, [position])[0][position]
    name = table.names[position]
    for _ in range(_MAX_ROUNDS):
        values = present(sample)
        notation, _doubt = choose(asked_readings(values, kind), _habits(table))
        if notation is None:
            if values:
                raise _refused(connection, table, position, kind, values)
            notation = _any_notation(kind)
        facts = typed_facts(connection, table, {position: notation}, exact=False)[position]
        if not facts.bad:
            raw, nullable = cell(position), facts.values < facts.rows
            sql = notation.checked_sql(raw) if facts.tokens else notation.value_sql(raw)
            words = spelling_of(facts.words)
            return ColumnPlan(name, kind, sql, nullable, _REASON, words)
        found = bad_cells(connection, table, {position: notation}, 50)[position]
        if all(notation.matches(text.strip()) for _, text in found):
            raise _bad_cell(name, kind, *found[0])
        sample = [*sample, *(text for _, text in found)]
    raise _refused(connection, table, position, kind, present(sample))


def _any_notation(kind: ColumnType) -> Notation:
    """A notation for a column without any value: it casts nothing."""
    notation = number(whole=kind == "integer")
    empty = {"boolean": "NULL::BOOLEAN", "datetime": "NULL::TIMESTAMP"}
    return replace(notation, cast=empty.get(kind, notation.cast), type=kind)


def _refused(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    position: int,
    kind: ColumnType,
    values: list[str],
) -> BadTable:
    """The error for a column that no notation reads whole: its first cell that breaks the best one."""
    name = table.names[position]
    shares = [(sum(n.matches(v) for v in values), n) for n in _plain_notations(kind)]
    best = max(shares, key=lambda item: item[0])[1]
    found = bad_cells(connection, table, {position: best}, 1)[position]
    if found:
        return _bad_cell(name, kind, *found[0])
    return BadTable(
        f"Column {quoted(name)} mixes ways of writing {_NAMES[kind]}, so it cannot be {kind}.",
        column=name,
    )


def _plain_notations(kind: ColumnType) -> list[Notation]:
    if kind == "integer":
        return [number(whole=True, digits=18)]
    if kind == "number":
        return [number(digits=18), number(decimal=",", digits=18)]
    return [ASKED_BOOLEAN] if kind == "boolean" else [*DATES, *ASKED_DATES]


def _bad_cell(name: str, kind: ColumnType, row: int, text: str) -> BadTable:
    return BadTable(
        f"Row {row:,} of column {quoted(name)} holds {quoted(text)}, which is not {_NAMES[kind]}.",
        row=row,
        column=name,
        hint=f"Correct the cell, or give the column a type other than {kind}.",
    )


def _text_plan(
    connection: duckdb.DuckDBPyConnection, table: Table, position: int, kind: ColumnType
) -> ColumnPlan:
    facts = text_facts(connection, table, [position], exact=True)[position]
    name = table.names[position]
    sql = text_value(table, position) if facts.tokens else cell(position)
    nullable = facts.values < facts.rows
    if kind == "constant" and facts.least != facts.most:
        other = f"({text_form(table, position)}) IS DISTINCT FROM {literal(str(facts.least))}"
        found = first_cells(connection, table, {position: other}, 1)[position]
        raise BadTable(
            f"Column {quoted(name)} holds more than one value, so it cannot be constant.",
            column=name,
            row=found[0][0] if found else None,
        )
    if kind == "id" and facts.rows <= EXACT_ROWS * 100:
        whole = number(whole=True, digits=18)
        typed = typed_facts(connection, table, {position: whole}, exact=False)[position]
        if typed.values and not typed.bad and not typed.tokens:
            sql = whole.value_sql(cell(position))
    return ColumnPlan(name, kind, sql, nullable, _REASON)
