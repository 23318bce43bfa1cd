"""Predictions as a CSV table: ``prediction``, then one ``probability_CLASS`` a class."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# A spreadsheet runs a text that begins with one of these.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_chunks(predictions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """CSV text for predictions of one model: the header, then one line a row, in order.

    An interval becomes the columns ``low`` and ``high``; an explanation has no place in a
    table. Text labels that a spreadsheet would run as a formula get a leading ``'``.
    """
    columns: list[str] | None = None
    for prediction in predictions:
        cells = _cells(prediction)
        if columns is None:
            columns = list(cells)
            yield _line(columns)
        yield _line(_neutral(cells[column]) for column in columns)


def _cells(prediction: Mapping[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {"prediction": prediction["prediction"]}
    for label, probability in (prediction.get("probabilities") or {}).items():
        cells[f"probability_{label}"] = probability
    if interval := prediction.get("interval"):
        cells["low"], cells["high"] = interval["low"], interval["high"]
    return cells


def _line(cells: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def _neutral(cell: Any) -> Any:
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS):
        return "'" + cell
    return cell
