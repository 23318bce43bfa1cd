"""Three small tables and one with odd names, as the datasets that questions are asked about."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from app.analysis.progress import silent
from app.analysis.questions.engine import Engine
from app.analysis.questions.jobs import ask

HERE = Path(__file__).parent
# Removed when the interpreter ends; the tables are kept till then, as `dataset` caches them.
_FILES = TemporaryDirectory(prefix="uam-questions-")
TYPES = {
    "staff": "id text categorical categorical integer integer datetime boolean number",
    "orders": "id datetime categorical categorical categorical integer number number categorical",
    "birds": "categorical categorical number integer categorical integer integer",
    "odd": "text integer integer categorical categorical categorical integer",
}
_ARROW = {
    "id": pa.int64(), "text": pa.string(), "categorical": pa.string(), "integer": pa.int64(),
    "number": pa.float64(), "boolean": pa.bool_(), "datetime": pa.timestamp("us"),
}  # fmt: skip


def cell(text: str, kind: str) -> Any:
    """A cell of a CSV file as the value that the dataset holds."""
    if text == "":
        return None
    if kind in ("id", "integer"):
        return int(text)
    if kind == "number":
        return float(text)
    if kind == "boolean":
        return text == "true"
    return datetime.fromisoformat(text) if kind == "datetime" else text


@lru_cache
def dataset(name: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The Parquet file of a table, and its (name, type) columns."""
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    kinds = TYPES[name].split()
    return written(
        header, kinds, [[cell(r[i], k) for r in rows] for i, k in enumerate(kinds)], name
    )


def written(
    names: list[str], kinds: list[str], values: list[list[Any]], name: str = "data"
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A Parquet file of these columns, in a folder of its own."""
    path = Path(mkdtemp(dir=_FILES.name)) / f"{name}.parquet"
    arrays = [pa.array(v, type=_ARROW[k]) for v, k in zip(values, kinds, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, names=names), path)
    return str(path), tuple(zip(names, kinds, strict=True))


def columns_of(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    """The JSON columns of a dataset."""
    return [{"name": name, "type": kind} for name, kind in pairs]


def asked(name: str, question: str, **more: Any) -> dict[str, Any]:
    """The answer to one question about a table."""
    source, pairs = dataset(name)
    options = {"dataset": f"{name}.csv"} | more
    return ask(
        source=source, columns=columns_of(pairs), question=question, progress=silent, **options
    )


@contextmanager
def engine(name: str) -> Iterator[Engine]:
    """The engine over a table."""
    with Engine(dataset(name)[0]) as opened:
        yield opened
