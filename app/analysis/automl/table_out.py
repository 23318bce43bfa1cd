"""Predictions as a CSV. Standard library only: the API process writes one too."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

TOGETHER = 1_000
"""Answers that are spelled out at a time."""
# A spreadsheet runs a text that begins with one of these.
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_PLACE, _BOUNDS = ("time", "series"), ("low", "high")


def csv_lines(
    answers: Iterable[Mapping[str, Any]], *, proba: bool = True, intervals: bool = True
) -> Iterator[str]:
    """The header, then a line for each answer (see ``answers.answers_of``), in order; some lines
    come together.

    The column is ``prediction``; with ``proba`` there is one ``probability_CLASS`` a class,
    with ``intervals`` there are ``low`` and ``high`` where the model knows them. Answers that say
    their time and series, as a forecast's without rows do, begin with those. A label that a
    spreadsheet would take for a formula gets a leading ``'``; numbers do not.
    """
    coming = iter(answers)
    some = list(islice(coming, TOGETHER))
    if not some:
        return
    place = [name for name in _PLACE if name in some[0]]
    labels = list(some[0].get("probabilities") or ()) if proba else []
    bounds = list(_BOUNDS) if intervals and any("interval" in one for one in some) else []

    def cells(answer: Mapping[str, Any]) -> list[Any]:
        told = [_safe(answer[name]) for name in (*place, "prediction")]
        if labels:
            told += answer["probabilities"].values()
        if bounds:
            known = answer.get("interval", {})
            told += [known.get(name) for name in bounds]
        return told

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*place, "prediction", *(f"probability_{label}" for label in labels), *bounds])
    while some:
        writer.writerows(map(cells, some))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        some = list(islice(coming, TOGETHER))


def _safe(label: Any) -> Any:
    return f"'{label}" if isinstance(label, str) and label.startswith(_RISKY) else label
