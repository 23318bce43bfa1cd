"""One AutoML library on one task: run by :mod:`bench.automl` in that library's own environment.

    python bench/automl_peers.py PEER TRAIN.csv TEST.csv TARGET TASK SECONDS OUT

Writes ``OUT/predictions.csv`` (a column ``prediction`` for a regression, else one a class, its
probabilities, columns named by the classes) and ``OUT/facts.json``: ``fit_s``, ``bulk_s`` for all
rows of the test, ``row_ms`` the median of one row at a time, ``size_mb`` of the saved model.
Nothing of UAM is imported here: no peer's environment has it.
"""

from __future__ import annotations

import json
import pickle
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

ROWS_TIMED = 15
METRICS = {
    "autogluon": {
        "binary": "roc_auc",
        "multiclass": "log_loss",
        "regression": "root_mean_squared_error",
    },
    "flaml": {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"},
    "h2o": {"binary": "AUC", "multiclass": "logloss", "regression": "RMSE"},
}

# What each library is for a task: it fits and saves, and returns what answers a frame.
Predict = Callable[[pd.DataFrame], pd.DataFrame]


def autogluon(train: pd.DataFrame, target: str, task: str, seconds: int, out: Path) -> Predict:
    """AutoGluon's TabularPredictor with its preset ``medium_quality``."""
    from autogluon.tabular import TabularPredictor

    metric = METRICS["autogluon"][task]
    made = TabularPredictor(target, eval_metric=metric, path=str(out / "model"), verbosity=0)
    made.fit(train, time_limit=seconds, presets="medium_quality")
    if task == "regression":
        return lambda rows: pd.DataFrame({"prediction": made.predict(rows)})
    return made.predict_proba  # type: ignore[no-any-return]


def flaml(train: pd.DataFrame, target: str, task: str, seconds: int, out: Path) -> Predict:
    """FLAML's AutoML at its defaults."""
    from flaml import AutoML

    made = AutoML()
    rows, truth = train.drop(columns=target), train[target]
    kind = "regression" if task == "regression" else "classification"
    made.fit(
        rows,
        truth,
        task=kind,
        metric=METRICS["flaml"][task],
        time_budget=seconds,
        verbose=0,
        seed=0,
    )
    (out / "model").write_bytes(pickle.dumps(made, protocol=pickle.HIGHEST_PROTOCOL))
    return _of_scikit(made, task)


def mljar(train: pd.DataFrame, target: str, task: str, seconds: int, out: Path) -> Predict:
    """mljar-supervised in its mode Compete."""
    from supervised.automl import AutoML

    metric = {"binary": "auc", "multiclass": "logloss", "regression": "rmse"}[task]
    made = AutoML(
        mode="Compete",
        total_time_limit=seconds,
        eval_metric=metric,
        results_path=str(out / "model"),
        random_state=0,
        verbose=0,
    )
    made.fit(train.drop(columns=target), train[target])
    if task == "regression":
        return _of_scikit(made, task)
    # It tells the names of its classes there alone.
    return lambda rows: (
        made.predict_all(rows)
        .drop(columns="label")
        .rename(columns=lambda name: str(name).removeprefix("prediction_"))
    )


def h2o(train: pd.DataFrame, target: str, task: str, seconds: int, out: Path) -> Predict:
    """H2O's AutoML; needs Java."""
    import h2o as server
    from h2o.automl import H2OAutoML

    server.init(nthreads=2, max_mem_size="8g", bind_to_localhost=True, log_level="ERRR")
    server.no_progress()
    table = server.H2OFrame(train)
    if task != "regression":
        table[target] = table[target].asfactor()
    made = H2OAutoML(max_runtime_secs=seconds, sort_metric=METRICS["h2o"][task], seed=0)
    made.train(y=target, training_frame=table)
    server.save_model(made.leader, path=str(out / "model"))
    kinds = {name: kind for name, kind in table.types.items() if name != target}

    def predict(rows: pd.DataFrame) -> pd.DataFrame:
        found = made.leader.predict(server.H2OFrame(rows, column_types=kinds)).as_data_frame()
        if task == "regression":
            return found.rename(columns={"predict": "prediction"})
        classes = [str(level) for level in table[target].levels()[0]]
        return found.drop(columns="predict").set_axis(classes, axis=1)

    return predict


def hgb(train: pd.DataFrame, target: str, task: str, seconds: int, out: Path) -> Predict:  # noqa: ARG001
    """scikit-learn's histogram gradient boosting at its defaults: what an afternoon buys."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    words = make_column_selector(dtype_exclude="number")
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    encoded = make_column_transformer((encoder, words), remainder="passthrough")
    made = make_pipeline(encoded, kind(random_state=0))
    made.fit(train.drop(columns=target), train[target])
    (out / "model").write_bytes(pickle.dumps(made, protocol=pickle.HIGHEST_PROTOCOL))
    return _of_scikit(made, task)


PEERS = {"autogluon": autogluon, "flaml": flaml, "mljar": mljar, "h2o": h2o, "hgb": hgb}


def _of_scikit(made: Any, task: str) -> Predict:
    if task == "regression":
        return lambda rows: pd.DataFrame({"prediction": made.predict(rows)})
    names = [str(name) for name in made.classes_]
    return lambda rows: pd.DataFrame(made.predict_proba(rows), columns=names)


def size_mb(path: Path) -> float:
    """Megabytes of a file, or of all files of a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def main() -> None:
    """Fit, save, predict and time as the arguments say."""
    peer, train_path, test_path, target, task, seconds, folder = sys.argv[1:]
    out = Path(folder)
    train, test = pd.read_csv(train_path), pd.read_csv(test_path)
    if task != "regression":
        train[target] = train[target].astype(str)
    began = time.perf_counter()
    predict = PEERS[peer](train, target, task, int(seconds), out)
    fitted = time.perf_counter()
    found = predict(test)
    done = time.perf_counter()
    found.to_csv(out / "predictions.csv", index=False)
    waits = []
    for row in range(min(ROWS_TIMED, len(test))):
        asked = time.perf_counter()
        predict(test.iloc[[row]])
        waits.append(time.perf_counter() - asked)
    facts = {
        "fit_s": fitted - began,
        "bulk_s": done - fitted,
        "row_ms": statistics.median(waits) * 1000,
        "size_mb": size_mb(out / "model"),
    }
    (out / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
