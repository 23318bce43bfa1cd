"""Figures of merit, computed: every metric of :mod:`app.analysis.automl.tasks`, natural sign.

Predictions of a classification are probabilities (n, classes), of a regression values (n,);
the truth is class positions or values. For ``binary`` class 1 is the positive one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata
from sklearn import metrics as sk

from app.analysis.automl.tasks import METRICS, Metric, Task

Array = npt.NDArray[Any]

_EPS = 1e-15


def log_loss(truth: Array, probabilities: Array) -> float:
    """Mean negative logarithm of the true class's probability (clipped at 1e-15)."""
    given = probabilities[np.arange(truth.size), truth]
    return float(-np.log(np.clip(given, _EPS, 1)).mean())


def brier_score(truth: Array, probabilities: Array) -> float:
    """Mean squared error of the probabilities; for two classes that of the positive one."""
    if probabilities.shape[1] == 2:
        return float(np.mean((probabilities[:, 1] - truth) ** 2))
    wanted = truth[:, None] == np.arange(probabilities.shape[1])
    return float(((probabilities - wanted) ** 2).sum(axis=1).mean())


def roc_auc(truth: Array, score: Array) -> float:
    """Area under the ROC curve by ranks (Mann-Whitney U); NaN when a class is absent."""
    positives = int(truth.sum())
    negatives = truth.size - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    ranks = rankdata(score)[truth.astype(bool)].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def _roc_auc_ovr(truth: Array, probabilities: Array) -> float:
    areas = [roc_auc(truth == k, probabilities[:, k]) for k in range(probabilities.shape[1])]
    return float(np.nanmean(areas))


def rmse(truth: Array, values: Array) -> float:
    """Root mean squared error."""
    return float(np.sqrt(np.mean((truth - values) ** 2)))


def _labelled(function: Callable[..., float], **options: Any) -> Callable[[Array, Array], float]:
    return lambda truth, p: float(function(truth, p.argmax(axis=1), **options))


_SCORERS: dict[str, Callable[[Array, Array], float]] = {
    "roc_auc": lambda truth, p: roc_auc(truth, p[:, 1]),
    "average_precision": lambda truth, p: float(sk.average_precision_score(truth, p[:, 1])),
    "log_loss": log_loss,
    "brier_score": brier_score,
    "accuracy": lambda truth, p: float(np.mean(p.argmax(axis=1) == truth)),
    "balanced_accuracy": _labelled(sk.balanced_accuracy_score),
    "f1": _labelled(sk.f1_score, zero_division=0.0),
    "precision": _labelled(sk.precision_score, zero_division=0.0),
    "recall": _labelled(sk.recall_score, zero_division=0.0),
    "f1_macro": _labelled(sk.f1_score, average="macro", zero_division=0.0),
    "f1_weighted": _labelled(sk.f1_score, average="weighted", zero_division=0.0),
    "roc_auc_ovr": _roc_auc_ovr,
    "rmse": rmse,
    "mae": lambda truth, values: float(np.mean(np.abs(truth - values))),
    "r2": lambda truth, values: float(sk.r2_score(truth, values)),
}


def score(metric: Metric, truth: Array, prediction: Array) -> float:
    """``metric`` with its natural sign; NaN where it is not defined for these rows."""
    return _SCORERS[metric.name](truth, prediction)


def error(metric: Metric, truth: Array, prediction: Array) -> float:
    """``metric`` as something to make small; undefined counts as worst."""
    value = score(metric, truth, prediction)
    if not np.isfinite(value):
        return float("inf")
    return -value if metric.greater_is_better else value


def all_scores(task: Task, truth: Array, prediction: Array) -> dict[str, float]:
    """Every metric that fits a supervised task and is defined for these rows, by name."""
    out = {}
    for metric in METRICS.values():
        if task in metric.tasks:
            value = score(metric, truth, prediction)
            if np.isfinite(value):
                out[metric.name] = value
    return out
