"""The options of a training run: one description of each, parsed and checked from JSON.

Nothing heavy is imported here: the API process refuses a bad option before anything is
started. The table :data:`OPTIONS` is what the API's documentation, the command line and the
console follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.analysis.automl.option_kinds import KIND_WORDS, is_kind
from app.analysis.automl.option_table import OPTIONS, SPEC_BY_NAME, OptionSpec
from app.analysis.automl.tasks import (
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
from app.analysis.schema import NUMERIC_TYPES, Column, columns_from_json

__all__ = [
    "OPTIONS",
    "RunOptions",
    "asked_task",
    "check_against",
    "check_options",
    "check_usable",
    "parse_options",
    "time_column_of",
]


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
    horizon: int | None = None
    series_column: str | None = None
    known_ahead: tuple[str, ...] | None = None
    weight_column: str | None = None


def parse_options(raw: Mapping[str, Any]) -> RunOptions:
    """The options of a JSON object, each of the right kind; ``null`` means the default.

    Raises ``BadOption`` (``details['option']``) for an unknown name, and for a value of the wrong
    kind or out of bounds.
    """
    values: dict[str, Any] = {}
    for name, value in raw.items():
        spec = _spec(name)
        if value is not None:
            values[name] = _checked(spec, value)
    return RunOptions(**values)


def _spec(name: str) -> OptionSpec:
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
    _check_deciding(options)
    target = None if options.target is None else by_name[options.target]
    asked = asked_task(options)
    check_task(asked, target, "task" if asked == options.task else "horizon")
    task = only_task(asked, target)
    if task == "forecast":
        metric_for(task, options.metric)
        check_usable(options, task)
        _check_roles(options, by_name)
        return task
    _check_splitting(options, by_name)
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


def asked_task(options: RunOptions) -> str:
    """The task asked for; with a horizon ``auto`` is a forecast."""
    foretelling = options.task == "auto" and options.horizon is not None
    return "forecast" if foretelling and options.target is not None else options.task


def time_column_of(options: RunOptions, columns: Iterable[Column]) -> str:
    """The column that a forecast runs along: the one named, else the only one of dates.

    Raises ``BadOption`` when there is no telling.
    """
    if options.time_column is not None:
        return options.time_column
    dates = [c.name for c in columns if c.type == "datetime" and c.name != options.target]
    if len(dates) != 1:
        found = "there is none" if not dates else f"there are {len(dates)}"
        raise BadOption(
            f"A forecast runs along one column of times, and of dates {found}: name it in "
            "'time_column'.",
            option="time_column",
        )
    return dates[0]


def _check_roles(options: RunOptions, by_name: Mapping[str, Column]) -> None:
    """That the columns of a forecast exist, and that none plays two parts."""
    parts = {options.target: "target"}
    time_name = time_column_of(options, by_name.values())
    named: list[tuple[str, str | None]] = [
        ("time_column", time_name),
        ("series_column", options.series_column),
    ]
    named += [("known_ahead", name) for name in options.known_ahead or ()]
    for option, name in named:
        if name is None:
            continue
        if name not in by_name:
            raise BadOption(f"There is no column {name!r} (in {option!r}).", option=option)
        if parts.setdefault(name, option) != option:
            raise BadOption(
                f"Column {name!r} cannot be both {parts[name]!r} and {option!r}.", option=option
            )
        if name in (options.ignore or ()):
            raise BadOption(f"Column {name!r} is ignored, and the {option!r}.", option=option)
    if by_name[time_name].type == "boolean":
        raise BadOption(
            f"Column {time_name!r} is boolean, and names no times.", option="time_column"
        )
    for name in options.known_ahead or ():
        if by_name[name].type == "datetime":
            raise BadOption(
                f"Column {name!r} holds dates; what is known ahead is numbers, truth values or "
                "categories: name a column of what the dates tell, such as days from or to them.",
                option="known_ahead",
            )


def _check_splitting(options: RunOptions, by_name: Mapping[str, Column]) -> None:
    for option, name in (
        ("time_column", options.time_column),
        ("group_column", options.group_column),
        ("weight_column", options.weight_column),
    ):
        if name is not None and name not in by_name:
            raise BadOption(f"There is no column {name!r} (in {option!r}).", option=option)
        if name is not None and name == options.target:
            raise BadOption(f"The target cannot be the {option!r}.", option=option)
    if options.weight_column is not None:
        kind = by_name[options.weight_column].type
        if kind not in (*NUMERIC_TYPES, "id", "constant"):
            raise BadOption(
                f"Column {options.weight_column!r} is {kind}; weights are numbers.",
                option="weight_column",
            )
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
