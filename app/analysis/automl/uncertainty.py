"""How sure figures are: 95 % intervals by the bootstrap (Efron, 1979), and by Wilson for a share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.decision import LARGEST, Decision
from app.analysis.automl.metrics import all_scores
from app.analysis.automl.tasks import Task

Array = npt.NDArray[Any]

DRAWS = 100
DRAWN_ROWS = 5_000
"""Of longer tables so many rows are drawn each time, and the spread is scaled: that of a mean of n
rows falls with the root of n."""
LEAST_ROWS = 10
Z = 1.959963984540054
"""Of a normal distribution, 95 % lie within so many standard deviations."""


def intervals_of(
    task: Task,
    truth: Array,
    prediction: Array,
    weights: Array | None = None,
    decision: Decision = LARGEST,
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """``{metric: {low, high, std}}`` at 95 %, by metric; empty for fewer than 10 rows."""
    n = truth.size
    if n < LEAST_ROWS:
        return {}
    figures = all_scores(task, truth, prediction, weights, decision)
    rng = np.random.default_rng(seed)
    size = min(n, DRAWN_ROWS)
    drawn: dict[str, list[float]] = {name: [] for name in figures}
    for _ in range(DRAWS):
        rows = rng.integers(0, n, size)
        own = None if weights is None else weights[rows]
        if own is not None and not own.any():
            continue
        for name, value in all_scores(task, truth[rows], prediction[rows], own, decision).items():
            if name in drawn:
                drawn[name].append(value)
    scale = float(np.sqrt(size / n))
    out = {}
    for name, values in drawn.items():
        if len(values) >= DRAWS // 2:
            out[name] = _interval(figures[name], np.array(values), scale)
    if "accuracy" in out and weights is None:
        out["accuracy"] |= dict(zip(("low", "high"), wilson(figures["accuracy"], n), strict=True))
    return {name: {k: float(f"{v:.6g}") for k, v in one.items()} for name, one in out.items()}


def wilson(share: float, rows: int) -> tuple[float, float]:
    """The 95 % interval of a share seen on so many rows (Wilson, 1927)."""
    z2 = Z * Z / rows
    middle = (share + z2 / 2) / (1 + z2)
    half = Z / (1 + z2) * float(np.sqrt(share * (1 - share) / rows + z2 / (4 * rows)))
    return max(0.0, middle - half), min(1.0, middle + half)


def _interval(figure: float, values: Array, scale: float) -> dict[str, float]:
    away = (values - values.mean()) * scale
    low, high = np.quantile(away, [0.025, 0.975])
    return {"low": figure + float(low), "high": figure + float(high), "std": float(away.std())}
