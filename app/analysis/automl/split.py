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
from app.analysis.automl.threads import TEAM_ROWS
from app.analysis.errors import HopelessTable

Rows = npt.NDArray[np.intp]
Array = npt.NDArray[Any]

NO_HOLDOUT_BELOW = 60
MAX_HOLDOUT = 20_000
MAX_VALIDATION = 50_000
LEAST_GROUPS = 3
JUDGING = 0.15
"""The share of a part that judges alone, or beside another."""


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


CLASSES = 4
"""Classes that do not make a fit slower to speak of."""


def holdout_share(rows: int) -> float:
    """Share of rows kept for the last judgement: 20 % to 2,500 rows, falling to 10 % at 25,000."""
    if rows < NO_HOLDOUT_BELOW:
        return 0.0
    return float(np.interp(rows, [2_500, 25_000], [0.2, 0.1]))


def fold_count(rows: int, budget_s: float, outputs: int = 1) -> int:
    """How many folds suit so many rows and seconds; 1 means validation parts of 15 %.

    Small tables need many folds for a steady choice; on large ones a single part is as
    steady, and the time is better spent on candidates. Even numbers suit two fits at a time.
    Each of many classes (``outputs``) has trees of its own, and the time is worth that much less.
    """
    budget_s /= max(1.0, outputs / CLASSES)
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
    groups: Array | None = None,
    hold: bool = True,
    lanes: int = 1,
) -> Split:
    """Split rows with those target ``values``; positions refer to them.

    ``order`` gives the time of each row and is needed for ``kind`` ``time``; there the newest
    rows are the holdout, and each fold is judged on rows later than those it trained on. Rows of
    one time stay together where that leaves parts of about the size wanted; a row without a time
    counts as the oldest. ``groups`` numbers the group of each row: none is ever divided, and by
    time it stands where its last row does, and of its rows only those judge that are newer than all
    that was learned from. Without ``hold`` there is no holdout, since other rows judge at the end.
    Where one validation part would do and ``lanes`` are more than one, there are two, each beside a
    fit of its own, which takes no longer. Raises ``HopelessTable`` for fewer than three groups.
    """
    n = values.size
    rng = np.random.default_rng(seed)
    kind = _kind(kind, task)
    order = None if order is None else np.nan_to_num(order, nan=-np.inf)
    if groups is not None:
        line, kept = _grouped(values, groups, kind, order, rng), _Whole(groups)
    elif kind == "time" and order is not None:
        line, kept = np.argsort(order, kind="stable"), _Whole(order, always=False)
    else:
        line, kept = in_shares(values, rng) if kind == "stratified" else rng.permutation(n), None
    held = min(MAX_HOLDOUT, round(n * holdout_share(n))) if hold else 0
    development, holdout = _held_out(line, held, kind, kept)
    outputs = 1 if task == "regression" else np.unique(values).size
    count = folds or fold_count(development.size, budget_s, outputs)
    count = min(count, max(2, development.size // 2)) if count > 1 else 1
    if count == 1:
        aside = 2 if lanes > 1 and folds is None and development.size <= TEAM_ROWS else 1
        parts = _set_aside(development, aside, kind, kept)
    else:
        parts = _folds(development, count, kind, kept)
    apart = 0
    if kind == "time" and groups is not None and order is not None:
        parts, holdout, apart = _purged(parts, development, holdout, order)
    if task != "regression":
        parts = _learnable(parts, values)
    told = _told(
        kind,
        _choosing(len(parts), aside=count == 1),
        _judging(holdout.size, wanted=held, own=not hold),
        rng_seed=seed,
        grouped=groups is not None,
    )
    if apart:
        told += f" {apart:,} rows of groups that began earlier judge nothing."
    return Split(np.sort(development), np.sort(holdout), parts, kind, told)


def _kind(asked: str, task: Task) -> str:
    if asked == "stratified" or (asked == "auto" and task != "regression"):
        return "stratified" if task != "regression" else "random"
    return "random" if asked == "auto" else asked


def in_shares(values: Array, rng: np.random.Generator) -> Rows:
    """Rows in an order in which every stretch holds each class in its share.

    Rows are shuffled, then laid along a line at evenly spaced places per class. Two rows of a
    class come late in their stretches, so that the holdout, which is cut from the start, takes none.
    """
    places = np.empty(values.size)
    for value in np.unique(values):
        rows = rng.permutation(np.flatnonzero(values == value))
        start = rng.random()
        if rows.size == 2:
            start = (1 + start) / 2
        places[rows] = (np.arange(rows.size) + start) / rows.size
    return np.argsort(places, kind="stable")


@dataclass(frozen=True, slots=True)
class _Whole:
    """What is to be kept whole: rows of one key. Without ``always`` only where the cut moves by
    less than half of the part's size."""

    keys: Array
    always: bool = True

    def places(self, line: Rows) -> Rows:
        """Where the line can be cut."""
        keys = self.keys[line]
        return 1 + np.flatnonzero(keys[1:] != keys[:-1])

    def moved(self, line: Rows, at: int, size: int) -> int:
        """The place nearest to ``at`` where the line can be cut, 0 and its end excluded."""
        places = self.places(line)
        if not places.size:
            return at
        place = int(places[np.argmin(np.abs(places - at))])
        return place if self.always or 2 * abs(place - at) < size else at


def _grouped(
    values: Array, groups: Array, kind: str, order: Array | None, rng: np.random.Generator
) -> Rows:
    """Rows in an order in which each group stands together: by its last time, else dealt out, by
    its most frequent class where classes are to be spread."""
    _, codes = np.unique(groups, return_inverse=True)
    count = int(codes.max()) + 1
    if count < LEAST_GROUPS:
        raise HopelessTable(
            f"There are only {count} groups: too few to learn from some and be judged by others."
        )
    if kind == "time" and order is not None:
        last = np.full(count, -np.inf)
        np.maximum.at(last, codes, order)
        places = last
    elif kind == "stratified":
        table = np.zeros((count, int(values.max()) + 1))
        np.add.at(table, (codes, values), 1)
        places = np.argsort(in_shares(table.argmax(axis=1), rng)).astype(np.float64)
    else:
        places = rng.permutation(count).astype(np.float64)
    if kind != "time":
        places[2 * np.bincount(codes) > values.size] = count  # the holdout is cut from the start
    return np.lexsort((codes, places[codes]))


def _purged(
    parts: tuple[Fold, ...], development: Rows, holdout: Rows, order: Array
) -> tuple[tuple[Fold, ...], Rows, int]:
    """Without judging rows from before the last time that was learned from: a group stands where
    its last row does, and its first may be older than what others taught."""

    def later(train: Rows, rows: Rows) -> Rows:
        kept = rows[order[rows] > order[train].max()]
        return np.asarray(kept if kept.size else rows[order[rows] == order[rows].max()])

    folds = tuple(Fold(part.train, later(part.train, part.valid)) for part in parts)
    held = later(development, holdout) if holdout.size else holdout
    before = sum(part.valid.size for part in parts) + holdout.size
    return folds, held, before - sum(fold.valid.size for fold in folds) - held.size


def _learnable(parts: tuple[Fold, ...], values: Array) -> tuple[Fold, ...]:
    """The folds whose training rows hold more than one class: the first times may hold but one,
    or all groups but one."""
    useful = tuple(part for part in parts if np.unique(values[part.train]).size > 1)
    if not useful:
        raise HopelessTable(
            "However the rows are split, those to learn from hold one class only: "
            "the others have too few rows, or stand in too few groups or times."
        )
    return useful


def _held_out(line: Rows, held: int, kind: str, kept: _Whole | None) -> tuple[Rows, Rows]:
    """Development and holdout. Where groups are kept whole, two of them at least, and half of the
    rows, are left to learn from; if that cannot be, there is no holdout."""
    if kept is None or not kept.always or not held:
        return _cut(line, held, kind, kept)
    places = kept.places(line)
    places = places[1:] if kind == "time" else places[:-1]
    sizes = line.size - places if kind == "time" else places
    sizes = sizes[2 * sizes <= line.size]
    size = int(sizes[np.argmin(np.abs(sizes - held))]) if sizes.size else 0
    return _cut(line, size, kind)


def _cut(line: Rows, held: int, kind: str, kept: _Whole | None = None) -> tuple[Rows, Rows]:
    if not held:
        return line, line[:0]
    at = line.size - held if kind == "time" else held
    if kept is not None:
        at = kept.moved(line, at, held)
    return (line[:at], line[at:]) if kind == "time" else (line[at:], line[:at])


def _parts(line: Rows, count: int, kept: _Whole | None) -> list[Rows]:
    """The line in so many pieces of about one size, or fewer where they cannot be cut."""
    if kept is None:
        return np.array_split(line, count)
    size = line.size / count
    wanted = [round(size * k) for k in range(1, count)]
    cuts = sorted({kept.moved(line, at, round(size)) for at in wanted} - {0, line.size})
    return np.split(line, cuts)


def _set_aside(line: Rows, count: int, kind: str, kept: _Whole | None) -> tuple[Fold, ...]:
    """Folds that judge by a small part each, as far as there are rows to cut them from; by time
    the newest rows, and what came right before them."""
    size = min(MAX_VALIDATION, max(1, round(line.size * JUDGING)))
    folds: list[Fold] = []
    rest = line
    for _ in range(count):
        if folds and kept is not None and kept.always and not kept.places(rest).size:
            break
        rest, valid = _cut(rest, size, kind, kept)
        if folds and (not valid.size or rest.size < line.size // 2):
            break
        train = rest if kind == "time" else np.setdiff1d(line, valid)
        folds.append(Fold(np.sort(train), np.sort(valid)))
    return tuple(reversed(folds)) if kind == "time" else tuple(folds)


def _folds(line: Rows, count: int, kind: str, kept: _Whole | None = None) -> tuple[Fold, ...]:
    if kind == "time":
        parts = _parts(line, count + 1, kept)
        return tuple(
            Fold(np.sort(np.concatenate(parts[: k + 1])), np.sort(parts[k + 1]))
            for k in range(len(parts) - 1)
        )
    parts = _parts(line, count, kept)
    return tuple(
        Fold(np.sort(np.concatenate([p for j, p in enumerate(parts) if j != k])), np.sort(part))
        for k, part in enumerate(parts)
    )


def _choosing(parts: int, *, aside: bool) -> str:
    if not aside:
        return f"{parts} folds choose"
    size = f"of {JUDGING * 100:.0f} %"
    return f"{parts} parts {size} choose" if parts > 1 else f"one part {size} chooses"


def _judging(holdout: int, *, wanted: int, own: bool) -> str:
    """What judges at the end: so many rows, or those of a test set of the user's ``own``."""
    if own:
        return "a test set of their own judges"
    if holdout:
        return f"{holdout:,} rows judge once at the end"
    return f"too few {'groups' if wanted else 'rows'} for a holdout"


def _told(kind: str, choose: str, last: str, rng_seed: int, *, grouped: bool) -> str:
    how = {
        "stratified": "with each class in its share",
        "random": "at random",
        "time": "by time, the newest rows judging",
    }[kind] + (", no group ever divided" if grouped else "")
    return f"Rows were split {how} (seed {rng_seed}): {choose}, {last}."
