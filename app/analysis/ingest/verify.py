"""Every cell of the table judged in SQL: what was read off a sample is only a guess until then."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.analysis.ingest.engine import literal, trimmed
from app.analysis.ingest.notations import MISSING_IN_TEXT, MISSING_IN_TYPED, Notation
from app.analysis.ingest.table import Table

if TYPE_CHECKING:
    import duckdb

# Columns judged in one query; planning time grows as the square of a query's columns.
_CHUNK = 20
SAMPLE_ROWS = 10_000
# Under this many rows distinct values are counted, not estimated.
EXACT_ROWS = 200_000

_TYPED_TOKENS = ", ".join(map(literal, MISSING_IN_TYPED))
TEXT_TOKENS = ", ".join(map(literal, MISSING_IN_TEXT))


@dataclass(frozen=True, slots=True)
class TypedFacts:
    """A typed column over all rows.

    ``values`` are present, ``bad`` are neither values nor missing, ``tokens`` are cells that
    only mean "missing", ``na`` those of them spelled NA, ``rounded`` are numbers with more
    digits than a double holds, ``words`` the spellings of a boolean column.
    """

    rows: int
    values: int
    bad: int
    tokens: int
    na: int
    least: Any
    most: Any
    distinct: int
    rounded: int
    words: list[str] | None


@dataclass(frozen=True, slots=True)
class TextFacts:
    """A text column over all rows; ``wordy`` cells hold several words, ``chars`` is their mean length."""

    rows: int
    values: int
    tokens: int
    na: int
    least: str | None
    most: str | None
    distinct: int
    wordy: int
    chars: float


def cell(position: int) -> str:
    """SQL for a raw cell."""
    return f"c{position}"


def sample_size(table: Table) -> int:
    """How many rows a sample has: fewer of a wide table."""
    return max(200, min(SAMPLE_ROWS, 2_000_000 // max(len(table.names), 1)))


def sample_columns(
    connection: duckdb.DuckDBPyConnection, table: Table, wanted: Sequence[int]
) -> tuple[dict[int, list[str]], int]:
    """The first distinct cells of each wanted column, and how many rows were looked at."""
    rows = sample_size(table)
    samples: dict[int, list[str]] = {}
    seen = 0
    for chunk in _chunks(wanted, 400):
        names = ", ".join(cell(i) for i in chunk)
        fetched = connection.execute(
            f"SELECT {names} FROM {table.relation} LIMIT {rows}"
        ).fetchall()
        seen = len(fetched)
        columns: Iterable[tuple[Any, ...]] = (
            zip(*fetched, strict=True) if fetched else [()] * len(chunk)
        )
        for i, column in zip(chunk, columns, strict=True):
            samples[i] = [value for value in dict.fromkeys(column) if value is not None]
    return samples, seen


def typed_facts(
    connection: duckdb.DuckDBPyConnection, table: Table, chosen: Mapping[int, Notation], exact: bool
) -> dict[int, TypedFacts]:
    """Judge columns by the notation chosen for each."""
    facts: dict[int, TypedFacts] = {}
    for chunk in _chunks(list(chosen), _CHUNK):
        inner, outer = [], ["count(*)"]
        for i in chunk:
            inner.append(f"{cell(i)} AS r{i}, {chosen[i].checked_sql(cell(i))} AS v{i}")
            outer += _typed_aggregates(i, chosen[i], exact)
        query = f"SELECT {', '.join(inner)} FROM {table.relation}"
        row = one_row(connection, f"SELECT {', '.join(outer)} FROM ({query})")
        for i, part in zip(chunk, _parts(row[1:], len(chunk)), strict=True):
            facts[i] = TypedFacts(row[0], *part)
    return facts


def _typed_aggregates(i: int, notation: Notation, exact: bool) -> list[str]:
    """Aggregates over ``r`` (the raw cell) and ``v`` (its value), in the order of the facts.

    CASE and not AND, because only CASE leaves the costly part out where it is not needed.
    """
    unread = f"r{i} IS NOT NULL AND v{i} IS NULL"
    token = f"CASE WHEN {unread} THEN lower({trimmed(f'r{i}')}) IN ({_TYPED_TOKENS}) END"
    digits = f"regexp_replace(regexp_replace(r{i}, '[eE].*$', ''), '^[-+]?[0.,]*|[^0-9]', '', 'g')"
    rounded = f"CASE WHEN length(r{i}) > 17 AND v{i} IS NOT NULL THEN length({digits}) > 17 END"
    return [
        f"count(v{i})",
        f"count(*) FILTER (NOT ({token}))",
        f"count(*) FILTER (({token}) AND r{i} <> '')",
        f"count(*) FILTER (r{i} = 'NA')",
        f"min(v{i})",
        f"max(v{i})",
        f"count(DISTINCT v{i})" if exact else f"approx_count_distinct(v{i})",
        f"count(*) FILTER ({rounded})" if notation.type == "number" else "0",
        f"list(DISTINCT {trimmed(f'r{i}')}) FILTER (v{i} IS NOT NULL)"
        if notation.type == "boolean"
        else "NULL",
    ]


def declared_facts(
    connection: duckdb.DuckDBPyConnection, table: Table, wanted: Sequence[int]
) -> dict[int, TypedFacts]:
    """Describe columns that the file itself typed."""
    facts: dict[int, TypedFacts] = {}
    for chunk in _chunks(wanted, _CHUNK):
        outer = ["count(*)"]
        for i in chunk:
            value = cell(i)
            outer += [f"count({value})", "0", "0", "0", f"min({value})", f"max({value})"]
            outer += [f"approx_count_distinct({value})", "0", "NULL"]
        row = one_row(connection, f"SELECT {', '.join(outer)} FROM {table.relation}")
        for i, part in zip(chunk, _parts(row[1:], len(chunk)), strict=True):
            facts[i] = TypedFacts(row[0], *part)
    return facts


def na_beside_codes(connection: duckdb.DuckDBPyConnection, table: Table, position: int) -> bool:
    """Whether most other cells of a column are two or three capitals, as codes of countries are."""
    raw = cell(position)
    row = one_row(
        connection,
        f"SELECT count(*) FILTER (regexp_full_match({raw}, '[A-Z]{{2,3}}')) > 0.5 * count(*) "
        f"FROM {table.relation} WHERE {raw} <> 'NA'",
    )
    return bool(row[0])


def text_facts(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    wanted: Sequence[int],
    exact: bool,
    na_missing: Collection[int] = (),
) -> dict[int, TextFacts]:
    """Describe the columns that hold text; in those of ``na_missing``, NA is no value."""
    facts: dict[int, TextFacts] = {}
    for chunk in _chunks(wanted, _CHUNK):
        inner, outer = [], ["count(*)"]
        for i in chunk:
            value = text_value(table, i, na_is_missing=i in na_missing)
            inner.append(f"{cell(i)} AS r{i}, {value} AS v{i}")
            distinct = f"count(DISTINCT v{i})" if exact else f"approx_count_distinct(v{i})"
            outer += [
                f"count(v{i})",
                f"count(r{i}) - count(v{i})",
                f"count(*) FILTER (v{i} = 'NA')",
                f"min(v{i})",
                f"max(v{i})",
                distinct,
                f"count(*) FILTER (regexp_matches(v{i}, '[^\\s][\\s]+[^\\s]'))",
                f"coalesce(avg(length(v{i})), 0)",
            ]
        row = one_row(
            connection,
            f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {table.relation})",
        )
        for i, part in zip(chunk, _parts(row[1:], len(chunk)), strict=True):
            facts[i] = TextFacts(row[0], *part)
    return facts


def text_value(table: Table, position: int, *, na_is_missing: bool = False) -> str:
    """SQL for a text cell, NULL where its spelling means "missing"; declared text is left alone."""
    raw = cell(position)
    if table.kinds[position] == "string":
        return raw
    tokens = f"{TEXT_TOKENS}, 'NA'" if na_is_missing else TEXT_TOKENS
    return f"CASE WHEN {raw} IN ({tokens}) THEN NULL ELSE {raw} END"


def bad_cells(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    position: int,
    notation: Notation,
    limit: int,
) -> list[tuple[int, str]]:
    """The first rows (from 1) whose cell is neither such a value nor missing, with the cell."""
    value = notation.checked_sql("r")
    query = (
        f"SELECT n, r FROM (SELECT row_number() OVER () AS n, {cell(position)} AS r "
        f"FROM {table.relation}) WHERE r IS NOT NULL AND ({value}) IS NULL "
        f"AND lower({trimmed('r')}) NOT IN ({_TYPED_TOKENS}) LIMIT {limit}"
    )
    return [(int(n), str(r)) for n, r in connection.execute(query).fetchall()]


def rows_where(
    connection: duckdb.DuckDBPyConnection, table: Table, condition: str, limit: int
) -> list[int]:
    """The first rows (from 1) for which an SQL condition over ``c0, c1 …`` holds."""
    query = (
        f"SELECT n FROM (SELECT row_number() OVER () AS n, * FROM {table.relation}) "
        f"WHERE {condition} LIMIT {limit}"
    )
    return [int(n) for (n,) in connection.execute(query).fetchall()]


def all_differ(connection: duckdb.DuckDBPyConnection, table: Table, value: str) -> bool:
    """Whether no value occurs twice, counted exactly (this may spill to disk)."""
    row = one_row(
        connection, f"SELECT count({value}) = count(DISTINCT {value}) FROM {table.relation}"
    )
    return bool(row[0])


def one_row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """The only row that an aggregating query answers."""
    # Fetched whole: an unfinished result would block the connection.
    return tuple(connection.execute(query).fetchall()[0])


def _chunks(items: Sequence[int], size: int) -> Iterable[Sequence[int]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _parts(row: tuple[Any, ...], count: int) -> Iterable[tuple[Any, ...]]:
    width = len(row) // count
    return (row[start : start + width] for start in range(0, len(row), width))
