"""Splits: a last holdout that judges once, and the folds that choose.

Rows that trained nothing and chose nothing give the reported figures; the folds' rows give
out-of-fold predictions, by which candidates are ranked and weighed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.tasks import Task

Rows = npt.NDArray[np.intp]
Array = npt.NDArray[Any]

NO_HOLDOUT_BELOW = 60
MAX_HOLDOUT = 20_000
MAX_VALIDATION = 50_000


@dataclass(frozen=True, slots=True)
class Fold:
    """Positions of the rows that train and of those that judge."""

    train: Rows
    valid: Rows


@dataclass(frozen=True, slots=True)
class Split:
    """All rows that may choose (``development``), the ``holdout``, and folds within the first.

    The holdout is empty on tiny tables. ``kind`` is ``stratified``, ``random`` or ``time``;
    ``told`` says what was chosen and why.
    """

    development: Rows
    holdout: Rows
    folds: tuple[Fold, ...]
    kind: str
    told: str


def holdout_share(rows: int) -> float:
    """Share of rows kept for the last judgement: 20 % to 2,500 rows, falling to 10 % at 25,000."""
    if rows < NO_HOLDOUT_BELOW:
        return 0.0
    return float(np.interp(rows, [2_500, 25_000], [0.2, 0.1]))


def fold_count(rows: int, budget_s: float) -> int:
    """How many folds suit so many rows and seconds; 1 means one validation part of 15 %.

    Small tables need many folds for a steady choice; on large ones a single part is as
    steady, and the time is better spent on candidates. Even numbers suit two fits at a time.
    """
    if budget_s < 25:
        return 4 if rows <= 5_000 else 1
    if rows <= 2_000:
        return 8
    if rows <= 15_000:
        return 6
    return 4 if rows <= 60_000 or budget_s >= 300 else 1


def make_split(
    values: Array,
    task: Task,
    *,
    budget_s: float,
    folds: int | None,
    kind: str,
    order: Array | None,
    seed: int,
) -> Split:
    """Split rows with those target ``values``; positions refer to them.

    ``order`` gives the time of each row and is needed for ``kind`` ``time``; there the newest
    rows are the holdout, and each fold is judged on rows later than those it trained on.
    """
    n = values.size
    rng = np.random.default_rng(seed)
    kind = _kind(kind, task)
    if kind == "time" and order is not None:
        line = np.argsort(order, kind="stable")
    else:
        line = _dealt(values, rng) if kind == "stratified" else rng.permutation(n)
    held = min(MAX_HOLDOUT, round(n * holdout_share(n)))
    development, holdout = _cut(line, held, kind)
    count = folds or fold_count(development.size, budget_s)
    count = min(count, max(2, development.size // 2)) if count > 1 else 1
    parts = _folds(development, count, kind)
    told = _told(kind, len(parts), holdout.size, rng_seed=seed)
    return Split(np.sort(development), np.sort(holdout), parts, kind, told)


def _kind(asked: str, task: Task) -> str:
    if asked == "stratified" or (asked == "auto" and task != "regression"):
        return "stratified" if task != "regression" else "random"
    return "random" if asked == "auto" else asked


def _dealt(values: Array, rng: np.random.Generator) -> Rows:
    """Rows in an order in which every stretch holds each class in its share.

    Rows are shuffled, then laid along a line at evenly spaced places per class.
    """
    places = np.empty(values.size)
    for value in np.unique(values):
        rows = rng.permutation(np.flatnonzero(values == value))
        places[rows] = (np.arange(rows.size) + rng.random()) / rows.size
    return np.argsort(places, kind="stable")


def _cut(line: Rows, held: int, kind: str) -> tuple[Rows, Rows]:
    if kind == "time":
        return line[: line.size - held], line[line.size - held :]
    return line[held:], line[:held]


def _folds(line: Rows, count: int, kind: str) -> tuple[Fold, ...]:
    if count == 1:
        size = min(MAX_VALIDATION, max(1, round(line.size * 0.15)))
        train, valid = _cut(line, size, kind)
        return (Fold(np.sort(train), np.sort(valid)),)
    if kind == "time":
        parts = np.array_split(line, count + 1)
        return tuple(
            Fold(np.sort(np.concatenate(parts[: k + 1])), np.sort(parts[k + 1]))
            for k in range(count)
        )
    parts = np.array_split(line, count)
    return tuple(
        Fold(np.sort(np.concatenate([p for j, p in enumerate(parts) if j != k])), np.sort(part))
        for k, part in enumerate(parts)
    )


def _told(kind: str, folds: int, holdout: int, rng_seed: int) -> str:
    how = {
        "stratified": "with each class in its share",
        "random": "at random",
        "time": "by time, the newest rows judging",
    }[kind]
    choose = f"{folds} folds choose" if folds > 1 else "one part of 15 % chooses"
    last = f"{holdout:,} rows judge once at the end" if holdout else "too few rows for a holdout"
    return f"Rows were split {how} (seed {rng_seed}): {choose}, {last}."
