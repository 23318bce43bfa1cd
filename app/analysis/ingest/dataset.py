"""Any file into a dataset: opened, typed, written, previewed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.analysis.errors import BadTable, TooLarge
from app.analysis.ingest.delimited import open_delimited
from app.analysis.ingest.detect import Detected, detect
from app.analysis.ingest.engine import adopt, connect, positions
from app.analysis.ingest.findings import Finding
from app.analysis.ingest.garbage import rarely_collected
from app.analysis.ingest.options import ReadOptions
from app.analysis.ingest.plan import ColumnPlan
from app.analysis.ingest.preview import write_preview
from app.analysis.ingest.spellings import spelling_notes
from app.analysis.ingest.staging import adopt_staged
from app.analysis.ingest.table import Kind, Table
from app.analysis.ingest.typing_rules import plan_columns
from app.analysis.ingest.watch import Stretch, rising, watched
from app.analysis.ingest.write import write_dataset
from app.analysis.progress import Progress

if TYPE_CHECKING:
    import duckdb

DATA, PREVIEW = "data.parquet", "preview.json"


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a file became; ``columns`` as the dataset's schema stores them."""

    rows: int
    columns: list[dict[str, Any]]
    findings: list[Finding]
    read: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The result of the jobs that make a dataset."""
        return {
            "rows": self.rows,
            "cols": len(self.columns),
            "columns": self.columns,
            "warnings": [finding.to_json() for finding in self.findings],
            "read": self.read,
        }


def read_dataset(
    source: Path,
    filename: str,
    out_dir: Path,
    options: ReadOptions,
    max_unpacked_bytes: int,
    progress: Progress,
) -> Dataset:
    """Read any file into ``out_dir/data.parquet`` and ``out_dir/preview.json``.

    Raises :class:`UnsupportedFormat`, :class:`BadTable`, :class:`TooLarge` or
    :class:`BadOption`; then nothing of use is left in ``out_dir``.
    """
    with tempfile.TemporaryDirectory(dir=out_dir, prefix=".reading-") as folder:
        scratch = Path(folder)
        with connect(scratch, files=[source], folders=[out_dir]) as connection:
            return read_through(
                connection,
                scratch,
                source,
                filename,
                out_dir,
                options,
                max_unpacked_bytes,
                progress,
            )


def read_through(
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    source: Path,
    filename: str,
    out_dir: Path,
    options: ReadOptions,
    max_unpacked_bytes: int,
    progress: Progress,
    *,
    as_written: bool = False,
    with_preview: bool = True,
) -> Dataset:
    """The same through an engine that reaches ``source``, ``scratch`` and ``out_dir`` already.

    With ``as_written`` the data file holds the text of each cell as its file spells it, where it
    is text; the schema is the same. Without ``with_preview`` there is no preview.
    """
    progress = rising(progress)
    with rarely_collected():
        table = open_table(
            connection, scratch, source, filename, options, max_unpacked_bytes, progress
        )
        dataset = write_table(connection, table, options, out_dir, scratch, progress, as_written)
    if with_preview:
        columns, rows = dataset.columns, dataset.rows
        with explained(str(table.read.get("format", ""))):
            write_preview(out_dir / DATA, columns, rows, out_dir / PREVIEW)
    return dataset


def open_table(
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    source: Path,
    filename: str,
    options: ReadOptions,
    max_unpacked_bytes: int,
    progress: Progress,
) -> Table:
    """Any file as a table whose cells are still as written. Raises as :func:`read_dataset`."""
    link = adopt(source, scratch)
    detected = detect(link, filename, scratch, options, max_unpacked_bytes)
    options = detected.options
    options.check_usable(detected.reader)
    progress(0.05, f"Reading the file as {detected.format}")
    table = _open(detected, options, scratch, connection, max_unpacked_bytes, progress)
    table.findings = [*detected.findings, *table.findings]
    for fact in ("compression", "member"):
        if getattr(detected, fact):
            table.read[fact] = getattr(detected, fact)
    if options.decimal:
        table.read["decimal"] = options.decimal
    return table


def _open(
    detected: Detected,
    options: ReadOptions,
    scratch: Path,
    connection: duckdb.DuckDBPyConnection,
    max_unpacked_bytes: int,
    progress: Progress,
) -> Table:
    if detected.reader == "delimited":
        with explained(detected.format):
            return open_delimited(detected, detected.suffix, options, scratch, connection, progress)
    if detected.reader == "json":
        from app.analysis.ingest.json_shapes import open_json

        return open_json(detected, scratch)
    if detected.reader == "excel":
        from app.analysis.ingest.excel import open_excel

        return open_excel(detected, options, scratch, max_unpacked_bytes)
    if detected.reader == "sqlite":
        from app.analysis.ingest.sqlite import open_sqlite

        return open_sqlite(detected, options, scratch, max_unpacked_bytes)
    if detected.reader == "statistics":
        from app.analysis.ingest.statistics import open_statistics

        return open_statistics(detected, options, scratch, max_unpacked_bytes)
    if detected.reader in ("arrow", "orc"):
        from app.analysis.ingest.columnar import open_columnar

        return open_columnar(detected, scratch, max_unpacked_bytes)
    from app.analysis.ingest.parquet import open_parquet

    return open_parquet(detected, scratch, max_unpacked_bytes)


def write_table(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    options: ReadOptions,
    out_dir: Path,
    scratch: Path,
    progress: Progress,
    as_written: bool = False,
) -> Dataset:
    """Type every column of an opened table and write the dataset.

    When the fast reader finds midway that the file breaks its own rules, the table is opened
    again with the careful one. Raises as :func:`read_dataset`.
    """
    import duckdb

    try:
        return _write(connection, table, options, out_dir, scratch, progress, as_written)
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException) or table.careful is None:
            raise explanation(error, str(table.read.get("format", ""))) from error
    progress(0.3, "The file is irregular; reading it row by row")
    with explained(str(table.read.get("format", ""))):
        careful = table.careful()
        return _write(connection, careful, options, out_dir, scratch, progress, as_written)


def _write(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    options: ReadOptions,
    out_dir: Path,
    scratch: Path,
    progress: Progress,
    as_written: bool,
) -> Dataset:
    plans, findings = plan_columns(
        connection, table, options, scratch, progress, as_written=as_written
    )
    if as_written:
        plans = _spelled(plans, table.kinds)
    progress(0.6, f"Found the types of {len(plans):,} columns")
    data = out_dir / DATA
    notes = spelling_notes(plans)
    rows = adopt_staged(table, plans, notes, data)
    if rows is None:
        with watched(connection, Stretch(progress, 0.6, 0.95, "Writing the rows")):
            rows = write_dataset(
                connection, table.relation, plans, data, scratch, table.row_bytes, notes, table
            )
    progress(0.95, f"Wrote {rows:,} rows")
    columns = [plan.column().to_json() for plan in plans]
    found = [*table.findings, *findings]
    if not rows:
        found.append(Finding("no_rows", "The table has columns but no rows."))
    return Dataset(rows, columns, found, table.read)


def _spelled(plans: Sequence[ColumnPlan], kinds: Sequence[Kind]) -> list[ColumnPlan]:
    """The plans with the text of each cell in place of its value; what is missing stays so."""
    return [
        replace(plan, sql=f"CASE WHEN {plan.sql} IS NOT NULL THEN {cell} END", words=None)
        if kind == "infer"
        else plan
        for plan, kind, cell in zip(plans, kinds, positions(len(plans)), strict=True)
    ]


@contextmanager
def explained(format_name: str) -> Iterator[None]:
    """Turn the engine's errors inside into the analyst's own, without paths or SQL."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise explanation(error, format_name) from error


def explanation(error: Exception, format_name: str) -> TooLarge | BadTable:
    """What a user may be told of an error of the engine."""
    import duckdb

    if isinstance(error, duckdb.OutOfMemoryException):
        return TooLarge("The table needs more memory than UAM gives to reading one.")
    what = f"The {format_name} file" if format_name else "The file"
    return BadTable(
        f"{what} is damaged and cannot be read to its end.",
        hint="It may have been cut short; send it again.",
    )
