"""The child's own side of files: predicted in chunks and written as it goes, judged, compared.

Runs in a child only (see :mod:`app.core.sandbox`); the API process never imports it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO, Any

from app.analysis.automl.evaluation import check_evaluable, evaluate
from app.analysis.automl.files import read_file
from app.analysis.automl.monitoring import judge_drift
from app.analysis.automl.serving import load
from app.analysis.automl.table_out import TOGETHER, csv_lines
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
    "warnings", "tally"}``. Raises ``BadModel``, ``BadRows``, ``BadTable``, ``TooLarge`` and
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
    tally = None if found.tally is None else found.tally.to_json()
    return {"rows": found.rows, "too_many": False, "warnings": found.warnings, "tally": tally}


def evaluate_file(
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
    """Judge the model by a file that holds its target: ``evaluation.json`` under ``out_dir``.

    A file of more than ``max_rows`` is counted and not judged by. Returns ``{"rows", "too_many",
    "warnings"}``. Raises as :func:`predict_file`.
    """
    out, predictor = Path(out_dir), load(model, sha256)
    check_evaluable(predictor.bundle)
    found = read_file(predictor, Path(source), filename, out, max_unpacked_bytes, truth=True)
    if max_rows is not None and found.rows > max_rows:
        return {"rows": found.rows, "too_many": True, "warnings": found.warnings}
    progress(0.4)
    judged = evaluate(found)
    (out / "evaluation.json").write_text(json.dumps(judged, ensure_ascii=False), "utf-8")
    return {"rows": found.rows, "too_many": False, "warnings": found.warnings}


def compare_file(
    *,
    model: str,
    sha256: str,
    source: str,
    filename: str,
    out_dir: str,
    max_unpacked_bytes: int,
    progress: Progress,  # noqa: ARG001 (part of every job's interface)
) -> dict[str, Any]:
    """How far a file's rows are from those the model was trained on, as
    :func:`app.registry.warm.judge_tally` tells, with ``rows`` and ``warnings``.

    Raises as :func:`predict_file`.
    """
    predictor = load(model, sha256)
    found = read_file(predictor, Path(source), filename, Path(out_dir), max_unpacked_bytes)
    for table in found.tables():
        found.count(table, None)
    reference = predictor.bundle.reference
    judged: dict[str, Any] = {"drift": [], "summary": [], "method": None}
    if reference is not None and found.tally is not None:
        judged = judge_drift(reference.inputs(), found.tally.inputs(reference))
    return {**judged, "rows": found.rows, "warnings": found.warnings}


def _noted(answers: Iterable[dict[str, Any]], file: IO[str]) -> Iterator[dict[str, Any]]:
    """Passes the answers on, and writes them as a JSON list on the way, some together."""
    encode, mark, coming = json.JSONEncoder(ensure_ascii=False).encode, "[", iter(answers)
    while some := list(islice(coming, TOGETHER)):
        file.write(mark + encode(some)[1:-1])
        mark = ", "
        yield from some
    file.write("]")
