"""Whether ``uam train`` keeps its budget, and what more of it buys, on public tables::

    python -m bench.budgets --tasks PYTHON [--seconds 10 60] [--cores 1 2] [--only NAME …]

Tables and splits are those of :mod:`bench.automl`. The wall time is that of the whole command,
start, imports and report included, and may be 1.1 budgets and 3 s; the first usable model is the
first candidate beyond the baseline that the command tells of. ``--cores`` are those that the
process may use (its affinity).
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.automl import TASKS, Split, Task, error_of, split, table_of

_CANDIDATE = re.compile(r"^(?!Baseline)[^:]+: [a-z_0-9]+ -?[\d.e+-]+$")


@dataclass(frozen=True)
class Kept:
    """Seconds until the first usable model and until the end; the error on the test."""

    first_s: float | None
    wall_s: float
    error: float


def train(task: Task, parts: Split, seconds: int, cores: int, out: Path) -> Kept:
    """Train and predict as a user does, on so many cores."""
    uam = str(Path(sys.executable).with_name("uam"))
    argv = [uam, "train", str(parts.train), "--target", task.target, "--out", str(out)]
    began, first = time.monotonic(), None
    with subprocess.Popen(
        [*argv, "--time-budget", str(seconds)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, range(cores)),  # noqa: PLW1509
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if first is None and _CANDIDATE.match(line.rstrip()):
                first = time.monotonic() - began
    if process.returncode:
        raise SystemExit(f"{task.name}: uam train ended with {process.returncode}")
    wall = time.monotonic() - began
    told = out / "predictions.csv"
    asked = [uam, "predict", str(out / "model.joblib"), str(parts.test), "--out", str(told)]
    subprocess.run([*asked, "--proba"], check=True, capture_output=True)
    found = pd.read_csv(told)
    found.rename(columns=lambda name: name.removeprefix("probability_")).to_csv(told, index=False)
    return Kept(first, wall, error_of(task, parts.truth, told))


def main() -> None:
    """Prints a line a training."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", required=True, metavar="PYTHON")
    parser.add_argument("--seconds", type=int, nargs="*", default=[10, 60])
    parser.add_argument("--cores", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--only", nargs="*", metavar="NAME")
    chosen = parser.parse_args()
    print("| task | budget s | cores | first model s | wall s | allowed s | error |")
    print("| --- " * 7 + "|")
    for task in TASKS:
        if chosen.only and task.name not in chosen.only:
            continue
        for seconds in chosen.seconds:
            for cores in chosen.cores:
                with tempfile.TemporaryDirectory(prefix="uam-budgets-") as name:
                    folder = Path(name)
                    parts = split(table_of(task, chosen.tasks, folder), task, folder)
                    kept = train(task, parts, seconds, cores, folder / "made")
                first = "none" if kept.first_s is None else f"{kept.first_s:.1f}"
                allowed = 1.1 * seconds + 3
                print(
                    f"| {task.name} | {seconds} | {cores} | {first} | {kept.wall_s:.1f} "
                    f"| {allowed:.0f} | {kept.error:.4g} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
