"""Training a forecast: a frame and options in, a bundle with its figures out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.analysis.automl.bundle import Bundle
from app.analysis.automl.checkpoints import Checkpoints
from app.analysis.automl.features.table import Layout, RawTable
from app.analysis.automl.forecasting.bands import COVERAGE, fit_widths
from app.analysis.automl.forecasting.candidates import Ground
from app.analysis.automl.forecasting.importance import known_importance, told_of_known
from app.analysis.automl.forecasting.model import ForecastModel
from app.analysis.automl.forecasting.panel import LEAST_TIMES, Panel, Roles, read_panel
from app.analysis.automl.forecasting.pictures import forecast_charts, step_chart
from app.analysis.automl.forecasting.refit import refit
from app.analysis.automl.forecasting.schema import describe_future
from app.analysis.automl.forecasting.scoring import FIGURES, figure
from app.analysis.automl.forecasting.search import BASELINE, Search, rows_of
from app.analysis.automl.forecasting.seasons import find_season
from app.analysis.automl.forecasting.selection import Choice, choose
from app.analysis.automl.forecasting.windows import Windows, plan_windows
from app.analysis.automl.leaderboard import Board, rounded
from app.analysis.automl.options import RunOptions, check_against, time_column_of
from app.analysis.automl.pictures import importance_chart, leaderboard_chart
from app.analysis.automl.prepare import Setting
from app.analysis.automl.tasks import METRICS, metric_for
from app.analysis.automl.train import Trained, repeatable
from app.analysis.progress import Progress
from app.analysis.schema import Column

Array = npt.NDArray[Any]

MOST_TOLD = 500
"""Values of the forecast that stand in ``model.json``."""


KNOWN_NOTE = (
    "What is known in advance, taken from other times of its series, at times that the model was "
    "not fitted on."
)


def train_forecast(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    options: RunOptions,
    setting: Setting,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Forecast a target within the time budget.

    ``checkpoints`` keep each candidate, and give back those of an earlier attempt. Raises
    ``BadOption`` for options that do not fit and ``HopelessTable`` when nothing can be foretold.
    """
    check_against(options, columns)
    roles = roles_of(options, columns)
    panel = read_panel(frame, roles)
    horizon, season, why = _settled(panel, options)
    windows = plan_windows(panel, horizon, float(options.time_budget_s), options.folds)
    budget, checkpoints = setting.budget(options), checkpoints or Checkpoints()
    metric = metric_for("forecast", options.metric)
    reason = _reason(options, horizon)
    progress(0.04, f"Task forecast: {reason}. {panel.grid.name.capitalize()}. {why}")
    resumed = checkpoints.begin(budget)
    if resumed is not None:
        progress(0.04, resumed)
    ground = Ground(panel, season, windows, metric.name, budget, options.seed, setting.jobs)
    board = Board("forecast", options.target, metric.name)
    search = Search(ground, board, progress, checkpoints)
    search.run()
    choice = choose(search.candidates, ground)
    rows = _ranking(search, choice, ground)
    progress(0.82, f"Chosen: {choice.name}; fitting it on everything.", leaderboard=board.of(rows))
    figures, flattered = _judged(choice, ground)
    importance = known_importance(choice, ground)
    model, told = refit(choice, ground)
    unused = _unused(columns, roles)
    notes = [*panel.notes, why, *unused, windows.told(), *search.notes, *choice.notes]
    notes += [*flattered, *told_of_known(importance, metric.name), *told, repeatable(budget)]
    bundle = _bundle(model, choice, columns, options, setting, roles, metric.name, importance)
    facts = {
        "task": "forecast",
        "task_reason": reason,
        "target": roles.target,
        "metric": metric.name,
        "metrics": figures,
        "name": choice.name,
        "input_schema": bundle.input_schema,
        "importance": importance,
        "notes": notes,
        "holdout_rows": int(np.isfinite(ground.truth[-1]).sum()) if windows.held else 0,
        "train_rows": int(panel.seen.sum()),
        "fit_seconds": round(sum(c.fit_seconds for c in search.candidates), 3),
        "forecast": _told(model, roles, windows),
    }
    baseline = next(c for c in search.candidates if c.entry.kind == BASELINE)
    charts = [
        *forecast_charts(model, choice, ground, roles.target, roles.series),
        leaderboard_chart(rows, METRICS[metric.name]),
    ]
    if horizon > 1:
        charts.append(step_chart(choice, ground, baseline.forecast))
    if any(row["value"] > 0 for row in importance):
        charts.append(importance_chart(importance, METRICS[metric.name], KNOWN_NOTE))
    return Trained(bundle, facts, board.of(rows), charts)


def roles_of(options: RunOptions, columns: Sequence[Column]) -> Roles:
    """Which column plays which part. Raises ``BadOption``."""
    by_name = {column.name: column for column in columns}
    return Roles(
        str(options.target),
        time_column_of(options, columns),
        options.series_column,
        tuple(by_name[name] for name in options.known_ahead or ()),
    )


def _settled(panel: Panel, options: RunOptions) -> tuple[int, int, str]:
    """The horizon, the season, and why."""
    longest = int((panel.end - panel.start).max())
    most = min(panel.grid.usual_horizon, longest // 4, longest - LEAST_TIMES)
    horizon = options.horizon or max(1, most)
    # What judges at the end does not say which season there is.
    rows = [panel.y[i, panel.start[i] : panel.end[i]] for i in range(panel.series)]
    known = [row[:-horizon] if row.size > 2 * horizon else row for row in rows]
    season = find_season(known, panel.grid.seasons)
    found = (
        f"The season found is {season:,} steps long."
        if season > 1
        else "No season was found, so the naive forecast is the last value."
    )
    if options.horizon is None:
        found += f" {horizon:,} steps are foretold, as is usual for such a calendar."
    return horizon, season, found


def _reason(options: RunOptions, horizon: int) -> str:
    if options.task == "forecast":
        return "asked for"
    return f"a horizon of {horizon:,} steps was asked for, which is a forecast"


def _judged(choice: Choice, ground: Ground) -> tuple[dict[str, float], list[str]]:
    """Flat figures of the holdout, else of the windows that chose; and what to tell of them."""
    held = ground.windows.held
    mine = slice(-1, None) if held else ground.choosing
    truth, forecast, scale = ground.truth[mine], choice.forecast[mine], ground.scale[mine]
    figures = {name: rounded(figure(name, truth, forecast, scale)) for name in FIGURES}
    known = {name: value for name, value in figures.items() if value is not None}
    if not held:
        return known, ["Too few times for a holdout: the figures chose, and flatter a little."]
    past = ground.choosing
    widths, _ = fit_widths(ground.truth[past], choice.forecast[past], ground.scale[past])
    if widths is not None:
        errors = np.abs(truth - forecast) / scale[..., None]
        judged = np.isfinite(errors)
        inside = (errors <= widths + 1e-12)[judged]
        if inside.size:
            known["interval_coverage"] = round(float(inside.mean()), 4)
    return known, []


def _ranking(search: Search, choice: Choice, ground: Ground) -> list[dict[str, Any]]:
    if len(choice.members) == 1:
        return rows_of(search.candidates)
    each = [c for _, c in choice.members]
    return rows_of(
        search.candidates,
        {
            "error": choice.error,
            "name": choice.name,
            "score": rounded(choice.error),
            "score_std": rounded(ground.scatter(choice.forecast)),
            "fit_seconds": round(sum(c.fit_seconds for c in each), 3),
            "predict_ms_per_row": round(sum(c.predict_ms for c in each), 6),
            "kind": "ensemble",
            "members": [{"name": c.entry.name, "weight": round(w, 4)} for w, c in choice.members],
        },
    )


def _unused(columns: Sequence[Column], roles: Roles) -> list[str]:
    """That other columns are not used, since nobody knows them in advance."""
    used = {roles.target, roles.time, roles.series, *(c.name for c in roles.known)}
    others = [c.name for c in columns if c.name not in used]
    if not others:
        return []
    shown = ", ".join(repr(name) for name in others[:8]) + (" …" if len(others) > 8 else "")
    return [f"Not used, as their future is not known: {shown}; 'known_ahead' names those that are."]


def _bundle(
    model: ForecastModel,
    choice: Choice,
    columns: Sequence[Column],
    options: RunOptions,
    setting: Setting,
    roles: Roles,
    metric: str,
    importance: list[dict[str, Any]],
) -> Bundle:
    by_name = {column.name: column for column in columns}
    names = [roles.time, *([roles.series] if roles.series else [])]
    inputs = [by_name[name] for name in names] + list(roles.known)
    members = [
        {"name": c.entry.name, "kind": c.entry.kind, "weight": w, "params": c.entry.params}
        for w, c in choice.members
    ]
    nothing = RawTable(np.empty((0, 0)), np.empty((0, 0)), np.empty((0, 0), np.int32), ())
    return Bundle(
        task="forecast",
        target=roles.target,
        metric=metric,
        model=model,
        layout=Layout(),
        columns=inputs,
        labels=(),
        input_schema=describe_future(model, inputs, roles),
        ignored=setting.unused(columns, inputs),
        cleaning_steps=setting.cleaning_steps,
        background=nothing,
        importance=importance,
        recipe={
            "seed": options.seed,
            "members": members,
            "time_column": roles.time,
            "series_column": roles.series,
            "horizon": model.horizon,
        },
        target_type=by_name[roles.target].type,
    )


def _told(model: ForecastModel, roles: Roles, windows: Windows) -> dict[str, Any]:
    """What ``model.json`` says of the forecast: calendar, season, and the first values."""
    future = model.following(model.horizon)
    shown = min(future.rows, MOST_TOLD)
    found = model.predict(future)
    values = []
    for row in range(shown):
        one: dict[str, Any] = {"time": model.grid.spelled(int(future.when[row]))}
        if roles.series is not None:
            one["series"] = model.names[int(future.series[row])]
        one["prediction"] = rounded(float(found[row, 0]))
        if np.isfinite(found[row, 1]):
            one |= {"low": rounded(float(found[row, 1])), "high": rounded(float(found[row, 2]))}
        values.append(one)
    return {
        "time_column": roles.time,
        "series_column": roles.series,
        "known_ahead": [column.name for column in roles.known],
        **model.facts(),
        "origins": len(windows.cuts),
        "coverage": COVERAGE,
        "values": values,
        "values_total": future.rows,
    }
