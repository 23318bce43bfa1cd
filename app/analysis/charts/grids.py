"""Descriptions of heat maps: correlations, missing values, confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence

from app.analysis.charts.spec import Chart, plain
from app.analysis.charts.style import number


def heatmap(
    name: str,
    title: str,
    x: Sequence[object],
    y: Sequence[object],
    z: Sequence[Sequence[float | None]],
    *,
    x_label: str = "",
    y_label: str = "",
    kind: str = "heatmap",
    low: float | None = None,
    high: float | None = None,
    diverging: bool = False,
    text: Sequence[Sequence[str]] | None = None,
    unit: str | None = None,
    notes: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Chart:
    """A field of ``len(y)`` rows and ``len(x)`` columns; ``text`` is written in the cells."""
    return Chart(
        name=name,
        title=title,
        kind=kind,
        x_label=x_label,
        y_label=y_label,
        unit=unit,
        data={
            "x": [str(v) for v in x],
            "y": [str(v) for v in y],
            "z": z,
            "low": low,
            "high": high,
            "diverging": diverging,
            "text": text,
        },
        notes=tuple(notes),
        columns=tuple(columns),
    )


def correlation(
    name: str,
    title: str,
    columns: Sequence[str],
    matrix: Sequence[Sequence[float | None]],
    *,
    measure: str = "Pearson r",
    notes: Sequence[str] = (),
) -> Chart:
    """Pairwise correlations from −1 to 1, the numbers written in where they are readable."""
    matrix, text = plain(matrix), None
    if len(columns) <= 12:
        text = [["" if v is None else f"{v + 0.0:.2f}" for v in row] for row in matrix]
    return heatmap(
        name,
        title,
        columns,
        columns,
        matrix,
        kind="correlation",
        low=-1,
        high=1,
        diverging=True,
        text=text,
        unit=measure,
        notes=notes,
        columns=columns,
    )


def confusion_matrix(
    name: str,
    title: str,
    classes: Sequence[object],
    counts: Sequence[Sequence[float]],
    *,
    notes: Sequence[str] = (),
) -> Chart:
    """Counts of actual (rows) by predicted (columns), coloured by the share of the actual class.

    Counts are written into the cells for up to 12 classes.
    """
    shares = [[v / (sum(row) or 1) for v in row] for row in counts]
    text = [[number(float(v)) for v in row] for row in counts] if len(classes) <= 12 else None
    return heatmap(
        name,
        title,
        classes,
        classes,
        shares,
        x_label="predicted",
        y_label="actual",
        kind="confusion_matrix",
        low=0,
        high=1,
        text=text,
        unit="share of the actual class",
        notes=notes,
    )
