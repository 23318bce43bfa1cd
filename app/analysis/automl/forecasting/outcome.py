"""What became of a forecast: judged by what really came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from app.analysis.automl.files import FileToPredict
from app.analysis.automl.forecasting.model import ForecastModel, Future
from app.analysis.automl.forecasting.scoring import FIGURES, figure
from app.analysis.automl.leaderboard import rounded
from app.analysis.errors import BadRows

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The rows that judge: truth and forecast, and the figures of these."""

    truth: Array
    prediction: Array
    metrics: dict[str, float | None]


def judge_outcome(found: FileToPredict, truth: Array) -> Outcome:
    """Judge a file's rows with a known truth that lie after the end of their series.

    Rows of the past, which the model knows, and of unknown series are told and do not judge.
    Raises ``BadRows`` when none is left.
    """
    predictor = found.predictor
    model = cast(ForecastModel, predictor.bundle.model)
    tables = [cast(Future, table) for table in found.tables()]
    output = np.concatenate([predictor.output(table) for table in tables])
    series = np.concatenate([table.series for table in tables])
    judged = np.isfinite(truth) & (output[:, 3] > 0) & (series >= 0)
    if not judged.any():
        raise BadRows("No row lies after the last time that the model knows, so none can judge it.")
    truth, output, series = truth[judged], output[judged], series[judged]
    own = np.unique(series)
    widest = int(np.bincount(series).max())
    real, told = np.full((own.size, widest), np.nan), np.full((own.size, widest), np.nan)
    for row, one in enumerate(own):
        mine = np.flatnonzero(series == one)
        real[row, : mine.size], told[row, : mine.size] = truth[mine], output[mine, 0]
    figures = {name: rounded(figure(name, real, told, model.scale[own])) for name in FIGURES}
    if np.isfinite(output[:, 1]).any():
        inside = (truth >= output[:, 1]) & (truth <= output[:, 2])
        figures["interval_coverage"] = round(float(inside.mean()), 4)
    return Outcome(truth, output[:, 0], figures)
