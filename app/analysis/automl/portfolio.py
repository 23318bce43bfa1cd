"""The portfolio: which configurations are tried, in order of worth. Data, not code.

The entries stand in ``portfolio.json`` beside this module. Their values come from published
work: tuned defaults (Holzmüller et al. 2024) and portfolios learned on TabArena and TabRepo.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

from app.analysis.automl.estimators.base import Estimator, Params, Shape
from app.analysis.automl.estimators.baseline import Baseline
from app.analysis.automl.estimators.boosted_linear import BoostedLinear
from app.analysis.automl.estimators.boosting import MAX_ROUNDS, Boosting, round_row_price
from app.analysis.automl.estimators.linear import Logistic, Ridge
from app.analysis.automl.estimators.linear_leaves import LinearLeaves
from app.analysis.automl.estimators.mlp import Network
from app.analysis.automl.estimators.trees import Forest, SmallTree
from app.analysis.automl.tasks import Task

KINDS: dict[str, type[Estimator]] = {
    "baseline": Baseline,
    "ridge": Ridge,
    "logistic": Logistic,
    "tree": SmallTree,
    "forest": Forest,
    "boosting": Boosting,
    "boosted linear": BoostedLinear,
    "linear leaves": LinearLeaves,
    "network": Network,
}

LEARNING_RATES = (1.0, 1.5, 2.25, 3.5, 5.0, 7.5, 10.0, 14.0, 20.0)
"""Factors by which an entry's learning rate may be raised, to answer or to fit in time."""
FAST = 0.12
"""The highest rate for the sake of quick answers …"""
FASTEST = 0.3
"""… and where a table is so long that otherwise there would be no booster at all."""
LEAST_ROUNDS = 50

MOST_ROW_S = 60e-6
"""Planned seconds of one thread that the final model may take a row, among many rows: 40 µs on
two threads, with what reading them takes."""
MOST_BYTES = 40_000_000
"""Of the final model's estimators, so that a bundle stays under 50 MB."""
_WANTED = 0.4
"""… of which one booster should take this share, to leave room for others beside it."""
_GROWTH = 1.5
"""About by how much more rounds the final fit, on all rows, needs than a fold's."""

LEAST_COLUMNS = 8
"""A tree is given at least so many columns to choose from, where there are as many."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One configuration. ``target`` ``log`` fits the logarithm of a skewed target; ``drawn`` says
    that it is none of the portfolio's."""

    name: str
    kind: str
    params: Params
    tasks: tuple[Task, ...] = ()
    target: str = "plain"
    max_rows: int | None = None
    raised: float = field(default=1.0)
    drawn: bool = False

    @property
    def estimator(self) -> type[Estimator]:
        """The class that fits it."""
        return KINDS[self.kind]

    @property
    def boosts(self) -> bool:
        """Whether it is a booster, whose pace can be chosen."""
        return issubclass(self.estimator, Boosting)

    def make(self, task: Task) -> Estimator:
        """An unfitted estimator."""
        return self.estimator(task, dict(self.params))


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides which entries apply: task, rows to train on, features of the tree view,
    whether the target is skewed enough for its logarithm to be tried; ``metric`` by name."""

    task: Task
    rows: int
    columns: int
    skewed: bool
    metric: str


def load_portfolio() -> list[Entry]:
    """All entries, in order."""
    text = resources.files("app.analysis.automl").joinpath("portfolio.json").read_text("utf-8")
    return [Entry(**{**raw, "tasks": tuple(raw.get("tasks", ()))}) for raw in json.loads(text)]


def applicable(entries: list[Entry], facts: Facts) -> tuple[list[Entry], list[str]]:
    """The entries for a table, ready to fit, and why others of its task were left out."""
    chosen, skipped = [], []
    for entry in entries:
        if entry.tasks and facts.task not in entry.tasks:
            continue
        if entry.target == "log" and not facts.skewed:
            continue
        if entry.max_rows is not None and facts.rows > entry.max_rows:
            skipped.append(f"{entry.name} was skipped: too slow beyond {entry.max_rows:,} rows.")
            continue
        chosen.append(_fitted_to(entry, facts))
    return chosen, skipped


def _fitted_to(entry: Entry, facts: Facts) -> Entry:
    params: dict[str, Any] = dict(entry.params)
    if entry.kind == "baseline":
        params["median"] = facts.metric == "mae"
    # Leaves that are linear cannot follow absolute errors.
    straight = entry.kind != "linear leaves" and entry.target == "plain"
    if entry.boosts and facts.metric == "mae" and straight:
        params["objective"] = "regression_l1"
    if entry.boosts:
        # Few rows bear fewer than the usual 40 in a leaf.
        least = params["min_data_in_leaf"]
        params["min_data_in_leaf"] = max(1, min(least, facts.rows // 20))
        # Of few columns a small share would often hold none worth a split.
        share = params.get("feature_fraction", 1.0)
        params["feature_fraction"] = max(share, min(1.0, LEAST_COLUMNS / max(1, facts.columns)))
        # … and a random cut in each of a few columns seldom meets a good one.
        params["extra_trees"] = params.get("extra_trees", False) and facts.columns > 12
    return replace(entry, params=params)


def within(entry: Entry, shape: Shape, seconds: float, steps: float = 15) -> Entry | None:
    """The entry in its finest variant whose fit is planned to take at most ``seconds``.

    A booster may raise its learning rate, and so need fewer rounds, of which it is expected
    to need ``steps`` / rate: until the time is kept, and a row's prediction is quick enough to
    leave room for others in an ensemble. Of others their own ``variants`` are tried. ``None`` when
    nothing fits into the time.
    """
    if not entry.boosts:
        for params in entry.estimator.variants(shape, entry.params):
            if entry.estimator.estimate(shape, params) <= seconds:
                return replace(entry, params=params)
        return None
    timely: list[tuple[float, Params]] = []
    for factor in LEARNING_RATES:
        rate = entry.params["learning_rate"] * factor
        if factor > 1 and (rate > FASTEST or (timely and rate > FAST)):
            break
        params = {**entry.params, **pace(rate, shape, entry.params["num_leaves"]), "steps": steps}
        if entry.estimator.estimate(shape, params) <= seconds:
            timely.append((factor, params))
    if not timely:
        return None
    quick = [
        (factor, params)
        for factor, params in timely
        if steps / params["learning_rate"] * _GROWTH * round_row_price(shape, params["num_leaves"])
        <= _WANTED * MOST_ROW_S
    ]
    factor, params = quick[0] if quick else timely[-1]
    return replace(entry, params=params, raised=factor)


def pace(rate: float, shape: Shape, leaves: int) -> Params:
    """Learning rate, patience and most rounds of a booster: slower steps need more of both.

    There are never more rounds than a prediction has time for.
    """
    patience = min(300.0, 5 / rate) * min(1.0, max(0.1, 20_000 / max(shape.rows, 1)))
    affordable = MOST_ROW_S / (_GROWTH * round_row_price(shape, leaves))
    most = min(MAX_ROUNDS, int(120 / rate), int(affordable))
    return {
        "learning_rate": rate,
        "patience": max(20, round(patience)),
        "max_rounds": max(LEAST_ROUNDS, most),
    }
