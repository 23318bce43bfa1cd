"""How a run's labels are to be decided: by class weights, costs or a threshold, fixed or tuned.

Probabilities stay honest; what is asked for moves the decision that is made by them. Class weights
reach the fits as well, which then look harder where it matters, and are set right afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.decision import LARGEST, Decision, mean_cost, weighted_costs
from app.analysis.automl.leaderboard import rounded
from app.analysis.automl.metrics import all_scores, score
from app.analysis.automl.options import RunOptions
from app.analysis.automl.target import Label, spell
from app.analysis.automl.tasks import METRICS, Metric
from app.analysis.charts import curves
from app.analysis.charts.spec import Chart
from app.analysis.errors import BadOption

Array = npt.NDArray[Any]

MOST_TRIED = 200
"""Thresholds that are tried, evenly among the predicted probabilities."""
SHOWN = tuple(np.round(np.arange(0.05, 1.0, 0.05), 2).tolist())


def decision_asked(
    options: RunOptions, labels: Sequence[Label], values: Array, weights: Array | None = None
) -> Decision:
    """The decision that the options settle before anything is fitted; ``values`` are the classes
    of the rows that may choose, ``weights`` how much each of those counts. Raises ``BadOption``
    for a class that the target does not have."""
    if options.class_weight is not None:
        classes = _weights(options, labels, values, weights)
        return Decision("class_weight", costs=weighted_costs(classes))
    if options.costs is not None:
        return Decision("costs", costs=_costs(options.costs, labels))
    if isinstance(options.threshold, (int, float)):
        return Decision("threshold", threshold=float(options.threshold))
    return LARGEST


def tilt_asked(
    options: RunOptions, labels: Sequence[Label], values: Array, weights: Array | None = None
) -> Array | None:
    """(classes,) how much more each class counts in fits, ``None`` where all count alike."""
    if options.class_weight is None or not labels:
        return None
    return _weights(options, labels, values, weights)


def tuned_decision(
    asked: Decision,
    options: RunOptions,
    metric: Metric,
    truth: Array,
    prediction: Array,
    weights: Array | None = None,
) -> tuple[Decision, str]:
    """The decision, and by what it was chosen: a threshold is tuned on out-of-fold predictions."""
    if not isinstance(options.threshold, str):
        return asked, "asked for" if asked.kind != "largest" else ""
    judge = _tuned_for(options.threshold, metric)
    given = np.unique(prediction[:, 1])
    steps = np.unique(np.quantile(given, np.linspace(0, 1, MOST_TRIED), method="nearest"))
    best, threshold = -np.inf, 0.5
    for step in sorted(steps.tolist(), key=lambda value: abs(value - 0.5)):
        figure = score(judge, truth, prediction, weights, Decision("threshold", threshold=step))
        if np.isfinite(figure) and figure > best + 1e-12:
            best, threshold = figure, step
    return Decision("threshold", threshold=threshold), f"the best {judge.name} out of fold"


def describe_decision(
    decision: Decision,
    by: str,
    labels: Sequence[Label],
    truth: Array,
    prediction: Array,
    weights: Array | None = None,
) -> dict[str, Any] | None:
    """``{kind, chosen_by, threshold?, costs?, mean_cost?, message, trade}`` on the rows that judge;
    ``None`` where the most probable class is taken, as nobody asked otherwise.

    ``trade`` lists what other thresholds, or for several classes the most probable class, bring.
    Every figure, share and cost counts the rows by their ``weights``.
    """
    if decision.kind == "largest":
        return None
    found: dict[str, Any] = {"kind": decision.kind, "chosen_by": by}
    threshold = _threshold_of(decision) if len(labels) == 2 else None
    if threshold is not None:
        found["threshold"] = rounded(threshold)
    if decision.costs is not None:
        names = [spell(label) for label in labels]
        found["costs"] = {
            name: dict(zip(names, row, strict=True))
            for name, row in zip(names, decision.costs.tolist(), strict=True)
        }
    rules = [("decided", decision), ("most probable class", LARGEST)]
    if len(labels) == 2:
        values = sorted({*SHOWN, *([] if threshold is None else [threshold])})
        rules = [(f"{value:.4g}", Decision("threshold", threshold=value)) for value in values]
    judges = truth, prediction, weights
    found["trade"] = [_trade(name, rule, decision, *judges) for name, rule in rules]
    figures = _trade("", decision, decision, *judges)
    found |= {name: figures[name] for name in ("mean_cost",) if name in figures}
    return {**found, "message": _message(found, labels, figures)}


def trade_chart(decision: Mapping[str, Any], positive: str) -> Chart:
    """What each threshold brings: precision, recall and F1 of the positive class."""
    rows = decision["trade"]
    chosen, weighing = decision.get("threshold"), decision.get("weight_column")
    counted = [] if weighing is None else [f"Rows count by their weight in {weighing}."]
    return curves.line(
        "threshold",
        f"Called {positive} from a probability of {chosen:.3g} on",
        [row["threshold"] for row in rows],
        {name: [row[name] for row in rows] for name in ("precision", "recall", "f1")},
        x_label=f"threshold on the probability of {positive}",
        y_label="on rows that judge",
        notes=[f"The threshold {chosen:.3g} is {decision['chosen_by']}.", *counted],
    )


def _trade(
    name: str,
    rule: Decision,
    decision: Decision,
    truth: Array,
    prediction: Array,
    weights: Array | None,
) -> dict[str, Any]:
    task = "binary" if prediction.shape[1] == 2 else "multiclass"
    figures = all_scores(task, truth, prediction, weights, rule)  # type: ignore[arg-type]
    called = rule.positions(prediction)
    row: dict[str, Any] = (
        {"rule": name} if rule.threshold is None else {"threshold": rule.threshold}
    )
    row |= {k: rounded(v) for k, v in figures.items() if METRICS[k].labels}
    if task == "binary":
        row["share_called"] = rounded(float(np.average(called, weights=weights)))
    if decision.costs is not None:
        row["mean_cost"] = rounded(mean_cost(truth, called, decision.costs, weights))
    return row


def _threshold_of(decision: Decision) -> float | None:
    """Of two classes, the probability from which on the positive one costs less."""
    if decision.costs is None:
        return decision.threshold
    (right_no, false_yes), (false_no, right_yes) = decision.costs.tolist()
    gain = (false_yes - right_no) + (false_no - right_yes)
    return float((false_yes - right_no) / gain) if gain > 0 else None


def _message(found: Mapping[str, Any], labels: Sequence[Label], figures: Mapping[str, Any]) -> str:
    if "threshold" in found:
        said = (
            f"A row is called {spell(labels[1])!r} from a probability of {found['threshold']:.3g} "
            f"on ({found['chosen_by']}): precision {figures['precision']:.3g}, recall "
            f"{figures['recall']:.3g} on the rows that judge."
        )
    else:
        said = f"Labels are those that are expected to cost least ({found['chosen_by']})."
    if "mean_cost" in found:
        said += f" The mean cost of a row is {found['mean_cost']:.4g}."
    return said


def _tuned_for(asked: str, metric: Metric) -> Metric:
    if asked != "auto":
        return METRICS[asked]
    return metric if metric.labels else METRICS["f1"]


def _weights(
    options: RunOptions, labels: Sequence[Label], values: Array, rows: Array | None
) -> Array:
    """(classes,) what missing a row of each class costs; ``rows`` are the weights of the rows."""
    counts = np.bincount(values, rows, minlength=len(labels))
    counts = np.where(counts > 0, counts, 1)
    if options.class_weight == "balanced":
        return np.asarray(counts.sum() / (len(labels) * counts))
    assert isinstance(options.class_weight, Mapping)
    weights = np.ones(len(labels))
    for name, weight in options.class_weight.items():
        weights[_place(name, labels, "class_weight")] = weight
    return weights


def _costs(asked: Mapping[str, Any], labels: Sequence[Label]) -> Array:
    costs = 1.0 - np.eye(len(labels))
    if set(asked) <= {"false_positive", "false_negative"}:
        if len(labels) != 2:
            raise BadOption(
                "Costs of more than two classes are given as {class: {called: cost}}.",
                option="costs",
            )
        costs[0, 1] = asked.get("false_positive", 1.0)
        costs[1, 0] = asked.get("false_negative", 1.0)
        return costs
    for name, row in asked.items():
        for called, cost in row.items():
            costs[_place(name, labels, "costs"), _place(called, labels, "costs")] = cost
    return costs


def _place(name: str, labels: Sequence[Label], option: str) -> int:
    for place, label in enumerate(labels):
        if spell(label) == name:
            return place
    shown = ", ".join(repr(spell(label)) for label in labels[:10])
    raise BadOption(
        f"There is no class {name!r} (in {option!r}); there are {shown}.", option=option
    )
