"""The child's own side of predicting a file: read, predicted in chunks, written as it goes.

Runs in a child only (see :mod:`app.core.sandbox`); the API process never imports it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from app.analysis.automl.files import read_file
from app.analysis.automl.serving import load
from app.analysis.automl.table_out import csv_lines
from app.analysis.progress import Progress


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
    found = read_file(predictor, Path(source), filename, out, max_unpacked_bytes)
    if max_rows is not None and found.rows > max_rows:
        return {"rows": found.rows, "too_many": True, "warnings": found.warnings}
    progress(0.4)
    with ExitStack() as stack:
        answers = found.answers()
        table = stack.enter_context((out / "predictions.csv").open("w", encoding="utf-8"))
        if max_rows is not None:
            listed = stack.enter_context((out / "predictions.json").open("w", encoding="utf-8"))
            answers = _noted(answers, listed)
        table.writelines(csv_lines(answers))
    return {"rows": found.rows, "too_many": False, "warnings": found.warnings}


def _noted(answers: Iterable[dict[str, Any]], file: IO[str]) -> Iterator[dict[str, Any]]:
    """Passes the answers on, and writes them as a JSON list on the way."""
    mark = "["
    for answer in answers:
        file.write(mark + json.dumps(answer, ensure_ascii=False))
        mark = ", "
        yield answer
    file.write("]")
