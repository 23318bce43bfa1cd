"""Descriptions of line charts: time, ROC, precision-recall, calibration, learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.analysis.charts.spec import Chart
from app.analysis.charts.style import number

MAX_POINTS = 2_000
"""Points a line holds at most; more cannot be seen on 1,000 pixels."""


def line(
    name: str,
    title: str,
    x: Sequence[Any],
    series: Mapping[str, Sequence[float | None]],
    *,
    x_label: str = "",
    y_label: str = "",
    kind: str = "line",
    time: bool = False,
    bands: Mapping[str, tuple[Sequence[float | None], Sequence[float | None]]] | None = None,
    dashed: Sequence[str] = (),
    markers: bool | None = None,
    unit: str | None = None,
    years: bool = False,
    notes: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Chart:
    """One line a series over a shared ``x``: numbers, or with ``time`` ISO times in UTC.

    ``bands`` gives a series its lower and upper bound, drawn as a shaded strip.
    ``years`` says that the values are years, or means of them.
    """
    rows: list[dict[str, Any]] = []
    for key, values in series.items():
        row: dict[str, Any] = {"name": key, "x": x, "y": values, "dashed": key in dashed}
        if bands and key in bands:
            row["lower"], row["upper"] = bands[key]
        rows.append(row)
    marked = len(x) <= 30 if markers is None else markers
    return Chart(
        name=name,
        title=title,
        kind=kind,
        x_label=x_label,
        y_label=y_label,
        unit=unit,
        data={"series": rows, "time": time, "markers": marked} | ({"years": True} if years else {}),
        notes=tuple(notes),
        columns=tuple(columns),
    )


Curves = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""Label of a curve → its x and its y."""


def roc(name: str, title: str, curves: Curves, *, notes: Sequence[str] = ()) -> Chart:
    """ROC curves: label → (false positive rates, true positive rates), with the line of chance."""
    return _unit_square(
        name,
        title,
        _rows(curves, "chance", (0.0, 1.0)),
        kind="roc",
        labels=("false positive rate", "true positive rate"),
        notes=notes,
    )


def precision_recall(
    name: str, title: str, curves: Curves, *, base_rate: float, notes: Sequence[str] = ()
) -> Chart:
    """Precision-recall curves: label → (recalls, precisions), with the base rate as chance."""
    return _unit_square(
        name,
        title,
        _rows(curves, f"chance ({number(base_rate)})", (base_rate, base_rate)),
        kind="precision_recall",
        labels=("recall", "precision"),
        notes=notes,
    )


def calibration(name: str, title: str, curves: Curves, *, notes: Sequence[str] = ()) -> Chart:
    """Reliability: label → (mean predicted probability, observed share) of each bin."""
    return _unit_square(
        name,
        title,
        _rows(curves, "perfect", (0.0, 1.0)),
        kind="calibration",
        labels=("predicted probability", "observed share"),
        markers=True,
        notes=notes,
    )


def learning_curve(
    name: str,
    title: str,
    rows: Sequence[float],
    scores: Mapping[str, Sequence[float | None]],
    *,
    metric: str,
    bands: Mapping[str, tuple[Sequence[float | None], Sequence[float | None]]] | None = None,
    notes: Sequence[str] = (),
) -> Chart:
    """The score over the number of training rows, one line for each of ``scores``."""
    return line(
        name,
        title,
        rows,
        scores,
        x_label="training rows",
        y_label=metric,
        kind="learning_curve",
        bands=bands,
        markers=True,
        notes=notes,
    )


def thinned(count: int, limit: int = MAX_POINTS) -> list[int]:
    """At most ``limit`` of the indices 0 … ``count`` − 1, evenly spread, both ends among them."""
    if count <= limit:
        return list(range(count))
    return [round(i * (count - 1) / (limit - 1)) for i in range(limit)]


def _rows(curves: Curves, guide: str, heights: Sequence[float]) -> list[dict[str, Any]]:
    """The curves, thinned, and a dashed guide from (0, ``heights[0]``) to (1, ``heights[1]``)."""
    rows: list[dict[str, Any]] = []
    for key, (x, y) in curves.items():
        keep = thinned(len(x))
        rows.append(
            {"name": key, "x": [x[i] for i in keep], "y": [y[i] for i in keep], "dashed": False}
        )
    return [*rows, {"name": guide, "x": (0.0, 1.0), "y": heights, "dashed": True}]


def _unit_square(
    name: str,
    title: str,
    rows: list[dict[str, Any]],
    *,
    kind: str,
    labels: tuple[str, str],
    notes: Sequence[str],
    markers: bool = False,
) -> Chart:
    return Chart(
        name=name,
        title=title,
        kind=kind,
        x_label=labels[0],
        y_label=labels[1],
        data={
            "series": rows,
            "time": False,
            "markers": markers,
            "x_range": [0, 1],
            "y_range": [0, 1],
        },
        notes=tuple(notes),
    )
