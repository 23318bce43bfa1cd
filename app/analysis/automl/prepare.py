"""Before the search: the target settled, columns chosen, rows split, warnings collected."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.analysis.automl.budget import Budget
from app.analysis.automl.compute.cluster import Cluster
from app.analysis.automl.deciding import decision_asked, tilt_asked
from app.analysis.automl.decision import LARGEST
from app.analysis.automl.features.table import (
    as_floats,
    as_seconds,
    first_cell,
    lay_out,
    read_frame,
)
from app.analysis.automl.inputs import choose_inputs
from app.analysis.automl.leakage import leaking_columns, warning
from app.analysis.automl.material import Material
from app.analysis.automl.options import RunOptions, check_against, check_usable
from app.analysis.automl.own_test import TestTable, read_test
from app.analysis.automl.sampling import sampled_rows
from app.analysis.automl.split import Split, make_split
from app.analysis.automl.target import TRUTH, Target, read_target
from app.analysis.automl.tasks import metric_for
from app.analysis.automl.weighing import read_weights, told_of_weights
from app.analysis.errors import BadOption, HopelessTable
from app.analysis.schema import Column

Array = npt.NDArray[Any]

TAIL_S = 3.0
"""Seconds kept for importances, charts and writing; at most a fifth of the budget."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What surrounds a run: cleaning steps to carry, processors, the clock's start, how the file
    spelled false and true where it did so in its own way, whether somebody asks to finish, a test
    set of the user's own, and a cluster to fit on. ``pace`` is how slow the machine has been."""

    cleaning_steps: list[dict[str, Any]]
    jobs: int
    started: float
    now: Callable[[], float] = time.monotonic
    spellings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    finish: Callable[[], bool] = lambda: False
    test: TestTable | None = None
    cluster: Cluster | None = None
    pace: float = 1.0

    def budget(self, options: RunOptions) -> Budget:
        """The run's budget, with time kept for what follows the models."""
        seconds = float(options.time_budget_s)
        tail = min(TAIL_S, seconds / 5)
        return Budget(seconds, self.started, tail, self.now, probed=self.pace, finish=self.finish)

    def unused(self, columns: Sequence[Column], inputs: Sequence[Column]) -> list[str]:
        """The training file's columns that a model does not use, dropped ones included."""
        used = {column.name for column in inputs}
        dropped = [
            step["column"]
            for step in self.cleaning_steps
            if step["column"] and step["rule"].startswith("drop_")
        ]
        return [c.name for c in columns if c.name not in used] + dropped


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything the search and what follows it need. ``frame`` holds the rows with a target."""

    frame: pd.DataFrame
    columns: Sequence[Column]
    inputs: list[Column]
    target: Target
    material: Material
    options: RunOptions
    setting: Setting
    notes: list[str]


def prepare(
    frame: pd.DataFrame, columns: Sequence[Column], options: RunOptions, setting: Setting
) -> Prepared:
    """Settle what is to be learned from which columns, and split the rows.

    Raises ``BadOption`` for options that do not fit and ``HopelessTable`` when nothing can be
    learned.
    """
    check_against(options, columns)
    name = str(options.target)
    column = next(c for c in columns if c.name == name)
    target = read_target(frame, column, options, setting.spellings.get(name, TRUTH))
    check_usable(options, target.task)
    if target.rows.size < len(frame):
        frame = frame.iloc[target.rows].reset_index(drop=True)
    inputs, left_out = choose_inputs(frame, columns, options)
    sampled = sampled_rows(target, inputs, options, setting.jobs)
    if sampled is not None:
        rows, told = sampled
        frame = frame.iloc[rows].reset_index(drop=True)
        target = replace(target, rows=target.rows[rows], values=target.values[rows])
        left_out.append(told)
    material = _material(frame, inputs, target, options, setting)
    tested: list[str] = []
    if setting.test is not None:
        table, y, tested = read_test(setting.test, material.layout, target, setting.cleaning_steps)
        material.test = table, y
    leaks = _leaks(material, target)
    weighed = told_of_weights(material.weights, options)
    notes = [*target.notes, *left_out, material.split.told, *weighed, *tested, *leaks]
    return Prepared(frame, columns, inputs, target, material, options, setting, notes)


def _material(
    frame: pd.DataFrame,
    inputs: Sequence[Column],
    target: Target,
    options: RunOptions,
    setting: Setting,
) -> Material:
    layout = lay_out(frame, inputs)
    split = _split(frame, inputs, target, options, setting.jobs)
    weights = read_weights(frame, options)
    values = target.values[split.development]
    counted = None if weights is None else weights[split.development]
    return Material(
        task=target.task,
        layout=layout,
        table=read_frame(frame, layout),
        y=target.values,
        outputs=max(1, len(target.labels)),
        split=split,
        metric=metric_for(target.task, options.metric),
        budget=setting.budget(options),
        seed=options.seed,
        jobs=setting.jobs,
        decision=decision_asked(options, target.labels, values, counted)
        if target.labels
        else LARGEST,
        weights=weights,
        tilt=tilt_asked(options, target.labels, values, counted),
    )


def _split(
    frame: pd.DataFrame, inputs: Sequence[Column], target: Target, options: RunOptions, lanes: int
) -> Split:
    split = make_split(
        target.values,
        target.task,
        budget_s=float(options.time_budget_s),
        folds=options.folds,
        kind="time" if options.time_column else options.split,
        order=_order(frame, inputs, options),
        seed=options.seed,
        groups=_groups(frame, options),
        hold=options.test_dataset_id is None,
        lanes=lanes,
    )
    if split.development.size < 4:
        raise HopelessTable(f"{len(frame)} rows are too few to learn from and to judge by.")
    return split


def _groups(frame: pd.DataFrame, options: RunOptions) -> Array | None:
    """The number of each row's group; a row without one is a group of its own."""
    if options.group_column is None:
        return None
    codes, _ = pd.factorize(frame[options.group_column])
    alone = codes < 0
    codes[alone] = codes.max() + 1 + np.arange(int(alone.sum()))
    return np.asarray(codes)


def _order(frame: pd.DataFrame, inputs: Sequence[Column], options: RunOptions) -> Array | None:
    """What a split by time orders rows by: the time column, else the only date column."""
    if options.time_column is not None:
        series = frame[options.time_column]
        if pd.api.types.is_numeric_dtype(series):
            return as_floats(series)
        if pd.api.types.is_datetime64_any_dtype(series):
            return as_seconds(series)
        # A key may be a number or a code; its type does not tell.
        raise BadOption(
            f"Column {options.time_column!r} holds {first_cell(series)!r}; rows are put in order "
            "by dates or numbers, so name a column of those.",
            option="time_column",
        )
    if options.split != "time":
        return None
    dates = [column.name for column in inputs if column.type == "datetime"]
    if len(dates) != 1:
        raise BadOption(
            f"A split by time needs exactly one column of dates; there are {len(dates)}.",
            option="split",
        )
    return as_seconds(frame[dates[0]])


def _leaks(material: Material, target: Target) -> list[str]:
    rows = material.split.development
    found = leaking_columns(
        material.layout, material.table.take(rows), material.task, material.y[rows]
    )
    return [warning(name, figure, material.task, target.name) for name, figure in found.items()]
