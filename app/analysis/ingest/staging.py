"""A long text parsed once: what its columns seem to be is written at once and proven on the way.

A column whose sample has one notation is written as values. A cell that is no such value leaves a
mark in its place that no cell can have as its value; a column with a mark is in doubt, and the
text is parsed again with that column as it stands. Every other column is written as it stands.
So what is staged has lost nothing, and judging it needs no parsing of text any more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.analysis.ingest.classify import present
from app.analysis.ingest.engine import literal, parquet_relation
from app.analysis.ingest.notations import Notation
from app.analysis.ingest.plan import ColumnPlan
from app.analysis.ingest.queries import Question, ask
from app.analysis.ingest.spellings import spelling_notes, spelling_of
from app.analysis.ingest.stacks import hold
from app.analysis.ingest.table import CELL, Held, Table
from app.analysis.ingest.verify import EXACT_ROWS, TypedFacts, cell, distinct_count
from app.analysis.ingest.watch import Stretch, watched
from app.analysis.ingest.write import write_dataset
from app.analysis.progress import Progress, silent

if TYPE_CHECKING:
    import duckdb

# What stands for a cell that is no value of its column's notation: whole numbers have 19 digits
# less, NaN is a spelling of "missing", and no date is infinite.
_MARKS = {
    "integer": "CAST(-9223372036854775808 AS BIGINT)",
    "number": "'nan'::DOUBLE",
    "datetime": "'-infinity'::TIMESTAMP",
}
# Truth values have no third value to spare: a cell that is none ends the writing, saying this.
_NO_TRUTH = "uam: no truth value"
# Numbers that may have more digits than a double holds; which do is told of the text.
_MANY_DIGITS = "[1-9](?:[^0-9eE]?[0-9]){17}"

# A text from so many bytes on is staged sooner than held, if it has few columns: of many the
# engine takes long to plan each question.
_LONG_BYTES, _FEW_COLUMNS = 16 * 2**20, 40


@dataclass(frozen=True, slots=True)
class Staged:
    """A table's rows in a Parquet file: as values in the columns of ``typed``, else as text."""

    path: Path
    relation: str
    rows: int
    typed: Mapping[int, Notation]
    facts: Mapping[int, TypedFacts]
    notes: Mapping[str, str]


def is_long(connection: duckdb.DuckDBPyConnection, table: Table) -> bool:
    """Whether each look at the table parses so much text that it is better staged."""
    if table.text_bytes is None:
        return False
    if table.text_bytes >= _LONG_BYTES and len(table.names) <= _FEW_COLUMNS:
        return True
    held = hold(connection, table)
    return held.whole is None and not held.parked


def stage(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    chosen: Mapping[int, Notation],
    samples: Mapping[int, Sequence[str]],
    scratch: Path,
    progress: Progress = silent,
) -> Staged:
    """Write the table's rows into ``scratch`` and make what was written its relation.

    ``chosen`` are the notations that the samples share. Raises what the engine raises where the
    text breaks its own rules.
    """
    import duckdb

    rows = (table.text_bytes or 0) / table.row_bytes
    stretch = Stretch(progress, 0.05, 0.55, "Reading the rows", rows)

    words = {i: _words(samples[i]) for i, n in chosen.items() if n.type == "boolean"}
    typed = {i: n for i, n in chosen.items() if _is_plain(n, samples[i], words.get(i))}
    while True:
        try:
            with watched(connection, stretch):
                staged = _try(connection, table, typed, words, scratch)
        except duckdb.Error as error:
            if _NO_TRUTH not in str(error):
                raise
            typed = {i: n for i, n in typed.items() if n.type != "boolean"}
            continue
        doubted = {i for i, facts in staged.facts.items() if facts.bad}
        if not doubted:
            table.relation, table.text_bytes, table.staged = staged.relation, None, staged
            table.held = Held(staged.relation, staged.rows)
            return staged
        typed = {i: n for i, n in typed.items() if i not in doubted}


def adopt_staged(
    table: Table, plans: Sequence[ColumnPlan], notes: Mapping[str, str], target: Path
) -> int | None:
    """Make what was staged the dataset, if it is just what is planned, and return its rows."""
    staged = table.staged
    if staged is None or table.relation != staged.relation or dict(notes) != dict(staged.notes):
        return None
    if any(plan.sql != cell(i) for i, plan in enumerate(plans)):
        return None
    staged.path.replace(target)
    return staged.rows


def _is_plain(notation: Notation, sample: Sequence[str], words: tuple[str, str] | None) -> bool:
    """Whether a sample gives no reason to expect cells in doubt further down."""
    if notation.type == "boolean" and words is None:
        return False
    if notation.type == "number" and any(map(re.compile(_MANY_DIGITS).search, sample)):
        return False
    return len(present(sample)) == len(sample)


def _words(sample: Sequence[str]) -> tuple[str, str] | None:
    """The one word for false and the one for true of a sample of truth values."""
    found = set(sample)
    plain = len(found) == 2 and all(word.isalpha() for word in found)
    return spelling_of(sorted(found)) if plain else None


def _try(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    typed: Mapping[int, Notation],
    words: Mapping[int, tuple[str, str] | None],
    scratch: Path,
) -> Staged:
    plans = [
        ColumnPlan(name, "text", _sql(typed.get(i), cell(i), words.get(i)), True, "")
        for i, name in enumerate(table.names)
    ]
    notes = spelling_notes([replace(plans[i], words=words.get(i)) for i in typed])
    path = scratch / "staged.parquet"
    rows = write_dataset(connection, table.relation, plans, path, scratch, table.row_bytes, notes)
    relation = parquet_relation(path, len(plans))
    written = replace(table, relation=relation, text_bytes=None, held=Held(relation, rows))
    exact = rows <= EXACT_ROWS
    answers = ask(connection, written, {i: _question(n, exact) for i, n in typed.items()})
    facts = {i: TypedFacts(*answer) for i, answer in answers.items()}
    for i, pair in words.items():
        if i in facts:
            facts[i] = replace(facts[i], words=list(pair or ()))
    return Staged(path, relation, rows, typed, facts, notes)


def _sql(notation: Notation | None, raw: str, words: tuple[str, str] | None) -> str:
    """SQL for a staged cell."""
    if notation is None:
        return raw
    if words is not None:
        no, yes = map(literal, words)
        return (
            f"CASE {raw} WHEN {yes} THEN true WHEN {no} THEN false "
            f"ELSE CASE WHEN {raw} IS NOT NULL THEN error({literal(_NO_TRUTH)})::BOOLEAN END END"
        )
    mark = _MARKS[notation.type]
    value = f"coalesce({notation.checked_sql(raw)}, {mark})"
    if notation.type == "number":
        many = f"regexp_matches({raw}, {literal(_MANY_DIGITS)})"
        value = f"CASE WHEN strlen({raw}) > 17 THEN CASE WHEN {many} THEN {mark} ELSE {value} END ELSE {value} END"
    return f"CASE WHEN {raw} IS NOT NULL THEN {value} END"


def _question(notation: Notation, exact: bool) -> Question:
    """In the order of :class:`TypedFacts`; ``bad`` are the cells in doubt."""
    marked = "0"
    if notation.type in _MARKS:
        marked = f"count(*) FILTER ({{v}} = {_MARKS[notation.type]})"
    return Question(
        CELL,
        (
            "count({v})",
            marked,
            "0",
            "0",
            "min({v})",
            "max({v})",
            distinct_count(exact),
            "0",
            "NULL",
        ),
    )
