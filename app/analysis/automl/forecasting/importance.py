"""What each column that is known in advance is worth to a forecast."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.forecasting.candidates import Ground, known_at
from app.analysis.automl.forecasting.scoring import figure
from app.analysis.automl.forecasting.selection import Choice
from app.analysis.automl.leaderboard import rounded

Array = npt.NDArray[Any]

MOST_ROWS = 20_000
"""Rows that are foretold for it, over all columns and repeats: about a second's work."""
MOST_REPEATS = 20


def known_importance(choice: Choice, ground: Ground) -> list[dict[str, Any]]:
    """``[{feature, value, std}]`` of what is known in advance, most important first.

    ``value`` is the mean increase of the run's metric over the repeats, ``std`` its spread, when a
    column's values at the last cut's times are taken from other times of the same series
    (permutation importance, Breiman 2001; a holdout of few times is too short to be shuffled within
    itself). Learned members are those fitted before the cut. All is 0 where no member looks at
    these columns; empty where there is none, or nothing to judge by.
    """
    columns = ground.panel.known_columns
    judged = np.flatnonzero(np.isfinite(ground.truth[-1]).any(axis=-1))
    if not columns or not judged.size:
        return []
    rng = np.random.default_rng(ground.seed)
    steps = ground.windows.horizon
    most = max(1, MOST_ROWS // (len(columns) * steps * 2))
    own = np.sort(rng.permutation(judged)[:most])
    repeats = MOST_ROWS // (len(columns) * steps * own.size)
    shifts = _shifts(choice, ground, own, int(np.clip(repeats, 2, MOST_REPEATS)), rng)
    truth, scale, forecast = ground.truth[-1][own], ground.scale[-1][own], choice.forecast[-1][own]
    before = figure(ground.metric, truth, forecast, scale)
    found = []
    for column, moved in zip(columns, shifts, strict=True):
        rises = [figure(ground.metric, truth, forecast + one, scale) - before for one in moved]
        value, spread = rounded(float(np.mean(rises))), rounded(float(np.std(rises)))
        if value is not None:
            found.append({"feature": column.name, "value": value, "std": spread})
    return sorted(found, key=lambda row: -float(row["value"] or 0.0))


def told_of_known(importance: list[dict[str, Any]], metric: str) -> list[str]:
    """What is to be told of it."""
    if not importance:
        return []
    if not any(row["value"] or row["std"] for row in importance):
        return ["No member of the forecast looks at what is known in advance: it is worth nothing."]
    shown = ", ".join(f"{row['feature']!r} {row['value']:.3g}" for row in importance[:8])
    return [
        f"What is known in advance is worth so much of the {metric}, which rises by it when a "
        f"column's values are those of other times: {shown}."
    ]


def _shifts(
    choice: Choice, ground: Ground, own: Array, repeats: int, rng: np.random.Generator
) -> Array:
    """(columns, repeats, own, steps): by how much the forecast moves."""
    panel, cut, steps = ground.panel, ground.windows.all[-1], ground.windows.horizon
    count = len(panel.known_columns)
    series, step = np.repeat(own, steps), np.tile(np.arange(1, steps + 1), own.size)
    when = cut - 1 + step
    copies = np.tile(known_at(panel, series, when), (count, repeats, 1, 1))
    for k in range(count):
        copies[k, ..., k] = _drawn(panel.known[k], own, steps, repeats, rng)
    shape, times = (count, repeats, own.size, steps), count * repeats
    out = np.zeros(shape)
    rows = np.tile(series, times), np.tile(step, times), np.tile(when, times)
    past, known = panel.carried(cut), copies.reshape(-1, count)
    for weight, member in choice.members:
        if member.latest is not None:
            found = member.latest.forecast(past, *rows, known)
            out += weight * (found.reshape(shape) - member.forecast[-1][own])
    return out


def _drawn(known: Array, own: Array, steps: int, repeats: int, rng: np.random.Generator) -> Array:
    """(repeats, own × steps) values of each series at times drawn at random; NaN where it has
    none."""
    out = np.full((repeats, own.size, steps), np.nan)
    for place, series in enumerate(own):
        values = known[series][np.isfinite(known[series])]
        if values.size:
            out[:, place] = rng.choice(values, (repeats, steps))
    return out.reshape(repeats, -1)
