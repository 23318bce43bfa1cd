"""The charts of a training run, described: what was tried, what the model leans on, how it errs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sk

from app.analysis.automl.decision import LARGEST, Decision
from app.analysis.automl.target import Label, spell
from app.analysis.automl.tasks import Metric, Task
from app.analysis.charts import bars, curves, grids, points
from app.analysis.charts.spec import Chart
from app.analysis.charts.style import are_years

Array = npt.NDArray[Any]

MOST_CLASSES = 30
MOST_CURVES = 6


def leaderboard_chart(rows: Sequence[dict[str, Any]], metric: Metric) -> Chart:
    """Every candidate's score with its spread."""
    shown = [row for row in rows if row["score"] is not None]
    better = "higher" if metric.greater_is_better else "lower"
    return bars.leaderboard(
        "leaderboard",
        f"{rows[0]['name']} is the best of {len(rows)} candidates",
        [row["name"] for row in shown],
        [row["score"] for row in shown],
        [row["score_std"] for row in shown],
        metric=metric.name,
        notes=[f"Cross-validated; {better} is better."],
    )


SHUFFLED = "Permutation importance on rows that the model was not fitted on."


def importance_chart(
    importance: Sequence[dict[str, Any]], metric: Metric, note: str = SHUFFLED
) -> Chart:
    """How much worse the metric gets when a column is shuffled."""
    return bars.importance(
        "importance",
        f"The model leans most on {importance[0]['feature']}",
        [row["feature"] for row in importance],
        [row["value"] for row in importance],
        [row["std"] for row in importance],
        value_axis=f"{metric.name} lost when shuffled",
        notes=[note],
    )


def judgement_charts(
    task: Task,
    target: str,
    labels: tuple[Label, ...],
    truth: Array,
    prediction: Array,
    seed: int,
    decision: Decision = LARGEST,
    weights: Array | None = None,
) -> list[Chart]:
    """How the model errs on the judging rows, which count by ``weights``: by task."""
    if task == "regression":
        return _value_charts(target, truth, prediction, seed)
    charts = []
    if len(labels) <= MOST_CLASSES:
        charts.append(_confusion(labels, truth, decision.positions(prediction), weights))
    if weights is not None:  # rows that count for nothing make no curve
        counting = weights > 0
        truth, prediction, weights = truth[counting], prediction[counting], weights[counting]
    if np.unique(truth).size < 2:
        return charts
    charts.append(_roc(task, labels, truth, prediction, weights))
    if task == "binary":
        charts += [
            _precision_recall(labels, truth, prediction, weights),
            _calibration(labels, truth, prediction, weights),
        ]
    return charts


def cluster_chart(places: Array, assigned: Array, names: Sequence[str], seed: int) -> Chart:
    """The rows on their two widest axes (principal components), coloured by cluster."""
    centred = places - places.mean(axis=0)
    _, _, axes = np.linalg.svd(centred[: min(len(centred), 5_000)], full_matrices=False)
    flat = centred @ axes[:2].T
    if flat.shape[1] < 2:
        flat = np.column_stack([flat, np.zeros(len(flat))])
    series = {
        name: (flat[assigned == k, 0].tolist(), flat[assigned == k, 1].tolist())
        for k, name in enumerate(names)
    }
    return points.scatter(
        "clusters",
        f"{len(names)} groups of rows that resemble each other",
        series,
        x_label="first principal component",
        y_label="second principal component",
        kind="clusters",
        seed=seed,
    )


def _value_charts(target: str, truth: Array, prediction: Array, seed: int) -> list[Chart]:
    error = truth - prediction
    typical = float(np.median(np.abs(error)))
    return [
        points.predicted_vs_actual(
            "predicted_vs_actual",
            f"Half of the predictions of {target} are within {typical:.4g} of the truth",
            truth.tolist(),
            prediction.tolist(),
            target=target,
            seed=seed,
        ),
        points.residuals(
            "residuals",
            f"Errors of the predictions of {target}",
            prediction.tolist(),
            error.tolist(),
            target=target,
            seed=seed,
            years=are_years(truth.tolist()),
        ),
    ]


def _confusion(
    labels: tuple[Label, ...], truth: Array, called: Array, weights: Array | None
) -> Chart:
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(counts, (truth, called), 1)
    right = float(np.average(truth == called, weights=weights)) if truth.size else 0.0
    notes = ["Rows that trained nothing and chose nothing."]
    return grids.confusion_matrix(
        "confusion_matrix",
        f"{right:.1%} of the labels are right",
        [spell(label) for label in labels],
        counts.tolist(),
        notes=notes if weights is None else [*notes, "Cells count rows; the share is by weight."],
    )


def _weighed(weights: Array | None) -> list[str]:
    """The note of a curve whose rows do not count alike."""
    return [] if weights is None else ["Rows count by their weight."]


def _roc(
    task: Task, labels: tuple[Label, ...], truth: Array, prediction: Array, weights: Array | None
) -> Chart:
    classes = [1] if task == "binary" else _frequent(truth)
    lines = {}
    for k in classes:
        rates = sk.roc_curve(truth == k, prediction[:, k], sample_weight=weights)
        lines[spell(labels[k])] = (rates[0].tolist(), rates[1].tolist())
    return curves.roc("roc", "How well the classes are told apart", lines, notes=_weighed(weights))


def _frequent(truth: Array) -> list[int]:
    counts = np.bincount(truth)
    order = np.argsort(-counts, kind="stable")[:MOST_CURVES]
    return [int(k) for k in order if 0 < counts[k] < truth.size]


def _precision_recall(
    labels: tuple[Label, ...], truth: Array, prediction: Array, weights: Array | None
) -> Chart:
    precision, recall, _ = sk.precision_recall_curve(truth, prediction[:, 1], sample_weight=weights)
    return curves.precision_recall(
        "precision_recall",
        f"What finding more of {spell(labels[1])!r} costs",
        {spell(labels[1]): (recall[::-1].tolist(), precision[::-1].tolist())},
        base_rate=float(np.average(truth, weights=weights)),
        notes=_weighed(weights),
    )


def _calibration(
    labels: tuple[Label, ...], truth: Array, prediction: Array, weights: Array | None
) -> Chart:
    """Ten bins of equally many rows."""
    order = np.argsort(prediction[:, 1], kind="stable")
    counted = np.ones(truth.size) if weights is None else weights
    bins = [b for b in np.array_split(order, 10) if b.size]
    given = [float(np.average(prediction[b, 1], weights=counted[b])) for b in bins]
    seen = [float(np.average(truth[b], weights=counted[b])) for b in bins]
    return curves.calibration(
        "calibration",
        "What is called likely happens as often as said, or not",
        {spell(labels[1]): (given, seen)},
        notes=["Ten groups of equally many rows, by predicted probability.", *_weighed(weights)],
    )
