"""The options of a training run as data: what the documentation, the command line, the console and
the checks follow. Nothing heavy is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.analysis.automl.option_kinds import Kind
from app.analysis.automl.tasks import TASKS


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One option: its name, the kind of its value, its default, and what it does.

    ``low`` and ``high`` bound a number (inclusive); ``choices`` are the strings allowed;
    ``tasks`` are the tasks that can use it (empty: all of them).
    """

    name: str
    kind: Kind
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


_CLASSES = ("binary", "multiclass")
_SUPERVISED = (*_CLASSES, "regression")
_FORECAST = ("forecast",)

OPTIONS: tuple[OptionSpec, ...] = (
    OptionSpec("target", "string", None, "the column to predict; without one the run clusters"),
    OptionSpec(
        "task",
        "string",
        "auto",
        "what to do; auto decides by the target, or forecasts where there is a horizon, and says why",
        choices=("auto", *TASKS),
    ),
    OptionSpec(
        "metric", "string", None, "the figure to be best in, by scikit-learn's names; by the task"
    ),
    OptionSpec(
        "time_budget_s",
        "number",
        60,
        "seconds of wall time for the training stage",
        low=5,
        high=86_400,
    ),
    OptionSpec(
        "features",
        "names",
        None,
        "the only columns to learn from; all useful ones",
        tasks=(*_SUPERVISED, "clustering"),
    ),
    OptionSpec("ignore", "names", None, "columns to leave out; none"),
    OptionSpec(
        "folds",
        "integer",
        None,
        "folds of the cross-validation, or rolling origins of a forecast; chosen by rows and time",
        low=2,
        high=20,
        tasks=(*_SUPERVISED, *_FORECAST),
    ),
    OptionSpec(
        "split",
        "string",
        "auto",
        "how rows are split: stratified, random, or time (the newest rows judge)",
        choices=("auto", "stratified", "random", "time"),
        tasks=_SUPERVISED,
    ),
    OptionSpec(
        "time_column",
        "string",
        None,
        "the column by whose time rows are split, the newest judging, or that a forecast runs "
        "along; no split by time, and of a forecast the only column of dates",
        tasks=(*_SUPERVISED, *_FORECAST),
    ),
    OptionSpec(
        "horizon",
        "integer",
        None,
        "steps of the calendar to foretell; by its frequency",
        low=1,
        high=1_000,
        tasks=_FORECAST,
    ),
    OptionSpec(
        "series_column",
        "string",
        None,
        "the column that names the series each row belongs to; all rows are one series",
        tasks=_FORECAST,
    ),
    OptionSpec(
        "known_ahead",
        "names",
        None,
        "columns whose values are known for the times to come, such as prices or holidays; none",
        tasks=_FORECAST,
    ),
    OptionSpec(
        "group_column",
        "string",
        None,
        "rows with one value here are never divided between learning and judging; none",
        tasks=_SUPERVISED,
    ),
    OptionSpec(
        "weight_column",
        "string",
        None,
        "how much each row counts, in fits and in figures; all alike",
        tasks=_SUPERVISED,
    ),
    OptionSpec(
        "test_dataset_id",
        "string",
        None,
        "a data set that judges once at the end, instead of rows held out; none",
        tasks=_SUPERVISED,
    ),
    OptionSpec(
        "class_weight",
        "weights",
        None,
        "how much each class counts, in fits and decisions: balanced, or {class: weight}; alike",
        tasks=_CLASSES,
    ),
    OptionSpec(
        "costs",
        "costs",
        None,
        "what mistakes cost: {class: {called: cost}}, or of two classes {false_positive, "
        "false_negative}; alike",
        tasks=_CLASSES,
    ),
    OptionSpec(
        "threshold",
        "threshold",
        None,
        "the probability from which on a row is called positive, or tuned: auto, accuracy, "
        "balanced_accuracy, f1; 0.5",
        tasks=("binary",),
    ),
    OptionSpec("cleaning", "object", None, "rules of the cleaning stage to switch on or off"),
    OptionSpec(
        "positive_class",
        "label",
        None,
        "the class that counts as positive; the one that reads like a yes, else the rarer",
        tasks=("binary",),
    ),
    OptionSpec("seed", "integer", 0, "seed of everything random", low=0, high=2**31 - 1),
    OptionSpec(
        "max_predict_ms",
        "number",
        None,
        "milliseconds that one prediction may take; no limit",
        low=0.01,
        high=60_000,
        tasks=_SUPERVISED,
    ),
)
SPEC_BY_NAME: dict[str, OptionSpec] = {spec.name: spec for spec in OPTIONS}
