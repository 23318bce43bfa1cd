"""Training without a target: clusters, described, as a model that assigns new rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from app.analysis.automl.assemble import background_of, leaderboard_of
from app.analysis.automl.bundle import Bundle
from app.analysis.automl.cluster_words import describe_clusters
from app.analysis.automl.clustering import find_clusters
from app.analysis.automl.features.table import lay_out, read_frame
from app.analysis.automl.input_schema import describe_inputs
from app.analysis.automl.inputs import choose_inputs
from app.analysis.automl.options import RunOptions, check_against
from app.analysis.automl.pictures import cluster_chart, leaderboard_chart
from app.analysis.automl.prepare import Setting
from app.analysis.automl.tasks import METRICS, metric_for
from app.analysis.automl.train import Keep, Trained
from app.analysis.progress import Progress
from app.analysis.schema import Column


def train_clusters(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    options: RunOptions,
    setting: Setting,
    progress: Progress,
    keep: Keep | None = None,
) -> Trained:
    """Find clusters within the time budget; there is no model to ``keep`` before the end.

    Raises ``BadOption`` for options that clustering cannot use and ``HopelessTable`` when
    there is nothing to group.
    """
    del keep
    check_against(options, columns)
    inputs, notes = choose_inputs(frame, columns, options)
    layout = lay_out(frame, inputs)
    table = read_frame(frame, layout)
    metric = metric_for("clustering", options.metric)
    progress(0.05, "No target: looking for clusters.")
    found = find_clusters(
        layout,
        table,
        metric=metric.name,
        seed=options.seed,
        budget=setting.budget(options),
        progress=progress,
    )
    clusters = describe_clusters(frame, inputs, found.assigned)
    notes += [f"Cluster {c['cluster']}: {c['description']}" for c in clusters]
    if found.metrics["silhouette"] < 0.25:
        notes.append("The clusters are weakly separated (silhouette below 0.25).")
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
    )
    facts: dict[str, Any] = {
        "task": "clustering",
        "task_reason": "there is no target",
        "target": None,
        "metric": metric.name,
        "metrics": found.metrics,
        "name": found.name,
        "input_schema": bundle.input_schema,
        "importance": [],
        "notes": notes,
        "clusters": clusters,
        "classes": list(bundle.labels),
        "holdout_rows": 0,
        "train_rows": len(frame),
        "fit_seconds": round(found.fit_seconds, 3),
    }
    shown = np.random.default_rng(options.seed).permutation(len(frame))[:5_000]
    charts = [
        leaderboard_chart(found.rows, METRICS[metric.name]),
        cluster_chart(
            found.model.place(table.take(shown)),
            found.assigned[shown],
            [f"cluster {c['cluster']}" for c in clusters],
            options.seed,
        ),
    ]
    return Trained(bundle, facts, leaderboard_of(bundle, found.rows), charts)
