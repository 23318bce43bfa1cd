"""The child's own side of predicting a file: read, predicted in chunks, written as it goes.

Runs in a child only (see :mod:`app.core.sandbox`); the API process never imports it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from app.analysis.automl.answers import answers_of
from app.analysis.automl.rows import missing_value_warning
from app.analysis.automl.serving import Predictor, load
from app.analysis.errors import BadRows
from app.analysis.ingest.frame import load_frame
from app.analysis.ingest.jobs import ingest
from app.analysis.progress import Progress, silent
from app.registry.table import csv_chunks

# Rows that are predicted or spelled out at a time, so that a long file does not fill the memory.
CHUNK_ROWS = 10_000
PARQUET_MAGIC = b"PAR1"

Answers = Iterator[dict[str, Any]]


def predict_file(
    *,
    model: str,
    sha256: str,
    source: str,
    filename: str,
    out_dir: str,
    max_rows: int | None,
    max_unpacked_bytes: int,
    progress: Progress,
) -> dict[str, Any]:
    """Predict a file of any format into ``predictions.csv`` under ``out_dir``.

    With ``max_rows`` also into ``predictions.json``, the list as the API answers it; a file
    of more rows is then counted and not predicted. Returns ``{"rows", "too_many",
    "warnings"}``. Raises ``BadModel``, ``BadRows``, ``BadTable``, ``TooLarge`` and
    ``UnsupportedFormat``.
    """
    out, predictor = Path(out_dir), load(model, sha256)
    read = ingest(
        source=source,
        filename=filename,
        out_dir=out_dir,
        options=_reading_options(predictor, Path(source)),
        max_unpacked_bytes=max_unpacked_bytes,
        progress=silent,
    )
    rows, warnings = read["rows"], _Warnings()
    warnings.add(read["warnings"])
    if rows == 0 or (max_rows is not None and rows > max_rows):
        return {"rows": rows, "too_many": rows > 0, "warnings": warnings.all()}
    progress(0.4)
    data = out / "data.parquet"
    if _fits(predictor, pq.read_schema(data)):
        answers = _by_frame(predictor, data, read["columns"], warnings)
    else:
        answers = _by_rows(predictor, data, warnings)
    with ExitStack() as stack:
        table = stack.enter_context((out / "predictions.csv").open("w", encoding="utf-8"))
        if max_rows is not None:
            listed = stack.enter_context((out / "predictions.json").open("w", encoding="utf-8"))
            answers = _noted(answers, listed)
        table.writelines(csv_chunks(answers))
    return {"rows": rows, "too_many": False, "warnings": warnings.all()}


def _reading_options(predictor: Predictor, source: Path) -> dict[str, Any]:
    """Text is read with the types that the model learned from; Parquet declares its own."""
    with source.open("rb") as file:
        if file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC:
            return {}
    return {"known_types": {c.name: c.type for c in predictor.bundle.columns}}


_PHYSICAL: dict[str, tuple[Callable[[pa.DataType], bool], ...]] = {
    "integer": (pa.types.is_integer,),
    "number": (pa.types.is_integer, pa.types.is_floating),
    "boolean": (pa.types.is_boolean,),
    "datetime": (pa.types.is_timestamp,),
}
_TEXT = (pa.types.is_string, pa.types.is_large_string)


def _fits(predictor: Predictor, schema: pa.Schema) -> bool:
    """Whether every column is physically what the model reads, so that it can be read whole."""
    kinds = {field.name: field.type for field in schema}
    return all(
        any(test(kinds[column.name]) for test in _PHYSICAL.get(column.type, _TEXT))
        for column in predictor.bundle.columns
        if column.name in kinds
    )


def _by_frame(
    predictor: Predictor, data: Path, columns: list[dict[str, Any]], warnings: _Warnings
) -> Answers:
    output, found = predictor.predict_frame(load_frame(data, columns))
    warnings.add(found)
    for start in range(0, len(output), CHUNK_ROWS):
        yield from answers_of(predictor.bundle, output[start : start + CHUNK_ROWS])


def _by_rows(predictor: Predictor, data: Path, warnings: _Warnings) -> Answers:
    """The slow way, as JSON rows go: every cell that does not fit is named."""
    done = 0
    with pq.ParquetFile(data) as file:
        for batch in file.iter_batches(CHUNK_ROWS):
            try:
                found = predictor.predict_rows(batch.to_pylist())
            except BadRows as error:
                raise _moved(error, done) from None
            warnings.add(found["warnings"])
            yield from found["predictions"]
            done += batch.num_rows


def _moved(error: BadRows, by: int) -> BadRows:
    """The same error, its rows counted from the beginning of the file."""
    errors = [{**item, "row": item["row"] + by} for item in error.details.get("errors", [])]
    if not errors:
        return error
    message = f"Row {errors[0]['row']}: {errors[0]['message']}."
    return BadRows(message, errors=errors)


def _noted(answers: Iterable[dict[str, Any]], file: IO[str]) -> Answers:
    """Passes the answers on, and writes them as a JSON list on the way."""
    mark = "["
    for answer in answers:
        file.write(mark + json.dumps(answer, ensure_ascii=False))
        mark = ", "
        yield answer
    file.write("]")


class _Warnings:
    """The warnings of all chunks, one of a kind for each column."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], dict[str, Any]] = {}

    def add(self, warnings: Iterable[dict[str, Any]]) -> None:
        for warning in warnings:
            key = (warning["kind"], warning.get("column", ""))
            known = self._found.setdefault(key, warning)
            if known is not warning and "rows" in warning:
                rows = known["rows"] + warning["rows"]
                counted = missing_value_warning(key[1], rows)
                renewed = counted if key[0] == counted["kind"] else {**known, "rows": rows}
                self._found[key] = renewed

    def all(self) -> list[dict[str, Any]]:
        return list(self._found.values())
