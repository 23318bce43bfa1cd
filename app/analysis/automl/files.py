"""Files to predict: read with the types that the model learned from, answered in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from app.analysis.automl.answers import answers_of
from app.analysis.automl.features.table import RawTable
from app.analysis.automl.forecasting.model import Future
from app.analysis.automl.reference import Tally
from app.analysis.automl.rows import missing_value_warning
from app.analysis.automl.serving import Predictor
from app.analysis.errors import BadRows
from app.analysis.ingest.frame import load_frame
from app.analysis.ingest.jobs import ingest
from app.analysis.progress import silent

Array = npt.NDArray[Any]

CHUNK_ROWS = 10_000
"""Rows that are predicted or spelled out at a time, so that a long file fits into memory."""
PARQUET_MAGIC = b"PAR1"


@dataclass(slots=True)
class FileToPredict:
    """A file as it was read: ``data`` is its Parquet file, ``columns`` the schema of that.

    ``tally`` counts the rows answered so far, where the model carries a reference.
    """

    predictor: Predictor
    data: Path
    rows: int
    columns: list[dict[str, Any]]
    tally: Tally | None = None
    _warnings: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """What was odd about reading, and about the rows answered so far: ``{kind, message,
        column?, rows?}``, one of a kind for each column."""
        return list(self._warnings.values())

    def answers(self) -> Iterator[dict[str, Any]]:
        """One answer for each row, in order (see ``answers.answers_of``); raises as
        :meth:`outputs`."""
        for output in self.outputs():
            for start in range(0, len(output), CHUNK_ROWS):
                yield from answers_of(self.predictor.bundle, output[start : start + CHUNK_ROWS])

    def outputs(self) -> Iterator[Array]:
        """The model's output for all rows, in order, in pieces.

        Raises ``BadRows`` for no rows, a missing required column, or cells that cannot be of
        their column's type, which are named.
        """
        if not self.rows:
            raise BadRows("There are no rows to predict.")
        if self._fits(pq.read_schema(self.data)):
            yield self._by_frame()
        else:
            yield from self._by_rows()

    def tables(self) -> Iterator[RawTable | Future]:
        """The rows as tables, in pieces, not predicted. Raises as :meth:`outputs`."""
        if not self.rows:
            raise BadRows("There are no rows to compare.")
        if self._fits(pq.read_schema(self.data)):
            table, found = self.predictor.read_frame(load_frame(self.data, self.columns))
            self.warn(found)
            yield table
        else:
            yield from self._read_rows()

    def warn(self, warnings: Iterable[dict[str, Any]]) -> None:
        """Add warnings; those of one kind and column become one, their rows summed."""
        for warning in warnings:
            kind, column = key = (warning["kind"], warning.get("column", ""))
            known = self._warnings.setdefault(key, warning)
            if known is not warning and "rows" in warning:
                rows = known["rows"] + warning["rows"]
                counted = missing_value_warning(column, rows)
                told = counted if kind == counted["kind"] else {**known, "rows": rows}
                self._warnings[key] = told

    def _fits(self, schema: pa.Schema) -> bool:
        """Whether each column is physically what the model reads, so that it is read whole."""
        kinds = {entry.name: entry.type for entry in schema}
        return all(
            any(test(kinds[column.name]) for test in _PHYSICAL.get(column.type, _TEXT))
            for column in self.predictor.bundle.columns
            if column.name in kinds
        )

    def _by_frame(self) -> Array:
        table, found = self.predictor.read_frame(load_frame(self.data, self.columns))
        self.warn(found)
        return self._answered(table)

    def _by_rows(self) -> Iterator[Array]:
        for table in self._read_rows():
            yield self._answered(table)

    def _answered(self, table: RawTable | Future) -> Array:
        output = self.predictor.output(table)
        self.count(table, output)
        return output

    def count(self, table: RawTable | Future, output: Array | None) -> None:
        """Add rows, and the answers to them where there are any, to the tally."""
        counted = self.predictor.tally(table, output)
        if self.tally is not None and counted is not None:
            self.tally.add(counted)
        else:
            self.tally = counted

    def _read_rows(self) -> Iterator[RawTable | Future]:
        """The slow way, as rows of JSON go: every cell that does not fit is named."""
        done = 0
        with pq.ParquetFile(self.data) as file:
            for batch in file.iter_batches(CHUNK_ROWS):
                try:
                    table, found = self.predictor.read(batch.to_pylist())
                except BadRows as error:
                    raise _moved(error, done) from None
                self.warn(found)
                yield table
                done += batch.num_rows


_PHYSICAL: dict[str, tuple[Callable[[pa.DataType], bool], ...]] = {
    "integer": (pa.types.is_integer,),
    "number": (pa.types.is_integer, pa.types.is_floating),
    "boolean": (pa.types.is_boolean,),
    "datetime": (pa.types.is_timestamp,),
}
_TEXT = (pa.types.is_string, pa.types.is_large_string)


def read_file(
    predictor: Predictor,
    source: Path,
    filename: str,
    out_dir: Path,
    max_unpacked_bytes: int,
    *,
    truth: bool = False,
) -> FileToPredict:
    """Read a file of any format into ``out_dir`` for ``predictor``; with ``truth`` it is expected
    to hold the model's target, too.

    Raises ``BadTable``, ``TooLarge`` and ``UnsupportedFormat``; that cells do not fit the
    model is found out by :meth:`FileToPredict.answers`.
    """
    options: dict[str, Any] = {}
    with source.open("rb") as file:
        # Parquet declares its types itself; what text holds is read as the model knows it.
        if file.read(len(PARQUET_MAGIC)) != PARQUET_MAGIC:
            options["known_types"] = {c.name: c.type for c in predictor.bundle.columns}
            if truth:
                options["known_types"][predictor.bundle.target] = predictor.bundle.target_type
                weighing = predictor.bundle.recipe.get("weight_column")
                options["known_types"] |= {} if weighing is None else {weighing: "number"}
    read = ingest(
        source=str(source),
        filename=filename,
        out_dir=str(out_dir),
        options=options,
        max_unpacked_bytes=max_unpacked_bytes,
        progress=silent,
    )
    found = FileToPredict(predictor, out_dir / "data.parquet", read["rows"], read["columns"])
    found.warn(read["warnings"])
    return found


def _moved(error: BadRows, by: int) -> BadRows:
    """The same error, its rows counted from the beginning of the file."""
    errors = [{**item, "row": item["row"] + by} for item in error.details.get("errors", [])]
    if not errors:
        return error
    return BadRows(f"Row {errors[0]['row']}: {errors[0]['message']}.", errors=errors)
