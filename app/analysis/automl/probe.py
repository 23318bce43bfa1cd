"""How fast this machine boosts: a few rounds before the first booster is planned.

Plans are made in counted work, at the pace of the machine that prices were measured on. One
that is much slower, or busy, would stop a plan made for that pace in the middle of a fit.
"""

from __future__ import annotations

import time
from dataclasses import replace

from joblib import Parallel, delayed

from app.analysis.automl.estimators.base import Estimator, Shape
from app.analysis.automl.estimators.boosting import round_price
from app.analysis.automl.material import Material
from app.analysis.automl.portfolio import Entry

PROBE_S = 0.15
"""Planned seconds of a trial."""
FEWEST_ROUNDS, MOST_ROUNDS = 3, 300
WORTH_S = 1.0
"""Boosters that are planned to take less than this together are not worth a trial."""


def probe(entry: Entry, shape: Shape, material: Material) -> None:
    """Boost a few rounds of ``entry`` on each lane, and note the pace in the budget."""
    rounds = PROBE_S / round_price(shape, entry.params)
    params = {**entry.params, "rounds": int(min(MOST_ROUNDS, max(FEWEST_ROUNDS, rounds)))}
    trial = replace(entry, params=params)
    lanes = range(material.lanes)
    encoded = [material.fold(k, entry.target)[0] for k in lanes]

    def fit(k: int, trial: Entry) -> Estimator:
        estimator = trial.make(material.task)
        estimator.fit(encoded[k], material.circumstances(k))
        return estimator

    for k in lanes:  # rows are binned by whoever is first
        fit(k, replace(trial, params={**params, "rounds": 1}))
    began = time.perf_counter()
    made: list[Estimator] = Parallel(n_jobs=material.lanes, prefer="threads")(
        delayed(fit)(k, trial) for k in lanes
    )
    took = time.perf_counter() - began
    works = [estimator.work for estimator in made]
    material.budget.probed = max(1.0, took / max(material.planned(works), 1e-9))
    material.charge(works)
