"""Where the table begins and whether its first row is a header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.analysis.errors import BadOption
from app.analysis.ingest.engine import WHITE
from app.analysis.ingest.findings import Finding, counted

_MAX_PREAMBLE = 30
_VALUE = re.compile(
    r"[-+−€$£]?\s?[0-9][0-9.,' ]*(?:[eE][-+]?[0-9]+)?\s?[%€$£]?"
    r"|[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}.*"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?i:true|false|null|nan)"
)
_YEAR = re.compile(r"(?:1[6-9]|20|21)[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Header:
    """``skip`` records before the first data row; ``cells`` is the header, if there is one."""

    skip: int
    cells: list[str] | None
    reason: str
    findings: list[Finding]


def find_header(rows: Sequence[Sequence[str]], header_row: int | None) -> Header:
    """Decide by the first rows of a table (all of them text cells, blank rows included).

    Raises :class:`BadOption` when ``header_row`` lies behind the rows.
    """
    if header_row is not None:
        return _given(rows, header_row)
    start = _preamble(rows)
    findings = []
    if start:
        told = "The first line stands" if start == 1 else f"The first {start} lines stand"
        message = f"{told} before the table and {'was' if start == 1 else 'were'} left out."
        findings.append(Finding("preamble", message, rows=tuple(range(1, start + 1))))
    body = [row for row in rows[start:] if any(row)]
    if body and _is_header(body[0], body[1:]):
        position = next(i for i in range(start, len(rows)) if any(rows[i]))
        return Header(position + 1, list(body[0]), "the first row names the columns", findings)
    message = "The first row looks like data, so the columns were called column_1, column_2 …"
    findings.append(Finding("no_header", message))
    return Header(start, None, "the first row looks like the rows below it", findings)


def _given(rows: Sequence[Sequence[str]], header_row: int) -> Header:
    if header_row == 0:
        return Header(0, None, "given by the caller", [])
    if header_row > len(rows) or not any(rows[header_row - 1]):
        raise BadOption(
            f"Line {header_row} cannot be the header: the file begins with "
            f"{counted(len(rows), 'line')} and that one is not a row.",
            option="header_row",
        )
    return Header(header_row, list(rows[header_row - 1]), "given by the caller", [])


def _preamble(rows: Sequence[Sequence[str]]) -> int:
    """How many leading records are titles or notes: narrower than the table that follows."""
    widths = [_filled(row) for row in rows]
    common = Counter(len(row) for row in rows if any(row))
    if not common:
        return 0
    width = max(common.items(), key=lambda item: (item[1], item[0]))[0]
    if width < 2:
        return 0
    for start, row in enumerate(rows[:_MAX_PREAMBLE]):
        if len(row) >= width and widths[start] > max(1, width // 3):
            before = [w for w in widths[:start] if w]
            return start if all(w <= max(1, width // 3) for w in before) else 0
    return 0


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell and cell.strip(WHITE))


def _is_header(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """A first row is data if a cell of it is a value among values of its own kind."""
    if not rest:
        return not all(_is_value(cell) for cell in first)
    values = [i for i, cell in enumerate(first) if _is_value(cell)]
    if values and all(_YEAR.fullmatch(first[i].strip(WHITE)) for i in values):
        # Years over columns of figures are names, unless the first column holds years too.
        return not (0 in values and _mostly_years(rest, 0)) and len(values) < len(first)
    if any(_mostly_values(rest, i) for i in values):
        return False
    words = [cell for cell in first if cell and cell.strip(WHITE)]
    return bool(words)


def _is_value(cell: str) -> bool:
    return _VALUE.fullmatch(cell.strip(WHITE)) is not None


def _column(rows: Sequence[Sequence[str]], position: int) -> list[str]:
    cells = [row[position].strip(WHITE) for row in rows if len(row) > position]
    return [cell for cell in cells if cell]


def _mostly_values(rows: Sequence[Sequence[str]], position: int) -> bool:
    cells = _column(rows, position)
    return sum(map(_is_value, cells)) >= 0.5 * len(cells) and bool(cells)


def _mostly_years(rows: Sequence[Sequence[str]], position: int) -> bool:
    cells = _column(rows, position)
    return sum(1 for cell in cells if _YEAR.fullmatch(cell)) >= 0.8 * len(cells)
