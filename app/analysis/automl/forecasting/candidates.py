"""Candidates of a forecast: data in ``portfolio.json``, fitted at every origin and judged there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.budget import Budget, OutOfTime
from app.analysis.automl.forecasting import smoothing
from app.analysis.automl.forecasting.direct import Boosted, Direct, Lesson, Straight
from app.analysis.automl.forecasting.histories import Histories, naive_scale
from app.analysis.automl.forecasting.panel import Panel
from app.analysis.automl.forecasting.scoring import figure
from app.analysis.automl.forecasting.simple import drift, recent_mean, seasonal_naive
from app.analysis.automl.forecasting.theta import ALPHAS, theta
from app.analysis.automl.forecasting.windows import Windows, truths
from app.analysis.errors import HopelessTable

Array = npt.NDArray[Any]

MOST_HISTORY = 600
SEASONS_OF_HISTORY = 12
"""The classical methods look at so many last values, or seasons: what is older tells little."""
BATCH_CELLS = 4_000_000
DIRECT = ("straight", "boosted")


@dataclass(frozen=True, slots=True)
class Entry:
    """One configuration. ``needs`` may name ``season``, ``no season`` and ``positive``."""

    name: str
    kind: str
    params: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


def load_portfolio() -> list[Entry]:
    """All entries, in order."""
    place = resources.files("app.analysis.automl.forecasting").joinpath("portfolio.json")
    raws = json.loads(place.read_text("utf-8"))
    return [Entry(**{**raw, "needs": tuple(raw.get("needs", ()))}) for raw in raws]


@dataclass(slots=True)
class Ground:
    """What all candidates are tried on. ``truth`` (cuts, series, steps) judges, ``pairs`` are the
    cuts and series that have any, ``past`` what was known of those; ``scale`` (cuts, series) is the
    naive error within that. The holdout's cut is among them. Raises ``HopelessTable`` without pairs.
    """

    panel: Panel
    season: int
    windows: Windows
    metric: str
    budget: Budget
    seed: int
    jobs: int
    scale: Array = field(init=False)
    truth: Array = field(init=False)
    pairs: list[tuple[int, int]] = field(init=False)
    past: Histories = field(init=False)

    def __post_init__(self) -> None:
        cuts = self.windows.all
        self.truth = np.stack([truths(self.panel, cut, self.windows.horizon) for cut in cuts])
        judged = np.isfinite(self.truth).any(axis=-1)
        self.pairs = [(int(k), int(i)) for k, i in np.argwhere(judged)]
        if not self.pairs:
            raise HopelessTable(
                "No series has values both before and after a time at which the past could be cut "
                "off, so that no forecast can be judged."
            )
        self.past = self._histories()
        self.scale = np.ones(judged.shape)
        self.scale[judged] = naive_scale(self.past)

    @property
    def choosing(self) -> slice:
        """The cuts that choose."""
        return slice(0, len(self.windows.cuts))

    def score(self, forecast: Array, name: str | None = None) -> float:
        """A figure (the run's metric) of forecasts at the cuts that choose."""
        mine = self.choosing
        return figure(name or self.metric, self.truth[mine], forecast[mine], self.scale[mine])

    def _histories(self) -> Histories:
        start, most = self.panel.start, most_history(self.season)
        rows: list[Array] = []
        for k, mine in groupby(self.pairs, key=lambda pair: pair[0]):
            cut = self.windows.all[k]
            known = self.panel.carried(cut)
            # Copies, since views would keep the whole panel of each cut in memory.
            rows += [known[i, max(start[i], cut - most) :].copy() for _, i in mine]
        return Histories.of(rows, self.season)

    def scatter(self, forecast: Array) -> float | None:
        """The standard deviation of the metric over the cuts that choose."""
        scores = [
            figure(self.metric, self.truth[k], forecast[k], self.scale[k])
            for k in range(len(self.windows.cuts))
        ]
        known = [score for score in scores if np.isfinite(score)]
        return float(np.std(known)) if len(known) > 1 else None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry with its forecasts at all cuts (cuts, series, steps), the holdout's unseen; of a
    learned one ``latest`` is the model that was fitted at the last cut."""

    entry: Entry
    forecast: Array
    error: float
    score_std: float | None
    fit_seconds: float
    predict_ms: float
    latest: Direct | None = None


def most_history(season: int) -> int:
    """How many last values the classical methods look at."""
    return max(MOST_HISTORY, SEASONS_OF_HISTORY * season)


def applicable(entry: Entry, ground: Ground) -> bool:
    """Whether an entry is of use for such series."""
    inside = ground.panel.y[np.isfinite(ground.panel.y)]
    facts = {
        "season": ground.season > 1,
        "no season": ground.season < 2,
        "positive": bool((inside > 0).all()),
    }
    return all(facts[need] for need in entry.needs)


def judge(entry: Entry, ground: Ground, expired: Callable[[], bool]) -> Candidate:
    """Foretell what came after each cut. Raises ``OutOfTime`` and ``Unfit``."""
    started = time.perf_counter()
    forecast = np.full(ground.truth.shape, np.nan)
    predicting = 0.0
    latest: Direct | None = None
    if entry.kind in DIRECT:
        refits = fitted_at(entry, ground)
        for k, cut in enumerate(ground.windows.all):
            own = [i for at, i in ground.pairs if at == k]
            if own:
                if k in refits:
                    model = fit_direct(entry, ground.panel.until(cut), ground, expired)
                begun = time.perf_counter()
                forecast[k, own] = ahead(model, ground.panel, np.array(own), cut, ground)
                predicting += time.perf_counter() - begun
                latest = model if k == len(ground.windows.all) - 1 else None
    else:
        found = classical(entry, ground.past, ground.windows.horizon, ground.seed, expired)
        for (k, i), row in zip(ground.pairs, found, strict=True):
            forecast[k, i] = row
    took = time.perf_counter() - started - predicting
    rows = max(1, len(ground.pairs) * ground.windows.horizon)
    score = ground.score(forecast)
    return Candidate(
        entry,
        forecast,
        score if np.isfinite(score) else float("inf"),
        ground.scatter(forecast),
        took,
        1_000 * predicting / rows,
        latest,
    )


def fitted_at(entry: Entry, ground: Ground) -> set[int]:
    """The cuts at which a learned model is fitted anew; a dear one serves at the next cut, too,
    where it knows less than it might. At the holdout's every model is new."""
    last = len(ground.windows.all) - 1
    every = 2 if entry.kind == "boosted" else 1
    first = min((k for k, _ in ground.pairs), default=0)
    return {first, last} | {k for k in range(first, last) if (k - first) % every == 0}


def fit_direct(entry: Entry, panel: Panel, ground: Ground, expired: Callable[[], bool]) -> Direct:
    """A learned model on what a panel holds. Raises ``OutOfTime`` and ``Unfit``."""
    scale, steps = scales(panel, ground.season), ground.windows.horizon
    lesson = Lesson(panel, scale, ground.season, steps, ground.seed, ground.jobs, expired)
    if entry.kind == "straight":
        return Straight.fit(lesson, log=entry.params["log"])
    params = entry.params
    return Boosted.fit(
        lesson,
        log=params["log"],
        anchor=params["anchor"],
        rounds=params["rounds"],
        rows=params["rows"],
        params=params["own"],
    )


def ahead(model: Direct, panel: Panel, own: Array, cut: int, ground: Ground) -> Array:
    """(own, steps) what a learned model says of series after a cut that all of them reach."""
    steps = ground.windows.horizon
    series = np.repeat(own, steps)
    step = np.tile(np.arange(1, steps + 1), own.size)
    when = cut - 1 + step
    known = known_at(panel, series, when)
    found = model.forecast(panel.carried(cut), series, step, when, known)
    return found.reshape(own.size, steps)


def scales(panel: Panel, season: int) -> Array:
    """(series,) the naive error within what a panel holds of each series; 1 where it holds none."""
    out = np.ones(panel.series)
    some = np.flatnonzero(panel.end - panel.start > 1)
    if some.size:
        rows = [panel.y[i, panel.start[i] : panel.end[i]] for i in some]
        out[some] = naive_scale(Histories.of(rows, season, most_history(season)))
    return out


def known_at(panel: Panel, series: Array, when: Array) -> Array:
    """(rows, columns) what is known in advance there; NaN where nothing is."""
    if not panel.known_columns:
        return np.empty((when.size, 0))
    reach = panel.known.shape[2]
    values = panel.known[:, series, np.minimum(when, reach - 1)].T
    return np.where((when < reach)[:, None], values, np.nan)


def classical(
    entry: Entry, histories: Histories, steps: int, seed: int, expired: Callable[[], bool]
) -> Array:
    """(series, steps) what a classical method says comes next, in batches. Raises ``OutOfTime``."""
    size = max(1, BATCH_CELLS // (smoothing.TRIED * max(8, histories.season)))
    parts = []
    for begin in range(0, len(histories.y), size):
        if begin and expired():
            raise OutOfTime
        rows = np.arange(begin, min(begin + size, len(histories.y)))
        parts.append(_classical(entry, histories.take(rows), steps, seed))
    return np.concatenate(parts)


def _classical(entry: Entry, histories: Histories, steps: int, seed: int) -> Array:
    params = entry.params
    if entry.kind == "seasonal_naive":
        return seasonal_naive(histories, steps)
    if entry.kind == "drift":
        return drift(histories, steps)
    if entry.kind == "recent_mean":
        return recent_mean(histories, steps, params["seasons"])
    if entry.kind == "theta":
        return theta(histories, steps, multiply=params["multiply"])
    if entry.kind == "smooth":
        return smoothing.smooth(histories, steps, params["trend"], params["season"], seed).forecast
    assert entry.kind == "smooth_best"
    return smoothing.smooth_best(histories, steps, seed)


def estimate(entry: Entry, ground: Ground) -> float:
    """Planned seconds of judging an entry at all cuts, by counts."""
    pairs = len(ground.pairs)
    length = min(ground.panel.times, most_history(ground.season))
    if entry.kind in DIRECT:
        cuts, steps = len(fitted_at(entry, ground)), ground.windows.horizon
        rows = float((ground.panel.end - ground.panel.start).sum())
        if entry.kind == "straight":
            return cuts * steps * (1.5e-3 + 4e-6 * min(rows, 20_000))
        sampled = min(entry.params["rows"], rows * steps)
        leaves = entry.params["own"]["num_leaves"]
        return float(
            cuts
            * (0.1 + 6e-6 * sampled + entry.params["rounds"] * (1e-5 * leaves + 2.5e-8 * sampled))
        )
    if entry.kind == "theta":
        return length * (4e-5 + 3e-8 * pairs * ALPHAS.size)
    one = (smoothing.ROUNDS + 1) * length * (5e-5 + 6e-8 * pairs * smoothing.TRIED)
    return {"smooth": one, "smooth_best": (9 if ground.season > 1 else 3) * one}.get(
        entry.kind, 0.0
    )
