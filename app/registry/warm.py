"""The children's own side of predicting: models loaded once and kept, files read and predicted.

Runs in a child only (see :mod:`app.core.sandbox`); the API process never imports it.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.analysis.automl.answers import answers_of
from app.analysis.automl.serving import Predictor, load
from app.analysis.ingest.frame import load_frame
from app.analysis.ingest.jobs import ingest
from app.analysis.progress import Progress, silent
from app.registry.table import csv_chunks

# What loaded models may take together, by the size of their files; memory is a few times that.
LOADED_BYTES = 256 * 1024 * 1024
# Rows that are spelled out at a time, so that a long file does not fill the memory.
CHUNK_ROWS = 10_000

_loaded: OrderedDict[str, tuple[int, Predictor]] = OrderedDict()


def loaded(model: str, sha256: str) -> Predictor:
    """The predictor of a bundle, loaded at most once; those unused for longest are let go."""
    if sha256 not in _loaded:
        path = Path(model)
        _loaded[sha256] = (path.stat().st_size, load(path, sha256))
    _loaded.move_to_end(sha256)
    while len(_loaded) > 1 and sum(size for size, _ in _loaded.values()) > LOADED_BYTES:
        _loaded.popitem(last=False)
    return _loaded[sha256][1]


def predict_rows(
    *,
    model: str,
    sha256: str,
    rows: list[dict[str, Any]],
    explain: bool,
    progress: Progress,  # noqa: ARG001 (part of every job's interface)
) -> dict[str, Any]:
    """Predict rows by the bundle at ``model``: ``{"predictions", "warnings"}``.

    Raises ``BadModel`` and ``BadRows``.
    """
    return loaded(model, sha256).predict_rows(rows, explain=explain)


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
    out, predictor = Path(out_dir), loaded(model, sha256)
    types = {c.name: c.type for c in predictor.bundle.columns if c.type != "constant"}
    read = ingest(
        source=source,
        filename=filename,
        out_dir=out_dir,
        options={"types": types},
        max_unpacked_bytes=max_unpacked_bytes,
        progress=silent,
    )
    progress(0.4)
    rows, warnings = read["rows"], read["warnings"]
    if rows == 0 or (max_rows is not None and rows > max_rows):
        return {"rows": rows, "too_many": rows > 0, "warnings": warnings}
    output, more = predictor.predict_frame(load_frame(out / "data.parquet", read["columns"]))
    progress(0.7)
    with (out / "predictions.csv").open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_chunks(_answers(predictor, output)))
    if max_rows is not None:
        with (out / "predictions.json").open("w", encoding="utf-8") as file:
            file.writelines(_json_list(_answers(predictor, output)))
    return {"rows": rows, "too_many": False, "warnings": [*warnings, *more]}


def _answers(predictor: Predictor, output: Any) -> Iterator[dict[str, Any]]:
    for start in range(0, len(output), CHUNK_ROWS):
        yield from answers_of(predictor.bundle, output[start : start + CHUNK_ROWS])


def _json_list(items: Iterator[dict[str, Any]]) -> Iterator[str]:
    mark = "["
    for item in items:
        yield mark + json.dumps(item, ensure_ascii=False)
        mark = ", "
    yield "]"
