"""Questions to the columns of a table: each put once for all columns that it is alike for."""

# ruff: noqa: S608  (SQL is built of positions and of expressions made here)

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from app.analysis.ingest.stacks import columns_at_once, stacks
from app.analysis.ingest.table import CELL, Table

if TYPE_CHECKING:
    import duckdb

_Key = TypeVar("_Key", bound=Hashable)

# From so many columns on, the engine takes longer to plan what is asked than to compute it.
STACKED = 60
# Columns judged in one query; planning time grows as the square of a query's columns.
_CHUNK = 20


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be found of a column: aggregates over its cells ``{r}`` and their values ``{v}``.

    ``value`` is SQL for the value of the cell ``{c}``.
    """

    value: str
    aggregates: tuple[str, ...]

    def columns(self, position: int) -> str:
        """SQL for the raw cell and the value of one column beside others."""
        raw = f"c{position}"
        return f"{raw} AS r{position}, {self.value.replace(CELL, raw)} AS v{position}"

    def answers(self, raw: str, value: str) -> list[str]:
        """SQL for the aggregates by the names that cells and values have."""
        return [part.replace("{r}", raw).replace("{v}", value) for part in self.aggregates]


def ask(
    connection: duckdb.DuckDBPyConnection, table: Table, questions: Mapping[int, Question]
) -> dict[int, tuple[Any, ...]]:
    """The number of rows and the aggregates for each column that is asked about."""
    at_once = columns_at_once(connection, table) if questions else 0
    if not at_once:
        return ask_side_by_side(connection, table, questions)
    answers: dict[int, tuple[Any, ...]] = {}
    for question, alike in _alike(questions):
        selected = ", ".join(["count(*)", *question.answers("r", "v")])
        value = question.value.replace(CELL, "r")
        for columns, relation in stacks(connection, table, alike, at_once):
            inner = f"(SELECT k, r, {value} AS v FROM {relation})"
            query = f"SELECT k, {selected} FROM {inner} GROUP BY k"
            answers.update((row[0], row[1:]) for row in connection.execute(query).fetchall())
            if columns[0] not in answers:  # no rows, no groups
                none = one_row(connection, f"SELECT {selected} FROM {inner}")
                answers.update(dict.fromkeys(columns, none))
    return answers


def ask_side_by_side(
    connection: duckdb.DuckDBPyConnection, table: Table, questions: Mapping[int, Question]
) -> dict[int, tuple[Any, ...]]:
    """The same by queries over the table as it stands, which suits some columns of many rows."""
    answers: dict[int, tuple[Any, ...]] = {}
    for chunk in chunks(list(questions), _CHUNK):
        inner = ", ".join(questions[i].columns(i) for i in chunk)
        outer = ["count(*)"]
        for i in chunk:
            outer += questions[i].answers(f"r{i}", f"v{i}")
        query = f"SELECT {', '.join(outer)} FROM (SELECT {inner} FROM {table.relation})"
        rows, *parts = one_row(connection, query)
        for i in chunk:
            count = len(questions[i].aggregates)
            answers[i] = (rows, *parts[:count])
            del parts[:count]
    return answers


def first_cells(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    conditions: Mapping[int, str],
    limit: int,
) -> dict[int, list[tuple[int, str]]]:
    """The first rows (from 1) and cells of each column for which its condition on ``{c}`` holds."""
    at_once = columns_at_once(connection, table) if conditions else 0
    found: dict[int, list[tuple[int, str]]] = {i: [] for i in conditions}
    if not at_once:
        for i, condition in conditions.items():
            query = (
                f"SELECT n, r FROM (SELECT row_number() OVER () AS n, c{i} AS r "
                f"FROM {table.relation}) WHERE {condition.replace(CELL, 'r')} LIMIT {limit}"
            )
            found[i] = [(int(n), str(r)) for n, r in connection.execute(query).fetchall()]
        return found
    for condition, alike in _alike(conditions):
        for _, relation in stacks(connection, table, alike, at_once):
            query = (
                f"SELECT k, min(n, {limit}), arg_min(r, n, {limit}) FROM {relation} "
                f"WHERE {condition.replace(CELL, 'r')} GROUP BY k"
            )
            for k, rows, cells in connection.execute(query).fetchall():
                found[k] = [(int(n), str(r)) for n, r in zip(rows, cells, strict=True)]
    return found


def count_repeated(
    connection: duckdb.DuckDBPyConnection, table: Table, rows: int, forms: Mapping[int, str]
) -> int:
    """How many of the rows repeat an earlier one, by the SQL of the cell ``{c}`` of each column.

    Rows are compared by 64-bit hashes.
    """
    at_once = columns_at_once(connection, table) if len(forms) > STACKED else 0
    if not at_once:
        cells = ", ".join(form.replace(CELL, f"c{i}") for i, form in forms.items())
        query = f"SELECT count(*) - count(DISTINCT hash({cells})) FROM {table.relation}"
        return int(one_row(connection, query)[0])
    import numpy as np

    hashes = np.zeros(rows, np.uint64)
    for form, alike in _alike(forms):
        for _, relation in stacks(connection, table, alike, at_once):
            # Hashed twice: what the engine makes of two values is a sum of theirs, in which cells
            # could change places.
            cell = f"hash(hash(k, {form.replace(CELL, 'r')}))"
            query = f"SELECT bit_xor({cell}) AS h FROM {relation} GROUP BY n ORDER BY n"
            hashes ^= connection.sql(query).to_arrow_table().column(0).to_numpy()
    return rows - len(np.unique(hashes))


def one_row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """The only row that an aggregating query answers."""
    # Fetched whole: an unfinished result would block the connection.
    return tuple(connection.execute(query).fetchall()[0])


def chunks(items: Sequence[int], size: int) -> Iterable[Sequence[int]]:
    """``items`` in their order, at most ``size`` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _alike(wanted: Mapping[int, _Key]) -> Iterator[tuple[_Key, list[int]]]:
    """The columns by what is wanted of them."""
    groups: dict[_Key, list[int]] = {}
    for i, key in wanted.items():
        groups.setdefault(key, []).append(i)
    yield from groups.items()
