"""Columns laid end to end: one short query then judges all that are to be judged alike.

The engine takes 1 to 4 ms to plan what is asked of one column, whatever is in it. Over columns
laid end to end it plans the question once and answers it for each by grouping.
"""

# ruff: noqa: S608  (SQL is built of positions and of expressions made here)

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from app.analysis.ingest.engine import positions, scratch_of
from app.analysis.ingest.table import CELL, Held, Table

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa

# A table of at most so many bytes as Arrow is fetched once and held in memory.
HELD_BYTES = 96 * 2**20
# What is laid end to end at a time, with 12 bytes a cell for its place.
STACK_BYTES = 64 * 2**20
_CELL_BYTES = 12
# With so few columns in a stack the engine's own plan over the table costs no more.
_LEAST_COLUMNS = 16
# Columns fetched and parked together: the engine has a buffer of 2,048 rows for each.
_GROUP = 400
_NAME = "stack"


def hold(connection: duckdb.DuckDBPyConnection, table: Table) -> Held:
    """Fetch the table if it is small enough to be held, and remember the answer with it."""
    held = table.held
    if held is None or held.relation != table.relation:
        held = table.held = _look(connection, table)
    return held


def _look(connection: duckdb.DuckDBPyConnection, table: Table) -> Held:
    # As Arrow, text is about half as long again.
    relation, rows, size = table.relation, None, 1.6 * float(table.text_bytes or 0)
    if table.text_bytes is None:
        rows = int(connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])
        size = rows * (table.row_bytes + 5 * len(table.names))
    if size <= HELD_BYTES:
        names = positions(len(table.names))
        whole = pa_table([c for group in _groups(connection, table) for c in group], names)
        return Held(relation, whole.num_rows, whole)
    if rows is None or _fitting(table, rows) < _LEAST_COLUMNS:
        return Held(relation, rows)
    return Held(relation, rows, parked=list(_park(connection, table)))


def pa_table(columns: Sequence[pa.ChunkedArray], names: Sequence[str]) -> pa.Table:
    """Columns side by side."""
    import pyarrow as pa

    return pa.table(list(columns), names=list(names))


def _groups(connection: duckdb.DuckDBPyConnection, table: Table) -> Iterator[list[pa.ChunkedArray]]:
    names = positions(len(table.names))
    for start in range(0, len(names), _GROUP):
        query = f"SELECT {', '.join(names[start : start + _GROUP])} FROM {table.relation}"
        # Whole and not in batches, whose errors would be Arrow's and not the engine's.
        yield connection.sql(query).to_arrow_table().columns


def _park(connection: duckdb.DuckDBPyConnection, table: Table) -> Iterator[Path]:
    """Write the columns in groups: the engine takes long to find some columns among thousands."""
    import pyarrow as pa

    folder = Path(mkdtemp(dir=scratch_of(connection)))
    for number, columns in enumerate(_groups(connection, table)):
        group = pa_table([laid_out([column]) for column in columns], positions(len(columns)))
        path = folder / f"{number}.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, group.schema) as writer:
            writer.write_table(group)
        yield path


def _fitting(table: Table, rows: int) -> int:
    """How many columns fit into one stack."""
    column = rows * (table.row_bytes / max(len(table.names), 1) + _CELL_BYTES)
    return int(STACK_BYTES / max(column, 1))


def columns_at_once(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """How many columns a stack takes; 0 where the table is better asked as it stands."""
    held = hold(connection, table)
    if held.rows is None or (held.whole is None and not held.parked):
        return 0
    return max(1, _fitting(table, held.rows))


def fetch(
    connection: duckdb.DuckDBPyConnection, table: Table, wanted: Sequence[int]
) -> list[pa.ChunkedArray]:
    """The wanted columns of a table that is held, whole, as Arrow."""
    import pyarrow as pa

    held = hold(connection, table)
    if held.whole is not None:
        return [held.whole.column(i) for i in wanted]
    found: dict[int, pa.ChunkedArray] = {}
    for number, path in enumerate(held.parked):
        inside = sorted({i for i in wanted if i // _GROUP == number})
        if inside:
            options = pa.ipc.IpcReadOptions(included_fields=[i % _GROUP for i in inside])
            # Not mapped into memory, where pages once read would stay and count.
            with pa.OSFile(str(path)) as file:
                columns = pa.ipc.open_file(file, options=options).read_all().columns
            found.update(zip(inside, columns, strict=True))
    return [found[i] for i in wanted]


def stacks(
    connection: duckdb.DuckDBPyConnection, table: Table, wanted: Sequence[int], at_once: int
) -> Iterator[tuple[list[int], str]]:
    """The wanted columns in stacks of one type each: their positions and a relation.

    It has the columns ``k`` (the position), ``n`` (the row, from 1) and ``r`` (the cell), and
    is gone when the next one is asked for.
    """
    for start in range(0, len(wanted), at_once):
        chunk = wanted[start : start + at_once]
        kinds: dict[pa.DataType, list[tuple[int, pa.ChunkedArray]]] = {}
        for i, column in zip(chunk, fetch(connection, table, chunk), strict=True):
            kinds.setdefault(column.type, []).append((i, column))
        for alike in kinds.values():
            with _registered(connection, alike) as relation:
                yield [i for i, _ in alike], relation


@contextmanager
def _registered(
    connection: duckdb.DuckDBPyConnection, alike: Sequence[tuple[int, pa.ChunkedArray]]
) -> Iterator[str]:
    import numpy as np
    import pyarrow as pa

    rows = len(alike[0][1])
    places = np.repeat(np.array([i for i, _ in alike], dtype=np.int32), rows)
    numbers = np.tile(np.arange(1, rows + 1, dtype=np.int32), len(alike))
    cells = laid_out([column for _, column in alike])
    # Not pa.array, nor registered: either looks whether an object is of pandas, and so imports it.
    columns = [_integers(places), _integers(numbers), cells]
    connection.from_arrow(pa.table(columns, names=["k", "n", "r"])).create_view(_NAME)
    try:
        yield _NAME
    finally:
        connection.execute(f"DROP VIEW {_NAME}")


def _integers(values: np.ndarray[Any, np.dtype[np.int32]]) -> pa.Array:
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int32(), len(values), [None, pa.py_buffer(values)])


def computed(
    connection: duckdb.DuckDBPyConnection, table: Table, wanted: Sequence[int], form: str
) -> list[pa.ChunkedArray]:
    """The values, by SQL with ``{c}`` for the cell, of columns that fit into one stack.

    All are of one type; a column may be wanted twice.
    """
    columns = fetch(connection, table, wanted)
    with _registered(connection, list(zip(wanted, columns, strict=True))) as relation:
        query = f"SELECT {form.replace(CELL, 'r')} AS v FROM {relation}"
        values = connection.sql(query).to_arrow_table().column(0)
    rows = len(columns[0])
    return [values.slice(i * rows, rows) for i in range(len(columns))]


def laid_out(columns: Sequence[pa.ChunkedArray]) -> pa.Array:
    """Columns of one type as one array, one behind the other."""
    import pyarrow as pa

    chunks = [chunk for column in columns for chunk in column.chunks]
    return pa.concat_arrays(chunks) if chunks else pa.nulls(0, columns[0].type)
