"""A model judged on new rows whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
from sklearn.metrics import precision_recall_fscore_support

from app.analysis.automl.bundle import Bundle
from app.analysis.automl.cells import BadCell, as_number, is_missing
from app.analysis.automl.features.numbers import in_range
from app.analysis.automl.files import FileToPredict
from app.analysis.automl.forecasting.outcome import judge_outcome
from app.analysis.automl.intervals import quantiles
from app.analysis.automl.leaderboard import rounded
from app.analysis.automl.metrics import all_scores, roc_auc
from app.analysis.automl.pictures import judgement_charts
from app.analysis.automl.target import places_of
from app.analysis.automl.uncertainty import intervals_of
from app.analysis.charts.plotly_figure import render_plotly
from app.analysis.errors import BadRows, BadTable
from app.analysis.ingest.applied import apply_steps
from app.analysis.ingest.frame import load_frame

Array = npt.NDArray[Any]

MOST_ERRORS = 50


def check_evaluable(bundle: Bundle) -> None:
    """That the model has a target. Raises ``BadRows``."""
    if bundle.target is None:
        raise BadRows("This model groups rows: it has no target to be judged by.")


def evaluate(found: FileToPredict) -> dict[str, Any]:
    """How good the model is on the rows of a file that holds its target.

    ``{"rows", "judged_rows", "metrics", "uncertainty", "classes"?, "errors"?, "charts",
    "warnings"}``. Rows without a truth, or of a class that training did not hold, are told and
    not judged; where training weighed rows, these count by the same column, if the file holds it.
    Raises ``BadTable`` for a file without the target, and ``BadRows`` when no row can
    be judged or one does not fit.
    """
    bundle = found.predictor.bundle
    check_evaluable(bundle)
    truth, judged = _read_truth(found)
    if bundle.task == "forecast":
        return _forecast(found, truth)
    output = np.concatenate(list(found.outputs()))
    weights, judged = _read_weights(found, judged)
    truth, prediction = truth[judged], output[judged]
    figures = all_scores(bundle.task, truth, prediction, weights, bundle.decision)
    answer: dict[str, Any] = {
        "rows": found.rows,
        "judged_rows": int(judged.size),
        "metrics": {name: rounded(value) for name, value in figures.items()},
        "uncertainty": intervals_of(bundle.task, truth, prediction, weights, bundle.decision),
    }
    if bundle.task == "regression":
        answer["errors"] = _errors(truth, prediction, weights)
        if bundle.intervals is not None:
            bounds = bundle.intervals.around(prediction)
            within = (truth >= bounds[:, 0]) & (truth <= bounds[:, 1])
            inside = np.average(within, weights=weights)
            answer["metrics"]["interval_coverage"] = round(float(inside), 4)
    else:
        answer["classes"] = _classes(bundle, truth, prediction, weights)
    name, labels = str(bundle.target), bundle.labels
    charts = judgement_charts(
        bundle.task, name, labels, truth, prediction, 0, bundle.decision, weights
    )
    answer["charts"] = [{**chart.summary(), "figure": render_plotly(chart)} for chart in charts]
    return {**answer, "warnings": found.warnings}


def _read_truth(found: FileToPredict) -> tuple[Array, Array]:
    """The truth of every row, and the positions of the rows that it is known of."""
    bundle = found.predictor.bundle
    name = str(bundle.target)
    if name not in pq.read_schema(found.data).names:
        raise BadTable(
            f"The file lacks the column {name!r}, which holds the truth to judge by.",
            missing_columns=[name],
        )
    if not found.rows:
        raise BadRows("There are no rows to judge by.")
    entry = next(c for c in found.columns if c["name"] == name)
    frame = load_frame(found.data, [entry])
    series = apply_steps(frame, bundle.cleaning_steps, keep_rows=True)[name]
    valued = bundle.task in ("regression", "forecast")
    truth, strange = (in_range(_values(series, name)), 0) if valued else _positions(series, found)
    judged = np.flatnonzero(np.isfinite(truth))
    unknown = series.size - judged.size - strange
    if unknown:
        found.warn([_warning("missing_target", name, unknown, "no value in the target")])
    if not judged.size:
        raise BadRows(f"No row has a value in {name!r} that the model can be judged by.")
    return (truth if valued else _whole(truth)), judged


def _read_weights(found: FileToPredict, judged: Array) -> tuple[Array | None, Array]:
    """How much the rows count that are judged, and those of them that have a weight; ``None``:
    all alike, since training did not weigh them or the file lacks the column, which is told.

    Raises ``BadRows`` for a negative weight, and when no row counts.
    """
    name = found.predictor.bundle.recipe.get("weight_column")
    if name is None:
        return None, judged
    if name not in pq.read_schema(found.data).names:
        message = f"The file lacks the weights ({name!r}): its rows count alike."
        found.warn([{"kind": "unweighted", "column": name, "message": message}])
        return None, judged
    entry = next(c for c in found.columns if c["name"] == name)
    weights = _values(load_frame(found.data, [entry])[name], name)[judged]
    known = np.isfinite(weights)
    if not known.all():
        what = f"no weight in {name!r}"
        found.warn([_warning("missing_weight", name, int((~known).sum()), what)])
    judged, weights = judged[known], weights[known]
    if np.any(weights < 0):
        row = int(judged[np.argmax(weights < 0)])
        message = f"the weight in {name!r} is negative"
        errors = [{"row": row, "column": name, "message": message}]
        raise BadRows(f"Row {row}: {message}.", errors=errors)
    if not np.any(weights > 0):
        raise BadRows(f"No row counts by its weight in {name!r}.")
    message = f"Rows count by their weight in {name!r}."
    found.warn([{"kind": "weighted", "column": name, "message": message}])
    return weights / weights.mean(), judged


def _forecast(found: FileToPredict, truth: Array) -> dict[str, Any]:
    """How good a forecast was of what came, by the rows that lie after its last known time."""
    bundle = found.predictor.bundle
    outcome = judge_outcome(found, truth)
    truth, prediction = outcome.truth, outcome.prediction
    uncertainty = intervals_of("regression", truth, prediction)
    charts = judgement_charts("regression", str(bundle.target), (), truth, prediction, 0)
    return {
        "rows": found.rows,
        "judged_rows": int(truth.size),
        "metrics": outcome.metrics,
        "uncertainty": {k: v for k, v in uncertainty.items() if k in outcome.metrics},
        "errors": _errors(truth, prediction),
        "charts": [{**chart.summary(), "figure": render_plotly(chart)} for chart in charts],
        "warnings": found.warnings,
    }


def _whole(truth: Array) -> Array:
    return np.where(np.isfinite(truth), truth, 0).astype(np.int64)


def _values(series: pd.Series[Any], name: str) -> Array:
    """Numbers, NaN where there is none. Raises ``BadRows`` naming the cells that are none."""
    if pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    out, errors = np.full(len(series), np.nan), []
    for i, value in enumerate(series.tolist()):
        if is_missing(value):
            continue
        try:
            out[i] = as_number(value, "number")
        except BadCell as error:
            errors.append({"row": i, "column": name, "message": str(error)})
    if errors:
        first = errors[0]
        raise BadRows(f"Row {first['row']}: {first['message']}.", errors=errors[:MOST_ERRORS])
    return out


def _positions(series: pd.Series[Any], found: FileToPredict) -> tuple[Array, int]:
    """The class of each row, NaN where it is missing or was never learned; and how often the
    latter is so, which is told."""
    bundle = found.predictor.bundle
    out, strange = places_of(series, bundle.labels, bundle.words)
    count = sum(strange.values())
    if strange:
        shown = ", ".join(repr(text[:60]) for text in list(strange)[:5])
        what = f"a class that training did not hold ({shown})"
        found.warn([_warning("unseen_class", str(bundle.target), count, what)])
    return out, count


def _warning(kind: str, column: str, rows: int, what: str) -> dict[str, Any]:
    has = "1 row has" if rows == 1 else f"{rows:,} rows have"
    message = f"{has} {what}: not judged by."
    return {"kind": kind, "column": column, "rows": rows, "message": message}


def _classes(
    bundle: Bundle, truth: Array, prediction: Array, weights: Array | None
) -> list[dict[str, Any]]:
    """Each class: how many rows it is the truth and the prediction of, and how well it is found."""
    called = bundle.decision.positions(prediction)
    each = range(len(bundle.labels))
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, called, labels=list(each), zero_division=0.0, sample_weight=weights
    )
    return [
        {
            "label": bundle.labels[k],
            "rows": int(np.sum(truth == k)),
            "predicted": int(np.sum(called == k)),
            "precision": rounded(float(precision[k])),
            "recall": rounded(float(recall[k])),
            "f1": rounded(float(f1[k])),
            "roc_auc": rounded(roc_auc(truth == k, prediction[:, k], weights)),
        }
        for k in each
    ]


def _errors(
    truth: Array, prediction: Array, weights: Array | None = None
) -> dict[str, float | None]:
    """How the errors of a regression are spread: truth less prediction, in the target's unit."""
    errors = truth - prediction
    size = np.abs(errors)
    median, most = quantiles(size, np.array([0.5, 0.9]), weights)
    return {
        "bias": rounded(float(np.average(errors, weights=weights))),
        "median_absolute": rounded(float(median)),
        "p90_absolute": rounded(float(most)),
        "largest_absolute": rounded(float(size.max())),
    }
