"""Workbooks (xlsx, xls, xlsb, ods): one sheet as a table, read by calamine."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any

from app.analysis.errors import BadOption, BadTable, TooLarge, UnsupportedFormat
from app.analysis.ingest.cells import Seen, cell_text, mixed_findings
from app.analysis.ingest.detect import Detected
from app.analysis.ingest.findings import Finding, counted, listing, quoted
from app.analysis.ingest.header import find_header
from app.analysis.ingest.limits import MAX_SHEET_CELLS, Allowance, check_columns
from app.analysis.ingest.names import repair_names
from app.analysis.ingest.options import ReadOptions
from app.analysis.ingest.parts import PartWriter
from app.analysis.ingest.table import Table

_HEAD_ROWS = 200
_MAX_SHEETS = 50
# A sheet with so much of the best one's cells is as good; so wide a row is one of the table.
_NEARLY, _NEARLY_WIDE = 0.2, 0.6
_CELL_REFERENCE = re.compile(rb'<(?:\w+:)?c r="([A-Z]{1,3})([0-9]{1,7})"')
_DAMAGED = "The workbook is damaged and cannot be read."


def open_excel(
    detected: Detected, options: ReadOptions, scratch: Path, max_unpacked_bytes: int
) -> Table:
    """Open a sheet of a workbook as a table.

    Raises :class:`BadTable` for a damaged workbook or an empty sheet, :class:`BadOption` for a
    sheet that is not there, :class:`UnsupportedFormat` for another kind of Office document,
    :class:`TooLarge` for cells that hold far more than the file.
    """
    if detected.format == "xlsx":
        _refuse_scattered(detected.path)
    workbook = _workbook(detected)
    sheet, findings = _choose_sheet(workbook, options.sheet)
    rows = _guarded(sheet.iter_rows)
    head = _guarded(lambda: list(islice(rows, _HEAD_ROWS)))
    top = next((i for i, row in enumerate(head) if any(cell_text(c) for c in row)), 0)
    written = [[cell_text(cell) or "" for cell in row] for row in head]
    header = find_header(
        written if options.header_row is not None else written[top:], options.header_row
    )
    skip = header.skip + (0 if options.header_row is not None else top)
    width = max((len(row) for row in head), default=0)
    check_columns(width)
    cells: list[str | None] = list(header.cells or [])
    names, repaired = repair_names([*cells, *[None] * (width - len(cells))])
    body = _Body(width)
    allowance = Allowance(detected.packed, max_unpacked_bytes)
    with PartWriter(scratch, allowance) as parts:
        parts.widen(width)
        for row in body.rows(chain(head[skip:], rows)):
            parts.append(row)
    findings += [*_merged(sheet), *header.findings, *repaired, *body.findings(names)]
    return _without_empty_edges(
        Table(
            names=names,
            relation=parts.relation(),
            kinds=[seen.kind() for seen in body.seen],
            read={
                "format": detected.format,
                "sheet": sheet.name,
                "header": header.cells is not None,
                "header_reason": header.reason,
                "lines_before_data": skip,
            },
            row_bytes=parts.row_bytes,
            findings=findings,
        ),
        header.cells,
        body,
    )


def _merged(sheet: Any) -> list[Finding]:
    """A warning for merged cells: their value stands in the first of them only."""
    # The ods and xlsb readers do not say which cells are merged.
    areas = _guarded(lambda: sheet.merged_cell_ranges) or []
    if not areas:
        return []
    message = (
        f"The sheet has {counted(len(areas), 'merged area')}; the value of each is in its "
        "first cell and the others are empty."
    )
    return [Finding("merged_cells", message)]


def _guarded(call: Any, *args: Any) -> Any:
    """Run a call into calamine: it panics with a ``BaseException`` on some damaged files."""
    try:
        return call(*args)
    except (KeyboardInterrupt, SystemExit, MemoryError, BadTable, BadOption, UnsupportedFormat):
        raise
    except BaseException as error:
        raise BadTable(
            _DAMAGED, hint="Open it in a spreadsheet program and save it again."
        ) from error


def _workbook(detected: Detected) -> Any:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        return _guarded(CalamineWorkbook.from_path, str(detected.path))
    except BadTable as error:
        if isinstance(error.__cause__, PasswordError):
            message = "The workbook is protected by a password."
            raise BadTable(message, hint="Save it without one.") from error
        if detected.format == "xls" and isinstance(error.__cause__, CalamineError):
            message = "This is an old Office document, but not a workbook that can be read."
            raise UnsupportedFormat(message) from error
        raise


def _choose_sheet(workbook: Any, wanted: str | int | None) -> tuple[Any, list[Finding]]:
    names: list[str] = list(workbook.sheet_names)
    if not names:
        raise BadTable("The workbook has no sheets.")
    if wanted is not None:
        return _guarded(workbook.get_sheet_by_name, _named_sheet(names, wanted)), []
    visible = [name for name, shown in zip(names, _visible(workbook), strict=True) if shown]
    hidden = [name for name in names if name not in visible]
    for offered in (visible, hidden):
        found = _by_content(workbook, offered)
        if found is not None:
            return found, _told_sheets(found.name, names, visible)
    raise BadTable("The workbook's sheets are empty.", hint="Send one with a header and rows.")


def _visible(workbook: Any) -> list[bool]:
    return [str(sheet.visible).endswith("Visible") for sheet in workbook.sheets_metadata]


def _by_content(workbook: Any, names: Sequence[str]) -> Any:
    """The first sheet that holds about as much of a table as the best one; ``None`` if all are empty.

    The first, because people put what matters there; not merely the first, because a title
    page or instructions often stand before the table.
    """
    if len(names) == 1:
        # Nothing to choose: a large sheet is loaded once.
        only = _guarded(workbook.get_sheet_by_name, names[0])
        return only if only.height else None
    scores: dict[str, int] = {}
    for name in names[:_MAX_SHEETS]:
        # A sheet of charts, or a damaged one, is none: another may hold the table.
        with suppress(BadTable):
            scores[name] = _table_cells(_guarded(workbook.get_sheet_by_name, name))
    best = max(scores.values(), default=0)
    if not best:
        return None
    chosen = next(name for name, score in scores.items() if score >= _NEARLY * best)
    return _guarded(workbook.get_sheet_by_name, chosen)


def _table_cells(sheet: Any) -> int:
    """About how many cells of a sheet lie in rows as wide as most of its rows; 1 for notes."""
    if not sheet.height:
        return 0
    head = _guarded(lambda: list(islice(sheet.iter_rows(), _HEAD_ROWS)))
    filled = [sum(cell_text(cell) is not None for cell in row) for row in head]
    widths = [count for count in filled if count]
    if not widths:
        return 0
    widest = max(widths)
    tabular = sum(1 for count in widths if count >= max(2, _NEARLY_WIDE * widest))
    height: int = sheet.height
    return max(1, tabular * widest * max(1, height // len(head)))


def _told_sheets(chosen: str, names: Sequence[str], visible: Sequence[str]) -> list[Finding]:
    others = [quoted(n) if n in visible else f"{quoted(n)} (hidden)" for n in names if n != chosen]
    if not others:
        return []
    message = f"The sheet {quoted(chosen)} was read; the workbook also has {listing(others)}."
    return [Finding("sheet", message)]


def _named_sheet(names: Sequence[str], wanted: str | int) -> str:
    if isinstance(wanted, str) and wanted in names:
        return wanted
    number = int(wanted) if str(wanted).isdecimal() else 0
    if 1 <= number <= len(names):
        return names[number - 1]
    raise BadOption(
        f"There is no sheet {wanted!r}; the workbook has {listing([quoted(n) for n in names], 10)}.",
        option="sheet",
    )


def _refuse_scattered(path: Path) -> None:
    """Refuse a sheet whose few cells span millions of rows: readers fill the space between.

    Raises :class:`TooLarge`.
    """
    try:
        with zipfile.ZipFile(path) as container:
            for member in container.infolist():
                if member.filename.startswith("xl/worksheets/") and member.filename.endswith(
                    ".xml"
                ):
                    with container.open(member) as xml:
                        _refuse_large_span(xml)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as error:
        raise BadTable(_DAMAGED, hint="It may have been cut short; send it again.") from error
    except zipfile.zlib.error as error:  # type: ignore[attr-defined]
        raise BadTable(_DAMAGED, hint="It may have been cut short; send it again.") from error


def _refuse_large_span(xml: Any) -> None:
    last_row, last_column, rest = 0, 0, b""
    while chunk := xml.read(1 << 20):
        text = rest + chunk
        for letters, digits in _CELL_REFERENCE.findall(text):
            last_row = max(last_row, int(digits))
            last_column = max(last_column, _column_number(letters))
        rest = text[-40:]
        if last_row * last_column > MAX_SHEET_CELLS:
            raise TooLarge(
                f"The sheet spans {last_row:,} rows and {last_column:,} columns; "
                f"UAM reads at most {MAX_SHEET_CELLS:,} cells of a sheet.",
                limit_cells=MAX_SHEET_CELLS,
            )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


class _Body:
    """Turns the rows below the header into text cells and remembers what they were."""

    def __init__(self, width: int) -> None:
        self.seen = [Seen() for _ in range(width)]
        self._blank = 0

    def rows(self, source: Iterator[Sequence[Any]]) -> Iterator[list[str | None]]:
        pending: list[list[str | None]] = []
        while True:
            row = _guarded(next, source, None)
            if row is None:
                return
            cells = [cell_text(cell) for cell in row]
            if not any(cells):
                pending.append(cells)
                continue
            # Blank rows between rows are passed over; those at the end are no rows at all.
            self._blank += len(pending)
            pending.clear()
            for seen, cell, text in zip(self.seen, row, cells, strict=False):
                if text is not None:
                    seen.note(cell)
            yield cells

    def findings(self, names: Sequence[str]) -> list[Finding]:
        told = []
        if self._blank:
            were = "was" if self._blank == 1 else "were"
            told.append(
                Finding("blank_lines", f"{counted(self._blank, 'blank row')} {were} passed over.")
            )
        return [*told, *mixed_findings(names, self.seen)]


def _without_empty_edges(table: Table, header: list[str] | None, body: _Body) -> Table:
    """A table without columns that have neither a name nor a cell: formatting, not data."""
    named = [bool(header and i < len(header) and header[i]) for i in range(len(table.names))]
    keep = [i for i in range(len(table.names)) if named[i] or not body.seen[i].empty()]
    if len(keep) == len(table.names) or not keep:
        return table
    chosen = ", ".join(f"c{old} AS c{new}" for new, old in enumerate(keep))
    dropped = {table.names[i] for i in range(len(table.names)) if i not in keep}
    table.relation = f"(SELECT {chosen} FROM {table.relation})"
    table.names = [table.names[i] for i in keep]
    table.kinds = [table.kinds[i] for i in keep]
    table.findings = [f for f in table.findings if f.kind != "empty_name" or not dropped]
    return table
