"""The final fit: the chosen members on everything that is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.budget import OutOfTime
from app.analysis.automl.forecasting.bands import fit_widths, widened
from app.analysis.automl.forecasting.candidates import (
    DIRECT,
    Candidate,
    Ground,
    classical,
    fit_direct,
    most_history,
    scales,
)
from app.analysis.automl.forecasting.direct import Direct, Unfit
from app.analysis.automl.forecasting.histories import Histories
from app.analysis.automl.forecasting.model import REACH, ForecastModel
from app.analysis.automl.forecasting.selection import Choice

Array = npt.NDArray[Any]


def refit(choice: Choice, ground: Ground) -> tuple[ForecastModel, list[str]]:
    """The model that is kept, and what is to be told about it.

    A member for which no time is left gives its weight to the others; when it is the only one,
    the seasonal naive forecast stands in, and that is told.
    """
    panel, windows = ground.panel, ground.windows
    ground.budget.open_reserve()
    reach = REACH * windows.horizon
    rows = [panel.y[i, panel.start[i] : panel.end[i]] for i in range(panel.series)]
    histories = Histories.of(rows, ground.season, most_history(ground.season))
    base = np.zeros((panel.series, reach))
    direct: list[tuple[float, Direct]] = []
    late: list[str] = []
    total = 0.0
    for weight, member in choice.members:
        try:
            if member.entry.kind in DIRECT:
                direct.append((weight, _learned(member, ground)))
            else:
                base += weight * classical(
                    member.entry, histories, reach, ground.seed, ground.budget.expired
                )
        except (OutOfTime, Unfit):
            late.append(member.entry.name)
            continue
        total += weight
    notes = []
    if not total:
        base, total = classical(_naive(choice), histories, reach, ground.seed, lambda: False), 1.0
        notes.append("No time was left for the final fit: the seasonal naive forecast stands in.")
    elif late:
        notes.append(f"No time was left to fit on everything: {', '.join(late)} (left out).")
    low = 0.0 if np.nanmin(panel.y) >= 0 else None
    widths, told = _widths(choice, ground, reach)
    notes += [] if told is None else [told]
    model = ForecastModel(
        grid=panel.grid,
        names=panel.names,
        season=ground.season,
        horizon=windows.horizon,
        history=panel.y.astype(np.float32) if panel.y.size > 1_000_000 else panel.y,
        end=panel.end,
        base=base / total,
        scale=scales(panel, ground.season),
        widths=widths,
        low=low,
        direct=tuple((weight / total, each) for weight, each in direct),
        tail=_tails(ground, direct),
        known_columns=panel.known_columns,
        known=panel.known.astype(np.float32),
        row_price=1e-6 + 2e-5 * len(direct),
    )
    if low is not None:
        notes.append("No value is below 0, so nothing below 0 is foretold.")
    return model, notes


def _learned(member: Candidate, ground: Ground) -> Direct:
    return fit_direct(member.entry, ground.panel, ground, ground.budget.expired)


def _naive(choice: Choice) -> Any:
    entry = choice.members[0][1].entry
    return type(entry)("Baseline (seasonal naive)", "seasonal_naive")


def _widths(choice: Choice, ground: Ground, reach: int) -> tuple[Array | None, str | None]:
    """Of all windows and the holdout, which has judged by now."""
    widths, told = fit_widths(ground.truth, choice.forecast, ground.scale)
    return (None if widths is None else widened(widths, reach)), told


def _tails(ground: Ground, direct: list[tuple[float, Direct]]) -> Array:
    """(series, times) the last values of each series, all ending at the last column, as far as
    learned models look back."""
    panel = ground.panel
    back = max((model.lens.back for _, model in direct), default=0)
    out = np.full((panel.series, back), np.nan)
    for i in range(panel.series):
        own = panel.y[i, panel.start[i] : panel.end[i]][-back:] if back else np.empty(0)
        out[i, back - own.size :] = own
    return out
