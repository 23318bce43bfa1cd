"""A dataset as a file for others: CSV, Parquet or Excel, streamed."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

import datetime as dt
import math
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.analysis.errors import BadOption, TooLarge
from app.analysis.ingest.engine import adopt, connect, literal, parquet_relation, positions
from app.analysis.ingest.queries import one_row
from app.analysis.ingest.render import physical_types, text_sql
from app.analysis.ingest.spellings import read_spellings
from app.analysis.progress import Progress
from app.analysis.schema import Column

if TYPE_CHECKING:
    import duckdb

if TYPE_CHECKING:
    pass

_BATCH = 10_000
_SHEET_ROWS, _SHEET_COLUMNS, _SHEET_CHARS = 1_048_576, 16_384, 32_767
_EXCEL_EXACT = 10**15
# Before this day Excel counts a 29 February 1900 that never was.
_EXCEL_EPOCH = dt.datetime(1900, 3, 1)  # noqa: DTZ001  (the dataset's times are UTC without zone)

# Text that a spreadsheet would run as a formula; text that only spells a number is none.
_FORMULA = "[=+@\\-\\t\\r].*"
_PLAIN = "[-+]?[0-9][0-9 .,]*%?"
_FORMULA_RE = re.compile(_FORMULA, re.DOTALL)
_PLAIN_RE = re.compile(_PLAIN)


def export_dataset(
    source: Path,
    out: Path,
    format: str,
    columns: Sequence[Column],
    progress: Progress,
    *,
    bom: bool = False,
    neutralise: bool = True,
) -> int:
    """Write the dataset to ``out`` as ``csv``, ``parquet`` or ``xlsx``; returns bytes written.

    ``bom`` marks a CSV as UTF-8 for Excel. ``neutralise`` puts a ``'`` before text cells and
    names that a spreadsheet would take for a formula; numbers are never touched.
    Raises :class:`BadOption` for another format, :class:`TooLarge` for what a sheet cannot hold.
    """
    writers = {"csv": _write_csv, "xlsx": _write_xlsx, "parquet": _copy_parquet}
    if format not in writers:
        raise BadOption("'format' must be csv, parquet or xlsx.", option="format")
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as folder:
        scratch = Path(folder)
        link = adopt(source, scratch)
        progress(0.05)
        writers[format](link, source, out, [c.name for c in columns], scratch, bom, neutralise)
    progress(1.0)
    return out.stat().st_size


def neutral_text(text: str) -> str:
    """A text cell that no spreadsheet takes for a formula."""
    harmless = not _FORMULA_RE.fullmatch(text) or _PLAIN_RE.fullmatch(text)
    return text if harmless else f"'{text}"


def _neutral_sql(text: str) -> str:
    return (
        f"CASE WHEN regexp_full_match({text}, {literal(_FORMULA)}, 's') "
        f"AND NOT regexp_full_match({text}, {literal(_PLAIN)}) "
        f"THEN '''' || {text} ELSE {text} END"
    )


def _copy_parquet(
    link: Path,
    source: Path,  # noqa: ARG001
    out: Path,
    names: Sequence[str],  # noqa: ARG001
    scratch: Path,  # noqa: ARG001
    bom: bool,  # noqa: ARG001
    neutralise: bool,  # noqa: ARG001
) -> None:
    import shutil

    shutil.copyfile(link, out)


def _write_csv(
    link: Path,
    source: Path,
    out: Path,
    names: Sequence[str],
    scratch: Path,
    bom: bool,
    neutralise: bool,
) -> None:
    with connect(scratch, files=[source]) as connection:
        write_csv(connection, link, out, names, scratch, bom=bom, neutralise=neutralise)


def write_csv(
    connection: duckdb.DuckDBPyConnection,
    data: Path,
    out: Path,
    names: Sequence[str],
    scratch: Path,
    *,
    bom: bool = False,
    neutralise: bool = True,
) -> None:
    """Write the dataset's Parquet file ``data`` to ``out`` as CSV (UTF-8, commas, ``\\n``)."""
    relation = parquet_relation(data, len(names))
    spellings = read_spellings(data)
    body = scratch / "body.csv"
    cells = []
    kinds = physical_types(connection, relation)
    whole = _whole_columns(connection, relation, kinds)
    for name, cell, kind in zip(names, positions(len(names)), kinds, strict=True):
        # A column of numbers that all are whole keeps its points, or it would return as integer.
        text = (
            f"CAST({cell} AS VARCHAR)"
            if cell in whole
            else text_sql(cell, kind, spellings.get(name))
        )
        cells.append(_neutral_sql(text) if neutralise and kind == "VARCHAR" else text)
    # One column of missing cells would be blank lines, which readers pass over.
    single = len(names) == 1
    quoting = ", FORCE_QUOTE *" if single else ""
    selected = f"coalesce({cells[0]}, '') AS c0" if single else _aliased(cells)
    connection.execute(
        f"COPY (SELECT {selected} FROM {relation}) TO {literal(str(body))} "
        f"(FORMAT csv, HEADER false, DELIMITER ','{quoting})"
    )
    header = ",".join(_csv_cell(neutral_text(name) if neutralise else name) for name in names)
    with out.open("wb") as target, body.open("rb") as rows:
        target.write(("\ufeff" if bom else "").encode() + header.encode() + b"\n")
        while chunk := rows.read(1 << 20):
            target.write(chunk)


def _whole_columns(
    connection: duckdb.DuckDBPyConnection, relation: str, kinds: Sequence[str]
) -> set[str]:
    """The columns of doubles in which every number is whole."""
    doubles = [
        cell for cell, kind in zip(positions(len(kinds)), kinds, strict=True) if kind == "DOUBLE"
    ]
    if not doubles:
        return set()
    tests = ", ".join(f"bool_and({cell} = trunc({cell}))" for cell in doubles)
    answers = one_row(connection, f"SELECT {tests} FROM {relation}")
    return {cell for cell, whole in zip(doubles, answers, strict=True) if whole}


def _aliased(cells: Sequence[str]) -> str:
    return ", ".join(f"{sql} AS c{i}" for i, sql in enumerate(cells))


def _csv_cell(text: str) -> str:
    needs_quotes = any(char in text for char in ',"\r\n') or text != text.strip()
    return '"' + text.replace('"', '""') + '"' if needs_quotes else text


def _write_xlsx(
    link: Path,
    source: Path,
    out: Path,
    names: Sequence[str],
    scratch: Path,
    bom: bool,  # noqa: ARG001
    neutralise: bool,
) -> None:
    import xlsxwriter

    relation = parquet_relation(link, len(names))
    spellings = read_spellings(link)
    words = [spellings.get(name) for name in names]
    with connect(scratch, files=[source]) as connection:
        rows = int(one_row(connection, f"SELECT count(*) FROM {relation}")[0])
        _check_fits(rows, len(names))
        workbook = xlsxwriter.Workbook(
            str(out), {"constant_memory": True, "tmpdir": str(scratch), "strings_to_urls": False}
        )
        sheet = workbook.add_worksheet("data")
        formats = {
            True: workbook.add_format({"num_format": "yyyy-mm-dd"}),
            False: workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        for i, name in enumerate(names):
            sheet.write_string(0, i, neutral_text(name) if neutralise else name)
        result = connection.execute(f"SELECT * FROM {relation}")
        at = 1
        while batch := result.fetchmany(_BATCH):
            for row in batch:
                for i, value in enumerate(row):
                    _write_cell(sheet, at, i, value, words[i], formats, neutralise)
                at += 1
        workbook.close()


def _check_fits(rows: int, columns: int) -> None:
    if rows >= _SHEET_ROWS or columns > _SHEET_COLUMNS:
        raise TooLarge(
            f"A sheet holds {_SHEET_ROWS - 1:,} rows and {_SHEET_COLUMNS:,} columns, the table has "
            f"{rows:,} and {columns:,}; take CSV or Parquet."
        )


def _write_cell(
    sheet: Any,
    row: int,
    column: int,
    value: Any,
    words: tuple[str, str] | None,
    formats: dict[bool, Any],
    neutralise: bool,
) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        if words:
            sheet.write_string(row, column, words[value])
        else:
            sheet.write_boolean(row, column, value)
    elif isinstance(value, str):
        if len(value) > _SHEET_CHARS:
            raise TooLarge(
                f"Row {row:,} holds a text of {len(value):,} characters and a cell of a sheet at "
                f"most {_SHEET_CHARS:,}; take CSV or Parquet."
            )
        sheet.write_string(row, column, neutral_text(value) if neutralise else value)
    elif isinstance(value, dt.datetime):
        if value < _EXCEL_EPOCH:
            sheet.write_string(row, column, value.isoformat(sep=" "))
        else:
            midnight = value.time() == dt.time()
            sheet.write_datetime(row, column, value, formats[midnight])
    elif isinstance(value, float) and not math.isfinite(value):
        sheet.write_string(row, column, str(value))
    elif abs(value) >= _EXCEL_EXACT and isinstance(value, int):
        # A sheet's numbers hold 15 digits; the rest would become zeros.
        sheet.write_string(row, column, str(value))
    else:
        sheet.write_number(row, column, value)
