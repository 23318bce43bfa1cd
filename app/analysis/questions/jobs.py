"""The jobs that answer questions: what the server runs in a child, and the command line calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.analysis.progress import Progress
from app.analysis.questions.answers import answer
from app.analysis.questions.catalog import Catalog, read_catalog
from app.analysis.questions.engine import Engine
from app.analysis.schema import columns_from_json

_KEPT = 4
"""Catalogs that a warm child remembers."""

_catalogs: dict[tuple[str, ...], Catalog] = {}


def ask(
    *,
    source: str,
    columns: Sequence[Mapping[str, Any]],
    question: str,
    dataset: str = "",
    progress: Progress,
) -> dict[str, Any]:
    """Answer one question about the dataset in the Parquet file ``source``.

    ``dataset`` is its name, which may say what a row is (``flights.csv``). Returns the fields
    of POST /nlq; see :func:`app.analysis.questions.answers.answer`. Raises
    :class:`~app.analysis.errors.BadTable` when the file cannot be read.
    """
    with Engine(source) as engine:
        catalog = _catalog(engine, source, columns, dataset)
        progress(0.5)
        return answer(engine, catalog, question)


def ask_many(
    *,
    source: str,
    columns: Sequence[Mapping[str, Any]],
    questions: Sequence[str],
    out: str,
    dataset: str = "",
    progress: Progress,
) -> dict[str, Any]:
    """Answer ``questions`` in order, one JSON object a line in the file ``out``.

    Returns ``{"questions", "answered"}``, two counts. Raises as :func:`ask` does.
    """
    answered = 0
    with Engine(source) as engine, Path(out).open("w", encoding="utf-8") as lines:
        catalog = _catalog(engine, source, columns, dataset)
        for place, question in enumerate(questions, start=1):
            found = answer(engine, catalog, question)
            answered += found["status"] == "answered"
            lines.write(json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n")
            progress(place / len(questions))
    return {"questions": len(questions), "answered": answered}


def _catalog(
    engine: Engine, source: str, columns: Sequence[Mapping[str, Any]], dataset: str
) -> Catalog:
    """The catalog of ``source``, remembered by a child that is asked again about one file."""
    file = Path(source).stat()
    schema = json.dumps(list(columns), sort_keys=True)
    key = (source, str(file.st_mtime_ns), str(file.st_size), schema, dataset)
    if key not in _catalogs:
        while len(_catalogs) >= _KEPT:
            _catalogs.pop(next(iter(_catalogs)))
        _catalogs[key] = read_catalog(engine, columns_from_json(columns), dataset)
    return _catalogs[key]
