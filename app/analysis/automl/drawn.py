"""Configurations beyond the portfolio, drawn from search spaces: boosters and networks in turn."""

from __future__ import annotations

import numpy as np

from app.analysis.automl.estimators.base import Params
from app.analysis.automl.portfolio import Entry

NETWORK_ROWS = 60_000
"""Rows up to which networks are drawn, as the portfolio's."""


def drawn(number: int, seed: int) -> Entry:
    """The configuration ``number`` beyond the portfolio.

    The same seed draws the same ones, so that a longer budget tries what a shorter one did, and
    more.
    """
    rng = np.random.default_rng([seed, number])
    if number % 2:
        name, params = f"Neural network, drawn {number + 1}", _network(rng)
        return Entry(name, "network", params, max_rows=NETWORK_ROWS, drawn=True)
    return Entry(f"LightGBM, drawn {number + 1}", "boosting", _booster(rng), drawn=True)


def _booster(rng: np.random.Generator) -> Params:
    """Of the search space of TabArena (Erickson et al. 2025)."""
    return {
        "learning_rate": _spread(rng, 0.01, 0.06),
        "num_leaves": int(_spread(rng, 4, 128)),
        "min_data_in_leaf": int(_spread(rng, 1, 48)),
        "feature_fraction": float(rng.uniform(0.4, 1.0)),
        "bagging_fraction": float(rng.uniform(0.7, 1.0)),
        "lambda_l1": float(rng.uniform(0, 1)),
        "lambda_l2": float(rng.uniform(0, 2)),
        "extra_trees": bool(rng.integers(0, 2)),
        "cat_smooth": _spread(rng, 1e-3, 100),
        "cat_l2": _spread(rng, 5e-3, 2),
        "max_cat_to_onehot": int(rng.integers(8, 40)),
    }


def _network(rng: np.random.Generator) -> Params:
    """Narrow and wide, flat and deep; some lose many units, some pass over few rows often."""
    width = int(rng.choice([64, 96, 128, 192, 256]))
    return {
        "hidden": [width] * int(rng.integers(1, 4)),
        "lr": _spread(rng, 0.02, 0.15),
        "dropout": float(rng.uniform(0, 0.4)),
        "decay": _spread(rng, 0.005, 0.3),
        "steps": _spread(rng, 500, 2_500),
    }


def _spread(rng: np.random.Generator, low: float, high: float) -> float:
    """Log-uniform: as likely to double as to halve."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
