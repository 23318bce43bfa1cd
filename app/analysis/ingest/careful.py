"""The forgiving reader of delimited text: every cell kept, every irregular row told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from app.analysis.errors import BadTable
from app.analysis.ingest.dialect import Dialect
from app.analysis.ingest.engine import WHITE
from app.analysis.ingest.findings import MAX_ROWS_NAMED, Finding, counted, listing
from app.analysis.ingest.limits import MAX_LINE_CHARS
from app.analysis.ingest.parts import PartWriter
from app.analysis.ingest.records import Lines, Record, read_records


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


@dataclass(slots=True)
class _Seen:
    """What was irregular on the way."""

    short: _Irregular = field(default_factory=_Irregular)
    long: _Irregular = field(default_factory=_Irregular)
    blank: _Irregular = field(default_factory=_Irregular)
    empty: _Irregular = field(default_factory=_Irregular)
    quotes: _Irregular = field(default_factory=_Irregular)
    delimiter: _Irregular = field(default_factory=_Irregular)

    def note(self, record: Record, beyond: int) -> None:
        """Note a row and by how many cells it is wider than the table."""
        if record.mending == "quotes":
            self.quotes.add(record.line)
        elif record.mending == "delimiter":
            self.delimiter.add(record.line)
        if beyond < 0:
            self.short.add(record.line)
        elif beyond > 0:
            self.long.add(record.line)

    def findings(self, width: int) -> list[Finding]:
        """The warnings, each naming the first lines it is about."""
        cells = counted(width, "cell")
        sentences = (
            ("ragged_short", self.short, "row", f"{{have}} fewer than {cells}",
             "the cells at the end are missing"),
            ("ragged_long", self.long, "row", f"{{have}} more than {cells}",
             "what is past them stands in columns of its own"),
            ("blank_lines", self.blank, "blank line", "{were} passed over", ""),
            ("mended_quotes", self.quotes, "row", "{have} quotes that are not doubled or not closed",
             "they were read as text where that gives the row the cells it should have"),
            ("mended_delimiter", self.delimiter, "row", "{use} another delimiter than the rest",
             f"read by it, each has its {cells}"),
        )  # fmt: skip
        told = []
        for kind, rows, noun, verb, then in sentences:
            if rows.count:
                one = rows.count == 1
                said = verb.format(
                    have="has" if one else "have",
                    were="was" if one else "were",
                    use="uses" if one else "use",
                )
                message = f"{counted(rows.count, noun)} {said} (lines {listing(rows.lines)})"
                message += f"; {then}." if then else "."
                told.append(Finding(kind, message, rows=tuple(rows.lines)))
        return told


def read_carefully(
    path: Path,
    dialect: Dialect,
    skip: int,
    width: int,
    scratch: Path,
    *,
    without_empty_end: bool = False,
) -> Parsed:
    """Read UTF-8 text row by row into the scratch folder; memory is one batch.

    Short rows end in missing cells, long ones add columns, and both are told by line.
    ``without_empty_end`` leaves out the rows of empty cells that end the file, and tells them.
    Raises :class:`BadTable` for a quote that is never closed and for bytes that are not UTF-8.
    """
    seen, empty = _Seen(), list[Record]()
    with PartWriter(scratch) as parts:
        parts.widen(width)
        for record in _records(path, dialect, skip, width):
            row = record.cells
            if not row or (width > 1 and len(row) == 1 and not row[0].strip(WHITE)):
                seen.blank.add(record.line)
                continue
            if width > 1 and not any(row):
                empty.append(record)
                continue
            for passed in empty:
                _keep(passed, width, parts, seen)
            empty.clear()
            _keep(record, width, parts, seen)
        if without_empty_end:
            for record in empty:
                seen.empty.add(record.line)
            empty.clear()
        for passed in empty:
            _keep(passed, width, parts, seen)
    return Parsed(parts.relation(), parts.width, parts.row_bytes, seen.findings(width))


def _records(path: Path, dialect: Dialect, skip: int, width: int) -> Iterator[Record]:
    """The records behind the first ``skip``."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = Lines(iter(lambda: file.readline(MAX_LINE_CHARS), ""))
        try:
            yield from islice(read_records(lines, dialect, width), skip, None)
        except UnicodeDecodeError as error:
            raise BadTable(
                f"After line {lines.number} there are bytes that are not UTF-8 text.",
                row=lines.number + 1,
                hint="Name the file's encoding with the option 'encoding'.",
            ) from error


def _keep(record: Record, width: int, parts: PartWriter, seen: _Seen) -> None:
    kept = _without_empty_end(record.cells, width)
    seen.note(record, len(kept) - width)
    parts.append([cell or None for cell in kept])


def _without_empty_end(row: list[str], width: int) -> list[str]:
    """A row without the empty cells past the table's width: a trailing delimiter says nothing."""
    end = len(row)
    while end > width and not row[end - 1].strip(WHITE):
        end -= 1
    return row[:end]
