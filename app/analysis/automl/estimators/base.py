"""What every estimator offers, and what it is given to learn from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from app.analysis.automl.features.space import FeatureSpace, Matrix, ViewName
from app.analysis.automl.features.table import RawTable
from app.analysis.automl.tasks import Task

Array = npt.NDArray[Any]
Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a fit: ``rows``, features of each view, and ``outputs`` (classes, else 1).

    ``bins`` is the tree view's width in histograms: a feature of 255 values or more counts 1,
    a truth value 2/255.
    """

    rows: int
    tree: int
    dense: int
    outputs: int
    bins: float = 0.0


@dataclass(slots=True)
class Fitting:
    """One training set (and, in a fold, the rows that judge), encoded once for all candidates.

    ``weights`` say how much each row counts, 1 in the mean; without them all count alike. Views are
    made when first asked for and kept. ``kept`` is where an estimator family leaves
    what it can share between configurations, such as binned data.
    """

    task: Task
    space: FeatureSpace
    train: RawTable
    y: Array
    outputs: int
    valid: RawTable | None = None
    valid_y: Array | None = None
    weights: Array | None = None
    valid_weights: Array | None = None
    kept: dict[str, Any] = field(default_factory=dict)
    _views: dict[tuple[ViewName, bool], Matrix] = field(default_factory=dict)

    def view(self, name: ViewName) -> Matrix:
        """The training rows' features."""
        return self._view(name, False)

    def valid_view(self, name: ViewName) -> Matrix | None:
        """The judging rows' features, if there are such rows."""
        return None if self.valid is None else self._view(name, True)

    def rescaled(self, y: Array, valid_y: Array | None) -> Fitting:
        """The same rows with their target on another scale; the views are shared."""
        return replace(self, y=y, valid_y=valid_y, kept={})  # ``_views`` go along

    def _view(self, name: ViewName, judging: bool) -> Matrix:
        key = (name, judging)
        if key not in self._views:
            if judging and self.valid is not None:
                self._views[key] = self.space.view(name, self.valid)
            else:
                self._views[key] = self.space.view(name, self.train, training=True)
        return self._views[key]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How to fit: the seed, the threads, and ``expired`` to ask whether time has run out."""

    seed: int
    threads: int
    expired: Callable[[], bool] = lambda: False


class Estimator(ABC):
    """A model of one family, configured by ``params``; fitted once, then only asked.

    ``work`` is what the fit cost in planned seconds of one thread, counted and not timed.
    """

    family: ClassVar[str]
    view: ClassVar[ViewName]

    def __init__(self, task: Task, params: Params) -> None:
        self.task = task
        self.params = params
        self.work = 0.0

    @property
    def useful_work(self) -> float:
        """Of ``work``, what a fit takes that ends where this one was best."""
        return self.work

    @classmethod
    @abstractmethod
    def estimate(cls, shape: Shape, params: Params) -> float:
        """Planned seconds of one fit by one thread, before anything is known of the data."""

    @classmethod
    def variants(cls, shape: Shape, params: Params) -> list[Params]:
        """The parameters to try for so much time, the best and slowest first."""
        del shape
        return [params]

    @abstractmethod
    def fit(self, data: Fitting, how: Circumstances) -> None:
        """Learn from ``data``; judging rows serve early stopping only.

        Raises :class:`~app.analysis.automl.budget.OutOfTime` when stopped with nothing to show.
        """

    @abstractmethod
    def predict(self, matrix: Matrix, threads: int = 1) -> Array:
        """Values (n,) for a regression, else probabilities (n, classes)."""

    @property
    @abstractmethod
    def size_bytes(self) -> int:
        """About how much the estimator adds to a stored model."""

    @property
    @abstractmethod
    def row_price(self) -> float:
        """Planned seconds of one thread to predict one row among many."""

    @abstractmethod
    def usage(self) -> Array:
        """How much each feature of the view is used, on a scale of the family's own; 0: not."""

    def settled(self, fitted: Sequence[Estimator], growth: float) -> Params:
        """The parameters for a fit without judging rows, from what the folds found best.

        ``growth`` is by how much more rows the final fit has than each fold's.
        """
        del fitted, growth
        return dict(self.params)


def spread_classes(probabilities: Array, present: Array, outputs: int) -> Array:
    """Probabilities of the classes that were ``present`` in training, over all ``outputs``."""
    if probabilities.shape[1] == outputs:
        return probabilities
    out = np.zeros((len(probabilities), outputs), dtype=np.float64)
    out[:, present] = probabilities
    return out
