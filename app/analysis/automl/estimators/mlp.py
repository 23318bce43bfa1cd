"""A small neural network in NumPy: what trees lack, smoothness, for the ensemble.

A multilayer perceptron after RealMLP-TD-S (Holzmüller et al. 2024, "Better by default"):
neural-tangent parametrisation (weights drawn from N(0, 1) and divided by √inputs in the
forward pass), a learned scale per input, SiLU activations, Adam with β₂ = 0.95, and a
learning rate that swings log-cosinely, four times over the training. Units are dropped at random
(Srivastava et al. 2014) and weights decay beside the gradient (Loshchilov & Hutter 2019), both
at full strength for half of the training and then less and less, down to none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from app.analysis.automl.budget import OutOfTime
from app.analysis.automl.estimators.base import (
    Array,
    Circumstances,
    Estimator,
    Fitting,
    Params,
    Shape,
)
from app.analysis.automl.features.space import Matrix

BATCH = 256
LEAST_EPOCHS, MOST_EPOCHS = 32, 256
SHORTER = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1)
"""Shares of its epochs to which a network may be cut to fit in time."""
_SCALE_LR = 6.0
_BIAS_LR = 0.1
_B1, _B2 = 0.9, 0.95


class Network(Estimator):
    """``params``: ``hidden`` layer widths, ``lr``, ``dropout`` (the share of units), ``decay`` (of
    weights, by the learning rate), ``steps`` or ``epochs`` (the schedule's length; see
    :func:`epochs_of`) and ``stop`` (the epoch to stop after, in a fit without judging rows)."""

    family = "network"
    view = "dense"

    @classmethod
    def estimate(cls, shape: Shape, params: Params) -> float:
        """Multiply-adds forth and back, and a fixed price a step; fits side by side wait for each
        other between the many small steps."""
        epochs = params.get("stop") or epochs_of(shape.rows, params)
        widths = [shape.dense, *params["hidden"], shape.outputs]
        weights = sum(a * b for a, b in pairwise(widths))
        steps = epochs * max(1, shape.rows // BATCH)
        per_step = 4e-4 + BATCH * (weights * 8e-11 + 1e-8 * sum(params["hidden"]))
        return float(steps * (per_step + 3e-9 * weights))

    @classmethod
    def variants(cls, shape: Shape, params: Params) -> list[Params]:
        """Fewer and fewer passes over the rows."""
        epochs = epochs_of(shape.rows, params)
        return [{**params, "epochs": round(epochs * share)} for share in SHORTER]

    def fit(self, data: Fitting, how: Circumstances) -> None:
        """Train; with judging rows, keep the weights of the epoch with the least loss on them."""
        inputs = squash(data.view("dense"))
        wanted = self._targets(data)
        judging = data.valid_view("dense")
        judged = None if judging is None else squash(judging)
        rng = np.random.default_rng(how.seed)
        layers = Layers.start([inputs.shape[1], *self.params["hidden"], wanted.shape[1]], rng)
        self.epochs = epochs = epochs_of(len(inputs), self.params)
        best, self.layers, self.epoch = np.inf, layers, 0
        last = int(self.params.get("stop") or epochs)
        for epoch in range(last):
            self._epoch(layers, inputs, wanted, data.weights, rng, epoch / epochs, 1 / epochs)
            if judged is not None:
                loss = self._loss(layers, judged, data)
                if loss < best:
                    best, self.layers, self.epoch = loss, layers.copy(), epoch + 1
            if how.expired():
                if epoch < epochs // 4:
                    raise OutOfTime
                break
        self.epoch = self.epoch or last
        self.layers.settle()
        shape = Shape(len(inputs), 0, inputs.shape[1], data.outputs)
        self.work = self.estimate(shape, {**self.params, "stop": epoch + 1})
        self._useful = self.epoch / (epoch + 1)

    @property
    def useful_work(self) -> float:
        """That of the epochs up to the best: the final fit stops there."""
        return self.work * self._useful

    def _targets(self, data: Fitting) -> Array:
        if data.task != "regression":
            return np.asarray(data.y[:, None] == np.arange(data.outputs), dtype=np.float32)
        self.mean, self.scale = float(data.y.mean()), float(data.y.std()) or 1.0
        self.low, self.high = float(data.y.min()), float(data.y.max())
        return np.asarray((data.y - self.mean) / self.scale, dtype=np.float32)[:, None]

    def _epoch(
        self,
        layers: Layers,
        inputs: Matrix,
        wanted: Array,
        weights: Array | None,
        rng: np.random.Generator,
        at: float,
        span: float,
    ) -> None:
        batches = max(1, len(inputs) // BATCH)
        for k, rows in enumerate(np.array_split(rng.permutation(len(inputs)), batches)):
            t = at + span * k / batches
            rate = self.params["lr"] * 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t)))
            strength = 1.0 if t < 0.5 else 0.5 * (1 + np.cos(2 * np.pi * (t - 0.5)))
            dropout = Dropout(strength * self.params.get("dropout", 0.0), rng)
            out = layers.forward(inputs[rows], remember=True, dropout=dropout)
            given: Array = out if self.task == "regression" else softmax(out)
            gradient = (given - wanted[rows]) / np.float32(len(rows))
            if weights is not None:
                gradient = gradient * weights[rows, None].astype(np.float32)
            layers.step(gradient, rate, strength * self.params.get("decay", 0.0))

    def _loss(self, layers: Layers, judged: Matrix, data: Fitting) -> float:
        out = layers.forward(judged)
        if data.valid_y is None:
            return np.inf
        if self.task == "regression":
            error = (out[:, 0] * self.scale + self.mean - data.valid_y) ** 2
            return float(np.average(error, weights=data.valid_weights))
        given = softmax(out)[np.arange(len(out)), data.valid_y]
        return float(np.average(-np.log(np.maximum(given, 1e-12)), weights=data.valid_weights))

    def predict(self, matrix: Matrix, threads: int = 1) -> Array:
        """Values within the training range, or probabilities."""
        del threads
        out = self.layers.forward(squash(matrix)).astype(np.float64)
        if self.task == "regression":
            return np.clip(out[:, 0] * self.scale + self.mean, self.low, self.high)
        return softmax(out)

    @property
    def size_bytes(self) -> int:
        """Of all weights."""
        return sum(w.nbytes for w in self.layers.weights)

    @property
    def row_price(self) -> float:
        """One multiplication a weight, one exponential a hidden unit."""
        hidden = sum(weight.shape[1] for weight in self.layers.weights[:-1])
        return float(6e-11 * sum(w.size for w in self.layers.weights) + 4e-9 * hidden)

    def usage(self) -> Array:
        """Absolute weights of the first layer, as scaled."""
        first = np.abs(self.layers.scale[:, None] * self.layers.weights[0])
        return np.asarray(first.sum(axis=1))

    def settled(self, fitted: Sequence[Estimator], growth: float) -> Params:
        """The same schedule, stopped after the folds' mean best epoch."""
        del growth
        folds = [f for f in fitted if isinstance(f, Network)]
        stop = max(1, round(float(np.mean([f.epoch for f in folds]))))
        return {**self.params, "epochs": folds[0].epochs, "stop": stop}


def epochs_of(rows: int, params: Params) -> int:
    """How often a fit passes over so many rows: ``epochs`` times, or as makes for about so many
    ``steps``, since few rows need more passes."""
    if "epochs" in params:
        return int(params["epochs"])
    batches = max(1, rows // BATCH)
    return int(np.clip(round(params["steps"] / batches), LEAST_EPOCHS, MOST_EPOCHS))


def squash(matrix: Matrix) -> Matrix:
    """Standardised inputs with their tails bent in: x / √(1 + (x/3)²)."""
    return np.asarray(matrix / np.sqrt(1 + (matrix / 3) ** 2), dtype=np.float32)


def softmax(margins: Array) -> Array:
    """Probabilities of each row's margins."""
    shifted = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class Dropout:
    """Drops about that ``share`` of units, drawn anew each time."""

    share: float
    rng: np.random.Generator

    def mask(self, shape: tuple[int, ...]) -> Array | None:
        """Factors: 0 for what is dropped, for the others what makes up for it; ``None``: all 1."""
        cut = round(256 * self.share)  # a byte a unit is drawn in a fraction of a float's time
        if not cut:
            return None
        kept = self.rng.integers(0, 256, shape, dtype=np.uint8) >= cut
        return np.asarray(kept * np.float32(256 / (256 - cut)))


@dataclass(slots=True)
class Layers:
    """Weights (in × out), biases and the inputs' scale, with Adam's moments beside them."""

    scale: npt.NDArray[np.float32]
    weights: list[npt.NDArray[np.float32]]
    biases: list[npt.NDArray[np.float32]]
    moments: list[tuple[Array, Array]] = field(default_factory=list)
    steps: int = 0
    _seen: list[tuple[Array, Array | None]] = field(default_factory=list)
    _raw: Array | None = None

    @classmethod
    def start(cls, widths: Sequence[int], rng: np.random.Generator) -> Layers:
        """Random weights, zero biases; the last layer starts at zero, so that nothing is said."""
        pairs = list(pairwise(widths))
        weights = [rng.standard_normal(pair, dtype=np.float32) for pair in pairs]
        weights[-1][:] = 0
        biases = [np.zeros(out, np.float32) for _, out in pairs]
        layers = cls(np.ones(widths[0], np.float32), weights, biases)
        layers.moments = [(np.zeros_like(p), np.zeros_like(p)) for p in layers._parameters()]
        return layers

    def forward(
        self, inputs: Array, *, remember: bool = False, dropout: Dropout | None = None
    ) -> Array:
        """Margins (n, outputs); ``remember`` keeps what :meth:`step` needs."""
        active = np.asarray(inputs * self.scale)
        if remember:
            self._seen, self._raw = [], inputs
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            # √inputs is folded in here and not in the weights: the tangent parametrisation.
            summed = active @ weight
            summed /= np.float32(np.sqrt(len(weight)))
            summed += bias
            given, slope = active, None
            active = summed
            if k < len(self.weights) - 1:
                gate = _sigmoid(summed)
                active = summed * gate
                if remember:
                    slope = _slope(active, gate)
                if dropout is not None and (mask := dropout.mask(active.shape)) is not None:
                    active *= mask
                    slope = None if slope is None else slope * mask
            if remember:
                self._seen.append((given, slope))
        return np.asarray(active)

    def step(self, gradient: Array, rate: float, decay: float = 0.0) -> None:
        """One Adam step against the loss's ``gradient`` with respect to the margins."""
        gradients: list[Array] = []
        for k in reversed(range(len(self.weights))):
            given, slope = self._seen[k]
            if slope is not None:
                gradient = gradient * slope
            root = np.float32(np.sqrt(len(self.weights[k])))
            gradients += [gradient.sum(axis=0), given.T @ gradient / root]
            gradient = gradient @ self.weights[k].T / root
        gradients.append((gradient * self._raw).sum(axis=0))
        for weight in self.weights:
            np.multiply(weight, np.float32(1 - rate * decay), out=weight)
        self._adam(gradients[::-1], rate)

    def _adam(self, gradients: Sequence[Array], rate: float) -> None:
        self.steps += 1
        size = rate * np.sqrt(1 - _B2**self.steps) / (1 - _B1**self.steps)
        rates = [_SCALE_LR, *[1.0, _BIAS_LR] * len(self.weights)]
        parts = zip(self._parameters(), gradients, self.moments, rates, strict=True)
        for parameter, gradient, moments, factor in parts:
            np.subtract(parameter, _move(gradient, moments, size * factor), out=parameter)

    def _parameters(self) -> list[Array]:
        pairs = zip(self.weights, self.biases, strict=True)
        return [self.scale, *(part for pair in pairs for part in pair)]

    def copy(self) -> Layers:
        """The weights as they are now, without what only training needs."""
        return Layers(
            self.scale.copy(), [w.copy() for w in self.weights], [b.copy() for b in self.biases]
        )

    def settle(self) -> None:
        """Forget what only training needs."""
        self.moments, self._seen, self._raw = [], [], None


def _move(gradient: Array, moments: tuple[Array, Array], size: float) -> Array:
    """What Adam takes off parameters of that ``gradient``, whose moments it brings up to date."""
    first, second = moments
    np.multiply(first, np.float32(_B1), out=first)
    np.add(first, np.float32(1 - _B1) * gradient, out=first)
    np.multiply(second, np.float32(_B2), out=second)
    np.add(second, np.float32(1 - _B2) * np.square(gradient), out=second)
    move = np.sqrt(second)
    move += np.float32(1e-8)
    np.divide(first, move, out=move)
    move *= np.float32(size)
    return move


def _sigmoid(values: Array) -> Array:
    # SciPy's expit takes nearly three times as long for single floats.
    found = np.maximum(values, -80)  # below it the exponential of single floats is infinite
    np.negative(found, out=found)
    np.exp(found, out=found)
    found += 1
    return np.reciprocal(found, out=found)


def _slope(active: Array, gate: Array) -> Array:
    """The derivative of SiLU, x σ(x): σ(x) + x σ(x) (1 − σ(x))."""
    slope = 1 - gate
    slope *= active
    slope += gate
    return slope
