"""The forgiving reader of delimited text: every cell kept, every irregular row told."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from app.analysis.errors import BadTable
from app.analysis.ingest.dialect import Dialect
from app.analysis.ingest.engine import WHITE
from app.analysis.ingest.findings import MAX_ROWS_NAMED, Finding, counted, listing
from app.analysis.ingest.limits import MAX_LINE_CHARS
from app.analysis.ingest.parts import PartWriter


@dataclass(slots=True)
class Parsed:
    """The rows as a relation, and what was irregular in them."""

    relation: str
    width: int
    row_bytes: float
    findings: list[Finding]


@dataclass(slots=True)
class _Irregular:
    """Rows of one irregularity: how many, and the lines of the first."""

    count: int = 0
    lines: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        self.count += 1
        if len(self.lines) < MAX_ROWS_NAMED:
            self.lines.append(line)


class _Lines:
    """The physical lines of a text, counted; knows when they ran out."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.number = 0
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(MAX_LINE_CHARS)
        if not line or (line == "\x1a"):
            self.ended = True
            raise StopIteration
        self.number += 1
        if len(line) == MAX_LINE_CHARS:
            raise BadTable(
                f"Line {self.number} is longer than {MAX_LINE_CHARS:,} characters.",
                row=self.number,
                hint="Is this delimited text, and is a quote closed?",
            )
        return line


def read_carefully(path: Path, dialect: Dialect, skip: int, width: int, scratch: Path) -> Parsed:
    """Read UTF-8 text row by row into the scratch folder; memory is one batch.

    Short rows end in missing cells, long ones add columns, and both are told by line.
    Raises :class:`BadTable` for a quote that is never closed and for bytes that are not UTF-8.
    """
    short, long, blank = _Irregular(), _Irregular(), _Irregular()
    with PartWriter(scratch) as parts:
        parts.widen(width)
        for line, row in _records(path, dialect, skip):
            if not row or (width > 1 and len(row) == 1 and not row[0].strip(WHITE)):
                blank.add(line)
                continue
            kept = _without_empty_end(row, width)
            if len(kept) < width:
                short.add(line)
            elif len(kept) > width:
                long.add(line)
            parts.append([cell or None for cell in kept])
    return Parsed(
        parts.relation(), parts.width, parts.row_bytes, _findings(short, long, blank, width)
    )


def _records(path: Path, dialect: Dialect, skip: int) -> Iterator[tuple[int, list[str]]]:
    """Records with the line on which each begins."""
    csv.field_size_limit(MAX_LINE_CHARS)
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = _Lines(file)
        reader = csv.reader(
            lines,
            delimiter=dialect.delimiter,
            quotechar=dialect.quote or None,
            quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
            skipinitialspace=dialect.skip_blanks,
        )
        begins = 1
        try:
            for number, row in enumerate(reader):
                if lines.ended:
                    raise _unclosed(begins, dialect.quote)
                if number >= skip:
                    yield begins, row
                begins = lines.number + 1
        except csv.Error as error:
            raise BadTable(
                f"Line {begins} cannot be read: {error}.",
                row=begins,
                hint="Look for a quote that is not closed.",
            ) from error
        except UnicodeDecodeError as error:
            raise BadTable(
                f"After line {lines.number} there are bytes that are not UTF-8 text.",
                row=lines.number + 1,
                hint="Name the file's encoding with the option 'encoding'.",
            ) from error


def _unclosed(line: int, quote: str) -> BadTable:
    return BadTable(
        f"A quote ({quote}) opened in the record on line {line} is never closed.",
        row=line,
        hint="Close it, or double the quote where it belongs to the text.",
    )


def _without_empty_end(row: list[str], width: int) -> list[str]:
    """A row without the empty cells past the table's width: a trailing delimiter says nothing."""
    end = len(row)
    while end > width and not row[end - 1]:
        end -= 1
    return row[:end]


def _findings(short: _Irregular, long: _Irregular, blank: _Irregular, width: int) -> list[Finding]:
    told = []
    if short.count:
        have = "has" if short.count == 1 else "have"
        message = (
            f"{counted(short.count, 'row')} {have} fewer than {counted(width, 'cell')} "
            f"(lines {listing(short.lines)}); the cells at the end are missing."
        )
        told.append(Finding("ragged_short", message, rows=tuple(short.lines)))
    if long.count:
        have = "has" if long.count == 1 else "have"
        message = (
            f"{counted(long.count, 'row')} {have} more than {counted(width, 'cell')} "
            f"(lines {listing(long.lines)}); what is past them stands in columns of its own."
        )
        told.append(Finding("ragged_long", message, rows=tuple(long.lines)))
    if blank.count:
        were = "was" if blank.count == 1 else "were"
        message = f"{counted(blank.count, 'blank line')} {were} passed over."
        told.append(Finding("blank_lines", message, rows=tuple(blank.lines)))
    return told
