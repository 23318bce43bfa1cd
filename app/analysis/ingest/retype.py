"""The types of a dataset's columns changed on request, its other columns untouched."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.analysis.errors import BadOption
from app.analysis.ingest.asked import asked_plan
from app.analysis.ingest.dataset import DATA, PREVIEW, Dataset
from app.analysis.ingest.engine import adopt, connect, parquet_relation
from app.analysis.ingest.findings import quoted
from app.analysis.ingest.plan import ColumnPlan
from app.analysis.ingest.preview import write_preview
from app.analysis.ingest.queries import one_row
from app.analysis.ingest.render import physical_types, text_sql
from app.analysis.ingest.spellings import read_spellings, spelling_notes
from app.analysis.ingest.table import Kind, Table
from app.analysis.ingest.verify import cell
from app.analysis.ingest.write import write_dataset
from app.analysis.progress import Progress
from app.analysis.schema import COLUMN_TYPES, NUMERIC_TYPES, Column, ColumnType

if TYPE_CHECKING:
    import duckdb


def retype_dataset(
    source: Path,
    out_dir: Path,
    columns: Sequence[Column],
    changes: Mapping[str, ColumnType],
    progress: Progress,
) -> Dataset:
    """Write the dataset anew into ``out_dir`` with the changed types.

    Raises :class:`BadTable` naming the first value that cannot be of its new type.
    """
    with tempfile.TemporaryDirectory(dir=out_dir, prefix=".retyping-") as folder:
        scratch = Path(folder)
        link = adopt(source, scratch)
        spellings = read_spellings(link)
        with connect(scratch, files=[source], folders=[out_dir]) as connection:
            table = _with_text(connection, link, columns, changes, spellings)
            plans = [
                _plan(connection, table, i, column, changes.get(column.name), spellings)
                for i, column in enumerate(columns)
            ]
            progress(0.5, f"Every cell fits the new types of {len(changes):,} columns")
            size = source.stat().st_size
            rows_total = int(one_row(connection, f"SELECT count(*) FROM {table.relation}")[0])
            rows = write_dataset(
                connection,
                table.relation,
                plans,
                out_dir / DATA,
                scratch,
                4 * size / max(rows_total, 1),
                spelling_notes(plans),
            )
            schema = [plan.column().to_json() for plan in plans]
            write_preview(out_dir / DATA, schema, rows, out_dir / PREVIEW)
    return Dataset(rows, schema, [], {"format": "parquet", "retyped": sorted(changes)})


def check_changes(
    columns: Sequence[Column], changes: Sequence[Mapping[str, str]]
) -> dict[str, ColumnType]:
    """``[{name, type}]`` as a mapping. Raises :class:`BadOption` for what names nothing."""
    names = {column.name for column in columns}
    kinds: dict[str, ColumnType] = {kind: kind for kind in COLUMN_TYPES}
    found: dict[str, ColumnType] = {}
    for change in changes:
        name, kind = str(change.get("name")), str(change.get("type"))
        if name not in names:
            raise BadOption(f"There is no column {quoted(name)}.", option="columns")
        if kind not in kinds:
            raise BadOption(
                f"{kind!r} is no type; the types are {', '.join(COLUMN_TYPES)}.", option="columns"
            )
        found[name] = kinds[kind]
    return found


def _with_text(
    connection: duckdb.DuckDBPyConnection,
    link: Path,
    columns: Sequence[Column],
    changes: Mapping[str, ColumnType],
    spellings: Mapping[str, tuple[str, str]],
) -> Table:
    """The dataset with the columns to change as text, so that the rules of reading apply."""
    relation = parquet_relation(link, len(columns))
    physical = physical_types(connection, relation)
    cells = []
    kinds: list[Kind] = []
    for i, column in enumerate(columns):
        name = cell(i)
        if column.name in changes:
            name = f"{_as_text(name, physical[i], changes[column.name], spellings.get(column.name))} AS {name}"
        cells.append(name)
        kinds.append("string" if physical[i] == "VARCHAR" else "native")
    return Table(
        names=[column.name for column in columns],
        relation=f"(SELECT {', '.join(cells)} FROM {relation})",
        kinds=kinds,
        read={},
    )


def _as_text(name: str, physical: str, wanted: ColumnType, words: tuple[str, str] | None) -> str:
    if physical == "BOOLEAN" and wanted in NUMERIC_TYPES:
        return f"CAST(CAST({name} AS INTEGER) AS VARCHAR)"
    return text_sql(name, physical, words)


def _plan(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    position: int,
    column: Column,
    wanted: ColumnType | None,
    spellings: Mapping[str, tuple[str, str]],
) -> ColumnPlan:
    if wanted is not None:
        plan = asked_plan(connection, table, position, wanted)
        return replace(plan, sensitive=column.sensitive, sensitive_reason=column.sensitive_reason)
    return ColumnPlan(
        column.name,
        column.type,
        cell(position),
        column.nullable,
        column.reason,
        spellings.get(column.name),
        column.sensitive,
        column.sensitive_reason,
    )
