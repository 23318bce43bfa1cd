"""Every cell of the table judged in SQL: what was read off a sample is only a guess until then."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.analysis.ingest.engine import literal, trimmed
from app.analysis.ingest.notations import MISSING_IN_TEXT, MISSING_IN_TYPED, Notation
from app.analysis.ingest.queries import Question, ask, chunks, first_cells, one_row
from app.analysis.ingest.stacks import hold
from app.analysis.ingest.table import CELL, Table

if TYPE_CHECKING:
    import duckdb

SAMPLE_ROWS = 10_000
# Under this many rows distinct values are counted, not estimated.
EXACT_ROWS = 200_000


def _one_of(tokens: Iterable[str]) -> str:
    """A pattern for exactly these; the engine plans it ten times as fast as a list of literals."""
    return literal("|".join(map(re.escape, tokens)))


_TYPED_TOKENS = _one_of(MISSING_IN_TYPED)
_FILLED_TOKENS = _one_of(filter(None, MISSING_IN_TYPED))
_TEXT_TOKENS = _one_of(MISSING_IN_TEXT)
_TEXT_TOKENS_OR_NA = _one_of((*MISSING_IN_TEXT, "NA"))
# White space that a pattern calls so, and cells of several words. The pattern is tried on cells
# with white space only: looking for that costs a third of it.
_BLANKS = " OR ".join(f"contains({{v}}, chr({code}))" for code in (32, 9, 10, 12, 13))
_WORDY = rf"CASE WHEN {_BLANKS} THEN regexp_matches({{v}}, '[^\s][\s]+[^\s]') END"

# Texts that differ, told apart by the digests of long ones: the engine holds them all in memory.
LONG_CHARS = 64
_BRIEF = f"CASE WHEN strlen({{v}}) > {LONG_CHARS} THEN md5({{v}}) ELSE {{v}} END"


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
    whole = hold(connection, table).whole if wanted else None
    if whole is not None:
        columns = ((i, whole.column(i).slice(0, rows).to_pylist()) for i in wanted)
        return {i: _distinct(column) for i, column in columns}, min(rows, whole.num_rows)
    samples: dict[int, list[str]] = {}
    seen = 0
    for chunk in chunks(wanted, 400):
        names = ", ".join(cell(i) for i in chunk)
        query = f"SELECT {names} FROM {table.relation} LIMIT {rows}"
        fetched = connection.sql(query).to_arrow_table()
        seen = fetched.num_rows
        for i, column in zip(chunk, fetched.columns, strict=True):
            samples[i] = _distinct(column.to_pylist())
    return samples, seen


def _distinct(cells: Iterable[str | None]) -> list[str]:
    return [value for value in dict.fromkeys(cells) if value is not None]


def row_count(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """The number of rows."""
    rows = hold(connection, table).rows
    if rows is None:
        counted = connection.execute(f"SELECT count(*) FROM {table.relation}").fetchall()
        rows = int(counted[0][0])
    return rows


def typed_facts(
    connection: duckdb.DuckDBPyConnection, table: Table, chosen: Mapping[int, Notation], exact: bool
) -> dict[int, TypedFacts]:
    """Judge columns by the notation chosen for each."""
    known: dict[Notation, Question] = {}
    for notation in chosen.values():
        if notation not in known:
            known[notation] = _typed_question(notation, exact)
    answers = ask(connection, table, {i: known[notation] for i, notation in chosen.items()})
    return {i: TypedFacts(*answers[i]) for i in chosen}


def _typed_question(notation: Notation, exact: bool) -> Question:
    """In the order of the facts.

    CASE and not AND, because only CASE leaves the costly part out where it is not needed.
    """
    unread = "{r} IS NOT NULL AND {v} IS NULL"
    token = f"CASE WHEN {unread} THEN {_is_token('{r}')} END"
    digits = "regexp_replace(regexp_replace({r}, '[eE].*$', ''), '^[-+]?[0.,]*|[^0-9]', '', 'g')"
    rounded = f"CASE WHEN length({{r}}) > 17 AND {{v}} IS NOT NULL THEN length({digits}) > 17 END"
    return Question(
        notation.checked_sql(CELL),
        (
            "count({v})",
            f"count(*) FILTER (NOT ({token}))",
            f"count(*) FILTER (({token}) AND {{r}} <> '')",
            "count(*) FILTER ({r} = 'NA')",
            "min({v})",
            "max({v})",
            distinct_count(exact),
            f"count(*) FILTER ({rounded})" if notation.type == "number" else "0",
            f"list(DISTINCT {trimmed('{r}')}) FILTER ({{v}} IS NOT NULL)"
            if notation.type == "boolean"
            else "NULL",
        ),
    )


def _is_token(raw: str) -> str:
    return f"regexp_full_match(lower({trimmed(raw)}), {_TYPED_TOKENS})"


def distinct_count(exact: bool) -> str:
    """An aggregate of how many values differ."""
    return "count(DISTINCT {v})" if exact else "approx_count_distinct({v})"


def declared_facts(
    connection: duckdb.DuckDBPyConnection, table: Table, wanted: Sequence[int]
) -> dict[int, TypedFacts]:
    """Describe columns that the file itself typed."""
    aggregates = ("count({v})", "min({v})", "max({v})", "approx_count_distinct({v})")
    answers = ask(connection, table, dict.fromkeys(wanted, Question(CELL, aggregates)))
    facts: dict[int, TypedFacts] = {}
    for i, (rows, values, least, most, distinct) in answers.items():
        facts[i] = TypedFacts(rows, values, 0, 0, 0, least, most, distinct, 0, None)
    return facts


def beside_codes(
    connection: duckdb.DuckDBPyConnection, table: Table, wanted: Sequence[int]
) -> set[int]:
    """Those of the columns in which most cells but NA are two or three capitals, as codes are."""
    others = "{r} <> 'NA'"
    codes = f"count(*) FILTER ({others} AND regexp_full_match({{r}}, '[A-Z]{{2,3}}'))"
    question = Question(CELL, (f"{codes} > 0.5 * count(*) FILTER ({others})",))
    answers = ask(connection, table, dict.fromkeys(wanted, question))
    return {i for i, (_, mostly) in answers.items() if mostly}


def text_facts(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    wanted: Sequence[int],
    exact: bool,
    na_missing: Collection[int] = (),
) -> dict[int, TextFacts]:
    """Describe the columns that hold text; in those of ``na_missing``, NA is no value."""
    aggregates = (
        "count({v})",
        "count({r}) - count({v})",
        "count(*) FILTER ({v} = 'NA')",
        "min({v})",
        "max({v})",
        f"count(DISTINCT {_BRIEF})" if exact else distinct_count(exact),
        f"count(*) FILTER ({_WORDY})",
        "coalesce(avg(length({v})), 0)",
    )
    asked = {i: Question(text_form(table, i, i in na_missing), aggregates) for i in wanted}
    answers = ask(connection, table, asked)
    return {i: TextFacts(*answers[i]) for i in wanted}


def text_form(table: Table, position: int, na_is_missing: bool = False) -> str:
    """SQL for a text cell ``{c}``, NULL where its spelling means "missing"; declared text is left alone."""
    if table.kinds[position] == "string":
        return CELL
    if table.staged is not None:
        # Of many cells a list is much faster than the pattern, however long it takes to plan.
        listed = ", ".join(map(literal, (*MISSING_IN_TEXT, *(["NA"] if na_is_missing else []))))
        return f"CASE WHEN {CELL} IN ({listed}) THEN NULL ELSE {CELL} END"
    tokens = _TEXT_TOKENS_OR_NA if na_is_missing else _TEXT_TOKENS
    return f"CASE WHEN regexp_full_match({CELL}, {tokens}) THEN NULL ELSE {CELL} END"


def text_value(table: Table, position: int, *, na_is_missing: bool = False) -> str:
    """The same for the raw cell of a column."""
    return text_form(table, position, na_is_missing).replace(CELL, cell(position))


def bad_cells(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    chosen: Mapping[int, Notation],
    limit: int,
) -> dict[int, list[tuple[int, str]]]:
    """The first rows (from 1) of each column whose cell is neither such a value nor missing."""
    forms = {notation: _is_bad(notation) for notation in chosen.values()}
    return first_cells(connection, table, {i: forms[n] for i, n in chosen.items()}, limit)


def _is_bad(notation: Notation) -> str:
    value = notation.checked_sql(CELL)
    return f"{CELL} IS NOT NULL AND ({value}) IS NULL AND NOT {_is_token(CELL)}"


# Conditions on a cell for :func:`.queries.first_cells`.
IS_MISSING_IN_TYPED = f"regexp_full_match(lower({trimmed(CELL)}), {_FILLED_TOKENS})"
IS_LONG = f"length({CELL}) > 17"
IS_NA = f"{CELL} = 'NA'"


def is_missing_in_text(na_is_missing: bool) -> str:
    """The same for cells of a text column that mean "missing"."""
    tokens = _TEXT_TOKENS_OR_NA if na_is_missing else _TEXT_TOKENS
    return f"regexp_full_match({CELL}, {tokens})"


def all_differ(connection: duckdb.DuckDBPyConnection, table: Table, value: str) -> bool:
    """Whether no value occurs twice, counted exactly (this may spill to disk)."""
    row = one_row(
        connection, f"SELECT count({value}) = count(DISTINCT {value}) FROM {table.relation}"
    )
    return bool(row[0])
