"""SQLite databases: one table, read by the library itself with everything active switched off."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app.analysis.errors import BadOption, BadTable, TooLarge
from app.analysis.ingest.cells import Seen, cell_text, mixed_findings
from app.analysis.ingest.detect import Detected
from app.analysis.ingest.engine import identifier
from app.analysis.ingest.findings import Finding, listing, quoted
from app.analysis.ingest.limits import check_columns, check_unpacked
from app.analysis.ingest.names import repair_names
from app.analysis.ingest.options import ReadOptions
from app.analysis.ingest.parts import PartWriter
from app.analysis.ingest.table import Table

_MAX_VALUE_BYTES = 64 * 2**20
_MAX_TABLES = 10_000
# A view is a program: steps of SQLite's machine between two looks at what it has brought, and
# how many looks it may take without one more row.
_STEPS, _IDLE_LOOKS = 1_000_000, 100
_WAL = 2


def open_sqlite(
    detected: Detected, options: ReadOptions, scratch: Path, max_unpacked_bytes: int
) -> Table:
    """Open one table (or view) of a SQLite database.

    Raises :class:`BadTable` for a damaged database or one of several tables of which none is
    named, :class:`BadOption` for a table that is not there, :class:`TooLarge` for a view that
    brings or costs too much.
    """
    try:
        with closing(_connect(detected.path)) as database:
            name, findings = _choose(database, options.table)
            return _read(database, name, findings, detected, scratch, max_unpacked_bytes)
    except (sqlite3.Error, sqlite3.Warning, UnicodeError, OverflowError) as error:
        if isinstance(error, sqlite3.DataError) or "too big" in str(error):
            raise TooLarge("A value of the SQLite database is larger than 64 MB.") from error
        raise BadTable(
            "The SQLite database is damaged and cannot be read.",
            hint="It may have been cut short, or be encrypted; send it again.",
        ) from error


def _connect(path: Path) -> sqlite3.Connection:
    """The database, read-only: no journal is applied, no schema trusted, no extension loaded."""
    database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
    database.text_factory = lambda raw: raw.decode("utf-8", "replace")
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
    database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    database.setlimit(sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0)
    for setting in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON"):
        database.execute(f"PRAGMA {setting}")
    for setting in ("mmap_size = 0", "temp_store = MEMORY", "cache_size = -16384"):
        database.execute(f"PRAGMA {setting}")
    database.set_authorizer(_allow)
    return database


_READS = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)


def _allow(action: int, first: str | None, *_: str | None) -> int:
    """Reading, and the question which tables there are; nothing else, whatever a view says."""
    if action in _READS or (action == sqlite3.SQLITE_PRAGMA and first == "table_list"):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _choose(database: sqlite3.Connection, wanted: str | None) -> tuple[str, list[Finding]]:
    # Virtual tables are code of their modules, and shadow tables their innards.
    listed = database.execute("PRAGMA table_list").fetchmany(_MAX_TABLES)
    known = [(str(row[1]), str(row[2])) for row in listed if row[0] == "main"]
    known = [(name, kind) for name, kind in known if not name.lower().startswith("sqlite_")]
    tables = [name for name, kind in known if kind == "table"]
    views = [name for name, kind in known if kind == "view"]
    if wanted is not None:
        return _named([*tables, *views], wanted), []
    if not tables:
        tables, views = views, []
    if not tables:
        raise BadTable("The SQLite database holds no tables.")
    filled = tables if len(tables) == 1 else [t for t in tables if _has_rows(database, t)]
    if len(filled) > 1:
        names = listing([quoted(name) for name in sorted(tables)], 20)
        raise BadTable(
            f"The SQLite database holds {len(tables):,} tables: {names}.",
            hint="Name one of them with 'table', as in table="
            + quoted(sorted(filled)[0]).strip("'"),
        )
    chosen = (filled or tables)[0]
    others = [quoted(name) for name in (*tables, *views) if name != chosen]
    if not others:
        return chosen, []
    why = "the only table with rows" if len(tables) > 1 else "the only table"
    message = f"{quoted(chosen)} was read, {why}; the database also has {listing(others)}."
    return chosen, [Finding("table", message)]


def _named(names: list[str], wanted: str) -> str:
    for name in names:
        if name == wanted:
            return name
    folded = [name for name in names if name.lower() == wanted.lower()]
    if len(folded) == 1:
        return folded[0]
    raise BadOption(
        f"There is no table {quoted(wanted)}; the database has "
        f"{listing([quoted(name) for name in sorted(names)], 20)}.",
        option="table",
    )


def _has_rows(database: sqlite3.Connection, table: str) -> bool:
    query = f"SELECT 1 FROM {identifier(table)} LIMIT 1"  # noqa: S608 - a quoted identifier
    return database.execute(query).fetchone() is not None


class _Patience:
    """Ends a statement that works long without bringing a row."""

    def __init__(self) -> None:
        self.looks = 0
        self.spent = False

    def look(self) -> bool:
        """Asked by SQLite now and then; ``True`` ends the statement."""
        self.looks += 1
        self.spent = self.looks > _IDLE_LOOKS
        return self.spent


def _read(
    database: sqlite3.Connection,
    name: str,
    findings: list[Finding],
    detected: Detected,
    scratch: Path,
    max_unpacked_bytes: int,
) -> Table:
    patience = _Patience()
    database.set_progress_handler(patience.look, _STEPS)
    count = size = 0
    try:
        query = f"SELECT * FROM {identifier(name)}"  # noqa: S608 - a quoted identifier
        cursor = database.execute(query)
        names = [str(column[0]) for column in cursor.description]
        check_columns(len(names))
        seen = [Seen() for _ in names]
        with PartWriter(scratch) as parts:
            parts.widen(len(names))
            for row in _rows(cursor, patience):
                # An empty text is no NULL here.
                cells = [cell if isinstance(cell, str) else cell_text(cell) for cell in row]
                for column, cell, text in zip(seen, row, cells, strict=True):
                    if text is not None:
                        column.note(cell)
                parts.append(cells)
                count += 1
                size += sum(len(text) for text in cells if text) + len(cells)
                check_unpacked(detected.packed, size, max_unpacked_bytes)
    except sqlite3.Error as error:
        raise _broken(error, name, count, patience) from error
    names, repaired = repair_names(names)
    findings = [*findings, *_journal(detected.path), *repaired, *mixed_findings(names, seen)]
    return Table(
        names=names,
        relation=parts.relation(),
        kinds=[column.kind() for column in seen],
        read={"format": "sqlite", "table": name},
        row_bytes=parts.row_bytes,
        findings=findings,
    )


def _rows(cursor: sqlite3.Cursor, patience: _Patience) -> Iterator[tuple[Any, ...]]:
    # One by one, so that those before a damaged page are counted.
    for row in cursor:
        patience.looks = 0
        yield row


def _broken(
    error: sqlite3.Error, name: str, count: int, patience: _Patience
) -> BadTable | TooLarge:
    if patience.spent:
        return TooLarge(f"{quoted(name)} takes too long to compute; send its rows as a table.")
    if "too big" in str(error):
        return TooLarge(f"{quoted(name)} holds a value larger than 64 MB.")
    if "not authorized" in str(error) or "unsafe use" in str(error) or "no such" in str(error):
        return BadTable(
            f"{quoted(name)} is a view or a table that cannot be read by itself.",
            hint="Send its rows as a table.",
        )
    return BadTable(
        f"The table {quoted(name)} is damaged near row {count + 1:,} and cannot be read further.",
        row=count + 1,
        hint="It may have been cut short; send it again.",
    )


def _journal(path: Path) -> list[Finding]:
    """A warning for a database that keeps its latest changes in a second file."""
    with path.open("rb") as file:
        versions = file.read(20)[18:20]
    if _WAL not in versions:
        return []
    message = "The database writes ahead: changes that still stand in its -wal file are not here."
    return [Finding("journal", message)]
