"""Lines of delimited text into records; a line that breaks the rules is read as it was meant.

A record that the rules of CSV split into the table's width is taken as it is. One that they do
not is read again by rules that people's files follow instead: a quote inside a cell that nobody
doubled, a quote that opens but belongs to the text, a line with another delimiter than the rest.
Such a reading is taken only where it gives the line exactly the table's width (or, for a line
that would be too wide, keeps quoted text together), and is told.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from app.analysis.errors import BadTable
from app.analysis.ingest.dialect import DELIMITERS, NO_DELIMITER, Dialect
from app.analysis.ingest.engine import WHITE
from app.analysis.ingest.limits import MAX_LINE_CHARS

# A stray quote seldom swallows more lines than this; a record that is meant may be longer.
_MAX_JOINED = 20

Mending = Literal["", "quotes", "delimiter"]


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one record, the line on which it begins, and what was mended in it.

    ``bare`` says that its text is delimiters and nothing else, not even quotes of empty cells.
    """

    line: int
    cells: list[str]
    mending: Mending = ""
    bare: bool = False


@dataclass(frozen=True, slots=True)
class _Rules:
    """How forgiving a reading is.

    ``parity``: an even row of quotes before a delimiter is text, as CSV has it, and does not
    close. ``literal``: an opening quote is text if another quote opens before it closes.
    ``runs``: a quote in the middle of a cell holds delimiters together like one at its start.
    """

    parity: bool = True
    literal: bool = False
    runs: bool = False


_FORGIVING = (
    _Rules(),
    _Rules(literal=True),
    _Rules(parity=False),
    _Rules(parity=False, literal=True),
    _Rules(literal=True, runs=True),
    _Rules(parity=False, literal=True, runs=True),
)


class Lines:
    """The physical lines of a text, counted; lines can be put back; knows when they ran out."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._back: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._lines, "")
        if not line or line == "\x1a":
            self.ended = True
            raise StopIteration
        self.number += 1
        if len(line) >= MAX_LINE_CHARS:
            raise BadTable(
                f"Line {self.number} is longer than {MAX_LINE_CHARS:,} characters.",
                row=self.number,
                hint="Is this delimited text, and is a quote closed?",
            )
        self.taken.append(line)
        return line

    def put_back(self, keep: int) -> None:
        """Give back all lines taken for the current record but the first ``keep``."""
        self._back.extendleft(reversed(self.taken[keep:]))
        self.number -= len(self.taken) - keep
        del self.taken[keep:]
        self.ended = False


def read_records(lines: Lines, dialect: Dialect, width: int | None) -> Iterator[Record]:
    """The records of a text; ``width`` is the table's, or ``None`` where it is not known yet.

    Raises :class:`BadTable` for a quote that is never closed.
    """
    csv.field_size_limit(MAX_LINE_CHARS)
    reader = csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        skipinitialspace=dialect.skip_blanks,
        escapechar=dialect.escape or None,
        strict=True,
    )
    mender = _Mender(dialect, width)
    while True:
        begins = lines.number + 1
        lines.taken.clear()
        row: list[str] | None = None
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field larger" in str(error) or not lines.taken:
                raise _unreadable(begins, error) from error
        if row is not None and dialect.escape and any(dialect.escape in t for t in lines.taken):
            # The csv module would drop the escape before any character.
            row = _split(_joined(lines.taken), dialect, _Rules())
        if row is not None and (width is None or not row or fits(row, width)):
            yield Record(
                begins, row, bare=len(row) > 1 and not any(row) and _is_bare(lines, dialect)
            )
        else:
            yield mender.mend(begins, lines, row)


def _is_bare(lines: Lines, dialect: Dialect) -> bool:
    return not dialect.quote or dialect.quote not in lines.taken[0]


def fits(row: list[str], width: int) -> bool:
    """Whether a row has the table's width; empty and blank cells past it say nothing."""
    return len(row) == width or (
        len(row) > width and not any(cell.strip(WHITE) for cell in row[width:])
    )


def unclosed(line: int, quote: str) -> BadTable:
    """What is told of a quote that nothing closes."""
    return BadTable(
        f"A quote ({quote}) opened in the record on line {line} is never closed.",
        row=line,
        hint="Close it, or double the quote where it belongs to the text.",
    )


def _unreadable(line: int, error: csv.Error) -> BadTable:
    return BadTable(
        f"Line {line} cannot be read: {error}.",
        row=line,
        hint="Look for a quote that is not closed.",
    )


class _Mender:
    def __init__(self, dialect: Dialect, width: int | None) -> None:
        self._dialect = dialect
        self._width = width

    def mend(self, begins: int, lines: Lines, row: list[str] | None) -> Record:
        """The best reading of the lines taken; those that are not part of it are put back."""
        if row is None and lines.ended and not self._lone_quote(lines.taken[0]):
            raise unclosed(begins, self._dialect.quote)
        exact = self._exact(lines, row)
        if exact:
            return Record(begins, *exact)
        wide = row is not None and self._width is not None and len(row) > self._width
        if row is not None and not (wide and len(lines.taken) == 1):
            return Record(begins, row)
        first = _joined(lines.taken[:1])
        lines.put_back(1)
        if row is not None and self._dialect.quote not in first:
            return Record(begins, row)
        nearest = min(self._readings(first), key=self._distance)
        if row is not None and self._distance(row) <= self._distance(nearest):
            return Record(begins, row)
        return Record(begins, nearest, "quotes")

    def _lone_quote(self, line: str) -> bool:
        """Whether a line ends in a cell that is a quote and nothing else."""
        bare = line.rstrip("\r\n ")
        return bare.endswith(self._dialect.delimiter + self._dialect.quote)

    def _exact(self, lines: Lines, row: list[str] | None) -> tuple[list[str], Mending] | None:
        if self._width is None:
            return None
        quote = self._dialect.quote
        last = min(len(lines.taken), _MAX_JOINED)
        if row is not None and len(row) < self._width and len(lines.taken) == 1:
            last = 0  # a row by the rules that merely lacks cells: its quotes are not at fault
        for count in range(1, last + 1):
            text = _joined(lines.taken[:count])
            if not quote or quote not in text:
                continue
            for cells in self._readings(text):
                if fits(cells, self._width):
                    lines.put_back(count)
                    return cells, "quotes"
        if self._width >= 3 and (row is None or len(row) <= max(1, self._width // 2)):
            return self._by_another_delimiter(lines)
        return None

    def _by_another_delimiter(self, lines: Lines) -> tuple[list[str], Mending] | None:
        text = _joined(lines.taken[:1])
        if self._width is None or text.count(self._dialect.delimiter) > self._width // 2:
            return None  # it is divided as the rest is, only badly
        for delimiter in DELIMITERS:
            if delimiter == self._dialect.delimiter or delimiter not in text:
                continue
            other = Dialect(delimiter, self._dialect.quote or '"')
            cells = _split(text, other, _Rules())
            if len(cells) == self._width:
                lines.put_back(1)
                return cells, "delimiter"
        return None

    def _readings(self, text: str) -> Iterator[list[str]]:
        for rules in _FORGIVING:
            yield _split(text, self._dialect, rules)
        if self._dialect.delimiter != NO_DELIMITER and "\n" not in text:
            yield text.split(self._dialect.delimiter)

    def _distance(self, cells: list[str]) -> float:
        """How far a row is from the table's width; too wide is worse than too narrow."""
        if self._width is None:
            return 0.0
        return abs(len(cells) - self._width) + (0.5 if len(cells) > self._width else 0.0)


def _joined(lines: list[str]) -> str:
    return "".join(lines).rstrip("\r\n")


def _split(text: str, dialect: Dialect, rules: _Rules) -> list[str]:
    """The cells of a record under rules more forgiving than those of the csv module."""
    cells: list[str] = []
    position = 0
    while True:
        start = position
        while dialect.skip_blanks and text.startswith(" ", start):
            start += 1
        if dialect.quote and text.startswith(dialect.quote, start):
            end = _closing(text, start + 1, dialect, rules)
            if end is not None:
                cells.append(_unescaped(text[start + 1 : end], dialect))
                position = _after_blanks(text, end + 1, dialect)
                if position >= len(text):
                    return cells
                position += 1
                continue
        end = _bare_end(text, start, dialect, rules)
        cells.append(text[start : end if end >= 0 else None])
        if end < 0:
            return cells
        position = end + 1


def _closing(text: str, start: int, dialect: Dialect, rules: _Rules) -> int | None:
    """Where the quote is that closes a cell whose text begins at ``start``."""
    for run in _runs(dialect.quote).finditer(text, start):
        first, end = run.span()
        if dialect.escape and _escaped(text, start, first, dialect.escape):
            first += 1
        if first == end:
            continue
        after = _after_blanks(text, end, dialect)
        if after >= len(text) or text.startswith(dialect.delimiter, after):
            if (end - first) % 2 or not rules.parity:
                return end - 1
        elif rules.literal and first > start and text.endswith(dialect.delimiter, start, first):
            return None
    return None


def _bare_end(text: str, start: int, dialect: Dialect, rules: _Rules) -> int:
    """Where a cell without an opening quote ends, or -1 at the end of the text."""
    end = text.find(dialect.delimiter, start)
    if rules.runs and dialect.quote and end >= 0:
        opening = text.find(dialect.quote, start, end)
        if opening > start:
            closing = _closing(text, opening + 1, dialect, rules)
            if closing is not None:
                return text.find(dialect.delimiter, closing)
    return end


def _after_blanks(text: str, position: int, dialect: Dialect) -> int:
    while text.startswith(" ", position) and dialect.delimiter != " ":
        position += 1
    return position


def _escaped(text: str, start: int, position: int, escape: str) -> bool:
    count = 0
    while position - count > start and text[position - count - 1] == escape:
        count += 1
    return count % 2 == 1


def _unescaped(content: str, dialect: Dialect) -> str:
    plain = content.replace(dialect.quote * 2, dialect.quote)
    if not dialect.escape or dialect.escape not in plain:
        return plain
    return _escapes(dialect.quote, dialect.escape).sub(r"\1", plain)


@cache
def _runs(quote: str) -> re.Pattern[str]:
    return re.compile(f"{re.escape(quote)}+")


@cache
def _escapes(quote: str, escape: str) -> re.Pattern[str]:
    return re.compile(f"{re.escape(escape)}([{re.escape(quote)}{re.escape(escape)}])")
