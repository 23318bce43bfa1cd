"""Predictions as a CSV. Standard library only: the API process writes one too."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# A spreadsheet runs a text that begins with one of these.
_RISKY = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(
    answers: Iterable[Mapping[str, Any]], *, proba: bool = True, intervals: bool = True
) -> Iterator[str]:
    """The header, then one line for each answer (see ``answers.answers_of``), in order.

    The column is ``prediction``; with ``proba`` there is one ``probability_CLASS`` a class,
    with ``intervals`` there are ``low`` and ``high`` where the model knows them. Answers that say
    their time and series, as a forecast's without rows do, begin with those. A label that a
    spreadsheet would take for a formula gets a leading ``'``; numbers do not.
    """
    columns: list[str] | None = None
    for answer in answers:
        named = {k: _safe(answer[k]) for k in ("time", "series") if k in answer}
        cells: dict[str, Any] = {**named, "prediction": _safe(answer["prediction"])}
        if proba:
            shares = answer.get("probabilities") or {}
            cells |= {f"probability_{label}": share for label, share in shares.items()}
        if intervals and (interval := answer.get("interval")):
            cells |= {"low": interval["low"], "high": interval["high"]}
        if columns is None:
            columns = list(cells)
            yield _line(columns)
        yield _line(cells[column] for column in columns)


def _line(cells: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def _safe(label: Any) -> Any:
    return f"'{label}" if isinstance(label, str) and label.startswith(_RISKY) else label
