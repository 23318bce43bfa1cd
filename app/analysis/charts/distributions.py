"""Descriptions of how values spread: histograms and boxes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.analysis.charts.spec import Chart
from app.analysis.charts.style import are_years, number

MAX_OUTLIERS = 60
"""Values drawn beyond the whiskers of one box at most, the extremes among them."""

FAR = 3.0
"""How many times as far as the whiskers reach, all in all, outliers are drawn beyond them."""


@dataclass(frozen=True, slots=True)
class Box:
    """Five numbers and some outliers of one group of ``n`` values, in the values' unit."""

    label: str
    low: float | None
    q1: float | None
    median: float | None
    q3: float | None
    high: float | None
    n: int
    outliers: tuple[float, ...] = ()

    @classmethod
    def of(cls, label: str, values: Sequence[float]) -> Box:
        """The box of ``values``: quartiles by linear interpolation, whiskers to the last value
        within 1.5 interquartile ranges (Tukey, "Exploratory Data Analysis", 1977)."""
        kept = sorted(v for v in values if v is not None and math.isfinite(v))
        if not kept:
            return cls(label, None, None, None, None, None, 0)
        q1, median, q3 = (_quantile(kept, share) for share in (0.25, 0.5, 0.75))
        reach = 1.5 * (q3 - q1)
        inside = [v for v in kept if q1 - reach <= v <= q3 + reach] or [median]
        beyond = [v for v in kept if v < q1 - reach or v > q3 + reach]
        return cls(label, inside[0], q1, median, q3, inside[-1], len(kept), _some(beyond))


def histogram(
    name: str,
    title: str,
    edges: Sequence[Any],
    counts: Mapping[str, Sequence[float]],
    *,
    x_label: str,
    y_label: str = "rows",
    kind: str = "histogram",
    time: bool = False,
    unit: str | None = None,
    notes: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Chart:
    """Counts between ``edges`` (one more than counts), one layer a series of ``counts``."""
    return Chart(
        name=name,
        title=title,
        kind=kind,
        x_label=x_label,
        y_label=y_label,
        unit=unit,
        data={
            "edges": edges,
            "time": time,
            "series": [{"name": key, "counts": values} for key, values in counts.items()],
        },
        notes=tuple(notes),
        columns=tuple(columns),
    )


def box(
    name: str,
    title: str,
    boxes: Sequence[Box],
    *,
    label_axis: str,
    value_axis: str,
    unit: str | None = None,
    notes: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Chart:
    """One box a group, lying, in the order given.

    Outliers so far out that the boxes would be lines beside them are told, not drawn.
    """
    ends = [end for b in boxes for end in (b.low, b.high) if end is not None]
    reach = FAR * (max(ends) - min(ends)) if ends else 0.0
    low, high = (min(ends) - reach, max(ends) + reach) if reach else (-math.inf, math.inf)
    far = [v for b in boxes for v in b.outliers if not low <= v <= high]
    told = list(notes)
    if far:
        farthest = max(far, key=lambda value: max(low - value, value - high))
        text = number(farthest, years=are_years([*ends, *far]))
        told.append(f"Values far beyond are not drawn; the farthest is {text}.")
    rows = [
        {
            "label": b.label,
            "low": b.low,
            "q1": b.q1,
            "median": b.median,
            "q3": b.q3,
            "high": b.high,
            "n": b.n,
            "outliers": [v for v in b.outliers if low <= v <= high],
        }
        for b in boxes
    ]
    return Chart(
        name=name,
        title=title,
        kind="box",
        x_label=value_axis,
        y_label=label_axis,
        unit=unit,
        data={"boxes": rows},
        notes=tuple(told),
        columns=tuple(columns),
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    part = place - low
    return ordered[low] * (1 - part) + ordered[high] * part


def _some(beyond: Sequence[float]) -> tuple[float, ...]:
    if len(beyond) <= MAX_OUTLIERS:
        return tuple(beyond)
    step = (len(beyond) - 1) / (MAX_OUTLIERS - 1)
    return tuple(beyond[round(i * step)] for i in range(MAX_OUTLIERS))
