"""Predictions as a CSV. Standard library only: the API process writes one too."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# A spreadsheet runs a text that begins with one of these.
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_PLACE, _BOUNDS = ("time", "series"), ("low", "high")


def csv_lines(
    answers: Iterable[Mapping[str, Any]], *, proba: bool = True, intervals: bool = True
) -> Iterator[str]:
    """The header, then one line for each answer (see ``answers.answers_of``), in order.

    The column is ``prediction``; with ``proba`` there is one ``probability_CLASS`` a class,
    with ``intervals`` there are ``low`` and ``high`` where the model knows them. Answers that say
    their time and series, as a forecast's without rows do, begin with those. A label that a
    spreadsheet would take for a formula gets a leading ``'``; numbers do not.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")

    def line(cells: Iterable[Any]) -> str:
        writer.writerow(cells)
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    headed = False
    for answer in answers:
        place = [name for name in _PLACE if name in answer]
        shares = (proba and answer.get("probabilities")) or {}
        bounds = (intervals and answer.get("interval")) or {}
        if not headed:
            names = [f"probability_{label}" for label in shares]
            yield line([*place, "prediction", *names, *(_BOUNDS if bounds else ())])
            headed = True
        limits = [bounds[name] for name in _BOUNDS] if bounds else ()
        told = [_safe(answer[name]) for name in (*place, "prediction")]
        yield line([*told, *shares.values(), *limits])


def _safe(label: Any) -> Any:
    return f"'{label}" if isinstance(label, str) and label.startswith(_RISKY) else label
