"""Where the table begins and whether its first row is a header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from app.analysis.errors import BadOption
from app.analysis.ingest.engine import WHITE
from app.analysis.ingest.findings import Finding, counted
from app.analysis.ingest.notations import MISSING_IN_TYPED

_MAX_PREAMBLE = 30
_MAX_HEADER_ROWS = 5
_NO_VALUE = frozenset({"", *MISSING_IN_TYPED, "*", "..", "...", "x", "z", ":", "#"})
# What stands for a value that nobody knows, and is hardly the name of a column.
_NO_NAME = frozenset(
    {*filter(None, MISSING_IN_TYPED), "unknown", "not known", "missing", "not available", "no data"}
    | {"unbekannt", "inconnu", "desconocido"}
)
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
        return _named(rows, position, findings)
    message = "The first row looks like data, so the columns were called column_1, column_2 …"
    findings.append(Finding("no_header", message))
    return Header(start, None, "the first row looks like the rows below it", findings)


def _named(rows: Sequence[Sequence[str]], position: int, findings: list[Finding]) -> Header:
    """The header that begins with the row at ``position``, further rows of it included."""
    skip = position + 1
    reason = "the first row names the columns"
    cells = _as_wide_as_rows(list(rows[position]), rows[skip:], findings)
    more = _further_rows(cells, rows[skip:])
    if more:
        cells = _joined_names([cells, *(row for row in rows[skip : skip + more] if _filled(row))])
        reason = f"the first {more + 1} rows name the columns together"
        lines = tuple(range(position + 1, position + more + 2))
        message = f"The header has {more + 1} rows; the names in each column were joined."
        findings.append(Finding("header_rows", message, rows=lines))
        skip += more
    return Header(skip, cells, reason, findings)


def _as_wide_as_rows(
    cells: list[str], rows: Sequence[Sequence[str]], findings: list[Finding]
) -> list[str]:
    """A header without the empty names that make it wider than every row below it."""
    widths = Counter(len(row) for row in rows if any(row))
    if not widths:
        return cells
    width, count = widths.most_common(1)[0]
    empty = [i for i, cell in enumerate(cells) if not cell.strip(WHITE)]
    beyond = len(cells) - width
    if beyond < 1 or beyond != len(empty) or width < 2 or count < 0.9 * widths.total():
        return cells
    if empty == list(range(width, len(cells))):
        return cells[:width]  # delimiters at the end say nothing
    message = (
        f"The header has {counted(beyond, 'empty name')} and that many cells more than the rows "
        f"below it; the empty ones were left out, so that names stand over values."
    )
    findings.append(Finding("header_empty", message))
    return [cell for cell in cells if cell.strip(WHITE)]


def _further_rows(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How many rows below the header's first belong to it.

    They hold words where the columns below hold values (or the same words as the header), so a
    table of words only has a header of one row.
    """
    names = [cell.strip(WHITE) for cell in cells]
    found = 0
    for more in range(min(_MAX_HEADER_ROWS, len(rows) - 1)):
        row = [cell.strip(WHITE) for cell in rows[more]]
        same = row[: len(names)] == names[: len(row)] and sum(map(bool, row)) > 1
        rest = rows[more + 1 :]
        if same or (any(row) and (_reads_as_header(row, rest) or _completes(names, row, rest))):
            found = more + 1
        elif any(row) and (row[0] or any(map(is_value, row))):
            break  # a row of words without its first cell may group the names below it
    return found


def _reads_as_header(row: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    if len(rest) < 2 or any(is_value(cell) for cell in row if cell):
        return False
    typed = [i for i in range(len(row)) if _are_values(rest, i)]
    words = [i for i in typed if row[i] and row[i].lower() not in _NO_VALUE]
    filled = sum(map(bool, row))
    return len(words) >= max(1, len(typed) // 2) and len(words) >= filled / 2


def _completes(names: Sequence[str], row: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether a sparse row ends names that were wrapped: words under names, over values only.

    A row of the table that lacks its first cell and nearly all others is rarer than such a line.
    """
    filled = [i for i, cell in enumerate(row) if cell]
    if not filled or filled[0] == 0 or len(filled) > len(names) / 2 or filled[-1] >= len(names):
        return False
    words = all(not is_value(row[i]) and row[i].lower() not in _NO_VALUE for i in filled)
    return words and all(names[i] and _are_values(rest, i) for i in filled)


def _are_values(rows: Sequence[Sequence[str]], position: int) -> bool:
    """Whether a column below is of values, but for a few words."""
    cells = [c for c in _column(rows, position) if c.lower() not in _NO_VALUE]
    return len(cells) >= 2 and sum(map(is_value, cells)) >= 0.8 * len(cells)


def _joined_names(rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of each column from top to bottom, repeated ones once.

    A name over the first of several named columns is taken for the group of them, as where
    cells were merged in a spreadsheet.
    """
    width = max(len(row) for row in rows)
    padded = [[*(cell.strip(WHITE) for cell in row), *[""] * (width - len(row))] for row in rows]
    written = [list(row) for row in padded]
    for level, row in enumerate(padded[:-1]):
        group = ""
        for position in range(width):
            if row[position] or any(upper[position] for upper in written[:level]):
                group = row[position]  # a name in a level above begins a group in this one too
            if not any(lower[position] for lower in written[level + 1 :]):
                group = ""
            row[position] = row[position] or group
    names = []
    for column in zip(*padded, strict=True):
        parts = dict.fromkeys(part for part in column if part)
        names.append(" ".join(parts))
    return names


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
    width = _usual_width(rows)
    if width < 2:
        return 0
    if len(rows[0]) > width and len(rows) > 3 and len(rows[1]) == width:
        # A sentence with delimiters in it, over a header that fits the rows.
        return 1 if _reads_as_header([c.strip(WHITE) for c in rows[1]], rows[2:]) else 0
    for start, row in enumerate(rows[:_MAX_PREAMBLE]):
        if len(row) >= width and _filled(row) > max(1, width // 3):
            if not all(_is_note(before, width) for before in rows[:start]):
                return 0
            grouping = takewhile(lambda r: _is_upper_header(r, width), reversed(rows[:start]))
            return start - sum(1 for _ in grouping)
    return 0


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    common = Counter(len(row) for row in rows if any(row))
    return max(common.items(), key=lambda item: (item[1], item[0]))[0] if common else 0


def _is_note(row: Sequence[str], width: int) -> bool:
    """Whether a record above the table is none of its rows: a title, a comment, a key and value."""
    if len(row) < width and (_filled(row) <= width // 2 or row[0].startswith("#")):
        return True
    return _filled(row) <= max(1, width // 3)


def _is_upper_header(row: Sequence[str], width: int) -> bool:
    """Whether a sparse record just above the header groups its columns.

    A title stands in the first cell, a key and its value in the first two; groups are spread.
    """
    filled = [i for i, cell in enumerate(row) if cell.strip(WHITE)]
    return len(row) >= width and len(filled) >= 2 and filled != list(range(len(filled)))


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell and cell.strip(WHITE))


def _is_header(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """A first row is data if a cell of it is a value among values of its own kind."""
    if not rest:
        return not all(is_value(cell) for cell in first)
    values = [i for i, cell in enumerate(first) if is_value(cell)]
    if values and all(_YEAR.fullmatch(first[i].strip(WHITE)) for i in values):
        # Years over columns of figures are names, unless the first column holds years too.
        return not (0 in values and _mostly_years(rest, 0)) and len(values) < len(first)
    if any(_mostly_values(rest, i) for i in values) or _lacks_its_values(first, rest):
        return False
    words = [cell for cell in first if cell and cell.strip(WHITE)]
    return bool(words)


def _lacks_its_values(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether a row has words for "missing" over values, and else cells such as those below.

    The case of letters tells ``Rome,unknown`` over ``Paris,12`` from ``city,unknown``.
    """
    typed = [i for i, cell in enumerate(first) if cell.strip(WHITE) and _are_values(rest, i)]
    if not typed or any(first[i].strip(WHITE).lower() not in _NO_NAME for i in typed):
        return False
    others = [i for i, cell in enumerate(first) if i not in typed and _column(rest, i) and cell]
    return bool(others) and all(
        _is_cased_alike(first[i].strip(WHITE), _column(rest, i)) for i in others
    )


def _is_cased_alike(cell: str, below: Sequence[str]) -> bool:
    case = _case(cell)
    return case != "" and sum(_case(other) == case for other in below) >= 0.8 * len(below)


def _case(cell: str) -> str:
    letters = "".join(filter(str.isalpha, cell))
    if not letters or letters.islower():
        return "lower" if letters else ""
    return "upper" if letters.isupper() and len(letters) > 1 else "mixed"


def is_value(cell: str) -> bool:
    """Whether a cell is written like a number, a date, a truth value or a UUID."""
    return _VALUE.fullmatch(cell.strip(WHITE)) is not None


def _column(rows: Sequence[Sequence[str]], position: int) -> list[str]:
    cells = [row[position].strip(WHITE) for row in rows if len(row) > position]
    return [cell for cell in cells if cell]


def _mostly_values(rows: Sequence[Sequence[str]], position: int) -> bool:
    cells = _column(rows, position)
    return sum(map(is_value, cells)) >= 0.5 * len(cells) and bool(cells)


def _mostly_years(rows: Sequence[Sequence[str]], position: int) -> bool:
    cells = _column(rows, position)
    return sum(1 for cell in cells if _YEAR.fullmatch(cell)) >= 0.8 * len(cells)
