"""The model itself: fitted estimators, weighed, each with the encoders it was fitted with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.calibration import tempered
from app.analysis.automl.estimators.base import Estimator
from app.analysis.automl.features.space import FeatureSpace, Matrix, ViewName
from app.analysis.automl.features.table import RawTable
from app.analysis.automl.tasks import Task
from app.analysis.automl.transforms import TargetScale

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Fitted:
    """One fitted estimator, the scale its target was on, and a factor for the way back.

    ``tilt`` is how much more each class counted when it was fitted: its probabilities are that much
    too high, and are set right.
    """

    estimator: Estimator
    scale: TargetScale = field(default_factory=TargetScale)
    factor: float = 1.0
    tilt: Array | None = None

    def predict(self, matrix: Matrix, threads: int = 1) -> Array:
        """In the target's own unit, or as probabilities."""
        prediction = self.estimator.predict(matrix, threads)
        tilt = getattr(self, "tilt", None)  # a model of a version before has none
        if tilt is not None:
            return untilted(prediction, tilt)
        values = self.scale.back(prediction)
        return values if self.factor == 1 else values * self.factor


def untilted(probabilities: Array, tilt: Array) -> Array:
    """pₖ ∝ qₖ / tiltₖ: the probabilities of rows that all count alike, where a model that gave each
    class that weight says q (Elkan 2001)."""
    shares = probabilities / tilt
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300))


@dataclass(frozen=True, slots=True)
class Part:
    """Estimators with weights that share one feature space."""

    space: FeatureSpace
    members: tuple[tuple[float, Fitted], ...]

    @property
    def views(self) -> list[ViewName]:
        """The views that the members need."""
        return sorted({fitted.estimator.view for _, fitted in self.members})

    def encode(self, table: RawTable) -> dict[ViewName, Matrix]:
        """The rows' features, once for all members."""
        return {name: self.space.view(name, table) for name in self.views}

    def predict(self, views: dict[ViewName, Matrix], threads: int = 1) -> Array:
        """Σ weight × prediction of the members; the parts' weights sum to 1 together."""
        total: Any = 0.0
        for weight, fitted in self.members:
            total = total + weight * fitted.predict(views[fitted.estimator.view], threads)
        return np.asarray(total)


@dataclass(frozen=True, slots=True)
class Combined:
    """A model that predicts: parts whose weights sum to 1, and a temperature (1: none)."""

    task: Task
    parts: tuple[Part, ...]
    temperature: float = 1.0

    def predict(self, table: RawTable, threads: int = 1) -> Array:
        """Values (n,), or calibrated probabilities (n, classes)."""
        return self.combine([part.predict(part.encode(table), threads) for part in self.parts])

    def combine(self, predictions: list[Array]) -> Array:
        """The parts' predictions as one."""
        total = np.sum(predictions, axis=0)
        return total if self.task == "regression" else tempered(total, self.temperature)

    def usage(self) -> dict[str, float]:
        """How much each column is used, as shares that sum to 1: a hint where to look first."""
        shares: dict[str, float] = {}
        for part in self.parts:
            for weight, fitted in part.members:
                used = np.asarray(fitted.estimator.usage(), dtype=np.float64)
                used = weight * used / (used.sum() or 1.0)
                owners = part.space.owners(fitted.estimator.view)
                for owner, share in zip(owners, used.tolist(), strict=True):
                    shares[owner] = shares.get(owner, 0.0) + share
        return shares

    @property
    def row_price(self) -> float:
        """Planned seconds to predict one row among many."""
        return sum(f.estimator.row_price for part in self.parts for _, f in part.members)
