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
from app.analysis.automl.rows import together
from app.analysis.automl.serving import Predictor
from app.analysis.errors import BadRows
from app.analysis.ingest.frame import load_frame, load_frames
from app.analysis.ingest.jobs import ingest
from app.analysis.progress import silent

Array = npt.NDArray[Any]
_Reader = Callable[[Any], tuple[RawTable | Future, list[dict[str, Any]]]]

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
        column?, rows?, values?}``, one of a kind for each column."""
        return list(self._warnings.values())

    def answers(self) -> Iterator[dict[str, Any]]:
        """One answer for each row, in order (see ``answers.answers_of``); raises as
        :meth:`outputs`."""
        for output in self.outputs():
            # That of a forecast comes whole.
            for start in range(0, len(output), CHUNK_ROWS):
                yield from answers_of(self.predictor.bundle, output[start : start + CHUNK_ROWS])

    def outputs(self) -> Iterator[Array]:
        """The model's output for all rows, in order, in pieces.

        Raises ``BadRows`` for no rows, a missing required column, or cells that cannot be of
        their column's type, which are named.
        """
        if not self.rows:
            raise BadRows("There are no rows to predict.")
        for table in self._read():
            output = self.predictor.output(table)
            self.count(table, output)
            yield output

    def tables(self) -> Iterator[RawTable | Future]:
        """The rows as tables, in pieces, not predicted. Raises as :meth:`outputs`."""
        if not self.rows:
            raise BadRows("There are no rows to compare.")
        yield from self._read()

    def warn(self, warnings: Iterable[dict[str, Any]]) -> None:
        """Add warnings; those of one kind and column become one, their rows summed."""
        for warning in warnings:
            key = (warning["kind"], warning.get("column", ""))
            known = self._warnings.get(key)
            self._warnings[key] = warning if known is None else together(known, warning)

    def _fits(self, schema: pa.Schema) -> bool:
        """Whether each column is physically what the model reads, so that no cell is looked at."""
        kinds = {entry.name: entry.type for entry in schema}
        return all(
            any(test(kinds[column.name]) for test in _PHYSICAL.get(column.type, _TEXT))
            for column in self.predictor.bundle.columns
            if column.name in kinds
        )

    def count(self, table: RawTable | Future, output: Array | None) -> None:
        """Add rows, and the answers to them where there are any, to the tally."""
        counted = self.predictor.tally(table, output)
        if self.tally is not None and counted is not None:
            self.tally.add(counted)
        else:
            self.tally = counted

    def _read(self) -> Iterator[RawTable | Future]:
        """The rows as tables, in pieces: as frames where they fit, else the slow way, as rows of
        JSON go, where every cell that does not fit is named."""
        fits, done = self._fits(pq.read_schema(self.data)), 0
        read: _Reader = self.predictor.read_frame if fits else self.predictor.read
        for piece in self._frames() if fits else self._rows():
            try:
                table, found = read(piece)
            except BadRows as error:
                raise _moved(error, done) from None
            self.warn(found)
            yield table
            done += table.rows

    def _frames(self) -> Iterator[Any]:
        if self.predictor.bundle.task == "forecast":
            # Its rows are few beside those it learned from, and are told of together.
            yield load_frame(self.data, self.columns)
        else:
            yield from load_frames(self.data, self.columns, CHUNK_ROWS)

    def _rows(self) -> Iterator[Any]:
        with pq.ParquetFile(self.data) as file:
            for batch in file.iter_batches(CHUNK_ROWS):
                yield batch.to_pylist()


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
    here = f"Row {errors[0]['row'] - by}:"
    message = error.message.replace(here, f"Row {errors[0]['row']}:", 1)
    return BadRows(message, errors=errors)
