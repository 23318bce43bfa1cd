"""Clusters: groups of rows that resemble each other, when there is no target.

Every column counts once, however many features it makes. The number of groups is chosen by
the silhouette (Rousseeuw 1987) of rows assigned to their nearest centre, which is also how
new rows are assigned.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)
from sklearn.mixture import GaussianMixture

from app.analysis.automl.budget import Budget
from app.analysis.automl.checkpoints import Checkpoints
from app.analysis.automl.features.space import FeatureSpace, Matrix
from app.analysis.automl.features.table import Layout, RawTable
from app.analysis.automl.leaderboard import Board, rounded
from app.analysis.errors import HopelessTable
from app.analysis.progress import Progress

Array = npt.NDArray[Any]

MOST_CLUSTERS = 8
LEAST_ROWS = 10
FIT_ROWS = 20_000
SCORE_ROWS = 3_000
WARD_ROWS = 3_000
"""Rows that each step looks at; the hierarchy and the silhouette grow with their square."""


@dataclass(frozen=True, slots=True)
class ClusterModel:
    """Centres in the weighted dense view; a row belongs to the nearest. Clusters by size."""

    space: FeatureSpace
    weights: npt.NDArray[np.float32]
    centres: Matrix

    def place(self, table: RawTable) -> Matrix:
        """Rows in the space that distances are measured in."""
        return np.asarray(self.space.view("dense", table) * self.weights, dtype=np.float32)

    def predict(self, table: RawTable, threads: int = 1) -> Array:
        """(n, clusters): 1 for each row's cluster, else 0."""
        del threads
        nearest = nearest_centre(self.place(table), self.centres)
        return np.asarray(nearest[:, None] == np.arange(len(self.centres)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Clustering:
    """The chosen clusters, how they were found, and the leaderboard's rows."""

    model: ClusterModel
    name: str
    assigned: Array
    metrics: dict[str, float]
    rows: list[dict[str, Any]]
    fit_seconds: float


@dataclass(frozen=True, slots=True)
class _Tried:
    name: str
    centres: Matrix
    scores: dict[str, float]
    fit_seconds: float
    predict_ms: float
    kind: str


def find_clusters(
    layout: Layout,
    table: RawTable,
    *,
    board: Board,
    seed: int,
    budget: Budget,
    progress: Progress,
    checkpoints: Checkpoints,
) -> Clustering:
    """Try k-means with 2 to 8 groups, a mixture of Gaussians and Ward's hierarchy; keep the best.

    Raises ``HopelessTable`` when there are too few rows or all are alike.
    """
    if table.rows < LEAST_ROWS:
        raise HopelessTable(f"{table.rows} rows are too few to find clusters in.")
    space = FeatureSpace.fit(layout, table, np.empty((table.rows, 0)), seed)
    weights = _weights(space)
    blank = ClusterModel(space, weights, np.empty((0, weights.size), np.float32))
    places = blank.place(table)
    distinct = len(np.unique(places, axis=0))
    if distinct < 3:
        raise HopelessTable("All rows are alike, so there are no clusters to find.")
    rng, metric = np.random.default_rng(seed), board.metric
    fit = places[np.sort(rng.permutation(len(places))[:FIT_ROWS])]
    judge = places[np.sort(rng.permutation(len(places))[:SCORE_ROWS])]
    tried = [_random(judge, rng)]
    for name, kind, find in _ways(min(MOST_CLUSTERS, distinct - 1), seed):
        kept = checkpoints.recall(name, budget)
        if kept is not None:
            tried += [kept.content] if kept.content else []
            budget.has_model()
            continue
        if len(tried) > 1 and budget.expired():
            continue
        done = _try(name, kind, find, fit, judge)
        checkpoints.keep(name, done, budget)
        if done is not None:
            tried.append(done)
            budget.has_model()
            progress(
                0.1 + 0.7 * len(tried) / (MOST_CLUSTERS + 5),
                f"{name}: {metric} {done.scores[metric]:.4g}",
                leaderboard=board.of(_rows(tried, metric)),
            )
    return _chosen(tried, metric, blank, places)


def nearest_centre(places: Matrix, centres: Matrix) -> Array:
    """(n,) the index of each row's nearest centre, by Euclidean distance."""
    squares = (centres**2).sum(axis=1)
    return np.asarray((squares - 2 * places @ centres.T).argmin(axis=1))


def _weights(space: FeatureSpace) -> npt.NDArray[np.float32]:
    """1 / √(features of the column) for each feature, so that every column counts once."""
    owners = space.owners("dense")
    counts = {owner: owners.count(owner) for owner in set(owners)}
    return np.array([counts[owner] ** -0.5 for owner in owners], dtype=np.float32)


Finder = Callable[[Matrix], Matrix]


def _ways(most: int, seed: int) -> list[tuple[str, str, Finder]]:
    def k_means(k: int) -> Finder:
        return lambda places: KMeans(k, n_init=4, random_state=seed).fit(places).cluster_centers_

    def mixture(k: int) -> Finder:
        def find(places: Matrix) -> Matrix:
            model = GaussianMixture(k, covariance_type="diag", random_state=seed, reg_covar=1e-3)
            return _centres(places, model.fit_predict(places))

        return find

    def ward(k: int) -> Finder:
        def find(places: Matrix) -> Matrix:
            some = places[:: max(1, len(places) // WARD_ROWS)]
            return _centres(some, AgglomerativeClustering(k).fit_predict(some))

        return find

    sizes = range(2, most + 1)
    ways = [(f"k-means, {k} clusters", "k-means", k_means(k)) for k in sizes]
    for k in (k for k in (3, 5) if k <= most):
        ways.append((f"Gaussian mixture, {k} clusters", "mixture", mixture(k)))
        ways.append((f"Ward hierarchy, {k} clusters", "hierarchy", ward(k)))
    return ways


def _centres(places: Matrix, labels: Array) -> Matrix:
    return np.array([places[labels == k].mean(axis=0) for k in np.unique(labels)], np.float32)


def _try(name: str, kind: str, find: Finder, fit: Matrix, judge: Matrix) -> _Tried | None:
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        centres = np.asarray(find(fit), dtype=np.float32)
    found = time.perf_counter()
    labels = nearest_centre(judge, centres)
    took = 1_000 * (time.perf_counter() - found) / len(judge)
    if np.unique(labels).size < 2 or np.unique(labels).size >= len(judge):
        return None
    return _Tried(name, centres, _scores(judge, labels), found - started, took, kind)


def _random(judge: Matrix, rng: np.random.Generator) -> _Tried:
    """The dumb baseline: rows dealt to three groups at random."""
    labels = np.arange(len(judge)) % 3
    rng.shuffle(labels)
    empty = np.empty((0, judge.shape[1]), np.float32)
    return _Tried("Baseline (random groups)", empty, _scores(judge, labels), 0.0, 0.0, "baseline")


def _scores(places: Matrix, labels: Array) -> dict[str, float]:
    return {
        "silhouette": float(silhouette_score(places, labels)),
        "calinski_harabasz": float(calinski_harabasz_score(places, labels)),
        "davies_bouldin": float(davies_bouldin_score(places, labels)),
    }


def _chosen(tried: list[_Tried], metric: str, blank: ClusterModel, places: Matrix) -> Clustering:
    best = max((t for t in tried if len(t.centres)), key=lambda t: t.scores[metric], default=None)
    if best is None:
        raise HopelessTable("No way of grouping the rows gave more than one cluster.")
    sizes = np.bincount(nearest_centre(places, best.centres), minlength=len(best.centres))
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    model = ClusterModel(blank.space, blank.weights, best.centres[order])
    return Clustering(
        model=model,
        name=best.name,
        assigned=nearest_centre(places, model.centres),
        metrics={
            **{name: rounded(value) or 0.0 for name, value in best.scores.items()},
            "clusters": float(len(order)),
        },
        rows=_rows(tried, metric),
        fit_seconds=sum(t.fit_seconds for t in tried),
    )


def _rows(tried: list[_Tried], metric: str) -> list[dict[str, Any]]:
    listed = sorted(tried, key=lambda t: -t.scores[metric])
    return [
        {
            "rank": rank,
            "name": t.name,
            "score": rounded(t.scores[metric]),
            "score_std": None,
            "fit_seconds": round(t.fit_seconds, 3),
            "predict_ms_per_row": round(t.predict_ms, 6),
            "kind": t.kind,
        }
        for rank, t in enumerate(listed, start=1)
    ]
