"""What all candidates of one run are tried on: rows, folds, metric, clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.budget import Budget
from app.analysis.automl.decision import LARGEST, Decision
from app.analysis.automl.estimators.base import Circumstances, Fitting, Shape
from app.analysis.automl.features.space import FeatureSpace, ViewName
from app.analysis.automl.features.table import Layout, RawTable
from app.analysis.automl.metrics import error, score
from app.analysis.automl.split import Split
from app.analysis.automl.tasks import Metric, Task
from app.analysis.automl.threads import TEAM_ROWS
from app.analysis.automl.transforms import TargetScale, is_skewed

Array = npt.NDArray[Any]

SAMPLE_ROWS = 2_000
CELL_S = 2e-7
"""Planned seconds of reading and encoding one cell of the table."""
DENSE_S = 4e-8
"""… and of one cell of the dense view, which boosters do without."""

MEANS_PER_CLASS_MAX = 10
"""Classes up to which categories are described by a mean per class."""


@dataclass(slots=True)
class Material:
    """The rows with a target (``table``, ``y``), their split, and how candidates are judged: by
    ``metric``, of the labels that ``decision`` makes where it is one of labels.

    ``weights`` say how much each row counts in fits and figures, ``tilt`` how much more each class
    does in fits alone; without them all count alike. ``slots`` are the threads of a cluster that
    fits are sent to; 0: they are done here.
    """

    task: Task
    layout: Layout
    table: RawTable
    y: Array
    outputs: int
    split: Split
    metric: Metric
    budget: Budget
    seed: int
    jobs: int
    decision: Decision = LARGEST
    test: tuple[RawTable, Array] | None = None
    weights: Array | None = None
    tilt: Array | None = None
    slots: int = 0
    _folds: dict[tuple[int, str], tuple[Fitting, TargetScale]] = field(default_factory=dict)
    _holdout: RawTable | None = None
    _viewed: set[tuple[int, ViewName]] = field(default_factory=set)

    @property
    def lanes(self) -> int:
        """How many fits go on side by side."""
        if self.slots:
            return self.slots
        folds = self.split.folds
        small = max(fold.train.size for fold in folds) <= TEAM_ROWS
        return min(self.jobs, len(folds)) if small else 1

    @property
    def threads(self) -> int:
        """Threads of each fit."""
        if self.slots:
            return 1
        return max(1, self.jobs // self.lanes)

    def error(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        """The metric as something to make small."""
        return error(self.metric, truth, prediction, usable(weights), self.decision)

    def score(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        """The metric with its natural sign."""
        return score(self.metric, truth, prediction, usable(weights), self.decision)

    def weights_of(self, rows: Array) -> Array | None:
        """How much those rows count in figures; ``None``: all alike."""
        return None if self.weights is None else self.weights[rows]

    def fit_weights(self, rows: Array) -> Array | None:
        """How much those rows count in a fit, 1 in the mean; ``None``: all alike."""
        if self.weights is None and self.tilt is None:
            return None
        found = np.ones(rows.size) if self.weights is None else self.weights[rows]
        if self.tilt is not None:
            found = found * self.tilt[self.y[rows]]
        mean = float(found.mean()) if found.size else 0.0
        return found / mean if mean > 0 else np.ones(rows.size)

    @property
    def judged_weights(self) -> Array | None:
        """How much the rows that folds judge count."""
        return self.weights_of(self.judged)

    @property
    def holdout_weights(self) -> Array | None:
        """How much the holdout's rows count; those of a test set of the user's own count alike."""
        return None if self.test is not None else self.weights_of(self.split.holdout)

    def charge(self, works: Sequence[float]) -> None:
        """Put fits that went side by side, each worth so much of one thread, on the plan.

        What a cluster's slots did not do of them they did of others meanwhile.
        """
        if self.slots:
            self.budget.charge(sum(works) / self.slots)
            return
        self.budget.charge(self.planned(works))

    def planned(self, works: Sequence[float]) -> float:
        """Planned seconds of fits by one thread each, when done in lanes or by more threads.

        More threads do not divide the work evenly: t of them are as fast as t^0.7.
        """
        mean = sum(works) / max(1, len(works))
        if self.slots:
            return max(mean, sum(works) / self.slots)
        rounds = -(-len(works) // self.lanes)
        return float(rounds * mean / self.threads**0.7)

    def charge_views(self, folds: Iterable[int], view: ViewName) -> None:
        """Charge for that view of these folds, where it is made for the first time here."""
        new = {(k, view) for k in folds} - self._viewed
        self._viewed |= new
        if not new or view == "tree" or self.slots:
            return
        rows = max(self.split.folds[k].train.size + self.split.folds[k].valid.size for k, _ in new)
        width = len(self.early_space().owners("dense"))
        self.budget.charge(-(-len(new) // self.lanes) * DENSE_S * rows * width)

    @property
    def judged(self) -> Array:
        """The rows that folds judge, in the order of out-of-fold predictions."""
        return np.concatenate([fold.valid for fold in self.split.folds])

    @property
    def growth(self) -> float:
        """How many times as many rows as in a fold the final fit learns from."""
        return self.y.size / float(np.mean([fold.train.size for fold in self.split.folds]))

    @property
    def holdout(self) -> RawTable:
        """The rows that judge once, of a test set of the user's own where there is one; may be
        empty."""
        if self.test is not None:
            return self.test[0]
        if self._holdout is None:
            self._holdout = self.table.take(self.split.holdout)
        return self._holdout

    @property
    def holdout_y(self) -> Array:
        """The truth of those rows."""
        return self.y[self.split.holdout] if self.test is None else self.test[1]

    @property
    def skewed(self) -> bool:
        """Whether the logarithm of the target is worth a try."""
        return self.task == "regression" and is_skewed(self.y[self.split.development])

    def shape(self) -> Shape:
        """The size of a fit on the first fold, which is encoded for it: that too costs time."""
        self.budget.charge(CELL_S * self.y.size * len(self.layout.columns))
        space = self.fold(0, "plain")[0].space
        rows = max(fold.train.size for fold in self.split.folds)
        tree, dense = len(space.owners("tree")), len(space.owners("dense"))
        return Shape(rows, tree, dense, self.outputs, self._bins())

    @property
    def early_fold(self) -> int:
        """The fold whose models serve until the final fit, and tell what matters, on rows that they
        have not seen: the first; by time the last, which knew the most."""
        return len(self.split.folds) - 1 if self.split.kind == "time" else 0

    def early_space(self) -> FeatureSpace:
        """The encoders of that fold."""
        return self.fold(self.early_fold, "plain")[0].space

    def fold(self, index: int, target: str) -> tuple[Fitting, TargetScale]:
        """Fold ``index`` encoded, its target on the scale of that kind; made once, then kept."""
        key = (index, target)
        if key not in self._folds:
            self._folds[key] = self._encode(index, target)
        return self._folds[key]

    def whole(self, target: str) -> tuple[Fitting, TargetScale]:
        """All rows to learn from, nothing judging: for the final fit."""
        if (-1, "plain") not in self._folds:
            self._folds.clear()  # the folds have done their work; their memory is needed
            space = self._learn(self.table, self.y)
            every, scale = np.arange(self.y.size), self._plain(self.y)
            fitting = Fitting(
                self.task,
                space,
                self.table,
                scale.forth(self.y),
                self.outputs,
                weights=self.fit_weights(every),
            )
            self._folds[-1, "plain"] = fitting, scale
        if (-1, target) not in self._folds:
            plain, _ = self._folds[-1, "plain"]
            scale = TargetScale.fit(target, self.y)
            self._folds[-1, target] = plain.rescaled(scale.forth(self.y), None), scale
        return self._folds[-1, target]

    def circumstances(
        self, offset: int, expired: Callable[[], bool] | None = None
    ) -> Circumstances:
        """The seed of fold or refit number ``offset``, the threads, and the clock (by default
        the budget's)."""
        return Circumstances(self.seed + offset, self.threads, expired or self.budget.expired)

    def _bins(self) -> float:
        """The tree view's width in histograms, by the distinct values of some rows."""
        sample = self.fold(0, "plain")[0].view("tree")[:SAMPLE_ROWS]
        ordered = np.sort(sample, axis=0)
        distinct = 1 + (np.diff(ordered, axis=0) > 0).sum(axis=0)
        return float(np.minimum(distinct, 255).sum() / 255)

    def _encode(self, index: int, target: str) -> tuple[Fitting, TargetScale]:
        fold = self.split.folds[index]
        if target != "plain":
            plain, _ = self.fold(index, "plain")
            y, valid_y = self.y[fold.train], self.y[fold.valid]
            scale = TargetScale.fit(target, y)
            return plain.rescaled(scale.forth(y), scale.forth(valid_y)), scale
        train, y = self.table.take(fold.train), self.y[fold.train]
        scale = self._plain(y)
        fitting = Fitting(
            self.task,
            self._learn(train, y),
            train,
            scale.forth(y),
            self.outputs,
            self.table.take(fold.valid),
            scale.forth(self.y[fold.valid]),
            self.fit_weights(fold.train),
            self.fit_weights(fold.valid),
        )
        return fitting, scale

    def _plain(self, y: Array) -> TargetScale:
        """The scale of values as they are; class positions have none."""
        return TargetScale.fit("plain", y) if self.task == "regression" else TargetScale()

    def _learn(self, table: RawTable, y: Array) -> FeatureSpace:
        return FeatureSpace.fit(self.layout, table, self._mean_targets(y), self.seed)

    def _mean_targets(self, y: Array) -> Array:
        """The target as columns for means per category: a value, or an indicator a class."""
        if self.task == "regression":
            return np.asarray(y, dtype=np.float64)[:, None]
        if self.outputs == 2:
            return np.asarray(y == 1, dtype=np.float64)[:, None]
        if self.outputs > MEANS_PER_CLASS_MAX:
            return np.empty((y.size, 0))
        return np.asarray(y[:, None] == np.arange(self.outputs), dtype=np.float64)


def usable(weights: Array | None) -> Array | None:
    """Weights of which one at least counts; where none does, all rows count alike."""
    return weights if weights is not None and np.any(weights > 0) else None
