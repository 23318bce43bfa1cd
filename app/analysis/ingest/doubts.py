"""What a reader of the result should know about a column: what was missing, rounded or mixed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.analysis.ingest.classify import CODE_NAME, present
from app.analysis.ingest.dates import DATES
from app.analysis.ingest.engine import literal, trimmed
from app.analysis.ingest.findings import MAX_ROWS_NAMED, Finding, counted, listing, quoted
from app.analysis.ingest.notations import MISSING_IN_TYPED, Notation, number
from app.analysis.ingest.table import Table
from app.analysis.ingest.verify import (
    TEXT_TOKENS,
    TextFacts,
    TypedFacts,
    bad_cells,
    cell,
    rows_where,
)

if TYPE_CHECKING:
    import duckdb

_MOSTLY = 0.8
_DIGIT = re.compile("[0-9]")
_LEADING_ZERO = re.compile(r"-?0[0-9]+")
_LONG_INTEGER = re.compile(r"[-+]?[0-9]{16,}")
_TELEPHONE = re.compile(r"\+[0-9][0-9 ()/.-]{6,}")
_BARE_EXPONENT = re.compile(r"[0-9]+[eE][0-9]+")
_ANY_NUMBER = re.compile(r"[-+]?[0-9]+(?:[.,][0-9]+)*(?:[eE][-+]?[0-9]+)?")


def typed_findings(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    position: int,
    notation: Notation,
    facts: TypedFacts,
) -> list[Finding]:
    """What is worth telling of a column that got a type."""
    name, raw = table.names[position], cell(position)
    told = []
    if facts.tokens:
        tokens = ", ".join(literal(token) for token in MISSING_IN_TYPED if token)
        rows = rows_where(connection, table, f"lower({trimmed(raw)}) IN ({tokens})", MAX_ROWS_NAMED)
        message = f"{counted(facts.tokens, 'cell')} such as NA, - or null in {quoted(name)} mean a missing value."
        told.append(Finding("missing_tokens", message, name, tuple(rows)))
    if facts.rounded:
        rows = rows_where(connection, table, f"length({raw}) > 17", MAX_ROWS_NAMED)
        message = (
            f"{counted(facts.rounded, 'number')} in {quoted(name)} have more digits than a number "
            "can hold (17) and were rounded; the type 'text' keeps them as written."
        )
        told.append(Finding("rounded", message, name, tuple(rows)))
    if notation.finding:
        told.append(Finding("notation", notation.finding, name))
    return told


def text_findings(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    position: int,
    facts: TextFacts,
    na_is_missing: bool,
) -> list[Finding]:
    """What is worth telling of a column that holds text, apart from what it mixes."""
    name, raw = table.names[position], cell(position)
    if table.kinds[position] == "string":
        return []
    told = []
    if facts.tokens:
        tokens = f"{TEXT_TOKENS}, 'NA'" if na_is_missing else TEXT_TOKENS
        rows = rows_where(connection, table, f"{raw} IN ({tokens})", MAX_ROWS_NAMED)
        why = " (NA marks missing values in other columns of this file)" if na_is_missing else ""
        message = f"{counted(facts.tokens, 'cell')} such as NULL, N/A or NaN in {quoted(name)} mean a missing value{why}."
        told.append(Finding("missing_tokens", message, name, tuple(rows)))
    if facts.na and not na_is_missing:
        rows = rows_where(connection, table, f"{raw} = 'NA'", MAX_ROWS_NAMED)
        message = (
            f"{counted(facts.na, 'cell')} of {quoted(name)} with the text NA kept it as a value."
        )
        told.append(Finding("na_kept", message, name, tuple(rows)))
    return told


def code_reason(name: str, sample: Sequence[str]) -> str | None:
    """Why cells made of digits were kept as text, if they were."""
    values = present(sample)
    if not values or not all(_ANY_NUMBER.fullmatch(v) or _TELEPHONE.fullmatch(v) for v in values):
        return None
    if any(_TELEPHONE.fullmatch(value) for value in values):
        return "telephone numbers are kept as written"
    if any(_LEADING_ZERO.fullmatch(value) for value in values):
        return "numbers with leading zeros are codes and kept as written"
    if any(_LONG_INTEGER.fullmatch(value) for value in values):
        return "whole numbers of more than 15 digits are kept as written"
    if any(_BARE_EXPONENT.fullmatch(value) for value in values):
        return "codes such as 12E4 are no numbers and kept as written"
    if CODE_NAME.search(name):
        return f"what is called {quoted(name)} is a code, not a quantity"
    return None


def _has_digit(text: str) -> bool:
    return _DIGIT.search(text) is not None


def mixed_finding(
    connection: duckdb.DuckDBPyConnection, table: Table, position: int, sample: Sequence[str]
) -> Finding | None:
    """Rows that keep a column from being numbers or dates, where most of it is."""
    values = present(sample)
    nearly = _nearly(values)
    if nearly is None:
        return None
    name = table.names[position]
    found = bad_cells(connection, table, position, nearly, MAX_ROWS_NAMED)
    if not found:
        return None
    what = "dates" if nearly.type == "datetime" else "numbers"
    rows = tuple(n for n, _ in found)
    shown = listing([f"{quoted(text, 30)} in row {n:,}" for n, text in found], 3)
    message = f"{quoted(name)} is kept as text: most cells are {what}, but not {shown}."
    return Finding("mixed", message, name, rows)


def _nearly(values: Sequence[str]) -> Notation | None:
    """The notation that most, but not all, of the values share."""
    # Every number and every date has a digit: most columns of text are done with here.
    with_digits = sum(map(_has_digit, values))
    if len(values) < 5 or with_digits < _MOSTLY * len(values):
        return None
    best, most = None, 0
    for notation in (number(whole=True), number(), number(decimal=","), *DATES):
        shared = sum(map(notation.matches, values))
        if shared > most:
            best, most = notation, shared
    return best if most >= _MOSTLY * len(values) else None
