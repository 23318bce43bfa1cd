"""Workbooks (xlsx, xls, xlsb, ods): one sheet as a table, read by calamine."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any

from app.analysis.errors import BadOption, BadTable, UnsupportedFormat
from app.analysis.ingest.cells import cell_text, mixed_findings
from app.analysis.ingest.detect import Detected
from app.analysis.ingest.engine import adopt
from app.analysis.ingest.findings import Finding, counted, listing, quoted
from app.analysis.ingest.foreign import foreign_office, is_protected
from app.analysis.ingest.header import find_header
from app.analysis.ingest.limits import Allowance, check_columns
from app.analysis.ingest.names import repair_names
from app.analysis.ingest.options import ReadOptions
from app.analysis.ingest.parts import PartWriter
from app.analysis.ingest.sheet_columns import SheetColumn
from app.analysis.ingest.sheet_xml import DAMAGED, look_through
from app.analysis.ingest.signatures import READABLE
from app.analysis.ingest.table import Table

_HEAD_ROWS = 200
_MAX_SHEETS = 50
# A sheet with so much of the best one's cells is as good; so wide a row is one of the table.
_NEARLY, _NEARLY_WIDE = 0.2, 0.6
# A sheet of so few cells is kept while others are looked at, and not loaded again if it is chosen.
_KEPT_CELLS = 5_000_000
# Cells fetched at a time and, but for the widest sheets, rows; what is written at a time.
_SLICE_CELLS, _LEAST_ROWS = 20_000, 64
_BATCH_CELLS, _BATCH_BYTES = 400_000, 16 * 2**20


def open_excel(
    detected: Detected, options: ReadOptions, scratch: Path, max_unpacked_bytes: int
) -> Table:
    """Open a sheet of a workbook as a table.

    Raises :class:`BadTable` for a damaged workbook or an empty sheet, :class:`BadOption` for a
    sheet that is not there, :class:`UnsupportedFormat` for another kind of Office document,
    :class:`TooLarge` for cells that hold far more than the file.
    """
    path = detected.path
    if detected.format == "xlsx":
        path = look_through(path, scratch)
    # By the end of the name calamine chooses a reader, and tells what that one has met.
    path = adopt(path, scratch, f"workbook.{detected.format}")
    workbook = _workbook(path, detected.format)
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
    allowance = Allowance(detected.packed, max_unpacked_bytes)
    body = _Body([SheetColumn() for _ in range(width)], skip)
    parts = body.park(chain(head, rows), scratch, allowance)
    if any(column.is_split() for column in body.columns):
        # The sheet is in memory: its rows are gone through again, now that it is known what they hold.
        body = _Body([column.decided() for column in body.columns], skip)
        parts = body.park(_guarded(sheet.iter_rows), scratch / "again", allowance)
    findings += [*_merged(sheet), *header.findings, *repaired, *body.findings(names)]
    return _without_empty_edges(
        Table(
            names=names,
            relation=parts.relation(),
            kinds=[column.kind() for column in body.columns],
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
            DAMAGED, hint="Open it in a spreadsheet program and save it again."
        ) from error


def _workbook(path: Path, format_name: str) -> Any:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        return _guarded(CalamineWorkbook.from_path, str(path))
    except BadTable as error:
        is_office = format_name == "xls" and isinstance(error.__cause__, CalamineError)
        if isinstance(error.__cause__, PasswordError) or (is_office and is_protected(path)):
            message = "The workbook is protected by a password."
            raise BadTable(message, hint="Save it without one.") from error
        if is_office:
            name = foreign_office(path)
            message = "This is an old Office document, but not a workbook that can be read."
            if name:
                message = f"This is {name} {READABLE}"
            raise UnsupportedFormat(message) from error
        if "macrosheets" in str(error.__cause__):
            message = "The workbook has a sheet of Excel 4 macros, and cannot be read with it."
            raise BadTable(
                message, hint="Delete that sheet and save the workbook again."
            ) from error
        raise


def _choose_sheet(workbook: Any, wanted: str | int | None) -> tuple[Any, list[Finding]]:
    names: list[str] = list(workbook.sheet_names)
    if not names:
        raise BadTable("The workbook has no sheets.")
    if wanted is not None:
        named = _guarded(workbook.get_sheet_by_name, _named_sheet(names, wanted))
        if not named.height:
            raise BadTable(f"The sheet {quoted(named.name)} is empty.")
        return named, []
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
    chosen, kept = None, None
    for name in names[:_MAX_SHEETS]:
        # A sheet of charts, or a damaged one, is none: another may hold the table.
        with suppress(BadTable):
            sheet = _guarded(workbook.get_sheet_by_name, name)
            scores[name] = _table_cells(sheet)
            chosen = _chosen(scores)
            if chosen == name and sheet.height * sheet.width <= _KEPT_CELLS:
                kept = sheet
    if chosen is None or (kept is not None and kept.name == chosen):
        return kept
    return _guarded(workbook.get_sheet_by_name, chosen)


def _chosen(scores: Mapping[str, int]) -> str | None:
    best = max(scores.values(), default=0)
    return next((n for n, score in scores.items() if score and score >= _NEARLY * best), None)


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


class _Body:
    """The rows below the header as columns."""

    def __init__(self, columns: Sequence[SheetColumn], skip: int) -> None:
        self.columns = columns
        self._skip = skip
        self._blank = 0
        self._pending = 0

    def park(self, rows: Iterator[Sequence[Any]], folder: Path, allowance: Allowance) -> PartWriter:
        """Write the rows, the first ``skip`` left out, into Parquet files in ``folder``."""
        folder.mkdir(exist_ok=True)
        _guarded(lambda: deque(islice(rows, self._skip), maxlen=0))
        size = max(_LEAST_ROWS, _SLICE_CELLS // max(len(self.columns), 1))
        count = 0
        with PartWriter(folder, allowance) as parts:
            parts.widen(len(self.columns))
            while found := _guarded(lambda: list(islice(rows, size))):
                filled = self._filled(found)
                if not filled:
                    continue
                for column, cells in zip(self.columns, zip(*filled, strict=True), strict=True):
                    column.take(cells)
                count += len(filled) * len(self.columns)
                written = sum(column.size for column in self.columns)
                allowance.check(written)
                if count >= _BATCH_CELLS or written - parts.total_chars >= _BATCH_BYTES:
                    self._hand_on(parts)
                    count = 0
            if count:
                self._hand_on(parts)
        return parts

    def _hand_on(self, parts: PartWriter) -> None:
        size = sum(column.size for column in self.columns) - parts.total_chars
        parts.add([column.batch() for column in self.columns], size)

    def _filled(self, rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
        """The rows that hold a cell, those between them counted."""
        filled = []
        for row in rows:
            if not row or (row[0] == "" and row.count("") == len(row)):
                # Blank rows between rows are passed over; those at the end are no rows at all.
                self._pending += 1
                continue
            self._blank += self._pending
            self._pending = 0
            filled.append(row)
        return filled

    def findings(self, names: Sequence[str]) -> list[Finding]:
        """What is to be told of blank rows and of columns that mix kinds."""
        told = []
        if self._blank:
            were = "was" if self._blank == 1 else "were"
            told.append(
                Finding("blank_lines", f"{counted(self._blank, 'blank row')} {were} passed over.")
            )
        return [*told, *mixed_findings(names, [column.seen for column in self.columns])]


def _without_empty_edges(table: Table, header: list[str] | None, body: _Body) -> Table:
    """A table without columns that have neither a name nor a cell: formatting, not data."""
    named = [bool(header and i < len(header) and header[i]) for i in range(len(table.names))]
    keep = [i for i in range(len(table.names)) if named[i] or not body.columns[i].seen.empty()]
    if len(keep) == len(table.names) or not keep:
        return table
    chosen = ", ".join(f"c{old} AS c{new}" for new, old in enumerate(keep))
    dropped = {table.names[i] for i in range(len(table.names)) if i not in keep}
    table.relation = f"(SELECT {chosen} FROM {table.relation})"
    table.names = [table.names[i] for i in keep]
    table.kinds = [table.kinds[i] for i in keep]
    table.findings = [f for f in table.findings if f.kind != "empty_name" or not dropped]
    return table
