"""The charts of a forecast: what was, what was foretold of it, and what is foretold now."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.forecasting.candidates import Ground
from app.analysis.automl.forecasting.model import ForecastModel
from app.analysis.automl.forecasting.scoring import figure
from app.analysis.automl.forecasting.selection import Choice
from app.analysis.automl.forecasting.spelling import DAY_S
from app.analysis.charts import curves
from app.analysis.charts.spec import Chart, slug

Array = npt.NDArray[Any]

MOST_DRAWN = 6
"""Series that get a chart each: those with the largest values."""
HISTORY = 6
"""Horizons of history that are drawn, or three seasons, if that is more."""


def forecast_charts(
    model: ForecastModel, choice: Choice, ground: Ground, target: str, series_column: str | None
) -> list[Chart]:
    """A chart for each of the largest series."""
    sizes = np.nansum(np.abs(ground.panel.y), axis=1)
    largest = np.argsort(-sizes, kind="stable")[:MOST_DRAWN]
    found = model.predict(model.following(model.horizon))
    found = found.reshape(len(model.names), model.horizon, 4)
    return [_chart(int(i), found[i], model, choice, ground, target, series_column) for i in largest]


def step_chart(choice: Choice, ground: Ground, baseline: Array) -> Chart:
    """How the error grows with the step, beside the seasonal naive forecast."""
    mine = ground.choosing
    truth, scale = ground.truth[mine], ground.scale[mine]
    steps = range(1, ground.windows.horizon + 1)

    def by_step(forecast: Array) -> list[float | None]:
        errors = [
            figure("mase", truth[..., h : h + 1], forecast[mine][..., h : h + 1], scale)
            for h in range(ground.windows.horizon)
        ]
        return [error if np.isfinite(error) else None for error in errors]

    lines = {choice.name: by_step(choice.forecast), "seasonal naive": by_step(baseline)}
    last = lines[choice.name][-1]
    ahead = (
        f"{ground.windows.horizon:,} steps ahead" if ground.windows.horizon > 1 else "1 step ahead"
    )
    return curves.line(
        "error_by_step",
        f"{ahead.capitalize()} the error is {last:.3g} times the naive one"
        if last is not None
        else "How the error grows with the steps ahead",
        list(steps),
        lines,
        kind="error_by_step",
        x_label="steps ahead",
        y_label="error / naive error",
        dashed=("seasonal naive",),
        notes=(
            "At the rolling origins that chose. 1 is the mean absolute error of the seasonal naive "
            "forecast within each series' history.",
        ),
    )


def _chart(
    i: int,
    found: Array,
    model: ForecastModel,
    choice: Choice,
    ground: Ground,
    target: str,
    series_column: str | None,
) -> Chart:
    grid, end, horizon = model.grid, int(model.end[i]), model.horizon
    shown = max(HISTORY * horizon, 3 * model.season, 40)
    first = max(int(ground.panel.start[i]), end - shown)
    when = np.arange(first, end + horizon)
    x, timed = _axis(grid.times(when), grid.unit)
    values = np.where(
        when < end, ground.panel.y[i, np.minimum(when, ground.panel.times - 1)], np.nan
    )
    ahead = when - end + 1
    low, middle, high = (_placed(ahead, found[:, k]) for k in (1, 0, 2))
    at_end = ahead == 0
    for line in (low, middle, high):  # the forecast begins where the history ends
        line[at_end] = values[at_end]
    lines = {target: _plain(values), "forecast": _plain(middle)}
    dashed = []
    if ground.windows.held:
        cut = ground.windows.last
        held = np.full(when.size, np.nan)
        inside = (when >= cut) & (when < cut + horizon)
        held[inside] = choice.forecast[-1, i][when[inside] - cut]
        if np.isfinite(held).any():
            lines["foretold before"] = _plain(held)
            dashed.append("foretold before")
    notes = (
        [f"Of the past the last {int((when < end).sum()):,} times are drawn."]
        if first > ground.panel.start[i]
        else []
    )
    if model.widths is not None:
        notes.append("The band holds about 90 % of what comes, by past errors.")
    if "foretold before" in lines:
        notes.append(f"Foretold before: the last {horizon:,} times, as if they were not known.")
    named = f", {series_column} {model.names[i] or '(none)'}" if series_column else ""
    steps = f"{horizon:,} steps" if horizon > 1 else "step"
    return curves.line(
        slug("forecast", model.names[i]) if series_column else "forecast",
        f"{target}{named}: the next {steps} ({grid.name}), to {grid.spelled(end + horizon - 1)}",
        x,
        lines,
        x_label="" if timed else "time",
        y_label=target,
        kind="forecast",
        time=timed,
        bands=None if model.widths is None else {"forecast": (_plain(low), _plain(high))},
        dashed=dashed,
        markers=False,
        notes=notes,
        columns=(target,),
    )


def _axis(times: Array, unit: str) -> tuple[list[Any], bool]:
    if unit == "number":
        return times.tolist(), False
    stamps = (times * 1e6).astype(np.int64).astype("datetime64[us]")
    whole = bool(np.all(times % DAY_S == 0))
    return [str(s.astype("datetime64[D]" if whole else "datetime64[s]")) for s in stamps], True


def _placed(ahead: Array, values: Array) -> Array:
    """Values of the steps 1 … where a time lies ahead, NaN before."""
    at = np.clip(ahead - 1, 0, values.size - 1)
    return np.where(ahead >= 1, values[at], np.nan)


def _plain(values: Array) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]
