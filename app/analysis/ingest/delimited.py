"""Delimited text: DuckDB's parser where the file keeps its own rules, a forgiving one where not."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from app.analysis.errors import BadTable
from app.analysis.ingest.careful import is_in_parts, read_carefully
from app.analysis.ingest.detect import HEAD_BYTES, Detected
from app.analysis.ingest.dialect import NO_DELIMITER, Dialect, detect_dialect, sample_rows
from app.analysis.ingest.encodings import decode_head, is_plain_utf8, to_utf8
from app.analysis.ingest.engine import WHITE, literal, positions
from app.analysis.ingest.findings import Finding, counted
from app.analysis.ingest.header import Header, find_header
from app.analysis.ingest.limits import check_columns
from app.analysis.ingest.names import repair_names
from app.analysis.ingest.options import ReadOptions
from app.analysis.ingest.records import Lines, Record, read_records
from app.analysis.ingest.table import Kind, Table
from app.analysis.ingest.watch import Stretch
from app.analysis.progress import Progress, silent

if TYPE_CHECKING:
    import duckdb

# Beyond this width each pass over the text costs more than parking it once.
_PARK_COLUMNS = 150
# The longest line the engine takes. Its buffers would be sixteen lines unless told: too much of
# the memory it may use, and too few pieces of a file to share between its threads.
_LINE_BYTES = 16 * 2**20
# Beyond this width the engine's buffers, one or more a column, pass its memory limit.
_WIDE_COLUMNS = 2000


@dataclass(frozen=True, slots=True)
class Layout:
    """A delimited file, understood: where its UTF-8 text is, its dialect and its header."""

    path: Path
    dialect: Dialect
    header: Header
    names: list[str]
    findings: list[Finding]
    detected: Detected
    ends_empty: bool = False
    in_parts: bool = False

    def read(self) -> dict[str, object]:
        """How the file was read, for the result."""
        shown = self.dialect.delimiter if self.dialect.delimiter != NO_DELIMITER else None
        facts: dict[str, object] = {
            "format": self.detected.format,
            "encoding": self.detected.encoding,
            "encoding_reason": self.detected.encoding_reason,
            "delimiter": shown,
            "delimiter_reason": self.dialect.reason,
            "quote": self.dialect.quote,
            "escape": self.dialect.escape or None,
            "header": self.header.cells is not None,
            "header_reason": self.header.reason,
            "lines_before_data": self.header.skip,
        }
        if self.detected.compression:
            facts["compression"] = self.detected.compression
        return facts


def open_delimited(
    detected: Detected,
    suffix: str,
    options: ReadOptions,
    scratch: Path,
    connection: duckdb.DuckDBPyConnection,
    progress: Progress = silent,
) -> Table:
    """Open a delimited text of any dialect.

    Raises :class:`BadTable` where it breaks, :class:`BadOption` for a header row it has not.
    """
    layout, clean = _understand(detected, suffix, options, scratch)
    if not clean or len(layout.names) > _WIDE_COLUMNS:
        return _careful(layout, scratch, progress)
    return _fast(layout, scratch, connection, progress)


def _understand(
    detected: Detected, suffix: str, options: ReadOptions, scratch: Path
) -> tuple[Layout, bool]:
    encoding = detected.encoding or "utf-8"
    findings: list[Finding] = []
    path = detected.path
    head = _head(path)
    text = decode_head(head, encoding)
    nuls = text.count("\0")
    if nuls or not is_plain_utf8(encoding):
        path, nuls = to_utf8(path, encoding, scratch / "text")
        text = text.replace("\0", "")
        if nuls:
            message = f"{counted(nuls, 'NUL character')} inside the text were left out."
            findings.append(Finding("nul", message))
    if not is_plain_utf8(encoding) and detected.encoding_reason != "given by the caller":
        message = f"The text was read as {encoding}: {detected.encoding_reason}."
        findings.append(Finding("encoding", message))
    whole = len(head) < HEAD_BYTES
    if not whole:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    dialect, text, announced = _dialect(text, suffix, options)
    records = _sample(text, dialect)
    rows = [record.cells for record in records]
    header = find_header(rows, _after(options.header_row, announced))
    if announced:
        header = replace(header, skip=header.skip + 1)
    width = _width(rows, header, announced)
    names, repaired = repair_names(_padded(header.cells, width))
    if header.cells is None:
        repaired = []  # told already: there was no header
    told = [*findings, *header.findings, *repaired]
    ends_empty = width > 1 and _ends_empty(path, dialect.delimiter, header.skip)
    in_parts = width > 1 and is_in_parts(records[header.skip :])
    layout = Layout(path, dialect, header, names, told, detected, ends_empty, in_parts)
    plain = (
        not announced and dialect.quote == '"' and not dialect.escape and not _spread(rows, header)
    )
    # In a table of one column only the forgiving reader tells a blank line from an empty cell.
    plain = plain and width > 1 and not ends_empty and not _ends_in_note(path, dialect.delimiter)
    repeated = any(record.cells == header.cells for record in records[header.skip :])
    plain = (
        plain and not repeated and not in_parts and not any(record.mending for record in records)
    )
    return layout, plain and all(len(row) == width for row in rows[header.skip :] if row)


def _sample(text: str, dialect: Dialect) -> list[Record]:
    """The first records, read as the careful reader will."""
    loose = sample_rows(text, dialect.delimiter, dialect.quote, limit=1000)
    widths = Counter(len(row) for row in loose if any(row))
    width = widths.most_common(1)[0][0] if widths else None
    lines = Lines(io.StringIO(text, newline=""))
    records: list[Record] = []
    # A quote left open ends the sample: the reader proper says where.
    with contextlib.suppress(BadTable):
        records.extend(islice(read_records(lines, dialect, width), 1000))
    return records or [Record(1, row) for row in loose]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _dialect(text: str, suffix: str, options: ReadOptions) -> tuple[Dialect, str, bool]:
    """The dialect, the text behind a first line such as ``sep=;``, and whether there was one."""
    first, _, rest = text.partition("\n")
    spelled = first.strip("\r\n \t") if "\t" not in first else first.strip("\r\n ")
    if spelled.lower().startswith("sep=") and len(spelled) == 5:
        dialect = detect_dialect(rest, suffix, options.delimiter or spelled[4])
        return replace(dialect, reason="the file's first line says so"), rest, True
    return detect_dialect(text, suffix, options.delimiter), text, False


def _after(header_row: int | None, announced: bool) -> int | None:
    return header_row - 1 if header_row and announced else header_row


def _width(rows: list[list[str]], header: Header, announced: bool) -> int:
    if header.cells is not None:
        return len(header.cells)
    widths = Counter(len(row) for row in rows[header.skip - announced :] if row)
    if not widths:
        raise BadTable("The file has no rows.", hint="Send a file with a header and rows.")
    return widths.most_common(1)[0][0]


def _padded(cells: list[str] | None, width: int) -> list[str | None]:
    given: list[str | None] = list(cells or [])
    check_columns(max(width, len(given)))
    return given + [None] * (width - len(given))


def _ends_empty(path: Path, delimiter: str, skip: int) -> bool:
    """Whether the file ends in rows of delimiters only, which the careful reader leaves out."""
    last = [line for line in _last_lines(path, delimiter) if line is not None][
        -2 if skip < 2 else -1 :
    ]
    return bool(last) and not any(last)


def _ends_in_note(path: Path, delimiter: str) -> bool:
    """Whether the last line is one cell below a gap: the careful reader judges what it is."""
    *before, last = ["", *[line or "" for line in _last_lines(path, delimiter)]]
    return bool(last) and delimiter not in last and "" in before[1:][-5:]


def _last_lines(path: Path, delimiter: str) -> list[str | None]:
    """The last lines without delimiters at their end, ``None`` for a blank one."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 4096, 0))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return [line.rstrip(delimiter + WHITE) if line else None for line in lines]


def _spread(rows: list[list[str]], header: Header) -> bool:
    """Whether a record before the data spans several lines: the fast reader skips by line."""
    return any("\n" in cell or "\r" in cell for row in rows[: header.skip] for cell in row) or any(
        not row for row in rows[: header.skip]
    )


def _fast(
    layout: Layout, scratch: Path, connection: duckdb.DuckDBPyConnection, progress: Progress
) -> Table:
    width = len(layout.names)
    columns = ", ".join(f"{name}: 'VARCHAR'" for name in positions(width))
    delimiter = layout.dialect.delimiter
    relation = (
        f"read_csv({literal(str(layout.path))}, auto_detect = false, header = false, "
        f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', strict_mode = true, "
        f"skip = {layout.header.skip}, max_line_size = {_LINE_BYTES}, buffer_size = {_LINE_BYTES}, "
        f"columns = {{{columns}}})"
    )
    text_bytes: int | None = layout.path.stat().st_size
    if width > _PARK_COLUMNS:
        parked = scratch / "parked.parquet"
        connection.execute(
            f"COPY (FROM {relation}) TO {literal(str(parked))} (FORMAT parquet, ROW_GROUP_SIZE 8192)"
        )
        relation = f"read_parquet({literal(str(parked))})"
        text_bytes = None
    return Table(
        names=layout.names,
        relation=relation,
        kinds=_kinds(width),
        read=layout.read(),
        row_bytes=_row_bytes(layout.path),
        delimiter=delimiter,
        findings=list(layout.findings),
        careful=lambda: _careful(layout, scratch, progress),
        text_bytes=text_bytes,
    )


def _kinds(width: int) -> list[Kind]:
    return ["infer"] * width


def _row_bytes(path: Path) -> float:
    head = _head(path)
    return len(head) / max(head.count(b"\n"), 1)


def _careful(layout: Layout, scratch: Path, progress: Progress) -> Table:
    rows = layout.path.stat().st_size / _row_bytes(layout.path)
    parsed = read_carefully(
        layout.path,
        layout.dialect,
        layout.header.skip,
        len(layout.names),
        scratch,
        header=layout.header.cells or (),
        without_empty_end=layout.ends_empty,
        in_parts=layout.in_parts,
        on_share=Stretch(progress, 0.05, 0.4, "Reading row by row", rows),
    )
    names, repaired = layout.names, list[Finding]()
    if parsed.width > len(names):
        names, repaired = repair_names([*names, *[None] * (parsed.width - len(names))])
    return Table(
        names=names,
        relation=parsed.relation,
        kinds=_kinds(len(names)),
        read=layout.read(),
        row_bytes=parsed.row_bytes,
        delimiter=layout.dialect.delimiter,
        findings=[*layout.findings, *parsed.findings, *repaired],
    )
