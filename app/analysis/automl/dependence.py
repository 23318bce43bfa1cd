"""How predictions change with the columns that matter most, as charts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.combined import Combined
from app.analysis.automl.features.table import RawTable
from app.analysis.automl.material import Material
from app.analysis.automl.target import Target, spell
from app.analysis.charts import curves
from app.analysis.charts.spec import Chart, slug
from app.analysis.explain.dependence import POINTS, grid_of, partial_dependence

Array = npt.NDArray[Any]

MOST_CURVES = 3
LEAST_ROWS, SAMPLE_ROWS = 30, 150
CELLS = 4_000_000
"""Of very wide tables fewer rows are taken, so that a curve costs about so many cells."""


def dependence_charts(
    model: Combined, material: Material, target: Target, importance: Sequence[dict[str, Any]]
) -> list[Chart]:
    """Partial dependence on the most important numbers and dates; none for many classes.

    The mean predicted value, or the mean probability of the positive class, over a sample.
    """
    if material.task == "multiclass":
        return []
    layout = material.layout
    useful = [row["feature"] for row in importance if row["value"] > 0]
    shown = [name for name in useful if name in (*layout.numbers, *layout.dates)][:MOST_CURVES]
    rng = np.random.default_rng(material.seed)
    width = len(layout.numbers) + len(layout.dates) + len(layout.tokens)
    fit = max(LEAST_ROWS, min(SAMPLE_ROWS, CELLS // (POINTS * max(width, 1))))
    rows = np.sort(rng.permutation(material.table.rows)[:fit])
    sample = material.table.take(rows)
    return [_chart(model, material, target, sample, name) for name in shown]


def _chart(
    model: Combined, material: Material, target: Target, sample: RawTable, name: str
) -> Chart:
    dated = name in material.layout.dates
    names = material.layout.dates if dated else material.layout.numbers
    j = names.index(name)
    whole = material.table.dates if dated else material.table.numbers
    grid = grid_of(whole[:, j])
    # Every row once with each value, so that all is encoded and predicted in one go.
    many = sample.take(np.tile(np.arange(sample.rows), grid.size))
    block = many.dates if dated else many.numbers
    block[:, j] = np.repeat(grid, sample.rows)
    output = model.predict(many)
    heights = partial_dependence(output if output.ndim == 1 else output[:, 1], grid.size)
    what = target.name if target.positive is None else f"probability of {spell(target.positive)}"
    return curves.line(
        slug("dependence", name),
        f"How the predicted {what} changes with {name}",
        [_moment(value) for value in grid] if dated else grid.tolist(),
        {what: heights.tolist()},
        x_label=name,
        y_label=f"mean predicted {what}",
        kind="dependence",
        time=dated,
        notes=[f"Partial dependence over {sample.rows} rows; other columns as they are."],
        columns=[name],
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(float(seconds), UTC).replace(tzinfo=None).isoformat()
