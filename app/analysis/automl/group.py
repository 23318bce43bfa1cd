"""Training without a target: clusters, described, as a model that assigns new rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from app.analysis.automl.assemble import background_of
from app.analysis.automl.bundle import Bundle
from app.analysis.automl.checkpoints import Checkpoints
from app.analysis.automl.cluster_words import describe_clusters
from app.analysis.automl.clustering import Clustering, find_clusters
from app.analysis.automl.features.table import RawTable, lay_out, read_frame
from app.analysis.automl.input_schema import describe_inputs
from app.analysis.automl.inputs import choose_inputs
from app.analysis.automl.leaderboard import Board
from app.analysis.automl.options import RunOptions, check_against
from app.analysis.automl.pictures import cluster_chart, leaderboard_chart
from app.analysis.automl.prepare import Setting
from app.analysis.automl.reference import take_reference
from app.analysis.automl.tasks import METRICS, metric_for
from app.analysis.automl.train import Trained
from app.analysis.charts.spec import Chart
from app.analysis.progress import Progress
from app.analysis.schema import Column

WEAK = 0.25
"""A silhouette below this speaks of no real groups (Kaufman & Rousseeuw 1990)."""
DRAWN_ROWS = 5_000


def train_clusters(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    options: RunOptions,
    setting: Setting,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Find clusters within the time budget.

    ``checkpoints`` keep each way of grouping, and give back those of an earlier attempt.
    Raises ``BadOption`` for options that clustering cannot use and ``HopelessTable`` when
    there is nothing to group.
    """
    check_against(options, columns)
    inputs, notes = choose_inputs(frame, columns, options)
    layout = lay_out(frame, inputs)
    table = read_frame(frame, layout)
    metric = metric_for("clustering", options.metric)
    board = Board("clustering", None, metric.name)
    budget, checkpoints = setting.budget(options), checkpoints or Checkpoints()
    progress(0.05, "No target: looking for clusters.")
    resumed = checkpoints.begin(budget)
    if resumed is not None:
        progress(0.05, resumed)
    found = find_clusters(
        layout,
        table,
        board=board,
        seed=options.seed,
        budget=budget,
        progress=progress,
        checkpoints=checkpoints,
    )
    clusters = describe_clusters(frame, inputs, found.assigned)
    bundle = Bundle(
        task="clustering",
        target=None,
        metric=metric.name,
        model=found.model,
        layout=layout,
        columns=list(inputs),
        labels=tuple(range(1, len(clusters) + 1)),
        input_schema=describe_inputs(frame, inputs),
        ignored=setting.unused(columns, inputs),
        cleaning_steps=setting.cleaning_steps,
        background=background_of(table, options.seed),
        recipe={"seed": options.seed, "name": found.name},
        reference=take_reference(
            layout, table, (), found.assigned, [str(c["cluster"]) for c in clusters]
        ),
    )
    facts = _facts(bundle, found, clusters, notes)
    charts = [
        leaderboard_chart(found.rows, METRICS[metric.name]),
        _picture(found, table, clusters, options.seed),
    ]
    return Trained(bundle, facts, board.of(found.rows), charts)


def _facts(
    bundle: Bundle, found: Clustering, clusters: list[dict[str, Any]], notes: list[str]
) -> dict[str, Any]:
    """The facts of a run as ``model.json`` tells them, but for hash, size and versions."""
    told = [*notes, *(f"Cluster {c['cluster']}: {c['description']}" for c in clusters)]
    if found.metrics["silhouette"] < WEAK:
        told.append(f"The clusters are weakly separated (silhouette below {WEAK}).")
    return {
        "task": "clustering",
        "task_reason": "there is no target",
        "target": None,
        "metric": bundle.metric,
        "metrics": found.metrics,
        "name": found.name,
        "input_schema": bundle.input_schema,
        "importance": [],
        "notes": told,
        "clusters": clusters,
        "classes": list(bundle.labels),
        "holdout_rows": 0,
        "train_rows": int(found.assigned.size),
        "fit_seconds": round(found.fit_seconds, 3),
    }


def _picture(
    found: Clustering, table: RawTable, clusters: list[dict[str, Any]], seed: int
) -> Chart:
    shown = np.random.default_rng(seed).permutation(table.rows)[:DRAWN_ROWS]
    names = [f"cluster {c['cluster']}" for c in clusters]
    places = found.model.place(table.take(shown))
    return cluster_chart(places, found.assigned[shown], names, seed)
