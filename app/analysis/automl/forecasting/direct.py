"""Models that learn from lags of all series together and foretell each step directly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from app.analysis.automl.budget import OutOfTime
from app.analysis.automl.forecasting.lags import MOST_LAGS, Lens, Past, see, see_straight
from app.analysis.automl.forecasting.panel import Panel
from app.analysis.automl.threads import team

Array = npt.NDArray[Any]

STRAIGHT_ROWS = 20_000
STRENGTHS = 10.0 ** np.arange(-2, 5.5, 0.5)
LEAST_ROWS = 20
ROOM = 0.1
"""Beyond the changes that were ever seen, a linear model may go by this share of their range."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a learned model is given: the series, their scale, the season, how far ahead it is to
    foretell, the seed, the threads, and ``expired`` to ask whether time has run out."""

    panel: Panel
    scale: Array
    season: int
    horizon: int
    seed: int
    threads: int = 1
    expired: Callable[[], bool] = lambda: False

    def lens(self) -> Lens:
        """How rows of this table are seen."""
        longest = int((self.panel.end - self.panel.start).max())
        season = self.season
        lags = season + 1 if 1 < season < MOST_LAGS else 12
        long = next(
            (
                s
                for s in _long(self.panel, season)
                if s > season and longest >= 2 * s + self.horizon
            ),
            0,
        )
        return Lens(
            self.panel.grid,
            season,
            int(max(2, min(lags, longest // 4))),
            long,
            self.panel.known_columns,
            self.panel.series,
        )


def _long(panel: Panel, season: int) -> tuple[int, ...]:
    """A second season to look back by: a year of days, a week of hours."""
    if panel.grid.unit == "day" and panel.grid.step == 1:
        return (364,)
    return tuple(s for s in panel.grid.seasons if s > season)


class Unfit(Exception):
    """A model that cannot learn from these series; the message says why."""


class Direct(ABC):
    """A model fitted on a lesson. ``log`` says that it works on logarithms; ``scale`` is each
    series' own, by which its values were divided."""

    def __init__(self, lens: Lens, horizon: int, scale: Array, *, log: bool) -> None:
        self.lens = lens
        self.horizon = horizon
        self.scale = scale
        self.log = log

    def forecast(self, y: Array, series: Array, step: Array, when: Array, known: Array) -> Array:
        """(rows,) the values ``step`` times after the last column of ``y``, for those series.

        ``when`` are the positions on the calendar, ``known`` (rows, columns) what is known there.
        Beyond the horizon the last step of the same place in the season serves.
        """
        values = np.log(y) if self.log else y
        past = Past.of(values, self.scale, self.lens)
        origin = np.full(step.size, y.shape[1] - 1)
        season = max(1, self.lens.season)
        over = np.maximum(0, step - self.horizon)
        near = step - season * -(-over // season)
        near = np.where(near < 1, self.horizon, near)
        out = self._rows(past, series, origin, step, near, when, known)
        return np.exp(np.clip(out, -700, 700)) if self.log else out

    @abstractmethod
    def _rows(
        self,
        past: Past,
        series: Array,
        origin: Array,
        step: Array,
        near: Array,
        when: Array,
        known: Array,
    ) -> Array: ...


class Straight(Direct):
    """A ridge regression for each step, on lags, waves and what is known in advance."""

    def __init__(self, lens: Lens, horizon: int, scale: Array, *, log: bool) -> None:
        super().__init__(lens, horizon, scale, log=log)
        self.centres: list[Array] = []
        self.weights: list[Array] = []
        self.bases: list[float] = []
        self.bounds: list[tuple[float, float]] = []

    @classmethod
    def fit(cls, lesson: Lesson, *, log: bool) -> Straight:
        """Fit each step. Raises ``OutOfTime`` and :class:`Unfit`."""
        rows = _rows_of(lesson, log=log)
        model = cls(rows.lens, lesson.horizon, rows.past.scale, log=log)
        for step in range(1, lesson.horizon + 1):
            if lesson.expired():
                raise OutOfTime
            series, origin = rows.pairs(step, STRAIGHT_ROWS)
            x, y = rows.straight(series, origin, np.full(series.size, step))
            model._learn(x, y)
        return model

    def _learn(self, x: Array, y: Array) -> None:
        """One step's coefficients; the strength by generalised cross-validation."""
        known = np.isfinite(x)
        centre = np.where(known, x, 0.0).sum(axis=0) / np.maximum(1, known.sum(axis=0))
        x = np.where(known, x, centre) - centre
        base = float(y.mean())
        spread = x.std(axis=0)
        spread = np.where(spread > 1e-9, spread, np.inf)
        x = x / spread
        rest = y - base
        values, vectors = np.linalg.eigh(x.T @ x)
        values = np.maximum(values, 0.0)
        turned = vectors.T @ (x.T @ rest)
        n = y.size
        best, least = 1.0, np.inf
        for strength in STRENGTHS:
            shrunk = turned / (values + strength)
            loss = float(rest @ rest - 2 * turned @ shrunk + (values * shrunk) @ shrunk)
            freedom = n - 1 - float((values / (values + strength)).sum())
            judged = n * max(loss, 0.0) / max(freedom, 0.5) ** 2
            if judged < least:
                best, least = strength, judged
        self.centres.append(centre)
        self.weights.append((vectors @ (turned / (values + best))) / spread)
        self.bases.append(base)
        # No step goes much further than one ever went: a line drawn on knows no bounds itself.
        room = ROOM * float(np.ptp(y))
        self.bounds.append((float(y.min()) - room, float(y.max()) + room))

    def _rows(
        self,
        past: Past,
        series: Array,
        origin: Array,
        step: Array,
        near: Array,
        when: Array,
        known: Array,
    ) -> Array:
        x = see_straight(self.lens, past, series, origin, step, when, known)
        out = np.empty(step.size)
        for one in np.unique(near):
            mine = near == one
            k = int(one) - 1
            own = np.where(np.isfinite(x[mine]), x[mine], self.centres[k]) - self.centres[k]
            out[mine] = np.clip(self.bases[k] + own @ self.weights[k], *self.bounds[k])
        return past.level(series, origin, self.lens.season) + out * past.scale[series]


class Boosted(Direct):
    """One LightGBM over all series and steps. ``anchor`` ``season`` learns the change from the
    same place one season before, ``level`` that from the level."""

    def __init__(self, lens: Lens, horizon: int, scale: Array, *, log: bool, anchor: str) -> None:
        super().__init__(lens, horizon, scale, log=log)
        self.anchor = anchor if lens.season > 1 else "level"
        self.booster: Any = None

    @classmethod
    def fit(
        cls,
        lesson: Lesson,
        *,
        log: bool,
        anchor: str,
        rounds: int,
        rows: int,
        params: dict[str, Any],
    ) -> Boosted:
        """Fit on a sample of all origins and steps. Raises ``OutOfTime`` and :class:`Unfit`."""
        seen = _rows_of(lesson, log=log)
        model = cls(seen.lens, lesson.horizon, seen.past.scale, log=log, anchor=anchor)
        series, origin, step = seen.sample(rows)
        x, y = seen.trees(series, origin, step, model.anchor)
        settings = {
            "objective": "regression_l1",
            "verbose": -1,
            "bagging_freq": 1,
            # Threads that wait for each other cost more than they give on few rows.
            "num_threads": team(lesson.threads, y.size),
            "seed": lesson.seed,
            "deterministic": True,
            "force_col_wise": True,
            "min_data_in_bin": 1,
            **params,
        }
        settings["min_data_in_leaf"] = int(
            np.clip(y.size // 40, 3, settings.get("min_data_in_leaf", 20))
        )
        data = lgb.Dataset(x, y, categorical_feature=seen.lens.categorical, free_raw_data=True)
        model.booster = lgb.train(settings, data, rounds, callbacks=[_stopper(lesson)])
        return model

    def _rows(
        self,
        past: Past,
        series: Array,
        origin: Array,
        step: Array,
        near: Array,
        when: Array,
        known: Array,
    ) -> Array:
        x = see(self.lens, past, series, origin, near, when, known)
        x = np.where(np.isfinite(x), x, np.nan)
        out = np.asarray(self.booster.predict(x, num_threads=1))
        return np.asarray(_anchor(self, past, series, origin, step) + out * past.scale[series])

    def __getstate__(self) -> dict[str, Any]:
        """The booster as LightGBM's own text."""
        return {**self.__dict__, "booster": self.booster.model_to_string()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.booster = lgb.Booster(model_str=state["booster"])


def _anchor(model: Boosted, past: Past, series: Array, origin: Array, step: Array) -> Array:
    """What the trees' answer is added to."""
    level = past.level(series, origin, model.lens.season)
    if model.anchor == "level":
        return level
    season = model.lens.season
    before = past.at(series, origin + step - season * -(-step // season))
    return np.asarray(np.where(np.isfinite(before), before, level))


def _stopper(lesson: Lesson) -> Callable[[Any], None]:
    def stop(env: Any) -> None:
        if env.iteration % 5 == 0 and lesson.expired():
            raise OutOfTime

    stop.before_iteration = False  # type: ignore[attr-defined]
    stop.order = 30  # type: ignore[attr-defined]
    return stop


@dataclass(slots=True)
class _Rows:
    """All origins of all series that something can be learned from."""

    lens: Lens
    panel: Panel
    past: Past
    horizon: int
    seed: int
    series: Array = field(default_factory=lambda: np.empty(0, np.int64))
    origin: Array = field(default_factory=lambda: np.empty(0, np.int64))

    def pairs(self, step: int, most: int) -> tuple[Array, Array]:
        """Series and origins whose truth ``step`` times ahead is known; at most ``most``, drawn at
        random, as of many series the newest would all lie in the same part of a season.

        Raises :class:`Unfit` when there are too few to learn from.
        """
        fits = self.origin + step < self.panel.end[self.series]
        series, origin = self.series[fits], self.origin[fits]
        if series.size < LEAST_ROWS // 2:
            raise Unfit("the series are too short to learn from")
        if series.size > most:
            kept = np.sort(np.random.default_rng(self.seed).permutation(series.size)[:most])
            series, origin = series[kept], origin[kept]
        return series, origin

    def sample(self, most: int) -> tuple[Array, Array, Array]:
        """Series, origins and steps, at most so many, drawn at random."""
        rng = np.random.default_rng(self.seed)
        count = self.series.size * self.horizon
        chosen = np.arange(count)
        if count > 4 * most:
            chosen = np.unique(rng.integers(0, count, 2 * most))
        pair, step = chosen // self.horizon, chosen % self.horizon + 1
        series, origin = self.series[pair], self.origin[pair]
        fits = np.flatnonzero(origin + step < self.panel.end[series])
        if fits.size > most:
            fits = rng.permutation(fits)[:most]
        fits = np.sort(fits)
        if fits.size < LEAST_ROWS:
            raise Unfit("the series are too short to learn from")
        return series[fits], origin[fits], step[fits]

    def straight(self, series: Array, origin: Array, step: Array) -> tuple[Array, Array]:
        """Features and targets of a linear model."""
        when = origin + step
        x = see_straight(
            self.lens, self.past, series, origin, step, when, self._known(series, when)
        )
        level = self.past.level(series, origin, self.lens.season)
        return x, (self.past.y[series, when] - level) / self.past.scale[series]

    def trees(self, series: Array, origin: Array, step: Array, anchor: str) -> tuple[Array, Array]:
        """Features and targets of trees."""
        when = origin + step
        x = see(self.lens, self.past, series, origin, step, when, self._known(series, when))
        base = self.past.level(series, origin, self.lens.season)
        if anchor == "season":
            season = self.lens.season
            before = self.past.at(series, origin + step - season * -(-step // season))
            base = np.where(np.isfinite(before), before, base)
        return x, (self.past.y[series, when] - base) / self.past.scale[series]

    def _known(self, series: Array, when: Array) -> Array:
        return self.panel.known[:, series, when].T if self.lens.known else np.empty((when.size, 0))


def _rows_of(lesson: Lesson, *, log: bool) -> _Rows:
    """The rows of a lesson; an origin is a value that was seen, with a season of history."""
    panel, lens = lesson.panel, lesson.lens()
    inside = np.isfinite(panel.y)
    if log and np.any(panel.y[inside] <= 0):
        raise Unfit("not all values are above 0")
    y = np.log(panel.y, where=inside, out=np.full(panel.y.shape, np.nan)) if log else panel.y
    scale = log_scale(y) if log else lesson.scale
    rows = _Rows(lens, panel, Past.of(y, scale, lens), lesson.horizon, lesson.seed)
    first, times = panel.start + max(3, lens.season) - 1, np.arange(panel.times)
    # At an origin within a gap the last value is filled, and tells of the one to be foretold.
    useful = panel.seen & (times >= first[:, None]) & (times < panel.end[:, None] - 1)
    rows.series, rows.origin = np.nonzero(useful)
    return rows


def log_scale(y: Array) -> Array:
    """(series,) the mean size of a step of logarithms; at least a thousandth."""
    steps = np.abs(np.diff(y, axis=1))
    known = np.isfinite(steps)
    sums = np.where(known, steps, 0.0).sum(axis=1)
    return np.asarray(np.maximum(sums / np.maximum(1, known.sum(axis=1)), 1e-3))
