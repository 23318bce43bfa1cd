"""How far rows asked for are from those a model was trained on: size first, then chance.

As in :mod:`app.analysis.profile.drift`: a column has drifted when the change is both large enough
to matter (PSI) and too unlikely to be chance (chi-square, corrected for the number of tests). Many
rows alone never make an alarm, nor do few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.reference import ColumnReference, Reference, Tally
from app.analysis.charts.style import are_years, year
from app.analysis.profile.drift import (
    CHANCE,
    FEWEST_ROWS,
    MISSING_POINTS,
    MODERATE_PSI,
    STRONG_PSI,
    Change,
    corrected,
    counts_change,
    verdict,
)

Array = npt.NDArray[Any]

_ORDER = {"strong": 0, "moderate": 1, "too_few_rows": 2, "none": 3}


def tally_of(reference: Reference, given: Mapping[str, Any]) -> Tally:
    """The inverse of ``Tally.to_json``; counts that do not fit the reference are left out."""
    counts = []
    for column, pairs in zip(reference.columns, given["counts"], strict=True):
        row = np.zeros(column.counts.size, np.intp)
        for place, count in pairs:
            if 0 <= int(place) < row.size:
                row[int(place)] += int(count)
        counts.append(row)
    return Tally(int(given["rows"]), counts)


def judge_drift(reference: Reference, now: Tally) -> dict[str, Any]:
    """``{"drift", "summary", "method"}``: the columns, the most changed first.

    An entry is ``{column, kind, verdict, psi, measure, statistic, p_value, p_corrected, rows,
    missing_share, missing_changed, message}``, with ``{training, now}`` for what has two sides;
    ``verdict`` is ``none``, ``moderate``, ``strong`` or ``too_few_rows``.
    """
    found = [_Found(c, counts) for c, counts in zip(reference.columns, now.counts, strict=True)]
    left = iter(corrected([p for one in found for p in one.p_values]))
    entries = [one.entry([next(left) for _ in one.p_values]) for one in found]
    entries.sort(key=lambda e: (_ORDER[e["verdict"]], -(e["psi"] or 0.0)))
    return {
        "drift": entries,
        "summary": _summary(entries, reference, now),
        "method": {
            "moderate_psi": MODERATE_PSI,
            "strong_psi": STRONG_PSI,
            "p_corrected_below": CHANCE,
            "correction": "holm",
            "tests": sum(len(one.p_values) for one in found),
            "fewest_rows": FEWEST_ROWS,
            "missing_points": MISSING_POINTS,
        },
    }


class _Found:
    """One column, measured."""

    def __init__(self, column: ColumnReference, now: Array) -> None:
        self.column, self.now = column, now
        self.rows = int(column.counts[:-1].sum()), int(now[:-1].sum())
        self.missing = int(column.counts[-1]), int(now[-1])
        self.change: Change | None = None
        if min(self.rows):
            self.change = counts_change(column.counts[:-1], now[:-1])
        self.missing_p: float | None = None
        if any(self.missing) and self.rows[1] + self.missing[1]:
            cells = np.array([self.rows, self.missing])
            self.missing_p = counts_change(cells[:, 0], cells[:, 1]).p_value

    @property
    def p_values(self) -> list[float]:
        found = [] if self.missing_p is None else [self.missing_p]
        return found if self.change is None else [*found, self.change.p_value]

    def entry(self, p_values: Sequence[float]) -> dict[str, Any]:
        left, change = list(p_values), self.change
        shares = [_share(m, m + r) for m, r in zip(self.missing, self.rows, strict=True)]
        emptier = False
        if self.missing_p is not None:
            unlikely = left.pop(0) < CHANCE
            enough = sum((self.rows[1], self.missing[1])) >= FEWEST_ROWS
            emptier = unlikely and enough and abs(shares[1] - shares[0]) >= MISSING_POINTS
        found: dict[str, Any] = {
            "column": self.column.name,
            "kind": self.column.kind,
            "verdict": "too_few_rows",
            **dict.fromkeys(("psi", "measure", "statistic", "p_value", "p_corrected")),
            "rows": _both(self.rows),
            "missing_share": _both(shares),
            "missing_changed": emptier,
        }
        if change is not None:
            found |= {
                "verdict": verdict(change.psi, left[0], self.rows),
                "psi": round(change.psi, 6),
                "measure": change.measure,
                "statistic": change.statistic,
                "p_value": change.p_value,
                "p_corrected": left[0],
            }
        return {**found, "message": self._message(found)}

    def _message(self, entry: Mapping[str, Any]) -> str:
        said = []
        if entry["verdict"] == "too_few_rows":
            said.append("Too few rows to say.")
        elif entry["verdict"] != "none":
            size = "Differs strongly" if entry["verdict"] == "strong" else "Differs"
            said.append(f"{size} (PSI {entry['psi']:.2f}): {self._most()}.")
        if entry["missing_changed"]:
            before, after = (f"{share:.0%}" for share in entry["missing_share"].values())
            said.append(f"Missing in {before} of the training rows, {after} now.")
        return " ".join(said)

    def _most(self) -> str:
        """The bin whose share has changed most, in words."""
        shares = [row[:-1] / max(1, row[:-1].sum()) for row in (self.column.counts, self.now)]
        place = int(np.argmax(np.abs(shares[1] - shares[0])))
        before, after = (f"{float(share[place]):.0%}" for share in shares)
        return f"{_named(self.column, place)}: {before} of the training rows, {after} now"


def _named(column: ColumnReference, place: int) -> str:
    """The values of a bin, in words."""
    if column.kind == "category":
        if place < len(column.levels):
            return f"“{column.levels[place]}”"
        return "rarer values" if place == len(column.levels) else "values that training never held"
    what = "words and pairs of words, " if column.kind == "text" else ""
    # The first edge lies just below the least value.
    years = column.kind == "number" and are_years(column.edges[1:])
    edges = [year(edge) if years else _spelled(edge, column.kind) for edge in column.edges]
    if place == 0:
        return f"{what}below any training row"
    if place == len(edges):
        return f"{what}above {edges[-1]}, and so above any training row"
    if place == 1:
        return f"{what}up to {edges[1]}" if len(edges) > 1 else f"{what}{edges[0]}"
    return f"{what}{edges[place - 1]} to {edges[place]}"


def _spelled(value: float, kind: str) -> str:
    if kind != "time":
        return f"{value:,.6g}"
    try:
        return datetime.fromtimestamp(float(value), UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return f"{value:,.6g} s"


def _summary(entries: Sequence[Mapping[str, Any]], reference: Reference, now: Tally) -> list[str]:
    said = [f"{now.rows:,} rows, compared with {reference.rows:,} training rows."]
    drifted = [e["column"] for e in entries if e["verdict"] in ("moderate", "strong")]
    few = [e for e in entries if e["verdict"] == "too_few_rows"]
    if drifted:
        shown = ", ".join(drifted[:8]) + (" …" if len(drifted) > 8 else "")
        said.append(f"{len(drifted):,} of {len(entries):,} columns differ: {shown}.")
    elif len(few) < len(entries):
        said.append("No column differs by more than chance and habit.")
    emptier = [e["column"] for e in entries if e["missing_changed"]]
    if emptier:
        said.append(f"More or fewer cells are missing in {', '.join(emptier[:8])}.")
    if few:
        said.append(f"Too few rows to say anything of {len(few):,} of {len(entries):,} columns.")
    if reference.left_out:
        said.append(f"{reference.left_out:,} less important columns are not watched.")
    return said


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _both(pair: Sequence[Any]) -> dict[str, Any]:
    return {"training": pair[0], "now": pair[1]}
