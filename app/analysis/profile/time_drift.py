"""What changes while the rows go on: the first third of them beside the last, by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.analysis.profile.associations import pearson, ranks
from app.analysis.profile.drift import (
    CHANCE,
    FEWEST_ROWS,
    MISSING_POINTS,
    Change,
    corrected,
    counts_change,
    numbers_change,
    verdict,
)
from app.analysis.profile.facts import Facts
from app.analysis.profile.source import Array
from app.analysis.profile.temporal import iso

MOST_COLUMNS = 200
"""Columns that are compared; what is left out is told."""

CLOCK = 0.95
"""A rank correlation with time from which on a column is a clock itself, such as a year."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The places of the first and of the last third of the sampled rows, by ``time``."""

    time: Facts
    first: Array
    last: Array


def clock_of(facts: Sequence[Facts]) -> Facts | None:
    """The column of the rows' own times: of all times that with the most values."""
    times = [f for f in facts if f.role == "time" and f.numbers is not None]
    # Of equals the first in the table.
    return max(times, key=lambda f: f.profile["count"], default=None)


def parts_by_time(facts: Sequence[Facts]) -> Parts | None:
    """By the column of times with the most values; ``None`` where no column parts the rows."""
    time = clock_of(facts)
    if time is None or time.numbers is None:
        return None
    order = np.argsort(time.numbers, kind="stable")  # NaN at the end
    order = order[: int(np.isfinite(time.numbers).sum())]
    third = len(order) // 3
    if third < FEWEST_ROWS or time.numbers[order[third - 1]] == time.numbers[order[-third]]:
        return None
    return Parts(time, order[:third], order[-third:])


def drift_over_time(facts: Sequence[Facts], target: str | None) -> dict[str, Any] | None:
    """``{column, first, last, tested, left_out, columns, missing}``: the columns that changed, and
    those whose cells went missing or came, most first.

    On the sampled rows, by the measures of a comparison, p-values corrected by Holm. Columns
    that go with time by themselves, such as the year, are left out of the former.
    """
    parts = parts_by_time(facts)
    if parts is None:
        return None
    fitting = [f for f in facts if f.role in ("numeric", "category") and not _is_clock(f, parts)]
    fitting.sort(key=lambda f: f.name != target)
    measured = [(f, *found) for f in fitting[:MOST_COLUMNS] if (found := _change(f, parts))]
    emptier = [gone for f in facts if f is not parts.time and (gone := _missing(f, parts))]
    chances = [change.p_value for _, change, _ in measured] + [p_value for *_, p_value in emptier]
    p_values = corrected(chances)
    columns = []
    for (f, change, rows), p_value in zip(measured, p_values[: len(measured)], strict=True):
        judged = verdict(change.psi, p_value, rows)
        if judged in ("moderate", "strong"):
            columns.append(
                {
                    "name": f.name,
                    "measure": change.measure,
                    "statistic": change.statistic,
                    "psi": change.psi,
                    "p_corrected": p_value,
                    "verdict": judged,
                }
            )
    return {
        "column": parts.time.name,
        "first": _span(parts, parts.first),
        "last": _span(parts, parts.last),
        "tested": len(measured),
        "left_out": max(0, len(fitting) - MOST_COLUMNS),
        "columns": sorted(columns, key=lambda row: -float(str(row["psi"]))),
        "missing": _told(emptier, p_values[len(measured) :]),
    }


_Emptier = tuple[Facts, tuple[float, float], float]
"""A column, the share of its cells that are missing in either part, and the chance of that."""


def _missing(facts: Facts, parts: Parts) -> _Emptier | None:
    gone = [np.count_nonzero(facts.absent[places]) for places in (parts.first, parts.last)]
    if not any(gone):
        return None
    rows = len(parts.first), len(parts.last)
    cells = [np.array([n - missing, missing]) for n, missing in zip(rows, gone, strict=True)]
    shares = gone[0] / rows[0], gone[1] / rows[1]
    return facts, shares, counts_change(*cells).p_value


def _told(emptier: Sequence[_Emptier], p_values: Sequence[float]) -> list[dict[str, Any]]:
    rows = [
        {"name": f.name, "first": first, "last": last, "p_corrected": p_value}
        for (f, (first, last), _), p_value in zip(emptier, p_values, strict=True)
        if p_value < CHANCE and abs(last - first) >= MISSING_POINTS
    ]
    return sorted(rows, key=lambda row: -abs(float(str(row["last"])) - float(str(row["first"]))))


def _span(parts: Parts, places: Array) -> dict[str, Any]:
    assert parts.time.numbers is not None
    ends = parts.time.numbers[places[[0, -1]]]
    return {"from": iso(int(ends[0])), "to": iso(int(ends[1])), "rows": len(places)}


def _is_clock(facts: Facts, parts: Parts) -> bool:
    if facts.numbers is None or parts.time.numbers is None:
        return False
    both = np.isfinite(facts.numbers) & np.isfinite(parts.time.numbers)
    columns = [ranks(side[both]) for side in (facts.numbers, parts.time.numbers)]
    r = pearson(np.column_stack(columns))[0][0, 1] if both.sum() > 2 else 0.0
    return bool(abs(r) >= CLOCK)


def _change(facts: Facts, parts: Parts) -> tuple[Change, tuple[int, int]] | None:
    """The change, and the values present in either part; ``None`` where they are too few."""
    if facts.codes is not None:
        sides = [facts.codes[places] for places in (parts.first, parts.last)]
        counts = [np.bincount(side[side >= 0], minlength=len(facts.levels)) for side in sides]
        rows = int(counts[0].sum()), int(counts[1].sum())
        return (counts_change(*counts), rows) if min(rows) >= FEWEST_ROWS else None
    if facts.numbers is None:
        return None
    ordered = [np.sort(facts.numbers[places]) for places in (parts.first, parts.last)]
    ordered = [side[np.isfinite(side)] for side in ordered]
    rows = len(ordered[0]), len(ordered[1])
    return (numbers_change(*ordered), rows) if min(rows) >= FEWEST_ROWS else None
