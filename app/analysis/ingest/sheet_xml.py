"""The sheets of an xlsx workbook as XML, looked through before calamine reads them.

A sheet whose few cells span millions of rows is refused. A large sheet is copied as it stands,
but for its merged areas, which are put before its rows: calamine reads a sheet a second time for
them, as far as they are, and unpacks it each time. That was a third of what reading one took.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from app.analysis.errors import BadTable, TooLarge
from app.analysis.ingest.limits import MAX_SHEET_CELLS

# Sheets of fewer bytes are read twice sooner than the workbook is copied.
_LARGE_BYTES = 2**20
_CHUNK = 1 << 20
# A copy is held in memory until it is as large as this.
_HELD_BYTES = 64 * 2**20
# What stands behind the rows of a sheet is looked for in so many bytes at its end.
_TAIL_BYTES = 8 * 2**20
# References to cells far to the right and far down, the only ones that span much.
_FAR_COLUMN = re.compile(rb""" r=["']([A-Z]{2,3})[0-9]""")
_FAR_ROW = re.compile(rb""" r=["'][A-Z]{1,3}([0-9]{4,7})["']""")
_REFERENCE_BYTES = 40
_NEAR_ROWS = 999
_ROWS_BEGIN = re.compile(rb"<sheetData[\s>]")
_ROWS_END = b"</sheetData>"
_MERGED = re.compile(rb"<mergeCells[\s>].*?</mergeCells>", re.DOTALL)
# What a container raises that is cut short, or packed in a way that Python does not know.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
)
DAMAGED = "The workbook is damaged and cannot be read."


def look_through(path: Path, scratch: Path) -> Path:
    """The workbook to read in place of the one at ``path``: a copy in ``scratch``, or itself.

    The copy holds the same cells and merged areas. Raises :class:`TooLarge` for a sheet whose
    cells span more than readers could fill, and :class:`BadTable` for a damaged workbook.
    """
    with _container(path) as container:
        sheets = list(filter(_is_sheet, container.infolist()))
        once = len({member.filename for member in container.infolist()})
        large = [sheet for sheet in sheets if sheet.file_size >= _LARGE_BYTES]
        if once < len(container.infolist()):
            large = []
        for sheet in sheets:
            if sheet not in large:
                _look(container, sheet, None)
        return _copied(container, large, path, scratch) if large else path


@contextmanager
def _unreadable() -> Iterator[None]:
    """Turn what a damaged container raises into the analyst's own errors."""
    try:
        yield
    except _UNREADABLE as error:
        raise BadTable(DAMAGED, hint="It may have been cut short; send it again.") from error
    except RuntimeError as error:
        raise BadTable(
            "The workbook is protected by a password.", hint="Save it without one."
        ) from error


def _container(path: Path) -> zipfile.ZipFile:
    with _unreadable():
        return zipfile.ZipFile(path)


def _is_sheet(member: zipfile.ZipInfo) -> bool:
    return member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml")


def _look(container: zipfile.ZipFile, sheet: zipfile.ZipInfo, kept: IO[bytes] | None) -> None:
    """Refuse a sheet that spans too much; what was read of it goes into ``kept``."""
    # Columns of one letter span too little, however many rows they have.
    columns = _Far(_FAR_COLUMN)
    for chunk in _chunks(container, sheet):
        columns.look(chunk)
        if kept is not None:
            kept.write(chunk)
    if not columns.found:
        return
    rows = _Far(_FAR_ROW)
    for chunk in _chunks(container, sheet):
        rows.look(chunk)
    column = max(map(_column_number, columns.found))
    row = max(map(int, rows.found), default=_NEAR_ROWS)
    if row * column > MAX_SHEET_CELLS:
        raise TooLarge(
            f"The sheet spans {row:,} rows and {column:,} columns; "
            f"UAM reads at most {MAX_SHEET_CELLS:,} cells of a sheet.",
            limit_cells=MAX_SHEET_CELLS,
        )


def _chunks(container: zipfile.ZipFile, sheet: zipfile.ZipInfo) -> Iterator[bytes]:
    with _unreadable():
        xml = container.open(sheet)
    with xml:
        while True:
            with _unreadable():
                chunk = xml.read(_CHUNK)
            if not chunk:
                return
            yield chunk


@dataclass(slots=True)
class _Far:
    """What the references of a sheet's cells have in the place that the pattern looks at."""

    pattern: re.Pattern[bytes]
    found: set[bytes] = field(default_factory=set)
    _rest: bytes = b""

    def look(self, chunk: bytes) -> None:
        self.found.update(self.pattern.findall(chunk))
        # A reference may lie across the end of a chunk.
        seam = self._rest + chunk[:_REFERENCE_BYTES]
        self.found.update(self.pattern.findall(seam))
        self._rest = chunk[-_REFERENCE_BYTES:]


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _copied(
    container: zipfile.ZipFile, sheets: Sequence[zipfile.ZipInfo], path: Path, scratch: Path
) -> Path:
    """A copy of the workbook with the merged areas of these sheets before their rows."""
    target = Path(shutil.copyfile(path, scratch / "workbook"))
    with zipfile.ZipFile(target, "a") as copy:
        for sheet in sheets:
            with tempfile.SpooledTemporaryFile(_HELD_BYTES, "w+b", dir=str(scratch)) as kept:
                _look(container, sheet, kept)
                found = _merged_and_rows(kept)
                if found is not None:
                    _replace(copy, sheet, kept, *found)
    return target


def _merged_and_rows(xml: IO[bytes]) -> tuple[bytes, int] | None:
    """The merged areas that a sheet has behind its rows, and where these begin.

    ``None`` where either is spelled as hardly any writer does.
    """
    size = xml.tell()
    xml.seek(0)
    head = xml.read(_CHUNK)
    rows = _ROWS_BEGIN.search(head)
    xml.seek(max(0, size - _TAIL_BYTES))
    end = xml.read()
    behind = end.rfind(_ROWS_END)
    if rows is None or behind < 0:
        return None
    before, after = head[: rows.start()], end[behind:]
    merged = _MERGED.search(after)
    odd = b"mergeCells" in before or b"<!" in before or b"<!" in after
    if odd or (merged is None and b"mergeCells" in after):
        return None
    return merged.group() if merged else b"<mergeCells/>", rows.start()


def _replace(
    copy: zipfile.ZipFile, sheet: zipfile.ZipInfo, xml: IO[bytes], merged: bytes, rows: int
) -> None:
    """Put a sheet, not packed, in the place of the one that is there."""
    old = copy.NameToInfo.pop(sheet.filename)
    copy.filelist.remove(old)
    new = zipfile.ZipInfo(sheet.filename)
    new.file_size = sheet.file_size + len(merged)
    xml.seek(0)
    with copy.open(new, "w") as written:
        written.write(xml.read(rows))
        written.write(merged)
        shutil.copyfileobj(xml, written, _CHUNK)
