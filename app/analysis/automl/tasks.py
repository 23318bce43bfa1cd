"""Tasks and metrics by name: which exist, which fit together, and what the target's type allows.

Nothing heavy is imported here, so that the API process can check options with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

from app.analysis.errors import BadOption
from app.analysis.schema import NUMERIC_TYPES, Column

Task = Literal["binary", "multiclass", "regression", "forecast", "clustering"]
TASKS: tuple[Task, ...] = get_args(Task)


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of merit, with its natural sign.

    ``tasks`` are those it fits; ``labels`` says that it judges predicted labels and not
    probabilities; ``aliases`` are scikit-learn's other spellings of the same figure.
    """

    name: str
    tasks: tuple[Task, ...]
    greater_is_better: bool
    help: str
    labels: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def perfect(self) -> float:
        """The least error there can be, where the error is the figure made to be small."""
        return -1.0 if self.greater_is_better else 0.0


_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
_BINARY: tuple[Task, ...] = ("binary",)
_MULTI: tuple[Task, ...] = ("multiclass",)
_VALUES: tuple[Task, ...] = ("regression",)
_AMOUNTS: tuple[Task, ...] = ("regression", "forecast")
_SERIES: tuple[Task, ...] = ("forecast",)
_GROUPS: tuple[Task, ...] = ("clustering",)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", _BINARY, True, "area under the ROC curve"),
        Metric("average_precision", _BINARY, True, "area under the precision-recall curve"),
        Metric("log_loss", _CLASSES, False, "mean log loss", aliases=("neg_log_loss",)),
        Metric("brier_score", _CLASSES, False, "mean Brier score", aliases=("neg_brier_score",)),
        Metric("accuracy", _CLASSES, True, "share of labels that are right", labels=True),
        Metric("balanced_accuracy", _CLASSES, True, "mean recall over the classes", labels=True),
        Metric("f1", _BINARY, True, "F1 of the positive class", labels=True),
        Metric("precision", _BINARY, True, "precision of the positive class", labels=True),
        Metric("recall", _BINARY, True, "recall of the positive class", labels=True),
        Metric("f1_macro", _MULTI, True, "mean F1 over the classes", labels=True),
        Metric("f1_weighted", _MULTI, True, "F1 weighted by class size", labels=True),
        Metric("roc_auc_ovr", _MULTI, True, "mean area under the ROC curve, one against the rest"),
        Metric(
            "rmse",
            _AMOUNTS,
            False,
            "root mean squared error, in the target's unit",
            aliases=("root_mean_squared_error", "neg_root_mean_squared_error"),
        ),
        Metric(
            "mae",
            _AMOUNTS,
            False,
            "mean absolute error, in the target's unit",
            aliases=("mean_absolute_error", "neg_mean_absolute_error"),
        ),
        Metric("r2", _VALUES, True, "share of the variance that is explained"),
        Metric(
            "mase",
            _SERIES,
            False,
            "mean absolute error, in units of the seasonal naive forecast's within the history",
            aliases=("mean_absolute_scaled_error",),
        ),
        Metric("wape", _SERIES, False, "summed absolute errors by the summed size of the values"),
        Metric("silhouette", _GROUPS, True, "mean silhouette", aliases=("silhouette_score",)),
    )
}

DEFAULT_METRIC: dict[Task, str] = {
    "binary": "roc_auc",
    "multiclass": "log_loss",
    "regression": "rmse",
    "forecast": "mase",
    "clustering": "silhouette",
}

_BY_ANY_NAME: dict[str, Metric] = {
    name: metric for metric in METRICS.values() for name in (metric.name, *metric.aliases)
}


def metric_named(name: str) -> Metric:
    """The metric of that name, scikit-learn's aliases included. Raises ``BadOption``."""
    if name not in _BY_ANY_NAME:
        raise BadOption(
            f"There is no metric {name!r}; known are {', '.join(METRICS)}.", option="metric"
        )
    return _BY_ANY_NAME[name]


def metric_for(task: Task, name: str | None) -> Metric:
    """The metric that ``task`` is judged by: the one asked for, or the task's default.

    Raises ``BadOption`` for a metric that does not fit the task.
    """
    metric = metric_named(name or DEFAULT_METRIC[task])
    if task not in metric.tasks:
        fitting = ", ".join(m.name for m in METRICS.values() if task in m.tasks)
        raise BadOption(
            f"Metric {metric.name!r} does not fit the task {task!r}; use one of {fitting}.",
            option="metric",
        )
    return metric


def tasks_by_type(column: Column) -> tuple[Task, ...]:
    """The supervised tasks that the type of a target column leaves open (none for a date)."""
    if column.type == "datetime":
        return ()
    if column.type in NUMERIC_TYPES or column.type in ("id", "constant"):
        return ("binary", "multiclass", "regression")
    if column.type == "boolean":
        return ("binary",)
    return ("binary", "multiclass")


def check_task(task: str, target: Column | None, named: str = "task") -> None:
    """That ``task`` (``auto`` included) can be done for this target.

    Raises ``BadOption``; ``named`` is the option that asked for a forecast.
    """
    if task != "auto" and task not in TASKS:
        raise BadOption(
            f"There is no task {task!r}; known are auto, {', '.join(TASKS)}.", option="task"
        )
    if target is None:
        _check_untargeted(task)
        return
    if task == "clustering":
        raise BadOption(
            "Clustering uses no target: leave out 'target', or choose another task.",
            option="target",
        )
    if task == "forecast":
        _check_foretold(target, named)
        return
    possible = tasks_by_type(target)
    if not possible:
        raise BadOption(
            f"Column {target.name!r} holds dates, and dates cannot be a target.", option="target"
        )
    if task != "auto" and task not in possible:
        raise BadOption(
            f"The task {task!r} cannot be done for {target.name!r}, which is {target.type}; "
            f"possible are {', '.join(possible)}.",
            option="task",
        )


def _check_foretold(target: Column, named: str) -> None:
    """That a forecast's target holds numbers (or only one value, which may be one)."""
    if target.type not in NUMERIC_TYPES and target.type not in ("id", "constant", "boolean"):
        raise BadOption(
            f"Column {target.name!r} is {target.type}; a forecast is made of numbers.",
            option=named,
        )


def only_task(task: str, target: Column | None) -> Task | None:
    """The task where the option and the type alone settle it, else ``None`` (values decide)."""
    if target is None:
        return "clustering"
    if task != "auto":
        return cast(Task, task)
    possible = tasks_by_type(target)
    return possible[0] if len(possible) == 1 else None


def _check_untargeted(task: str) -> None:
    if task not in ("auto", "clustering"):
        raise BadOption(f"The task {task!r} needs a target column.", option="target")
