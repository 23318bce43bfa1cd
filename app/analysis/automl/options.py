"""The options of a training run: one description of each, parsed and checked from JSON.

Nothing heavy is imported here: the API process refuses a bad option before anything is
started. The table :data:`OPTIONS` is what the API's documentation, the command line and the
console follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.analysis.automl.option_kinds import KIND_WORDS, Kind, is_kind
from app.analysis.automl.tasks import (
    LATER_TASKS,
    TASKS,
    Task,
    check_task,
    metric_for,
    metric_named,
    only_task,
    tasks_by_type,
)
from app.analysis.errors import BadOption
from app.analysis.progress import Progress
from app.analysis.schema import Column, columns_from_json


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
"""What a threshold may be tuned for; ``auto`` is the run's metric of labels, else F1."""

OPTIONS: tuple[OptionSpec, ...] = (
    OptionSpec("target", "string", None, "the column to predict; without one the run clusters"),
    OptionSpec(
        "task",
        "string",
        "auto",
        "what to do; auto decides by the target and says why",
        choices=("auto", *TASKS, *LATER_TASKS),
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
    OptionSpec("features", "names", None, "the only columns to learn from; all useful ones"),
    OptionSpec("ignore", "names", None, "columns to leave out; none"),
    OptionSpec(
        "folds",
        "integer",
        None,
        "folds of the cross-validation; chosen by rows and time",
        low=2,
        high=20,
        tasks=_SUPERVISED,
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
        "the column by whose time rows are split: the newest judge; no split by time",
        tasks=_SUPERVISED,
    ),
    OptionSpec(
        "group_column",
        "string",
        None,
        "rows with one value here are never divided between learning and judging; none",
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
        "what missing a class costs: balanced, or {class: weight}; alike",
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

LATER_OPTIONS: tuple[str, ...] = (
    "horizon",
    "series_column",
    "known_ahead",
    "weight_column",
)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """A run's options, checked each for itself; ``None`` where the analyst is to choose."""

    target: str | None = None
    task: str = "auto"
    metric: str | None = None
    time_budget_s: float = 60
    features: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None
    folds: int | None = None
    split: str = "auto"
    cleaning: Mapping[str, Any] | None = None
    positive_class: str | int | float | bool | None = None
    seed: int = 0
    max_predict_ms: float | None = None
    time_column: str | None = None
    group_column: str | None = None
    test_dataset_id: str | None = None
    class_weight: str | Mapping[str, float] | None = None
    costs: Mapping[str, Any] | None = None
    threshold: str | float | None = None


def parse_options(raw: Mapping[str, Any]) -> RunOptions:
    """The options of a JSON object, each of the right kind; ``null`` means the default.

    Raises ``BadOption`` (``details['option']``) for an unknown name, for one that comes with
    a later version, and for a value of the wrong kind or out of bounds.
    """
    values: dict[str, Any] = {}
    for name, value in raw.items():
        spec = _spec(name)
        if value is not None:
            values[name] = _checked(spec, value)
    return RunOptions(**values)


def _spec(name: str) -> OptionSpec:
    if name in LATER_OPTIONS:
        raise BadOption(f"Option {name!r} is not yet available.", option=name)
    if name not in SPEC_BY_NAME:
        raise BadOption(f"There is no option {name!r}.", option=name)
    return SPEC_BY_NAME[name]


def _checked(spec: OptionSpec, value: Any) -> Any:
    if not is_kind(spec.kind, value):
        raise BadOption(f"Option {spec.name!r} must be {KIND_WORDS[spec.kind]}.", option=spec.name)
    if spec.choices and value not in spec.choices:
        raise BadOption(
            f"Option {spec.name!r} must be one of {', '.join(spec.choices)}, not {value!r}.",
            option=spec.name,
        )
    low, high = spec.low, spec.high
    if low is not None and high is not None and not low <= value <= high:
        raise BadOption(
            f"Option {spec.name!r} must lie between {low:,g} and {high:,g}.", option=spec.name
        )
    return tuple(value) if spec.kind == "names" else value


def check_against(options: RunOptions, columns: Sequence[Column]) -> str | None:
    """That parsed options fit a table's columns, as far as types alone can tell.

    Returns the task where the types settle it, else ``None``. Raises ``BadOption`` for a name
    that is no column, a task that the target's type rules out, a metric that does not fit,
    and an option that the task cannot use.
    """
    by_name = {column.name: column for column in columns}
    if options.target is not None and options.target not in by_name:
        raise BadOption(f"There is no column {options.target!r} to predict.", option="target")
    _check_names(options, by_name)
    _check_splitting(options, by_name)
    _check_deciding(options)
    target = None if options.target is None else by_name[options.target]
    check_task(options.task, target)
    task = only_task(options.task, target)
    if task is not None:
        metric_for(task, options.metric)
        check_usable(options, task)
    elif target is not None:
        _check_metric(options.metric, tasks_by_type(target))
    if (
        options.split == "time"
        and options.time_column is None
        and not any(c.type == "datetime" for c in columns)
    ):
        raise BadOption("A split by time needs a column of dates.", option="split")
    return task


def _check_splitting(options: RunOptions, by_name: Mapping[str, Column]) -> None:
    for option, name in (
        ("time_column", options.time_column),
        ("group_column", options.group_column),
    ):
        if name is not None and name not in by_name:
            raise BadOption(f"There is no column {name!r} (in {option!r}).", option=option)
        if name is not None and name == options.target:
            raise BadOption(f"The target cannot be the {option!r}.", option=option)
    if options.time_column is None:
        return
    kind = by_name[options.time_column].type
    if kind not in ("datetime", "integer", "number", "id"):
        raise BadOption(
            f"Column {options.time_column!r} is {kind}; rows are put in order by dates or numbers.",
            option="time_column",
        )
    if options.split in ("stratified", "random"):
        raise BadOption(
            f"With a 'time_column' rows are split by time, and not {options.split!r}.",
            option="split",
        )


def _check_deciding(options: RunOptions) -> None:
    given = [
        name
        for name in ("class_weight", "costs", "threshold")
        if getattr(options, name) is not None
    ]
    if len(given) > 1:
        raise BadOption(
            f"Of {' and '.join(map(repr, given))} one alone can decide.", option=given[-1]
        )


def _check_metric(name: str | None, possible: Sequence[Task]) -> None:
    """That a metric fits one at least of the tasks that the target's type leaves open."""
    if name is not None and not set(metric_named(name).tasks) & set(possible):
        raise BadOption(
            f"Metric {name!r} does not fit this target, which allows the tasks "
            f"{', '.join(possible)}.",
            option="metric",
        )


def check_usable(options: RunOptions, task: str) -> None:
    """That every option given can be used by ``task``. Raises ``BadOption`` for one that cannot."""
    for spec in OPTIONS:
        given = getattr(options, spec.name) != spec.default
        if given and spec.tasks and task not in spec.tasks:
            raise BadOption(
                f"Option {spec.name!r} cannot be used for the task {task!r}.", option=spec.name
            )
    if task == "regression" and options.split == "stratified":
        raise BadOption("A stratified split needs classes; use random or time.", option="split")


def _check_names(options: RunOptions, by_name: Mapping[str, Column]) -> None:
    for option, names in (("features", options.features), ("ignore", options.ignore)):
        for name in names or ():
            if name not in by_name:
                raise BadOption(f"There is no column {name!r} (in {option!r}).", option=option)
    if options.features is not None:
        if options.target in options.features:
            raise BadOption("The target cannot be one of the features.", option="features")
        if not set(options.features) - set(options.ignore or ()):
            raise BadOption("The options leave no column to learn from.", option="features")


def check_options(
    *,
    columns: Sequence[Mapping[str, Any]],
    rows: int,  # noqa: ARG001 (part of the job's interface; types alone decide today)
    options: Mapping[str, Any],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Check a run's options against a dataset's schema without touching its values.

    Returns ``{"task", "target", "metric", "time_budget_s"}``, with ``None`` for a task or
    metric that only the values can settle. Raises ``BadOption``. Whether anything can be
    learned from the values is found out by the run itself.
    """
    parsed = parse_options(options)
    task = check_against(parsed, columns_from_json(columns))
    if progress is not None:
        progress(1.0)
    metric = metric_for(task, parsed.metric).name if task in TASKS else parsed.metric
    return {
        "task": task,
        "target": parsed.target,
        "metric": metric,
        "time_budget_s": parsed.time_budget_s,
    }
