"""One candidate, fitted on every fold and judged on the rows that each fold left out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from app.analysis.automl.budget import OutOfTime
from app.analysis.automl.combined import Fitted
from app.analysis.automl.compute.cluster import Cluster, Underway
from app.analysis.automl.compute.remote import Clock, Parcel
from app.analysis.automl.estimators.base import Estimator, Fitting, Params
from app.analysis.automl.features.space import FeatureSpace
from app.analysis.automl.features.table import RawTable
from app.analysis.automl.material import Material
from app.analysis.automl.portfolio import Entry
from app.analysis.automl.tasks import Metric
from app.analysis.automl.transforms import TargetScale, smearing

Array = npt.NDArray[Any]

WALL_SHARE = 0.6
"""Of the wall time left, one candidate may take this much before it is stopped."""
PARTS = 5
"""Into so many parts one or two validation parts are cut, to tell how far the score scatters."""


class FellBehind(Exception):
    """A candidate was given up after its first fold."""


@dataclass(slots=True)
class Candidate:
    """A configuration with its out-of-fold figures.

    ``prediction`` is for ``material.judged``; ``holdout`` is the folds' mean prediction for
    the holdout, stored unseen: nothing looks at it before the choice is made. ``params`` are
    settled for the final fit, which is worth ``refit_work`` seconds of one thread and will
    predict a row in about ``row_price`` of them; ``one_row_ms`` is the time of a row alone, measured
    and likewise grown. ``early`` is one fold's model (see ``Material.early_fold``) with its
    encoders: a usable model from the first minute on;
    ``first_error`` is the mean error of the folds that were fitted first, side by side.
    ``stopped`` says that the clock ended its fits before they were done.
    """

    entry: Entry
    prediction: Array
    holdout: Array
    error: float
    score: float
    score_std: float | None
    first_error: float
    fit_seconds: float
    predict_ms_per_row: float
    one_row_ms: float
    params: Params
    factor: float
    refit_work: float
    row_price: float
    steps: float | None
    stopped: bool
    early: tuple[FeatureSpace, Fitted]

    @property
    def family(self) -> str:
        """The family of its estimator."""
        return self.entry.estimator.family

    def packed(self) -> dict[str, Any]:
        """All of it but the encoders of ``early``, which any attempt makes again."""
        content = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**content, "early": self.early[1]}

    @classmethod
    def unpacked(cls, content: dict[str, Any], space: FeatureSpace) -> Candidate:
        """What :meth:`packed` gave, with the encoders of the early fold."""
        return cls(**{**content, "early": (space, content["early"])})


@dataclass(frozen=True, slots=True)
class _Judged:
    """One fold's model, what it says of the rows it is judged on, and of the holdout."""

    fitted: Fitted
    prediction: Array
    holdout: Array | None
    error: float
    fit_seconds: float
    predict_seconds: float

    @property
    def estimator(self) -> Estimator:
        """The fitted estimator."""
        return self.fitted.estimator


def cross_validate(entry: Entry, material: Material, rival: float | None) -> Candidate:
    """Fit ``entry`` on each fold. ``rival`` is the ``first_error`` to keep within reach of.

    Folds are fitted side by side, as many as there are lanes. Raises ``OutOfTime`` when the
    clock runs out on the way, or somebody asks to finish, and ``FellBehind`` after first folds far behind the rival's.
    """
    lanes, folds, budget = material.lanes, len(material.split.folds), material.budget
    until = budget.elapsed + budget.allowed(WALL_SHARE)
    done: list[_Judged] = []
    stopped = False
    while len(done) < folds:
        if done and budget.finishing():
            raise OutOfTime
        batch = range(len(done), min(folds, len(done) + lanes))
        # Each batch its part of the time: on a slow machine all folds stop early, and count.
        batches = -(-(folds - len(done)) // lanes)
        expired = budget.within((until - budget.elapsed) / batches)
        done += Parallel(n_jobs=lanes, prefer="threads")(
            delayed(_one_fold)(entry, material, k, expired) for k in batch
        )
        stopped = stopped or expired()
        material.charge_views(batch, entry.estimator.view)
        material.charge([_work(judged) for judged in done[batch.start :]])
        if len(done) < folds and rival is not None:
            _check_pace(float(np.mean([j.error for j in done])), rival, material.metric)
    return _finished(entry, material, done, stopped=stopped)


@dataclass(frozen=True, slots=True)
class Afar:
    """A candidate whose folds are all fitted at once on a cluster; ``expired`` is its clock."""

    entry: Entry
    underway: Underway
    expired: Callable[[], bool]


def begin_afar(entry: Entry, material: Material, cluster: Cluster) -> Afar:
    """Have ``entry`` fitted on each fold by the cluster, and do not wait for it."""
    expired = material.budget.allowance(WALL_SHARE)
    allowed = material.budget.allowed(WALL_SHARE)
    folds = [(entry, k) for k in range(len(material.split.folds))]
    return Afar(entry, cluster.begin(_fold_afar, folds, allowed), expired)


def end_afar(
    afar: Afar, material: Material, cluster: Cluster, idle: Callable[[], None]
) -> Candidate:
    """The candidate, once its fits are done. Raises as ``Cluster.wait``."""
    done = cluster.wait(afar.underway, afar.expired, material.budget.expired, idle)
    material.charge([_work(judged) for judged in done])
    return _finished(afar.entry, material, done, stopped=afar.expired())


def _fold_afar(parcel: Parcel, clock: Clock, entry: Entry, k: int) -> _Judged:
    fitting = parcel.fold(k, entry.target, entry.estimator.view)
    return _fit_fold(entry, parcel.material, k, fitting, clock)


def scatter(material: Material, prediction: Array) -> float | None:
    """Standard deviation of the score over the folds (or over parts of one or two)."""
    truth = material.y[material.judged]
    folds = material.split.folds
    sizes = [fold.valid.size for fold in folds]
    if len(folds) > 2:
        parts = np.split(np.arange(truth.size), np.cumsum(sizes)[:-1])
    else:
        parts = [np.arange(k, truth.size, PARTS) for k in range(PARTS)]
    weights = material.judged_weights
    scores = [
        material.score(truth[p], prediction[p], None if weights is None else weights[p])
        for p in parts
        if p.size
    ]
    return float(np.std(scores)) if np.all(np.isfinite(scores)) else None


def _one_fold(entry: Entry, material: Material, k: int, expired: Callable[[], bool]) -> _Judged:
    return _fit_fold(entry, material, k, material.fold(k, entry.target), expired)


def _fit_fold(
    entry: Entry,
    material: Material,
    k: int,
    encoded: tuple[Fitting, TargetScale],
    expired: Callable[[], bool],
) -> _Judged:
    fitting, scale = encoded
    estimator = entry.make(material.task)
    started = time.perf_counter()
    estimator.fit(fitting, material.circumstances(k, expired))
    fit_seconds = time.perf_counter() - started
    fitted = Fitted(estimator, scale, tilt=material.tilt)
    matrix = fitting.valid_view(estimator.view)
    assert matrix is not None
    started = time.perf_counter()
    prediction = fitted.predict(matrix, material.threads)
    predict_seconds = time.perf_counter() - started
    held = None
    if material.holdout.rows and _holdout_share(material, k):
        view = fitting.space.view(estimator.view, material.holdout)
        held = fitted.predict(view, material.threads)
    valid = material.split.folds[k].valid
    truth = material.y[valid]
    return _Judged(
        fitted,
        prediction,
        held,
        material.error(truth, prediction, material.weights_of(valid)),
        fit_seconds,
        predict_seconds,
    )


def _work(judged: _Judged) -> float:
    rows = len(judged.prediction) + (0 if judged.holdout is None else len(judged.holdout))
    return judged.estimator.work + rows * judged.estimator.row_price


def _holdout_share(material: Material, k: int) -> float:
    """Folds judge the holdout in equal parts; by time only the last, which knew the most."""
    folds = len(material.split.folds)
    if material.split.kind == "time":
        return 1.0 if k == material.early_fold else 0.0
    return 1.0 / folds


def _finished(entry: Entry, material: Material, done: list[_Judged], *, stopped: bool) -> Candidate:
    truth = material.y[material.judged]
    prediction = np.concatenate([judged.prediction for judged in done])
    factor = smearing(entry.target, truth, prediction)
    prediction = prediction * factor if factor != 1.0 else prediction
    growth = material.growth
    estimators = [judged.estimator for judged in done]
    early, space = done[material.early_fold].fitted, material.early_space()
    return Candidate(
        entry=entry,
        prediction=prediction,
        holdout=_on_holdout(material, done) * factor,
        error=material.error(truth, prediction, material.judged_weights),
        score=material.score(truth, prediction, material.judged_weights),
        score_std=scatter(material, prediction),
        first_error=float(np.mean([judged.error for judged in done[: material.lanes]])),
        fit_seconds=sum(judged.fit_seconds for judged in done),
        predict_ms_per_row=1_000 * sum(j.predict_seconds for j in done) / truth.size,
        one_row_ms=growth
        * one_row_ms(material, lambda row: early.predict(space.view(early.estimator.view, row))),
        params=estimators[0].settled(estimators, growth),
        factor=factor,
        refit_work=growth * max(estimator.useful_work for estimator in estimators),
        row_price=growth * float(np.mean([estimator.row_price for estimator in estimators])),
        steps=_steps(estimators),
        stopped=stopped,
        early=(space, replace(early, factor=factor)),
    )


def _on_holdout(material: Material, done: list[_Judged]) -> Array:
    """The folds' mean prediction of the holdout; empty when there is none."""
    parts = [
        _holdout_share(material, k) * judged.holdout
        for k, judged in enumerate(done)
        if judged.holdout is not None
    ]
    return np.sum(parts, axis=0) if parts else np.empty(0)


def _check_pace(mine: float, rival: float, metric: Metric) -> None:
    """Give up when the distance to a perfect score is over 15 % wider than the rival's."""
    if mine - metric.perfect > 1.15 * (rival - metric.perfect) + 1e-9:
        raise FellBehind


def one_row_ms(material: Material, predict: Callable[[RawTable], Array]) -> float:
    """Milliseconds of one row, encoding included; the best of three, since others share the
    processor."""
    row = material.table.take(material.judged[:1])
    times = []
    for _ in range(3):
        started = time.perf_counter()
        predict(row)
        times.append(time.perf_counter() - started)
    return 1_000 * min(times)


def _steps(fitted: list[Estimator]) -> float | None:
    """How far a booster went: rounds × learning rate, the mean over the folds."""
    rounds = [getattr(estimator, "rounds", None) for estimator in fitted]
    known = [r for r in rounds if r is not None]
    return float(np.mean(known) * fitted[0].params["learning_rate"]) if known else None
