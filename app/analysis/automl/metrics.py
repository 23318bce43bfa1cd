"""Figures of merit, computed: every metric of :mod:`app.analysis.automl.tasks`, natural sign.

Predictions of a classification are probabilities (n, classes), of a regression values (n,);
the truth is class positions or values. For ``binary`` class 1 is the positive one. ``weights``
say how much each row counts; without them all count alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata
from sklearn import metrics as sk

from app.analysis.automl.decision import LARGEST, Decision
from app.analysis.automl.tasks import METRICS, Metric, Task

Array = npt.NDArray[Any]

Weights = Array | None

_EPS = 1e-15


def log_loss(truth: Array, probabilities: Array, weights: Weights = None) -> float:
    """Mean negative logarithm of the true class's probability (clipped at 1e-15)."""
    given = probabilities[np.arange(truth.size), truth]
    return _mean(-np.log(np.clip(given, _EPS, 1)), weights)


def brier_score(truth: Array, probabilities: Array, weights: Weights = None) -> float:
    """Mean squared error of the probabilities; for two classes that of the positive one."""
    if probabilities.shape[1] == 2:
        return _mean((probabilities[:, 1] - truth) ** 2, weights)
    wanted = truth[:, None] == np.arange(probabilities.shape[1])
    return _mean(((probabilities - wanted) ** 2).sum(axis=1), weights)


def roc_auc(truth: Array, score: Array, weights: Weights = None) -> float:
    """Area under the ROC curve by ranks (Mann-Whitney U); NaN when a class is absent."""
    positives = int(truth.sum())
    negatives = truth.size - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    if weights is not None:
        known = weights > 0
        if np.unique(truth[known]).size < 2:
            return float("nan")
        return float(sk.roc_auc_score(truth, score, sample_weight=weights))
    ranks = rankdata(score)[truth.astype(bool)].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def _roc_auc_ovr(truth: Array, probabilities: Array, weights: Weights) -> float:
    classes = range(probabilities.shape[1])
    areas = [roc_auc(truth == k, probabilities[:, k], weights) for k in classes]
    return float(np.nanmean(areas)) if np.isfinite(areas).any() else float("nan")


def rmse(truth: Array, values: Array, weights: Weights = None) -> float:
    """Root mean squared error."""
    return float(np.sqrt(_mean((truth - values) ** 2, weights)))


def _mean(values: Array, weights: Weights) -> float:
    return float(np.average(values, weights=weights))


def _average_precision(truth: Array, probabilities: Array, weights: Weights) -> float:
    if not truth.any():
        return float("nan")
    value = sk.average_precision_score(truth, probabilities[:, 1], sample_weight=weights)
    return float(value)


def _r2(truth: Array, values: Array, weights: Weights) -> float:
    return float(sk.r2_score(truth, values, sample_weight=weights))


Scorer = Callable[[Array, Array, Weights], float]


def _labelled(function: Callable[..., float], **options: Any) -> Scorer:
    return lambda truth, called, weights: float(
        function(truth, called, sample_weight=weights, **options)
    )


def _balanced_accuracy(truth: Array, called: Array, weights: Weights) -> float:
    """Mean recall over the classes that occur in the truth."""
    count = np.bincount(truth, weights=weights)
    right = np.bincount(truth, weights=(called == truth) * (1.0 if weights is None else weights))
    return float(np.mean(right[count > 0] / count[count > 0]))


_SCORERS: dict[str, Scorer] = {
    "roc_auc": lambda truth, p, w: roc_auc(truth, p[:, 1], w),
    "average_precision": _average_precision,
    "log_loss": log_loss,
    "brier_score": brier_score,
    "roc_auc_ovr": _roc_auc_ovr,
    "rmse": rmse,
    "mae": lambda truth, values, w: _mean(np.abs(truth - values), w),
    "r2": _r2,
}
_LABEL_SCORERS: dict[str, Scorer] = {
    "accuracy": lambda truth, called, w: _mean(called == truth, w),
    "balanced_accuracy": _balanced_accuracy,
    "f1": _labelled(sk.f1_score, zero_division=0.0),
    "precision": _labelled(sk.precision_score, zero_division=0.0),
    "recall": _labelled(sk.recall_score, zero_division=0.0),
    "f1_macro": _labelled(sk.f1_score, average="macro", zero_division=0.0),
    "f1_weighted": _labelled(sk.f1_score, average="weighted", zero_division=0.0),
}


def score(
    metric: Metric,
    truth: Array,
    prediction: Array,
    weights: Weights = None,
    decision: Decision = LARGEST,
) -> float:
    """``metric`` with its natural sign; NaN where it is not defined for these rows.

    A metric of labels judges those that ``decision`` makes of the probabilities.
    """
    if metric.labels:
        return _LABEL_SCORERS[metric.name](truth, decision.positions(prediction), weights)
    return _SCORERS[metric.name](truth, prediction, weights)


def error(
    metric: Metric,
    truth: Array,
    prediction: Array,
    weights: Weights = None,
    decision: Decision = LARGEST,
) -> float:
    """``metric`` as something to make small; undefined counts as worst."""
    value = score(metric, truth, prediction, weights, decision)
    if not np.isfinite(value):
        return float("inf")
    return -value if metric.greater_is_better else value


def all_scores(
    task: Task,
    truth: Array,
    prediction: Array,
    weights: Weights = None,
    decision: Decision = LARGEST,
) -> dict[str, float]:
    """Every metric that fits a supervised task and is defined for these rows, by name."""
    out = {}
    for metric in METRICS.values():
        if task in metric.tasks:
            value = score(metric, truth, prediction, weights, decision)
            if np.isfinite(value):
                out[metric.name] = value
    return out
