"""Values as text: one spelling for exports, retyping and comparisons."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.analysis.ingest.engine import literal
from app.analysis.ingest.table import Table

if TYPE_CHECKING:
    import duckdb


def physical_types(connection: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """DuckDB's names of the types of a relation's columns."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return [str(row[1]) for row in described]


def write_out(connection: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[int]) -> None:
    """Turn typed columns of an opened table into text, so that the rules of reading apply."""
    physical = physical_types(connection, table.relation)
    cells = []
    for i, kind in enumerate(physical):
        cell = f"c{i}"
        cells.append(f"{text_sql(cell, kind)} AS {cell}" if i in columns else cell)
    table.relation = f"(SELECT {', '.join(cells)} FROM {table.relation})"
    table.kinds = ["native" if i in columns else kind for i, kind in enumerate(table.kinds)]


def text_sql(cell: str, physical: str, words: tuple[str, str] | None = None) -> str:
    """SQL for a cell as text, by DuckDB's name of its type; NULL stays NULL.

    Whole doubles lose their ``.0`` (up to 15 digits, past which they would read as codes), midnights their time, truth values are spelled as in the
    file; an infinite number is ``inf``.
    """
    if physical == "VARCHAR":
        return cell
    if physical == "BOOLEAN":
        no, yes = words or ("false", "true")
        return f"CASE WHEN {cell} THEN {literal(yes)} WHEN NOT {cell} THEN {literal(no)} END"
    if physical == "DOUBLE":
        whole = f"abs({cell}) < 1e15 AND {cell} = trunc({cell})"
        return f"CASE WHEN {whole} THEN CAST(CAST({cell} AS BIGINT) AS VARCHAR) ELSE CAST({cell} AS VARCHAR) END"
    if physical == "TIMESTAMP":
        return f"regexp_replace(CAST({cell} AS VARCHAR), ' 00:00:00$', '')"
    return f"CAST({cell} AS VARCHAR)"
