"""Gradient-boosted trees by LightGBM, with early stopping inside the fold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import lightgbm as lgb
import numpy as np
from scipy.special import expit, softmax

from app.analysis.automl.budget import OutOfTime
from app.analysis.automl.estimators.base import (
    Array,
    Circumstances,
    Estimator,
    Fitting,
    Params,
    Shape,
)
from app.analysis.automl.features.space import Matrix, ViewName
from app.analysis.automl.threads import team

FROZEN: Params = {
    "max_bin": 255,
    "min_data_in_bin": 3,
    "feature_pre_filter": False,
    "verbose": -1,
}
"""Settled when the data are binned, and so the same for all configurations: a fold's data are
binned once. (Pre-filtering would freeze ``min_data_in_leaf`` too.)"""

MAX_ROUNDS = 10_000
_FEW_ROWS = 500
_CACHED_TREES = 128
"""So many small trees stay in a core's own cache."""
_SAMPLED = 5
_LINE = re.compile(r"^(num_leaves|left_child|right_child|leaf_count)=(.*)$", re.MULTILINE)


class Boosting(Estimator):
    """LightGBM. ``params`` are its own, and ours: ``rounds`` (a fixed number), or ``patience``
    (rounds without a better loss on the judging rows) and ``max_rounds``; see :meth:`estimate`
    for ``steps``."""

    family = "boosting"
    view: ClassVar[ViewName] = "tree"
    _OWN = frozenset({"rounds", "patience", "max_rounds", "steps"})

    @classmethod
    def estimate(cls, shape: Shape, params: Params) -> float:
        """Rounds × the price of one. Rounds are about ``steps`` / learning rate (15 before any
        booster has shown how far this table goes), and the patience."""
        rounds = params.get("rounds") or min(
            params.get("steps", 15) / params["learning_rate"] + params["patience"],
            params["max_rounds"],
        )
        return 0.01 + 1e-7 * shape.rows * shape.tree + float(rounds) * round_price(shape, params)

    def fit(self, data: Fitting, how: Circumstances) -> None:
        """Boost until the judging rows' loss stops falling, the rounds are done or time is out.

        The loss that stops is the objective's own (log loss or squared error), which is
        smoother than any other metric.
        """
        train, judging = self._datasets(data, how)
        rounds = int(self.params.get("rounds") or self.params["max_rounds"])
        stop = _Stop(how, self.params.get("patience"))
        self.booster = lgb.train(
            self._settings(data, how),
            train,
            num_boost_round=rounds,
            valid_sets=[] if judging is None else [judging],
            callbacks=[stop],
            keep_training_booster=True,  # else it is written out and read in again
        ).free_dataset()
        done = self.booster.current_iteration()
        if stop.timed_out and done < 20:
            raise OutOfTime
        self.rounds = stop.best_round or done
        bins = sum(train.feature_num_bin(i) for i in range(train.num_feature())) / 255
        shape = Shape(len(data.y), train.num_feature(), 0, data.outputs, bins)
        self.leaves, self.depth = _mean_size(self.booster, done)
        self.work = done * round_price(shape, {**self.params, "num_leaves": self.leaves})

    def predict(self, matrix: Matrix, threads: int = 1) -> Array:
        """Values or probabilities after the best round."""
        out = self._trees(matrix, threads, raw=False)
        return np.column_stack([1 - out, out]) if self.task == "binary" else out

    def _trees(self, matrix: Matrix, threads: int, *, raw: bool) -> Array:
        """What the trees say together: ``raw`` as a sum, else as a value or probabilities."""
        if len(matrix) <= _FEW_ROWS:
            # One thread: waking a second one takes longer than the trees do.
            return np.asarray(
                self.booster.predict(
                    matrix, num_iteration=self.rounds, num_threads=1, raw_score=raw
                )
            )
        sums = self._summed(np.ascontiguousarray(matrix), threads)
        if raw or self.task == "regression":
            return sums
        return np.asarray(expit(sums) if self.task == "binary" else softmax(sums, axis=1))

    def _summed(self, matrix: Matrix, threads: int) -> Array:
        """The sum of all trees, some at a time, so that they stay in the processor's cache while
        the rows pass through them: the same but for the last bits, in half of the time."""
        block = max(1, _CACHED_TREES // self.booster.num_model_per_iteration())
        total: Any = 0.0
        for start in range(0, self.rounds, block):
            total = total + self.booster.predict(
                matrix,
                start_iteration=start,
                num_iteration=min(block, self.rounds - start),
                num_threads=threads,
                raw_score=True,
            )
        return np.asarray(total)

    def _datasets(
        self, data: Fitting, how: Circumstances
    ) -> tuple[lgb.Dataset, lgb.Dataset | None]:
        """The rows to learn from and those that judge, binned."""
        train = binned_rows(data, how)
        return train, _judging(data, train, how)

    @property
    def size_bytes(self) -> int:
        """Of the text, compressed: about 25 bytes a leaf."""
        trees = self.rounds * self.booster.num_model_per_iteration()
        return int(25 * trees * self.leaves)

    @property
    def row_price(self) -> float:
        """A step for each level of each tree."""
        return self.rounds * self.booster.num_model_per_iteration() * _tree_price(self.depth)

    def usage(self) -> Array:
        """The gain of all splits on each feature."""
        return np.asarray(self.booster.feature_importance("gain", iteration=self.rounds))

    def settled(self, fitted: Sequence[Estimator], growth: float) -> Params:
        """The mean of the folds' best rounds, grown with the rows, and no judging."""
        rounds = [f.rounds for f in fitted if isinstance(f, Boosting)]
        kept = {k: v for k, v in self.params.items() if k not in self._OWN}
        return {**kept, "rounds": max(1, round(float(np.mean(rounds)) * growth))}

    def _settings(self, data: Fitting, how: Circumstances) -> Params:
        settings = {
            **FROZEN,
            "objective": self.task,
            **{k: v for k, v in self.params.items() if k not in self._OWN},
            "bagging_freq": 1,
            "num_threads": team(how.threads, len(data.y)),
            "seed": how.seed,
            "deterministic": True,
            "force_col_wise": True,
        }
        if self.task == "multiclass":
            settings["num_class"] = data.outputs
        return settings

    def __getstate__(self) -> Params:
        """The booster as LightGBM's own text, cut at the best round: small, and portable."""
        state = dict(self.__dict__)
        state["booster"] = self.booster.model_to_string(num_iteration=self.rounds)
        return state

    def __setstate__(self, state: Params) -> None:
        # A model of a version before has no depth.
        self.__dict__.update({"depth": _usual_depth(state["leaves"]), **state})
        self.booster = lgb.Booster(model_str=state["booster"])


def round_price(shape: Shape, params: Params) -> float:
    """Planned seconds of one round by one thread: a fit to measurements on a 2.5 GHz core,
    within 20 % of them from 2,000 to 200,000 rows and from 9 to 100 columns.

    Each leaf costs a pass over the histograms, each row a place in them at every level.
    """
    share = params.get("feature_fraction", 1.0)
    rows = shape.rows * params.get("bagging_fraction", 1.0)
    trees = shape.outputs if shape.outputs > 2 else 1
    leaves = params["num_leaves"]
    histograms = leaves * (5.5e-6 + share * (2.3e-6 * shape.bins + 4.2e-8 * shape.tree))
    places = rows * np.log2(leaves + 1) / 5 * (3.3e-8 + 3.7e-9 * share * shape.tree)
    return float(trees * (histograms + places) + 5e-5)


def round_row_price(shape: Shape, leaves: float) -> float:
    """Planned seconds of one thread that the trees of one round take for a row."""
    trees = shape.outputs if shape.outputs > 2 else 1
    return trees * _tree_price(_usual_depth(leaves))


def _usual_depth(leaves: float) -> float:
    return float(np.log2(leaves + 1))


def _tree_price(depth: float) -> float:
    """Planned seconds of one thread that a tree takes for a row among many, which passes so many
    levels: at each the processor guesses in vain every other time. A fit to measurements."""
    return 8e-9 * (depth + 0.6)


def _mean_size(booster: lgb.Booster, rounds: int) -> tuple[float, float]:
    """Leaves of a tree and levels that a row passes in it, the means over some rounds: where little
    is left to learn, trees stay far smaller than they may be."""
    some = np.unique(np.linspace(0, rounds - 1, _SAMPLED).astype(int))
    texts = [booster.model_to_string(num_iteration=1, start_iteration=int(k)) for k in some]
    leaves, depths = [], []
    for tree in "".join(texts).split("\nTree=")[1:]:
        lines = dict(_LINE.findall(tree))
        leaves.append(int(lines["num_leaves"]))
        depths.append(_mean_depth(lines) if leaves[-1] > 1 else 0.0)
    return float(np.mean(leaves)), float(np.mean(depths))


def _mean_depth(lines: dict[str, str]) -> float:
    """Levels that the rows of a tree passed when it was made. A child's number is higher than its
    parent's; a leaf's is −1 − its place."""
    left, right, rows = (
        np.array(lines[name].split(), dtype=np.int64)
        for name in ("left_child", "right_child", "leaf_count")
    )
    inner, leaf = np.zeros(left.size), np.zeros(rows.size)
    for node in range(left.size):
        for child in (left[node], right[node]):
            if child >= 0:
                inner[child] = inner[node] + 1
            else:
                leaf[-1 - child] = inner[node] + 1
    return float(np.average(leaf, weights=rows))


class _Stop:
    """Stops boosting: early by the judging rows, or when time is out.

    The patience grows with the best round (by 30 %), since late improvements are rarer.
    """

    before_iteration = False
    order = 30

    def __init__(self, how: Circumstances, patience: int | None) -> None:
        self._how = how
        self._patience = patience
        self._best = np.inf
        self.best_round: int | None = None
        self.timed_out = False

    def __call__(self, env: Any) -> None:
        done = env.iteration + 1
        if self._patience and env.evaluation_result_list:
            loss = env.evaluation_result_list[0][2]
            if loss < self._best:
                self._best, self.best_round = loss, done
            elif done - (self.best_round or 0) > max(
                self._patience, 0.3 * (self.best_round or 0) + 20
            ):
                self._end(env)
        if done % 5 == 0 and self._how.expired():
            self.timed_out = True
            self._end(env)

    def _end(self, env: Any) -> None:
        raise lgb.callback.EarlyStopException(env.iteration, env.evaluation_result_list)


def binned_rows(data: Fitting, how: Circumstances) -> lgb.Dataset:
    """The rows to learn from, binned once for all configurations."""
    if "train" not in data.kept:
        data.kept["train"] = lgb.Dataset(
            data.view("tree"),
            data.y,
            weight=data.weights,
            categorical_feature=data.space.categorical,
            params={**FROZEN, "num_threads": how.threads, "force_col_wise": True},
        ).construct()
    binned: lgb.Dataset = data.kept["train"]
    return binned


def _judging(data: Fitting, train: lgb.Dataset, how: Circumstances) -> lgb.Dataset | None:
    matrix = data.valid_view("tree")
    if matrix is None:
        return None
    if "valid" not in data.kept:
        data.kept["valid"] = lgb.Dataset(
            matrix,
            data.valid_y,
            weight=data.valid_weights,
            reference=train,
            categorical_feature=data.space.categorical,
            params={**FROZEN, "num_threads": how.threads},
        ).construct()
    binned: lgb.Dataset = data.kept["valid"]
    return binned
