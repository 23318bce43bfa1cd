"""The jobs of this room: what the server runs in a child and the command line calls."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.analysis.automl.bundle import save, versions
from app.analysis.automl.checkpoints import Checkpoints, plan_of
from app.analysis.automl.compute.cluster import Cluster, ClusterAway, connect
from app.analysis.automl.files import read_file
from app.analysis.automl.forecasting.train import train_forecast
from app.analysis.automl.group import train_clusters
from app.analysis.automl.options import RunOptions, asked_task, check_options, parse_options
from app.analysis.automl.own_test import TestTable
from app.analysis.automl.prepare import Setting
from app.analysis.automl.search import HERE
from app.analysis.automl.serving import load
from app.analysis.automl.table_out import csv_lines
from app.analysis.automl.threads import available_cpus, bounded_pools
from app.analysis.automl.train import Trained, train_supervised
from app.analysis.errors import BadOption
from app.analysis.ingest.frame import load_frame
from app.analysis.ingest.spellings import read_spellings
from app.analysis.progress import Progress
from app.analysis.schema import columns_from_json

__all__ = ["check_options", "foretell", "predict", "train"]

CONNECTING_SHARE = 0.2
"""Of the budget, until a cluster must be ready."""
MOST_UNPACKED = 4 * 1024**3
"""Bytes that a file to predict may unpack to; the caller has checked its own size before."""


def train(
    *,
    source: str,
    out_dir: str,
    columns: list[dict[str, Any]],
    options: dict[str, Any],
    progress: Progress,
    checkpoint_dir: str | None = None,
    finish_file: str | None = None,
    test: dict[str, Any] | None = None,
    compute_url: str = "",
) -> dict[str, Any]:
    """Train on the cleaned table at ``source``; the budget counts from here to the saved model.

    ``options`` are the run's, and beside them ``jobs`` (processors to use), ``cleaning_steps``
    (to carry in the model), ``spent_s`` (seconds of the budget that are gone already) and ``pace``
    (how many times as slow as planned for the machine has been so far).
    In ``checkpoint_dir`` each candidate is kept as soon as it is fitted; what an earlier attempt
    at the same training has kept there is not fitted again, and its time is spent. Once there is a
    ``finish_file``, the training stops and the best so far is kept. ``test`` (``source``,
    ``columns``) is the table of the option ``test_dataset_id``, which the option needs. At
    ``compute_url`` a Dask cluster fits the candidates of a target that is not forecast; where it
    is of no use they are fitted here, and that is told.
    Writes ``model.joblib``, ``leaderboard.json``, ``model.json`` and ``charts/`` into
    ``out_dir``; returns the content of ``model.json``. Raises ``BadOption`` and ``HopelessTable``.
    """
    asked = dict(options)
    started, spent = time.monotonic(), float(asked.pop("spent_s", 0.0))
    jobs, steps = asked.pop("jobs", None), asked.pop("cleaning_steps", None)
    pace = float(asked.pop("pace", 1.0))
    parsed = parse_options(asked)
    if parsed.test_dataset_id is not None and test is None:
        raise BadOption("A test set is named, and not given.", option="test_dataset_id")
    checkpoints = Checkpoints()
    if checkpoint_dir is not None:
        files = [Path(source)] if test is None else [Path(source), Path(test["source"])]
        plan = plan_of(files, columns, parsed, versions())
        checkpoints = Checkpoints(Path(checkpoint_dir), plan, float(parsed.time_budget_s))
    started -= max(spent, checkpoints.spent_s)
    out, schema = Path(out_dir), columns_from_json(columns)
    work = _work(parsed)
    url = compute_url if work is train_supervised else ""
    within_s = CONNECTING_SHARE * parsed.time_budget_s
    with _cluster(url, within_s, progress) as cluster:
        setting = Setting(
            cleaning_steps=steps or [],
            jobs=min(jobs or available_cpus(), available_cpus()),
            started=started,
            pace=pace,
            spellings=read_spellings(Path(source)),
            test=None if test is None else _test_table(test),
            finish=(lambda: False) if finish_file is None else Path(finish_file).exists,
            cluster=cluster,
        )
        frame = load_frame(source, schema)
        if available_cpus() > 1:
            threading.Thread(target=_load_drawing, daemon=True).start()
        with bounded_pools(1):  # fits go side by side, or bring their own threads
            trained = work(frame, schema, parsed, setting, progress, checkpoints)
    digest, size = save(trained.bundle, out / "model.joblib")
    facts = {**trained.facts, "sha256": digest, "size_bytes": size, "versions": versions()}
    _write(out / "leaderboard.json", trained.leaderboard)
    _write(out / "model.json", facts)
    progress(0.93, "Drawing charts.")
    _load_drawing()(trained.charts, out / "charts")
    progress(1.0, f"Trained in {time.monotonic() - started:.1f} s: {facts['name']}.")
    return facts


def _load_drawing() -> Callable[..., Any]:
    """What writes charts: it takes a while to load, for which fits leave room on two cores; on
    one they would seem slow."""
    from app.analysis.charts.write import write_charts

    return write_charts


@contextmanager
def _cluster(url: str, within_s: float, progress: Progress) -> Iterator[Cluster | None]:
    """The cluster at that URL for a while; ``None`` without one, and where it is of no use."""
    if not url:
        yield None
        return
    try:
        cluster = connect(url, within_s)
    except ClusterAway as why:
        progress(0.01, f"The cluster is of no use: {why}. {HERE}", level="WARNING")
        yield None
        return
    try:
        yield cluster
    finally:
        cluster.close()


def _work(options: RunOptions) -> Callable[..., Trained]:
    """What trains for these options."""
    if options.target is None:
        return train_clusters
    return train_forecast if asked_task(options) == "forecast" else train_supervised


def _test_table(test: dict[str, Any]) -> TestTable:
    source = Path(test["source"])
    return TestTable(load_frame(source, test["columns"]), read_spellings(source))


def predict(
    *,
    model: str,
    source: str,
    filename: str,
    out: str,
    proba: bool,
    sha256: str | None,
    progress: Progress,
) -> dict[str, Any]:
    """Predict a file of any format that is read: a CSV at ``out``, one row for each row.

    Its column is ``prediction``, and with ``proba`` one ``probability_CLASS`` a class. Returns
    ``{"rows", "warnings"}``. Raises ``BadModel``, ``BadRows``, ``BadTable`` and
    ``UnsupportedFormat``.
    """
    predictor = load(model, sha256)
    progress(0.1)
    with tempfile.TemporaryDirectory() as folder, bounded_pools(available_cpus()):
        found = read_file(predictor, Path(source), filename, Path(folder), MOST_UNPACKED)
        progress(0.5)
        with Path(out).open("w", encoding="utf-8") as file:
            file.writelines(csv_lines(found.answers(), proba=proba, intervals=False))
    progress(1.0)
    return {"rows": found.rows, "warnings": found.warnings}


def foretell(
    *, model: str, horizon: int, out: str, sha256: str | None, progress: Progress
) -> dict[str, Any]:
    """The next ``horizon`` steps of every series of a forecast: a CSV at ``out``.

    Its columns are ``time``, ``series`` where there are several, ``prediction``, and ``low`` and
    ``high`` where the model knows them. Returns ``{"rows", "warnings"}``. Raises ``BadModel``,
    and ``BadRows`` for a horizon out of reach and a model that is no forecast.
    """
    predictor = load(model, sha256)
    progress(0.1)
    with bounded_pools(available_cpus()):
        found = predictor.predict_rows([], horizon=horizon)
    with Path(out).open("w", encoding="utf-8") as file:
        file.writelines(csv_lines(found["predictions"]))
    progress(1.0)
    return {"rows": len(found["predictions"]), "warnings": found["warnings"]}


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False), "utf-8")
