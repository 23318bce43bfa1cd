"""DuckDB, shut in: one view of one Parquet file, no other file, no network, no settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from app.analysis.errors import BadTable
from app.analysis.questions import guard
from app.analysis.questions.sql import TABLE

MEMORY_LIMIT = "1GB"
THREADS = 2


class QueryFailed(Exception):
    """The engine could not compute the answer (an overflow, not enough memory)."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a SELECT gave: names of columns, and rows of JSON values in that order."""

    columns: tuple[str, ...]
    rows: list[list[Any]]

    @property
    def first(self) -> list[Any]:
        """The first row; there must be one."""
        return self.rows[0]


class Engine:
    """A connection that reads ``source`` and nothing else; a context manager.

    ``names`` maps each column of the dataset to the engine's name for it: the same but where
    two names differ only in case, or a name is empty, which DuckDB cannot hold.
    Raises :class:`BadTable` when the file is not a Parquet file.
    """

    def __init__(self, source: str) -> None:
        try:
            found = pq.read_schema(source).names
        except (OSError, pa.ArrowException) as error:
            raise BadTable("The dataset's file cannot be read.") from error
        path = str(Path(source).resolve())
        self.names: Mapping[str, str] = dict(zip(found, engine_names(found), strict=True))
        self._connection = duckdb.connect(
            config={"memory_limit": MEMORY_LIMIT, "threads": THREADS, "temp_directory": ""}
        )
        _shut_in(self._connection, path)
        self._connection.execute(_view(path, list(self.names.values())))

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def run(self, select: exp.Select) -> tuple[str, Result]:
        """Check and run one SELECT; returns its SQL and what it gave.

        Raises :class:`~app.analysis.questions.guard.Refused` and :class:`QueryFailed`.
        """
        sql = select.sql(dialect="duckdb")
        guard.check(sql, self.names.values())
        try:
            cursor = self._connection.execute(sql)
            names = tuple(column[0] for column in cursor.description or ())
            rows = [[plain(value) for value in row] for row in cursor.fetchall()]
        except duckdb.Error as error:
            raise QueryFailed(str(error).splitlines()[0]) from error
        return sql, Result(names, rows)


def engine_names(names: Sequence[str]) -> list[str]:
    """Names that DuckDB can tell apart: not empty, and different also without regard to case."""
    taken: set[str] = set()
    result: list[str] = []
    for position, name in enumerate(names, start=1):
        base = name.replace("\x00", "�") or f"column {position}"
        unique, turn = base, 2
        while unique.casefold() in taken:
            unique, turn = f"{base} ({turn})", turn + 1
        taken.add(unique.casefold())
        result.append(unique)
    return result


def plain(value: Any) -> Any:
    """``value`` as a JSON value: times as ISO text, decimals as numbers, NaN and ∞ as ``None``."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


def _shut_in(connection: duckdb.DuckDBPyConnection, path: str) -> None:
    """Only ``path`` stays readable, and nothing that is set can be set again.

    The order matters: once access is off, ``allowed_paths`` can no longer be set, and once
    the configuration is locked, nothing can.
    """
    allowed = exp.Array(expressions=[exp.Literal.string(path)]).sql(dialect="duckdb")
    connection.execute(f"SET allowed_paths = {allowed}")
    # It would hold all of a column of a row group at once, however long that is.
    connection.execute("SET disable_parquet_prefetching = true")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _view(path: str, names: Sequence[str]) -> str:
    """The statement that makes the view, its columns renamed by position."""
    quoted = [exp.to_identifier(name, quoted=True) for name in names]
    source = exp.Anonymous(this="read_parquet", expressions=[exp.Literal.string(path)])
    table = exp.Table(
        this=source, alias=exp.TableAlias(this=exp.to_identifier("t"), columns=quoted)
    )
    body = exp.select(exp.Star()).from_(table)
    view = exp.Create(this=exp.Table(this=exp.to_identifier(TABLE)), kind="VIEW", expression=body)
    return view.sql(dialect="duckdb")
