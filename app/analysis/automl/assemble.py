"""The parts of a run put together: a bundle to store, and the facts and charts about it."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.analysis.automl.bundle import Bundle
from app.analysis.automl.choice import Choice
from app.analysis.automl.combined import Combined
from app.analysis.automl.deciding import describe_decision
from app.analysis.automl.features.table import RawTable
from app.analysis.automl.input_schema import describe_inputs
from app.analysis.automl.judgement import judged_rows, judging_weights
from app.analysis.automl.pictures import importance_chart, judgement_charts, leaderboard_chart
from app.analysis.automl.prepare import Prepared
from app.analysis.automl.reference import Reference, answers_of, take_reference
from app.analysis.automl.target import Target, spell
from app.analysis.charts.spec import Chart

BACKGROUND_ROWS = 16
"""Training rows that reasons for a prediction start from."""


def bundle_of(
    made: Prepared,
    choice: Choice,
    model: Combined,
    importance: list[dict[str, Any]],
    reference: Reference,
) -> Bundle:
    """What is stored: the model with all that predicting with it needs."""
    return Bundle(
        task=made.target.task,
        target=made.target.name,
        metric=made.material.metric.name,
        model=model,
        layout=made.material.layout,
        columns=list(made.inputs),
        labels=made.target.labels,
        input_schema=describe_inputs(made.frame, made.inputs),
        ignored=made.setting.unused(made.columns, made.inputs),
        cleaning_steps=made.setting.cleaning_steps,
        background=background_of(made.material.table, made.options.seed),
        intervals=choice.intervals,
        importance=importance,
        recipe={
            **_recipe(choice, made.options.seed),
            "weight_column": made.options.weight_column,
        },
        target_type=made.target.type,
        words=made.target.words,
        reference=reference,
        decision=choice.decision,
    )


def reference_of(made: Prepared, choice: Choice, importance: list[dict[str, Any]]) -> Reference:
    """The training rows counted, and the model's answers for rows that its folds left out."""
    material = made.material
    return take_reference(
        material.layout,
        material.table,
        [row["feature"] for row in importance],
        answers_of(choice.prediction, material.task, choice.decision),
        [spell(label) for label in made.target.labels],
    )


def background_of(table: RawTable, seed: int) -> RawTable:
    """Some rows drawn at random, that explanations start from."""
    rng = np.random.default_rng(seed)
    return table.take(np.sort(rng.permutation(table.rows)[:BACKGROUND_ROWS]))


def facts_of(
    made: Prepared, bundle: Bundle, choice: Choice, figures: dict[str, float], notes: list[str]
) -> dict[str, Any]:
    """The facts of a run as ``model.json`` tells them, but for hash, size and versions."""
    return {
        "task": bundle.task,
        "task_reason": made.target.reason,
        "target": bundle.target,
        "metric": bundle.metric,
        "metrics": figures,
        "name": choice.name,
        "input_schema": bundle.input_schema,
        "importance": bundle.importance,
        "notes": notes,
        "holdout_rows": int(made.material.holdout.rows),
        "train_rows": int(made.target.rows.size),
        **_class_facts(made.target),
    }


def decision_of(made: Prepared, choice: Choice) -> dict[str, Any] | None:
    """How labels follow from probabilities, with its trade, where not by the largest."""
    if not made.target.labels:
        return None
    truth, prediction, _ = judged_rows(choice, made.material)
    weights = judging_weights(made.material)
    found = describe_decision(
        choice.decision, choice.decided_by, made.target.labels, truth, prediction, weights
    )
    if found is not None and weights is not None:
        found["weight_column"] = made.options.weight_column
        found["message"] += f" Rows count by their weight in {made.options.weight_column!r}."
    return found


def charts_of(
    made: Prepared,
    choice: Choice,
    rows: list[dict[str, Any]],
    importance: list[dict[str, Any]],
) -> list[Chart]:
    """What was tried, what the model leans on, and how it errs."""
    material = made.material
    truth, prediction, _ = judged_rows(choice, material)
    charts = [leaderboard_chart(rows, material.metric)]
    if importance:
        charts.append(importance_chart(importance, material.metric))
    return charts + judgement_charts(
        material.task,
        made.target.name,
        made.target.labels,
        truth,
        prediction,
        material.seed,
        choice.decision,
        judging_weights(material),
    )


def _recipe(choice: Choice, seed: int) -> dict[str, Any]:
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
    return {"seed": seed, "members": members, "temperature": choice.temperature}


def _class_facts(target: Target) -> dict[str, Any]:
    if not target.labels:
        return {}
    facts: dict[str, Any] = {"classes": list(target.labels)}
    if target.positive is not None:
        facts["positive_class"] = spell(target.positive)
    return facts
