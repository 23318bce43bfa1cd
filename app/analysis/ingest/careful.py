"""The forgiving reader of delimited text: every cell kept, every irregular row told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from app.analysis.errors import BadTable
from app.analysis.ingest.dialect import Dialect
from app.analysis.ingest.engine import WHITE
from app.analysis.ingest.findings import Finding
from app.analysis.ingest.header import is_value
from app.analysis.ingest.irregular import Irregularities
from app.analysis.ingest.limits import MAX_LINE_CHARS
from app.analysis.ingest.parts import PartWriter
from app.analysis.ingest.records import Lines, Record, read_records

# Rows held back until the end of the file shows what they are.
_MAX_HELD = 10_000
# Rows after which is told how far the reading is.
_TELLING_ROWS = 10_000


@dataclass(slots=True)
class Parsed:
    """The rows as a relation, and what was irregular in them."""

    relation: str
    width: int
    row_bytes: float
    findings: list[Finding]


def read_carefully(
    path: Path,
    dialect: Dialect,
    skip: int,
    width: int,
    scratch: Path,
    *,
    header: Sequence[str] = (),
    without_empty_end: bool = False,
    in_parts: bool = False,
    on_share: Callable[[float], None] = lambda _share: None,
) -> Parsed:
    """Read UTF-8 text row by row into the scratch folder; memory is one batch.

    Short rows end in missing cells, long ones add columns, and both are told by line. Lines that
    are no rows (comments, notes below the table, the ``header`` once more) are left out and told.
    ``without_empty_end`` leaves out the rows of empty cells that end the file, and tells them;
    so does ``in_parts`` with rows of delimiters anywhere (see :func:`is_in_parts`).
    ``on_share`` hears now and then how much of the text is read (0 to 1).
    Raises :class:`BadTable` for a quote that is never closed and for bytes that are not UTF-8.
    """
    with PartWriter(scratch) as parts:
        parts.widen(width)
        sieve = _Sieve(parts, width, [cell.strip(WHITE) for cell in header], in_parts)
        for record in _records(path, dialect, skip, width, on_share):
            sieve.take(record)
        sieve.end(without_empty_end)
    return Parsed(parts.relation(), parts.width, parts.row_bytes, sieve.seen.findings(width))


def is_in_parts(records: Sequence[Record]) -> bool:
    """Whether rows of delimiters divide a table as blank rows do a sheet: one is above a title.

    Such rows are layout. Elsewhere a row of delimiters may be a row that lacks all its cells.
    """
    filled = [i for i, record in enumerate(records) if any(record.cells)]
    return any(
        here > 0 and records[here - 1].bare and _is_title(records[here].cells) for here in filled
    )


def _is_title(row: list[str]) -> bool:
    text = row[0].strip(WHITE)
    return bool(text) and not any(cell.strip(WHITE) for cell in row[1:]) and not is_value(text)


def _records(
    path: Path, dialect: Dialect, skip: int, width: int, on_share: Callable[[float], None]
) -> Iterator[Record]:
    """The records behind the first ``skip``."""
    size = path.stat().st_size
    with path.open("rb") as raw, TextIOWrapper(raw, "utf-8-sig", newline="") as file:
        lines = Lines(iter(lambda: file.readline(MAX_LINE_CHARS), ""))
        try:
            for number, record in enumerate(read_records(lines, dialect, width)):
                if number >= skip:
                    yield record
                if number % _TELLING_ROWS == _TELLING_ROWS - 1:
                    on_share(raw.tell() / size)
        except UnicodeDecodeError as error:
            raise BadTable(
                f"After line {lines.number} there are bytes that are not UTF-8 text.",
                row=lines.number + 1,
                hint="Name the file's encoding with the option 'encoding'.",
            ) from error


class _Sieve:
    """Keeps the rows of a table and holds back what may turn out to be the end of the file."""

    def __init__(
        self, parts: PartWriter, width: int, header: list[str], in_parts: bool = False
    ) -> None:
        self.seen = Irregularities()
        self._in_parts = in_parts
        self._parts = parts
        self._width = width
        # A single name may well be a value too.
        self._header = header if sum(map(bool, header)) > 1 else []
        self._comments = width > 1 and not (header and header[0].startswith("#"))
        self._held: list[Record] = []
        self._gap = False
        # Whether a row of the table holds anything: notes stand below values.
        self._filled = False

    def take(self, record: Record) -> None:
        row = record.cells
        if not row or (self._width > 1 and len(row) == 1 and not row[0].strip(WHITE)):
            self.seen.add("blank_lines", record)
            self._gap = True
        elif self._in_parts and record.bare:
            self.seen.add("gap_rows", record)
            self._gap = True
        elif self._comments and len(row) < self._width and row[0].lstrip().startswith("#"):
            self.seen.add("comments", record, quote=True)
        elif self._header and row[0].strip(WHITE) == self._header[0] and self._repeats(row):
            self.seen.add("repeated_header", record)
        elif self._width > 1 and (not any(row) or self._is_note(row)):
            self._held.append(record)
            self._gap = self._gap or not any(row)
            if len(self._held) > _MAX_HELD:
                self._release()
        else:
            self._release()
            self._keep(record)

    def end(self, without_empty_end: bool) -> None:
        notes = [record for record in self._held if any(record.cells)]
        if notes and not self._filled:
            self._release()
        if not notes and not without_empty_end:
            self._release()
        for record in self._held:
            if any(record.cells):
                self.seen.add("footer", record, quote=True)
            else:
                self.seen.add("empty_rows", record)

    def _release(self) -> None:
        for record in self._held:
            self._keep(record)
        self._held.clear()
        self._gap = False

    def _is_note(self, row: list[str]) -> bool:
        """Whether a row may be a note: one text in its first cell, of words or behind a gap.

        One that has all its delimiters must be both: a row may well miss all but its first cell.
        """
        if not _is_title(row):
            return False
        text = row[0].strip(WHITE)
        words = " " in text or ":" in text
        if len(row) >= self._width:
            return self._gap and words
        return self._gap or (len(row) == 1 and words)

    def _repeats(self, row: list[str]) -> bool:
        return [cell.strip(WHITE) for cell in _without_empty_end(row, self._width)] == self._header

    def _keep(self, record: Record) -> None:
        kept = _without_empty_end(record.cells, self._width)
        self._filled = self._filled or any(cell.strip(WHITE) for cell in kept)
        self.seen.kept(record, len(kept) - self._width)
        self._parts.append([cell or None for cell in kept])


def _without_empty_end(row: list[str], width: int) -> list[str]:
    """A row without the empty cells past the table's width: a trailing delimiter says nothing."""
    end = len(row)
    while end > width and not row[end - 1].strip(WHITE):
        end -= 1
    return row[:end]
