"""Descriptions of scatter charts: pairs, clusters, predicted against actual, residuals."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from app.analysis.charts.spec import Chart
from app.analysis.charts.style import are_years

MAX_POINTS = 3_000
"""Points a scatter holds at most; beyond, a seeded sample is drawn and told."""


def scatter(
    name: str,
    title: str,
    series: Mapping[str, tuple[Sequence[Any], Sequence[Any]]],
    *,
    x_label: str,
    y_label: str,
    kind: str = "scatter",
    seed: int = 0,
    guide: tuple[str, Sequence[float], Sequence[float]] | None = None,
    years: tuple[bool, bool] = (False, False),
    limit: int = MAX_POINTS,
    notes: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Chart:
    """One cloud of points a series: label → (x, y). ``guide`` is a line (name, x, y) to read by;
    ``years`` says that x and y are years, or means of them.

    Pairs with a missing member are left out; of more than ``limit`` points a sample is drawn
    with ``seed``, evenly over the series; both are told in the notes.
    """
    clouds = {key: _complete(x, y) for key, (x, y) in series.items()}
    whole = sum(len(points) for points in clouds.values())
    given = sum(len(x) for x, _ in series.values())
    told = list(notes)
    if whole < given:
        told.append(f"{given - whole:,} points with a missing value are not drawn.")
    if whole > limit:
        told.append(f"A random {limit:,} of {whole:,} points are drawn.")
        draw = random.Random(seed)  # noqa: S311 (a sample of points, not a secret)
        clouds = {
            key: draw.sample(points, min(len(points), max(1, round(len(points) * limit / whole))))
            for key, points in clouds.items()
            if points
        }
    data: dict[str, Any] = {
        "series": [
            {"name": key, "x": [p[0] for p in points], "y": [p[1] for p in points]}
            for key, points in clouds.items()
        ]
    }
    if guide is not None:
        data["guide"] = {"name": guide[0], "x": guide[1], "y": guide[2]}
    if any(years):
        data["years"] = list(years)
    return Chart(
        name=name,
        title=title,
        kind=kind,
        x_label=x_label,
        y_label=y_label,
        data=data,
        notes=tuple(told),
        columns=tuple(columns),
    )


def predicted_vs_actual(
    name: str,
    title: str,
    actual: Sequence[float],
    predicted: Sequence[float],
    *,
    target: str,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Chart:
    """Predictions over the truth, with the diagonal on which a perfect model would lie."""
    values = [v for pair in _complete(actual, predicted) for v in pair]
    ends = [min(values), max(values)] if values else [0.0, 1.0]
    return scatter(
        name,
        title,
        {"row": (actual, predicted)},
        x_label=f"actual {target}",
        y_label=f"predicted {target}",
        kind="predicted_vs_actual",
        seed=seed,
        guide=("perfect", ends, ends),
        years=(are_years(actual),) * 2,
        notes=notes,
        columns=(target,),
    )


def residuals(
    name: str,
    title: str,
    predicted: Sequence[float],
    errors: Sequence[float],
    *,
    target: str,
    seed: int = 0,
    years: bool = False,
    notes: Sequence[str] = (),
) -> Chart:
    """Residuals (actual − predicted) over the prediction, with the line of no error; ``years``
    says that years are predicted."""
    values = [x for x, _ in _complete(predicted, errors)]
    ends = [min(values), max(values)] if values else [0.0, 1.0]
    return scatter(
        name,
        title,
        {"row": (predicted, errors)},
        x_label=f"predicted {target}",
        y_label="residual (actual − predicted)",
        kind="residuals",
        seed=seed,
        guide=("no error", ends, [0.0, 0.0]),
        years=(years, False),
        notes=notes,
        columns=(target,),
    )


def _complete(x: Sequence[Any], y: Sequence[Any]) -> list[tuple[Any, Any]]:
    """The pairs that have both members; NaN differs from itself."""
    return [
        (a, b)
        for a, b in zip(_listed(x), _listed(y), strict=True)
        if a is not None and b is not None and a == a and b == b  # noqa: PLR0124
    ]


def _listed(values: Sequence[Any]) -> Sequence[Any]:
    return values.tolist() if hasattr(values, "tolist") else values
