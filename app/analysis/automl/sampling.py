"""More rows than there is time for: the model learns from some of them, and says so.

Where not even one booster could be fitted to its end on all rows, a model of some of them is the
better one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from app.analysis.automl.estimators.base import Shape
from app.analysis.automl.estimators.boosting import round_price
from app.analysis.automl.options import RunOptions
from app.analysis.automl.split import in_shares
from app.analysis.automl.target import Target
from app.analysis.schema import Column

Rows = npt.NDArray[np.intp]

FIT_SHARE = 1 / 8
"""Of the budget, what fitting one plain booster on one part may take, as planned for two cores."""
BOOSTER = {"num_leaves": 50}
ROUNDS = {False: 150, True: 60}
"""Rounds of that booster, for two classes and numbers, and for more classes, whose rounds have
as many trees."""
TEXT_FEATURES = 30
"""What a column of texts counts for."""
LEAST_ROWS, USUAL_ROWS = 20_000, 60_000
"""Rows that are taken in any case, and those for which a second affords a thousand: networks and
forests, which learn from no more than that, do without boosters where those are too slow."""
OF_EACH_CLASS = 30
"""Rows of a rare class that are kept, if it has as many."""


def affordable_rows(inputs: Sequence[Column], outputs: int, seconds: float, cores: int) -> int:
    """How many rows can be learned from in ``seconds`` of budget; at least :data:`LEAST_ROWS`, and
    up to :data:`USUAL_ROWS` a thousand a second."""
    features = sum(TEXT_FEATURES if column.type == "text" else 1 for column in inputs)
    rounds = ROUNDS[outputs > 2]

    def price(rows: int) -> float:
        return rounds * round_price(Shape(rows, features, 0, outputs, features), BOOSTER)

    # More than two cores join in one fit: t of them are as fast as t^0.7.
    allowed = FIT_SHARE * seconds * max(1.0, cores / 2) ** 0.7
    a_row = (price(USUAL_ROWS) - price(0)) / USUAL_ROWS
    least = max(LEAST_ROWS, min(USUAL_ROWS, int(1_000 * seconds)))
    return max(least, int((allowed - price(0)) / a_row))


def sampled_rows(
    target: Target, inputs: Sequence[Column], options: RunOptions, cores: int
) -> tuple[Rows, str] | None:
    """The positions of the rows to learn from, in order, and a sentence on it; ``None`` for all.

    They are drawn with each class in its share, of rare ones as many as are needed to learn them.
    """
    rows = target.values.size
    outputs = max(1, len(target.labels))
    most = affordable_rows(inputs, outputs, float(options.time_budget_s), cores)
    if rows <= most:
        return None
    rng = np.random.default_rng(options.seed)
    if target.task == "regression":
        drawn = rng.permutation(rows)[:most]
    else:
        line = in_shares(target.values, rng)
        rare = [
            line[target.values[line] == label][:OF_EACH_CLASS]
            for label in np.flatnonzero(
                np.bincount(target.values[line[:most]], minlength=outputs) < OF_EACH_CLASS
            )
        ]
        drawn = np.unique(np.concatenate([line[:most], *rare]))
    told = (
        f"Learned from {drawn.size:,} of {rows:,} rows, drawn at random (seed {options.seed}): "
        f"{options.time_budget_s:g} s have no room for more; a longer budget learns from more."
    )
    return np.sort(drawn), told
