"""What a reader of the result should know about a column: what was missing, rounded or mixed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from app.analysis.ingest.classify import CODE_NAME, present
from app.analysis.ingest.dates import DATES
from app.analysis.ingest.findings import MAX_ROWS_NAMED, Finding, counted, listing, quoted
from app.analysis.ingest.notations import Notation, number
from app.analysis.ingest.queries import first_cells
from app.analysis.ingest.table import Table
from app.analysis.ingest.verify import (
    IS_LONG,
    IS_MISSING_IN_TYPED,
    IS_NA,
    TextFacts,
    TypedFacts,
    bad_cells,
    is_missing_in_text,
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
    accepted: Mapping[int, tuple[Notation, TypedFacts]],
) -> dict[int, list[Finding]]:
    """What is worth telling of the columns that got a type."""
    first = partial(first_cells, connection, table, limit=MAX_ROWS_NAMED)
    tokens = first({i: IS_MISSING_IN_TYPED for i, (_, facts) in accepted.items() if facts.tokens})
    rounded = first({i: IS_LONG for i, (_, facts) in accepted.items() if facts.rounded})
    told: dict[int, list[Finding]] = {}
    for i, (notation, facts) in accepted.items():
        name, found = table.names[i], []
        if facts.tokens:
            message = f"{counted(facts.tokens, 'cell')} such as NA, - or null in {quoted(name)} mean a missing value."
            found.append(Finding("missing_tokens", message, name, _rows(tokens[i])))
        if facts.rounded:
            message = (
                f"{counted(facts.rounded, 'number')} in {quoted(name)} have more digits than a "
                "number can hold (17) and were rounded; the type 'text' keeps them as written."
            )
            found.append(Finding("rounded", message, name, _rows(rounded[i])))
        if notation.finding:
            found.append(Finding("notation", notation.finding, name))
        told[i] = found
    return told


def _rows(cells: Sequence[tuple[int, str]]) -> tuple[int, ...]:
    return tuple(row for row, _ in cells)


def text_findings(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    described: Mapping[int, TextFacts],
    na_missing: Collection[int],
) -> dict[int, list[Finding]]:
    """What is worth telling of the columns that hold text, apart from what they mix."""
    first = partial(first_cells, connection, table, limit=MAX_ROWS_NAMED)
    inferred = {i: facts for i, facts in described.items() if table.kinds[i] != "string"}
    tokens = first(
        {i: is_missing_in_text(i in na_missing) for i, facts in inferred.items() if facts.tokens}
    )
    kept = {i: IS_NA for i, facts in inferred.items() if facts.na and i not in na_missing}
    na_rows = first(kept)
    told: dict[int, list[Finding]] = {}
    for i, facts in inferred.items():
        name = table.names[i]
        if facts.tokens:
            why = (
                " (NA marks missing values in other columns of this file)"
                if i in na_missing
                else ""
            )
            message = f"{counted(facts.tokens, 'cell')} such as NULL, N/A or NaN in {quoted(name)} mean a missing value{why}."
            found = Finding("missing_tokens", message, name, _rows(tokens[i]))
            told.setdefault(i, []).append(found)
        if i in kept:
            message = f"{counted(facts.na, 'cell')} of {quoted(name)} with the text NA kept it as a value."
            told.setdefault(i, []).append(Finding("na_kept", message, name, _rows(na_rows[i])))
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


def mixed_findings(
    connection: duckdb.DuckDBPyConnection, table: Table, samples: Mapping[int, Sequence[str]]
) -> dict[int, Finding]:
    """Rows that keep columns from being numbers or dates, where most of each is."""
    nearly = {i: found for i, sample in samples.items() if (found := _nearly(present(sample)))}
    told: dict[int, Finding] = {}
    for i, cells in bad_cells(connection, table, nearly, MAX_ROWS_NAMED).items():
        if cells:
            name = table.names[i]
            what = "dates" if nearly[i].type == "datetime" else "numbers"
            shown = listing([f"{quoted(text, 30)} in row {n:,}" for n, text in cells], 3)
            message = f"{quoted(name)} is kept as text: most cells are {what}, but not {shown}."
            told[i] = Finding("mixed", message, name, _rows(cells))
    return told


def _nearly(values: Sequence[str]) -> Notation | None:
    """The notation that most, but not all, of the values share."""
    # Every number and every date has a digit: most columns of text are done with here.
    with_digits = sum(map(_has_digit, values))
    if len(values) < 5 or with_digits < _MOSTLY * len(values):
        return None
    allowed = int(len(values) * (1 - _MOSTLY) + 1e-9)
    best, fewest = None, allowed + 1
    for notation in (number(whole=True), number(), number(decimal=","), *DATES):
        # No more are looked for than would rule it out.
        missed = sum(1 for _ in islice(notation.misses(values), fewest))
        if missed < fewest:
            best, fewest = notation, missed
    return best
