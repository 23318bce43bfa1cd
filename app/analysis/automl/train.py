"""Training, end to end: a frame and options in, a bundle with its figures out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from app.analysis.automl.assemble import (
    bundle_of,
    charts_of,
    decision_of,
    facts_of,
    reference_of,
)
from app.analysis.automl.budget import Budget
from app.analysis.automl.bundle import Bundle
from app.analysis.automl.checkpoints import Checkpoints
from app.analysis.automl.choice import choose, ranking
from app.analysis.automl.deciding import trade_chart
from app.analysis.automl.dependence import dependence_charts
from app.analysis.automl.judgement import as_kept, early_model, follow_holdout, importances, judge
from app.analysis.automl.leaderboard import Board
from app.analysis.automl.options import RunOptions
from app.analysis.automl.prepare import Setting, prepare
from app.analysis.automl.refit import refit
from app.analysis.automl.search import Search
from app.analysis.charts.spec import Chart
from app.analysis.progress import Progress
from app.analysis.schema import Column


@dataclass(slots=True)
class Trained:
    """What a training run leaves: the model, its facts (``model.json`` but for hash and size),
    the leaderboard, and the charts' descriptions."""

    bundle: Bundle
    facts: dict[str, Any]
    leaderboard: dict[str, Any]
    charts: list[Chart] = field(default_factory=list)


def train_supervised(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    options: RunOptions,
    setting: Setting,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Train for a target within the time budget.

    ``checkpoints`` keep each candidate, and give back those of an earlier attempt.
    Raises ``BadOption`` for options that do not fit and ``HopelessTable`` when nothing can be
    learned.
    """
    made = prepare(frame, columns, options, setting)
    material = made.material
    material.budget.begin()
    progress(0.04, f"Task {material.task}: {made.target.reason}. {material.split.told}")
    checkpoints = checkpoints or Checkpoints()
    resumed = checkpoints.begin(material.budget)
    if resumed is not None:
        progress(0.04, resumed)
    board = Board(material.task, made.target.name, material.metric.name)
    search = Search(material, board, progress, checkpoints, setting.cluster)
    search.run()
    choice = choose(search.candidates, material, options)
    rows = ranking(search.candidates, choice, material)
    progress(0.82, f"Chosen: {choice.name}; fitting it on all rows.", leaderboard=board.of(rows))
    early = early_model(choice, material)
    model, late, told = refit(choice, material, setting.cluster, options.max_predict_ms)
    choice = as_kept(choice, material, late)
    figures, flattered = judge(choice, material)
    choice, followed = follow_holdout(choice, material, late)
    names = [column.name for column in made.inputs]
    importance = importances(early, material, names, min(0.05 * material.budget.seconds, 5.0))
    reference = reference_of(made, choice, importance)
    bundle = bundle_of(made, choice, model, importance, reference)
    decision = decision_of(made, choice)
    decided = [] if decision is None else [decision["message"]]
    notes = [*made.notes, *search.notes, *choice.notes, *flattered, *followed, *decided, *told]
    notes.append(repeatable(material.budget, timed=options.max_predict_ms is not None))
    facts = facts_of(made, bundle, choice, figures, notes)
    facts["decision"] = decision
    facts["fit_seconds"] = round(sum(c.fit_seconds for c in search.candidates), 3)
    charts = charts_of(made, choice, rows, importance)
    charts += dependence_charts(early, material, made.target, importance)
    if decision is not None and "threshold" in decision:
        charts.append(trade_chart(decision, str(facts["positive_class"])))
    return Trained(bundle, facts, board.of(rows), charts)


def repeatable(budget: Budget, *, timed: bool = False) -> str:
    """Whether a repetition gives the same model, in a sentence; ``timed``: it was chosen by
    measured times, too."""
    if budget.finished_at is not None:
        return "Whoever does not ask to finish may get a different model."
    if budget.cut:
        return "The clock cut the plan short: a repetition may give a slightly different model."
    if timed:
        return "Times of predictions were measured: a repetition may give a different model."
    return "The plan was finished in time: the same table, options and seed give this model again."
