"""DuckDB as a bounded, fenced engine: this much memory, these files, nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

# DuckDB's own buffers; the process adds about 100 MB for Python and the libraries. With fewer the threads
# that write a long text wait for each other.
MEMORY_LIMIT_MB = 512
THREADS = 2

# What counts as white space around a cell, here and in pandas alike.
WHITE = " \t\r\n\v\f\u00a0\u2007\u202f\ufeff"


def literal(text: str) -> str:
    """``text`` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def trimmed(expression: str) -> str:
    """SQL for a cell without the white space around it."""
    return f"trim({expression}, {literal(WHITE)})"


def positions(count: int) -> list[str]:
    """The names ``c0, c1 …`` that columns have inside the engine, whatever users call them."""
    return [f"c{i}" for i in range(count)]


def parquet_relation(path: Path, count: int) -> str:
    """SQL for the rows of a Parquet file with its ``count`` columns named by position.

    By position, because SQL folds the case of names and a user's table may hold ``a`` and ``A``.
    """
    return f"read_parquet({literal(str(path))}) AS t({', '.join(positions(count))})"


def row_group_rows(columns: int, row_bytes: float) -> int:
    """Rows of a Parquet row group such that one group stays near 32 MB before encoding.

    61,440 rows at most: with larger groups the threads wait for memory when a long text is written.
    2,048 rows at least, unless they would be 128 MB: each group costs about 200 bytes a column.
    """
    width = max(row_bytes, 8.0 * columns, 1.0)
    least = min(2_048, max(1, 128 * 2**20 / width))
    return int(min(61_440, max(least, 32 * 2**20 / width)))


def adopt(source: Path, scratch: Path, name: str = "source") -> Path:
    """A name of ours in ``scratch`` for a file with any name.

    Readers expand ``*``, ``[`` and ``key=value`` in paths; a link with a plain name has none.
    """
    link = scratch / name
    os.symlink(source.resolve(strict=True), link)
    return link


def scratch_of(connection: duckdb.DuckDBPyConnection) -> Path:
    """The scratch folder that an engine was connected with."""
    setting = connection.execute("SELECT current_setting('temp_directory')").fetchall()
    return Path(setting[0][0]).parent


@contextmanager
def connect(
    scratch: Path, *, files: Sequence[Path] = (), folders: Sequence[Path] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine in memory that can reach ``scratch``, these files and folders and nothing else.

    It spills into ``scratch``, installs nothing and cannot be configured further.
    """
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": THREADS,
            "memory_limit": f"{MEMORY_LIMIT_MB}MB",
            "temp_directory": str(scratch / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    try:
        # Links are followed before the engine compares, so the targets are named.
        reach = ", ".join(literal(str(path.resolve())) for path in (scratch, *folders))
        single = ", ".join(literal(str(path.resolve())) for path in files)
        connection.execute(f"SET allowed_directories = [{reach}]")
        connection.execute(f"SET allowed_paths = [{single}]")
        # Asked by :mod:`.watch`, printed by nobody.
        connection.execute("SET enable_progress_bar = true")
        connection.execute("SET enable_progress_bar_print = false")
        # The rewrite takes longer to plan than small tables take to count, and large ones are
        # estimated. Statistics of a Parquet file say nothing of NaN, so that by them no cell is.
        connection.execute(
            "SET disabled_optimizers = 'distinct_aggregate_rewrite,statistics_propagation'"
        )
        # It would hold all of a column of a row group at once, however long that is.
        connection.execute("SET disable_parquet_prefetching = true")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()
