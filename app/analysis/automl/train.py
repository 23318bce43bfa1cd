"""Training, end to end: a frame and options in, a bundle with its figures out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.analysis.automl.budget import Budget
from app.analysis.automl.bundle import Bundle
from app.analysis.automl.choice import Choice, choose, ranking
from app.analysis.automl.features.table import RawTable, as_seconds, lay_out, read_frame
from app.analysis.automl.input_schema import describe_inputs
from app.analysis.automl.inputs import choose_inputs
from app.analysis.automl.judgement import early_model, importances, judge, judged_rows
from app.analysis.automl.leakage import leaking_columns, warning
from app.analysis.automl.material import Material
from app.analysis.automl.options import RunOptions, check_against, check_usable
from app.analysis.automl.pictures import importance_chart, judgement_charts, leaderboard_chart
from app.analysis.automl.refit import refit
from app.analysis.automl.search import Search
from app.analysis.automl.split import make_split
from app.analysis.automl.target import TRUTH, Target, read_target, spell
from app.analysis.automl.tasks import metric_for
from app.analysis.charts.spec import Chart
from app.analysis.errors import BadOption, HopelessTable
from app.analysis.progress import Progress
from app.analysis.schema import Column

Array = npt.NDArray[Any]

BACKGROUND_ROWS = 16
"""Training rows that reasons for a prediction start from."""
TAIL_S = 3.0
"""Seconds kept for importances, charts and writing; at most a fifth of the budget."""


@dataclass(slots=True)
class Trained:
    """What a training run leaves: the model, its facts (``model.json`` but for hash and size),
    the leaderboard, and the charts' descriptions."""

    bundle: Bundle
    facts: dict[str, Any]
    leaderboard: dict[str, Any]
    charts: list[Chart] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Setting:
    """What surrounds a run: cleaning steps to carry, processors, the clock's start, and how
    the file spelled false and true where it did so in its own way."""

    cleaning_steps: list[dict[str, Any]]
    jobs: int
    started: float
    now: Callable[[], float] = time.monotonic
    spellings: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def forgotten(self) -> list[str]:
        """Columns that cleaning dropped: the file has them, the table not."""
        return [
            s["column"]
            for s in self.cleaning_steps
            if s["rule"].startswith("drop_") and s["column"]
        ]


def budget_of(options: RunOptions, setting: Setting) -> Budget:
    """The run's budget, with time kept for what follows the models."""
    seconds = float(options.time_budget_s)
    return Budget(seconds, setting.started, min(TAIL_S, seconds / 5), setting.now)


def train_supervised(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    options: RunOptions,
    setting: Setting,
    progress: Progress,
) -> Trained:
    """Train for a target within the time budget.

    Raises ``BadOption`` for options that do not fit and ``HopelessTable`` when nothing can be
    learned.
    """
    check_against(options, columns)
    budget = budget_of(options, setting)
    by_name = {column.name: column for column in columns}
    name = str(options.target)
    target = read_target(frame, by_name[name], options, setting.spellings.get(name, TRUTH))
    check_usable(options, target.task)
    if target.rows.size < len(frame):
        frame = frame.iloc[target.rows].reset_index(drop=True)
    inputs, notes = choose_inputs(frame, columns, options)
    notes = [*target.notes, *notes]
    material = _material(frame, inputs, target, options, setting, budget)
    notes.append(material.split.told)
    notes += _leaks(material, target)
    progress(0.04, f"Task {target.task}: {target.reason}. {material.split.told}")
    search = Search(material, progress)
    search.run()
    choice = choose(search.candidates, material, options.max_predict_ms)
    rows = ranking(search.candidates, choice, material)
    figures, more = judge(choice, material)
    notes += [*search.notes, *choice.notes, *more]
    progress(0.82, f"Chosen: {choice.name}; fitting it on all rows.", leaderboard=rows)
    early = early_model(choice, material)
    model, told = refit(choice, material)
    importance = importances(early, material, [c.name for c in inputs], _importance_s(budget))
    notes += [*told, _repeatable(budget)]
    bundle = Bundle(
        task=target.task,
        target=target.name,
        metric=material.metric.name,
        model=model,
        layout=material.layout,
        columns=list(inputs),
        labels=target.labels,
        input_schema=describe_inputs(frame, inputs),
        ignored=ignored_columns(columns, inputs, setting),
        cleaning_steps=setting.cleaning_steps,
        background=background_of(material.table, options.seed),
        intervals=choice.intervals,
        importance=importance,
        recipe=_recipe(choice, options),
    )
    facts = {
        "task": target.task,
        "task_reason": target.reason,
        "target": target.name,
        "metric": material.metric.name,
        "metrics": figures,
        "name": choice.name,
        "input_schema": bundle.input_schema,
        "importance": importance,
        "notes": notes,
        "holdout_rows": int(material.split.holdout.size),
        "train_rows": int(target.rows.size),
        "fit_seconds": round(sum(c.fit_seconds for c in search.candidates), 3),
        **_class_facts(target),
    }
    leaderboard = {
        "task": target.task,
        "target": target.name,
        "metric": material.metric.name,
        "rows": rows,
    }
    charts = _charts(rows, importance, choice, material, target)
    return Trained(bundle, facts, leaderboard, charts)


def ignored_columns(
    columns: Sequence[Column], inputs: Sequence[Column], setting: Setting
) -> list[str]:
    """The training file's columns that the model does not use."""
    used = {column.name for column in inputs}
    return [c.name for c in columns if c.name not in used] + setting.forgotten()


def background_of(table: RawTable, seed: int) -> RawTable:
    """Some rows drawn at random, that explanations start from."""
    rng = np.random.default_rng(seed)
    return table.take(np.sort(rng.permutation(table.rows)[:BACKGROUND_ROWS]))


def _material(
    frame: pd.DataFrame,
    inputs: Sequence[Column],
    target: Target,
    options: RunOptions,
    setting: Setting,
    budget: Budget,
) -> Material:
    layout = lay_out(frame, inputs)
    split = make_split(
        target.values,
        target.task,
        budget_s=budget.seconds,
        folds=options.folds,
        kind=options.split,
        order=_order(frame, inputs) if options.split == "time" else None,
        seed=options.seed,
    )
    if split.development.size < 4:
        raise HopelessTable(f"{len(frame)} rows are too few to learn from and to judge by.")
    return Material(
        task=target.task,
        layout=layout,
        table=read_frame(frame, layout),
        y=target.values,
        outputs=max(1, len(target.labels)),
        split=split,
        metric=metric_for(target.task, options.metric),
        budget=budget,
        seed=options.seed,
        jobs=setting.jobs,
    )


def _order(frame: pd.DataFrame, inputs: Sequence[Column]) -> Array:
    """Seconds by which a split by time orders rows: of the only date column."""
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


def _importance_s(budget: Budget) -> float:
    return min(0.05 * budget.seconds, 5.0)


def _repeatable(budget: Budget) -> str:
    if budget.cut:
        return "The clock cut the plan short: a repetition may give a slightly different model."
    return "The plan was finished in time: the same table, options and seed give this model again."


def _recipe(choice: Choice, options: RunOptions) -> dict[str, Any]:
    members = [
        {
            "name": candidate.entry.name,
            "kind": candidate.entry.kind,
            "weight": weight,
            "target": candidate.entry.target,
            "params": candidate.params,
        }
        for weight, candidate in choice.members
    ]
    return {"seed": options.seed, "members": members, "temperature": choice.temperature}


def _class_facts(target: Target) -> dict[str, Any]:
    if not target.labels:
        return {}
    facts: dict[str, Any] = {"classes": list(target.labels)}
    if target.positive is not None:
        facts["positive_class"] = spell(target.positive)
    return facts


def _charts(
    rows: list[dict[str, Any]],
    importance: list[dict[str, Any]],
    choice: Choice,
    material: Material,
    target: Target,
) -> list[Chart]:
    truth, prediction, _ = judged_rows(choice, material)
    charts = [leaderboard_chart(rows, material.metric)]
    if importance:
        charts.append(importance_chart(importance, material.metric))
    charts += judgement_charts(
        material.task, target.name, target.labels, truth, prediction, material.seed
    )
    return charts
